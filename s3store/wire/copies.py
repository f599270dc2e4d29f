"""The verb that copies an object, and never replaces one by another version than was asked for. AWS: "CopyObject"."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from weakref import WeakKeyDictionary

from s3store import errors
from s3store.core.keys import MAX_KEY_BYTES
from s3store.core.parameters import Parameters, Params
from s3store.wire.deleting import Deleting

logger = logging.getLogger("s3store")

# Whether the server of a client copies only an object with the ETag that a request names.
_COMPARES_SOURCES: WeakKeyDictionary[Any, bool] = WeakKeyDictionary()

_NO_ETAG = f'"{"0" * 32}"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """What is known about a copy, and about the object that was copied. None: the server did not say it.

    `modified` is the time of the copy. `source_etag` and `source_version` are those of the source. The ETag is known if
    it was a condition of the copy, or the caller looked at the source just before.
    """

    etag: str | None = None
    modified: datetime | None = None
    source_etag: str | None = None
    source_version: str | None = None


class Copies(Deleting):
    """The verb that copies objects."""

    @property
    def completes_conditionally(self) -> bool:
        """Whether only one of several simultaneous completions with `If-None-Match` creates an object.

        AWS says so in "CompleteMultipartUpload". SeaweedFS lets several win, and Ceph RGW 16 ignores the header.
        """
        return self.is_aws

    def copy(
        self,
        source: str,
        key: str,
        params: Params,
        *,
        etag: str | None = None,
        version_id: str | None = None,
        origin: str | None = None,
        create: bool = False,
        reserved: bool = False,
        **changes: Any,
    ) -> Copied:
        """Copy an object of up to 5 GiB, and return what is known about the copy.

        `origin` is the bucket of the source, if it is another one of the same endpoint. `version_id` names one version
        of the source, and `changes` are parameters of CopyObject. With `etag`, raises
        ObjectChangedError if the source has another ETag, and leaves the object at `key` as it is. Servers that ignore
        the condition copy to a temporary key first, which costs two or three requests more; the first such copy in a
        process asks the server by one request. Say `reserved` if the object at `key` is the caller's own: then a wrong
        copy is deleted instead. Raises ObjectExistsError with `create` if the key is taken: servers that `conditions`
        knows to ignore it replace the object. AWS: "CopyObject".
        """
        if create:
            changes["IfNoneMatch"] = "*"
        if origin:
            changes["origin"] = origin
        if not etag or version_id or (source == key and origin in (None, self.name)):
            return self._copy(source, key, params, etag=etag, version_id=version_id, **changes)
        if not reserved and not self._compares_sources(source, key, params, origin):
            return self._copy_staged(source, key, params, etag, changes)
        found = self._copy(source, key, params, etag=etag, **changes)
        # The ETag of a copy can be another one: after an upload in parts, and with some encryptions.
        doubtful = reserved and not same_etag(found.etag, etag)
        if doubtful and not self._compares_sources(source, key, params, origin):
            try:
                self.refuse_changed(source, etag, params, origin)
            except errors.S3StoreError:
                self.delete(key, params)
                raise
        return found

    def _copy(
        self,
        source: str,
        key: str,
        params: Params,
        *,
        etag: str | None = None,
        version_id: str | None = None,
        **changes: Any,
    ) -> Copied:
        if etag:
            changes["CopySourceIfMatch"] = etag
        try:
            with self.changing(key):
                copied = self._copied("copy_object", source, key, params, version_id=version_id, **changes)
        except errors.ObjectChangedError as error:
            # One status for both conditions.
            if "IfNoneMatch" in changes and self.find(key, params):
                names = ("code", "status", "request_id", "attempts")
                facts = {name: getattr(error, name) for name in names}
                raise self._error(errors.ObjectExistsError, "", "copy_object", key=key, **facts) from error.__cause__
            raise
        return Copied(
            etag=copied.get("ETag"),
            modified=copied.get("LastModified"),
            source_etag=etag,
            source_version=copied["CopySourceVersionId"],
        )

    def _copy_staged(self, source: str, key: str, params: Params, etag: str, changes: Mapping[str, Any]) -> Copied:
        """Copy the version `etag` where the server would copy any: the copy moves to `key` once it is the right one."""
        staged = _beside(key)
        first = {name: value for name, value in changes.items() if name != "IfNoneMatch"}
        # A locked object could not be deleted.
        free = Parameters((name, value) for name, value in params.items() if not name.startswith("ObjectLock"))
        try:
            if not same_etag(self._copy(source, staged, free, **first).etag, etag):
                self.refuse_changed(source, etag, params, changes.get("origin"))
            copied = self._copy(staged, key, params, **{**changes, "origin": None})
            # The source of that copy was the temporary object.
            return replace(copied, source_etag=etag, source_version=None)
        finally:
            self._drop(staged, params)

    def _drop(self, key: str, params: Params) -> None:
        try:
            self.delete(key, params)
        except errors.S3StoreError as error:
            logger.warning("The temporary object %r is left in the bucket %r: %s", key, self.name, error)

    def refuse_changed(self, key: str, etag: str | None, params: Params, origin: str | None = None) -> None:
        """Raise ObjectChangedError if the object, in the bucket `origin`, has another ETag, or is gone: one request."""
        bucket = type(self)(replace(self.options, bucket_name=origin)) if origin else self
        info = bucket.find(key, params)
        if info is None or not same_etag(info.etag, etag):
            raise self._error(errors.ObjectChangedError, "the source was replaced", "copy_object", key=key)

    def _compares_sources(self, source: str, key: str, params: Params, origin: str | None) -> bool:
        """Return whether the server copies only an object with the ETag in the condition. The first call asks it."""
        if self.is_aws:
            return True
        client = self.client
        if client not in _COMPARES_SOURCES:
            probe = _beside(key)
            try:
                self._copy(source, probe, params, etag=_NO_ETAG, origin=origin)
            except errors.ObjectChangedError:
                _COMPARES_SOURCES[client] = True
            else:
                _COMPARES_SOURCES[client] = False
                self._drop(probe, params)
        return _COMPARES_SOURCES[client]


def same_etag(one: str | None, other: str | None) -> bool:
    """Return whether two ETags are equal. Some servers leave out the quotes."""
    return (one or "").strip('"') == (other or "").strip('"')


def _beside(key: str) -> str:
    """Return a new key for a temporary object, in the same directory."""
    suffix = f".{secrets.token_hex(8)}.tmp"
    return key.encode()[: MAX_KEY_BYTES - len(suffix)].decode(errors="ignore") + suffix
