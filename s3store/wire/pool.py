"""Runs many small tasks in a bounded pool of threads, and reports every failure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from itertools import islice
from queue import SimpleQueue
from typing import Generic, TypeVar

Item = TypeVar("Item")
Done = TypeVar("Done")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome(Generic[Item, Done]):
    """The outcome for one item: a result, or the exception that was raised."""

    item: Item
    result: Done | None = None
    error: Exception | None = None


def run(work: Callable[[Item], Done], items: Iterable[Item], *, threads: int) -> Iterator[Outcome[Item, Done]]:
    """Yield the outcome of `work` for each item, in the order of completion. Items are taken as threads become free.

    If the caller stops or is interrupted, waiting tasks are dropped, and running tasks are finished.
    """
    source = iter(items)
    pool = ThreadPoolExecutor(threads, thread_name_prefix="s3store-transfer")
    pending: dict[Future[Done], Item] = {}
    done: SimpleQueue[Future[Done]] = SimpleQueue()
    try:
        while True:
            # Twice the number of threads, so that no thread waits for this one.
            for item in islice(source, 2 * threads - len(pending)):
                future = pool.submit(copy_context().run, work, item)
                pending[future] = item
                future.add_done_callback(done.put)
            if not pending:
                return
            future = done.get()
            item = pending.pop(future)
            error = future.exception()
            if error is not None and not isinstance(error, Exception):
                raise error
            if error is not None:
                yield Outcome(item=item, error=error)
            else:
                yield Outcome(item=item, result=future.result())
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
