"""The settings of a bucket itself: what S3 calls its sub-resources.

Servers without a sub-resource respond with an error, or as if the request had none: some would then list, create or
delete the bucket. So a setting is written only where reading it gave the document that was asked for.
AWS: the API reference of GetPublicAccessBlock, GetBucketOwnershipControls, GetBucketPolicy, GetBucketCors,
GetBucketLifecycleConfiguration, GetBucketEncryption, GetBucketVersioning, and of their counterparts.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from s3store import errors
from s3store.wire import backoff
from s3store.wire.calls import call
from s3store.wire.requesting import Requesting
from s3store.wire.roots import ROOT

# The number of attempts at a change that S3 refuses because another one is in progress: at most some 20 seconds.
_TRIES = 8

CEPHS_BLOCK = "BlockPublicAccessBlockConfiguration"
"""What Ceph calls the document of Block Public Access."""

SET, NONE, DENIED, UNKNOWN = "set", "none", "denied", "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting of a bucket.

    `state` is "set", "none" (the bucket has none), "denied" (the credentials may not read it) or "unknown" (the server
    has no such setting). `value` is the content of the document as boto3 names it, without the root element; for a
    policy, the policy; empty unless the state is "set". `status` and `code` are those of the response, and `why` is the
    message of an error. `root` is the name of the root element in the response. Both do not count in a comparison.
    """

    name: str
    state: str
    value: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200
    code: str | None = None
    why: str = field(default="", compare=False)
    root: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnBucket:
    """A bucket of the account."""

    name: str
    created: datetime | None = None
    region: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    """How boto3 reads, writes and deletes a setting, and what it and servers call the document."""

    read: str
    inside: str | None = None
    roots: tuple[str, ...]
    write: str | None = None
    argument: str = ""
    delete: str | None = None


_KINDS = {
    "public-access-block": _Kind(
        read="get_public_access_block",
        inside="PublicAccessBlockConfiguration",
        roots=("PublicAccessBlockConfiguration", CEPHS_BLOCK),
        write="put_public_access_block",
        argument="PublicAccessBlockConfiguration",
    ),
    "ownership": _Kind(
        read="get_bucket_ownership_controls",
        inside="OwnershipControls",
        roots=("OwnershipControls",),
        write="put_bucket_ownership_controls",
        argument="OwnershipControls",
    ),
    "policy": _Kind(
        read="get_bucket_policy",
        roots=("",),
        write="put_bucket_policy",
        argument="Policy",
        delete="delete_bucket_policy",
    ),
    "policy-status": _Kind(read="get_bucket_policy_status", inside="PolicyStatus", roots=("PolicyStatus",)),
    "cors": _Kind(
        read="get_bucket_cors",
        roots=("CORSConfiguration",),
        write="put_bucket_cors",
        argument="CORSConfiguration",
        delete="delete_bucket_cors",
    ),
    "lifecycle": _Kind(
        read="get_bucket_lifecycle_configuration",
        roots=("LifecycleConfiguration",),
        write="put_bucket_lifecycle_configuration",
        argument="LifecycleConfiguration",
        delete="delete_bucket_lifecycle",
    ),
    "encryption": _Kind(
        read="get_bucket_encryption",
        inside="ServerSideEncryptionConfiguration",
        roots=("ServerSideEncryptionConfiguration",),
        write="put_bucket_encryption",
        argument="ServerSideEncryptionConfiguration",
    ),
    "versioning": _Kind(
        read="get_bucket_versioning",
        # The second one is moto's.
        roots=("VersioningConfiguration", "GetBucketVersioningResponse"),
        write="put_bucket_versioning",
        argument="VersioningConfiguration",
    ),
    "object-lock": _Kind(
        read="get_object_lock_configuration",
        inside="ObjectLockConfiguration",
        roots=("ObjectLockConfiguration",),
    ),
    "payment": _Kind(read="get_bucket_request_payment", roots=("RequestPaymentConfiguration",)),
    "acl": _Kind(read="get_bucket_acl", roots=("AccessControlPolicy",)),
    # The second one is SeaweedFS's.
    "location": _Kind(read="get_bucket_location", roots=("LocationConstraint", "CreateBucketConfiguration")),
}

NAMES = tuple(_KINDS)
"""The settings that can be read."""

# 404s that are not about a setting.
_NOT_THERE = ("NoSuchBucket", "NoSuchKey", "NotFound", "404", None)

# Regions in which a bucket is created without naming one.
_UNNAMED_REGIONS = (None, "", "auto", "us-east-1")


