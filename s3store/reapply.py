"""Gives files that exist the headers that they would get if they were written today.

S3 cannot change the headers of an object: it copies the object onto itself. AWS: "CopyObject" and "Working with object
metadata".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import format_datetime, parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from s3store.core import params
from s3store.core.info import ObjectInfo
from s3store.verbs import described_by

if TYPE_CHECKING:
    from s3store.storage import S3Storage

_ATTRIBUTES = {
    "CacheControl": "cache_control",
    "ContentDisposition": "content_disposition",
    "ContentLanguage": "content_language",
    "ContentType": "content_type",
    "Expires": "expires",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A header, or the name of an entry of the metadata after `Metadata.`: what is there, and what is to be."""

    header: str
    found: str | None
    wanted: str


def names_at(storage: S3Storage, paths: Iterable[str]) -> list[str]:
    """Return the names of all files at or below the paths: one request for 1,000, and one more for a single file.

    Raises ObjectNotFoundError for a path at which there is nothing.
    """
    found: dict[str, None] = {}
    for path in paths:
        names = [stat.name for stat in storage.scan(path)]
        if path and not names:
            names = [storage.stat(path).name]
        found |= dict.fromkeys(names)
    return list(found)


def reapply(storage: S3Storage, name: str, *, dry_run: bool = False) -> tuple[Change, ...]:
    """Compare a file with the storage's rules, write it anew where it differs, and return in what it did.

    What no rule asks for stays, and so do the encoding, the file's own metadata and its tags; the ACL becomes the
    default one. Raises ObjectChangedError when the file is replaced meanwhile. One that is gone by now is no error.
    """
    given = storage._parameters(name)
    info = storage._bucket.find(storage._key(name), given)
    if info is None:
        return ()
    rules = _rules(storage._write_parameters(name, given), typed=bool(given.get("ContentType")))
    changes = tuple(differences(rules, info))
    if changes and not dry_run:
        # Tags follow a copy by themselves; those of the rules are for new files.
        kept = {key: value for key, value in rules.items() if key not in ("ContentEncoding", "Tagging")}
        headers = {key: rules[key] for key in _ATTRIBUTES if key in rules}
        metadata = {**(info.all_metadata or {}), **_metadata(rules)}
        storage._rewrite(info, params.Parameters({**kept, **described_by(info), **headers, "Metadata": metadata}))
    return changes


def differences(rules: Mapping[str, Any], info: ObjectInfo) -> Iterator[Change]:
    """Yield what the rules, which are parameters of PutObject, ask for and the object does not have."""
    for header, attribute in _ATTRIBUTES.items():
        found, wanted = getattr(info, attribute), rules.get(header)
        same = _moment(found) == _moment(wanted) if header == "Expires" else found == wanted
        if wanted and not same:
            yield Change(header=header, found=found, wanted=_text(wanted))
    there = info.all_metadata or {}
    for name, wanted in _metadata(rules).items():
        if there.get(name) != wanted:
            yield Change(header=f"Metadata.{name}", found=there.get(name), wanted=wanted)


def _rules(given: Mapping[str, Any], *, typed: bool) -> dict[str, Any]:
    """Return the parameters without those that ask for nothing. An unknown extension says nothing about the type."""
    guessed = not typed and given["ContentType"] == params.DEFAULT_CONTENT_TYPE
    return {key: value for key, value in given.items() if value and not (guessed and key == "ContentType")}


def _metadata(rules: Mapping[str, Any]) -> dict[str, str]:
    return {name.lower(): value for name, value in (rules.get("Metadata") or {}).items()}


def _moment(value: Any) -> Any:
    """Return the second that Expires names, however it is written; what names none is returned as it is."""
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            value = value if isinstance(value, datetime) or value is None else read(str(value))
        except (TypeError, ValueError):
            continue
    return value.astimezone(timezone.utc).replace(microsecond=0) if isinstance(value, datetime) else value


def _text(value: Any) -> str:
    return format_datetime(_moment(value), usegmt=True) if isinstance(value, datetime) else str(value)
