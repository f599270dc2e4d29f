"""The command delete_company."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from companies.deletion import delete_company, describe
from companies.models import Company


class Command(BaseCommand):
    """Deletes a company."""

    help = "Delete a company with its files, links and activity. Without --yes it only says what it would delete."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument("slug")
        parser.add_argument("--yes", action="store_true", help="Delete. The files cannot be restored.")

    def handle(self, *_: Any, slug: str, yes: bool, **__: Any) -> None:
        """Delete it, or say what would be deleted."""
        company = Company.objects.filter(slug=slug).first()
        if company is None:
            raise CommandError(f"There is no company {slug!r}.")
        if not yes:
            self.stdout.write(f"Would delete {describe(company)}. To delete it, add --yes.")
            return
        self.stdout.write(f"Deleted {delete_company(company)}.")
