"""Signals after long work that has succeeded, once for each path that was asked for. The sender is the class Folder.

`moved`
    `folder`, `source`, `target`, `operation`.
`deleted`
    `folder`, `path`, `operation`: what `trash` was given, or "" if it cannot be restored.
`restored`
    `folder`, `source`, `target`, `operation`: the path before `trash`, and the path now.

Paths are relative to the outermost root. Those of folders end with a slash.
"""

from __future__ import annotations

from django.dispatch import Signal

__all__ = ["deleted", "moved", "restored"]


class FolderSignal(Signal):
    """A signal of folders."""


moved = FolderSignal()
deleted = FolderSignal()
restored = FolderSignal()
