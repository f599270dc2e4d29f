"""Options, summaries and errors of the commands that work on many files."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Collection, Iterable, Iterator
from contextlib import ExitStack, contextmanager

from django.core.management.base import CommandError

from s3store.conf.options import Options
from s3store.wire.bucket import Bucket
from s3store.wire.counting import Tally
from s3store.wire.multipart import is_threaded

THREADS = 32
_FAILURES_SHOWN = 20


def add_arguments(parser: ArgumentParser) -> None:
    """Add the common options."""
    parser.add_argument("--threads", type=int, default=THREADS, help="Number of files to process at a time.")
    parser.add_argument("--no-progress", action="store_false", dest="progress", help="Do not show a progress bar.")
    parser.add_argument("--json", action="store_true", help="Print the result as JSON, and nothing else.")


def threads_of(options: Options, wanted: int) -> int:
    """Return the number of threads to use: 1, the caller's own, if the storage may start none. Raises CommandError."""
    if wanted < 1:
        raise CommandError("--threads must be 1 or more.")
    return wanted if is_threaded(options) else 1


@contextmanager
def counting(buckets: Iterable[Bucket]) -> Iterator[list[Tally]]:
    """Count the requests to several buckets inside the block. Two with one client count all of them in one place."""
    clients = {bucket.client if bucket.over_http else None: bucket for bucket in buckets}
    with ExitStack() as stack:
        yield [stack.enter_context(bucket.counted()) for bucket in clients.values()]


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, in the plural unless the number is 1."""
    return f"{number} {noun}{'s' * (number != 1)}"


def summary_line(counts: str, *, requests: int, seconds: float) -> str:
    """Return the last line of a command."""
    return f"{counts}, {counted(requests, 'request')}, {seconds:.1f} s."


def refuse(
    failures: Collection[tuple[str, Exception]], then: str, *, what: str = "", shown: int = _FAILURES_SHOWN
) -> None:
    """Raise CommandError if there are failures. `then` says what to do next."""
    if not failures:
        return
    lines = [f"{what}'{name}' failed: {error}" for name, error in [*failures][:shown]]
    if len(failures) > shown:
        lines.append(f"… and {len(failures) - shown} more.")
    raise CommandError("\n".join([*lines, then])) from next(iter(failures))[1]
