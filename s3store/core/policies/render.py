"""Policies as text: JSON, Terraform and CloudFormation, from the same value.

Terraform: "aws_iam_policy_document", "Strings and Templates". AWS: "AWS::IAM::ManagedPolicy", "AWS::S3::BucketPolicy".
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

Policy = Mapping[str, Any]


def as_json(policy: Policy, bucket: str | None = None) -> str:  # noqa: ARG001 (all of them take the same)
    """Return a policy as JSON."""
    return json.dumps(policy, indent=2)


def as_cloudformation(policy: Policy, bucket: str | None = None) -> str:
    """Return a CloudFormation template: of the policy of `bucket`, or of a managed policy if there is none."""
    properties: dict[str, Any] = {"PolicyDocument": policy}
    kind, name = "AWS::IAM::ManagedPolicy", "S3storePolicy"
    if bucket:
        kind, name = "AWS::S3::BucketPolicy", "S3storeBucketPolicy"
        properties = {"Bucket": bucket, **properties}
    template = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Resources": {name: {"Type": kind, "Properties": properties}},
    }
    return json.dumps(template, indent=2)


def as_terraform(policy: Policy, bucket: str | None = None) -> str:
    """Return a policy as Terraform: the policy of `bucket`, or a managed policy if there is none."""
    lines = ['data "aws_iam_policy_document" "s3store" {']
    for statement in policy["Statement"]:
        lines += ["  statement {", *_statement(statement), "  }"]
    lines += ["}", ""]
    document = "data.aws_iam_policy_document.s3store.json"
    if bucket:
        lines += ['resource "aws_s3_bucket_policy" "s3store" {', f"  bucket = {quoted(bucket)}"]
    else:
        lines += ['resource "aws_iam_policy" "s3store" {', '  name   = "s3store"']
    return "\n".join([*lines, f"  policy = {document}", "}"])


def _statement(statement: Mapping[str, Any]) -> list[str]:
    lines = [f"    {name} = {quoted(statement[key])}" for key, name in (("Sid", "sid"), ("Effect", "effect"))]
    for key, name in (("Action", "actions"), ("Resource", "resources")):
        lines.append(f"    {name} = {_list(statement[key])}")
    principal = statement.get("Principal")
    if principal:
        for kind, who in (principal if isinstance(principal, Mapping) else {"*": principal}).items():
            lines += ["    principals {", f"      type = {quoted(kind)}", f"      identifiers = {_list(who)}", "    }"]
    for test, keys in statement.get("Condition", {}).items():
        for variable, values in keys.items():
            lines += ["    condition {", f"      test = {quoted(test)}", f"      variable = {quoted(variable)}"]
            lines += [f"      values = {_list(values)}", "    }"]
    return lines


def _list(value: Any) -> str:
    return f"[{', '.join(map(quoted, value if isinstance(value, list) else [value]))}]"


def quoted(text: str) -> str:
    """Return a text as Terraform has it."""
    # In Terraform, these start an expression.
    return json.dumps(text).replace("${", "$${").replace("%{", "%%{")


FORMATS: dict[str, Callable[[Policy, str | None], str]] = {
    "json": as_json,
    "terraform": as_terraform,
    "cloudformation": as_cloudformation,
}
"""The functions by the names that `--format` takes."""
