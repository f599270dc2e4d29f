"""The storage of the development twin, and how its URLs find it again."""

from __future__ import annotations

import hashlib
import os
import weakref
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import storages
from django.urls import NoReverseMatch, reverse
from django.utils.crypto import salted_hmac
from django.utils.functional import lazystr
from django.utils.module_loading import import_string

from s3store.conf.options import Options
from s3store.conf.sources import Resolved, is_debug, media_root
from s3store.local.bucket import LocalBucket
from s3store.local.cors import Rule
from s3store.storage import S3Storage
from s3store.wire.objects import Objects

BUCKET = "uploads"
"""The name of the bucket if the options name none."""

# What belongs to a server that the twin replaces. Settings for production stay valid, and have no effect.
_REPLACED = {
    "account_id": None,
    "addressing_style": "path",
    "client_config": None,
    "cloudfront_key": None,
    "cloudfront_key_id": None,
    "cloudfront_signer": None,
    "custom_domain": None,
    "expected_bucket_owner": None,
    "provider": None,
    "proxies": None,
    "public_endpoint_url": None,
    "security_token": None,
    "session_profile": None,
    "signature_version": None,
    "verify": None,
}


class FakeS3Storage(S3Storage):
    """An S3Storage whose bucket is a directory on this machine: for development and tests, without S3 and boto3.

    `directory`
        The files are below `s3/` in this directory. Default: MEDIA_ROOT.
    `allow_without_debug`
        Let the storage work with DEBUG=False, for tests. Default: False, which raises ImproperlyConfigured.
    `cors`
        Rules in the format of the CORS configuration of a bucket, for pages of another origin. Default: none.

    The other options are those of S3Storage; those about the server, credentials, CloudFront and `custom_domain` have
    no effect. The default of `bucket_name` is `uploads`. URLs have no host; s3store.local.urls serves them.
    """

    # Migrations, pickles and STORAGES hold the public path.
    __module__ = "s3store.local"

    def __init__(
        self,
        directory: str | os.PathLike[str] | None = None,
        *,
        allow_without_debug: bool = False,
        cors: Sequence[Mapping[str, Any]] = (),
        **options: Any,
    ) -> None:
        super().__init__(**options)
        given: dict[str, Any] = {"directory": directory, "allow_without_debug": allow_without_debug, "cors": list(cors)}
        self._local = {name: value for name, value in given.items() if value}
        self.cors_rules = tuple(Rule.of(rule) for rule in cors)
        _living[id(self)] = self

    @property
    def directory(self) -> Path:
        """The absolute path of the directory. Raises ImproperlyConfigured if neither it nor MEDIA_ROOT is given."""
        if not self.has_directory:
            raise ImproperlyConfigured(f"{self!r} has no directory. Set MEDIA_ROOT, or directory in its OPTIONS.")
        return Path(self._place).absolute()

    @property
    def has_directory(self) -> bool:
        """Whether MEDIA_ROOT or `directory` is given."""
        return bool(self._place)

    @property
    def _place(self) -> str:
        return os.fspath(self._local.get("directory") or media_root())

    @property
    def is_allowed(self) -> bool:
        """Whether the storage works: with DEBUG, or if `allow_without_debug` says so."""
        return is_debug() or "allow_without_debug" in self._local

    def _resolve(self, computed: Mapping[str, Any]) -> Resolved:
        resolved = super()._resolve(computed)
        options = resolved.options
        own: dict[str, Any] = {**_REPLACED, "bucket_name": options.bucket_name or BUCKET}
        own["region_name"] = options.region_name or "us-east-1"
        # The digest tells directories apart, in the credentials of URLs and in checks. Nothing sends a request there.
        place = os.fsencode(Path(self._place).absolute())
        name = hashlib.sha256(place).hexdigest()[:20]
        own["endpoint_url"] = f"https://{name}.invalid"
        own["access_key"] = own["secret_key"] = None
        if not options.anonymous:
            own["access_key"] = f"local-{name}"
            own["secret_key"] = salted_hmac("s3store.local", name, algorithm="sha256").hexdigest()
        sources = {key: value for key, value in resolved.sources.items() if key not in own or key == "bucket_name"}
        return Resolved(options=replace(options, **own), sources=sources)

    def _derive(self, options: Options) -> Objects:
        if not self.is_allowed:
            raise ImproperlyConfigured(
                f"{type(self).__name__} is for development, and DEBUG is False. Use s3store.storage.S3Storage in "
                "production. In tests, set allow_without_debug=True in its OPTIONS."
            )
        # Lazy: URLs can only be reversed when the first one is needed.
        mount: Any = lazystr(_Mount())
        options = replace(options, public_endpoint_url=mount)
        return Objects(options, self, LocalBucket(options, self.directory))

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in self._local.items())
        return super().__repr__().replace("(", f"({shown}{', ' if shown and self._given else ''}", 1)

    def __eq__(self, other: object) -> bool:
        same = super().__eq__(other)
        return same if same is NotImplemented or not same else self._local == getattr(other, "_local", None)

    __hash__ = S3Storage.__hash__

    def deconstruct(self) -> tuple[str, tuple[()], dict[str, Any]]:
        """Return the path of the class and the keyword arguments for a migration, without secrets."""
        path, positional, options = super().deconstruct()
        return path, positional, {**self._local, **options}


class _Mount:
    """The path at which the project includes s3store.local.urls."""

    def __str__(self) -> str:
        return mounted_at()


def mounted_at() -> str:
    """Return the path at which the project includes s3store.local.urls. Raises ImproperlyConfigured if it does not."""
    try:
        return reverse("s3store_local:bucket", args=["b"]).removesuffix("/b")
    except NoReverseMatch:
        raise ImproperlyConfigured(
            'The URLs of the development twin are missing. Add path("media/s3/", include("s3store.local.urls")) to '
            "the URLs of the project."
        ) from None


_living: weakref.WeakValueDictionary[int, FakeS3Storage] = weakref.WeakValueDictionary()


def twins() -> Iterator[FakeS3Storage]:
    """Yield the twins of this process that may work: those of STORAGES, and all others that exist."""
    backends: Any = storages.backends
    for alias, entry in backends.items():
        if _is_twin(entry.get("BACKEND")):
            _ = storages[alias]
    for storage in list(_living.values()):
        if storage.is_allowed and storage.has_directory:
            yield storage


def _is_twin(path: Any) -> bool:
    try:
        backend = import_string(path) if isinstance(path, str) else None
    except ImportError:
        return False
    return isinstance(backend, type) and issubclass(backend, FakeS3Storage)
