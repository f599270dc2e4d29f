"""manage.py s3 headers."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from functools import partial

from s3store.management.verbs.verb import Verb, add_dry_run, add_storage, add_work
from s3store.operations import command
from s3store.operations.reapply import Change, names_at, reapply
from s3store.operations.reports import Failed, Step, Summary
from s3store.wire import pool


class Headers(Verb):
    """Gives existing files the headers that the storage's options require now."""

    help = (
        "Give existing files the headers, content types and metadata that the storage's options require now. Only "
        "files that differ are changed, by a copy inside S3."
    )

    @staticmethod
    def add_arguments(parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("paths", nargs="*", metavar="PATH", help="Directories or files. Default: all files.")
        add_storage(parser, default="staticfiles")
        add_dry_run(parser)
        add_work(parser)

    def run(self) -> None:
        """Run the command. Raises CommandError with everything that failed."""
        dry_run = self.options["dry_run"]
        objects = self.storage().objects
        threads = command.threads_of(objects.options, self.options["threads"])
        began = time.monotonic()
        changes: dict[str, tuple[Change, ...]] = {}
        summary = Summary(command="headers", dry_run=dry_run)
        with objects.bucket.counted() as sent:
            names = names_at(objects, self.options["paths"] or [""])
            self.output.expect(len(names), 0)
            try:
                work = partial(reapply, objects, dry_run=dry_run)
                for outcome in pool.run(work, names, threads=threads):
                    if outcome.error:
                        summary.failed.append(Failed.of(outcome.item, outcome.error))
                    elif outcome.result:
                        changes[outcome.item] = outcome.result
                    self.output.step(_step(outcome.item, outcome.result, outcome.error))
            finally:
                self.output.close()
        summary.failed.sort(key=lambda failure: failure.name)
        summary.objects, summary.requests, summary.seconds = len(names), len(sent), time.monotonic() - began
        summary.more = {
            "changed": len(changes),
            "changes": {
                name: {change.header: [change.found, change.wanted] for change in found}
                for name, found in sorted(changes.items())
            },
        }
        what = "would be changed" if dry_run else "changed"
        objects_found = command.counted(len(names), "object")
        words = f"{objects_found}, {len(changes)} {what}, {len(summary.failed)} failed"
        self.output.finish(summary, words, then="Run the command again: files that are correct are skipped.")


def _step(name: str, changes: tuple[Change, ...] | None, error: Exception | None) -> Step:
    if error:
        return Step(op="fail", name=name, reason=str(error))
    if not changes:
        return Step(op="skip", name=name, reason="its headers are correct")
    told = ", ".join(f"{change.header} {change.found!r} to {change.wanted!r}" for change in changes)
    return Step(op="change", name=name, reason=told)
