"""What makes options impossible or unwise: one function a rule, offline.

A storage raises the first error when it is used; the system checks report all of them, warnings too.
"""

from __future__ import annotations

import difflib
import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from s3store.conf import Resolved
from s3store.core import keys, params, urls
from s3store.options import FIELDS, Options

MAX_EXPIRE = 7 * 24 * 3600
"""Seconds that a SigV4 URL may live. AWS: "Authenticating requests: using query parameters"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A rule that options break: the check's id, the option, what is wrong, what to do."""

    id: str
    option: str
    message: str
    hint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A check on options. A `whole` one says nothing about options that are not all there yet."""

    id: str
    find: Callable[[Options], Iterator[tuple[str, str, str]]]
    whole: bool

    @property
    def summary(self) -> str:
        """What holds where the rule is kept, or is wrong where it is broken."""
        return (self.find.__doc__ or "").strip()


RULES: list[Rule] = []


def rule(id: str, *, whole: bool = False) -> Callable[[Any], Any]:  # noqa: A002 (the word of Django's checks)
    """Register a function that yields (option, what is wrong, what to do)."""

    def register(find: Any) -> Any:
        RULES.append(Rule(id=f"s3store.{id}", find=find, whole=whole))
        return find

    return register


def problems(resolved: Resolved, *, warnings: bool = False, whole: bool = True) -> Iterator[Problem]:
    """Yield the rules that the options break, errors only unless `warnings`, each with the place it comes from.

    After an option of a wrong type no other rule is asked: they rely on the types.
    """
    wrong_types = False
    for candidate in RULES:
        if wrong_types or (candidate.whole and not whole):
            continue
        if not warnings and candidate.id.startswith("s3store.W"):
            continue
        for option, message, hint in candidate.find(resolved.options):
            wrong_types = wrong_types or candidate.find is wrong_type
            place = resolved.places.get(option, f"the default of {option}")
            yield Problem(id=candidate.id, option=option, message=f"{place}: {message}", hint=hint)


Findings = Iterator[tuple[str, str, str]]

_TYPES: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(
        ("anonymous", "use_ssl", "use_threads", "file_overwrite", "conditional_writes", "gzip", "querystring_auth"),
        (bool,),
    ),
    **dict.fromkeys(("bucket_name", "location", "url_protocol", "checksums", "file_name_charset"), (str,)),
    **dict.fromkeys(("max_pool_connections", "max_attempts", "max_memory_size", "max_inflated_size"), (int,)),
    **dict.fromkeys(("connect_timeout", "read_timeout"), (int, float)),
    **dict.fromkeys(
        (
            "access_key",
            "secret_key",
            "security_token",
            "session_profile",
            "region_name",
            "endpoint_url",
            "addressing_style",
            "signature_version",
            "default_acl",
            "custom_domain",
            "expected_bucket_owner",
            "cloudfront_key_id",
        ),
        (str, type(None)),
    ),
    "cloudfront_key": (str, bytes, type(None)),
    "querystring_expire": (int, timedelta),
    "verify": (bool, str, type(None)),
    "proxies": (Mapping, type(None)),
}


@rule("E001")
def wrong_type(options: Options) -> Findings:
    """An option has a value of another type than it takes."""
    for name, types in _TYPES.items():
        value = getattr(options, name)
        if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
            wanted = " or ".join("None" if kind is type(None) else kind.__name__ for kind in types)
            yield name, f"the value is a {type(value).__name__}.", f"Give it a {wanted}."
    if not callable(options.object_parameters) and not isinstance(options.object_parameters, Mapping | None):
        yield "object_parameters", "the value is neither a dict nor a function.", "Give it a dict."
    if isinstance(options.gzip_content_types, str):
        yield "gzip_content_types", "the value is one str.", "Give it a tuple of content types."


@rule("E002")
def half_pair(options: Options) -> Findings:
    """Credentials are given by half, or a session token without keys."""
    present, missing = ("access_key", "secret_key") if options.access_key else ("secret_key", "access_key")
    if getattr(options, present) and not getattr(options, missing):
        yield present, f"{present} is given without {missing}.", f"Give {missing} in the same place, or neither."
    if options.security_token and not options.access_key and not options.secret_key:
        yield (
            "security_token",
            "security_token is given without access_key and secret_key.",
            "Give the keys the token was issued with in the same place, or leave all three to the environment.",
        )


@rule("E013", whole=True)
def half_cloudfront_pair(options: Options) -> Findings:
    """A CloudFront key comes with its id."""
    names = ("cloudfront_key_id", "cloudfront_key")
    present, missing = names if options.cloudfront_key_id else reversed(names)
    if getattr(options, present) and not getattr(options, missing):
        yield present, f"{present} is given without {missing}.", f"Give {missing}, or neither."


@rule("E014")
def white_space_in_credentials(options: Options) -> Findings:
    """Credentials hold no white space; files that they are read from end with a line break."""
    for name in ("access_key", "secret_key", "security_token"):
        if any(char.isspace() for char in getattr(options, name) or ""):
            yield name, f"{name} holds white space.", "Strip it: open(path).read().strip()"


@rule("E003")
def two_identities(options: Options) -> Findings:
    """A profile, keys and anonymous access exclude each other."""
    given = [name for name in ("session_profile", "access_key", "anonymous") if getattr(options, name)]
    if len(given) > 1:
        yield given[0], f"{' and '.join(given)} are given together.", "Keep one of them."


@rule("E004")
def impossible_expiry(options: Options) -> Findings:
    """Signed URLs live from one second to seven days."""
    expire = options.querystring_expire
    seconds = expire.total_seconds() if isinstance(expire, timedelta) else expire
    if not 1 <= seconds <= MAX_EXPIRE:
        yield (
            "querystring_expire",
            f"{seconds:g} seconds is no possible life of a signed URL.",
            f"Choose 1 to {MAX_EXPIRE} seconds (7 days); for longer, link to a view that redirects to a fresh URL.",
        )


@rule("E005")
def impossible_location(options: Options) -> Findings:
    """The location is plain parts with single slashes between them."""
    try:
        keys.clean_location(options.location)
    except keys.UnsafeNameError as error:
        yield "location", str(error), "Write it without a slash at the front, without '..' and '//'."


@rule("E006")
def impossible_endpoint(options: Options) -> Findings:
    """The endpoint is a scheme, a host and perhaps a port; the bucket is not part of it."""
    url = options.endpoint_url
    if not url:
        return
    shown = repr(url) if "@" not in url else "the URL"
    hint = "Write it as https://s3.example.com or http://127.0.0.1:9000."
    if "://" not in url and "@" not in url:
        hint = f"Write https://{url}"
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        yield "endpoint_url", f"{shown} is no URL: {error}.", hint
        return
    if parts.scheme not in ("http", "https") or not parts.hostname:
        yield "endpoint_url", f"{shown} has no scheme http or https, or no host.", hint
    elif parts.username or parts.password or parts.query or parts.fragment:
        yield (
            "endpoint_url",
            "the URL holds more than scheme, host, port and path.",
            "Give credentials as access_key and secret_key.",
        )
    elif options.bucket_name and (
        parts.hostname.startswith(f"{options.bucket_name}.") or options.bucket_name in parts.path.split("/")
    ):
        yield (
            "endpoint_url",
            f"{shown} contains the bucket {options.bucket_name!r}.",
            "Give the endpoint without the bucket; addressing_style says where the bucket goes.",
        )


@rule("E007")
def unknown_acl(options: Options) -> Findings:
    """The default ACL is one of S3's canned ACLs for objects."""
    if options.default_acl is not None and options.default_acl not in params.OBJECT_ACLS:
        yield (
            "default_acl",
            f"{options.default_acl!r} is not a canned ACL for objects.",
            f"Use one of {', '.join(params.OBJECT_ACLS)}, or None.",
        )


