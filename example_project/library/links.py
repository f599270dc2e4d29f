"""Facts about signed URLs: when they expire, and how long they stay the same."""

import posixpath
from datetime import datetime, timedelta, timezone
from urllib.parse import parse_qs, urlsplit

from django.db.models.fields.files import FieldFile


def expires_at(url: str) -> datetime | None:
    """Return when the signature of *url* expires, or None if it is not signed with SigV4."""
    life = _life(url)
    return life and life[0] + life[1]


def stays_until(url: str, *, window: float) -> datetime | None:
    """Return until when the storage returns this *url*. *window* is the option url_window."""
    life = _life(url)
    return life and life[0] + timedelta(seconds=int(life[1].total_seconds() * window))


def _life(url: str) -> tuple[datetime, timedelta] | None:
    """Return when the signature of *url* starts, and its lifetime."""
    query = parse_qs(urlsplit(url).query)
    try:
        signed = datetime.strptime(query["X-Amz-Date"][0], "%Y%m%dT%H%M%SZ")
        seconds = int(query["X-Amz-Expires"][0])
    except (KeyError, ValueError):
        return None
    return signed.replace(tzinfo=timezone.utc), timedelta(seconds=seconds)


def storage_key(file: FieldFile) -> str:
    """Return the object's key: the location of the storage and the name of the file."""
    return posixpath.join(getattr(file.storage, "location", ""), file.name or "")
