"""manage.py s3 stat."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from s3store.core.units import human_size, printable
from s3store.management.verbs.places import ShellVerb, add_places, add_recursive, columns
from s3store.management.verbs.verb import add_json
from s3store.operations.shell.facts import each_file, facts_of, stat_of


class StatVerb(ShellVerb):
    """Prints what S3 knows about files."""

    help = "Print what S3 knows about files: size, time, ETag, headers, encryption, storage class and metadata."

    @staticmethod
    def add_arguments(parser: ArgumentParser) -> None:
        """Declare the arguments."""
        add_places(parser)
        add_recursive(parser)
        add_json(parser)

    def run(self) -> None:
        """Print a block for each file."""
        found: list[dict[str, Any]] = []
        for each, name in each_file(self.selections(), recursive=self.options["recursive"]):
            shown, facts = each.item.shown, facts_of(stat_of(each, name))
            self.line("\n" * bool(found) + "\n".join(columns(_rows(shown, facts))))
            found.append({"place": shown, **facts})
        if self.is_json:
            self.document(files=found)


def _rows(shown: str, facts: dict[str, Any]) -> list[tuple[str, str]]:
    rows = [("place", printable(shown))]
    for name, value in facts.items():
        if name == "size":
            rows.append((name, f"{value} ({human_size(value)})" if value > 1023 else str(value)))
        elif name == "metadata":
            rows += [(f"metadata.{entry}", printable(text)) for entry, text in value.items()]
        else:
            rows.append((name, printable(str(value))))
    return rows
