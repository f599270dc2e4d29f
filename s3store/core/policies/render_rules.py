"""CORS and lifecycle rules as text: JSON, Terraform and CloudFormation, from the same value.

Terraform: "aws_s3_bucket_cors_configuration", "aws_s3_bucket_lifecycle_configuration".
AWS: "AWS::S3::Bucket CorsRule", "AWS::S3::Bucket Rule".
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from s3store.core.policies.render import quoted

Rules = Sequence[Mapping[str, Any]]

_CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])")

_CLOUDFORMATION = {"ID": "Id", "ExposeHeaders": "ExposedHeaders", "MaxAgeSeconds": "MaxAge"}


def as_json(kind: str, rules: Rules, bucket: str) -> str:  # noqa: ARG001 (all of them take the same)
    """Return the document that S3 takes. `kind` is "cors" or "lifecycle"."""
    return json.dumps({"CORSRules" if kind == "cors" else "Rules": list(rules)}, indent=2)


def as_terraform(kind: str, rules: Rules, bucket: str) -> str:
    """Return the Terraform resource of the rules of a bucket: all of them, as S3 stores them."""
    lines = [f'resource "aws_s3_bucket_{kind}_configuration" "s3store" {{', f"  bucket = {quoted(bucket)}"]
    block = "cors_rule" if kind == "cors" else "rule"
    for rule in rules:
        lines += [f"  {block} {{", *_terraform(rule, "    "), "  }"]
    return "\n".join([*lines, "}"])


def as_cloudformation(kind: str, rules: Rules, bucket: str) -> str:
    """Return a CloudFormation template of a bucket with the rules, which are properties of the bucket there."""
    if kind == "cors":
        found = [{_CLOUDFORMATION.get(name, name): value for name, value in rule.items()} for rule in rules]
        properties: dict[str, Any] = {"CorsConfiguration": {"CorsRules": found}}
    else:
        properties = {"LifecycleConfiguration": {"Rules": [dict(_lifecycle(rule)) for rule in rules]}}
    template = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Resources": {"S3storeBucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": bucket, **properties}}},
    }
    return json.dumps(template, indent=2)


def _terraform(rule: Mapping[str, Any], indent: str) -> Iterator[str]:
    for name, value in rule.items():
        plain = _CAPITAL.sub("_", name).lower()
        if isinstance(value, Mapping):
            yield f"{indent}{plain} {{"
            yield from _terraform(value, f"{indent}  ")
            yield f"{indent}}}"
        elif isinstance(value, list):
            yield f"{indent}{plain} = [{', '.join(map(quoted, value))}]"
        else:
            yield f"{indent}{plain} = {quoted(value) if isinstance(value, str) else value}"


def _lifecycle(rule: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in rule.items():
        if name == "Filter":
            # An empty prefix is not a property there: without one, the rule is for the whole bucket.
            if value["Prefix"]:
                yield "Prefix", value["Prefix"]
        elif name == "Expiration":
            yield "ExpirationInDays", value["Days"]
        else:
            yield _CLOUDFORMATION.get(name, name), value


FORMATS: dict[str, Callable[[str, Rules, str], str]] = {
    "json": as_json,
    "terraform": as_terraform,
    "cloudformation": as_cloudformation,
}
"""The functions by the names that `--format` takes."""
