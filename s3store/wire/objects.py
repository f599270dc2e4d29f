"""The files of a storage as objects of its bucket: names, keys and parameters, for one set of options."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import compress
from typing import Any

from django.core.exceptions import ImproperlyConfigured, SuspiciousFileOperation

from s3store.conf.configured import Derived
from s3store.conf.options import Options
from s3store.core import keys, parameters
from s3store.core.info import ObjectInfo, Page
from s3store.core.keyrange import KeyRange
from s3store.core.parameters import Parameters
from s3store.core.policies.names import is_access_point
from s3store.wire.bucket import Bucket
from s3store.wire.multipart import is_threaded
from s3store.wire.sessions import is_on_aws


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One file: its clean name, its key, and the object parameters for that name."""

    name: str
    key: str
    params: Parameters


class Objects(Derived):
    """The only place where names become keys. A storage call uses the same one from its first to its last step.

    It contains the bucket, everything else that is computed from the options, and the cached facts about files. When
    options change, a storage creates a new one.
    """

    def __init__(self, options: Options, owner: Any, bucket: Bucket | None = None) -> None:
        super().__init__(options, owner)
        # Created here and not when it is first needed: two threads would get two caches of facts.
        self._bucket = bucket or Bucket(options)

    @property
    def bucket(self) -> Bucket:
        """The bucket. Raises ImproperlyConfigured if the options name none."""
        if not self.options.bucket_name:
            raise ImproperlyConfigured(
                f"{self.owner!r} has no bucket. Set bucket_name in its OPTIONS, or AWS_STORAGE_BUCKET_NAME."
            )
        return self._bucket

    def shares_bucket(self, other: Objects) -> bool:
        """Return whether another storage has the same bucket, at the same URL."""
        here, there = self.options, other.options
        return (here.bucket_name, here.endpoint_url) == (there.bucket_name, there.endpoint_url)

    def may_share_bucket(self, other: Objects) -> bool:
        """Return whether the bucket of another storage can be the same one.

        A server has several URLs, so only the names count, and an access point can belong to any bucket.
        """
        here, there = (each.options.bucket_name or "" for each in (self, other))
        return here == there or is_access_point(here) or is_access_point(there)

    def key(self, name: str | os.PathLike[str]) -> str:
        """Return the key of the file `name`. Raises SuspiciousFileOperation for a name that is not possible."""
        try:
            return keys.object_key(self.options.location, name)
        except keys.UnsafeNameError as error:
            raise SuspiciousFileOperation(str(error)) from None

    def prefix(self, name: str | os.PathLike[str]) -> str:
        """Return the key prefix of the directory `name`. Raises SuspiciousFileOperation."""
        try:
            return keys.directory_prefix(self.options.location, name)
        except keys.UnsafeNameError as error:
            raise SuspiciousFileOperation(str(error)) from None

    def name(self, key: str) -> str | None:
        """Return the name of the file at `key`, or None if it is outside the location or not a possible name."""
        return keys.name_of(self.options.location, key)

    def names(self, page: Page) -> Sequence[str]:
        """Return `name` of each object of a page, `""` for None: faster than one by one."""
        return keys.names_of(self.options.location, [info.key for info in page.objects])

    def scan(self, path: str | os.PathLike[str] = "") -> Iterator[tuple[str, ObjectInfo]]:
        """Yield name and facts of every file below a directory, at any depth: one request for 1,000 files."""
        for names, infos in self.scan_pages(path):
            yield from zip(names, infos, strict=True)

    def scan_pages(self, path: str | os.PathLike[str] = "") -> Iterator[tuple[Sequence[str], Sequence[ObjectInfo]]]:
        """Yield the names and the facts of `scan`, a page at a time."""
        for page in self.pages(self.prefix(path), flat=False):
            yield self._files(page)

    def scan_range(self, path: str | os.PathLike[str], within: KeyRange) -> Iterator[tuple[str, ObjectInfo]]:
        """Yield what `scan` yields, only for the names within a range. They are relative to `path` there.

        Where `lists_ranges` is true, only that part of the listing is requested; otherwise all of it.
        """
        prefix, ranged = self.prefix(path), self.lists_ranges
        after = prefix + within.after if ranged and within.after else None
        for page in self.pages(prefix, flat=False, after=after):
            for name, info in zip(*self._files(page), strict=True):
                relative = info.key[len(prefix) :]
                if ranged and within.is_past(relative):
                    return
                if within.takes(relative):
                    yield name, info

    def _files(self, page: Page) -> tuple[Sequence[str], Sequence[ObjectInfo]]:
        """Return the names and the facts of the files of a page: no folders, and no keys that no name can mean."""
        names = self.names(page)
        files = [bool(name) and name[-1] != "/" for name in names]
        if all(files):
            return names, page.objects
        return list(compress(names, files)), list(compress(page.objects, files))

    @property
    def lists_ranges(self) -> bool:
        """Whether listings are in the order of bytes, and StartAfter begins in the middle of them: only on AWS.

        SeaweedFS loses keys there, and directory buckets of AWS have no order. AWS: "ListObjectsV2".
        """
        return is_on_aws(self.options) and not (self.options.bucket_name or "").endswith("--x-s3")

    def pages(self, prefix: str, *, flat: bool, after: str | None = None) -> Iterator[Page]:
        """Yield the pages of a listing, for a caller that processes all of them: the next one arrives meanwhile."""
        ahead = is_threaded(self.options)
        return self.bucket.pages(prefix, self.listing_params, flat=flat, ahead=ahead, after=after)

    def target(self, name: str | os.PathLike[str]) -> Target:
        """Return name, key and parameters of the file `name`. Raises SuspiciousFileOperation, ImproperlyConfigured."""
        key = self.key(name)
        return self._target(self.name(key) or "", key)

    def target_at(self, key: str) -> Target:
        """Return name, key and parameters of the file at `key`."""
        return self._target(self.name(key) or "", key)

    def folder(self, name: str | os.PathLike[str]) -> Target:
        """Return name, key and parameters of the empty object that marks the directory `name`."""
        prefix = self.prefix(name)
        return self._target(keys.clean_name(name).rstrip("/") + "/", prefix)

    def _target(self, name: str, key: str) -> Target:
        with self.pinned():
            params = Parameters(self.owner.get_object_parameters(name))
        for problem, hint in parameters.object_parameter_problems(params):
            raise ImproperlyConfigured(f"object parameters for {name!r}: {problem} {hint}")
        return Target(name=name, key=key, params=params)

    def written(
        self, target: Target, *, content_type: str | None = None, metadata: Mapping[str, str] | None = None
    ) -> Parameters:
        """Return the parameters that create the file: with content type, metadata and default ACL.

        Raises ValueError for a content type or metadata that no header can hold.
        """
        problem = parameters.header_problem(content_type) or parameters.metadata_problem(metadata or {})
        if problem:
            raise ValueError(f"Cannot save {target.name!r}: {problem}.")
        return parameters.write_parameters(
            target.name,
            params=target.params,
            default_acl=self.options.default_acl,
            content_type=content_type,
            metadata=metadata,
        )

    @property
    def listing_params(self) -> Parameters:
        """The parameters of requests that are not about one file."""
        params = self.options.object_parameters
        return Parameters(params if isinstance(params, Mapping) else {})


def params_by_name(options: Options, name: str) -> dict[str, Any]:
    """Return the parameters of PutObject that the options contain for the file `name`."""
    params = options.object_parameters
    found = Parameters(params(name) if callable(params) else params or {})
    for pattern, headers in (options.headers or {}).items():
        if fnmatchcase(name, pattern):
            found.update(headers)
    return found
