"""The sentences that the widget shows, translated by Django."""

from __future__ import annotations

from django.utils.translation import gettext as _


def texts() -> dict[str, str]:
    """Return the texts of the widget in the active language."""
    return {
        "choose": _("Choose a file or drop it here"),
    }
