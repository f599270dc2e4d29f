"""Deleting a company: its links end first, then its files go, and last its row, so that it can be run again."""

from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone

from companies.models import Company
from s3store.sharing import AccessLog, Share


def describe(company: Company) -> str:
    """Return what belongs to a company, in words."""
    files = sum(1 for _ in default_storage.scan(company.prefix))
    shares = Share.objects.filter(root=company.prefix).count()
    return f"“{company}”: {files} objects, {company.memberships.count()} members, {shares} links"


def delete_company(company: Company) -> str:
    """Delete a company, and return what was deleted, in words.

    Its links answer 410 from the first step on. Their rows stay, without a name or an address, so that this remains the
    answer. Accounts of its members stay: they may belong to other companies.
    """
    text = describe(company)
    Company.objects.filter(pk=company.pk).update(is_active=False)
    _anonymise(company.prefix)
    # The last slash makes the difference between acme/ and acme-2/.
    default_storage.delete_tree(company.prefix)
    if company.logo:
        company.logo.storage.delete(company.logo.name)
    company.delete()
    return text


def orphaned_prefixes() -> list[str]:
    """Return the prefixes below companies/ that belong to no company."""
    known = set(Company.objects.values_list("prefix", flat=True))
    folders, _files = default_storage.listdir("companies/")
    return sorted(f"companies/{name}/" for name in folders if f"companies/{name}/" not in known)


def _anonymise(root: str) -> None:
    """Stop the links below *root*, take names and addresses out of their rows, and delete their log."""
    with transaction.atomic():
        shares = Share.objects.filter(root=root)
        shares.filter(revoked_at=None).update(revoked_at=timezone.now())
        shares.update(email="", email_key="", path="", message="", password="", created_by=None)
        AccessLog.older_than(timezone.now()).filter(root=root).delete()
