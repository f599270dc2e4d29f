"""What is done with a name that both sides have. Pure functions: what they need to know is an argument.

The order of the questions: size, then digests. The time of a file is asked only if the user wants it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from typing import NamedTuple

from s3store.core import parts
from s3store.core.parts import MIB
from s3store.operations.sync.rows import Row

_MD5 = re.compile(r"[0-9a-f]{32}").fullmatch
_IN_PARTS = re.compile(r"[0-9a-f]{32}-([1-9][0-9]{0,4})").fullmatch

# What other tools use. AWS CLI and boto3: 8 MiB; the SDKs: 5; Hadoop: 64; s5cmd: 50; rclone and others: 5, 15, 16.
_PART_SIZES = tuple(size * MIB for size in (5, 8, 15, 16, 50, 64))

SEND, SKIP, LOOK = "send", "skip", "look"

CLOSE = 2.0
"""Seconds in which two times are the same: S3 and some file systems keep whole seconds."""


class Verdict(NamedTuple):
    """What to do, `send`, `skip` or `look` (at the content), and why."""

    op: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """How files are compared. `now` is the time in seconds, and `skew` what the server's clock is ahead of it.

    `sizes` is False if one side compresses: then equal files can have different sizes.
    """

    size_only: bool = False
    newer: bool = False
    trust_mtime: bool = False
    verify: bool = False
    sizes: bool = True
    now: float = 0.0
    skew: float = 0.0
    source_is_local: bool = True
    target_is_local: bool = False


def by_listing(source: Row, target: Row, how: How) -> Verdict:
    """Return what the two rows tell. The verdict is LOOK if they do not tell enough."""
    if how.newer:
        return _by_time(source, target, how)
    if how.size_only:
        return Verdict(SKIP, "the size is equal") if source.size == target.size else Verdict(SEND, "the size differs")
    if how.sizes and source.size != target.size:
        return Verdict(SEND, "the size differs")
    if not (how.source_is_local or how.target_is_local):
        return by_etags(source, target)
    return Verdict(LOOK, "")


def _by_time(source: Row, target: Row, how: How) -> Verdict:
    # A file with a time in the future would be sent for ever.
    written = min(source.modified, how.now) if how.source_is_local else source.modified - how.skew
    there = target.modified if how.target_is_local else target.modified - how.skew
    if written > there + CLOSE:
        return Verdict(SEND, "it is newer")
    if abs(written - there) <= CLOSE and how.sizes and source.size != target.size:
        return Verdict(SEND, "the size differs")
    return Verdict(SKIP, "it is not newer")


def by_etags(source: Row, target: Row) -> Verdict:
    """Compare two objects by their ETags. Equal ones prove equal content, and different ones prove nothing."""
    if source.size == target.size and source.etag and source.etag == target.etag:
        return Verdict(SKIP, "the ETag is equal")
    return Verdict(LOOK, "")


def is_md5(etag: str) -> bool:
    """Return whether an ETag can be the MD5 of the object. With SSE-KMS and SSE-C it looks like one, and is not."""
    return bool(_MD5(etag))


def part_count(etag: str) -> int | None:
    """Return the number of parts that an ETag names, or None if it names none."""
    found = _IN_PARTS(etag)
    return int(found[1]) if found else None


def part_sizes(size: int, count: int) -> Iterator[int]:
    """Yield the part sizes in bytes with which an object of `size` bytes has exactly `count` equal parts.

    These are sizes that tools use, and whole MiB.
    """
    equal = ceil(ceil(size / count) / MIB) * MIB
    for part_size in dict.fromkeys((*_PART_SIZES, equal, parts.part_size_of(size, 8 * MIB))):
        if part_size and ceil(size / part_size) == count:
            yield part_size


def by_time_alone(source: Row, target: Row, how: How) -> Verdict:
    """Return what to do if no digest tells: send, unless the user trusts the times."""
    if how.trust_mtime and source.size == target.size and _by_time(source, target, how).op == SKIP:
        return Verdict(SKIP, "the size is equal, and it is not newer")
    return Verdict(SEND, "nothing tells whether it is equal")
