"""What a browser might run is known by its type."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3store.core import media_types
from s3store.core.media_types import ACTIVE, INLINE, essence, is_active, may_be_shown

SP_09 = [
    "text/html",
    "image/svg+xml",
    "application/xhtml+xml",
    "text/xml",
    "application/xml",
    "application/mathml+xml",
    "text/javascript",
    "application/x-shockwave-flash",
    "application/postscript",
    "text/cache-manifest",
]


@pytest.mark.parametrize("content_type", [*SP_09, "application/javascript"])
def test_sp_09_active_types_are_known(content_type: str) -> None:
    """The list of what browsers run or render as documents."""
    assert content_type in ACTIVE
    for spelling in (content_type, content_type.upper(), f" {content_type} ; charset=utf-8"):
        assert is_active(spelling)
        assert not may_be_shown(spelling)


@pytest.mark.parametrize(
    "content_type",
    [
        "application/atom+xml",
        "audio/x+xml",
        "multipart/x-mixed-replace; boundary=x",
        "message/rfc822",
        "text/xsl",
        "unknown/unknown",
        "image/png, text/html",
        "image/png; x=y, text/html",
        "image/png\r\nX: y",
        "image/png; x=\x00",
        "text/ html",
        "html",
        "",
        None,
    ],
    ids=ascii,
)
def test_sp_09_so_is_what_hides_among_others(content_type: str | None) -> None:
    """XML by any name, several types in one, and what is no type at all, which browsers look into."""
    assert is_active(content_type)
    assert not may_be_shown(content_type)


@pytest.mark.parametrize(
    "content_type",
    [
        "Image/PNG; charset=x",
        "image/jpeg",
        "image/webp",
        "application/pdf",
        "text/plain;charset=utf-8",
        'text/plain; x="a b"',
        "audio/mpeg",
        "video/mp4",
    ],
)
def test_sp_10_what_may_be_shown(content_type: str) -> None:
    """Pictures, sound, films, PDF and plain text; case and parameters do not matter."""
    assert may_be_shown(content_type)
    assert not is_active(content_type)


@pytest.mark.parametrize("content_type", ["application/zip", "application/octet-stream", "text/css", "font/woff2"])
def test_sp_10_everything_else_is_saved(content_type: str) -> None:
    """It is not active and keeps its type."""
    assert not may_be_shown(content_type)
    assert not is_active(content_type)


@given(st.text())
def test_nothing_is_both_active_and_shown(content_type: str) -> None:
    """Whatever is given for a type."""
    assert not (is_active(content_type) and may_be_shown(content_type))


def test_the_lists_are_of_single_types_in_lower_case() -> None:
    """Else a comparison would never hold."""
    assert all(essence(each) == each for each in ACTIVE | INLINE)
    assert not ACTIVE & INLINE
    assert not is_active(media_types.BINARY)
