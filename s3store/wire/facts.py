"""The metadata cache: what S3 returned about objects, kept for a few seconds.

`FieldFile.size` after `save`, and the sizes of files after a listing, then need no request. `exists` never uses it.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence

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
        self._known: OrderedDict[str, tuple[float, int, ObjectInfo]] = OrderedDict()
        # The moments are counted, and for each key that of its last change. Of those dropped, the latest is known.
        self._moment = 0
        self._changed: OrderedDict[str, int] = OrderedDict()
        self._dropped = 0

    def moment(self) -> int:
        """Return the present moment, for `put`: take it before the request."""
        with self._lock:
            self._moment += 1
            return self._moment

    def put(self, info: ObjectInfo, asked: int) -> None:
        """Keep the facts about an object, unless it changed, or newer ones arrived, after they were asked for."""
        self.put_all((info,), asked)

    def put_all(self, infos: Sequence[ObjectInfo], asked: int) -> None:
        """As `put`, for the facts of one response. Keeps the last ones."""
        with self._lock:
            until = self._clock() + SECONDS
            known, changed = self._known, self._changed
            for info in infos[-LIMIT:]:
                key = info.key
                before = known.get(key)
                if (before and asked < before[1]) or asked < changed.get(key, self._dropped):
                    continue
                known[key] = until, asked, info
                if before:
                    known.move_to_end(key)
            while len(known) > LIMIT:
                known.popitem(last=False)

    def get(self, key: str) -> ObjectInfo | None:
        """Return the facts about an object if they are recent."""
        with self._lock:
            until, _, info = self._known.get(key, (0.0, 0, None))
            return info if until > self._clock() else None

    def changed_since(self, prefix: str, moment: int) -> bool:
        """Return whether an object whose key starts with `prefix` may have changed after a moment."""
        with self._lock:
            return self._dropped > moment or any(
                at > moment and key.startswith(prefix) for key, at in reversed(self._changed.items())
            )

    def forget(self, *keys: str, since: int | None = None) -> int:
        """Drop the facts about objects that change, and return the moment.

        `since` is the moment at which the change began. If one of the objects was changed by another call meanwhile,
        it is returned instead, and `put` refuses the facts: which of the two is stored is not known.
        """
        with self._lock:
            self._moment += 1
            alone = since is None or all(self._changed.get(key, self._dropped) <= since for key in keys)
            for key in keys:
                self._known.pop(key, None)
                self._changed[key] = self._moment
                self._changed.move_to_end(key)
            while len(self._changed) > LIMIT:
                self._dropped = max(self._dropped, self._changed.popitem(last=False)[1])
            return self._moment if alone or since is None else since
