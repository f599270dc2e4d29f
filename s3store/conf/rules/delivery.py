"""Rules for URLs: the lifetime, the domain, and encryption."""

from __future__ import annotations

import ipaddress
import re
from datetime import timedelta
from urllib.parse import SplitResult, urlsplit

from s3store.conf.options import Options
from s3store.conf.rules.rule import Findings, rule
from s3store.core import providers, urls
from s3store.core.sigv4 import MAX_EXPIRES

_HOST = r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]+)?"
_DOMAIN = re.compile(rf"{_HOST}(?:/[A-Za-z0-9._~!$&'()+,;=:%-]+)*")


@rule("E004")
def impossible_expiry(options: Options) -> Findings:
    """The lifetime of a signed URL must be between one second and seven days."""
    expire = options.querystring_expire
    seconds = expire.total_seconds() if isinstance(expire, timedelta) else expire
    if not 1 <= seconds <= MAX_EXPIRES:
        yield (
            "querystring_expire",
            f"a signed URL cannot have a lifetime of {seconds:.15g} seconds.",
            f"Set 1 to {MAX_EXPIRES} seconds (7 days). For longer, link to a view that redirects to a new URL.",
        )


@rule("E012")
def impossible_domain(options: Options) -> Findings:
    """The custom domain must be a host, optionally with a path, without a scheme and without a slash at the end."""
    domain = options.custom_domain
    if not domain or _DOMAIN.fullmatch(domain):
        return
    bare = re.sub(r"^(\w+:)?//", "", domain.strip()).strip("/")
    if not domain.isascii():
        yield (
            "custom_domain",
            f"{domain!r} contains non-ASCII characters.",
            "Write the host in punycode (xn--…), and percent-encode the path.",
        )
    elif _DOMAIN.fullmatch(bare):
        yield "custom_domain", f"{domain!r} contains more than a host and a path.", f"Write {bare!r}."
    else:
        yield (
            "custom_domain",
            f"{domain!r} is not a host, optionally with a path.",
            "Write cdn.example.com or cdn.example.com/media.",
        )


@rule("W001")
def unprotected_transport(options: Options) -> Findings:
    """Requests to other machines should be encrypted, and the server's certificate should be verified."""
    endpoint, public = _elsewhere(options.endpoint_url or ""), _elsewhere(options.public_endpoint_url or "")
    domain = _elsewhere(f"{options.url_protocol}//{options.custom_domain}") if options.custom_domain else None
    if endpoint and options.verify is False:
        yield "verify", "the server's certificate is not verified.", "Set the path of its CA bundle instead of False."
    unencrypted = {
        "endpoint_url": endpoint and endpoint.scheme == "http",
        "use_ssl": endpoint and not endpoint.scheme and not options.use_ssl,
        "public_endpoint_url": public and public.scheme == "http",
        "url_protocol": domain and domain.scheme == "http",
    }
    for name, is_so in unencrypted.items():
        if is_so:
            yield name, "files and signed URLs are sent unencrypted.", "Use https."


def _elsewhere(url: str) -> SplitResult | None:
    """Return the parts of a URL, or None if it is invalid or points to this machine."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return None if _is_local(parts.hostname or "") else parts


def _is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@rule("W002")
def domain_without_its_signature(options: Options) -> Findings:
    """A custom domain in front of AWS should serve public files, or have a CloudFront key."""
    signer = options.cloudfront_key or options.cloudfront_signer
    domain = options.custom_domain
    on_aws = not options.endpoint_url or urls.is_aws(options.endpoint_url)
    if not domain or not on_aws or not options.querystring_auth or signer:
        return
    if domain.endswith(".s3.amazonaws.com"):
        yield (
            "custom_domain",
            "URLs are signed, and this host redirects to the one of the region, which breaks the signature.",
            "Remove it: URLs have the host of the bucket without it. For public files, set querystring_auth=False.",
        )
    elif not urls.is_aws(f"https://{domain}"):
        yield (
            "custom_domain",
            "URLs at the custom domain are signed for S3, and CloudFront does not accept that signature.",
            "For public files, set querystring_auth=False. For private ones, set cloudfront_key_id and cloudfront_key.",
        )


@rule("W006")
def signed_for_unsigned_domain(options: Options) -> Findings:
    """Signed URLs should use a host for which the provider accepts signatures."""
    provider = providers.PROVIDERS.get(options.provider or "")
    if provider is None or provider.signed_domains or not options.querystring_auth or options.anonymous:
        return
    own_signer = options.cloudfront_key or options.cloudfront_signer
    if options.custom_domain and not own_signer and not _is_host_of_bucket(options):
        yield (
            "custom_domain",
            f"{provider.title} does not accept signatures for a custom domain.",
            "For public files, set querystring_auth=False. For private files, remove custom_domain.",
        )
    if options.public_endpoint_url and not provider.serves(options.public_endpoint_url):
        yield (
            "public_endpoint_url",
            f"{provider.title} accepts signatures only for its own hosts.",
            "Remove it: browsers can reach the endpoint itself.",
        )


def _is_host_of_bucket(options: Options) -> bool:
    """Return whether the custom domain is the host at which the endpoint serves the bucket."""
    try:
        own = [urls.bucket_url(options.endpoint_url or "", options.bucket_name, style) for style in ("virtual", "path")]
    except ValueError:
        return False
    return options.custom_domain in [url.partition("://")[2] for url in own]
