"""CRC-32 of content from the CRCs of its pieces, which can be computed in any order.

Mark Adler: "crc32_combine" in zlib. A CRC is a polynomial over GF(2): zeros after it multiply it by a power of x.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

_POLYNOMIAL = 0xEDB88320
_ONE = 1 << 31


def combined(pieces: Iterable[tuple[int, int]]) -> int:
    """Return the CRC-32 of content from the CRC-32 and the size in bytes of each of its pieces, in order."""
    total = 0
    for crc, size in pieces:
        total = _product(_shift(size), total) ^ crc
    return total


@lru_cache(maxsize=16)
def _shift(size: int) -> int:
    """Return the polynomial x ** (8 * size)."""
    power, square = _ONE, _ONE >> 8
    while size:
        if size & 1:
            power = _product(square, power)
        square = _product(square, square)
        size >>= 1
    return power


def _product(one: int, two: int) -> int:
    """Multiply two polynomials modulo that of the CRC. The highest bit is the coefficient of 1."""
    result, bit = 0, _ONE
    while bit:
        if one & bit:
            result ^= two
        two = two >> 1 ^ _POLYNOMIAL if two & 1 else two >> 1
        bit >>= 1
    return result
