"""Long work outside of a request: in slices, and as a task of Django's Tasks framework (6.0 and later)."""

from __future__ import annotations

import importlib
import importlib.util
import time
from collections.abc import Callable, Iterator
from typing import Any

from django.utils.module_loading import import_string

from s3store.folders.reports import Progress

__all__ = ["continue_operation", "run_for"]


def run_for(work: Iterator[Progress], seconds: float, *, clock: Callable[[], float] = time.monotonic) -> Progress:
    """Do long work for some seconds, and return the last progress. It has a `report` if the work has ended.

    The work stops in a state from which another call continues: start it again with `since`, the `started` of the
    progress.
    """
    progress, end = Progress(), clock() + seconds
    try:
        for progress in work:  # noqa: B007
            if clock() >= end:
                break
    finally:
        close = getattr(work, "close", None)
        if close:
            close()
    return progress


def _continue(function: str, operation: str) -> bool:
    """Call a function of the project with the id of an operation until it returns True, and return True.

    `function` is its dotted path: module-level functions and ids are all that a queue has to keep. The function does a
    slice of the work and stores the progress, so that another worker can continue after a crash.
    """
    run = import_string(function)
    while not run(operation):
        pass
    return True


_tasks: Any = importlib.import_module("django.tasks") if importlib.util.find_spec("django.tasks") else None

continue_operation: Any = _tasks.task(_continue) if _tasks else _continue
