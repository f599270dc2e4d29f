"""Copying and moving files: from and to this machine, inside a storage, and from one storage to another.

A file is complete at its target, or not there. A source is deleted only after its own copy is complete, and only if it
is still what was copied.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from django.core.files.base import File

from s3store.core.globs import Filter
from s3store.files.download import HELPERS, Helpers
from s3store.operations import command
from s3store.operations.command import THREADS
from s3store.operations.hiding import put_back
from s3store.operations.places import Place, PlaceError
from s3store.operations.reports import Step, Summary, Watcher
from s3store.operations.shell import local, selecting
from s3store.operations.shell.applying import fail, measured
from s3store.operations.shell.local import LocalItem
from s3store.operations.shell.selecting import DirectoryError, Item, Selection, select
from s3store.operations.shell.targets import Directory, StorageTarget, Target
from s3store.wire import pool

__all__ = ["copy", "save_stream"]

STANDARD = "-"
"""The place that is standard input or standard output."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One file that is copied. `inside` is its path below the target."""

    inside: str
    shown: str
    size: int
    source: tuple[Selection, Item] | LocalItem


def copy(
    sources: Sequence[Place],
    target: Place,
    *,
    recursive: bool = False,
    overwrite: bool | None = None,
    move: bool = False,
    rules: Filter | None = None,
    content_type: str | None = None,
    metadata: Mapping[str, str] | None = None,
    tags: bool = True,
    dry_run: bool = False,
    threads: int = THREADS,
    watcher: Watcher | None = None,
) -> Summary:
    """Copy files to a target, or move them. One of the two sides is in a storage.

    A directory as a source needs `recursive`; its content is copied to the target, and with several sources, below its
    own name there. `overwrite` is whether files are replaced. Default: `file_overwrite` of the storage, and not on this
    machine. `content_type` and `metadata` are for files of this machine. Without `tags`, copies from another bucket
    have no tags: reading them needs the permission s3:GetObjectTagging, and a request for each file.

    Raises PlaceError for places that are not possible together, and ObjectNotFoundError for a source that does not
    exist: then nothing was copied. What fails later is in the summary.
    """
    watcher = watcher or Watcher()
    verb = "mv" if move else "cp"
    chosen = [_source(place, recursive=recursive) for place in sources]
    to = _target(chosen, target, overwrite=overwrite)
    to.content_type, to.metadata, to.tags, to.moved = content_type, metadata, tags, watcher.moved
    for source in chosen:
        if isinstance(source, Selection):
            to.refuse_overlap(source)
    summary = Summary(command=verb, dry_run=dry_run, plan=[] if dry_run else None, target=str(target))
    summary.source = str(sources[0]) if len(sources) == 1 else None
    selections = [source for source in chosen if isinstance(source, Selection)]
    threads = _threads(selections, to, threads)

    def attempt(job: Job) -> Step:
        return _one(job, to, move=move, dry_run=dry_run)

    with Helpers(min(threads - 1, HELPERS), watcher.moved) as crew, measured(summary, selections, to.everything):
        to.crew = crew
        jobs = _all_jobs(chosen, to, summary, recursive=recursive, rules=rules, watcher=watcher)
        for outcome in pool.run(attempt, jobs, threads=threads):
            watcher.step(_noted(summary, outcome))
        if move and not dry_run:
            for source in chosen:
                if isinstance(source, Path) and source.is_dir():
                    local.remove_empty(source)
    summary.failed.sort(key=lambda failure: failure.name)
    if summary.plan is not None:
        summary.plan.sort(key=lambda step: step.name)
    return summary


def _threads(selections: Sequence[Selection], to: Target, wanted: int) -> int:
    """Return the number of threads that the options of all storages allow."""
    for objects in [*(selection.objects for selection in selections), *to.everything]:
        wanted = min(wanted, command.threads_of(objects.options, wanted))
    return wanted


def _all_jobs(
    chosen: Sequence[Source],
    to: Target,
    summary: Summary,
    *,
    recursive: bool,
    rules: Filter | None,
    watcher: Watcher,
) -> Iterator[Job]:
    """Yield the files of all sources. Of two that would get one name, the second is a failure."""
    many = len(chosen) > 1
    taken: set[str] = set()
    for source in chosen:
        for job in _jobs(source, recursive=recursive, rules=rules, many=many, watcher=watcher):
            if many:
                place = to.place(job.inside)
                if place in taken:
                    error = PlaceError(f"two sources would be copied to {place}. Copy them one after the other.")
                    summary.objects += 1
                    watcher.step(fail(summary, job.shown, error))
                    continue
                taken.add(place)
            watcher.expect(1, job.size)
            yield job


