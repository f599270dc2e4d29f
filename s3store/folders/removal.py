"""Deleting: exactly what was listed, and only if it is still the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from s3store.core.info import ObjectInfo
from s3store.core.parts import MAX_DELETE_KEYS
from s3store.folders import reports
from s3store.folders.scope import Scope
from s3store.folders.trees import Tree
from s3store.wire import pool
from s3store.wire.deleting import Deletion
from s3store.wire.objects import Objects

THREADS = 32
"""The number of single requests at a time."""


def delete_unchanged(
    scope: Scope, infos: Sequence[ObjectInfo], again: Callable[[], dict[str, ObjectInfo]]
) -> Iterator[tuple[str, str]]:
    """Delete up to 1,000 objects that are still what was listed, and yield key and code of the failures.

    Where the server ignores the condition, `again` lists them once more: what changes after that is deleted.
    """
    objects = scope.objects
    pinned = scope.conditions.delete
    if not pinned:
        now = again()
        changed = [info.key for info in infos if info.key in now and now[info.key].etag != info.etag]
        yield from ((key, "changed") for key in changed)
        infos = [info for info in infos if info.key not in changed and info.key in now]
    wanted = [Deletion(key=info.key, etag=info.etag if pinned else None) for info in infos]
    for outcome in objects.bucket.delete_listed(wanted, objects.listing_params) if wanted else ():
        if outcome.failure:
            yield outcome.failure.key, reports.code_of_key(outcome.failure.code)


def found_one_by_one(objects: Objects, keys: Sequence[str]) -> dict[str, ObjectInfo]:
    """Return the objects that exist, by key: a request each, in parallel."""
    threads = min(THREADS, len(keys)) or 1
    found = {}
    for outcome in pool.run(lambda key: objects.bucket.find(key, objects.target_at(key).params), keys, threads=threads):
        if outcome.error:
            raise outcome.error
        if outcome.result:
            found[outcome.item] = outcome.result
    return found


def sweep(objects: Objects, tree: Tree, *, versioned: bool = False) -> None:
    """Delete the folders of a tree that the server goes on to list although nothing is in them: one request more.

    Some servers keep directories. They list the folders, but no keys below them. Elsewhere, nothing is deleted. In a
    bucket with versions, a second delete of a marker would hide it twice.
    """
    bucket, params = objects.bucket, objects.listing_params
    top = bucket.page(tree.prefix, params, flat=True, limit=2)
    if not top.prefixes and not top.objects:
        return
    if bucket.page(tree.prefix, params, flat=False, limit=1).objects:
        return
    left = {*tree.folders, tree.prefix} - (tree.markers if versioned else set())
    deepest = sorted(left, key=lambda key: -key.count("/"))
    for start in range(0, len(deepest), MAX_DELETE_KEYS):
        bucket.delete_listed([Deletion(key=key) for key in deepest[start : start + MAX_DELETE_KEYS]], params)
