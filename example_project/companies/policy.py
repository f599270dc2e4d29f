"""Who may do what with the files of a company: the one answer for pages, uploads, ZIP files and links."""

from typing import Any

from companies.models import Company, Membership, Role

STAFF = "staff"
"""The role of the studio's people, in every company."""

_READING = frozenset({"list", "read"})
_EVERYTHING = frozenset({"list", "read", "write", "delete", "share"})
ALLOWED: dict[str, frozenset[str]] = {
    Role.VIEWER: _READING,
    Role.CLIENT: _EVERYTHING,
    Role.OWNER: _EVERYTHING,
    STAFF: _EVERYTHING,
}
"""The actions of each role. Owners also manage members, shares of others and the company's settings."""


class CompanyPolicy:
    """The policy of a company's folder. It asks the database once for each person."""

    def __init__(self, company: Company, *, roles: dict[Any, str | None] | None = None) -> None:
        self.company = company
        self._roles = dict(roles or {})

    def can(self, user: Any, action: str, path: str) -> bool:  # noqa: ARG002 - the same for every path
        """Return whether *user* may do *action* ("list", "read", "write", "delete", "share") with *path*."""
        role = self.role_of(user)
        if role is None:
            return False
        if not self.company.is_active:
            return role == STAFF and action in _READING
        return action in ALLOWED[role]

    def role_of(self, user: Any) -> str | None:
        """Return "viewer", "client", "owner", "staff", or None for strangers and for accounts that were closed."""
        if user is None or not user.is_authenticated or not user.is_active:
            return None
        if user.pk not in self._roles:
            self._roles[user.pk] = STAFF if user.is_staff else _member_role(self.company, user)
        return self._roles[user.pk]


def _member_role(company: Company, user: Any) -> str | None:
    return Membership.objects.filter(company=company, user=user).values_list("role", flat=True).first()
