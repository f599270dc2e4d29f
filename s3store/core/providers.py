"""The providers that the option `provider` can name, with presets from their documentation.

If the documentation says nothing about a feature, such as `If-None-Match` on PutObject, the preset switches it off.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from s3store.core import suggest

# RFC 1123, 2.1: a label of a host name.
_HOST_PART = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A provider of S3-compatible storage, or a self-hosted server."""

    title: str
    """The name of the product."""

    endpoint: str | None = None
    """The URL of the endpoint, with options in braces."""

    self_hosted: bool = False
    """Whether users run the server themselves, so that `endpoint_url` is required."""

    region: str | None = None
    """The region in signatures, if there is only one or it does not matter."""

    styles: tuple[str, ...] = ("path", "virtual")
    """The supported addressing styles, with the default first."""

    conditional_writes: bool = False
    """Whether PutObject supports `If-None-Match: *`."""

    acls: bool = True
    """Whether objects can have ACLs."""

    post_forms: bool = True
    """Whether browsers can upload with a form and a POST policy."""

    upload_checksums: bool = False
    """Whether presigned uploads are compared with a CRC-32 in their headers."""

    hosts: tuple[str, ...] = ()
    """The domains of the endpoints."""

    signed_domains: bool = True
    """Whether signed URLs can use a custom domain."""

    @property
    def needs(self) -> tuple[str, ...]:
        """The options that the endpoint depends on."""
        if self.self_hosted:
            return ("endpoint_url",)
        return tuple(name for name in ("account_id", "region_name") if f"{{{name}}}" in (self.endpoint or ""))

    def endpoint_url(self, options: Mapping[str, Any]) -> str | None:
        """Return the endpoint for these options, or None if one is missing or cannot be part of a host name."""
        parts = {name: options.get(name) for name in self.needs}
        if self.endpoint is None or not all(is_host_part(value) for value in parts.values()):
            return None
        return self.endpoint.format_map(parts)

    def region_of(self, url: object) -> str | None:
        """Return the region in the host name of an endpoint, or None if hosts of this provider contain none."""
        before, placeholder, after = (self.endpoint or "").removeprefix("https://").partition("{region_name}")
        host = _host(url) or ""
        region = host.removeprefix(before).removesuffix(after)
        named = placeholder and is_host_part(region) and host == f"{before}{region}{after}"
        return region if named else None

    def serves(self, url: str) -> bool:
        """Return whether the URL of an endpoint belongs to this provider, or has no host."""
        host = _host(url)
        return not self.hosts or not host or f".{host}".endswith(tuple(f".{domain}" for domain in self.hosts))


