"""What S3 knows about files, besides their content: metadata, tags and ACLs, shown and changed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

from s3store.core import parameters, parts, tags
from s3store.core.globs import Filter
from s3store.core.info import ATTRIBUTES, Grant, Stat
from s3store.core.parameters import with_acl
from s3store.operations.command import THREADS
from s3store.operations.reports import Step, Summary, Watcher
from s3store.operations.shell.applying import Chosen, apply, chosen_of, measured, threads_for
from s3store.operations.shell.listing import utc
from s3store.operations.shell.selecting import Selection
from s3store.wire.multipart import rewrite
from s3store.wire.objects import Objects

__all__ = ["acl_of", "change_acl", "change_metadata", "change_tags", "facts_of", "stat_of", "tags_of"]

PUBLIC_ACLS = frozenset({"public-read", "public-read-write", "authenticated-read"})
"""The canned ACLs with which others than the owner of the bucket read a file."""


def facts_of(stat: Stat) -> dict[str, Any]:
    """Return what a HEAD request returns about a file, under names for people and for JSON. Sizes are in bytes."""
    facts: dict[str, Any] = {
        "name": stat.name,
        "key": stat.key,
        "size": stat.size,
        "modified": utc(stat.modified),
        "etag": (stat.etag or "").strip('"') or None,
        "version_id": stat.version_id,
        "crc32": stat.crc32,
        "restore": stat.restore,
        "archive_status": stat.archive_status,
        "size_before_compression": stat.plain_size,
    }
    facts |= {attribute: getattr(stat, attribute) for attribute in sorted(ATTRIBUTES.values())}
    return {name: value for name, value in facts.items() if value is not None} | {"metadata": stat.metadata}


def tags_of(objects: Objects, name: str) -> dict[str, str]:
    """Return the tags of a file: one request. Raises FileNotFoundError."""
    target = objects.target(name)
    return dict(parse_qsl(objects.bucket.tags(target.key, target.params), keep_blank_values=True))


def acl_of(objects: Objects, name: str) -> tuple[Grant, ...]:
    """Return the grants of the ACL of a file: one request. Raises FileNotFoundError."""
    target = objects.target(name)
    return objects.bucket.get_acl(target.key, target.params)


def change_metadata(
    selections: Sequence[Selection],
    *,
    added: Mapping[str, str],
    removed: Collection[str] = (),
    clear: bool = False,
    **how: Any,
) -> Summary:
    """Change the metadata of files: entries are removed (all with `clear`), and then added. The rest stays.

    S3 copies an object onto itself for that: the time of its last write changes, and its ACL becomes the default ACL of
    the storage. Costs a HEAD for each file, and a PUT if something changes. `how`: `recursive`, `rules`, `dry_run`,
    `threads`, `watcher`. Raises ValueError for metadata that no header can hold. AWS: "Working with object metadata".
    """
    if problem := parameters.metadata_problem(added):
        raise ValueError(f"Cannot set this metadata: {problem}.")
    new = {name.lower(): value for name, value in added.items()}
    gone = {name.lower() for name in removed}

    def work(each: Chosen, name: str, *, dry_run: bool) -> Step:
        objects, bucket = each.objects, each.objects.bucket
        target = objects.target(name)
        # A file that was named was asked about a moment ago.
        known = each.item.info.all_metadata is not None
        info = each.item.info if known else bucket.head(target.key, target.params)
        wanted = {} if clear else {item: value for item, value in info.metadata.items() if item not in gone}
        wanted |= new
        if wanted == info.metadata:
            return Step(op="skip", name=each.item.shown, reason="nothing changes")
        if not dry_run:
            internal = {item: value for item, value in (info.all_metadata or {}).items() if item not in info.metadata}
            params = {**target.params, **info.parameters, "Metadata": {**internal, **wanted}}
            if info.size > parts.MAX_COPY_SIZE and (kept := bucket.tags(target.key, target.params)):
                # A copy in parts has only the tags that it is given.
                params["Tagging"] = kept
            rewrite(bucket, info, with_acl(params, objects.options.default_acl))
        return Step(op="change", name=each.item.shown, reason=_difference(info.metadata, wanted))

    return _changed("metadata", selections, work, **how)


def change_tags(
    selections: Sequence[Selection],
    *,
    added: Mapping[str, str],
    removed: Collection[str] = (),
    clear: bool = False,
    **how: Any,
) -> Summary:
    """Change the tags of files. Arguments and result are those of `change_metadata`; the objects are not rewritten.

    Costs a GET for each file, and a PUT or DELETE if something changes. Raises ValueError for tags that S3 does not
    allow. AWS: "Categorizing your objects using tags".
    """
    if problem := tags.problem(added):
        raise ValueError(f"Cannot set these tags: {problem}.")

    def work(each: Chosen, name: str, *, dry_run: bool) -> Step:
        target = each.objects.target(name)
        found = tags_of(each.objects, name)
        wanted = {} if clear else {item: value for item, value in found.items() if item not in removed}
        wanted |= added
        if wanted == found:
            return Step(op="skip", name=each.item.shown, reason="nothing changes")
        if problem := tags.problem(wanted):
            raise ValueError(f"{name!r} cannot have these tags: {problem}.")
        if not dry_run:
            each.objects.bucket.put_tags(target.key, wanted, target.params)
        return Step(op="change", name=each.item.shown, reason=_difference(found, wanted))

    return _changed("tags", selections, work, **how)


def change_acl(selections: Sequence[Selection], acl: str, **how: Any) -> Summary:
    """Give files a canned ACL: one request for each. `how` is that of `change_metadata`.

    Raises ValueError for an ACL that is not a canned one for objects. If ACLs are disabled for the bucket, the first
    file fails, and the work ends. AWS: "Canned ACL".
    """
    parameters.check_acl(acl)

    def work(each: Chosen, name: str, *, dry_run: bool) -> Step:
        target = each.objects.target(name)
        if not dry_run:
            each.objects.bucket.put_acl(target.key, acl, target.params)
        return Step(op="change", name=each.item.shown, reason=f"ACL {acl}")

    return _changed("acl", selections, work, **how)


def each_file(
    selections: Sequence[Selection], *, recursive: bool = False, rules: Filter | None = None
) -> Iterator[tuple[Chosen, str]]:
    """Yield each file with its name. Keys that are not names are left out."""
    for each in chosen_of(selections, recursive=recursive, rules=rules, watcher=Watcher()):
        if each.item.name is not None:
            yield each, each.item.name


def stat_of(each: Chosen, name: str) -> Stat:
    """Return what S3 knows about a file: one request, and none for a file that was named by itself."""
    info, target = each.item.info, each.objects.target(name)
    if info.all_metadata is None:
        info = each.objects.bucket.head(target.key, target.params)
    return Stat.of(name, info)


def _changed(
    verb: str,
    selections: Sequence[Selection],
    work: Callable[..., Step],
    *,
    recursive: bool = False,
    rules: Filter | None = None,
    dry_run: bool = False,
    threads: int = THREADS,
    watcher: Watcher | None = None,
) -> Summary:
    watcher = watcher or Watcher()
    summary = Summary(command=verb, dry_run=dry_run, plan=[] if dry_run else None)
    found = chosen_of(selections, recursive=recursive, rules=rules, watcher=watcher)

    def one(each: Chosen, name: str) -> Step:
        return work(each, name, dry_run=dry_run)

    with measured(summary, selections):
        threads = threads_for(selections, threads)
        apply(one, found, summary, threads=threads, watcher=watcher)
    summary.failed.sort(key=lambda failure: failure.name)
    return summary


def _difference(found: Mapping[str, str], wanted: Mapping[str, str]) -> str:
    """Return what changes, in words: `+a=1 -b`."""
    added = [f"+{name}={value}" for name, value in wanted.items() if found.get(name) != value]
    return " ".join([*added, *(f"-{name}" for name in found if name not in wanted)])
