"""The endpoint of the twin: uploads and downloads by signed requests, answered as S3 answers them."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
import zlib
from urllib.parse import parse_qsl, urlencode, urlsplit
from xml.etree import ElementTree

import django
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import AsyncClient, Client, RequestFactory

from s3store.links.links import Links
from s3store.local import FakeS3Storage, endpoint, storage
from tests.local.sending import Target, form_of, request, send

SECRET_TEXT = b"some secret text"


def snapshot(directory):
    """Return what is on disk, apart from the twin's own index."""
    return {path: path.stat().st_size for path in directory.rglob("*") if path.is_file() and "sqlite" not in path.name}


def presigned(storage, method, key, *, query=(), headers=None, expires=600, stamp=None):
    """Return a URL that the storage's signer signs, for requests that no method of the storage offers."""
    links = storage.objects.of(Links)
    credentials, _ = links.signing(expires, 0, now=0)
    now = int(endpoint.time.time()) if stamp is None else stamp
    return links.upload_endpoint.presign(
        method, key, credentials=credentials, stamp=now, expires=expires, query=query, headers=headers
    )


# Production and hosts


def test_sl_01_without_debug_there_is_no_endpoint(tmp_path, settings):
    """SL-01: with DEBUG=False, each request gets a 404, and the storage refuses to work."""
    settings.DEBUG = True
    storage = FakeS3Storage(tmp_path)
    name = storage.save("a.txt", SECRET_TEXT)
    url, upload = storage.url(name), storage.upload_post("b.txt", max_size=10)
    assert request("GET", url).status == 200
    settings.DEBUG = False
    for method in ("GET", "HEAD", "PUT", "POST", "OPTIONS", "DELETE"):
        assert request(method, url).status == 404
    assert send(upload, b"x").status == 404
    for call in (lambda: storage.save("c.txt", b"x"), lambda: storage.url("a.txt"), lambda: storage.exists("a.txt")):
        with pytest.raises(ImproperlyConfigured, match="DEBUG is False"):
            call()


def test_a_twin_without_directory_does_not_disturb_the_others(tmp_path, settings):
    """It cannot have files. Requests for those of another twin are answered."""
    settings.MEDIA_ROOT = ""
    broken = FakeS3Storage(allow_without_debug=True)
    storage = FakeS3Storage(tmp_path, allow_without_debug=True)
    assert request("GET", storage.url(storage.save("a.txt", b"a"))).status == 200
    with pytest.raises(ImproperlyConfigured, match="has no directory"):
        broken.save("a.txt", b"a")


def test_sl_01_other_hosts_are_not_served(twin, settings):
    """SL-01: a host that the project does not serve gets a 404, so that DNS rebinding finds nothing."""
    url = twin.url(twin.save("a.txt", SECRET_TEXT))
    settings.ALLOWED_HOSTS = []
    settings.DEBUG = True
    assert request("GET", url, HTTP_HOST="127.0.0.1:8000").status == 200
    assert request("GET", url, HTTP_HOST="evil.example").status == 404


def test_a_bucket_that_no_twin_has(twin):
    """The error says that the bucket does not exist."""
    twin.save("a.txt", b"x")
    answer = request("GET", "/media/s3/another/a.txt")
    assert answer.said == (404, "NoSuchBucket")
    root = ElementTree.fromstring(answer.body)
    assert [child.tag for child in root] == ["Code", "Message", "Resource", "RequestId"]
    assert root.findtext("Resource") == "/media/s3/another/a.txt"
    assert root.findtext("RequestId") == answer.headers["x-amz-request-id"]
    assert answer.headers["Content-Type"] == "application/xml"


def test_the_storages_of_the_project_are_found(tmp_path, settings):
    """Also those that nothing has used in this process, and whatever other storages there are."""
    settings.DEBUG = True
    settings.MEDIA_ROOT = tmp_path
    # Not as OPTIONS: Django 4.2 drops those of an overridden STORAGES.
    settings.AWS_STORAGE_BUCKET_NAME = "from-settings"
    url = FakeS3Storage().url(FakeS3Storage().save("a.txt", SECRET_TEXT))
    assert url.startswith("/media/s3/from-settings/a.txt?")
    paths = ["no.such.Module", "s3store.storage.S3MediaStorage", "tests.local.sending.form_of"]
    others = {path: {"BACKEND": path} for path in paths}
    settings.STORAGES = {**settings.STORAGES, **others, "nothing": {}}
    storage._living.clear()
    assert request("GET", url).status == 404
    settings.STORAGES = {**settings.STORAGES, "twin": {"BACKEND": "s3store.local.FakeS3Storage"}}
    assert request("GET", url).body == SECRET_TEXT


# Names


KEYS = {
    "parent": "../../x",
    "parent inside": "a/../../x",
    "absolute": "/abs",
    "nul": "a\0b",
    "dot": ".",
    "sibling": "../root-evil/x",
    "backslash": "..\\x",
    "double slash": "a//b",
    "index": "../.s3store/index.sqlite3",
}


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_sl_02_no_request_leaves_the_directory(tmp_path, key):
    """SL-02: keys that are not names are refused with 400, and nothing is written."""
    twin = FakeS3Storage(tmp_path / "below" / "root", allow_without_debug=True)
    twin.save("a.txt", b"x")
    before = snapshot(tmp_path)
    target = Target.of(twin)
    answer = target.post(target.form({"key": key}, [{"key": key}]))
    assert answer.said == (400, "InvalidArgument")
    for method in ("PUT", "GET"):
        answer = request(method, presigned(twin, method, key), b"")
        assert answer.status == 400
        assert answer.code == "InvalidArgument"
    assert snapshot(tmp_path) == before


