"""Servers that lie, break off or send bombs, and secrets that must not show when something fails."""

import contextlib
import io
import logging
import sys

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import RequestFactory
from django.views.debug import ExceptionReporter

from s3store import errors
from s3store.storage import S3Storage
from tests.faults.proxy import FaultProxy

SECRET = "very-secret-value-of-a-key"
TOKEN = "very-secret-session-token"
PAGE = """<?xml version="1.0"?><ListBucketResult><Name>b</Name><IsTruncated>{more}</IsTruncated>{token}{keys}
</ListBucketResult>"""
ENTRY = "<Contents><Key>{key}</Key><Size>1</Size><LastModified>2026-01-01T00:00:00Z</LastModified></Contents>"


@pytest.fixture
def hostile(moto):
    """Make a storage whose server answers with what the test says."""
    with contextlib.ExitStack() as stack:

        def make(respond, **options):
            proxy = stack.enter_context(FaultProxy(moto.endpoint_url, respond=respond))
            storage = S3Storage(
                bucket_name="some-bucket",
                endpoint_url=proxy.url,
                access_key="key",
                secret_key=SECRET,
                security_token=TOKEN,
                region_name="us-east-1",
                max_attempts=2,
                **options,
            )
            storage.proxy = proxy
            return storage

        yield make


def xml(status, body):
    return status, {"Content-Type": "application/xml"}, body.encode()


def error(status, code):
    return xml(status, f"<Error><Code>{code}</Code><Message>m</Message><RequestId>R1</RequestId></Error>")


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (403, "AccessDenied", PermissionError),
        (403, "InvalidAccessKeyId", errors.InvalidCredentialsError),
        (403, "SignatureDoesNotMatch", errors.InvalidCredentialsError),
        (400, "ExpiredToken", errors.ExpiredCredentialsError),
        (403, "RequestTimeTooSkewed", errors.ClockSkewError),
        (404, "NoSuchBucket", errors.BucketNotFoundError),
        (500, "InternalError", errors.ServerError),
        (503, "SlowDown", errors.ServerError),
        (400, "AuthorizationHeaderMalformed", errors.WrongRegionError),
        (501, "NotImplemented", errors.InvalidRequestError),
        (400, "NeverHeardOf", errors.InvalidRequestError),
    ],
)
def test_every_refusal_is_an_oserror_that_says_what_to_do(hostile, status, code, kind):
    """The class is the built-in one, the message has operation, key, bucket, code and advice."""
    storage = hostile(lambda *_: error(status, code))
    with pytest.raises(kind) as caught:
        storage.save("a.txt", b"x")
    found = caught.value
    assert isinstance(found, OSError)
    assert (found.operation, found.bucket, found.code) == ("put_object", "some-bucket", code)
    assert "put_object" in str(found)
    assert found.advice in str(found)


@pytest.mark.parametrize("status", [400, 403, 500, 503])
@pytest.mark.parametrize("name", ["a.txt", "dir/"])
def test_rl_05_exists_never_answers_false_when_it_does_not_know(hostile, status, name):
    """403, 500 and the like raise; False would overwrite or double a file."""
    storage = hostile(lambda *_: (status, {}, b""))
    with pytest.raises(OSError):
        storage.exists(name)


def test_a_missing_bucket_is_not_a_missing_file(s3_options):
    """Every verb says that the bucket is missing."""
    storage = S3Storage(**{**s3_options, "bucket_name": "no-such-bucket-here"})
    for verb in (
        lambda: storage.exists("a.txt"),
        lambda: storage.size("a.txt"),
        lambda: storage.open("a.txt"),
        lambda: storage.save("a.txt", b"x"),
        lambda: storage.listdir(""),
    ):
        with pytest.raises(errors.BucketNotFoundError, match="AWS_STORAGE_BUCKET_NAME") as caught:
            verb()
        assert not isinstance(caught.value, FileNotFoundError)


