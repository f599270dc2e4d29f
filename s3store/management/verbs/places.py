"""What the subcommands of the shell have in common: their places, and lines of data."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Sequence
from typing import Any

from django.core.management.base import CommandError

from s3store.core.globs import Filter
from s3store.core.units import human_size, parse_age
from s3store.management.verbs.verb import UNCONFIRMED, Verb
from s3store.operations.places import Place, place_of
from s3store.operations.shell.selecting import Selection, select_all

PLACE = "ALIAS:path of a file or a directory, or a pattern in quotes."


def add_places(parser: ArgumentParser, *, optional: bool = False) -> None:
    """Add the places."""
    if optional:
        parser.add_argument("places", nargs="*", metavar="PLACE", help=f"{PLACE} Default: default:")
    else:
        parser.add_argument("places", nargs="+", metavar="PLACE", help=PLACE)


def add_recursive(parser: ArgumentParser, what: str = "Process") -> None:
    """Add `--recursive`."""
    help_text = f"{what} the files in directories, at any depth."
    parser.add_argument("-r", "--recursive", action="store_true", help=help_text)


def add_bytes(parser: ArgumentParser) -> None:
    """Add `--bytes`."""
    parser.add_argument("--bytes", action="store_true", help="Print sizes in bytes.")


def add_changes(parser: ArgumentParser, what: str) -> None:
    """Add the options that change metadata or tags."""
    parser.add_argument(
        "--set", action="append", type=pair, default=[], metavar="NAME=VALUE", help=f"Set {what}. Repeatable."
    )
    parser.add_argument("--delete", action="append", default=[], metavar="NAME", help=f"Delete {what}. Repeatable.")
    parser.add_argument("--clear", action="store_true", help="Delete all that are not set by --set.")


def pair(text: str) -> tuple[str, str]:
    """Return the two sides of `NAME=VALUE`."""
    name, found, value = text.partition("=")
    if not found or not name:
        raise ArgumentTypeError(f"{text!r} must be NAME=VALUE.")
    return name, value


def seconds(text: str) -> int:
    """Return the seconds of `3600`, `15m`, `12h` or `7d`."""
    try:
        return int(text) if text.isdecimal() else int(parse_age(text).total_seconds())
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None


class ShellVerb(Verb):
    """A subcommand about places in storages."""

    @property
    def places(self) -> list[Place]:
        """The places. Raises PlaceError."""
        return [place_of(text) for text in self.options["places"] or ["default:"]]

    @property
    def rules(self) -> Filter | None:
        """The filter of --include and --exclude. Raises CommandError for what is not a pattern."""
        try:
            return Filter.of(self.options["rules"]) if self.options["rules"] else None
        except ValueError as error:
            raise CommandError(str(error), returncode=UNCONFIRMED) from error

    def selections(self, *, directories_first: bool = False) -> list[Selection]:
        """Return what the places name."""
        return select_all(self.places, directories_first=directories_first)

    def line(self, text: str) -> None:
        """Print a line of data, unless JSON is printed."""
        if not self.is_json:
            self.base.stdout.write(text)

    @property
    def is_json(self) -> bool:
        """Whether JSON is printed."""
        return self.output.json or self.output.jsonl

    def size(self, size: int) -> str:
        """Return a size in words, or with --bytes as a number."""
        return str(size) if self.options["bytes"] else human_size(size)

    def wrong(self, error: ValueError) -> CommandError:
        """Return the error for a value that is not possible."""
        return CommandError(str(error), returncode=UNCONFIRMED)

    def document(self, **values: Any) -> None:
        """Print a JSON document about this subcommand."""
        self.output.document({"schema": 1, "command": self.options["subcommand"], **values})


def columns(rows: Sequence[tuple[str, str]]) -> list[str]:
    """Return lines of names and values, with the values below each other."""
    width = max((len(name) for name, _ in rows), default=0)
    return [f"{name:{width}}  {value}".rstrip() for name, value in rows]