def test_sl_02_long_and_empty_keys(twin, tmp_path):
    """SL-02: more than 1,024 bytes are refused, and so is no key at all."""
    twin.save("a.txt", b"x")
    before = snapshot(tmp_path)
    target = Target.of(twin)
    for key, code in (("x" * 5000, "KeyTooLongError"), ("é" * 513, "KeyTooLongError"), ("", "InvalidArgument")):
        answer = target.post(target.form({"key": key}, [["starts-with", "$key", ""]]))
        assert answer.said == (400, code)
    assert request("GET", "/media/s3/uploads/").said == (400, "InvalidArgument")
    assert snapshot(tmp_path) == before


def test_sl_02_symbolic_links_lead_nowhere(twin, tmp_path):
    """SL-02: a link in the directory that leads out of it is neither read nor written through."""
    outside = tmp_path / "outside"
    outside.mkdir()
    twin.save("inside/a.txt", b"x")
    folder = tmp_path / "s3" / "uploads" / "inside"
    folder.rename(outside / "moved")
    folder.symlink_to(outside / "moved")
    assert request("GET", twin.url("inside/a.txt")).said == (403, "AccessDenied")
    assert send(twin.upload_post("inside/b.txt", max_size=10), b"x").said == (403, "AccessDenied")
    assert len(list((outside / "moved").iterdir())) == 1


def test_a_bucket_name_of_dots_stays_in_the_directory(tmp_path):
    """The name of the bucket is part of a path, too."""
    storage = FakeS3Storage(tmp_path / "root", allow_without_debug=True, bucket_name="..")
    storage.save("a.txt", b"x")
    assert [path.name for path in tmp_path.iterdir()] == ["root"]
    assert [path.name for path in (tmp_path / "root").iterdir()] == ["s3"]


# Signatures


def altered(url, **changes):
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query)) | changes
    return f"{parts.path}?{urlencode({name: value for name, value in query.items() if value is not None})}"


SIGNING = {
    "no signature": ({"X-Amz-Signature": None}, 400, "AuthorizationQueryParametersError"),
    "wrong signature": ({"X-Amz-Signature": "0" * 64}, 403, "SignatureDoesNotMatch"),
    "not ASCII": ({"X-Amz-Signature": "é"}, 403, "SignatureDoesNotMatch"),
    "no date": ({"X-Amz-Date": None}, 400, "AuthorizationQueryParametersError"),
    "another date": ({"X-Amz-Date": "20260101T000000"}, 400, "AuthorizationQueryParametersError"),
    "impossible date": ({"X-Amz-Date": "20261301T000000Z"}, 400, "AuthorizationQueryParametersError"),
    "another algorithm": ({"X-Amz-Algorithm": "AWS4-HMAC-SHA1"}, 400, "AuthorizationQueryParametersError"),
    "longer": ({"X-Amz-Expires": "604800"}, 403, "SignatureDoesNotMatch"),
    "too long": ({"X-Amz-Expires": "604801"}, 400, "AuthorizationQueryParametersError"),
    "no number": ({"X-Amz-Expires": "-1"}, 400, "AuthorizationQueryParametersError"),
    "another key": ({"X-Amz-Credential": "nobody/20260101/us-east-1/s3/aws4_request"}, 403, "InvalidAccessKeyId"),
    "no scope": ({"X-Amz-Credential": "{key}"}, 400, "AuthorizationQueryParametersError"),
    "no host": ({"X-Amz-SignedHeaders": "content-type"}, 400, "AuthorizationQueryParametersError"),
    "another header": ({"X-Amz-SignedHeaders": "host;x-other"}, 403, "SignatureDoesNotMatch"),
    "a parameter more": ({"versionId": "1"}, 403, "SignatureDoesNotMatch"),
    "SL-05 type": ({"response-content-type": "text/html"}, 403, "SignatureDoesNotMatch"),
    "SL-05 disposition": ({"response-content-disposition": "inline"}, 403, "SignatureDoesNotMatch"),
}


@pytest.mark.parametrize("name", SIGNING)
def test_sl_03_sl_05_changed_urls_are_refused(twin, name):
    """SL-03, SL-05: everything in a URL is signed, the response headers too."""
    changes, status, code = SIGNING[name]
    url = twin.url(twin.save("a.txt", SECRET_TEXT))
    assert request("GET", url).body == SECRET_TEXT
    changes = {key: value and value.replace("{key}", twin.options.access_key) for key, value in changes.items()}
    answer = request("GET", altered(url, **changes))
    assert answer.said == (status, code)
    assert SECRET_TEXT not in answer.body


def test_sl_03_a_signature_is_for_one_method_and_key(twin):
    """SL-03: it works for nothing else, and repeated parameters are refused."""
    twin.save("b.txt", SECRET_TEXT)
    url = twin.url(twin.save("a.txt", b"x"))
    assert request("GET", url.replace("/a.txt", "/b.txt")).said == (403, "SignatureDoesNotMatch")
    assert request("PUT", url, b"new").said == (403, "SignatureDoesNotMatch")
    assert request("HEAD", url).status == 403
    assert request("GET", f"{url}&X-Amz-Expires=9").said == (400, "AuthorizationQueryParametersError")
    assert request("DELETE", url).said == (405, "MethodNotAllowed")
    assert twin.read_bytes("a.txt") == b"x"


def test_sl_03_unsigned_requests_are_refused(twin):
    """SL-03: reading and writing need a signature, and what does not exist looks the same."""
    twin.save("a.txt", SECRET_TEXT)
    assert request("GET", "/media/s3/uploads/a.txt").said == (403, "AccessDenied")
    assert request("GET", "/media/s3/uploads/missing.txt").said == (403, "AccessDenied")
    assert request("PUT", "/media/s3/uploads/a.txt", b"new").said == (403, "AccessDenied")
    assert Target.of(twin).post({"key": "a.txt"}).said == (403, "AccessDenied")
    assert twin.read_bytes("a.txt") == SECRET_TEXT


