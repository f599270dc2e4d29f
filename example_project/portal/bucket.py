"""Sets the policy and the CORS rule of the bucket with boto3, and checks that both work."""

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

from s3store.local import FakeS3Storage
from s3store.storage import S3ManifestStaticStorage, S3MediaStorage

STATIC_PREFIX = "static/"
# Browsers load ES modules from another origin, and send files to it, only if that origin allows it.
CORS = {
    "CORSRules": [
        {
            "AllowedMethods": ["GET", "HEAD", "PUT", "POST"],
            "AllowedOrigins": ["*"],
            "AllowedHeaders": ["content-type", "if-none-match", "x-amz-checksum-crc32"],
            "MaxAgeSeconds": 7200,
        }
    ]
}


class LocalMediaStorage(FakeS3Storage, S3MediaStorage):
    """The storage of uploaded files without a bucket: the development twin, with the options of S3MediaStorage."""


class StaticStorage(S3ManifestStaticStorage):
    """The storage of static files. Scripts are modules: their imports get the names with a hash, too."""

    support_js_module_import_aggregation = True


def public_static_policy(bucket: str) -> dict[str, Any]:
    """Return the policy that allows everyone to read only the static files."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "PublicStaticFiles",
                "Effect": "Allow",
                "Principal": "*",
                "Action": ["s3:GetObject"],
                "Resource": [f"arn:aws:s3:::{bucket}/{STATIC_PREFIX}*"],
            }
        ],
    }


def make_client(environment: Mapping[str, str]) -> Any:
    """Return an S3 client for the environment variables of the settings."""
    import boto3

    return boto3.client(
        "s3",
        endpoint_url=environment.get("AWS_S3_ENDPOINT_URL") or None,
        region_name=environment.get("AWS_S3_REGION_NAME") or None,
        aws_access_key_id=environment.get("AWS_S3_ACCESS_KEY_ID") or None,
        aws_secret_access_key=environment.get("AWS_S3_SECRET_ACCESS_KEY") or None,
    )


def prepare(client: Any, bucket: str) -> None:
    """Create the bucket if it does not exist, and set its policy and CORS rule."""
    names = {each["Name"] for each in client.list_buckets()["Buckets"]}
    if bucket not in names:
        client.create_bucket(Bucket=bucket)
    client.put_bucket_policy(Bucket=bucket, Policy=json.dumps(public_static_policy(bucket)))
    client.put_bucket_cors(Bucket=bucket, CORSConfiguration=CORS)


def why_unreachable(client: Any, bucket: str) -> str:
    """Request *bucket*, and return the error, or an empty string."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        client.head_bucket(Bucket=bucket)
    except (BotoCoreError, ClientError) as error:
        return str(error)
    return ""


def missing_for_static(url: str, bucket: str) -> list[str]:
    """Request a static file as a browser does. Return the policy or rule that *bucket* needs."""
    request = urllib.request.Request(url, headers={"Origin": "http://127.0.0.1"})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310
            allowed = response.headers.get("Access-Control-Allow-Origin")
    except (urllib.error.URLError, TimeoutError) as error:
        policy = json.dumps(public_static_policy(bucket), indent=2)
        return [f"Browsers cannot read the static files ({error}). The bucket needs this policy:\n{policy}"]
    if not allowed:
        rules = json.dumps(CORS["CORSRules"], indent=2)
        problem = "Browsers will not run the script of the upload page, or send files."
        return [f"{problem} The bucket needs this CORS rule:\n{rules}"]
    return []
