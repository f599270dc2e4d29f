"""Conversion of botocore's exceptions to ours. The cause is chained, without frames that contain credentials."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from s3store import errors


def reraise(exc: Exception, **facts: Any) -> NoReturn:
    """Raise our exception for `exc`. `facts` are the arguments of `translated`."""
    raise translated(exc, **facts) from bare(exc)


def bare(exc: Exception) -> Exception:
    """Return the exception without its frames.

    Variables of botocore and urllib3 contain the secret key, and Django's error report would show them.
    """
    exc.__cause__ = exc.__context__ = None
    return exc.with_traceback(None)


def is_temporary(error: errors.S3StoreError, cause: Exception) -> bool:
    """Return whether another attempt may succeed. It cannot if the certificate is not trusted."""
    kinds = (errors.ServerError, errors.S3ConnectionError, errors.S3TimeoutError)
    return isinstance(error, kinds) and type(cause).__name__ != "SSLError"


def translated(
    exc: Exception, *, precondition: type[errors.S3StoreError] = errors.ObjectExistsError, **facts: Any
) -> errors.S3StoreError:
    """Return our exception for `exc`: `precondition` for a 412. `facts` are attributes of S3StoreError."""
    response: dict[str, Any] | None = getattr(exc, "response", None)
    if not isinstance(response, dict):
        return errors.build(_kind_without_answer(exc), _text(exc), advice=_advice(exc), **facts)
    # Ceph's errors have an empty message, and others have none.
    said = response.get("Error") or {}
    about = response.get("ResponseMetadata") or {}
    headers = about.get("HTTPHeaders") or {}
    code, status = said.get("Code"), about.get("HTTPStatusCode")
    reason, request_id = said.get("Message") or "", about.get("RequestId")
    kind = errors.kind_of(code, status)
    if kind is errors.ObjectExistsError:
        kind = precondition
    if kind is errors.ObjectNotFoundError and facts.get("key") is None:
        kind = errors.BucketNotFoundError
    region = said.get("Region") or headers.get("x-amz-bucket-region")
    if region and (kind is errors.WrongRegionError or (status == _BAD_REQUEST and code in (None, "400"))):
        # The response to a HEAD has no body, and botocore makes its status the code.
        kind, reason = errors.WrongRegionError, f"the bucket is in the region {region!r}"
    if kind is not errors.ServerError and is_html(headers):
        kind, reason = errors.InvalidResponseError, "the server responded with a page of HTML"
    elif status == _BAD_REQUEST and code in (None, "400") and not _is_from_s3(headers):
        # From Go's servers, for plain HTTP at a port for TLS.
        kind, reason = errors.InvalidResponseError, "the response has no headers of S3"
    return errors.build(kind, reason, code=code, status=status, request_id=request_id, **facts)


_BAD_REQUEST = 400


def is_html(headers: Mapping[str, str]) -> bool:
    """Return whether a response with these headers (names in lower case) is a web page, and not an object of S3."""
    return headers.get("content-type", "").startswith("text/html") and not _is_from_s3(headers)


def _is_from_s3(headers: Mapping[str, str]) -> bool:
    return "etag" in headers or any(name.startswith("x-amz") for name in headers)


_BY_NAME = {
    "NoCredentialsError": errors.NoCredentialsError,
    "PartialCredentialsError": errors.NoCredentialsError,
    "CredentialRetrievalError": errors.NoCredentialsError,
    "ProfileNotFound": errors.NoCredentialsError,
    "SSOTokenLoadError": errors.ExpiredCredentialsError,
    "UnauthorizedSSOTokenError": errors.ExpiredCredentialsError,
    "TokenRetrievalError": errors.ExpiredCredentialsError,
    "ResponseParserError": errors.InvalidResponseError,
    "ValueError": errors.InvalidResponseError,
    "OverflowError": errors.InvalidResponseError,
    "ConnectTimeoutError": errors.S3TimeoutError,
    "ReadTimeoutError": errors.S3TimeoutError,
    "ConnectionError": errors.S3ConnectionError,
    "HTTPClientError": errors.S3ConnectionError,
    "IncompleteReadError": errors.S3ConnectionError,
    "HTTPError": errors.S3ConnectionError,
    "FlexibleChecksumError": errors.ChecksumError,
    "TimeoutError": errors.S3TimeoutError,
    "OSError": errors.S3ConnectionError,
}


def _kind_without_answer(exc: Exception) -> type[errors.S3StoreError]:
    names = (cls.__name__ for cls in type(exc).__mro__)
    return next((_BY_NAME[name] for name in names if name in _BY_NAME), errors.InvalidRequestError)


def _advice(exc: Exception) -> str | None:
    """Return what to do, where the exception says more than its class."""
    text, kind = str(exc), type(exc).__name__
    if kind == "ProfileNotFound":
        return "Check session_profile (AWS_S3_SESSION_PROFILE, AWS_PROFILE) and the AWS configuration files."
    if kind == "ConnectionClosedError" and 'endpoint URL: "http://' in text:
        return (
            "If the server uses TLS at this port, endpoint_url must start with https://. "
            f"{errors.S3ConnectionError.advice}"
        )
    if kind != "SSLError":
        return None
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return "Set verify (AWS_S3_VERIFY) to the CA bundle that signed the server's certificate."
    return "The server may not use TLS at this port: check whether endpoint_url must start with http://."


def _text(exc: Exception) -> str:
    text = str(exc)
    # These messages quote the value, which can be a secret.
    if "SSECustomerKey" in text:
        return "the SSE-C parameters are not valid"
    if "Invalid header value" in text:
        return "a value contains a character that is not allowed in an HTTP header"
    if 'endpoint URL: "None"' in text:
        # botocore does not know where a body comes from.
        return "the server stopped sending the content"
    return text or type(exc).__name__