def test_an_acl_on_a_bucket_without_acls_says_what_to_do(hostile):
    """As AWS answers on every new bucket."""

    def respond(method, target, headers):
        names = {name.lower() for name in headers} if isinstance(headers, dict) else {n.lower() for n, _ in headers}
        return error(400, "AccessControlListNotSupported") if "x-amz-acl" in names else None

    storage = hostile(respond, default_acl="public-read")
    for verb in (lambda: storage.save("a.txt", b"x"), lambda: storage.set_acl("a.txt", "private")):
        with pytest.raises(errors.AclNotSupportedError, match="bucket policy"):
            verb()


def test_sx_01_an_entity_bomb_in_a_listing(hostile):
    """Nested entities are refused at once."""
    entities = '<!ENTITY a "aaaaaaaaaa">' + "".join(
        f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9)
    )
    bomb = f"<?xml version='1.0'?><!DOCTYPE x [{entities}]><ListBucketResult><Name>&j;</Name></ListBucketResult>"
    with pytest.raises(OSError):
        hostile(lambda *_: xml(200, bomb)).listdir("")


def test_sx_02_an_external_entity(hostile, tmp_path):
    """No file of this machine is read into a listing."""
    secret = tmp_path / "secret"
    secret.write_text("leaked")
    page = (
        f'<!DOCTYPE x [<!ENTITY e SYSTEM "{secret.as_uri()}">]>'
        "<ListBucketResult><Contents><Key>&e;</Key><Size>1</Size></Contents></ListBucketResult>"
    )
    try:
        found = hostile(lambda *_: xml(200, page)).listdir("")
    except OSError:
        found = ([], [])
    assert "leaked" not in str(found)


def test_sx_03_keys_outside_the_prefix_are_ignored(hostile):
    """A listing that brings other keys than asked for shows none of them."""
    page = PAGE.format(more="false", token="", keys=ENTRY.format(key="elsewhere/x") + ENTRY.format(key="mine/x"))
    storage = hostile(lambda *_: xml(200, page), location="mine")
    assert storage.listdir("") == ([], ["x"])
    assert [stat.name for stat in storage.scan()] == ["x"]


@pytest.mark.parametrize("token", ["", "<NextContinuationToken>same</NextContinuationToken>"])
def test_sx_03_a_listing_without_end_is_an_error(hostile, token):
    """The same token again, or none where there should be one, ends the loop."""
    page = PAGE.format(more="true", token=token, keys=ENTRY.format(key="x"))
    storage = hostile(lambda *_: xml(200, page))
    with pytest.raises(errors.InvalidResponseError, match="no end"):
        list(storage.scan())
    assert len(storage.proxy.log) <= 2


def test_sx_05_a_header_bomb(hostile):
    """10,000 metadata headers are an error of ours."""
    headers = {f"x-amz-meta-{number}": "x" for number in range(10_000)}
    with pytest.raises(OSError):
        hostile(lambda *_: (200, headers, b"x")).stat("a.txt")


def test_sx_06_redirects_elsewhere_are_not_followed(hostile):
    """A 301 or 307 to another host is an error, and that host is never asked."""
    with FaultProxy("http://127.0.0.1:9") as elsewhere:
        for status in (301, 307):
            storage = hostile(lambda *_, status=status: (status, {"Location": elsewhere.url + "/x"}, b""))
            with pytest.raises(OSError):
                storage.read_bytes("a.txt")
            assert len(storage.proxy.log) < 10
        assert elsewhere.connections == 0


def test_sx_07_a_body_longer_than_announced_is_cut(hostile):
    """What comes after Content-Length is no part of the file."""
    storage = hostile(lambda *_: (200, {"ETag": '"x"'}, b"right"))
    assert storage.read_bytes("a.txt") == b"right"


def test_sx_08_compressed_objects_of_others_are_bytes(hostile):
    """A storage that does not compress hands out what is stored."""
    storage = hostile(lambda *_: (200, {"Content-Encoding": "gzip", "ETag": '"x"'}, b"\x1f\x8bgarbage"))
    assert storage.read_bytes("a.css") == b"\x1f\x8bgarbage"


def test_a_range_that_was_not_asked_for_is_refused(hostile):
    """A server that ignores ranges is found out; its bytes are never taken for others."""
    storage = hostile(lambda *_: (200, {"ETag": '"x"'}, bytes(300_000)))
    with storage.open("a.bin") as file:
        file.seek(-5, io.SEEK_END)
        with pytest.raises(errors.InvalidResponseError, match="asked for the bytes"):
            file.read(5)


