"""What has to be done so that one place holds what another one has: decided here, done elsewhere."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Names, sorted: to upload because they are new or differ, and to leave because they are equal.

    `doubtful` are those of which the listing does not say whether they are equal.
    """

    new: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    doubtful: tuple[str, ...] = ()

    @property
    def upload(self) -> tuple[str, ...]:
        """Everything that is sent."""
        return tuple(sorted((*self.new, *self.changed)))


def compare(
    wanted: Collection[str],
    found: Mapping[str, str],
    expected: Mapping[str, str],
    *,
    sure: bool = False,
) -> Plan:
    """Return the plan.

    `found` has the digest of everything that is there, and `expected` the one that it would have if it were equal.
    Unless one is `sure` of the former, nothing being equal at all raises a doubt: ETags of S3 are digests of the
    content, but not with SSE-KMS.
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
