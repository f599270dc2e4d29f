"""Requests for one bucket: how they are sent, and what their responses are read for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.views.decorators.debug import sensitive_variables

from s3store import errors
from s3store.conf.options import Options
from s3store.core import parameters, urls
from s3store.core.digests import content_md5
from s3store.core.info import WRITE_TOKEN, ObjectInfo
from s3store.core.parameters import Parameters, Params
from s3store.wire.calls import call
from s3store.wire.client import get_client, get_resource, request_errors, sends_own_checksums
from s3store.wire.counting import Requests, Tally, noting
from s3store.wire.facts import Facts
from s3store.wire.responses import date_of, described
from s3store.wire.translate import is_html, reraise

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class Change:
    """A change of objects, and the moment at which it ended: facts from before it are stale."""

    def __init__(self, moment: int) -> None:
        self.moment = moment


class Requesting:
    """Sends requests for one bucket by the boto3 client of the process, and caches what S3 returned about objects."""

    def __init__(self, options: Options) -> None:
        self.name = options.bucket_name
        self.options = options
        self._facts = Facts()
        self._date: datetime | None = None

    @property
    def client(self) -> S3Client:
        """The boto3 client of this process for the options."""
        try:
            return get_client(self.options)
        except request_errors() as exc:
            reraise(exc, operation="client", bucket=self.name)

    @property
    def resource(self) -> Any:
        """This thread's boto3 resource of the service, for code that uses boto3 itself."""
        try:
            return get_resource(self.options)
        except request_errors() as exc:
            reraise(exc, operation="client", bucket=self.name)

    @property
    def date(self) -> datetime | None:
        """The time of the latest response, by the server's clock, in whole seconds. None before the first one."""
        return self._date

    @property
    def is_aws(self) -> bool:
        """Whether the server belongs to AWS."""
        return urls.is_aws(self.client.meta.endpoint_url)

    over_http = True
    """Whether the verbs send requests. If not, presigned requests of our own cannot replace them."""

    def counted(self) -> AbstractContextManager[Tally]:
        """Return a context manager that counts the requests that are sent inside its block."""
        return noting(self.client, Tally())

    def collected(self) -> AbstractContextManager[Requests]:
        """Return a context manager that collects the requests that are sent inside its block: for tests."""
        return noting(self.client, Requests())

    # What several verbs need

    def find(self, key: str, params: Params) -> ObjectInfo | None:
        """Return the facts about an object, or None if it does not exist."""
        try:
            return self._asked(key, params)
        except errors.ObjectNotFoundError:
            return None

    def _asked(self, key: str, params: Params) -> ObjectInfo:
        moment = self._facts.moment()
        answer = self._call("head_object", key, params)
        with self._reading("head_object", key):
            return self._noted(described(key, answer), moment)

    def _own(self, key: str, params: Params, token: str) -> ObjectInfo | None:
        info = self.find(key, params)
        return info if info and info.internal(WRITE_TOKEN) == token else None

    def _digest(self, body: bytes, digest: bytes | None = None) -> dict[str, Any]:
        return {} if sends_own_checksums(self.client) else {"ContentMD5": content_md5(body, digest)}

    def _copied(
        self,
        operation: str,
        source: str,
        key: str,
        params: Params,
        *,
        version_id: str | None = None,
        origin: str | None = None,
        **extra: Any,
    ) -> Mapping[str, Any]:
        """Send a request that copies, and return what S3 says about the copy. `origin` is another bucket."""
        copied_from = {"Bucket": origin or self.name, "Key": source}
        if version_id:
            copied_from["VersionId"] = version_id
        extra |= {"CopySource": copied_from, **parameters.copy_source_parameters(params)}
        try:
            answer = self._call(operation, key, params, precondition=errors.ObjectChangedError, **extra)
        except errors.ObjectNotFoundError as error:
            if error.code == "NoSuchUpload":
                raise
            # S3 does not say it, but what is missing is the source.
            facts: dict[str, Any] = {"code": error.code, "status": error.status, "request_id": error.request_id}
            facts |= {"operation": operation, "bucket": origin or self.name, "key": source}
            raise errors.build(errors.ObjectNotFoundError, "", **facts) from error.__cause__
        with self._reading(operation, key):
            copied: Mapping[str, Any] = answer["CopyObjectResult" if operation == "copy_object" else "CopyPartResult"]
        return {**copied, "CopySourceVersionId": answer.get("CopySourceVersionId")}

    # Facts

    def _noted(self, info: ObjectInfo, moment: int) -> ObjectInfo:
        self._facts.put(info, moment)
        return info

    @contextmanager
    def changing(self, *keys: str) -> Iterator[Change]:
        """Drop the cached facts about objects before and after they change."""
        change = Change(self._facts.forget(*keys))
        try:
            yield change
        finally:
            change.moment = self._facts.forget(*keys, since=change.moment)

    def moment(self) -> int:
        """Return the present moment, for `changed_since`."""
        return self._facts.moment()

    def changed_since(self, prefix: str, moment: int) -> bool:
        """Return whether this bucket may have changed an object whose key starts with `prefix` after a moment.

        Changes by other processes are unknown.
        """
        return self._facts.changed_since(prefix, moment)

    # Requests

    def _error(self, kind: type[errors.S3StoreError], reason: str, operation: str, **facts: Any) -> errors.S3StoreError:
        return errors.build(kind, reason, operation=operation, bucket=self.name, **facts)

    def owned(self, params: Params) -> Params:
        """Return the parameters with the account that must own the bucket, if the options name one."""
        owner = self.options.expected_bucket_owner
        return Parameters({**params, "ExpectedBucketOwner": owner}) if owner else params

    @sensitive_variables()
    def _call(
        self,
        operation: str,
        key: str | None = None,
        params: Params = parameters.NONE,
        *,
        precondition: type[errors.S3StoreError] = errors.ObjectExistsError,
        **extra: Any,
    ) -> Any:
        arguments = {**parameters.for_operation(operation, self.owned(params)), **extra, "Bucket": self.name}
        if key is not None:
            arguments["Key"] = key
        options = self.options
        answer = call(
            self.client,
            operation,
            arguments,
            attempts=options.max_attempts,
            total=options.total_timeout,
            precondition=precondition,
        )
        headers = (answer.get("ResponseMetadata") or {}).get("HTTPHeaders") or {}
        self._date = date_of(headers) or self._date
        if is_html(headers):
            reason = "the server responded with a page of HTML"
            raise self._error(errors.InvalidResponseError, reason, operation, key=key)
        return answer

    @contextmanager
    def _reading(self, operation: str, key: str | None = None) -> Iterator[None]:
        """Raise InvalidResponseError if a part of a response is missing or wrong."""
        try:
            yield
        except KeyError as missing:
            reason = f"the response has no {missing.args[0]}"
            raise self._error(errors.InvalidResponseError, reason, operation, key=key) from None
        except ValueError as wrong:
            raise self._error(errors.InvalidResponseError, str(wrong), operation, key=key) from None
