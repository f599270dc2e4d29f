"""From botocore's exceptions to ours. The cause stays attached, without frames that hold credentials."""

from __future__ import annotations

from typing import Any, NoReturn

from s3store import errors


def reraise(
    exc: Exception,
    *,
    operation: str,
    bucket: str,
    key: str | None = None,
    precondition: type[errors.S3StoreError] = errors.ObjectExistsError,
) -> NoReturn:
    """Raise our exception for `exc`; `precondition` is the one for a 412."""
    # The frames of botocore and urllib3 hold the secret key in their variables, and Django's error report would
    # show them: the cause keeps its type and message only.
    cause = exc.with_traceback(None)
    cause.__cause__ = cause.__context__ = None
    raise translated(exc, operation=operation, bucket=bucket, key=key, precondition=precondition) from cause


def translated(
    exc: Exception, *, operation: str, bucket: str, key: str | None, precondition: type[errors.S3StoreError]
) -> errors.S3StoreError:
    response: dict[str, Any] | None = getattr(exc, "response", None)
    if not isinstance(response, dict):
        kind = _kind_without_answer(exc)
        return errors.build(kind, _text(exc), operation=operation, bucket=bucket, key=key)
    said = response.get("Error", {})
    about = response.get("ResponseMetadata", {})
    code, status = said.get("Code"), about.get("HTTPStatusCode")
    kind = errors.kind_of(code, status)
    if kind is errors.ObjectExistsError:
        kind = precondition
    if kind is errors.ObjectNotFoundError and key is None:
        kind = errors.BucketNotFoundError
    error = errors.build(
        kind,
        said.get("Message", ""),
        operation=operation,
        bucket=bucket,
        key=key,
        code=code,
        status=status,
        request_id=about.get("RequestId"),
    )
    error.attempts = 1 + about.get("RetryAttempts", 0)
    return error


_BY_NAME = {
    "NoCredentialsError": errors.NoCredentialsError,
    "PartialCredentialsError": errors.NoCredentialsError,
    "CredentialRetrievalError": errors.NoCredentialsError,
    "ProfileNotFound": errors.NoCredentialsError,
    "SSOTokenLoadError": errors.ExpiredCredentialsError,
    "UnauthorizedSSOTokenError": errors.ExpiredCredentialsError,
    "TokenRetrievalError": errors.ExpiredCredentialsError,
    "ConnectTimeoutError": errors.S3TimeoutError,
    "ReadTimeoutError": errors.S3TimeoutError,
    "HTTPClientError": errors.S3ConnectionError,
    "ResponseStreamingError": errors.S3ConnectionError,
    "IncompleteReadError": errors.S3ConnectionError,
    "HTTPError": errors.S3ConnectionError,
    "FlexibleChecksumError": errors.ChecksumError,
    "TimeoutError": errors.S3TimeoutError,
    "OSError": errors.S3ConnectionError,
}


def _kind_without_answer(exc: Exception) -> type[errors.S3StoreError]:
    names = (cls.__name__ for cls in type(exc).__mro__)
    return next((_BY_NAME[name] for name in names if name in _BY_NAME), errors.InvalidRequestError)


def _text(exc: Exception) -> str:
    # A complaint about a parameter quotes its value.
    text = str(exc)
    return "the SSE-C parameters are not valid" if "SSECustomerKey" in text else text.rstrip(".")
