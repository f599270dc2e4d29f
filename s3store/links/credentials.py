"""The credentials that sign URLs: those of the options, or those that botocore finds on this machine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.views.decorators.debug import sensitive_variables

from s3store import errors
from s3store.conf.options import Options
from s3store.core.sigv4 import Credentials
from s3store.wire import client, sessions
from s3store.wire.translate import reraise


@sensitive_variables()
def credentials_of(options: Options) -> Callable[[], Credentials]:
    """Return a function that returns the current credentials, and raises NoCredentialsError if there are none.

    Keys from the options do not need botocore. It renews other credentials, and knows when they expire.
    """
    if options.access_key and options.secret_key:
        fixed = Credentials(
            access_key=options.access_key, secret_key=options.secret_key, token=options.security_token or None
        )
        return lambda: fixed
    return lambda: _found(options)


@sensitive_variables()
def _found(options: Options) -> Credentials:
    if options.anonymous:
        raise _missing(options, "the storage is anonymous")
    try:
        # Not stored: a forked child must not wait for a lock that a thread of its parent held.
        source = sessions.find_credentials(options)
        if source is None:
            raise _missing(options, "no credentials were found")
        return _current(source)
    except client.request_errors() as exc:
        if isinstance(exc, errors.S3StoreError):
            raise
        reraise(exc, operation="url", bucket=options.bucket_name)


def _missing(options: Options, why: str) -> errors.S3StoreError:
    return errors.build(errors.NoCredentialsError, why, operation="url", bucket=options.bucket_name)


@sensitive_variables()
def _current(source: Any) -> Credentials:
    frozen = source.get_frozen_credentials()
    while True:
        # A private attribute, but the only source of the time at which a role's credentials expire.
        expiry = getattr(source, "_expiry_time", None)
        # If they were renewed in between, the time belongs to other credentials.
        again = source.get_frozen_credentials()
        if again == frozen:
            break
        frozen = again
    return Credentials(
        access_key=frozen.access_key,
        secret_key=frozen.secret_key,
        token=frozen.token or None,
        expires_at=expiry.timestamp() if expiry else None,
    )
