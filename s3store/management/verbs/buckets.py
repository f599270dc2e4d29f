"""manage.py s3 buckets."""

from __future__ import annotations

from argparse import ArgumentParser

from django.core.management.base import CommandError

from s3store.core.units import printable
from s3store.errors import AccessDeniedError, S3StoreError
from s3store.management.verbs.verb import FAILED, Verb, add_json, add_storage
from s3store.operations.buckets import list_buckets
from s3store.operations.reports import SCHEMA


class Buckets(Verb):
    """Lists the buckets of the account."""

    help = "List the buckets of the account that the credentials of a storage belong to."

    @staticmethod
    def add_arguments(parser: ArgumentParser) -> None:
        """Declare the arguments."""
        add_storage(parser)
        add_json(parser)

    def run(self) -> None:
        """Run the command. Raises CommandError."""
        try:
            found = list_buckets(self.storage())
        except AccessDeniedError as error:
            advice = "This needs the permission s3:ListAllMyBuckets. Everything else works without it."
            raise CommandError(f"{error} {advice}", returncode=FAILED) from error
        except S3StoreError as error:
            raise CommandError(str(error), returncode=FAILED) from error
        if self.output.json:
            buckets = [
                {"name": each.name, "created": each.created.isoformat() if each.created else None} for each in found
            ]
            self.output.document({"schema": SCHEMA, "command": "buckets", "buckets": buckets})
            return
        for each in found:
            created = each.created.astimezone().isoformat(timespec="seconds") if each.created else ""
            self.output.say(f"{created:25}  {printable(each.name)}")
