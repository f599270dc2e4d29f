"""SL-04: the rules for forms, on the twin and on SeaweedFS. The cases are those of s3-tests, the suite of Ceph, with
Signature Version 4."""

from __future__ import annotations

import uuid
from datetime import datetime, timezone

import pytest

from s3store.storage import S3Storage
from tests.local.sending import Target

RANGE = ["content-length-range", 0, 1024]
TEXT = {"Content-Type": "text/plain"}


def case(*, fields=None, conditions=None, body=b"bar", form=None, post=None):
    """One form: fields, conditions beside the standard ones, and what is done to it."""
    return {"fields": fields or {}, "conditions": conditions, "body": body, "form": form or {}, "post": post or {}}


def conditions(*more, key="", kind="text/plain"):
    return [["starts-with", "$key", key], ["starts-with", "$Content-Type", kind], RANGE, *more]


def document(**members):
    return {"form": {"document": members}}


LATER = "2100-01-01T00:00:00Z"

# name: the form, the status, the code
CASES = {
    "authenticated": (case(), 204, None),
    "no content type": (
        case(fields={"Content-Type": None}, conditions=[["starts-with", "$key", ""], RANGE]),
        204,
        None,
    ),
    "bad access key": (
        case(form={"x_amz_credential": "nobody/20260101/us-east-1/s3/aws4_request"}),
        403,
        "InvalidAccessKeyId",
    ),
    "success code 201": (
        case(fields={"success_action_status": "201"}, conditions=conditions({"success_action_status": "201"})),
        201,
        None,
    ),
    "success code 404": (
        case(
            fields={"success_action_status": "404"},
            conditions=conditions(["starts-with", "$success_action_status", ""]),
        ),
        204,
        None,
    ),
    "larger than a chunk": (
        case(
            body=b"foo" * 100_000,
            conditions=[
                ["starts-with", "$key", ""],
                ["starts-with", "$Content-Type", ""],
                ["content-length-range", 0, 10**6],
            ],
        ),
        204,
        None,
    ),
    "ignored field": (case(fields={"x-ignore-foo": "bar"}), 204, None),
    "case of names": (
        case(
            fields={"key": None, "kEy": "{key}"},
            conditions=[["StArTs-WiTh", "$KeY", ""], ["starts-with", "$ConTenT-TyPe", "text/plain"], RANGE],
        ),
        204,
        None,
    ),
    "escaped value": (case(fields={"key": "{key}/\\$foo.txt".replace("\\", "")}), 204, None),
    "redirect": (
        case(
            fields={"success_action_redirect": "http://localhost/done"},
            conditions=conditions(["eq", "$success_action_redirect", "http://localhost/done"]),
        ),
        303,
        None,
    ),
    "invalid signature": (case(form={"x_amz_signature": "0" * 64}), 403, "SignatureDoesNotMatch"),
    "no key": (case(fields={"key": None}), 400, "InvalidArgument"),
    "no signature": (case(form={"x_amz_signature": None}), 400, "InvalidArgument"),
    "no policy": (case(form={"policy": None}), 403, "AccessDenied"),
    "bucket without condition": (
        case(
            **document(
                expiration=LATER,
                conditions=[
                    ["starts-with", "$key", ""],
                    ["starts-with", "$Content-Type", ""],
                    ["starts-with", "$x-amz-credential", ""],
                    ["starts-with", "$x-amz-algorithm", ""],
                    ["starts-with", "$x-amz-date", ""],
                ],
            )
        ),
        403,
        "AccessDenied",
    ),
    "metadata in the policy": (
        case(fields={"x-amz-meta-foo": "barclamp"}, conditions=conditions(["starts-with", "$x-amz-meta-foo", "bar"])),
        204,
        None,
    ),
    "metadata missing": (case(conditions=conditions(["starts-with", "$x-amz-meta-foo", "bar"])), 403, "AccessDenied"),
    "metadata extra": (case(fields={"x-amz-meta-foo": "barclamp"}), 403, "AccessDenied"),
    "case of conditions": (case(**document(expiration=LATER, CONDITIONS=[])), 400, "InvalidPolicyDocument"),
    "case of expiration": (case(**document(EXPIRATION=LATER, conditions=[])), 400, "InvalidPolicyDocument"),
    "expired": (case(form={"until": -6000}), 403, "AccessDenied"),
    "invalid date": (
        case(**document(expiration=str(datetime(2100, 1, 1, tzinfo=timezone.utc)), conditions=[])),
        400,
        "InvalidPolicyDocument",
    ),
    "wrong bucket": (case(**document(expiration=LATER, conditions=[{"bucket": "another"}])), 403, "AccessDenied"),
    "invalid value": (
        case(fields={"x-amz-meta-foo": "bar"}, conditions=conditions(["eq", "$x-amz-meta-foo", "other"])),
        403,
        "AccessDenied",
    ),
    "no expiration": (case(**document(conditions=[])), 400, "InvalidPolicyDocument"),
    "no conditions": (case(**document(expiration=LATER)), 400, "InvalidPolicyDocument"),
    "too large": (
        case(
            conditions=[
                ["starts-with", "$key", ""],
                ["starts-with", "$Content-Type", ""],
                ["content-length-range", 0, 0],
            ]
        ),
        400,
        "EntityTooLarge",
    ),
    "too small": (
        case(
            conditions=[
                ["starts-with", "$key", ""],
                ["starts-with", "$Content-Type", ""],
                ["content-length-range", 512, 1000],
            ]
        ),
        400,
        "EntityTooSmall",
    ),
    "range without bounds": (case(conditions=conditions(["content-length-range", 0])), 400, "InvalidPolicyDocument"),
    "range of words": (case(conditions=conditions(["content-length-range", -1, 0])), 400, "InvalidPolicyDocument"),
    "empty conditions": (case(**document(expiration=LATER, conditions=[{}])), 400, "InvalidPolicyDocument"),
}


