"""What a rule about options is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from s3store.conf.options import Options

Findings = Iterator[tuple[str, str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A check on options. A `whole` one says nothing about options that are not all there yet."""

    id: str
    find: Callable[[Options], Findings]
    whole: bool

    @property
    def summary(self) -> str:
        """What holds where the rule is kept, or is wrong where it is broken."""
        return (self.find.__doc__ or "").strip()


def rule(id: str, *, whole: bool = False) -> Callable[[Callable[[Options], Findings]], Rule]:  # noqa: A002 (the word of Django's checks)
    """Make a rule of a function that yields (option, what is wrong, what to do)."""
    return lambda find: Rule(id=f"s3store.{id}", find=find, whole=whole)
