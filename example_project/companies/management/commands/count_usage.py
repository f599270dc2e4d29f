"""The command count_usage."""

from typing import Any

from django.core.management.base import BaseCommand

from companies.models import Company
from companies.quota import count_again
from companies.sizes import readable_size


class Command(BaseCommand):
    """Counts the files of all companies."""

    help = "Count the files of all companies in the bucket, and correct the counters. Run it every night."

    def handle(self, *_: Any, **__: Any) -> None:
        """Count."""
        for company in Company.objects.all():
            before = company.bytes_used
            count_again(company)
            company.refresh_from_db()
            change = company.bytes_used - before
            corrected = f" (corrected by {readable_size(abs(change))})" if change else ""
            self.stdout.write(f"{company}: {company.files_count} files, {readable_size(company.bytes_used)}{corrected}")
