"""Errors are the built-in ones that Django code catches, and say what to do next."""

from __future__ import annotations

import copy
import errno
import inspect
import pickle
import traceback
from typing import Any

import pytest
from botocore import exceptions as botocore
from urllib3 import exceptions as urllib3

from s3store import errors
from s3store.wire.translate import is_temporary, reraise, translated

SECRET = "hunter2"
KINDS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, errors.S3StoreError)]
kinds = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
FACTS: dict[str, Any] = {
    "operation": "put_object",
    "bucket": "my-bucket",
    "key": "media/a.txt",
    "code": "SomeCode",
    "status": 418,
    "request_id": "4442587FB7D0A2F9",
}


def answer(code: str | None, status: int, message: str = "S3 says so", request_id: str | None = "R1") -> Any:
    """Return botocore's exception for an answer of S3."""
    about: dict[str, Any] = {"HTTPStatusCode": status, "RetryAttempts": 0}
    if request_id:
        about["RequestId"] = request_id
    error = {"Message": message, **({"Code": code} if code else {})}
    return botocore.ClientError({"Error": error, "ResponseMetadata": about}, "PutObject")  # type: ignore[arg-type]


def translate(exc: Exception, **facts: Any) -> errors.S3StoreError:
    return translated(exc, **{"operation": "put_object", "bucket": "my-bucket", "key": "media/a.txt", **facts})


# The classes


@pytest.mark.parametrize(
    ("kind", "built_in", "number"),
    [
        (errors.ObjectNotFoundError, FileNotFoundError, errno.ENOENT),
        (errors.AccessDeniedError, PermissionError, errno.EACCES),
        (errors.InvalidCredentialsError, PermissionError, errno.EACCES),
        (errors.ExpiredCredentialsError, PermissionError, errno.EACCES),
        (errors.NoCredentialsError, PermissionError, errno.EACCES),
        (errors.ObjectExistsError, FileExistsError, errno.EEXIST),
        (errors.S3ConnectionError, ConnectionError, errno.EIO),
        (errors.S3TimeoutError, TimeoutError, errno.ETIMEDOUT),
        (errors.ServerError, OSError, errno.EAGAIN),
        (errors.InvalidRequestError, OSError, errno.EINVAL),
    ],
)
def test_an_error_is_the_built_in_one(kind: type[errors.S3StoreError], built_in: type[OSError], number: int) -> None:
    """Code written for files on a disk catches it, or looks at errno."""
    with pytest.raises(built_in) as caught:
        raise kind("text")
    assert isinstance(caught.value, errors.S3StoreError)
    assert caught.value.errno == number


@pytest.mark.parametrize("kind", [errors.BucketNotFoundError, errors.AccessDeniedError, errors.ServerError])
def test_nothing_else_is_a_missing_file(kind: type[errors.S3StoreError]) -> None:
    """A missing bucket, a refusal and a failure say nothing about the file."""
    assert not issubclass(kind, FileNotFoundError)


@kinds
def test_a_message_is_complete(kind: type[errors.S3StoreError]) -> None:
    """What was done to which key in which bucket, what S3 said, and what to do next."""
    error = errors.build(kind, "S3 says so", **FACTS)
    assert str(error) == (
        "put_object of key 'media/a.txt' in bucket 'my-bucket' failed: SomeCode, S3 says so, "
        f"request id 4442587FB7D0A2F9. {kind.advice}"
    )
    assert {name: getattr(error, name) for name in FACTS} == FACTS
    assert kind.advice.endswith(".")


def test_a_message_about_a_bucket_names_no_key() -> None:
    """What is not known is left out."""
    error = errors.build(errors.AccessDeniedError, "no", operation="list_objects_v2", bucket="b")
    assert str(error).startswith("list_objects_v2 of bucket 'b' failed: no. Check the credentials")
    assert (error.key, error.code, error.status, error.request_id) == (None, None, None, None)


def test_a_key_is_shown_as_text() -> None:
    """A line break in a key of another program makes no second line in a log."""
    assert "\n" not in str(errors.build(errors.ServerError, "no", operation="x", bucket="b", key="a\nb"))


@pytest.mark.parametrize("request_id", ["R1", None])
def test_sentences_end_once(request_id: str | None) -> None:
    """S3's own messages end in a full stop."""
    said = "The specified key does not exist."
    text = str(translate(answer("NoSuchKey", 404, message=said, request_id=request_id)))
    assert ".," not in text
    assert ".." not in text


