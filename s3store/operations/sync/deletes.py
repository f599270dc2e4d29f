"""Deleting what only the target has: after everything else, and only what is still as it was listed."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from s3store import errors
from s3store.core.parts import MAX_DELETE_KEYS
from s3store.operations.landing import Landing, LandingError
from s3store.operations.reports import Failed
from s3store.operations.spool import Side, Spool, merged
from s3store.operations.sync.remote import Remote
from s3store.operations.sync.rows import Found, Row
from s3store.wire.deleting import Deletion

_EXAMPLES = 5
_MANY = 100

Confirm = Callable[["Doomed"], bool]
"""Is asked before files are deleted."""


@dataclass(slots=True)
class Doomed:
    """The files that only the target has. `total` counts the files of the target, `examples` are a few names."""

    rows: Spool[Row] = field(default_factory=Spool)
    size: int = 0
    total: int = 0
    examples: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.rows)

    def add(self, row: Row) -> None:
        """Add a file."""
        self.rows.add(row)
        self.size += row.size
        if len(self.examples) < _EXAMPLES:
            self.examples.append(row.name)

    def close(self) -> None:
        """Delete the temporary file, if there is one."""
        self.rows.close()


def refusal(doomed: Doomed, *, taken: int, force: bool, most: int | None, target: str) -> Failed | None:
    """Return why so many files are not deleted, or None. `taken` is the number of files of the source. Pure."""
    count = len(doomed)
    if not count:
        return None
    if not taken and not force:
        return Failed(
            name=target,
            code="EmptySource",
            why=f"The source has no files, so {count} files would be deleted, and nothing was. Check the source; if it "
            "is right, give --force.",
        )
    if most is not None:
        if count > most:
            why = f"{count} files would be deleted, more than --max-delete {most}, so nothing was. Raise --max-delete."
            return Failed(name=target, code="TooManyDeletes", why=why)
        return None
    if count > _MANY and 2 * count > doomed.total and not force:
        return Failed(
            name=target,
            code="TooManyDeletes",
            why=f"{count} of {doomed.total} files would be deleted, more than half, so nothing was. Check the source; "
            f"if it is right, give --max-delete {count}, or --force.",
        )
    return None


def delete_remote(target: Remote, doomed: Doomed) -> Iterator[tuple[Row, Failed | None]]:
    """Delete objects that the listing still shows with the same ETag and size. Yield each, or its failure."""
    listed: Side[Row] = Side(lambda: target.rows(Found()))
    wanted: Side[Row] = Side(lambda: doomed.rows)
    objects = target.objects
    batch: list[Row] = []

    def sent() -> Iterator[tuple[Row, Failed | None]]:
        by_key = {objects.key(target.name(row.name)): row for row in batch}
        batch.clear()
        try:
            outcomes = objects.bucket.delete_listed([Deletion(key=key) for key in by_key], objects.listing_params)
        except errors.S3StoreError as error:
            # The summary says what was sent before, and the other batches go on.
            yield from ((row, Failed.of(row.name, error)) for row in by_key.values())
            return
        for outcome in outcomes:
            row, failure = by_key[outcome.deletion.key], outcome.failure
            yield row, Failed(name=row.name, code=failure.code, why=failure.message) if failure else None

    gone: set[str] = set()
    try:
        # A name that both sides have is certain, whatever is listed later.
        for name, row, now in merged(wanted, listed, restarted=lambda _: None):
            if row and now and (row.etag, row.size) == (now.etag, now.size) and name not in gone:
                batch.append(row)
                gone.add(name)
            if len(batch) == MAX_DELETE_KEYS:
                yield from sent()
                gone.clear()
        if batch:
            yield from sent()
    finally:
        listed.close()
        wanted.close()


def delete_local(tree: Landing, doomed: Doomed) -> Iterator[tuple[Row, Failed | None]]:
    """Delete local files that still have the same size and time, and directories that become empty."""
    for row in doomed.rows:
        try:
            deleted = _delete_file(tree, row)
        except OSError as error:
            yield row, Failed.of(row.name, error)
        else:
            if deleted:
                yield row, None


def _delete_file(tree: Landing, row: Row) -> bool:
    try:
        with tree.parent(row.name) as (spot, last):
            where, how = spot.at(last)
            status = os.stat(where, follow_symlinks=False, **how)  # noqa: PTH116 (Path takes no dir_fd)
            same = stat.S_ISREG(status.st_mode) and status.st_size == row.size
            if not same or status.st_mtime_ns / 1e9 != row.modified:
                return False
            os.unlink(where, **how)
        _delete_empty(tree, row.name)
    except (FileNotFoundError, LandingError):
        return False
    return True


def _delete_empty(tree: Landing, name: str) -> None:
    above = name.rpartition("/")[0]
    while above:
        with tree.parent(above) as (spot, last):
            where, how = spot.at(last)
            try:
                os.rmdir(where, **how)
            except OSError:
                return
        above = above.rpartition("/")[0]
