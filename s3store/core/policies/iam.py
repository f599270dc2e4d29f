"""The permissions that each feature needs, and IAM policies made of them.

Actions on the bucket that are granted on its objects, or the reverse, grant nothing, and S3 does not say so. So each
kind of resource has its own statements. AWS: "Actions, resources, and condition keys for Amazon S3".
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from s3store.core.policies.names import bucket_arn, prefix_arn
from s3store.core.suggest import did_you_mean

MANAGED_POLICY_CHARACTERS = 6144
"""AWS counts the characters of a managed policy without white space."""

INCOMING = "incoming"


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """A feature and its actions: on the `bucket`, on the `objects` of the locations, on everything, on the KMS key.

    `without` says what happens if they are missing.
    """

    title: str
    bucket: tuple[str, ...] = ()
    objects: tuple[str, ...] = ()
    incoming: tuple[str, ...] = ()
    everything: tuple[str, ...] = ()
    kms: tuple[str, ...] = ()
    pass_role: bool = False
    note: str = ""
    without: str = ""


_MULTIPART = ("s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts")

_SETTINGS = (
    "s3:GetBucketPublicAccessBlock",
    "s3:GetBucketOwnershipControls",
    "s3:GetEncryptionConfiguration",
    "s3:GetBucketVersioning",
    "s3:GetBucketCORS",
    "s3:GetLifecycleConfiguration",
    "s3:GetBucketPolicy",
    "s3:GetBucketPolicyStatus",
    "s3:GetBucketLocation",
    "s3:GetBucketObjectLockConfiguration",
    "s3:GetBucketRequestPayment",
    "s3:GetBucketAcl",
)

FEATURES: dict[str, Feature] = {
    "read": Feature(
        title="Open files, sizes, signed URLs",
        objects=("s3:GetObject",),
        without="Opening a file raises PermissionError, and visitors get 403 for signed URLs.",
    ),
    "exists": Feature(
        title="Find out that a file does not exist",
        bucket=("s3:ListBucket",),
        note="Without a condition: a request for one object has no prefix.",
        without="S3 returns 403 for a missing object, so exists() raises PermissionError.",
    ),
    "list": Feature(
        title="listdir, scan, sync",
        bucket=("s3:ListBucket",),
        without="listdir() raises PermissionError.",
    ),
    "write": Feature(
        title="Save files",
        objects=("s3:PutObject",),
        without="Saving raises PermissionError.",
    ),
    "no-overwrite": Feature(
        title="Save without overwriting",
        objects=("s3:PutObject", "s3:GetObject"),
        bucket=("s3:ListBucket",),
        note="On servers with conditional writes, s3:PutObject is enough.",
        without="Without conditional writes, the HEAD request before a save fails with 403.",
    ),
    "multipart": Feature(
        title="Save large files in parts",
        objects=_MULTIPART,
        without="A failed upload cannot be aborted: its parts stay and cost money.",
    ),
    "leftovers": Feature(
        title="List and abort unfinished uploads in parts",
        bucket=("s3:ListBucketMultipartUploads",),
        objects=("s3:ListMultipartUploadParts", "s3:AbortMultipartUpload"),
        without="s3 doctor, s3 multipart and s3 incoming cannot see them.",
    ),
    "delete": Feature(
        title="Delete files",
        objects=("s3:DeleteObject",),
        without="Deleting raises PermissionError; deleting many files raises BatchError.",
    ),
    "copy": Feature(
        title="Copy and move files, change metadata",
        bucket=("s3:ListBucket",),
        objects=("s3:GetObject", "s3:PutObject"),
        note="A copy first looks whether the target exists. Moving also needs delete.",
        without="Copies raise PermissionError.",
    ),
    "tags": Feature(
        title="Save and copy files with tags",
        objects=("s3:PutObjectTagging", "s3:GetObjectTagging"),
        note="To delete the last tag of a file, s3 tags also needs s3:DeleteObjectTagging.",
        without="Saving with Tagging fails with 403, and so do copies of tagged files, and only of those.",
    ),
    "acl": Feature(
        title="ACLs: default_acl, set_acl, get_acl",
        objects=("s3:PutObjectAcl", "s3:GetObjectAcl"),
        note="Only for buckets whose ownership allows ACLs.",
        without="Saving with an ACL fails with 403.",
    ),
    "attributes": Feature(
        title="Checksums and parts of files",
        objects=("s3:GetObjectAttributes", "s3:GetObject"),
        without="Checksums that S3 has stored cannot be read.",
    ),
    "static": Feature(
        title="collectstatic",
        bucket=("s3:ListBucket",),
        objects=("s3:PutObject", "s3:GetObject", "s3:AbortMultipartUpload"),
        without="collectstatic fails.",
    ),
    "static-clear": Feature(
        title="collectstatic --clear and --prune",
        objects=("s3:DeleteObject",),
        without="Files of old releases stay.",
    ),
    "uploads": Feature(
        title="Direct uploads of browsers",
        bucket=("s3:ListBucketMultipartUploads",),
        objects=("s3:GetObject", *_MULTIPART),
        incoming=("s3:GetObject", "s3:DeleteObject", *_MULTIPART),
        note="Browsers act with the permissions of the credentials that sign.",
        without="The browser gets 403 for its upload, often without a readable message.",
    ),
    "kms": Feature(
        title="Files encrypted with a KMS key",
        kms=("kms:GenerateDataKey", "kms:Decrypt"),
        note="Uploads in parts and copies need both.",
        without="Without kms:Decrypt, files can be saved but not read, and uploads in parts fail at their end.",
    ),
    "versions": Feature(
        title="s3 restore of versions",
        bucket=("s3:ListBucketVersions",),
        objects=("s3:GetObjectVersion", "s3:DeleteObjectVersion", "s3:PutObject"),
        note="Replaced files get a copy of their old version: s3:GetObjectVersion and s3:PutObject.",
        without="Deleted and overwritten versions cannot be found.",
    ),
    "archive": Feature(
        title="s3 restore --archived",
        bucket=("s3:ListBucket",),
        objects=("s3:RestoreObject", "s3:GetObject"),
        without="Archived files cannot be made readable.",
    ),
    "doctor": Feature(
        title="Read the settings of the bucket: s3 setup --dry-run, s3 doctor, s3 policy",
        bucket=_SETTINGS,
        without="They cannot tell what the bucket has.",
    ),
    "setup": Feature(
        title="s3 setup",
        bucket=(
            *_SETTINGS,
            "s3:CreateBucket",
            "s3:PutBucketPublicAccessBlock",
            "s3:PutBucketOwnershipControls",
            "s3:PutEncryptionConfiguration",
            "s3:PutBucketVersioning",
            "s3:PutBucketCORS",
            "s3:PutLifecycleConfiguration",
            "s3:PutBucketPolicy",
            "s3:ListBucket",
        ),
        note="For the role that deploys, not for the site.",
        without="s3 setup fails at the first document that it may not write.",
    ),
    "buckets": Feature(
        title="s3 buckets",
        everything=("s3:ListAllMyBuckets",),
        without="s3 buckets says that it may not list them. Everything else works.",
    ),
    "batch": Feature(
        title="S3 Batch Operations",
        everything=("s3:CreateJob", "s3:DescribeJob"),
        pass_role=True,
        note="Create jobs with a role that S3 Batch Operations can assume.",
        without="Jobs cannot be created.",
    ),
}
"""The features, by the names that `--print-iam` takes."""

GROUPS: dict[str, tuple[str, ...]] = {
    "storage": ("read", "exists", "list", "write", "multipart", "delete", "copy"),
    "operations": ("doctor", "leftovers", "versions"),
}
"""Names for several features."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a policy is about: a bucket, the locations in it, and a KMS key if there is one."""

    bucket: str
    locations: tuple[str, ...] = ("",)
    partition: str = "aws"
    region: str | None = None
    kms_key: str | None = None
    batch_role: str | None = None