# Gaps of SeaweedFS 4.48, which accepts many policy documents that are not valid.
SEAWEEDFS = {
    "success code 404": (403, "AccessDenied"),
    "no key": (400, "InvalidRequest"),
    "no signature": (403, "SignatureDoesNotMatch"),
    "no policy": (403, "SignatureDoesNotMatch"),
    "case of conditions": (204, None),
    "case of expiration": (204, None),
    "invalid date": (403, "PostPolicyInvalidKeyName"),
    "no expiration": (403, "PostPolicyInvalidKeyName"),
    "no conditions": (204, None),
    "range without bounds": (403, "PostPolicyInvalidKeyName"),
    "range of words": (400, "EntityTooLarge"),
    "empty conditions": (204, None),
}


def posted(target, row):
    """Send the form of a row, and return the answer and its key."""
    key = uuid.uuid4().hex
    fields = {"key": key, **TEXT} | row["fields"]
    fields = {name: value.replace("{key}", key) for name, value in fields.items() if value is not None}
    wanted = conditions() if row["conditions"] is None else row["conditions"]
    form = target.form(fields, wanted, **row["form"])
    return target.post(form, row["body"], **row["post"]), fields.get("key", key)


@pytest.fixture
def on_seaweedfs(seaweedfs_options):
    return S3Storage(**{**seaweedfs_options, "location": ""})


@pytest.mark.parametrize("name", CASES)
def test_sl_04_forms_are_refused_as_by_s3(twin, name):
    """Status and code are those of S3, and a refused form stores nothing."""
    row, status, code = CASES[name]
    answer, key = posted(Target.of(twin), row)
    assert answer.said == (status, code), answer.body
    assert twin.exists(key) == (status < 400)
    if status < 400:
        assert twin.read_bytes(key) == row["body"]


@pytest.mark.parametrize("name", CASES)
def test_sl_04_the_twin_answers_as_seaweedfs(on_seaweedfs, name):
    """Except where SeaweedFS is known to differ from S3."""
    row, status, code = CASES[name]
    answer, _ = posted(Target.of(on_seaweedfs), row)
    assert answer.said == SEAWEEDFS.get(name, (status, code))
