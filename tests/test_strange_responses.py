"""Responses that are not S3's, or that lack something: always one of our errors, and nothing is lost silently."""

import re
import ssl

import pytest
from django.core.files.base import ContentFile

from s3store import errors
from s3store.storage import S3StaticStorage, S3Storage
from s3store.testing.counting import counted_requests
from s3store.testing.fixtures import options_for
from s3store.wire import bucket as buckets
from tests.faults.proxy import FaultProxy

LOGIN = (200, {"Content-Type": "text/html"}, b"<html><form>Log in to the network</form></html>")

VERBS = {
    "save": lambda storage: storage.save("a.txt", b"x"),
    "write": lambda storage: _write(storage),
    "large": lambda storage: storage.save("a.txt", ContentFile(b"in parts")),
    "open": lambda storage: storage.open("a.txt").read(),
    "exists": lambda storage: storage.exists("a.txt"),
    "size": lambda storage: storage.size("a.txt"),
    "listdir": lambda storage: storage.listdir(""),
    "copy": lambda storage: storage.copy("a.txt", "b.txt", overwrite=True),
    "set_metadata": lambda storage: storage.set_metadata("a.txt", {"a": "b"}),
    "delete": lambda storage: storage.delete("a.txt"),
    "delete_many": lambda storage: storage.delete_many(["a.txt"]),
    "delete_tree": lambda storage: storage.delete_tree("dir"),
    "get_acl": lambda storage: storage.get_acl("a.txt"),
    "set_acl": lambda storage: storage.set_acl("a.txt", "private"),
}


def _write(storage):
    with storage.open("a.txt", "wb") as file:
        file.write(b"x")


@pytest.fixture
def server(moto):
    """Make a storage behind a proxy that answers what the test says."""
    proxies = []

    def make(respond, kind=S3Storage, **options):
        proxy = FaultProxy(moto.endpoint_url, respond=respond)
        proxies.append(proxy)
        proxy.__enter__()
        # A content of more than one byte is sent in parts.
        parts = {"transfer_config": {"multipart_threshold": 1}}
        storage = kind(**{**options_for(moto), "endpoint_url": proxy.url, "max_attempts": 2, **parts, **options})
        storage.proxy = proxy
        return storage

    yield make
    for proxy in proxies:
        proxy.__exit__(None, None, None)


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("status", [200, 404])
def test_a_page_of_html_is_no_answer_of_s3(server, verb, status):
    """A captive portal or another server responds to everything: no verb succeeds, and none finds a file missing."""
    storage = server(lambda *_: (status, *LOGIN[1:]))
    with pytest.raises(errors.InvalidResponseError, match="endpoint_url"):
        VERBS[verb](storage)


@pytest.mark.parametrize("verb", ["save", "write", "large"])
def test_a_write_without_an_etag_is_an_error(server, verb):
    """Nothing says that anything was stored."""
    storage = server(lambda *_: (200, {}, b""), file_overwrite=True)
    with pytest.raises(errors.InvalidResponseError):
        VERBS[verb](storage)


def test_a_fast_put_without_an_etag_is_an_error(server):
    """collectstatic's own request, too."""
    from s3store.files.fast_put import FastUpload

    storage = server(lambda *_: (200, {}, b""), S3StaticStorage)
    objects = storage.objects
    upload = FastUpload(objects.bucket, objects.options)
    with pytest.raises(errors.InvalidResponseError, match="ETag"):
        upload.put("a.css", b"x", {"ContentType": "text/css"}, create=False)


ANSWERS = {
    "HEAD": (200, {"Content-Length": "3", "ETag": '"e"', "Last-Modified": "Wed, 21 Oct 2015 07:28:00 GMT"}, b""),
    "GET": (200, {"Content-Length": "3", "ETag": '"e"', "Last-Modified": "Wed, 21 Oct 2015 07:28:00 GMT"}, b"abc"),
}
LISTING = b"""<?xml version="1.0"?><ListBucketResult><Name>b</Name><Prefix></Prefix><KeyCount>1</KeyCount>
<IsTruncated>false</IsTruncated><Contents><Key>a.txt</Key><Size>3</Size><LastModified>2026-01-01T00:00:00Z</LastModified>
<ETag>"e"</ETag></Contents><CommonPrefixes><Prefix>dir/</Prefix></CommonPrefixes></ListBucketResult>"""
COPIED = b"""<CopyObjectResult><ETag>"e"</ETag><LastModified>2026-01-01T00:00:00Z</LastModified></CopyObjectResult>"""
STARTED = b"<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>"
COMPLETED = b'<CompleteMultipartUploadResult><ETag>"e-1"</ETag></CompleteMultipartUploadResult>'
DELETED = b"<DeleteResult><Error><Key>a.txt</Key><Code>AccessDenied</Code><Message>m</Message></Error></DeleteResult>"
ACL = b"""<AccessControlPolicy><AccessControlList>
<Grant><Grantee><ID>i</ID></Grantee><Permission>READ</Permission></Grant>
</AccessControlList></AccessControlPolicy>"""


