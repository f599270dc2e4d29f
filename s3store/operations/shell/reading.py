"""The content of files, written to an open file such as standard output."""

from __future__ import annotations

from collections.abc import Sequence
from typing import IO

from django.core.files.base import File

from s3store.core import parts
from s3store.operations.shell.applying import ImpossibleNameError
from s3store.operations.shell.selecting import Item, Selection

__all__ = ["concatenate", "write_content"]


def concatenate(selections: Sequence[Selection], target: IO[bytes], *, recursive: bool = False) -> int:
    """Write the content of files one after the other, and return the number of bytes. Memory stays bounded.

    Files that are missing or cannot be read raise when it is their turn; those before are written by then.
    """
    total = 0
    for selection in selections:
        for item in selection.items(recursive=recursive):
            if not item.is_marker:
                total += write_content(selection, item, target)
    return total


def write_content(selection: Selection, item: Item, target: IO[bytes]) -> int:
    """Write the content of one file, as `open` of the storage returns it, and return the number of bytes."""
    total = 0
    with opened(selection, item) as file:
        for chunk in file.chunks(parts.MIB):
            target.write(chunk)
            total += len(chunk)
    return total


def opened(selection: Selection, item: Item) -> File[bytes]:
    """Return a file, open for reading, as the storage opens it."""
    if item.name is None:
        raise ImpossibleNameError(f"{item.key!r} is not a possible name. Use boto3 for such keys: storage.client.")
    # The hooks of a subclass see the options with which the file was found.
    with selection.objects.pinned():
        return selection.storage.open(item.name)
