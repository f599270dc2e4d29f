"""The contract of the storages, on the development twin as on the servers."""

import pytest

from s3store.local import FakeS3Storage
from s3store.storage import S3MediaStorage, S3StaticStorage
from s3store.testing.contract import S3StorageContract


class FakeMediaStorage(FakeS3Storage, S3MediaStorage):
    """Uploaded files, on the twin."""


class FakeStaticStorage(FakeS3Storage, S3StaticStorage):
    """Static files, on the twin."""


class TestTwin(S3StorageContract):
    """SL-08: the twin passes all tests that the servers pass."""

    @pytest.fixture
    def storage(self, tmp_path_factory):
        return FakeS3Storage(tmp_path_factory.mktemp("twin"), allow_without_debug=True, location="some/where")


class TestCompressingTwin(S3StorageContract):
    """Compression changes nothing that a reader sees."""

    @pytest.fixture
    def storage(self, tmp_path_factory):
        types = ["text/plain", "application/octet-stream", "text/csv"]
        return FakeS3Storage(
            tmp_path_factory.mktemp("twin"), allow_without_debug=True, gzip=True, gzip_content_types=types
        )


class TestTwinWithoutConditionalWrites(S3StorageContract):
    """The fallback for servers without If-None-Match keeps the contract."""

    @pytest.fixture
    def storage(self, tmp_path_factory):
        return FakeS3Storage(tmp_path_factory.mktemp("twin"), allow_without_debug=True, conditional_writes=False)


class TestMediaTwin(S3StorageContract):
    """The class can be combined with the other storages."""

    @pytest.fixture
    def storage(self, tmp_path_factory):
        return FakeMediaStorage(tmp_path_factory.mktemp("twin"), allow_without_debug=True)


def test_a_static_twin_overwrites(tmp_path):
    """As S3StaticStorage does."""
    storage = FakeStaticStorage(tmp_path, allow_without_debug=True)
    assert storage.save("a.css", b"one") == storage.save("a.css", b"two") == "a.css"
    assert storage.read_bytes("a.css") == b"two"
    assert storage.stat("a.css").cache_control == "public, max-age=60"


def test_large_files_are_saved_in_parts(twin):
    """As on S3: the ETag says so, and metadata and content are those that were saved."""
    content = b"0123456789abcdef" * (1024 * 1024)
    name = twin.save("large.bin", content, metadata={"a": "1"})
    stat = twin.stat(name)
    assert (stat.size, stat.metadata) == (len(content), {"a": "1"})
    assert stat.etag.endswith('-2"')
    assert twin.read_bytes(name) == content
