"""Names of files in a bucket as paths of this machine.

Everybody who can write to a bucket chooses the names: `../../x`, `/x` and `a\\..\\x` must not become paths. Microsoft:
"Naming Files, Paths, and Namespaces".
"""

from __future__ import annotations

import re

_RESERVED = re.compile(r"(?:CON|PRN|AUX|NUL|COM[0-9¹²³]|LPT[0-9¹²³])(?:\..*)?", re.IGNORECASE | re.DOTALL).fullmatch
_FORBIDDEN = re.compile(r'[:*?"<>|\x00-\x1f]').search


def path_problem(name: str, *, windows: bool = False) -> str | None:
    """Return why a name cannot be a path below a directory, or None. Its parts are separated by `/`."""
    if name.startswith("/"):
        return "it is absolute"
    if "\\" in name:
        return "it contains a backslash"
    if "\0" in name:
        return "it contains a NUL character"
    for part in name.split("/"):
        if part in ("", ".", ".."):
            return f"it has the part {part!r}"
        if windows and (problem := _windows_problem(part)):
            return problem
    return None


def _windows_problem(part: str) -> str | None:
    if found := _FORBIDDEN(part):
        return f"it contains {found[0]!r}, which Windows does not allow"
    if _RESERVED(part):
        return f"{part!r} is a device on Windows"
    if part.endswith((" ", ".")):
        return "a part ends with a space or a dot, which Windows removes"
    return None
