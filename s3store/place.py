"""Where a bucket's URLs lead and who signs them, worked out without a client and without a request."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from django.views.decorators.debug import sensitive_variables

from s3store import client, errors, sessions
from s3store.core import urls
from s3store.core.sigv4 import Credentials
from s3store.options import Options
from s3store.translate import reraise

_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


class Place:
    """A bucket as browsers reach it: at `custom_domain`, else at `public_endpoint_url`, else at the endpoint."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self.url = self._url()
        parts = urlsplit(self.url)
        self.origin = f"{parts.scheme}://{parts.netloc}"
        # As browsers send it in the Host header.
        self.host = parts.netloc.removesuffix(_DEFAULT_PORTS[parts.scheme])
        self.path = parts.path

    def _url(self) -> str:
        options = self._options
        if options.custom_domain:
            return f"{options.url_protocol}//{options.custom_domain}"
        if options.public_endpoint_url:
            return urls.bucket_url(options.public_endpoint_url, options.bucket_name, options.addressing_style)
        return self._found[0]

    @cached_property
    def region(self) -> str:
        """The region that signs."""
        region = self._found[1]
        return "us-east-1" if region in (None, "", "aws-global") else region

    @cached_property
    def _found(self) -> tuple[str, Any]:
        """The bucket's URL at the endpoint and the region; botocore is asked where the options do not say."""
        options = self._options
        endpoint_url, region = options.endpoint_url, options.region_name
        try:
            if options.client_config is not None:
                return client.ask_botocore(options)
            if not endpoint_url or not region:
                ambient = sessions.ambient(options)
                if ambient.special and not endpoint_url:
                    return client.ask_botocore(options)
                region = region or ambient.region_name
                endpoint_url = endpoint_url or ambient.endpoint_url
        except client.request_errors() as exc:
            reraise(exc, operation="url", bucket=options.bucket_name)
        endpoint_url = endpoint_url or urls.aws_endpoint(region, scheme="https" if options.use_ssl else "http")
        return urls.bucket_url(endpoint_url, options.bucket_name, options.addressing_style), region


@sensitive_variables()
def credentials_of(options: Options) -> Callable[[], Credentials]:
    """Return a function that returns the credentials as they are now. Raises NoCredentialsError without any.

    Keys that are options need no botocore. Others renew themselves; each time they say until when they work.
    """
    if options.anonymous:
        raise errors.build(
            errors.NoCredentialsError, "the storage is anonymous", operation="url", bucket=options.bucket_name
        )
    if options.access_key and options.secret_key:
        fixed = Credentials(
            access_key=options.access_key, secret_key=options.secret_key, token=options.security_token or None
        )
        return lambda: fixed
    try:
        source = sessions.find_credentials(options)
    except client.request_errors() as exc:
        reraise(exc, operation="url", bucket=options.bucket_name)
    if source is None:
        raise errors.build(
            errors.NoCredentialsError, "no credentials were found", operation="url", bucket=options.bucket_name
        )
    return lambda: _current(source, options.bucket_name)


@sensitive_variables()
def _current(source: Any, bucket: str) -> Credentials:
    try:
        frozen = source.get_frozen_credentials()
    except client.request_errors() as exc:
        reraise(exc, operation="url", bucket=bucket)
    # botocore keeps it to itself, but nothing else tells until when a role's credentials work.
    expiry = getattr(source, "_expiry_time", None)
    return Credentials(
        access_key=frozen.access_key,
        secret_key=frozen.secret_key,
        token=frozen.token or None,
        expires_at=expiry.timestamp() if expiry else None,
    )
