"""Rules for the server, the provider and the bucket."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from s3store.conf.options import Options
from s3store.conf.rules.rule import Findings, rule
from s3store.core import providers, urls


@rule("E006")
def impossible_endpoint(options: Options) -> Findings:
    """An endpoint must be a scheme, a host and optionally a port, without the bucket."""
    for name in ("endpoint_url", "public_endpoint_url"):
        if url := getattr(options, name):
            for message, hint in _endpoint_problems(url, options.bucket_name):
                yield name, message, hint


def _endpoint_problems(url: str, bucket: str) -> Iterator[tuple[str, str]]:
    shown = repr(url) if "@" not in url else "the URL"
    hint = "Write https://s3.example.com or http://127.0.0.1:9000."
    if "://" not in url and "@" not in url:
        hint = f"Write https://{url}"
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        yield f"{shown} is not a URL: {error}.", hint
        return
    if parts.scheme not in ("http", "https") or not parts.hostname:
        yield f"{shown} needs the scheme http or https, and a host.", hint
    elif parts.username or parts.password or parts.query or parts.fragment:
        yield (
            "the URL contains more than a scheme, host, port and path.",
            "Set credentials as access_key and secret_key.",
        )
    elif bucket and (parts.hostname.startswith(f"{bucket}.") or bucket in parts.path.split("/")):
        yield (
            f"{shown} contains the bucket {bucket!r}.",
            "Write the endpoint without the bucket. addressing_style decides where the bucket is added.",
        )


@rule("E009")
def impossible_bucket_name(options: Options) -> Findings:
    """A bucket name must follow the naming rules of S3, or of servers that allow a few more characters."""
    name = options.bucket_name
    if name and (len(name) > 255 or re.search(r"[^A-Za-z0-9._-]", name)):
        yield (
            "bucket_name",
            f"{name!r} is not a bucket name.",
            "Write only the name, without s3://, ARN or path. A path is the option location.",
        )


@rule("E018")
def impossible_region(options: Options) -> Findings:
    """A region must be able to be part of a host name."""
    region = options.region_name
    if region and not providers.is_host_part(region):
        name = re.sub(r"[^a-z0-9]+", "-", region.strip().lower()).strip("-")
        hint = f"Write region_name={name!r}." if providers.is_host_part(name) else "Write eu-central-1 or similar."
        yield "region_name", f"{region!r} is not the name of a region.", hint


@rule("E016")
def unknown_provider(options: Options) -> Findings:
    """The provider must be one that s3store knows."""
    name = options.provider
    if name and name not in providers.PROVIDERS:
        near = providers.nearest(name)
        hint = f"Did you mean {near!r}?" if near else f"Use one of {', '.join(providers.PROVIDERS)}, or None."
        yield "provider", f"{name!r} is not a known provider.", hint


@rule("E017", whole=True)
def no_endpoint_of_provider(options: Options) -> Findings:
    """A provider must have everything that its endpoint is made of."""
    provider = _provider(options)
    if provider is None or options.endpoint_url:
        return
    for name in provider.needs:
        value = getattr(options, name)
        if not value:
            ways = name if name == "endpoint_url" else f"{name}, or endpoint_url"
            yield "provider", f"{options.provider!r} needs {name}.", f"Set {ways}."
        elif not providers.is_host_part(value):
            yield name, f"{value!r} cannot be part of a host name.", "Write only the id or the region, not a URL."
    if provider.endpoint_url({name: getattr(options, name) for name in provider.needs}):
        yield (
            "endpoint_url",
            f"None switches the endpoint of {provider.title} off.",
            "Remove it, or remove provider to use AWS.",
        )


def _provider(options: Options) -> providers.Provider | None:
    return providers.PROVIDERS.get(options.provider or "")


@rule("W042")
def unverified_checksum(options: Options) -> Findings:
    """The checksums of direct uploads need a server that compares them."""
    title = providers.without_checksums(options.provider, options.endpoint_url)
    if options.upload_checksum and title:
        yield (
            "upload_checksum",
            f"{title} does not document that it compares the CRC-32 of presigned uploads, so that browsers send none.",
            "Remove upload_checksum.",
        )


@rule("W003")
def bucket_name_off_the_rules(options: Options) -> Findings:
    """The bucket name should be valid on AWS and, as part of a host name, work with https."""
    works = urls.is_bucket_name if options.addressing_style == "path" else urls.virtual_host_works
    if options.bucket_name and not options.endpoint_url and not works(options.bucket_name):
        yield (
            "bucket_name",
            f"{options.bucket_name!r} violates AWS's bucket naming rules, or has a dot, which fails with https.",
            "Use lower-case letters, digits and hyphens. For a name with dots, set addressing_style='path'.",
        )


# AWS: "AWS service endpoints". The names of regions end with a number; those of their zones with a letter.
_AWS_REGION = re.compile(r"[a-z]{2,5}(-[a-z]+)+-[0-9]{1,2}|aws-global")


@rule("W007")
def unknown_region(options: Options) -> Findings:
    """The region of a bucket on AWS should look like one of AWS's."""
    region = options.region_name
    on_aws = not options.endpoint_url or urls.is_aws(options.endpoint_url)
    if region and on_aws and providers.is_host_part(region) and not _AWS_REGION.fullmatch(region):
        zone = _AWS_REGION.fullmatch(region[:-1])
        hint = (
            f"Write region_name={region[:-1]!r}: a zone is not a region." if zone else "Write eu-central-1 or similar."
        )
        yield "region_name", f"AWS has no region {region!r}.", hint


@rule("W009")
def missing_ca_bundle(options: Options) -> Findings:
    """The CA bundle should exist."""
    if isinstance(options.verify, str) and not Path(options.verify).exists():
        yield (
            "verify",
            f"the file {options.verify!r} does not exist here, and every request needs it.",
            "Correct the path, or remove it to use the certificates of the system.",
        )


@rule("W004")
def contradicted_provider(options: Options) -> Findings:
    """The endpoint, the region, the account and the addressing style should belong to the provider."""
    provider = _provider(options)
    if provider is None:
        return
    if options.endpoint_url and not provider.serves(options.endpoint_url):
        yield (
            "endpoint_url",
            f"the host does not belong to {provider.title}.",
            "Correct the host or provider. For a server of another provider, remove provider.",
        )
    region = provider.region_of(options.endpoint_url)
    if region and options.region_name and options.region_name != region:
        yield (
            "region_name",
            f"requests are signed for {options.region_name!r}, but the endpoint is in {region!r}.",
            "Set the region of the endpoint.",
        )
    if options.account_id and "account_id" not in provider.needs:
        yield "account_id", f"{provider.title} does not use it.", "Remove it."
    if options.addressing_style in ("path", "virtual") and options.addressing_style not in provider.styles:
        yield (
            "addressing_style",
            f"{provider.title} does not support {options.addressing_style!r} for new buckets.",
            "Remove it: the provider has a default.",
        )


@rule("W005")
def acl_without_acls(options: Options) -> Findings:
    """An ACL should be set only if the objects of the provider have ACLs."""
    provider = _provider(options)
    if provider is None or provider.acls:
        return
    parameters = options.object_parameters
    acls = {
        "default_acl": options.default_acl,
        "object_parameters": parameters.get("ACL") if isinstance(parameters, Mapping) else None,
    }
    for name, acl in acls.items():
        if acl:
            yield (
                name,
                f"objects of {provider.title} have no ACLs.",
                "Remove the ACL, and grant access in the configuration of the bucket.",
            )
