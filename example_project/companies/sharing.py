"""How s3store.sharing finds the folders, the brand and the people of the portal: the setting S3STORE_SHARING."""

from collections.abc import Iterable
from typing import Any

from companies.access import folder_of
from companies.models import Company, Membership, Role, VerifiedEmail


def company_of(root: str) -> Company | None:
    """Return the company whose files are below *root*, unless it was deleted."""
    return Company.objects.filter(prefix=root).first()


def folder(share: Any) -> Any:
    """Return the folder of a share's company, or None if the company is paused or was deleted: its links end."""
    company = company_of(share.root)
    if company is None or not company.is_active:
        return None
    return folder_of(company)


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