PROVIDERS: dict[str, Provider] = {
    "aws": Provider(
        title="Amazon S3",
        styles=("virtual", "path"),
        conditional_writes=True,
        upload_checksums=True,
        hosts=("amazonaws.com", "amazonaws.com.cn", "amazonaws.eu"),
    ),
    # Cloudflare: "S3 API compatibility", "Extensions", "Presigned URLs", "Data location".
    "r2": Provider(
        title="Cloudflare R2",
        endpoint="https://{account_id}.r2.cloudflarestorage.com",
        region="auto",
        conditional_writes=True,
        acls=False,
        post_forms=False,
        hosts=("r2.cloudflarestorage.com",),
        signed_domains=False,
    ),
    # Backblaze: "Call the S3-Compatible API", "S3 Compatible API", "Present a Branded S3 Endpoint".
    "b2": Provider(
        title="Backblaze B2",
        endpoint="https://s3.{region_name}.backblazeb2.com",
        acls=False,
        post_forms=False,
        hosts=("backblazeb2.com",),
        signed_domains=False,
    ),
    # DigitalOcean: "Use DigitalOcean Spaces with AWS S3 SDKs", "How to Enable the Spaces CDN".
    "spaces": Provider(
        title="DigitalOcean Spaces",
        endpoint="https://{region_name}.digitaloceanspaces.com",
        styles=("virtual", "path"),
        hosts=("digitaloceanspaces.com",),
        signed_domains=False,
    ),
    # Google: "Simple migration from Amazon S3 to Cloud Storage", "Request preconditions".
    "gcs": Provider(
        title="Google Cloud Storage",
        endpoint="https://storage.googleapis.com",
        region="auto",
        post_forms=False,
        hosts=("googleapis.com",),
    ),
    # Wasabi: "Service URLs for Wasabi's Storage Regions", "REST API Introduction", "Using policies vs ACLs in Wasabi".
    "wasabi": Provider(
        title="Wasabi",
        endpoint="https://s3.{region_name}.wasabisys.com",
        hosts=("wasabisys.com",),
    ),
    # Scaleway: "Understanding Object Storage object operations", "Using conditional writes".
    "scaleway": Provider(
        title="Scaleway Object Storage",
        endpoint="https://s3.{region_name}.scw.cloud",
        styles=("virtual", "path"),
        conditional_writes=True,
        hosts=("scw.cloud",),
    ),
    # Hetzner: "Buckets & objects", "List of supported actions".
    "hetzner": Provider(
        title="Hetzner Object Storage",
        endpoint="https://{region_name}.your-objectstorage.com",
        styles=("virtual", "path"),
        hosts=("your-objectstorage.com",),
        signed_domains=False,
    ),
    # OVHcloud: "Endpoints and Object Storage geoavailability", "How to share an object or file externally".
    "ovh": Provider(
        title="OVHcloud Object Storage",
        endpoint="https://s3.{region_name}.io.cloud.ovh.net",
        styles=("virtual", "path"),
        hosts=("cloud.ovh.net", "cloud.ovh.us"),
    ),
    # Akamai: "Access buckets and files through URLs".
    "linode": Provider(
        title="Linode Object Storage",
        endpoint="https://{region_name}.linodeobjects.com",
        styles=("virtual", "path"),
        hosts=("linodeobjects.com",),
    ),
    # Exoscale: "SOS API", "Simple Object Storage overview".
    "exoscale": Provider(
        title="Exoscale SOS",
        endpoint="https://sos-{region_name}.exo.io",
        hosts=("exo.io",),
    ),
    # Tigris: "Python", "Conditional operations (preconditions)", "Object ACLs", "Moving to Virtual Hosted URLs".
    "tigris": Provider(
        title="Tigris",
        endpoint="https://t3.storage.dev",
        region="auto",
        styles=("virtual",),
        conditional_writes=True,
        hosts=("t3.storage.dev", "storage.tigris.dev"),
    ),
    # MinIO: "S3 API compatibility".
    "minio": Provider(title="MinIO", self_hosted=True, region="us-east-1", conditional_writes=True, acls=False),
    # Tested: the page "Other S3 servers" lists the versions.
    "ceph": Provider(title="Ceph RGW", self_hosted=True, region="us-east-1", conditional_writes=True),
    "seaweedfs": Provider(
        title="SeaweedFS",
        self_hosted=True,
        region="us-east-1",
        conditional_writes=True,
        acls=False,
        upload_checksums=True,
    ),
}


def preset(name: object, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that a provider sets. The given `options` have not been checked.

    Unknown providers set none, and neither does `aws`, for which the defaults are right.
    """
    provider = PROVIDERS.get(name) if isinstance(name, str) and name != "aws" else None
    if provider is None:
        return {}
    values = {
        "region_name": provider.region or provider.region_of(options.get("endpoint_url")),
        "endpoint_url": provider.endpoint_url(options),
        "addressing_style": provider.styles[0],
        "conditional_writes": None if provider.conditional_writes else False,
    }
    return {option: value for option, value in values.items() if value is not None}


def takes_forms(endpoint_url: str | None) -> bool:
    """Return whether the server at an endpoint is expected to accept POST forms."""
    return not any(
        endpoint_url and provider.hosts and provider.serves(endpoint_url)
        for provider in PROVIDERS.values()
        if not provider.post_forms
    )


def without_checksums(name: str | None, endpoint_url: str | None) -> str | None:
    """Return the title of the provider if it does not document CRC-32 of uploads, or None: also if it is unknown."""
    if name in PROVIDERS:
        found = [PROVIDERS[name]]
    else:
        found = [one for one in PROVIDERS.values() if endpoint_url and one.hosts and one.serves(endpoint_url)]
    return next((provider.title for provider in found if not provider.upload_checksums), None)


def _host(url: object) -> str | None:
    try:
        return urlsplit(url).hostname if isinstance(url, str) else None
    except ValueError:
        return None


def is_host_part(value: object) -> bool:
    """Return whether `value` can be a label of a host name."""
    return isinstance(value, str) and bool(_HOST_PART.fullmatch(value))


def nearest(name: str) -> str | None:
    """Return the provider that a wrong name probably means: `cloudflare`, `R2`, `mino`."""
    wanted = name.lower()
    titles = (known for known, provider in PROVIDERS.items() if wanted in provider.title.lower().split())
    return next(titles, None) or suggest.nearest(wanted, PROVIDERS)
