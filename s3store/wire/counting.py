"""Counting the requests that a boto3 client sends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
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
