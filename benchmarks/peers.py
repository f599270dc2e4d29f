"""The storages that are compared. All talk to one bucket with the same keys, signature and addressing."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

OURS = "s3store"
MEASURED_AGAINST = "django-storages"
BUCKET = "benchmarks"

Place = Mapping[str, str]
"""endpoint_url, access_key, secret_key and region_name of the server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A storage class, and the options that make it overwrite files or not."""

    name: str
    module: str
    options: Callable[[Place, bool], dict[str, Any]]
    can_write: bool = True

    def make(self, place: Place, *, overwrite: bool = True) -> Any:
        """Return a storage, importing its module."""
        module: Any = importlib.import_module(self.module)
        return module.S3Storage(**self.options(place, overwrite))


def _common(place: Place, overwrite: bool) -> dict[str, Any]:
    return {
        **place,
        "bucket_name": BUCKET,
        "addressing_style": "path",
        "signature_version": "s3v4",
        "file_overwrite": overwrite,
    }


def _django_s3_storage(place: Place, overwrite: bool) -> dict[str, Any]:
    return {
        "aws_s3_endpoint_url": place["endpoint_url"],
        "aws_access_key_id": place["access_key"],
        "aws_secret_access_key": place["secret_key"],
        "aws_region": place["region_name"],
        "aws_s3_bucket_name": BUCKET,
        "aws_s3_addressing_style": "path",
        "aws_s3_signature_version": "s3v4",
        "aws_s3_file_overwrite": overwrite,
    }


PEERS = {
    peer.name: peer
    for peer in (
        Peer(name=OURS, module="s3store.storage", options=_common),
        Peer(name=MEASURED_AGAINST, module="storages.backends.s3", options=_common),
        # Its files cannot be opened for writing.
        Peer(name="django-s3-storage", module="django_s3_storage.storage", options=_django_s3_storage, can_write=False),
    )
}
