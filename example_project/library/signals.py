"""Objects follow their rows out, whichever way the row is deleted."""

from typing import Any

from django.db.models.signals import post_delete
from django.dispatch import receiver

from library.models import Document, remove_after_commit


@receiver(post_delete, sender=Document)
def remove_objects(instance: Document, **kwargs: Any) -> None:  # noqa: ARG001
    """Remove the document's objects; this also serves the admin's delete action."""
    remove_after_commit(instance.objects_in_bucket())
