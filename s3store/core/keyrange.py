"""Shards: ranges of names that are disjoint and complete, so that several machines can share one job.

Names are compared by their UTF-8 bytes. A range excludes its first bound and includes its last, because the parameter
StartAfter of AWS excludes the key that it names. AWS: "ListObjectsV2".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

ALPHABETS = {
    "alnum": "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
    "hex": "0123456789abcdef",
    "uuid": "0123456789abcdef",
}
"""The characters of which names begin with one, each about as often, by the name of the alphabet."""

MOST = 10_000
"""The largest number of shards."""

SCHEMA = 1

# Of a listing, every n-th name is kept, at most twice as many as this.
_SAMPLE = 20_000

_SHARD = re.compile(r"([0-9]{1,6})/([0-9]{1,6})")


class ShardError(ValueError):
    """A shard or a plan that is not possible."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRange:
    """The names greater than `after`, up to and including `through`. None: no bound."""

    after: str | None = None
    through: str | None = None

    def takes(self, name: str) -> bool:
        """Return whether the name is in the range."""
        # In Python, the order of str is that of code points, and so that of UTF-8 bytes.
        return (self.after is None or name > self.after) and (self.through is None or name <= self.through)

    def is_past(self, name: str) -> bool:
        """Return whether the name, and so every greater one, is after the range."""
        return self.through is not None and name > self.through


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardPlan:
    """The bounds between the shards, in order: one fewer than there are shards. Equal bounds have an empty shard.

    `objects` is the number of names that were counted for it. Raises ShardError for bounds that are not in order.
    """

    bounds: tuple[str, ...]
    objects: int | None = None

    def __post_init__(self) -> None:
        """Check the bounds."""
        if len(self.bounds) >= MOST:
            raise ShardError(f"{len(self.bounds) + 1} shards are too many. The limit is {MOST}.")
        if list(self.bounds) != sorted(self.bounds):
            raise ShardError("The bounds of the plan are not in the order of their UTF-8 bytes.")
        for bound in self.bounds:
            try:
                bound.encode()
            except UnicodeEncodeError:
                raise ShardError(f"The bound {bound!r} is not valid Unicode.") from None

    @property
    def count(self) -> int:
        """The number of shards."""
        return len(self.bounds) + 1

    def shard(self, number: int) -> KeyRange:
        """Return the range of a shard. The first is 1. Raises ShardError for a number that the plan does not have."""
        if not 1 <= number <= self.count:
            raise ShardError(f"The plan has the shards 1 to {self.count}, not {number}.")
        found = (None, *self.bounds, None)
        return KeyRange(after=found[number - 1], through=found[number])

    def json(self) -> dict[str, Any]:
        """Return the plan as JSON has it."""
        return {"schema": SCHEMA, "shards": self.count, "objects": self.objects, "bounds": list(self.bounds)}


def parse_shard(text: str) -> tuple[int, int]:
    """Return number and count of a shard such as `2/8`. Raises ShardError."""
    found = _SHARD.fullmatch(text)
    number, count = map(int, found.groups()) if found else (0, 0)
    if not 1 <= number <= count <= MOST:
        raise ShardError(f"{text!r} is not a shard. Write I/N, such as 1/4 for the first of four. N is at most {MOST}.")
    return number, count


def parse_plan(text: str) -> ShardPlan:
    """Return the plan in a JSON document. Raises ShardError."""
    try:
        found = json.loads(text)
    except ValueError as error:
        raise ShardError(f"The plan is not JSON: {error}.") from None
    bounds = found.get("bounds") if isinstance(found, dict) and found.get("schema") == SCHEMA else None
    if not isinstance(bounds, list) or not all(isinstance(bound, str) for bound in bounds):
        raise ShardError("The document is not a plan of shards. Write one with: manage.py s3 shards N PLACE.")
    plan = ShardPlan(bounds=tuple(bounds))
    if found.get("shards") != plan.count:
        raise ShardError(f"The plan names {found.get('shards')} shards, and has bounds for {plan.count}.")
    return plan


def plan_of_alphabet(alphabet: str, count: int) -> ShardPlan:
    """Return the plan for names that begin with random characters of an alphabet. It depends on nothing else.

    Raises ShardError for an unknown alphabet.
    """
    if alphabet not in ALPHABETS:
        raise ShardError(f"{alphabet!r} is not an alphabet. The alphabets are {', '.join(ALPHABETS)}.")
    characters = ALPHABETS[alphabet]
    base, digits = len(characters), 1
    while base**digits < count * base:
        digits += 1
    bounds = []
    for number in range(1, count):
        rest, bound = number * base**digits // count, ""
        for _ in range(digits):
            rest, digit = divmod(rest, base)
            bound = characters[digit] + bound
        bounds.append(bound)
    return ShardPlan(bounds=tuple(bounds))


def plan_of_names(names: Iterable[str], count: int) -> ShardPlan:
    """Return the plan whose shards have about the same number of these names, in whatever order they come.

    Memory does not grow with their number.
    """
    kept: list[str] = []
    step, total = 1, 0
    for name in names:
        if total % step == 0:
            kept.append(name)
            if len(kept) >= 2 * _SAMPLE:
                del kept[1::2]
                step *= 2
        total += 1
    return ShardPlan(bounds=_quantiles(sorted(kept), count), objects=total)


def _quantiles(names: Sequence[str], count: int) -> tuple[str, ...]:
    if not names:
        return ("",) * (count - 1)
    # The bound is the last name of its shard. With fewer names than shards, the first shards are empty.
    return tuple(names[max(0, number * len(names) // count - 1)] for number in range(1, count))
