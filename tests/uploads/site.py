"""What tests of models with direct uploads share: a configured storage, images, and uploads that have arrived."""

import io

from django.core.files.storage import storages
from PIL import Image

from tests.app.models import Upload
from tests.uploads.client import begin, send

SETTINGS = {
    "bucket_name": "AWS_STORAGE_BUCKET_NAME",
    "access_key": "AWS_ACCESS_KEY_ID",
    "secret_key": "AWS_SECRET_ACCESS_KEY",
    "region_name": "AWS_S3_REGION_NAME",
    "endpoint_url": "AWS_S3_ENDPOINT_URL",
    "location": "MEDIAFILES_LOCATION",
}


def configure(settings, options):
    """Write the options of a storage into the settings, as a project does it, and return the storage of the models."""
    for name, setting in SETTINGS.items():
        setattr(settings, setting, options[name])
    return Upload._meta.get_field("file").storage


def use_by_default(settings, options):
    """Make an S3Storage with these options the default storage."""
    default = {"BACKEND": "s3store.storage.S3Storage", "OPTIONS": options}
    settings.STORAGES = {**settings.STORAGES, "default": default}
    # Django 4.2 takes an overridden STORAGES for the older settings too, which have no options.
    storages._backends = dict(settings.STORAGES)


def names(storage):
    """Return the names of all files, sorted."""
    return sorted(stat.name for stat in storage.scan())


def uploaded(client, content, name="note.txt", label="app.Upload.file"):
    """Upload a file as a browser does, and return its receipt."""
    begun = begin(client, label, name, len(content))
    assert send(begun, content) in (200, 201)
    return begun["receipt"]


def png(width=3, height=2):
    """Return an image as bytes."""
    file = io.BytesIO()
    Image.new("RGB", (width, height)).save(file, "PNG")
    return file.getvalue()
