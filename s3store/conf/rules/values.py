"""Rules for the types and values of single options."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from s3store.conf.options import FIELDS, SECRETS, Options, types_of
from s3store.conf.rules.rule import Findings, rule
from s3store.core import keys, parameters
from s3store.core.suggest import did_you_mean

_CHECKED_BELOW = ("gzip_content_types", "object_parameters", "public_names")


@rule("E001")
def wrong_type(options: Options) -> Findings:
    """An option must have a value of the right type."""
    for name in FIELDS:
        value, types = getattr(options, name), types_of(name)
        if name in _CHECKED_BELOW or object in types:
            continue
        if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
            yield name, f"{_shown(name, value)} is not {_wanted(types)}.", _correction(name, value, types)
    if isinstance(options.verify, str) and options.verify.lower() in _WORDS:
        word = options.verify
        yield "verify", f"{word!r} is not the path of a CA bundle.", f"Write verify={_WORDS[word.lower()]}."
    if not callable(options.object_parameters) and not isinstance(options.object_parameters, Mapping | None):
        yield "object_parameters", "the value is neither a dict nor a function.", "Set a dict."
    if isinstance(options.gzip_content_types, str):
        yield "gzip_content_types", "the value is a str.", "Set a tuple of content types."
    names = options.public_names
    if isinstance(names, str) or not (callable(names) or isinstance(names, Iterable)):
        yield "public_names", "the value is neither a tuple nor a function.", 'Set a tuple: ("thumbnails/*",).'


_WORDS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


def _shown(name: str, value: object) -> str:
    """Return the value, or only its type if it is long or could contain a secret."""
    plain = isinstance(value, str | int | float | bytes | None)
    if name in SECRETS or not plain or len(repr(value)) > 80 or "@" in repr(value):
        return f"{_article(type(value).__name__)} {type(value).__name__}"
    return repr(value)


def _wanted(types: tuple[type, ...]) -> str:
    names = ["dict" if kind is Mapping else kind.__name__ for kind in types if kind is not type(None)]
    found = [f"{_article(name)} {name}" for name in names] + ["None"] * (type(None) in types)
    return " or ".join(found)


def _article(noun: str) -> str:
    return "an" if noun[0] in "aeiou" else "a"


def _correction(name: str, value: object, types: tuple[type, ...]) -> str:
    """Return the line to write, if the value says what is meant."""
    text = value.strip() if isinstance(value, str) else ""
    if bool in types and text.lower() in _WORDS:
        return f"Write {name}={_WORDS[text.lower()]}."
    if int in types and re.fullmatch(r"[0-9]{1,18}(\.[0-9]{1,9})?", text) and (float in types or text.isdigit()):
        return f"Write {name}={text}."
    return (
        f"Write {name}={FIELDS[name].default!r} for the default."
        if FIELDS[name].default is not None
        else (f"Write {name}=None, or remove it.")
    )


@rule("E005")
def impossible_location(options: Options) -> Findings:
    """The location must not have empty parts, `.` or `..`, and must not start with a slash."""
    try:
        keys.clean_location(options.location)
    except keys.UnsafeNameError as error:
        yield "location", str(error), "Remove the slash at the start, '..' and '//'."


@rule("E007")
def unknown_acl(options: Options) -> Findings:
    """The default ACL must be one of S3's canned ACLs for objects."""
    if options.default_acl is not None and options.default_acl not in parameters.OBJECT_ACLS:
        yield (
            "default_acl",
            f"{options.default_acl!r} is not a canned ACL for objects.",
            f"Use one of {', '.join(parameters.OBJECT_ACLS)}, or None.",
        )


