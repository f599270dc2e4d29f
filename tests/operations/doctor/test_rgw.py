"""Rows OD-17, OD-27 to OD-30, OD-34, OD-37 to OD-41, OD-46, OD-47, OD-50 on a server that enforces policies.

They run on the server in the environment, which CONTRIBUTING.rst describes, and need a second user there:
S3STORE_TEST_SECOND_USER, S3STORE_TEST_SECOND_ACCESS_KEY and S3STORE_TEST_SECOND_SECRET_KEY. They pass on Ceph RGW 16.2.
"""

import json
import os

import pytest

from s3store.storage import S3StaticStorage, S3Storage
from tests.buckets import fresh_options, server_named
from tests.faults.proxy import FaultProxy
from tests.operations.doctor.conftest import ORIGIN, ends_with, examined, ids, one

EVERYTHING = [
    ("s3:ListBucket", ""),
    ("s3:ListBucketMultipartUploads", ""),
    *((f"s3:{name}", "/media/*") for name in ("GetObject", "PutObject", "DeleteObject", "AbortMultipartUpload")),
]


@pytest.fixture
def owner(request):
    """The options of the owner of a new bucket."""
    if "S3STORE_TEST_SECOND_USER" not in os.environ:
        pytest.skip("S3STORE_TEST_SECOND_USER names no second user")
    with fresh_options(server_named("environment", request)) as options:
        yield options


def granted(owner, *denied, condition=None):
    """The storage of the second user, who may do everything but some actions."""
    name = owner["bucket_name"]
    statements = [
        {
            "Effect": "Allow",
            "Principal": {"AWS": [f"arn:aws:iam:::user/{os.environ['S3STORE_TEST_SECOND_USER']}"]},
            "Action": [action],
            "Resource": [f"arn:aws:s3:::{name}{path}"],
            **({"Condition": condition} if condition and action == "s3:ListBucket" else {}),
        }
        for action, path in EVERYTHING
        if action not in denied
    ]
    client = S3Storage(**owner).client
    client.put_bucket_policy(Bucket=name, Policy=json.dumps({"Version": "2012-10-17", "Statement": statements}))
    return second(owner, location="media")


def second(owner, **options):
    """A storage of the second user."""
    keys = {
        "access_key": os.environ["S3STORE_TEST_SECOND_ACCESS_KEY"],
        "secret_key": os.environ["S3STORE_TEST_SECOND_SECRET_KEY"],
    }
    return S3Storage(**{**owner, **keys, **options})


def denials(report):
    """The ids of findings about permissions."""
    return {found for found in ids(report) if found.endswith(("-denied", "-hidden", "-others", "-left"))}


def test_a_user_with_the_least_permissions(owner):
    """Nothing is missing. The settings of the bucket may not be read, and that is a note."""
    report = examined(granted(owner))
    assert denials(report) == set()
    one(report, "cannot-tell", level="note")


def test_od_17_a_bucket_of_another_account(owner):
    """The second user may do nothing, and does not have the bucket."""
    ends_with(examined(second(owner)), "bucket-of-others", owner["bucket_name"])


def test_od_27_listing_is_not_allowed(owner):
    """Then missing files are hidden too."""
    report = examined(granted(owner, "s3:ListBucket"))
    one(report, "list-denied", "s3:ListBucket")
    one(report, "missing-hidden")
    assert denials(report) == {"list-denied", "missing-hidden"}


def test_od_28_listing_with_a_condition_hides_missing_files(owner):
    """The listing of the location is allowed, and a missing file is 403."""
    report = examined(granted(owner, condition={"StringLike": {"s3:prefix": ["media/*"]}}))
    one(report, "missing-hidden", "s3:prefix")
    assert "list-denied" not in ids(report)


@pytest.mark.parametrize(
    ("action", "identifier"),
    [
        pytest.param("s3:PutObject", "write-denied", id="od-29"),
        pytest.param("s3:DeleteObject", "delete-denied", id="od-30"),
        pytest.param("s3:AbortMultipartUpload", "abort-denied", id="od-47"),
    ],
)
def test_one_action_is_missing(owner, action, identifier):
    """It is the one that the finding names."""
    report = examined(granted(owner, action))
    one(report, identifier, action)
    assert denials(report) - {"missing-hidden"} == {identifier}


def test_od_34_a_public_acl_under_block_public_access(owner):
    """RGW 16 refuses every file then, also without an ACL: it is not the ACL that has to go."""
    S3Storage(**owner).client.put_public_access_block(
        Bucket=owner["bucket_name"],
        PublicAccessBlockConfiguration={"BlockPublicAcls": True, "IgnorePublicAcls": True},
    )
    report = examined(S3Storage(**owner, default_acl="public-read"))
    one(report, "public-block-refuses", "BlockPublicAcls")
    assert "public-acl-blocked" not in ids(report)


def test_od_37_od_38_public_and_not(owner):
    """A public policy where URLs are signed, and none where they are not."""
    one(examined(S3StaticStorage(**owner)), "not-public", "403")
    name = owner["bucket_name"]
    statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{name}/*"}
    S3Storage(**owner).client.put_bucket_policy(Bucket=name, Policy=json.dumps({"Statement": [statement]}))
    assert "not-public" not in ids(examined(S3StaticStorage(**owner)))
    report = examined(S3Storage(**owner, location="media"))
    one(report, "public-read")
    one(report, "policy-public")


def test_od_40_od_41_cors(owner):
    """No rule; a rule that exposes nothing; the right rule."""
    storage = S3Storage(**owner, location="media")
    one(examined(storage), "cors-missing", ORIGIN, "403")
    rule = {"AllowedOrigins": [ORIGIN], "AllowedMethods": ["PUT", "POST"], "AllowedHeaders": ["*"]}
    for exposed, found in (([], {"etag-hidden"}), (["ETag"], set())):
        rules = [{**rule, "ExposeHeaders": exposed}] if exposed else [rule]
        storage.client.put_bucket_cors(Bucket=owner["bucket_name"], CORSConfiguration={"CORSRules": rules})
        report = examined(storage)
        assert {"cors-missing", "etag-hidden"} & set(ids(report)) == found


def test_od_46_trailers_over_https(owner, certificates):
    """An older server refuses boto3's checksums."""
    context, bundle = certificates
    with FaultProxy(owner["endpoint_url"], tls=context) as proxy:
        options = {**owner, "endpoint_url": proxy.url, "verify": bundle}
        one(examined(S3Storage(**options, checksums="when_supported")), "checksums-refused", "411")


def test_od_50_block_public_access_is_off(owner):
    """The server has the setting."""
    one(examined(S3Storage(**owner)), "public-block-off", "BlockPublicAcls")
