"""manage.py s3 sync."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from s3store.core.units import human_size, parse_size
from s3store.management.verbs.shards import add_from_inventory, add_shard, shard_range
from s3store.management.verbs.verb import (
    DIFFERS,
    UNCONFIRMED,
    Verb,
    add_dry_run,
    add_rules,
    add_work,
    add_yes,
    examples,
)
from s3store.operations.command import counted
from s3store.operations.inventory import open_inventory
from s3store.operations.places import place_of
from s3store.operations.sync import Doomed, sync

_FLAGS = (
    ("--delete", "Delete what only the target has, after everything else. Asks first."),
    ("--force", "Delete also if the source is empty, or if most of the target would go."),
    ("--delete-excluded", "With --delete: delete also what --exclude excludes."),
    ("--size-only", "Compare only the sizes."),
    ("--newer", "Send only files that are newer than the target's."),
    ("--trust-mtime", "Where no digest tells, do not send files of equal size that are not newer."),
    ("--verify", "Compare the content of every file, also after sending it."),
    ("--check", "Only compare. The exit status is 3 if something differs."),
    ("--follow-links", "Follow symbolic links, as long as they stay in the source."),
    ("--unsafe-links", "Follow all symbolic links."),
)


class Sync(Verb):
    """Makes one place contain what another one contains."""

    help = (
        "Make the directory TARGET contain what the directory SOURCE contains: from this machine to a storage, back, "
        "or from one storage to another. Only files that differ are sent."
    )

    def __init__(self, base: BaseCommand, options: Mapping[str, Any]) -> None:
        super().__init__(base, {**options, "dry_run": options["dry_run"] or options["check"]})

    @staticmethod
    def add_arguments(parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("source", metavar="SOURCE", help="A local directory, or ALIAS:path.")
        parser.add_argument("target", metavar="TARGET", help="A local directory, or ALIAS:path.")
        for flag, help_text in _FLAGS:
            parser.add_argument(flag, action="store_true", help=help_text)
        parser.add_argument("--max-delete", type=int, metavar="N", help="With --delete: at most N files.")
        parser.add_argument(
            "--batch-manifest",
            metavar="FILE",
            help="Copy nothing: write the plan to this new file, as a manifest for S3 Batch Operations.",
        )
        parser.add_argument("--bandwidth", metavar="SIZE", help="Bytes per second, such as 10MiB.")
        add_rules(parser)
        add_shard(parser)
        add_from_inventory(parser)
        add_dry_run(parser)
        add_yes(parser)
        add_work(parser)

    def run(self) -> None:
        """Run the command. Raises CommandError with everything that failed."""
        options, output = self.options, self.output
        if options["delete"] and not options["batch_manifest"]:
            output.expect_question("--delete")
        try:
            summary = sync(
                place_of(options["source"]),
                place_of(options["target"]),
                rules=options["rules"] or (),
                within=shard_range(options),
                inventory=open_inventory(place_of(inventory)) if (inventory := options["from_inventory"]) else None,
                delete=options["delete"],
                max_delete=options["max_delete"],
                force=options["force"],
                delete_excluded=options["delete_excluded"],
                confirm=self._agrees,
                size_only=options["size_only"],
                newer=options["newer"],
                trust_mtime=options["trust_mtime"],
                verify=options["verify"],
                follow_links=options["follow_links"],
                unsafe_links=options["unsafe_links"],
                bandwidth=parse_size(options["bandwidth"]) if options["bandwidth"] else None,
                threads=self._threads(),
                dry_run=options["dry_run"],
                batch_manifest=options["batch_manifest"],
                watcher=output,
            )
        except (ValueError, FileExistsError) as error:
            raise CommandError(str(error), returncode=UNCONFIRMED) from error
        finally:
            output.close()
        words = (
            f"{counted(summary.objects, 'file')}, {summary.sent} sent ({human_size(summary.size)}), "
            f"{summary.skipped} unchanged, {summary.deleted} deleted, {len(summary.failed)} failed"
        )
        output.finish(summary, words, then="Run the command again: files that are complete are skipped.")
        for command in summary.more.get("batch", ()):
            output.say(command)
        if options["check"] and (summary.sent or summary.deleted):
            raise CommandError("The two places differ.", returncode=DIFFERS)

    def _threads(self) -> int:
        threads: int = self.options["threads"]
        if threads < 1:
            raise ValueError("--threads must be 1 or more.")
        return threads

    def _agrees(self, doomed: Doomed) -> bool:
        try:
            shown: Any = examples(doomed.examples, len(doomed), doomed.size)
            self.output.confirm(f"{shown}\nDelete them from {self.options['target']}?")
        except CommandError:
            return False
        return True
