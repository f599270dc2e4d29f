"""URLs of files: signed by S3's rules, by CloudFront's, or plain."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone

from s3store import rules
from s3store.core import cloudfront, urls
from s3store.located import Located
from s3store.signing import rsa_signer


class Linked(Located):
    """A storage whose files have URLs."""

    def url(
        self,
        name: str | None,
        parameters: Mapping[str, str] | None = None,
        expire: int | timedelta | None = None,
        http_method: str | None = None,
    ) -> str:
        """Return the file's URL: at `custom_domain` where there is one, else S3's own, signed by default.

        `parameters` are those of GetObject (ResponseContentDisposition …) for a signed URL of S3, and a plain query
        otherwise. `expire` is seconds or a timedelta, 7 days at most.
        """
        options = self.options
        key = self._key(name or "")
        seconds = _seconds(options.querystring_expire if expire is None else expire)
        if options.custom_domain:
            url = urls.object_url(f"{options.url_protocol}//{options.custom_domain}", key, parameters)
            return self._cloudfront(url, seconds) if options.querystring_auth else url
        if options.querystring_auth and not options.anonymous:
            return self._bucket.presign(key, parameters or {}, method=http_method, seconds=seconds)
        return urls.object_url(self._public_base(), key, parameters)

    def _public_base(self) -> str:
        options = self.options
        bucket = self._bucket
        endpoint = options.endpoint_url or bucket.client.meta.endpoint_url
        style = options.addressing_style
        virtual = style == "virtual" or (
            style != "path" and urls.is_aws(endpoint) and urls.virtual_host_works(bucket.name)
        )
        return urls.endpoint_base(endpoint, bucket.name, virtual=virtual)

    def _cloudfront(self, url: str, seconds: int) -> str:
        options = self.options
        if options.cloudfront_signer:
            until = datetime.fromtimestamp(time.time() + seconds, tz=timezone.utc)
            signed: str = options.cloudfront_signer.generate_presigned_url(url, date_less_than=until)
            return signed
        if not (options.cloudfront_key and options.cloudfront_key_id):
            return url
        return cloudfront.signed_url(
            url,
            expires=int(time.time()) + seconds,
            key_id=options.cloudfront_key_id,
            sign=rsa_signer(options.cloudfront_key),
        )


def _seconds(expire: int | timedelta) -> int:
    if isinstance(expire, bool) or not isinstance(expire, int | timedelta):
        raise TypeError(f"expire is seconds or a timedelta, not {expire!r}.")
    seconds = int(expire.total_seconds()) if isinstance(expire, timedelta) else expire
    if not 1 <= seconds <= rules.MAX_EXPIRE:
        raise ValueError(f"A signed URL lives from 1 to {rules.MAX_EXPIRE} seconds (7 days), not {seconds}.")
    return seconds
