"""Sides are compared row by row in flat memory, in whatever order they are listed."""

from __future__ import annotations

import gc
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.test import override_settings
from hypothesis import given, settings
from hypothesis import strategies as st

from s3store.operations.spool import OutOfOrder, Side, Spool, in_order, merged

# Characters around `/` in both orders, and characters whose order differs in UTF-8 and in UTF-16.
NAMES = st.sets(st.text(alphabet="!-./0aé\uffee\U0001f600", min_size=1, max_size=6), max_size=40)


def by_bytes(names: set[str]) -> list[str]:
    return sorted(names, key=str.encode)


def by_segment(names: set[str]) -> list[str]:
    """The order of SeaweedFS."""
    return sorted(names, key=lambda name: name.encode().split(b"/"))


ORDERS: dict[str, Callable[[set[str]], list[str]]] = {"bytes": by_bytes, "segments": by_segment, "random": list}


def side(names: list[str], mark: str, *, run: int = 7, ordered: bool = True) -> Side[tuple[str, str]]:
    return Side(lambda: iter([(name, mark) for name in names]), run=run, ordered=ordered)


def joined(left: Side[Any], right: Side[Any], restarts: list[OutOfOrder] | None = None) -> list[Any]:
    """Everything that a merge yields, also before a restart."""
    noted = [] if restarts is None else restarts
    with closing(left), closing(right):
        return list(merged(left, right, restarted=noted.append))


@pytest.mark.parametrize("left_order", ORDERS)
@pytest.mark.parametrize("right_order", ORDERS)
@settings(max_examples=40)
@given(left=NAMES, right=NAMES)
def test_a_merge_yields_each_name_once_with_its_rows(
    left_order: str, right_order: str, left: set[str], right: set[str]
) -> None:
    """After the last restart, whatever the orders of the two sides are."""
    found: list[tuple[str, object, object]] = []
    restarts: list[OutOfOrder] = []

    def restarted(error: OutOfOrder) -> None:
        restarts.append(error)
        found.clear()

    one, other = side(ORDERS[left_order](left), "left"), side(ORDERS[right_order](right), "right")
    for row in merged(one, other, restarted=restarted):
        found.append(row)
    one.close()
    other.close()
    assert found == [
        (name, (name, "left") if name in left else None, (name, "right") if name in right else None)
        for name in by_bytes(left | right)
    ]
    assert len(restarts) <= 2
    if left_order == right_order == "bytes":
        assert not restarts


@given(left=NAMES, right=NAMES)
def test_what_is_found_on_both_sides_is_there(left: set[str], right: set[str]) -> None:
    """Also before a restart, a row belongs to its name and its side; only an absence can be wrong."""
    restarts: list[OutOfOrder] = []
    one, other = side(by_bytes(left), "left"), side(by_segment(right), "right")
    seen = joined(one, other, restarts)
    assert all(row[0] in left for row in seen if row[1])
    assert all(row[0] in right for row in seen if row[2])
    assert {row[0] for row in seen} == left | right


def test_a_known_order_costs_no_restart() -> None:
    """A side that is known not to be in order is sorted at once."""
    restarts: list[OutOfOrder] = []
    one, other = side(["a", "b"], "left"), side(["b", "a"], "right", ordered=False)
    assert [row[0] for row in joined(one, other, restarts)] == ["a", "b"]
    assert restarts == []


def test_a_name_that_a_sorted_side_lists_twice_counts_once() -> None:
    """The row that was listed first."""
    twice = Side(lambda: [("b", 1), ("a", 2), ("b", 3), ("b", 4)], run=2, ordered=False)
    assert joined(twice, side([], "right")) == [
        ("a", ("a", 2), None),
        ("b", ("b", 1), None),
    ]


def test_a_restart_lists_the_other_side_again_and_closes_the_first_listing() -> None:
    """What was sent since is listed too, and no listing is left open."""
    events: list[str] = []

    def listing(mark: str, names: str) -> Iterator[tuple[str]]:
        events.append(f"{mark} begins")
        try:
            for name in names:
                yield (name,)
        finally:
            events.append(f"{mark} ends")

    left, right = Side(lambda: listing("left", "abcd")), Side(lambda: listing("right", "bacd"))
    rows = merged(left, right, restarted=lambda error: events.append(str(error)))
    found = [row[0] for row in rows]
    assert found[-4:] == ["a", "b", "c", "d"]
    whole = ["left begins", "right begins", "right ends", "left ends", "'a' is listed after 'b'."]
    assert events[:2] == ["left begins", "right begins"]
    assert sorted(events[:5]) == sorted(whole)
    assert sorted(events[5:]) == sorted(["left begins", "left ends", "right begins", "right ends"])


