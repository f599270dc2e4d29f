"""Exceptions for failed requests to S3. Most are also built-in exceptions, which Django code already catches.

The message says which operation failed on which key and bucket, what S3 returned, and what to do next.
AWS: "Error responses".
"""

from __future__ import annotations

import errno
from dataclasses import dataclass
from typing import Any

__all__ = [
    "AccessDeniedError",
    "AclNotSupportedError",
    "BatchError",
    "BucketNotFoundError",
    "ChecksumError",
    "ClockSkewError",
    "ConflictError",
    "ExpiredCredentialsError",
    "Failure",
    "InvalidCredentialsError",
    "InvalidRequestError",
    "InvalidResponseError",
    "MissingReferenceError",
    "NoCredentialsError",
    "ObjectChangedError",
    "ObjectExistsError",
    "ObjectNotFoundError",
    "S3ConnectionError",
    "S3StoreError",
    "S3TimeoutError",
    "ServerError",
    "WrongRegionError",
]


class S3StoreError(OSError):
    """A request to S3 failed.

    Attributes: `operation` (boto3's name, such as `put_object`), `bucket`, `key`, `code` (S3's error code), `status`
    (HTTP) and `request_id`. Each is None if unknown. `attempts` is the number of times the request was sent.
    """

    advice = "Look up the error code in AWS's list of error responses."
    number: int | None = errno.EIO

    operation: str | None = None
    bucket: str | None = None
    key: str | None = None
    code: str | None = None
    status: int | None = None
    request_id: str | None = None
    attempts: int = 1

    def __init__(self, message: str, **facts: Any) -> None:
        super().__init__(message)
        self.message = message
        self.errno = self.number
        self._facts = facts
        self.__dict__.update(facts)

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.message, self._facts)


def _rebuild(kind: type[S3StoreError], message: str, facts: dict[str, Any]) -> S3StoreError:
    return kind(message, **facts)


class ObjectNotFoundError(S3StoreError, FileNotFoundError):
    """The object does not exist."""

    advice = "Check the name. Names are case-sensitive and relative to the storage's location."
    number = errno.ENOENT


class BucketNotFoundError(S3StoreError):
    """The bucket does not exist. This is a configuration error and not a FileNotFoundError."""

    advice = (
        "Check bucket_name (AWS_STORAGE_BUCKET_NAME), the region and the endpoint. If there is no bucket yet, create "
        "it with manage.py s3 setup."
    )


class AccessDeniedError(S3StoreError, PermissionError):
    """S3 refused the request, or the credentials. The message names the permission that the request needs.

    Without the permission s3:ListBucket, S3 also returns 403 for objects that do not exist.
    """

    advice = "Check the credentials, the IAM policy and the bucket policy."
    number = errno.EACCES


class InvalidCredentialsError(AccessDeniedError):
    """S3 does not know the access key, or the signature is wrong."""

    advice = "Check that access_key and secret_key belong together and to this provider, and contain no spaces."


class ExpiredCredentialsError(AccessDeniedError):
    """The temporary credentials have expired."""

    advice = "Renew the session (aws sso login), or use a role, whose credentials are renewed automatically."


class NoCredentialsError(AccessDeniedError):
    """No credentials were found."""

    advice = (
        "Set AWS_S3_ACCESS_KEY_ID and AWS_S3_SECRET_ACCESS_KEY, or session_profile, or run where a role provides "
        "credentials. For a public bucket, set anonymous=True."
    )


class ObjectExistsError(S3StoreError, FileExistsError):
    """The object to create already exists."""

    advice = "Save under another name, or allow overwriting with file_overwrite=True."
    number = errno.EEXIST


class ObjectChangedError(S3StoreError):
    """The object was replaced while it was being read, copied or moved."""

    advice = "Open it again to read the new version."


class AclNotSupportedError(S3StoreError):
    """The bucket does not allow ACLs. This is the default of new buckets."""

    advice = (
        "Remove default_acl (AWS_DEFAULT_ACL) and grant public reads with a bucket policy, or set the bucket's "
        "Object Ownership to 'Bucket owner preferred'."
    )
    number = errno.ENOTSUP


class WrongRegionError(S3StoreError):
    """The bucket is not in the region of the client."""

    advice = "Set region_name (AWS_S3_REGION_NAME) to the bucket's region."


class ClockSkewError(S3StoreError):
    """The clock of this machine differs too much from that of S3."""

    advice = "Synchronise the clock of this machine (NTP). S3 allows a difference of 15 minutes."


class InvalidRequestError(S3StoreError):
    """S3 rejected the request as invalid, or does not implement it."""

    advice = "Check the object parameters, and whether this S3 server supports them."
    number = errno.EINVAL


class InvalidResponseError(S3StoreError):
    """The response is not one of S3, or a part of it is missing or wrong. A write may not have been stored."""

    advice = (
        "Check endpoint_url (AWS_S3_ENDPOINT_URL): another server, a proxy or a login page may have responded instead "
        "of S3, or the URL must start with https://."
    )


class ConflictError(S3StoreError):
    """Another request for the same key was in progress."""

    advice = "Try again."
    number = errno.EAGAIN


class ChecksumError(S3StoreError):
    """The received bytes are not the bytes that were sent."""

    advice = "Try again. If it persists, check the proxies and the network between this machine and the bucket."


class ServerError(S3StoreError):
    """S3 failed, or asked to slow down, on every attempt."""

    advice = "Try again later. If it persists, reduce the load or check the provider's status page."
    number = errno.EAGAIN


