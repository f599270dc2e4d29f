"""Rows OD-32, OD-37, OD-39, OD-48, OD-50: the settings of the bucket, and servers that have none."""

import json

import pytest

from s3store.storage import S3StaticStorage, S3Storage
from s3store.testing.fixtures import options_for
from tests.operations.doctor import conftest
from tests.operations.doctor.conftest import canned, error, ids, one, storage_at

DENIED = error(403, "AccessDenied")


def examined(storage):
    """The report, without uploads by browsers."""
    return conftest.examined(storage, origins=[])


@pytest.fixture
def bucket(moto, request):
    """A new bucket with all settings as setup makes them."""
    name = f"doctor-{abs(hash(request.node.name)) % 10**9}"
    storage = S3Storage(**options_for(moto, name), location="media")
    client = storage.client
    client.create_bucket(Bucket=name)
    block = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
    client.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=block)
    client.put_bucket_ownership_controls(
        Bucket=name, OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    )
    rules = [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
    client.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": rules})
    expire(client, name, {"ID": "parts", "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}})
    return storage


def expire(client, name, *rules):
    """Replace the lifecycle rules of a bucket."""
    rules = [{"Status": "Enabled", "Filter": {"Prefix": ""}, **rule} for rule in rules]
    client.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration={"Rules": rules})


def of_settings(report):
    """The findings about settings: moto has no Requester Pays, and lets everybody list."""
    return [found for found in ids(report) if found not in ("public-list", "setting-missing", "origin-unknown")]


def test_settings_as_setup_makes_them(bucket):
    """There is no finding."""
    assert of_settings(examined(bucket)) == []


def test_settings_that_may_not_be_read_are_a_note(moto):
    """The site does not need the permission: nothing is called wrong."""
    with canned(
        moto, (r"GET /s3store-tests\?(publicAccess|owner|policy|cors|life|encr|vers|object-l|requestP)", DENIED)
    ) as proxy:
        report = examined(storage_at(moto, proxy.url))
    one(report, "cannot-tell", "403 AccessDenied", "Block Public Access", "Requester Pays", level="note")
    assert report.at("error") == ()
    assert of_settings(report) == ["cannot-tell"]


def test_od_39_block_public_access_that_refuses_every_file(bucket, moto):
    """Ceph 16 returns 403 for each PutObject as soon as BlockPublicAcls is on. Otherwise it is not the reason."""
    with canned(moto, ("PUT", DENIED)) as proxy:
        given = {**options_for_bucket(bucket), "endpoint_url": proxy.url}
        one(examined(S3Storage(**given)), "public-block-refuses", "BlockPublicAcls", level="error")
        bucket.client.delete_public_access_block(Bucket=bucket.bucket_name)
        assert "public-block-refuses" not in ids(examined(S3Storage(**given)))
    bucket.client.put_public_access_block(
        Bucket=bucket.bucket_name, PublicAccessBlockConfiguration={"BlockPublicAcls": True}
    )
    assert "public-block-refuses" not in ids(examined(bucket))


def test_od_39_od_50_block_public_access_of_ceph(bucket):
    """Ceph has the setting, and all of it is off."""
    block = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), False)
    bucket.client.put_public_access_block(Bucket=bucket.bucket_name, PublicAccessBlockConfiguration=block)
    found = one(examined(bucket), "public-block-off", "RestrictPublicBuckets", level="note")
    assert found.fixable
    static = S3StaticStorage(**options_for_bucket(bucket))
    found = one(examined(static), "public-block-off", "BlockPublicAcls")
    assert "RestrictPublicBuckets" not in found.meaning


def options_for_bucket(storage):
    """The options of another storage for the same bucket."""
    names = ("bucket_name", "endpoint_url", "access_key", "secret_key", "region_name")
    return {name: getattr(storage.options, name) for name in names}


def test_ownership_that_allows_acls(bucket):
    """It is a note: files may need them."""
    bucket.client.put_bucket_ownership_controls(
        Bucket=bucket.bucket_name, OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]}
    )
    one(examined(bucket), "acls-enabled", "ObjectWriter", "--enforce-owner", level="note")


POLICIES = [
    ("arn:aws:s3:::B/media/*", True),
    ("arn:aws:s3:::B/media*", True),
    ("arn:aws:s3:::B/*", True),
    ("arn:aws:s3:::B/media/thumbnails/*", True),
    ("arn:aws:s3:::B/static/*", False),
    ("arn:aws:s3:::B", False),
]


@pytest.mark.parametrize(("resource", "is_found"), POLICIES)
@pytest.mark.parametrize("many", [False, True], ids=["item", "list"])
def test_od_37_a_statement_for_everybody(bucket, resource, is_found, many):
    """Only statements that can concern files of the storage, whether S3 returns an item or a list."""
    resource = resource.replace("B", bucket.bucket_name, 1)
    statement = {
        "Sid": "Open",
        "Effect": "Allow",
        "Principal": {"AWS": ["*"]} if many else "*",
        "Action": ["s3:GetObject"] if many else "s3:GetObject",
        "Resource": [resource] if many else resource,
    }
    bucket.client.put_bucket_policy(Bucket=bucket.bucket_name, Policy=json.dumps({"Statement": [statement]}))
    report = examined(bucket)
    assert ("policy-public" in ids(report)) is is_found
    if is_found:
        one(report, "policy-public", "Open", "s3:GetObject", level="warning")


