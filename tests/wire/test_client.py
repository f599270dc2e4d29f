"""The attempts of a call: how many there are, and for how long they may start."""

from __future__ import annotations

import pytest

from s3store.wire.client import TOTAL_SECONDS, Effort, counted_attempts


@pytest.mark.parametrize(("seconds", "exhausted"), [(0, False), (TOTAL_SECONDS, False), (TOTAL_SECONDS + 0.1, True)])
def test_attempts_start_within_a_limit_of_time(seconds: float, exhausted: bool) -> None:
    """It begins with the call."""
    now = [1000.0]
    effort = Effort(clock=lambda: now[0])
    now[0] += seconds
    assert effort.exhausted() is exhausted


def test_a_call_may_have_four_requests_beyond_its_attempts() -> None:
    """botocore needs them to find a bucket in another region."""
    with counted_attempts(3) as effort:
        assert (effort.attempts, effort.limit) == (0, 7)
