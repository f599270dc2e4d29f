"""How often and how long one call is tried, whatever number of attempts boto3 makes of it. boto3: "Retries"."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

PATIENT_SECONDS = 300.0
"""The `total_timeout` of management commands, unless the option is higher."""

_patience: ContextVar[float] = ContextVar("s3store_patience", default=0.0)


@contextmanager
def patient(seconds: float = PATIENT_SECONDS) -> Iterator[None]:
    """Let the calls inside the block take that long: nobody waits for a page meanwhile."""
    token = _patience.set(seconds)
    try:
        yield
    finally:
        _patience.reset(token)


class Effort:
    """The number of attempts of one call, and the time since the first. `total` is in seconds."""

    def __init__(
        self, limit: int | None = None, total: float = 0.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.attempts = 0
        self.limit = limit
        self.failure: Exception | None = None
        self.hopeless = False
        self._total = max(total, _patience.get())
        self._clock = clock
        self._started = clock()

    def exhausted(self) -> bool:
        """Return whether no new attempt may start."""
        return self._clock() - self._started > self._total


# For a bucket in another region, botocore sends a few more requests to find it. This limit stops a server that always
# redirects.
_DETOURS = 4

_effort: ContextVar[Effort | None] = ContextVar("s3store_effort", default=None)


@contextmanager
def counted_attempts(expected: int, total: float) -> Iterator[Effort]:
    """Count the requests of the client inside the block. All attempts share `total` seconds."""
    effort = Effort(expected + _DETOURS, total)
    token = _effort.set(effort)
    try:
        yield effort
    finally:
        _effort.reset(token)


def note_attempt(request: Any, **_: object) -> None:
    """Count an attempt before it is sent. Raises if the call has had too many, or has taken too long."""
    from botocore.exceptions import HTTPClientError, ReadTimeoutError

    effort = _effort.get() or request.context.setdefault("s3store_effort", Effort(total=PATIENT_SECONDS))
    if effort.limit is not None and effort.attempts >= effort.limit:
        raise HTTPClientError(error="the server redirects again and again")
    if effort.hopeless or effort.exhausted():
        # Why the attempts before failed says more than that time is up.
        raise effort.failure or ReadTimeoutError(endpoint_url=request.url.partition("?")[0])
    effort.attempts += 1


def note_failure(response: Any, operation: Any, caught_exception: Exception | None, **_: object) -> None:
    """Remember why an attempt failed, and whether another can mend it: not if a certificate is not trusted."""
    from botocore.exceptions import ClientError

    effort = _effort.get()
    if effort:
        effort.failure = caught_exception or ClientError(response[1], operation.name)
        effort.hopeless = type(caught_exception).__name__ == "SSLError"
