"""Inspection of uploaded files. Only the content counts, not the name or the claimed type."""

import struct
import zlib
from dataclasses import dataclass
from io import BytesIO
from typing import BinaryIO

from django.core.exceptions import ValidationError
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext_lazy as _
from PIL import Image, ImageOps

MAX_BYTES = 200 * 1024 * 1024
MAX_PIXELS = 60_000_000
ACCEPT = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".pdf")
THUMBNAIL_BOX = (960, 720)

_PICTURES = {
    "JPEG": ("image/jpeg", ".jpg"),
    "MPO": ("image/jpeg", ".jpg"),  # a JPEG with a second picture, as some phones create it
    "PNG": ("image/png", ".png"),
    "WEBP": ("image/webp", ".webp"),
    "GIF": ("image/gif", ".gif"),
}
_UNREADABLE = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    OverflowError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The facts about a file: its type, the extension for that type, and the size of a picture in pixels."""

    content_type: str
    extension: str
    size: int
    width: int | None = None
    height: int | None = None
    thumbnail: bytes | None = None


def inspect(file: BinaryIO, *, size: int) -> Facts:
    """Return the facts about *file*, which has *size* bytes. Its position is then at the start.

    Raises ValidationError for a file that is empty, too large, or neither a picture nor a PDF document.
    """
    if size > MAX_BYTES:
        raise ValidationError(
            _("This file has %(size)s. The limit is %(limit)s."),
            code="too_large",
            params={"size": filesizeformat(size), "limit": filesizeformat(MAX_BYTES)},
        )
    file.seek(0)
    head = file.read(5)
    file.seek(0)
    if head == b"%PDF-":
        return Facts(content_type="application/pdf", extension=".pdf", size=size)
    try:
        return _picture(file, size=size)
    finally:
        file.seek(0)


def _picture(file: BinaryIO, *, size: int) -> Facts:
    try:
        image = Image.open(file, formats=["JPEG", "PNG", "WEBP", "GIF"])
    except _UNREADABLE as error:
        raise ValidationError(
            _("The content of this file is neither a picture (JPEG, PNG, WebP, GIF) nor a PDF document."),
            code="unknown_type",
        ) from error
    if image.width * image.height > MAX_PIXELS:
        raise ValidationError(
            _("This picture has %(width)d × %(height)d pixels. The limit is %(limit)d megapixels."),
            code="too_many_pixels",
            params={
                "width": image.width,
                "height": image.height,
                "limit": MAX_PIXELS // 1_000_000,
            },
        )
    content_type, extension = _PICTURES[image.format or ""]
    try:
        image.verify()
        file.seek(0)
        image = Image.open(file)
        width, height, thumbnail = _thumbnail(image)
    except _UNREADABLE as error:
        raise ValidationError(
            _("This picture is damaged or incomplete. Check that you can open it, then upload it again."),
            code="damaged",
        ) from error
    return Facts(
        content_type=content_type,
        extension=extension,
        size=size,
        width=width,
        height=height,
        thumbnail=thumbnail,
    )


def _thumbnail(image: Image.Image) -> tuple[int, int, bytes]:
    """Return the width and height as displayed, and a small WebP of the picture."""
    turned = image.getexif().get(0x0112) in {5, 6, 7, 8}
    width, height = (image.height, image.width) if turned else image.size
    # A JPEG is decoded at reduced size, which saves most of the time and memory.
    image.draft("RGB", THUMBNAIL_BOX)
    image.load()
    see_through = "A" in image.getbands() or "transparency" in image.info
    small = ImageOps.exif_transpose(image).convert("RGBA" if see_through else "RGB")
    small.thumbnail(THUMBNAIL_BOX, Image.Resampling.LANCZOS)
    target = BytesIO()
    small.save(target, "WEBP", quality=82)
    return width, height, target.getvalue()
