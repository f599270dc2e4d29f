"""The app: its name, and what it connects."""

from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SharingConfig(AppConfig):
    name = "s3store.sharing"
    label = "s3store_sharing"
    verbose_name = _("Shared files")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Connect what needs the models."""
        import_module(f"{self.name}.wiring").connect()
