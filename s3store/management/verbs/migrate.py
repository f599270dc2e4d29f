"""manage.py s3 migrate-media."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from s3store.conf.sources import media_root, media_url
from s3store.core.units import human_size, parse_size, printable
from s3store.management.verbs.verb import DIFFERS, UNCONFIRMED, Verb, add_dry_run, add_work, add_yes, examples
from s3store.operations.clearing import Names
from s3store.operations.command import counted
from s3store.operations.migrate import migrate_media, texts_with
from s3store.operations.places import Place, place_of
from s3store.operations.reports import Summary
from s3store.operations.rows import RowsError

_FLAGS = (
    ("--verify", "Compare the content of every file, also after sending it."),
    ("--check", "Only compare. The exit status is 3 if a file is missing, or not in the target yet."),
    ("--rewrite-names", "Give files new names that the target refuses, and change the rows that name them."),
    ("--delete-source", "Then delete the files in the source that were compared in this run. Asks first."),
    ("--texts", "Also count the rows of text and JSON that contain MEDIA_URL."),
)


# The codes of files whose names the target refuses.
_REFUSED = ("NameRefused", "SuspiciousFileOperation")


class MigrateMedia(Verb):
    """Moves the files of all rows to a storage."""

    help = (
        "Copy the files that the rows of the project name to a storage, and report rows without a file and files "
        "without a row."
    )

    def __init__(self, base: BaseCommand, options: Mapping[str, Any]) -> None:
        super().__init__(base, {**options, "dry_run": options["dry_run"] or options["check"]})

    @staticmethod
    def add_arguments(parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("target", metavar="TARGET", help="The storage to copy to: ALIAS:path.")
        help_text = "A local directory, or ALIAS:path. Default: MEDIA_ROOT."
        parser.add_argument("--source", metavar="PLACE", help=help_text)
        for flag, text in _FLAGS:
            parser.add_argument(flag, action="store_true", help=text)
        parser.add_argument("--bandwidth", metavar="SIZE", help="Bytes per second, such as 10MiB.")
        add_dry_run(parser)
        add_yes(parser)
        add_work(parser)

    def run(self) -> None:
        """Run the command. Raises CommandError."""
        options, output = self.options, self.output
        if options["delete_source"]:
            output.expect_question("--delete-source")
        try:
            summary = migrate_media(
                self._source(),
                place_of(options["target"]),
                verify=options["verify"],
                rewrite_names=options["rewrite_names"],
                delete_source=options["delete_source"],
                confirm=self._agrees,
                bandwidth=parse_size(options["bandwidth"]) if options["bandwidth"] else None,
                threads=max(options["threads"], 1),
                dry_run=options["dry_run"],
                watcher=output,
            )
        except ValueError as error:
            raise CommandError(str(error), returncode=UNCONFIRMED) from error
        except RowsError as error:
            raise CommandError(str(error)) from error
        finally:
            output.close()
        self._report(summary)
        missing, unknown = summary.more["missing"], summary.more["unknown"]
        words = (
            f"{counted(summary.more['rows'], 'row')}, {counted(summary.objects, 'file')}, {summary.sent} sent "
            f"({human_size(summary.size)}), {summary.skipped} unchanged, {len(missing)} missing, "
            f"{len(unknown)} unknown, {summary.deleted} deleted, {len(summary.failed)} failed"
        )
        then = "Run the command again: files that are complete are skipped."
        if not options["rewrite_names"] and any(failed.code in _REFUSED for failed in summary.failed):
            then += " With --rewrite-names, files whose names the target refuses get new ones."
        output.finish(summary, words, then=then)
        if options["check"] and (missing or summary.sent):
            raise CommandError("Some files are not in the target.", returncode=DIFFERS)

    def _source(self) -> Place:
        given = self.options["source"] or media_root()
        if not given:
            raise ValueError("MEDIA_ROOT is not set. Give --source, with the directory of the files.")
        return place_of(given) if self.options["source"] else Place(path=given)

    def _report(self, summary: Summary) -> None:
        output = self.output
        for column in summary.more["counted"]:
            if column["rows"] or output.verbosity > 1:
                output.say(f"{column['source']}: {counted(column['rows'], 'row')}")
        for missing in summary.more["missing"]:
            output.say(f"missing {printable(missing['name'])}: named by {printable(missing['row'])}")
        for renamed in summary.more.get("renamed", ()):
            old, new = printable(renamed["name"]), printable(renamed["to"])
            output.say(f"renamed {old}: {new}, in {counted(renamed['rows'], 'row')}")
        for name in summary.more["unknown"]:
            output.say(f"unknown {printable(name)}", level=2)
        if self.options["texts"]:
            found = texts_with(media_url())
            summary.more["texts"] = [{"source": each.source, "rows": each.rows, "error": each.error} for each in found]
            for each in found:
                said = each.error or f"{counted(each.rows, 'row')} with {media_url()}"
                output.say(f"texts   {each.source}: {printable(said)}")

    def _agrees(self, names: Names) -> bool:
        try:
            self.output.confirm(
                f"{examples(names, len(names))}\nThe target has these files. Delete them in the source?"
            )
        except CommandError:
            self.output.warn("Nothing was deleted.")
            return False
        return True
