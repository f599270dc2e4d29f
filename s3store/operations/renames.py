"""Files whose names a storage refuses. They get names that it accepts, and then the rows that name them follow."""

from __future__ import annotations

import filecmp
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timezone
from itertools import groupby
from operator import itemgetter
from types import TracebackType
from typing import NamedTuple

from django.core.exceptions import SuspiciousFileOperation
from django.db import DatabaseError, transaction

from s3store.core.renaming import accepted_name, name_of_row
from s3store.operations.landing import Landing
from s3store.operations.named import Named
from s3store.operations.places import Place
from s3store.operations.reports import Failed, Step, Summary, Watcher
from s3store.operations.rows import Column, Row, RowsError
from s3store.operations.spool import Spool
from s3store.operations.sync import sync
from s3store.operations.sync.names import NameRefusedError, check_for_storage
from s3store.operations.sync.remote import Remote
from s3store.wire.copying import copy_new


class _Refused(NamedTuple):
    name: str
    """Relative to both places."""
    column: int
    row: Row


class _Compared(Watcher):
    """Notes the names whose content was sent or compared."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def step(self, step: Step) -> None:
        if step.op != "fail":
            self.names.add(step.name)


@dataclass(slots=True)
class Renamed:
    """What became of the files with refused names. `old` are the names that were replaced."""

    files: list[dict[str, object]] = field(default_factory=list)
    old: set[str] = field(default_factory=set)
    failed: list[Failed] = field(default_factory=list)
    sent: int = 0
    size: int = 0

    def add_to(self, summary: Summary) -> None:
        """Add it to the summary of a run that has compared the files once more."""
        summary.more["renamed"] = self.files
        summary.failed += self.failed
        summary.sent += self.sent
        summary.size += self.size


class Renames:
    """The rows whose names the target refuses. A context manager."""

    def __init__(self, source: Place, target: Place) -> None:
        self._source, self._target = source, target
        self._remote = Remote(target)
        self._columns: list[Column] = []
        self._rows: Spool[_Refused] = Spool()

    def __enter__(self) -> Renames:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._rows.close()

    def take(self, column: Column, row: Row, name: str) -> bool:
        """Note a row if the target refuses its name, and return whether it does. `name` is relative to the places."""
        if not self.refuses(name):
            return False
        if not self._columns or self._columns[-1] is not column:
            self._columns.append(column)
        self._rows.add(_Refused(name, len(self._columns) - 1, row))
        return True

    def refuses(self, name: str) -> bool:
        """Return whether the target cannot have a file of this name, or would have it under another name."""
        try:
            check_for_storage(name)
            self._remote.objects.key(self._remote.name(name))
        except (NameRefusedError, SuspiciousFileOperation):
            return True
        return False

    def run(self, named: Spool[Named], *, dry_run: bool, threads: int, watcher: Watcher) -> Renamed:
        """Copy the files under new names, and then change their rows. Their names are added to `named`.

        Before a row is changed, the source and the target both have the file under the new name, so that the site finds
        it whichever of them it uses. The old file stays in the source. An interrupted run is continued by the next one:
        a name always gets the same new name.
        """
        done, begun = Renamed(), {}
        for name, rows in self._groups():
            try:
                new = self._new_name(name, rows)
                if not self._exists(name):
                    # Reported with the other missing files.
                    named.add((name, str(rows[0].row), False))
                elif dry_run:
                    self._note(done, name, new, len(rows), watcher)
                else:
                    self._appear(name, new)
                    begun[new] = name
            except (OSError, ValueError, SuspiciousFileOperation) as error:
                self._fail(done, name, error, watcher)
        compared = self._copied(done, begun, threads, watcher)
        for name, rows in self._groups():
            new = self._new_name(name, rows) if name in compared else ""
            if not new:
                continue
            try:
                count = self._change(rows, name, new)
            except (DatabaseError, RowsError) as error:
                self._fail(done, name, error, watcher)
                continue
            self._note(done, name, new, count, watcher)
            named.add((new, str(rows[0].row), False))
        return done

    def _groups(self) -> Iterator[tuple[str, list[_Refused]]]:
        for name, rows in groupby(self._rows, key=itemgetter(0)):
            yield name, list(rows)

    def _new_name(self, name: str, rows: Iterable[_Refused]) -> str:
        """Return the new name. It is the same in each run. Raises ValueError."""
        limits = [
            each.row.field.max_length - (len(each.row.name) - len(name)) for each in rows if each.row.field.max_length
        ]
        new = accepted_name(
            name,
            valid=self._remote.storage.get_valid_name,
            characters=min(limits, default=None),
            above=self._remote.prefix,
        )
        for each in rows:
            name_of_row(each.row.name, name, new)
        return new

    # In the source

    def _exists(self, name: str) -> bool:
        if self._source.storage is None:
            path = self._source.local / name
            return path.is_file() and not path.is_symlink()
        remote = Remote(self._source)
        target = remote.target(name)
        return remote.objects.bucket.find(target.key, target.params) is not None

    def _appear(self, name: str, new: str) -> None:
        """Let the source have the file under the new name too. Raises FileExistsError for another file there."""
        (self._appear_on_disk if self._source.storage is None else self._appear_in_storage)(name, new)

    def _appear_on_disk(self, name: str, new: str) -> None:
        root = self._source.local
        old, path = root / name, root / new
        if path.exists():
            if not path.samefile(old) and not filecmp.cmp(path, old, shallow=False):
                raise _taken(new)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(old, path)
        except OSError:
            # Not every file system has hard links.
            modified = datetime.fromtimestamp(old.stat().st_mtime, timezone.utc)
            landing = Landing(root).writing(new, modified=modified)
            with old.open("rb") as content, landing as file:
                shutil.copyfileobj(content, file)

    def _appear_in_storage(self, name: str, new: str) -> None:
        remote = Remote(self._source)
        bucket, old, target = remote.objects.bucket, remote.target(name), remote.target(new)
        there, info = bucket.find(target.key, target.params), bucket.head(old.key, old.params)
        if there is None:
            copy_new(remote.objects, old.key, target, etag=info.etag)
        elif there.size != info.size or (there.md5 and info.md5 and there.md5 != info.md5):
            raise _taken(new)

    # In the target, and in the rows

    def _copied(self, done: Renamed, begun: dict[str, str], threads: int, watcher: Watcher) -> set[str]:
        """Copy the files, and return the old names of those whose content was compared."""
        if not begun:
            return set()
        told = _Compared()
        summary = sync(self._source, self._target, names=sorted(begun), verify=True, threads=threads, watcher=told)
        # The source still has the old names, which sync refuses.
        ours = [failed for failed in summary.failed if failed.name in begun]
        for failed in ours:
            watcher.step(Step(op="fail", name=failed.name, reason=failed.why))
        done.failed += ours
        done.sent, done.size = summary.sent, summary.size
        broken = {failed.name for failed in ours} | set(summary.more.get("missing", ()))
        return {old for new, old in begun.items() if new in told.names - broken}

    def _change(self, rows: Iterable[_Refused], name: str, new: str) -> int:
        """Change all rows that name a file, or none. A row that names another file by now stays."""
        count = 0
        with ExitStack() as stack:
            for database in sorted({each.row.database for each in rows}):
                stack.enter_context(transaction.atomic(using=database))
            for each in rows:
                column, old = self._columns[each.column], each.row.name
                count += column.rename(each.row.pk, old, name_of_row(old, name, new))
        return count

    def _note(self, done: Renamed, name: str, new: str, rows: int, watcher: Watcher) -> None:
        done.files.append({"name": name, "to": new, "rows": rows})
        done.old.add(name)
        watcher.step(Step(op="rename", name=name, reason=f"to {new}, in {rows} row{'s' * (rows != 1)}"))

    def _fail(self, done: Renamed, name: str, error: Exception, watcher: Watcher) -> None:
        done.failed.append(Failed.of(name, error))
        watcher.step(Step(op="fail", name=name, reason=str(error)))


def _taken(new: str) -> FileExistsError:
    return FileExistsError(f"Its new name would be {new!r}, and the source has another file there. Rename that file.")
