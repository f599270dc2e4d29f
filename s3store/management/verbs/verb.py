"""The base of the subcommands of manage.py s3, and what they print."""

from __future__ import annotations

import json
import sys
from argparse import Action, ArgumentParser, Namespace
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from django.core.management.base import BaseCommand, CommandError

from s3store.core.units import human_size, printable, printable_lines
from s3store.operations.command import THREADS
from s3store.operations.places import PlaceError, storage_of
from s3store.operations.progress import Meter
from s3store.operations.reports import Failed, Step, Summary, Watcher
from s3store.storage import S3Storage

FAILED = 1
"""Exit status: something failed."""

UNCONFIRMED = 2
"""Exit status: wrong usage, or a question that nobody could answer."""

DIFFERS = 3
"""Exit status: differences or findings, for commands that look for them."""

_FAILURES_SHOWN = 20
_NAMES_SHOWN = 5


class Verb:
    """A subcommand. A subclass declares arguments and calls one function of `s3store.operations`.

    `run` raises CommandError for everything that failed; its `returncode` is the exit status.
    """

    help: ClassVar[str]

    def __init__(self, base: BaseCommand, options: Mapping[str, Any]) -> None:
        self.base = base
        self.options = options
        self.output = Output(base, options)

    @staticmethod
    def add_arguments(parser: ArgumentParser) -> None:
        """Declare the arguments."""

    def run(self) -> None:
        """Run the subcommand."""
        raise NotImplementedError

    def storage(self, alias: str | None = None) -> S3Storage:
        """Return the storage of `--storage`, or of another alias. Raises CommandError."""
        try:
            return storage_of(alias or self.options["storage"])
        except PlaceError as error:
            raise CommandError(f"--storage: {error}", returncode=UNCONFIRMED) from error


class Output(Watcher):
    """What a subcommand prints: results on stdout, as words or JSON; questions, warnings and progress on stderr.

    With `--json`, stdout is one document; with `--jsonl`, it is a line for each step and then the summary.
    """

    def __init__(self, base: BaseCommand, options: Mapping[str, Any]) -> None:
        self._base = base
        self.json = bool(options.get("json"))
        self.jsonl = bool(options.get("jsonl"))
        self.verbosity = 0 if self.json or self.jsonl else int(options.get("verbosity", 1))
        self._yes = bool(options.get("yes"))
        self._dry_run = bool(options.get("dry_run"))
        title = str(options.get("subcommand", ""))
        # Django's wrapper would add a colour and the end of a line to each write.
        terminal = base.stderr._out
        self._meter = Meter(title, terminal, shown=bool(options.get("progress")) and self.verbosity > 0)

    # What operations report

    def expect(self, objects: int, size: int) -> None:
        """Note how much more is to be done."""
        self._meter.expect(objects, size)

    def moved(self, size: int) -> None:
        """Note bytes of content."""
        self._meter.moved(size)

    def step(self, step: Step) -> None:
        """Print a step: as a line of JSON, in words with a dry run or `-v 2`."""
        if self.jsonl:
            self._base.stdout.write(json.dumps(step.json()))
        elif self.verbosity > (0 if self._dry_run and step.op != "skip" else 1):
            self._meter.close()
            reason = f": {step.reason}" if step.reason else ""
            self._base.stdout.write(f"{step.op:7} {printable(step.name)}{reason}")
        self._meter.step(step)

    def warn(self, text: str) -> None:
        """Print a warning on stderr."""
        self._meter.close()
        self._base.stderr.write(self._base.style.WARNING(printable(text)))

    def close(self) -> None:
        """Erase the line of progress."""
        self._meter.close()

    # Results

    def say(self, text: str, *, level: int = 1) -> None:
        """Print words on stdout, unless JSON is printed."""
        if self.verbosity >= level:
            self._meter.close()
            self._base.stdout.write(text)

    def document(self, value: Any) -> None:
        """Print a JSON document on stdout."""
        self._base.stdout.write(json.dumps(value, indent=None if self.jsonl else 2, default=str))

    def finish(self, summary: Summary, words: str, *, then: str = "") -> None:
        """Print the summary: as JSON, or as `words` with requests and time.

        Raises CommandError if files failed; `then` says what to do next.
        """
        self._meter.close()
        if self.json or self.jsonl:
            self.document(summary.json())
        else:
            if summary.dry_run:
                words = f"Dry run: {words}"
            plural = "s" * (summary.requests != 1)
            self.say(f"{words}, {summary.requests} request{plural}, {summary.seconds:.1f} s.")
        self.refuse(summary.failed, then)

    def refuse(self, failures: Sequence[Failed], then: str) -> None:
        """Raise CommandError if there are failures."""
        if not failures:
            return
        lines = [
            f"'{printable(failure.name)}' failed: {printable_lines(failure.why)}"
            for failure in failures[:_FAILURES_SHOWN]
        ]
        if len(failures) > _FAILURES_SHOWN:
            lines.append(f"… and {len(failures) - _FAILURES_SHOWN} more.")
        raise CommandError("\n".join([*lines, then] if then else lines), returncode=FAILED)

    # Questions

    def expect_question(self, flag: str) -> None:
        """Raise CommandError, with exit status 2, if `flag` leads to a question later that nobody can answer."""
        if not (self._yes or self._dry_run or _is_terminal()):
            text = f"{flag} asks before it deletes, and there is no terminal. Give --yes to agree, or --dry-run."
            raise CommandError(text, returncode=UNCONFIRMED)

    def confirm(self, question: str) -> None:
        """Return if the user agrees, or has given `--yes`. Raises CommandError, with exit status 2, otherwise."""
        self._meter.close()
        if self._yes:
            return
        if not _is_terminal():
            text = f"{question} Nothing was done: there is no terminal to ask. Give --yes to agree, or --dry-run."
            raise CommandError(text, returncode=UNCONFIRMED)
        self._base.stderr.write(f"{question} [y/N] ", ending="")
        self._base.stderr.flush()
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            raise CommandError("Nothing was done.", returncode=UNCONFIRMED)


