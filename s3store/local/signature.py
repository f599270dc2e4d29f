"""Verification of signed URLs and of signed forms, with the signer of the storages.

AWS: "Authenticating requests: using query parameters (AWS Signature Version 4)", "Error responses".
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone

from s3store.core import sigv4
from s3store.local.refusals import Refusal

_SKEW = timedelta(minutes=15)
_DATE = re.compile(r"\d{8}T\d{6}Z\Z")
_PREFIX = "x-amz-"
_NAMES = ("Algorithm", "Credential", "Date", "Expires", "SignedHeaders", "Signature")


def access_key(credential: str) -> str:
    """Return the access key of a credential with its scope."""
    return credential.partition("/")[0]


def is_signed(query: list[tuple[str, str]]) -> bool:
    """Return whether a URL claims to be signed."""
    return any(_is_signing(name) for name, _ in query)


def verify_url(
    method: str,
    host: str,
    path: str,
    query: list[tuple[str, str]],
    headers: Mapping[str, str],
    *,
    credentials: sigv4.Credentials,
    now: int,
) -> None:
    """Raise Refusal if the URL is not signed for this request, or has expired. Names of headers are in lower case."""
    signing = _signing(query)
    issued, expires = _moment(signing["Date"]), _seconds(signing["Expires"])
    region = _region(signing["Credential"], signing["Date"])
    names = signing["SignedHeaders"].split(";")
    present = datetime.fromtimestamp(now, timezone.utc)
    if present > issued + timedelta(seconds=expires):
        raise Refusal("AccessDenied", "Request has expired")
    if issued > present + _SKEW:
        raise Refusal("RequestTimeTooSkewed")
    if loose := sorted(name for name in headers if name.startswith(_PREFIX) and name not in names):
        raise Refusal("AccessDenied", f"There were headers present in the request which were not signed: {loose[0]}")
    expected = sigv4.presign(
        method,
        host,
        path,
        credentials=credentials,
        region=region,
        stamp=int(issued.timestamp()),
        expires=expires,
        query=[(name, value) for name, value in query if not _is_signing(name)],
        headers={name: headers.get(name, "") for name in names if name != "host"},
    )
    _compare(expected.rpartition("=")[2], signing["Signature"])


def verify_form(fields: Mapping[str, str], *, credentials: sigv4.Credentials) -> None:
    """Raise Refusal if the policy of the form is not signed. Names of fields are in lower case."""
    if fields["x-amz-algorithm"] != sigv4.ALGORITHM:
        raise Refusal("InvalidArgument", f"x-amz-algorithm must be {sigv4.ALGORITHM}.")
    date = fields["x-amz-date"]
    stamp = int(_moment(date, "InvalidArgument").timestamp())
    region = _region(fields["x-amz-credential"], date)
    expected = sigv4.sign_text(fields["policy"].encode(), credentials=credentials, region=region, stamp=stamp)
    _compare(expected, fields["x-amz-signature"])


def _compare(expected: str, given: str) -> None:
    if not hmac.compare_digest(expected.encode(), given.encode()):
        raise Refusal("SignatureDoesNotMatch")


def _is_signing(name: str) -> bool:
    return name.startswith("X-Amz-") and name.removeprefix("X-Amz-") in _NAMES


def _signing(query: list[tuple[str, str]]) -> dict[str, str]:
    pairs = [(name.removeprefix("X-Amz-"), value) for name, value in query if _is_signing(name)]
    found = dict(pairs)
    if sorted(name for name, _ in pairs) != sorted(_NAMES) or found["Algorithm"] != sigv4.ALGORITHM:
        raise Refusal("AuthorizationQueryParametersError")
    if "host" not in found["SignedHeaders"].split(";"):
        raise Refusal("AuthorizationQueryParametersError", "SignedHeaders must contain host.")
    return found


def _seconds(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", text) or not 1 <= int(text) <= sigv4.MAX_EXPIRES:
        raise Refusal("AuthorizationQueryParametersError", "X-Amz-Expires must be between 1 and 604800 seconds.")
    return int(text)


def _moment(text: str, code: str = "AuthorizationQueryParametersError") -> datetime:
    try:
        if not _DATE.match(text):
            raise ValueError
        return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc)
    except ValueError:
        raise Refusal(code, 'X-Amz-Date must be in the format "yyyyMMddTHHmmssZ".') from None


def _region(credential: str, date: str) -> str:
    _, *scope = credential.split("/")
    if len(scope) != 4 or scope[0] != date[:8] or scope[2:] != ["s3", "aws4_request"]:
        raise Refusal("AuthorizationQueryParametersError", "The scope of the credential is not valid.")
    return scope[1]
