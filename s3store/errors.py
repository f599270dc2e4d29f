"""What can go wrong with S3, as the built-in exceptions that Django code already catches.

Each error is an S3StoreError *and* the matching built-in one; it says what was being done to which key in which
bucket, what S3 answered, and what to do next. AWS: "Error responses".
"""

from __future__ import annotations

import errno
from dataclasses import dataclass
from typing import Any


class S3StoreError(OSError):
    """A request to S3 that failed.

    Attributes: `operation` (boto3's name, `put_object`), `bucket`, `key`, `code` (S3's error code), `status` (HTTP)
    and `request_id`; each is None where it is not known. `attempts` is how often the request was sent.
    """

    advice = "See the error code in AWS's list of error responses."
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
    """There is no such object."""

    advice = "Check the name; names are case-sensitive and relative to the storage's location."
    number = errno.ENOENT


class BucketNotFoundError(S3StoreError):
    """There is no such bucket; that says nothing about the file."""

    advice = "Check the option bucket_name (AWS_STORAGE_BUCKET_NAME), the region and the endpoint."


class AccessDeniedError(S3StoreError, PermissionError):
    """S3 refused the credentials or what they asked for."""

    advice = (
        "Check the credentials, the IAM policy and the bucket policy. Without s3:ListBucket, S3 answers 403 "
        "for objects that do not exist, too."
    )
    number = errno.EACCES


class InvalidCredentialsError(AccessDeniedError):
    """S3 does not know the key, or the signature made with it is wrong."""

    advice = "Check access_key and secret_key for a wrong pair, a stray space, or a key of another provider."


class ExpiredCredentialsError(AccessDeniedError):
    """The temporary credentials have run out."""

    advice = "Renew the session (aws sso login), or let a role provide credentials that renew themselves."


class NoCredentialsError(AccessDeniedError):
    """Nothing to sign with was found."""

    advice = (
        "Set AWS_S3_ACCESS_KEY_ID and AWS_S3_SECRET_ACCESS_KEY, a session_profile, or run where a role provides "
        "credentials; anonymous=True is for public buckets."
    )


class ObjectExistsError(S3StoreError, FileExistsError):
    """The object was to be created and is there already."""

    advice = "Save under another name, or allow overwriting with file_overwrite=True."
    number = errno.EEXIST


class ObjectChangedError(S3StoreError):
    """The object was replaced while it was being read or copied."""

    advice = "Open it again to read the new version."


class AclNotSupportedError(S3StoreError):
    """The bucket has ACLs switched off, as all new buckets have."""

    advice = (
        "Remove default_acl (AWS_DEFAULT_ACL) and grant public reads with a bucket policy, or set the bucket's "
        "Object Ownership to 'Bucket owner preferred'."
    )
    number = errno.ENOTSUP


class WrongRegionError(S3StoreError):
    """The bucket is in another region than the client's."""

    advice = "Set region_name (AWS_S3_REGION_NAME) to the bucket's region."


class ClockSkewError(S3StoreError):
    """This machine's clock is too far from S3's."""

    advice = "Set this machine's clock (NTP); S3 allows 15 minutes."


class InvalidRequestError(S3StoreError):
    """S3 did not understand the request or does not implement it."""

    advice = "Check the object parameters, and whether this S3 server implements what they ask for."
    number = errno.EINVAL


class ConflictError(S3StoreError):
    """Another request for the same key was under way, and S3 let neither wait for the other."""

    advice = "Try again."
    number = errno.EAGAIN


class ChecksumError(S3StoreError):
    """The bytes that arrived are not the bytes that were sent."""

    advice = "Try again; when it persists, look at proxies and network hardware between here and the bucket."


class ServerError(S3StoreError):
    """S3 failed or asked to slow down, and did so again at every retry."""

    advice = "Try again later; if it persists, spread the load or look at the provider's status page."
    number = errno.EAGAIN


class S3ConnectionError(S3StoreError, ConnectionError):
    """S3 could not be reached, or the connection broke at every try."""

    advice = "Check endpoint_url, DNS, proxies and firewalls."


class S3TimeoutError(S3StoreError, TimeoutError):
    """S3 did not answer in time, at every try."""

    advice = "Check the network; raise read_timeout if the server is known to be slow."
    number = errno.ETIMEDOUT


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One key that a batch could not deal with, and why."""

    key: str
    code: str
    message: str


class BatchError(S3StoreError):
    """Some of the objects of a batch could not be dealt with; `failures` has a Failure for each."""

    advice = "The other objects were dealt with; running the same call again takes up the rest."

    failures: tuple[Failure, ...] = ()


class MissingReferenceError(ValueError):
    """A static file refers to a file that no finder finds. The message names file and line."""


# S3's error codes; a code that is not here is classified by its HTTP status.
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
    """Return the exception class for an answer of S3."""
    if code in _BY_CODE:
        return _BY_CODE[code]
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    return ServerError if status and status >= 500 else InvalidRequestError


def build(kind: type[S3StoreError], reason: str, *, operation: str, bucket: str | None, **facts: Any) -> S3StoreError:
    """Return an exception of `kind` with the full message. `facts` are the other attributes of S3StoreError."""
    reason = reason.rstrip(" .")
    code, key, request_id = (facts.get(name) for name in ("code", "key", "request_id"))
    if not reason and not code:
        reason = f"HTTP status {facts['status']}" if facts.get("status") else "no reason was given"
    target = f"key {key!r} in bucket {bucket!r}" if key is not None else f"bucket {bucket!r}"
    answer = ", ".join(str(part) for part in (code, reason, request_id and f"request id {request_id}") if part)
    message = f"{operation} of {target} failed: {answer}. {kind.advice}"
    return kind(message, operation=operation, bucket=bucket, **facts)