def test_sl_03_expired_requests_are_refused(twin, monkeypatch):
    """SL-03: URLs and forms end when they say, and a URL from the future is refused."""
    name = twin.save("a.txt", SECRET_TEXT)
    url, post, put = twin.url(name, expire=100), twin.upload_post("b.txt", max_size=9), twin.upload_url("c.txt")
    now = endpoint.time.time()
    for later in (601, -1801):
        monkeypatch.setattr(endpoint, "_now", lambda later=later: int(now + later))
        code = "AccessDenied" if later > 0 else "RequestTimeTooSkewed"
        assert request("GET", url).said == (403, code)
        assert send(put, b"x").said == (403, code)
    monkeypatch.setattr(endpoint, "_now", lambda: int(now + 601))
    answer = send(post, b"x")
    assert answer.said == (403, "AccessDenied")
    assert b"Policy expired" in answer.body
    assert twin.listdir("") == ([], ["a.txt"])


FORMS = {
    "algorithm": ({"x-amz-algorithm": "AWS4-HMAC-SHA1"}, 400, "InvalidArgument"),
    "date": ({"x-amz-date": "yesterday"}, 400, "InvalidArgument"),
    "another day": ({"x-amz-date": "20200101T000000Z"}, 400, "AuthorizationQueryParametersError"),
    "credential": ({"x-amz-credential": "nobody"}, 403, "InvalidAccessKeyId"),
    "signature": ({"x-amz-signature": "0" * 64}, 403, "SignatureDoesNotMatch"),
    "policy": ({"policy": base64.b64encode(b"{}").decode()}, 403, "SignatureDoesNotMatch"),
    "key": ({"key": "other.txt"}, 403, "AccessDenied"),
}


@pytest.mark.parametrize("name", FORMS)
def test_sl_03_changed_forms_are_refused(twin, name):
    """SL-03: each field is needed as it was signed."""
    changes, status, code = FORMS[name]
    upload = twin.upload_post("a.txt", max_size=10)
    assert send(upload, b"x", fields={**upload.fields, **changes}).said == (status, code)
    (field,) = changes
    without = {key: value for key, value in upload.fields.items() if key != field}
    assert send(upload, b"x", fields=without).status in (400, 403)
    assert twin.listdir("") == ([], [])


INJECTED = [
    ("acl", "public-read"),
    ("x-amz-acl", "public-read"),
    ("x-amz-grant-read", 'uri="http://acs.amazonaws.com/groups/global/AllUsers"'),
    ("x-amz-meta-owner", "me"),
    ("x-amz-storage-class", "GLACIER"),
    ("x-amz-website-redirect-location", "https://evil.example"),
    ("success_action_redirect", "https://evil.example"),
    ("redirect", "https://evil.example"),
    ("tagging", "<Tagging/>"),
    ("Content-Encoding", "gzip"),
    ("bucket", "other"),
]


@pytest.mark.parametrize(("name", "value"), INJECTED)
def test_sp_11_to_sp_13_a_form_takes_no_other_fields(twin, name, value):
    """The policy must name every field."""
    upload = twin.upload_post("a.png", max_size=10)
    assert send(upload, b"x", fields={**upload.fields, name: value}).said == (403, "AccessDenied")
    assert not twin.exists("a.png")


def test_sp_13_headers_of_a_put_must_be_signed(twin):
    """An x-amz header that the signature does not cover is refused, as on AWS."""
    upload = twin.upload_url("a.txt")
    answer = send(upload, b"x", headers={**upload.headers, "x-amz-meta-owner": "me"})
    assert answer.said == (403, "AccessDenied")
    assert not twin.exists("a.txt")


# PUT


def test_a_put_creates_the_file_as_save_would(twin):
    """With the type, metadata and ETag of a file that was saved."""
    storage = FakeS3Storage(twin.directory, allow_without_debug=True, object_parameters={"Metadata": {"a": "1"}})
    upload = storage.upload_url("ü b.png", size=3)
    answer = send(upload, b"abc")
    assert (answer.status, answer.body) == (200, b"")
    stat = storage.stat("ü b.png")
    assert answer.headers["ETag"] == stat.etag == f'"{hashlib.md5(b"abc").hexdigest()}"'
    assert (stat.size, stat.content_type, stat.metadata) == (3, "image/png", {"a": "1"})


def test_a_signed_length_is_the_only_one(twin):
    """One byte more or less breaks the signature."""
    upload = twin.upload_url("a.txt", size=3)
    for body in (b"", b"ab", b"abcd"):
        assert send(upload, body).said == (403, "SignatureDoesNotMatch")
    assert send(upload, b"abc").status == 200


def test_a_put_replaces_nothing_by_default(twin):
    """The header If-None-Match is signed: the second upload gets a 412."""
    upload = twin.upload_url("a.txt")
    assert send(upload, b"one").status == 200
    assert send(upload, b"two").said == (412, "PreconditionFailed")
    without = {name: value for name, value in upload.headers.items() if name != "If-None-Match"}
    assert send(upload, b"two", headers=without).said == (403, "SignatureDoesNotMatch")
    assert twin.read_bytes("a.txt") == b"one"
    assert send(twin.upload_url("a.txt", overwrite=True), b"two").status == 200
    assert twin.read_bytes("a.txt") == b"two"


