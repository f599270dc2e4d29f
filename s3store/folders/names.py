"""Names that people type, and names that are in the bucket: what is refused, what is proposed, and what is shown."""

from __future__ import annotations

import os
import re
import unicodedata
from pathlib import PurePosixPath
from typing import Literal, get_args

from django.core.exceptions import SuspiciousFileOperation

from s3store.core import keys
from s3store.core.disposition import MAX_BYTES, is_reserved, shortened

OWN = ".s3store"
"""The folder below each root that belongs to s3store: trash and thumbnails. No path reaches it."""

Rule = Literal["any", "portable"]
"""Which new names a folder takes: those that S3 can store, or those that work on Windows, macOS and Linux."""

RULES = get_args(Rule)

# Characters that change the direction of the text around them, or that nobody sees. Those that join letters and emoji
# are missing: names need them.
_DECEPTIVE = re.compile("[\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]")
_FORBIDDEN = re.compile(r'[<>:"|?*/\\]')
_COMPOUND = re.compile(r"\.tar\.[A-Za-z0-9]{1,4}\Z")


class NameRefusedError(SuspiciousFileOperation, ValueError):
    """A path or a name that a folder does not take. Django responds with 400 if no one catches it.

    `proposal` is a similar name that the folder takes, or None.
    """

    def __init__(self, message: str, proposal: str | None = None) -> None:
        super().__init__(message)
        self.proposal = proposal


def cleaned(path: str | os.PathLike[str]) -> tuple[str, bool]:
    """Return the path without a final slash, and whether it had one: then it names a folder.

    Paths are relative, and have single slashes between their parts; the empty path is the folder itself. Raises
    NameRefusedError for all others, and for paths of s3store's own.
    """
    text = os.fspath(path)
    if not isinstance(text, str):
        raise TypeError(f"A path must be a str, not {type(text).__name__}.")
    if "\\" in text:
        raise NameRefusedError(f"{text!r} contains a backslash. Use '/' between folders.")
    try:
        found = keys.clean_name(text)
    except keys.UnsafeNameError as error:
        raise NameRefusedError(str(error)) from None
    if found != text:
        raise NameRefusedError(f"{text!r} has an empty part or a '.'. Use the path as the folder lists it.")
    if any(is_own(part) for part in found.split("/")):
        raise NameRefusedError(f"{text!r} is used by s3store itself. Choose another name.")
    return found.rstrip("/"), found.endswith("/")


def is_own(part: str) -> bool:
    """Return whether a part of a path belongs to s3store."""
    return part.casefold() == OWN


def new(name: str, rule: Rule) -> str:
    """Return the name for a new file or folder, in Unicode's form NFC. Raises NameRefusedError with a proposal."""
    text = unicodedata.normalize("NFC", name)
    if "/" in text or "\\" in text:
        raise NameRefusedError(f"{name!r} contains a slash, which no name can have.", _proposal(text))
    found, _ = cleaned(text)
    if not found:
        raise NameRefusedError("The name is empty.")
    if _DECEPTIVE.search(found):
        reason = "contains an invisible character, or one that changes the direction of text"
        raise NameRefusedError(f"{name!r} {reason}.", _proposal(found))
    if rule == "portable" and (proposal := portable(found)) != found:
        raise NameRefusedError(f"{name!r} does not work on all operating systems.", proposal)
    return found


def _proposal(name: str) -> str | None:
    found = portable(honest(name))
    return None if is_own(found) else found


def honest(name: str) -> str:
    """Return the name without characters that deceive readers."""
    return _DECEPTIVE.sub("", name)


def portable(name: str) -> str:
    """Return the name, or a similar one that Windows, macOS and Linux can store."""
    found = _FORBIDDEN.sub("_", "".join(char for char in name if unicodedata.category(char) not in ("Cc", "Cs")))
    found = shortened(found.strip(" ").rstrip(". "), MAX_BYTES)
    if is_reserved(found):
        found = "_" + shortened(found, MAX_BYTES - 1)
    return found or "_"


def numbered(name: str, number: int | str) -> str:
    """Return the name with a number, or a word, before its extension: `offer (2).pdf`."""
    compound = _COMPOUND.search(name)
    extension = compound[0] if compound else PurePosixPath(name).suffix
    return f"{name.removesuffix(extension)} ({number}){extension}"


def folded(name: str) -> str:
    """Return what names have in common that people take for the same: in another case, or another form of Unicode."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def shown(name: str) -> str:
    """Return a name in which invisible characters, and spaces at the ends, are visible."""
    text = "".join(f"\\u{ord(char):04x}" if _is_unseen(char) else char for char in name)
    start, end = len(text) - len(text.lstrip(" ")), len(text.rstrip(" "))
    return "␣" * start + text[start:end] + "␣" * (len(text) - max(start, end))


def _is_unseen(char: str) -> bool:
    return bool(_DECEPTIVE.match(char)) or unicodedata.category(char) in ("Cc", "Cs", "Co")
