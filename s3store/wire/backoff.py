"""The waiting time between two attempts of a request."""

from __future__ import annotations

import random
import time

_FIRST, _LONGEST = 0.1, 5.0


def wait(attempts: int) -> None:
    """Wait for a random time that grows with the number of failed attempts: at most 0.2 s after the first, 5 s later.

    AWS: "Timeouts, retries, and backoff with jitter".
    """
    time.sleep(random.uniform(0, min(_FIRST * 2**attempts, _LONGEST)))  # noqa: S311 (spreads retries)
