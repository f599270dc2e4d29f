"""The one system check that works without the app: it is registered when a storage class is imported."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.core import checks


@checks.register(checks.Tags.files)
def check_installed(**_: Any) -> list[checks.CheckMessage]:
    """Warn if a storage is used and the app is not installed: its checks and commands are then missing."""
    if apps.is_installed("s3store"):
        return []
    return [
        checks.Warning(
            "A storage of s3store is used, but 's3store' is not in INSTALLED_APPS.",
            hint="Add it, before 'django.contrib.staticfiles': otherwise its checks and commands are missing.",
            id="s3store.W031",
        )
    ]