def test_conditions_of_a_put(twin):
    """If-Match replaces only the version it names, and If-None-Match knows only the star."""
    twin.save("a.txt", b"one")
    etag = twin.stat("a.txt").etag
    url = twin.upload_url("a.txt", overwrite=True)
    assert send(url, b"x", headers={**url.headers, "If-Match": '"other"'}).said == (412, "PreconditionFailed")
    assert send(url, b"x", headers={**url.headers, "If-None-Match": etag}).said == (400, "InvalidArgument")
    assert send(url, b"two", headers={**url.headers, "If-Match": etag}).status == 200
    missing = twin.upload_url("b.txt", overwrite=True)
    assert send(missing, b"x", headers={**missing.headers, "If-Match": etag}).said == (404, "NoSuchKey")


def checksum(name, body):
    digests = {
        "Content-MD5": lambda: hashlib.md5(body).digest(),
        "x-amz-checksum-crc32": lambda: zlib.crc32(body).to_bytes(4, "big"),
        "x-amz-checksum-sha1": lambda: hashlib.sha1(body).digest(),
        "x-amz-checksum-sha256": lambda: hashlib.sha256(body).digest(),
    }
    return base64.b64encode(digests[name]()).decode()


@pytest.mark.parametrize(
    "name", ["Content-MD5", "x-amz-checksum-crc32", "x-amz-checksum-sha1", "x-amz-checksum-sha256"]
)
def test_checksums_are_verified(twin, name):
    """A flipped bit is a BadDigest, and stores nothing."""
    body = b"123456789"
    for sent, said in ((checksum(name, b"other"), (400, "BadDigest")), ("§", (400, "InvalidDigest"))):
        headers = {name: sent if sent.isascii() else "***"}
        url = presigned(twin, "PUT", "a.txt", headers=headers)
        assert request("PUT", url, body, headers).said == said
        assert not twin.exists("a.txt")
    headers = {name: checksum(name, body)}
    assert request("PUT", presigned(twin, "PUT", "a.txt", headers=headers), body, headers).status == 200
    assert twin.read_bytes("a.txt") == body


def test_parts_are_received_and_combined(twin):
    """The server starts, lists and completes the upload; a browser sends the parts."""
    bucket = twin.objects.bucket
    upload_id = bucket.start_upload("a.bin", {"ContentType": "text/x-parts"})
    blocks = {1: b"a" * (5 * 1024 * 1024), 2: b"end"}
    for number in (2, 1):
        query = [("partNumber", str(number)), ("uploadId", upload_id)]
        headers = {"Content-Length": str(len(blocks[number]))}
        url = presigned(twin, "PUT", "a.bin", query=query, headers=headers)
        answer = request("PUT", url, blocks[number])
        assert (answer.status, answer.headers["ETag"]) == (200, f'"{hashlib.md5(blocks[number]).hexdigest()}"')
        assert request("PUT", url, blocks[number] + b"x").said == (403, "SignatureDoesNotMatch")
    found = bucket.list_parts("a.bin", upload_id, {})
    assert [(part.number, part.size) for part in found] == [(1, 5 * 1024 * 1024), (2, 3)]
    assert not twin.exists("a.bin")
    info = bucket.complete_upload("a.bin", upload_id, found, {}, size=0)
    digest = hashlib.md5(b"".join(hashlib.md5(blocks[number]).digest() for number in (1, 2))).hexdigest()
    assert (info.etag, info.size, info.content_type) == (f'"{digest}-2"', 5 * 1024 * 1024 + 3, "text/x-parts")
    assert twin.read_bytes("a.bin") == blocks[1] + blocks[2]


@pytest.mark.parametrize(
    ("number", "upload_id", "said"),
    [
        ("0", None, (400, "InvalidArgument")),
        ("10001", None, (400, "InvalidArgument")),
        ("x", None, (400, "InvalidArgument")),
        ("9" * 50, None, (400, "InvalidArgument")),
        ("1", "nothing", (404, "NoSuchUpload")),
        ("1", "../../../x", (404, "NoSuchUpload")),
    ],
)
def test_parts_that_are_not_possible(twin, tmp_path, number, upload_id, said):
    """Numbers are 1 to 10,000, and the upload must exist."""
    query = [("partNumber", number), ("uploadId", upload_id or twin.objects.bucket.start_upload("a.bin", {}))]
    assert request("PUT", presigned(twin, "PUT", "a.bin", query=query), b"x").said == said
    assert snapshot(tmp_path) == {}


# POST


def test_a_post_creates_the_file(twin):
    """The response is S3's, and the file is what save would create."""
    upload = twin.upload_post("ü &b.png", min_size=1, max_size=10)
    assert (upload.url, upload.method) == ("/media/s3/uploads", "POST")
    answer = send(upload, b"abc")
    root = ElementTree.fromstring(answer.body)
    assert (answer.status, root.tag) == (201, "PostResponse")
    assert (root.findtext("Bucket"), root.findtext("Key")) == ("uploads", "ü &b.png")
    assert answer.headers["Location"] == root.findtext("Location")
    assert answer.headers["Location"] == "http://testserver/media/s3/uploads/%C3%BC%20%26b.png"
    stat = twin.stat("ü &b.png")
    assert (stat.size, stat.content_type, stat.etag) == (3, "image/png", root.findtext("ETag"))


@pytest.mark.parametrize(
    ("size", "said"),
    [
        (0, (400, "EntityTooSmall")),
        (1, (201, None)),
        (10, (201, None)),
        (11, (400, "EntityTooLarge")),
        (300_000, (400, "EntityTooLarge")),
    ],
)
def test_sp_07_a_post_has_bounds_of_size(twin, tmp_path, size, said):
    """Both bounds are enforced, and what is refused leaves no file."""
    assert send(twin.upload_post("a.bin", min_size=1, max_size=10), b"x" * size).said == said
    assert len(snapshot(tmp_path)) == (said[0] == 201)


