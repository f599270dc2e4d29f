"""The app that shows the bucket of the portal to the staff."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class BucketConfig(AppConfig):
    """One page: what is in the settings of the bucket, and what should be."""

    name = "bucket"
    verbose_name = _("Bucket")
