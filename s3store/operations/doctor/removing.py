"""Probes 9 and 10: an upload in parts is started and aborted, and the object is deleted."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from s3store.operations.doctor.examination import Examination
from s3store.operations.doctor.writing import explicit_deny
from s3store.wire.examining import Reply

_NOT_FOUND = 404
_A_DAY = timedelta(days=1)


def examine_parts(examined: Examination) -> None:
    """Start an upload in parts, list those that are open, and abort it. Three requests."""
    key, params = examined.target.key, examined.accepted
    reply = examined.ask("create_multipart_upload", key, params)
    upload = reply.value.get("UploadId")
    if not reply.ok or not upload:
        if not explicit_deny(examined, reply, "CreateMultipartUpload"):
            examined.found("multipart-denied", f"CreateMultipartUpload returned {reply.seen}")
        return
    examined.upload = upload
    _left_over(examined)
    reply = abort(examined)
    if reply.ok:
        examined.note("Uploads in parts can be started and aborted.")
    elif not explicit_deny(examined, reply, "AbortMultipartUpload"):
        examined.found("abort-denied", f"AbortMultipartUpload of {upload} returned {reply.seen}")


def abort(examined: Examination) -> Reply:
    """Abort the upload of this examination."""
    upload, examined.upload = examined.upload, ""
    return examined.ask("abort_multipart_upload", examined.target.key, examined.accepted, UploadId=upload)


def _left_over(examined: Examination) -> None:
    """Find uploads that were started more than a day ago, by the clock of the server."""
    params = examined.objects.listing_params
    reply = examined.ask("list_multipart_uploads", None, params, Prefix=examined.objects.prefix(""))
    if not reply.ok:
        examined.untold.append("unfinished uploads")
        return
    now = datetime.fromtimestamp(examined.clock() + examined.skew, timezone.utc)
    others = [each for each in reply.value.get("Uploads") or () if each.get("UploadId") != examined.upload]
    times = [each.get("Initiated") for each in others]
    old = [begun for begun in times if isinstance(begun, datetime) and begun < now - _A_DAY]
    if old:
        count = f"{len(old)} or more" if reply.value.get("IsTruncated") else str(len(old))
        examined.found(
            "parts-left",
            f"the oldest was started at {min(old).isoformat()}",
            count=count,
            since=f"{now - _A_DAY:%Y-%m-%d}",
        )


# The object


def examine_delete(examined: Examination) -> None:
    """Delete the object and read it again: two requests, and one for each version that the bucket has kept of it."""
    reply = _delete(examined)
    if not reply.ok:
        seen = f"DeleteObject returned {reply.seen}"
        if explicit_deny(examined, reply, "DeleteObject"):
            examined.found("probe-left", seen)
        else:
            examined.found("delete-denied" if reply.refused else "probe-left", seen)
        return
    again = examined.ask("get_object", examined.target.key, examined.accepted)
    if again.ok:
        examined.read(again)
        seen = f"GetObject after DeleteObject returned {again.seen}"
        examined.found("content-differs", seen, difference="it still exists after it was deleted")
    else:
        examined.note("Delete: the object is gone." if again.status == _NOT_FOUND else "Delete.")
    _delete_versions(examined)


def _delete(examined: Examination) -> Reply:
    reply = examined.ask("delete_object", examined.target.key, examined.accepted)
    # The user has been told, or is told now: it is not tried again.
    examined.is_left = False
    marker = reply.headers.get("x-amz-version-id", "")
    if reply.ok and marker and marker != "null":
        examined.versions.append(marker)
    return reply


def _delete_versions(examined: Examination) -> None:
    if not examined.versions:
        return
    noted, examined.versions = examined.versions, []
    # Not every response to an upload names the version.
    reply = examined.ask("list_object_versions", None, Prefix=examined.target.key)
    found = [*(reply.value.get("Versions") or ()), *(reply.value.get("DeleteMarkers") or ())]
    listed = [each["VersionId"] for each in found if each.get("Key") == examined.target.key]
    kept = [version for version in listed or noted if not _delete_version(examined, version)]
    if kept:
        seen = f"the bucket keeps {len(kept)} versions of it, which may not be deleted"
        examined.found("probe-left", seen, level="note")


def _delete_version(examined: Examination, version: str) -> bool:
    return examined.ask("delete_object", examined.target.key, examined.accepted, VersionId=version).ok


def remove(examined: Examination) -> None:
    """Remove what an examination that ended early has left in the bucket, or say what is left."""
    if examined.upload:
        upload = examined.upload
        reply = abort(examined)
        if not reply.ok:
            _left(examined, f"AbortMultipartUpload of {upload} returned {reply.seen}")
    if not examined.is_left:
        return
    reply = _delete(examined)
    if reply.ok:
        _delete_versions(examined)
    else:
        _left(examined, f"DeleteObject returned {reply.seen}")


def _left(examined: Examination, seen: str) -> None:
    examined.found("probe-left", seen)
    found = examined.findings[-1]
    examined.watcher.warn(f"{found.meaning} {found.seen}. {found.action}")
