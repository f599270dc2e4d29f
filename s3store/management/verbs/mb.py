"""manage.py s3 mb."""

from __future__ import annotations

from argparse import ArgumentParser

from django.core.management.base import CommandError

from s3store.core.policies.names import bucket_name_warning
from s3store.errors import S3StoreError
from s3store.management.verbs.verb import FAILED, UNCONFIRMED, Verb, add_json, add_storage
from s3store.operations.buckets import create_bucket
from s3store.operations.reports import SCHEMA


class Mb(Verb):
    """Creates a bucket."""

    help = "Create a bucket. To create one with all settings that a project needs, use setup instead."

    @staticmethod
    def add_arguments(parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("name", nargs="?", metavar="BUCKET", help="The name. Default: the bucket of the storage.")
        parser.add_argument("--region", help="The region. Default: the region of the storage.")
        add_storage(parser)
        add_json(parser)

    def run(self) -> None:
        """Run the command. Raises CommandError."""
        storage = self.storage()
        name = self.options["name"] or storage.objects.bucket.name
        if warning := bucket_name_warning(name):
            self.output.warn(warning)
        try:
            created = create_bucket(storage, name, region=self.options["region"])
        except ValueError as error:
            raise CommandError(str(error), returncode=UNCONFIRMED) from error
        except S3StoreError as error:
            raise CommandError(str(error), returncode=FAILED) from error
        if self.output.json:
            self.output.document({"schema": SCHEMA, "command": "mb", "bucket": name, "created": created})
        else:
            self.output.say(f"Created the bucket {name}." if created else f"The account has the bucket {name} already.")
