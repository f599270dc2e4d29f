"""The options of a storage: each one declared once, with its type, default, settings, group and description."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from functools import cache
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from s3store.core.parts import GIB, MIB
from s3store.core.secret import Unpicklable

BUCKET = "Bucket and location"
CREDENTIALS = "Credentials"
CONNECTION = "Server and connection"
SAVING = "Saving"
UPLOADS = "Direct uploads"
STATIC = "Static files"
COMPRESSION = "Compression"
URLS = "URLs"


def _option(
    group: str,
    default: Any,
    *settings: str,
    env: str = "",
    secret: bool = False,
    shown: bool = True,
    connects: bool | None = None,
) -> Any:
    """Declare an option. `connects`: storages that differ in it need different boto3 clients."""
    if connects is None:
        connects = group in (CREDENTIALS, CONNECTION)
    metadata = {"group": group, "settings": settings, "env": env, "secret": secret, "connects": connects}
    return field(default=default, repr=shown and not secret, metadata=metadata)


_COMPRESSIBLE = (
    *(f"text/{kind}" for kind in ("css", "csv", "html", "javascript", "markdown", "plain")),
    *(f"application/{kind}" for kind in ("javascript", "json", "manifest+json", "wasm", "x-javascript", "xml")),
    *("font/otf", "font/ttf", "image/svg+xml"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options(Unpicklable):
    """The configuration of a storage. An empty string for an option whose default is None counts as missing."""

    bucket_name: str = _option(BUCKET, "", "AWS_STORAGE_BUCKET_NAME")
    """The name of the bucket. Required before the first request."""

    location: str = _option(BUCKET, "", "AWS_LOCATION")
    """The key prefix of all files of the storage, without a slash at either end: `media` or `acme/media`."""

    region_name: str | None = _option(BUCKET, None, "AWS_S3_REGION_NAME", connects=True)
    """The region of the bucket, such as `eu-central-1`. Without it, botocore's own configuration decides."""

    expected_bucket_owner: str | None = _option(BUCKET, None, "AWS_S3_EXPECTED_BUCKET_OWNER")
    """The AWS account id that must own the bucket. S3 refuses every request if another account owns it."""

    access_key: str | None = _option(
        CREDENTIALS, None, "AWS_S3_ACCESS_KEY_ID", "AWS_ACCESS_KEY_ID", env="AWS_S3_ACCESS_KEY_ID", secret=True
    )
    """The access key id. Give it together with `secret_key`, or give neither."""

    secret_key: str | None = _option(
        CREDENTIALS,
        None,
        "AWS_S3_SECRET_ACCESS_KEY",
        "AWS_SECRET_ACCESS_KEY",
        env="AWS_S3_SECRET_ACCESS_KEY",
        secret=True,
    )
    """The secret access key. It is never shown, logged, pickled or written into a migration."""

    security_token: str | None = _option(
        CREDENTIALS, None, "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN", env="AWS_S3_SESSION_TOKEN", secret=True
    )
    """The session token of temporary credentials. It is used only with keys from the same source."""

    session_profile: str | None = _option(CREDENTIALS, None, "AWS_S3_SESSION_PROFILE", env="AWS_S3_SESSION_PROFILE")
    """A profile of the AWS configuration files, instead of keys."""

    anonymous: bool = _option(CREDENTIALS, False, "AWS_S3_ANONYMOUS")
    """Send unsigned requests and return unsigned URLs. For public buckets."""

    provider: str | None = _option(CONNECTION, None, "AWS_S3_PROVIDER", connects=False)
    """The S3 provider: `r2`, `b2`, `minio` … It sets the endpoint, the region, the addressing style, and switches off
    what the server does not support. Options that you give take precedence."""

    account_id: str | None = _option(CONNECTION, None, "AWS_S3_ACCOUNT_ID", connects=False)
    """The account id that is part of a provider's host name: the Cloudflare account id for `r2`."""

    endpoint_url: str | None = _option(CONNECTION, None, "AWS_S3_ENDPOINT_URL")
    """The URL of a server that is not AWS: scheme, host and port, without the bucket."""

    addressing_style: str | None = _option(CONNECTION, None, "AWS_S3_ADDRESSING_STYLE")
    """`virtual` (bucket in the host name), `path` (bucket in the path) or `auto`, which is the default."""

    use_ssl: bool = _option(CONNECTION, True, "AWS_S3_USE_SSL")
    """Use https if `endpoint_url` does not name a scheme."""

    verify: bool | str | None = _option(CONNECTION, None, "AWS_S3_VERIFY")
    """The path of a CA bundle that verifies the server's certificate. False switches the verification off."""

    proxies: Mapping[str, str] | None = _option(CONNECTION, None, "AWS_S3_PROXIES", secret=True)
    """Proxy servers by scheme: `{"https": "http://proxy:3128"}`. Treated as a secret, as it may hold a password."""

    signature_version: str | None = _option(CONNECTION, None, "AWS_S3_SIGNATURE_VERSION", connects=False)
    """`s3v4`, which is also the default. Other versions are refused: SigV2 does not limit the lifetime of URLs."""

    client_config: Any = _option(CONNECTION, None, "AWS_S3_CLIENT_CONFIG", shown=False)
    """A `botocore.config.Config`, or a dict of its arguments. It takes precedence over options for the same thing."""

    max_pool_connections: int = _option(CONNECTION, 50, "AWS_S3_MAX_POOL_CONNECTIONS")
    """The number of connections that the process keeps open for this configuration. Further threads use connections
    that are closed after each request."""

    connect_timeout: float = _option(CONNECTION, 5.0, "AWS_S3_CONNECT_TIMEOUT")
    """Seconds to wait for a connection before the next attempt."""

    read_timeout: float = _option(CONNECTION, 20.0, "AWS_S3_READ_TIMEOUT")
    """Seconds to wait for data from the server before the next attempt."""

    max_attempts: int = _option(CONNECTION, 8, "AWS_S3_MAX_ATTEMPTS")
    """The maximum number of attempts of a request, including the first."""

    total_timeout: float = _option(CONNECTION, 25.0, "AWS_S3_TOTAL_TIMEOUT", connects=False)
    """Seconds after which no further attempt of a request starts, so that a web request does not wait for a server that
    is busy or away. With the last attempt, a request takes at most `read_timeout` more. Management commands use at
    least 300."""

    checksums: str = _option(CONNECTION, "auto", "AWS_S3_CHECKSUMS")
    """`when_supported`: boto3 adds its own checksums to every upload. `when_required`: boto3 adds them only where S3
    requires one, and uploads carry Content-MD5, which all servers know. `auto`: `when_supported` on AWS,
    `when_required` on other servers."""

    file_overwrite: bool = _option(SAVING, False, "AWS_S3_FILE_OVERWRITE")
    """Let `save` replace an existing file. If False, `save` chooses another name."""

    conditional_writes: bool = _option(SAVING, True, "AWS_S3_CONDITIONAL_WRITES")
    """The server supports `If-None-Match: *`. If False, `save` checks whether the name exists before it writes. That
    costs one more request, and two simultaneous saves can use the same name."""

    default_acl: str | None = _option(SAVING, None, "AWS_DEFAULT_ACL")
    """The canned ACL of new objects. None sends no ACL: buckets created since April 2023 refuse ACLs."""

    object_parameters: Mapping[str, Any] | Callable[[str], Mapping[str, Any]] | None = _option(
        SAVING, None, "AWS_S3_OBJECT_PARAMETERS"
    )
    """Parameters of PutObject for every object (CacheControl, ServerSideEncryption …), or a function that takes the
    name and returns them. Overriding `get_object_parameters(name)` in a subclass has the same effect."""

    headers: Mapping[str, Mapping[str, Any]] | None = _option(SAVING, None, "AWS_S3_HEADERS")
    """Object parameters by name pattern: `{"*.woff2": {"CacheControl": "public, max-age=86400"}}`. They are applied
    over `object_parameters`, in the given order. `*` also matches slashes."""

    transfer_config: Any = _option(SAVING, None, "AWS_S3_TRANSFER_CONFIG")
    """A `boto3.s3.transfer.TransferConfig`, or a dict of its arguments. `multipart_threshold`, `multipart_chunksize`
    (bytes), `max_concurrency` and `use_threads` have an effect."""

    use_threads: bool = _option(SAVING, True, "AWS_S3_USE_THREADS")
    """Send the parts of a large upload in parallel. If False, neither a storage nor a command for it starts threads."""

    file_buffer_size: int | None = _option(SAVING, None, "AWS_S3_FILE_BUFFER_SIZE")
    """Bytes that a file opened for writing collects before it sends them as a part, at least 5 MiB. None: the
    `multipart_chunksize` of `transfer_config`, which is 8 MiB by default."""

    max_memory_size: int = _option(SAVING, 8 * MIB, "AWS_S3_MAX_MEMORY_SIZE")
    """Bytes of a file to keep in memory when the whole file has to be buffered. Larger files use a temporary file.
    0: always in memory."""

    file_name_charset: str = _option(SAVING, "utf-8", "AWS_S3_FILE_NAME_CHARSET")
    """For compatibility with django-storages. S3 keys are UTF-8, so `utf-8` is the only allowed value."""

    max_upload_size: int = _option(UPLOADS, 100 * MIB, "AWS_S3_MAX_UPLOAD_SIZE")
    """The maximum size in bytes of a file that a browser uploads directly, where the field or destination sets none."""

    upload_method: str = _option(UPLOADS, "auto", "AWS_S3_UPLOAD_METHOD")
    """How browsers send files of up to 32 MiB: `post` (a form whose policy S3 enforces), `put` (for servers without
    POST policies) or `auto`: `put` for Cloudflare R2, Backblaze B2 and Google Cloud Storage, otherwise `post`."""

    upload_checksum: str | None = _option(UPLOADS, None, "AWS_S3_UPLOAD_CHECKSUM")
    """`crc32`: browsers send a CRC-32 of each file and part, and S3 refuses bytes that have changed on their way. The
    CORS rule must allow the header `x-amz-checksum-crc32`. None: no checksum; TLS protects the bytes too."""

    upload_permission: Callable[..., bool] | str | None = _option(UPLOADS, None, "AWS_S3_UPLOAD_PERMISSION")
    """The permission for the endpoint `signed-url/`, which needs no field: a function of the request that returns True
    or False, or its dotted path. None: users who are logged in."""

    keep_only_hashed: bool = _option(STATIC, False, "AWS_S3_KEEP_ONLY_HASHED")
    """Let collectstatic publish only names that contain a hash. References that do not use `{% static %}` then point
    to files that do not exist."""

    gzip: bool = _option(COMPRESSION, False, "AWS_IS_GZIPPED")
    """Compress files of the types in `gzip_content_types` if that makes them smaller."""

    brotli: bool = _option(COMPRESSION, False, "AWS_S3_BROTLI")
    """Compress files of the types in `gzip_content_types` with Brotli if that makes them smaller, and smaller than
    with `gzip` if both are on. Needs the extra s3store[brotli]."""

    gzip_content_types: Iterable[str] = _option(COMPRESSION, _COMPRESSIBLE, "GZIP_CONTENT_TYPES")
    """The content types that `gzip` and `brotli` compress."""

    max_inflated_size: int = _option(COMPRESSION, GIB, "AWS_S3_MAX_INFLATED_SIZE")
    """The maximum size in bytes of a compressed object after decompression. It protects against decompression bombs.
    0: no limit."""

    querystring_auth: bool = _option(URLS, True, "AWS_QUERYSTRING_AUTH")
    """Sign URLs. If False, `url()` returns unsigned URLs, which work only for public objects."""

    querystring_expire: int | timedelta = _option(URLS, 3600, "AWS_QUERYSTRING_EXPIRE")
    """The lifetime of a signed URL: seconds or a `timedelta`, at most 7 days."""

    url_window: float = _option(URLS, 0.5, "AWS_S3_URL_WINDOW")
    """The share of its lifetime, at most 0.5, during which a file has the same signed URL, so that browsers and CDNs
    can cache the file. 0 signs each URL separately."""

    public_names: Iterable[str] | Callable[[str], bool] = _option(URLS, (), "AWS_S3_PUBLIC_NAMES")
    """Patterns of names whose URLs are not signed although `querystring_auth` is on: `("thumbnails/*",)`; `*` also
    matches slashes. Or a function that takes the name. It does not make an object public: use a bucket policy."""

    public_endpoint_url: str | None = _option(URLS, None, "AWS_S3_PUBLIC_ENDPOINT_URL")
    """The URL at which browsers reach the server, if it differs from `endpoint_url`. File URLs use it and are signed
    for it."""

    url_protocol: str = _option(URLS, "https:", "AWS_S3_URL_PROTOCOL")
    """The scheme of URLs at `custom_domain`."""

    custom_domain: str | None = _option(URLS, None, "AWS_S3_CUSTOM_DOMAIN")
    """A host, optionally with a path, that serves the bucket: `cdn.example.com`. File URLs use it instead of the S3
    host. They are signed for CloudFront if `cloudfront_key` is set, otherwise for S3."""

    cloudfront_key_id: str | None = _option(URLS, None, "AWS_CLOUDFRONT_KEY_ID", secret=True)
    """The id of the CloudFront public key that belongs to `cloudfront_key`."""

    cloudfront_key: str | bytes | Mapping[str, str | bytes] | None = _option(
        URLS, None, "AWS_CLOUDFRONT_KEY", secret=True
    )
    """The private key, in PEM form, that signs URLs at `custom_domain` for CloudFront. Or several keys by their ids;
    then `cloudfront_key_id` names the one to use."""

    cloudfront_hash: str = _option(URLS, "SHA1", "AWS_CLOUDFRONT_HASH")
    """The hash algorithm of CloudFront signatures: `SHA1`, CloudFront's default, or `SHA256`, which adds a parameter
    to each URL."""

    cloudfront_signer: Any = _option(URLS, None, secret=True)
    """An object with `generate_presigned_url(url, date_less_than=…)` that signs URLs at `custom_domain`, such as
    botocore's CloudFrontSigner. It replaces `cloudfront_key_id` and `cloudfront_key` of later sources. If you set it
    to None, these are not used, and URLs at `custom_domain` are signed only if `querystring_auth` is set too."""


FIELDS = {option.name: option for option in fields(Options)}
GROUPS = tuple(dict.fromkeys(option.metadata["group"] for option in FIELDS.values()))
SECRETS = frozenset(name for name, option in FIELDS.items() if option.metadata["secret"])
CONNECTS = tuple(name for name, option in FIELDS.items() if option.metadata["connects"])
IDENTITY = tuple(name for name, option in FIELDS.items() if option.metadata["group"] == CREDENTIALS)
"""The options that authenticate requests. They are one value: parts from different sources are never combined."""


@cache
def types_of(name: str) -> tuple[type, ...]:
    """Return the classes that a value of an option can have: (object,) if it can have any."""
    hint = _hints()[name]
    hints = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    plain = (object if hint is Any else get_origin(hint) or hint for hint in hints)
    return tuple(kind for hint in plain for kind in ((int, float) if hint is float else (hint,)))


@cache
def _hints() -> dict[str, Any]:
    return get_type_hints(Options)