def test_the_name_of_the_file_can_be_part_of_the_key(twin):
    """S3 replaces ${filename}, without directories, before it checks the policy."""
    target = Target.of(twin)
    form = target.form({"key": "in/${filename}"}, [["starts-with", "$key", "in/"]])
    assert target.post(form, b"x", filename="C:\\dir\\evil/../a b.txt").status == 204
    assert twin.listdir("in") == ([], ["a b.txt"])
    assert target.post(form, b"x", filename="..").said == (400, "InvalidArgument")


def test_content_types_in_a_list_must_all_match(twin):
    """AWS reads a value with commas as a list."""
    target = Target.of(twin)
    for kind, status in (("image/png, image/gif", 204), ("image/png, text/html", 403)):
        form = target.form(
            {"key": "a", "Content-Type": kind}, [{"key": "a"}, ["starts-with", "$Content-Type", "image/"]]
        )
        assert target.post(form).status == status


def test_an_acl_of_the_policy_is_applied(twin):
    """The field acl is the canned ACL, and a public object needs no signature."""
    storage = FakeS3Storage(twin.directory, allow_without_debug=True, default_acl="public-read")
    assert send(storage.upload_post("a.txt", max_size=9), b"public").status == 201
    assert request("GET", "/media/s3/uploads/a.txt").body == b"public"


@pytest.mark.parametrize(
    "text", [b"{", b"\xff\xfe", b"[" * 10_000, b"[]", b"1", b'{"expiration": 1, "conditions": []}']
)
def test_policies_that_are_no_policies(twin, text):
    """Anything but a valid document is a 400."""
    target = Target.of(twin)
    answer = target.post(target.form({"key": "a"}, [], document=text))
    assert answer.said == (400, "InvalidPolicyDocument")


@pytest.mark.parametrize(
    "condition",
    [["ends-with", "$key", "a"], ["eq", "key", "a"], {"key": 1}, "key", ["eq", "$key"], ["eq", "$key", 1], None],
)
def test_conditions_that_are_no_conditions(twin, condition):
    """Unknown operators, other types and names without a dollar sign are a 400."""
    target = Target.of(twin)
    assert target.post(target.form({"key": "a"}, [condition])).said == (400, "InvalidPolicyDocument")


def test_conditions_that_are_not_a_list(twin):
    """They are a 400, too; and two ranges are both enforced."""
    target = Target.of(twin)
    document = {"expiration": "2100-01-01T00:00:00Z", "conditions": {"key": "a"}}
    assert target.post(target.form({"key": "a"}, [], document=document)).said == (400, "InvalidPolicyDocument")
    ranges = [["content-length-range", 1, "5"], ["content-length-range", 0, 3]]
    for size, status in ((0, 400), (3, 204), (4, 400)):
        assert target.post(target.form({"key": "a"}, [{"key": "a"}, *ranges]), b"x" * size).status == status


@pytest.mark.parametrize("name", ["Content-Disposition", "x-amz-meta-a", "success_action_redirect"])
def test_fields_cannot_add_headers(twin, name):
    """A line break in a field is refused: the field becomes a header of a response."""
    target = Target.of(twin)
    form = target.form(
        {"key": "a", name: "http://a\r\nSet-Cookie: b=c"}, [{"key": "a"}, ["starts-with", f"${name}", ""]]
    )
    assert target.post(form).said == (400, "InvalidArgument")
    assert not twin.exists("a")


# Forms that are broken or too large


def test_sl_06_xml_is_escaped_and_status_codes_are_three(twin):
    """SL-06: a key cannot break out of the XML, and only 200, 201 and 204 are answered."""
    target = Target.of(twin)
    for key in ("]]><x>", 'a & "b"', "<a>"):
        form = target.form(
            {"key": key, "success_action_status": "201"},
            [["starts-with", "$key", ""], {"success_action_status": "201"}],
        )
        answer = target.post(form)
        assert ElementTree.fromstring(answer.body).findtext("Key") == key
        error = request("GET", presigned(twin, "GET", f"{key}\x7f"))
        assert error.status == 400
        assert ElementTree.fromstring(error.body).findtext("Code") == "InvalidArgument"
    for wanted, status in (("200", 200), ("204", 204), ("abc", 204), ("999", 204), ("", 204), ("500", 204)):
        form = target.form(
            {"key": "a", "success_action_status": wanted}, [{"key": "a"}, ["starts-with", "$success_action_status", ""]]
        )
        assert target.post(form).status == status


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("http://localhost/done", "http://localhost/done?bucket=uploads&key=a&etag="),
        ("https://localhost/done?x=1", "https://localhost/done?x=1&bucket=uploads&key=a&etag="),
        ("javascript:alert(1)", "http://testserver/media/s3/uploads/a"),
        ("/done", "http://testserver/media/s3/uploads/a"),
    ],
)
def test_redirects_go_where_the_policy_says(twin, url, place):
    """Only to http and https; a URL that cannot be used counts as missing."""
    target = Target.of(twin)
    form = target.form({"key": "a", "success_action_redirect": url}, [{"key": "a"}, {"success_action_redirect": url}])
    answer = target.post(form)
    assert answer.status == (303 if "done?" in place else 204)
    assert answer.headers["Location"].startswith(place)


def test_sl_09_a_body_needs_a_length(twin):
    """SL-09: without Content-Length the answer is 411; over 5 GiB nothing is read."""
    put = twin.upload_url("a.txt", overwrite=True)
    for method, url in (("PUT", put.url), ("POST", "/media/s3/uploads")):
        for length, said in (("", (411, "MissingContentLength")), ("x", (411, "MissingContentLength"))):
            sent = RequestFactory().generic(method, url)
            sent.META["CONTENT_LENGTH"] = length
            assert endpoint_said(sent) == said
        sent = RequestFactory().generic(method, url)
        sent.META["CONTENT_LENGTH"] = str(5 * 1024**3 + 1)
        assert endpoint_said(sent) == (400, "EntityTooLarge")


