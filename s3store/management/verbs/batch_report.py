"""manage.py s3 batch-report."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path

from django.core.management.base import CommandError

from s3store.management.verbs.verb import UNCONFIRMED, Verb, add_json, add_storage
from s3store.operations.batch import BatchError, read_report
from s3store.operations.command import counted
from s3store.operations.places import PlaceError, place_of


class BatchReport(Verb):
    """Says which files a job of S3 Batch Operations could not process."""

    help = "Read the report of a job of S3 Batch Operations, and name the files that it could not process."

    @staticmethod
    def add_arguments(parser: ArgumentParser) -> None:
        """Declare the arguments."""
        help_text = "The manifest.json of the report, as ALIAS:path, or one of its CSV files, also a local one."
        parser.add_argument("report", metavar="REPORT", help=help_text)
        add_storage(parser)
        help_text = "Write a manifest for a job that processes these files again."
        parser.add_argument("--retry", metavar="FILE", help=help_text)
        add_json(parser)

    def run(self) -> None:
        """Run the command. Raises CommandError if files failed."""
        retry = Path(self.options["retry"]) if self.options["retry"] else None
        try:
            summary = read_report(place_of(self.options["report"]), objects=self.storage().objects, retry=retry)
        except (BatchError, PlaceError, OSError) as error:
            raise CommandError(str(error), returncode=UNCONFIRMED) from error
        words = f"{counted(summary.objects, 'task')} in the report, {len(summary.failed)} failed"
        then = f"{retry} is a manifest of these files." if retry else "--retry FILE writes a manifest of these files."
        self.output.finish(summary, words, then=then)
