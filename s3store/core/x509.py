"""Who issued a certificate, to whom, and for how long: read from its bytes, whether it can be trusted or not.

RFC 5280, "Basic Certificate Fields"; ITU-T X.690 (DER).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

_ATTRIBUTES = {
    b"\x55\x04\x03": "CN",
    b"\x55\x04\x06": "C",
    b"\x55\x04\x0a": "O",
    b"\x55\x04\x0b": "OU",
}
_ENCODINGS = {0x0C: "utf-8", 0x13: "ascii", 0x14: "latin-1", 0x16: "ascii", 0x1E: "utf-16-be"}
_VERSION, _LONG_YEAR = 0xA0, 0x18


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """What a certificate says about itself. Names look like `CN=example.com, O=Example`.

    `expires` is as the certificate has it: YYYYMMDDHHMMSSZ, in UTC. Nothing of it is verified.
    """

    issuer: str
    subject: str
    expires: str


def certificate(der: bytes) -> Certificate | None:
    """Return what a certificate in DER says about itself, or None if the bytes are not a certificate."""
    try:
        body = _children(_children(_whole(der))[0][1])
        # The version is optional.
        issuer, validity, subject = (body[index + (body[0][0] == _VERSION)][1] for index in (2, 3, 4))
        kind, end = _children(validity)[1]
        year = "" if kind == _LONG_YEAR else "19" if end[:1] >= b"5" else "20"
        return Certificate(issuer=_name(issuer), subject=_name(subject), expires=year + end.decode("ascii"))
    except (IndexError, ValueError):
        return None


def _name(value: bytes) -> str:
    found = []
    for _, parts in _children(value):
        for _, pair in _children(parts):
            (_, kind), (encoding, text) = _children(pair)
            if kind in _ATTRIBUTES:
                found.append(f"{_ATTRIBUTES[kind]}={text.decode(_ENCODINGS.get(encoding, 'latin-1'))}")
    return ", ".join(reversed(found))


def _whole(der: bytes) -> bytes:
    return _children(der)[0][1]


def _children(value: bytes) -> list[tuple[int, bytes]]:
    """Return the tags and contents of the elements in a value. Raises IndexError or ValueError."""
    return list(_elements(value))


def _elements(value: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(value):
        tag, length = value[at], value[at + 1]
        at += 2
        if length & 0x80:
            count = length & 0x7F
            length = int.from_bytes(value[at : at + count], "big")
            at += count
        if at + length > len(value):
            raise ValueError("an element ends after its container")
        yield tag, value[at : at + length]
        at += length
