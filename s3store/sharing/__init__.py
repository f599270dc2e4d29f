"""Shares: a file or folder for an e-mail address, by a link that is checked on every request. A Django app.

The names are imported when they are used: the models need Django's app registry.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_PLACES = {
    "Access": "access",
    "AccessLog": "models",
    "AccountRequiredError": "refusals",
    "ActionRefusedError": "refusals",
    "Attempt": "models",
    "PasswordRequiredError": "refusals",
    "Share": "models",
    "ShareEndedError": "refusals",
    "ShareLimitError": "refusals",
    "ShareRefusedError": "refusals",
    "ShareUnknownError": "refusals",
    "TooManyTriesError": "refusals",
    "create": "creating",
    "email_key": "addresses",
    "path_hash": "tokens",
    "resolve": "resolving",
}

__all__ = [*_PLACES]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
