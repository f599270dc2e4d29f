"""E-mail addresses: when two of them are the same person."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext_lazy as _

_UPPER = re.compile("[A-Z]+")


def email_key(address: str) -> str:
    """Return the form of an address that is compared: the local part in ASCII lower case, the domain in IDNA.

    Only ASCII letters lose their case: other rules make one address of those of different people, such as a dotless i
    and an i. An address without `@` is its own key. RFC 5321, section 2.3.11; RFC 5890.
    """
    local, at, domain = address.strip().rpartition("@")
    if not at:
        return _lower(address.strip())
    with suppress(UnicodeError):
        domain = domain.removesuffix(".").encode("idna").decode()
    return f"{_lower(local)}@{_lower(domain)}"


def email_keys(addresses: Iterable[str]) -> list[str]:
    """Return the keys of several addresses, without empty ones."""
    return [email_key(address) for address in addresses if address]


def checked(address: str) -> str:
    """Return an address that mail can be sent to. Raises ValidationError."""
    address = address.strip()
    validate_email(address)
    if len(address) > MAX_LENGTH:
        raise ValidationError(_("The address is too long."), code="invalid")
    return address


def _lower(text: str) -> str:
    return _UPPER.sub(lambda found: found[0].lower(), text)


MAX_LENGTH = 254
"""The number of characters of an address. RFC 5321 allows a path of 256, with its brackets."""
