"""The settings that named storages before Django 4.2, for Django versions that ignore them."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed

# The STORAGES that we wrote ourselves.
_applied: dict[str, Any] | None = None

LEGACY = {"DEFAULT_FILE_STORAGE": "default", "STATICFILES_STORAGE": "staticfiles"}
"""The settings by which Django before 4.2 named storages, and the aliases that took their place."""


def legacy_settings() -> dict[str, str]:
    """Return those of the legacy settings that the project makes."""
    return {name: getattr(settings, name) for name in LEGACY if _is_overridden(name)}


def apply_legacy_settings() -> None:
    """Write the legacy settings into STORAGES, for a Django that ignores them.

    Raises ImproperlyConfigured when both are made, as Django 4.2 does.
    """
    found = legacy_settings()
    if found and _is_overridden("STORAGES") and settings.STORAGES is not _applied:
        raise ImproperlyConfigured(f"{' and '.join(found)}/STORAGES are mutually exclusive: keep STORAGES.")
    for name, path in found.items():
        _set_backend(LEGACY[name], path)


def follow_legacy_setting(*, setting: str, value: str | None, enter: bool, **_: object) -> None:
    """Do the same when a test overrides one of them."""
    if setting in LEGACY:
        if enter and value:
            _set_backend(LEGACY[setting], value)
        # Django's own receiver forgets the storages made so far.
        setting_changed.send(sender=None, setting="STORAGES", value=settings.STORAGES, enter=enter)


def _is_overridden(name: str) -> bool:
    holder: Any = settings
    return bool(holder.is_overridden(name))


def _set_backend(alias: str, path: str) -> None:
    global _applied
    settings.STORAGES = _applied = {**settings.STORAGES, alias: {"BACKEND": path}}