@pytest.mark.parametrize(
    "exc",
    [TimeoutError(), ConnectionResetError(), answer(None, 500, message="", request_id=None)],
    ids=["timeout", "reset", "answer"],
)
def test_an_error_without_a_text_still_says_something(exc: Exception) -> None:
    """Between "failed:" and the advice stands what happened, if only the name of the exception or the status."""
    assert "failed: . " not in str(translate(exc))


@kinds
@pytest.mark.parametrize("protocol", [2, pickle.HIGHEST_PROTOCOL])
def test_an_error_survives_a_pickle(kind: type[errors.S3StoreError], protocol: int) -> None:
    """An error in a worker process is the same error in its parent."""
    error = errors.build(kind, "no", **FACTS)
    for twin in (pickle.loads(pickle.dumps(error, protocol)), copy.copy(error)):
        assert type(twin) is kind
        assert str(twin) == str(error)
        assert {name: getattr(twin, name) for name in FACTS} == FACTS
        assert (twin.errno, twin.args) == (error.errno, error.args)


def test_an_error_keeps_its_attempts() -> None:
    """How often the request was sent is a fact like the others, also on the other side of a pickle."""
    error = translate(answer("SlowDown", 503), attempts=4)
    assert pickle.loads(pickle.dumps(error)).attempts == 4
    assert copy.copy(error).attempts == 4


def test_a_batch_error_keeps_its_failures() -> None:
    """Each key that was refused is listed, on the other side of a pickle too."""
    failures = (errors.Failure(key="a", code="AccessDenied", message="no"),)
    error = errors.BatchError("1 of 2", failures=failures, bucket="b", operation="delete_objects")
    twin = pickle.loads(pickle.dumps(error))
    assert (str(twin), twin.failures, twin.bucket, twin.operation) == ("1 of 2", failures, "b", "delete_objects")
    assert errors.BatchError("none").failures == ()


# From S3's answers

CODES = [
    ("NoSuchKey", 404, errors.ObjectNotFoundError),
    ("NoSuchVersion", 404, errors.ObjectNotFoundError),
    ("404", 404, errors.ObjectNotFoundError),
    ("NoSuchBucket", 404, errors.BucketNotFoundError),
    ("AccessDenied", 403, errors.AccessDeniedError),
    ("AllAccessDisabled", 403, errors.AccessDeniedError),
    ("403", 403, errors.AccessDeniedError),
    ("401", 401, errors.AccessDeniedError),
    ("InvalidAccessKeyId", 403, errors.InvalidCredentialsError),
    ("SignatureDoesNotMatch", 403, errors.InvalidCredentialsError),
    ("InvalidToken", 400, errors.InvalidCredentialsError),
    ("ExpiredToken", 400, errors.ExpiredCredentialsError),
    ("ExpiredTokenException", 400, errors.ExpiredCredentialsError),
    ("PreconditionFailed", 412, errors.ObjectExistsError),
    ("412", 412, errors.ObjectExistsError),
    ("ConditionalRequestConflict", 409, errors.ConflictError),
    ("OperationAborted", 409, errors.ConflictError),
    ("AccessControlListNotSupported", 400, errors.AclNotSupportedError),
    ("AuthorizationHeaderMalformed", 400, errors.WrongRegionError),
    ("IllegalLocationConstraintException", 400, errors.WrongRegionError),
    ("PermanentRedirect", 301, errors.WrongRegionError),
    ("TemporaryRedirect", 307, errors.WrongRegionError),
    ("301", 301, errors.WrongRegionError),
    ("307", 307, errors.WrongRegionError),
    ("RequestTimeTooSkewed", 403, errors.ClockSkewError),
    ("BadDigest", 400, errors.ChecksumError),
    ("InvalidDigest", 400, errors.ChecksumError),
    ("XAmzContentSHA256Mismatch", 400, errors.ChecksumError),
    ("RequestTimeout", 400, errors.S3TimeoutError),
    ("408", 408, errors.S3TimeoutError),
    ("SlowDown", 503, errors.ServerError),
    ("ServiceUnavailable", 503, errors.ServerError),
    ("InternalError", 500, errors.ServerError),
    ("InternalError", 200, errors.ServerError),
    ("TooManyRequests", 429, errors.ServerError),
    ("429", 429, errors.ServerError),
    ("502", 502, errors.ServerError),
    ("507", 507, errors.ServerError),
    ("NotImplemented", 501, errors.InvalidRequestError),
    ("InvalidArgument", 400, errors.InvalidRequestError),
    ("InvalidRange", 416, errors.ObjectChangedError),
    (None, 404, errors.ObjectNotFoundError),
    (None, 503, errors.ServerError),
    (None, None, errors.InvalidRequestError),
]


