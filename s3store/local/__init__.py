"""The development twin of a bucket: S3Storage on the file system, and endpoints that answer as S3 does.

Projects use it during development and in tests, instead of a bucket. It imports no boto3.
"""

from s3store.local.storage import FakeS3Storage

__all__ = ["FakeS3Storage"]
