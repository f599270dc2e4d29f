"""Uploads by signed URL and by signed form: what the server lets through, and what it refuses."""

from __future__ import annotations

import base64
import json
import urllib.error
import urllib.request
from datetime import datetime, timedelta, timezone
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.session import Session
from django.core.exceptions import ImproperlyConfigured, SuspiciousFileOperation

from s3store import errors
from s3store.core import headers
from s3store.core.parameters import OBJECT_PARAMETERS, Parameters
from s3store.links.uploads import MAX_UPLOAD_SIZE
from s3store.storage import S3Storage
from s3store.testing.counting import counted_requests
from tests.clock import standing_at
from tests.faults.proxy import FaultProxy

KEYS = {"bucket_name": "some-bucket", "access_key": "key", "secret_key": "secret", "region_name": "eu-central-1"}


def send(upload, body, *, headers=None, fields=None, method=None):
    """Send a file as the upload says, or otherwise; return the status and the body of the answer."""
    if upload.method == "POST":
        data, content_type = form_of(upload.fields if fields is None else fields, body)
        wanted = {"Content-Type": content_type}
    else:
        data, wanted = body, upload.headers
    if headers is not None:
        wanted = headers
    request = urllib.request.Request(upload.url, data=data, headers=wanted, method=method or upload.method)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def form_of(fields, body):
    boundary = "s3store-boundary"
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    ]
    end = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n'
    text = "".join(parts) + end
    return text.encode() + body + f"\r\n--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


# PUT


def test_a_put_creates_the_file_as_save_would(seaweedfs_options):
    """With the type of its name and the storage's own headers; making it sends nothing."""
    storage = S3Storage(**seaweedfs_options, object_parameters={"CacheControl": "max-age=5", "Metadata": {"Kind": "x"}})
    with counted_requests(storage) as sent:
        upload = storage.upload_url("ü b.png")
    assert sent == []
    assert send(upload, b"content")[0] == 200
    stat = storage.stat("ü b.png")
    assert (stat.content_type, stat.cache_control, stat.metadata) == ("image/png", "max-age=5", {"kind": "x"})
    assert storage.read_bytes("ü b.png") == b"content"
    assert abs((upload.expires_at - datetime.now(timezone.utc)).total_seconds() - 600) < 10


def test_sp_16_a_put_replaces_nothing_unless_it_may(seaweedfs_options):
    """The server refuses the second of two; with `overwrite` it does not."""
    storage = S3Storage(**seaweedfs_options)
    upload = storage.upload_url("a.txt")
    assert upload.headers["If-None-Match"] == "*"
    assert [send(upload, body)[0] for body in (b"first", b"second")] == [200, 412]
    without = {name: value for name, value in upload.headers.items() if name != "If-None-Match"}
    assert send(upload, b"third", headers=without)[0] == 403
    assert storage.read_bytes("a.txt") == b"first"
    assert send(storage.upload_url("a.txt", overwrite=True), b"fourth")[0] == 200
    assert storage.read_bytes("a.txt") == b"fourth"
    overwriting = S3Storage(**seaweedfs_options, file_overwrite=True)
    assert "If-None-Match" not in overwriting.upload_url("a.txt").headers


@pytest.mark.parametrize(
    "change",
    [{"Content-Type": "text/html"}, {"x-amz-acl": "public-read"}, {"x-amz-meta-owner": "other"}],
    ids=str,
)
def test_sp_08_sp_11_sp_13_a_put_takes_no_other_headers(seaweedfs_options, change):
    """Another type, an ACL and metadata of the sender's own are refused."""
    storage = S3Storage(**seaweedfs_options)
    upload = storage.upload_url("a.png")
    assert send(upload, b"content", headers={**upload.headers, **change})[0] == 403
    assert not storage.exists("a.png")


# header, what a sender writes into it, the attribute of `stat` that shows it
STANDARD = [
    ("Cache-Control", "max-age=9", "cache_control"),
    ("Content-Disposition", "inline", "content_disposition"),
    ("Content-Encoding", "gzip", "content_encoding"),
    ("Content-Language", "de", "content_language"),
    ("Expires", "Wed, 02 Jan 2030 03:04:05 GMT", "expires"),
]


