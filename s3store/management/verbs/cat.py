"""manage.py s3 cat."""

from __future__ import annotations

import io
from argparse import ArgumentParser
from typing import IO, Any, cast

from django.core.management.base import CommandError

from s3store.management.verbs.places import ShellVerb, add_places, add_recursive
from s3store.operations.shell.applying import ImpossibleNameError
from s3store.operations.shell.reading import concatenate


class Cat(ShellVerb):
    """Writes the content of files to standard output."""

    help = "Write the content of files to standard output, one after the other."

    @staticmethod
    def add_arguments(parser: ArgumentParser) -> None:
        """Declare the arguments."""
        add_places(parser)
        add_recursive(parser)

    def run(self) -> None:
        """Write the content of all files."""
        write_all(self, lambda target: concatenate(self.selections(), target, recursive=self.options["recursive"]))


def write_all(verb: ShellVerb, write: Any) -> None:
    """Call `write` with standard output as a binary file. Raises CommandError for a key that is not a name."""
    target = binary(verb.base.stdout)
    try:
        write(target)
    except ImpossibleNameError as error:
        raise CommandError(str(error)) from error
    target.flush()


def binary(stream: Any) -> IO[bytes]:
    """Return the binary file below a stream of text. Without one, bytes become text: call_command gives a StringIO."""
    try:
        return cast("IO[bytes]", stream.buffer)
    except AttributeError:
        return cast("IO[bytes]", _AsText(stream))


class _AsText(io.RawIOBase):
    """A binary file that writes UTF-8 to a stream of text."""

    def __init__(self, stream: Any) -> None:
        super().__init__()
        self._stream = stream

    def write(self, data: Any) -> int:
        self._stream.write(bytes(data).decode("utf-8", "replace"), ending="")
        return len(data)
