"""Requests whose failure is an answer: for the examination of a bucket. Nothing is raised for what a server returns."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from xml.etree import ElementTree

from django.views.decorators.debug import sensitive_variables

from s3store import errors
from s3store.conf.options import Options
from s3store.core import parameters
from s3store.core.parameters import Params
from s3store.wire import client
from s3store.wire.calls import call
from s3store.wire.counting import Request, Requests, noting
from s3store.wire.responses import date_of
from s3store.wire.translate import is_html

_SHOWN = 300
_REFUSED = (401, 403)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came back: the response of a server, or why there is none.

    `status` is 0 without a response. `code` and `message` are those of S3's error. The names of `headers` are in lower
    case. `value` is what boto3 made of a success, `body` the bytes of a request that was not sent by boto3. `failure`
    is the name of the exception, and `text` what it says, without a response. `skew` is the time of the server less
    that of this machine, in seconds, if the response says it.
    """

    status: int = 0
    code: str = ""
    message: str = ""
    request_id: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    value: Mapping[str, Any] = field(default_factory=dict, repr=False)
    details: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    failure: str = ""
    text: str = ""
    skew: float | None = None

    @property
    def ok(self) -> bool:
        """Whether the request succeeded."""
        return not self.failure and 200 <= self.status < 300

    @property
    def refused(self) -> bool:
        """Whether the server does not allow the request."""
        return self.status in _REFUSED

    @property
    def is_page(self) -> bool:
        """Whether the response is a page of HTML, which S3 never sends by itself."""
        return is_html(self.headers)

    @property
    def seen(self) -> str:
        """The response in one line, without what could be a secret."""
        if not self.status:
            return f"no response: {self.text[:_SHOWN]}"
        parts = [str(self.status), self.code, "a page of HTML" if self.is_page else ""]
        said = " ".join(part for part in parts if part)
        if self.message:
            said += f": {self.message[:_SHOWN]}"
        return f"{said} (request id {self.request_id})" if self.request_id else said


class Examiner:
    """Sends single requests for one bucket and returns what came back, whatever it is.

    `sent` are all requests of this examiner, and of those that `with_options` returned.
    """

    def __init__(self, options: Options, clock: Callable[[], float] = time.time) -> None:
        self.options = options
        self.sent: list[Request] = []
        self._clock = clock

    def with_options(self, **changes: Any) -> Examiner:
        """Return an examiner that differs in some options."""
        other = Examiner(replace(self.options, **changes), self._clock)
        other.sent = self.sent
        return other

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Note the requests of the client that are sent inside the block."""
        with noting(self.client, Requests()) as sent:
            try:
                yield
            finally:
                self.sent += sent

    @property
    def client(self) -> Any:
        """The boto3 client. Raises the exceptions of botocore, and ValueError for an endpoint that is not a URL."""
        return client.get_client(self.options)

    @sensitive_variables()
    def ask(self, operation: str, key: str | None = None, params: Params = parameters.NONE, **extra: Any) -> Reply:
        """Return what came back for a call of boto3. `params` must be those that the operation knows."""
        arguments = {**params, **extra, "Bucket": self.options.bucket_name}
        if key is not None:
            arguments["Key"] = key
        owner = self.options.expected_bucket_owner
        if owner:
            arguments.setdefault("ExpectedBucketOwner", owner)
        began = self._clock()
        try:
            with self.counting():
                value = call(
                    self.client,
                    operation,
                    arguments,
                    attempts=self.options.max_attempts,
                    total=self.options.total_timeout,
                    precondition=errors.ObjectExistsError,
                )
        except errors.S3StoreError as error:
            return _reply(error, began, self._clock())
        about = value.get("ResponseMetadata") or {}
        headers = about.get("HTTPHeaders") or {}
        return Reply(
            status=about.get("HTTPStatusCode") or 0,
            request_id=about.get("RequestId") or "",
            headers=headers,
            value=value,
            skew=_skew(headers, began, self._clock()),
        )

    def own_buckets(self) -> list[str] | None:
        """Return the names of the buckets of the account, or None if it may not list them. AWS: "ListBuckets"."""
        try:
            with self.counting():
                found = self.client.list_buckets()
        except client.request_errors():
            return None
        return [str(bucket.get("Name")) for bucket in found.get("Buckets") or ()]

    def read(self, reply: Reply) -> bytes:
        """Return the content of a successful GetObject. It is empty if the connection breaks."""
        try:
            content: bytes = reply.value["Body"].read()
        except client.request_errors():
            return b""
        return content

    @sensitive_variables()
    def fetch(self, method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes = b"") -> Reply:
        """Return what came back for a request that is sent as it is, as a browser would. Redirects are not followed."""
        began = self._clock()
        try:
            with self.counting():
                answer = client.deliver(self.client, "Fetch", method, url, headers or {}, body)
                content = answer.content
        except client.request_errors() as cause:
            # The text of these exceptions contains the URL, and its query the signature.
            return Reply(failure=type(cause).__name__, text=str(cause).replace(url, url.partition("?")[0]))
        fields = {name.lower(): value for name, value in answer.headers.items()}
        said = _error_in(content)
        return Reply(
            status=answer.status_code,
            code=said.get("Code", ""),
            message=said.get("Message", ""),
            request_id=fields.get("x-amz-request-id", ""),
            headers=fields,
            body=content,
            skew=_skew(fields, began, self._clock()),
        )


def _reply(error: errors.S3StoreError, began: float, ended: float) -> Reply:
    cause = error.__cause__
    response: Mapping[str, Any] | None = getattr(cause, "response", None)
    if not isinstance(response, Mapping):
        return Reply(failure=type(cause).__name__, text=str(cause) or type(cause).__name__)
    about = response.get("ResponseMetadata") or {}
    headers = about.get("HTTPHeaders") or {}
    said = response.get("Error") or {}
    code = str(said.get("Code") or "")
    return Reply(
        status=about.get("HTTPStatusCode") or 0,
        # The response to a HEAD has no body, and botocore makes its status the code.
        code="" if code.isdigit() else code,
        message=str(said.get("Message") or ""),
        request_id=error.request_id or "",
        headers=headers,
        details={name: value for name, value in said.items() if isinstance(value, str)},
        skew=_skew(headers, began, ended),
        failure="ClientError",
    )


def _skew(headers: Mapping[str, str], began: float, ended: float) -> float | None:
    """Return the clock of the server less ours, in seconds, 0 if its whole second can be inside our request."""
    date = date_of(headers)
    if date is None or date.tzinfo is None:
        return None
    theirs = date.timestamp()
    if theirs + 1 < began:
        return theirs + 1 - began
    return max(theirs - ended, 0.0)


def _error_in(body: bytes) -> dict[str, str]:
    """Return the elements of S3's error in a body, by their names. Other bodies have none."""
    start = body[:4096].lstrip()
    if not start.startswith(b"<") or b"<!DOCTYPE" in start or b"<!ENTITY" in body:
        return {}
    try:
        root = ElementTree.fromstring(body)  # noqa: S314 (without a DTD)
    except ElementTree.ParseError:
        return {}
    if root.tag.rpartition("}")[2] != "Error":
        return {}
    return {node.tag.rpartition("}")[2]: node.text or "" for node in root}
