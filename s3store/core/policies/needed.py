"""The permissions that a request needs, for the error if S3 refuses it.

AWS: "Required permissions for Amazon S3 API operations".
"""

from __future__ import annotations

from collections.abc import Iterable

_BUCKET_SETTINGS = {
    "acl": "BucketAcl",
    "cors": "BucketCORS",
    "encryption": "EncryptionConfiguration",
    "lifecycle": "LifecycleConfiguration",
    "lifecycle_configuration": "LifecycleConfiguration",
    "location": "BucketLocation",
    "ownership_controls": "BucketOwnershipControls",
    "policy": "BucketPolicy",
    "policy_status": "BucketPolicyStatus",
    "request_payment": "BucketRequestPayment",
    "versioning": "BucketVersioning",
}

# boto3's name of an operation -> the action of IAM.
_ACTIONS = {
    "abort_multipart_upload": "s3:AbortMultipartUpload",
    "complete_multipart_upload": "s3:PutObject",
    "copy_object": "s3:PutObject",
    "create_bucket": "s3:CreateBucket",
    "create_multipart_upload": "s3:PutObject",
    "delete_bucket_cors": "s3:PutBucketCORS",
    "delete_bucket_lifecycle": "s3:PutLifecycleConfiguration",
    "delete_bucket_policy": "s3:DeleteBucketPolicy",
    "delete_object": "s3:DeleteObject",
    "delete_object_tagging": "s3:DeleteObjectTagging",
    "delete_objects": "s3:DeleteObject",
    "get_object": "s3:GetObject",
    "get_object_acl": "s3:GetObjectAcl",
    "get_object_lock_configuration": "s3:GetBucketObjectLockConfiguration",
    "get_object_tagging": "s3:GetObjectTagging",
    "get_public_access_block": "s3:GetBucketPublicAccessBlock",
    "head_bucket": "s3:ListBucket",
    "head_object": "s3:GetObject",
    "list_buckets": "s3:ListAllMyBuckets",
    "list_multipart_uploads": "s3:ListBucketMultipartUploads",
    "list_object_versions": "s3:ListBucketVersions",
    "list_objects_v2": "s3:ListBucket",
    "list_parts": "s3:ListMultipartUploadParts",
    "put_object": "s3:PutObject",
    "put_object_acl": "s3:PutObjectAcl",
    "put_object_tagging": "s3:PutObjectTagging",
    "put_public_access_block": "s3:PutBucketPublicAccessBlock",
    "restore_object": "s3:RestoreObject",
    "upload_part": "s3:PutObject",
    "upload_part_copy": "s3:PutObject",
    **{
        f"{verb.lower()}_bucket_{name}": f"s3:{verb}{action}"
        for name, action in _BUCKET_SETTINGS.items()
        for verb in ("Get", "Put")
    },
}

_OF_A_VERSION = ("s3:GetObject", "s3:GetObjectAcl", "s3:GetObjectTagging", "s3:DeleteObject")


def needed(operation: str, parameters: Iterable[str] = ()) -> str:
    """Return a sentence with the permissions that a request needs, or "" for an unknown operation.

    `operation` has boto3's name, and `parameters` are the names of boto3's parameters that are set.
    """
    action = _ACTIONS.get(operation)
    if action is None:
        return ""
    given = set(parameters)
    if "VersionId" in given and action in _OF_A_VERSION:
        return f"The request needs the permission {action}Version."
    found = [action]
    if action == "s3:PutObject":
        found += ["s3:PutObjectTagging"] * ("Tagging" in given)
        found += ["s3:PutObjectAcl"] * ("ACL" in given or any(name.startswith("Grant") for name in given))
    text = f"The request needs the permission{'s' * (len(found) > 1)} {' and '.join(found)}"
    if "CopySource" in given:
        return f"{text}, and s3:GetObject on the source."
    if operation in ("get_object", "head_object"):
        return f"{text}. Without s3:ListBucket, S3 also returns 403 for objects that do not exist."
    return f"{text}."