def honest(method, target, headers):
    """Answer as S3 does for one file, a.txt."""
    xml = {"Content-Type": "application/xml"}
    if "list-type=2" in target:
        return 200, xml, LISTING
    if "?acl" in target:
        return 200, xml, ACL
    if "?delete" in target:
        return 200, xml, DELETED
    if "?uploads" in target:
        return 200, xml, STARTED
    if method == "POST":
        return 200, xml, COMPLETED
    if method == "PUT":
        return (200, xml, COPIED) if "x-amz-copy-source" in headers else (200, {"ETag": '"e"'}, b"")
    return ANSWERS.get(method, (204, {}, b""))


def injuries():
    """Yield (name, function of an answer): each takes one thing away, or makes it wrong."""
    for header in ("Content-Length", "ETag", "Last-Modified", "Content-Type"):
        yield (
            f"no {header}",
            lambda status, headers, body, header=header: (
                status,
                {name: value for name, value in headers.items() if name != header},
                body,
            ),
        )
    for header, value in (
        ("Last-Modified", "yesterday"),
        ("Content-Range", "bytes nonsense"),
        ("Content-Range", "bytes 7-9/10"),
        ("ETag", ""),
    ):
        yield (
            f"{header}: {value}",
            lambda status, headers, body, header=header, value=value: (
                status,
                {**headers, header: value},
                body,
            ),
        )
    for element in (
        "Key",
        "Size",
        "ETag",
        "LastModified",
        "Prefix",
        "UploadId",
        "Grantee",
        "Permission",
        "Code",
        "Message",
    ):
        gone = re.compile(f"<{element}>.*?</{element}>".encode(), re.DOTALL)
        empty, odd = f"<{element}/>".encode(), f"<{element}>../..</{element}>".encode()
        for name, text in (("no", b""), ("empty", empty), ("odd", odd)):
            yield (
                f"{name} {element}",
                lambda status, headers, body, gone=gone, text=text: (
                    status,
                    headers,
                    gone.sub(text, body),
                ),
            )
    yield "cut XML", lambda status, headers, body: (status, headers, body[: len(body) // 2])
    yield "no body", lambda status, headers, body: (status, headers, b"")


INJURIES = dict(injuries())


@pytest.mark.parametrize("injury", INJURIES)
def test_a_response_that_lacks_something_is_our_error_or_harmless(server, injury):
    """All verbs, one thing wrong at a time: never KeyError or ValueError, and no name outside the storage."""
    hurt = INJURIES[injury]
    storage = server(lambda *request: hurt(*honest(*request)), max_attempts=1, read_timeout=0.3)
    for verb, call in VERBS.items():
        try:
            result = call(storage)
        except (errors.S3StoreError, FileNotFoundError):
            continue
        if verb == "listdir":
            assert all(".." not in name for names in result for name in names)


def test_a_listing_that_goes_in_circles_ends(server):
    """Two tokens in turn."""
    turns = iter(range(1000))

    def respond(method, target, headers):
        token = f"<NextContinuationToken>t{next(turns) % 2}</NextContinuationToken>".encode()
        more = LISTING.replace(b"<IsTruncated>false</IsTruncated>", b"<IsTruncated>true</IsTruncated>" + token)
        return 200, {"Content-Type": "application/xml"}, more

    with pytest.raises(errors.InvalidResponseError, match="no end"):
        list(server(respond).scan())


def test_a_key_that_only_the_server_names_is_not_deleted(server):
    """A batch that is sent again contains nothing but what was asked for."""
    body = DELETED.replace(b"AccessDenied", b"SlowDown").replace(b"a.txt", b"precious.txt")
    storage = server(lambda *_: (200, {"Content-Type": "application/xml"}, body))
    with pytest.raises(errors.InvalidResponseError, match="precious"):
        storage.delete_many(["a.txt"])
    assert len(storage.proxy.requests("POST")) == 1


def test_directories_outside_what_was_asked_for_are_left_out(server):
    """A prefix that does not start with the directory is no directory in it."""
    storage = server(lambda *request: honest(*request), location="media")
    assert storage.listdir("") == ([], [])


@pytest.mark.parametrize("message", ["<Message/>", ""])
def test_an_error_with_an_empty_message(server, message):
    """Ceph's: each is still the right error."""

    def respond(method, target, headers):
        body = f"<Error><Code>NoSuchKey</Code>{message}<RequestId/></Error>".encode()
        return 404, {"Content-Type": "application/xml"}, body

    with pytest.raises(FileNotFoundError, match="NoSuchKey"):
        server(respond).open("a.txt")


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("InvalidObjectState", "archived"),
        ("EntityTooLarge", "multipart_threshold"),
        ("QuotaExceeded", "quota"),
        ("MethodNotAllowed", "endpoint_url"),
        ("KMS.DisabledException", "Enable it"),
        ("InvalidToken", "AWS_SESSION_TOKEN"),
    ],
)
def test_a_code_that_says_more_has_its_own_advice(server, code, words):
    """What to do depends on it."""
    body = f"<Error><Code>{code}</Code><Message>m</Message></Error>".encode()
    storage = server(lambda *_: (400, {"Content-Type": "application/xml"}, body))
    with pytest.raises(errors.S3StoreError, match=words):
        storage.save("a.txt", b"x")


