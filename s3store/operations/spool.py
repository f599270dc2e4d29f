"""Two sorted sides, compared row by row; a side that does not arrive in order is sorted on disk first.

A row is anything that `pickle` can store and that belongs to a name. Names are ordered by their UTF-8 bytes, as AWS
lists keys. AWS: "ListObjectsV2". Other servers list in another order (SeaweedFS: by the parts between the slashes).
"""

from __future__ import annotations

import pickle
import struct
import tempfile
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from heapq import merge
from itertools import islice
from operator import itemgetter
from types import TracebackType
from typing import IO, Any, Generic, TypeVar

from s3store.conf.sources import upload_directory
from s3store.core.disk import writing_to

RUN = 100_000
"""The number of rows that are sorted in memory. More are on disk."""

# The number of rows that are read at a time from each run.
_BLOCK = 256

_LENGTH = struct.Struct("<I")

Row = TypeVar("Row")
Left = TypeVar("Left")
Right = TypeVar("Right")

Key = Callable[[Any], str]


class OutOfOrder(Exception):  # noqa: N818 (not an error: the side is sorted instead)
    """Rows whose names do not strictly increase: `name` came after `previous`, on `side` if there are two."""

    def __init__(self, previous: str, name: str, side: object = None) -> None:
        super().__init__(f"{name!r} is listed after {previous!r}.")
        self.previous = previous
        self.name = name
        self.side = side


def in_order(rows: Iterable[Row], *, key: Key = itemgetter(0), side: object = None) -> Iterator[Row]:
    """Yield the rows. Raises OutOfOrder, with `side`, at a row whose name is not greater than the one before it."""
    # In Python, the order of str is that of code points, and so that of UTF-8 bytes.
    source = iter(rows)
    for first in source:
        previous = key(first)
        yield first
        for row in source:
            name = key(row)
            if name <= previous:
                raise OutOfOrder(previous, name, side)
            previous = name
            yield row