class S3ConnectionError(S3StoreError, ConnectionError):
    """S3 could not be reached, or the connection broke, on every attempt."""

    advice = "Check endpoint_url, DNS, proxies and firewalls."


class S3TimeoutError(S3StoreError, TimeoutError):
    """S3 did not respond in time, on every attempt."""

    advice = "Check the network. If the server is known to be slow, raise read_timeout."
    number = errno.ETIMEDOUT


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One key for which a batch failed, and why."""

    key: str
    code: str
    message: str


class BatchError(S3StoreError):
    """A batch failed for some of its objects. `failures` has a Failure for each of them."""

    advice = "The other objects were processed. Make the same call again for the rest."

    failures: tuple[Failure, ...] = ()


class MissingReferenceError(ValueError):
    """A static file refers to a file that no finder finds. The message names the file and the line."""


# S3's error codes. Other codes are classified by the HTTP status.
_BY_CODE: dict[str, type[S3StoreError]] = {
    "AccessControlListNotSupported": AclNotSupportedError,
    "AccessDenied": AccessDeniedError,
    "AllAccessDisabled": AccessDeniedError,
    "AuthorizationHeaderMalformed": WrongRegionError,
    "BadDigest": ChecksumError,
    "ConditionalRequestConflict": ConflictError,
    "ExpiredToken": ExpiredCredentialsError,
    "ExpiredTokenException": ExpiredCredentialsError,
    "IllegalLocationConstraintException": WrongRegionError,
    "InternalError": ServerError,
    "InvalidObjectState": AccessDeniedError,
    "InvalidAccessKeyId": InvalidCredentialsError,
    "InvalidDigest": ChecksumError,
    "InvalidRange": ObjectChangedError,
    "InvalidToken": InvalidCredentialsError,
    "NoSuchBucket": BucketNotFoundError,
    "NoSuchKey": ObjectNotFoundError,
    "NoSuchVersion": ObjectNotFoundError,
    "NotImplemented": InvalidRequestError,
    "OperationAborted": ConflictError,
    "PermanentRedirect": WrongRegionError,
    "PreconditionFailed": ObjectExistsError,
    "RequestTimeTooSkewed": ClockSkewError,
    "RequestTimeout": S3TimeoutError,
    "ServiceUnavailable": ServerError,
    "SignatureDoesNotMatch": InvalidCredentialsError,
    "SlowDown": ServerError,
    "TemporaryRedirect": WrongRegionError,
    "TooManyRequests": ServerError,
    "XAmzContentSHA256Mismatch": ChecksumError,
}

# What to do, where the code says more than the class of the exception.
_ADVICE = {
    "BucketAlreadyExists": "Another account has a bucket of this name. Choose another bucket_name.",
    "EntityTooLarge": "One request creates at most 5 GiB, and some servers less: lower multipart_threshold.",
    "InvalidObjectState": "The object is archived (Glacier). Make it readable first: s3 restore --archived.",
    "InvalidToken": (
        "The session token does not belong to the access key. Set security_token (AWS_SESSION_TOKEN) together with "
        "the keys of the same session, or remove it for permanent keys."
    ),
    "KMS.DisabledException": "The KMS key of the object or bucket is disabled. Enable it.",
    "KMS.KMSInvalidStateException": "The KMS key is being deleted or is not available. Check its state.",
    "KMS.NotFoundException": "The KMS key does not exist in this region. Check SSEKMSKeyId.",
    "MethodNotAllowed": (
        "The server does not allow this operation here. Check endpoint_url, and whether this S3 server supports it."
    ),
    "QuotaExceeded": "The quota of the account or bucket is used up. Delete files, or raise the quota.",
}

_BY_STATUS: dict[int, type[S3StoreError]] = {
    301: WrongRegionError,
    307: WrongRegionError,
    401: AccessDeniedError,
    403: AccessDeniedError,
    404: ObjectNotFoundError,
    408: S3TimeoutError,
    412: ObjectExistsError,
    416: ObjectChangedError,
    429: ServerError,
}


def kind_of(code: str | None, status: int | None) -> type[S3StoreError]:
    """Return the exception class for an error code and an HTTP status of S3."""
    if code in _BY_CODE:
        return _BY_CODE[code]
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    return ServerError if status and status >= 500 else InvalidRequestError


def build(kind: type[S3StoreError], reason: str, *, operation: str, bucket: str | None, **facts: Any) -> S3StoreError:
    """Return an exception of `kind` with the full message. `facts` are the other attributes of S3StoreError, and
    `advice` if the caller knows better what to do, and `needs`: a sentence with the permissions of the request.
    """
    reason = (reason or "").rstrip(" .")
    advice, needs = facts.pop("advice", None), facts.pop("needs", "")
    code, key, request_id = (facts.get(name) for name in ("code", "key", "request_id"))
    advice = advice or _ADVICE.get(code or "")
    if advice is None:
        advice = f"{needs} {kind.advice}" if needs and kind is AccessDeniedError else kind.advice
    if not reason and not code:
        reason = f"HTTP status {facts['status']}" if facts.get("status") else "no reason was given"
    target = f" of key {key!r} in bucket {bucket!r}" if key is not None else f" of bucket {bucket!r}" if bucket else ""
    answer = ", ".join(str(part) for part in (code, reason, request_id and f"request id {request_id}") if part)
    message = f"{operation}{target} failed: {answer}. {advice}"
    return kind(message, operation=operation, bucket=bucket, **facts)
