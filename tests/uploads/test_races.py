"""Uploads and large files that are saved at the same moment under one name: each of them gets a name of its own."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from s3store import errors, uploads
from s3store.core import parts
from s3store.storage import S3Storage
from s3store.testing.counting import counted_requests
from s3store.uploads.owners import owner_of_user
from s3store.wire.bucket import Bucket
from tests.faults.proxy import FaultProxy
from tests.uploads.client import begin, send

MIB = 1 << 20
SAVES = 8

# Files from one byte on are sent in parts: one part for the files of these tests.
IN_PARTS = {"transfer_config": {"multipart_threshold": 1, "use_threads": False}}


def arrived(client, user, destination, content):
    """Return an upload that has arrived, as a form gets it."""
    begun = begin(client, "files", "a.txt", len(content))
    assert send(begun, content) in (200, 201)
    return uploads.claim(begun["receipt"], label="files", destination=destination, owner=owner_of_user(user))


def saved_at_once(storage, contents):
    """Save all contents under one name at the same moment, and return their names."""
    start = threading.Barrier(len(contents))

    def save(content):
        start.wait()
        return storage.save("a.txt", content)

    with ThreadPoolExecutor(len(contents)) as pool:
        return list(pool.map(save, contents))


def test_uploads_that_are_saved_at_once_lose_nothing(client, user, declare, s3_options):
    """8 uploads, 8 threads, one name: 8 files, on servers that let several completions of one key win."""
    storage = S3Storage(**s3_options)
    destination = declare("files", storage=storage)
    contents = [b"content %d" % number for number in range(SAVES)]
    for _ in range(3):
        names = saved_at_once(storage, [arrived(client, user, destination, content) for content in contents])
        assert len(set(names)) == SAVES
        assert [storage.read_bytes(name) for name in names] == contents


def test_large_files_that_are_saved_at_once_lose_nothing(s3_options):
    """The same for files in parts that are sent by this process."""
    storage = S3Storage(**s3_options, **IN_PARTS)
    contents = [b"content %d" % number for number in range(SAVES)]
    for _ in range(3):
        names = saved_at_once(storage, contents)
        assert len(set(names)) == SAVES
        assert [storage.read_bytes(name) for name in names] == contents


def test_uploads_above_one_copy_lose_nothing(client, user, declare, seaweedfs_options, monkeypatch):
    """Objects above the limit of one copy are copied in parts, and have names of their own too."""
    monkeypatch.setattr(parts, "MAX_COPY_SIZE", 5 * MIB)
    monkeypatch.setattr(parts, "COPY_PART_SIZE", 5 * MIB)
    storage = S3Storage(**seaweedfs_options)
    destination = declare("files", storage=storage, max_size=10 * MIB)
    contents = [bytes([number]) * (5 * MIB + 1) for number in range(3)]
    names = saved_at_once(storage, [arrived(client, user, destination, content) for content in contents])
    assert len(set(names)) == 3
    assert [storage.read_bytes(name) for name in names] == contents


def test_a_refused_copy_leaves_no_empty_file(client, user, declare, seaweedfs_options):
    """The upload was replaced after the form: the reserved name is free again."""
    storage = S3Storage(**seaweedfs_options)
    destination = declare("files", storage=storage)
    file = arrived(client, user, destination, b"hello")
    storage.objects.bucket.put(file._info.key, b"other", {})
    with pytest.raises(errors.ObjectChangedError):
        storage.save("a.txt", file)
    assert not storage.exists("a.txt")
    with pytest.raises(errors.ObjectChangedError):
        storage.save("a.txt", file)


def test_a_refused_copy_deletes_only_its_own_empty_file(client, user, declare, seaweedfs_options, monkeypatch):
    """Another process has replaced the reserved object meanwhile: its file stays."""
    storage = S3Storage(**seaweedfs_options)
    file = arrived(client, user, declare("files", storage=storage), b"hello")

    def copy(bucket, source, key, params, **_):
        bucket.put(key, b"of another process", params)
        raise errors.ObjectChangedError("replaced")

    monkeypatch.setattr(Bucket, "copy", copy)
    with pytest.raises(errors.ObjectChangedError):
        storage.save("a.txt", file)
    assert storage.read_bytes("a.txt") == b"of another process"


REFUSALS = {
    "the copy": (lambda method, copies: copies, 503, errors.ServerError, [b""], False),
    "all after it": (lambda method, copies: method != "PUT" or copies, 403, errors.AccessDeniedError, [b""], True),
}


@pytest.mark.parametrize("refused", REFUSALS)
def test_an_empty_file_stays_if_the_outcome_is_not_known(
    client, user, declare, seaweedfs, seaweedfs_options, caplog, refused
):
    """A copy that S3 makes later must not replace a file of another process. Nothing is saved under another name."""
    harmed, status, error, left, logged = REFUSALS[refused]

    def respond(method, target, headers):
        copies = any(name.lower() == "x-amz-copy-source" for name in headers)
        if "a.txt" in target and harmed(method, copies):
            code = "SlowDown" if status == 503 else "AccessDenied"
            return status, {"Content-Type": "application/xml"}, f"<Error><Code>{code}</Code></Error>".encode()
        return None

    storage = S3Storage(**seaweedfs_options)
    file = arrived(client, user, declare("files", storage=storage), b"hello")
    with FaultProxy(seaweedfs.endpoint_url, respond=respond) as proxy:
        harmed_storage = S3Storage(**{**seaweedfs_options, "endpoint_url": proxy.url, "max_attempts": 1})
        file._objects = harmed_storage.objects
        with pytest.raises(error):
            harmed_storage.save("a.txt", file)
    assert [storage.read_bytes(stat.name) for stat in storage.scan() if "incoming" not in stat.name] == left
    assert ("An empty object" in caplog.text) is logged


def test_aws_refuses_itself(client, user, declare, seaweedfs_options, monkeypatch):
    """Where completions are conditional, nobody sees an empty file, and versions and events have none."""
    monkeypatch.setattr(Bucket, "completes_conditionally", True)
    storage = S3Storage(**seaweedfs_options)
    destination = declare("files", storage=storage)
    file = arrived(client, user, destination, b"hello")
    with counted_requests(storage) as sent:
        assert storage.save("a.txt", file) == "a.txt"
    assert [request.method for request in sent] == ["HEAD", "POST", "PUT", "POST"]
    assert storage.save("a.txt", file) != "a.txt"
    assert S3Storage(bucket_name="b", region_name="eu-central-1").objects.bucket.options.endpoint_url is None


@pytest.mark.parametrize(
    ("endpoint", "does"),
    [
        (None, True),
        ("https://s3.eu-central-1.amazonaws.com", True),
        ("http://127.0.0.1:8333", False),
        ("https://acme.r2.cloudflarestorage.com", False),
    ],
)
def test_only_aws_is_known_to_complete_conditionally(endpoint, does):
    """All other servers get an empty object first."""
    storage = S3Storage(bucket_name="b", region_name="eu-central-1", endpoint_url=endpoint)
    assert storage.objects.bucket.completes_conditionally is does
