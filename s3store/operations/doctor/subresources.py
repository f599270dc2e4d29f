"""Probe 11: the settings of the bucket. A setting that may not be read is not a mistake."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from s3store import errors
from s3store.core.policies import canonical
from s3store.core.policies.rules import deletes_files
from s3store.operations.command import counted
from s3store.operations.doctor.examination import Examination
from s3store.wire.account import account_block, account_in, policies_blocked
from s3store.wire.settings import DENIED, NONE, SET, UNKNOWN, Setting

READ = (
    "public-access-block",
    "ownership",
    "policy",
    "cors",
    "lifecycle",
    "encryption",
    "versioning",
    "object-lock",
    "payment",
)
"""The settings that are read: one request each."""

_IN_WORDS = {
    "public-access-block": "Block Public Access",
    "ownership": "Object Ownership",
    "policy": "the bucket policy",
    "cors": "CORS",
    "lifecycle": "lifecycle rules",
    "encryption": "the default encryption",
    "versioning": "versioning",
    "object-lock": "Object Lock",
    "payment": "Requester Pays",
}
_SAFE = {
    "public-access-block": "keep every bucket policy private",
    "policy": "give its users only the rights that they need",
    "cors": "let its proxy send the headers of CORS",
    "lifecycle": "run `manage.py s3 multipart` regularly",
    "versioning": "make backups",
}

Settings = Mapping[str, Setting]


def examine_settings(examined: Examination) -> None:
    """Read the settings, one request each, and judge those that are known."""
    found: dict[str, Setting] = {}
    reader = examined.objects.bucket.settings
    for name in READ:
        try:
            with examined.examiner.counting():
                found[name] = reader.read(name)
        except errors.S3StoreError as error:
            found[name] = Setting(name=name, state=UNKNOWN, why=str(error))
    _untold(examined, found)
    for judge in (_public_block, _ownership, _policy, _account_block, _lifecycle, _versions, _encryption, _payment):
        judge(examined, found)


def _named(found: Settings, state: str) -> list[str]:
    return [name for name, setting in found.items() if setting.state == state]


def _untold(examined: Examination, found: Settings) -> None:
    denied = [_IN_WORDS[name] for name in _named(found, DENIED)] + examined.untold
    if denied:
        codes = {
            f"{setting.status} {setting.code or ''}".strip() for setting in found.values() if setting.state == DENIED
        }
        examined.found("cannot-tell", f"S3 returned {', '.join(sorted(codes)) or '403'}", names=", ".join(denied))
    unknown = _named(found, UNKNOWN)
    if unknown:
        seen = "; ".join(f"{name}: {_response(found[name])}" for name in unknown)
        safe = ", ".join(_SAFE[name] for name in unknown if name in _SAFE) or "see its documentation"
        examined.found("setting-missing", seen, names=", ".join(_IN_WORDS[name] for name in unknown), safe=safe)
    read = [_IN_WORDS[name] for name in (*_named(found, SET), *_named(found, NONE))]
    if read:
        examined.note(f"Settings of the bucket: {', '.join(read)}.")


def _response(setting: Setting) -> str:
    return f"{setting.status} {setting.code}" if setting.code else setting.why


def _public_block(examined: Examination, found: Settings) -> None:
    block = found["public-access-block"]
    if block.state not in (SET, NONE):
        return
    # A bucket with public files needs these two off.
    needed = ["BlockPublicAcls", "IgnorePublicAcls"]
    if examined.signs:
        needed += ["BlockPublicPolicy", "RestrictPublicBuckets"]
    off = [name for name in needed if not block.value.get(name)]
    seen = f"GetPublicAccessBlock returned {block.status}"
    if block.value.get("BlockPublicAcls") and examined.has_found("write-denied") and not examined.on_aws:
        examined.found("public-block-refuses", seen)
    if off and not examined.options.default_acl:
        # On AWS, it is the default. Elsewhere it exists hardly anywhere, and does not always work.
        level = None if examined.on_aws else "note"
        examined.found("public-block-off", seen, level=level, names=", ".join(off))


def _ownership(examined: Examination, found: Settings) -> None:
    for rule in found["ownership"].value.get("Rules") or ():
        ownership = str(rule.get("ObjectOwnership"))
        if ownership != "BucketOwnerEnforced":
            examined.found("acls-enabled", f"ObjectOwnership: {ownership}", ownership=ownership)


def _policy(examined: Examination, found: Settings) -> None:
    block = found["public-access-block"].value
    for statement in _items(found["policy"].value.get("Statement")):
        everybody = statement.get("Principal") in ("*", {"AWS": "*"}, {"AWS": ["*"]})
        allows = statement.get("Effect") == "Allow" and everybody and not statement.get("Condition")
        if not allows or not _touches(examined, statement):
            continue
        seen = f"statement {statement.get('Sid') or 'without Sid'}"
        if examined.signs:
            actions = ", ".join(str(action) for action in _items(statement.get("Action")))
            examined.found("policy-public", seen, actions=actions)
        elif examined.has_found("not-public") and not block.get("RestrictPublicBuckets"):
            # The bucket allows it, and visitors are refused all the same.
            examined.found("account-block", f"{seen} of the policy makes the files public, and visitors get 403")


def _account_block(examined: Examination, found: Settings) -> None:
    """Ask for the block of the account if visitors are refused, and the bucket itself blocks nothing. One request."""
    block, account = found["public-access-block"], account_in(examined.account)
    asks = examined.has_found("not-public") and not examined.has_found("account-block")
    if not asks or block.state not in (SET, NONE) or policies_blocked(block):
        return
    if blocked := policies_blocked(account_block(examined.options, account)):
        seen = f"GetPublicAccessBlock of the account {account} returned {', '.join(blocked)}"
        examined.found("account-block", seen)


def _touches(examined: Examination, statement: Mapping[str, Any]) -> bool:
    """Return whether the resource of a statement can contain objects of the storage."""
    prefix = examined.objects.prefix("")
    for resource in _items(statement.get("Resource")):
        path = str(resource).rpartition(":::")[2].partition("/")[2].partition("*")[0]
        if "/" in str(resource) and (prefix.startswith(path) or path.startswith(prefix)):
            return True
    return False


def _lifecycle(examined: Examination, found: Settings) -> None:
    setting = found["lifecycle"]
    if setting.state not in (SET, NONE):
        return
    rules = [rule for rule in setting.value.get("Rules") or () if rule.get("Status") == "Enabled"]
    if not any(rule.get("AbortIncompleteMultipartUpload") for rule in rules):
        examined.found("no-abort-rule", f"{len(rules)} lifecycle rules")
    location = examined.objects.prefix("")
    for rule in rules:
        prefix, others = canonical.scope(rule)
        # Somebody has given each of these files its tag.
        if deletes_files(rule, location) and not {"Tag", "Tags"} & {name for name, _ in others}:
            seen = f"the rule {rule.get('ID') or 'without ID'}"
            words = {"rule": str(rule.get("ID") or ""), "prefix": repr(prefix), "when": _when(rule["Expiration"])}
            level = None if location.startswith(prefix) else "note"
            examined.found("lifecycle-expires", seen, level=level, **words)


def _when(expiration: Mapping[str, Any]) -> str:
    days = expiration.get("Days")
    return f"after {counted(days, 'day')}" if days else f"on {expiration['Date']:%Y-%m-%d}"


def _versions(examined: Examination, found: Settings) -> None:
    status = found["versioning"].value.get("Status")
    if found["object-lock"].value.get("ObjectLockEnabled"):
        rule = found["object-lock"].value.get("Rule") or "no default retention"
        examined.found("object-lock", f"Object Lock: {rule}")
    if status == "Suspended":
        examined.found("versioning-suspended", "Status: Suspended")
    if status == "Enabled" and found["lifecycle"].state in (SET, NONE):
        rules: Iterable[Mapping[str, Any]] = found["lifecycle"].value.get("Rules") or ()
        if not any(rule.get("NoncurrentVersionExpiration") for rule in rules if rule.get("Status") == "Enabled"):
            examined.found("versions-kept", "Status: Enabled, and no NoncurrentVersionExpiration")


def _encryption(examined: Examination, found: Settings) -> None:
    if found["encryption"].state == NONE:
        examined.found("encryption-off", f"GetBucketEncryption returned {found['encryption'].status}")


def _payment(examined: Examination, found: Settings) -> None:
    pays = found["payment"].value.get("Payer") == "Requester"
    if pays and "RequestPayer" not in examined.objects.listing_params:
        examined.found("requester-pays", "Payer: Requester", level="warning")


def _items(value: Any) -> list[Any]:
    """Return a value of a policy, which can be one item or a list, as a list."""
    return list(value) if isinstance(value, list | tuple) else [] if value is None else [value]


Judge = Callable[[Examination, Settings], None]
