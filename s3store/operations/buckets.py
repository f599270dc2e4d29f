"""The buckets of an account: list them, create one, show the settings of one, set its ACL."""

from __future__ import annotations

from dataclasses import replace

from s3store import errors
from s3store.core.policies.names import bucket_name_problems
from s3store.storage import S3Storage
from s3store.wire.settings import NAMES, BucketSettings, OwnBucket, Setting

__all__ = ["BUCKET_ACLS", "OwnBucket", "Setting", "create_bucket", "describe", "list_buckets", "set_acl"]

BUCKET_ACLS = ("private", "public-read", "public-read-write", "authenticated-read", "log-delivery-write")
"""The canned ACLs of buckets. AWS: "Canned ACL"."""


def list_buckets(storage: S3Storage) -> list[OwnBucket]:
    """Return the buckets of the account of a storage's credentials: one request for up to 10,000.

    Raises AccessDeniedError without the permission s3:ListAllMyBuckets. AWS: "ListBuckets".
    """
    return BucketSettings(storage.objects.options).buckets()


def create_bucket(storage: S3Storage, name: str | None = None, *, region: str | None = None) -> bool:
    """Create the bucket of a storage, or with `name` another one on the same server, and return whether it is new.

    It is in the region of the storage unless `region` names another. Raises ValueError for a name that is not possible,
    before any request, and S3StoreError if S3 refuses. AWS: "CreateBucket", "General purpose bucket naming rules".
    """
    options = storage.objects.options
    bucket = name or storage.objects.bucket.name or ""
    if problems := list(bucket_name_problems(bucket)):
        raise ValueError(" ".join(problems))
    settings = BucketSettings(replace(options, bucket_name=bucket))
    return settings.create(region or options.region_name or None)


def describe(storage: S3Storage) -> tuple[Setting, ...]:
    """Return the settings of a storage's bucket: one request each. What S3 does not show has the state "denied".

    Raises S3StoreError if the bucket does not exist or S3 cannot be asked.
    """
    settings = storage.objects.bucket.settings
    return tuple(settings.read(name) for name in NAMES)


def set_acl(storage: S3Storage, acl: str) -> Setting:
    """Give a storage's bucket one of BUCKET_ACLS, and return its grants.

    Raises ValueError for another ACL, and AclNotSupportedError if the ownership of the bucket switches ACLs off: grant
    access with a bucket policy instead. AWS: "PutBucketAcl".
    """
    if acl not in BUCKET_ACLS:
        raise ValueError(f"{acl!r} is not a canned ACL of buckets. They are {', '.join(BUCKET_ACLS)}.")
    settings = storage.objects.bucket.settings
    rules = settings.read("ownership").value.get("Rules") or ()
    if any(rule.get("ObjectOwnership") == "BucketOwnerEnforced" for rule in rules):
        raise errors.build(
            errors.AclNotSupportedError,
            "its Object Ownership is BucketOwnerEnforced",
            operation="put_bucket_acl",
            bucket=settings.name,
            advice="Grant access with a bucket policy instead: manage.py s3 setup --public-prefix PREFIX/.",
        )
    return settings.set_acl(acl)
