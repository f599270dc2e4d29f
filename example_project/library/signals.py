"""Deletes the objects of a document when its row is deleted."""

from typing import Any

from django.db.models.signals import post_delete
from django.dispatch import receiver

from library.models import Document, remove_after_commit


@receiver(post_delete, sender=Document)
def remove_objects(instance: Document, **kwargs: Any) -> None:  # noqa: ARG001
    """Delete the document's objects. This also works for the admin's delete action."""
    remove_after_commit(instance.objects_in_bucket())
