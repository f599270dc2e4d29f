"""What S3 has just told about objects, kept for a few seconds.

`FieldFile.size` after `save`, or the sizes of files that were just listed, then cost no request. `exists` never
uses it.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from s3store.core.info import ObjectInfo

SECONDS = 2.0
"""How long a fact is used; another process's write is not seen for so long."""

LIMIT = 2000
"""How many facts are kept: two pages of a listing."""


class Facts:
    """A small, thread-safe memory of ObjectInfo by key."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._known: OrderedDict[str, tuple[float, ObjectInfo]] = OrderedDict()

    def put(self, info: ObjectInfo) -> None:
        """Remember a fact."""
        with self._lock:
            self._known[info.key] = self._clock() + SECONDS, info
            self._known.move_to_end(info.key)
            if len(self._known) > LIMIT:
                self._known.popitem(last=False)

    def get(self, key: str) -> ObjectInfo | None:
        """Return what is known of a key and not yet too old."""
        with self._lock:
            until, info = self._known.get(key, (0.0, None))
            return info if until > self._clock() else None

    def forget(self, key: str) -> None:
        """Drop what is known of a key, because it is about to change."""
        with self._lock:
            self._known.pop(key, None)

    def clear(self) -> None:
        """Drop everything."""
        with self._lock:
            self._known.clear()
