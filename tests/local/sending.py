"""Requests to a twin, by Django's test client, or to a server, as a browser sends them."""

from __future__ import annotations

import base64
import json
import time
import urllib.error
import urllib.request
import uuid
from dataclasses import dataclass
from datetime import datetime, timezone
from xml.etree import ElementTree

from django.test import Client

from s3store.core import sigv4


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A response."""

    status: int
    body: bytes
    headers: dict

    @property
    def code(self):
        """The code of an S3 error, or None."""
        found = ElementTree.fromstring(self.body).find("Code") if self.body.startswith(b"<?xml") else None
        return None if found is None else found.text

    @property
    def said(self):
        return self.status, self.code


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *arguments):
        return None


def request(method, url, body=b"", headers=None, *, client=None, **extra):
    """Send a request and return the answer: to the twin if the URL has no host."""
    headers = dict(headers or {})
    if url.startswith("/"):
        content_type = headers.pop("Content-Type", "")
        environ = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()} | extra
        if method in ("PUT", "POST"):
            environ.setdefault("CONTENT_LENGTH", str(len(body)))
        response = (client or Client(enforce_csrf_checks=True)).generic(method, url, body, content_type, **environ)
        content = b"".join(response.streaming_content) if response.streaming else response.content
        return Answer(status=response.status_code, body=content, headers=dict(response.headers))
    opener = urllib.request.build_opener(_NoRedirect)
    sent = urllib.request.Request(url, data=body, headers=headers, method=method)
    try:
        with opener.open(sent) as answer:
            return Answer(status=answer.status, body=answer.read(), headers=dict(answer.headers))
    except urllib.error.HTTPError as error:
        with error:
            return Answer(status=error.code, body=error.read(), headers=dict(error.headers))


def form_of(fields, body, *, filename="x.bin", end="--\r\n"):
    """Return the body and the content type of a form. `fields`: a dict, or pairs."""
    boundary = uuid.uuid4().hex
    pairs = fields.items() if isinstance(fields, dict) else fields
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in pairs
    ]
    if body is not None:
        parts.append(
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{filename}"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n".encode()
        )
        parts += [body, b"\r\n"]
    return b"".join(parts) + f"--{boundary}{end}".encode(), f"multipart/form-data; boundary={boundary}"


def send(upload, body, *, headers=None, fields=None, **extra):
    """Send a file as a presigned upload says, or otherwise."""
    if upload.method == "PUT":
        return request("PUT", upload.url, body, upload.headers if headers is None else headers, **extra)
    content, content_type = form_of(upload.fields if fields is None else fields, body)
    return request("POST", upload.url, content, {"Content-Type": content_type}, **extra)


@dataclass(frozen=True, kw_only=True)
class Target:
    """Where a form of our own goes, and what signs it."""

    url: str
    bucket: str
    credentials: sigv4.Credentials
    region: str = "us-east-1"

    @classmethod
    def of(cls, storage):
        """Return the bucket of a storage."""
        options = storage.options
        credentials = sigv4.Credentials(access_key=options.access_key, secret_key=options.secret_key)
        url = storage.upload_post("any", max_size=1).url
        return cls(url=url, bucket=options.bucket_name, credentials=credentials, region=options.region_name)

    def form(self, fields, conditions, *, until=600, document=None, **changes):
        """Return the fields of a signed form. `document` replaces the policy. `changes`: fields after signing."""
        stamp = int(time.time())
        signing = {
            "x-amz-algorithm": sigv4.ALGORITHM,
            "x-amz-credential": sigv4.credential(self.credentials, self.region, stamp),
            "x-amz-date": sigv4.timestamp(stamp),
        }
        if document is None:
            end = datetime.fromtimestamp(stamp + until, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
            named = [{name: value} for name, value in signing.items()]
            document = {"expiration": end, "conditions": [{"bucket": self.bucket}, *conditions, *named]}
        text = document if isinstance(document, bytes) else json.dumps(document).encode()
        encoded = base64.b64encode(text)
        signature = sigv4.sign_text(encoded, credentials=self.credentials, region=self.region, stamp=stamp)
        found = {**fields, **signing, "policy": encoded.decode(), "x-amz-signature": signature}
        for name, value in changes.items():
            found[name.replace("_", "-")] = value
        return {name: value for name, value in found.items() if value is not None}

    def post(self, fields, body=b"bar", **extra):
        """Send a form."""
        content, content_type = form_of(fields, body, **extra)
        return request("POST", self.url, content, {"Content-Type": content_type})
