"""Small pictures of pictures. Their names depend on the path and the ETag, so that a changed picture gets another one.

A page knows the name without a request. The signed URL stays the same for half of its lifetime, so that browsers cache
the thumbnail.
"""

import io
from contextlib import suppress
from typing import Any

from django.core.cache import cache
from django.utils.crypto import salted_hmac

FOLDER = ".s3store/thumbs/"
"""Where thumbnails are, below the root of a company. No verb of a Folder reaches it."""

EXPIRE = 3600
"""The lifetime of the URL of a thumbnail, in seconds."""

SIZE = (480, 360)
MAX_BYTES = 40_000_000
MAX_PIXELS = 60_000_000
"""Pictures with more pixels get an icon: decoding them would need too much memory."""

_FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
_EXTENSIONS = (".jpg", ".jpeg", ".png", ".webp", ".gif")
_IMPOSSIBLE = 24 * 3600


def name_of(folder, entry) -> str:
    """Return the name of an entry's thumbnail in the storage, or an empty string if it can have none."""
    possible = not entry.is_folder and entry.etag and entry.name.lower().endswith(_EXTENSIONS)
    if not possible or not 0 < (entry.size or 0) <= MAX_BYTES:
        return ""
    text = f"{folder.full_root}\n{entry.path}\n{entry.etag}"
    digest = salted_hmac("files.thumbnails", text, algorithm="sha256").hexdigest()[:40]
    return f"{folder.full_root}{FOLDER}{digest}.webp"


def url(folder, entry) -> str:
    """Return the URL of an entry's thumbnail, or an empty string if it can have none. Sends no request."""
    name = name_of(folder, entry)
    return folder.storage.url(name, expire=EXPIRE) if name else ""


def make(folder, entry) -> bool:
    """Make the thumbnail of a picture, and return whether it is one. Costs a GET and a PUT."""
    name = name_of(folder, entry)
    if not name or cache.get(_mark(name)):
        return False
    with folder.open(entry.path) as file:
        content = _drawn(file)
    if content is None:
        cache.set(_mark(name), 1, _IMPOSSIBLE)
        return False
    with folder.storage.open(name, "wb") as target:
        target.write(content)
    return True


def draw(folder, path: str) -> None:
    """Make the thumbnail of a file that has just arrived. A page asks again for one that could not be made."""
    if path.lower().endswith(_EXTENSIONS):
        with suppress(OSError):
            make(folder, folder.stat(path))


def _mark(name: str) -> str:
    return f"files.no-thumbnail.{name.rpartition('/')[2]}"


def _drawn(file: Any) -> bytes | None:
    """Return the thumbnail as WebP, or None for content that is not a picture or has too many pixels."""
    from PIL import Image, ImageOps

    from s3store.errors import S3StoreError

    target = io.BytesIO()
    try:
        with Image.open(io.BytesIO(file.read()), formats=_FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                return None
            image.draft("RGB", (SIZE[0] * 2, SIZE[1] * 2))
            turned = ImageOps.exif_transpose(image)
            turned.thumbnail(SIZE)
            turned.convert("RGBA" if "A" in turned.getbands() or "transparency" in turned.info else "RGB").save(
                target, "WEBP", quality=78
            )
    except S3StoreError:
        raise
    except Exception:  # noqa: BLE001
        # Pillow raises many kinds of errors for content that is not a picture.
        return None
    return target.getvalue()
