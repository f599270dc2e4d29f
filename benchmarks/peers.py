"""The compared storages. All use the same bucket, credentials, signature version and addressing style."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

OURS = "s3store"
MEASURED_AGAINST = "django-storages"
BUCKET = "benchmarks"

# The bucket of URLs: no request is sent to it.
REGION = "eu-central-1"
HOST = f"{BUCKET}.s3.{REGION}.amazonaws.com"
DOMAIN = "cdn.example.com"
LOCATION = "media"

Place = Mapping[str, str]
"""The endpoint_url, access_key, secret_key and region_name of the server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A storage class, and the options that make it overwrite files or not."""

    name: str
    module: str
    options: Callable[[Place, bool], dict[str, Any]]
    url_options: Callable[[Place, str], dict[str, Any] | None]
    can_write: bool = True

    def make(self, place: Place, *, overwrite: bool = True) -> Any:
        """Import the module of the storage, and return the storage."""
        return self._make(self.options(place, overwrite))

    def make_for_urls(self, place: Place, kind: str) -> Any:
        """Return a storage of a bucket on AWS whose URLs are `signed`, `public`, at a `domain` or by `cloudfront`.

        Returns None if the peer does not support such URLs.
        """
        options = self.url_options(place, kind)
        return None if options is None else self._make(options)

    def _make(self, options: dict[str, Any]) -> Any:
        module: Any = importlib.import_module(self.module)
        return module.S3Storage(**options)


def _common(place: Place, overwrite: bool) -> dict[str, Any]:
    return {
        **place,
        "bucket_name": BUCKET,
        "addressing_style": "path",
        "signature_version": "s3v4",
        "file_overwrite": overwrite,
    }


def _common_urls(place: Place, kind: str) -> dict[str, Any]:
    chosen: dict[str, dict[str, Any]] = {
        "signed": {},
        "public": {"querystring_auth": False},
        "domain": {"querystring_auth": False, "custom_domain": DOMAIN},
        "cloudfront": {"custom_domain": DOMAIN, "cloudfront_key_id": "K36X4X2EO997HM"},
    }
    options = {
        "access_key": place["access_key"],
        "secret_key": place["secret_key"],
        "region_name": REGION,
        "bucket_name": BUCKET,
        "location": LOCATION,
        "addressing_style": "virtual",
        "signature_version": "s3v4",
        **chosen[kind],
    }
    return {**options, "cloudfront_key": _private_key()} if kind == "cloudfront" else options


def _private_key() -> str:
    from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


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


def _django_s3_storage_urls(place: Place, kind: str) -> dict[str, Any] | None:
    chosen: dict[str, dict[str, Any]] = {
        "signed": {},
        "public": {"aws_s3_bucket_auth": False},
        "domain": {"aws_s3_bucket_auth": False, "aws_s3_public_url": f"https://{DOMAIN}/{LOCATION}/"},
    }
    if kind not in chosen:
        return None
    return {
        "aws_access_key_id": place["access_key"],
        "aws_secret_access_key": place["secret_key"],
        "aws_region": REGION,
        "aws_s3_bucket_name": BUCKET,
        "aws_s3_key_prefix": LOCATION,
        "aws_s3_addressing_style": "virtual",
        "aws_s3_signature_version": "s3v4",
        **chosen[kind],
    }


PEERS = {
    peer.name: peer
    for peer in (
        Peer(name=OURS, module="s3store.storage", options=_common, url_options=_common_urls),
        Peer(name=MEASURED_AGAINST, module="storages.backends.s3", options=_common, url_options=_common_urls),
        # Its files cannot be opened for writing.
        Peer(
            name="django-s3-storage",
            module="django_s3_storage.storage",
            options=_django_s3_storage,
            url_options=_django_s3_storage_urls,
            can_write=False,
        ),
    )
}