def test_an_object_that_shrinks_is_noticed(hostile):
    """416 for a byte that was there means another version."""

    def respond(method, target, headers):
        if "range" in {name.lower() for name in dict(headers)}:
            return error(416, "InvalidRange")
        return 200, {}, bytes(300_000)

    with hostile(respond).open("a.bin") as file:
        file.seek(-5, io.SEEK_END)
        with pytest.raises(errors.ObjectChangedError):
            file.read(5)


def test_a_server_that_hides_the_date(hostile):
    """get_modified_time without Last-Modified is an error, not a wrong time."""
    storage = hostile(lambda *_: (200, {"ETag": '"x"', "Content-Length": "1"}, b""))
    with pytest.raises(errors.InvalidRequestError, match="did not return when"):
        storage.get_modified_time("a.txt")


def test_rl_03_a_batch_that_fails_in_part_is_reported_per_key(hostile, monkeypatch):
    """Busy keys are tried again; the rest is named; 1,000 names are one request."""
    monkeypatch.setattr("s3store.wire.backoff.time.sleep", lambda seconds: None)
    asked = []

    def respond(method, target, headers):
        asked.append(method)
        busy = "<Error><Key>busy</Key><Code>SlowDown</Code></Error>" if len(asked) < 3 else ""
        denied = "<Error><Key>denied</Key><Code>AccessDenied</Code><Message>no</Message></Error>" * (len(asked) == 1)
        gone = "<Error><Key>gone</Key><Code>NoSuchKey</Code></Error>" * (len(asked) == 1)
        return xml(200, f"<DeleteResult>{busy}{denied}{gone}</DeleteResult>")

    storage = hostile(respond)
    with pytest.raises(errors.BatchError, match="1 of 4 objects") as caught:
        storage.delete_many(["a", "busy", "denied", "gone"])
    assert [(failure.key, failure.code) for failure in caught.value.failures] == [("denied", "AccessDenied")]
    assert len(asked) == 3


def test_rl_04_a_server_that_answers_404_to_a_delete(hostile):
    """What is not there is deleted."""
    hostile(lambda *_: error(404, "NoSuchKey")).delete("a.txt")


def test_sn_10_a_key_that_xml_cannot_carry_is_deleted_by_itself(s3_options):
    """One such key does not fail a batch, nor is it left."""
    storage = S3Storage(**s3_options)
    key = f"{storage.location}/d/a\x01b"
    storage.client.put_object(Bucket=storage.bucket_name, Key=key, Body=b"x")
    assert storage.objects.bucket.delete_many([key], {}) == 1
    with pytest.raises(storage.client.exceptions.ClientError):
        storage.client.head_object(Bucket=storage.bucket_name, Key=key)


def test_rl_03_keys_that_stay_busy_are_reported(hostile, monkeypatch):
    """After four tries a busy key is a failure."""
    monkeypatch.setattr("s3store.wire.backoff.time.sleep", lambda seconds: None)
    page = "<DeleteResult><Error><Key>busy</Key><Code>SlowDown</Code></Error></DeleteResult>"
    storage = hostile(lambda *_: xml(200, page))
    with pytest.raises(errors.BatchError, match="SlowDown"):
        storage.delete_many(["busy"])
    assert len(storage.proxy.log) == 4


def test_rw_04_conflicts_of_conditional_writes_are_tried_again(hostile, monkeypatch):
    """409 ConditionalRequestConflict is no answer; after four of them it is an error."""
    monkeypatch.setattr("s3store.wire.backoff.time.sleep", lambda seconds: None)
    asked = []

    def respond(method, target, headers):
        asked.append(method)
        return error(409, "ConditionalRequestConflict") if len(asked) < 3 else (200, {"ETag": '"x"'}, b"")

    assert hostile(respond).save("a.txt", b"x") == "a.txt"
    assert asked == ["PUT"] * 3
    storage = hostile(lambda *_: error(409, "ConditionalRequestConflict"))
    with pytest.raises(errors.ConflictError):
        storage.save("a.txt", b"x")
    assert len(storage.proxy.log) == 4


