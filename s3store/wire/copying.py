"""Copies of whole objects inside a bucket, of any size, with the headers, metadata and tags of the source."""

from __future__ import annotations

from s3store import errors
from s3store.core import parameters, parts
from s3store.core.info import ObjectInfo
from s3store.core.parameters import Params, with_acl
from s3store.wire.light import Light, Unanswered
from s3store.wire.multipart import copy_in_parts
from s3store.wire.objects import Objects, Target


def kept_parameters(objects: Objects, target: Target) -> Params:
    """Return what a copy takes from the options: ACL, encryption, class. The rest is that of the source."""
    params = with_acl(target.params, objects.options.default_acl)
    return {name: value for name, value in params.items() if name not in parameters.CONTENT_HEADERS | {"Metadata"}}


def whole_parameters(objects: Objects, info: ObjectInfo, kept: Params) -> Params:
    """Return the parameters of a copy that the server does not make at once: with the headers and tags of the source.

    Costs a request for the tags.
    """
    params = {**kept, **info.parameters}
    if "Tagging" not in kept and (tags := objects.bucket.tags(info.key, kept)):
        params["Tagging"] = tags
    return params


def copy_whole(
    objects: Objects,
    source: str,
    target: Target,
    *,
    etag: str | None = None,
    version_id: str | None = None,
    create: bool = False,
    light: Light | None = None,
) -> str | None:
    """Copy an object, and return the ETag of the copy, or None if it is in parts. AWS: "CopyObject".

    Raises ObjectNotFoundError, ObjectChangedError if the source has another ETag, and ObjectExistsError with `create`.
    With `light`, the first attempt is a light request: the `attempts` of an error contain it, if it was not answered.
    """
    bucket, kept = objects.bucket, kept_parameters(objects, target)
    unanswered = False
    if light and not version_id:
        try:
            if copied := light.copy(source, target.key, kept, etag=etag, create=create):
                return copied
        except Unanswered:
            unanswered = True
    try:
        return bucket.copy(source, target.key, kept, etag=etag, version_id=version_id, create=create)
    except errors.ObjectExistsError as error:
        error.attempts += unanswered
        raise
    except errors.InvalidRequestError as error:
        info = bucket.head(source, target.params)
        if info.size <= parts.MAX_COPY_SIZE:
            raise error from None
        copy_in_parts(bucket, info, target.key, whole_parameters(objects, info, kept), create=create)
        return None


def create_whole(objects: Objects, source: str, target: Target, *, etag: str | None = None) -> str | None:
    """Copy an object to a key that is free, where the server ignores the condition of CopyObject.

    It keeps that of completing an upload in parts: the only part is then a copy. Raises ObjectExistsError. The return
    value and the other errors are those of `copy_whole`.
    """
    bucket, kept = objects.bucket, kept_parameters(objects, target)
    bucket.refuse_existing(target.key, kept, operation="copy")
    if not bucket.refuses_existing:
        return copy_whole(objects, source, target, etag=etag)
    info = bucket.head(source, target.params)
    if etag and info.etag != etag:
        raise errors.build(errors.ObjectChangedError, "", operation="copy", bucket=bucket.name, key=source)
    params = whole_parameters(objects, info, kept)
    if info.size:
        return copy_in_parts(bucket, info, target.key, params, create=True).etag
    return bucket.create(target.key, b"", params).etag
