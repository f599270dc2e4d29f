"""The verbs for objects that go in parts. AWS: "Uploading and copying objects using multipart upload"."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from s3store import errors
from s3store.core.info import WRITE_TOKEN, ObjectInfo
from s3store.core.parameters import Params
from s3store.wire.requesting import Requesting
from s3store.wire.responses import written

# 10,000 parts, 1,000 in a page, and one page more for servers that end with an empty one.
_MAX_PAGES = 11
_PART_CHECKSUMS = ("ChecksumCRC32", "ChecksumCRC32C", "ChecksumCRC64NVME", "ChecksumSHA1", "ChecksumSHA256")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of a multipart upload that S3 has received: what completing the upload needs. `size` is in bytes.

    `modified` is the time at which S3 received it, if S3 was asked for the parts.
    """

    number: int
    etag: str
    size: int | None = None
    modified: datetime | None = None
    checksums: Mapping[str, str] = field(default_factory=dict)


class InParts(Requesting):
    """The verbs of multipart uploads."""

    def start_upload(self, key: str, params: Params) -> str:
        """Start a multipart upload and return its id."""
        answer = self._call("create_multipart_upload", key, params)
        with self._reading("create_multipart_upload", key):
            upload_id: str = answer["UploadId"]
        return upload_id

    def upload_part(
        self, key: str, upload_id: str, number: int, body: bytes, params: Params, *, digest: bytes | None = None
    ) -> Part:
        """Send one part. `digest` is its MD5, if it is known."""
        extra: dict[str, Any] = {"UploadId": upload_id, "PartNumber": number}
        answer = self._call("upload_part", key, params, Body=body, **extra, **self._digest(body, digest))
        with self._reading("upload_part", key):
            return Part(number=number, etag=answer["ETag"], checksums=_checksums_in(answer))

    def copy_part(
        self,
        source: str,
        key: str,
        upload_id: str,
        number: int,
        params: Params,
        *,
        first: int,
        last: int,
        etag: str,
        origin: str | None = None,
        version_id: str | None = None,
    ) -> Part:
        """Copy the bytes `first` to `last` of the content `etag` of an object, in the bucket `origin`, as one part.

        `version_id` names an older version of the object.
        """
        extra: dict[str, Any] = {"UploadId": upload_id, "PartNumber": number, "CopySourceIfMatch": etag}
        extra["CopySourceRange"] = f"bytes={first}-{last}"
        extra |= {"origin": origin, "version_id": version_id}
        copied = self._copied("upload_part_copy", source, key, params, **extra)
        with self._reading("upload_part_copy", key):
            return Part(number=number, etag=copied["ETag"], checksums=_checksums_in(copied))

    def complete_upload(
        self, key: str, upload_id: str, sent: Iterable[Part], params: Params, *, size: int, create: bool = False
    ) -> ObjectInfo:
        """Combine the parts to an object of `size` bytes.

        Raises ObjectExistsError with `create` if the object exists, and ObjectNotFoundError if the upload is no longer
        open. A WRITE_TOKEN in the metadata of `params` identifies a completion whose response was lost.
        """
        listing = [{"PartNumber": part.number, "ETag": part.etag, **part.checksums} for part in sent]
        extra: dict[str, Any] = {"UploadId": upload_id, "MultipartUpload": {"Parts": listing}}
        if create:
            extra["IfNoneMatch"] = "*"
        try:
            with self.changing(key) as change:
                answer = self._call("complete_multipart_upload", key, params, **extra)
        except (errors.ObjectExistsError, errors.ObjectNotFoundError) as error:
            # The second completion finds that the upload no longer exists, or that its own object does.
            token = (params.get("Metadata") or {}).get(WRITE_TOKEN)
            if error.attempts > 1 and token and (own := self._own(key, params, token)):
                return own
            raise
        with self._reading("complete_multipart_upload", key):
            return self._noted(written(key, size, answer, params), change.moment)

    def list_parts(self, key: str, upload_id: str, params: Params) -> list[Part]:
        """Return the parts of an upload that S3 has received. Raises ObjectNotFoundError if it is no longer open.

        Raises InvalidResponseError for a list without an end. AWS: "ListParts", 1,000 parts a request.
        """
        found: list[Part] = []
        marker = 0
        for _ in range(_MAX_PAGES):
            answer = self._call("list_parts", key, params, UploadId=upload_id, PartNumberMarker=marker)
            found += [
                Part(
                    number=part["PartNumber"],
                    etag=part["ETag"],
                    size=part["Size"],
                    modified=part.get("LastModified"),
                    checksums=_checksums_in(part),
                )
                for part in answer.get("Parts", ())
                if "ETag" in part and "Size" in part and "PartNumber" in part
            ]
            last = int(answer.get("NextPartNumberMarker") or 0)
            if not answer.get("IsTruncated"):
                return found
            if last <= marker:
                break
            marker = last
        reason = "the list of parts has no end: its marker does not grow"
        raise self._error(errors.InvalidResponseError, reason, "list_parts", key=key)

    def count_uploads(self, prefix: str, params: Params, *, limit: int) -> int:
        """Return the number of open multipart uploads below a prefix, at most `limit`: one request.

        AWS: "ListMultipartUploads".
        """
        answer = self._call("list_multipart_uploads", None, params, Prefix=prefix, MaxUploads=limit)
        return len(answer.get("Uploads", ()))

    def abort_upload(self, key: str, upload_id: str, params: Params) -> None:
        """Delete the parts of an upload."""
        self._call("abort_multipart_upload", key, params, UploadId=upload_id)


def _checksums_in(answer: Mapping[str, Any]) -> dict[str, str]:
    """Return the checksums of a part that completing the upload must repeat."""
    return {name: value for name, value in answer.items() if name in _PART_CHECKSUMS}
