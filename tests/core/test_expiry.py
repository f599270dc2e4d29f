"""Lifetimes and windows, as numbers."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3store.core.expiry import lifetime, window_start


@pytest.mark.parametrize(
    ("now", "seconds", "fraction", "start"),
    [
        (1000.0, 3600, 0.5, 0),
        (1799.999, 3600, 0.5, 0),
        (1800.0, 3600, 0.5, 1800),
        (3599.9, 3600, 0.5, 1800),
        (1000.9, 3600, 0.0, 1000),
        (1000.9, 1, 0.5, 1000),
        (1001.0, 2, 0.5, 1001),
        (1001.0, 4, 0.5, 1000),
        (100.0, 100, 0.1, 100),
        (109.9, 100, 0.1, 100),
    ],
)
def test_windows_begin_at_multiples_of_their_length(now: float, seconds: int, fraction: float, start: int) -> None:
    """Their edges are the same on every server."""
    assert window_start(now, seconds, fraction) == start


@given(now=st.floats(0, 1e10), seconds=st.integers(1, 10**7), fraction=st.floats(0, 0.5))
def test_a_window_takes_no_more_than_its_fraction(now: float, seconds: int, fraction: float) -> None:
    """What is left at its end is the rest of the life."""
    start = window_start(now, seconds, fraction)
    assert start <= now
    assert int(now) - start <= seconds * fraction


def test_lifetimes_have_units() -> None:
    """Seconds, or a timedelta, whole."""
    assert lifetime(60) == 60
    assert lifetime(timedelta(minutes=1, milliseconds=900)) == 60
    assert lifetime(10**9) == 10**9
    with pytest.raises(ValueError, match="604800 seconds"):
        lifetime(604_801, limit=604_800)


@pytest.mark.parametrize("expire", [1, timedelta(seconds=1)], ids=["int", "timedelta"])
def test_a_lifetime_of_one_second_is_the_shortest(expire: int | timedelta) -> None:
    """One second is a lifetime, less is not."""
    assert lifetime(expire) == 1
    with pytest.raises(ValueError):
        lifetime(expire - (expire if isinstance(expire, int) else timedelta(microseconds=1)))
