"""Sizes, ages and times as people write them."""

from datetime import datetime, timedelta, timezone

import pytest

from s3store.core.units import human_size, human_span, parse_age, parse_moment, parse_size, printable


@pytest.mark.parametrize(
    ("text", "size"),
    [("512", 512), ("10KB", 10_000), ("10KiB", 10_240), ("1.5 mib", 1_572_864), ("2M", 2_000_000), ("1B", 1)],
)
def test_sizes(text, size):
    """Powers of 1,000, and of 1,024 with an i."""
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "ten", "10iB", "-1", "10 EiB", "1 2"])
def test_what_is_no_size(text):
    """The error shows what a size looks like."""
    with pytest.raises(ValueError, match="such as 10MiB"):
        parse_size(text)


def test_ages():
    """A number and a unit."""
    assert [parse_age(text) for text in ("30s", "15m", "1.5h", "7d", "2w")] == [
        timedelta(seconds=30),
        timedelta(minutes=15),
        timedelta(minutes=90),
        timedelta(days=7),
        timedelta(days=14),
    ]
    with pytest.raises(ValueError, match="such as 7d"):
        parse_age("7")


def test_moments(monkeypatch):
    """With an offset, with Z, or in local time."""
    noon = datetime(2026, 1, 31, 12, tzinfo=timezone.utc)
    assert parse_moment("2026-01-31T12:00Z") == parse_moment("2026-01-31T13:00+01:00") == noon
    assert parse_moment("2026-01-31 12:00") == datetime(2026, 1, 31, 12).astimezone(timezone.utc)
    with pytest.raises(ValueError, match="2026-01-31T12:00Z"):
        parse_moment("yesterday")


def test_sizes_for_people():
    """In the unit in which the number is short."""
    sizes = (0, 1023, 1024, 1536, 1024**2 - 1, 5 * 1024**4, 10_000 * 1024**5)
    assert [human_size(size) for size in sizes] == [
        "0 B",
        "1023 B",
        "1.0 KiB",
        "1.5 KiB",
        "1.0 MiB",
        "5.0 TiB",
        "10000.0 PiB",
    ]


def test_spans_for_people():
    """As a clock shows them."""
    assert [human_span(seconds) for seconds in (-1, 58.4, 75, 3723)] == ["0:00", "0:58", "1:15", "1:02:03"]


def test_sk_01_a_name_cannot_control_the_terminal():
    """Escape sequences and line breaks are shown as text, other letters as they are."""
    assert printable("ü/\x1b[2Ja\nb") == r"ü/\x1b[2Ja\nb"
    assert printable("plain.txt") == "plain.txt"
