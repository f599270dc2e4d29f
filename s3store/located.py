"""Where a storage's files are: the bucket, and the keys that its names stand for."""

from __future__ import annotations

import os
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ImproperlyConfigured, SuspiciousFileOperation
from django.core.files.storage import Storage
from django.views.decorators.debug import sensitive_variables

from s3store.bucket import Bucket
from s3store.configured import Configured
from s3store.core import keys, params
from s3store.core.info import ObjectInfo
from s3store.facts import Facts

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class Located(Configured, Storage):
    """A storage that knows its bucket. The only place where names become keys."""

    @sensitive_variables()
    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._facts = Facts()

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_facts": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__({**state, "_facts": Facts()})

    @property
    def client(self) -> S3Client:
        """The boto3 client of this process and configuration, for what the storage has no verb for."""
        return self._bucket.client

    @property
    def _bucket(self) -> Bucket:
        options = self.options
        if not options.bucket_name:
            raise ImproperlyConfigured(
                f"{self!r} has no bucket. Set bucket_name in its OPTIONS, or AWS_STORAGE_BUCKET_NAME."
            )
        return Bucket(options)

    def remember(self, info: ObjectInfo) -> None:
        """Keep for a few seconds what S3 has just told."""
        self._facts.put(info)

    def _options_changed(self) -> None:
        self._facts.clear()

    def _key(self, name: str | os.PathLike[str]) -> str:
        try:
            return keys.object_key(self.options.location, name)
        except keys.UnsafeNameError as error:
            raise SuspiciousFileOperation(str(error)) from None

    def _prefix(self, name: str | os.PathLike[str]) -> str:
        try:
            return keys.directory_prefix(self.options.location, name)
        except keys.UnsafeNameError as error:
            raise SuspiciousFileOperation(str(error)) from None

    def _name(self, key: str) -> str | None:
        return keys.name_of(self.options.location, key)

    def get_object_parameters(self, name: str) -> dict[str, Any]:
        """Return the parameters of PutObject for the file `name`. Override it to decide by name."""
        given = self.options.object_parameters
        found = dict(given(name) if callable(given) else given or {})
        for pattern, headers in (self.options.headers or {}).items():
            if fnmatchcase(name, pattern):
                found |= headers
        return found

    def _parameters(self, name: str) -> params.Parameters:
        given = params.Parameters(self.get_object_parameters(name))
        for problem, hint in params.object_parameter_problems(given):
            raise ImproperlyConfigured(f"object parameters for {name!r}: {problem} {hint}")
        return given

    def _write_parameters(
        self,
        name: str,
        given: params.Parameters,
        *,
        content_type: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> params.Parameters:
        problem = params.header_problem(content_type) or params.metadata_problem(metadata or {})
        if problem:
            raise ValueError(f"Cannot save {name!r}: {problem}.")
        return params.write_parameters(
            name, given=given, default_acl=self.options.default_acl, content_type=content_type, metadata=metadata
        )

    def _listing_parameters(self) -> params.Parameters:
        given = self.options.object_parameters
        return params.Parameters(given if isinstance(given, Mapping) else {})
