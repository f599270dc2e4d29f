"""What subcommands say if a permission is missing: the action, the key or bucket, and what to do."""

from __future__ import annotations

import os
import re
import uuid

import pytest

from s3store.storage import S3Storage
from tests.buckets import ENVIRONMENT
from tests.faults.proxy import FaultProxy
from tests.operations.shell.conftest import Shell, quick

__all__ = ["quick"]

pytestmark = pytest.mark.django_db

KEY = r"of key '[0-9a-f]+/d/a' in bucket 's3store-tests'"
BUCKET = "of bucket 's3store-tests'"
# arguments, the request that S3 refuses, the object and the action that the message names
ROWS = [
    (["ls"], "GET .*list-type=2", BUCKET, "s3:ListBucket"),
    (["du"], "GET .*list-type=2", BUCKET, "s3:ListBucket"),
    (["url", "default:d/*"], "GET .*list-type=2", BUCKET, "s3:ListBucket"),
    (["shards", "2", "default:"], "GET .*list-type=2", BUCKET, "s3:ListBucket"),
    (["headers", "--storage", "default"], "GET .*list-type=2", BUCKET, "s3:ListBucket"),
    (["orphans"], "GET .*list-type=2", BUCKET, "s3:ListBucket"),
    (["verify", "default:d/", "other:"], "GET .*list-type=2", BUCKET, "s3:ListBucket"),
    (["migrate-media", "default:", "--source", "other:"], "GET .*list-type=2", BUCKET, "s3:ListBucket"),
    (["restore", "--archived"], "GET .*list-type=2", BUCKET, "s3:ListBucket"),
    (["restore"], r"GET .*\?versions", BUCKET, "s3:ListBucketVersions"),
    (["multipart"], r"GET .*\?uploads", BUCKET, "s3:ListBucketMultipartUploads"),
    (["incoming"], r"GET .*\?uploads", BUCKET, "s3:ListBucketMultipartUploads"),
    (["stat", "default:d/a"], "HEAD", KEY, "s3:GetObject"),
    (["cat", "default:d/a"], "GET .*/d/a", KEY, "s3:GetObject"),
    (["batch-report", "default:d/a"], "GET .*/d/a", KEY, "s3:GetObject"),
    (["cp", "default:d/a", "TMP"], "GET .*/d/a", KEY, "s3:GetObject"),
    (["cp", "default:d/a", "default:b"], "PUT .*/b", "of key '[0-9a-f]+/b' in bucket", "s3:PutObject"),
    (["mv", "default:d/a", "default:b"], "DELETE .*/d/a", KEY, "s3:DeleteObject"),
    (["rm", "default:d/a"], r"POST .*\?delete", BUCKET, "s3:DeleteObject"),
    (["metadata", "default:d/a"], "HEAD", KEY, "s3:GetObject"),
    (["metadata", "--set", "a=b", "default:d/a"], "PUT", KEY, "s3:PutObject, and s3:GetObject on the source"),
    (["tags", "default:d/a"], r"GET .*\?tagging", KEY, "s3:GetObjectTagging"),
    (["tags", "--set", "a=b", "default:d/a"], r"PUT .*\?tagging", KEY, "s3:PutObjectTagging"),
    (["acl", "default:d/a"], r"GET .*\?acl", KEY, "s3:GetObjectAcl"),
    (["acl", "--set", "private", "default:d/a"], r"PUT .*\?acl", KEY, "s3:PutObjectAcl"),
    (["sync", "TMP", "default:d"], "PUT .*/d/new", "of key '[0-9a-f]+/d/new' in bucket", "s3:PutObject"),
    (["sync", "default:d", "TMP"], "GET .*/d/a", KEY, "s3:GetObject"),
    (["sync", "TMP", "default:d", "--delete", "--yes"], r"POST .*\?delete", BUCKET, "s3:DeleteObject"),
    (["policy", "--acl", "private"], r"PUT .*\?acl", BUCKET, "s3:PutBucketAcl"),
    (["buckets"], r"GET /(\?|$)", "list_buckets", "s3:ListAllMyBuckets"),
    (["mb", "another-bucket"], "PUT /another-bucket", "of bucket 'another-bucket'", "s3:CreateBucket"),
]


@pytest.mark.parametrize(("arguments", "refused", "named", "action"), ROWS, ids=[" ".join(row[0]) for row in ROWS])
def test_a_refusal_names_the_permission(quick: Shell, moto, tmp_path, arguments, refused, named, action):
    """With exit status 1 (2 for a report that cannot be read), and what was sent before it is counted."""
    quick.default.save("d/a", b"1")
    (tmp_path / "new").write_text("new")

    def respond(method, target, headers):
        body = b"<Error><Code>AccessDenied</Code></Error>"
        found = re.search(refused, f"{method} {target}")
        return (403, {"Content-Type": "application/xml"}, b"" if method == "HEAD" else body) if found else None

    with FaultProxy(moto.endpoint_url, respond=respond) as proxy:
        quick.add("default", **{**quick.options, "endpoint_url": proxy.url})
        ran = quick.run(*[text.replace("TMP", str(tmp_path)) for text in arguments])
    assert ran.status == (2 if arguments[0] == "batch-report" else 1), ran
    assert re.search(rf"{named}.*: (AccessDenied|403).* {re.escape(action)}\.", ran.error.replace("\n", " ")), ran
    assert "the IAM policy" in ran.error
    assert quick.other.listdir("") == ([], [])
    assert quick.default.objects.bucket.find(quick.default.objects.key("d/a"), {}) is not None
    if "--delete" in arguments:
        assert "1 sent" in ran.out


@ENVIRONMENT
@pytest.mark.parametrize(
    ("arguments", "action"),
    [(row[0], row[3]) for row in ROWS if row[0][0] not in ("buckets", "mb")],
    ids=[" ".join(row[0]) for row in ROWS if row[0][0] not in ("buckets", "mb")],
)
def test_a_policy_that_denies_the_permission(settings, fresh, tmp_path, arguments, action):
    """On a server that enforces policies, to a second user who may do everything else in the bucket."""
    if "S3STORE_TEST_SECOND_ACCESS_KEY" not in os.environ:
        pytest.skip("S3STORE_TEST_SECOND_ACCESS_KEY names no second user")
    owner = S3Storage(**fresh, location=uuid.uuid4().hex)
    owner.save("d/a", b"1")
    (tmp_path / "new").write_text("new")
    keys = {name: os.environ[f"S3STORE_TEST_SECOND_{name.upper()}"] for name in ("access_key", "secret_key")}
    shell = Shell(settings)
    shell.add("default", **{**fresh, **keys, "location": owner.location})
    shell.add("other", **{**fresh, **keys, "location": uuid.uuid4().hex})
    denied = action.partition(",")[0]
    about = {
        "Principal": {"AWS": os.environ.get("S3STORE_TEST_SECOND_ARN", "arn:aws:iam:::user/alice")},
        "Resource": [f"arn:aws:s3:::{owner.bucket_name}", f"arn:aws:s3:::{owner.bucket_name}/*"],
    }
    statements = [{"Effect": "Allow", "Action": "s3:*", **about}, {"Effect": "Deny", "Action": denied, **about}]
    owner.objects.bucket.settings.write("policy", {"Version": "2012-10-17", "Statement": statements})
    ran = shell.run(*[text.replace("TMP", str(tmp_path)) for text in arguments])
    assert ran.status == (2 if arguments[0] == "batch-report" else 1), ran
    assert re.search(rf"(AccessDenied|403).* {denied}\b", ran.error.replace("\n", " ")), ran
    assert owner.read_bytes("d/a") == b"1"
