"""Range and Accept-Encoding as browsers send them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3store.core.requested import Requested, accepts, parse_range
from tests.work import PASS, at_most


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        ("bytes=0-0", Requested(start=0, stop=1)),
        ("bytes=5-", Requested(start=5)),
        ("bytes=-7", Requested(start=-7)),
        (" Bytes = 1 - 2 ", Requested(start=1, stop=3)),
        ("bytes=\t-\t7\t", Requested(start=-7)),
        ("items=0-1", None),
        ("items=0-1,3-4", None),
        ("", None),
    ],
)
def test_one_range_of_bytes_is_understood(header: str, wanted: Requested | None) -> None:
    """Units other than bytes are ignored."""
    assert parse_range(header) == wanted


@pytest.mark.parametrize(
    "header",
    [
        "bytes=-0",
        "bytes=9-1",
        "bytes=a-b",
        "bytes=0-0,1-1",
        "bytes=0-1,",
        "bytes=-",
        "bytes=",
        "bytes=1",
        "bytes",
        "bytes=+1-2",
        "bytes=--1",
        "bytes=١-٢",
        "bytes=0-" + "9" * 5000,
        "bytes=" + ",".join(["0-0"] * 5000),
    ],
    ids=lambda header: header[:20].encode("unicode_escape").decode(),
)
def test_su_15_everything_else_is_refused(header: str) -> None:
    """Several ranges, impossible ones, and numbers that take long to read."""
    with pytest.raises(ValueError, match="not a single, valid range of bytes"):
        parse_range(header)


@pytest.mark.parametrize("filler", [" ", "\t", "0", "-", ",", "\xa0", "=", " -"], ids=ascii)
@pytest.mark.parametrize("frame", ["bytes={}", "bytes=1{}x", "bytes=1-{}x", "bytes=1{}-{}2{}x", "bytes{}="])
def test_su_15_long_headers_are_read_at_once(frame: str, filler: str) -> None:
    """A header of 300,000 characters takes no longer than one pass over it."""
    header = frame.replace("{}", filler * (300_000 // len(filler)))
    with at_most(PASS):
        try:
            found = parse_range(header)
        except ValueError as error:
            assert "not a single, valid range" in str(error)  # noqa: PT017 (some of them are ignored instead)
        else:
            assert found is None


@pytest.mark.parametrize("filler", [" ", "q", "q ", ";", ",", "gzip;q= ", "0", "*"], ids=ascii)
@pytest.mark.parametrize("frame", ["{}", "gzip{}x", "gzip;{}x", "gzip;q{}x", "gzip;q={}x", "gzip;q=0{}x"])
def test_su_15_long_lists_of_encodings_are_read_at_once(frame: str, filler: str) -> None:
    """Whatever they allow."""
    header = frame.format(filler * (300_000 // len(filler)))
    with at_most(PASS):
        assert accepts("gzip", header) in (True, False)


@given(size=st.integers(0, 50), first=st.integers(0, 60), length=st.integers(0, 60) | st.none())
def test_ranges_within_a_size_are_pythons_slices(size: int, first: int, length: int | None) -> None:
    """What is left of a range is never empty, and both its ends are inside."""
    content = bytes(range(size))
    header = f"bytes={first}-" if length is None else f"bytes={first}-{first + length}"
    expected = content[first:] if length is None else content[first : first + length + 1]
    wanted = parse_range(header)
    assert wanted
    found = wanted.within(size)
    assert (content[found.start : found.stop] if found else b"") == expected
    if first:
        last = Requested(start=-first).within(size)
        assert (content[last.start : last.stop] if last else b"") == content[-first:]


@pytest.mark.parametrize(
    ("wanted", "limited"),
    [
        (Requested(start=3), Requested(start=3, stop=13)),
        (Requested(start=3, stop=20), Requested(start=3, stop=13)),
        (Requested(start=3, stop=5), Requested(start=3, stop=5)),
    ],
)
def test_a_cap_takes_the_end_off(wanted: Requested, limited: Requested) -> None:
    """A server may send less than was asked for."""
    assert wanted.at_most(10) == limited
    assert wanted.at_most(None) == wanted


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        ("gzip, deflate, br, zstd", True),
        ("GZIP", True),
        ("*", True),
        ("br;q=1.0, gzip;q=0.8, *;q=0.1", True),
        ("gzip; q=0", False),
        ("gzip;q=0.000, *", False),
        ("identity;q=1, *;q=0", False),
        ("gzip;q=nonsense", True),
        ("deflate, br", False),
        ("", False),
        (None, False),
    ],
)
def test_gzip_is_accepted_by_its_weight(header: str | None, accepted: bool) -> None:
    """A weight of 0 refuses, a star stands for what is not named."""
    assert accepts("gzip", header) is accepted


@pytest.mark.parametrize(
    ("wanted", "size", "inside"),
    [
        (Requested(start=10), 10, None),
        (Requested(start=9), 10, Requested(start=9, stop=10)),
        (Requested(start=10, stop=11), 10, None),
        (Requested(start=0), 0, None),
        (Requested(start=-1), 0, None),
        (Requested(start=-10), 10, Requested(start=0, stop=10)),
        (Requested(start=-11), 10, Requested(start=0, stop=10)),
        (Requested(start=3, stop=3), 10, None),
    ],
    ids=repr,
)
def test_a_range_without_bytes_is_none(wanted: Requested, size: int, inside: Requested | None) -> None:
    """A range that begins where the content ends has no byte of it."""
    assert wanted.within(size) == inside


@pytest.mark.parametrize("header", ["bytes=X0-5", "bytes=0-5X", "Xbytes=0-5X"])
def test_letters_around_a_range_are_not_dropped(header: str) -> None:
    """White space may stand around a range, nothing else."""
    if header.startswith("X"):
        assert parse_range(header) is None
    else:
        with pytest.raises(ValueError):
            parse_range(header)


def test_a_range_may_be_one_byte() -> None:
    """The last byte is included."""
    assert parse_range("bytes=5-5") == Requested(start=5, stop=6)