def _noted(summary: Summary, outcome: pool.Outcome[Job, Step]) -> Step:
    """Count what became of a file, and return its step."""
    summary.objects += 1
    if outcome.result is None:
        return fail(summary, outcome.item.shown, outcome.error or PlaceError(outcome.item.shown))
    step = outcome.result
    if summary.plan is not None:
        summary.plan.append(step)
    else:
        summary.sent += 1
    summary.size += step.size
    return step


def save_stream(
    stream: IO[bytes],
    target: Place,
    *,
    overwrite: bool | None = None,
    content_type: str | None = None,
    metadata: Mapping[str, str] | None = None,
) -> Summary:
    """Save what an open binary file, such as standard input, contains. It is sent in parts while it arrives.

    Memory stays bounded; only a storage that compresses needs a temporary file. Raises PlaceError for a directory, and
    FileExistsError if the file exists and is not to be replaced.
    """
    if target.storage is None or not target.path or target.path.endswith("/"):
        raise PlaceError(f"{target}: give the name of a file in a storage, such as ALIAS:backup.sql.")
    to = StorageTarget(target, overwrite=overwrite)
    to.content_type, to.metadata = content_type, metadata
    summary = Summary(command="cp", source=STANDARD, target=str(target), objects=1)
    counted = _Counted(stream)
    with measured(summary, (), to.everything):
        to.save("", File(cast("IO[bytes]", counted), target.path))
    summary.sent, summary.size = 1, counted.size
    return summary


class _Counted:
    """A stream that is read once, and counts its bytes."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.size = 0

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self.size += len(data)
        return data


Source = Selection | Path


def _source(place: Place, *, recursive: bool) -> Source:
    if place.storage is None:
        path = place.local
        if path.is_dir() and not recursive:
            raise DirectoryError(f"{place} is a directory. Give -r to process the files in it.")
        if not path.exists() and (path.name, None) not in put_back(path.parent):
            raise PlaceError(f"{place} does not exist.")
        return path
    found = select(place)
    if found.kind == "directory" and not recursive:
        raise DirectoryError(f"{place} is a directory. Give -r to process the files in it.")
    return found


def _is_tree(source: Source) -> bool:
    return source.is_dir() if isinstance(source, Path) else source.is_many


def _target(sources: Sequence[Source], target: Place, *, overwrite: bool | None) -> Target:
    """Return where the files go: a directory, unless there is one source, which is a file, and no such directory."""
    is_directory = not target.path or target.path.endswith("/") or len(sources) > 1 or any(map(_is_tree, sources))
    if target.storage is not None:
        if not is_directory:
            is_directory = selecting.is_directory(target.storage.objects, target.path)
        return StorageTarget(target, overwrite=overwrite, is_directory=is_directory)
    if not any(isinstance(source, Selection) for source in sources):
        raise PlaceError("One of the places must be in a storage: write ALIAS:path.")
    if any(isinstance(source, Path) for source in sources):
        raise PlaceError(
            f"{target} is on this machine, and so is one of the sources. Write ALIAS:path for one of them."
        )
    return Directory(target, overwrite=bool(overwrite), is_directory=is_directory or target.local.is_dir())


def _jobs(source: Source, *, recursive: bool, rules: Filter | None, many: bool, watcher: Watcher) -> Iterator[Job]:
    if isinstance(source, Selection):
        # With several sources, each directory keeps its name.
        own = f"{source.base.rstrip('/').rpartition('/')[2]}/" if many and source.kind == "directory" else ""
        for item in source.items(recursive=recursive, rules=rules):
            inside = own.lstrip("/") + item.inside
            yield Job(inside=inside, shown=item.shown, size=item.info.size, source=(source, item))
        return
    if not source.is_dir():
        found: Iterable[LocalItem] = [local.one(source)]
        own = ""
    else:
        found = local.walk(source, watcher)
        own = f"{source.resolve().name}/" if many else ""
    for file in found:
        if rules is None or rules.takes(file.inside):
            yield Job(inside=own + file.inside, shown=str(file.path), size=file.size, source=file)


def _one(job: Job, to: Target, *, move: bool, dry_run: bool) -> Step:
    step = Step(op="move" if move else "copy", name=job.shown, size=job.size, reason=f"to {to.place(job.inside)}")
    if isinstance(job.source, LocalItem):
        local.check_inside(job.source)
    if dry_run:
        to.check(job.inside)
    elif isinstance(job.source, LocalItem):
        to.upload(job.source, job.inside, move=move)
    else:
        to.take(*job.source, job.inside, move=move)
    return step
