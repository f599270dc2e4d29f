"""The command orphans."""

from typing import Any

from django.core.management.base import BaseCommand

from companies.deletion import orphaned_prefixes


class Command(BaseCommand):
    """Lists the folders of no company."""

    help = "List the prefixes below companies/ that belong to no company, for example after a restored database."

    def handle(self, *_: Any, **__: Any) -> None:
        """List them."""
        for prefix in orphaned_prefixes():
            self.stdout.write(prefix)
