"""The Content-Disposition header: whether a browser shows or saves a file, and under which name.

RFC 6266 (the header) and RFC 8187 (non-ASCII names).
"""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import quote

DEFAULT_NAME = "download"
"""The name of a file whose own name contains no usable character."""

MAX_BYTES = 255
"""The maximum length of a name in common file systems, in bytes of UTF-8."""

_MAX_EXTENSION = 32

# Invisible characters: control, format (bidi, zero width), lone surrogates, line and paragraph separators.
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$) *(\.|\Z)", re.IGNORECASE)
_ATTR_CHAR = "!#$&+-.^_`|~"


def content_disposition(filename: str | None = None, *, inline: bool = False) -> str:
    """Return the value of a Content-Disposition header, in ASCII.

    The name is made safe by `safe_filename`. A name with characters that old clients misread is sent as `filename*`,
    with an ASCII version as `filename`. Without a name, the browser uses the last part of the URL.
    """
    kind = "inline" if inline else "attachment"
    if filename is None:
        return kind
    name = safe_filename(filename)
    plain = _plain(name)
    value = f'{kind}; filename="{plain}"'
    return value if plain == name else f"{value}; filename*=UTF-8''{quote(name, safe=_ATTR_CHAR)}"


def safe_filename(name: str) -> str:
    """Return a safe file name: the last part of `name`, only visible characters, at most 255 bytes.

    Dots and spaces at the end are removed, and `_` is added to device names of Windows (`CON` becomes `_CON`). If
    nothing is left, the name is `download`.
    """
    base = re.split(r"[/\\]", name)[-1]
    visible = "".join(char for char in base if unicodedata.category(char) not in _INVISIBLE)
    found = shortened(_trim(visible), MAX_BYTES)
    if is_reserved(found):
        found = "_" + shortened(found, MAX_BYTES - 1)
    return found or DEFAULT_NAME


def is_reserved(name: str) -> bool:
    """Return whether Windows takes the name for a device, such as `con.txt`."""
    return bool(_RESERVED.match(name))


def _trim(name: str) -> str:
    end = len(name)
    while end and (name[end - 1] == "." or name[end - 1].isspace()):
        end -= 1
    return name[:end].lstrip()


def shortened(name: str, size: int) -> str:
    """Return a name of at most `size` bytes: the stem is shortened to whole characters, and the extension is kept."""
    if len(name.encode()) <= size:
        return name
    stem, dot, extension = name.rpartition(".")
    if not stem or len(extension.encode()) > _MAX_EXTENSION:
        return _trim(name.encode()[:size].decode(errors="ignore"))
    kept = size - len(extension.encode()) - 1
    return stem.encode()[:kept].decode(errors="ignore") + dot + extension


def _plain(name: str) -> str:
    """Return an ASCII version of a name, without accents, quotes, backslashes and percent signs."""
    letters = (char for char in unicodedata.normalize("NFKD", name) if not unicodedata.combining(char))
    # Some characters decompose to a slash, a quote or trailing dots.
    likeness = "".join(char if " " <= char <= "~" and char not in '"%/\\' else "_" for char in letters)
    return safe_filename(likeness)
