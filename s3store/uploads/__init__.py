"""Direct uploads from browsers to the bucket: what may be uploaded where, and the steps of an upload, without HTTP."""

from s3store.uploads.destinations import Destination, register, register_family, signed_label
from s3store.uploads.incoming import IncomingFile, check_sent, claim
from s3store.uploads.owners import acting_for, owner_of
from s3store.uploads.refusals import UploadRefusedError
from s3store.uploads.scripts import script_settings
from s3store.uploads.service import (
    Begun,
    PartURL,
    abort,
    begin,
    complete,
    list_parts,
    open_ticket,
    sign,
)
from s3store.uploads.tokens import Receipt, Ticket, signed

__all__ = [
    "Begun",
    "Destination",
    "IncomingFile",
    "PartURL",
    "Receipt",
    "Ticket",
    "UploadRefusedError",
    "abort",
    "acting_for",
    "begin",
    "check_sent",
    "claim",
    "complete",
    "list_parts",
    "open_ticket",
    "owner_of",
    "register",
    "register_family",
    "script_settings",
    "sign",
    "signed",
    "signed_label",
]
