"""manage.py s3 ls."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Iterable
from datetime import datetime, timezone

from s3store.core.units import printable
from s3store.management.verbs.places import ShellVerb, add_bytes, add_places, add_recursive
from s3store.management.verbs.verb import add_json, add_rules
from s3store.operations.shell.listing import Entry, entries

_EARLIEST = datetime.min.replace(tzinfo=timezone.utc)

_ORDERS = {
    "name": lambda entry: entry.inside,
    "size": lambda entry: (entry.size, entry.inside),
    "time": lambda entry: (entry.modified or _EARLIEST, entry.inside),
}


class Ls(ShellVerb):
    """Lists files and directories."""

    help = "List the files and directories of a storage. Names of directories end with a slash."

    @staticmethod
    def add_arguments(parser: ArgumentParser) -> None:
        """Declare the arguments."""
        add_places(parser, optional=True)
        help_text = "Print the size and the time of each file too."
        parser.add_argument("-l", "--long", action="store_true", help=help_text)
        add_recursive(parser, "List")
        add_bytes(parser)
        help_text = "Sort by name, size or time, in ascending order. Default: the order of the server."
        parser.add_argument("--sort", choices=tuple(_ORDERS), help=help_text)
        parser.add_argument("--reverse", action="store_true", help="Sort in descending order.")
        add_rules(parser)
        add_json(parser, lines=True)

    def run(self) -> None:
        """List the places one after the other."""
        selections = self.selections(directories_first=True)
        everything = []
        for number, selection in enumerate(selections):
            found = entries(selection, recursive=self.options["recursive"], rules=self.rules)
            if len(selections) > 1:
                self.line("\n" * bool(number) + f"{printable(str(selection.place))}:")
            for entry in self._sorted(found):
                self.line(self._words(entry))
                if self.output.jsonl:
                    # A line each, while the listing arrives.
                    self.base.stdout.write(json.dumps({"op": "list", **self._json(selection.shown(""), entry)}))
                elif self.output.json:
                    everything.append(self._json(selection.shown(""), entry))
        if self.is_json:
            self.document(**({} if self.output.jsonl else {"entries": everything}))

    def _sorted(self, found: Iterable[Entry]) -> Iterable[Entry]:
        wanted, reverse = self.options["sort"], self.options["reverse"]
        if not wanted and not reverse:
            return found
        return sorted(found, key=_ORDERS[wanted or "name"], reverse=reverse)

    def _words(self, entry: Entry) -> str:
        if not self.options["long"]:
            return printable(entry.inside)
        modified = entry.modified.astimezone().isoformat(timespec="seconds") if entry.modified else ""
        size = self.size(entry.size) if entry.info else ""
        return f"{size:>10}  {modified:25}  {printable(entry.inside)}"

    @staticmethod
    def _json(root: str, entry: Entry) -> dict[str, object]:
        return {**entry.json(), "place": root + entry.name}
