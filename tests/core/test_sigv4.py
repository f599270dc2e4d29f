"""Signature Version 4: the same bytes as botocore's, and AWS's own example."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import parse_qs, quote, urlencode

import botocore.auth
import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotocoreCredentials
from hypothesis import given
from hypothesis import strategies as st

from s3store.core import postpolicy, sigv4
from s3store.core.sigv4 import Credentials
from tests.clock import standing_at

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40)
PLAIN = st.text("abcXYZ019/+=", min_size=1, max_size=40)
STAMPS = st.integers(946_684_800, 4_000_000_000)
CREDENTIALS = st.builds(Credentials, access_key=PLAIN, secret_key=PLAIN, token=st.none() | PLAIN)
REGIONS = st.sampled_from(["us-east-1", "eu-central-1", "cn-north-1", "auto", "garage"])


def by_botocore(
    method: str, url: str, headers: dict[str, str], credentials: Credentials, region: str, **when: int
) -> str:
    """Return what botocore's signer makes of it."""
    request = AWSRequest(method=method, url=url, headers=headers)
    theirs = BotocoreCredentials(credentials.access_key, credentials.secret_key, credentials.token)
    with standing_at(when["stamp"]):
        botocore.auth.S3SigV4QueryAuth(theirs, "s3", region, when["expires"]).add_auth(request)
    return str(request.url).partition("?")[2]


@given(
    method=st.sampled_from(["GET", "HEAD", "PUT", "DELETE"]),
    host=st.sampled_from(["b.s3.eu-central-1.amazonaws.com", "127.0.0.1:9000", "files.example.com"]),
    key=TEXT,
    query=st.dictionaries(
        st.sampled_from(["response-content-disposition", "versionId", "partNumber", "X-Amz-Z"]), TEXT, max_size=3
    ),
    headers=st.dictionaries(
        st.sampled_from(["Content-Type", "If-None-Match", "x-amz-meta-a", "Content-Length"]),
        st.text("ab 1;", min_size=1),
        max_size=3,
    ),
    credentials=CREDENTIALS,
    region=REGIONS,
    stamp=STAMPS,
    expires=st.integers(1, sigv4.MAX_EXPIRES),
)
def test_queries_are_botocores(
    method: str,
    host: str,
    key: str,
    query: dict[str, str],
    headers: dict[str, str],
    credentials: Credentials,
    region: str,
    stamp: int,
    expires: int,
) -> None:
    """Byte for byte, whatever is signed."""
    path = quote(f"/{key}", safe="/~")
    ours = sigv4.presign(
        method,
        host,
        path,
        credentials=credentials,
        region=region,
        stamp=stamp,
        expires=expires,
        query=list(query.items()),
        headers=headers,
    )
    url = f"http://{host}{path}" + (f"?{urlencode(query, quote_via=quote, safe='~')}" if query else "")
    assert ours == by_botocore(method, url, headers, credentials, region, stamp=stamp, expires=expires)


def test_the_example_of_aws() -> None:
    """AWS: "Authenticating requests: using query parameters", its example calculation."""
    query = sigv4.presign(
        "GET",
        "examplebucket.s3.amazonaws.com",
        "/test.txt",
        credentials=Credentials(
            access_key="AKIAIOSFODNN7EXAMPLE", secret_key="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
        ),
        region="us-east-1",
        stamp=1_369_353_600,
        expires=86_400,
    )
    assert query.endswith("&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404")


def test_secrets_are_not_shown() -> None:
    """Neither the key nor the token is part of what Credentials look like."""
    shown = repr(Credentials(access_key="AK", secret_key="hidden-key", token="hidden-token"))
    assert "AK" in shown
    assert "hidden" not in shown


@given(fields=st.dictionaries(PLAIN, TEXT, max_size=4), credentials=CREDENTIALS, region=REGIONS, stamp=STAMPS)
def test_post_policies_are_signed_as_botocore_does(
    fields: dict[str, str], credentials: Credentials, region: str, stamp: int
) -> None:
    """The signature over the document is the one that botocore computes over the same document."""
    ours = postpolicy.signed_fields(
        "bucket", fields, min_size=1, max_size=9, credentials=credentials, region=region, stamp=stamp, expires=60
    )
    request: Any = AWSRequest(method="POST", url="https://bucket.s3.amazonaws.com/")
    document = json.loads(base64.b64decode(ours["policy"]))
    names = ("x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-security-token")
    # botocore adds the conditions for what it signs by itself.
    document["conditions"] = [
        one for one in document["conditions"] if not (isinstance(one, dict) and next(iter(one)) in names)
    ]
    request.context.update({"s3-presign-post-fields": {}, "s3-presign-post-policy": document})
    theirs = BotocoreCredentials(credentials.access_key, credentials.secret_key, credentials.token)
    with standing_at(stamp):
        botocore.auth.S3SigV4PostAuth(theirs, "s3", region).add_auth(request)
    made = request.context["s3-presign-post-fields"]
    for name in names[:3]:
        assert made[name] == ours[name]
    resigned = sigv4.sign_text(made["policy"].encode(), credentials=credentials, region=region, stamp=stamp)
    assert made["x-amz-signature"] == resigned
    again = sigv4.sign_text(ours["policy"].encode(), credentials=credentials, region=region, stamp=stamp)
    assert ours["x-amz-signature"] == again


def test_sp_06_to_sp_13_the_policy_leaves_nothing_open() -> None:
    """Every field is named with its one value, the bucket too; only the size has bounds, and the end has a date."""
    fields = {"key": "incoming/a.png", "Content-Type": "image/png", "success_action_status": "201"}
    credentials = Credentials(access_key="AK", secret_key="s", token="t")
    made = postpolicy.signed_fields(
        "some-bucket", fields, min_size=1, max_size=10, credentials=credentials, region="r", stamp=0, expires=600
    )
    document = json.loads(base64.b64decode(made["policy"]))
    assert document["expiration"] == "1970-01-01T00:10:00Z"
    exact = {name: value for name, value in made.items() if name not in ("policy", "x-amz-signature")}
    assert document["conditions"] == [
        {"bucket": "some-bucket"},
        *({name: value} for name, value in exact.items()),
        ["content-length-range", 1, 10],
    ]
    assert exact["x-amz-security-token"] == "t"


@pytest.mark.parametrize("value", ["a b", "ü", "a&b=c", "~"])
def test_overrides_survive_the_query(value: str) -> None:
    """What a server decodes is what was said."""
    query = sigv4.presign(
        "GET",
        "h",
        "/k",
        credentials=Credentials(access_key="AK", secret_key="s"),
        region="r",
        stamp=0,
        expires=1,
        query=[("response-content-type", value)],
    )
    assert parse_qs(query)["response-content-type"] == [value]


def test_queries_are_sorted_by_name_for_the_signature() -> None:
    """A name comes before another one that begins with it, and extra parameters come between those of the signature."""
    credentials = Credentials(access_key="AK", secret_key="SK", token="T")
    query = [("a-b", "1"), ("a", "2"), ("X-Amz-Fwd", "3"), ("X-Amz-T", "4")]
    headers = {"Content-Type": "a  b   c", "If-None-Match": " * "}
    where: dict[str, Any] = {"region": "eu-central-1", "stamp": 1_700_000_000, "expires": 60}
    ours = sigv4.presign("PUT", "h", "/k", credentials=credentials, query=query, headers=headers, **where)
    assert ours == by_botocore("PUT", f"http://h/k?{urlencode(query)}", headers, credentials, **where)
