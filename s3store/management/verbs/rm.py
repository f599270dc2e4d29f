"""manage.py s3 rm."""

from __future__ import annotations

from argparse import ArgumentParser

from s3store.core.units import human_size
from s3store.management.verbs.places import ShellVerb, add_places, add_recursive
from s3store.management.verbs.verb import add_dry_run, add_json, add_rules, add_yes, examples
from s3store.operations import command
from s3store.operations.shell.removing import plan_removal, remove


class Rm(ShellVerb):
    """Deletes files."""

    help = "Delete files. For directories and patterns, it says how many files and how large, and asks."

    @staticmethod
    def add_arguments(parser: ArgumentParser) -> None:
        """Declare the arguments."""
        add_places(parser)
        add_recursive(parser, "Delete")
        help_text = "Allow to delete everything in a storage, as in: rm -r --force default:"
        parser.add_argument("--force", action="store_true", help=help_text)
        add_yes(parser)
        add_dry_run(parser)
        add_rules(parser)
        parser.add_argument("--no-progress", action="store_false", dest="progress", help="Do not show progress.")
        add_json(parser, lines=True)

    def run(self) -> None:
        """List, ask, and delete what was listed."""
        options = self.options
        removal = plan_removal(self.places, recursive=options["recursive"], rules=self.rules, force=options["force"])
        doomed = removal.objects
        if removal.asks and doomed and not options["dry_run"]:
            listed = examples((each.shown for each in doomed), len(doomed), removal.size)
            self.output.confirm(f"{listed}\nDelete them?")
        try:
            summary = remove(removal, dry_run=options["dry_run"], watcher=self.output)
        finally:
            self.output.close()
        deleted = len(summary.plan) if summary.plan is not None else summary.deleted
        found = command.counted(deleted, "file")
        words = f"{found} {'would be ' * summary.dry_run}deleted, {human_size(summary.size)}"
        if summary.failed:
            words += f", {len(summary.failed)} failed"
        self.output.finish(summary, words)
