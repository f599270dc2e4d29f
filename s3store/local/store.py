"""A bucket in a directory: what a server of S3 does, on local files. Names of headers are in lower case.

Content is written to a temporary file, moved to a new path, and becomes the object in one transaction of the index. A
file that is part of the bucket never changes: readers see the old or the new content, and never a part of it.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import IO

from s3store.core.parts import MIB
from s3store.local import layout, sweep
from s3store.local.incoming import Incoming
from s3store.local.index import Index, Transaction
from s3store.local.records import Record
from s3store.local.refusals import Refusal


class Store:
    """The objects of one bucket below `root`."""

    def __init__(self, root: Path, clock: Callable[[], float] = time.time) -> None:
        self.root = root
        self.index = Index(root / layout.OWN / "index.sqlite3")
        self._clock = clock

    @property
    def now(self) -> int:
        """The time in whole seconds since 1970, as S3 stores it."""
        return int(self._clock())

    # Reading

    def find(self, key: str) -> Record | None:
        """Return the object at `key`, or None. An object whose file was deleted by hand does not exist."""
        with self.index.reading() as seen:
            return self._existing(seen, seen.find(key))

    def get(self, key: str) -> Record:
        """Return the object at `key`. Raises Refusal if it does not exist."""
        record = self.find(key)
        if record is None:
            raise Refusal("NoSuchKey")
        return record

    def _existing(self, seen: Transaction, record: Record | None) -> Record | None:
        while record and not (self.root / record.path).exists():
            # Replaced by another process after it was read, or deleted by hand.
            current = seen.find(record.key)
            record = None if current == record else current
        return record

    def open(self, key: str) -> tuple[Record, IO[bytes]]:
        """Return an object and its content. Raises Refusal if it does not exist."""
        while True:
            record = self.get(key)
            # An object can be replaced after it was found: then the new one is opened.
            with suppress(FileNotFoundError):
                return record, self._within(record.path).open("rb")

    def walk(self, prefix: str, *, flat: bool, after: str | None = None) -> Iterator[Record | str]:
        """Yield the objects whose keys start with `prefix`, in the order of S3: those after the key `after`, if given.

        With `flat`, yield the common prefix, a str, of those below a further slash; `after` can be one too.
        """
        start, stop = prefix.encode(), prefix.encode() + b"\xff"
        if after is not None:
            # A key that ends with a slash has been seen with all keys below it, unless it marks the prefix itself.
            is_below = flat and after != prefix and after.endswith("/")
            start = after.encode() + (b"\xff" if is_below else b"\0")
        with self.index.reading() as seen:
            while record := seen.first(start, stop):
                start = record.key.encode() + b"\0"
                if not (existing := self._existing(seen, record)):
                    continue
                below, slash, _ = record.key[len(prefix) :].partition("/")
                if flat and slash:
                    common = prefix + below + slash
                    start = common.encode() + b"\xff"
                    yield common
                else:
                    yield existing

    # Writing

    def receive(self, limit: int | None = None) -> Incoming:
        """Return a temporary file for new content of at most `limit` bytes."""
        sweep.once(self.root, self.index, self.now)
        return Incoming(self.root / layout.PARTIAL, limit)

    def publish(
        self,
        key: str,
        incoming: Incoming,
        headers: Mapping[str, str],
        *,
        etag: str | None = None,
        create: bool = False,
        match: str | None = None,
        claim: Callable[[Transaction], None] = lambda _: None,
    ) -> Record:
        """Make the received content the object at `key`.

        With `create`, raises Refusal if the object exists; with `match`, if it has another ETag. `claim` runs in the
        same transaction, and may refuse too.
        """
        record = Record(
            key=key,
            path=layout.data_path(key, secrets.token_hex(16)),
            size=incoming.size,
            etag=f'"{etag or incoming.md5}"',
            modified=self.now,
            headers=dict(headers),
        )
        incoming.move_to(self._within(record.path))
        try:
            with self.index.writing() as change:
                old = self._existing(change, change.find(key))
                if (create and old) or (match and (old is None or old.etag != match)):
                    raise Refusal("PreconditionFailed" if old else "NoSuchKey")
                claim(change)
                change.put(record)
        except BaseException:
            self.discard(record.path)
            raise
        if old:
            self.discard(old.path)
        return record

    def rewrite_headers(self, key: str, change_of: Callable[[Mapping[str, str]], dict[str, str]]) -> None:
        """Change the headers of an object, and not its content. Raises Refusal if it does not exist."""
        with self.index.writing() as change:
            record = self._existing(change, change.find(key))
            if record is None:
                raise Refusal("NoSuchKey")
            change.put(replace(record, headers=change_of(record.headers)))

    def copy(
        self,
        source: str,
        key: str,
        headers_of: Callable[[Record], Mapping[str, str]],
        *,
        etag: str | None = None,
        create: bool = False,
    ) -> tuple[Record, Record]:
        """Copy an object, and return the source and the copy.

        Raises Refusal if `source` does not exist or has another ETag, or with `create` if `key` is taken.
        """
        record, file = self.open(source)
        with file, self.receive() as incoming:
            if etag and record.etag != etag:
                raise Refusal("PreconditionFailed")
            while block := file.read(MIB):
                incoming.write(block)
            return record, self.publish(key, incoming, headers_of(record), create=create)

    def delete(self, key: str, *, match: str | None = None) -> None:
        """Delete an object, if it exists. Raises Refusal if it has another ETag than `match`."""
        if not self.index.exists:
            return
        with self.index.writing() as change:
            record = change.find(key)
            if record and match and record.etag != match:
                raise Refusal("PreconditionFailed")
            change.remove(key)
        if record:
            self.discard(record.path)

    def discard(self, path: str) -> None:
        """Delete a file that no object needs, and its directories if they are empty."""
        # Windows does not delete a file that is open: the next process does.
        with suppress(OSError):
            (self.root / path).unlink(missing_ok=True)
            for parent in Path(path).parents[:-1]:
                (self.root / parent).rmdir()

    def _within(self, path: str) -> Path:
        """Return the absolute path. Raises Refusal if a symbolic link leads out of the bucket."""
        found = self.root / path
        root = os.path.realpath(self.root)
        if not os.path.realpath(found).startswith(root + os.sep):
            raise Refusal("AccessDenied", "A symbolic link leads out of the directory of the bucket.")
        return found
