"""The printed permissions, carried out by a server that enforces policies: with all of them, and without each.

On the server in the environment, for a second user of it. CONTRIBUTING.rst says how to start one.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from s3store import errors
from s3store.core.policies import iam
from s3store.storage import S3Storage
from s3store.wire.settings import BucketSettings
from tests.buckets import ENVIRONMENT

pytestmark = ENVIRONMENT

# Actions that make Ceph 16 refuse a policy.
UNKNOWN = {
    "s3:GetBucketOwnershipControls",
    "s3:GetEncryptionConfiguration",
}

MIB5 = 5 * 1024 * 1024
LARGE = b"x" * (MIB5 + 1)
TRANSFER = {"multipart_threshold": MIB5, "multipart_chunksize": MIB5}


class Site:
    """A storage of the second user, which can do what the bucket policy says, and one of the owner."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.owner = S3Storage(**options, location="media")
        self.settings: BucketSettings = self.owner.objects.bucket.settings
        self.bucket = options["bucket_name"]
        keys = {"access_key": os.environ["S3STORE_TEST_SECOND_ACCESS_KEY"]}
        keys["secret_key"] = os.environ["S3STORE_TEST_SECOND_SECRET_KEY"]
        self.options = {**options, **keys, "location": "media", "transfer_config": TRANSFER}

    def storage(self, **more: Any) -> S3Storage:
        return S3Storage(**{**self.options, **more})

    def allow(self, features: tuple[str, ...], without: str | None = None) -> None:
        """Put the IAM statements of features into the bucket policy, for the second user, without an action."""
        policy = iam.iam_policy(iam.Scope(bucket=self.bucket, locations=("media",)), features)
        statements = []
        for statement in policy["Statement"]:
            actions = [action for action in statement["Action"] if action != without and action not in UNKNOWN]
            if actions:
                user = os.environ.get("S3STORE_TEST_SECOND_ARN", "arn:aws:iam:::user/alice")
                statements.append({**statement, "Action": actions, "Principal": {"AWS": user}})
        if statements:
            self.settings.write("policy", {**policy, "Statement": statements})
        else:
            self.settings.delete("policy")


@pytest.fixture
def site(fresh: dict[str, Any]) -> Iterator[Site]:
    """A bucket with a file, and a second user without rights."""
    if "S3STORE_TEST_SECOND_ACCESS_KEY" not in os.environ:
        pytest.skip("S3STORE_TEST_SECOND_ACCESS_KEY names no second user")
    made = Site(fresh)
    made.owner.save("a.txt", b"hello")
    yield made
    for upload in made.owner.client.list_multipart_uploads(Bucket=made.bucket).get("Uploads", ()):
        key, number = upload["Key"], upload["UploadId"]
        made.owner.client.abort_multipart_upload(Bucket=made.bucket, Key=key, UploadId=number)


def read(site: Site) -> None:
    with site.storage().open("a.txt") as file:
        assert file.read() == b"hello"


def is_missing(site: Site) -> None:
    assert site.storage().exists("missing.txt") is False


def listing(site: Site) -> None:
    assert site.storage().listdir("")[1] == ["a.txt"]


def write(site: Site) -> None:
    site.storage(file_overwrite=True).save("b.txt", b"x")


def write_without_conditions(site: Site) -> None:
    site.storage(conditional_writes=False).save("b.txt", b"x")


def write_large(site: Site) -> None:
    site.storage(file_overwrite=True).save("large.bin", _content(LARGE))


def abort(site: Site) -> None:
    client = site.storage().client
    key = "media/part.bin"
    number = site.owner.client.create_multipart_upload(Bucket=site.bucket, Key=key)["UploadId"]
    bucket = site.storage().objects.bucket
    client.list_parts(Bucket=site.bucket, Key=key, UploadId=number)
    bucket._call("abort_multipart_upload", key, UploadId=number)


def leftovers(site: Site) -> None:
    site.storage().objects.bucket._call("list_multipart_uploads")


def delete(site: Site) -> None:
    site.storage().delete("a.txt")
    assert not site.owner.exists("a.txt")


