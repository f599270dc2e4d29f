"""System checks for each s3store storage in STORAGES. They send no requests."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.apps import AppConfig, apps
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import storages
from django.utils.module_loading import import_string

from s3store.conf import foreign, legacy, rules
from s3store.conf.configured import Configured
from s3store.conf.project import declared_with, is_local, setting, unread_settings, written_in
from s3store.core.suggest import did_you_mean
from s3store.local.storage import FakeS3Storage, mounted_at
from s3store.staticfiles.staging import Staged
from s3store.storage import S3MediaStorage, S3StaticStorage

__all__ = ["check_legacy_settings", "check_order", "check_settings", "check_staticfiles", "check_storages"]

Messages = list[checks.CheckMessage]

CLASSES = ("S3Storage", "S3MediaStorage", "S3StaticStorage", "S3ManifestStaticStorage")


def check_storages(app_configs: Sequence[AppConfig] | None = None, **_: Any) -> Messages:
    """Check the options of each s3store storage in STORAGES."""
    found: dict[str, Configured] = {}
    messages: Messages = []
    backends: Any = storages.backends
    create: Any = storages.create_storage
    for alias, entry in backends.items():
        messages += _check_entry(alias, entry)
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
    for alias, storage in found.items():
        for check in (_check_hooks, _check_domain, _check_secrets):
            messages += check(alias, storage)
    return [*messages, *_check_shared_locations(found), *_check_location_setting(found), *_check_urls(found)]


def _check_entry(alias: str, entry: Mapping[str, Any]) -> Iterator[checks.CheckMessage]:
    path = entry.get("BACKEND")
    if isinstance(path, str) and path.startswith("s3store.") and not _is_ours(path):
        known = [f"s3store.storage.{name}" for name in CLASSES]
        yield checks.Error(
            f"STORAGES[{alias!r}]: there is no storage {path!r}.",
            hint=did_you_mean(path, known, f"Use one of {', '.join(known)}."),
            id="s3store.E022",
        )
    if _is_ours(path):
        for name in set(entry) - {"BACKEND", "OPTIONS"}:
            yield checks.Error(
                f"STORAGES[{alias!r}]: {name!r} is beside OPTIONS, where Django does not read it.",
                hint=f'Write "OPTIONS": {{"{name}": …}}.',
                id="s3store.E023",
            )


def _check_hooks(alias: str, storage: Configured) -> Iterator[checks.CheckMessage]:
    """Report what a subclass defines for another package, and nobody calls."""
    for name, advice in foreign.NAMES.items():
        found = inspect.getattr_static(type(storage), name)
        if not isinstance(found, foreign.ForeignName):
            yield checks.Warning(
                f"STORAGES[{alias!r}]: {type(storage).__name__}.{name} is never used.",
                hint=advice,
                id="s3store.W023",
            )


def _check_domain(alias: str, storage: Configured) -> Iterator[checks.CheckMessage]:
    """Report a custom domain that was declared together with another bucket."""
    resolved = storage.resolve()
    own, domain = resolved.options.bucket_name, resolved.options.custom_domain
    of_domain = declared_with("bucket_name", "custom_domain", type(storage), resolved.sources)
    if domain and of_domain and own and of_domain != own:
        yield checks.Warning(
            f"STORAGES[{alias!r}]: the bucket is {own!r}, but custom_domain {domain!r} was set for {of_domain!r}.",
            hint=f"Set custom_domain where bucket_name is set: the domain of {own!r}, or None.",
            id="s3store.W024",
        )


def _check_secrets(alias: str, storage: Configured) -> Iterator[checks.CheckMessage]:
    """Report secrets that are written in the code, and those that Django's error reports show."""
    resolved = storage.resolve()
    options = resolved.options
    if not is_local(options.endpoint_url):
        for name in ("secret_key", "security_token", "cloudfront_key"):
            path = written_in(getattr(options, name), type(storage))
            if path:
                yield checks.Warning(
                    f"STORAGES[{alias!r}]: {resolved.sources[name]}: the secret is written in {path}.",
                    hint="Replace the key: copies of the file contain it. Use a role, or an environment variable.",
                    id="s3store.W025",
                )
    source = resolved.sources.get("proxies", "")
    if source.startswith(("settings.", "OPTIONS")) and any("@" in str(url) for url in (options.proxies or {}).values()):
        yield checks.Warning(
            f"STORAGES[{alias!r}]: {source} contains a password, which Django's error reports show.",
            hint="Return proxies from a property of a subclass, or set the environment variable HTTPS_PROXY.",
            id="s3store.W026",
        )


