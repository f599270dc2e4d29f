"""System checks of shares. They send no requests, and call no function of the project."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig, apps
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.urls import NoReverseMatch, reverse

from s3store.conf.project import setting
from s3store.sharing import configured
from s3store.sharing.access import MOST_GUEST_SECONDS
from s3store.sharing.configured import NAME

Messages = list[checks.CheckMessage]


def check_sharing(app_configs: Sequence[AppConfig] | None = None, **_: Any) -> Messages:
    """Check S3STORE_SHARING, and that the project has what shares need."""
    try:
        values = configured.current()
    except ImproperlyConfigured as error:
        return [checks.Error(str(error), hint=f"Change {NAME}.", id="s3store.E037")]
    return [*_check_values(values), *_check_project()]


def _check_values(values: configured.Configured) -> Iterator[checks.CheckMessage]:
    parts = urlsplit(values.base_url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        yield checks.Error(
            f"{NAME}['base_url'] is {values.base_url!r}. Links in mails need the URL of the site.",
            hint=f"Set {NAME}['base_url'] = 'https://portal.example'.",
            id="s3store.E038",
        )
    if values.mode not in ("redirect", "stream"):
        yield checks.Error(f"{NAME}['mode'] is {values.mode!r}.", hint="Use 'redirect' or 'stream'.", id="s3store.E039")
    try:
        _ = values.networks
    except ValueError as error:
        yield checks.Error(
            f"{NAME}['trusted_proxies']: {error}.",
            hint="Use addresses or networks, such as '10.0.0.0/8'.",
            id="s3store.E040",
        )
    if not 1 <= values.guest_seconds <= MOST_GUEST_SECONDS:
        yield checks.Warning(
            f"{NAME}['guest_seconds'] is {values.guest_seconds}. URLs for guests live 1 to {MOST_GUEST_SECONDS} s.",
            hint=f"Use a value from 1 to {MOST_GUEST_SECONDS}.",
            id="s3store.W038",
        )


def _check_project() -> Iterator[checks.CheckMessage]:
    if not apps.is_installed("s3store"):
        yield checks.Error(
            "'s3store.sharing' needs 's3store' in INSTALLED_APPS: the file input and the translations are there.",
            hint="Add 's3store' before it.",
            id="s3store.E041",
        )
    try:
        reverse("s3store_sharing:open", args=["x"])
    except NoReverseMatch:
        yield checks.Warning(
            "The pages of shares are not served.",
            hint='Add path("", include("s3store.sharing.urls")) to the URLs of the project, or silence this check.',
            id="s3store.W039",
        )
    except Exception:  # noqa: BLE001 (a URL configuration can raise anything; Django's own check reports it)
        return
    if "django.contrib.sessions.middleware.SessionMiddleware" not in (setting("MIDDLEWARE") or ()):
        yield checks.Error(
            "'django.contrib.sessions.middleware.SessionMiddleware' is not in MIDDLEWARE: sessions open links.",
            hint="Add it.",
            id="s3store.E042",
        )
