"""SeaweedFS as the bucket of a site that uses many packages."""

import pytest
from django.conf import settings
from django.test import override_settings

from s3store.testing.fixtures import BUCKET

if settings.SETTINGS_MODULE != "tests.packages.settings":  # their packages are in tox's environment only
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture(autouse=True, scope="session")
def bucket(seaweedfs):
    """The AWS_* settings of the site."""
    with override_settings(
        AWS_STORAGE_BUCKET_NAME=BUCKET,
        AWS_S3_ENDPOINT_URL=seaweedfs.endpoint_url,
        AWS_S3_REGION_NAME=seaweedfs.region_name,
        AWS_S3_ACCESS_KEY_ID=seaweedfs.access_key,
        AWS_S3_SECRET_ACCESS_KEY=seaweedfs.secret_key,
    ):
        yield


@pytest.fixture(autouse=True)
def empty(bucket, settings, tmp_path):
    """No file of another test, and a directory on disk that stays empty."""
    from django.core.files.storage import default_storage

    settings.MEDIA_ROOT = tmp_path / "media"
    default_storage.delete_tree("", force=True)
    yield
    assert not settings.MEDIA_ROOT.exists(), "a file was saved on disk"
