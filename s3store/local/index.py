"""The index of a bucket: an SQLite database with the facts about objects and multipart uploads.

A change of an object is one transaction, so that content and metadata change together, for all processes. SQLite's
locks let one process write at a time.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from s3store.local.records import Record

_WAIT_SECONDS = 60.0

# Keys are bytes, so that they have the order of S3. One transaction: another process sees all tables or none.
_SCHEMA = """
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS objects (
    key BLOB PRIMARY KEY, path TEXT NOT NULL, size INTEGER NOT NULL, etag TEXT NOT NULL, modified INTEGER NOT NULL,
    headers TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS uploads (
    id TEXT PRIMARY KEY, key BLOB NOT NULL, headers TEXT NOT NULL, started INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS parts (
    upload TEXT, number INTEGER, etag TEXT NOT NULL, size INTEGER NOT NULL, path TEXT NOT NULL,
    PRIMARY KEY (upload, number)
) WITHOUT ROWID;
COMMIT;
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPart:
    """A part of a multipart upload. `path` is relative to the bucket's directory."""

    number: int
    etag: str
    size: int
    path: str


class Index:
    """The index in the file at `path`. It is created by the first write."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def exists(self) -> bool:
        """Whether anything was written."""
        return self._path.exists()

    @contextmanager
    def reading(self) -> Iterator[Transaction]:
        """Yield a transaction that reads."""
        # A connection of its own for each call: connections must not be used by two threads, or after a fork.
        with closing(self._connect(self._path if self.exists else None)) as connection:
            yield Transaction(connection)

    @contextmanager
    def writing(self) -> Iterator[Transaction]:
        """Yield a transaction that writes. It ends with the block, and does nothing if the block raises."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with closing(self._connect(self._path)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield Transaction(connection)
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def _connect(self, path: Path | None) -> sqlite3.Connection:
        where = ":memory:" if path is None else os.fspath(path)
        connection = sqlite3.connect(where, timeout=_WAIT_SECONDS, isolation_level=None)
        # A crash of the machine may lose the last changes, but a crash of a process does not.
        connection.execute("PRAGMA synchronous = OFF")
        if connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,):
            connection.executescript(_SCHEMA)
        return connection


class Transaction:
    """The objects and uploads as one transaction sees them."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._run = connection.execute

    # Objects

    def find(self, key: str) -> Record | None:
        """Return the object at `key`."""
        return _record(self._run(f"{_SELECT} WHERE key = ?", [_bytes(key)]).fetchone())

    def first(self, start: bytes, stop: bytes) -> Record | None:
        """Return the object with the lowest key from `start` to, not including, `stop`."""
        rows = self._run(f"{_SELECT} WHERE key >= ? AND key < ? ORDER BY key LIMIT 1", [start, stop])
        return _record(rows.fetchone())

    def put(self, record: Record) -> None:
        """Add or replace an object."""
        values = [_bytes(record.key), record.path, record.size, record.etag, record.modified, _json(record.headers)]
        self._run("INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?, ?, ?)", values)

    def remove(self, key: str) -> None:
        """Remove an object."""
        self._run("DELETE FROM objects WHERE key = ?", [_bytes(key)])

    def paths(self) -> set[str]:
        """Return the paths of the content of all objects."""
        return {path for (path,) in self._run("SELECT path FROM objects")}

    # Multipart uploads

    def start_upload(self, upload_id: str, key: str, headers: Mapping[str, str], now: int) -> None:
        """Add a multipart upload."""
        self._run("INSERT INTO uploads VALUES (?, ?, ?, ?)", [upload_id, _bytes(key), _json(headers), now])

    def upload(self, upload_id: str, key: str) -> dict[str, str] | None:
        """Return the headers of a multipart upload, or None if no upload has this id and key."""
        rows = self._run("SELECT headers FROM uploads WHERE id = ? AND key = ?", [upload_id, _bytes(key)])
        row = rows.fetchone()
        return dict(json.loads(row[0])) if row else None

    def count_uploads(self, start: bytes, stop: bytes) -> int:
        """Return the number of multipart uploads of keys from `start` to, not including, `stop`."""
        rows = self._run("SELECT count(*) FROM uploads WHERE key >= ? AND key < ?", [start, stop])
        return int(rows.fetchone()[0])

    def open_uploads(self, start: bytes, stop: bytes) -> list[tuple[str, str, int]]:
        """Return key, id and start of the multipart uploads of keys from `start` to, not including, `stop`."""
        query = "SELECT key, id, started FROM uploads WHERE key >= ? AND key < ? ORDER BY key, started"
        return [(bytes(key).decode(), found, at) for key, found, at in self._run(query, [start, stop])]

    def uploads_before(self, moment: int) -> list[str]:
        """Return the ids of the uploads that were started before a time."""
        return [found for (found,) in self._run("SELECT id FROM uploads WHERE started < ?", [moment])]

    def end_upload(self, upload_id: str) -> None:
        """Remove a multipart upload and its parts."""
        self._run("DELETE FROM parts WHERE upload = ?", [upload_id])
        self._run("DELETE FROM uploads WHERE id = ?", [upload_id])

    def put_part(self, upload_id: str, part: StoredPart) -> None:
        """Add or replace a part."""
        values = [upload_id, part.number, part.etag, part.size, part.path]
        self._run("INSERT OR REPLACE INTO parts VALUES (?, ?, ?, ?, ?)", values)

    def parts(self, upload_id: str) -> dict[int, StoredPart]:
        """Return the parts of an upload by their numbers, in order."""
        rows = self._run("SELECT number, etag, size, path FROM parts WHERE upload = ? ORDER BY number", [upload_id])
        return {number: StoredPart(number=number, etag=etag, size=size, path=path) for number, etag, size, path in rows}


_SELECT = "SELECT key, path, size, etag, modified, headers FROM objects"


def _record(row: Any) -> Record | None:
    if row is None:
        return None
    key, path, size, etag, modified, headers = row
    return Record(key=key.decode(), path=path, size=size, etag=etag, modified=modified, headers=json.loads(headers))


def _bytes(key: str) -> bytes:
    return key.encode()


def _json(headers: Mapping[str, str]) -> str:
    return json.dumps(dict(headers))
