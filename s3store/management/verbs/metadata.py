"""manage.py s3 metadata."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from typing import Any

from s3store.management.verbs.changing import EntriesVerb
from s3store.operations.reports import Summary
from s3store.operations.shell.applying import Chosen
from s3store.operations.shell.facts import change_metadata, stat_of
from s3store.operations.shell.selecting import Selection


class Metadata(EntriesVerb):
    """Prints and changes the metadata of files."""

    help = "Print the user metadata of files, or change it. S3 copies each changed file onto itself."
    what = "an entry of the metadata"

    @staticmethod
    def add_arguments(parser: ArgumentParser) -> None:
        """Declare the arguments."""
        Metadata.add_entries(parser)

    def read(self, each: Chosen, name: str) -> Mapping[str, str]:
        """Return the metadata of a file."""
        return stat_of(each, name).metadata

    def change(self, selections: Sequence[Selection], **how: Any) -> Summary:
        """Change the metadata of files."""
        return change_metadata(selections, **how)