def endpoint_said(sent):
    key = sent.path.removeprefix("/media/s3/uploads").lstrip("/")
    response = endpoint.endpoint(sent, "uploads", key)
    return response.status_code, ElementTree.fromstring(response.content).findtext("Code")


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_sl_09_a_body_that_ends_early_stores_nothing(twin, tmp_path, method):
    """SL-09: a connection that breaks leaves no half file."""
    if method == "PUT":
        upload = twin.upload_url("a.txt", overwrite=True)
        sent = RequestFactory().put(upload.url, b"x" * 100_000, content_type=upload.headers["Content-Type"])
    else:
        content, content_type = form_of(twin.upload_post("a.txt", max_size=10**6).fields, b"x" * 100_000)
        sent = RequestFactory().generic("POST", "/media/s3/uploads", content, content_type)
    sent.META["CONTENT_LENGTH"] = str(int(sent.META["CONTENT_LENGTH"]) + 1)
    assert endpoint_said(sent) == (400, "IncompleteBody")
    assert snapshot(tmp_path) == {}


def test_sl_09_a_connection_that_breaks_stores_nothing(twin, tmp_path):
    """SL-09: also if reading fails."""

    class Broken:
        def read(self, size=-1):
            raise OSError("connection reset")

    upload = twin.upload_url("a.txt", overwrite=True)
    sent = RequestFactory().put(upload.url, b"xxx", content_type=upload.headers["Content-Type"])
    sent._stream = Broken()
    assert endpoint_said(sent) == (400, "IncompleteBody")
    assert snapshot(tmp_path) == {}


def test_sl_09_fields_are_limited(twin, tmp_path):
    """SL-09: 20,000 bytes of fields are read, and not the file of a form that has more."""
    upload = twin.upload_post("a.txt", max_size=10)
    many = [("x-ignore-" + str(number), "y" * 100) for number in range(10_000)]
    large = [("x-ignore-1", "y" * 100_000)]
    for more in (many, large):
        answer = send(upload, b"x", fields=[*more, *upload.fields.items()])
        assert answer.said == (400, "MaxPostPreDataLengthExceeded")
    assert snapshot(tmp_path) == {}


def test_sl_09_encoded_parts_are_bytes(twin):
    """SL-09: Content-Transfer-Encoding has no effect: the bytes are counted and stored as they are."""
    upload = twin.upload_post("a.txt", max_size=30)
    content, content_type = form_of(upload.fields, b"eHh4" * 5)
    content = content.replace(b"octet-stream\r\n", b"octet-stream\r\nContent-Transfer-Encoding: base64\r\n")
    assert request("POST", upload.url, content, {"Content-Type": content_type}).status == 201
    assert twin.read_bytes("a.txt") == b"eHh4" * 5


