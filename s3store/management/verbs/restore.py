"""manage.py s3 restore."""

from __future__ import annotations

from argparse import ArgumentParser

from django.core.management.base import CommandError

from s3store.core.globs import Filter
from s3store.core.units import human_size, parse_moment
from s3store.management.verbs.verb import (
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
from s3store.operations.reports import Summary
from s3store.operations.restore import find_versions, restore_versions, step_of


class Restore(Verb):
    """Restores files that were deleted or replaced."""

    help = "Restore files that were deleted, or with --at replaced, in a bucket that keeps versions."

    @staticmethod
    def add_arguments(parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("path", nargs="?", default="", metavar="PATH", help="A directory or a file. Default: all.")
        add_storage(parser)
        help_text = "Restore the files of this time, such as 2026-01-31T12:00Z. Default: only files that are deleted."
        parser.add_argument("--at", type=parse_moment, metavar="TIME", help=help_text)
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
        with storage.objects.bucket.counted() as sent:
            found = find_versions(storage, options["path"], at=options["at"], rules=rules)
        size = sum(each.size for each in found)
        words = f"{command.counted(len(found), 'file')} to restore ({human_size(size)})"
        summary = Summary(command="restore", dry_run=options["dry_run"], objects=len(found), size=size)
        if options["dry_run"]:
            summary.plan = [step_of(each) for each in found]
            for step in summary.plan:
                self.output.step(step)
        elif found:
            self.output.confirm(f"{examples((each.name for each in found), len(found), size)}\nRestore these files?")
            summary = restore_versions(storage, found, at=options["at"], threads=threads, watcher=self.output)
            words += f", {summary.sent} restored"
        summary.requests += len(sent)
        self.output.finish(summary, words, then="Files that were restored are skipped in the next run.")
