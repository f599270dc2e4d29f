"""The storage of the demo without a server: the same class, whose bucket is a directory."""

from s3store.local import FakeS3Storage
from s3store.storage import S3MediaStorage


class LocalMediaStorage(FakeS3Storage, S3MediaStorage):
    """Uploaded files."""
