"""The admin of shares: looking and stopping. Links are made in the pages of the site, because mails contain them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from s3store.sharing.models import AccessLog, Share


class ReadOnly(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in the stubs only
    """An admin that adds, changes and deletes nothing."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Return False."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return False."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return False."""
        return False


@admin.register(Share)
class ShareAdmin(ReadOnly):
    """Shares, without their secrets, and the action that stops them."""

    list_display = ("path", "email", "state", "can_edit", "expires_at", "downloads", "created_by")
    list_filter = ("can_edit", "is_folder")
    search_fields = ("path", "email")
    fields = (
        "id",
        "root",
        "path",
        "is_folder",
        "email",
        "can_edit",
        "state",
        "has_password",
        "expires_at",
        "max_downloads",
        "downloads",
        "require_account",
        "message",
        "created_by",
        "created_at",
        "revoked_at",
        "paused_at",
    )
    actions = ("stop",)

    def has_stop_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may stop shares: Django's permission to change them."""
        return super(ReadOnly, self).has_change_permission(request)

    @admin.action(description=_("Stop sharing"), permissions=["stop"])
    def stop(self, request: HttpRequest, queryset: Any) -> None:
        """Stop the chosen shares."""
        for share in queryset:
            share.revoke(request.user, request=request)


@admin.register(AccessLog)
class AccessLogAdmin(ReadOnly):
    """The access log."""

    list_display = ("at", "actor", "action", "path", "network", "agent")
    list_filter = ("action",)
    search_fields = ("actor", "path")
    date_hierarchy = "at"
