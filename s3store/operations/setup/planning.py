"""The differences between a bucket and what it should be. Sends only reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from s3store import errors
from s3store.core.policies import merge, names, rules
from s3store.core.policies.merge import ADD, CHANGE, Change, Merged
from s3store.operations.project import Use, uses_of
from s3store.operations.setup.wishes import SetupError, Wishes, wanted_cors, wanted_lifecycle, wanted_policy
from s3store.storage import S3Storage
from s3store.wire.settings import CEPHS_BLOCK, DENIED, NONE, SET, UNKNOWN, BucketSettings, Setting

DOCUMENTS = ("public-access-block", "ownership", "encryption", "versioning", "policy", "cors", "lifecycle")
"""The order of reading and writing. Public access is allowed before the policy that needs it."""

_ACLS = ("BlockPublicAcls", "IgnorePublicAcls")
_POLICIES = ("BlockPublicPolicy", "RestrictPublicBuckets")
_ENFORCED = "BucketOwnerEnforced"

TITLES = {
    "public-access-block": "Block Public Access",
    "ownership": "Object Ownership",
    "encryption": "default encryption",
    "versioning": "versioning",
    "policy": "bucket policy",
    "cors": "CORS",
    "lifecycle": "lifecycle rules",
    "object-lock": "Object Lock",
}

_SAMPLE = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The differences between the bucket and what it should be, in the order of `apply`.

    `creates` is whether the bucket does not exist, `kept` the number of statements, rules and values that stay.
    `refusals` are reasons to write nothing. `notes` are for the user.
    """

    bucket: str
    creates: bool = False
    region: str | None = None
    changes: tuple[Change, ...] = ()
    kept: int = 0
    refusals: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    wishes: Wishes = field(default_factory=Wishes)
    documents: Mapping[str, tuple[Mapping[str, Any], Setting]] = field(default_factory=dict, repr=False)
    folders: tuple[str, ...] = ()

    def json(self, *, applied: bool = False) -> dict[str, Any]:
        """Return the plan as JSON has it."""
        return {
            "bucket": self.bucket,
            "changes": [
                {
                    "document": change.document,
                    "id": change.id,
                    "op": change.op,
                    "before": change.before,
                    "after": change.after,
                    "why": change.why,
                }
                for change in self.changes
            ],
            "kept": self.kept,
            "refused": list(self.refusals),
            "notes": list(self.notes),
            "applied": applied,
        }


def plan(storage: S3Storage, *, wishes: Wishes | None = None, new: bool = False) -> Plan:
    """Return what has to change so that the bucket of a storage is set up. Sends only reads: one for each document.

    `new` says that the bucket has just been created, so that nothing depends on its settings yet. Raises SetupError for
    wishes that are not possible, and S3StoreError if S3 cannot be asked.
    """
    wishes = wishes or Wishes()
    if problems := list(wishes.problems()):
        raise SetupError("\n".join(problems))
    objects = storage.objects
    return _Planner(storage, objects.bucket.settings, wishes, new=new).plan()


