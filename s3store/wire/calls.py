"""One call of boto3, to the end of its retries, with our error if it fails."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.views.decorators.debug import sensitive_variables

from s3store import errors
from s3store.wire import backoff
from s3store.wire.client import counted_attempts, request_errors
from s3store.wire.translate import bare, is_temporary, translated


@sensitive_variables()
def call(
    client: Any,
    operation: str,
    arguments: Mapping[str, Any],
    *,
    attempts: int,
    precondition: type[errors.S3StoreError],
) -> Any:
    """Return boto3's answer to `operation`; `precondition` is the error for a 412.

    botocore retries, but stops short of `attempts` when the quota of retries that all threads share has run dry: an
    answer such as 412 takes from it and never gives back. Then the call goes on here.
    """
    with counted_attempts(attempts) as effort:
        while True:
            try:
                return getattr(client, operation)(**arguments)
            except request_errors() as exc:
                cause = exc
            error = translated(
                cause,
                operation=operation,
                bucket=arguments["Bucket"],
                key=arguments.get("Key"),
                precondition=precondition,
                attempts=effort.attempts,
            )
            if effort.attempts >= attempts or effort.exhausted() or not is_temporary(error, cause):
                raise error from bare(cause)
            backoff.wait(effort.attempts)