@rule("E008")
def unknown_object_parameters(options: Options) -> Findings:
    """Object parameters must be parameters of PutObject that apply to a whole object."""
    if isinstance(options.object_parameters, Mapping):
        for problem, hint in parameters.object_parameter_problems(options.object_parameters):
            yield "object_parameters", problem, hint
    for pattern, given in (options.headers or {}).items():
        if not isinstance(given, Mapping):
            yield "headers", f"the value of {pattern!r} is not a dict.", 'Write {"*.pdf": {"CacheControl": "…"}}.'
            continue
        for problem, hint in parameters.object_parameter_problems(given):
            yield "headers", f"{pattern!r}: {problem}", hint


_CHOICES: dict[str, tuple[str | None, ...]] = {
    "addressing_style": ("auto", "virtual", "path", None),
    "signature_version": ("s3v4", None),
    "checksums": ("auto", "when_supported", "when_required"),
    "url_protocol": ("https:", "http:"),
    "cloudfront_hash": ("SHA1", "SHA256"),
    "file_name_charset": ("utf-8",),
    "upload_method": ("auto", "post", "put"),
    "upload_checksum": (None, "crc32"),
}


@rule("E010")
def unknown_choice(options: Options) -> Findings:
    """An option with a fixed list of values must have one of them."""
    for name, choices in _CHOICES.items():
        if getattr(options, name) not in choices:
            wanted = ", ".join(repr(choice) for choice in choices)
            yield name, f"{getattr(options, name)!r} is not a valid value.", f"Use one of {wanted}."


@rule("E011")
def impossible_number(options: Options) -> Findings:
    """Timeouts and counts must be positive, and sizes must not be negative."""
    for name in (
        "connect_timeout",
        "read_timeout",
        "total_timeout",
        "max_attempts",
        "max_pool_connections",
        "max_upload_size",
        "file_buffer_size",
    ):
        value = getattr(options, name)
        if value is not None and value <= 0:
            yield name, f"{value} is not positive.", f"Default: {FIELDS[name].default}."
    for name in ("max_memory_size", "max_inflated_size"):
        value = getattr(options, name)
        if value < 0:
            yield name, f"{value} is negative.", "0 means no limit."
    if not 0 <= options.url_window <= 0.5:
        yield (
            "url_window",
            f"{options.url_window:g} is not between 0 and 0.5.",
            "A larger share would leave less than half of its lifetime to a URL that is returned late.",
        )


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
    """A transfer_config that is a dict must have arguments of boto3's TransferConfig."""
    config = options.transfer_config
    for name in config if isinstance(config, Mapping) else ():
        if name not in _TRANSFER_ARGUMENTS:
            hint = did_you_mean(name, _TRANSFER_ARGUMENTS, f"Use {', '.join(_TRANSFER_ARGUMENTS)}.")
            yield "transfer_config", f"{name!r} is not an argument of TransferConfig.", hint


# botocore: "Config Reference".
_CLIENT_ARGUMENTS = (
    "account_id_endpoint_mode",
    "auth_scheme_preference",
    "client_cert",
    "client_context_params",
    "connect_timeout",
    "defaults_mode",
    "disable_request_compression",
    "endpoint_discovery_enabled",
    "ignore_configured_endpoint_urls",
    "inject_host_prefix",
    "max_pool_connections",
    "parameter_validation",
    "proxies",
    "proxies_config",
    "read_timeout",
    "region_name",
    "request_checksum_calculation",
    "request_min_compression_size_bytes",
    "response_checksum_validation",
    "retries",
    "s3",
    "s3_disable_express_session_auth",
    "sigv4a_signing_region_set",
    "signature_version",
    "tcp_keepalive",
    "use_dualstack_endpoint",
    "use_fips_endpoint",
    "user_agent",
    "user_agent_appid",
    "user_agent_extra",
)


@rule("W008")
def unknown_client_arguments(options: Options) -> Findings:
    """A client_config that is a dict should have arguments of botocore's Config."""
    config = options.client_config
    for name in config if isinstance(config, Mapping) else ():
        if name not in _CLIENT_ARGUMENTS:
            hint = did_you_mean(name, _CLIENT_ARGUMENTS, "See botocore's Config.")
            yield "client_config", f"{name!r} is not an argument of botocore's Config.", hint
