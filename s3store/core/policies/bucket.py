"""The statements of a bucket policy. AWS: "Bucket policies for Amazon S3", "Policies for origin access control"."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import Any

from s3store.core.policies.names import bucket_arn, prefix_arn, public_prefix_problem

OURS = "S3store"
"""The start of the Sid of our statements: letters and digits only."""

POLICY_BYTES = 20 * 1024
"""The largest bucket policy."""

PUBLIC = f"{OURS}Public"

_DISTRIBUTION = re.compile(r"arn:aws[a-z-]*:cloudfront::\d{12}:distribution/[A-Z0-9]+").fullmatch


def only_tls(bucket: str, partition: str = "aws") -> dict[str, Any]:
    """Return the statement that denies requests without TLS."""
    return {
        "Sid": f"{OURS}OnlyTls",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [bucket_arn(bucket, partition), prefix_arn(bucket, "", partition)],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def public_read(bucket: str, prefix: str, partition: str = "aws") -> dict[str, Any]:
    """Return the statement that lets everybody read the objects below a prefix. Raises ValueError."""
    if problem := public_prefix_problem(prefix):
        raise ValueError(problem)
    return {
        "Sid": f"{PUBLIC}{_as_sid(prefix.strip('/'))}",
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": prefix_arn(bucket, prefix, partition),
    }


def cloudfront_read(bucket: str, distribution: str, locations: Iterable[str], partition: str = "aws") -> dict[str, Any]:
    """Return the statement that lets a distribution of CloudFront read the objects of the locations.

    It names one distribution, so that S3 does not count it as public. Raises ValueError for another ARN.
    """
    return _of_distribution(
        distribution, "s3:GetObject", [prefix_arn(bucket, location, partition) for location in locations]
    )


def cloudfront_key(distribution: str) -> dict[str, Any]:
    """Return the statement for the policy of a KMS key, which lets a distribution decrypt. Raises ValueError."""
    return _of_distribution(distribution, "kms:Decrypt", "*")


def _of_distribution(distribution: str, action: str, resource: str | list[str]) -> dict[str, Any]:
    if problem := distribution_problem(distribution):
        raise ValueError(problem)
    return {
        "Sid": f"{OURS}CloudFront{distribution.rpartition('/')[2]}",
        "Effect": "Allow",
        "Principal": {"Service": "cloudfront.amazonaws.com"},
        "Action": action,
        "Resource": resource,
        "Condition": {"StringEquals": {"AWS:SourceArn": distribution}},
    }


def distribution_problem(distribution: str) -> str | None:
    """Return why a text is not the ARN of a distribution, or None."""
    if _DISTRIBUTION(distribution):
        return None
    example = "arn:aws:cloudfront::111122223333:distribution/EDFDVBD6EXAMPLE"
    return f"{distribution!r} is not the ARN of a CloudFront distribution. It looks like {example}."


def bucket_policy(statements: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Return a policy with the statements."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _as_sid(prefix: str) -> str:
    """Return a prefix in letters and digits. Different prefixes have different texts."""
    plain = re.sub(r"[^A-Za-z0-9]", "", prefix.title())
    if prefix.isalnum() and prefix == prefix.lower():
        return plain
    return plain + hashlib.sha256(prefix.encode()).hexdigest()[:8]
