"""The plan of a run as manifests for S3 Batch Operations: AWS copies, and no byte goes through this machine.

AWS: "Performing object operations in bulk with Batch Operations".
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

from s3store.core.info import ObjectInfo
from s3store.operations.batch import BatchError, BatchManifest
from s3store.operations.places import Place, PlaceError
from s3store.operations.sync.remote import Remote
from s3store.operations.sync.rows import Row

DAYS = 7
"""Days for which a job makes archived objects readable."""

TAG = {"s3store-delete": "yes"}
"""The tag of files to delete: jobs cannot delete, rules of the lifecycle can."""


class Manifests:
    """Writes up to three manifests: `path` copies, with `.restore` archived objects come first, `.tag` is for deletes.

    Raises PlaceError for a local place, and BatchError for what a job cannot do: rename, and use encryption keys of the
    client.
    """

    def __init__(self, path: Path, source: Place, target: Place) -> None:
        if source.storage is None or target.storage is None:
            local = source if source.storage is None else target
            raise PlaceError(
                f"{str(local)!r} is on this machine, and a batch job copies from bucket to bucket. Sync without a "
                "batch manifest."
            )
        self._path = path
        self._source, self._target = source, target
        self._from, self._to = Remote(source), Remote(target)
        for remote in (self._from, self._to):
            if "SSECustomerKey" in remote.target("x").params:
                raise BatchError(
                    f"A batch job has no encryption keys of the client (SSE-C), which {remote.storage.bucket_name!r} "
                    "uses. Sync without a batch manifest."
                )
        self._stack = ExitStack()
        self._open: dict[str, BatchManifest] = {}
        self._manifest("", lambda path: BatchManifest.copying(path, source, target))

    def _manifest(self, end: str, make: Any) -> BatchManifest:
        if end not in self._open:
            path = self._path.with_name(self._path.name + end)
            self._open[end] = self._stack.enter_context(make(path))
        return self._open[end]

    def copy(self, row: Row) -> bool:
        """Add a file to copy, and return whether the job can: not if it is larger than 5 GB."""
        return self._open[""].add(row.name, _info(self._from, row))

    def restore(self, row: Row) -> None:
        """Add an archived file to restore. It is copied by a later run."""
        restores = self._manifest(".restore", lambda path: BatchManifest.restoring(path, self._source, days=DAYS))
        restores.add(row.name, _info(self._from, row))

    def tag(self, row: Row) -> None:
        """Add a file of the target that is to be deleted."""
        tags = self._manifest(".tag", lambda path: BatchManifest.tagging(path, self._target, TAG))
        tags.add(row.name, _info(self._to, row))

    @property
    def left(self) -> int:
        """The number of files that the job cannot copy. Their names are in the file `rest`."""
        return self._open[""].left

    @property
    def rest(self) -> Path:
        """The file with the names of those that are left."""
        return self._open[""].rest

    def commands(self) -> list[str]:
        """Return the commands of the AWS CLI that create the jobs, in the order in which they are to run."""
        order = [self._open[end] for end in (".restore", "", ".tag") if end in self._open]
        return [manifest.command() for manifest in order if manifest.written]

    def __enter__(self) -> Manifests:
        """Return the manifests."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Complete the files, or delete them if the block raised."""
        self._stack.__exit__(kind, error, at)


def _info(remote: Remote, row: Row) -> ObjectInfo:
    return ObjectInfo(key=remote.target(row.name).key, size=row.size, storage_class=row.storage_class or None)
