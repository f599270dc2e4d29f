"""How much a call computes: on a machine with other work, only that says something about the code."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

PASS = 5.0
"""Seconds that are enough for many passes over 300,000 characters, and for no quadratic search in them."""


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Demand that this thread needs no more than `seconds` of a processor for the block."""
    began = time.thread_time()
    yield
    needed = time.thread_time() - began
    assert needed <= seconds, f"{needed:.1f} s of a processor instead of {seconds} s"
