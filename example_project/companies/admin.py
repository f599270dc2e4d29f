"""The companies app in Django's admin. Tokens, their hashes and texts of mails are not shown."""

from typing import Any

from django.contrib import admin

from companies.models import Company, Invitation, Membership, Reservation, VerifiedEmail


class MembershipInline(admin.TabularInline):
    """Members of a company."""

    model = Membership
    extra = 0
    autocomplete_fields = ["user"]


@admin.register(Company)
class CompanyAdmin(admin.ModelAdmin):
    """Companies. Deleting one also deletes files: use `manage.py delete_company`."""

    list_display = ["name", "slug", "is_active", "files_count", "bytes_used", "quota", "counted_at"]
    list_filter = ["is_active"]
    search_fields = ["name", "slug"]
    readonly_fields = ["prefix", "bytes_used", "files_count", "counted_at", "created_at"]
    inlines = [MembershipInline]

    def get_readonly_fields(self, request: Any, obj: Any = None) -> list[str]:
        """Keep the slug of a company: it is part of URLs that people have."""
        return [*super().get_readonly_fields(request, obj), *(["slug"] if obj else [])]

    def has_delete_permission(self, request: Any, obj: Any = None) -> bool:  # noqa: ARG002
        """Leave it to the command: it ends the links first, then deletes the files, then the row."""
        return False


class ReadOnly(admin.ModelAdmin):
    """Rows that the portal makes."""

    def has_add_permission(self, request: Any) -> bool:  # noqa: ARG002
        """Nobody adds one here."""
        return False

    def has_change_permission(self, request: Any, obj: Any = None) -> bool:  # noqa: ARG002
        """Nobody changes one here."""
        return False


@admin.register(Invitation)
class InvitationAdmin(ReadOnly):
    """Invitations, without the hash of the token."""

    list_display = ["email", "company", "role", "created_at", "expires_at", "accepted_at"]
    exclude = ["token_hash"]


@admin.register(Reservation)
class ReservationAdmin(ReadOnly):
    """Space of uploads in progress."""

    list_display = ["id", "company", "bytes", "created_by", "expires_at"]


@admin.register(VerifiedEmail)
class VerifiedEmailAdmin(ReadOnly):
    """Addresses that people have proved to own."""

    list_display = ["email", "user", "verified_at"]
