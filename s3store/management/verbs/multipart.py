"""manage.py s3 multipart."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from typing import Any

from s3store.core.units import human_size, parse_age, printable
from s3store.management.verbs.verb import Verb, add_dry_run, add_storage, add_work, add_yes, examples
from s3store.operations import command
from s3store.operations.multipart import WEEK, Leftover, abort_uploads, age_key, scan_uploads
from s3store.operations.reports import Summary
from s3store.operations.spool import Spool
from s3store.storage import S3Storage


class Multipart(Verb):
    """Lists and aborts multipart uploads that nobody finished."""

    help = (
        "List multipart uploads that are not finished. With --abort, abort old ones. Their parts are invisible in "
        "listings, and you pay for them."
    )

    @staticmethod
    def add_arguments(parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("path", nargs="?", default="", metavar="PATH", help="A directory. Default: the location.")
        add_storage(parser)
        parser.add_argument("--abort", action="store_true", help="Abort the uploads: S3 deletes their parts.")
        help_text = (
            "Only uploads whose last part arrived this long ago, such as 12h. Default: all, and with --abort 7d."
        )
        parser.add_argument("--older-than", type=parse_age, metavar="AGE", help=help_text)
        add_dry_run(parser)
        add_yes(parser)
        add_work(parser)

    def run(self) -> None:
        """Run the command. Raises CommandError."""
        options, storage = self.options, self.storage()
        age = options["older_than"]
        if age is None:
            age = WEEK if options["abort"] else timedelta(0)
        threads = command.threads_of(storage.options, options["threads"])
        with storage.objects.bucket.counted() as sent:
            found = Spool(scan_uploads(storage, options["path"], older_than=age, threads=threads), key=age_key)
        with found:
            self._process(storage, found, threads, len(sent))

    def _process(self, storage: S3Storage, found: Spool[Leftover], threads: int, requests: int) -> None:
        options = self.options
        tell(self, found)
        summary = Summary(command="multipart", dry_run=options["dry_run"], objects=len(found))
        summary.size = size = sum(upload.size for upload in found)
        words = f"{command.counted(len(found), 'unfinished upload')} ({human_size(size)})"
        if options["abort"] and not options["dry_run"] and len(found):
            listed = examples((upload.name for upload in found), len(found), size)
            self.output.confirm(f"{listed}\nAbort these uploads, and delete their parts?")
            summary = abort_uploads(storage, found, threads=threads, watcher=self.output)
            words += f", {summary.deleted} aborted, {summary.skipped} kept"
        summary.requests += requests
        summary.more = {"uploads": as_documents(self, found)}
        self.output.finish(summary, words, then="Run the command again.")


def tell(verb: Verb, found: Iterable[Leftover]) -> None:
    """Print uploads in words."""
    now = datetime.now(timezone.utc)
    for upload in found:
        by = f"  by {printable(upload.initiator)}" if upload.initiator else ""
        parts = command.counted(upload.parts, "part")
        age = _age(now, upload.active)
        verb.output.say(f"{age:>8}  {human_size(upload.size):>10}  {parts:>10}  {printable(upload.name)}{by}")


def as_documents(verb: Verb, found: Iterable[Leftover]) -> list[dict[str, Any]]:
    """Return all uploads as JSON has them, if JSON is printed."""
    return [as_json(upload) for upload in found] if verb.output.json or verb.output.jsonl else []


def as_json(upload: Leftover) -> dict[str, Any]:
    """Return an upload as JSON has it."""
    times = {name: getattr(upload, name) for name in ("started", "active")}
    return {
        "name": upload.name,
        "upload_id": upload.upload_id,
        **{name: time.astimezone(timezone.utc).isoformat() if time else None for name, time in times.items()},
        "parts": upload.parts,
        "bytes": upload.size,
        "initiator": upload.initiator,
    }


def _age(now: datetime, then: datetime | None) -> str:
    if then is None:
        return "?"
    seconds = max((now - then).total_seconds(), 0)
    unit, letter = next((found for found in ((86400, "d"), (3600, "h"), (60, "m")) if seconds >= found[0]), (1, "s"))
    return f"{seconds // unit:.0f}{letter} ago"
