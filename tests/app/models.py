"""A model with the file fields that projects have."""

from django.db import models

from s3store.fields import S3FileField
from s3store.storage import S3MediaStorage


class Document(models.Model):
    normal = models.FileField(upload_to="docs", storage=S3MediaStorage())
    dated = models.FileField(upload_to="%Y/%m", storage=S3MediaStorage(), blank=True)
    rich = S3FileField(upload_to="rich", storage=S3MediaStorage(), blank=True)
