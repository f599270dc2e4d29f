"""Suggestions for a word that is not one of the known ones."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(word: object, known: Iterable[str], *, likeness: float = 0.6) -> str | None:
    """Return the known word that looks most like `word`, or None if none is similar. `likeness` is from 0 to 1."""
    return next(iter(difflib.get_close_matches(str(word), list(known), n=1, cutoff=likeness)), None)


def did_you_mean(word: object, known: Iterable[str], otherwise: str) -> str:
    """Return a sentence that suggests the most similar known word, or `otherwise` if none is similar."""
    found = nearest(word, known)
    return f"Did you mean {found!r}?" if found else otherwise
