"""E-mail addresses: who is the same person."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError

from s3store.sharing import email_key
from s3store.sharing.addresses import checked, email_keys

SAME = [
    ("Mike@Example.com", "mike@example.com"),
    ("mike@EXAMPLE.COM.", "mike@example.com"),
    (" mike@example.com ", "mike@example.com"),
    ("mike@bücher.example", "mike@xn--bcher-kva.example"),
    ("mike@BÜCHER.example", "mike@xn--bcher-kva.example"),
    ("jürgen@example.com", "jürgen@example.com"),
    ("Local", "local"),
]
OTHERS = [
    ("mıke@example.com", "mike@example.com"),
    ("ſam@example.com", "sam@example.com"),
    ("mi\u212ae@example.com", "mike@example.com"),
    ("JÜRGEN@example.com", "jürgen@example.com"),
    ("mike+news@example.com", "mike@example.com"),
    ("m.ike@example.com", "mike@example.com"),
    ("mike@example.com.evil.example", "mike@example.com"),
    ("mike@exаmple.com", "mike@example.com"),
    ("mike@example.com", "mike@example.org"),
    ("straße@example.com", "strasse@example.com"),
    ("mike@a..b", "mike@a.b"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_sh_32_the_same_address_in_two_forms(one, other):
    """Case of ASCII letters, and both forms of a domain."""
    assert email_key(one) == email_key(other)


@pytest.mark.parametrize(("one", "other"), OTHERS)
def test_sh_32_look_alikes_are_other_people(one, other):
    """Also those that Python's lower and casefold make equal."""
    assert email_key(one) != email_key(other)


def test_empty_addresses_have_no_key():
    """A user without an address has nothing in common with another one."""
    assert email_keys(["", "a@b.example"]) == ["a@b.example"]


@pytest.mark.parametrize(
    "address",
    [
        "",
        "x",
        "a@b\n.example",
        "a@b.example\r\nBcc: c@d.example",
        f"{'a' * 60}@{'b' * 60}.{'c' * 60}.{'d' * 60}.{'e' * 20}.example",
    ],
)
def test_an_impossible_address_is_refused(address):
    """Before a mail is sent."""
    with pytest.raises(ValidationError):
        checked(address)