def copy(site: Site) -> None:
    site.storage(file_overwrite=True).copy("a.txt", "c.txt")


def get_acl(site: Site) -> None:
    site.storage().get_acl("a.txt")


def set_acl(site: Site) -> None:
    site.storage().set_acl("a.txt", "private")


def versions(site: Site) -> None:
    found = list(site.storage().objects.bucket.versions("media/", {}))
    assert len(found) == 1
    bucket = site.storage().objects.bucket
    bucket._call("delete_object", "media/a.txt", VersionId=found[0].version_id)


def settings(site: Site) -> None:
    found = BucketSettings(site.storage().objects.options)
    for name in ("policy", "cors", "lifecycle", "versioning"):
        assert found.read(name).state in ("set", "none"), name


def _content(body: bytes) -> Any:
    from django.core.files.base import ContentFile

    return ContentFile(body)


# feature -> what it is for, and the actions that Ceph 16 demands for it
CASES: list[tuple[str, Callable[[Site], None], tuple[str, ...]]] = [
    ("read", read, ("s3:GetObject",)),
    ("exists", is_missing, ("s3:ListBucket",)),
    ("list", listing, ("s3:ListBucket",)),
    ("write", write, ("s3:PutObject",)),
    ("no-overwrite", write_without_conditions, ("s3:PutObject", "s3:ListBucket")),
    ("multipart", write_large, ("s3:PutObject",)),
    ("multipart", abort, ("s3:AbortMultipartUpload",)),
    ("leftovers", leftovers, ("s3:ListBucketMultipartUploads",)),
    ("delete", delete, ("s3:DeleteObject",)),
    ("copy", copy, ("s3:GetObject", "s3:PutObject", "s3:ListBucket")),
    ("acl", get_acl, ("s3:GetObjectAcl",)),
    ("acl", set_acl, ("s3:PutObjectAcl",)),
    ("versions", versions, ("s3:ListBucketVersions",)),
    ("doctor", settings, ("s3:GetBucketCORS", "s3:GetLifecycleConfiguration", "s3:GetBucketPolicy")),
]
NEEDS = {"exists": ("read",), "delete": (), "no-overwrite": ("read",)}


@pytest.mark.parametrize(("feature", "use", "demanded"), CASES, ids=[use.__name__ for _, use, _ in CASES])
def test_e12_a_feature_works_with_its_permissions_and_not_without_one(
    site: Site, feature: str, use: Callable[[Site], None], demanded: tuple[str, ...]
) -> None:
    """The policy is the printed one."""
    features = (feature, *NEEDS.get(feature, ()))
    for action in demanded:
        site.allow(features, without=action)
        with pytest.raises((PermissionError, errors.S3StoreError, AssertionError)):
            use(site)
    site.allow(features)
    use(site)


def test_e12_the_policy_of_a_storage_is_enough_for_its_methods(site: Site) -> None:
    """And does not reach beyond the location."""
    site.allow(("storage",))
    storage = site.storage()
    name = storage.save("d/a.txt", _content(b"x"))
    assert storage.size(name) == 1
    assert storage.exists("nothing") is False
    storage.copy(name, "d/b.txt")
    storage.move("d/b.txt", "d/c.txt")
    storage.save("large.bin", _content(LARGE))
    # Not delete_many: Ceph 16 asks for the owner of the bucket there, whatever the policy says.
    storage.delete(name)
    storage.delete("d/c.txt")
    assert storage.listdir("d") == ([], [])
    outside = site.storage(location="media-private")
    with pytest.raises(PermissionError):
        outside.save("x.txt", _content(b"x"))


def test_od_28_a_condition_on_the_prefix_hides_what_is_missing(site: Site) -> None:
    """That is why no printed statement has one."""
    site.allow(("read", "exists"))
    policy = dict(site.settings.read("policy").value)
    for statement in policy["Statement"]:
        if "s3:ListBucket" in statement["Action"]:
            statement["Condition"] = {"StringLike": {"s3:prefix": ["media/*"]}}
    site.settings.write("policy", policy)
    with pytest.raises(PermissionError):
        site.storage().exists("missing.txt")
