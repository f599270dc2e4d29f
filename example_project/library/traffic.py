"""Counts requests to S3, where botocore sends them."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from s3store.local import FakeS3Storage
from s3store.storage import S3Storage

_here = threading.local()


@contextmanager
def requests_to_s3(storage: S3Storage) -> Iterator[list[str]]:
    """Yield a list with the method of each request that this thread sends inside the block."""
    if isinstance(storage, FakeS3Storage):  # sends none
        yield []
        return
    # The client is shared: with the unique id, botocore registers only one handler.
    storage.client.meta.events.register("before-send.s3", _note, unique_id="library-traffic")
    _here.sent = sent = []
    try:
        yield sent
    finally:
        del _here.sent


def _note(request: Any, **_: Any) -> None:
    if hasattr(_here, "sent"):
        _here.sent.append(request.method)