def _is_terminal() -> bool:
    return bool(sys.stdin and sys.stdin.isatty())


def examples(names: Iterable[str], count: int, size: int | None = None) -> str:
    """Return lines that name the first few of many files, with their number and size, for a question."""
    shown = [f"  {printable(name)}" for _, name in zip(range(_NAMES_SHOWN), names, strict=False)]
    if count > len(shown):
        shown.append(f"  … and {count - len(shown)} more")
    total = f", {human_size(size)}" if size is not None else ""
    return "\n".join([f"{count} file{'s' * (count != 1)}{total}:", *shown])


class Rules(Action):
    """Collects `--include` and `--exclude` in their order, as (pattern, included) pairs in `rules`."""

    def __call__(self, _: ArgumentParser, namespace: Namespace, values: Any, option_string: str | None = None) -> None:
        """Add a rule."""
        found = [*(getattr(namespace, "rules", None) or []), (values, option_string == "--include")]
        namespace.rules = found


def add_storage(parser: ArgumentParser, *, default: str = "default") -> None:
    """Add `--storage`."""
    help_text = f"The alias in STORAGES. Default: {default}."
    parser.add_argument("--storage", default=default, metavar="ALIAS", help=help_text)


def add_dry_run(parser: ArgumentParser) -> None:
    """Add `--dry-run`."""
    parser.add_argument("-n", "--dry-run", action="store_true", help="Print the plan, and change nothing.")


def add_yes(parser: ArgumentParser) -> None:
    """Add `--yes`."""
    parser.add_argument("-y", "--yes", action="store_true", help="Do not ask.")


def add_json(parser: ArgumentParser, *, lines: bool = False) -> None:
    """Add `--json`, and `--jsonl` for commands that do many steps."""
    parser.add_argument("--json", action="store_true", help="Print one JSON document, and nothing else.")
    if lines:
        help_text = "Print a line of JSON for each step, and then the summary."
        parser.add_argument("--jsonl", action="store_true", help=help_text)


def add_work(parser: ArgumentParser) -> None:
    """Add the options of commands that process many files: threads, progress, JSON."""
    parser.add_argument("--threads", type=int, default=THREADS, help="Number of files to process at a time.")
    parser.add_argument("--no-progress", action="store_false", dest="progress", help="Do not show progress.")
    add_json(parser, lines=True)


def add_rules(parser: ArgumentParser) -> None:
    """Add `--include` and `--exclude`."""
    for flag, what in (("--include", "Process"), ("--exclude", "Skip")):
        help_text = f"{what} names that match. The last rule that matches a name decides. Repeatable."
        parser.add_argument(flag, action=Rules, dest="rules", metavar="PATTERN", help=help_text)
