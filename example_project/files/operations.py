"""Work on files that can take longer than a request: it is done in slices, and each slice can be repeated.

A page or a task calls `run` until the operation is done. What a process that was killed had done is not done again.
"""

import time
import uuid
from collections.abc import Iterable
from datetime import timedelta

from companies.access import folder_of
from companies.models import Company
from companies.quota import reserve
from django.core.exceptions import SuspiciousFileOperation
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from files.models import Operation
from files.problems import problem
from files.recording import record_operation
from files.steps import announce, give_back, steps_of

SLICE = 4.0
"""How long a request works on an operation, in seconds."""

ABANDONED = timedelta(seconds=60)
"""After this time without a sign of life, another process may continue an operation."""

_BEAT = 1.0


class BusyError(Exception):
    """Another operation works on the same files."""


def start(company, user, verb: str, sources: Iterable[str], target: str = "", **arguments) -> Operation:
    """Create an operation on these paths. Raises BusyError, and QuotaExceededError for a copy."""
    paths = list(dict.fromkeys(sources))
    size = _size_of_copy(company, user, paths) if verb == Operation.Verb.COPY else 0
    with transaction.atomic():
        # One operation a company is started at a time: two that overlap would take away each other's files.
        Company.objects.select_for_update().get(pk=company.pk)
        _refuse_overlap(company, [*paths, *_targets(paths, target, verb, arguments)])
        reservation = reserve(company, size, user=user) if size else None
        return Operation.objects.create(
            company=company,
            verb=verb,
            sources=paths,
            target=target,
            arguments=arguments | ({"reservation": str(reservation.pk)} if reservation else {}),
            started_by=user,
        )


def undo(operation: Operation, user) -> Operation:
    """Start the opposite of an operation. Raises BusyError, and ValueError if it cannot be undone."""
    with transaction.atomic():
        operation = Operation.objects.select_for_update().get(pk=operation.pk)
        if not operation.can_undo:
            raise ValueError(_("This cannot be undone any more."))
        paths = [target for _source, target in operation.targets] or operation.sources
        _refuse_overlap(operation.company, [*paths, *operation.sources])
        return Operation.objects.create(
            company=operation.company,
            verb=Operation.Verb.RESTORE,
            sources=operation.sources,
            target=operation.folder_path,
            undoes=operation,
            started_by=user,
        )


def run(operation: Operation, user, *, seconds: float = SLICE) -> Operation:
    """Work on an operation for about `seconds`, as `user`, and return what the database says about it then.

    Does nothing if another process works on it. The rights of `user` are asked again in each slice.
    """
    mine = uuid.uuid4().hex
    if _take(operation, mine):
        operation.refresh_from_db()
        try:
            _slice(operation, user, time.monotonic() + seconds)
        finally:
            Operation.objects.filter(pk=operation.pk, runner=mine).update(runner="")
    operation.refresh_from_db()
    return operation


def _take(operation: Operation, runner: str) -> bool:
    now = timezone.now()
    free = Q(runner="") | Q(heartbeat__lt=now - ABANDONED)
    running = Operation.objects.filter(free, pk=operation.pk, state=Operation.State.RUNNING)
    return bool(running.update(runner=runner, heartbeat=now))


def _slice(operation: Operation, user, until: float) -> None:
    folder = folder_of(operation.company, user)
    before = (operation.done, operation.failed, operation.size)
    beat = time.monotonic()
    try:
        for progress in steps_of(operation, folder):
            operation.done = before[0] + progress.done
            operation.failed = before[1] + progress.failed
            operation.size = before[2] + progress.bytes
            operation.total = None if progress.total is None else before[0] + progress.total
            operation.since = operation.since or progress.started
            if progress.trashed is not None:
                operation.kept = {name: getattr(progress.trashed, name) for name in ("operation", "paths", "versioned")}
            if progress.report is not None:
                _finish(operation, user, progress.report)
                return
            if time.monotonic() > beat + _BEAT:
                beat = time.monotonic()
                operation.heartbeat = timezone.now()
                operation.save(update_fields=["done", "failed", "size", "total", "since", "heartbeat"])
            # A slice that only counts files would be repeated for ever.
            if time.monotonic() > until and progress.done + progress.failed:
                break
    except (OSError, ValueError, SuspiciousFileOperation) as error:
        # Files that are gone or taken, refused paths, servers that do not answer.
        give_back(operation)
        if operation.done == 0:
            # Nothing was changed.
            operation.delete()
            raise
        operation.state = operation.State.FAILED
        operation.error = _("Stopped: %(error)s") % {"error": problem(error)}
    operation.heartbeat = timezone.now()
    operation.save()


def _finish(operation: Operation, user, report) -> None:
    operation.state = operation.State.DONE
    operation.failures = [[failure.path, failure.reason, failure.code] for failure in report.failures]
    operation.failed = report.failed
    operation.targets = [list(pair) for pair in report.targets] or operation.targets
    operation.save()
    announce(operation)
    record_operation(operation, user)


def _targets(paths: list[str], target: str, verb: str, arguments: dict) -> list[str]:
    if verb not in (Operation.Verb.MOVE, Operation.Verb.COPY):
        return []
    name = arguments.get("name")
    names = [name] if name else [path.rstrip("/").rpartition("/")[2] for path in paths]
    return [f"{target}/{each}".lstrip("/") for each in names]


def _refuse_overlap(company, paths: list[str]) -> None:
    """Raise BusyError if a running operation works on one of these paths, or above or below it."""
    alive = timezone.now() - ABANDONED
    running = Operation.objects.filter(company=company, state=Operation.State.RUNNING).filter(
        Q(heartbeat__gt=alive) | Q(heartbeat=None, started_at__gt=alive)
    )
    for other in running:
        theirs = [*other.sources, *_targets(other.sources, other.target, other.verb, other.arguments)]
        if any(_overlap(one, two) for one in paths for two in theirs):
            actor = other.started_by.get_full_name() if other.started_by else _("Another member")
            raise BusyError(_("%(name)s is moving or deleting these files. Wait until that is done.") % {"name": actor})


def _overlap(one: str, two: str) -> bool:
    one, two = f"{one.rstrip('/')}/", f"{two.rstrip('/')}/"
    return one.startswith(two) or two.startswith(one)


def _size_of_copy(company, user, paths: list[str]) -> int:
    """Return the number of bytes in these files and folders."""
    folder = folder_of(company, user)
    total = 0
    for path in paths:
        entry = folder.stat(path)
        total += folder.usage(path).bytes if entry.is_folder else entry.size or 0
    return total
