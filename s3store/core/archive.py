"""Archived objects: what S3 says about them, and how long it takes to restore them.

AWS: "RestoreObject", "HeadObject", "Archive retrieval options", "Restoring an archived object".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

from s3store.core.info import ObjectInfo

ARCHIVES = frozenset({"GLACIER", "DEEP_ARCHIVE"})
"""The storage classes whose objects cannot be read before they are restored. Those of GLACIER_IR can."""

TIERING = "INTELLIGENT_TIERING"
"""The storage class whose objects move to an archive only if the bucket is configured so. HEAD tells."""

STANDARD, BULK, EXPEDITED = "standard", "bulk", "expedited"
TIERS = (STANDARD, BULK, EXPEDITED)
"""The tiers of a restoration, by speed and price."""

ARCHIVED, UNDER_WAY, READABLE = "archived", "under way", "readable"

_DEEP = frozenset({"DEEP_ARCHIVE", "DEEP_ARCHIVE_ACCESS"})
_LONGEST = {
    False: {EXPEDITED: timedelta(minutes=5), STANDARD: timedelta(hours=5), BULK: timedelta(hours=12)},
    True: {STANDARD: timedelta(hours=12), BULK: timedelta(hours=48)},
}
_EXPIRY = re.compile(r'expiry-date="([^"]*)"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Whether an object can be read: `state` is ARCHIVED, UNDER_WAY or READABLE.

    `archive` is where S3 keeps it: a storage class, or a tier of INTELLIGENT_TIERING; empty if nowhere. `until` is when
    S3 deletes the readable copy, or None if it does not or does not say so.
    """

    state: str
    archive: str = ""
    until: datetime | None = None


def access_of(info: ObjectInfo) -> Access:
    """Return what the response to a HEAD says about access to an object."""
    archive = info.archive_status if info.storage_class == TIERING else info.storage_class
    if not archive or (archive not in ARCHIVES and info.storage_class != TIERING):
        return Access(state=READABLE)
    said = info.restore or ""
    if 'ongoing-request="true"' in said:
        return Access(state=UNDER_WAY, archive=archive)
    if 'ongoing-request="false"' in said:
        return Access(state=READABLE, archive=archive, until=_until(said))
    return Access(state=ARCHIVED, archive=archive)


def longest(archive: str, tier: str) -> timedelta | None:
    """Return how long S3 takes at most to restore an object of a usual size, or None if there is no such tier."""
    return _LONGEST[archive in _DEEP].get(tier)


def _until(said: str) -> datetime | None:
    found = _EXPIRY.search(said)
    try:
        return parsedate_to_datetime(found[1]) if found else None
    except ValueError:
        return None