@rule("E008")
def unknown_object_parameters(options: Options) -> Findings:
    """Object parameters are parameters of PutObject that apply to a whole object."""
    if not isinstance(options.object_parameters, Mapping):
        return
    for problem, hint in params.object_parameter_problems(options.object_parameters):
        yield "object_parameters", problem, hint


@rule("E009")
def impossible_bucket_name(options: Options) -> Findings:
    """A bucket name follows S3's naming rules; other servers allow a few more characters."""
    name = options.bucket_name
    if name and (len(name) > 255 or re.search(r"[^A-Za-z0-9._-]", name)):
        yield (
            "bucket_name",
            f"{name!r} cannot be the name of a bucket.",
            "Give the name alone: no s3://, no ARN, no path. The path is the option location.",
        )


@rule("E010")
def unknown_choice(options: Options) -> Findings:
    """An option with a fixed list of values has one of them."""
    for name, choices in _CHOICES.items():
        if getattr(options, name) not in choices:
            wanted = ", ".join(repr(choice) for choice in choices)
            yield name, f"{getattr(options, name)!r} is not possible.", f"Use one of {wanted}."


_CHOICES: dict[str, tuple[str | None, ...]] = {
    "addressing_style": ("auto", "virtual", "path", None),
    "signature_version": ("s3v4", None),
    "checksums": ("auto", "when_supported", "when_required"),
    "url_protocol": ("https:", "http:"),
    "file_name_charset": ("utf-8",),
}


