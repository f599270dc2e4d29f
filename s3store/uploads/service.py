"""The steps of a direct upload, without HTTP: begin, sign parts, list parts, complete, abort.

The server keeps nothing about an upload. A signed ticket names it, and S3 knows which parts it has.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from types import MappingProxyType

from django.utils.translation import gettext_lazy as _

from s3store import errors
from s3store.core import accept
from s3store.core.info import ObjectInfo
from s3store.core.parts import MAX_PART_SIZE, MAX_PARTS, MIB, MIN_PART_SIZE, browser_part_size
from s3store.links.uploads import MAX_UPLOAD_SIZE, PresignedUpload
from s3store.uploads import requests
from s3store.uploads.destinations import Destination, find
from s3store.uploads.refusals import UploadRefusedError
from s3store.uploads.tokens import RENEW_SECONDS, Receipt, Ticket, expired, read, unknown
from s3store.wire.in_parts import Part
from s3store.wire.objects import Objects

INCOMING = "incoming"
"""The directory of a storage where uploads arrive. Lifecycle rules delete what stays there."""

MULTIPART_FROM = 32 * MIB
"""Larger files are uploaded in parts. AWS advises it from 100 MB; a lost connection costs less with a lower limit."""

MAX_OPEN = 100
"""The number of large files that one owner can upload to one destination at the same time."""

BATCH = 64
MAX_BATCH = 100
MAX_NAME = 255

# Four bytes in base64.
_CRC32 = re.compile("[A-Za-z0-9+/]{5}[AQgw]==")


@dataclass(frozen=True, slots=True, kw_only=True)
class PartURL:
    """The URL to which a client sends part `number` (from 1), of exactly `size` bytes, with these headers."""

    number: int
    size: int
    url: str
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """An upload that may start: one `request`, or several `parts`."""

    ticket: Ticket
    request: PresignedUpload | None
    parts: tuple[PartURL, ...]


# Begin


def begin(
    label: str,
    destination: Destination,
    *,
    owner: str,
    name: str,
    size: int,
    content_type: str = "",
    part_size: int | None = None,
    checksum: str | None = None,
) -> Begun:
    """Begin an upload and return what the client needs. Large files cost two requests, others none.

    `name` and `content_type` are what the browser says about the file. `size` and `part_size` are in bytes; the default
    of `part_size` depends on `size`. `owner` is what `owner_of` returns. Raises UploadRefusedError.

    `checksum` is the CRC-32 of a file in base64. Any text says that each part of a large file will have one: then no
    part is signed yet. It is ignored without the option `upload_checksum`.
    """
    objects = destination.find_storage().objects
    bucket, now = objects.bucket, time.time()
    receipt = _receipt(objects, label, destination, owner, name, size, content_type)
    check_size(size, destination, objects, receipt.content_type, content_type)
    params = requests.incoming_params(objects, receipt.key, receipt.content_type)
    facts = {**asdict(receipt), "begun_at": int(now)}
    checksum = checksum if requests.takes_checksums(objects) else None
    if size <= MULTIPART_FROM:
        if checksum:
            check_checksum(checksum, "checksum")
        ticket = Ticket(**facts, upload_id="", part_size=size)
        request = requests.whole_file(objects, receipt.key, params, size=size, now=now, checksum=checksum)
        return Begun(ticket=ticket, request=request, parts=())
    wanted = _part_size(size, part_size)
    folder = _folder(label, owner)
    if bucket.count_uploads(objects.prefix(folder), objects.listing_params, limit=MAX_OPEN) >= MAX_OPEN:
        raise UploadRefusedError(
            "too_many_uploads", _("Too many uploads are open. Finish or cancel some, then try again."), status=429
        )
    if checksum is not None and bucket.is_aws:
        # AWS refuses the checksums of parts if the upload has not named their algorithm; only AWS lists them.
        params["ChecksumAlgorithm"] = "CRC32"
    ticket = Ticket(**facts, upload_id=bucket.start_upload(receipt.key, params), part_size=wanted)
    numbers = range(1, min(ticket.part_count, BATCH) + 1) if checksum is None else ()
    return Begun(ticket=ticket, request=None, parts=tuple(_signed_parts(objects, ticket, numbers)))


def begin_form(label: str, destination: Destination, *, owner: str, name: str) -> tuple[Receipt, PresignedUpload]:
    """Return a receipt and a form for one file of any size that the destination accepts. Sends no request.

    For clients that do not know the size. Raises UploadRefusedError.
    """
    objects = destination.find_storage().objects
    receipt = _receipt(objects, label, destination, owner, name, None, "")
    params = requests.incoming_params(objects, receipt.key, receipt.content_type)
    limit = min(max_size_of(destination, objects), MAX_UPLOAD_SIZE)
    form = requests.form(objects, receipt.key, params, min_size=destination.min_size, max_size=limit, now=time.time())
    return receipt, form


def _receipt(
    objects: Objects, label: str, destination: Destination, owner: str, name: str, size: int | None, declared: str
) -> Receipt:
    """Return the receipt of an upload to a new key, which no client can choose or guess."""
    name = check_name(name, destination)
    found = check_type(name, declared, destination)
    key = objects.key(f"{_folder(label, owner)}/{secrets.token_hex(16)}{accept.extension(name)}")
    bucket = objects.bucket.name
    return Receipt(destination=label, owner=owner, bucket=bucket, key=key, name=name, size=size, content_type=found)


def _folder(label: str, owner: str) -> str:
    return f"{INCOMING}/{label}/{owner[:12]}"


def check_name(name: str, destination: Destination) -> str:
    """Return the name of a file without a path. Raises UploadRefusedError if no file can be saved under it."""
    try:
        found = accept.base_name(name)
    except accept.NameRefusedError:
        raise _impossible_name() from None
    limit = min(MAX_NAME, destination.max_length or MAX_NAME)
    if len(found) > limit:
        raise UploadRefusedError("name_refused", _("The name of the file is too long. Rename it."), max_length=limit)
    if destination.fits is not None and not destination.fits(found):
        raise _impossible_name()
    return found


def _impossible_name() -> UploadRefusedError:
    return UploadRefusedError("name_refused", _("The name of the file is not possible. Rename it."))


def check_type(name: str, content_type: str, destination: Destination) -> str:
    """Return the content type of a file. Raises UploadRefusedError if the destination does not accept it."""
    try:
        return accept.upload_type(name, content_type, destination.accept)
    except accept.TypeRefusedError:
        raise UploadRefusedError(
            "type_refused", _("Files of this type are not accepted."), accept=list(destination.accept)
        ) from None


def max_size_of(destination: Destination, objects: Objects) -> int:
    """Return the maximum size in bytes of a file for this destination."""
    return objects.options.max_upload_size if destination.max_size is None else destination.max_size


def check_size(size: int, destination: Destination, objects: Objects, found: str, declared: str) -> None:
    """Raise UploadRefusedError for a size in bytes that the destination does not accept."""
    limit = max_size_of(destination, objects)
    if size > limit:
        raise UploadRefusedError("too_large", _("The file is too large."), status=413, max_size=limit)
    media = ("image/", "video/")
    if size == 0 and (found.startswith(media) or declared.startswith(media)):
        # Phones report a size of 0 for pictures that are still in their cloud.
        raise UploadRefusedError(
            "empty", _("The file is empty or not on this device yet. Open it once, then choose it again.")
        )
    if size < destination.min_size:
        raise UploadRefusedError("too_small", _("The file is too small."), min_size=destination.min_size)


def _part_size(size: int, wanted: int | None) -> int:
    if wanted is None:
        return browser_part_size(size)
    if not MIN_PART_SIZE <= wanted <= MAX_PART_SIZE or wanted * MAX_PARTS < size:
        raise UploadRefusedError("invalid", _("The size of the parts is not possible."), field="part_size")
    return wanted


# The steps that follow


def open_ticket(text: object, *, owner: str, renew: bool = False) -> tuple[Ticket, Destination]:
    """Return the ticket of this `owner` and its destination. With `renew`, a ticket past its life is accepted.

    Raises UploadRefusedError.
    """
    ticket, destination = read_ticket(text, renew=renew)
    check_owner(ticket, owner)
    return ticket, destination


def check_owner(ticket: Ticket, owner: str) -> None:
    """Raise UploadRefusedError if the ticket is not this owner's."""
    if ticket.owner != owner:
        raise unknown(Ticket)


