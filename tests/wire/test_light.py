"""Light copies: the same objects as boto3's, and boto3's way for whatever is not done at once."""

import pytest

from s3store import errors
from s3store.links.light import light_of
from s3store.storage import S3Storage
from s3store.testing.counting import counted_requests
from s3store.wire.copying import copy_whole
from s3store.wire.light import Unanswered
from tests.faults.proxy import FaultProxy


def copied(storage, source="a ü.txt", target="to/a+b%20.txt", **how):
    """Copy a file with a light request, and return the methods that were sent."""
    objects = storage.objects
    with counted_requests(storage) as sent:
        light = light_of(objects.bucket, storage.options)
        copy_whole(objects, objects.key(source), objects.target(target), light=light, **how)
    return sent


@pytest.mark.parametrize("name", ["a.txt", "ü b+c%20.txt", "a/~*'().txt", "x" * 200])
def test_the_copy_is_the_one_that_boto3_would_make(s3_options, name):
    """One signed request, whatever the names are; headers and metadata are kept."""
    storage = S3Storage(**s3_options)
    storage.save(name, b"body", metadata={"by": "tom"})
    sent = copied(storage, name, f"to/{name}", etag=storage.stat(name).etag)
    assert [(one.method, "X-Amz-Signature" in one.query) for one in sent] == [("PUT", True)]
    assert storage.read_bytes(f"to/{name}") == b"body"
    assert storage.stat(f"to/{name}").metadata == {"by": "tom"}


def test_a_condition_that_does_not_hold_is_boto3s_error(seaweedfs_options):
    """The light request is refused, and boto3's says why."""
    storage = S3Storage(**seaweedfs_options)
    storage.save("a.txt", b"a")
    storage.save("b.txt", b"b")
    with pytest.raises(errors.ObjectExistsError):
        copied(storage, "a.txt", "b.txt", create=True)
    with pytest.raises(errors.ObjectChangedError):
        copied(storage, "a.txt", "c.txt", etag='"other"')
    with pytest.raises(FileNotFoundError):
        copied(storage, "nothing", "c.txt")


@pytest.mark.parametrize(
    "body",
    [b"", b"<", b"<Error><Code>InternalError</Code></Error>", b"<CopyObjectResult></CopyObjectResult>"],
    ids=["empty", "broken", "an error", "no ETag"],
)
def test_a_response_that_is_not_a_copy_is_not_trusted(seaweedfs, seaweedfs_options, body):
    """S3 can report an error after it has begun to respond with 200: boto3 copies again."""
    seen = []

    def respond(method, target, headers):
        if method == "PUT" and "/to/" in target and not seen:
            seen.append(target)
            return 200, {}, body
        return None

    with FaultProxy(seaweedfs.endpoint_url, respond=respond) as proxy:
        storage = S3Storage(**{**seaweedfs_options, "endpoint_url": proxy.url})
        storage.save("a.txt", b"body")
        sent = copied(storage, "a.txt", "to/a.txt")
        assert ["X-Amz-Signature" in one.query for one in sent] == [True, False]
        assert storage.read_bytes("to/a.txt") == b"body"


def test_only_boto3_sends_keys_of_customers(seaweedfs_options):
    """They do not belong into a URL."""
    storage = S3Storage(**seaweedfs_options)
    light = light_of(storage.objects.bucket, storage.options)
    customer = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": "k" * 32}
    assert light.copy("a", "b", customer) is None
    assert light.put("a", b"", customer) is None


@pytest.mark.parametrize("options", [{"client_config": {"user_agent_extra": "x"}}, {"anonymous": True}])
def test_where_only_boto3_can_send_requests_there_is_no_light(seaweedfs_options, options):
    """Connections with any configuration, and requests that are not signed."""
    given = {
        name: value for name, value in seaweedfs_options.items() if "anonymous" not in options or "key" not in name
    }
    storage = S3Storage(**given, **options)
    assert light_of(storage.objects.bucket, storage.options) is None


def test_a_copy_without_a_response_may_have_been_made(seaweedfs, seaweedfs_options):
    """The caller knows it: the attempts of the error contain the light one."""
    with FaultProxy(seaweedfs.endpoint_url, faults={"lost": 1.0}, match="^PUT .*/to/", max_faults=1) as proxy:
        storage = S3Storage(**{**seaweedfs_options, "endpoint_url": proxy.url})
        storage.save("a.txt", b"body")
        with pytest.raises(errors.ObjectExistsError) as caught:
            copied(storage, "a.txt", "to/a.txt", create=True)
        assert caught.value.attempts > 1
        assert issubclass(Unanswered, Exception)
