"""Counting what a storage sends, for tests that hold it to a number of requests."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from s3store.storage import S3Storage


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One HTTP request as it left, retries counted each."""

    method: str
    path: str
    query: str


class Requests(list[Request]):
    """The requests of a `with counted_requests` block, in the order in which they were sent."""

    @property
    def methods(self) -> list[str]:
        """The HTTP methods alone."""
        return [request.method for request in self]


@contextmanager
def counted_requests(storage: S3Storage) -> Iterator[Requests]:
    """Collect the requests that all storages of this configuration send inside the block."""
    found = Requests()
    lock = threading.Lock()

    def note(request: Any, **_: object) -> None:
        parts = urlsplit(request.url)
        with lock:
            found.append(Request(method=request.method, path=parts.path, query=parts.query))

    events = storage.client.meta.events
    events.register("before-send.s3", note)
    try:
        yield found
    finally:
        events.unregister("before-send.s3", note)
