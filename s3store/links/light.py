"""The signatures of light requests: in their URLs, as for browsers."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from django.views.decorators.debug import sensitive_variables

from s3store.conf.options import Options
from s3store.links.credentials import credentials_of
from s3store.links.endpoint import Endpoint
from s3store.wire.bucket import Bucket
from s3store.wire.light import Light

_EXPIRES = 900


def light_of(bucket: Bucket, options: Options, clock: Callable[[], float] = time.time) -> Light | None:
    """Return what sends light requests to a bucket, or None where only boto3 can send requests.

    With a client_config the connections can have any configuration, and anonymous requests are not signed.
    """
    if not bucket.over_http or options.client_config is not None or options.anonymous:
        return None
    endpoint = Endpoint(replace(options, custom_domain=None, public_endpoint_url=None))
    credentials = credentials_of(options)

    @sensitive_variables()
    def presign(method: str, key: str, headers: Mapping[str, str]) -> str:
        return endpoint.presign(
            method,
            key,
            credentials=credentials(),
            # All requests of a minute share a stamp, and so the signing key.
            stamp=int(clock()) // 60 * 60,
            expires=_EXPIRES,
            headers=headers,
        )

    return Light(bucket, presign)
