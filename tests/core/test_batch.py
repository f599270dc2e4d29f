"""Manifests of S3 Batch Operations are what AWS documents, and reports are read."""

from __future__ import annotations

import csv
import json
import shlex
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3store.core import batch
from s3store.core.batch import BatchError, ReportFile, Task

ROW = "photos,media/a%2C%20b.jpg,v1,failed,AccessDenied,403,Access Denied\n"


@given(
    keys=st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=9), min_size=1),
    version=st.sampled_from([None, "null", "3sL4kqtJlcpXroDTDmJ"]),
)
def test_a_strict_reader_of_csv_finds_the_keys(keys: list[str], version: str | None) -> None:
    """Also with commas, quotes, line ends and percent signs; a space is never a plus."""
    text = "".join(batch.row("photos", key, version) for key in keys)
    rows = list(csv.reader(text.splitlines(keepends=True), strict=True))
    assert rows == [["photos", row[1], *([version] if version else [])] for row in rows]
    assert [unquote(row[1], errors="strict") for row in rows] == keys
    assert "+" not in text
    assert text.count("/") == sum(key.count("/") for key in keys)
    assert '"' not in text


def test_a_copy_can_put_a_prefix_before_the_whole_key() -> None:
    """Nothing else: what would be a rename is refused before anything is written."""
    assert batch.copy_job("media/", "dst", "media/") == {"S3PutObjectCopy": {"TargetResource": "arn:aws:s3:::dst"}}
    for source, target, added in (("", "old/", "old"), ("media/", "old/2026/media/", "old/2026")):
        assert batch.copy_job(source, "dst", target)["S3PutObjectCopy"]["TargetKeyPrefix"] == added
    for source, target in (("media/", ""), ("media/", "photos/"), ("media/", "media/old/")):
        with pytest.raises(BatchError, match="cannot rename"):
            batch.copy_job(source, "dst", target)


@pytest.mark.parametrize(
    ("region", "arn"),
    [
        (None, "arn:aws:s3:::dst"),
        ("cn-north-1", "arn:aws-cn:s3:::dst"),
        ("us-gov-west-1", "arn:aws-us-gov:s3:::dst"),
    ],
)
def test_arns_name_the_partition(region: str | None, arn: str) -> None:
    """China and GovCloud have their own."""
    assert batch.copy_job("", "dst", "", region=region)["S3PutObjectCopy"]["TargetResource"] == arn


def test_tags_replace_all_tags() -> None:
    """Ten at most."""
    assert batch.tag_job({"delete": "yes"}) == {"S3PutObjectTagging": {"TagSet": [{"Key": "delete", "Value": "yes"}]}}
    assert len(batch.tag_job({str(number): "" for number in range(10)})["S3PutObjectTagging"]["TagSet"]) == 10
    with pytest.raises(BatchError, match="11 tags"):
        batch.tag_job({str(number): "" for number in range(11)})


def test_archived_objects_are_restored_for_some_days() -> None:
    """A job has no tier for hurry."""
    wanted = {"S3InitiateRestoreObject": {"ExpirationInDays": 7, "GlacierJobTier": "BULK"}}
    assert batch.restore_job(7) == wanted
    assert batch.restore_job(1, "STANDARD")["S3InitiateRestoreObject"]["ExpirationInDays"] == 1
    for days, tier in ((0, "BULK"), (7, "EXPEDITED")):
        with pytest.raises(BatchError, match="STANDARD or BULK"):
            batch.restore_job(days, tier)


@pytest.mark.parametrize("versions", [False, True])
def test_the_command_creates_the_job(versions: bool) -> None:
    """A shell takes it as it is; the ETag of the manifest is known."""
    text = batch.job_command(
        batch.tag_job({"it's": "$HOME"}), file="a b.csv", etag="e1", versions=versions, region="eu-west-1", token="t"
    )
    store, create = text.split("\n", 1)
    assert shlex.split(store)[-2:] == ["--body", "a b.csv"]
    words = shlex.split(create.replace("\\\n", " "))
    given = dict(zip(words[3::2], words[4::2], strict=True))
    assert words[:3] == ["aws", "s3control", "create-job"]
    assert json.loads(given["--operation"]) == batch.tag_job({"it's": "$HOME"})
    assert json.loads(given["--manifest"]) == {
        "Spec": {
            "Format": "S3BatchOperations_CSV_20180820",
            "Fields": ["Bucket", "Key", *(["VersionId"] if versions else [])],
        },
        "Location": {"ObjectArn": "arn:aws:s3:::MANIFEST-BUCKET/manifest.csv", "ETag": "e1"},
    }
    assert json.loads(given["--report"]) == {
        "Bucket": "arn:aws:s3:::REPORT-BUCKET",
        "Format": "Report_CSV_20180820",
        "Enabled": True,
        "Prefix": "jobs",
        "ReportScope": "FailedTasksOnly",
    }
    assert (given["--region"], given["--client-request-token"]) == ("eu-west-1", "t")
    assert (given["--account-id"], given["--role-arn"], given["--priority"]) == ("ACCOUNT", "ROLE-ARN", "10")


def test_a_command_without_a_region_asks_for_one() -> None:
    """AWS creates jobs in the region of the bucket only."""
    text = batch.job_command(batch.tag_job({}), file="m.csv", etag="e1", versions=False, region=None, token="t")
    assert "--region REGION " in text


def test_a_report_names_its_files() -> None:
    """In the bucket that the job was given."""
    data = {"Format": "Report_CSV_20180820", "Results": [{"Bucket": "r", "Key": "jobs/1.csv", "MD5Checksum": "m"}]}
    assert batch.parse_report(json.dumps(data).encode()) == (ReportFile(bucket="r", key="jobs/1.csv", md5="m"),)
    for text, words in (
        ('{"Format": "Report_ORC", "Results": []}', "Report_ORC"),
        ("[]", "cannot be read"),
        ("{", "cannot be read"),
        ('{"Format": "Report_CSV_20180820", "Results": [{}]}', "cannot be read"),
    ):
        with pytest.raises(BatchError, match=words):
            batch.parse_report(text.encode())


def test_the_rows_of_a_report() -> None:
    """Those that failed, with what S3 said."""
    succeeded = 'photos,"a",,succeeded,200,,Successful\n'
    assert list(batch.tasks([succeeded, ROW, "photos,b,,failed,,500,\n"])) == [
        None,
        Task(bucket="photos", key="media/a, b.jpg", version_id="v1", code="AccessDenied", message="Access Denied"),
        Task(bucket="photos", key="b", version_id=None, code="500", message=""),
    ]


@pytest.mark.parametrize(
    ("line", "words"),
    [("photos,a\n", "Line 2.*2 columns"), ('photos,"a', "cannot be read"), (ROW.replace("%2C", "%FF"), "cannot be")],
)
def test_a_row_that_is_not_one_is_refused(line: str, words: str) -> None:
    """Rather than losing a failure."""
    with pytest.raises(BatchError, match=words):
        list(batch.tasks([ROW, line]))
