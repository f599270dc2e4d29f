"""Gives existing files the headers that they would get if they were written now.

S3 cannot change the headers of an object: it copies the object onto itself. AWS: "CopyObject" and "Working with object
metadata".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

from s3store.core import parameters
from s3store.core.info import ATTRIBUTES, ObjectInfo
from s3store.core.parameters import Parameters
from s3store.wire.multipart import rewrite
from s3store.wire.objects import Objects

_COMPARED = ("CacheControl", "ContentDisposition", "ContentLanguage", "ContentType", "Expires")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A header, or a metadata entry `Metadata.name`: the present and the wanted value."""

    header: str
    found: str | None
    wanted: str


def names_at(objects: Objects, paths: Iterable[str]) -> list[str]:
    """Return the names of all files at or below the paths: one request for 1,000, and one more for a single file.

    Raises ObjectNotFoundError for a path without files.
    """
    found: dict[str, None] = {}
    for path in paths:
        names = [name for name, _ in objects.scan(path)]
        if path and not names:
            target = objects.target(path)
            objects.bucket.head(target.key, target.params)
            names = [target.name]
        found |= dict.fromkeys(names)
    return list(found)


def reapply(objects: Objects, name: str, *, dry_run: bool = False) -> tuple[Change, ...]:
    """Compare a file with the storage's rules, rewrite it if it differs, and return the differences.

    Headers without a rule stay, and so do the encoding, the file's own metadata and its tags; the ACL becomes the
    default one. Raises ObjectChangedError if the file is replaced meanwhile. A file that was deleted is not an error.
    """
    target = objects.target(name)
    info = objects.bucket.find(target.key, target.params)
    if info is None:
        return ()
    rules = _rules(objects.written(target), typed=bool(target.params.get("ContentType")))
    changes = tuple(differences(rules, info))
    if changes and not dry_run:
        # S3 copies tags by itself; the tags of rules are for new files.
        kept = Parameters((key, value) for key, value in rules.items() if key not in ("ContentEncoding", "Tagging"))
        headers = {key: rules[key] for key in _COMPARED if key in rules}
        metadata = {**(info.all_metadata or {}), **_metadata(rules)}
        rewrite(objects.bucket, info, Parameters({**kept, **info.parameters, **headers, "Metadata": metadata}))
    return changes


def differences(rules: Mapping[str, Any], info: ObjectInfo) -> Iterator[Change]:
    """Yield what the rules, parameters of PutObject, require and the object does not have."""
    for header in _COMPARED:
        found, wanted = getattr(info, ATTRIBUTES[header]), rules.get(header)
        same = _moment(found) == _moment(wanted) if header == "Expires" else found == wanted
        if wanted and not same:
            yield Change(header=header, found=found, wanted=_text(wanted))
    there = info.all_metadata or {}
    for name, wanted in _metadata(rules).items():
        if there.get(name) != wanted:
            yield Change(header=f"Metadata.{name}", found=there.get(name), wanted=wanted)


def _rules(params: Mapping[str, Any], *, typed: bool) -> Parameters:
    """Return the parameters that require something. An unknown extension requires no content type."""
    guessed = not typed and params["ContentType"] == parameters.DEFAULT_CONTENT_TYPE
    return Parameters((key, value) for key, value in params.items() if value and not (guessed and key == "ContentType"))


def _metadata(rules: Mapping[str, Any]) -> dict[str, str]:
    return {name.lower(): value for name, value in (rules.get("Metadata") or {}).items()}


def _moment(value: Any) -> Any:
    """Return the time in seconds that Expires names, in whatever format. Other values are returned unchanged."""
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            value = value if isinstance(value, datetime) or value is None else read(str(value))
        except (TypeError, ValueError):
            continue
    return value.astimezone(timezone.utc).replace(microsecond=0) if isinstance(value, datetime) else value


def _text(value: Any) -> str:
    return format_datetime(_moment(value), usegmt=True) if isinstance(value, datetime) else str(value)
