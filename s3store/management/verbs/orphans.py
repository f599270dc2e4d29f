"""manage.py s3 orphans."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import CommandError

from s3store.core.globs import Filter
from s3store.core.units import human_size, parse_age, printable
from s3store.management.verbs.verb import (
    DIFFERS,
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
from s3store.operations.orphans import DAY, Orphans, delete_orphans, find_orphans, move_orphans
from s3store.operations.places import place_of
from s3store.operations.reports import Step, Summary


class OrphansVerb(Verb):
    """Finds, deletes or moves files that no row refers to."""

    help = (
        "Find files that no row of a model refers to, and delete or move them. Without --delete and --move-to, they "
        "are only listed."
    )

    @staticmethod
    def add_arguments(parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("path", nargs="?", default="", metavar="PATH", help="A directory. Default: all files.")
        add_storage(parser)
        action = parser.add_mutually_exclusive_group()
        action.add_argument("--move-to", metavar="PLACE", help="Move the orphans below this directory.")
        action.add_argument("--delete", action="store_true", help="Delete the orphans.")
        action.add_argument("--check", action="store_true", help="Exit with status 3 if there are orphans.")
        help_text = "The minimum age of an orphan, such as 30d. Default: 1d. Less than 1d needs --force."
        parser.add_argument("--older-than", type=parse_age, default=DAY, metavar="AGE", help=help_text)
        help_text = "Delete or move orphans although the command doubts that it knows all references."
        parser.add_argument("--force", action="store_true", help=help_text)
        add_rules(parser)
        add_dry_run(parser)
        add_yes(parser)
        add_work(parser)

    def run(self) -> None:
        """Run the command. Raises CommandError."""
        options, storage = self.options, self.storage()
        acts = bool(options["delete"] or options["move_to"]) and not options["dry_run"]
        target = place_of(options["move_to"]) if options["move_to"] else None
        age: timedelta = options["older_than"]
        if age < DAY and not options["force"]:
            raise CommandError(
                "--older-than must be 1d or more: the row of a file that was just saved may not be committed yet. Add "
                "--force to use a shorter time.",
                returncode=UNCONFIRMED,
            )
        threads = command.threads_of(storage.options, options["threads"])
        try:
            rules = Filter.of(options["rules"] or ())
            with storage.objects.bucket.counted() as sent:
                found = find_orphans(storage, options["path"], older_than=age, rules=rules, watcher=self.output)
        except ValueError as error:
            raise CommandError(str(error), returncode=UNCONFIRMED) from error
        with found:
            self._tell(found)
            for doubt in found.doubts:
                self.output.warn(doubt)
            if not acts or not found.count:
                self._report(found, len(sent))
                return
            self._agree(found)
            done = (
                move_orphans(found, target, threads=threads, watcher=self.output)
                if target
                else delete_orphans(found, threads=threads, watcher=self.output)
            )
        done.requests += len(sent)
        self._finish(found, done, f"{done.deleted} {'moved' if target else 'deleted'}, {done.skipped} kept")

    def _report(self, found: Orphans, requests: int) -> None:
        """Print the orphans, and change nothing."""
        summary = Summary(command="orphans", requests=requests, objects=found.count, size=found.size)
        summary.dry_run = self.options["dry_run"]
        if self.output.json:
            summary.plan = []
        op = "move" if self.options["move_to"] else "delete"
        for orphan in found:
            step = Step(op=op, name=orphan.name, size=orphan.size)
            if summary.plan is not None:
                summary.plan.append(step)
            elif self.output.jsonl:
                self.output.step(step)
            else:
                self.output.say(f"{human_size(orphan.size):>10}  {printable(orphan.name)}")
        self._finish(found, summary, "")
        if found.count and self.options["check"]:
            raise CommandError(f"{command.counted(found.count, 'orphan')} found.", returncode=DIFFERS)

    def _agree(self, found: Orphans) -> None:
        """Return if the orphans may go. Raises CommandError."""
        if found.doubts and not self.options["force"]:
            raise CommandError(
                "Nothing was done, because files that are in use could be among the orphans. Check the list, and add "
                "--force to go on.",
                returncode=UNCONFIRMED,
            )
        listed = examples((orphan.name for orphan in found), found.count, found.size)
        if self.options["delete"]:
            self.output.confirm(f"{listed}\n--move-to would keep them in another place. Delete them?")
        else:
            self.output.confirm(f"{listed}\nMove them to {printable(self.options['move_to'])}?")

    def _tell(self, found: Orphans) -> None:
        """Print what was counted."""
        for counted in found.counted:
            if counted.rows or counted.error or self.output.verbosity > 1:
                where = f" in {counted.database}" if counted.database not in (None, "default") else ""
                what = f" (files: {counted.storage})" if counted.storage else ""
                self.output.say(f"{counted.source}{where}{what}: {command.counted(counted.rows, 'reference')}")

    def _finish(self, found: Orphans, summary: Summary, words: str) -> None:
        names = ("source", "database", "storage", "rows", "error")
        counted = [{name: getattr(each, name) for name in names} for each in found.counted]
        more: dict[str, Any] = {"files": found.objects, "referenced": found.referenced, "young": found.young}
        summary.more = {**more, "protected": found.protected, "counted": counted, "doubts": found.doubts}
        files = command.counted(found.objects, "file")
        orphans = f"{command.counted(found.count, 'orphan')} ({human_size(found.size)})"
        facts = [files, f"{found.referenced} referenced", f"{found.young} too young", orphans, words]
        self.output.finish(summary, ", ".join(filter(None, facts)), then="Run the command again.")
