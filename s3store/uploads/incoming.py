"""Uploads that have arrived, as files: what a form gets for a receipt."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from s3store import errors
from s3store.core.media_types import essence
from s3store.files.stored import StoredFile
from s3store.uploads.destinations import Destination
from s3store.uploads.refusals import UploadRefusedError
from s3store.uploads.service import check_name, check_size, check_type, max_size_of, objects_of
from s3store.uploads.tokens import RECEIPT_SECONDS, Receipt, read, signed, unknown


class IncomingFile(StoredFile):
    """A file that a browser uploaded to the bucket: a Django File that reads from S3.

    `name` is the file's name on the client. Saving the file into a storage of the same bucket copies it there inside
    S3; `discard` deletes the upload. `receipt` is the text that proves the upload once more.
    """

    receipt: str

    def discard(self) -> None:
        """Delete the uploaded object. A missing object is not an error."""
        self.close()
        self._objects.bucket.delete(self._info.key, self._objects.target_at(self._info.key).params)


def claim(text: object, *, label: str, destination: Destination, owner: str) -> IncomingFile:
    """Return the uploaded file of a receipt: one request. Raises UploadRefusedError.

    The receipt must be for this `owner` and for this `destination`, whose label is `label`.

    The size and the type are what S3 says. An object that differs from its receipt is deleted.
    """
    receipt = read(Receipt, text, max_age=RECEIPT_SECONDS)
    if receipt.destination != label or receipt.owner != owner:
        raise unknown(Receipt)
    objects = objects_of(receipt, destination)
    info = objects.bucket.find(receipt.key, objects.target_at(receipt.key).params)
    if info is None:
        raise UploadRefusedError(
            "not_uploaded", _("The file was not uploaded, or too long ago. Choose it again."), status=409
        )
    file = IncomingFile(objects, info, receipt.name)
    file.receipt = signed(receipt)
    limit = max_size_of(destination, objects)
    right_size = info.size <= limit if receipt.size is None else info.size == receipt.size
    if not right_size or essence(info.content_type) != essence(receipt.content_type):
        file.discard()
        raise UploadRefusedError("size_differs", _("Another file arrived than was announced. Choose it again."))
    return file


def check_sent(file: Any, destination: Destination) -> None:
    """Check a file that came through Django by the rules of a destination, as S3 does. Raises UploadRefusedError."""
    declared = getattr(file, "content_type", None) or ""
    found = check_type(check_name(file.name, destination), declared, destination)
    check_size(file.size, destination, destination.find_storage().objects, found, declared)


def verified_image(file: Any) -> Any:
    """Return the file with `image`, Pillow's. Raises ValueError if it is not an image, and S3StoreError."""
    from PIL import Image

    try:
        file.seek(0)
        image = Image.open(file)
        image.verify()
    except errors.S3StoreError:
        raise
    except Exception as error:
        # As in Django: Pillow raises many kinds of errors for files that are not images.
        raise ValueError(f"{file.name!r} is not an image that Pillow can read.") from error
    file.image = image
    file.seek(0)
    return file
