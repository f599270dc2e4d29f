"""Names of buckets, and ARNs. AWS: "General purpose bucket naming rules", "Policy resources for Amazon S3"."""

from __future__ import annotations

import re
from collections.abc import Iterator

_CHARACTERS = re.compile(r"[a-z0-9.-]+").fullmatch
_IP = re.compile(r"\d+\.\d+\.\d+\.\d+").fullmatch
_STARTS = ("xn--", "sthree-", "amzn-s3-demo-")
_ENDS = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")
_ACCESS_POINTS = ("-s3alias", "--ol-s3", ".mrap")
_PARTITIONS = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}


def is_access_point(name: str) -> bool:
    """Return whether a name, given where a bucket is expected, is the alias of an access point.

    It does not tell which bucket is behind it. AWS: "Access points for general purpose buckets".
    """
    return name.endswith(_ACCESS_POINTS)


def bucket_name_problems(name: str) -> Iterator[str]:
    """Yield the reasons for which a bucket cannot be created under a name, each as a sentence."""
    if not 3 <= len(name) <= 63:
        yield f"A bucket name has 3 to 63 characters, and {name!r} has {len(name)}."
    if name != name.lower():
        yield f"A bucket name has no upper-case letters: write {name.lower()!r}."
    if "_" in name:
        yield f"A bucket name has no underscores: write {name.replace('_', '-')!r}."
    if not _CHARACTERS(name.lower().replace("_", "-")):
        yield f"A bucket name contains only a-z, 0-9, hyphens and dots, and {name!r} has other characters."
    if name[:1] in ".-" or name[-1:] in ".-":
        yield f"A bucket name starts and ends with a letter or a digit, unlike {name!r}."
    if ".." in name:
        yield f"A bucket name has no two dots in a row, unlike {name!r}."
    if _IP(name):
        yield f"A bucket name cannot look like an IP address, as {name!r} does."
    for start in _STARTS:
        if name.startswith(start):
            yield f"Names that start with {start!r} are reserved."
    for end in _ENDS:
        if name.endswith(end):
            yield f"Names that end with {end!r} are reserved."


def bucket_name_warning(name: str) -> str | None:
    """Return what is wrong with a name that is allowed, or None."""
    if "." in name:
        return (
            f"The name {name!r} contains a dot. The certificate of S3 does not cover such hosts, so use "
            'addressing_style="path", or a name without dots.'
        )
    return None


def partition_of(region: str | None) -> str:
    """Return the partition of a region, for ARNs: aws, aws-cn or aws-us-gov."""
    return next((name for start, name in _PARTITIONS.items() if (region or "").startswith(start)), "aws")


def bucket_arn(bucket: str, partition: str = "aws") -> str:
    """Return the ARN of a bucket."""
    return f"arn:{partition}:s3:::{bucket}"


def prefix_arn(bucket: str, prefix: str, partition: str = "aws") -> str:
    """Return the ARN of all objects below a prefix. An empty prefix is the whole bucket.

    It ends in `/*`: `media*` would also match `media-private/`.
    """
    below = prefix.strip("/")
    return f"{bucket_arn(bucket, partition)}/{below}/*" if below else f"{bucket_arn(bucket, partition)}/*"


def public_prefix_problem(prefix: str) -> str | None:
    """Return why a prefix cannot be made public, or None."""
    below = prefix.strip("/")
    if not below:
        return "An empty prefix would make the whole bucket public. Name a directory, such as static/."
    if any(char in below for char in '*?$\\"') or not below.isprintable() or not below.isascii():
        return f"The prefix {prefix!r} contains characters that have a meaning in policies. Use letters and digits."
    if ".." in below.split("/") or "" in below.split("/"):
        return f"The prefix {prefix!r} has an empty part, or two dots."
    return None


ARNS = (
    ("A bucket", "arn:aws:s3:::my-bucket", "ListBucket and everything else that is about the bucket"),
    ("All objects of a bucket", "arn:aws:s3:::my-bucket/*", "GetObject, PutObject and others, for every object"),
    ("The objects below a prefix", "arn:aws:s3:::my-bucket/media/*", "the same, for one location"),
    ("A user", "arn:aws:iam::111122223333:user/deploy", "a principal in a bucket policy"),
    ("A role", "arn:aws:iam::111122223333:role/website", "a principal in a bucket policy, and what PassRole names"),
    ("A group", "arn:aws:iam::111122223333:group/developers", "never a principal: attach policies to it"),
    ("An account", "arn:aws:iam::111122223333:root", "a principal: all users and roles that its own policies allow"),
    ("A KMS key", "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-…", "GenerateDataKey and Decrypt"),
    (
        "A CloudFront distribution",
        "arn:aws:cloudfront::111122223333:distribution/EDFDVBD6EXAMPLE",
        "the condition AWS:SourceArn of a bucket policy",
    ),
)
"""(what, an example, what it is for)."""
