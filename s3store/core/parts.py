"""The size limits of S3, and how a large object is divided into parts.

AWS: "Amazon S3 multipart upload limits".
"""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB

MIN_PART_SIZE = 5 * MIB
MAX_PART_SIZE = 5 * GIB
MAX_PARTS = 10_000
MAX_COPY_SIZE = 5 * GIB
MAX_DELETE_KEYS = 1000

COPY_PART_SIZE = 512 * MIB


def part_size_for(number: int, base: int) -> int:
    """Return the size in bytes of part `number` (from 1) of an upload whose length is not known.

    The size doubles every 950 parts: 10,000 parts can hold more than 7 TiB, and small uploads need only small buffers.
    """
    return min(max(base, MIN_PART_SIZE) << ((number - 1) // 950), MAX_PART_SIZE)


def part_size_of(total: int, base: int) -> int:
    """Return a part size in bytes with which `total` bytes fit into 10,000 equal parts."""
    size = max(base, MIN_PART_SIZE)
    while size * MAX_PARTS < total:
        size *= 2
    return size


def browser_part_size(total: int) -> int:
    """Return the part size in bytes of an upload from a browser: equal parts of whole MiB.

    Up to 500 GiB it gives at most 1,000 parts, which ListParts returns in one page.
    """
    size = max(8 * MIB, min(ceil(total / 1000), 512 * MIB), ceil(total / MAX_PARTS))
    return ceil(size / MIB) * MIB


def part_ranges(total: int, size: int) -> Iterator[tuple[int, int]]:
    """Yield the first and last byte of each part of `total` bytes."""
    for start in range(0, total, size):
        yield start, min(start + size, total) - 1
