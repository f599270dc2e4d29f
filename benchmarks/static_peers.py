"""The compared ways to publish static files: four Django apps, and a copy tool."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.peers import OURS, Place

LOCATION = "static"
THREADS = 20
"""The number of threads in Collectfasta's documentation."""

S5CMD = "s5cmd"
COLLECTFASTA = "collectfasta"
DJANGO_STORAGES = "django-storages"
DJANGO_S3_STORAGE = "django-s3-storage"

STORAGES = {
    OURS: ("s3store.storage.S3StaticStorage", "s3store.storage.S3ManifestStaticStorage"),
    COLLECTFASTA: ("storages.backends.s3.S3StaticStorage", "storages.backends.s3.S3ManifestStaticStorage"),
    DJANGO_STORAGES: ("storages.backends.s3.S3StaticStorage", "storages.backends.s3.S3ManifestStaticStorage"),
    DJANGO_S3_STORAGE: ("django_s3_storage.storage.StaticS3Storage", None),
}
"""The storages without and with a manifest."""

_APPS = {OURS: ["s3store"], COLLECTFASTA: ["collectfasta"]}

_STRATEGIES = ("Boto3Strategy", "Boto3ManifestMemoryStrategy")


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticPeer:
    """One way to publish. Slow peers, which send one request at a time, run only once."""

    name: str
    slow: bool = False

    @property
    def is_django(self) -> bool:
        return self.name in STORAGES

    def publishes(self, *, manifest: bool) -> bool:
        """Return whether the peer supports the case."""
        return bool(STORAGES[self.name][manifest]) if self.is_django else not manifest

    def settings(self, place: Place, bucket: str, directory: str, *, manifest: bool) -> dict[str, Any]:
        """Return the settings of the project that publishes `directory`."""
        found: dict[str, Any] = {
            "INSTALLED_APPS": [*_APPS.get(self.name, ()), "django.contrib.staticfiles"],
            "STATIC_URL": "/static/",
            "STATICFILES_DIRS": [directory],
            "STATICFILES_FINDERS": ["django.contrib.staticfiles.finders.FileSystemFinder"],
            "USE_TZ": True,
            "STORAGES": {
                "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
                "staticfiles": {"BACKEND": STORAGES[self.name][manifest], "OPTIONS": self._options(place, bucket)},
            },
        }
        if self.name == COLLECTFASTA:
            found |= {
                "COLLECTFASTA_STRATEGY": f"collectfasta.strategies.boto3.{_STRATEGIES[manifest]}",
                "COLLECTFASTA_THREADS": THREADS,
                "COLLECTFASTA_CACHE": COLLECTFASTA,
                "CACHES": {"default": _MEMORY, COLLECTFASTA: _MEMORY},
            }
        return found

    def _options(self, place: Place, bucket: str) -> dict[str, Any]:
        if self.name == DJANGO_S3_STORAGE:
            return {
                "aws_s3_endpoint_url": place["endpoint_url"],
                "aws_access_key_id": place["access_key"],
                "aws_secret_access_key": place["secret_key"],
                "aws_region": place["region_name"],
                "aws_s3_bucket_name": bucket,
                "aws_s3_key_prefix": LOCATION,
                "aws_s3_addressing_style": "path",
                "aws_s3_signature_version": "s3v4",
            }
        return {
            **place,
            "bucket_name": bucket,
            "location": LOCATION,
            "addressing_style": "path",
            "signature_version": "s3v4",
        }


# Its documentation advises against this cache with threads. But it has a lock, needs no server or disk, and is empty in
# each process, so that hashes come from the listing.
_MEMORY: Mapping[str, Any] = {
    "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
    "OPTIONS": {"MAX_ENTRIES": 1_000_000},
}

STATIC_PEERS = {
    peer.name: peer
    for peer in (
        StaticPeer(name=OURS),
        StaticPeer(name=S5CMD),
        StaticPeer(name=COLLECTFASTA),
        StaticPeer(name=DJANGO_STORAGES, slow=True),
        StaticPeer(name=DJANGO_S3_STORAGE, slow=True),
    )
}
