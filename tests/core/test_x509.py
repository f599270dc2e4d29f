"""What certificates say about themselves."""

from __future__ import annotations

import ssl
from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3store.core.x509 import Certificate, certificate
from tests.optional import needs


def der(**how: object) -> bytes:
    """Return a certificate of a new authority."""
    authority = needs("trustme").CA(organization_name="Ärger & Söhne", organization_unit_name="Tests")
    issued = authority.issue_cert("s3.example", common_name="s3.example", **how)
    return ssl.PEM_cert_to_DER_cert(issued.cert_chain_pems[0].bytes().decode())


@pytest.mark.parametrize("year", [1999, 2031, 2099])
def test_od_23_issuer_subject_and_end_of_a_certificate(year: int) -> None:
    """Names in the order in which people read them; years of two digits and of four."""
    if year < 2000:
        needs("trustme")
        how = {"not_before": datetime(1990, 1, 1, tzinfo=timezone.utc)}
    else:
        how = {}
    found = certificate(der(not_after=datetime(year, 1, 2, 3, 4, 5, tzinfo=timezone.utc), **how))
    assert found is not None
    assert (found.issuer, found.expires) == ("OU=Tests, O=Ärger & Söhne", f"{year}0102030405Z")
    assert found.subject.startswith("CN=s3.example, ")


def test_a_certificate_without_a_version() -> None:
    """The first edition of X.509 has none."""

    def element(tag: int, *content: bytes) -> bytes:
        body = b"".join(content)
        return bytes([tag, len(body)]) + body

    def name(text: bytes) -> bytes:
        pair = element(0x30, element(6, b"\x55\x04\x03"), element(0x0C, text))
        other = element(0x30, element(6, b"\x2a"), element(0x0C, b"unknown"))
        return element(0x30, element(0x31, pair, other))

    end = element(0x18, b"20600102030405Z")
    parts = (element(2, b"\1"), element(0x30), name(b"I"), element(0x30, end, end), name(b"S"))
    found = certificate(element(0x30, element(0x30, *parts)))
    assert found == Certificate(issuer="CN=I", subject="CN=S", expires="20600102030405Z")


@given(st.binary(max_size=60))
def test_bytes_that_are_no_certificate(junk: bytes) -> None:
    """They are none, whatever they are, and nothing is raised."""
    assert certificate(junk) is None


@given(st.data())
def test_a_certificate_that_was_cut_or_changed(data: st.DataObject) -> None:
    """Nothing is raised: a server can send anything."""
    whole = _CERTIFICATE[0] if _CERTIFICATE else _CERTIFICATE.append(der()) or _CERTIFICATE[0]
    at = data.draw(st.integers(0, len(whole) - 1))
    assert certificate(whole[:at]) is None
    changed = bytearray(whole)
    changed[at] = data.draw(st.integers(0, 255))
    certificate(bytes(changed))


_CERTIFICATE: list[bytes] = []