def features_of(names: Iterable[str]) -> tuple[str, ...]:
    """Return the features that names of features and groups mean, in the order of FEATURES. Raises ValueError."""
    found: set[str] = set()
    for name in names:
        if name not in FEATURES and name not in GROUPS:
            known = [*GROUPS, *FEATURES]
            listed = f"The features are {', '.join(known)}."
            raise ValueError(f"{name!r} is not a feature. {did_you_mean(name, known, listed)}")
        found.update(GROUPS.get(name, (name,)))
    return tuple(name for name in FEATURES if name in found)


class _Actions:
    """Actions by the resource that they are on, in the order in which they were added."""

    def __init__(self) -> None:
        self.by_resource: dict[str, dict[str, None]] = {}

    def add(self, resource: str, actions: Iterable[str]) -> None:
        self.by_resource.setdefault(resource, {}).update(dict.fromkeys(actions))

    def together(self) -> list[tuple[list[str], list[str]]]:
        """Return (actions, resources): resources with the same actions together."""
        found: dict[frozenset[str], tuple[list[str], list[str]]] = {}
        for resource, actions in self.by_resource.items():
            if actions:
                found.setdefault(frozenset(actions), (list(actions), []))[1].append(resource)
        return list(found.values())


def iam_policy(scope: Scope, features: Mapping[str, Collection[str]] | Iterable[str]) -> dict[str, Any]:
    """Return the IAM policy with the least permissions for features, to attach to a user or a role.

    `features` are names for all locations of the scope, or names by location. Raises ValueError for an unknown name,
    and for `kms` or `batch` without a key or role in the scope.
    """
    if not isinstance(features, Mapping):
        names = tuple(features)
        features = dict.fromkeys(scope.locations, names)
    bucket, objects, everything, kms = _Actions(), _Actions(), _Actions(), _Actions()
    passes_role = False
    for location, wanted in features.items():
        for name in features_of(wanted):
            feature = FEATURES[name]
            bucket.add(bucket_arn(scope.bucket, scope.partition), feature.bucket)
            objects.add(prefix_arn(scope.bucket, location, scope.partition), feature.objects)
            if feature.incoming:
                below = f"{location.strip('/')}/{INCOMING}"
                objects.add(prefix_arn(scope.bucket, below, scope.partition), feature.incoming)
            everything.add("*", feature.everything)
            if feature.kms:
                kms.add(_needed(scope.kms_key, "kms", "the ARN of a KMS key: --kms-key"), feature.kms)
            passes_role = passes_role or feature.pass_role
    statements: list[dict[str, Any]] = []
    for sid, found in (("Account", everything), ("Bucket", bucket), ("Objects", objects), ("Key", kms)):
        for number, (actions, resources) in enumerate(found.together(), 1):
            statement: dict[str, Any] = {
                "Sid": f"S3store{sid}{number if number > 1 else ''}",
                "Effect": "Allow",
                "Action": actions,
                "Resource": resources,
            }
            if sid == "Key" and scope.region:
                host = "amazonaws.com.cn" if scope.partition == "aws-cn" else "amazonaws.com"
                statement["Condition"] = {"StringEquals": {"kms:ViaService": f"s3.{scope.region}.{host}"}}
            statements.append(statement)
    if passes_role:
        role = _needed(scope.batch_role, "batch", "the ARN of the role of the jobs: --batch-role")
        statements.append(
            {
                "Sid": "S3storeRole",
                "Effect": "Allow",
                "Action": ["iam:PassRole"],
                "Resource": [role],
                "Condition": {"StringEquals": {"iam:PassedToService": "batchoperations.s3.amazonaws.com"}},
            }
        )
    return {"Version": "2012-10-17", "Statement": statements}


def _needed(value: str | None, feature: str, what: str) -> str:
    if not value:
        raise ValueError(f"The feature {feature!r} needs {what}.")
    return value
