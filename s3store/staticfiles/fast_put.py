"""Small objects by a presigned PUT of our own, over the client's connections: the same request for a third of the cost.

boto3 needs most of a millisecond to validate, serialise, sign and parse one small request, and threads do not change
that. If the first attempt does not succeed, boto3 takes over, with its retries, redirects and errors.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from django.views.decorators.debug import sensitive_variables

from s3store.conf.options import Options
from s3store.core import headers
from s3store.core.digests import content_md5
from s3store.core.info import ObjectInfo
from s3store.core.parameters import Params
from s3store.files.upload import Upload
from s3store.links.credentials import credentials_of
from s3store.links.endpoint import Endpoint
from s3store.wire import client
from s3store.wire.bucket import Bucket

_EXPIRES = 900


class FastUpload(Upload):
    """Writes objects like Upload, but sends those that fit into one request as a fast PUT. It replaces objects."""

    def __init__(self, bucket: Bucket, options: Options, clock: Callable[[], float] = time.time) -> None:
        super().__init__(bucket, options)
        self._clock = clock
        # With a client_config the connections can have any configuration, and anonymous requests are not signed.
        self._usable = bucket.over_http and options.client_config is None and not options.anonymous
        if self._usable:
            self._endpoint = Endpoint(replace(options, custom_domain=None, public_endpoint_url=None))
            self._credentials = credentials_of(options)

    def put(self, key: str, body: bytes, params: Params, *, create: bool) -> ObjectInfo:
        """Write a small object in one request."""
        if self._usable and not create:
            with self.bucket.changing(key):
                info = self._sent(key, body, params)
            if info:
                return info
        return super().put(key, body, params, create=create)

    @sensitive_variables()
    def _sent(self, key: str, body: bytes, params: Params) -> ObjectInfo | None:
        try:
            wanted = headers.headers_of(self.bucket.owned(params))
        except ValueError:
            # A customer-provided encryption key: boto3 knows how to send it.
            return None
        wanted["Content-MD5"] = content_md5(body)
        url = self._endpoint.presign(
            "PUT",
            key,
            credentials=self._credentials(),
            # All requests of a minute share a stamp, and so the signing key.
            stamp=int(self._clock()) // 60 * 60,
            expires=_EXPIRES,
            headers=wanted,
        )
        answer = client.send(self.bucket.client, "PutObject", "PUT", url, wanted, body)
        # Without an ETag it was not S3 that responded: boto3's request says so.
        if answer is None or answer.status_code != 200 or not answer.headers.get("ETag"):
            return None
        return ObjectInfo(key=key, size=len(body), etag=answer.headers["ETag"])
