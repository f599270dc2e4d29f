"""manage.py s3 restore."""

from __future__ import annotations

import shlex
from argparse import ArgumentParser
from datetime import timedelta
from operator import attrgetter

from django.core.management.base import CommandError

from s3store.core.archive import STANDARD, TIERS
from s3store.core.globs import Filter
from s3store.core.units import human_size, parse_moment, printable
from s3store.management.verbs.verb import (
    DIFFERS,
    FAILED,
    UNCONFIRMED,
    Verb,
    add_dry_run,
    add_rules,
    add_storage,
    add_work,
    add_yes,
    examples,
)
from s3store.operations import command
from s3store.operations.archive import DAYS, look_archived, restore_archived
from s3store.operations.reports import Summary
from s3store.operations.restore import Restorable, keeps_versions, restore_versions, scan_versions, step_of
from s3store.operations.spool import Spool
from s3store.storage import S3Storage


class Restore(Verb):
    """Restores files that were deleted, replaced or archived."""

    help = (
        "Restore files that were deleted, or with --at replaced, in a bucket that keeps versions. "
        "With --archived, make archived files readable."
    )

    @staticmethod
    def add_arguments(parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("path", nargs="?", default="", metavar="PATH", help="A directory or a file. Default: all.")
        add_storage(parser)
        help_text = "Restore the files of this time, such as 2026-01-31T12:00Z. Default: only files that are deleted."
        parser.add_argument("--at", type=parse_moment, metavar="TIME", help=help_text)
        help_text = "Ask S3 to restore the files in GLACIER, DEEP_ARCHIVE and the archive tiers of INTELLIGENT_TIERING."
        parser.add_argument("--archived", action="store_true", help=help_text)
        help_text = f"With --archived: for how many days the files are readable. Default: {DAYS}."
        parser.add_argument("--days", type=int, metavar="N", help=help_text)
        help_text = f"With --archived: how fast, and at which price. Default: {STANDARD}."
        parser.add_argument("--tier", choices=TIERS, help=help_text)
        help_text = "With --archived: only print how many files are readable. The exit status is 3 if some are not."
        parser.add_argument("--status", action="store_true", help=help_text)
        add_rules(parser)
        add_dry_run(parser)
        add_yes(parser)
        add_work(parser)

    def run(self) -> None:
        """Run the command. Raises CommandError."""
        options, storage = self.options, self.storage()
        threads = command.threads_of(storage.options, options["threads"])
        try:
            rules = Filter.of(options["rules"] or ())
        except ValueError as error:
            raise CommandError(str(error), returncode=UNCONFIRMED) from error
        if self._archived(storage, rules, threads):
            return
        with storage.objects.bucket.counted() as sent:
            listed = scan_versions(storage, options["path"], at=options["at"], rules=rules)
            found = Spool(listed, key=attrgetter("name"))
            warnings = [] if len(found) else self._without_versions(storage)
        with found:
            self._restore(storage, found, threads, len(sent), warnings)

    def _without_versions(self, storage: S3Storage) -> list[str]:
        """Return what to say if a bucket does not keep versions now. Raises CommandError if it never did."""
        keeps = keeps_versions(storage)
        name = printable(storage.objects.bucket.name)
        alias = self.options["storage"]
        about = "" if alias == "default" else f" --storage {shlex.quote(alias)}"
        advice = f"To keep versions from now on, run: manage.py s3 setup --versioning{printable(about)}"
        if keeps is False:
            text = f"The bucket {name} keeps no versions: files that were deleted or replaced are lost. {advice}"
            raise CommandError(text, returncode=FAILED)
        if keeps is None:
            text = f"The bucket {name} has not kept versions since versioning was suspended. {advice}"
            self.output.warn(text)
            return [text]
        return []

    def _restore(
        self, storage: S3Storage, found: Spool[Restorable], threads: int, requests: int, warnings: list[str]
    ) -> None:
        options = self.options
        size = sum(each.size for each in found)
        words = f"{command.counted(len(found), 'file')} to restore ({human_size(size)})"
        summary = Summary(command="restore", dry_run=options["dry_run"], objects=len(found), size=size)
        if options["dry_run"]:
            summary.plan = [step_of(each) for each in found]
            for step in summary.plan:
                self.output.step(step)
        elif len(found):
            self.output.confirm(f"{examples((each.name for each in found), len(found), size)}\nRestore these files?")
            summary = restore_versions(storage, found, at=options["at"], threads=threads, watcher=self.output)
            words += f", {summary.sent} restored"
        summary.requests += requests
        summary.warnings += warnings
        self.output.finish(summary, words, then="Files that were restored are skipped in the next run.")

    # Archived files

    def _archived(self, storage: S3Storage, rules: Filter, threads: int) -> bool:
        """Restore archived files, and return whether that was asked for."""
        options = self.options
        given = [f"--{name}" for name in ("days", "tier") if options[name] is not None]
        given += ["--status"] * options["status"]
        if not options["archived"]:
            if given:
                raise CommandError(f"{given[0]} needs --archived.", returncode=UNCONFIRMED)
            return False
        if options["at"]:
            text = "--at chooses versions, and --archived restores files as they are: give one of them."
            raise CommandError(text, returncode=UNCONFIRMED)
        path, watcher = options["path"], self.output
        if options["status"]:
            summary = look_archived(storage, path, rules=rules, threads=threads, watcher=watcher)
        else:
            try:
                summary = restore_archived(
                    storage,
                    path,
                    days=DAYS if options["days"] is None else options["days"],
                    tier=options["tier"] or STANDARD,
                    rules=rules,
                    confirm=self._agrees,
                    dry_run=options["dry_run"],
                    threads=threads,
                    watcher=watcher,
                )
            except ValueError as error:
                raise CommandError(str(error), returncode=UNCONFIRMED) from error
        self._report(summary)
        waiting = summary.more["archived"] + summary.more["under_way"]
        if options["status"] and waiting:
            text = f"{command.counted(waiting, 'file')} cannot be read yet."
            raise CommandError(text, returncode=DIFFERS)
        return True

    def _agrees(self, names: list[str], count: int, size: int) -> bool:
        self.output.confirm(f"{examples(names, count, size)}\nS3 charges for restoring. Restore these files?")
        return True

    def _report(self, summary: Summary) -> None:
        more = summary.more
        counts = (
            ("begun", "to restore" if summary.dry_run else "begun"),
            ("extended", "readable for longer"),
            ("under_way", "under way"),
            ("readable", "readable"),
            ("archived", "archived"),
        )
        words = [f"{more[name]} {text}" for name, text in counts if more[name] or name == "begun"]
        words = words[self.options["status"] :] or ["0 archived"]
        if more["readable_until"]:
            self.output.say(f"The first of the readable files is archived again after {more['readable_until']}.")
        if more["ready_in"] and not summary.dry_run:
            path = f" {self.options['path']}" if self.options["path"] else ""
            self.output.say(
                f"All files that were begun are readable within {_span(more['ready_in'])}. Look again with "
                f"s3 restore{printable(path)} --archived --status."
            )
        self.output.finish(
            summary,
            f"{command.counted(summary.objects, 'file')}: {', '.join(words)}, {len(summary.failed)} failed",
            then="Run the command again: files that are under way are skipped.",
        )


def _span(seconds: int) -> str:
    """Return a time span in minutes or hours."""
    span = timedelta(seconds=seconds)
    hour = timedelta(hours=1)
    return command.counted(span // hour, "hour") if span >= hour else f"{seconds // 60} minutes"
