"""The type of the rules for options."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from s3store.conf.options import Options

Findings = Iterator[tuple[str, str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A check of options. A `whole` rule is skipped while only some of the options are known."""

    id: str
    find: Callable[[Options], Findings]
    whole: bool

    @property
    def summary(self) -> str:
        """What the rule requires."""
        return (self.find.__doc__ or "").strip()


def rule(id: str, *, whole: bool = False) -> Callable[[Callable[[Options], Findings]], Rule]:  # noqa: A002 (Django's checks have this name)
    """Turn a function that yields (option, what is wrong, what to do) into a rule."""
    return lambda find: Rule(id=f"s3store.{id}", find=find, whole=whole)
