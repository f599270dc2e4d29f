"""The command sample_data."""

import time
from typing import Any

from django.core.management.base import BaseCommand

from companies.sample.build import build


class Command(BaseCommand):
    """Adds the sample data."""

    help = "Add the sample companies with their files, members, links and activity. What exists is not changed."

    def handle(self, *_: Any, **__: Any) -> None:
        """Add what is missing."""
        start = time.monotonic()
        count = build()
        took = time.monotonic() - start
        self.stdout.write(f"{count} files written in {took:.1f} s." if count else "The sample data is there already.")
