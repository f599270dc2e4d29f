"""What an operation does: the generators of the library that belong to it."""

from collections.abc import Iterator
from dataclasses import replace

from companies.quota import adjust, release

from files.models import Operation
from s3store.folders import Progress, Report, Trashed


def steps_of(operation: Operation, folder) -> Iterator[Progress]:
    """Yield the progress of an operation. The last one has the report."""
    verbs = {"move": _move, "copy": _copy, "delete": _delete, "restore": _restore}
    yield from verbs[operation.verb](operation, folder)


def _move(operation: Operation, folder) -> Iterator[Progress]:
    return folder.moving(_sources(operation), operation.target, since=operation.since, **_chosen(operation))


def _copy(operation: Operation, folder) -> Iterator[Progress]:
    return folder.copying(_sources(operation), operation.target, since=operation.since, **_chosen(operation))


def _delete(operation: Operation, folder) -> Iterator[Progress]:
    return folder.trashing(operation.sources, operation=str(operation.pk))


def _sources(operation: Operation) -> str | list[str]:
    """Return the only source as a text: then a name that is taken is an error, about which the page asks."""
    return operation.sources[0] if len(operation.sources) == 1 else operation.sources


def _restore(operation: Operation, folder) -> Iterator[Progress]:
    """Undo a deletion from the trash, a move by a move back, and a copy by deleting the copies."""
    undone = operation.undoes
    if undone.verb == Operation.Verb.DELETE:
        yield from folder.restoring(Trashed(**{**undone.kept, "paths": tuple(undone.kept["paths"])}))
    elif undone.verb == Operation.Verb.COPY:
        copies = [target for _source, target in undone.targets]
        yield from folder.trashing(copies, operation=str(operation.pk))
    else:
        yield from _move_back(undone, folder)


def _move_back(undone: Operation, folder) -> Iterator[Progress]:
    """Move each target back, one after another. What another process has moved back already is skipped."""
    reports, before = [], Progress()
    for source, target in undone.targets:
        if folder.exists(target):
            parent, _slash, name = source.rstrip("/").rpartition("/")
            for progress in folder.moving(target, parent, name=name, merge="keep_both"):
                now = replace(progress, done=before.done + progress.done, bytes=before.bytes + progress.bytes)
                yield replace(now, report=None, total=None)
            before = now
            reports.append(progress.report)
    failures = tuple(failure for report in reports for failure in report.failures)
    total = Report(done=before.done, failed=len(failures), failures=failures)
    yield replace(before, report=total, total=before.done)


def _chosen(operation: Operation) -> dict:
    return {key: operation.arguments[key] for key in ("merge", "name") if operation.arguments.get(key)}


def give_back(operation: Operation) -> None:
    """Release the space that a copy has reserved: it is used now, or never will be."""
    if operation.arguments.get("reservation"):
        release(operation.arguments["reservation"])


def announce(operation: Operation) -> None:
    """Change the counters of the company for what an operation did."""
    give_back(operation)
    verb = operation.undoes.verb if operation.undoes else operation.verb
    sign = {"copy": 1, "delete": -1}.get(verb, 0) * (-1 if operation.undoes else 1)
    if sign:
        adjust(operation.company, sign * operation.size, sign * operation.done)