@pytest.mark.parametrize(("code", "status", "kind"), CODES)
def test_an_answer_is_classified(code: str | None, status: int | None, kind: type[errors.S3StoreError]) -> None:
    """By S3's code where it is known, else by the HTTP status."""
    assert errors.kind_of(code, status) is kind


@pytest.mark.parametrize(("code", "status", "kind"), [row for row in CODES if row[1]])
def test_an_answer_becomes_our_error(code: str | None, status: int, kind: type[errors.S3StoreError]) -> None:
    """With all that S3 told."""
    error = translate(answer(code, status))
    assert type(error) is kind
    assert (error.code, error.status, error.request_id) == (code, status, "R1")
    assert (error.operation, error.bucket, error.key) == ("put_object", "my-bucket", "media/a.txt")
    advice = errors._ADVICE.get(code or "", kind.advice)
    for part in ("S3 says so", "request id R1", "put_object", "'my-bucket'", "'media/a.txt'", advice, code or ""):
        assert part in str(error)


@pytest.mark.parametrize("code", ["404", None])
def test_a_404_without_a_key_is_about_the_bucket(code: str | None) -> None:
    """A HEAD of a bucket has no body to say so."""
    assert type(translate(answer(code, 404), key=None)) is errors.BucketNotFoundError


def test_a_412_means_what_was_asked_for() -> None:
    """To a read it says that the object was replaced."""
    changed: Any = {"precondition": errors.ObjectChangedError}
    assert type(translate(answer("PreconditionFailed", 412), **changed)) is errors.ObjectChangedError
    assert type(translate(answer("NoSuchKey", 404), **changed)) is errors.ObjectNotFoundError


def test_the_attempts_are_counted() -> None:
    """Whoever handles the error can tell a first refusal from a late one."""
    assert translate(answer("SlowDown", 503), attempts=4).attempts == 4
    assert translate(ConnectionResetError(), attempts=4).attempts == 4
    assert translate(answer("SlowDown", 503)).attempts == 1


# Without an answer

URL = "https://my-bucket.s3.amazonaws.com/media/a.txt"
TROUBLE = [
    (botocore.NoCredentialsError(), errors.NoCredentialsError),
    (botocore.PartialCredentialsError(provider="env", cred_var="secret"), errors.NoCredentialsError),
    (botocore.CredentialRetrievalError(provider="sso", error_msg="no"), errors.NoCredentialsError),
    (botocore.ProfileNotFound(profile="work"), errors.NoCredentialsError),
    (botocore.SSOTokenLoadError(error_msg="no"), errors.ExpiredCredentialsError),
    (botocore.UnauthorizedSSOTokenError(), errors.ExpiredCredentialsError),
    (botocore.TokenRetrievalError(provider="sso", error_msg="no"), errors.ExpiredCredentialsError),
    (botocore.ConnectTimeoutError(endpoint_url=URL), errors.S3TimeoutError),
    (botocore.ReadTimeoutError(endpoint_url=URL), errors.S3TimeoutError),
    (botocore.EndpointConnectionError(endpoint_url=URL), errors.S3ConnectionError),
    (botocore.ConnectionError(error="no"), errors.S3ConnectionError),
    (botocore.ConnectionClosedError(endpoint_url=URL), errors.S3ConnectionError),
    (botocore.ProxyConnectionError(proxy_url="http://proxy"), errors.S3ConnectionError),
    (botocore.SSLError(endpoint_url=URL, error="bad certificate"), errors.S3ConnectionError),
    (botocore.HTTPClientError(error="no"), errors.S3ConnectionError),
    (botocore.ResponseStreamingError(error="no"), errors.S3ConnectionError),
    (botocore.IncompleteReadError(actual_bytes=1, expected_bytes=2), errors.S3ConnectionError),
    (botocore.FlexibleChecksumError(error_msg="no"), errors.ChecksumError),
    (botocore.ParamValidationError(report="no"), errors.InvalidRequestError),
    (botocore.NoRegionError(), errors.InvalidRequestError),
    (botocore.UnknownServiceError(service_name="s4", known_service_names="s3"), errors.InvalidRequestError),
    (urllib3.ProtocolError("Connection broken"), errors.S3ConnectionError),
    (urllib3.IncompleteRead(1, 2), errors.S3ConnectionError),
    (urllib3.ReadTimeoutError(None, "/", "slow"), errors.S3TimeoutError),  # type: ignore[arg-type]
    (TimeoutError("slow"), errors.S3TimeoutError),
    (ConnectionResetError("reset"), errors.S3ConnectionError),
    (BrokenPipeError("pipe"), errors.S3ConnectionError),
    (OSError("no route"), errors.S3ConnectionError),
]


