"""Facts about objects, as S3 returns them."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from itertools import repeat, starmap
from typing import Any

_MD5 = re.compile(r"[0-9a-f]{32}\Z")

WRITE_TOKEN = "s3store-write"  # noqa: S105 (names a header)
"""Metadata that identifies a write whose response was lost. Not shown in `metadata`."""

PLAIN_SIZE = "s3store-size"
"""Metadata that holds the size in bytes before compression. Not shown in `metadata`."""

DIGEST = "s3store-digest"
"""Metadata that holds the ETag that the object would have if it were a digest. Not shown in `metadata`."""

MTIME = "s3store-mtime"
"""Metadata that holds the time of the local file, in seconds since 1970. Not shown in `metadata`."""

INTERNAL = (WRITE_TOKEN, PLAIN_SIZE, DIGEST, MTIME)

ATTRIBUTES = {
    "CacheControl": "cache_control",
    "ContentDisposition": "content_disposition",
    "ContentEncoding": "content_encoding",
    "ContentLanguage": "content_language",
    "ContentType": "content_type",
    "Expires": "expires",
    "SSEKMSKeyId": "kms_key_id",
    "ServerSideEncryption": "encryption",
    "StorageClass": "storage_class",
    "WebsiteRedirectLocation": "redirect_location",
}
"""The attributes of ObjectInfo that are set when an object is written, by the parameters of PutObject."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectInfo:
    """The facts about an object. In a listing: only key, size, etag, modified and storage_class; others are None."""

    key: str
    size: int
    etag: str | None = None
    modified: datetime | None = None
    content_type: str | None = None
    content_encoding: str | None = None
    content_disposition: str | None = None
    content_language: str | None = None
    cache_control: str | None = None
    expires: str | None = None
    storage_class: str | None = None
    encryption: str | None = None
    kms_key_id: str | None = None
    version_id: str | None = None
    redirect_location: str | None = None
    restore: str | None = None
    archive_status: str | None = None
    crc32: str | None = field(default=None, repr=False)
    all_metadata: Mapping[str, str] | None = field(default=None, repr=False)

    @property
    def metadata(self) -> dict[str, str]:
        """The user metadata, with names in lower case. Raises LookupError for an entry of a listing."""
        if self.all_metadata is None:
            raise LookupError(f"A listing contains no metadata. Call stat() for the metadata of {self.key!r}.")
        return {name: value for name, value in self.all_metadata.items() if name not in INTERNAL}

    def internal(self, name: str) -> str | None:
        """Return an entry of the metadata that only s3store uses."""
        return (self.all_metadata or {}).get(name)

    @property
    def plain_size(self) -> int | None:
        """The size in bytes before compression, if it was stored when the object was written."""
        noted = self.internal(PLAIN_SIZE)
        return int(noted) if noted and noted.isdecimal() else None

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters of PutObject that give a new object the same headers and metadata."""
        found = {name: getattr(self, attribute) for name, attribute in ATTRIBUTES.items()}
        if self.encryption == "SSE-C":
            del found["ServerSideEncryption"]
        return {name: value for name, value in found.items() if value is not None} | {
            "Metadata": dict(self.all_metadata or {})
        }

    @property
    def md5(self) -> str | None:
        """The ETag if it is the MD5 of the bytes: not for multipart uploads, KMS and SSE-C."""
        etag = (self.etag or "").strip('"')
        plain = _MD5.match(etag) and self.encryption in (None, "AES256")
        return etag if plain else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stat(ObjectInfo):
    """What S3 knows about a file.

    From `scan`, only `name`, `key`, `size`, `etag`, `modified` and `storage_class` are known. The other attributes are
    None, and `metadata` raises LookupError.
    """

    name: str

    @classmethod
    def of(cls, name: str, info: ObjectInfo) -> Stat:
        """Return the facts about the file `name`."""
        return cls(name=name, **{item.name: getattr(info, item.name) for item in fields(ObjectInfo)})

    @classmethod
    def listed(cls, names: Iterable[str], infos: Iterable[ObjectInfo]) -> list[Stat]:
        """Return what a listing contains about the files `names`."""
        listed = list(infos)
        stats: list[Stat] = list(map(_new, repeat(cls, len(listed))))
        columns = (
            (_set_name, names),
            (_set_key, [info.key for info in listed]),
            (_set_size, [info.size for info in listed]),
            (_set_etag, [info.etag for info in listed]),
            (_set_modified, [info.modified for info in listed]),
            (_set_storage_class, [info.storage_class for info in listed]),
        )
        _fill(stats, columns)
        return stats


def listed_infos(
    keys: Iterable[str],
    sizes: Iterable[int],
    etags: Iterable[str | None],
    modified: Iterable[datetime | None],
    storage_classes: Iterable[str | None],
) -> list[ObjectInfo]:
    """Return the facts of a listing from its columns, five times as fast as one by one. They have the same length."""
    names = list(keys)
    found: list[ObjectInfo] = list(map(_new, repeat(ObjectInfo, len(names))))
    columns = (_set_key, names), (_set_size, sizes), (_set_etag, etags), (_set_modified, modified)
    _fill(found, (*columns, (_set_storage_class, storage_classes)))
    return found


def _fill(found: list[Any], columns: Iterable[tuple[Any, Iterable[Any]]]) -> None:
    """Set attributes of new objects: for each, its setter and the values. The loops are in C."""
    for put, values in columns:
        deque(starmap(put, zip(found, values, strict=True)), 0)


def _default(info: ObjectInfo, attribute: str) -> None:
    """Return None for a fact that a listing does not have. Listings do not store so many times None for each file."""
    if attribute not in _FACTS:
        raise AttributeError(f"{type(info).__name__!r} object has no attribute {attribute!r}")


_FACTS = frozenset(item.name for item in fields(ObjectInfo))

# Python calls it for an attribute that was not set.
ObjectInfo.__getattr__ = _default  # type: ignore[attr-defined]

# A frozen dataclass sets each attribute through `object.__setattr__`, which takes longer than parsing it.
_new: Any = object.__new__
_set_name: Any = vars(Stat)["name"].__set__
_set_key, _set_size, _set_etag, _set_modified, _set_storage_class = (
    vars(ObjectInfo)[attribute].__set__ for attribute in ("key", "size", "etag", "modified", "storage_class")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of a listing. `next` continues it, None at its end."""

    objects: tuple[ObjectInfo, ...]
    prefixes: tuple[str, ...]
    next: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """One line of an ACL: a `permission`, and the `grantee`: the URI of a group, an account's ID or e-mail address."""

    permission: str
    grantee: str
