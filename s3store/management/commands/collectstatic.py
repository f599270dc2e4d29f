"""Django's collectstatic, with a faster way for storages of ours. For any other storage it is Django's own."""

from __future__ import annotations

import json
import os
import tempfile
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from django.contrib.staticfiles.finders import get_finders
from django.contrib.staticfiles.management.commands import collectstatic
from django.contrib.staticfiles.storage import ManifestFilesMixin
from django.core.files.storage import storages
from django.core.management.base import CommandError, CommandParser

from s3store.operations import command
from s3store.operations.progress import Bar
from s3store.staticfiles import publish
from s3store.staticfiles.publish import Decision, Failures, NotStagedError, Publisher, Release, Report
from s3store.staticfiles.releases import Releases
from s3store.staticfiles.staging import StaticFile, in_storage
from s3store.storage import S3StaticStorage
from s3store.wire.effort import patient
from s3store.wire.objects import Objects


class Command(collectstatic.Command):
    """Collects static files, and publishes those that differ."""

    def add_arguments(self, parser: CommandParser) -> None:
        """Add our options to Django's."""
        super().add_arguments(parser)
        command.add_arguments(parser)
        parser.add_argument(
            "--prune",
            type=int,
            metavar="RELEASES",
            help="Then delete hashed files that are not used by any of the last RELEASES releases, this one included.",
        )
        parser.add_argument(
            "--clear-bucket", action="store_true", help="Let --clear and --prune delete in a bucket without a location."
        )

    def set_options(self, **options: Any) -> None:
        """Read the options. Raises CommandError for options that are not possible."""
        super().set_options(**options)
        # The storage itself, not the lazy object around it: it compares itself with the storage of its manifest.
        self.storage = storages["staticfiles"]
        self.is_ours = isinstance(self.storage, S3StaticStorage)
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
                    raise CommandError(f"{flag} needs a staticfiles storage that is an S3StaticStorage.")
            return
        if self.symlink:
            raise CommandError("--link is not possible: S3 has no links to local files.")
        self.threads = command.threads_of(self.storage.options, options["threads"])
        if self.prune is not None and self.prune < 1:
            raise CommandError("--prune must keep 1 release or more.")
        if self.prune and not (self.post_process and isinstance(self.storage, ManifestFilesMixin)):
            raise CommandError("--prune reads the manifests of releases: it needs an S3ManifestStaticStorage.")
        if (self.clear or self.prune) and not self.storage.objects.prefix("") and not self.clear_bucket:
            raise CommandError(
                "--clear and --prune could delete other files in the bucket, because the storage has no location. Set "
                "a location, or add --clear-bucket to confirm."
            )

    @patient()
    def handle(self, **options: Any) -> str | None:
        """Collect, publish and print a summary."""
        self.summary: dict[str, Any] = {}
        said: str | None = super().handle(**options)
        if not self.is_ours:
            return said
        if self.json:
            return json.dumps(self.summary)
        return f"{said}\n{self._last_line()}" if said else None

    def collect(self) -> dict[str, list[str]]:
        """Do the work, and return the data of Django's summary."""
        if not self.is_ours:
            done: dict[str, list[str]] = super().collect()
            return done
        try:
            return self._collect()
        except NotStagedError as reason:
            return self._leave_to_django(str(reason))
        except KeyboardInterrupt:
            self.stderr.write("Interrupted. All files that were sent are complete; run the command again to continue.")
            raise SystemExit(130) from None
        except OSError as error:
            raise CommandError(str(error)) from error

    def _leave_to_django(self, reason: str) -> dict[str, list[str]]:
        if self.prune or self.clear_bucket or self.json:
            raise CommandError(f"{reason} Run the command without --prune, --clear-bucket and --json.")
        self.stderr.write(f"{reason} Django's own collectstatic runs instead, which sends several requests for a file.")
        self.is_ours = False
        return self.collect()

    def _collect(self) -> dict[str, list[str]]:
        began = time.monotonic()
        storage: Any = self.storage
        objects = storage.objects
        with objects.bucket.counted() as sent, tempfile.TemporaryDirectory(prefix="s3store-") as directory:
            found, failures = self._found()
            self._refuse((*failures, *publish.impossible(objects, found)), "Collecting ")
            release = publish.stage(
                storage, found, directory=Path(directory), post_process=self.post_process, dry_run=self.dry_run
            )
            self._refuse(release.failures, "Post-processing ", shown=len(release.failures))
            self._refuse(publish.impossible(objects, release.files), "Publishing ")
            for name in release.reserved:
                self.log(f"'{name}' is not published: the manifest has this name. Rename the file.", level=1)
            for name, hashed_name in release.post_processed:
                self.log(f"Post-processed '{name}' as '{hashed_name}'")
            decision, report = self._publish(objects, release)
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
            self.summary |= {"upload": list(decision.upload), "delete": list(decision.delete)}
        collected = {objects.key(name) for name in found}
        return {
            "modified": [key for key in decision.plan.upload if key in collected],
            "unmodified": [key for key in decision.plan.unchanged if key in collected],
            "post_processed": [name for name, _ in release.post_processed],
            "skipped": self.doubles,
            "deleted": list(decision.delete),
        }

    def _found(self) -> tuple[dict[str, StaticFile], Failures]:
        """Return the finders' files by their names, the first of each name, as Django does, and the failures."""
        found: dict[str, StaticFile] = {}
        failures: list[tuple[str, Exception]] = []
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
                    continue
                try:
                    found[name] = in_storage(storage, path)
                except OSError as error:
                    failures.append((name, error))
                if os.sep == "/" and "\\" in name:
                    # Storages would take it for a directory separator, and publish another name.
                    reason = ValueError("the name contains a backslash. Rename the file, or exclude it with --ignore.")
                    failures.append((name, reason))
        return found, tuple(failures)

    def _publish(self, objects: Objects, release: Release) -> tuple[Decision, Report]:
        releases = None
        if release.manifest is not None:
            now = datetime.now(timezone.utc)
            releases = Releases(self.storage, objects, release.paths, release.files, now=now)
        publisher = Publisher(objects, release, threads=self.threads, releases=releases)
        decision = publisher.decide(clear=self.clear, prune=self.prune)
        pretending = "Pretending to " if self.dry_run else ""
        for key in decision.plan.unchanged:
            self.log(f"Skipping '{key}' (not modified)")
        for key in decision.upload:
            self.log(f"{pretending}{'copy' if pretending else 'Copying'} '{key}'", level=1 if pretending else 2)
        for key in decision.delete:
            self.log(f"{pretending}{'delete' if pretending else 'Deleting'} '{key}'", level=1)
        if self.dry_run:
            return decision, Report()
        # Not Django's wrapper, which ends each write with a new line.
        bar = Bar(self.stderr._out, shown=self.progress)
        try:
            report = publisher.run(decision, bar.step)
        finally:
            bar.close()
        self._refuse(report.failures, "Uploading ")
        return decision, report

    def _refuse(self, failures: Failures, what: str, **limit: int) -> None:
        """Raise CommandError for the failures, if there are any. The manifest is still the old one."""
        then = "Nothing was deleted and the manifest is unchanged. Run the command again to send the rest."
        command.refuse(failures, then, what=what, **limit)

    def _last_line(self) -> str:
        done = self.summary
        if self.dry_run:
            written = command.counted(len(done["upload"]), "object")
            counts = f"{written} would be written, {len(done['delete'])} would be deleted"
        else:
            written, size = command.counted(done["uploaded"], "object"), command.counted(done["bytes"], "byte")
            counts = f"{written} written, {done['deleted']} deleted, {size}"
        return command.summary_line(counts, requests=done["requests"], seconds=done["seconds"])
