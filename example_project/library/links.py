"""What a file's link says about itself, and until when it stays as it is."""

import posixpath
from datetime import datetime, timedelta, timezone
from urllib.parse import parse_qs, urlsplit

from django.db.models.fields.files import FieldFile


def expires_at(url: str) -> datetime | None:
    """Return when the signature of *url* expires; None for a link that is not signed with SigV4."""
    life = _life(url)
    return life and life[0] + life[1]


def stays_until(url: str, *, window: float) -> datetime | None:
    """Return until when the storage gives out *url* and no other, by the part of its life that a *window* is."""
    life = _life(url)
    return life and life[0] + timedelta(seconds=int(life[1].total_seconds() * window))


def _life(url: str) -> tuple[datetime, timedelta] | None:
    """Return from when and how long the signature of *url* counts."""
    query = parse_qs(urlsplit(url).query)
    try:
        signed = datetime.strptime(query["X-Amz-Date"][0], "%Y%m%dT%H%M%SZ")
        seconds = int(query["X-Amz-Expires"][0])
    except (KeyError, ValueError):
        return None
    return signed.replace(tzinfo=timezone.utc), timedelta(seconds=seconds)


def storage_key(file: FieldFile) -> str:
    """Return the object's key: the storage's location and the name that the field holds."""
    return posixpath.join(getattr(file.storage, "location", ""), file.name or "")
