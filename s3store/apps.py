"""The app: registers the system checks and applies the legacy settings."""

from __future__ import annotations

from typing import Any

import django
from django.apps import AppConfig
from django.core.checks import Tags, register
from django.core.signals import setting_changed

from s3store.checks import check_legacy_settings, check_order, check_settings, check_staticfiles, check_storages
from s3store.conf import legacy
from s3store.uploads.checks import check_upload_permissions, check_uploads

DJANGO_READS_LEGACY_SETTINGS = django.VERSION < (5, 1)


class S3StoreConfig(AppConfig):
    name = "s3store"
    verbose_name = "s3store"

    def __init__(self, app_name: str, app_module: Any) -> None:
        super().__init__(app_name, app_module)
        # Not in ready(): models are imported before it, and their file fields get their storages.
        if not DJANGO_READS_LEGACY_SETTINGS:
            legacy.apply_legacy_settings()
            setting_changed.connect(legacy.follow_legacy_setting, dispatch_uid="s3store.legacy")

    def ready(self) -> None:
        register(check_storages, Tags.files)
        register(check_settings, Tags.files)
        register(check_uploads, Tags.files)
        register(check_upload_permissions, Tags.security, deploy=True)
        register(check_order, Tags.staticfiles)
        register(check_staticfiles, Tags.staticfiles)
        if not DJANGO_READS_LEGACY_SETTINGS:
            register(check_legacy_settings, Tags.files)
