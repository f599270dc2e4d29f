"""What the app connects when Django has loaded the models."""

from __future__ import annotations

from django.core.checks import Tags, register

from s3store.folders.signals import deleted, moved, restored
from s3store.operations import references
from s3store.sharing import follow, mails, signals
from s3store.sharing.checks import check_sharing
from s3store.sharing.references import shared_folders
from s3store.sharing.uploading import PREFIX, destination
from s3store.uploads import register_family


def connect() -> None:
    """Register the checks, the destinations of uploads and the files in use, and connect the signals."""
    register(check_sharing, Tags.security)
    register_family(PREFIX, destination)
    references.register(shared_folders, label="s3store.sharing")
    moved.connect(follow.moved, dispatch_uid="s3store_sharing.moved")
    deleted.connect(follow.deleted, dispatch_uid="s3store_sharing.deleted")
    restored.connect(follow.restored, dispatch_uid="s3store_sharing.restored")
    signals.share_locked.connect(mails.locked, dispatch_uid="s3store_sharing.locked")
