"""Commands about the files in a bucket: manage.py s3 and one of SUBCOMMANDS."""

from __future__ import annotations

import json
import time
from argparse import SUPPRESS, ArgumentParser
from functools import partial
from typing import Any

from django.core.exceptions import ImproperlyConfigured, SuspiciousFileOperation
from django.core.files.storage import InvalidStorageError, storages
from django.core.management.base import BaseCommand, CommandError, CommandParser

from s3store import errors, transfer
from s3store.client import counted_sends
from s3store.progress import Bar
from s3store.reapply import Change, names_at, reapply
from s3store.storage import S3Storage

_THREADS = 32
_FAILURES_SHOWN = 20

# Django's own flags, which may stand before the subcommand and after it.
_FLAGS: tuple[tuple[tuple[str, ...], dict[str, Any]], ...] = (
    (("-v", "--verbosity"), {"type": int, "choices": [0, 1, 2, 3]}),
    (("--settings",), {}),
    (("--pythonpath",), {}),
    (("--traceback",), {"action": "store_true"}),
    (("--no-color",), {"action": "store_true"}),
    (("--force-color",), {"action": "store_true"}),
    (("--skip-checks",), {"action": "store_true"}),
)


class Headers:
    """Gives files that exist the headers that the storage's options ask for now."""

    help = (
        "Give files that exist the headers, content types and metadata that the storage's options ask for now. "
        "Only those that differ are changed, by a copy inside S3."
    )

    def __init__(self, command: BaseCommand) -> None:
        self._command = command

    @staticmethod
    def add_arguments(parser: ArgumentParser) -> None:
        """Declare what may stand behind `s3 headers`."""
        parser.add_argument("paths", nargs="*", metavar="PATH", help="Directories or files; all files without one.")
        parser.add_argument(
            "--storage", default="staticfiles", metavar="ALIAS", help="Which of STORAGES; staticfiles unless given."
        )
        parser.add_argument("-n", "--dry-run", action="store_true", help="Print what differs, and change nothing.")
        parser.add_argument("--threads", type=int, default=_THREADS, help="How many files are worked on at a time.")
        parser.add_argument(
            "--no-progress", action="store_false", dest="progress", help="Show no bar, on a terminal either."
        )
        parser.add_argument("--json", action="store_true", help="Print what was done as JSON, and nothing else.")

    def run(self, *, paths: list[str], dry_run: bool, **options: Any) -> None:
        """Do it, and say what was done. Raises CommandError with all that failed."""
        if options["threads"] < 1:
            raise CommandError("--threads must be 1 or more.")
        storage = _storage(options["storage"])
        verbosity = 0 if options["json"] else options["verbosity"]
        began = time.monotonic()
        changed: dict[str, tuple[Change, ...]] = {}
        failed: dict[str, Exception] = {}
        bar = Bar(self._command.stderr, shown=options["progress"] and verbosity > 0)
        with counted_sends(storage.client) as sent:
            names = _found(storage, paths)
            try:
                work = partial(reapply, storage, dry_run=dry_run)
                for done, outcome in enumerate(transfer.run(work, names, threads=options["threads"]), 1):
                    if outcome.error:
                        failed[outcome.item] = outcome.error
                    elif outcome.result:
                        changed[outcome.item] = outcome.result
                        if verbosity > (0 if dry_run else 1):
                            self._say(outcome.item, outcome.result, pretending=dry_run)
                    bar.step(outcome.item, done, len(names))
            finally:
                bar.close()
        summary: dict[str, Any] = {
            "dry_run": dry_run,
            "objects": len(names),
            "changed": len(changed),
            "failed": {name: str(error) for name, error in sorted(failed.items())},
            "requests": len(sent),
            "seconds": round(time.monotonic() - began, 3),
        }
        self._sum_up(summary, changed, options)
        _refuse(failed)

    def _say(self, name: str, changes: tuple[Change, ...], *, pretending: bool) -> None:
        told = ", ".join(f"{change.header} {change.found!r} to {change.wanted!r}" for change in changes)
        self._command.stdout.write(f"{'Pretending to change' if pretending else 'Changed'} '{name}': {told}")

    def _sum_up(self, summary: dict[str, Any], changed: dict[str, tuple[Change, ...]], options: dict[str, Any]) -> None:
        if options["json"]:
            changes = {
                name: {change.header: [change.found, change.wanted] for change in found}
                for name, found in sorted(changed.items())
            }
            self._command.stdout.write(json.dumps({**summary, "changes": changes}))
        elif options["verbosity"]:
            what = "would be changed" if summary["dry_run"] else "changed"
            self._command.stdout.write(
                f"{summary['objects']} objects, {summary['changed']} {what}, {len(summary['failed'])} failed, "
                f"{summary['requests']} request{'s' * (summary['requests'] != 1)}, {summary['seconds']:.1f} s."
            )


SUBCOMMANDS = {"headers": Headers}


class Command(BaseCommand):
    """Hands on to a subcommand."""

    help = "Work on the files in a bucket."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the subcommands."""
        subparsers = parser.add_subparsers(dest="subcommand", required=True, metavar="SUBCOMMAND")
        for name, subcommand in SUBCOMMANDS.items():
            below = subparsers.add_parser(name, help=subcommand.help, description=subcommand.help)
            subcommand.add_arguments(below)
            for flags, given in _FLAGS:
                below.add_argument(*flags, **given, default=SUPPRESS, help=SUPPRESS)

    def handle(self, *_: Any, subcommand: str, **options: Any) -> None:
        """Run the subcommand."""
        try:
            SUBCOMMANDS[subcommand](self).run(**options)
        except (errors.S3StoreError, ImproperlyConfigured) as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            self.stderr.write("Interrupted. Run the command again for the rest.")
            raise SystemExit(130) from None


def _storage(alias: str) -> S3Storage:
    try:
        storage = storages[alias]
    except InvalidStorageError as error:
        raise CommandError(f"--storage: {error}") from error
    if not isinstance(storage, S3Storage):
        raise CommandError(f"--storage: STORAGES[{alias!r}] is no storage of s3store's.")
    return storage


def _found(storage: S3Storage, paths: list[str]) -> list[str]:
    try:
        return names_at(storage, paths or [""])
    except SuspiciousFileOperation as error:
        raise CommandError(str(error)) from error


def _refuse(failed: dict[str, Exception]) -> None:
    if not failed:
        return
    lines = [f"'{name}' failed: {error}" for name, error in list(failed.items())[:_FAILURES_SHOWN]]
    if len(failed) > _FAILURES_SHOWN:
        lines.append(f"… and {len(failed) - _FAILURES_SHOWN} more.")
    lines.append("Run the command again: what is right by now is left alone.")
    raise CommandError("\n".join(lines)) from next(iter(failed.values()))
