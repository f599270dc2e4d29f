"""Django's collectstatic, with a faster way for storages of ours. For any other storage it is Django's own."""

from __future__ import annotations

import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

from django.contrib.staticfiles.finders import get_finders
from django.contrib.staticfiles.management.commands import collectstatic
from django.core.files.storage import storages
from django.core.management.base import CommandError, CommandParser

from s3store import static_publish
from s3store.client import counted_sends
from s3store.manifest import Manifested
from s3store.progress import Bar
from s3store.staging import StaticFile, in_storage
from s3store.static_publish import Decision, Failures, Publisher, Release, Report
from s3store.storage import S3StaticStorage

_THREADS = 32
_FAILURES_SHOWN = 20


class Command(collectstatic.Command):
    """Collects static files, and publishes what differs."""

    def add_arguments(self, parser: CommandParser) -> None:
        """Add ours to Django's."""
        super().add_arguments(parser)
        parser.add_argument("--threads", type=int, default=_THREADS, help="How many files are sent at a time.")
        parser.add_argument(
            "--prune",
            type=int,
            metavar="RELEASES",
            help="Then delete hashed files that none of the last so many releases has, this one included.",
        )
        parser.add_argument(
            "--clear-bucket", action="store_true", help="Let --clear and --prune delete in a bucket without a location."
        )
        parser.add_argument(
            "--no-progress", action="store_false", dest="progress", help="Show no bar, on a terminal either."
        )
        parser.add_argument("--json", action="store_true", help="Print what was done as JSON, and nothing else.")

    def set_options(self, **options: Any) -> None:
        """Take the options over. Raises CommandError for those that cannot be."""
        super().set_options(**options)
        # The storage itself, not the lazy object around it: it compares itself with where its manifest is.
        self.storage = storages["staticfiles"]
        self.is_ours = isinstance(self.storage, S3StaticStorage)
        self.threads = options["threads"]
        self.prune = options["prune"]
        self.clear_bucket = options["clear_bucket"]
        self.json = options["json"]
        self.progress = options["progress"] and self.verbosity > 0 and not self.json
        if self.json:
            self.verbosity = 0
        if not self.is_ours:
            for name in ("prune", "clear_bucket", "json"):
                if options[name]:
                    flag = f"--{name.replace('_', '-')}"
                    raise CommandError(f"{flag} needs a staticfiles storage of s3store's.")
            return
        if self.symlink:
            raise CommandError("--link cannot work: S3 keeps copies, and has no links to files of this machine.")
        if self.threads < 1:
            raise CommandError("--threads must be 1 or more.")
        if self.prune is not None and self.prune < 1:
            raise CommandError("--prune must leave 1 release or more.")
        if self.prune and not (self.post_process and isinstance(self.storage, Manifested)):
            raise CommandError("--prune goes by the manifests of releases: it needs a S3ManifestStaticStorage.")
        if (self.clear or self.prune) and not self.storage._prefix("") and not self.clear_bucket:
            raise CommandError(
                "--clear and --prune could delete other things in the bucket, for the storage has no location. Give it "
                "one, or add --clear-bucket to mean it."
            )

    def handle(self, **options: Any) -> str | None:
        """Collect, publish and say what was done."""
        self.summary: dict[str, Any] = {}
        said: str | None = super().handle(**options)
        if not self.is_ours:
            return said
        if self.json:
            return json.dumps(self.summary)
        return f"{said}\n{self._last_line()}" if said else None

    def collect(self) -> dict[str, list[str]]:
        """Do the work, and return what Django's summary needs."""
        if not self.is_ours:
            done: dict[str, list[str]] = super().collect()
            return done
        try:
            return self._collect()
        except KeyboardInterrupt:
            self.stderr.write("Interrupted. What was sent is whole; run the command again to send the rest.")
            raise SystemExit(130) from None
        except OSError as error:
            raise CommandError(str(error)) from error

    def _collect(self) -> dict[str, list[str]]:
        began = time.monotonic()
        storage: Any = self.storage
        with counted_sends(storage.client) as sent, tempfile.TemporaryDirectory(prefix="s3store-") as directory:
            found = self._found()
            release = static_publish.stage(storage, found, directory=Path(directory), post_process=self.post_process)
            self._refuse(release.failures, "Post-processing", shown=len(release.failures))
            for name, hashed_name in release.post_processed:
                self.log(f"Post-processed '{name}' as '{hashed_name}'")
            decision, report = self._publish(storage, release)
        self.summary = {
            "dry_run": self.dry_run,
            "uploaded": report.uploaded,
            "unchanged": len(decision.plan.unchanged),
            "post_processed": len(release.post_processed),
            "deleted": report.deleted,
            "bytes": report.sent,
            "requests": len(sent),
            "seconds": round(time.monotonic() - began, 3),
        }
        if self.dry_run:
            self.summary |= {"upload": list(decision.plan.upload), "delete": list(decision.delete)}
        collected = {storage._key(name) for name in found}
        return {
            "modified": [key for key in decision.plan.upload if key in collected],
            "unmodified": [key for key in decision.plan.unchanged if key in collected],
            "post_processed": [name for name, _ in release.post_processed],
            "skipped": self.doubles,
            "deleted": list(decision.delete),
        }

    def _found(self) -> dict[str, StaticFile]:
        """Return the finders' files by their names, the first of each name, as Django does."""
        found: dict[str, StaticFile] = {}
        self.doubles: list[str] = []
        for finder in get_finders():
            for path, storage in finder.list(self.ignore_patterns):
                prefix = getattr(storage, "prefix", None)
                name = os.path.join(prefix, path) if prefix else path  # noqa: PTH118 (a name, not a path)
                if name in found:
                    self.doubles.append(name)
                    self.log(
                        f"Found another file with the destination path '{name}'. It will be ignored since only the "
                        "first encountered file is collected. If this is not what you want, make sure every static "
                        "file has a unique path.",
                        level=1,
                    )
                else:
                    found[name] = in_storage(storage, path)
        return found

    def _publish(self, storage: S3StaticStorage, release: Release) -> tuple[Decision, Report]:
        publisher = Publisher(storage, release, threads=self.threads)
        decision = publisher.decide(clear=self.clear, prune=self.prune)
        pretending = "Pretending to " if self.dry_run else ""
        for key in decision.plan.unchanged:
            self.log(f"Skipping '{key}' (not modified)")
        for key in decision.plan.upload:
            self.log(f"{pretending}{'copy' if pretending else 'Copying'} '{key}'", level=1 if pretending else 2)
        for key in decision.delete:
            self.log(f"{pretending}{'delete' if pretending else 'Deleting'} '{key}'", level=1)
        if self.dry_run:
            return decision, Report()
        # Not by way of Django's wrapper, which ends each writing with a new line.
        bar = Bar(self.stderr._out, shown=self.progress)
        try:
            report = publisher.run(decision, bar.step)
        finally:
            bar.close()
        self._refuse(report.failures, "Uploading", shown=_FAILURES_SHOWN)
        return decision, report

    def _refuse(self, failures: Failures, what: str, *, shown: int) -> None:
        """Raise CommandError with all that failed; the manifest is the old one then."""
        if not failures:
            return
        lines = [f"{what} '{name}' failed: {error}" for name, error in failures[:shown]]
        if len(failures) > shown:
            lines.append(f"… and {len(failures) - shown} more.")
        lines.append("Nothing was taken away and the manifest is as it was. Run the command again to send the rest.")
        raise CommandError("\n".join(lines)) from failures[0][1]

    def _last_line(self) -> str:
        said = self.summary
        return (
            f"{said['uploaded']} objects written, {said['deleted']} deleted, {said['bytes']} bytes, "
            f"{said['requests']} request{'s' * (said['requests'] != 1)}, {said['seconds']:.1f} s."
        )
