"""The rules for tags of objects. AWS: "Categorizing your objects using tags"."""

from __future__ import annotations

import re
from collections.abc import Mapping

MAX_TAGS = 10
MAX_NAME = 128
MAX_VALUE = 256

_ALLOWED = re.compile(r"[\w\s+\-=.:/@]*", re.UNICODE).fullmatch


def problem(tags: Mapping[str, str]) -> str | None:
    """Return what is wrong with the tags of an object, or None."""
    if len(tags) > MAX_TAGS:
        return f"S3 allows {MAX_TAGS} tags, and these are {len(tags)}"
    for name, value in tags.items():
        if not 0 < len(name) <= MAX_NAME:
            return f"the name {name!r} must have 1 to {MAX_NAME} characters"
        if len(value) > MAX_VALUE:
            return f"the value of {name!r} has {len(value)} characters, and S3 allows {MAX_VALUE}"
        if not _ALLOWED(name) or not _ALLOWED(value):
            return f"{name!r}: S3 allows letters, digits, spaces and + - = . _ : / @"
        if name.lower().startswith("aws:"):
            return f"the name {name!r} starts with aws:, which only AWS itself uses"
    return None
