"""A few clients per process, one for each configuration.

boto3's clients are thread-safe; its sessions and resources are not. A client is created once under a lock, and again in
a forked child, which must not share TLS connections with its parent.
boto3 is imported for the first client, because its import takes as long as the import of Django. Only this module,
`effort` and `sessions` import boto3 and botocore.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ImproperlyConfigured
from django.views.decorators.debug import sensitive_variables

from s3store.conf.options import CONNECTS, Options
from s3store.core.digests import content_md5
from s3store.wire import sessions
from s3store.wire.effort import note_attempt, note_failure
from s3store.wire.listing import EVENT, take_entries
from s3store.wire.recent import Recent
from s3store.wire.roots import OPERATIONS, note_root

if TYPE_CHECKING:
    from botocore.config import Config
    from mypy_boto3_s3 import S3Client

# The number of resources that a thread keeps.
_RESOURCES = 4

MAX_CLIENTS = 16
"""The number of clients that a process keeps: a client takes megabytes, and holds its credentials."""

_lock = threading.RLock()
_local = threading.local()
_clients: Recent[S3Client] = Recent(MAX_CLIENTS)
_answers: Recent[tuple[str, str]] = Recent(MAX_CLIENTS)


@sensitive_variables()
def get_client(options: Options) -> S3Client:
    """Return this process's boto3 client for the options. Equal options have the same client."""
    key = _key(options)
    found = _clients.get(key)
    if found is None:
        with _lock:
            found = _clients.get(key)
            if found is None:
                found = _make(options)
                # Credentials that appear later on this machine would not reach a client without any.
                if is_unsigned(options) or _has_credentials(found):
                    _clients.keep(key, found)
    return found


def _has_credentials(client: Any) -> bool:
    return client._get_credentials() is not None


@sensitive_variables()
def _key(options: Options) -> tuple[Any, ...]:
    return tuple(_hashable(getattr(options, name)) for name in CONNECTS)


def get_resource(options: Options) -> Any:
    """Return this thread's boto3 resource for the options: it sends its requests by the client of `get_client`.

    boto3: "Resources", "Multithreading or multiprocessing with resources".
    """
    made: dict[int, tuple[Any, Any]] = _local.__dict__.setdefault("resources", {})
    client = get_client(options)
    found = made.get(id(client))
    if found is None:
        if len(made) >= _RESOURCES:
            made.clear()
        with sessions.lend(options) as session:
            resource = session.resource(
                "s3", region_name=client.meta.region_name, endpoint_url=client.meta.endpoint_url
            )
        resource.meta.client = client
        # The client is kept with it, because its id is the key.
        found = made[id(client)] = client, resource
    return found[1]


def _hashable(value: Any) -> Any:
    """Return the value in a form that compares by content: a client_config can be a dict or a Config."""
    if isinstance(value, Mapping):
        return frozenset((name, _hashable(item)) for name, item in value.items())
    if isinstance(value, list | tuple | set):
        return tuple(_hashable(item) for item in value)
    if type(value).__module__ == "botocore.config":
        return _hashable(vars(value))
    return value


def is_unsigned(options: Options) -> bool:
    """Return whether requests and URLs are not signed: `anonymous`, or UNSIGNED in `client_config`."""
    config = options.client_config
    if options.anonymous or config is None:
        return options.anonymous
    from botocore import UNSIGNED

    version = config.get("signature_version") if isinstance(config, Mapping) else config.signature_version
    return version is UNSIGNED


def _start_anew() -> None:
    global _lock
    _lock = threading.RLock()
    _clients.clear()
    _answers.clear()


# Windows has neither fork nor this function.
getattr(os, "register_at_fork", lambda **_: None)(after_in_child=_start_anew)


@sensitive_variables()
def _make(options: Options) -> S3Client:
    on_aws = sessions.is_on_aws(options)
    client = _connect(options, on_aws=on_aws)
    _adapt(client, on_aws=on_aws)
    return client


def _connect(options: Options, *, on_aws: bool, unsigned: bool = False) -> S3Client:
    from botocore import UNSIGNED
    from botocore.config import Config

    config = _config(options, on_aws=on_aws)
    with sessions.lend(options) as session:
        region = options.region_name or session.region_name
        client: S3Client = session.client(
            "s3",
            region_name=region or (None if on_aws else "us-east-1"),
            use_ssl=options.use_ssl,
            endpoint_url=options.endpoint_url,
            verify=options.verify,
            config=config.merge(Config(signature_version=UNSIGNED)) if unsigned else config,
        )
    return client


@sensitive_variables()
def get_other_client(options: Options, service: str, *, seconds: float, use_ssl: bool = True, **config: Any) -> Any:
    """Return a client of another AWS service that connects as the one for S3 does: proxies, certificates, credentials.

    It attempts each request once, for `seconds`. `config` are other arguments of botocore's Config.
    """
    s3 = get_client(options)
    found: Any = s3.meta.config
    limits = {"connect_timeout": seconds, "read_timeout": seconds, "retries": {"total_max_attempts": 1}}
    with sessions.lend(options) as session:
        return session.client(
            service,
            region_name=options.region_name or s3.meta.region_name,
            use_ssl=use_ssl,
            verify=options.verify,
            config=found.merge(type(found)(**limits, **config)),
        )


