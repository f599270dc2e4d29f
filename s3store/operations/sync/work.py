"""What all transfers of a run share: limits of memory and bandwidth, and the wish to stop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from typing import Any, TypeVar

from s3store.core.parts import MIB
from s3store.files.download import HELPERS

Value = TypeVar("Value")

_MEMORY = 64 * MIB


class StoppedError(Exception):
    """The run was interrupted."""


class Budget:
    """Bytes of content that may be in memory at a time. Content above the limit is allowed if it is the only one."""

    def __init__(self, limit: int = _MEMORY) -> None:
        self._limit = limit
        self._used = 0
        self._free = threading.Condition()

    @contextmanager
    def holding(self, size: int) -> Iterator[None]:
        """Wait until `size` bytes are free, and occupy them in the block."""
        self.take(size)
        try:
            yield
        finally:
            self.give(size)

    def take(self, size: int) -> None:
        """Wait until `size` bytes are free, and occupy them."""
        with self._free:
            self._free.wait_for(lambda: self._used == 0 or self._used + size <= self._limit)
            self._used += size

    def give(self, size: int) -> None:
        """Release `size` bytes."""
        with self._free:
            self._used -= size
            self._free.notify_all()


class Bandwidth:
    """Lets through up to `rate` bytes per second in all threads together. None: as many as possible."""

    def __init__(
        self,
        rate: int | None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._rate = rate
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._next = clock()

    def take(self, size: int) -> None:
        """Wait until it is the turn of `size` more bytes."""
        if self._rate is None:
            return
        with self._lock:
            now = self._clock()
            start = max(now, self._next)
            self._next = start + size / self._rate
        if start > now:
            self._sleep(start - now)


class Work:
    """The shared limits of a run, and threads for the parts of large files."""

    def __init__(self, *, threaded: bool, bandwidth: int | None, moved: Callable[[int], None]) -> None:
        self.budget = Budget()
        self._moved = moved
        self._stopped = threading.Event()
        # Not `sleep`: an interrupted run does not wait for its turn.
        self._bandwidth = Bandwidth(bandwidth, sleep=self._stopped.wait)
        self._threads = ThreadPoolExecutor(HELPERS, "s3store-part") if threaded else None

    @property
    def helpers(self) -> int:
        """The number of threads that help with one large file."""
        return HELPERS if self._threads else 0

    def submit(self, work: Callable[..., Value], *arguments: Any, **named: Any) -> Future[Value]:
        """Run something in a thread for parts, or at once if there are none."""
        if self._threads:
            return self._threads.submit(copy_context().run, work, *arguments, **named)
        future: Future[Value] = Future()
        try:
            future.set_result(work(*arguments, **named))
        except Exception as error:  # noqa: BLE001 (whoever reads the result gets it)
            future.set_exception(error)
        return future

    def pace(self, size: int) -> None:
        """Wait for the bandwidth of `size` bytes. Raises StoppedError if the run was interrupted."""
        self.check()
        self._bandwidth.take(size)
        self.check()

    def moved(self, size: int) -> None:
        """Note bytes that were transferred."""
        self._moved(size)

    def check(self) -> None:
        """Raise StoppedError if the run was interrupted."""
        if self._stopped.is_set():
            raise StoppedError("The run was interrupted.")

    def stop(self) -> None:
        """Let transfers end soon."""
        self._stopped.set()

    def close(self) -> None:
        """End the threads."""
        if self._threads:
            self._threads.shutdown(cancel_futures=True)
