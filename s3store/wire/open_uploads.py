"""The verb that lists open multipart uploads. AWS: "ListMultipartUploads"."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from s3store import errors
from s3store.core import parts
from s3store.core.parameters import Params
from s3store.wire.requesting import Requesting


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenUpload:
    """A multipart upload that is neither complete nor aborted. `initiator` is who began it, if the server says so."""

    key: str
    upload_id: str
    started: datetime | None = None
    initiator: str | None = None


class OpenUploads(Requesting):
    """The verb that lists open multipart uploads."""

    def open_uploads(self, prefix: str, params: Params, *, limit: int = parts.MAX_DELETE_KEYS) -> Iterator[OpenUpload]:
        """Yield the open multipart uploads of all keys that start with `prefix`, 1,000 a request.

        Raises InvalidResponseError for a list without an end.
        """
        extra: dict[str, Any] = {"Prefix": prefix, "MaxUploads": limit}
        seen: set[tuple[str, str]] = set()
        while True:
            answer = self._call("list_multipart_uploads", None, params, **extra)
            with self._reading("list_multipart_uploads"):
                found = [_upload(entry) for entry in answer.get("Uploads", ())]
            # Some servers ignore the prefix.
            yield from (upload for upload in found if upload.key.startswith(prefix))
            if not answer.get("IsTruncated"):
                return
            after = (answer.get("NextKeyMarker") or "", answer.get("NextUploadIdMarker") or "")
            if not after[0] or after in seen:
                reason = "the list of uploads has no end: its marker is missing, or the same as before"
                raise self._error(errors.InvalidResponseError, reason, "list_multipart_uploads")
            seen.add(after)
            extra["KeyMarker"] = after[0]
            if after[1]:
                extra["UploadIdMarker"] = after[1]


def _upload(entry: Any) -> OpenUpload:
    initiator = entry.get("Initiator") or {}
    name = initiator.get("DisplayName") or initiator.get("ID")
    return OpenUpload(
        key=entry["Key"], upload_id=entry["UploadId"], started=entry.get("Initiated"), initiator=name or None
    )
