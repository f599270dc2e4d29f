"""Copies of whole objects inside a bucket, of any size, with the headers, metadata and tags of the source."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from s3store import errors
from s3store.core import parameters, parts
from s3store.core.info import ObjectInfo
from s3store.core.parameters import Parameters, Params, with_acl
from s3store.wire.conditions import note_copies, refuses_copies
from s3store.wire.copies import Copied
from s3store.wire.light import Light, Unanswered
from s3store.wire.multipart import copy_in_parts
from s3store.wire.objects import Objects, Target


def kept_parameters(objects: Objects, target: Target) -> Params:
    """Return what a copy takes from the options: ACL, encryption, class. The rest is that of the source."""
    params = with_acl(target.params, objects.options.default_acl)
    dropped = parameters.CONTENT_HEADERS | {"Metadata"}
    return Parameters((name, value) for name, value in params.items() if name not in dropped)


def whole_parameters(objects: Objects, info: ObjectInfo, kept: Params, *, version_id: str | None = None) -> Params:
    """Return the parameters of a copy that the server does not make at once: with the headers and tags of the source.

    Costs a request for the tags.
    """
    params = Parameters({**kept, **info.parameters})
    if "Tagging" not in kept and (tags := objects.bucket.tags(info.key, kept, version_id=version_id)):
        params["Tagging"] = tags
    return params


def copy_version(objects: Objects, source: str, version_id: str, target: Target, *, size: int) -> None:
    """Copy a version of an object that has `size` bytes. Raises ObjectNotFoundError.

    One request up to 5 GiB. Larger ones are copied in parts, which costs two requests more for headers and tags.
    """
    if size <= parts.MAX_COPY_SIZE:
        copy_whole(objects, source, target, version_id=version_id)
        return
    info = objects.bucket.version(source, version_id, target.params)
    params = whole_parameters(objects, info, kept_parameters(objects, target), version_id=version_id)
    copy_in_parts(objects.bucket, info, target.key, params, version_id=version_id)


def copy_whole(
    objects: Objects,
    source: str,
    target: Target,
    *,
    etag: str | None = None,
    version_id: str | None = None,
    create: bool = False,
    reserved: bool = False,
    light: Light | None = None,
) -> Copied:
    """Copy an object, and return what is known about the copy. AWS: "CopyObject".

    Raises ObjectNotFoundError, ObjectChangedError if the source has another ETag, and ObjectExistsError with `create`.
    `reserved` is that of `Bucket.copy`. With `light`, the first attempt is a light request: the `attempts` of an error
    contain it, if it was not answered.
    """
    bucket, kept = objects.bucket, kept_parameters(objects, target)
    unanswered = False
    if light and not version_id:
        try:
            if copied := light.copy(source, target.key, kept, etag=etag, create=create):
                return Copied(etag=copied, source_etag=etag)
        except Unanswered:
            unanswered = True
    try:
        how: Any = {"etag": etag, "version_id": version_id, "create": create, "reserved": reserved}
        return bucket.copy(source, target.key, kept, **how)
    except errors.ObjectExistsError as error:
        error.attempts += unanswered
        raise
    except errors.InvalidRequestError as error:
        info = bucket.head(source, target.params)
        if info.size <= parts.MAX_COPY_SIZE:
            raise error from None
        return _copy_in_parts(objects, info, target, kept, create=create)


def _copy_in_parts(objects: Objects, info: ObjectInfo, target: Target, kept: Params, *, create: bool) -> Copied:
    params = whole_parameters(objects, info, kept)
    made = copy_in_parts(objects.bucket, info, target.key, params, create=create)
    return Copied(etag=made.etag, source_etag=info.etag, source_version=info.version_id)


def copy_new(objects: Objects, source: str, target: Target, *, etag: str | None = None) -> Copied:
    """Copy an object to a key that is free: one request where the server refuses to copy onto an object.

    The first copy in a process finds that out, and reserves the key as `create_whole` does. Raises ObjectExistsError.
    The return value and the other errors are those of `copy_whole`.
    """
    if source == target.key or not refuses_copies(objects.bucket):
        return create_whole(objects, source, target, etag=etag)
    try:
        return copy_whole(objects, source, target, etag=etag, create=True)
    except errors.ObjectExistsError as error:
        # The response to the first attempt was lost, and the second one has found the copy.
        if error.attempts > 1 and (made := _is_copy(objects, source, target)):
            return made
        raise


def _is_copy(objects: Objects, source: str, target: Target) -> Copied | None:
    """Return what is known about the target if it has the content of the source."""
    ours, theirs = (objects.bucket.find(key, target.params) for key in (source, target.key))
    return Copied(etag=theirs.etag) if ours and theirs and ours.md5 and ours.md5 == theirs.md5 else None


def create_whole(objects: Objects, source: str, target: Target, *, etag: str | None = None) -> Copied:
    """Copy an object to a key that is free, where the server may ignore the condition of CopyObject.

    The copy replaces an empty object, which the server refuses to create if the key is taken. Above the size of one
    copy, the condition is that of completing an upload in parts. Raises ObjectExistsError. The return value and the
    other errors are those of `copy_whole`.
    """
    bucket, kept = objects.bucket, kept_parameters(objects, target)
    bucket.refuse_existing(target.key, kept, operation="copy")
    if not bucket.refuses_existing:
        return copy_whole(objects, source, target, etag=etag)
    info = bucket.head(source, target.params)
    if etag and info.etag != etag:
        raise errors.build(errors.ObjectChangedError, "", operation="copy", bucket=bucket.name, key=source)
    if info.size > parts.MAX_COPY_SIZE:
        return _copy_in_parts(objects, info, target, kept, create=True)
    with bucket.reserved(target.key, kept):
        if refuses_copies(bucket) is None:
            # The empty object shows it, and no other can be lost.
            try:
                found = copy_whole(objects, source, target, etag=etag, create=True, reserved=True)
            except (errors.ObjectExistsError, errors.InvalidRequestError) as error:
                # Older boto3 does not know the condition.
                note_copies(bucket, refused=isinstance(error, errors.ObjectExistsError))
            else:
                note_copies(bucket, refused=False)
                return replace(found, source_etag=info.etag)
        return replace(copy_whole(objects, source, target, etag=etag, reserved=True), source_etag=info.etag)
