"""Our statements and rules put into the documents of a bucket, beside those of others.

What is not ours is kept as it is, in its order. Ours have names that start with `S3store` or `s3store-`. Those of ours
that are not wanted now are kept too: another command, or another project, may have made them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from s3store.core.policies import bucket, canonical, rules

ADD, CHANGE = "+", "~"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One difference: `op` is `+` for something new, with None as `before`, and `~` for a replaced value."""

    document: str
    id: str
    op: str
    before: Any = None
    after: Any
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """The document to write, the differences from the one that is there, and the number of parts that stay.

    `refusals` are reasons not to write anything, `notes` are for the user.
    """

    document: dict[str, Any]
    changes: tuple[Change, ...] = ()
    kept: int = 0
    refusals: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class _Merger:
    """Puts wanted items into a list of found ones: an item with the same name is replaced, the others are added."""

    def __init__(
        self, *, document: str, name: str, ours: str, form: Callable[[Mapping[str, Any]], Any], items: list[Any]
    ) -> None:
        self.document, self.name, self.ours = document, name, ours
        self.form = form
        self.items = items
        self.changes: list[Change] = []
        self.kept = len(items)

    def put(self, item: Mapping[str, Any], why: str) -> None:
        wanted = self.form(item)
        for number, there in enumerate(self.items):
            if there.get(self.name) == item[self.name]:
                if self.form(there) != wanted:
                    self._note(item, CHANGE, dict(there), why)
                    self.items[number] = dict(item)
                    self.kept -= 1
                return
        if any(self.form(there) == wanted for there in self.items):
            return  # somebody else's says the same
        self._note(item, ADD, None, why)
        self.items.append(dict(item))

    def _note(self, item: Mapping[str, Any], op: str, before: Any, why: str) -> None:
        change = Change(
            document=self.document, id=str(item[self.name]), op=op, before=before, after=dict(item), why=why
        )
        self.changes.append(change)

    def is_foreign(self, item: Mapping[str, Any]) -> bool:
        return not str(item.get(self.name) or "").startswith(self.ours)


# (an item, why it is needed)
Wanted = Iterable[tuple[Mapping[str, Any], str]]


def merge_policy(found: Mapping[str, Any] | None, wanted: Wanted, *, bucket_arn: str) -> Merged:
    """Put statements into a bucket policy. Refuses if a Deny of others would make them useless, or if it gets too long.

    `bucket_arn` is the bucket that the policy is of.
    """
    document = dict(found or {"Version": "2012-10-17"})
    items = document.get("Statement") or []
    items = [items] if isinstance(items, Mapping) else list(items)
    merger = _Merger(document="policy", name="Sid", ours=bucket.OURS, form=canonical.statement, items=items)
    refusals = []
    for item, why in wanted:
        if item["Effect"] == "Allow":
            resources = item["Resource"] if isinstance(item["Resource"], list) else [item["Resource"]]
            for there in items:
                if any(_denies(there, "s3:GetObject", resource) for resource in resources):
                    text = json.dumps(there, ensure_ascii=False)
                    refusals.append(f"A statement of the bucket policy denies what {item['Sid']} allows: {text}")
        merger.put(item, why)
    for there in items:
        if merger.changes and _denies(there, "s3:PutBucketPolicy", bucket_arn):
            text = json.dumps(there, ensure_ascii=False)
            refusals.append(f"A statement of the bucket policy denies every change of it: {text}")
    document["Statement"] = merger.items
    if merger.changes and (size := len(compact(document).encode())) > bucket.POLICY_BYTES:
        refusals.append(f"The bucket policy would have {size:,} bytes, and S3 allows {bucket.POLICY_BYTES:,}.")
    return Merged(
        document=document, changes=tuple(merger.changes), kept=merger.kept, refusals=tuple(dict.fromkeys(refusals))
    )


