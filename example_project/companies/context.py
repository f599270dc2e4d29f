"""What every page shows around its content."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from companies.access import companies_of

STUDIO = "Studio Fern"


def portal(request: HttpRequest) -> dict[str, Any]:
    """Return the access of the page (`company`, `folder`, `role` as in companies.access), and the user's companies."""
    access = getattr(request, "access", None)
    user = getattr(request, "user", None)
    return {
        "studio": STUDIO,
        "access": access,
        "company": access.company if access else None,
        "my_companies": SimpleLazyObject(lambda: companies_of(user) if user is not None else []),
    }
