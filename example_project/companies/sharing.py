"""How s3store.sharing finds the folders, the brand and the people of the portal: the setting S3STORE_SHARING."""

from collections.abc import Iterable
from typing import Any

from django.core.files.storage import default_storage

from companies import quota
from companies.access import NAMES
from companies.models import Company, Membership, Role, VerifiedEmail
from companies.policy import CompanyPolicy
from s3store.folders import Folder
from s3store.sharing import ShareLimitError


class GuestFolder(Folder):
    """The folder of a company for people who come by a link: what they upload counts, too."""

    company: Company

    def save(self, path: Any, content: Any, *, overwrite: bool = False, keep_both: bool = False) -> str:
        """Save a file if the company has the space. Raises ShareLimitError otherwise."""
        size = len(content) if isinstance(content, str | bytes) else content.size
        replaced = self.stat(path).size if overwrite and self.exists(path) else None
        try:
            reservation = quota.reserve(self.company, size)
        except quota.QuotaExceededError as error:
            raise ShareLimitError(str(error)) from error
        try:
            stored = super().save(path, content, overwrite=overwrite, keep_both=keep_both)
        except BaseException:
            quota.release(reservation)
            raise
        quota.settle(reservation, size - (replaced or 0), files=1 if replaced is None else 0)
        return stored


def company_of(root: str) -> Company | None:
    """Return the company whose files are below *root*, unless it was deleted."""
    return Company.objects.filter(prefix=root).first()


def folder(share: Any) -> Any:
    """Return the folder of a share's company, or None if the company is paused or was deleted: its links end."""
    company = company_of(share.root)
    if company is None or not company.is_active:
        return None
    found = GuestFolder(default_storage, company.prefix, policy=CompanyPolicy(company), names=NAMES)
    found.company = company
    return found


def brand(share: Any) -> dict[str, Any]:
    """Return the name and the logo that recipients see."""
    company = company_of(share.root)
    if company is None:
        return {}
    return {"name": company.name, "logo": company.logo.url if company.logo else ""}


def verified_addresses(user: Any) -> Iterable[str]:
    """Return the addresses that a user has proved to own."""
    return VerifiedEmail.objects.filter(user=user).values_list("email", flat=True)


def manages(user: Any, share: Any) -> bool:
    """Return whether a user may see and stop the shares of others: owners of the company, and staff."""
    if user.is_staff:
        return True
    owners = Membership.objects.filter(user=user, role=Role.OWNER, company__is_active=True)
    return owners.filter(company__prefix=share.root).exists()
