"""The endpoint of a bucket's URLs, found without a client and without a request."""

from __future__ import annotations

from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from django.views.decorators.debug import sensitive_variables

from s3store.conf.options import Options
from s3store.core import sigv4, urls
from s3store.wire import client, sessions
from s3store.wire.translate import reraise

_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


class Endpoint:
    """A bucket as browsers reach it: at `custom_domain`, else at `public_endpoint_url`, else at the endpoint."""

    def __init__(self, options: Options) -> None:
        self._options = options
        parts = urlsplit(self._url())
        # As browsers send it in the Host header.
        netloc = parts.netloc.lower()
        self.host = netloc.removesuffix(_DEFAULT_PORTS.get(parts.scheme, ""))
        # The development twin has only a path, at the origin of the page.
        self.origin = f"{parts.scheme}://{netloc}" if netloc else ""
        self.path = parts.path
        self.url = f"{self.origin}{self.path}"

    def _url(self) -> str:
        options = self._options
        if options.custom_domain:
            return f"{options.url_protocol}//{options.custom_domain}"
        if options.public_endpoint_url:
            return urls.bucket_url(str(options.public_endpoint_url), options.bucket_name, options.addressing_style)
        return self._found[0]

    @sensitive_variables()
    def presign(self, method: str, key: str, **signing: Any) -> str:
        """Return the presigned URL of an object. `signing`: the other arguments of `core.sigv4.presign`."""
        path = f"{self.path}/{urls.quote_key(key)}"
        return f"{self.origin}{path}?{sigv4.presign(method, self.host, path, region=self.region, **signing)}"

    @cached_property
    def region(self) -> str:
        """The region in signatures."""
        region = self._found[1]
        return "us-east-1" if region in (None, "", "aws-global") else region

    @cached_property
    def _found(self) -> tuple[str, Any]:
        """The bucket's URL at the endpoint and the region; from botocore where the options do not name them."""
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
