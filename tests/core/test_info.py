"""What is known about an object."""

from __future__ import annotations

import pytest

from s3store.core.info import PLAIN_SIZE, WRITE_TOKEN, ObjectInfo

MD5 = "d41d8cd98f00b204e9800998ecf8427e"


def test_our_own_metadata_is_not_shown() -> None:
    """`metadata` is what the user wrote; what s3store notes beside it is asked for by name."""
    info = ObjectInfo(key="k", size=1, all_metadata={"owner": "ann", WRITE_TOKEN: "t", PLAIN_SIZE: "12"})
    assert info.metadata == {"owner": "ann"}
    assert info.internal(PLAIN_SIZE) == "12"
    assert info.internal("other") is None


def test_a_listing_has_no_metadata() -> None:
    """Unknown metadata is not empty metadata."""
    info = ObjectInfo(key="k", size=1)
    with pytest.raises(LookupError, match="stat"):
        info.metadata  # noqa: B018 (the property raises)
    assert info.internal(WRITE_TOKEN) is None


def test_a_repr_is_short() -> None:
    """Metadata and checksums do not fill a log."""
    assert "ann" not in repr(ObjectInfo(key="k", size=1, crc32="AAAAAA==", all_metadata={"owner": "ann"}))


@pytest.mark.parametrize(
    ("etag", "encryption", "md5"),
    [
        (f'"{MD5}"', None, MD5),
        (MD5, None, MD5),
        (f'"{MD5}"', "AES256", MD5),
        (f'"{MD5}-2"', None, None),
        (f'"{MD5}"', "aws:kms", None),
        (f'"{MD5}"', "SSE-C", None),
        (f'W/"{MD5}"', None, None),
        ('"z41d8cd98f00b204e9800998ecf8427e"', None, None),
        ('"d41d"', None, None),
        (None, None, None),
    ],
    ids=["quoted", "bare", "SSE-S3", "multipart", "KMS", "SSE-C", "weak", "not-hexadecimal", "short", "none"],
)
def test_an_etag_is_the_md5_only_where_it_can_be(etag: str | None, encryption: str | None, md5: str | None) -> None:
    """Multipart uploads and encrypted objects have ETags that are no digest of their bytes."""
    assert ObjectInfo(key="k", size=0, etag=etag, encryption=encryption).md5 == md5
