"""Many empty objects for tests of listings."""

from s3store.files.fast_put import FastUpload


def fill(storage, names):
    """Write an empty object for each name, each in one request that costs a third of boto3's."""
    upload = FastUpload(storage.objects.bucket, storage.options)
    for name in names:
        upload.put(storage.objects.key(name), b"", {}, create=False)
