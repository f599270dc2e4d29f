"""Which conditions of requests a server keeps: it is asked once in a process, with an object of one byte.

Some servers copy and delete whatever the conditions say. AWS: "Conditional requests" (writes, copies and deletes).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from s3store import errors
from s3store.core.parameters import Params
from s3store.wire.bucket import Bucket
from s3store.wire.deleting import Deletion

_WRONG = '"00000000000000000000000000000000"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What a server refuses: to copy onto an object, and to delete one that has changed."""

    create: bool = False
    delete: bool = False


_known: WeakKeyDictionary[Any, Conditions] = WeakKeyDictionary()

# What copies to reserved keys have shown.
_refuses_copies: WeakKeyDictionary[Any, bool] = WeakKeyDictionary()


def conditions_of(bucket: Bucket, key: str, params: Params) -> Conditions:
    """Return what the server of a bucket keeps. The first call in a process sends five requests about `key`.

    `key` is that of an object that does not exist. It is deleted again. Nothing is kept if the options have no
    conditional writes.
    """
    if not bucket.options.conditional_writes:
        return Conditions()
    if not bucket.over_http:
        return Conditions(create=True, delete=True)
    known = _known.get(bucket.client)
    if known is None:
        known = _known[bucket.client] = _asked(bucket, key, params)
    return known


def refuses_copies(bucket: Bucket) -> bool | None:
    """Return whether the server refuses to copy onto an object, or None if it was not asked yet. Sends no request."""
    if not bucket.options.conditional_writes:
        return False
    if not bucket.over_http:
        return True
    known = _known.get(bucket.client)
    return known.create if known else _refuses_copies.get(bucket.client)


def note_copies(bucket: Bucket, *, refused: bool) -> None:
    """Remember whether the server has refused to copy onto an object, as it should."""
    _refuses_copies[bucket.client] = refused


def _asked(bucket: Bucket, key: str, params: Params) -> Conditions:
    copy = f"{key}-copy"
    bucket.put(key, b"?", params)
    try:
        bucket.copy(key, copy, params)
        create = _refuses(lambda: bucket.copy(key, copy, params, create=True))
        refused = bucket.delete_listed([Deletion(key=copy, etag=_WRONG)], params)[0].failure
        delete = refused is not None and bucket.find(copy, params) is not None
    finally:
        bucket.delete_listed([Deletion(key=key), Deletion(key=copy)], params)
    return Conditions(create=create, delete=delete)


def _refuses(work: Callable[[], object]) -> bool:
    try:
        work()
    except (errors.ObjectChangedError, errors.ObjectExistsError):
        return True
    except errors.InvalidRequestError:
        # An older boto3, or a server that does not know the condition.
        return False
    return False
