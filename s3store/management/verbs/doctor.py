"""manage.py s3 doctor."""

from __future__ import annotations

from argparse import ArgumentParser

from django.core.management.base import CommandError

from s3store.core.units import printable
from s3store.errors import S3StoreError
from s3store.management.verbs.setup import lines_of
from s3store.management.verbs.verb import DIFFERS, FAILED, UNCONFIRMED, Verb, add_json, add_storage, add_yes
from s3store.operations.doctor import (
    ERROR,
    NOTE,
    WARNING,
    Finding,
    Report,
    examine_alias,
    fix,
    plan_fix,
    s3_aliases,
)
from s3store.operations.places import PlaceError
from s3store.operations.setup import SetupError

_MARKS = {ERROR: "ERROR", WARNING: "WARNING", NOTE: "note"}


class Doctor(Verb):
    """Examines a bucket as the storage uses it."""

    help = (
        "Examine the bucket with small requests, as the storage uses it, and say what is wrong and what to do. "
        "One object "
        "is saved below the location and deleted again."
    )

    @staticmethod
    def add_arguments(parser: ArgumentParser) -> None:
        """Declare the arguments."""
        add_storage(parser)
        parser.add_argument("--all", action="store_true", help="Examine all S3 storages in STORAGES.")
        help_text = (
            "The origin of pages that upload files, such as https://www.example.com. Repeatable. Default: the "
            "origins that "
            "ALLOWED_HOSTS and CSRF_TRUSTED_ORIGINS name."
        )
        parser.add_argument("--origin", action="append", dest="origins", metavar="URL", help=help_text)
        parser.add_argument("--fix", action="store_true", help="Show what s3 setup can mend of it, ask, and mend it.")
        add_yes(parser)
        parser.add_argument("--strict", action="store_true", help="Exit with status 3 if there are warnings.")
        add_json(parser)

    def run(self) -> None:
        """Run the command. Raises CommandError with status 1 for errors, and 3 for warnings with --strict."""
        aliases = self._aliases()
        reports = [self._examined(alias) for alias in aliases]
        if self.options["fix"]:
            reports = [self._mended(report) for report in reports]
        if self.output.json:
            self.output.document([report.json() for report in reports] if self.options["all"] else reports[0].json())
        errors = sum(len(report.at(ERROR)) for report in reports)
        warnings = sum(len(report.at(WARNING)) for report in reports)
        if errors:
            raise CommandError(f"{_counted(errors, 'error')}, {_counted(warnings, 'warning')}.", returncode=FAILED)
        if warnings and self.options["strict"]:
            raise CommandError(f"{_counted(warnings, 'warning')}.", returncode=DIFFERS)

    def _aliases(self) -> list[str]:
        if not self.options["all"]:
            return [self.options["storage"]]
        found = s3_aliases()
        if not found:
            raise CommandError("STORAGES contains no storage of s3store.", returncode=UNCONFIRMED)
        return found

    def _examined(self, alias: str) -> Report:
        try:
            report = examine_alias(alias, origins=self.options["origins"], watcher=self.output)
        except PlaceError as error:
            raise CommandError(f"--storage: {error}", returncode=UNCONFIRMED) from error
        self._print(report)
        return report

    def _mended(self, report: Report) -> Report:
        """Mend what setup can mend, and return a new report. Raises CommandError."""
        if not report.fixable:
            return report
        storage, origins = self.storage(report.alias), self.options["origins"]
        try:
            planned = plan_fix(storage, report, origins=origins)
            if planned is None or not (planned.changes or planned.refusals):
                self.output.say("There is nothing that s3 setup can mend.")
                return report
            for line in (line for change in planned.changes for line in lines_of(change)):
                self.output.say(line)
            count = len(planned.changes)
            if not planned.refusals:
                self.output.confirm(f"{_counted(count, 'change')} in the bucket {printable(report.bucket)}. Apply?")
            fix(storage, planned, watcher=self.output)
        except (SetupError, S3StoreError) as error:
            text = f"The bucket {printable(report.bucket)} is not mended. {error}"
            raise CommandError(text, returncode=FAILED) from error
        return self._examined(report.alias)

    def _print(self, report: Report) -> None:
        say, style = self.output.say, self.base.style
        place = f"{report.bucket}/{report.prefix}".rstrip("/")
        say(style.MIGRATE_HEADING(f"{report.alias}: {place} at {report.endpoint}" if report.bucket else report.alias))
        for text in report.passed:
            say(f"  {'ok':8} {text}")
        for found in report.findings:
            self._print_finding(found)
        counts = [_counted(len(report.at(level)), level) for level in (ERROR, WARNING, NOTE)]
        say(f"  {', '.join(counts)}; {_counted(report.requests, 'request')}, {report.seconds:.1f} s.")

    def _print_finding(self, found: Finding) -> None:
        say, style = self.output.say, self.base.style
        colour = {ERROR: style.ERROR, WARNING: style.WARNING}.get(found.level, str)
        say(f"  {colour(f'{_MARKS[found.level]:8}')} {found.title}")
        for name, text in (
            ("Seen", found.seen),
            ("Meaning", found.meaning),
            ("To do", found.action),
            ("More", found.docs),
        ):
            if text:
                say(f"           {name}: {text}")


def _counted(number: int, word: str) -> str:
    return f"{number} {word}{'s' * (number != 1)}"
