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
    sure: bool = False,
) -> Plan:
    """Compare the digests of existing objects, `found`, with the `expected` ones, and return the plan.

    If no digest is equal, all differences are doubtful unless `sure`: with SSE-KMS, ETags are not digests.
    """
    new = sorted(name for name in wanted if name not in found)
    same = sorted(name for name in wanted if name in found and found[name] == expected[name])
    other = sorted(name for name in wanted if name in found and found[name] != expected[name])
    doubt = bool(other) and not same and not sure
    return Plan(
        new=tuple(new),
        changed=() if doubt else tuple(other),
        unchanged=tuple(same),
        doubtful=tuple(other) if doubt else (),
    )
