"""Runs many small tasks in a bounded pool of threads, and reports every failure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import Context, copy_context
from dataclasses import dataclass
from itertools import islice
from queue import SimpleQueue
from threading import Thread
from typing import Generic, TypeVar

Item = TypeVar("Item")
Done = TypeVar("Done")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome(Generic[Item, Done]):
    """The outcome for one item: a result, or the exception that was raised."""

    item: Item
    result: Done | None = None
    error: Exception | None = None


def run(
    work: Callable[[Item], Done],
    items: Iterable[Item],
    *,
    threads: int,
    stopping: Callable[[], None] = lambda: None,
) -> Iterator[Outcome[Item, Done]]:
    """Yield the outcome of `work` for each item, in the order of completion. Items are taken as threads become free.

    With `threads=1`, no thread is started: the tasks run in the caller's.
    If the caller stops or is interrupted, waiting tasks are dropped, `stopping` is called, and running tasks are
    finished.
    """

    def attempt(item: Item) -> Outcome[Item, Done]:
        try:
            return Outcome(item=item, result=work(item))
        except Exception as error:  # noqa: BLE001 (the caller gets it)
            return Outcome(item=item, error=error)

    if threads == 1:
        for item in items:
            yield copy_context().run(attempt, item)
        return
    source = iter(items)
    pool = ThreadPoolExecutor(threads, thread_name_prefix="s3store-transfer")
    running = 0
    done: SimpleQueue[Future[Outcome[Item, Done]]] = SimpleQueue()
    try:
        while True:
            # Twice the number of threads, so that no thread waits for this one.
            for item in islice(source, 2 * threads - running):
                pool.submit(copy_context().run, attempt, item).add_done_callback(done.put)
                running += 1
            if not running:
                return
            outcome = done.get().result()
            running -= 1
            yield outcome
    except BaseException:
        stopping()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


class Later(Generic[Done]):
    """The result of `work`, which one new thread does meanwhile. The thread ends with the work."""

    def __init__(self, work: Callable[[], Done]) -> None:
        self._future: Future[Done] = Future()
        context = copy_context()
        self._thread = Thread(target=self._do, args=(context, work), name="s3store-ahead", daemon=True)
        self._thread.start()

    def _do(self, context: Context, work: Callable[[], Done]) -> None:
        try:
            self._future.set_result(context.run(work))
        except BaseException as error:  # noqa: BLE001 (the caller gets it)
            self._future.set_exception(error)

    def result(self) -> Done:
        """Return what `work` returned, or raise what it raised."""
        try:
            return self._future.result()
        finally:
            self.wait()

    def wait(self) -> None:
        """Wait for the end of the thread."""
        self._thread.join()