@rule("E011")
def impossible_number(options: Options) -> Findings:
    """Timeouts and counts are positive; sizes are not negative."""
    for name in ("connect_timeout", "read_timeout", "max_attempts", "max_pool_connections"):
        value = getattr(options, name)
        if value <= 0:
            yield name, f"{value} is not positive.", f"The default is {FIELDS[name].default}."
    for name in ("max_memory_size", "max_inflated_size"):
        value = getattr(options, name)
        if value < 0:
            yield name, f"{value} is negative.", "0 means no limit."


@rule("E012")
def impossible_domain(options: Options) -> Findings:
    """The custom domain is a host, perhaps with a path, without scheme and final slash."""
    domain = options.custom_domain
    if domain and ("//" in domain or domain.endswith("/") or re.search(r"[\s?#@]", domain)):
        host = re.sub(r"^\w+:", "", domain).strip("/ ")
        yield "custom_domain", f"{domain!r} is more than a host and a path.", f"Write {host!r}."


_TRANSFER_ARGUMENTS = (
    "io_chunksize",
    "max_bandwidth",
    "max_concurrency",
    "max_io_queue",
    "multipart_chunksize",
    "multipart_threshold",
    "num_download_attempts",
    "preferred_transfer_client",
    "use_threads",
)


@rule("E015")
def unknown_transfer_arguments(options: Options) -> Findings:
    """A transfer_config that is a dict has the arguments of boto3's TransferConfig."""
    config = options.transfer_config
    for name in config if isinstance(config, Mapping) else ():
        if name not in _TRANSFER_ARGUMENTS:
            near = difflib.get_close_matches(str(name), _TRANSFER_ARGUMENTS, n=1)
            hint = f"Did you mean {near[0]!r}?" if near else f"Use some of {', '.join(_TRANSFER_ARGUMENTS)}."
            yield "transfer_config", f"{name!r} is no argument of TransferConfig.", hint


@rule("W001")
def unprotected_transport(options: Options) -> Findings:
    """Requests to another machine are encrypted and the server's certificate is checked."""
    try:
        parts = urlsplit(options.endpoint_url or "")
    except ValueError:
        return
    local = _is_local(parts.hostname or "")
    if options.verify is False and not local:
        yield "verify", "the server's certificate is not checked.", "Give the path of its CA bundle instead of False."
    scheme = parts.scheme
    if (scheme == "http" or (not scheme and not options.use_ssl)) and not local:
        name = "endpoint_url" if scheme else "use_ssl"
        yield name, "files and signed links travel unencrypted.", "Use https."


def _is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@rule("W002")
def unsigned_private_domain(options: Options) -> Findings:
    """A custom domain either serves public files or has a CloudFront key to sign with."""
    signer = options.cloudfront_key or options.cloudfront_signer
    if options.custom_domain and options.querystring_auth and not signer:
        yield (
            "custom_domain",
            "URLs at the custom domain are not signed although querystring_auth is on.",
            "For public files set querystring_auth=False; for private ones give cloudfront_key_id and cloudfront_key.",
        )


@rule("W003")
def bucket_name_off_the_rules(options: Options) -> Findings:
    """The bucket name is one that AWS would create and that https can serve under its own host name."""
    works = urls.is_bucket_name if options.addressing_style == "path" else urls.virtual_host_works
    if options.bucket_name and not options.endpoint_url and not works(options.bucket_name):
        yield (
            "bucket_name",
            f"{options.bucket_name!r} breaks AWS's bucket naming rules, or has a dot that https cannot serve.",
            "Use lower-case letters, digits and hyphens; with dots set addressing_style='path'.",
        )