def _check_location_setting(found: Mapping[str, Configured]) -> Iterator[checks.CheckMessage]:
    """Report an AWS_LOCATION that no storage reads."""
    sources = {alias: storage.resolve().sources.get("location", "") for alias, storage in found.items()}
    if not setting("AWS_LOCATION") or "settings.AWS_LOCATION" in sources.values():
        return
    for alias, source in sources.items():
        if source.startswith("class attribute ") and isinstance(found[alias], (S3MediaStorage, S3StaticStorage)):
            name = "STATICFILES_LOCATION" if isinstance(found[alias], S3StaticStorage) else "MEDIAFILES_LOCATION"
            yield checks.Warning(
                f"STORAGES[{alias!r}]: AWS_LOCATION has no effect: the location is that of the {source}.",
                hint=f"Set {name}, or location in its OPTIONS.",
                id="s3store.W027",
            )


def _check_urls(found: Mapping[str, Configured]) -> Iterator[checks.CheckMessage]:
    """Report MEDIA_URL and STATIC_URL that cannot be right, or are not those of the storage."""
    for name, alias in (("MEDIA_URL", "default"), ("STATIC_URL", "staticfiles")):
        url = str(setting(name) or "")
        # Django puts its prefix before what does not look like a URL.
        before, separator, rest = url.partition("://")
        scheme = before.rpartition("/")[2]
        if separator and scheme not in ("http", "https"):
            yield checks.Error(
                f"{name}: the scheme {scheme!r} does not exist.", hint=f"Write https://{rest}", id="s3store.E024"
            )
        elif (separator or url.startswith("//")) and alias in found:
            options = found[alias].resolve().options
            base = "/".join(part for part in (options.custom_domain, options.location) if part) + "/"
            if options.custom_domain and url.partition("//")[2] != base:
                yield checks.Warning(
                    f"{name} is {url!r}, but URLs of STORAGES[{alias!r}] start with '{options.url_protocol}//{base}'.",
                    hint=f"Correct or remove {name}: s3store does not read it.",
                    id="s3store.W028",
                )


def check_settings(app_configs: Sequence[AppConfig] | None = None, **_: Any) -> Messages:
    """Warn about AWS_* settings that nobody reads: those of other packages, and misspelt ones."""
    backends: Any = storages.backends
    if not any(_is_ours(entry.get("BACKEND")) for entry in backends.values()):
        return []
    return [
        checks.Warning(f"The setting {name} has no effect.", hint=hint, id="s3store.W029")
        for name, hint in unread_settings()
    ]


def check_staticfiles(app_configs: Sequence[AppConfig] | None = None, **_: Any) -> Messages:
    """Warn about a storage of static files that is not made for them."""
    backends: Any = storages.backends
    path = (backends.get("staticfiles") or {}).get("BACKEND")
    if not _is_ours(path) or issubclass(_class_of(path), Staged):
        return []
    return [
        checks.Warning(
            f"STORAGES['staticfiles'] is {path!r}: collectstatic compares times, and URLs are signed by default.",
            hint="Use s3store.storage.S3StaticStorage or S3ManifestStaticStorage.",
            id="s3store.W030",
        )
    ]


def _class_of(path: Any) -> Any:
    try:
        return import_string(path) if isinstance(path, str) else path
    except ImportError:
        return None


def _is_ours(path: Any) -> bool:
    backend = _class_of(path)
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
            id="s3store.E025",
        )
    if not storage.has_directory:
        yield checks.Error(
            f"STORAGES[{alias!r}] has no directory.",
            hint="Set MEDIA_ROOT, or directory in its OPTIONS.",
            id="s3store.E026",
        )
    try:
        mounted_at()
    except ImproperlyConfigured:
        yield checks.Warning(
            f"STORAGES[{alias!r}] is the development twin, and its URLs are not served.",
            hint='Add path("media/s3/", include("s3store.local.urls")) to the URLs of the project.',
            id="s3store.W032",
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
