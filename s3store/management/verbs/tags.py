"""manage.py s3 tags."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from typing import Any

from s3store.management.verbs.changing import EntriesVerb
from s3store.operations.reports import Summary
from s3store.operations.shell.applying import Chosen
from s3store.operations.shell.facts import change_tags, tags_of
from s3store.operations.shell.selecting import Selection


class Tags(EntriesVerb):
    """Prints and changes the tags of files."""

    help = "Print the tags of files, or change them. Lifecycle rules and policies can depend on tags."
    what = "a tag"

    @staticmethod
    def add_arguments(parser: ArgumentParser) -> None:
        """Declare the arguments."""
        Tags.add_entries(parser)

    def read(self, each: Chosen, name: str) -> Mapping[str, str]:
        """Return the tags of a file."""
        return tags_of(each.objects, name)

    def change(self, selections: Sequence[Selection], **how: Any) -> Summary:
        """Change the tags of files."""
        return change_tags(selections, **how)
