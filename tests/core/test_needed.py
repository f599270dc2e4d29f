"""The permissions that a request needs, in a sentence."""

import botocore.session
import pytest

from s3store.core.policies import iam, needed
from s3store.core.policies.needed import needed as sentence

MISSING = "Without s3:ListBucket, S3 also returns 403 for objects that do not exist."
ROWS = [
    ("put_object", (), "The request needs the permission s3:PutObject."),
    ("put_object", ("Tagging",), "The request needs the permissions s3:PutObject and s3:PutObjectTagging."),
    ("put_object", ("GrantRead",), "The request needs the permissions s3:PutObject and s3:PutObjectAcl."),
    (
        "copy_object",
        ("CopySource", "ACL"),
        "The request needs the permissions s3:PutObject and s3:PutObjectAcl, and s3:GetObject on the source.",
    ),
    (
        "head_object",
        (),
        f"The request needs the permission s3:GetObject. {MISSING}",
    ),
    ("head_object", ("VersionId",), "The request needs the permission s3:GetObjectVersion."),
    ("delete_objects", ("VersionId",), "The request needs the permission s3:DeleteObjectVersion."),
    ("list_objects_v2", ("Prefix",), "The request needs the permission s3:ListBucket."),
    ("get_bucket_cors", (), "The request needs the permission s3:GetBucketCORS."),
    ("client", (), ""),
]


@pytest.mark.parametrize(("operation", "parameters", "said"), ROWS, ids=[f"{row[0]}-{len(row[1])}" for row in ROWS])
def test_what_a_request_needs(operation, parameters, said):
    """The action of IAM, and those of tags, ACLs and sources; nothing for what is not a request."""
    assert sentence(operation, parameters) == said


def test_operations_are_those_of_boto3():
    """A name with a mistake would say nothing."""
    model = botocore.session.get_session().get_service_model("s3")
    from botocore import xform_name

    known = {xform_name(name) for name in model.operation_names}
    assert set(needed._ACTIONS) - known == {
        # Each setting is read and written; these cannot be written.
        "put_bucket_location",
        "put_bucket_policy_status",
    }


def test_actions_are_those_of_the_policies():
    """What a message names can be found in the printed policies, except for what no feature needs."""
    features = iam.FEATURES.values()
    printed = {action for feature in features for action in (*feature.bucket, *feature.objects, *feature.everything)}
    assert set(needed._ACTIONS.values()) - printed == {
        "s3:DeleteBucketPolicy",
        "s3:DeleteObjectTagging",
        "s3:PutBucketAcl",
        "s3:PutBucketLocation",
        "s3:PutBucketPolicyStatus",
        "s3:PutBucketRequestPayment",
    }
