"""Comparison of local files with the objects in a bucket. Pure functions: nothing is sent."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Sorted names: files that are missing in the bucket, that differ, and that are equal.

    `doubtful` are names for which the listing does not show whether they are equal.
    """

    new: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    doubtful: tuple[str, ...] = ()

    @property
    def upload(self) -> tuple[str, ...]:
        """The names of all files to send."""
        return tuple(sorted((*self.new, *self.changed)))


def compare(
    wanted: Collection[str],
    found: Mapping[str, str],
    expected: Mapping[str, str],
    *,
    opaque: Collection[str] = (),
    sure: bool = False,
) -> Plan:
    """Compare the digests of existing objects, `found`, with the `expected` ones, and return the plan.

    With SSE-KMS, ETags are not digests. Unless `sure`, differences are therefore doubtful for the names in `opaque`,
    and for all names if no digest is equal.
    """
    new = sorted(name for name in wanted if name not in found)
    same = sorted(name for name in wanted if name in found and found[name] == expected[name])
    other = sorted(name for name in wanted if name in found and found[name] != expected[name])
    unsure = set() if sure else {name for name in other if name in opaque} if same else set(other)
    return Plan(
        new=tuple(new),
        changed=tuple(name for name in other if name not in unsure),
        unchanged=tuple(same),
        doubtful=tuple(name for name in other if name in unsure),
    )
