"""The verbs that delete exactly what was listed, and those for versions.

AWS: "DeleteObjects", "ListObjectVersions" and "Working with delete markers".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from s3store import errors
from s3store.core import parts
from s3store.core.info import ObjectInfo
from s3store.core.parameters import Params
from s3store.core.policies.needed import needed
from s3store.wire import backoff
from s3store.wire.requesting import Requesting
from s3store.wire.responses import described

# The number of attempts at single keys of a batch that S3 was too busy to delete: botocore does not retry them.
_TRIES = 4

_BUSY = ("InternalError", "ServiceUnavailable", "SlowDown", "OperationAborted")


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletion:
    """An object to delete: any content, or only that of `etag`; or one version or delete marker, for ever."""

    key: str
    etag: str | None = None
    version_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deleted:
    """The outcome of a Deletion: the version of the `marker` that a versioned bucket has made, or a `failure`."""

    deletion: Deletion
    marker: str | None = None
    failure: errors.Failure | None = None

    @classmethod
    def failed(cls, deletion: Deletion, error: errors.S3StoreError) -> Deleted:
        """Return the outcome of a deletion whose request has failed."""
        failure = errors.Failure(key=deletion.key, code=error.code or type(error).__name__, message=str(error))
        return cls(deletion=deletion, failure=failure)


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A version of an object, or a delete marker. `size` is in bytes, and 0 for a marker."""

    key: str
    version_id: str
    is_latest: bool
    is_marker: bool = False
    size: int = 0
    etag: str | None = None
    modified: datetime | None = None


