"""manage.py s3 prune."""

from __future__ import annotations

from argparse import ArgumentParser

from django.core.management.base import CommandError

from s3store.core.units import human_size
from s3store.management.verbs.verb import UNCONFIRMED, Verb, add_dry_run, add_json, add_storage, add_yes, examples
from s3store.operations import command
from s3store.operations.prune import Outdated, find_outdated, prune
from s3store.operations.reports import Step, Summary
from s3store.storage import S3StaticStorage


class Prune(Verb):
    """Deletes the static files of old releases."""

    help = "Delete hashed static files that are not used by any of the last releases, as collectstatic --prune does."

    @staticmethod
    def add_arguments(parser: ArgumentParser) -> None:
        """Declare the arguments."""
        help_text = "The number of releases to keep, the current one included."
        parser.add_argument("releases", type=int, metavar="RELEASES", help=help_text)
        add_storage(parser, default="staticfiles")
        help_text = "Delete in a bucket although the storage has no location."
        parser.add_argument("--clear-bucket", action="store_true", help=help_text)
        add_dry_run(parser)
        add_yes(parser)
        add_json(parser, lines=True)

    def run(self) -> None:
        """Run the command. Raises CommandError."""
        options, storage = self.options, self.storage()
        if not isinstance(storage, S3StaticStorage):
            raise CommandError("--storage must be a storage of static files.", returncode=UNCONFIRMED)
        if not storage.objects.prefix("") and not options["clear_bucket"]:
            raise CommandError(
                "The storage has no location, so other files of the bucket could be deleted. Set a location, or add "
                "--clear-bucket to confirm.",
                returncode=UNCONFIRMED,
            )
        with storage.objects.bucket.counted() as sent:
            found = self._find(storage)
        size = sum(outdated.size for outdated in found)
        words = f"{command.counted(len(found), 'file')} of old releases ({human_size(size)})"
        summary = Summary(command="prune", dry_run=options["dry_run"], objects=len(found), size=size)
        if options["dry_run"]:
            summary.plan = [Step(op="delete", name=outdated.name, size=outdated.size) for outdated in found]
            for step in summary.plan:
                self.output.step(step)
        elif found:
            listed = examples((outdated.name for outdated in found), len(found), size)
            self.output.confirm(f"{listed}\nDelete these files?")
            # The answer can take long, and a release can be published meanwhile.
            now = {outdated.key for outdated in self._find(storage)}
            summary = prune(storage, [outdated for outdated in found if outdated.key in now], watcher=self.output)
            words += f", {summary.deleted} deleted"
        summary.requests += len(sent)
        self.output.finish(summary, words, then="Run the command again.")

    def _find(self, storage: S3StaticStorage) -> list[Outdated]:
        try:
            return find_outdated(storage, self.options["releases"])
        except ValueError as error:
            raise CommandError(str(error), returncode=UNCONFIRMED) from error