def read_ticket(text: object, *, renew: bool = False) -> tuple[Ticket, Destination]:
    """Return a ticket of any owner and its destination, as `open_ticket`."""
    ticket = read(Ticket, text, max_age=RENEW_SECONDS)
    destination = find(ticket.destination)
    if destination is None:
        raise unknown(Ticket)
    if not renew:
        read(Ticket, text, max_age=destination.ticket_seconds)
    if time.time() - ticket.begun_at > RENEW_SECONDS:
        raise expired(Ticket)
    return ticket, destination


def sign(
    ticket: Ticket, destination: Destination, numbers: Iterable[int], checksums: Mapping[int, str] | None = None
) -> list[PartURL]:
    """Return the URLs of these parts. Sends no request. Raises UploadRefusedError for parts that do not exist.

    `checksums` are the CRC-32 of the parts in base64: then each URL takes exactly these bytes. They are ignored without
    the option `upload_checksum`.
    """
    chosen = list(numbers)
    count = ticket.part_count
    if not 0 < len(chosen) <= MAX_BATCH or len(set(chosen)) < len(chosen):
        raise UploadRefusedError("invalid", _("Name 1 to 100 different parts."), field="numbers")
    if not all(1 <= number <= count for number in chosen):
        raise UploadRefusedError("invalid", _("The upload has no such part."), field="numbers", part_count=count)
    objects = objects_of(ticket, destination)
    if not checksums or not requests.takes_checksums(objects):
        return list(_signed_parts(objects, ticket, chosen))
    for number in chosen:
        check_checksum(checksums.get(number), "checksums")
    return list(_signed_parts(objects, ticket, chosen, checksums))


