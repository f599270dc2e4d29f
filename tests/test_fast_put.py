"""Small objects by the fast way: the same objects, and boto3's way for whatever is not taken at once."""

from __future__ import annotations

import base64
import hashlib
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.awsrequest import AWSResponse

from s3store import errors
from s3store.files.fast_put import FastUpload
from s3store.storage import S3Storage
from s3store.testing.counting import counted_requests
from tests.faults.proxy import FaultProxy

GIVEN = {"ContentType": "text/css", "CacheControl": "max-age=5", "Metadata": {"Kind": "ü".encode().hex()}}


def put(storage, name, body, given=GIVEN, *, create=False):
    """Write an object, and return what the server was sent by which method."""
    with counted_requests(storage) as sent:
        upload = FastUpload(storage.objects.bucket, storage.options)
        info = upload.put(storage.objects.key(name), body, given, create=create)
    return info, sent


@pytest.mark.parametrize("name", ["a.css", "ü b+c%20.css", "a/~*'().css"])
def test_the_object_is_the_one_that_boto3_would_make(s3_options, name):
    """Content, type, headers and metadata, in one signed request, whatever the name is."""
    storage = S3Storage(**s3_options)
    info, sent = put(storage, name, b"body")
    assert sent.methods == ["PUT"]
    assert "X-Amz-Signature" in sent[0].query
    found = storage.stat(name)
    assert (found.size, found.etag) == (info.size, info.etag) == (4, '"841a2d689ad86bd1611447453c22c6fc"')
    assert (found.content_type, found.cache_control) == ("text/css", "max-age=5")
    assert found.metadata == {"kind": "c3bc"}
    assert storage.read_bytes(name) == b"body"
    put(storage, name, b"")
    assert storage.read_bytes(name) == b""


@pytest.mark.parametrize(
    ("options", "given"),
    [
        ({"client_config": {"user_agent_extra": "x"}}, GIVEN),
        ({}, {**GIVEN, "SSECustomerAlgorithm": "AES256", "SSECustomerKey": "k" * 32}),
    ],
    ids=["client_config", "SSE-C"],
)
def test_what_only_boto3_can_do_goes_its_way(s3_options, options, given):
    """Connections configured by somebody else, and keys that no URL should carry."""
    storage = S3Storage(**s3_options, **options)
    _, sent = put(storage, "a.css", b"body", given)
    assert sent.methods == ["PUT"]
    assert "X-Amz-Signature" not in sent[0].query


def test_a_new_object_replaces_nothing(s3_options):
    """Creating is conditional, and boto3's way."""
    storage = S3Storage(**s3_options)
    put(storage, "a.css", b"first", create=True)
    with pytest.raises(errors.ObjectExistsError):
        put(storage, "a.css", b"second", create=True)
    assert storage.read_bytes("a.css") == b"first"


@pytest.mark.parametrize("status", [301, 400, 403, 500, 503, 200])
def test_what_is_not_taken_at_once_is_sent_boto3s_way(seaweedfs_options, status):
    """A server that is busy, redirects or refuses is boto3's to deal with; so is an answer that never came."""
    seen = []

    def refuse_once(method, target, _):
        if method == "PUT" and not seen:
            seen.append(target)
            return (status, {}, b"") if status != 200 else None
        return None

    with FaultProxy(seaweedfs_options["endpoint_url"], respond=refuse_once) as proxy:
        storage = S3Storage(**{**seaweedfs_options, "endpoint_url": proxy.url})
        _, sent = put(storage, "a.css", b"body")
        assert storage.read_bytes("a.css") == b"body"
    assert sent.methods == (["PUT"] if status == 200 else ["PUT", "PUT"])


def test_an_unreachable_server_is_boto3s_error():
    """Nothing of the fast way shows in what is raised."""
    storage = S3Storage(
        bucket_name="some-bucket",
        endpoint_url="http://127.0.0.1:9",
        access_key="k",
        secret_key="s",
        region_name="r",
        max_attempts=1,
    )
    with pytest.raises(errors.S3ConnectionError, match="put_object"):
        put(storage, "a.css", b"body")


def test_the_owner_of_the_bucket_is_named(s3_options):
    """As with every other request: the header that S3 compares is signed."""
    storage = S3Storage(**s3_options, expected_bucket_owner="123456789012")
    try:
        _, sent = put(storage, "a.css", b"body")
    except errors.AccessDeniedError:
        # The server knows its account, and refuses both ways.
        return
    assert "x-amz-expected-bucket-owner" in sent[0].query


def test_an_answer_by_botocores_events_is_the_answer():
    """So answers moto's mock_aws, which many projects test with. No connection is made: nobody listens there."""
    storage = S3Storage(
        bucket_name="some-bucket",
        endpoint_url="http://127.0.0.1:9",
        access_key="k",
        secret_key="s",
        region_name="answered",
    )

    def answer(request, **_):
        return AWSResponse(request.url, 200, {"ETag": '"e"'}, None)

    storage.client.meta.events.register("before-send.s3.PutObject", answer)
    info, sent = put(storage, "a.css", b"body")
    assert info.etag == '"e"'
    assert sent.methods == ["PUT"]


def signed_headers(target):
    return parse_qs(urlsplit(target).query)["X-Amz-SignedHeaders"][0].split(";")


def test_the_digest_of_the_body_is_sent_and_signed(seaweedfs_options):
    """Nobody on the way can replace the body, and the digest with it."""
    with FaultProxy(seaweedfs_options["endpoint_url"]) as proxy:
        put(S3Storage(**{**seaweedfs_options, "endpoint_url": proxy.url}), "a.css", b"body")
        (sent,) = proxy.requests("PUT")
    assert sent.status == 200
    assert sent.request_headers["content-md5"] == base64.b64encode(hashlib.md5(b"body").digest()).decode()
    assert "content-md5" in signed_headers(sent.target)


def test_a_body_that_is_damaged_on_the_way_is_refused(seaweedfs_options):
    """The server finds that the digest differs. boto3 then sends the body again."""
    faults = {"faults": {"flip_up": 1.0}, "match": "^PUT", "max_faults": 1}
    with FaultProxy(seaweedfs_options["endpoint_url"], **faults) as proxy:
        storage = S3Storage(**{**seaweedfs_options, "endpoint_url": proxy.url})
        put(storage, "a.css", b"body")
        first, *others = proxy.requests("PUT")
        assert storage.read_bytes("a.css") == b"body"
    assert (first.fault, first.status) == ("flip_up", 400)
    assert "X-Amz-Signature" in first.target
    assert [one.status for one in others] == [200]


def test_damaged_bodies_are_never_stored(seaweedfs_options):
    """If each attempt is damaged, there is an error and no file."""
    with FaultProxy(seaweedfs_options["endpoint_url"], faults={"flip_up": 1.0}, match="^PUT") as proxy:
        storage = S3Storage(**{**seaweedfs_options, "endpoint_url": proxy.url, "max_attempts": 2})
        with pytest.raises(errors.S3StoreError):
            put(storage, "a.css", b"body")
        assert {one.status for one in proxy.requests("PUT")} == {400}
    assert not S3Storage(**seaweedfs_options).exists("a.css")