def test_a_merge_that_stops_closes_its_listings() -> None:
    """A listing can have a thread, which ends with it."""
    closed: list[str] = []

    def listing() -> Iterator[tuple[str]]:
        try:
            yield ("a",)
            yield ("b",)
        finally:
            closed.append("closed")

    rows = merged(Side(listing), Side(listing), restarted=lambda _: None)
    next(rows)
    rows.close()  # type: ignore[attr-defined]
    assert closed == ["closed", "closed"]


def test_errors_of_a_listing_are_raised() -> None:
    """Also another merge's OutOfOrder, which sorting this side would not help."""

    def failing(error: Exception) -> Iterator[tuple[str]]:
        yield ("a",)
        raise error

    for error in (PermissionError("denied"), OutOfOrder("b", "a")):
        with pytest.raises(type(error)):
            joined(Side(partial(failing, error)), side(["a"], "right"))


@pytest.mark.parametrize("names", ["ba", "aa", "abdc", ["\U0001f600", "\uffee"]])
def test_rows_out_of_order_are_noticed(names: str | list[str]) -> None:
    """At the first row that is not greater than the one before: by the bytes of UTF-8, not by units of UTF-16."""
    with pytest.raises(OutOfOrder) as caught:
        list(in_order([(name,) for name in names]))
    assert caught.value.name.encode() <= caught.value.previous.encode()


def test_rows_in_order_pass() -> None:
    """Unchanged, and none at all is in order too."""
    rows = [("a/b", 1), ("a0", 2), ("é", 3)]
    assert list(in_order(rows)) == rows
    assert list(in_order([])) == []


@given(rows=st.lists(st.tuples(st.text(alphabet="ab/é\ud800", max_size=3), st.integers()), max_size=60))
def test_a_spool_yields_all_rows_sorted(rows: list[tuple[str, int]]) -> None:
    """In several runs, twice, and with rows that were added in between; equal names keep their order."""
    with Spool(rows, run=4) as spool:
        assert list(spool) == sorted(rows, key=lambda row: row[0])
        spool.add(("a", 0))
        assert list(spool) == sorted([*rows, ("a", 0)], key=lambda row: row[0])
        assert len(spool) == len(rows) + 1


def test_two_readers_of_a_spool_do_not_disturb_each_other() -> None:
    """Each run is read from its own position."""
    rows = [(f"{number:04}",) for number in range(2000)]
    with Spool(reversed(rows), run=300) as spool:
        assert [one == other for one, other in zip(spool, spool, strict=True)] == [True] * 2000


def test_a_closed_spool_is_refused() -> None:
    """Rather than yielding only what was in memory."""
    spool = Spool([("b",), ("a",), ("c",)], run=2)
    reader = iter(spool)
    spool.close()
    spool.close()
    with pytest.raises(ValueError, match="closed"):
        list(reader)
    with pytest.raises(ValueError, match="closed"):
        list(spool)
    with pytest.raises(ValueError, match="closed"):
        spool.add(("d",))


def test_a_spool_whose_rows_fail_has_no_file(tmp_path: Path) -> None:
    """The listing broke off: the descriptor is closed."""

    def failing() -> Iterator[tuple[str]]:
        yield from [("b",), ("a",)]
        raise ConnectionError("reset")

    with override_settings(FILE_UPLOAD_TEMP_DIR=str(tmp_path)), pytest.raises(ConnectionError):
        Spool(failing(), run=2)
    gc.collect()
    assert list(tmp_path.iterdir()) == []


CHILD = """
import os, sys, django
from django.conf import settings
settings.configure(FILE_UPLOAD_TEMP_DIR=sys.argv[1])
django.setup()
os.umask(0)
from s3store.operations.spool import Spool
spool = Spool(((f"{number:09}", number, "etag") for number in range(%d, 0, -1)), run=%d)
if sys.argv[2] == "wait":
    print(oct(os.fstat(spool._file.fileno()).st_mode), flush=True)
    sys.stdin.read()
before = None
for count, row in enumerate(spool, 1):
    assert before is None or before < row[0]
    before = row[0]
from tests.memory import peak
print(count, peak() // 1024)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9")
def test_the_file_of_a_killed_process_is_gone(tmp_path: Path) -> None:
    """Nobody else could read it while it was there."""
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD % (1000, 100), str(tmp_path), "wait"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout
    mode = int(child.stdout.readline(), 8)
    os.kill(child.pid, signal.SIGKILL)
    child.communicate()
    assert stat.S_IMODE(mode) == 0o600
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the peak is in /proc")
def test_a_million_rows_need_less_than_100_mib(tmp_path: Path) -> None:
    """Memory of the whole process, with Django."""
    ran = subprocess.run(
        [sys.executable, "-c", CHILD % (1_000_000, 100_000), str(tmp_path), "run"],
        capture_output=True,
        text=True,
        check=True,
    )
    count, mebibytes = map(int, ran.stdout.split())
    assert count == 1_000_000
    assert mebibytes < 100