def test_sc_12_the_expected_owner_is_sent_with_every_request(hostile):
    """expected_bucket_owner reaches all verbs."""
    seen = []

    def respond(method, target, headers):
        seen.append((method, target, {name.lower(): value for name, value in dict(headers).items()}))
        return

    storage = hostile(respond, expected_bucket_owner="123456789012")
    for verb in (
        lambda: storage.save("a.txt", b"x"),
        lambda: storage.save("b.bin", b"x" * (9 << 20)),
        lambda: storage.read_bytes("a.txt"),
        lambda: storage.stat("a.txt"),
        lambda: storage.listdir(""),
        lambda: storage.copy("a.txt", "c.txt"),
        lambda: storage.set_metadata("a.txt", {}),
        lambda: storage.delete("a.txt"),
        lambda: storage.delete_many(["a.txt"]),
        lambda: storage.get_acl("a.txt"),
        lambda: storage.set_acl("a.txt", "private"),
    ):
        with contextlib.suppress(OSError):
            verb()
    assert len(seen) > 10
    assert all(headers.get("x-amz-expected-bucket-owner") == "123456789012" for _, _, headers in seen)


def reports(action):
    """Return Django's error report of what `action` raises, as text and as HTML."""
    try:
        action()
    except Exception:
        reporter = ExceptionReporter(RequestFactory().get("/"), *sys.exc_info())
        return reporter.get_traceback_text() + reporter.get_traceback_html()
    pytest.fail("nothing was raised")


SSE_KEY = "0123456789abcdef-sse-customer-key"
# Not in a function, whose own variables would be in the report.
SSE = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": SSE_KEY}
KEYS = {"bucket_name": "some-bucket", "access_key": "key", "secret_key": SECRET, "security_token": TOKEN}


def test_sc_01_02_no_secret_in_error_reports_and_logs(hostile, settings, caplog):
    """Refused connections, refused requests, wrong options, broken bodies: no secret in mail, log, repr or message."""
    settings.DEBUG = False
    caplog.set_level(logging.INFO)
    caplog.set_level(logging.DEBUG, "s3store")
    dead = S3Storage(**KEYS, endpoint_url="http://127.0.0.1:9", max_attempts=1, object_parameters=SSE)
    denied = hostile(lambda *_: error(403, "AccessDenied"), object_parameters={**SSE, "CacheControl": "x"})
    actions = [
        lambda: dead.exists("a.txt"),
        lambda: dead.save("a.txt", b"x"),
        lambda: dead.open("a.txt"),
        lambda: dead.copy("a", "b"),
        lambda: list(dead.scan()),
        lambda: dead.url("a.txt", parameters={"Nonsense": "x"}),
        lambda: denied.save("a.txt", b"x"),
        lambda: denied.save("a.bin", b"x" * (9 << 20)),
        lambda: denied.set_metadata("a.txt", {"a": "b"}),
        lambda: S3Storage(**KEYS, bucket_nam="x"),
        lambda: S3Storage(**KEYS, location="/x"),
        lambda: S3Storage(**KEYS, session_profile="x"),
        lambda: S3Storage(bucket_name="b", secret_key=SECRET),
        lambda: S3Storage(**KEYS, querystring_expire=10**9).url("a"),
    ]
    for number, action in enumerate(actions):
        text = reports(action)
        for secret in (SECRET, TOKEN, SSE_KEY):
            assert secret not in text, number
    for secret in (SECRET, TOKEN, SSE_KEY):
        assert secret not in caplog.text


def test_sc_02_settings_with_half_a_pair(settings):
    """The error names the setting and not its value."""
    settings.AWS_S3_SECRET_ACCESS_KEY = SECRET
    settings.AWS_STORAGE_BUCKET_NAME = "b"
    with pytest.raises(ImproperlyConfigured, match="AWS_S3_SECRET_ACCESS_KEY") as caught:
        S3Storage().exists("a")
    assert SECRET not in str(caught.value)
    settings.DEBUG = False
    assert SECRET not in reports(lambda: S3Storage().exists("a"))
