"""The base of the subcommands that show or change one kind of fact about files: metadata, tags, ACLs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from s3store.core.units import printable
from s3store.management.verbs.places import ShellVerb, add_changes, add_places, add_recursive
from s3store.management.verbs.verb import add_dry_run, add_rules, add_work
from s3store.operations import command
from s3store.operations.reports import Summary
from s3store.operations.shell.applying import Chosen
from s3store.operations.shell.facts import each_file
from s3store.operations.shell.selecting import Selection


class ChangingVerb(ShellVerb):
    """A subcommand that shows or changes facts about files."""

    @property
    def how(self) -> dict[str, Any]:
        """The arguments of operations that change files."""
        options = self.options
        return {
            "recursive": options["recursive"],
            "rules": self.rules,
            "dry_run": options["dry_run"],
            "threads": options["threads"],
            "watcher": self.output,
        }

    def finish(self, summary: Summary) -> None:
        """Print the summary. Raises CommandError if files failed."""
        self.output.close()
        found = command.counted(summary.objects, "file")
        would = "would be " if summary.dry_run else ""
        words = f"{found}, {summary.sent} {would}changed, {len(summary.failed)} failed"
        advice = self.advice(summary.failed[0].code) if summary.failed else ""
        self.output.finish(summary, words, then=advice)

    def advice(self, code: str) -> str:  # noqa: ARG002 (for subclasses)
        """Return what to do about failures, by the code of the first."""
        return "Run the command again: files that are correct are skipped."


class EntriesVerb(ChangingVerb, ABC):
    """A subcommand for entries with a name and a value: metadata or tags."""

    what: ClassVar[str]

    @abstractmethod
    def read(self, each: Chosen, name: str) -> Mapping[str, str]:
        """Return the entries of a file."""

    @abstractmethod
    def change(self, selections: Sequence[Selection], **how: Any) -> Summary:
        """Change the entries of files."""

    @classmethod
    def add_entries(cls, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        add_places(parser)
        add_changes(parser, cls.what)
        add_recursive(parser)
        add_dry_run(parser)
        add_rules(parser)
        add_work(parser)

    def run(self) -> None:
        """Print the entries, or change them."""
        options = self.options
        if options["set"] or options["delete"] or options["clear"]:
            changes = {"added": dict(options["set"]), "removed": options["delete"], "clear": options["clear"]}
            try:
                self.finish(self.change(self.selections(), **changes, **self.how))
            except ValueError as error:
                raise self.wrong(error) from error
            return
        found = []
        for each, name in each_file(self.selections(), recursive=options["recursive"], rules=self.rules):
            shown, entries = each.item.shown, dict(self.read(each, name))
            self.line(printable(shown))
            for entry, value in sorted(entries.items()):
                self.line(f"  {printable(entry)}={printable(value)}")
            found.append({"place": shown, "name": name, options["subcommand"]: entries})
        if self.is_json:
            self.document(files=found)
