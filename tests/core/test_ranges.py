"""Byte ranges as HTTP writes them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3store.core import ranges


@pytest.mark.parametrize(
    ("start", "stop", "header"),
    [(0, None, "bytes=0-"), (5, None, "bytes=5-"), (0, 1, "bytes=0-0"), (10, 20, "bytes=10-19")],
)
def test_a_range_header_includes_its_last_byte(start: int, stop: int | None, header: str) -> None:
    """Python's ranges end before their stop, HTTP's with their last byte."""
    assert ranges.header(start, stop) == header


@given(first=st.integers(0, 10**13), length=st.integers(1, 10**13), rest=st.integers(0, 10**13))
def test_an_answers_range_is_read(first: int, length: int, rest: int) -> None:
    """The first byte and the whole size come from Content-Range."""
    total = first + length + rest
    assert ranges.parse_content_range(f"bytes {first}-{first + length - 1}/{total}") == (first, total)


def test_an_unsatisfied_range_starts_at_the_end() -> None:
    """The answer to a range past the end tells the size alone."""
    assert ranges.parse_content_range("bytes */1234") == (1234, 1234)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "bytes",
        "bytes 0-9/*",
        "bytes=0-9/10",
        "bytes 0-9/10, 20-29/30",
        "bytes -9/10",
        "bytes 0-/10",
        "items 0-9/10",
        "bytes 0-9/-10",
        "bytes 9-0/10",
        "bytes 0-10/10",
        "bytes 0-9/10\n",
        "bytes ٠-٩/١٠",
    ],
    ids=ascii,
)
def test_what_is_no_range_of_known_size_is_refused(value: str) -> None:
    """RFC 9110 14.4: an invalid Content-Range must not be used to put bytes together."""
    with pytest.raises(ValueError, match="not a byte range"):
        ranges.parse_content_range(value)


def test_a_response_may_hold_one_byte() -> None:
    """First and last byte can be the same."""
    assert ranges.parse_content_range("bytes 5-5/10") == (5, 10)
    assert ranges.parse_content_range("bytes 0-0/1") == (0, 1)
