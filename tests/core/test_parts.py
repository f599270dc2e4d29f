"""Objects of every size fit into S3's parts."""

from __future__ import annotations

from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3store.core import parts
from s3store.core.parts import GIB, MIB

TIB = 1024 * GIB
# Below S3's minimum, which counts as the minimum, up to the largest part.
bases = st.integers(min_value=0, max_value=5 * GIB)


def test_the_limits_are_amazons() -> None:
    """The numbers of "Amazon S3 multipart upload limits"."""
    assert (parts.MIN_PART_SIZE, parts.MAX_PART_SIZE, parts.MAX_PARTS) == (5_242_880, 5_368_709_120, 10_000)
    assert (parts.MAX_COPY_SIZE, parts.MAX_DELETE_KEYS) == (5_368_709_120, 1000)


@pytest.mark.parametrize("base", [0, 5 * MIB, 8 * MIB, 100 * MIB, 5 * GIB])
def test_ten_thousand_parts_reach_five_tebibytes(base: int) -> None:
    """An upload of unknown length never runs out of parts before S3 runs out of object."""
    assert sum(parts.part_size_for(number, base) for number in range(1, 10_001)) >= 5 * TIB


@given(number=st.integers(min_value=1, max_value=10_000), base=bases)
def test_every_part_is_one_that_s3_takes(number: int, base: int) -> None:
    """A part is neither below the minimum nor above the maximum, and not smaller than the one before."""
    size = parts.part_size_for(number, base)
    assert parts.MIN_PART_SIZE <= size <= parts.MAX_PART_SIZE
    assert size >= parts.part_size_for(max(1, number - 1), base)


def test_small_uploads_stay_in_small_parts() -> None:
    """The first parts have the size that was asked for: memory is parts times threads."""
    assert {parts.part_size_for(number, 8 * MIB) for number in range(1, 101)} == {8 * MIB}


@given(total=st.integers(min_value=0, max_value=5 * TIB), base=bases)
def test_a_known_length_is_cut_into_equal_parts(total: int, base: int) -> None:
    """The size asked for is kept as long as 10,000 parts are enough."""
    size = parts.part_size_of(total, base)
    wanted = max(base, parts.MIN_PART_SIZE)
    assert size * parts.MAX_PARTS >= total
    assert wanted <= size <= parts.MAX_PART_SIZE
    assert size == wanted or size // 2 * parts.MAX_PARTS < total


@given(total=st.integers(min_value=0, max_value=10_000), size=st.integers(min_value=1, max_value=3_000))
def test_ranges_cover_every_byte_once(total: int, size: int) -> None:
    """Both ends are included, as in HTTP."""
    covered = [byte for first, last in parts.part_ranges(total, size) for byte in range(first, last + 1)]
    assert covered == list(range(total))
    assert all(last - first < size for first, last in parts.part_ranges(total, size))


def test_ranges_are_made_one_at_a_time() -> None:
    """Five tebibytes are not a list of ranges in memory."""
    assert list(islice(parts.part_ranges(5 * TIB, 5 * MIB), 2)) == [(0, 5 * MIB - 1), (5 * MIB, 10 * MIB - 1)]


@pytest.mark.parametrize(("number", "times"), [(1, 1), (950, 1), (951, 2), (1900, 2), (1901, 4), (9_501, 1024)])
def test_parts_double_every_950(number: int, times: int) -> None:
    """Each step begins with the part after a multiple of 950, up to the largest part that S3 takes."""
    assert parts.part_size_for(number, 5 * MIB) == 5 * MIB * times
    assert parts.part_size_for(number, 2 * GIB) == min(2 * GIB * times, 5 * GIB)


@pytest.mark.parametrize(
    ("total", "size"),
    [
        (0, 5 * MIB),
        (5 * MIB * 10_000, 5 * MIB),
        (5 * MIB * 10_000 + 1, 10 * MIB),
        (5 * TIB, 640 * MIB),
    ],
    ids=["empty", "10,000-parts", "one-byte-more", "largest"],
)
def test_a_known_length_doubles_parts_only_if_it_must(total: int, size: int) -> None:
    """10,000 parts are allowed; one byte more makes the parts twice as large."""
    assert parts.part_size_of(total, 0) == size


@pytest.mark.parametrize(
    ("total", "ranges"),
    [(0, []), (1, [(0, 0)]), (3, [(0, 2)]), (4, [(0, 2), (3, 3)]), (6, [(0, 2), (3, 5)])],
)
def test_ranges_begin_at_the_first_byte_and_end_at_the_last(total: int, ranges: list[tuple[int, int]]) -> None:
    """A length that is a multiple of the part size has no empty part at its end."""
    assert list(parts.part_ranges(total, 3)) == ranges


def test_large_copies_have_large_parts() -> None:
    """The smallest object that is copied in parts has eleven of them, eight of which are copied at a time."""
    size = parts.part_size_of(parts.MAX_COPY_SIZE + 1, parts.COPY_PART_SIZE)
    assert len(list(parts.part_ranges(parts.MAX_COPY_SIZE + 1, size))) == 11
    assert size == 512 * MIB