@pytest.mark.parametrize(("header", "value", "attribute"), STANDARD, ids=[row[0] for row in STANDARD])
def test_sp_13_a_put_leaves_standard_headers_to_its_sender(seaweedfs_options, header, value, attribute):
    """What is no `x-amz-` header and was not signed is stored; what the storage gives itself is signed."""
    storage = S3Storage(**seaweedfs_options)
    upload = storage.upload_url("a.png")
    assert header not in upload.headers
    assert send(upload, b"content", headers={**upload.headers, header: value})[0] == 200
    assert getattr(storage.stat("a.png"), attribute) == value
    parameter = header.replace("-", "")
    ours = "Thu, 03 Jan 2030 03:04:05 GMT" if header == "Expires" else "x"
    firm = S3Storage(**seaweedfs_options, object_parameters={parameter: ours}).upload_url("b.png")
    assert send(firm, b"content", headers={**firm.headers, header: value})[0] == 403
    assert not storage.exists("b.png")


def test_sp_07_a_put_of_a_known_size_takes_that_size(seaweedfs_options):
    """One byte less or more does not match the signature."""
    storage = S3Storage(**seaweedfs_options)
    upload = storage.upload_url("a.txt", size=7)
    assert "Content-Length" not in upload.headers
    assert [send(upload, body)[0] for body in (b"short", b"too long", b"content")] == [403, 403, 200]


def test_an_upload_ends(seaweedfs_options):
    """SP-15: after its time the server refuses it, in both forms."""
    storage = S3Storage(**seaweedfs_options)
    with standing_at(datetime.now().timestamp() - 100):
        put, post = storage.upload_url("a.txt", expire=99), storage.upload_post("b.txt", max_size=10, expire=99)
    assert send(put, b"x")[0] == 403
    assert send(post, b"x")[0] == 403


# POST


def test_a_post_creates_the_file_as_save_would(seaweedfs_options):
    """Type, headers and metadata are the form's; the answer is 201 with XML."""
    storage = S3Storage(**seaweedfs_options, object_parameters={"CacheControl": "max-age=5", "Metadata": {"Kind": "x"}})
    with counted_requests(storage) as sent:
        upload = storage.upload_post("ü b.png", min_size=1, max_size=10)
    assert sent == []
    status, answer = send(upload, b"content")
    assert (status, b"<PostResponse" in answer) == (201, True)
    stat = storage.stat("ü b.png")
    assert (stat.content_type, stat.cache_control, stat.metadata) == ("image/png", "max-age=5", {"kind": "x"})


@pytest.mark.parametrize(
    ("size", "status", "said"),
    [(0, 400, b"EntityTooSmall"), (1, 201, b""), (10, 201, b""), (11, 400, b"EntityTooLarge")],
)
def test_sp_07_a_post_has_bounds_of_size(seaweedfs_options, size, status, said):
    """Both of them are in, and the server keeps to them."""
    storage = S3Storage(**seaweedfs_options)
    answered, body = send(storage.upload_post("a.bin", min_size=1, max_size=10), b"x" * size)
    assert answered == status
    assert said in body
    assert storage.exists("a.bin") is (status == 201)


@pytest.mark.parametrize(
    "change",
    [
        {"key": "other.png"},
        {"key": "${filename}"},
        {"Content-Type": "text/html"},
        {"Content-Type": None},
        {"success_action_status": "200"},
        {"x-amz-meta-owner": "other"},
        {"x-amz-storage-class": "GLACIER"},
        {"x-amz-website-redirect-location": "https://evil.example"},
        {"x-amz-server-side-encryption": "AES256"},
    ],
    ids=str,
)
def test_sp_05_to_sp_13_a_post_takes_no_other_fields(seaweedfs_options, change):
    """The key, the type, the status and everything that S3 would store are the signer's."""
    storage = S3Storage(**seaweedfs_options)
    upload = storage.upload_post("a.png", max_size=10)
    fields = {name: value for name, value in {**upload.fields, **change}.items() if value is not None}
    assert send(upload, b"content", fields=fields)[0] in (400, 403)
    assert list(storage.scan()) == []


