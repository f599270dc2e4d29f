"""Counting the requests of a storage, for tests that limit their number."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from s3store.storage import S3Storage
from s3store.wire.counting import Request, Requests

__all__ = ["Request", "Requests", "counted_requests"]


@contextmanager
def counted_requests(storage: S3Storage) -> Iterator[Requests]:
    """Collect the requests inside the `with` block: those of all storages with the same connection options."""
    with storage.objects.bucket.collected() as found:
        yield found
