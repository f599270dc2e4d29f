"""The storages that the page on other packages shows."""

from django.urls import reverse
from pipeline.storage import PipelineMixin

from s3store.storage import S3StaticStorage, S3Storage


class PipelineStorage(PipelineMixin, S3StaticStorage):
    """Static files with the bundles of django-pipeline."""


class PrivateStorage(S3Storage):
    """Files whose URLs belong to the view of django-private-storage, which checks permissions."""

    location = "private"

    def url(self, name, *args, **kwargs):
        """Return the URL of the view."""
        return reverse("serve_private_file", kwargs={"path": name})