@pytest.mark.parametrize(
    ("field", "value", "attribute"), [row for row in STANDARD if row[0] != "Expires"], ids=lambda text: text
)
def test_sp_13_seaweedfs_stores_fields_that_no_policy_names(seaweedfs_options, field, value, attribute):
    """Its gap, and not S3's: AWS refuses every field that the policy does not name ("POST policy")."""
    storage = S3Storage(**seaweedfs_options)
    upload = storage.upload_post("a.png", max_size=10)
    assert send(upload, b"content", fields={**upload.fields, field: value})[0] == 201
    assert getattr(storage.stat("a.png"), attribute) == value


TAGS = "<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>"


@pytest.mark.parametrize(("field", "value"), [("acl", "public-read"), ("tagging", TAGS)], ids=["acl", "tagging"])
def test_sp_11_sp_13_seaweedfs_passes_over_an_acl_and_tags(seaweedfs_options, field, value):
    """Its gap, again: the form is accepted, though object ACLs mean nothing there."""
    storage = S3Storage(**seaweedfs_options)
    upload = storage.upload_post("a.png", max_size=10)
    assert send(upload, b"content", fields={**upload.fields, field: value})[0] == 201


def test_sp_12_seaweedfs_redirects_where_the_sender_says(seaweedfs_options):
    """Its gap, again: the policy names the status and no redirect, and the sender's browser goes there."""
    storage = S3Storage(**seaweedfs_options)
    upload = storage.upload_post("a.png", max_size=10)
    with FaultProxy(seaweedfs_options["endpoint_url"]) as elsewhere:
        send(upload, b"content", fields={**upload.fields, "success_action_redirect": f"{elsewhere.url}/elsewhere"})
        assert elsewhere.requests("GET", "^/elsewhere")


@pytest.mark.parametrize(
    "name", ["policy", "x-amz-signature", "x-amz-date", "x-amz-credential", "x-amz-algorithm", "key"]
)
@pytest.mark.parametrize("missing", [False, True], ids=["changed", "missing"])
def test_sp_18_no_part_of_a_form_can_be_changed(seaweedfs_options, name, missing):
    """A changed or a missing field is refused by a server that checks signatures."""
    storage = S3Storage(**seaweedfs_options)
    upload = storage.upload_post("a.png", max_size=10)
    fields = dict(upload.fields)
    value = fields.pop(name)
    if not missing:
        middle = len(value) // 2
        fields[name] = value[:middle] + ("A" if value[middle] != "A" else "B") + value[middle + 1 :]
    assert send(upload, b"content", fields=fields)[0] in (400, 403)
    assert list(storage.scan()) == []


def test_sp_06_sp_12_the_policy_names_everything():
    """The exact key and status, no redirect, both bounds, and every field but the signature itself."""
    upload = S3Storage(**KEYS, location="media", default_acl="private").upload_post("a.png", max_size=10)
    document = json.loads(base64.b64decode(upload.fields["policy"]))
    conditions = document["conditions"]
    assert {"key": "media/a.png"} in conditions
    assert {"success_action_status": "201"} in conditions
    assert {"acl": "private"} in conditions
    assert ["content-length-range", 0, 10] in conditions
    named = {name for one in conditions if isinstance(one, dict) for name in one} - {"bucket"}
    assert named == set(upload.fields) - {"policy", "x-amz-signature"}
    assert not [one for one in conditions if isinstance(one, list) and one[0] == "starts-with"]


@pytest.mark.parametrize(
    ("options", "post", "put"),
    [
        (
            {},
            "https://some-bucket.s3.eu-central-1.amazonaws.com/",
            "https://some-bucket.s3.eu-central-1.amazonaws.com/a.txt",
        ),
        ({"endpoint_url": "http://minio:9000"}, "http://minio:9000/some-bucket", "http://minio:9000/some-bucket/a.txt"),
        (
            {"endpoint_url": "http://minio:9000", "public_endpoint_url": "https://files.example.com"},
            "https://files.example.com/some-bucket",
            "https://files.example.com/some-bucket/a.txt",
        ),
        (
            {"custom_domain": "cdn.example.com"},
            "https://some-bucket.s3.eu-central-1.amazonaws.com/",
            "https://some-bucket.s3.eu-central-1.amazonaws.com/a.txt",
        ),
    ],
    ids=["AWS", "elsewhere", "public endpoint", "custom domain"],
)
def test_uploads_go_where_the_bucket_takes_them(options, post, put):
    """To the public endpoint where there is one, and never to a CDN."""
    storage = S3Storage(**KEYS, **options)
    assert storage.upload_post("a.txt", max_size=1).url == post
    assert storage.upload_url("a.txt").url.partition("?")[0] == put