BROKEN = {
    "type": (lambda content, kind: (content, "application/x-www-form-urlencoded"), "MalformedPOSTRequest"),
    "no boundary": (lambda content, kind: (content, "multipart/form-data"), "MalformedPOSTRequest"),
    "no end": (lambda content, kind: (content.rstrip(b"\r\n").rstrip(b"-"), kind), "MalformedPOSTRequest"),
    "long header": (
        lambda content, kind: (content.replace(b"form-data;", b"form-data; x=" + b"y" * 9999 + b";", 1), kind),
        "MalformedPOSTRequest" if django.VERSION >= (5, 0) else "InvalidArgument",
    ),
    "no file": (lambda content, kind: (content.replace(b'name="file"', b'name="x-ignore-f"'), kind), "InvalidArgument"),
    "twice": (lambda content, kind: (content.replace(b'name="policy"', b'name="key"'), kind), "InvalidArgument"),
    "not UTF-8": (lambda content, kind: (content.replace(b"text/plain", b"text/\xff\xff"), kind), "InvalidArgument"),
    "empty": (lambda content, kind: (b"", kind), "MalformedPOSTRequest"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_forms_are_refused(twin, tmp_path, name):
    """With 400, whatever is wrong, and nothing is stored."""
    change, code = BROKEN[name]
    content, kind = change(*form_of(twin.upload_post("a.txt", max_size=10).fields, b"x"))
    assert request("POST", "/media/s3/uploads", content, {"Content-Type": kind}).said == (400, code)
    assert snapshot(tmp_path) == {}


def test_everything_after_the_file_is_ignored(twin):
    """A field after the file changes nothing."""
    upload = twin.upload_post("a.txt", max_size=10)
    content, kind = form_of(upload.fields, b"x")
    boundary = kind.rpartition("=")[2].encode()
    more = (
        b'\r\nContent-Disposition: form-data; name="acl"\r\n\r\npublic-read'
        + b" " * 300_000
        + b"\r\n--"
        + boundary
        + b"--\r\n"
    )
    content = content.removesuffix(b"--\r\n") + more
    assert request("POST", upload.url, content, {"Content-Type": kind}).status == 201
    assert request("GET", "/media/s3/uploads/a.txt").status == 403


def test_a_form_goes_to_the_bucket(twin):
    """Not to an object."""
    upload = twin.upload_post("a.txt", max_size=10)
    content, kind = form_of(upload.fields, b"x")
    answer = request("POST", f"{upload.url}/a.txt", content, {"Content-Type": kind})
    assert answer.said == (405, "MethodNotAllowed")
    assert request("POST", f"{upload.url}/", content, {"Content-Type": kind}).status == 201


# GET and HEAD


def test_a_get_returns_what_was_saved(twin):
    """With the headers of the object, on HEAD too."""
    name = twin.save("a b.txt", b"content", metadata={"owner": "me"})
    answer = request("GET", twin.url(name))
    assert (answer.status, answer.body) == (200, b"content")
    stat = twin.stat(name)
    for header, value in {
        "Content-Type": "text/plain",
        "Content-Length": "7",
        "ETag": stat.etag,
        "Accept-Ranges": "bytes",
        "x-amz-meta-owner": "me",
        "X-Content-Type-Options": "nosniff",
    }.items():
        assert answer.headers[header] == value
    assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", answer.headers["Last-Modified"])
    head = request("HEAD", twin.url(name, http_method="HEAD"))
    assert (head.status, head.body) == (200, b"")
    assert head.headers["Content-Length"] == "7"
    missing = request("HEAD", twin.url("missing.txt", http_method="HEAD"))
    assert (missing.status, missing.body) == (404, b"")
    assert request("GET", twin.url("missing.txt")).said == (404, "NoSuchKey")


@pytest.mark.parametrize(
    ("header", "status", "body", "content_range"),
    [
        ("bytes=0-3", 206, b"0123", "bytes 0-3/10"),
        ("bytes=4-", 206, b"456789", "bytes 4-9/10"),
        ("bytes=-2", 206, b"89", "bytes 8-9/10"),
        ("bytes=5-99", 206, b"56789", "bytes 5-9/10"),
        ("bytes=0-1,3-4", 200, b"0123456789", None),
        ("lines=0-1", 200, b"0123456789", None),
        ("bytes=5-1", 200, b"0123456789", None),
    ],
)
def test_ranges(twin, header, status, body, content_range):
    """One range is answered with 206; several, and invalid ones, are ignored."""
    answer = request("GET", twin.url(twin.save("a.txt", b"0123456789")), headers={"Range": header})
    assert (answer.status, answer.body, answer.headers.get("Content-Range")) == (status, body, content_range)
    assert answer.headers["Content-Length"] == str(len(body))


def test_ranges_that_do_not_exist(twin):
    """They get a 416, and If-Range sends the whole file if it has changed."""
    url = twin.url(twin.save("a.txt", b"0123456789"))
    assert request("GET", url, headers={"Range": "bytes=10-"}).said == (416, "InvalidRange")
    etag = twin.stat("a.txt").etag
    assert request("GET", url, headers={"Range": "bytes=0-0", "If-Range": etag}).status == 206
    assert request("GET", url, headers={"Range": "bytes=0-0", "If-Range": '"old"'}).status == 200


def test_conditional_reads(twin):
    """A browser that has the file gets a 304, and a failed precondition a 412."""
    url = twin.url(twin.save("a.txt", b"content"))
    first = request("GET", url)
    etag, modified = first.headers["ETag"], first.headers["Last-Modified"]
    for header, value, status in (
        ("If-None-Match", etag, 304),
        ("If-None-Match", '"other"', 200),
        ("If-Modified-Since", modified, 304),
        ("If-Match", '"other"', 412),
        ("If-Match", etag, 200),
    ):
        answer = request("GET", url, headers={header: value})
        assert answer.status == status
        if status == 304:
            assert (answer.body, answer.headers["ETag"]) == (b"", etag)


ACTIVE = [
    "text/html",
    "image/svg+xml",
    "application/xhtml+xml",
    "text/xml",
    "application/xml",
    "application/mathml+xml",
    "text/javascript",
    "application/x-shockwave-flash",
    "text/cache-manifest",
    "multipart/x-mixed-replace",
    "image/png, text/html",
    "nonsense",
    "",
]


@pytest.mark.parametrize("kind", ACTIVE)
@pytest.mark.parametrize("way", ["saved", "uploaded", "overridden"])
def test_sl_07_nothing_runs_on_the_origin_of_the_site(twin, kind, way):
    """SL-07: what a browser would run is saved as binary data, without type, scripts or sniffing."""
    if way == "saved":
        twin.save("evil.html", b"<script>", content_type=kind or None)
        url = twin.url("evil.html")
    elif way == "uploaded":
        assert send(twin.upload_post("evil.html", max_size=99, content_type=kind or None), b"<script>").status == 201
        url = twin.url("evil.html")
    else:
        twin.save("evil.png", b"<script>")
        url = twin.url("evil.png", {"ResponseContentType": kind or "text/html", "ResponseContentDisposition": "inline"})
    answer = request("GET", url)
    assert (answer.status, answer.body) == (200, b"<script>")
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"].startswith("sandbox;")


def test_images_are_shown_and_other_names_are_kept(twin):
    """Types that a browser shows have the disposition of S3: none, or that of the object or the URL."""
    twin.save("a.png", b"x")
    shown = request("GET", twin.url("a.png"))
    assert shown.headers["Content-Type"] == "image/png"
    assert "Content-Disposition" not in shown.headers
    assert "sandbox" in shown.headers["Content-Security-Policy"]
    saved = request("GET", twin.url("a.png", download_as="cat.png"))
    assert saved.headers["Content-Disposition"] == 'attachment; filename="cat.png"'
    page = twin.save("page.html", b"x")
    saved = request("GET", twin.url(page, download_as="other.html"))
    assert saved.headers["Content-Disposition"] == 'attachment; filename="other.html"'


def test_compressed_files_have_their_encoding(tmp_path):
    """Browsers decompress them, as from S3."""
    storage = FakeS3Storage(tmp_path, allow_without_debug=True, gzip=True)
    storage.save("a.txt", b"hello" * 1000)
    answer = request("GET", storage.url("a.txt"))
    assert answer.headers["Content-Encoding"] == "gzip"
    assert zlib.decompress(answer.body, 31) == b"hello" * 1000


def test_a_part_of_a_file_is_not_compressed_again(twin):
    """The response to a range has an encoding, so that middleware leaves it alone."""
    answer = request("GET", twin.url(twin.save("a.txt", b"0123456789")), headers={"Range": "bytes=1-2"})
    assert answer.headers["Content-Encoding"] == "identity"


@pytest.mark.parametrize(
    "options",
    [{"querystring_auth": False}, {"public_names": ("open/*",)}, {"anonymous": True}],
    ids=["querystring_auth", "public_names", "anonymous"],
)
def test_unsigned_urls_of_a_storage_work(tmp_path, options):
    """On S3 a bucket policy would allow them. Other files still need a signature."""
    storage = FakeS3Storage(tmp_path, allow_without_debug=True, location="media", **options)
    storage.save("open/a.txt", b"public")
    url = storage.url("open/a.txt")
    assert url == "/media/s3/uploads/media/open/a.txt"
    assert request("GET", url).body == b"public"
    assert request("GET", f"{url}?response-content-type=text/html").said == (400, "InvalidRequest")
    assert request("GET", "/media/s3/uploads/other/a.txt").said == (403, "AccessDenied")
    if "public_names" in options:
        storage.save("closed/a.txt", SECRET_TEXT)
        assert request("GET", "/media/s3/uploads/media/closed/a.txt").said == (403, "AccessDenied")


def test_async_sites_are_served(twin):
    """The body of a response is read without blocking the event loop."""
    url = twin.url(twin.save("a.txt", b"content"))

    async def read():
        response = await AsyncClient().get(url)
        return b"".join([chunk async for chunk in response.streaming_content])

    assert asyncio.run(read()) == b"content"


def test_sites_behind_a_login_are_served(twin, settings):
    """The signature decides, not the login: Django's LoginRequiredMiddleware and its CSRF check do not interfere."""
    more = ["django.middleware.csrf.CsrfViewMiddleware"]
    if django.VERSION >= (5, 1):
        more.append("django.contrib.auth.middleware.LoginRequiredMiddleware")
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, *more]
    assert send(twin.upload_post("a.txt", max_size=9), b"x", client=Client(enforce_csrf_checks=True)).status == 201


# CORS


RULE = {
    "AllowedOrigins": ["https://*.example.com"],
    "AllowedMethods": ["PUT", "POST", "GET"],
    "AllowedHeaders": ["content-type", "if-none-match"],
    "ExposeHeaders": ["ETag"],
    "MaxAgeSeconds": 7200,
}
PREFLIGHT = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "content-type, If-None-Match"}


