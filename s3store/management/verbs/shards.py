"""manage.py s3 shards."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from s3store.core.keyrange import ALPHABETS
from s3store.management.verbs.verb import UNCONFIRMED, Verb
from s3store.operations.inventory import InventoryError, inventory_names, open_inventory
from s3store.operations.places import PlaceError, place_of
from s3store.operations.shards import KeyRange, ShardError, plan_shards, shard_of


class Shards(Verb):
    """Prints a plan that divides the files of a place among several machines."""

    help = (
        "Print a plan, as JSON, that divides the files of a directory among N machines. Give it to each of them as "
        "--plan, with --shard I/N."
    )

    @staticmethod
    def add_arguments(parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("count", type=int, metavar="N", help="The number of shards.")
        parser.add_argument("place", metavar="PLACE", help="ALIAS:path of the directory.")
        add_from_inventory(parser)

    def run(self) -> None:
        """Run the command."""
        try:
            place = place_of(self.options["place"])
            given = self.options["from_inventory"]
            names = inventory_names(open_inventory(place_of(given)), place) if given else None
            plan = plan_shards(place, self.options["count"], names=names, watcher=self.output)
        except (PlaceError, ShardError, InventoryError) as error:
            raise CommandError(str(error), returncode=UNCONFIRMED) from error
        self.output.document(plan.json())


def add_from_inventory(parser: ArgumentParser) -> None:
    """Add `--from-inventory`."""
    help_text = "Read an S3 Inventory instead of listing: ALIAS:path of its manifest.json, or of its directory."
    parser.add_argument("--from-inventory", metavar="MANIFEST", help=help_text)


def add_shard(parser: ArgumentParser) -> None:
    """Add the options of commands that can process one shard."""
    help_text = "Process only this shard: 1/4 is the first of four. Needs --plan or --alphabet."
    parser.add_argument("--shard", metavar="I/N", help=help_text)
    parser.add_argument("--plan", metavar="FILE", help="The file with the plan, from manage.py s3 shards.")
    help_text = "What names begin with: random characters of this alphabet."
    parser.add_argument("--alphabet", choices=sorted(ALPHABETS), help=help_text)


def shard_range(options: Mapping[str, Any] | Namespace) -> KeyRange:
    """Return the range of `--shard`, or the one of all names. Raises CommandError."""
    given = options if isinstance(options, Mapping) else vars(options)
    shard, plan, alphabet = given.get("shard"), given.get("plan"), given.get("alphabet")
    try:
        if not shard:
            if plan or alphabet:
                raise ShardError("--plan and --alphabet need --shard I/N.")
            return KeyRange()
        return shard_of(shard, plan=Path(plan).read_text(encoding="utf-8") if plan else None, alphabet=alphabet)
    except (OSError, ShardError, UnicodeDecodeError) as error:
        raise CommandError(f"--shard: {error}", returncode=UNCONFIRMED) from error