@pytest.mark.parametrize("status", [301, 400])
def test_the_region_that_s3_names_is_in_the_message(server, status):
    """Also for a HEAD, whose response has no body."""
    storage = server(lambda *_: (status, {"x-amz-bucket-region": "eu-west-3"}, b""))
    with pytest.raises(errors.WrongRegionError, match="eu-west-3"):
        storage.size("a.txt")


def test_a_missing_source_is_what_a_copy_names(s3_storage):
    """And not the target, which does not exist either."""
    for verb in (s3_storage.copy, s3_storage.move):
        with pytest.raises(FileNotFoundError, match=r"missing\.txt") as caught:
            verb("missing.txt", "target.txt")
        assert "target.txt" not in str(caught.value)


def test_a_taken_name_names_the_right_option(s3_storage):
    """`file_overwrite` would not help with mode `x` and `copy`."""
    s3_storage.save("a.txt", b"x")
    with pytest.raises(FileExistsError, match="mode 'w'") as caught:
        s3_storage.open("a.txt", "xb")
    assert "file_overwrite" not in str(caught.value)
    with pytest.raises(FileExistsError, match="overwrite=True") as caught:
        s3_storage.copy("a.txt", "a.txt")
    assert "file_overwrite" not in str(caught.value)


def test_an_untrusted_certificate_is_tried_once(moto, certificates):
    """No further attempt can mend it, and the message names the option."""
    context, bundle = certificates
    with FaultProxy(moto.endpoint_url, tls=context) as proxy:
        storage = S3Storage(**{**options_for(moto), "endpoint_url": proxy.url})
        with pytest.raises(errors.S3ConnectionError, match="AWS_S3_VERIFY") as caught:
            storage.exists("a.txt")
        assert caught.value.attempts == 1
        assert S3Storage(**{**options_for(moto), "endpoint_url": proxy.url, "verify": bundle}).exists("a.txt") is False
    assert isinstance(context, ssl.SSLContext)


@pytest.mark.parametrize(
    "call", [lambda one: one.save("a", b"1"), lambda one: one.exists("a"), lambda one: one.listdir("")]
)
def test_plain_http_at_a_port_for_tls(moto, certificates, call):
    """The error says which part of the URL to change."""
    with FaultProxy(moto.endpoint_url, tls=certificates[0]) as proxy:
        url = proxy.url.replace("https://", "http://")
        storage = S3Storage(**{**options_for(moto), "endpoint_url": url}, max_attempts=1)
        with pytest.raises(errors.S3ConnectionError, match="must start with https://"):
            call(storage)


@pytest.mark.parametrize(
    "call", [lambda one: one.save("a", b"1"), lambda one: one.exists("a"), lambda one: one.listdir("")]
)
def test_a_400_without_headers_of_s3(server, call):
    """Servers in Go respond so to plain HTTP at a port for TLS."""
    body = b"Client sent an HTTP request to an HTTPS server.\n"
    with pytest.raises(errors.InvalidResponseError, match="must start with https://"):
        call(server(lambda *_: (400, {}, body)))


def test_https_at_an_http_port(moto):
    """The message says which scheme to write."""
    storage = S3Storage(**{**options_for(moto), "endpoint_url": moto.endpoint_url.replace("http:", "https:")})
    with pytest.raises(errors.S3ConnectionError, match="must start with http://"):
        storage.exists("a.txt")


def test_a_missing_profile_says_where_profiles_are():
    """Not which keys to set."""
    with pytest.raises(errors.NoCredentialsError, match="AWS_S3_SESSION_PROFILE"):
        S3Storage(bucket_name="b", session_profile="nobody").exists("a.txt")
    with pytest.raises(errors.NoCredentialsError, match="AWS_S3_SESSION_PROFILE"):
        S3Storage(bucket_name="b", session_profile="nobody").connection  # noqa: B018 (creates it)


