"""The setting STORAGES, written out: from the settings of other packages, from AWS_* settings, or for a bucket."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pprint import pformat
from typing import Any

from django.utils.module_loading import import_string
from django.views.decorators.debug import sensitive_variables

from s3store.conf.foreign import advice_for
from s3store.conf.options import FIELDS, SECRETS
from s3store.conf.project import setting, unread_settings
from s3store.conf.sources import resolve
from s3store.storage import S3Storage

__all__ = ["Block", "block_for", "written_storages"]

_PLAIN, _STATIC, _MANIFEST = (f"s3store.storage.S3{kind}Storage" for kind in ("", "Static", "ManifestStatic"))

_DJANGO_STORAGES = {
    "storages.backends.s3.S3Storage": _PLAIN,
    "storages.backends.s3boto3.S3Boto3Storage": _PLAIN,
    "storages.backends.s3.S3StaticStorage": _STATIC,
    "storages.backends.s3boto3.S3StaticStorage": _STATIC,
    "storages.backends.s3.S3ManifestStaticStorage": _MANIFEST,
    "storages.backends.s3boto3.S3ManifestStaticStorage": _MANIFEST,
}
_DJANGO_S3_STORAGE = {
    "django_s3_storage.storage.S3Storage": _PLAIN,
    "django_s3_storage.storage.StaticS3Storage": _STATIC,
    "django_s3_storage.storage.ManifestStaticS3Storage": _MANIFEST,
}
_OURS = (_PLAIN, _STATIC, _MANIFEST, "s3store.storage.S3MediaStorage")

# Settings of django-s3-storage whose values are those of an option.
_RENAMED = {
    "AWS_S3_BUCKET_NAME": "bucket_name",
    "AWS_S3_KEY_PREFIX": "location",
    "AWS_S3_ENDPOINT_URL": "endpoint_url",
    "AWS_S3_FILE_OVERWRITE": "file_overwrite",
    "AWS_S3_GZIP": "gzip",
}

_PASSWORD = re.compile(r"://[^/'\"]*@")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """The setting STORAGES. `storages` is its value, without secrets.

    `kept` are names of settings that must stay, because they are secret or cannot be written as text; `replaced` are
    names of settings that STORAGES contains now. `notes` are sentences about what must be done by hand.
    """

    storages: Mapping[str, Mapping[str, Any]]
    kept: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The block as Python, to paste into the settings."""
        value = {alias: dict(entry) for alias, entry in self.storages.items()}
        return f"STORAGES = {pformat(value, indent=4, width=100, sort_dicts=False)}"


def block_for(bucket: str, *, region: str | None = None, endpoint_url: str | None = None) -> Block:
    """Return STORAGES for media below `media/` and static files below `static/` of a bucket. Sends no request.

    Credentials are left to the environment. Raises ValueError for a URL with a password.
    """
    if endpoint_url and _PASSWORD.search(endpoint_url):
        raise ValueError("The endpoint URL contains a user or a password. Give credentials by the environment.")
    given = {"bucket_name": bucket, "region_name": region, "endpoint_url": endpoint_url}
    options = {name: value for name, value in given.items() if value}
    media, static = "s3store.storage.S3MediaStorage", _STATIC
    return Block(
        storages={
            "default": {"BACKEND": media, "OPTIONS": options},
            "staticfiles": {"BACKEND": static, "OPTIONS": dict(options)},
        }
    )


@sensitive_variables()
def written_storages() -> Block:
    """Return STORAGES of the project with the classes of s3store and with all their options, also those in settings.

    Entries of django-storages and django-s3-storage are replaced. Other entries stay as they are. Sends no request.
    Raises ValueError if no entry is of S3, and ImproperlyConfigured for options that s3store rejects.
    """
    found = _Found()
    for alias, entry in (setting("STORAGES") or {}).items():
        found.add(alias, entry)
    if not found.of_s3:
        raise ValueError("No entry of STORAGES uses S3. Give --bucket to print one for a bucket.")
    if found.others:
        found.notes.append(
            f"{', '.join(found.others)}: not a class that is known. Check that its options stay, and keep the settings "
            "that it reads."
        )
    rest = {f"{name}: {advice}": None for name, advice in unread_settings() if name not in found.replaced}
    return Block(
        storages=found.storages,
        kept=tuple(sorted(found.kept)),
        replaced=tuple(sorted(found.replaced - found.kept)),
        notes=(*found.notes, *rest),
    )


