"""The bucket of a storage, and the keys of its names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from s3store.conf.configured import Configured
from s3store.conf.options import Options
from s3store.wire.objects import Objects, params_by_name

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class Located(Configured):
    """A storage with a bucket. The other mixins need only `objects`."""

    @property
    def objects(self) -> Objects:
        """The files as objects of the bucket: keys, parameters and requests, for the options in force.

        Read this property once for each operation: a change of settings creates a new one.
        """
        return cast("Objects", self._derived)

    def _derive(self, options: Options) -> Objects:
        return Objects(options, self)

    @property
    def client(self) -> S3Client:
        """The boto3 client of this process, for operations that the storage does not offer.

        It raises botocore's exceptions. The bucket is `bucket_name`; keys start with `location`.
        """
        return self.objects.bucket.client

    @property
    def connection(self) -> Any:
        """boto3's S3 resource, as django-storages has it: one per thread. Its requests go through `client`.

        boto3: "Resources". New code needs it only for what the storage does not offer.
        """
        return self.objects.bucket.resource

    @property
    def bucket(self) -> Any:
        """boto3's Bucket, as django-storages has it: one per thread. `bucket.objects` are keys, with the location."""
        bucket = self.objects.bucket
        return bucket.resource.Bucket(bucket.name)

    def get_object_parameters(self, name: str) -> dict[str, Any]:
        """Return the parameters of PutObject for the file `name`. Override it to decide by name."""
        return params_by_name(self.options, name)