class _Planner:
    """Collects the parts of one plan."""

    def __init__(self, storage: S3Storage, settings: BucketSettings, wishes: Wishes, *, new: bool) -> None:
        self.storage, self.settings, self.wishes, self.new = storage, settings, wishes, new
        self.uses = uses_of(storage)
        self.bucket = settings.name or ""
        self.changes: list[Change] = []
        self.refusals: list[str] = []
        self.notes: list[str] = []
        self.documents: dict[str, tuple[Mapping[str, Any], Setting]] = {}
        self.kept = 0
        self.found: dict[str, Setting] = {}

    def plan(self) -> Plan:
        creates = False
        try:
            self.found = {name: self.settings.read(name) for name in (*DOCUMENTS, "object-lock")}
        except errors.BucketNotFoundError:
            creates, self.new = True, True
            self._create()
        self._refuse_strange_servers()
        handlers: dict[str, Callable[[Setting], None]] = {
            "public-access-block": self._block,
            "ownership": self._ownership,
            "encryption": self._encryption,
            "versioning": self._versioning,
            "policy": self._policy,
            "cors": self._cors,
            "lifecycle": self._lifecycle,
        }
        for name in DOCUMENTS:
            if self._usable(name):
                handlers[name](self.found[name])
        self._about_uses()
        folders = self._folders(creates=creates)
        return Plan(
            bucket=self.bucket,
            creates=creates,
            region=self.settings.options.region_name or None,
            changes=tuple(self.changes),
            kept=self.kept,
            refusals=tuple(dict.fromkeys(self.refusals)),
            notes=tuple(dict.fromkeys(self.notes)),
            wishes=self.wishes,
            documents=self.documents,
            folders=folders,
        )

    def _create(self) -> None:
        self.found = {name: Setting(name=name, state=NONE, status=404) for name in (*DOCUMENTS, "object-lock")}
        self.refusals += names.bucket_name_problems(self.bucket)
        if warning := names.bucket_name_warning(self.bucket):
            self.notes.append(warning)
        region = self.settings.options.region_name or None
        self._add("bucket", self.bucket, ADD, None, {"region": region}, "it does not exist")

    def _refuse_strange_servers(self) -> None:
        states = {name: setting.state for name, setting in self.found.items() if name != "versioning"}
        if {states[name] for name in ("policy", "cors", "lifecycle")} == {UNKNOWN}:
            self.refusals.append(
                f"The server responds to requests for the settings of a bucket with something else "
                f"({self.found['policy'].why}). Set the bucket up by the means of the provider."
            )
        elif set(states.values()) <= {DENIED, UNKNOWN}:
            self.refusals.append(
                f"S3 refuses to show any setting of the bucket {self.bucket!r}. It belongs to another account, or the "
                "credentials have no permission. Print the permissions with: manage.py s3 setup --print-iam setup"
            )

    def _usable(self, name: str) -> bool:
        """Return whether a setting can be compared. What is asked for explicitly and impossible is a refusal."""
        found, title, option = self.found[name], TITLES[name], self.wishes.asks_for(name)
        if found.state == UNKNOWN:
            if option:
                self.refusals.append(f"This server has no {title}, so {option} is not possible: {found.why}.")
            else:
                self.notes.append(f"This server has no {title}.")
        elif found.state == DENIED:
            self.refusals.append(
                f"The credentials may not read: {title}. Replacing it could remove what others have set. Print the "
                "permissions with: manage.py s3 setup --print-iam setup"
            )
        return found.state in (SET, NONE)

    def _add(self, document: str, name: str, op: str, before: Any, after: Any, why: str) -> None:
        self.changes.append(Change(document=document, id=name, op=op, before=before, after=after, why=why))

    def _value(self, name: str, before: Any, after: Any, why: str, *, document: Mapping[str, Any]) -> None:
        """Note a change of a setting that is one value."""
        self._add(name, name, CHANGE if before else ADD, before or None, after, why)
        self.documents[name] = (document, self.found[name])

    def _merge(self, name: str, merged: Merged) -> None:
        self.changes += merged.changes
        self.kept += merged.kept
        self.refusals += merged.refusals
        self.notes += merged.notes
        if merged.changes:
            self.documents[name] = (merged.document, self.found[name])

    # The documents

    def _block(self, found: Setting) -> None:
        current = {name: bool(found.value.get(name)) for name in (*_ACLS, *_POLICIES)}
        wanted, why = dict(current), "nobody can make the bucket public by mistake"
        public_acls = any((use.acl or "").startswith("public-") for use in self.uses)
        if public_acls and not all(current[name] for name in _ACLS):
            self.notes.append("Block Public Access for ACLs stays as it is: a storage has a public default_acl.")
        else:
            wanted |= dict.fromkeys(_ACLS, True)
        if found.root == CEPHS_BLOCK and not current["BlockPublicAcls"]:
            # Seen with Ceph 16.2: with this setting, it refuses every PutObject, whatever its ACL.
            wanted["BlockPublicAcls"] = False
            self.notes.append("BlockPublicAcls stays off: with it, Ceph refuses uploads. IgnorePublicAcls is enough.")
        if self.wishes.public_prefixes:
            if any(current[name] for name in _POLICIES):
                why = "S3 accepts the policy for the public prefix only without these two settings"
            wanted |= dict.fromkeys(_POLICIES, False)
        elif merge.public_statements(self.found["policy"].value) and not all(current[name] for name in _POLICIES):
            self.notes.append(
                "Block Public Access for policies stays as it is: the bucket policy makes objects public."
            )
        else:
            wanted |= dict.fromkeys(_POLICIES, True)
        if wanted == current:
            self.kept += 1
        else:
            self._value("public-access-block", found.value and current, wanted, why, document=wanted)

    def _ownership(self, found: Setting) -> None:
        rule: Mapping[str, Any] = next(iter(found.value.get("Rules") or ()), {})
        current = rule.get("ObjectOwnership")
        acls = sorted({use.acl for use in self.uses if use.acl})
        if acls and (current == _ENFORCED or self.new or self.wishes.enforce_owner):
            self.notes.append(
                f"Saving with default_acl {acls[0]!r} fails in a bucket without ACLs: remove default_acl."
            )
        if current == _ENFORCED:
            self.kept += 1
        elif self.new or self.wishes.enforce_owner:
            why = "access is decided by policies only, and every object belongs to the bucket's owner"
            if not self.new:
                why += self._granted()
            document = {"Rules": [{"ObjectOwnership": _ENFORCED}]}
            self._value("ownership", current, _ENFORCED, why, document=document)
        else:
            self.notes.append(
                f"Object Ownership is {current or 'not set'}, so ACLs are in effect. --enforce-owner switches them "
                "off, and the grants of ACLs stop working."
            )

    def _granted(self) -> str:
        """Return what stops working without ACLs, by the ACLs of the bucket and of some objects."""
        bucket = self.storage.objects.bucket
        acl = self.settings.read("acl")
        owner = (acl.value.get("Owner") or {}).get("ID")
        others = [each for each in acl.value.get("Grants") or () if (each.get("Grantee") or {}).get("ID") != owner]
        shown = ["the bucket"] if others else []
        page = next(iter(bucket.pages("", {}, flat=False)), None)
        for info in (page.objects if page else ())[:_SAMPLE]:
            if {grant.grantee for grant in bucket.get_acl(info.key, {})} - {owner}:
                shown.append(repr(info.key))
        if not shown:
            return ". No grants of ACLs were found in the bucket and its first objects"
        return f". These have grants that stop working: {', '.join(shown)}"

    def _encryption(self, found: Setting) -> None:
        rule: Mapping[str, Any] = next(iter(found.value.get("Rules") or ()), {})
        default = rule.get("ApplyServerSideEncryptionByDefault") or {}
        current, key = default.get("SSEAlgorithm"), default.get("KMSMasterKeyID")
        wish = self.wishes.kms_key
        if current and (not wish or key == wish):
            self.kept += 1
        elif current and current.startswith("aws:kms"):
            other = f"the KMS key {key!r}" if key else "a KMS key of AWS"
            self.refusals.append(f"The bucket is encrypted with {other}, which setup does not replace.")
        else:
            wanted: dict[str, Any] = {"SSEAlgorithm": "aws:kms" if wish else "AES256"}
            # A rule can say more, such as which types of encryption are blocked.
            document: dict[str, Any] = {**rule, "ApplyServerSideEncryptionByDefault": wanted}
            if wish:
                wanted["KMSMasterKeyID"] = wish
                document["BucketKeyEnabled"] = True
            self._value("encryption", rule, document, "new objects are encrypted", document={"Rules": [document]})

    def _versioning(self, found: Setting) -> None:
        current = found.value.get("Status")
        lock = self.found["object-lock"]
        if lock.state == SET and current != "Enabled":
            self.refusals.append("The server reports Object Lock for a bucket without versioning, which is impossible.")
        if current == "Enabled" or not self.wishes.versioning:
            self.kept += bool(current)
            if current == "Enabled" and not self.wishes.versioning:
                self._mention_old_versions()
        else:
            why = "deleted and overwritten files can be restored"
            self._value("versioning", current, "Enabled", why, document={"Status": "Enabled"})

    def _mention_old_versions(self) -> None:
        found = self.found["lifecycle"].value.get("Rules") or ()
        if not any(rule.get("NoncurrentVersionExpiration") for rule in found if rule.get("Status") == "Enabled"):
            self.notes.append(
                "The bucket keeps old versions forever, which costs money. --versioning adds a lifecycle rule that "
                f"deletes them after {rules.NONCURRENT_DAYS} days."
            )

    def _policy(self, found: Setting) -> None:
        tls = self.settings.endpoint_url.startswith("https://")
        if not tls:
            self.notes.append("The endpoint uses http, so the policy does not refuse requests without TLS.")
        partition = names.partition_of(self.settings.options.region_name)
        wanted = wanted_policy(self.storage, self.wishes, tls=tls)
        arn = names.bucket_arn(self.bucket, partition)
        self._merge("policy", merge.merge_policy(found.value or None, wanted, bucket_arn=arn))

    def _cors(self, found: Setting) -> None:
        wanted = wanted_cors(self.storage, self.wishes)
        if not wanted and self.wishes.cors_origins is None:
            self.notes.append(
                "The origins of the site are not known, so there is no CORS rule. Set CSRF_TRUSTED_ORIGINS, or give "
                "--cors-origin."
            )
        self._merge("cors", merge.merge_cors(found.value or None, wanted))

    def _lifecycle(self, found: Setting) -> None:
        wanted = wanted_lifecycle(self.storage, self.wishes)
        locations = [use.location for use in self.uses]
        self._merge("lifecycle", merge.merge_lifecycle(found.value or None, wanted, locations=locations))

    # The project

    def _about_uses(self) -> None:
        public = [each.strip("/") + "/" for each in self.wishes.public_prefixes]
        for use in self.uses:
            below = f"{use.location}/" if use.location else ""
            if use.signed and any(below.startswith(each) for each in public):
                self.notes.append(f"{_title(use)} signs its URLs, but everybody can read {below} without a signature.")
            if not use.signed and not use.domain and not self._is_public(below):
                self.notes.append(
                    f"{_title(use)} has unsigned URLs, which work only with --public-prefix {below or 'PREFIX/'} or "
                    "with CloudFront (custom_domain)."
                )
        for each in public:
            if any(f"{use.location}/incoming/".lstrip("/").startswith(each) for use in self.uses if use.uploads):
                self.refusals.append(f"The public prefix {each!r} contains incoming/, where unchecked uploads arrive.")

    def _is_public(self, below: str) -> bool:
        """Return whether a prefix is public already, or will be."""
        wanted = [f"{each.strip('/')}/" for each in self.wishes.public_prefixes]
        return any(below.startswith(each) for each in wanted) or bool(
            merge.public_statements(self.found["policy"].value)
        )

    def _folders(self, *, creates: bool) -> tuple[str, ...]:
        if not self.wishes.folders:
            return ()
        bucket, found = self.storage.objects.bucket, []
        for use in self.uses:
            key = f"{use.location}/"
            if use.location and key not in found and (creates or bucket.find(key, {}) is None):
                self._add("folder", key, ADD, None, {"key": key}, "--folders creates a folder for each location")
                found.append(key)
        return tuple(found)


def _title(use: Use) -> str:
    return f"The storage {use.alias!r}" if use.alias else "The storage"