class _Found:
    def __init__(self) -> None:
        self.storages: dict[str, dict[str, Any]] = {}
        self.kept: set[str] = set()
        self.replaced: set[str] = set()
        self.notes: list[str] = []
        self.others: list[str] = []
        self.of_s3 = False

    @sensitive_variables()
    def add(self, alias: str, entry: Mapping[str, Any]) -> None:
        path, given = str(entry.get("BACKEND")), dict(entry.get("OPTIONS") or {})
        theirs = _DJANGO_STORAGES.get(path) or _DJANGO_S3_STORAGE.get(path)
        if not theirs and path not in _OURS:
            self._leave(alias, path, given)
            return
        self.of_s3 = True
        # The classes of other packages have no location of their own.
        cls: Any = S3Storage if theirs else import_string(path)
        for name in [name for name in given if name not in FIELDS]:
            del given[name]
            self.notes.append(f"{alias}: the option {name!r} does not exist in s3store. Remove it.")
        if path in _DJANGO_S3_STORAGE:
            given = {**self._renamed("_STATIC" if theirs != _PLAIN else ""), **given}
        elif theirs == _PLAIN and "file_overwrite" not in given and setting("AWS_S3_FILE_OVERWRITE") is None:
            self.notes.append(
                f"{alias}: django-storages replaces files that have the same name, and s3store does not. "
                'To keep that, add "file_overwrite": True.'
            )
        resolved = resolve(cls, given)
        options: dict[str, Any] = {}
        for name, source in resolved.sources.items():
            where, _, what = source.partition(".")
            if not source.startswith("OPTIONS") and where != "settings":
                continue
            value = getattr(resolved.options, name)
            if name in SECRETS or not FIELDS[name].repr or not _is_literal(value):
                self._keep(alias, name, what)
                continue
            options[name] = ast.literal_eval(repr(value))
            if what:
                self.replaced.add(what)
        if theirs:
            options["location"] = resolved.options.location
        self.storages[alias] = {"BACKEND": theirs or path, "OPTIONS": options}

    def _keep(self, alias: str, name: str, what: str) -> None:
        if what:
            self.kept.add(what)
        else:
            self.notes.append(f"{alias}: add the option {name!r} yourself: it is secret, or cannot be written as text.")

    def _renamed(self, suffix: str) -> dict[str, Any]:
        """Return options from the settings of django-s3-storage, with the suffix of those for static files."""
        found: dict[str, Any] = {}
        names = {f"{old}{suffix}": name for old, name in _RENAMED.items()}
        for old, name in {"AWS_REGION": "region_name", **names}.items():
            value = setting(old)
            if value is None:
                continue
            found[name] = value.strip("/") if name == "location" else value
            if advice_for(old):
                self.replaced.add(old)
        if url := setting(f"AWS_S3_PUBLIC_URL{suffix}"):
            found |= {"custom_domain": url.rpartition("://")[2].strip("/"), "querystring_auth": False}
            self.replaced.add(f"AWS_S3_PUBLIC_URL{suffix}")
        return found

    def _leave(self, alias: str, path: str, given: Mapping[str, Any]) -> None:
        shown = {name: value for name, value in given.items() if _is_literal(value) and not _SECRET.search(name)}
        for name in given.keys() - shown.keys():
            self._keep(alias, name, "")
        self.storages[alias] = {"BACKEND": path, **({"OPTIONS": shown} if shown else {})}
        if not path.startswith("django."):
            self.others.append(alias)


_SECRET = re.compile("secret|key|token|password|credential", re.IGNORECASE)


def _is_literal(value: object) -> bool:
    """Return whether a value can be written as text, and contains no password."""
    text = repr(value)
    try:
        return bool(ast.literal_eval(text) == value) and not _PASSWORD.search(text)
    except (ValueError, SyntaxError):
        return False