def test_od_39_a_public_policy_that_has_no_effect(moto, bucket):
    """The bucket itself allows it, and visitors are refused: the account blocks it."""
    name = bucket.bucket_name
    bucket.client.delete_public_access_block(Bucket=name)
    statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{name}/*"}
    bucket.client.put_bucket_policy(Bucket=name, Policy=json.dumps({"Statement": [statement]}))
    unsigned = ("GET", lambda headers: None if "authorization" in headers else DENIED)
    with canned(moto, unsigned) as proxy:
        report = examined(S3StaticStorage(**{**options_for_bucket(bucket), "endpoint_url": proxy.url}))
    one(report, "not-public")
    one(report, "account-block", "--print-cloudfront", "statement without Sid", level="warning")


def test_lifecycle_rules_that_delete_files(bucket):
    """A rule for the location is a warning; those for other prefixes, tags, or that are off, are not."""
    abort = {"ID": "parts", "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}}
    fine = [
        {"ID": "incoming", "Filter": {"Prefix": "media/incoming/"}, "Expiration": {"Days": 1}},
        {"ID": "trash", "Filter": {"Prefix": "media/companies/7/.s3store/trash/"}, "Expiration": {"Days": 30}},
        {"ID": "others", "Filter": {"Prefix": "logs/"}, "Expiration": {"Days": 1}},
        {"ID": "tagged", "Filter": {"Tag": {"Key": "a", "Value": "b"}}, "Expiration": {"Days": 1}},
        {"ID": "off", "Status": "Disabled", "Expiration": {"Days": 1}},
    ]
    expire(bucket.client, bucket.bucket_name, abort, *fine)
    assert of_settings(examined(bucket)) == []
    expire(bucket.client, bucket.bucket_name, {"ID": "tidy", "Filter": {"Prefix": "me"}, "Expiration": {"Days": 30}})
    report = examined(bucket)
    one(report, "lifecycle-expires", "the rule tidy", "'me'", "30 days", level="warning")
    one(report, "no-abort-rule", level="note")


RULES = [
    ({"Filter": {"Prefix": "media/tmp/"}, "Expiration": {"Days": 1}}, ["'media/tmp/'", "after 1 day."], "note"),
    ({"Filter": {"Prefix": ""}, "Expiration": {"Date": "2040-01-31"}}, ["''", "on 2040-01-31."], "warning"),
    (
        {"Filter": {"And": {"Prefix": "media/", "ObjectSizeGreaterThan": 9}}, "Expiration": {"Days": 9}},
        ["'media/'", "after 9 days."],
        "warning",
    ),
    ({"Filter": {"And": {"Prefix": "", "Tags": [{"Key": "a", "Value": "b"}]}}, "Expiration": {"Days": 9}}, [], ""),
]


@pytest.mark.parametrize(("rule", "words", "level"), RULES, ids=["directory", "date", "size", "tags"])
def test_lifecycle_rules_that_delete_some_files(bucket, rule, words, level):
    """A rule for one directory can be meant: a note. A date and a size are no excuse; a tag is somebody's wish."""
    abort = {"ID": "parts", "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}}
    expire(bucket.client, bucket.bucket_name, abort, {"ID": "tidy", **rule})
    report = examined(bucket)
    if words:
        one(report, "lifecycle-expires", *words, level=level)
    else:
        assert of_settings(report) == []


def test_od_48_versions(bucket):
    """Without a rule that deletes old versions, they stay and cost; suspended is a note."""
    client, name = bucket.client, bucket.bucket_name
    client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    one(examined(bucket), "versions-kept", level="warning")
    abort = {"ID": "parts", "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}}
    expire(client, name, {**abort, "NoncurrentVersionExpiration": {"NoncurrentDays": 30}})
    assert of_settings(examined(bucket)) == []
    old = {"ID": "off", "Status": "Disabled", "NoncurrentVersionExpiration": {"NoncurrentDays": 30}}
    expire(client, name, abort, old)
    one(examined(bucket), "versions-kept", level="warning")
    client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Suspended"})
    one(examined(bucket), "versioning-suspended", level="note")


def test_od_48_object_lock(moto):
    """It is a note: files must be kept."""
    storage = S3Storage(**options_for(moto, "doctor-locked"), location="media")
    storage.client.create_bucket(Bucket="doctor-locked", ObjectLockEnabledForBucket=True)
    one(examined(storage), "object-lock", "no default retention", level="note")


def test_od_49_a_bucket_that_bills_the_requester(moto):
    """The owner pays nothing, so that the owner's requests are accepted all the same."""
    payer = (200, {}, b"<RequestPaymentConfiguration><Payer>Requester</Payer></RequestPaymentConfiguration>")
    with canned(moto, (r"GET /s3store-tests\?requestPayment", payer)) as proxy:
        one(examined(storage_at(moto, proxy.url)), "requester-pays", "Payer: Requester", level="warning")
        storage = storage_at(moto, proxy.url, object_parameters={"RequestPayer": "requester"})
        assert "requester-pays" not in ids(examined(storage))


@pytest.mark.parametrize("server", ["seaweedfs", "rclone"])
def test_od_50_a_server_without_settings(server, request):
    """SeaweedFS says so; rclone responds with a listing, and would delete the bucket if it were written."""
    there = request.getfixturevalue(server)
    report = examined(storage_at(there))
    found = one(report, "setting-missing", "Block Public Access", level="note")
    if server == "rclone":
        assert "ListBucketResult" in found.seen
        assert "the bucket policy" in found.meaning
    assert {"public-block-off", "no-abort-rule", "encryption-off"} & set(ids(report)) <= {
        "no-abort-rule",
        "encryption-off",
    }


def test_od_50_a_setting_that_fails(moto):
    """An error of the server is not a finding about the bucket, and the other settings are read."""
    with canned(moto, (r"GET /s3store-tests\?cors", error(500, "InternalError"))) as proxy:
        report = examined(storage_at(moto, proxy.url))
    one(report, "setting-missing", "CORS")
    assert any("lifecycle rules" in text for text in report.passed)