def test_without_a_rule_there_are_no_cors_headers(twin):
    """Pages of another origin cannot read responses."""
    url = twin.url(twin.save("a.txt", b"x"))
    answer = request("GET", url, headers={"Origin": "https://www.example.com"})
    assert not [name for name in answer.headers if name.startswith("Access-Control")]
    answer = request("OPTIONS", url, headers={"Origin": "https://www.example.com", **PREFLIGHT})
    assert answer.said == (403, "AccessForbidden")


def test_a_rule_lets_another_origin_upload(tmp_path):
    """Preflight requests and responses have the headers that S3 sends, errors too."""
    storage = FakeS3Storage(tmp_path, allow_without_debug=True, cors=[RULE])
    upload = storage.upload_url("a.txt")
    origin = {"Origin": "https://www.example.com"}
    answer = request("OPTIONS", upload.url, headers={**origin, **PREFLIGHT})
    assert answer.status == 200
    assert {name: value for name, value in answer.headers.items() if name.startswith("Access-Control")} == {
        "Access-Control-Allow-Origin": "https://www.example.com",
        "Access-Control-Allow-Credentials": "true",
        "Access-Control-Allow-Methods": "PUT, POST, GET",
        "Access-Control-Allow-Headers": "content-type, If-None-Match",
        "Access-Control-Expose-Headers": "ETag",
        "Access-Control-Max-Age": "7200",
    }
    sent = send(upload, b"x", headers={**upload.headers, **origin})
    assert (sent.status, sent.headers["Access-Control-Expose-Headers"]) == (200, "ETag")
    refused = send(upload, b"x", headers={**upload.headers, **origin})
    assert (refused.status, refused.headers["Access-Control-Allow-Origin"]) == (412, origin["Origin"])


@pytest.mark.parametrize(
    ("origin", "method", "headers"),
    [
        ("https://example.org", "PUT", "content-type"),
        ("https://www.example.com.evil.org", "PUT", "content-type"),
        ("https://www.example.com", "DELETE", "content-type"),
        ("https://www.example.com", "PUT", "x-other"),
        ("", "PUT", ""),
    ],
)
def test_a_rule_allows_nothing_else(tmp_path, origin, method, headers):
    """Another origin, method or header is refused."""
    storage = FakeS3Storage(tmp_path, allow_without_debug=True, cors=[RULE])
    wanted = {"Access-Control-Request-Method": method, "Access-Control-Request-Headers": headers}
    if origin:
        wanted["Origin"] = origin
    assert request("OPTIONS", storage.url("a.txt"), headers=wanted).said == (403, "AccessForbidden")


def test_a_rule_for_everyone(tmp_path):
    """It sends a star, without credentials, and no header that it does not have."""
    rule = {"AllowedOrigins": ["*"], "AllowedMethods": ["GET"]}
    storage = FakeS3Storage(tmp_path, allow_without_debug=True, cors=[rule])
    url = storage.url(storage.save("a.txt", b"x"))
    answer = request("OPTIONS", url, headers={"Origin": "https://any.org", "Access-Control-Request-Method": "GET"})
    assert {name: value for name, value in answer.headers.items() if name.startswith("Access-Control")} == {
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Allow-Methods": "GET",
    }


def test_an_unknown_member_of_a_rule_is_refused(tmp_path):
    """A typing error would be an open or a closed door."""
    with pytest.raises(ImproperlyConfigured, match="AllowedOrigin"):
        FakeS3Storage(tmp_path, cors=[{"AllowedOrigin": ["*"]}])
