"""Who signs URLs: the keys of the options, or what botocore finds on this machine."""

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
    """Return a function that returns the credentials as they are now. It raises NoCredentialsError without any.

    Keys that are options need no botocore. Others renew themselves; each time they say until when they work.
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
        # Asked for each time: a forked child must not wait for a lock that a thread of its parent held.
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
        # botocore keeps it to itself, but nothing else tells until when a role's credentials work.
        expiry = getattr(source, "_expiry_time", None)
        # They may have been renewed in between, and the end would be that of others.
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