@pytest.mark.parametrize(
    ("exc", "kind"),
    TROUBLE,
    ids=[f"{type(row[0]).__module__.split('.')[0]}.{type(row[0]).__name__}" for row in TROUBLE],
)
def test_trouble_before_an_answer_becomes_our_error(exc: Exception, kind: type[errors.S3StoreError]) -> None:
    """No exception of botocore or urllib3 leaves s3store; its text does."""
    error = translate(exc)
    assert type(error) is kind
    assert (error.code, error.status, error.request_id) == (None, None, None)
    assert str(exc).rstrip(".") in str(error)
    assert "put_object of key 'media/a.txt' in bucket 'my-bucket' failed: " in str(error)
    assert ".." not in str(error)


@pytest.mark.parametrize(
    ("exc", "temporary"),
    [
        (answer("SlowDown", 503), True),
        (answer("InternalError", 200), True),
        (answer("RequestTimeout", 400), True),
        (botocore.EndpointConnectionError(endpoint_url=URL), True),
        (botocore.ReadTimeoutError(endpoint_url=URL), True),
        (ConnectionResetError(), True),
        (botocore.SSLError(endpoint_url=URL, error="bad certificate"), False),
        (answer("AccessDenied", 403), False),
        (answer("NoSuchKey", 404), False),
        (answer("PreconditionFailed", 412), False),
        (botocore.NoCredentialsError(), False),
    ],
    ids=["busy", "200", "slow", "refused", "silent", "reset", "certificate", "denied", "missing", "taken", "anonymous"],
)
def test_what_may_pass_is_known(exc: Exception, temporary: bool) -> None:
    """Waiting helps where S3 or the line is in trouble; it mends no certificate and no refusal."""
    assert is_temporary(translate(exc), exc) is temporary


# Secrets


def fail_with(secret: str) -> None:
    token = secret
    raise botocore.EndpointConnectionError(endpoint_url=f"https://{len(token)}.example")


def test_sc_02_the_cause_has_no_frames() -> None:
    """The frames of botocore hold the secret key; what is attached is the exception without them."""
    try:
        try:
            fail_with(SECRET)
        except botocore.BotoCoreError as exc:
            exc.__context__ = ValueError(SECRET)
            reraise(exc, operation="put_object", bucket="b")
    except errors.S3StoreError as error:
        caught = error
    assert type(caught.__cause__) is botocore.EndpointConnectionError
    assert caught.__cause__.__traceback__ is None
    assert caught.__cause__.__context__ is None
    text = "".join(traceback.TracebackException.from_exception(caught, capture_locals=True).format())
    assert "fail_with" not in text
    assert SECRET not in text


@pytest.mark.parametrize(
    "exc",
    [
        botocore.ParamValidationError(report=f"Invalid type for parameter SSECustomerKey, value: {SECRET}, type: int"),
        botocore.ParamValidationError(report=f"Invalid length for CopySourceSSECustomerKey, value: {SECRET}"),
        # What http.client says to a session token that ends in a line break.
        botocore.HTTPClientError(error=ValueError(f"Invalid header value b'{SECRET}\\n'")),
    ],
    ids=["customer-key", "copied-customer-key", "token"],
)
def test_sc_01_a_message_quotes_no_secret(exc: Exception) -> None:
    """botocore's complaints about a value quote the value; ours do not quote a secret one."""
    assert SECRET not in str(translate(exc))
