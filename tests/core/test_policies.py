"""IAM policies, bucket policies, CORS and lifecycle rules: what they contain, and how they are merged and printed."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3store.core.policies import bucket, canonical, iam, merge, names, render, render_rules, rules

B = "arn:aws:s3:::my-bucket"
DISTRIBUTION = "arn:aws:cloudfront::111122223333:distribution/EDFDVBD6EXAMPLE"
KEY = "arn:aws:kms:eu-central-1:111122223333:key/1234"
ROLE = "arn:aws:iam::111122223333:role/batch"
FOREIGN = {"Sid": "Others", "Effect": "Allow", "Principal": {"AWS": "123456789012"}, "Action": "s3:*", "Resource": B}


def scope(**changes: Any) -> iam.Scope:
    return iam.Scope(**{"bucket": "my-bucket", "locations": ("media",), **changes})


def granted(policy: dict[str, Any]) -> dict[str, set[str]]:
    """Return the actions of a policy by resource."""
    found: dict[str, set[str]] = {}
    for statement in policy["Statement"]:
        for resource in statement["Resource"]:
            found.setdefault(resource, set()).update(statement["Action"])
    return found


# Names of buckets


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("ab", "3 to 63"),
        ("a" * 64, "3 to 63"),
        ("My-Bucket", "write 'my-bucket'"),
        ("my_bucket", "write 'my-bucket'"),
        ("my bucket", "only a-z"),
        ("bücher", "only a-z"),
        ("-abc", "starts and ends"),
        ("abc.", "starts and ends"),
        ("a..b", "two dots"),
        ("192.168.5.4", "IP address"),
        ("xn--abc", "reserved"),
        ("sthree-abc", "reserved"),
        ("abc-s3alias", "reserved"),
        ("abc--ol-s3", "reserved"),
        ("", "3 to 63"),
    ],
)
def test_e07_a_bucket_name_that_s3_refuses_says_why(name: str, says: str) -> None:
    """Before a request is sent, with the name to write where there is one."""
    assert any(says in problem for problem in names.bucket_name_problems(name))


@pytest.mark.parametrize("name", ["abc", "my-bucket-2", "a.b.c", "1abc", "a" * 63])
def test_e07_other_bucket_names_are_allowed(name: str) -> None:
    """Names with dots are allowed, with a warning about certificates."""
    assert list(names.bucket_name_problems(name)) == []
    assert bool(names.bucket_name_warning(name)) == ("." in name)


@pytest.mark.parametrize(
    ("region", "arn"),
    [
        (None, B),
        ("eu-central-1", B),
        ("cn-north-1", "arn:aws-cn:s3:::my-bucket"),
        ("us-gov-west-1", "arn:aws-us-gov:s3:::my-bucket"),
    ],
)
def test_e14_arns_have_the_partition_of_the_region(region: str | None, arn: str) -> None:
    """China and GovCloud have their own."""
    partition = names.partition_of(region)
    assert names.bucket_arn("my-bucket", partition) == arn
    assert names.prefix_arn("my-bucket", "/a/b/", partition) == f"{arn}/a/b/*"
    assert names.prefix_arn("my-bucket", "", partition) == f"{arn}/*"


# IAM

# feature: actions on the bucket, on the objects of the location, below incoming/, on everything
TABLE = {
    "read": ("", "GetObject"),
    "exists": ("ListBucket", ""),
    "list": ("ListBucket", ""),
    "write": ("", "PutObject"),
    "no-overwrite": ("ListBucket", "PutObject GetObject"),
    "multipart": ("", "PutObject AbortMultipartUpload ListMultipartUploadParts"),
    "leftovers": ("ListBucketMultipartUploads", "ListMultipartUploadParts AbortMultipartUpload"),
    "delete": ("", "DeleteObject"),
    "copy": ("ListBucket", "GetObject PutObject"),
    "tags": ("", "PutObjectTagging GetObjectTagging"),
    "acl": ("", "PutObjectAcl GetObjectAcl"),
    "attributes": ("", "GetObjectAttributes GetObject"),
    "static": ("ListBucket", "PutObject GetObject AbortMultipartUpload"),
    "static-clear": ("", "DeleteObject"),
    "uploads": ("ListBucketMultipartUploads", "GetObject PutObject AbortMultipartUpload ListMultipartUploadParts"),
    "versions": ("ListBucketVersions", "GetObjectVersion DeleteObjectVersion PutObject"),
    "archive": ("ListBucket", "RestoreObject GetObject"),
}


@pytest.mark.parametrize("feature", TABLE)
def test_e12_a_feature_needs_these_actions_on_these_resources(feature: str) -> None:
    """Actions on the bucket are on the bucket, and actions on objects below the location."""
    found = granted(iam.iam_policy(scope(), [feature]))
    on_bucket, on_objects = ({f"s3:{name}" for name in text.split()} for text in TABLE[feature])
    wanted = {B: on_bucket, f"{B}/media/*": on_objects}
    if feature == "uploads":
        wanted[f"{B}/media/incoming/*"] = on_objects | {"s3:DeleteObject"}
    assert found == {resource: actions for resource, actions in wanted.items() if actions}


def test_e12_other_features_are_about_the_account_the_key_or_a_role() -> None:
    """And the table above has all the others."""
    assert set(iam.FEATURES) - set(TABLE) == {"kms", "doctor", "setup", "buckets", "batch"}
    assert granted(iam.iam_policy(scope(), ["buckets"])) == {"*": {"s3:ListAllMyBuckets"}}
    key = iam.iam_policy(scope(kms_key=KEY, region="eu-central-1"), ["kms"])
    assert granted(key) == {KEY: {"kms:GenerateDataKey", "kms:Decrypt"}}
    via = {"StringEquals": {"kms:ViaService": "s3.eu-central-1.amazonaws.com"}}
    assert key["Statement"][0]["Condition"] == via
    china = iam.iam_policy(scope(kms_key=KEY, region="cn-north-1", partition="aws-cn"), ["kms"])
    assert china["Statement"][0]["Condition"]["StringEquals"]["kms:ViaService"].endswith(".amazonaws.com.cn")
    assert "Condition" not in iam.iam_policy(scope(kms_key=KEY), ["kms"])["Statement"][0]
    assert "Condition" not in iam.iam_policy(scope(region="eu-central-1"), ["read"])["Statement"][0]
    first = iam.iam_policy(scope(batch_role=ROLE), {"media": ["batch"], "static": ["read"]})
    assert granted(first)[ROLE] == {"iam:PassRole"}
    batch = iam.iam_policy(scope(batch_role=ROLE), ["batch"])
    assert granted(batch) == {"*": {"s3:CreateJob", "s3:DescribeJob"}, ROLE: {"iam:PassRole"}}
    condition = batch["Statement"][-1]["Condition"]
    assert condition == {"StringEquals": {"iam:PassedToService": "batchoperations.s3.amazonaws.com"}}
    reads, writes = (granted(iam.iam_policy(scope(), [name]))[B] for name in ("doctor", "setup"))
    assert reads < writes
    assert not any(":Put" in action or ":Create" in action for action in reads)
    assert {"s3:PutBucketPolicy", "s3:CreateBucket", "s3:PutEncryptionConfiguration"} <= writes


@pytest.mark.parametrize(("name", "needs"), [("kms", "--kms-key"), ("batch", "--batch-role")])
def test_a_feature_without_its_key_or_role_is_refused(name: str, needs: str) -> None:
    """A policy with a placeholder would be attached as it is."""
    with pytest.raises(ValueError, match=rf"{name!r} needs .*{needs}"):
        iam.iam_policy(scope(), [name])


def test_an_unknown_feature_suggests_another() -> None:
    """Or lists them all."""
    with pytest.raises(ValueError, match=r"'uplods' is not a feature. Did you mean 'uploads'"):
        iam.features_of(["uplods"])
    with pytest.raises(ValueError, match="The features are storage, operations, read"):
        iam.features_of(["zzzz"])
    assert iam.features_of(["operations", "read"]) == ("read", "leftovers", "versions", "doctor")


def test_e04_no_policy_grants_everything() -> None:
    """Not all actions, not all objects of all buckets, and the site may not change the bucket policy."""
    every = [name for name in iam.FEATURES if name != "setup"]
    policy = iam.iam_policy(scope(kms_key=KEY, batch_role=ROLE, locations=("media", "static")), every)
    for statement in policy["Statement"]:
        assert re.fullmatch(r"[A-Za-z0-9]+", statement["Sid"])
        assert not any("*" in action for action in statement["Action"])
        assert statement["Effect"] == "Allow"
    assert granted(policy)["*"] == {"s3:ListAllMyBuckets", "s3:CreateJob", "s3:DescribeJob"}
    assert "s3:PutBucketPolicy" not in granted(policy)[B]
    assert len({statement["Sid"] for statement in policy["Statement"]}) == len(policy["Statement"])
    assert len(merge.compact(policy)) < iam.MANAGED_POLICY_CHARACTERS


def test_locations_with_the_same_features_share_a_statement() -> None:
    """And a location without a name is the whole bucket."""
    policy = iam.iam_policy(scope(), {"media": ["read"], "static": ["read"], "x": ["read", "write"]})
    assert [statement["Sid"] for statement in policy["Statement"]] == ["S3storeObjects", "S3storeObjects2"]
    assert policy["Version"] == bucket.bucket_policy([])["Version"] == "2012-10-17"
    assert [statement["Resource"] for statement in policy["Statement"]] == [
        [f"{B}/media/*", f"{B}/static/*"],
        [f"{B}/x/*"],
    ]
    assert granted(iam.iam_policy(scope(locations=("",)), ["uploads", "delete"])).keys() == {
        B,
        f"{B}/*",
        f"{B}/incoming/*",
    }


# Statements


@pytest.mark.parametrize("prefix", ["", "/", "static*", "a/?/", "${aws:username}", "a//b", "../a", "ä/", "a\n/"])
def test_e09_a_prefix_that_cannot_be_public(prefix: str) -> None:
    """The whole bucket never, and no characters that have a meaning in policies."""
    with pytest.raises(ValueError, match="prefix") as raised:
        bucket.public_read("my-bucket", prefix)
    assert ("whole bucket public" in str(raised.value)) == (prefix in ("", "/"))


def test_e11_only_the_chosen_prefix_is_public() -> None:
    """For reading. Its name is in the Sid, so that two prefixes are two statements."""
    found = bucket.public_read("my-bucket", "static/")
    assert found == {
        "Sid": "S3storePublicStatic",
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": f"{B}/static/*",
    }
    sids = {bucket.public_read("my-bucket", each)["Sid"] for each in ("ab", "a-b", "a/b", "AB", "aB", "a_b")}
    assert len(sids) == 6
    assert all(re.fullmatch(r"S3store[A-Za-z0-9]+", sid) for sid in sids)


def test_cloudfront_reads_the_locations_and_decrypts() -> None:
    """One distribution, by its ARN: S3 does not count that as public."""
    of_one = {
        "Sid": "S3storeCloudFrontEDFDVBD6EXAMPLE",
        "Effect": "Allow",
        "Principal": {"Service": "cloudfront.amazonaws.com"},
        "Condition": {"StringEquals": {"AWS:SourceArn": DISTRIBUTION}},
    }
    found = bucket.cloudfront_read("my-bucket", DISTRIBUTION, ["media", "static"])
    assert found == {**of_one, "Action": "s3:GetObject", "Resource": [f"{B}/media/*", f"{B}/static/*"]}
    # Without the condition, the distributions of all accounts could decrypt.
    assert bucket.cloudfront_key(DISTRIBUTION) == {**of_one, "Action": "kms:Decrypt", "Resource": "*"}
    for make in (lambda: bucket.cloudfront_read("b", "E1", []), lambda: bucket.cloudfront_key("E1")):
        with pytest.raises(ValueError, match="not the ARN of a CloudFront distribution"):
            make()


def test_sk_05_the_tls_statement_denies_plain_http_for_bucket_and_objects() -> None:
    """For everybody and every action."""
    found = bucket.only_tls("my-bucket")
    assert (found["Effect"], found["Principal"], found["Action"]) == ("Deny", "*", "s3:*")
    assert found["Resource"] == [B, f"{B}/*"]
    assert found["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


# CORS and lifecycle


@pytest.mark.parametrize(
    ("origin", "good"),
    [
        ("https://www.example.com", True),
        ("http://127.0.0.1:8000", True),
        ("https://www.example.com/", False),
        ("www.example.com", False),
        ("ftp://www.example.com", False),
        ("https://", False),
        ("https://a.example?x", False),
        ("https://a.example#x", False),
        ("https://*.example.com", False),
        ("*", False),
    ],
)
def test_sp_22_origins_are_exact_unless_the_user_insists(origin: str, *, good: bool) -> None:
    """A star lets every site read the responses."""
    assert (rules.origin_problem(origin) is None) == good
    assert (rules.origin_problem(origin, any_origin=True) is None) == (good or "*" in origin)


def test_sp_22_e15_e16_the_rule_of_the_site_is_as_small_as_the_project_allows() -> None:
    """Without direct uploads nothing can be written, and ETag can be read."""
    rule = rules.site_rule(["https://a.example", "https://a.example"], uploads=False, seconds=60)
    assert rule == {
        "ID": "s3store-site",
        "AllowedOrigins": ["https://a.example"],
        "AllowedMethods": ["GET", "HEAD"],
        "AllowedHeaders": ["range"],
        "ExposeHeaders": ["ETag"],
        "MaxAgeSeconds": 60,
    }
    assert rules.site_rule(["https://a.example"], uploads=True) == {
        "ID": "s3store-site",
        "AllowedOrigins": ["https://a.example"],
        "AllowedMethods": ["GET", "HEAD", "PUT", "POST"],
        "AllowedHeaders": ["content-type", "if-none-match"],
        "ExposeHeaders": ["ETag"],
        "MaxAgeSeconds": 7200,
    }


def test_the_origins_of_a_site() -> None:
    """CSRF_TRUSTED_ORIGINS first, then the hosts; patterns and this machine are left out."""
    trusted = ["https://a.example", "https://*.b.example", "https://a.example"]
    assert list(rules.site_origins(trusted, ["c.example"])) == ["https://a.example"]
    # Django 3 accepted such a value, and S3 would never match it.
    assert list(rules.site_origins(["b.example", *trusted], [])) == ["https://a.example"]
    assert list(rules.site_origins(["b.example"], ["c.example"])) == ["https://c.example"]
    hosts = ["c.example", ".d.example", "*", "localhost", "127.0.0.1", "[::1]", "", "c.example"]
    assert list(rules.site_origins([], hosts)) == ["https://c.example"]
    assert list(rules.site_origins([], ["c.example"], https=False)) == ["http://c.example"]
    assert list(rules.site_origins([], [])) == []


def test_uploads_expire_after_their_receipts() -> None:
    """A receipt is valid for two days: a rule that deletes earlier loses files that wait for their form."""
    assert rules.incoming_rule("media")["Filter"] == {"Prefix": "media/incoming/"}
    assert rules.incoming_rule("")["Filter"] == {"Prefix": "incoming/"}
    assert rules.incoming_rule("a/b")["ID"] == "s3store-a-b-incoming"
    ours = {"Status": "Enabled", "Filter": {"Prefix": "media/incoming/"}, "Expiration": {"Days": 3}}
    assert rules.incoming_rule("media") == {"ID": "s3store-media-incoming", **ours}


def test_rules_for_the_whole_bucket_delete_only_parts_and_old_versions() -> None:
    """No current file: neither rule has an Expiration."""
    of_all = {"Status": "Enabled", "Filter": {"Prefix": ""}}
    parts, versions = {"DaysAfterInitiation": 7}, {"NoncurrentDays": 30}
    assert rules.abort_rule() == {"ID": "s3store-abort", **of_all, "AbortIncompleteMultipartUpload": parts}
    assert rules.noncurrent_rule() == {"ID": "s3store-old-versions", **of_all, "NoncurrentVersionExpiration": versions}


# Comparison


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"Action": "s3:GetObject"}, {"Action": ["s3:getobject"]}),
        ({"Resource": ["a", "b"]}, {"Resource": ["b", "a"]}),
        ({"Principal": "*"}, {"Principal": {"AWS": ["*"]}}),
        ({"Principal": {"AWS": "123456789012"}}, {"Principal": {"AWS": "arn:aws:iam::123456789012:root"}}),
        (
            {"Condition": {"Bool": {"aws:SecureTransport": False}}},
            {"Condition": {"Bool": {"aws:securetransport": ["false"]}}},
        ),
        ({"Sid": "A", "Effect": "Deny"}, {"Sid": "B", "Effect": "Deny"}),
        ({"NotPrincipal": {"AWS": ["1", "2"]}}, {"NotPrincipal": {"AWS": ["2", "1"]}}),
        ({"Condition": {"Bool": {"a": True}}}, {"Condition": {"Bool": {"a": "true"}}}),
    ],
)
def test_statements_that_mean_the_same_are_equal(first: dict[str, Any], second: dict[str, Any]) -> None:
    """AWS returns other forms than it was sent."""
    assert canonical.statement(first) == canonical.statement(second)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"Action": "s3:GetObject"}, {"NotAction": "s3:GetObject"}),
        ({"Resource": "a"}, {"Resource": "A"}),
        ({"Effect": "Allow"}, {"Effect": "Deny"}),
        ({"Principal": "*"}, {"Principal": {"Service": "*"}}),
        ({"Condition": {"Bool": {"a": "true"}}}, {"Condition": {"Bool": {"a": "false"}}}),
        ({"Condition": {"Bool": {"a": "true"}}}, {}),
        ({"Condition": "x"}, {"Condition": {"x": "y"}}),
        ({"Condition": {"StringEquals": {"a": "X"}}}, {"Condition": {"StringEquals": {"a": "x"}}}),
        ({"New": 1}, {"New": 2}),
        ({"New": {"a": 1}}, {"New": {"a": 2}}),
    ],
)
def test_statements_that_mean_something_else_are_not(first: dict[str, Any], second: dict[str, Any]) -> None:
    """Elements that we do not know count too."""
    assert canonical.statement(first) != canonical.statement(second)


def test_lifecycle_rules_of_servers_are_compared_by_meaning() -> None:
    """Ceph moves the prefix of a filter, and others write out what is not set."""
    ours = rules.abort_rule()
    forms: list[dict[str, Any]] = [
        {**ours, "Prefix": "", "Filter": {}},
        {**{name: value for name, value in ours.items() if name != "Filter"}, "Prefix": ""},
        {**ours, "Expiration": {}},
    ]
    for form in forms:
        assert canonical.lifecycle_rule(form) == canonical.lifecycle_rule(ours)
    incoming = rules.incoming_rule("m")
    explicit = {**incoming, "Expiration": {"Days": 3, "ExpiredObjectDeleteMarker": False}}
    assert canonical.lifecycle_rule(explicit) == canonical.lifecycle_rule(incoming)
    assert canonical.lifecycle_rule({**incoming, "Filter": {**incoming["Filter"], "And": None}}) == (
        canonical.lifecycle_rule(incoming)
    )
    tags = [{"Key": "a", "Value": "b"}, {"Key": "c", "Value": "d"}]
    first, second = ({**incoming, "Filter": {"And": {"Prefix": "m/", "Tags": each}}} for each in (tags, tags[::-1]))
    assert canonical.lifecycle_rule(first) == canonical.lifecycle_rule(second)
    both = {**incoming, "Filter": {"And": {"Prefix": "m/incoming/", "Tags": [{"Key": "a", "Value": "b"}]}}}
    assert canonical.lifecycle_rule(both) != canonical.lifecycle_rule(incoming)
    assert canonical.lifecycle_rule({**incoming, "Status": "Disabled"}) != canonical.lifecycle_rule(incoming)


@pytest.mark.parametrize(
    "changed",
    [
        {"AllowedOrigins": ["https://b.example"]},
        {"AllowedMethods": ["GET"]},
        {"AllowedHeaders": ["content-type"]},
        {"ExposeHeaders": []},
        {"MaxAgeSeconds": 1},
    ],
)
def test_each_part_of_a_cors_rule_counts_in_a_comparison(changed: dict[str, Any]) -> None:
    """Otherwise setup would not write it. Names of headers are equal in any case, and the ID does not count."""
    rule = rules.site_rule(["https://a.example"], uploads=True)
    assert canonical.cors_rule({**rule, **changed}) != canonical.cors_rule(rule)
    same = {"ID": "x", "AllowedHeaders": ["If-None-Match", "Content-Type"], "ExposeHeaders": ["etag"]}
    assert canonical.cors_rule({**rule, **same}) == canonical.cors_rule(rule)
    # Servers leave out what is empty.
    assert canonical.cors_rule({"AllowedOrigins": None, "AllowedMethods": None}) == canonical.cors_rule(
        {"AllowedOrigins": [], "AllowedMethods": [], "AllowedHeaders": [], "ExposeHeaders": [], "MaxAgeSeconds": 0}
    )


# Merging


def policy_of(*statements: Any) -> dict[str, Any]:
    return bucket.bucket_policy(statements)


def merged_policy(found: Any, *wanted: dict[str, Any]) -> merge.Merged:
    return merge.merge_policy(found, [(item, "why") for item in wanted], bucket_arn=B)


PUBLIC = bucket.public_read("my-bucket", "static")


def test_merge_policy_keeps_the_statements_of_others() -> None:
    """Also those without a Sid, and with elements that we never write."""
    odd = {"Effect": "Deny", "NotPrincipal": {"AWS": "1"}, "NotAction": "s3:GetObject", "Resource": [f"{B}/*"]}
    found = merged_policy({**policy_of(FOREIGN, odd), "Id": "theirs", "Version": "2008-10-17"}, PUBLIC)
    assert found.document == {"Id": "theirs", "Version": "2008-10-17", "Statement": [FOREIGN, odd, PUBLIC]}
    assert [(change.op, change.id, change.before) for change in found.changes] == [("+", "S3storePublicStatic", None)]
    assert (found.kept, found.refusals) == (2, ())


def test_merge_policy_takes_one_statement_that_is_not_in_a_list() -> None:
    """IAM allows that."""
    found = merged_policy({"Version": "2012-10-17", "Statement": FOREIGN}, PUBLIC)
    assert found.document["Statement"] == [FOREIGN, PUBLIC]


def test_merge_policy_replaces_ours_and_shows_both() -> None:
    """By its Sid. A statement of ours that is not wanted now stays."""
    old = {**PUBLIC, "Action": "s3:*"}
    other = bucket.public_read("my-bucket", "other")
    found = merged_policy(policy_of(old, other), PUBLIC)
    assert found.document["Statement"] == [PUBLIC, other]
    (change,) = found.changes
    assert (change.op, change.before, change.after, found.kept) == ("~", old, PUBLIC, 1)


def test_merge_policy_accepts_the_same_statement_of_others() -> None:
    """Two statements with one meaning are not better than one."""
    theirs = {**bucket.only_tls("my-bucket"), "Sid": "RequireTls", "Principal": {"AWS": "*"}, "Action": ["s3:*"]}
    assert merged_policy(policy_of(theirs), bucket.only_tls("my-bucket")).changes == ()


@pytest.mark.parametrize(
    "deny",
    [
        {"Action": "s3:GetObject", "Resource": f"{B}/static/*"},
        {"Action": ["s3:Get*"], "Resource": [f"{B}/*"]},
        {"NotAction": "s3:PutObject", "Resource": f"{B}/*"},
        {"Action": "s3:*", "NotResource": f"{B}/media/*"},
    ],
)
def test_merge_policy_refuses_what_a_deny_of_others_makes_useless(deny: dict[str, Any]) -> None:
    """With the statement: an Allow does not help against it."""
    statement = {"Sid": "No", "Effect": "Deny", "Principal": "*", **deny}
    refusal = merged_policy(policy_of(statement), PUBLIC).refusals[0]
    assert "denies what S3storePublicStatic allows" in refusal
    assert '"Sid": "No"' in refusal


@pytest.mark.parametrize(
    "deny",
    [
        {"Action": "s3:DeleteObject", "Resource": f"{B}/*"},
        {"Action": "s3:GetObject", "Resource": f"{B}/media/*"},
        {"Action": "s3:*", "Resource": f"{B}/*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}},
        {"Action": "s3:*", "Resource": f"{B}/*", "Principal": {"AWS": "123456789012"}},
        {"Effect": "Allow", "Action": "s3:*", "Resource": f"{B}/*"},
    ],
)
def test_merge_policy_accepts_other_statements(deny: dict[str, Any]) -> None:
    """A Deny with a condition, or for somebody, does not make ours useless."""
    statement = {"Sid": "No", "Effect": "Deny", "Principal": "*", **deny}
    assert merged_policy(policy_of(statement), PUBLIC).refusals == ()


def test_merge_policy_adds_a_deny_beside_those_of_others() -> None:
    """A Deny of others does not make ours useless."""
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:GetObject", "Resource": [B, f"{B}/*"]}
    found = merged_policy(policy_of(deny), bucket.only_tls("my-bucket"))
    assert (len(found.changes), found.refusals) == (1, ())


def test_merge_policy_refuses_to_change_a_policy_that_denies_its_change() -> None:
    """S3 would refuse it, after other documents were written."""
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:PutBucketPolicy", "Resource": B}
    assert "denies every change" in merged_policy(policy_of(deny), PUBLIC).refusals[0]
    assert merged_policy(policy_of(deny, PUBLIC), PUBLIC).refusals == ()


def test_merge_policy_refuses_more_than_20_kib() -> None:
    """And not a policy of others that is too long already but does not change."""
    long = {**FOREIGN, "Resource": [f"{B}/{number}" for number in range(1000)]}
    assert "S3 allows 20,480" in merged_policy(policy_of(long), PUBLIC).refusals[0]
    assert merged_policy(policy_of(long)).refusals == ()


def test_public_statements_are_those_for_everybody_without_a_condition() -> None:
    """Whether ours or not."""
    conditional = {**PUBLIC, "Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}}
    others = {"Effect": "Allow", "NotPrincipal": {"AWS": "1"}, "Action": "s3:GetObject", "Resource": "x"}
    deny = {**PUBLIC, "Effect": "Deny"}
    policy = policy_of(PUBLIC, conditional, FOREIGN, others, bucket.only_tls("my-bucket"), deny)
    assert merge.public_statements(policy) == [PUBLIC, others]
    assert merge.public_statements({"Statement": PUBLIC}) == [PUBLIC]
    assert merge.public_statements({"Statement": {"Effect": "Allow"}}) == []
    assert merge.public_statements(None) == []
    assert merge.public_statements(policy_of({**PUBLIC, "Principal": {}}, {**PUBLIC, "Principal": None})) == []


SITE = rules.site_rule(["https://a.example"], uploads=True)
THEIRS = {"AllowedMethods": ["GET"], "AllowedOrigins": ["https://b.example"], "MaxAgeSeconds": 5}


def test_merge_cors_keeps_others_in_their_order_and_puts_ours_last() -> None:
    """Rules without an ID are of others."""
    found = merge.merge_cors({"CORSRules": [THEIRS, {**THEIRS, "ID": "x"}]}, [(SITE, "why")])
    assert found.document["CORSRules"] == [THEIRS, {**THEIRS, "ID": "x"}, SITE]
    assert (found.kept, found.notes, found.refusals) == (2, (), ())
    assert merge.merge_cors(None, [(SITE, "why")]).document == {"CORSRules": [SITE]}
    same = {**SITE, "ID": "theirs"}
    assert merge.merge_cors({"CORSRules": [same]}, [(SITE, "why")]).document["CORSRules"] == [same]


def test_merge_cors_replaces_ours_where_it_is() -> None:
    """E16: other origins, other seconds."""
    found = merge.merge_cors({"CORSRules": [{**SITE, "MaxAgeSeconds": 1}, THEIRS]}, [(SITE, "why")])
    assert found.document["CORSRules"] == [SITE, THEIRS]
    assert [change.op for change in found.changes] == ["~"]
    zero = {**SITE, "MaxAgeSeconds": 0}
    without = {name: value for name, value in zero.items() if name != "MaxAgeSeconds"}
    assert merge.merge_cors({"CORSRules": [without]}, [(zero, "why")]).changes == ()


def test_merge_cors_tells_of_a_rule_that_decides_before_ours() -> None:
    """Without ETag, uploads in parts cannot be completed by a browser."""
    first = {"AllowedMethods": ["PUT"], "AllowedOrigins": ["https://*"]}
    (note,) = merge.merge_cors({"CORSRules": [first]}, [(SITE, "why")]).notes
    assert "decides first" in note
    for rule in (
        {**first, "ExposeHeaders": ["etag"]},
        {**first, "AllowedMethods": ["DELETE"]},
        {**first, "AllowedOrigins": ["https://b.example"]},
        {**first, "ID": "s3store-other"},
    ):
        assert merge.merge_cors({"CORSRules": [rule]}, [(SITE, "why")]).notes == ()
    assert merge.merge_cors({"CORSRules": [SITE, first]}, [(SITE, "why")]).notes == ()


def test_merge_cors_refuses_more_than_100_rules() -> None:
    """S3 would."""
    assert merge.merge_cors({"CORSRules": [THEIRS] * 100}, [(SITE, "why")]).refusals
    assert not merge.merge_cors({"CORSRules": [THEIRS] * 99}, [(SITE, "why")]).refusals
    assert not merge.merge_cors({"CORSRules": [THEIRS] * 101}, []).refusals


ABORT, INCOMING, OLD = rules.abort_rule(), rules.incoming_rule("media"), rules.noncurrent_rule()


def test_merge_lifecycle_keeps_others_and_the_rest_of_the_document() -> None:
    """The whole document is replaced by a PUT."""
    theirs = {"ID": "x", "Status": "Enabled", "Filter": {"Prefix": "logs/"}, "Expiration": {"Days": 1}}
    document = {"Rules": [theirs], "TransitionDefaultMinimumObjectSize": "varies_by_storage_class"}
    found = merge.merge_lifecycle(document, [(ABORT, "why"), (INCOMING, "why")], locations=["media"])
    assert found.document == {**document, "Rules": [theirs, ABORT, INCOMING]}
    assert (found.kept, found.notes) == (1, ())
    for nothing in (None, {}, {"Rules": None}):
        assert merge.merge_lifecycle(nothing, [(ABORT, "why")]).document == {"Rules": [ABORT]}


@pytest.mark.parametrize("ours", [ABORT, INCOMING, OLD], ids=["abort", "incoming", "old-versions"])
def test_merge_lifecycle_accepts_a_rule_of_others_that_does_the_same(ours: dict[str, Any]) -> None:
    """At any age, if it is enabled and for the same prefix."""
    action = next(iter(set(ours) - {"ID", "Status", "Filter"}))
    prefix = ours["Filter"]["Prefix"]
    theirs = {"ID": "theirs", "Status": "Enabled", "Prefix": prefix, action: {"Days": 9, "NoncurrentDays": 9}}
    assert merge.merge_lifecycle({"Rules": [theirs]}, [(ours, "why")]).changes == ()
    for other in (
        {**theirs, "Status": "Disabled"},
        {**theirs, "Prefix": "logs/"},
        {**theirs, "Filter": {"And": {"Prefix": prefix, "Tags": [{"Key": "a", "Value": "b"}]}}},
        {"ID": "theirs", "Status": "Enabled", "Prefix": prefix, "Transitions": [{"Days": 1}]},
        *(
            {"ID": "theirs", "Status": "Enabled", "Prefix": prefix, another: {"Days": 9}}
            for another in ("AbortIncompleteMultipartUpload", "Expiration", "NoncurrentVersionExpiration")
            if another != action
        ),
    ):
        assert len(merge.merge_lifecycle({"Rules": [other]}, [(ours, "why")]).changes) == 1


@pytest.mark.parametrize(
    ("prefix", "location", "warns"),
    [
        ("", "media", True),
        ("media/", "media", True),
        ("media/tmp/", "media", True),
        ("logs/", "media", False),
        ("media/incoming/", "media", False),
        ("media/companies/7/.s3store/trash/", "media", False),
        (".s3store/trash/", "", False),
        ("mediathek/", "media", False),
        ("logs/", "", True),
    ],
)
def test_merge_lifecycle_tells_of_rules_that_delete_our_files(prefix: str, location: str, *, warns: bool) -> None:
    """A forgotten rule deletes media files a year later."""
    theirs = {"Status": "Enabled", "Filter": {"Prefix": prefix}, "Expiration": {"Days": 365}}
    assert bool(merge.merge_lifecycle({"Rules": [theirs]}, [], locations=[location]).notes) == warns
    once = {**theirs, "Expiration": {"Date": "2030-01-01T00:00:00Z"}}
    assert bool(merge.merge_lifecycle({"Rules": [once]}, [], locations=[location]).notes) == warns
    for harmless in (
        {**theirs, "Status": "Disabled"},
        {**theirs, "Expiration": {"ExpiredObjectDeleteMarker": True}},
        {**theirs, "ID": "s3store-old"},
    ):
        assert merge.merge_lifecycle({"Rules": [harmless]}, [], locations=[location]).notes == ()


def test_merge_lifecycle_refuses_more_than_1000_rules() -> None:
    """S3 would."""
    theirs = {"ID": "x", "Status": "Enabled", "Filter": {"Prefix": "logs/"}, "Expiration": {"Days": 1}}
    assert merge.merge_lifecycle({"Rules": [theirs] * 1000}, [(ABORT, "why")]).refusals
    assert not merge.merge_lifecycle({"Rules": [theirs] * 999}, [(ABORT, "why")]).refusals
    assert not merge.merge_lifecycle({"Rules": [theirs] * 1001}, []).refusals


text = st.text("abcXYZ019:*/-", min_size=1, max_size=8)
one_or_many = text | st.lists(text, min_size=1, max_size=3)
foreign_statements = st.fixed_dictionaries(
    {"Effect": st.sampled_from(["Allow", "Deny"]), "Action": one_or_many, "Resource": one_or_many},
    optional={
        "Sid": text,
        "Principal": st.just("*") | st.fixed_dictionaries({"AWS": one_or_many}),
        "Condition": st.dictionaries(text, st.dictionaries(text, one_or_many | st.booleans(), max_size=2), max_size=2),
    },
)
foreign_cors = st.fixed_dictionaries(
    {"AllowedMethods": st.lists(st.sampled_from(["GET", "PUT"]), min_size=1), "AllowedOrigins": st.lists(text)},
    optional={"ID": text, "ExposeHeaders": st.lists(text), "MaxAgeSeconds": st.integers(0, 9)},
)
foreign_lifecycle = st.fixed_dictionaries(
    {"Status": st.sampled_from(["Enabled", "Disabled"])},
    optional={
        "ID": text,
        "Filter": st.fixed_dictionaries({"Prefix": text}),
        "Prefix": text,
        "Expiration": st.fixed_dictionaries({"Days": st.integers(1, 9)}),
    },
)


@given(
    st.lists(foreign_statements, max_size=4),
    st.lists(foreign_cors, max_size=4),
    st.lists(foreign_lifecycle, max_size=4),
)
def test_merging_twice_changes_nothing_and_others_stay(policies: Any, cors: Any, lifecycle: Any) -> None:
    """Whatever others have written, in their order."""
    statements = [(bucket.only_tls("my-bucket"), "why"), (PUBLIC, "why")]
    documents: list[tuple[str, list[Any], Any]] = [
        ("Statement", policies, lambda found: merge.merge_policy(found, statements, bucket_arn=B)),
        ("CORSRules", cors, lambda found: merge.merge_cors(found, [(SITE, "why")])),
        (
            "Rules",
            lifecycle,
            lambda found: merge.merge_lifecycle(found, [(ABORT, "why"), (INCOMING, "why")], locations=["media"]),
        ),
    ]
    for name, theirs, merged in documents:
        before = json.dumps(theirs)
        once = merged({name: theirs})
        assert json.dumps(theirs) == before, "the argument was changed"
        assert once.document[name][: len(theirs)] == theirs
        assert once.kept == len(theirs)
        again = merged(once.document)
        assert (again.changes, again.document) == ((), once.document)


# As text


def parsed_terraform(source: str) -> dict[str, Any]:
    """Return the policy in a Terraform document of ours."""
    statements: list[dict[str, Any]] = []
    conditions: list[tuple[str, str, list[str]]] = []
    value: Any
    for line in source.splitlines():
        if (word := line.strip()) in ("statement {", "principals {", "condition {"):
            if word == "statement {":
                statements.append({})
        elif found := re.fullmatch(r"\s{4,}(\w+) = (.*)", line):
            name, value = found[1], json.loads(found[2].replace("$${", "${").replace("%%{", "%{"))
            at = statements[-1]
            if name in ("sid", "effect"):
                at[name.title()] = value
            elif name in ("actions", "resources"):
                at[name.title()[:-1]] = value
            elif name == "type":
                at["Principal"] = {value: None}
            elif name == "identifiers":
                at["Principal"] = {next(iter(at["Principal"])): value}
            elif name == "test":
                test = value
            elif name == "variable":
                at.setdefault("Condition", {}).setdefault(test, {})[value] = None
                variable = value
            else:
                at["Condition"][test][variable] = value
    assert not conditions
    return {"Version": "2012-10-17", "Statement": statements}


def meaning(policy: dict[str, Any]) -> list[Any]:
    return [(statement["Sid"], canonical.statement(statement)) for statement in policy["Statement"]]


@pytest.mark.parametrize(
    ("policy", "of"),
    [
        (iam.iam_policy(scope(kms_key=KEY, region="eu-central-1", batch_role=ROLE), list(iam.FEATURES)), None),
        (
            policy_of(
                bucket.only_tls("my-bucket"), PUBLIC, bucket.cloudfront_read("my-bucket", DISTRIBUTION, ["media", "x"])
            ),
            "my-bucket",
        ),
        (policy_of({**PUBLIC, "Resource": f"{B}/${{aws:username}}/%{{x}}/*"}), "my-bucket"),
    ],
    ids=["iam", "bucket", "variables"],
)
def test_e13_three_formats_say_the_same(policy: dict[str, Any], of: str | None) -> None:
    """They are made of one value, and read back they are equal."""
    plain = json.loads(render.as_json(policy, of))
    assert plain == policy
    template = json.loads(render.as_cloudformation(policy, of))
    assert template["AWSTemplateFormatVersion"] == "2010-09-09"
    (resource,) = template["Resources"].values()
    assert resource["Properties"]["PolicyDocument"] == policy
    assert resource["Properties"].get("Bucket") == of
    assert resource["Type"] == ("AWS::S3::BucketPolicy" if of else "AWS::IAM::ManagedPolicy")
    terraform = render.as_terraform(policy, of)
    read = parsed_terraform(terraform)
    for statement in read["Statement"]:
        if "*" in statement.get("Principal", {}):
            statement["Principal"] = "*"  # Terraform writes everybody as type * and identifier *
    assert meaning(read) == meaning(policy)
    assert ('resource "aws_s3_bucket_policy"' if of else 'resource "aws_iam_policy"') in terraform
    assert terraform.count("{") == terraform.count("}")


def parsed_rules(source: str) -> list[dict[str, Any]]:
    """Return the blocks of the rules in a Terraform resource of ours, with Terraform's names."""
    found: list[dict[str, Any]] = []
    stack: list[dict[str, Any]] = [{}]
    for line in source.splitlines()[2:-1]:
        word = line.strip()
        if word.endswith("{"):
            inner: dict[str, Any] = {}
            if len(stack) == 1:
                assert word in ("cors_rule {", "rule {")
                found.append(inner)
            else:
                stack[-1][word[:-2]] = inner
            stack.append(inner)
        elif word == "}":
            stack.pop()
        else:
            name, _, value = word.partition(" = ")
            stack[-1][name] = json.loads(value.replace("$${", "${"))
    assert len(stack) == 1
    return found


