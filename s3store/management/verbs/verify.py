"""manage.py s3 verify."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from s3store.core.units import parse_size, printable
from s3store.management.verbs.shards import add_shard, shard_range
from s3store.management.verbs.verb import DIFFERS, UNCONFIRMED, Verb, add_rules, add_work
from s3store.operations.command import counted
from s3store.operations.places import place_of
from s3store.operations.reports import Summary
from s3store.operations.rows import RowsError
from s3store.operations.sync import verify, verify_rows


class Verify(Verb):
    """Compares two places, or a storage with the rows of the project."""

    help = (
        "Compare the content of two places. With one place, check that it has the files of all rows of the project. "
        "Nothing is changed."
    )

    @staticmethod
    def add_arguments(parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("places", metavar="PLACE", nargs="+", help="Two places, or one storage: ALIAS:path.")
        parser.add_argument("--read", action="store_true", help="With one place: read each file to its end.")
        parser.add_argument("--follow-links", action="store_true", help="Follow symbolic links within the source.")
        parser.add_argument("--unsafe-links", action="store_true", help="Follow all symbolic links.")
        parser.add_argument("--bandwidth", metavar="SIZE", help="Bytes per second, such as 10MiB.")
        add_rules(parser)
        add_shard(parser)
        add_work(parser)

    def run(self) -> None:
        """Run the command. Raises CommandError with everything that failed, or if something differs."""
        try:
            summary = self._verified()
        except ValueError as error:
            raise CommandError(str(error), returncode=UNCONFIRMED) from error
        except RowsError as error:
            raise CommandError(str(error)) from error
        finally:
            self.output.close()
        findings = summary.plan or []
        for step in findings if not self.output.jsonl else ():
            self.output.say(printable(f"{step.op:7} {step.name!r}: {step.reason}"))
        words = f"{counted(summary.objects, 'file')}, {len(findings)} differ, {len(summary.failed)} failed"
        self.output.finish(summary, words)
        if findings:
            raise CommandError(f"{counted(len(findings), 'difference')} found.", returncode=DIFFERS)

    def _verified(self) -> Summary:
        options = self.options
        places = [place_of(text) for text in options["places"]]
        common: dict[str, Any] = {
            "rules": options["rules"] or (),
            "watcher": self.output,
            "threads": options["threads"],
        }
        if options["threads"] < 1:
            raise ValueError("--threads must be 1 or more.")
        if len(places) == 1:
            return verify_rows(places[0], read=options["read"], **common)
        if len(places) > 2:
            raise ValueError("Give two places to compare, or one storage to compare with the rows of the project.")
        return verify(
            places[0],
            places[1],
            within=shard_range(options),
            follow_links=options["follow_links"],
            unsafe_links=options["unsafe_links"],
            bandwidth=parse_size(options["bandwidth"]) if options["bandwidth"] else None,
            **common,
        )
