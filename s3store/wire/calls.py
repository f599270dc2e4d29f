"""One boto3 call with all its attempts, and our error if it fails."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.views.decorators.debug import sensitive_variables

from s3store import errors
from s3store.core.policies.needed import needed
from s3store.wire import backoff
from s3store.wire.client import request_errors
from s3store.wire.effort import counted_attempts
from s3store.wire.translate import bare, is_temporary, translated


@sensitive_variables()
def call(
    client: Any,
    operation: str,
    arguments: Mapping[str, Any],
    *,
    attempts: int,
    total: float,
    precondition: type[errors.S3StoreError],
) -> Any:
    """Return boto3's response to `operation`. `precondition` is the error for a 412, `total` is in seconds.

    botocore stops retrying when its retry quota is exhausted. All threads share the quota, and responses such as 412
    reduce it permanently. In that case, the remaining `attempts` are made here.
    """
    with counted_attempts(attempts, total) as effort:
        while True:
            cause: Exception
            try:
                return getattr(client, operation)(**arguments)
            except request_errors() as exc:
                cause = exc
            except (ValueError, OverflowError) as exc:
                # botocore cannot read a time or a number in the response.
                cause = exc
            error = translated(
                cause,
                operation=operation,
                bucket=arguments.get("Bucket"),
                key=arguments.get("Key"),
                precondition=precondition,
                attempts=effort.attempts,
                needs=needed(operation, arguments),
            )
            if effort.attempts >= attempts or effort.exhausted() or not is_temporary(error, cause):
                raise error from bare(cause)
            backoff.wait(effort.attempts)