class Deleting(Requesting):
    """The verbs that delete an object, many objects, and versions."""

    def delete(
        self, key: str, params: Params, *, etag: str | None = None, same: Callable[[ObjectInfo], bool] | None = None
    ) -> None:
        """Delete an object. A missing object is not an error.

        With `etag`, only that content is deleted, and ObjectChangedError is raised for any other, unless `same` returns
        that it is the wanted content with another ETag. Servers without conditional deletes delete what is there. AWS:
        "How to perform conditional deletes".
        """
        condition = {"IfMatch": etag} if etag and self.options.conditional_writes else {}
        with self.changing(key):
            try:
                self._call("delete_object", key, params, precondition=errors.ObjectChangedError, **condition)
            except errors.ObjectNotFoundError:
                return
            except errors.ObjectChangedError:
                # Some servers say so for a missing object too, which the first of two attempts may have deleted.
                now = self.find(key, params)
                if now and not (now.etag and same and same(now)):
                    raise
                if now:
                    self.delete(key, params, etag=now.etag)
            except errors.InvalidRequestError as error:
                if not condition or error.code != "NotImplemented":
                    raise
                self._call("delete_object", key, params)

    def delete_listed(self, wanted: Sequence[Deletion], params: Params, *, markers: bool = False) -> list[Deleted]:
        """Delete up to 1,000 objects in one request, and return the outcome of each.

        With `markers`, the outcomes name the delete markers that were made. An object that does not exist is not a
        failure.
        """
        found: list[Deleted] = []
        left = []
        for deletion in wanted:
            if deletion.key.isprintable():
                left.append(deletion)
            else:
                # XML cannot carry control characters: one such key would fail the whole batch.
                found.append(self._delete_alone(deletion, params))
        attempt = 0
        while left:
            attempt += 1
            outcomes = self._delete_together(left, params, markers=markers)
            found += [outcome for outcome in outcomes if not _is_busy(outcome) or attempt == _TRIES]
            left = [outcome.deletion for outcome in outcomes if _is_busy(outcome) and attempt < _TRIES]
            if left:
                backoff.wait(attempt)
        return found

    def _delete_together(self, wanted: Sequence[Deletion], params: Params, *, markers: bool) -> list[Deleted]:
        body = {"Objects": [_entry(deletion) for deletion in wanted], "Quiet": not markers}
        with self.changing(*(deletion.key for deletion in wanted)):
            answer = self._call("delete_objects", None, params, Delete=body)
        with self._reading("delete_objects"):
            refused = {
                (entry["Key"], entry.get("VersionId")): (entry.get("Code") or "", entry.get("Message") or "")
                for entry in answer.get("Errors", ())
            }
        asked = {deletion.key for deletion in wanted}
        if strange := [key for key, _ in refused if key not in asked]:
            reason = f"the response is about {strange[0]!r}, which was not to be deleted"
            raise self._error(errors.InvalidResponseError, reason, "delete_objects")
        made = {entry.get("Key"): entry.get("DeleteMarkerVersionId") for entry in answer.get("Deleted", ())}
        outcomes = []
        for deletion in wanted:
            # Some servers leave the version out of an error.
            code, message = refused.get((deletion.key, deletion.version_id)) or refused.get(
                (deletion.key, None), ("", "")
            )
            failure = None
            if code not in ("", "NoSuchKey", "NoSuchVersion"):
                failure = self._refused(deletion, code, message)
            outcomes.append(Deleted(deletion=deletion, marker=made.get(deletion.key), failure=failure))
        return outcomes

    def _refused(self, deletion: Deletion, code: str, message: str) -> errors.Failure:
        """Return the failure of one object, with the message that a request for it alone would have."""
        needs = needed("delete_objects", ("VersionId",) if deletion.version_id else ())
        facts = {"key": deletion.key, "code": code, "needs": needs}
        error = self._error(errors.kind_of(code, None), message, "delete_objects", **facts)
        return errors.Failure(key=deletion.key, code=code, message=str(error))

    def _delete_alone(self, deletion: Deletion, params: Params) -> Deleted:
        extra: dict[str, Any] = {}
        if deletion.etag:
            extra["IfMatch"] = deletion.etag
        if deletion.version_id:
            extra["VersionId"] = deletion.version_id
        try:
            with self.changing(deletion.key):
                answer = self._call(
                    "delete_object", deletion.key, params, precondition=errors.ObjectChangedError, **extra
                )
        except errors.ObjectNotFoundError:
            return Deleted(deletion=deletion)
        except errors.S3StoreError as error:
            return Deleted.failed(deletion, error)
        return Deleted(deletion=deletion, marker=answer.get("VersionId") if answer.get("DeleteMarker") else None)

    def version(self, key: str, version_id: str, params: Params) -> ObjectInfo:
        """Return the facts about a version of an object. Raises ObjectNotFoundError."""
        answer = self._call("head_object", key, params, VersionId=version_id)
        with self._reading("head_object", key):
            return described(key, answer)

    def versions(self, prefix: str, params: Params, *, limit: int = parts.MAX_DELETE_KEYS) -> Iterator[Version]:
        """Yield the versions and delete markers of all keys that start with `prefix`, 1,000 a request."""
        extra: dict[str, Any] = {"Prefix": prefix, "MaxKeys": limit}
        seen: set[tuple[str | None, str | None]] = set()
        while True:
            answer = self._call("list_object_versions", None, params, **extra)
            with self._reading("list_object_versions"):
                found = [_version(entry) for entry in answer.get("Versions", ())]
                found += [_version(entry, is_marker=True) for entry in answer.get("DeleteMarkers", ())]
            yield from (version for version in found if version.key.startswith(prefix))
            after = {"KeyMarker": answer.get("NextKeyMarker"), "VersionIdMarker": answer.get("NextVersionIdMarker")}
            if not answer.get("IsTruncated"):
                return
            marker = (after["KeyMarker"], after["VersionIdMarker"])
            if not marker[0] or marker in seen:
                reason = "the list of versions has no end: its marker is missing, or the same as before"
                raise self._error(errors.InvalidResponseError, reason, "list_object_versions")
            seen.add(marker)
            extra |= {name: value for name, value in after.items() if value}


def _is_busy(outcome: Deleted) -> bool:
    return outcome.failure is not None and outcome.failure.code in _BUSY


def _entry(deletion: Deletion) -> dict[str, str]:
    named = {"Key": deletion.key, "ETag": deletion.etag, "VersionId": deletion.version_id}
    return {name: value for name, value in named.items() if value is not None}


def _version(entry: Any, *, is_marker: bool = False) -> Version:
    return Version(
        key=entry["Key"],
        version_id=entry["VersionId"],
        is_latest=bool(entry.get("IsLatest")),
        is_marker=is_marker,
        size=entry.get("Size") or 0,
        etag=entry.get("ETag"),
        modified=entry.get("LastModified"),
    )
