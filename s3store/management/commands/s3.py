"""Commands for the files in a bucket: manage.py s3 with a subcommand."""

from __future__ import annotations

import json
import time
from argparse import SUPPRESS, ArgumentParser
from copy import copy
from functools import partial
from typing import Any

from django.core.exceptions import ImproperlyConfigured, SuspiciousFileOperation
from django.core.files.storage import InvalidStorageError, storages
from django.core.management.base import BaseCommand, CommandError, CommandParser

from s3store import errors
from s3store.operations import command
from s3store.operations.progress import Bar
from s3store.operations.reapply import Change, names_at, reapply
from s3store.storage import S3Storage
from s3store.wire import pool
from s3store.wire.effort import patient
from s3store.wire.objects import Objects


class Headers:
    """Gives existing files the headers that the storage's options require now."""

    help = (
        "Give existing files the headers, content types and metadata that the storage's options require now. Only "
        "files that differ are changed, by a copy inside S3."
    )

    def __init__(self, base: BaseCommand) -> None:
        self._base = base

    @staticmethod
    def add_arguments(parser: ArgumentParser) -> None:
        """Declare the arguments of `s3 headers`."""
        parser.add_argument("paths", nargs="*", metavar="PATH", help="Directories or files. Default: all files.")
        parser.add_argument(
            "--storage", default="staticfiles", metavar="ALIAS", help="The alias in STORAGES. Default: staticfiles."
        )
        parser.add_argument("-n", "--dry-run", action="store_true", help="Print the differences, and change nothing.")
        command.add_arguments(parser)

    def run(self, *, paths: list[str], dry_run: bool, **options: Any) -> None:
        """Run the command. Raises CommandError with everything that failed."""
        objects = _storage(options["storage"]).objects
        threads = command.threads_of(objects.options, options["threads"])
        verbosity = 0 if options["json"] else options["verbosity"]
        began = time.monotonic()
        changed: dict[str, tuple[Change, ...]] = {}
        failed: dict[str, Exception] = {}
        bar = Bar(self._base.stderr, shown=options["progress"] and verbosity > 0)
        with objects.bucket.counted() as sent:
            names = _found(objects, paths)
            try:
                work = partial(reapply, objects, dry_run=dry_run)
                for done, outcome in enumerate(pool.run(work, names, threads=threads), 1):
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
        command.refuse(failed.items(), "Run the command again: files that are correct are skipped.")

    def _say(self, name: str, changes: tuple[Change, ...], *, pretending: bool) -> None:
        told = ", ".join(f"{change.header} {change.found!r} to {change.wanted!r}" for change in changes)
        self._base.stdout.write(f"{'Pretending to change' if pretending else 'Changed'} '{name}': {told}")

    def _sum_up(self, summary: dict[str, Any], changed: dict[str, tuple[Change, ...]], options: dict[str, Any]) -> None:
        if options["json"]:
            changes = {
                name: {change.header: [change.found, change.wanted] for change in found}
                for name, found in sorted(changed.items())
            }
            self._base.stdout.write(json.dumps({**summary, "changes": changes}))
        elif options["verbosity"]:
            what = "would be changed" if summary["dry_run"] else "changed"
            objects = command.counted(summary["objects"], "object")
            counts = f"{objects}, {summary['changed']} {what}, {len(summary['failed'])} failed"
            line = command.summary_line(counts, requests=summary["requests"], seconds=summary["seconds"])
            self._base.stdout.write(line)


SUBCOMMANDS = {"headers": Headers}


class Command(BaseCommand):
    """Dispatches to a subcommand."""

    help = "Work on the files in a bucket."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the subcommands."""
        # Django's own flags are allowed before the subcommand and after it.
        flags = [copy(action) for action in parser._actions if action.option_strings]
        subparsers = parser.add_subparsers(dest="subcommand", required=True, metavar="SUBCOMMAND")
        for name, subcommand in SUBCOMMANDS.items():
            below = subparsers.add_parser(name, help=subcommand.help, description=subcommand.help)
            subcommand.add_arguments(below)
            for flag in flags:
                if flag.dest not in ("help", "version"):
                    flag.default = flag.help = SUPPRESS
                    below._add_action(flag)

    @patient()
    def handle(self, *_: Any, subcommand: str, **options: Any) -> None:
        """Run the subcommand."""
        try:
            SUBCOMMANDS[subcommand](self).run(**options)
        except (errors.S3StoreError, ImproperlyConfigured) as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            self.stderr.write("Interrupted. Run the command again to continue.")
            raise SystemExit(130) from None


def _storage(alias: str) -> S3Storage:
    try:
        storage = storages[alias]
    except InvalidStorageError as error:
        raise CommandError(f"--storage: {error}") from error
    if not isinstance(storage, S3Storage):
        raise CommandError(f"--storage: STORAGES[{alias!r}] is not an S3Storage.")
    return storage


def _found(objects: Objects, paths: list[str]) -> list[str]:
    try:
        return names_at(objects, paths or [""])
    except SuspiciousFileOperation as error:
        raise CommandError(str(error)) from error
