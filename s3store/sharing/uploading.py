"""Uploads through an edit link: where they go, and how much a day."""

from __future__ import annotations

import json
import uuid
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from s3store.sharing import configured
from s3store.sharing.access import Access
from s3store.sharing.models import Attempt, Share
from s3store.sharing.refusals import ShareLimitError, ShareRefusedError
from s3store.sharing.resolving import resolve
from s3store.uploads import Destination

DAY = 24 * 3600
PREFIX = "share-"


def destination(label: str) -> Destination | None:
    """Return the destination of direct uploads through a share: `share-` and its id. Each step resolves the share."""
    try:
        share = Share.objects.select_related("created_by").get(pk=uuid.UUID(hex=label.removeprefix(PREFIX)))
    except (ValueError, Share.DoesNotExist):
        return None
    folder = configured.current().folder(share)
    if folder is None:
        return None
    return Destination(
        storage=folder.storage,
        max_size=min(folder.storage.objects.options.max_upload_size, max_size_left(share)),
        permission=lambda request: _may(request, share),
        throttle=lambda request: _wait(request, share),
    )


def _may(request: HttpRequest, share: Share) -> bool:
    try:
        resolve(request, share.pk, "upload")
    except ShareRefusedError:
        return False
    return True


def _key(share: Share, what: str) -> str:
    return f"upload-{what}:{share.pk}"


def _left(share: Share, what: str, limit: int) -> int:
    return Attempt.left(_key(share, what), limit=limit, seconds=DAY)


def max_size_left(share: Share) -> int:
    """Return how many bytes can still be uploaded through a share today."""
    return _left(share, "bytes", configured.current().upload_bytes_per_day)


def _wait(request: HttpRequest, share: Share) -> float | None:
    """Return the seconds to wait until the next direct upload begins. It counts, also if it never arrives.

    The limits are twice those of files that arrive: of their number, and of the sum of their sizes.
    """
    values = configured.current()
    wait = Attempt.wait(_key(share, "files"), limit=values.upload_files_per_day, seconds=DAY)
    wait = wait or Attempt.take(_key(share, "begun"), limit=2 * values.upload_files_per_day, seconds=DAY)
    if wait:
        return wait
    size = json.loads(request.body)["size"]
    if size > max_size_left(share):
        # Refused in the next step, with the limit. What does not begin does not count.
        return None
    wait = Attempt.take(_key(share, "begun-bytes"), limit=2 * values.upload_bytes_per_day, seconds=DAY, by=size)
    if wait:
        Attempt.give_back(_key(share, "begun"), seconds=DAY)
    return wait or None


def reserve(access: Access, size: int) -> None:
    """Count a file of `size` bytes before it is stored. Raises ShareLimitError if it is too much for a day."""
    values, share = configured.current(), access.share
    if Attempt.take(_key(share, "files"), limit=values.upload_files_per_day, seconds=DAY):
        raise ShareLimitError(_("Too many files were uploaded through this link today."))
    if Attempt.take(_key(share, "bytes"), limit=values.upload_bytes_per_day, seconds=DAY, by=size):
        Attempt.give_back(_key(share, "files"), seconds=DAY)
        raise ShareLimitError(_("The file is too large for what is left of this link's limit today."))


def release(access: Access, size: int) -> None:
    """Take back what `reserve` has counted: the file was not stored."""
    Attempt.give_back(_key(access.share, "files"), seconds=DAY)
    Attempt.give_back(_key(access.share, "bytes"), seconds=DAY, by=size)


def store(access: Access, file: Any, path: str) -> str:
    """Store an uploaded file at `path` relative to the share, and return the path where it is.

    A shared file is replaced; in a shared folder a taken name gets a number.
    """
    size = file.size
    reserve(access, size)
    try:
        if access.share.is_folder:
            stored = access.folder.save(path, file, keep_both=True)
        else:
            stored = access.folder.save(access.path, file, overwrite=True)
    except BaseException:
        release(access, size)
        raise
    discard = getattr(file, "discard", None)
    if discard is not None:
        # The copy is stored. What the browser sent has no further use.
        discard()
    return str(stored)
