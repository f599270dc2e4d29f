"""The contract suite over Django's own storages, which proves the suite, and over ours on two servers."""

import os
import uuid

import pytest
from django.core.files.storage import FileSystemStorage, InMemoryStorage

from s3store.storage import S3MediaStorage, S3StaticStorage, S3Storage
from s3store.testing.contract import S3StorageContract, StorageContract

ENDPOINT_URL = "S3STORE_TEST_ENDPOINT_URL"


class TestFileSystemStorage(StorageContract):
    @pytest.fixture
    def storage(self, tmp_path):
        return FileSystemStorage(location=tmp_path)


class TestInMemoryStorage(StorageContract):
    @pytest.fixture
    def storage(self):
        return InMemoryStorage()


class TestS3Storage(S3StorageContract):
    @pytest.fixture
    def storage(self, s3_options):
        return S3Storage(**s3_options)


class TestCompressingS3Storage(S3StorageContract):
    """Compression changes nothing that a reader sees."""

    @pytest.fixture
    def storage(self, s3_options):
        return S3Storage(
            **s3_options, gzip=True, gzip_content_types=["text/plain", "application/octet-stream", "text/csv"]
        )


class TestWithoutConditionalWrites(S3StorageContract):
    """The fallback for servers without If-None-Match keeps the contract."""

    @pytest.fixture
    def storage(self, s3_options):
        return S3Storage(**s3_options, conditional_writes=False)


class TestMediaStorage(S3StorageContract):
    @pytest.fixture
    def storage(self, s3_options, settings):
        settings.MEDIAFILES_LOCATION = f"{s3_options.pop('location')}/uploads"
        return S3MediaStorage(**s3_options)


class TestAtTheRootOfABucket(S3StorageContract):
    """A storage without a location has the whole bucket."""

    @pytest.fixture
    def storage(self, s3_options):
        storage = S3Storage(**{**s3_options, "location": "", "bucket_name": f"root-{uuid.uuid4().hex}"})
        storage.client.create_bucket(Bucket=storage.bucket_name)
        yield storage
        storage.delete_tree("", force=True)
        storage.client.delete_bucket(Bucket=storage.bucket_name)


if ENDPOINT_URL in os.environ:

    class TestServerOfTheEnvironment(S3StorageContract):
        """Any other server keeps the contract: CONTRIBUTING.rst, "Test another server"."""

        @pytest.fixture
        def storage(self):
            storage = S3Storage(
                bucket_name=f"s3store-{uuid.uuid4().hex[:12]}",
                endpoint_url=os.environ[ENDPOINT_URL],
                access_key=os.environ["S3STORE_TEST_ACCESS_KEY"],
                secret_key=os.environ["S3STORE_TEST_SECRET_KEY"],
                region_name=os.environ.get("S3STORE_TEST_REGION", "us-east-1"),
                addressing_style="path",
                location="contract",
            )
            storage.client.create_bucket(Bucket=storage.bucket_name)
            yield storage
            storage.delete_tree("", force=True)
            storage.client.delete_bucket(Bucket=storage.bucket_name)


def test_static_storage_overwrites(s3_options):
    """A deployment replaces the files of the one before."""
    storage = S3StaticStorage(**s3_options)
    assert storage.save("a.css", b"one") == storage.save("a.css", b"two") == "a.css"
    assert storage.read_bytes("a.css") == b"two"
