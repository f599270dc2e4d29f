"""CRCs of pieces, combined."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3store.core import crc


@given(pieces=st.lists(st.binary(max_size=200), max_size=8))
def test_the_crc_of_pieces_is_that_of_the_whole(pieces: list[bytes]) -> None:
    """Whatever their sizes are, also 0."""
    assert crc.combined((zlib.crc32(piece), len(piece)) for piece in pieces) == zlib.crc32(b"".join(pieces))


@pytest.mark.parametrize("size", [8 * 1024**2, 8 * 1024**2 + 1])
def test_large_pieces(size: int) -> None:
    """As those of downloads."""
    pieces = [b"a" * size, b"b" * size, b"c" * 5]
    assert crc.combined((zlib.crc32(piece), len(piece)) for piece in pieces) == zlib.crc32(b"".join(pieces))
