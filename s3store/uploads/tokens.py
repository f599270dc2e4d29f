"""Tickets and receipts: what the server hands out about an upload, signed, so that it need not remember anything.

A ticket allows the steps of one upload. A receipt says that the upload was made, and a form sends it back. They are
signed with different salts: one is never accepted as the other. Django: "Cryptographic signing".
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from django.core import signing
from django.utils.translation import gettext_lazy as _

from s3store.uploads.refusals import UploadRefusedError

RECEIPT_SECONDS = 24 * 3600
"""The life of a receipt. A form that is left open over night can still be sent."""

RENEW_SECONDS = 2 * 24 * 3600
"""How long after its beginning an upload can be renewed. Lifecycle rules delete what is older."""

MAX_LENGTH = 4096
"""The number of characters above which a ticket or receipt is not even parsed."""

_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """The signed statement that one file was uploaded by one owner to one key, for one destination.

    `size` is in bytes: None if the client did not announce it.
    """

    destination: str
    owner: str
    bucket: str
    key: str
    name: str
    size: int | None
    content_type: str

    salt = "s3store.uploads.receipt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket(Receipt):
    """The signed permission for the steps of one upload. `upload_id` is empty if it is a single request."""

    size: int
    upload_id: str
    part_size: int
    begun_at: int

    salt = "s3store.uploads.ticket"

    @property
    def receipt(self) -> Receipt:
        """The receipt for this upload, once it is stored."""
        return Receipt(**{name: getattr(self, name) for name in Receipt.__dataclass_fields__})

    @property
    def part_count(self) -> int:
        """The number of parts: 0 if the upload is a single request."""
        return -(-self.size // self.part_size) if self.upload_id else 0

    def size_of(self, number: int) -> int:
        """Return the size of part `number` in bytes: all are equal but the last."""
        return min(self.part_size, self.size - (number - 1) * self.part_size)


Signed = TypeVar("Signed", bound=Receipt)


def signed(token: Receipt) -> str:
    """Return a ticket or a receipt as the text that clients get."""
    return signing.dumps([_VERSION, *asdict(token).values()], salt=token.salt)


def read(kind: type[Signed], text: Any, *, max_age: int) -> Signed:
    """Return the ticket or receipt in a text of at most `max_age` seconds. Raises UploadRefusedError for any other."""
    if not isinstance(text, str) or len(text) > MAX_LENGTH:
        raise unknown(kind)
    try:
        version, *values = signing.loads(text, salt=kind.salt, max_age=max_age)
        if version != _VERSION:
            raise unknown(kind)
        return kind(**dict(zip(kind.__dataclass_fields__, values, strict=True)))
    except signing.SignatureExpired:
        raise expired(kind) from None
    except (signing.BadSignature, ValueError, TypeError):
        raise unknown(kind) from None


def unknown(kind: type[Receipt]) -> UploadRefusedError:
    """Return the refusal of a ticket or a receipt that is not the client's, or none of ours."""
    code = f"{kind.__name__.lower()}_invalid"
    return UploadRefusedError(code, _("This upload is not known. Choose the file again."), status=403)


def expired(kind: type[Receipt]) -> UploadRefusedError:
    """Return the refusal of a ticket or a receipt that is too old."""
    code = f"{kind.__name__.lower()}_expired"
    return UploadRefusedError(code, _("The upload took too long. Choose the file again."), status=403)