def test_uploads_through_the_public_endpoint(seaweedfs_options):
    """The server checks the signature for the host that the browser named."""
    with FaultProxy(seaweedfs_options["endpoint_url"]) as outside:
        storage = S3Storage(**seaweedfs_options, public_endpoint_url=outside.url)
        assert send(storage.upload_url("a.txt"), b"content")[0] == 200
        assert send(storage.upload_post("b.txt", max_size=10), b"content")[0] == 201


def test_temporary_credentials_sign_uploads():
    """The token is part of what is signed."""
    storage = S3Storage(**KEYS, security_token="the-token")
    assert storage.upload_post("a.txt", max_size=1).fields["x-amz-security-token"] == "the-token"
    assert parse_qs(urlsplit(storage.upload_url("a.txt").url).query)["X-Amz-Security-Token"] == ["the-token"]


@pytest.mark.parametrize(
    ("options", "method", "words", "error", "said"),
    [
        ({}, "upload_url", {"expire": 0}, ValueError, "second"),
        ({}, "upload_url", {"expire": timedelta(days=8)}, ValueError, "7 days"),
        ({}, "upload_url", {"expire": "60"}, TypeError, "timedelta"),
        ({}, "upload_url", {"size": -1}, ValueError, "size is -1"),
        ({}, "upload_url", {"size": True}, TypeError, "bytes"),
        ({}, "upload_url", {"size": MAX_UPLOAD_SIZE + 1}, ValueError, "5 GiB"),
        ({}, "upload_url", {"content_type": "a\r\nb"}, ValueError, "control character"),
        ({"conditional_writes": False}, "upload_url", {}, ImproperlyConfigured, "overwrite=True"),
        (
            {"anonymous": True, "access_key": None, "secret_key": None},
            "upload_url",
            {},
            errors.NoCredentialsError,
            "anon",
        ),
        ({"custom_domain": "cdn.example.com", "bucket_name": ""}, "upload_url", {}, ImproperlyConfigured, "no bucket"),
        ({}, "upload_post", {"max_size": 1.5}, TypeError, "bytes"),
        ({}, "upload_post", {"max_size": 10**99}, ValueError, "5 GiB"),
        ({}, "upload_post", {"max_size": "12"}, TypeError, "bytes"),
        ({}, "upload_post", {"max_size": 1, "min_size": 2}, ValueError, "more than max_size"),
        ({}, "upload_post", {"max_size": 1, "expire": -1}, ValueError, "second"),
        ({"object_parameters": {"Tagging": "a=b"}}, "upload_post", {"max_size": 1}, ValueError, "Tagging"),
    ],
    ids=str,
)
def test_what_cannot_be_signed_is_an_error(options, method, words, error, said):
    """Said before anything is signed, with what to do."""
    storage = S3Storage(**{**KEYS, **options})
    with pytest.raises(error, match=said):
        getattr(storage, method)("a.txt", **words)


def test_names_are_guarded():
    """As for every other verb; and S3's own placeholder is no part of a form's key."""
    storage = S3Storage(**KEYS)
    for name in ("../a", "/a", ""):
        with pytest.raises(SuspiciousFileOperation):
            storage.upload_url(name)
        with pytest.raises(SuspiciousFileOperation):
            storage.upload_post(name, max_size=1)
    with pytest.raises(ValueError, match="filename"):
        storage.upload_post("a/${filename}", max_size=1)
    named = S3Storage(**KEYS, object_parameters={"ContentDisposition": "attachment; filename=${filename}"})
    with pytest.raises(ValueError, match="Content-Disposition"):
        named.upload_post("a", max_size=1)


