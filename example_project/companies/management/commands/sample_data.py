"""The command sample_data."""

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from companies.sample.build import build
from companies.sample.cast import CLIENTS


class Command(BaseCommand):
    """Adds the sample data."""

    help = "Add the sample companies with their files, members, links and activity. What exists is not changed."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument("slugs", nargs="*", metavar="COMPANY", help="Only these companies. Default: all six.")

    def handle(self, *_: Any, slugs: list[str], **__: Any) -> None:
        """Add what is missing."""
        clients = {client.slug: client for client in CLIENTS}
        for slug in slugs:
            if slug not in clients:
                raise CommandError(f"There is no sample company {slug!r}. Use {', '.join(clients)}.")
        start = time.monotonic()
        count = build([clients[slug] for slug in slugs or clients])
        took = time.monotonic() - start
        self.stdout.write(f"{count} files written in {took:.1f} s." if count else "The sample data is there already.")
