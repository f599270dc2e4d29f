"""Counting the requests that a boto3 client sends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import Any
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


class Tally:
    """The number of requests. Unlike a list of them, it does not grow with a million files."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._number = 0

    def __len__(self) -> int:
        """Return the number of requests until now."""
        return self._number

    def note(self, **_: object) -> None:
        """Count a request."""
        with self._lock:
            self._number += 1


@contextmanager
def tallied(client: Any) -> Iterator[Tally]:
    """Count the requests that the client sends inside the block."""
    tally = Tally()
    client.meta.events.register("before-send.s3", tally.note)
    try:
        yield tally
    finally:
        client.meta.events.unregister("before-send.s3", tally.note)


@contextmanager
def counted(client: Any) -> Iterator[Requests]:
    """Collect the requests that the client sends inside the block."""
    found = Requests()

    def note(request: Any, **_: object) -> None:
        parts = urlsplit(request.url)
        found.append(Request(method=request.method, path=parts.path, query=parts.query))

    client.meta.events.register("before-send.s3", note)
    try:
        yield found
    finally:
        client.meta.events.unregister("before-send.s3", note)