class Spool(Generic[Row]):
    """Sorts any number of rows by name, in a temporary file if there are many. Memory does not grow with their number.

    `key` returns the name of a row. Default: its first item. Rows with equal names keep their order. Only this user can
    read the file, in the directory of the setting FILE_UPLOAD_TEMP_DIR; it disappears with the process. Use the spool
    as a context manager, or call `close`. Not for several threads.
    """

    def __init__(self, rows: Iterable[Row] = (), *, key: Key = itemgetter(0), run: int = RUN) -> None:
        self._key = key
        self._run = run
        self._rows: list[Row] = []
        self._runs: list[tuple[int, int]] = []
        self._file: IO[bytes] | None = None
        self._closed = False
        self._count = 0
        try:
            for row in rows:
                self.add(row)
        except BaseException:
            self.close()
            raise

    def __len__(self) -> int:
        """Return the number of rows."""
        return self._count

    def add(self, row: Row) -> None:
        """Add a row. Raises ValueError if the spool is closed, and OSError if the disk is full."""
        self._check()
        self._rows.append(row)
        self._count += 1
        if len(self._rows) >= self._run:
            self._flush()

    def __iter__(self) -> Iterator[Row]:
        """Yield the rows that were added so far, sorted. Raises ValueError if the spool is closed."""
        self._check()
        rest = sorted(self._rows, key=self._key)
        return merge(*(self._read(*run) for run in self._runs), rest, key=self._key)

    def close(self) -> None:
        """Delete the rows. Closing twice has no effect."""
        self._closed = True
        self._rows, self._runs = [], []
        if self._file:
            self._file.close()

    def __enter__(self) -> Spool[Row]:
        """Return the spool."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        """Close the spool."""
        self.close()

    def _check(self) -> None:
        if self._closed:
            raise ValueError("The spool is closed.")

    def _flush(self) -> None:
        """Write the rows in memory to the file, as a sorted run."""
        if self._file is None:
            # Without a name on the disk, or deleted by the system when it is closed: also if the process is killed.
            self._file = tempfile.TemporaryFile(prefix="s3store-", dir=upload_directory())  # noqa: SIM115 (`close`)
        rows = iter(sorted(self._rows, key=self._key))
        start = self._file.seek(0, 2)
        with writing_to(upload_directory() or tempfile.gettempdir()):
            while block := list(islice(rows, _BLOCK)):
                data = pickle.dumps(block, protocol=pickle.HIGHEST_PROTOCOL)
                self._file.write(_LENGTH.pack(len(data)))
                self._file.write(data)
            self._file.flush()
        self._runs.append((start, self._file.tell()))
        self._rows = []

    def _read(self, at: int, end: int) -> Iterator[Row]:
        while at < end:
            self._check()
            assert self._file is not None  # noqa: S101 (a run is in it)
            self._file.seek(at)
            (length,) = _LENGTH.unpack(self._file.read(_LENGTH.size))
            at += _LENGTH.size + length
            yield from pickle.loads(self._file.read(length))  # noqa: S301 (this process wrote it, and nobody else can)


class Side(Generic[Row]):
    """One side of a merge: `listed` begins to list it, once more each time it is called.

    `ordered=False` is for a side that is known to be in another order: it is sorted before the merge begins. A side
    that turns out to be so is sorted from then on. `certain` is true when its order is known: it was sorted, or read to
    the end. `key` returns the name of a row. Default: its first item.
    """

    def __init__(
        self, listed: Callable[[], Iterable[Row]], *, key: Key = itemgetter(0), ordered: bool = True, run: int = RUN
    ) -> None:
        self.listed = listed
        self.key = key
        self.ordered = ordered
        self.certain = False
        self._run = run
        self._spool: Spool[Row] | None = None

    def rows(self) -> Generator[Row, None, None]:
        """Yield the rows by name, each name once. Raises OutOfOrder if they are not in order.

        If a side that is sorted names something twice, the row that was listed first counts.
        """
        if self.ordered:
            with _closing(self.listed()) as listed:
                yield from in_order(listed, key=self.key, side=self)
            self.certain = True
            return
        if self._spool is None:
            with _closing(self.listed()) as listed:
                self._spool = Spool(listed, key=self.key, run=self._run)
        self.certain = True
        previous = None
        for row in self._spool:
            name = self.key(row)
            if name != previous:
                yield row
            previous = name

    def close(self) -> None:
        """Delete the temporary file, if there is one."""
        if self._spool:
            self._spool.close()
            self._spool = None


def merged(
    left: Side[Left], right: Side[Right], *, restarted: Callable[[OutOfOrder], None]
) -> Iterator[tuple[str, Left | None, Right | None]]:
    """Yield each name with its row on both sides, None where it is missing, in the order of names.

    If a side turns out not to be in order, `restarted` is called, and everything is yielded again, from the first name:
    that side is sorted now, and the other one is listed again. Only what was yielded after the last call is certain:
    before it, a name may have been missing on a side that lists it later. Until the end, more calls can follow. So send
    at once, and delete at the end.

    Errors of the listings are raised as they are. Close both sides afterwards.
    """
    while True:
        try:
            yield from _merged(left, right)
        except OutOfOrder as found:
            if not isinstance(found.side, Side) or found.side not in (left, right):
                raise
            found.side.ordered = False
            restarted(found)
        else:
            return


def _merged(left: Side[Left], right: Side[Right]) -> Iterator[tuple[str, Left | None, Right | None]]:
    with closing(left.rows()) as lefts, closing(right.rows()) as rights:
        yield from _compared(left, lefts, right, rights)


def _compared(
    left: Side[Left], lefts: Iterator[Left], right: Side[Right], rights: Iterator[Right]
) -> Iterator[tuple[str, Left | None, Right | None]]:
    one, other = next(lefts, None), next(rights, None)
    # One comparison a row: the names of both are kept.
    name, second = _name(left, one), _name(right, other)
    while name is not None or second is not None:
        if second is None or (name is not None and name < second):
            yield name, one, None  # type: ignore[misc]  # one of the two is a name
            one = next(lefts, None)
            name = _name(left, one)
        elif name is None or second < name:
            yield second, None, other
            other = next(rights, None)
            second = _name(right, other)
        else:
            yield name, one, other
            one, other = next(lefts, None), next(rights, None)
            name, second = _name(left, one), _name(right, other)


@contextmanager
def _closing(rows: Iterable[Row]) -> Iterator[Iterable[Row]]:
    """Close a listing afterwards if it can be closed: it may have a thread."""
    try:
        yield rows
    finally:
        if isinstance(rows, Generator):
            rows.close()


def _name(side: Side[Any], row: Any) -> str | None:
    return None if row is None else side.key(row)
