"""Commands for shares: manage.py s3sharing with a subcommand."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.timezone import now

from s3store.sharing import configured, mails, retention


class Command(BaseCommand):
    """Deletes, exports and erases what is stored about shares."""

    help = "Delete old rows about shared files, and export or erase what is stored about an e-mail address."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the subcommands."""
        below = parser.add_subparsers(dest="subcommand", required=True, metavar="SUBCOMMAND")
        prune = below.add_parser("prune", help="Delete old rows of the access log, ended shares and counters.")
        prune.add_argument("--days", type=int, help="Keep this many days. Default: log_days of S3STORE_SHARING, 180.")
        prune.add_argument("-n", "--dry-run", action="store_true", help="Print the numbers, and delete nothing.")
        export = below.add_parser("export", help="Print what is stored about an address, one JSON object a line.")
        export.add_argument("email")
        erase = below.add_parser("erase", help="Stop the shares of an address, and erase the address.")
        erase.add_argument("email")
        remind = below.add_parser("remind", help="Send a mail about each share that ends within some days.")
        remind.add_argument("--days", type=int, default=2, help="Default: 2. Run the command once a day.")

    def handle(self, *_: Any, subcommand: str, **options: Any) -> None:
        """Run the subcommand."""
        try:
            getattr(self, subcommand)(**options)
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from error

    def prune(self, *, days: int | None, dry_run: bool, **_: Any) -> None:
        """Delete what is old."""
        kept = configured.current().log_days if days is None else days
        if kept < 1:
            raise CommandError("--days must be 1 or more.")
        counts = retention.prune(kept, dry_run=dry_run)
        verb = "Would delete" if dry_run else "Deleted"
        rows = f"{counts['log']} rows of the log, {counts['shares']} shares, {counts['attempts']} counters"
        self.stdout.write(f"{verb} {rows}.")

    def export(self, *, email: str, **_: Any) -> None:
        """Print what is stored."""
        for row in retention.about(email):
            self.stdout.write(json.dumps(row, ensure_ascii=False))

    def erase(self, *, email: str, **_: Any) -> None:
        """Erase it."""
        counts = retention.erase(email)
        self.stdout.write(f"Erased the address in {counts['shares']} shares and {counts['log']} rows of the log.")

    def remind(self, *, days: int, **_: Any) -> None:
        """Send the mails: to the users whose shares end on the last of the days, so that each gets one."""
        if days < 1:
            raise CommandError("--days must be 1 or more.")
        found = [share for share in retention.ending(days) if share.expires_at > now() + timedelta(days=days - 1)]
        for share in found:
            mails.send_ending(share)
        self.stdout.write(f"Sent {len(found)} mails.")
