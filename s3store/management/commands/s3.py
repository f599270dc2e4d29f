"""The command for the bucket and the files in it: manage.py s3 with a subcommand."""

from __future__ import annotations

import os
import sys
from argparse import SUPPRESS, Action, ArgumentParser, _SubParsersAction
from collections.abc import Iterator, Mapping
from copy import copy
from typing import Any

from django.core.exceptions import ImproperlyConfigured, SuspiciousFileOperation
from django.core.management.base import BaseCommand, CommandError, CommandParser

from s3store import errors
from s3store.core.units import printable_lines
from s3store.management.verbs import VERBS
from s3store.management.verbs.verb import UNCONFIRMED
from s3store.operations.places import PlaceError
from s3store.wire.effort import patient

# The number of the signal on all systems that have it.
_SIGPIPE = 13


class _Lazily(_SubParsersAction):  # type: ignore[type-arg]  # generic in the stubs only
    """The parsers of the subcommands. One is made when it is needed, and all of them for help and for call_command."""

    flags: list[Action]

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.choices: Any = _Parsers(self)

    def made(self, name: str) -> ArgumentParser:
        """Return the parser of a subcommand. Raises KeyError for an unknown one."""
        if name not in self._name_parser_map:
            verb = VERBS[name]
            parser = self.add_parser(name, help=verb.help, description=verb.help)
            verb.add_arguments(parser)
            for flag in self.flags:
                parser._add_action(flag)
        made: ArgumentParser = self._name_parser_map[name]
        return made

    def _get_subactions(self) -> list[Action]:
        for name in VERBS:
            self.made(name)
        return super()._get_subactions()


class _Parsers(Mapping[str, ArgumentParser]):
    def __init__(self, action: _Lazily) -> None:
        self._action = action

    def __getitem__(self, name: str) -> ArgumentParser:
        return self._action.made(name)

    def __iter__(self) -> Iterator[str]:
        return iter(VERBS)

    def __len__(self) -> int:
        return len(VERBS)


class Command(BaseCommand):
    """Dispatches to a subcommand."""

    help = "Work on the bucket, and on the files in it."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the subcommands."""
        # Django's own flags are allowed before the subcommand and after it.
        flags = [copy(action) for action in parser._actions if action.option_strings]
        flags = [flag for flag in flags if flag.dest not in ("help", "version")]
        for flag in flags:
            flag.default = flag.help = SUPPRESS
        subparsers: Any = parser.add_subparsers(action=_Lazily, dest="subcommand", required=True, metavar="SUBCOMMAND")
        subparsers.flags = flags

    @patient()
    def handle(self, *_: Any, subcommand: str, **options: Any) -> None:
        """Run the subcommand."""
        try:
            VERBS[subcommand](self, {**options, "subcommand": subcommand}).run()
            self.stdout.flush()
        except (PlaceError, SuspiciousFileOperation) as error:
            raise CommandError(printable_lines(str(error)), returncode=UNCONFIRMED) from error
        except (errors.S3StoreError, ImproperlyConfigured) as error:
            raise CommandError(printable_lines(str(error))) from error
        except BrokenPipeError:
            # Who reads standard output has ended, as `head` does. Python would report it once more when it exits.
            quieten(sys.stdout)
            raise SystemExit(128 + _SIGPIPE) from None
        except OSError as error:
            # A full disk, for example. What standard output still holds would fail once more when Python exits.
            try:
                self.stdout.flush()
            except OSError:
                quieten(self.stdout)
            raise CommandError(printable_lines(str(error))) from error
        except KeyboardInterrupt:
            self.stderr.write("Interrupted. Run the command again to continue.")
            raise SystemExit(130) from None


def quieten(stream: Any) -> None:
    """Let what a stream still holds go nowhere."""
    try:
        descriptor = stream.fileno()
    except (AttributeError, OSError, ValueError):
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)
