"""manage.py s3 completion."""

from __future__ import annotations

from argparse import SUPPRESS, ArgumentParser, _SubParsersAction
from typing import ClassVar

from django.core.exceptions import ImproperlyConfigured, SuspiciousFileOperation
from django.core.management.base import CommandError

from s3store import errors
from s3store.management.verbs.completing import script, words_of
from s3store.management.verbs.verb import UNCONFIRMED, Verb
from s3store.operations.places import PlaceError
from s3store.operations.shell.completing import aliases, completions
from s3store.wire.effort import patient


class Completion(Verb):
    """Prints a script that completes subcommands, options and names."""

    help = "Print a script that lets bash or zsh complete subcommands, options, aliases and names in storages."
    shells: ClassVar[tuple[str, ...]] = ("bash", "zsh")

    @staticmethod
    def add_arguments(parser: ArgumentParser) -> None:
        """Declare the arguments."""
        help_text = "The shell: bash or zsh."
        parser.add_argument("shell", nargs="?", choices=Completion.shells, metavar="SHELL", help=help_text)
        # What the script calls.
        parser.add_argument("--paths", help=SUPPRESS)

    def run(self) -> None:
        """Print the script, or the names that start with a text."""
        if self.options["paths"] is not None:
            self._paths(self.options["paths"])
            return
        if self.options["shell"] is None:
            raise CommandError("Give the shell: bash or zsh.", returncode=UNCONFIRMED)
        parser = self.base.create_parser("manage.py", "s3")
        (below,) = (action for action in parser._actions if isinstance(action, _SubParsersAction))
        found = aliases()
        verbs = {name: words_of(verb, found) for name, verb in below.choices.items()}
        self.base.stdout.write(script(self.options["shell"], verbs, found))

    def _paths(self, text: str) -> None:
        try:
            # Nobody waits for minutes for the Tab key.
            with patient(0):
                for place in completions(text):
                    self.base.stdout.write(place)
        except (PlaceError, errors.S3StoreError, ImproperlyConfigured, SuspiciousFileOperation):
            # Somebody is typing: nothing is offered.
            return
