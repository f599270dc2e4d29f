"""What a project uses a bucket for: its storages, their locations, and direct uploads to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import InvalidStorageError, storages

from s3store.conf.options import Options
from s3store.conf.project import setting
from s3store.core.policies import rules
from s3store.core.policies.iam import Scope
from s3store.core.policies.names import partition_of
from s3store.storage import S3StaticStorage, S3Storage
from s3store.uploads.destinations import Destination, declared, has_families


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """A storage of the project that uses the bucket. `alias` is empty for a storage that is not in STORAGES.

    `signed` is whether its URLs are signed, `acl` its default ACL, `kms_key` the key in its object parameters, `tags`
    whether these contain tags, `uploads` whether browsers upload to it directly, and `checksum` whether they send a
    checksum then.
    """

    alias: str
    location: str
    static: bool = False
    signed: bool = True
    domain: bool = False
    acl: str | None = None
    kms_key: str | None = None
    tags: bool = False
    uploads: bool = False
    checksum: bool = False


def uses_of(storage: S3Storage) -> tuple[Use, ...]:
    """Return the uses of a storage's bucket by the storages of STORAGES, and by the storage itself. No request."""
    options = storage.objects.options
    receiving = set(_receiving())
    found: dict[str, Use] = {}
    for alias, other in [*_storages(), ("", storage)]:
        theirs = other.objects.options
        if _place(theirs)[:2] != _place(options)[:2]:
            continue
        use = _use(alias, other, theirs, uploads=_place(theirs) in receiving or has_families())
        if alias or not any(use.location == each.location for each in found.values()):
            found[alias] = use
    return tuple(found.values())


def _storages() -> Iterator[tuple[str, S3Storage]]:
    for alias in storages.backends:
        try:
            found = storages[alias]
        except (InvalidStorageError, ImproperlyConfigured):
            continue
        if isinstance(found, S3Storage) and found.objects.options.bucket_name and found.objects.bucket.over_http:
            yield alias, found


def _use(alias: str, storage: S3Storage, options: Options, *, uploads: bool) -> Use:
    params: Any = options.object_parameters
    params = params if isinstance(params, Mapping) else {}
    static = isinstance(storage, S3StaticStorage) or alias == "staticfiles"
    return Use(
        alias=alias,
        location=options.location,
        static=static,
        signed=options.querystring_auth,
        domain=bool(options.custom_domain),
        acl=options.default_acl or params.get("ACL"),
        kms_key=params.get("SSEKMSKeyId"),
        tags="Tagging" in params,
        uploads=uploads and not static,
        checksum=bool(options.upload_checksum),
    )


def _place(options: Options) -> tuple[str | None, str | None, str]:
    return options.bucket_name, options.endpoint_url, options.location


def _receiving() -> Iterator[tuple[str | None, str | None, str]]:
    """Yield bucket, endpoint and location of the storages that receive direct uploads."""
    of_fields = (
        getattr(field, "destination", None)
        for model in apps.get_models(include_auto_created=True)
        for field in model._meta.local_fields
    )
    for destination in [*of_fields, *declared().values()]:
        if isinstance(destination, Destination):
            try:
                yield _place(destination.find_storage().objects.options)
            except (ImproperlyConfigured, InvalidStorageError):
                continue


def site_origins() -> tuple[str, ...]:
    """Return the origins of the site, by CSRF_TRUSTED_ORIGINS, or if that has none, by ALLOWED_HOSTS."""
    https = not setting("DEBUG")
    return tuple(rules.site_origins(setting("CSRF_TRUSTED_ORIGINS") or (), setting("ALLOWED_HOSTS") or (), https=https))


def scope_of(storage: S3Storage, *, kms_key: str | None = None, batch_role: str | None = None) -> Scope:
    """Return what a policy for the storage's bucket is about."""
    options = storage.objects.options
    uses = uses_of(storage)
    return Scope(
        bucket=storage.objects.bucket.name or "",
        locations=tuple(dict.fromkeys(use.location for use in uses)),
        partition=partition_of(options.region_name),
        region=options.region_name or None,
        kms_key=kms_key or next((use.kms_key for use in uses if use.kms_key), None),
        batch_role=batch_role,
    )


def features_in_use(
    storage: S3Storage, names: tuple[str, ...] = (), *, kms: bool = False
) -> dict[str, tuple[str, ...]]:
    """Return the features of each location: those that its storages use, or `names`.

    Names of features for static files are only for locations of static files, and the others only for the rest, if the
    bucket has both. `kms` adds the feature of that name.
    """
    uses = uses_of(storage)
    mixed = len({use.static for use in uses}) == 2
    found: dict[str, dict[str, None]] = {}
    for use in uses:
        if names:
            wanted = [name for name in names if not mixed or name.startswith("static") == use.static]
        else:
            wanted = ["static"] if use.static else ["storage"]
            wanted += [name for name in ("acl", "tags", "uploads") if getattr(use, name)]
            wanted += ["kms"] if kms or use.kms_key else []
        found.setdefault(use.location, {}).update(dict.fromkeys(wanted))
    return {location: tuple(wanted) for location, wanted in found.items() if wanted}
