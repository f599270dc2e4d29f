"""manage.py s3 du."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError

from s3store.core.units import printable
from s3store.management.verbs.places import ShellVerb, add_bytes, add_places
from s3store.management.verbs.verb import add_json, add_rules
from s3store.operations.shell.listing import usage


def _depth(text: str) -> int:
    if not text.isdecimal():
        raise ArgumentTypeError(f"{text!r} is not a depth. Give 0 or more.")
    return int(text)


class Du(ShellVerb):
    """Prints the sizes of directories."""

    help = "Print how many files directories contain, at any depth, and how large they are together."

    @staticmethod
    def add_arguments(parser: ArgumentParser) -> None:
        """Declare the arguments."""
        add_places(parser, optional=True)
        help_text = "Print the directories below too, down to this depth. Default: 0."
        parser.add_argument("-d", "--depth", type=_depth, default=0, metavar="N", help=help_text)
        add_bytes(parser)
        add_rules(parser)
        add_json(parser)

    def run(self) -> None:
        """Print a line for each place, and for each directory below it."""
        found = []
        for selection in self.selections(directories_first=True):
            for each in usage(selection, depth=self.options["depth"], rules=self.rules):
                place = selection.shown(each.name)
                found.append({**each.json(), "place": place})
                noun = "file" if each.files == 1 else "files"
                self.line(f"{self.size(each.size):>10}  {each.files:>8} {noun:5}  {printable(place)}")
        if self.is_json:
            self.document(usage=found)
