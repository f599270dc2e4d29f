"""Probe 0: what this machine says, before the first request to the bucket."""

from __future__ import annotations

from urllib.parse import urlsplit

from s3store.core import providers
from s3store.operations.doctor.examination import Examination
from s3store.wire import chain, sessions
from s3store.wire.chain import Chain

_SOON = 900
_SLOW = 0.9

_SSO = {
    "SSOTokenLoadError",
    "UnauthorizedSSOTokenError",
    "TokenRetrievalError",
}


def examine_credentials(examined: Examination) -> None:
    """Find out where the credentials come from, and whether they can work."""
    options = examined.options
    if options.anonymous:
        examined.note("Requests are not signed (anonymous).")
        return
    found = examined.chain = chain.chain_of(options)
    if found.failure:
        _failed(examined, found)
    if not found.source:
        _none(examined, found)
    if found.is_temporary and not found.has_token:
        examined.end("token-missing", f"the credentials come from: {_source(examined)}")
    left = None if found.expires_at is None else found.expires_at - examined.clock()
    until = "" if left is None else f", until {_minutes(left)} minutes from now"
    if left is not None and left < _SOON:
        examined.found("credentials-end", f"the credentials come from: {found.source}", minutes=_minutes(left))
    examined.note(f"Credentials: {_source(examined)}{until}.")


def _minutes(seconds: float) -> str:
    return str(int(seconds // 60))


def _source(examined: Examination) -> str:
    """Return where the credentials come from: the setting, if it is one."""
    sources = examined.storage.resolve().sources
    return sources.get("access_key") or examined.chain.source


def _failed(examined: Examination, found: Chain) -> None:
    seen = f"{found.failure}: {found.text}"
    if found.failure == "PartialCredentialsError":
        examined.end("half-credentials", seen)
    if found.failure == "ProfileNotFound":
        examined.end("profile-missing", seen, profiles=", ".join(found.profiles) or "none")
    if found.failure in _SSO:
        examined.end("sso-expired", seen, profile=found.profile or "default")
    if found.failure == "ClientError":
        examined.end("role-refused", seen)
    examined.end("credentials-failed", seen)


def _none(examined: Examination, found: Chain) -> None:
    asked = ", ".join(link.name for link in found.links)
    slow = any(link.name == chain.NAMES["iam-role"] and link.seconds > _SLOW for link in found.links)
    address = chain.metadata_accepts(examined.options) if slow else ""
    if address:
        examined.end("metadata-silent", "the request for a token timed out", address=address)
    examined.end("no-credentials", "", links=asked)


def examine_account(examined: Examination) -> None:
    """Ask STS for the account of the credentials, if there is one: on AWS, or where it is configured."""
    if examined.options.anonymous or not sessions.has_endpoint(examined.options, "sts"):
        return
    arn = chain.caller_of(examined.options)
    if arn:
        examined.account = arn
        examined.note(f"Account: {arn}.")
    if arn.endswith(":root"):
        examined.found("root-user", arn)


def examine_endpoint(examined: Examination) -> None:
    """Find an endpoint that cannot be right, wherever it is configured."""
    bucket = examined.bucket
    ambient = sessions.ambient(examined.options)
    configured = examined.options.endpoint_url or ambient.endpoint_url or ""
    if configured:
        try:
            parts = urlsplit(configured)
            hostname = parts.hostname or ""
            _ = parts.port  # raises ValueError, as boto3 would do at the first request
        except ValueError:
            parts, hostname = urlsplit(""), ""
        if parts.scheme not in ("http", "https") or not hostname:
            bare = configured.rpartition("://")[2]
            examined.end("endpoint-invalid", f"the endpoint is {configured!r}", endpoint=repr(configured), host=bare)
        if bucket in parts.path.split("/"):
            examined.end("bucket-in-endpoint", f"the endpoint is {configured}", endpoint=configured)
        if hostname.startswith(f"{bucket}."):
            wanted = configured.replace(f"{bucket}.", "", 1)
            examined.end("bucket-in-host", f"the endpoint is {configured}", host=hostname, endpoint=wanted)
    try:
        endpoint = examined.endpoint
    except ValueError as error:
        seen = f"{type(error).__name__}: {error}"
        region = examined.options.region_name or ambient.region_name or ""
        if region and not providers.is_host_part(region):
            examined.end("region-invalid", seen, region=repr(region))
        examined.end("endpoint-invalid", seen, endpoint=repr(configured), host="s3.example.com")
    virtual = examined.options.addressing_style == "virtual" or examined.on_aws
    if "." in bucket and virtual and endpoint.startswith("https:"):
        examined.found("bucket-with-dots", f"the bucket is {bucket!r}")