@sensitive_variables()
def ask_botocore(options: Options) -> tuple[str, str]:
    """Return the bucket's URL and the region of signatures from a client.

    For configurations whose host names only botocore knows: dual-stack, FIPS, acceleration, a `client_config`.
    """
    key = (*_key(options), options.bucket_name)
    answer = _answers.get(key)
    if answer is None:
        found = _connect(options, on_aws=sessions.is_on_aws(options), unsigned=True)
        url = found.generate_presigned_url("get_object", {"Bucket": options.bucket_name, "Key": "k"})
        answer = _answers.keep(key, (url.removesuffix("/k"), found.meta.region_name))
    return answer


def _config(options: Options, *, on_aws: bool) -> Config:
    from botocore import UNSIGNED
    from botocore.config import Config

    checksums: Any = options.checksums
    style: Any = options.addressing_style
    if on_aws and style in (None, "auto"):
        # Without it, botocore signs URLs for the global host, which redirects to the region and breaks the signature.
        # A bucket whose name cannot be part of a host name is still in the path.
        style = "virtual"
    if checksums == "auto":
        checksums = "when_supported" if on_aws else "when_required"
    config = Config(
        signature_version=UNSIGNED if options.anonymous else "s3v4",
        s3={"addressing_style": style, "us_east_1_regional_endpoint": "regional"},
        proxies=dict(options.proxies) if options.proxies else None,
        connect_timeout=options.connect_timeout,
        read_timeout=options.read_timeout,
        max_pool_connections=options.max_pool_connections,
        retries={"mode": "standard", "total_max_attempts": options.max_attempts},
        request_checksum_calculation=checksums,
        response_checksum_validation=checksums,
        tcp_keepalive=True,
    )
    wanted = options.client_config
    if wanted is not None:
        try:
            config = config.merge(Config(**wanted) if isinstance(wanted, Mapping) else wanted)
        except TypeError as error:
            raise ImproperlyConfigured(f"client_config is not valid for botocore's Config: {error}") from None
    return config


def _adapt(client: Any, *, on_aws: bool) -> None:
    """Change the behaviour for which boto3 has no option."""
    from botocore.handlers import add_expect_header

    events = client.meta.events
    # With `Expect: 100-continue`, even a small upload waits one more round trip.
    events.unregister("before-call.s3", add_expect_header)
    events.register("request-created.s3", note_attempt)
    events.register_first("needs-retry.s3", note_failure)
    events.register(EVENT, take_entries)
    for operation in OPERATIONS:
        events.register(f"before-parse.s3.{operation}", note_root)
    for operation in ("PutObject", "UploadPart"):
        events.register(f"before-sign.s3.{operation}", _hash_once)
    if not on_aws:
        events.register("before-call.s3.DeleteObjects", _add_content_md5)


def _hash_once(request: Any, **_: object) -> None:
    """Prevent botocore from hashing a body whose Content-MD5 is signed with SHA-256 too, as it does with http."""
    from botocore.config import Config

    # A request that is only presigned has none.
    config = request.context.get("client_config")
    if config is None or "Content-MD5" not in request.headers:
        return
    if (config.s3 or {}).get("payload_signing_enabled") is None:
        once: Any = {**(config.s3 or {}), "payload_signing_enabled": False}
        request.context["client_config"] = config.merge(Config(s3=once))


def _add_content_md5(params: dict[str, Any], **_: object) -> None:
    """Add Content-MD5, which older servers require, instead of boto3's newer checksums, which they do not know."""
    headers = params["headers"]
    params["context"].get("checksum", {}).pop("request_algorithm", None)
    headers["Content-MD5"] = content_md5(params["body"])
    headers.pop("x-amz-sdk-checksum-algorithm", None)


def request_errors() -> tuple[type[Exception], ...]:
    """Return the exception classes that botocore raises for a request, or while a body is read."""
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError
    from urllib3.exceptions import HTTPError

    # UnicodeError: botocore cannot encode a value.
    return (ClientError, BotoCoreError, HTTPError, OSError, ResponseParserError, UnicodeError)


def sends_own_checksums(client: S3Client) -> bool:
    """Return whether boto3 adds a checksum to every upload of this client."""
    config: Any = client.meta.config
    return bool(config.request_checksum_calculation == "when_supported")


def send(client: Any, operation: str, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Any | None:
    """Send a signed request once, over the client's connections. Returns None if that fails."""
    try:
        return deliver(client, operation, method, url, headers, body)
    except request_errors():
        return None


def deliver(client: Any, operation: str, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Any:
    """Send a request as it is, once, over the client's connections. Redirects are not followed.

    botocore's events include the request, so that it is counted. Raises one of `request_errors` without a response.
    """
    from botocore.awsrequest import AWSPreparedRequest, HeadersDict

    fields: Any = HeadersDict(headers)
    request = AWSPreparedRequest(method, url, fields, body, False)
    for _, answer in client.meta.events.emit(f"before-send.s3.{operation}", request=request):
        if answer is not None:
            return answer
    return client._endpoint.http_session.send(request)
