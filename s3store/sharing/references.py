"""The folders of shares: their files are in use, although no row names each of them."""

from __future__ import annotations

from collections.abc import Iterator

from s3store.operations.references import directory_in
from s3store.sharing import configured
from s3store.sharing.models import Share
from s3store.storage import S3Storage


def shared_folders(storage: S3Storage) -> Iterator[str]:
    """Yield the roots of all folders with shares, as they are named in a storage. Sends no request."""
    shares = Share.objects.order_by("root", "-created_at")
    for root in dict.fromkeys(shares.values_list("root", flat=True)):
        folder = configured.current().folder(shares.filter(root=root).first())
        # A closed root can be opened again, and it can be in any storage.
        other, path = (folder.storage, folder.full_root) if folder else (storage, root)
        if name := directory_in(storage, other, path):
            yield name
