"""System checks for each s3store storage in STORAGES. They send no requests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.apps import AppConfig, apps
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import storages
from django.utils.module_loading import import_string

from s3store.conf import legacy, rules
from s3store.conf.configured import Configured
from s3store.local.storage import FakeS3Storage, mounted_at

__all__ = ["check_legacy_settings", "check_order", "check_storages"]

Messages = list[checks.CheckMessage]


def check_storages(app_configs: Sequence[AppConfig] | None = None, **_: Any) -> Messages:
    """Check the options of each s3store storage in STORAGES."""
    found: dict[str, Configured] = {}
    messages: Messages = []
    backends: Any = storages.backends
    create: Any = storages.create_storage
    for alias, entry in backends.items():
        if _is_ours(entry.get("BACKEND")):
            try:
                found[alias] = create(entry)
            except ImproperlyConfigured as error:
                messages.append(checks.Error(f"STORAGES[{alias!r}]: {error}", id="s3store.E020"))
    for alias, storage in list(found.items()):
        problems = [*_check_options(alias, storage), *_check_twin(alias, storage)]
        if any(problem.id == "s3store.E001" for problem in problems):
            del found[alias]
        messages += problems
    return [*messages, *_check_shared_locations(found)]


def _is_ours(path: Any) -> bool:
    try:
        backend = import_string(path) if isinstance(path, str) else path
    except ImportError:
        return False
    return isinstance(backend, type) and issubclass(backend, Configured)


def _check_options(alias: str, storage: Configured) -> Iterator[checks.CheckMessage]:
    resolved = storage.resolve()
    for problem in rules.problems(resolved, warnings=True):
        kind = checks.Warning if problem.id.startswith("s3store.W") else checks.Error
        yield kind(f"STORAGES[{alias!r}]: {problem.message}", hint=problem.hint, id=problem.id)
    if not resolved.options.bucket_name:
        yield checks.Error(
            f"STORAGES[{alias!r}] has no bucket.",
            hint="Set bucket_name in its OPTIONS, or AWS_STORAGE_BUCKET_NAME.",
            id="s3store.E021",
        )


def _check_twin(alias: str, storage: Configured) -> Iterator[checks.CheckMessage]:
    if not isinstance(storage, FakeS3Storage):
        return
    if not storage.is_allowed:
        yield checks.Error(
            f"STORAGES[{alias!r}] is the development twin, which does not work with DEBUG=False.",
            hint="Use s3store.storage.S3Storage in production. In tests, set allow_without_debug=True in its OPTIONS.",
            id="s3store.E022",
        )
    if not storage.has_directory:
        yield checks.Error(
            f"STORAGES[{alias!r}] has no directory.",
            hint="Set MEDIA_ROOT, or directory in its OPTIONS.",
            id="s3store.E023",
        )
    try:
        mounted_at()
    except ImproperlyConfigured:
        yield checks.Warning(
            f"STORAGES[{alias!r}] is the development twin, and its URLs are not served.",
            hint='Add path("media/s3/", include("s3store.local.urls")) to the URLs of the project.',
            id="s3store.W023",
        )


def _check_shared_locations(found: dict[str, Configured]) -> Iterator[checks.CheckMessage]:
    seen: dict[tuple[str | None, str, str], str] = {}
    for alias, storage in found.items():
        options = storage.resolve().options
        place = (options.endpoint_url, options.bucket_name, options.location)
        if options.bucket_name and place in seen:
            yield checks.Warning(
                f"STORAGES[{alias!r}] and STORAGES[{seen[place]!r}] have the same bucket "
                f"{options.bucket_name!r} and location {options.location!r}.",
                hint="Set a different location for each. collectstatic --clear would delete the other's files.",
                id="s3store.W020",
            )
        seen.setdefault(place, alias)


def check_legacy_settings(app_configs: Sequence[AppConfig] | None = None, **_: Any) -> Messages:
    """Warn about legacy settings, and show the equivalent STORAGES."""
    return [
        checks.Warning(
            f"Django 5.1 and later ignore the setting {name}; s3store applies it.",
            hint=f'Write STORAGES = {{…, "{legacy.LEGACY[name]}": {{"BACKEND": "{path}"}}}} instead.',
            id="s3store.W021",
        )
        for name, path in legacy.legacy_settings().items()
    ]


def check_order(app_configs: Sequence[AppConfig] | None = None, **_: Any) -> Messages:
    """Warn if Django's own collectstatic is used for an s3store storage."""
    both = ("s3store", "django.contrib.staticfiles")
    found = [config.name for config in apps.get_app_configs() if config.name in both]
    backends: Any = storages.backends
    entry = backends.get("staticfiles") or {}
    if found != ["django.contrib.staticfiles", "s3store"] or not _is_ours(entry.get("BACKEND")):
        return []
    return [
        checks.Warning(
            "'s3store' is after 'django.contrib.staticfiles' in INSTALLED_APPS: collectstatic is Django's own.",
            hint="Move 's3store' before it. Django's collectstatic sends several requests for each file.",
            id="s3store.W022",
        )
    ]
