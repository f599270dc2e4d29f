"""The one way into a company: a page gets the company, its folder and the role of the user, or 404."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.files.storage import default_storage
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from companies.models import Company, Membership, Role
from companies.policy import STAFF, CompanyPolicy
from s3store.folders import Folder

NAMES = "portable"
"""New names must also work on the computers of the other people."""


@dataclass(frozen=True, kw_only=True)
class Access:
    """A company as one user may see it."""

    company: Company
    folder: Folder
    role: str
    """"viewer", "client", "owner" or "staff"."""
    policy: CompanyPolicy

    def can(self, action: str, path: str = "") -> bool:
        """Return whether the user may do *action* with *path*."""
        return self.policy.can(self.folder.user, action, path)

    @property
    def may_write(self) -> bool:
        """Whether the user may add, change and move files."""
        return self.can("write")

    @property
    def may_delete(self) -> bool:
        """Whether the user may delete files."""
        return self.can("delete")

    @property
    def may_share(self) -> bool:
        """Whether the user may share files."""
        return self.can("share")

    @property
    def may_manage(self) -> bool:
        """Whether the user may manage members, all shares, and the settings of the company."""
        return self.role in (Role.OWNER, STAFF) and self.company.is_active


def open_company(request: HttpRequest, slug: str) -> Access:
    """Return the company *slug* as the user may see it: one query. Raises Http404 for everybody else.

    A company that does not exist and one of other people look the same. Members of a paused company get 404, too;
    staff can still read its files.
    """
    user = request.user
    company, role = _company_and_role(user, slug)
    if company is None or (not company.is_active and role != STAFF):
        raise Http404(_("There is nothing here that you can open."))
    policy = CompanyPolicy(company, roles={user.pk: role})
    access = Access(company=company, folder=folder_of(company, user, policy=policy), role=role, policy=policy)
    request.access = access  # type: ignore[attr-defined]
    return access


def folder_of(company: Company, user: Any = None, *, policy: CompanyPolicy | None = None) -> Folder:
    """Return the folder of a company for *user*. It asks the policy on every verb."""
    return Folder(default_storage, company.prefix, user=user, policy=policy or CompanyPolicy(company), names=NAMES)


def company_page(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Decorate a view `(request, access, …)` of the URL `/c/<slug>/…`: people log in first, strangers get 404."""

    @login_required
    @wraps(view)
    def page(request: HttpRequest, slug: str, **kwargs: Any) -> HttpResponse:
        return view(request, open_company(request, slug), **kwargs)

    return page


def managers_page(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Decorate a view `(request, access, …)` for owners and staff. Other members get 404."""

    @company_page
    @wraps(view)
    def page(request: HttpRequest, access: Access, **kwargs: Any) -> HttpResponse:
        if not access.may_manage:
            raise Http404(_("There is nothing here that you can open."))
        return view(request, access, **kwargs)

    return page


def companies_of(user: Any) -> "list[Company]":
    """Return the companies that *user* may open: all for staff, active ones for members."""
    if not user.is_authenticated or not user.is_active:
        return []
    if user.is_staff:
        return list(Company.objects.all())
    return list(Company.objects.filter(memberships__user=user, is_active=True))


def _company_and_role(user: Any, slug: str) -> tuple[Company | None, str]:
    if not user.is_authenticated or not user.is_active:
        return None, ""
    if user.is_staff:
        return Company.objects.filter(slug=slug).first(), STAFF
    found = Membership.objects.select_related("company").filter(company__slug=slug, user=user).first()
    return (found.company, found.role) if found else (None, "")
