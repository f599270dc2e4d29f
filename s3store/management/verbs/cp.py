"""manage.py s3 cp."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, BooleanOptionalAction

from s3store.core.units import human_size
from s3store.management.verbs.cat import write_all
from s3store.management.verbs.places import PLACE, ShellVerb, add_recursive, pair
from s3store.management.verbs.verb import add_dry_run, add_rules, add_work
from s3store.operations import command
from s3store.operations.places import Place, PlaceError, place_of
from s3store.operations.shell.copying import STANDARD, copy, save_stream
from s3store.operations.shell.reading import concatenate
from s3store.operations.shell.selecting import select_all


def add_transfer(parser: ArgumentParser, what: str) -> None:
    """Add the arguments that cp and mv have in common."""
    help_text = f"Local paths, or {PLACE}"
    parser.add_argument("sources", nargs="+", metavar="SOURCE", help=help_text)
    help_text = "A file or a directory. A slash at its end, or several sources, make it a directory."
    parser.add_argument("target", metavar="TARGET", help=help_text)
    add_recursive(parser, what)
    help_text = "Replace files that exist. Default: file_overwrite of the storage; not on this machine."
    parser.add_argument("--overwrite", action=BooleanOptionalAction, default=None, help=help_text)
    help_text = "The content type of files from this machine. Default: by the extension of the name."
    parser.add_argument("--content-type", metavar="TYPE", help=help_text)
    help_text = "Metadata for files from this machine. Repeatable."
    parser.add_argument("--metadata", action="append", type=pair, default=[], metavar="NAME=VALUE", help=help_text)
    help_text = "Do not copy the tags from one bucket to another."
    parser.add_argument("--no-tags", action="store_false", dest="tags", help=help_text)
    add_dry_run(parser)
    add_rules(parser)
    add_work(parser)


class Cp(ShellVerb):
    """Copies files."""

    help = "Copy files: from this machine to a storage, back, or from storage to storage."
    moves = False

    @staticmethod
    def add_arguments(parser: ArgumentParser) -> None:
        """Declare the arguments."""
        add_transfer(parser, "Copy")

    def run(self) -> None:
        """Copy the sources to the target."""
        options = self.options
        sources = [place_of(text) for text in options["sources"]]
        target = place_of(options["target"])
        if STANDARD in (*options["sources"], options["target"]):
            self._stream(sources, target)
            return
        try:
            summary = copy(
                sources,
                target,
                recursive=options["recursive"],
                overwrite=options["overwrite"],
                move=self.moves,
                rules=self.rules,
                content_type=options["content_type"],
                metadata=dict(options["metadata"]) or None,
                tags=options["tags"],
                dry_run=options["dry_run"],
                threads=options["threads"],
                watcher=self.output,
            )
        finally:
            self.output.close()
        done = "moved" if self.moves else "copied"
        count = len(summary.plan) if summary.plan is not None else summary.sent
        found = command.counted(count, "file")
        words = f"{found} {'would be ' * summary.dry_run}{done}, {human_size(summary.size)}"
        if summary.failed:
            words += f", {len(summary.failed)} failed"
        self.output.finish(summary, words, then="The other files are complete." * (count > 0))

    def _stream(self, sources: list[Place], target: Place) -> None:
        """Copy standard input to a file, or files to standard output."""
        options = self.options
        if self.moves or options["dry_run"] or (options["target"] != STANDARD and options["sources"] != [STANDARD]):
            raise PlaceError("- is standard input or output: cp - ALIAS:name, or cp ALIAS:name -.")
        if options["target"] == STANDARD:
            selections = select_all(sources)
            write_all(self, lambda file: concatenate(selections, file, recursive=options["recursive"]))
            return
        summary = save_stream(
            sys.stdin.buffer,
            target,
            overwrite=options["overwrite"],
            content_type=options["content_type"],
            metadata=dict(options["metadata"]) or None,
        )
        self.output.finish(summary, f"1 file copied, {human_size(summary.size)}")
