"""The waiting time between two attempts is random and grows."""

from __future__ import annotations

import pytest

from s3store.wire import backoff


@pytest.mark.parametrize(
    ("attempts", "longest"), [(1, 0.2), (2, 0.4), (3, 0.8), (5, 3.2), (6, 5.0), (7, 5.0), (100, 5.0)]
)
@pytest.mark.parametrize("luck", [0.0, 0.5, 1.0])
def test_the_wait_is_a_random_part_of_a_growing_limit(
    monkeypatch: pytest.MonkeyPatch, attempts: int, longest: float, luck: float
) -> None:
    """The limit doubles with each attempt, and ends at five seconds."""
    slept: list[float] = []
    monkeypatch.setattr(backoff.time, "sleep", slept.append)
    monkeypatch.setattr(backoff.random, "uniform", lambda low, high: low + luck * (high - low))
    backoff.wait(attempts)
    assert slept == [pytest.approx(luck * longest)]
