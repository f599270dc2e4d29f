"""One run over a storage: what it may send, what it has found, and what it must remove again."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, NoReturn
from urllib.parse import urlsplit

from django.views.decorators.debug import sensitive_variables

from s3store.conf.options import SECRETS, Options
from s3store.core import parameters, urls
from s3store.core.parameters import NONE, Parameters, Params
from s3store.core.units import printable
from s3store.links.links import Links
from s3store.operations.doctor import findings
from s3store.operations.doctor.findings import Finding
from s3store.operations.reports import Watcher
from s3store.storage import S3Storage
from s3store.wire.chain import Chain
from s3store.wire.examining import Examiner, Reply
from s3store.wire.objects import Objects, Target

ATTEMPTS = 2
"""The number of attempts of each request: the person who waits wants to know what fails."""

BODY = b"s3store examined this bucket, and deletes this object.\nAsk manage.py s3 doctor."
"""The content of the object that an examination saves."""


class Ended(Exception):  # noqa: N818 (not an error: everything after it would only repeat the finding)
    """A finding ends the examination."""


class Examination:
    """The storage that is examined, for one set of options, and what is known about it so far."""

    def __init__(
        self,
        storage: S3Storage,
        *,
        origins: tuple[str, ...] = (),
        uploads: bool = False,
        watcher: Watcher | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        options = storage.objects.options
        self.storage = storage
        self.origins = origins
        self.uploads = uploads
        self.watcher = watcher or Watcher()
        self.clock = clock
        self.options = replace(options, max_attempts=min(options.max_attempts, ATTEMPTS))
        self.objects = Objects(self.options, storage)
        _ = self.objects.bucket  # it must have a name
        self.examiner = Examiner(self.options, clock)
        self.findings: list[Finding] = []
        self.passed: list[str] = []
        self.requests = 0

        self.chain = Chain()
        self.account = ""
        self.skew = 0.0
        self.listed: Reply = Reply()
        self.may_write = False
        self.is_left = False
        self.accepted = Parameters()
        self.upload = ""
        self.versions: list[str] = []
        self.untold: list[str] = []
        # The + and the space show whether something on the way rewrites paths.
        self.target: Target = self._target(f"s3store-doctor-{secrets.token_hex(8)} +.txt")
        self.missing: Target = self._target(f"s3store-doctor-{secrets.token_hex(8)}.txt")

    def _target(self, name: str) -> Target:
        return self.objects.target(name)

    # What the examination is about

    @property
    def bucket(self) -> str:
        """The name of the bucket."""
        return self.options.bucket_name

    @property
    def signs(self) -> bool:
        """Whether the storage signs its URLs."""
        return self.links.signs

    @property
    def links(self) -> Links:
        """The URLs of the storage."""
        return self.objects.of(Links)

    @property
    def api_links(self) -> Links:
        """URLs at the endpoint itself, whatever host the URLs of files have."""
        return self.objects.of(_api_links)

    @property
    def endpoint(self) -> str:
        """The URL of the server, without the bucket."""
        found: str = self.examiner.client.meta.endpoint_url
        return found

    @property
    def host(self) -> str:
        """The host and port of the server."""
        return urlsplit(self.endpoint).netloc.rpartition("@")[2]

    @property
    def on_aws(self) -> bool:
        """Whether the server is AWS."""
        return urls.is_aws(self.endpoint)

    @property
    def resource(self) -> str:
        """The objects of the storage, as policies name them."""
        return f"arn:aws:s3:::{self.bucket}/{self.objects.prefix('')}*"

    @property
    def shown_key(self) -> str:
        """The key of an object that exists: the one of this examination, or the first one of the listing."""
        entries = self.listed.value.get("Contents") or ()
        return self.target.key if self.may_write or not entries else str(entries[0]["Key"])

    @property
    def has_object(self) -> bool:
        """Whether `shown_key` is the key of an object that exists."""
        return self.may_write or bool(self.listed.value.get("Contents"))

    @property
    def common(self) -> dict[str, str]:
        """Words that many findings use."""
        words = {"bucket": self.bucket, "location": self.objects.prefix("").rstrip("/"), "key": self.target.key}
        with suppress(Exception):  # without a client, there is no endpoint
            words |= {"endpoint": self.endpoint, "host": self.host}
        return words | {"resource": self.resource, "account": self.account or "the account is not known"}

    # Requests

    def ask(self, operation: str, key: str | None = None, params: Params = NONE, **extra: Any) -> Reply:
        """Return what came back for a call of boto3."""
        return self.examiner.ask(operation, key, parameters.for_operation(operation, params), **extra)

    def fetch(self, method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes = b"") -> Reply:
        """Return what came back for a request that is sent as it is."""
        return self.examiner.fetch(method, url, headers, body)

    def own_buckets(self) -> list[str] | None:
        """Return the names of the account's own buckets, or None if it may not list them. One request."""
        return self.examiner.own_buckets()

    def read(self, reply: Reply) -> bytes:
        """Return the content of the response to GetObject, or what arrived of it."""
        return self.examiner.read(reply)

    # Findings

    def found(self, id: str, seen: str = "", *, level: str | None = None, **words: str) -> None:  # noqa: A002
        """Note a finding."""
        shown = {name: self._shown(text) for name, text in {**self.common, **words}.items()}
        self.findings.append(findings.finding(id, self._shown(seen), level=level, **shown))

    def has_found(self, id: str) -> bool:  # noqa: A002
        """Return whether there is a finding with this id."""
        return any(found.id == id for found in self.findings)

    def end(self, id: str, seen: str = "", **words: str) -> NoReturn:  # noqa: A002
        """Note a finding after which there is nothing to examine."""
        self.found(id, seen, **words)
        raise Ended

    def note(self, text: str) -> None:
        """Note what works."""
        self.passed.append(self._shown(text))

    @sensitive_variables()
    def _shown(self, text: str) -> str:
        """Return the text as a terminal may show it, without a secret of the options."""
        for name in SECRETS:
            value = getattr(self.options, name)
            for secret in _strings(value):
                # A short one would be found everywhere. On servers for tests, the key can be the name of the bucket.
                if len(secret) > 3 and secret != self.bucket:
                    text = text.replace(secret, "…")
        return printable(text)


def _strings(value: Any) -> list[str]:
    if isinstance(value, bytes):
        return [value.decode(errors="replace")]
    if isinstance(value, Mapping):
        return [text for item in value.values() for text in _strings(item)]
    return [value] if isinstance(value, str) else []


def _api_links(options: Options) -> Links:
    return Links(replace(options, custom_domain=None, public_endpoint_url=None))
