"""A model for each package that has a field."""

from django.db import models
from django_ckeditor_5.fields import CKEditor5Field
from easy_thumbnails.fields import ThumbnailerImageField
from imagekit.models import ImageSpecField, ProcessedImageField
from imagekit.processors import ResizeToFit
from pictures.models import PictureField
from private_storage.fields import PrivateFileField
from simple_history.models import HistoricalRecords
from stdimage import StdImageField
from versatileimagefield.fields import VersatileImageField


class Plain(models.Model):
    """Plain fields."""

    title = models.CharField(max_length=100)
    file = models.FileField(upload_to="files", blank=True)
    history = HistoricalRecords()


class Photo(models.Model):
    """Plain image; thumbnails are made of it."""

    image = models.ImageField(upload_to="photos")
    small = ImageSpecField(source="image", processors=[ResizeToFit(40, 40)], format="PNG")


class Processed(models.Model):
    image = ProcessedImageField(upload_to="processed", processors=[ResizeToFit(40, 40)], format="PNG")


class Thumbnailer(models.Model):
    image = ThumbnailerImageField(upload_to="easy")


class Versatile(models.Model):
    image = VersatileImageField(upload_to="versatile")


class Variations(models.Model):
    image = StdImageField(upload_to="std", variations={"small": (40, 40)}, delete_orphans=True)


class Picture(models.Model):
    image = PictureField(upload_to="pictures", aspect_ratios=[None])


class Private(models.Model):
    file = PrivateFileField(upload_to="letters")


class Article(models.Model):
    text = CKEditor5Field()
