"""What an uploaded file is, judged by its content alone."""

import struct
import zlib
from dataclasses import dataclass
from io import BytesIO
from typing import BinaryIO

from django.core.exceptions import ValidationError
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext_lazy as _
from PIL import Image, ImageOps

MAX_BYTES = 25 * 1024 * 1024
MAX_PIXELS = 60_000_000
THUMBNAIL_BOX = (960, 720)

_PICTURES = {
    "JPEG": ("image/jpeg", ".jpg"),
    "MPO": ("image/jpeg", ".jpg"),  # a JPEG with a second picture behind it, as some phones take them
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
    """What is known of a file: its type, a fitting extension and, of a picture, its pixels."""

    content_type: str
    extension: str
    size: int
    width: int | None = None
    height: int | None = None
    thumbnail: bytes | None = None


def inspect(file: BinaryIO, *, size: int) -> Facts:
    """Return the facts of *file*, which is *size* bytes long; it is left at its beginning.

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
            _("This is neither a picture (JPEG, PNG, WebP, GIF) nor a PDF document, whatever its name says."),
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
            _("This picture is damaged or incomplete. Try to open it on your computer, then upload it again."),
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
    """Return width and height as the picture is looked at, and a small WebP of it."""
    turned = image.getexif().get(0x0112) in {5, 6, 7, 8}
    width, height = (image.height, image.width) if turned else image.size
    # A JPEG is decoded at a fraction of its size, which saves most of the time and memory.
    image.draft("RGB", THUMBNAIL_BOX)
    image.load()
    see_through = "A" in image.getbands() or "transparency" in image.info
    small = ImageOps.exif_transpose(image).convert("RGBA" if see_through else "RGB")
    small.thumbnail(THUMBNAIL_BOX, Image.Resampling.LANCZOS)
    target = BytesIO()
    small.save(target, "WEBP", quality=82)
    return width, height, target.getvalue()
