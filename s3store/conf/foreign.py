"""Names of other packages that have no meaning here: attributes and hooks of a storage, and settings.

Each comes with what to do instead. They are those of django-storages 1.x and django-s3-storage 0.15.
"""

from __future__ import annotations

from typing import Any, NoReturn

NAMES = {
    "_clean_name": "Use objects.key(name).",
    "_compress_content": "Set gzip=True and gzip_content_types.",
    "_create_session": "Set session_profile, or declare access_key and secret_key as properties.",
    "_decode_name": "Use objects.name(key).",
    "_encode_name": "Use objects.key(name).",
    "_get_write_parameters": "Use get_object_parameters(name).",
    "_normalize_name": "Use objects.key(name).",
    "_strip_signing_parameters": "Use url(name, signed=False).",
    "accessed_time": "S3 does not record it.",
    "acl": "Use default_acl.",
    "auto_create_bucket": "Create the bucket once, with the console or the AWS CLI.",
    "aws_s3_bucket_name": "Use bucket_name.",
    "config": "Use client_config.",
    "created_time": "Use get_modified_time(name): objects are never changed, only replaced.",
    "default_content_type": "Return ContentType from get_object_parameters(name).",
    "default_s3_settings": "Declare the options as class attributes.",
    "encryption": "Set ServerSideEncryption in object_parameters.",
    "entries": "Use scan() or listdir().",
    "file_class": "Override open().",
    "generate_url": "Use url().",
    "get_cloudfront_signer": "Declare cloudfront_signer, or set cloudfront_key_id and cloudfront_key.",
    "get_default_settings": "Declare the options as class attributes or properties.",
    "isdir": "Use exists('name/').",
    "modified_time": "Use get_modified_time(name).",
    "preload_metadata": "Use scan(), which returns the facts about all files.",
    "reduced_redundancy": "Set StorageClass in object_parameters.",
    "s3_connection": "Use client.",
    "s3_settings_suffix": "Declare the options as class attributes.",
    "secure_urls": "Use url_protocol.",
    "sync_meta": "Run manage.py s3 headers.",
    "unsigned_connection": "Use the client of a storage with anonymous=True.",
}
"""Attributes and methods of a storage. s3store neither has nor calls them."""

REFUSED = ("get_cloudfront_signer", "get_default_settings")
"""Hooks that decide about credentials, places and signatures: ignoring one would use the wrong ones."""

_PARAMETERS = "Set {} in AWS_S3_OBJECT_PARAMETERS."

SETTINGS = {
    # boto, and django-storages before 1.10
    "AWS_AUTO_CREATE_BUCKET": "Create the bucket once, with the console or the AWS CLI.",
    "AWS_BUCKET_ACL": "Set a bucket policy.",
    "AWS_BUCKET_NAME": "Set AWS_STORAGE_BUCKET_NAME.",
    "AWS_DEFAULT_REGION": "Set AWS_S3_REGION_NAME.",
    "AWS_ENCRYPTION": "Remove it.",
    "AWS_HEADERS": "Set AWS_S3_OBJECT_PARAMETERS, with the names of PutObject: CacheControl, Expires.",
    "AWS_ORIGIN": "Set AWS_S3_REGION_NAME.",
    "AWS_PRELOAD_METADATA": "Remove it.",
    "AWS_REDUCED_REDUNDANCY": _PARAMETERS.format("StorageClass"),
    "AWS_S3_CALLING_FORMAT": "Set AWS_S3_ADDRESSING_STYLE.",
    "AWS_S3_ENCRYPTION": _PARAMETERS.format("ServerSideEncryption"),
    "AWS_S3_HOST": "Set AWS_S3_ENDPOINT_URL, with the scheme.",
    "AWS_S3_PORT": "Set AWS_S3_ENDPOINT_URL, with the port.",
    "AWS_S3_PROXY_HOST": "Set AWS_S3_PROXIES.",
    "AWS_S3_PROXY_PORT": "Set AWS_S3_PROXIES.",
    "AWS_S3_SECURE_URLS": 'Set AWS_S3_URL_PROTOCOL to "https:" or "http:".',
    "AWS_S3_USE_SIGV4": "Remove it: signatures are always SigV4.",
    # django-s3-storage
    "AWS_REGION": "Set AWS_S3_REGION_NAME.",
    "AWS_S3_BUCKET_AUTH": "Set AWS_QUERYSTRING_AUTH.",
    "AWS_S3_BUCKET_NAME": "Set AWS_STORAGE_BUCKET_NAME.",
    "AWS_S3_CONTENT_DISPOSITION": _PARAMETERS.format("ContentDisposition"),
    "AWS_S3_CONTENT_LANGUAGE": _PARAMETERS.format("ContentLanguage"),
    "AWS_S3_ENCRYPT_KEY": _PARAMETERS.format("ServerSideEncryption"),
    "AWS_S3_GZIP": "Set AWS_IS_GZIPPED.",
    "AWS_S3_KEY_PREFIX": "Set AWS_LOCATION.",
    "AWS_S3_KMS_ENCRYPTION_KEY_ID": _PARAMETERS.format("SSEKMSKeyId"),
    "AWS_S3_MAX_AGE_SECONDS": "Set AWS_QUERYSTRING_EXPIRE, and CacheControl in AWS_S3_OBJECT_PARAMETERS.",
    "AWS_S3_METADATA": _PARAMETERS.format("Metadata"),
    "AWS_S3_PUBLIC_URL": "Set AWS_S3_CUSTOM_DOMAIN, and AWS_QUERYSTRING_AUTH = False.",
    "AWS_S3_REDUCED_REDUNDANCY": _PARAMETERS.format("StorageClass"),
}
"""Settings, without those that django-s3-storage reads for static files, with `_STATIC` at the end."""


def advice_for(setting: str) -> str | None:
    """Return what to do about a setting of another package, or None if it is not one."""
    found = SETTINGS.get(setting.removesuffix("_STATIC"))
    if found and setting.endswith("_STATIC"):
        return "Write the option into OPTIONS of STORAGES['staticfiles']."
    return found


class ForeignName:
    """An attribute that does not exist, and says what to use instead."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, owner: type) -> NoReturn:
        raise AttributeError(f"{owner.__name__!r} object has no attribute {self.name!r}. {NAMES[self.name]}")
