"""Small objects by a light PUT. If the first attempt does not succeed, boto3 takes over."""

from __future__ import annotations

import time
from collections.abc import Callable

from s3store.conf.options import Options
from s3store.core.info import ObjectInfo
from s3store.core.parameters import Params
from s3store.files.upload import Upload
from s3store.links.light import light_of
from s3store.wire.bucket import Bucket


class FastUpload(Upload):
    """Writes objects like Upload, but sends those that fit into one request as a light PUT. It replaces objects."""

    def __init__(self, bucket: Bucket, options: Options, clock: Callable[[], float] = time.time) -> None:
        super().__init__(bucket, options)
        self._light = light_of(bucket, options, clock)

    def put(self, key: str, body: bytes, params: Params, *, create: bool, digest: bytes | None = None) -> ObjectInfo:
        """Write a small object in one request. `digest` is its MD5, if it is known."""
        info = self._light.put(key, body, params, digest=digest) if self._light and not create else None
        return info or super().put(key, body, params, create=create, digest=digest)
