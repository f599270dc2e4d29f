"""What a file's link says about itself."""

import posixpath
from datetime import datetime, timedelta, timezone
from urllib.parse import parse_qs, urlsplit

from django.db.models.fields.files import FieldFile


def expires_at(url: str) -> datetime | None:
    """Return when the signature of *url* expires; None for a link that is not signed with SigV4."""
    query = parse_qs(urlsplit(url).query)
    try:
        signed = datetime.strptime(query["X-Amz-Date"][0], "%Y%m%dT%H%M%SZ")
        seconds = int(query["X-Amz-Expires"][0])
    except (KeyError, ValueError):
        return None
    return signed.replace(tzinfo=timezone.utc) + timedelta(seconds=seconds)


def storage_key(file: FieldFile) -> str:
    """Return the object's key: the storage's location and the name that the field holds."""
    return posixpath.join(getattr(file.storage, "location", ""), file.name or "")
