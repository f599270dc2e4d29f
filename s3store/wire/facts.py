"""The metadata cache: what S3 returned about objects, kept for a few seconds.

`FieldFile.size` after `save`, and the sizes of files after a listing, then need no request. `exists` never uses it.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from operator import itemgetter

from s3store.core.info import ObjectInfo

SECONDS = 2.0
"""How long facts are used. A write by another process can stay unnoticed for that time."""

LIMIT = 2000
"""The number of objects whose facts are kept; as many more are kept of listings."""

_PAGES = 2


class Facts:
    """A small, thread-safe cache of ObjectInfo by key."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._known: OrderedDict[str, tuple[float, int, ObjectInfo]] = OrderedDict()
        # Listings are long, so that a page is kept as a whole, and not object by object.
        self._pages: deque[tuple[float, int, dict[str, ObjectInfo]]] = deque(maxlen=_PAGES)
        # The moments are counted, and for each key that of its last change. Of those dropped, the latest is known.
        self._moment = 0
        self._changed: OrderedDict[str, int] = OrderedDict()
        self._dropped = 0
        self._latest = 0

    def moment(self) -> int:
        """Return the present moment, for `put`: take it before the request."""
        with self._lock:
            self._moment += 1
            return self._moment

    def put(self, info: ObjectInfo, asked: int) -> None:
        """Keep the facts about an object, unless it changed, or newer ones arrived, after they were asked for."""
        with self._lock:
            before = self._known.get(info.key)
            if (before and asked < before[1]) or self._has_changed(info.key, asked):
                return
            self._known[info.key] = self._until(), asked, info
            self._known.move_to_end(info.key)
            if len(self._known) > LIMIT:
                self._known.popitem(last=False)

    def put_page(self, infos: Sequence[ObjectInfo], asked: int) -> None:
        """As `put`, for a page of a listing. The last pages are kept."""
        with self._lock:
            page = {info.key: info for info in infos[-LIMIT // _PAGES :]}
            if self._latest > asked:
                page = {key: info for key, info in page.items() if not self._has_changed(key, asked)}
            self._pages.append((self._until(), asked, page))

    def _until(self) -> float:
        return self._clock() + SECONDS

    def _has_changed(self, key: str, asked: int) -> bool:
        return asked < self._changed.get(key, self._dropped)

    def get(self, key: str) -> ObjectInfo | None:
        """Return the facts about an object if they are recent."""
        with self._lock:
            found = [(until, asked, page[key]) for until, asked, page in self._pages if key in page]
            if key in self._known:
                found.append(self._known[key])
            until, _, info = max(found, key=itemgetter(1), default=(0.0, 0, None))
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
            self._moment = self._latest = self._moment + 1
            alone = since is None or all(self._changed.get(key, self._dropped) <= since for key in keys)
            for key in keys:
                self._known.pop(key, None)
                for _, _, page in self._pages:
                    page.pop(key, None)
                self._changed[key] = self._moment
                self._changed.move_to_end(key)
            while len(self._changed) > LIMIT:
                self._dropped = max(self._dropped, self._changed.popitem(last=False)[1])
            return self._moment if alone or since is None else since
