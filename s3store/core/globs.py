"""Patterns for names, and the filters that commands build from them.

`*` matches within one part of a name, `**` matches parts and the slashes between them, `?` matches one character, and
`[...]` matches one character of a set. A pattern that ends in `/` matches everything below that directory.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

_MAGIC = re.compile(r"[*?\[]")


def has_magic(text: str) -> bool:
    """Return whether the text has a character that makes it a pattern."""
    return bool(_MAGIC.search(text))


def literal_prefix(pattern: str) -> str:
    """Return what all names that match begin with: the text before the first special character."""
    return _MAGIC.split(pattern, maxsplit=1)[0]


def matches(pattern: str, name: str) -> bool:
    """Return whether the pattern matches the whole name."""
    return bool(_compiled(pattern).fullmatch(name))


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    text = pattern + "**" if pattern.endswith("/") else pattern
    found, at = [], 0
    while at < len(text):
        if text.startswith("**/", at):
            # Also no part at all: `**/a` matches `a`.
            found.append("(?:.*/)?")
            at += 3
        elif text.startswith("**", at):
            found.append(".*")
            at += 2
        elif text[at] == "*":
            found.append("[^/]*")
            at += 1
        elif text[at] == "?":
            found.append("[^/]")
            at += 1
        elif text[at] == "[" and (end := text.find("]", at + 2)) > 0:
            inside = text[at + 1 : end].replace("\\", "\\\\").replace("[", r"\[")
            found.append(f"(?!/)[{'^' + inside[1:] if inside[0] == '!' else inside}]")
            at = end + 1
        else:
            found.append(re.escape(text[at]))
            at += 1
    try:
        return re.compile("".join(found), re.DOTALL)
    except re.error as error:
        raise ValueError(f"{pattern!r} is not a pattern: {error}.") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One `--include` or `--exclude`."""

    pattern: str
    included: bool


@dataclass(frozen=True, slots=True)
class Filter:
    """The rules of a command in the order in which they were given: the last one that matches decides.

    A name that no rule matches is included. A pattern without a slash is compared with the last part of the name.
    """

    rules: tuple[Rule, ...] = ()

    @classmethod
    def of(cls, rules: Iterable[tuple[str, bool]]) -> Filter:
        """Return the filter of (pattern, included) pairs. Raises ValueError for a pattern that cannot be one."""
        for pattern, _ in (made := list(rules)):
            _compiled(pattern)
        return cls(tuple(Rule(pattern=pattern, included=included) for pattern, included in made))

    def takes(self, name: str) -> bool:
        """Return whether the name is included."""
        for rule in reversed(self.rules):
            subject = name if "/" in rule.pattern else name.rpartition("/")[2]
            if matches(rule.pattern, subject):
                return rule.included
        return True
