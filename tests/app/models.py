"""A model with the file fields that projects have."""

from django.db import models

from s3store.fields import S3FileField, S3ImageField
from s3store.storage import S3MediaStorage


class Document(models.Model):
    normal = models.FileField(upload_to="docs", storage=S3MediaStorage())
    dated = models.FileField(upload_to="%Y/%m", storage=S3MediaStorage(), blank=True)
    rich = S3FileField(upload_to="rich", storage=S3MediaStorage(), blank=True)


class Upload(models.Model):
    """A row with direct uploads: one that replaces and deletes, and an image."""

    title = models.CharField(max_length=20)
    file = S3FileField(
        upload_to="files",
        storage=S3MediaStorage(),
        blank=True,
        max_size=64 << 20,
        delete_replaced=True,
        delete_with_row=True,
    )
    image = S3ImageField(
        upload_to="images",
        storage=S3MediaStorage(),
        blank=True,
        accept=(".png", "image/jpeg"),
        width_field="width",
        height_field="height",
    )
    width = models.IntegerField(null=True, editable=False)
    height = models.IntegerField(null=True, editable=False)


class Attachment(models.Model):
    """What several models inherit."""

    file = S3FileField(upload_to="files", storage=S3MediaStorage(), delete_replaced=True, delete_with_row=True)

    class Meta:
        abstract = True


class Letter(Attachment):
    text = models.TextField(blank=True)


class Invoice(Attachment):
    pass


class Scan(Upload):
    """A model with a table of its own, whose files are in the table of Upload."""

    pages = models.IntegerField(default=1)


class Draft(Upload):
    """The rows of Upload, with another class."""

    class Meta:
        proxy = True


class Avatar(models.Model):
    """A file that rows have before they get their own, and an image that a row can be without."""

    picture = S3FileField(storage=S3MediaStorage(), default="defaults/nobody.png", delete_replaced=True)
    photo = S3ImageField(storage=S3MediaStorage(), null=True, blank=True, width_field="width")
    width = models.IntegerField(null=True)


class Album(models.Model):
    """A row with others that have direct uploads: for the inlines of the admin."""

    title = models.CharField(max_length=20)


class Photo(models.Model):
    """A row of an album."""

    album = models.ForeignKey(Album, models.CASCADE)
    file = S3FileField(upload_to="photos", storage=S3MediaStorage())


class Note(models.Model):
    """Another row of an album."""

    album = models.ForeignKey(Album, models.CASCADE)
    file = S3FileField(upload_to="notes", storage=S3MediaStorage(), blank=True)
