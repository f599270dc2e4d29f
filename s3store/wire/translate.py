"""Conversion of botocore's exceptions to ours. The cause is chained, without frames that contain credentials."""

from __future__ import annotations

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
        return errors.build(_kind_without_answer(exc), _text(exc), **facts)
    said = response.get("Error", {})
    about = response.get("ResponseMetadata", {})
    code, status = said.get("Code"), about.get("HTTPStatusCode")
    kind = errors.kind_of(code, status)
    if kind is errors.ObjectExistsError:
        kind = precondition
    if kind is errors.ObjectNotFoundError and facts.get("key") is None:
        kind = errors.BucketNotFoundError
    reason, request_id = said.get("Message", ""), about.get("RequestId")
    return errors.build(kind, reason, code=code, status=status, request_id=request_id, **facts)


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


def _text(exc: Exception) -> str:
    text = str(exc)
    # These messages quote the value, which can be a secret.
    if "SSECustomerKey" in text:
        return "the SSE-C parameters are not valid"
    if "Invalid header value" in text:
        return "a value contains a character that is not allowed in an HTTP header"
    return text or type(exc).__name__