class BucketSettings(Requesting):
    """Reads and writes the settings of the bucket of some options."""

    @property
    def endpoint_url(self) -> str:
        """The URL of the server, with its scheme."""
        return str(self.client.meta.endpoint_url)

    def read(self, name: str) -> Setting:
        """Return a setting: one request.

        Raises S3StoreError if the bucket does not exist, the credentials are not valid or the server did not respond.
        Raises KeyError for a name that is not in NAMES.
        """
        kind = _KINDS[name]
        try:
            answer = self._call(kind.read)
        except errors.S3StoreError as error:
            state = _state_of(error)
            if state is None:
                raise
            return Setting(name=name, state=state, status=error.status or 0, code=error.code, why=str(error))
        root, status = answer.pop(ROOT, None), answer.pop("ResponseMetadata")["HTTPStatusCode"]
        if root not in kind.roots:
            why = f"the server responded with the document {root!r}"
            return Setting(name=name, state=UNKNOWN, status=status, code=root or None, why=why)
        value = answer.get(kind.inside) or {} if kind.inside else answer
        if name == "policy":
            try:
                value = json.loads(answer.get("Policy") or "")
                if not isinstance(value, dict):
                    raise ValueError("not an object")
            except ValueError:
                return Setting(name=name, state=UNKNOWN, status=status, why="the policy is not a JSON document")
        empty = not value or (name == "versioning" and not value.get("Status"))
        return Setting(name=name, state=NONE if empty else SET, value={} if empty else value, status=status, root=root)

    def write(self, name: str, document: Mapping[str, Any], *, expected: Setting | None = None) -> Setting:
        """Replace a setting, and return what the server has now: three requests.

        `document` has the form of `Setting.value`. Nothing is written if the setting cannot be read
        (AccessDeniedError), if the server has no such setting (InvalidRequestError), or if it is not `expected` any
        more (ConflictError).
        """
        kind = _KINDS[name]
        self._writable(name, expected)
        extra: dict[str, Any] = {kind.argument: dict(document)}
        if name == "policy":
            extra[kind.argument] = json.dumps(document)
        if name == "lifecycle":
            # In the response, boto3 has this header beside the rules.
            extra[kind.argument].pop(_MINIMUM, None)
            if _MINIMUM in document:
                extra[_MINIMUM] = document[_MINIMUM]
        self._changed(lambda: self._call(str(kind.write), **extra))
        return self.read(name)

    def delete(self, name: str, *, expected: Setting | None = None) -> Setting:
        """Remove the policy, or the rules of CORS or lifecycle, and return what the server has now.

        Raises the errors of `write`. Does nothing if the bucket has none.
        """
        # Servers that ignore the sub-resource would delete the bucket.
        found = self._writable(name, expected)
        if found.state == NONE:
            return found
        self._changed(lambda: self._call(str(_KINDS[name].delete)))
        return self.read(name)

    def _writable(self, name: str, expected: Setting | None) -> Setting:
        found = self.read(name)
        facts = {"status": found.status, "code": found.code}
        operation = f"change of {name}"
        if found.state == DENIED:
            raise self._error(errors.AccessDeniedError, "it cannot be read before the change", operation, **facts)
        if found.state == UNKNOWN:
            reason = f"this server has no such setting ({found.why})"
            advice = "Set it up by the means of the provider."
            raise self._error(errors.InvalidRequestError, reason, operation, advice=advice, status=found.status)
        if expected is not None and (found.state, found.value) != (expected.state, expected.value):
            advice = "Run the command again: it shows the difference from what is there now."
            raise self._error(errors.ConflictError, "it was changed meanwhile", operation, advice=advice)
        return found

    def _changed(self, change: Callable[[], Any]) -> None:
        """Make a change, again if S3 aborts it because of another one in progress."""
        attempt = 0
        while True:
            attempt += 1
            try:
                change()
            except errors.ConflictError:
                if attempt == _TRIES:
                    raise
                backoff.wait(attempt)
            else:
                return

    def set_acl(self, acl: str) -> Setting:
        """Give the bucket a canned ACL, and return its grants: three requests.

        Raises AclNotSupportedError if the ownership of the bucket switches ACLs off. AWS: "PutBucketAcl".
        """
        self._writable("acl", None)
        self._changed(lambda: self._call("put_bucket_acl", ACL=acl))
        return self.read("acl")

    def create(self, region: str | None = None) -> bool:
        """Create the bucket in a region, and return False if the account has it already. AWS: "CreateBucket"."""
        extra: dict[str, Any] = {}
        if region not in _UNNAMED_REGIONS:
            extra["CreateBucketConfiguration"] = {"LocationConstraint": region}
        try:
            self._changed(lambda: self._call("create_bucket", **extra))
        except errors.S3StoreError as error:
            if error.code == "BucketAlreadyOwnedByYou":
                return False
            raise
        return True

    def buckets(self) -> list[OwnBucket]:
        """Return the buckets of the account, in the order of the server. AWS: "ListBuckets"."""
        found: list[OwnBucket] = []
        extra: dict[str, Any] = {}
        while True:
            answer = call(
                self.client,
                "list_buckets",
                extra,
                attempts=self.options.max_attempts,
                total=self.options.total_timeout,
                precondition=errors.ObjectExistsError,
            )
            with self._reading("list_buckets"):
                found += [
                    OwnBucket(name=each["Name"], created=each.get("CreationDate"), region=each.get("BucketRegion"))
                    for each in answer.get("Buckets", ())
                ]
            token = answer.get("ContinuationToken")
            if not token:
                return found
            extra = {"ContinuationToken": token}


_MINIMUM = "TransitionDefaultMinimumObjectSize"


def _state_of(error: errors.S3StoreError) -> str | None:
    """Return the state that an error tells, or None if it is not about the setting."""
    if isinstance(error, errors.BucketNotFoundError):
        if error.code == "NoSuchBucket":
            return None
        return UNKNOWN if error.code in _NOT_THERE else NONE
    if type(error) is errors.AccessDeniedError:
        return DENIED
    # 501 without a code is an error of the server.
    unknown = isinstance(error, errors.InvalidRequestError | errors.InvalidResponseError) and error.status
    return UNKNOWN if unknown or error.status == 501 else None
