"""The metadata cache: what S3 returned about objects, kept for a few seconds.

`FieldFile.size` after `save`, and the sizes of files after a listing, then need no request. `exists` never uses it.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from s3store.core.info import ObjectInfo

SECONDS = 2.0
"""How long facts are used. A write by another process can stay unnoticed for that time."""

LIMIT = 2000
"""The number of objects whose facts are kept: two pages of a listing."""


class Facts:
    """A small, thread-safe cache of ObjectInfo by key."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._known: OrderedDict[str, tuple[float, ObjectInfo]] = OrderedDict()

    def put(self, info: ObjectInfo) -> None:
        """Keep the facts about an object."""
        with self._lock:
            self._known[info.key] = self._clock() + SECONDS, info
            self._known.move_to_end(info.key)
            if len(self._known) > LIMIT:
                self._known.popitem(last=False)

    def get(self, key: str) -> ObjectInfo | None:
        """Return the facts about an object if they are recent."""
        with self._lock:
            until, info = self._known.get(key, (0.0, None))
            return info if until > self._clock() else None

    def forget(self, *keys: str) -> None:
        """Drop the facts about objects that change."""
        with self._lock:
            for key in keys:
                self._known.pop(key, None)
