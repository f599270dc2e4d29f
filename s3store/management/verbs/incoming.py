"""manage.py s3 incoming."""

from __future__ import annotations

from argparse import ArgumentParser
from itertools import chain

from django.core.management.base import CommandError

from s3store.core.units import human_size, parse_age, printable
from s3store.management.verbs.multipart import as_documents, tell
from s3store.management.verbs.verb import UNCONFIRMED, Verb, add_dry_run, add_storage, add_work, add_yes, examples
from s3store.operations import command
from s3store.operations.incoming import DAYS, LIFETIME, expired_files, scan_parts
from s3store.operations.multipart import Leftover, abort_uploads, age_key
from s3store.operations.orphans import Orphans, delete_orphans
from s3store.operations.reports import Step, Summary
from s3store.operations.spool import Spool


class Incoming(Verb):
    """Lists and deletes direct uploads that nobody used."""

    help = "List direct uploads that no form has used, whole files and parts. With --delete, delete them."

    @staticmethod
    def add_arguments(parser: ArgumentParser) -> None:
        """Declare the arguments."""
        add_storage(parser)
        parser.add_argument("--delete", action="store_true", help="Delete the uploads.")
        help_text = "The minimum age of an upload, such as 7d. Default: 3d. Less than 2d needs --force."
        parser.add_argument("--older-than", type=parse_age, default=DAYS, metavar="AGE", help=help_text)
        help_text = "Delete uploads that a form can still use, or although a table cannot be read."
        parser.add_argument("--force", action="store_true", help=help_text)
        add_dry_run(parser)
        add_yes(parser)
        add_work(parser)

    def run(self) -> None:
        """Run the command. Raises CommandError."""
        options, storage = self.options, self.storage()
        age = options["older_than"]
        if age < LIFETIME and not options["force"]:
            raise CommandError(
                "--older-than must be 2d or more: until then, a form can use the upload. Add --force to use a shorter "
                "time.",
                returncode=UNCONFIRMED,
            )
        threads = command.threads_of(storage.options, options["threads"])
        summary = Summary(command="incoming", dry_run=options["dry_run"])
        with (
            storage.objects.bucket.counted() as sent,
            expired_files(storage, older_than=age, watcher=self.output) as files,
            Spool(scan_parts(storage, older_than=age, threads=threads), key=age_key) as parts,
        ):
            summary.objects = files.count + len(parts)
            summary.size = files.size + sum(upload.size for upload in parts)
            words = f"{command.counted(files.count, 'file')} and {command.counted(len(parts), 'unfinished upload')}"
            words += f" ({human_size(summary.size)})"
            self._list(files, parts, summary)
            if options["delete"] and not options["dry_run"] and summary.objects:
                self._agree(files, parts, summary.size)
                for done in (
                    delete_orphans(files, threads=threads, watcher=self.output),
                    abort_uploads(storage, parts, threads=threads, watcher=self.output),
                ):
                    summary.deleted += done.deleted
                    summary.skipped += done.skipped
                    summary.failed += done.failed
                words += f", {summary.deleted} deleted, {summary.skipped} kept"
            summary.more = {"uploads": as_documents(self, parts)}
        summary.requests = len(sent)
        self.output.finish(summary, words, then="Run the command again.")

    def _list(self, files: Orphans, parts: Spool[Leftover], summary: Summary) -> None:
        """Print what was found."""
        plans = self.options["dry_run"] or not self.options["delete"]
        if plans and self.output.json:
            summary.plan = []
        for file in files if plans else ():
            if summary.plan is not None:
                summary.plan.append(Step(op="delete", name=file.name, size=file.size))
            self.output.say(f"{file.modified:%Y-%m-%d %H:%M}  {human_size(file.size):>10}  {printable(file.name)}")
        tell(self, parts)

    def _agree(self, files: Orphans, parts: Spool[Leftover], size: int) -> None:
        """Return if the uploads may be deleted. Raises CommandError."""
        if files.doubts and not self.options["force"]:
            raise CommandError(
                "\n".join([*files.doubts, "Nothing was done. Add --force to leave these tables out."]),
                returncode=UNCONFIRMED,
            )
        names = chain((file.name for file in files), (upload.name for upload in parts))
        self.output.confirm(f"{examples(names, files.count + len(parts), size)}\nDelete these uploads?")