def test_a_missing_upload_is_no_missing_source(server):
    """A part is copied into an upload that was aborted: the source is there."""
    body = b"<Error><Code>NoSuchUpload</Code><Message>m</Message></Error>"
    bucket = server(lambda *_: (404, {"Content-Type": "application/xml"}, body)).objects.bucket
    with pytest.raises(errors.ObjectNotFoundError, match="target") as caught:
        bucket.copy_part("source", "target", "u", 1, {}, first=0, last=1, etag='"e"')
    assert "source" not in str(caught.value)


# Conditions


def test_a_server_that_ignores_conditions_is_found_out(server, caplog, monkeypatch):
    """A save that succeeds over a name that exists says so; from then on names are checked first."""
    storage = server(None, transfer_config=None)
    real = storage.proxy
    stripped = []

    def send(request, **_):
        if "If-None-Match" in request.headers:
            stripped.append(1)
            del request.headers["If-None-Match"]

    storage.client.meta.events.register_first("before-send.s3", send)
    storage.save("taken.txt", b"first")
    assert storage.exists("taken.txt")
    assert storage.save("taken.txt", b"second") == "taken.txt"
    assert "ignores If-None-Match" in caplog.text
    with counted_requests(storage) as sent:
        assert storage.save("taken.txt", b"third") != "taken.txt"
    assert [request.method for request in sent][:1] == ["HEAD"]
    assert storage.read_bytes("taken.txt") == b"second"
    assert stripped
    assert real.requests("PUT")
    buckets._IGNORE_CONDITIONS.discard(storage.client)


def test_a_name_that_became_free_is_no_reason_to_doubt(s3_storage, caplog):
    """Another process may have deleted the object that a moment ago existed."""
    s3_storage.save("a.txt", b"x")
    s3_storage.exists("a.txt")
    s3_storage.client.delete_object(Bucket=s3_storage.bucket_name, Key=f"{s3_storage.options.location}/a.txt")
    assert s3_storage.save("a.txt", b"y") == "a.txt"
    assert s3_storage.objects.bucket.refuses_existing
    assert "ignores" not in caplog.text


def test_a_file_is_saved_although_the_doubt_is_not_resolved(server):
    """The second request is a question about the server, and its failure is no failure of `save`."""
    sent = []

    def respond(method, target, headers):
        if method == "PUT":
            sent.append(target)
        busy = b"<Error><Code>SlowDown</Code><Message>m</Message></Error>"
        return (503, {"Content-Type": "application/xml"}, busy) if len(sent) > 1 else honest(method, target, headers)

    storage = server(respond, transfer_config=None, max_attempts=1)
    assert storage.exists("a.txt")
    assert storage.save("a.txt", b"x") == "a.txt"
    assert len(sent) == 2
    assert storage.objects.bucket.refuses_existing


def test_batches_carry_the_old_checksum_alone(server):
    """Other servers do not know boto3's newer header."""
    storage = server(None)
    storage.delete_many(["a.txt"])
    (sent,) = storage.proxy.requests("POST")
    assert "content-md5" in sent.request_headers
    assert "x-amz-sdk-checksum-algorithm" not in sent.request_headers


# Time


@pytest.mark.parametrize("seconds", [0.2, 1.0])
def test_a_busy_server_does_not_hold_a_call_longer_than_its_limit(server, seconds):
    """`total_timeout` ends the attempts, however many are left."""
    import time

    body = b"<Error><Code>SlowDown</Code><Message>m</Message></Error>"
    busy = server(lambda *_: (503, {"Content-Type": "application/xml"}, body), max_attempts=10_000)
    storage = S3Storage(**{**busy._given, "total_timeout": seconds})
    began = time.monotonic()
    with pytest.raises(errors.ServerError):
        storage.exists("a.txt")
    assert time.monotonic() - began >= seconds
    assert len(busy.proxy.requests("HEAD")) < 10_000


# Metadata


@pytest.mark.parametrize("name", ["s3store-size", "S3Store-Write", "s3store-digest"])
def test_metadata_of_our_own_names_is_refused(s3_storage, name):
    """On every verb: such a number would be taken for the size."""
    s3_storage.save("a.txt", b"x")
    for call in (
        lambda: s3_storage.save("b.txt", b"x", metadata={name: "1"}),
        lambda: s3_storage.set_metadata("a.txt", {name: "1"}),
    ):
        with pytest.raises(ValueError, match="s3store uses"):
            call()
    parameters = {"Metadata": {name: "1"}}
    with pytest.raises(Exception, match="s3store uses"):
        S3Storage(**{**s3_storage._given, "object_parameters": parameters}).save("b.txt", b"x")
    changing = S3Storage(**{**s3_storage._given, "object_parameters": lambda _: parameters})
    for call in (
        lambda: changing.upload_url("c.txt", overwrite=True),
        lambda: changing.upload_post("c.txt", max_size=1),
    ):
        with pytest.raises(Exception, match="s3store uses"):
            call()
