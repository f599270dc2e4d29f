"""Which files a direct upload takes: their names, extensions and content types.

What a browser says about a file is a hint. Browsers take the type from the operating system, which knows many
extensions by other names, or not at all.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from s3store.core.media_types import BINARY, essence, is_active
from s3store.core.parameters import guess_content_type

_EXTENSION = re.compile(r"[a-z0-9]{1,16}\Z")

# What Django's `get_valid_filename` removes from a name when it is saved.
_DROPPED = re.compile(r"[^-\w.]")

# Names that operating systems and browsers use, and the registered type. IANA: "Media Types".
_SYNONYMS = {
    "application/x-gzip": "application/gzip",
    "application/x-pdf": "application/pdf",
    "application/x-zip": "application/zip",
    "application/x-zip-compressed": "application/zip",
    "application/xml": "text/xml",
    "audio/mp3": "audio/mpeg",
    "audio/vnd.wave": "audio/wav",
    "audio/wave": "audio/wav",
    "audio/x-m4a": "audio/mp4",
    "audio/x-mp3": "audio/mpeg",
    "audio/x-wav": "audio/wav",
    "image/heif": "image/heic",
    "image/jpg": "image/jpeg",
    "image/pjpeg": "image/jpeg",
    "image/x-icon": "image/vnd.microsoft.icon",
    "image/x-ms-bmp": "image/bmp",
    "image/x-png": "image/png",
    "text/x-csv": "text/csv",
    "text/x-markdown": "text/markdown",
    "video/x-m4v": "video/mp4",
}


class NameRefusedError(ValueError):
    """A file name that is empty, or that contains characters that no file name can have."""


class TypeRefusedError(ValueError):
    """A file that is not among those that are accepted."""


def base_name(name: str) -> str:
    """Return the last part of a path from a browser, in Unicode's form NFC. Raises NameRefusedError."""
    text = unicodedata.normalize("NFC", name.replace("\\", "/").rpartition("/")[2]).strip()
    if text in ("", ".", "..") or any(unicodedata.category(char) in ("Cc", "Cs") for char in text):
        raise NameRefusedError(name)
    return text


def extension(name: str) -> str:
    """Return the last extension of a name in lower case, with its dot, or "" if it is missing or unusual.

    It is the extension that the saved file has: Django saves `x.html!` as `x.html`.
    """
    stem, dot, last = _DROPPED.sub("", name.strip().replace(" ", "_")).rpartition(".")
    return f".{last.lower()}" if stem and dot and _EXTENSION.match(last.lower()) else ""


def upload_type(name: str, declared: str, accept: Iterable[str]) -> str:
    """Return the content type that an upload gets. Raises TypeRefusedError if `accept` does not allow the file.

    `accept` has the form of the HTML attribute: extensions (`.pdf`), types (`image/png`) and groups (`image/*`). Empty,
    it allows everything that no browser runs. Types that a browser may run (HTML, SVG, XML, scripts) must be listed.
    HTML: "The accept attribute".
    """
    wanted = [entry.strip().lower() for entry in accept]
    suffix = extension(name)
    by_name, said = guess_content_type(f"x{suffix}"), essence(declared)
    if is_active(by_name):
        # Another type would be forgotten with the name, and a browser would run the file.
        if suffix in wanted or _listed(by_name, wanted):
            return by_name
        raise TypeRefusedError(name)
    if suffix and suffix in wanted:
        return by_name if by_name != BINARY or is_active(said) else said
    for found in (by_name, said):
        if found and not is_active(found) and (_allowed(found, wanted) if wanted else found != BINARY):
            return found
    if wanted:
        raise TypeRefusedError(name)
    return BINARY


def _listed(found: str, wanted: list[str]) -> bool:
    return _plain(found) in {_plain(entry) for entry in wanted}


def _allowed(found: str, wanted: list[str]) -> bool:
    plain = _plain(found)
    groups = (entry[:-1] for entry in wanted if entry.endswith("/*"))
    return _listed(found, wanted) or "*/*" in wanted or any(plain.startswith(group) for group in groups)


def _plain(found: str) -> str:
    return _SYNONYMS.get(found, found)