def test_an_upload_shows_no_signature():
    """Not in what a log would print of it."""
    storage = S3Storage(**KEYS, security_token="the-token")
    for upload in (storage.upload_url("a.txt"), storage.upload_post("a.txt", max_size=1)):
        assert "the-token" not in repr(upload)
        assert "X-Amz-Signature" not in repr(upload)
        assert "x-amz-signature" not in repr(upload)


def test_the_customers_key_stays_here():
    """SSE-C: whoever uploads would have to know the key."""
    secret = Parameters(SSECustomerAlgorithm="AES256", SSECustomerKey="hidden")
    for make in (headers.headers_of, headers.form_fields_of):
        with pytest.raises(ValueError, match="encryption key") as caught:
            make(secret)
        assert "hidden" not in str(caught.value)


def test_every_object_parameter_has_its_header():
    """As boto3 would send it: booleans, dates and metadata included."""
    given = {
        "ACL": "private",
        "BucketKeyEnabled": True,
        "ChecksumAlgorithm": "CRC32",
        "Expires": datetime(2030, 1, 2, 3, 4, 5, tzinfo=timezone.utc),
        "Metadata": {"A": "b"},
        "ObjectLockRetainUntilDate": datetime(2030, 1, 2, 3, 4, 5, tzinfo=timezone.utc),
        "RequestPayer": "requester",
    }
    assert headers.headers_of(given) == {
        "x-amz-acl": "private",
        "x-amz-server-side-encryption-bucket-key-enabled": "true",
        "Expires": "Wed, 02 Jan 2030 03:04:05 GMT",
        "x-amz-meta-a": "b",
        "x-amz-object-lock-retain-until-date": "2030-01-02T03:04:05Z",
        "x-amz-request-payer": "requester",
    }
    assert headers.form_fields_of({"ACL": "private", "StorageClass": "STANDARD_IA"}) == {
        "acl": "private",
        "x-amz-storage-class": "STANDARD_IA",
    }


def test_every_header_is_the_one_that_botocore_sends():
    """botocore's model of PutObject names the header of each parameter."""
    members = Session().get_service_model("s3").operation_model("PutObject").input_shape.members
    # A form has its own name for the ACL, and has no field for the others.
    not_in_forms = {"ExpectedBucketOwner", "RequestPayer", "Tagging"}
    names = OBJECT_PARAMETERS - {"ChecksumAlgorithm", "Metadata"}
    names = {name for name in names if not name.startswith("SSECustomer")}
    for name in names:
        header = members[name].serialization["name"]
        ((sent, value),) = headers.headers_of({name: "x"}).items()
        assert (sent.lower(), value) == (header.lower(), "x")
        if name not in not_in_forms:
            field = "acl" if name == "ACL" else header
            assert [field.lower()] == [sent.lower() for sent in headers.form_fields_of({name: "x"})]
        else:
            with pytest.raises(ValueError, match=name):
                headers.form_fields_of({name: "x"})
            assert headers.form_fields_of({name: None, "ACL": "private"})["acl"] == "private"


def test_a_form_can_take_exactly_one_size():
    """`min_size` and `max_size` may be equal."""
    upload = S3Storage(**KEYS).upload_post("a.txt", min_size=5, max_size=5)
    policy = json.loads(base64.b64decode(upload.fields["policy"]))
    assert ["content-length-range", 5, 5] in policy["conditions"]


def test_an_upload_lives_for_ten_minutes_or_as_long_as_it_says():
    """`expires_at` is the moment until which S3 takes the upload, and is what is signed."""
    now = 1_700_000_000
    storage = S3Storage(**KEYS)
    for arguments, seconds in (({}, 600), ({"expire": 60}, 60), ({"expire": timedelta(hours=1)}, 3600)):
        until = datetime.fromtimestamp(now + seconds, timezone.utc)
        with standing_at(now + 0.5):
            put = storage.upload_url("a.txt", **arguments)
            post = storage.upload_post("a.txt", max_size=1, **arguments)
        assert put.expires_at == post.expires_at == until
        assert parse_qs(urlsplit(put.url).query)["X-Amz-Expires"] == [str(seconds)]
        policy = json.loads(base64.b64decode(post.fields["policy"]))
        assert policy["expiration"] == until.strftime("%Y-%m-%dT%H:%M:%SZ")
