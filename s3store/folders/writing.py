"""The verbs of a Folder that change something."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.core.files.base import ContentFile

from s3store import errors
from s3store.files.content import repeatable, rewind
from s3store.files.markers import write_marker
from s3store.files.saving import save_content
from s3store.folders import jail
from s3store.folders import names as naming
from s3store.folders.access import Place, taken
from s3store.folders.reports import Progress, Report, Trashed
from s3store.folders.restore import Restoring
from s3store.folders.root import Path, Rooted
from s3store.folders.transfers import Merge
from s3store.folders.trash import EVER, Trashing, own_place
from s3store.folders.work import Deletion, Moving, Paths, last_of, listed


class Writing(Rooted):
    """Saves, moves, copies and deletes."""

    def save(self, path: Path, content: Any, *, overwrite: bool = False, keep_both: bool = False) -> str:
        """Save a file and return its path. `content` is that of `storage.save`. No folder needs to exist.

        Raises FileExistsError if the file exists: with `overwrite`, it is replaced; with `keep_both`, the new one is
        saved as `name (2)`. The new name is in Unicode's form NFC.
        """
        objects = self._scope.objects
        place = (self._known(path) if overwrite else None) or self._new(path)
        if place.is_folder:
            raise naming.NameRefusedError(f"{place.path + '/'!r} names a folder. Give the name of a file.")
        if isinstance(content, str | bytes):
            content = ContentFile(content)
        with objects.pinned(), repeatable(content, objects.options.max_memory_size) as source:
            for candidate in candidates(place, keep_both=keep_both):
                rewind(source)
                try:
                    save_content(objects, objects.target(candidate.name), source, create=not overwrite)
                except errors.ObjectExistsError as error:
                    if not keep_both:
                        raise taken(place.path) from error
                else:
                    return candidate.path
        raise taken(place.path)

    def _known(self, path: Path) -> Place | None:
        """Return the place of a file whose name is not one for new files, if it exists: it may be replaced."""
        place = self._jail.place(path)
        try:
            if not place.path or naming.new(place.segment, self._rule) == place.segment:
                return None
        except naming.NameRefusedError:
            pass
        self._access.require("write", place)
        target = self._scope.objects.target(place.name)
        return place if self._scope.objects.bucket.find(target.key, target.params) else None

    def create_folder(self, path: Path) -> str:
        """Create a folder and return its path: two requests. A folder that exists stays as it is.

        Raises FileExistsError if there is a file of that name.
        """
        place, objects = self._new(path), self._scope.objects
        target = objects.target(place.name)
        if objects.bucket.find(target.key, target.params):
            raise taken(place.path)
        write_marker(objects, objects.folder(place.name))
        return f"{place.path}/"

    def rename(self, path: Path, name: str) -> Report:
        """Rename a file or folder. `name` is one part of a path. The report and the errors are those of `move`."""
        place = self._jail.place(path)
        return self.move(path, place.path.rpartition("/")[0], name=name)

    def move(
        self, sources: Paths, target_folder: Path, *, merge: Merge | None = None, name: str | None = None
    ) -> Report:
        """Move files and folders into a folder, and return the report. `moving` says what the arguments mean."""
        return finished(self.moving(sources, target_folder, merge=merge, name=name))

    def copy(
        self, sources: Paths, target_folder: Path, *, merge: Merge | None = None, name: str | None = None
    ) -> Report:
        """Copy files and folders into a folder, and return the report. `moving` says what the arguments mean."""
        return finished(self.copying(sources, target_folder, merge=merge, name=name))

    def delete(self, paths: Paths) -> Report:
        """Delete files and folders for ever, and return the report."""
        return finished(self.deleting(paths))

    def trash(self, paths: Paths, *, operation: str) -> Trashed:
        """Delete files and folders with a way back, and return what `restore` needs. `trashing` says how."""
        return last_of(self.trashing(paths, operation=operation)).trashed or Trashed(operation=operation, paths=())

    def restore(self, trashed: Trashed) -> Report:
        """Bring back what `trash` has deleted, and return the report."""
        return finished(self.restoring(trashed))

    def empty_trash(self) -> Report:
        """Delete for ever what is in the trash of the outermost root, and return the report.

        The user must be allowed to delete at the root. In a bucket with versions, the files are versions that lifecycle
        rules delete: this deletes the records by which they could be restored.
        """
        scope = self._scope
        root = Place(path="", full="", name=self._jail.outer, is_folder=True)
        scope.access.require("delete", root)
        places = [own_place(scope, name) for name in ("trash", "undo")]
        how: dict[str, Any] = {"many": True, "since": EVER, "announces": False}
        return finished(Deletion(folder=self, sender=self.sender, scope=scope, **how).run(places))

    # Long work

    def moving(
        self,
        sources: Paths,
        target_folder: Path,
        *,
        merge: Merge | None = None,
        name: str | None = None,
        since: datetime | None = None,
    ) -> Iterator[Progress]:
        """Move files and folders into a folder, and yield the progress. The last one has the report.

        `merge`
            What happens to a file whose name is taken: `skip` leaves it where it is, `replace` replaces the other one,
            `keep_both` makes it `name (2)`. Default: FileExistsError for one source, and a failure in the report for
            several. A folder is moved into a folder of the same name only with `merge`.
        `name`
            The new name of the only source. Default: the same name.
        `since`
            The `started` of the progress of an interrupted run: files that it has copied are not copied again.

        Nothing is changed until the first progress is asked for.
        """
        return self._transfer(sources, target_folder, move=True, merge=merge, name=name, since=since)

    def copying(
        self,
        sources: Paths,
        target_folder: Path,
        *,
        merge: Merge | None = None,
        name: str | None = None,
        since: datetime | None = None,
    ) -> Iterator[Progress]:
        """Copy files and folders into a folder, and yield the progress. The arguments are those of `moving`."""
        return self._transfer(sources, target_folder, move=False, merge=merge, name=name, since=since)

    def _transfer(self, sources: Paths, target_folder: Path, *, name: str | None, **how: Any) -> Iterator[Progress]:
        given, many = listed(sources)
        places = [self._jail.place(path) for path in given]
        target = self._jail.place(target_folder)
        if name is not None:
            if len(places) != 1:
                raise ValueError("A name can be given for one source only.")
            name = naming.new(name, self._rule)
        return Moving(folder=self, sender=self.sender, scope=self._scope, many=many, **how).run(places, target, name)

    def deleting(self, paths: Paths, *, since: datetime | None = None) -> Iterator[Progress]:
        """Delete files and folders for ever, and yield the progress. The last one has the report.

        `since` is that of `moving`: paths that are gone already are not an error.
        """
        given, many = listed(paths)
        places = [self._jail.place(path) for path in given]
        return Deletion(folder=self, sender=self.sender, scope=self._scope, many=many, since=since).run(places)

    def trashing(self, paths: Paths, *, operation: str, since: datetime | None = None) -> Iterator[Progress]:
        """Delete files and folders with a way back, and yield the progress. The last one has `trashed`.

        In a bucket that keeps versions, nothing is copied. In others, files move to the trash, a folder below the root
        that no path reaches. `operation` identifies the operation, such as a UUID: letters, digits, `.`, `_` and `-`.
        """
        given, many = listed(paths)
        places = [self._jail.place(path) for path in given]
        how: dict[str, Any] = {"many": many, "since": since, "operation": operation}
        return Trashing(folder=self, sender=self.sender, scope=self._scope, **how).run(places)

    def restoring(self, trashed: Trashed, *, since: datetime | None = None) -> Iterator[Progress]:
        """Bring back what `trash` has deleted, and yield the progress. The last one has the report.

        A file whose name is taken again comes back as `name (restored)`. What is no longer there is a failure with the
        code `missing`. The user must be allowed to write at each path.
        """
        how: dict[str, Any] = {"many": True, "since": since, "trashed": trashed}
        return Restoring(folder=self, sender=self.sender, scope=self._scope, **how).run()


def candidates(place: Place, *, keep_both: bool) -> Iterator[Place]:
    """Yield the places at which a new file may be saved."""
    yield place
    for number in range(2, 100 if keep_both else 2):
        yield jail.below(jail.parent(place), naming.numbered(place.segment, number))


def finished(work: Iterator[Progress]) -> Report:
    """Do the work, and return its report."""
    return last_of(work).report or Report()
