"""S3 Batch Operations: manifests for jobs that AWS does itself, and the reports of such jobs.

A job can copy, tag and restore. It cannot delete, and cannot rename. AWS: "Performing object operations in bulk with
Batch Operations", "Specifying a manifest", "Completion reports".
"""

from __future__ import annotations

import csv
import json
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

from s3store.core.policies.names import bucket_arn, partition_of

LARGEST_COPY = 5_000_000_000
"""The largest object that a job copies, in bytes. AWS: "Copy objects"."""

MOST_TAGS = 10

TIERS = ("STANDARD", "BULK")

_REPORT = "Report_CSV_20180820"
_COLUMNS = ("Bucket", "Key", "VersionId", "TaskStatus", "ErrorCode", "HTTPStatusCode", "ResultMessage")


class BatchError(ValueError):
    """A job that AWS could not do as it is wanted, or a report that cannot be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A row of a report that failed: the key in the bucket, and what S3 said."""

    bucket: str
    key: str
    version_id: str | None
    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportFile:
    """A file of a report: its bucket and key, and the MD5 digest of its bytes in hexadecimal."""

    bucket: str
    key: str
    md5: str | None


def row(bucket: str, key: str, version_id: str | None = None) -> str:
    """Return a line of a manifest. All lines of a file have a version, or none has one."""
    # After the encoding, nothing in a value needs quotes of CSV.
    values = [bucket, quote(key, safe="/"), *([version_id] if version_id else [])]
    return ",".join(values) + "\n"


def copy_job(source_prefix: str, bucket: str, target_prefix: str, *, region: str | None = None) -> dict[str, Any]:
    """Return the operation that copies keys below one prefix to keys below another one of `bucket`.

    Prefixes end in a slash or are empty. Raises BatchError if keys would change otherwise than by a prefix.
    """
    if not target_prefix.endswith(source_prefix):
        raise BatchError(
            f"A batch job cannot rename: the keys below {source_prefix!r} would become keys below {target_prefix!r}. "
            "It can only put a prefix before the whole key. Copy these files with s3 sync."
        )
    added = target_prefix.removesuffix(source_prefix).removesuffix("/")
    target = {
        "TargetResource": bucket_arn(bucket, partition_of(region)),
        **({"TargetKeyPrefix": added} if added else {}),
    }
    return {"S3PutObjectCopy": target}


def tag_job(tags: Mapping[str, str]) -> dict[str, Any]:
    """Return the operation that replaces all tags of the objects. Raises BatchError for more than 10 tags."""
    if len(tags) > MOST_TAGS:
        raise BatchError(f"{len(tags)} tags are too many: an object has at most {MOST_TAGS}.")
    return {"S3PutObjectTagging": {"TagSet": [{"Key": name, "Value": value} for name, value in tags.items()]}}


def restore_job(days: int, tier: str = "BULK") -> dict[str, Any]:
    """Return the operation that makes archived objects readable for some days. Raises BatchError for another tier."""
    if days < 1 or tier not in TIERS:
        raise BatchError(f"A batch job restores for 1 day or more, with the tier {' or '.join(TIERS)}.")
    return {"S3InitiateRestoreObject": {"ExpirationInDays": days, "GlacierJobTier": tier}}


def job_command(
    operation: Mapping[str, Any], *, file: str, etag: str, versions: bool, region: str | None, token: str
) -> str:
    """Return the commands of the AWS CLI that store a manifest and create the job. Replace the values in capitals.

    `etag` is the MD5 digest of the file, `token` makes sure that running the command twice creates one job.
    """
    partition = partition_of(region)
    fields = ["Bucket", "Key", *(["VersionId"] if versions else [])]
    manifest = {
        "Spec": {"Format": "S3BatchOperations_CSV_20180820", "Fields": fields},
        "Location": {"ObjectArn": f"{bucket_arn('MANIFEST-BUCKET', partition)}/manifest.csv", "ETag": etag},
    }
    report = {
        "Bucket": bucket_arn("REPORT-BUCKET", partition),
        "Format": _REPORT,
        "Enabled": True,
        "Prefix": "jobs",
        "ReportScope": "FailedTasksOnly",
    }
    arguments = {
        "account-id": "ACCOUNT",
        "region": region or "REGION",
        "operation": json.dumps(operation),
        "manifest": json.dumps(manifest),
        "report": json.dumps(report),
        "priority": "10",
        "role-arn": "ROLE-ARN",
        "client-request-token": token,
    }
    lines = ["aws s3control create-job", *(f"--{name} {shlex.quote(value)}" for name, value in arguments.items())]
    store = f"aws s3api put-object --bucket MANIFEST-BUCKET --key manifest.csv --body {shlex.quote(file)}"
    return store + "\n" + " \\\n  ".join(lines)


def parse_report(data: bytes) -> tuple[ReportFile, ...]:
    """Return the files that the `manifest.json` of a report names. Raises BatchError for another document."""
    try:
        found = json.loads(data)
        if found["Format"] != _REPORT:
            raise BatchError(f"The report has the format {found['Format']}. Only {_REPORT} is supported.")
        return tuple(
            ReportFile(bucket=each["Bucket"], key=each["Key"], md5=each.get("MD5Checksum")) for each in found["Results"]
        )
    except BatchError:
        raise
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise BatchError(f"The manifest of the report cannot be read: {type(error).__name__}: {error}.") from None


def tasks(lines: Iterable[str]) -> Iterator[Task | None]:
    """Yield each row of a report: the task if it failed, otherwise None. Raises BatchError for any other row."""
    try:
        for number, values in enumerate(csv.reader(lines, strict=True), 1):
            if len(values) != len(_COLUMNS):
                raise BatchError(f"Line {number} of the report has {len(values)} columns instead of {len(_COLUMNS)}.")
            bucket, key, version_id, status, code, http, message = values
            if status.lower() == "succeeded":
                yield None
            else:
                code, key = code or http or status, unquote(key, errors="strict")
                yield Task(bucket=bucket, key=key, version_id=version_id or None, code=code, message=message)
    except (csv.Error, UnicodeDecodeError) as error:
        raise BatchError(f"The report cannot be read: {error}.") from None
