"""Names that people take for the same: `Photo.JPG` and `photo.jpg`. S3 stores both; a company's folder takes one."""

import unicodedata

from files.problems import name_of
from files.selections import joined

_LISTED = 1000
_PAGES = 5


class LookAlikeError(ValueError):
    """A file or folder with such a name is already there. `path` is its path."""

    def __init__(self, message: str, path: str) -> None:
        super().__init__(message)
        self.path = path


def look_alike(folder, path: str, *, beside: str = "") -> str | None:
    """Return the path of a file or folder whose name differs from that of `path` in case only, or in Unicode's form.

    `beside` is a path that does not count. It lists the folder, and of large ones the first 5,000 entries.
    """
    parent, _slash, name = path.rstrip("/").rpartition("/")
    wanted, token = _folded(name), None
    for _number in range(_PAGES):
        try:
            page = folder.list(parent, page=token, size=_LISTED)
        except FileNotFoundError:
            return None
        for entry in page.entries:
            other = entry.path.rstrip("/")
            if _folded(entry.name) == wanted and _exact(entry.name) != _exact(name) and other != beside.rstrip("/"):
                return other
        token = page.next
        if token is None:
            return None
    return None


def free_path(folder, path: str) -> str:
    """Return the path with a number before the extension, so that no name in its folder looks the same."""
    parent, _slash, name = path.rpartition("/")
    stem, dot, extension = name.rpartition(".")
    for number in range(2, 100):
        shown = f"{stem} ({number}){dot}{extension}" if stem else f"{name} ({number})"
        found = joined(parent, shown)
        if not folder.exists(found) and look_alike(folder, found) is None:
            return found
    return path


def refuse_look_alike(folder, path: str, text: str, *, beside: str = "") -> None:
    """Raise LookAlikeError if a name in the folder looks like that of `path`. `text` says so, with its %(name)s."""
    other = look_alike(folder, path, beside=beside)
    if other is not None:
        raise LookAlikeError(text % {"name": name_of(other)}, other)


def _exact(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", _exact(name).casefold())
