"""Counting the requests that a boto3 client sends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import Any, TypeVar
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One HTTP request. Each retry counts as a request."""

    method: str
    path: str
    query: str


class Requests(list[Request]):
    """Requests, in the order of sending."""

    @property
    def methods(self) -> list[str]:
        """The HTTP methods of the requests."""
        return [request.method for request in self]

    def _note(self, request: Any, **_: object) -> None:
        """Add a request."""
        parts = urlsplit(request.url)
        self.append(Request(method=request.method, path=parts.path, query=parts.query))


class Tally:
    """The number of requests. Unlike a list of them, it does not grow with a million files."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._number = 0

    def __len__(self) -> int:
        """Return the number of requests until now."""
        return self._number

    def _note(self, **_: object) -> None:
        """Count a request."""
        with self._lock:
            self._number += 1


Seen = TypeVar("Seen", Requests, Tally)


@contextmanager
def noting(client: Any, seen: Seen) -> Iterator[Seen]:
    """Note the requests that the client sends inside the block."""
    client.meta.events.register("before-send.s3", seen._note)
    try:
        yield seen
    finally:
        client.meta.events.unregister("before-send.s3", seen._note)
