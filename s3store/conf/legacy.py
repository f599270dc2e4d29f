"""The settings that named storages before Django 4.2, for newer versions that ignore them."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed

# The value of STORAGES that this module set.
_applied: dict[str, Any] | None = None

LEGACY = {"DEFAULT_FILE_STORAGE": "default", "STATICFILES_STORAGE": "staticfiles"}
"""The settings that named storages before Django 4.2, and the aliases that replace them."""


def legacy_settings() -> dict[str, str]:
    """Return the legacy settings that the project sets."""
    return {name: getattr(settings, name) for name in LEGACY if _is_overridden(name)}


def apply_legacy_settings() -> None:
    """Write the legacy settings into STORAGES. Raises ImproperlyConfigured if both are set, as Django 4.2 does."""
    found = legacy_settings()
    if found and _is_overridden("STORAGES") and settings.STORAGES is not _applied:
        raise ImproperlyConfigured(f"{' and '.join(found)}/STORAGES are mutually exclusive: keep STORAGES.")
    for name, path in found.items():
        _set_backend(LEGACY[name], path)


def follow_legacy_setting(*, setting: str, value: str | None, enter: bool, **_: object) -> None:
    """Write a legacy setting into STORAGES when a test overrides it."""
    if setting in LEGACY:
        if enter and value:
            _set_backend(LEGACY[setting], value)
        # Django's own receiver drops the existing storages.
        setting_changed.send(sender=None, setting="STORAGES", value=settings.STORAGES, enter=enter)


def _is_overridden(name: str) -> bool:
    holder: Any = settings
    return bool(holder.is_overridden(name))


def _set_backend(alias: str, path: str) -> None:
    global _applied
    settings.STORAGES = _applied = {**settings.STORAGES, alias: {"BACKEND": path}}