def test_e13_rules_in_three_formats_say_the_same() -> None:
    """The names are those of S3, of Terraform's resources and of CloudFormation's properties."""
    cors = [{**rules.site_rule(["https://a.example"], uploads=True), "AllowedHeaders": ["${x}"]}]
    found = json.loads(render_rules.as_json("cors", cors, "b"))
    assert found == {"CORSRules": cors}
    terraform = render_rules.as_terraform("cors", cors, "b")
    assert terraform.startswith(
        'resource "aws_s3_bucket_cors_configuration" "s3store" {\n  bucket = "b"\n  cors_rule {'
    )
    names = ("id", "allowed_origins", "allowed_methods", "allowed_headers", "expose_headers", "max_age_seconds")
    assert parsed_rules(terraform) == [dict(zip(names, cors[0].values(), strict=True))]
    bucket_of = json.loads(render_rules.as_cloudformation("cors", cors, "b"))["Resources"]["S3storeBucket"]
    assert (bucket_of["Type"], bucket_of["Properties"]["BucketName"]) == ("AWS::S3::Bucket", "b")
    names = ("Id", "AllowedOrigins", "AllowedMethods", "AllowedHeaders", "ExposedHeaders", "MaxAge")
    wanted = [dict(zip(names, cors[0].values(), strict=True))]
    assert bucket_of["Properties"]["CorsConfiguration"] == {"CorsRules": wanted}
    lifecycle = [rules.incoming_rule("media"), rules.abort_rule(), rules.noncurrent_rule()]
    assert json.loads(render_rules.as_json("lifecycle", lifecycle, "b")) == {"Rules": lifecycle}
    assert parsed_rules(render_rules.as_terraform("lifecycle", lifecycle, "b")) == [
        {
            "id": "s3store-media-incoming",
            "status": "Enabled",
            "filter": {"prefix": "media/incoming/"},
            "expiration": {"days": 3},
        },
        {
            "id": "s3store-abort",
            "status": "Enabled",
            "filter": {"prefix": ""},
            "abort_incomplete_multipart_upload": {"days_after_initiation": 7},
        },
        {
            "id": "s3store-old-versions",
            "status": "Enabled",
            "filter": {"prefix": ""},
            "noncurrent_version_expiration": {"noncurrent_days": 30},
        },
    ]
    bucket_of = json.loads(render_rules.as_cloudformation("lifecycle", lifecycle, "b"))["Resources"]["S3storeBucket"]
    assert bucket_of["Properties"]["LifecycleConfiguration"]["Rules"] == [
        {"Id": "s3store-media-incoming", "Status": "Enabled", "Prefix": "media/incoming/", "ExpirationInDays": 3},
        {"Id": "s3store-abort", "Status": "Enabled", "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}},
        {
            "Id": "s3store-old-versions",
            "Status": "Enabled",
            "NoncurrentVersionExpiration": {"NoncurrentDays": 30},
        },
    ]


def test_a_distribution_that_is_named_wrongly_shows_an_example() -> None:
    """The ID alone is a common slip."""
    assert bucket.distribution_problem(DISTRIBUTION) is None
    assert "looks like arn:aws:cloudfront::" in (bucket.distribution_problem("EDFDVBD6EXAMPLE") or "")
