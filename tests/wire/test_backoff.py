"""The waiting time between two attempts is random and grows."""

from __future__ import annotations

from importlib.util import find_spec, module_from_spec

import pytest


@pytest.mark.parametrize(
    ("attempts", "longest"), [(1, 0.2), (2, 0.4), (3, 0.8), (5, 3.2), (6, 5.0), (7, 5.0), (100, 5.0)]
)
@pytest.mark.parametrize("luck", [0.0, 0.5, 1.0])
def test_the_wait_is_a_random_part_of_a_growing_limit(
    monkeypatch: pytest.MonkeyPatch, attempts: int, longest: float, luck: float
) -> None:
    """The limit doubles with each attempt, and ends at five seconds."""
    # Not the module that all tests share, whose waiting is shortened.
    spec = find_spec("s3store.wire.backoff")
    assert spec is not None
    assert spec.loader is not None
    backoff = module_from_spec(spec)
    spec.loader.exec_module(backoff)
    slept: list[float] = []
    monkeypatch.setattr(backoff.time, "sleep", slept.append)
    monkeypatch.setattr(backoff.random, "uniform", lambda low, high: low + luck * (high - low))
    backoff.wait(attempts)
    assert slept == [pytest.approx(luck * longest)]
