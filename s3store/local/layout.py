"""The names of files on disk: readable, in ASCII or letters, and safe on every file system.

A key is not a path: `a` and `a/b` can both exist, `A` and `a` are different, and so are two spellings of `é`. The
index holds the path of each object, so that names only have to be unique and easy to recognise.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata

# Lower case, because some file systems ignore case; no dot at either end, which Windows and hidden files do not allow.
_PLAIN = re.compile(r"[a-z0-9_-](?:[a-z0-9_.-]{0,58}[a-z0-9_-])?\Z")
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|\Z)")
_OTHER = re.compile(r"[^\w.-]+")
_EXTENSION = re.compile(r"\.[A-Za-z0-9]{1,16}\Z")
_LONGEST = 150

OWN = ".s3store"
"""The directory, inside the bucket's, with the index, temporary files and parts. No part of a key has this name."""

PARTIAL = f"{OWN}/partial"
"""The directory of temporary files."""

DATA = re.compile(r"~[0-9a-f]{32}(?:\.[A-Za-z0-9]{1,16})?\Z")
"""The end of the name of each data file. The twin deletes no other file of a directory."""


def data_path(key: str, token: str) -> str:
    """Return the relative path of the content of an object. `token`: 32 hexadecimal digits, new for each write."""
    *directories, name = key.split("/")
    directory = "/".join(folder(part) for part in directories)
    if len(directory) > _LONGEST:
        directory = f"~long/{_digest(directory)}"
    found = _EXTENSION.search(name)
    extension = found[0] if found else ""
    file = f"{_readable(name.removesuffix(extension))}~{token}{extension}"
    return f"{directory}/{file}" if directory else file


def upload_path(upload_id: str) -> str:
    """Return the relative path of the directory with the parts of a multipart upload."""
    return f"{OWN}/uploads/{upload_id}"


def folder(part: str) -> str:
    """Return the name of the directory for one part of a key: the part, or a readable version and a digest."""
    if _PLAIN.match(part) and not _RESERVED.match(part):
        return part
    return f"{_readable(part)}~{_digest(part)}"


def _readable(text: str) -> str:
    # Letters of all scripts stay. 30 of them have at most 120 bytes.
    return _OTHER.sub("_", unicodedata.normalize("NFC", text))[:30].strip(".") or "_"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:12]
