"""The people and companies of the tests."""

from datetime import timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.core.files.storage import default_storage
from django.utils import timezone

from companies.access import folder_of
from companies.models import Company, Membership, Role, VerifiedEmail
from s3store import sharing
from s3store.folders import Folder

PASSWORD = "fern-tests"


def person(address: str, **facts: Any) -> Any:
    """Return a user with a verified address."""
    user = get_user_model().objects.create_user(address, address, PASSWORD, **facts)
    VerifiedEmail.objects.create(user=user, email=address, email_key=address)
    return user


def put(name: str, content: bytes) -> None:
    """Write a file into the bucket, past all rules of the portal."""
    Folder(default_storage).save(name, content, overwrite=True)


class Scene:
    """Two companies with a person for each role, somebody of no company, and the studio's staff."""

    def __init__(self) -> None:
        self.acme = Company.objects.create(name="Acme", slug="acme", quota=1000)
        self.rival = Company.objects.create(name="Acme 2", slug="acme-2", quota=1000)
        self.people = {
            "stranger": person("stranger@example.com"),
            "rival": self._member(self.rival, "rival@rival.example", Role.OWNER),
            "viewer": self._member(self.acme, "viewer@acme.example", Role.VIEWER),
            "client": self._member(self.acme, "client@acme.example", Role.CLIENT),
            "owner": self._member(self.acme, "owner@acme.example", Role.OWNER),
            "staff": person("staff@studio-fern.example", is_staff=True),
        }

    def _member(self, company: Company, address: str, role: str) -> Any:
        user = person(address)
        Membership.objects.create(company=company, user=user, role=role)
        return user

    def membership(self, who: str) -> Membership:
        """Return the membership of a person in Acme."""
        return self.acme.memberships.get(user=self.people[who])

    def share(self, who: str = "client", path: str = "offer.txt", **facts: Any) -> tuple[Any, str]:
        """Share a file of Acme. Return the share and the path of its link."""
        user = self.people[who]
        folder = folder_of(self.acme, user)
        if not folder.exists(path):
            put(self.acme.prefix + path, b"an offer")
        facts = {"email": "priya@printworks.example", "expires_at": timezone.now() + timedelta(days=7), **facts}
        share, link = sharing.create(folder, path, created_by=user, **facts)
        return share, "/s/" + link.partition("/s/")[2]
