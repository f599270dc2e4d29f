"""The options of a storage: each one declared once, with its default, its settings and its description."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from s3store.core.parts import GIB, MIB


def _option(default: Any, *setting: str, env: str = "", secret: bool = False, shown: bool = True) -> Any:
    metadata = {"settings": setting, "env": env, "secret": secret}
    return field(default=default, repr=shown and not secret, metadata=metadata)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a storage is configured with. An empty string for an option whose default is None counts as missing."""

    bucket_name: str = _option("", "AWS_STORAGE_BUCKET_NAME")
    """The bucket. Required as soon as a request is made."""

    location: str = _option("", "AWS_LOCATION")
    """The prefix below which all of the storage's keys are, without slashes at its ends: `media` or `acme/media`."""

    access_key: str | None = _option(
        None, "AWS_S3_ACCESS_KEY_ID", "AWS_ACCESS_KEY_ID", env="AWS_S3_ACCESS_KEY_ID", secret=True
    )
    """The access key id. Given together with `secret_key` or not at all."""

    secret_key: str | None = _option(
        None, "AWS_S3_SECRET_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY", env="AWS_S3_SECRET_ACCESS_KEY", secret=True
    )
    """The secret access key. Never shown, logged, pickled or written into a migration."""

    security_token: str | None = _option(
        None, "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN", env="AWS_S3_SESSION_TOKEN", secret=True
    )
    """The session token of temporary credentials. Used only with keys that come from the same place."""

    session_profile: str | None = _option(None, "AWS_S3_SESSION_PROFILE", env="AWS_S3_SESSION_PROFILE")
    """A profile of the AWS configuration files, instead of keys."""

    anonymous: bool = _option(False, "AWS_S3_ANONYMOUS")
    """Send unsigned requests and make unsigned URLs: for public buckets."""

    provider: str | None = _option(None, "AWS_S3_PROVIDER")
    """Whose S3 it is: `r2`, `b2`, `minio` …; it sets the endpoint, the region, the addressing style and what the
    server cannot do. Options that are given win over it."""

    account_id: str | None = _option(None, "AWS_S3_ACCOUNT_ID")
    """The account that a provider's host name begins with: Cloudflare's account id for `r2`."""

    region_name: str | None = _option(None, "AWS_S3_REGION_NAME")
    """The bucket's region, such as `eu-central-1`. Without it botocore's own configuration decides."""

    endpoint_url: str | None = _option(None, "AWS_S3_ENDPOINT_URL")
    """The server to talk to when it is not AWS: scheme, host and port, without the bucket."""

    public_endpoint_url: str | None = _option(None, "AWS_S3_PUBLIC_ENDPOINT_URL")
    """The same server as browsers reach it, when that is not `endpoint_url`: URLs lead there and are signed for it."""

    addressing_style: str | None = _option(None, "AWS_S3_ADDRESSING_STYLE")
    """`virtual` (bucket in the host name), `path` (bucket in the path) or `auto`, which is the default."""

    use_ssl: bool = _option(True, "AWS_S3_USE_SSL")
    """Use https where `endpoint_url` does not say."""

    verify: bool | str | None = _option(None, "AWS_S3_VERIFY")
    """The file of a CA bundle to check the server's certificate with; False switches the check off."""

    proxies: Mapping[str, str] | None = _option(None, "AWS_S3_PROXIES", secret=True)
    """Proxy servers by scheme: `{"https": "http://proxy:3128"}`. Treated as a secret, as it may hold a password."""

    signature_version: str | None = _option(None, "AWS_S3_SIGNATURE_VERSION")
    """`s3v4`, which is also the default. Other versions are refused: SigV2 has no limit on a URL's life."""

    client_config: Any = _option(None, "AWS_S3_CLIENT_CONFIG", shown=False)
    """A `botocore.config.Config`, or a dict of its arguments; it wins over the options that say the same."""

    transfer_config: Any = _option(None, "AWS_S3_TRANSFER_CONFIG")
    """A `boto3.s3.transfer.TransferConfig`, or a dict of its arguments. `multipart_threshold`,
    `multipart_chunksize` (bytes), `max_concurrency` and `use_threads` are used."""

    use_threads: bool = _option(True, "AWS_S3_USE_THREADS")
    """Send the parts of a large upload in parallel."""

    max_pool_connections: int = _option(50, "AWS_S3_MAX_POOL_CONNECTIONS")
    """How many connections the process keeps for this configuration. Threads beyond it still work, on
    connections that are closed after use."""

    connect_timeout: float = _option(5.0, "AWS_S3_CONNECT_TIMEOUT")
    """Seconds until a connection that is not answered is given up and tried again."""

    read_timeout: float = _option(20.0, "AWS_S3_READ_TIMEOUT")
    """Seconds of silence until a request is given up and tried again."""

    max_attempts: int = _option(8, "AWS_S3_MAX_ATTEMPTS")
    """How often a request is sent at most, the first time included. No new attempt starts after 90 seconds."""

    checksums: str = _option("auto", "AWS_S3_CHECKSUMS")
    """`when_supported`: boto3 adds its own checksums to every upload. `when_required`: only where S3 demands
    one, and Content-MD5 elsewhere, which all servers know. `auto` is the former on AWS and the latter elsewhere."""

    expected_bucket_owner: str | None = _option(None, "AWS_S3_EXPECTED_BUCKET_OWNER")
    """The AWS account id that must own the bucket; S3 refuses every request when another one does."""

    file_overwrite: bool = _option(False, "AWS_S3_FILE_OVERWRITE")
    """Whether `save` may replace an object of that name. When not, it saves under another name."""

    conditional_writes: bool = _option(True, "AWS_S3_CONDITIONAL_WRITES")
    """Whether the server honours `If-None-Match: *`. When not, `save` asks for the name before it writes, which
    costs a request and cannot stop two simultaneous saves from taking one name."""

    default_acl: str | None = _option(None, "AWS_DEFAULT_ACL")
    """The canned ACL of new objects. None sends no ACL: buckets made since April 2023 refuse ACLs."""

    object_parameters: Mapping[str, Any] | Callable[[str], Mapping[str, Any]] | None = _option(
        None, "AWS_S3_OBJECT_PARAMETERS"
    )
    """Parameters of PutObject for every object (CacheControl, ServerSideEncryption …), or a function of the name
    that returns them. Overriding `get_object_parameters(name)` in a subclass does the same."""

    headers: Mapping[str, Mapping[str, Any]] | None = _option(None, "AWS_S3_HEADERS")
    """Object parameters by patterns of the name, over `object_parameters`, the later ones over the earlier:
    `{"*.woff2": {"CacheControl": "public, max-age=86400"}}`; `*` stands for slashes, too."""

    keep_only_hashed: bool = _option(False, "AWS_S3_KEEP_ONLY_HASHED")
    """Whether collectstatic publishes the files with a hash in their names alone. Whatever refers to a file without
    `{% static %}` does not find it then."""

    gzip: bool = _option(False, "AWS_IS_GZIPPED")
    """Compress files of the types in `gzip_content_types` when that makes them smaller."""

    brotli: bool = _option(False, "AWS_S3_BROTLI")
    """Compress files of the types in `gzip_content_types` with Brotli when that makes them smaller, and smaller than
    `gzip` does if it is on, too. Needs the extra s3store[brotli]."""

    gzip_content_types: Iterable[str] = _option(
        (
            "text/css",
            "text/javascript",
            "application/javascript",
            "application/x-javascript",
            "image/svg+xml",
            "application/json",
            "application/manifest+json",
            "application/wasm",
            "application/xml",
            "font/otf",
            "font/ttf",
            "text/csv",
            "text/html",
            "text/markdown",
            "text/plain",
        ),
        "GZIP_CONTENT_TYPES",
    )
    """The content types that `gzip` and `brotli` compress."""

    max_memory_size: int = _option(8 * MIB, "AWS_S3_MAX_MEMORY_SIZE")
    """Bytes that a file may take in memory where it has to be held back as a whole; beyond that it goes to a
    temporary file. 0: always in memory."""

    max_inflated_size: int = _option(GIB, "AWS_S3_MAX_INFLATED_SIZE")
    """Bytes to which a compressed object may grow while it is read, against decompression bombs. 0: no limit."""

    querystring_auth: bool = _option(True, "AWS_QUERYSTRING_AUTH")
    """Sign URLs. Without it, `url()` returns plain URLs, which work for public objects only."""

    querystring_expire: Any = _option(3600, "AWS_QUERYSTRING_EXPIRE")
    """How long a signed URL works: seconds or a `timedelta`, 7 days at most."""

    url_window: float = _option(0.5, "AWS_S3_URL_WINDOW")
    """The part of its life, up to a half, for which the signed URL of a name stays the same, so that browsers and
    CDNs can keep the file. 0 signs each URL anew."""

    public_names: Iterable[str] | Callable[[str], bool] = _option((), "AWS_S3_PUBLIC_NAMES")
    """Patterns of the names whose URLs are not signed although `querystring_auth` is on: `("thumbnails/*",)`; `*`
    stands for slashes, too. Or a function of the name. It makes no object public: a bucket policy does."""

    url_protocol: str = _option("https:", "AWS_S3_URL_PROTOCOL")
    """The scheme of URLs at `custom_domain`."""

    custom_domain: str | None = _option(None, "AWS_S3_CUSTOM_DOMAIN")
    """A host, perhaps with a path, that serves the bucket: `cdn.example.com`. Used in URLs instead of S3's own, and
    signed for: by CloudFront's rules with `cloudfront_key`, by S3's without."""

    cloudfront_key_id: str | None = _option(None, "AWS_CLOUDFRONT_KEY_ID", secret=True)
    """The id of the CloudFront public key that belongs to `cloudfront_key`."""

    cloudfront_key: str | bytes | Mapping[str, str | bytes] | None = _option(None, "AWS_CLOUDFRONT_KEY", secret=True)
    """The private key in PEM form with which URLs at `custom_domain` are signed for CloudFront; or several by their
    ids, of which `cloudfront_key_id` names the one that signs."""

    cloudfront_hash: str = _option("SHA1", "AWS_CLOUDFRONT_HASH")
    """The digest in CloudFront's signatures: `SHA1`, which it takes for granted, or `SHA256`, which URLs then name."""

    cloudfront_signer: Any = _option(None, secret=True)
    """An object with `generate_presigned_url(url, date_less_than=…)` that signs URLs at `custom_domain`, such as
    botocore's CloudFrontSigner; instead of the two above."""

    file_name_charset: str = _option("utf-8", "AWS_S3_FILE_NAME_CHARSET")
    """Kept for settings written for django-storages. S3 keys are UTF-8, and so is the only value."""


FIELDS = {option.name: option for option in fields(Options)}
SECRETS = frozenset(name for name, option in FIELDS.items() if option.metadata["secret"]) - {"object_parameters"}
CREDENTIALS = ("access_key", "secret_key", "security_token", "session_profile", "anonymous")
