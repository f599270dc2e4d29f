"""The second half of a move: the deletion of exactly what was copied.

The ETag of a copy is that of its source, unless the source was uploaded in parts, or one of the two is encrypted with
KMS or a customer's key. AWS: "How to perform conditional deletes", "CopyObject".
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from s3store import errors
from s3store.core.info import WRITE_TOKEN, ObjectInfo
from s3store.wire.copies import Copied, same_etag
from s3store.wire.objects import Objects, Target

# All objects have this version that were written while the bucket kept no versions.
_UNVERSIONED = "null"


def delete_moved(objects: Objects, source: Target, target: Target, copied: Copied, *, known: ObjectInfo | None) -> None:
    """Delete the source of a copy. `known` is what was known about it just before.

    One request if the ETag of the source is known, or is that of the copy, and up to four otherwise. Raises
    ObjectChangedError, and leaves the source as it is, unless it is certain that it was not replaced after the copy.
    """
    bucket = objects.bucket
    etag = copied.source_etag or (known and known.etag) or copied.etag
    same = partial(_is_source, copied=copied, find_copy=partial(bucket.find, target.key, target.params))
    try:
        bucket.delete(source.key, source.params, etag=etag, same=same)
    except errors.ObjectChangedError as error:
        facts: dict[str, Any] = {name: getattr(error, name) for name in ("code", "status", "request_id", "attempts")}
        raise errors.build(
            errors.ObjectChangedError,
            "it may have been replaced after it was copied",
            operation="move",
            bucket=bucket.name,
            key=source.key,
            advice=(
                f"Both files exist: {target.name!r} has the content that was copied. Compare them. Then delete one of "
                "them, or move again with overwrite=True."
            ),
            **facts,
        ) from error


def _is_source(now: ObjectInfo, *, copied: Copied, find_copy: Callable[[], ObjectInfo | None]) -> bool:
    """Return whether an object is certainly what was copied, although its ETag is not the expected one."""
    if same_etag(now.etag, copied.etag):
        return True
    if now.version_id and copied.source_version not in (None, _UNVERSIONED):
        return now.version_id == copied.source_version
    there = find_copy()
    if there is None or not same_etag(there.etag, copied.etag) or there.size != now.size:
        return False
    token = now.internal(WRITE_TOKEN)
    if token or there.internal(WRITE_TOKEN):
        # A copy keeps the metadata, and each write has a token of its own.
        return token == there.internal(WRITE_TOKEN)
    # Whole seconds: a write in the same second can be the later one.
    return bool(now.modified and copied.modified and now.modified < copied.modified.replace(microsecond=0))