def public_statements(policy: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    """Return the statements of a bucket policy that allow something to everybody, without a condition."""
    items = (policy or {}).get("Statement") or []
    return [
        item
        for item in ([items] if isinstance(items, Mapping) else items)
        if item.get("Effect") == "Allow"
        and not item.get("Condition")
        and ("NotPrincipal" in item or canonical.is_everyone(item.get("Principal")))
    ]


def _denies(item: Mapping[str, Any], action: str, resource: str) -> bool:
    """Return whether a statement denies an action to everybody, without a condition."""
    if item.get("Effect") != "Deny" or item.get("Condition") or not canonical.is_everyone(item.get("Principal")):
        return False
    return _covers(item, "Action", action.lower(), str.lower) and _covers(item, "Resource", resource, str)


def _covers(item: Mapping[str, Any], name: str, value: str, form: Callable[[str], str]) -> bool:
    patterns = item.get(name, item.get(f"Not{name}")) or []
    patterns = [patterns] if isinstance(patterns, str) else patterns
    # Brackets have no meaning in policies.
    found = any(fnmatchcase(value, form(str(each)).replace("[", "[[]")) for each in patterns)
    return found if name in item else not found


def merge_cors(found: Mapping[str, Any] | None, wanted: Wanted) -> Merged:
    """Put CORS rules after those that are there: the first rule that matches a request decides."""
    document = dict(found or {})
    items = list(document.get("CORSRules") or [])
    merger = _Merger(document="cors", name="ID", ours=rules.OURS, form=canonical.cors_rule, items=items)
    notes = []
    for item, why in wanted:
        merger.put(item, why)
        for there in merger.items:
            if there.get("ID") == item["ID"]:
                break
            if merger.is_foreign(there) and _shadows(there, item):
                shown = json.dumps(there, ensure_ascii=False)
                notes.append(f"This CORS rule is before ours, decides first, and does not expose ETag: {shown}")
    document["CORSRules"] = merger.items
    refusals = _too_many("CORS", merger.items, rules.CORS_RULES) if merger.changes else ()
    return Merged(
        document=document, changes=tuple(merger.changes), kept=merger.kept, refusals=refusals, notes=tuple(notes)
    )


def _shadows(first: Mapping[str, Any], ours: Mapping[str, Any]) -> bool:
    if "etag" in {str(name).lower() for name in first.get("ExposeHeaders") or ()}:
        return False
    if not set(first.get("AllowedMethods") or ()) & set(ours["AllowedMethods"]):
        return False
    return any(
        fnmatchcase(origin, pattern)
        for origin in ours["AllowedOrigins"]
        for pattern in first.get("AllowedOrigins") or ()
    )


def merge_lifecycle(found: Mapping[str, Any] | None, wanted: Wanted, *, locations: Sequence[str] = ()) -> Merged:
    """Put lifecycle rules beside those that are there. A rule of others that does the same for the bucket is enough.

    A note names each rule of others that deletes files below `locations`.
    """
    document = dict(found or {})
    items = list(document.get("Rules") or [])
    merger = _Merger(document="lifecycle", name="ID", ours=rules.OURS, form=canonical.lifecycle_rule, items=items)
    for item, why in wanted:
        if not any(_does(there, item) for there in items if merger.is_foreign(there)):
            merger.put(item, why)
    notes = [
        f"The lifecycle rule {there.get('ID') or '(without an ID)'!r} deletes files below {location or 'the bucket'!r}."
        for location in locations
        for there in items
        if merger.is_foreign(there) and rules.deletes_files(there, location)
    ]
    document["Rules"] = merger.items
    refusals = _too_many("lifecycle", merger.items, rules.LIFECYCLE_RULES) if merger.changes else ()
    return Merged(
        document=document,
        changes=tuple(merger.changes),
        kept=merger.kept,
        refusals=refusals,
        notes=tuple(dict.fromkeys(notes)),
    )


def _does(there: Mapping[str, Any], item: Mapping[str, Any]) -> bool:
    """Return whether an enabled rule with the same prefix already does what ours is for, at any age."""
    prefix, others = canonical.scope(there)
    if there.get("Status") != "Enabled" or prefix != item["Filter"]["Prefix"] or others:
        return False
    return any(
        name in item and there.get(name)
        for name in ("AbortIncompleteMultipartUpload", "Expiration", "NoncurrentVersionExpiration")
    )


def _too_many(what: str, items: Sequence[Any], limit: int) -> tuple[str, ...]:
    return (f"The bucket would have {len(items)} {what} rules, and S3 allows {limit}.",) * (len(items) > limit)


def compact(document: Mapping[str, Any]) -> str:
    """Return a document as JSON without white space, as S3 counts its size."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False)
