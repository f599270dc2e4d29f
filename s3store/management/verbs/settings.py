"""manage.py s3 settings."""

from __future__ import annotations

from argparse import ArgumentParser

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError

from s3store.core.units import printable
from s3store.management.verbs.verb import UNCONFIRMED, Verb, add_json
from s3store.operations.reports import SCHEMA
from s3store.operations.storages import block_for, written_storages


class Settings(Verb):
    """Prints the setting STORAGES."""

    help = (
        "Print the setting STORAGES: the present one, with the classes of s3store instead of those of django-storages "
        "and django-s3-storage, and with the options from AWS_* settings; or one for a bucket. Sends no request."
    )

    @staticmethod
    def add_arguments(parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("--bucket", metavar="NAME", help="Print a new setting for this bucket.")
        parser.add_argument("--region", metavar="REGION", help="With --bucket: its region.")
        help_text = "With --bucket: the URL of its server. Default: AWS."
        parser.add_argument("--endpoint-url", metavar="URL", help=help_text)
        add_json(parser)

    def run(self) -> None:
        """Run the command. Raises CommandError."""
        options = self.options
        if not options["bucket"] and (options["region"] or options["endpoint_url"]):
            raise CommandError("--region and --endpoint-url need --bucket.", returncode=UNCONFIRMED)
        try:
            if options["bucket"]:
                block = block_for(options["bucket"], region=options["region"], endpoint_url=options["endpoint_url"])
            else:
                block = written_storages()
        except (ValueError, ImproperlyConfigured) as error:
            raise CommandError(str(error), returncode=UNCONFIRMED) from error
        if self.output.json:
            found = {"storages": block.storages, "kept": block.kept, "replaced": block.replaced, "notes": block.notes}
            self.output.document({"schema": SCHEMA, "command": "settings", **found})
            return
        self.base.stdout.write(block.text)
        for text, names in (
            ("Keep these settings, which are secret or cannot be written as text", block.kept),
            ("Remove these settings, which STORAGES contains now", block.replaced),
        ):
            if names:
                self.output.warn(f"{text}: {', '.join(names)}.")
        for note in block.notes:
            self.output.warn(printable(note))