def _signed_parts(
    objects: Objects, ticket: Ticket, numbers: Iterable[int], checksums: Mapping[int, str] = MappingProxyType({})
) -> Iterable[PartURL]:
    now = time.time()
    for number in numbers:
        size, checksum = ticket.size_of(number), checksums.get(number)
        request = requests.part(objects, ticket.key, ticket.upload_id, number, size=size, now=now, checksum=checksum)
        yield PartURL(number=number, size=size, url=request.url, headers=request.headers)


def check_checksum(text: object, field: str) -> None:
    """Raise UploadRefusedError for a text that is not the base64 of a CRC-32."""
    if not isinstance(text, str) or not _CRC32.fullmatch(text):
        raise UploadRefusedError("invalid", _("This member has a value of the wrong type."), field=field)


def list_parts(ticket: Ticket, destination: Destination) -> list[Part]:
    """Return the parts that S3 has, with exactly the right size. Raises UploadRefusedError if the upload is gone."""
    objects = objects_of(ticket, destination)
    if not ticket.upload_id:
        raise _gone()
    try:
        found = objects.bucket.list_parts(ticket.key, ticket.upload_id, objects.target_at(ticket.key).params)
    except errors.ObjectNotFoundError:
        raise (_stored() if _find(objects, ticket) else _gone()) from None
    return _right_parts(ticket, found)


def _right_parts(ticket: Ticket, found: Iterable[Part]) -> list[Part]:
    count = ticket.part_count
    # SeaweedFS lists a part that was sent again twice.
    right = {
        part.number: part for part in found if 1 <= part.number <= count and part.size == ticket.size_of(part.number)
    }
    return [right[number] for number in sorted(right)]


def complete(ticket: Ticket, destination: Destination) -> Receipt:
    """Combine the parts that S3 has to the file, and return the receipt. Doing it twice has the same result.

    Raises UploadRefusedError: `parts_missing` with their numbers, or `upload_gone`.
    """
    objects = objects_of(ticket, destination)
    params = objects.target_at(ticket.key).params
    if not ticket.upload_id:
        if _find(objects, ticket) is None:
            raise _gone()
        return ticket.receipt
    try:
        found = _right_parts(ticket, objects.bucket.list_parts(ticket.key, ticket.upload_id, params))
        missing = sorted(set(range(1, ticket.part_count + 1)) - {part.number for part in found})
        # SeaweedFS lists no parts while another request completes the upload.
        if missing and _find(objects, ticket):
            return ticket.receipt
        if missing:
            raise UploadRefusedError(
                "parts_missing", _("Some parts have not arrived."), status=409, missing=missing[:MAX_BATCH]
            )
        objects.bucket.complete_upload(ticket.key, ticket.upload_id, found, params, size=ticket.size)
    except errors.ObjectNotFoundError:
        # Completed a moment ago, aborted, or expired.
        if _find(objects, ticket) is None:
            raise _gone() from None
    return ticket.receipt


def abort(ticket: Ticket, destination: Destination) -> None:
    """Delete the parts of an upload. Doing it twice is not an error. Raises UploadRefusedError if it is complete."""
    objects = objects_of(ticket, destination)
    if _find(objects, ticket) is not None:
        raise _stored()
    if ticket.upload_id:
        try:
            objects.bucket.abort_upload(ticket.key, ticket.upload_id, objects.target_at(ticket.key).params)
        except errors.ObjectNotFoundError:
            return


def objects_of(ticket: Receipt, destination: Destination) -> Objects:
    """Return the objects of the destination, if they still contain the upload: tenants can have their own places."""
    objects = destination.find_storage().objects
    name, folder = objects.name(ticket.key), _folder(ticket.destination, ticket.owner)
    if objects.bucket.name != ticket.bucket or name is None or not name.startswith(f"{folder}/"):
        raise unknown(type(ticket))
    return objects


def _find(objects: Objects, ticket: Ticket) -> ObjectInfo | None:
    """Return the facts about the object if it is the whole file."""
    info = objects.bucket.find(ticket.key, objects.target_at(ticket.key).params)
    return info if info is not None and info.size == ticket.size else None


def _gone() -> UploadRefusedError:
    return UploadRefusedError("upload_gone", _("The upload no longer exists. Choose the file again."), status=409)


def _stored() -> UploadRefusedError:
    return UploadRefusedError("stored", _("The upload is already complete."), status=409)
