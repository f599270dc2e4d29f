"""Leaves work to AWS: manifests for S3 Batch Operations instead of requests, and the reports of its jobs.

AWS: "Performing object operations in bulk with Batch Operations".
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from s3store.core import batch
from s3store.core.archive import ARCHIVES
from s3store.core.batch import BatchError, Task
from s3store.core.info import ObjectInfo
from s3store.operations.inventory import stored
from s3store.operations.places import Place, PlaceError
from s3store.operations.reports import Failed, Summary
from s3store.wire.objects import Objects

__all__ = ["BatchError", "BatchManifest", "Task", "failed_tasks", "read_report"]

_MANIFEST = "manifest.json"
_LARGEST_MANIFEST = 16 * 1024**2


class _Written:
    """A new file that has its name only when it is complete: a part of a manifest would be a job for a part."""

    def __init__(self, path: Path) -> None:
        if path.exists():
            raise FileExistsError(f"{path} exists. Delete it, or choose another name.")
        self._path = path
        self._part = path.with_name(f"{path.name}.part")
        self._file = self._part.open("wb")

    def write(self, line: str) -> bytes:
        """Write a line, and return its bytes."""
        data = line.encode()
        self._file.write(data)
        return data

    def complete(self) -> None:
        """Give the file its name."""
        self._file.close()
        self._part.replace(self._path)

    def discard(self) -> None:
        """Delete the file."""
        self._file.close()
        self._part.unlink()


class BatchManifest:
    """Writes the manifest of a job to `path`, and the names that the job cannot process to `path` with `.rest`.

    Create it with `copying`, `tagging` or `restoring`, add files, and close it, or use it as a context manager. It
    creates no job: `command` returns what to run. A block that raises leaves no files.
    """

    def __init__(self, path: Path, objects: Objects, operation: Mapping[str, Any]) -> None:
        self.path = path
        self.rest = path.with_name(f"{path.name}.rest")
        self.written = 0
        self.left = 0
        self.operation = operation
        self._bucket = objects.options.bucket_name or ""
        self._region = objects.options.region_name
        self._digest = hashlib.md5(usedforsecurity=False)
        self._versions: bool | None = None
        # Mode x: two runs do not write one manifest.
        self._file, self._rest = _Written(self.path), _Written(self.rest)

    @classmethod
    def copying(cls, path: Path, source: Place, target: Place) -> BatchManifest:
        """Return the manifest of a job that copies files of `source` to `target`.

        Raises BatchError if the keys would change otherwise than by a prefix, and PlaceError for local places.
        """
        objects, others = _objects(source), _objects(target)
        bucket, region = others.options.bucket_name or "", others.options.region_name
        operation = batch.copy_job(objects.prefix(source.path), bucket, others.prefix(target.path), region=region)
        return cls(path, objects, operation)

    @classmethod
    def tagging(cls, path: Path, place: Place, tags: Mapping[str, str]) -> BatchManifest:
        """Return the manifest of a job that replaces the tags of files.

        With a rule of the bucket's lifecycle for such a tag, S3 deletes them: jobs cannot delete. Raises BatchError for
        more than 10 tags.
        """
        return cls(path, _objects(place), batch.tag_job(tags))

    @classmethod
    def restoring(cls, path: Path, place: Place, *, days: int, tier: str = "BULK") -> BatchManifest:
        """Return the manifest of a job that makes archived files readable for some days."""
        return cls(path, _objects(place), batch.restore_job(days, tier))

    def add(self, name: str, info: ObjectInfo, *, version_id: str | None = None) -> bool:
        """Add a file, and return whether the job can process it. `name` is for the rest, a line for each.

        A job copies up to 5 GB, and restores only what is archived. Raises BatchError if some files have a version and
        others have none.
        """
        what = next(iter(self.operation))
        large = what == "S3PutObjectCopy" and info.size > batch.LARGEST_COPY
        there = what == "S3InitiateRestoreObject" and info.storage_class not in ARCHIVES
        if large or there:
            self._rest.write(f"{name}\n")
            self.left += 1
            return False
        if self._versions not in (None, bool(version_id)):
            raise BatchError(f"{name!r}: either all files of a manifest have a version, or none has one.")
        self._versions = bool(version_id)
        self._digest.update(self._file.write(batch.row(self._bucket, info.key, version_id)))
        self.written += 1
        return True

    def command(self) -> str:
        """Return the commands of the AWS CLI that store the manifest and create the job. Run them yourself."""
        return batch.job_command(
            self.operation,
            file=str(self.path),
            etag=self._digest.hexdigest(),
            versions=bool(self._versions),
            region=self._region,
            token=secrets.token_hex(16),
        )

    def close(self) -> None:
        """Complete the files. There is no rest if the job can process everything."""
        if self.left:
            self._rest.complete()
        else:
            self._rest.discard()
        self._file.complete()

    def __enter__(self) -> BatchManifest:
        """Return the manifest."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        """Complete the files, or delete them if the block raised."""
        if kind:
            self._file.discard()
            self._rest.discard()
        else:
            self.close()


def failed_tasks(place: Place) -> Iterator[Task | None]:
    """Yield the rows of a report: the tasks that failed, and None for each that succeeded.

    The place is the `manifest.json` of the report of a job, or one of its CSV files, local or in a storage. Raises
    BatchError if it cannot be read, or is damaged.
    """
    if place.path.rpartition("/")[2] == _MANIFEST:
        if place.storage is None:
            raise PlaceError(f"{place} is a local path, and names files in a bucket. Give ALIAS:path, or a CSV file.")
        objects = place.storage.objects
        with stored(objects, objects.key(place.path)) as stream:
            files = batch.parse_report(stream.read(_LARGEST_MANIFEST))
        for file in files:
            if file.bucket != objects.options.bucket_name:
                raise BatchError(f"The report {place} is a copy: AWS wrote its files to the bucket {file.bucket!r}.")
            with stored(objects, file.key) as stream:
                yield from _rows(stream, f"{file.bucket}/{file.key}", file.md5)
    elif place.storage is None:
        with place.local.open("rb") as stream:
            yield from _rows(stream, str(place))
    else:
        objects = place.storage.objects
        with stored(objects, objects.key(place.path)) as stream:
            yield from _rows(stream, str(place))


def read_report(place: Place, *, objects: Objects | None = None, retry: Path | None = None) -> Summary:
    """Return what a job did. The failed files are named as in the storage of `objects`, others by bucket and key.

    `retry` is a file that must not exist: it becomes the manifest of a job for the files that failed. Raises as
    `failed_tasks`, and FileExistsError.
    """
    summary = Summary(command="batch-report", source=str(place))
    output = _Written(retry) if retry else None
    try:
        for task in failed_tasks(place):
            summary.objects += 1
            if task:
                summary.failed.append(Failed(name=_name(task, objects), code=task.code, why=task.message or task.code))
                if output:
                    output.write(batch.row(task.bucket, task.key, task.version_id))
    except BaseException:
        if output:
            output.discard()
        raise
    if output:
        output.complete()
    return summary


def _name(task: Task, objects: Objects | None) -> str:
    if objects and objects.options.bucket_name == task.bucket and (name := objects.name(task.key)):
        return name
    return f"{task.bucket}/{task.key}"


def _rows(stream: IO[bytes], shown: str, md5: str | None = None) -> Iterator[Task | None]:
    """Yield the rows of a file as they arrive. Whether its digest is right is known at its end."""
    digest = hashlib.md5(usedforsecurity=False)

    def lines() -> Iterator[str]:
        for line in stream:
            digest.update(line)
            yield line.decode()

    try:
        yield from batch.tasks(lines())
    except BatchError as error:
        raise BatchError(f"{shown}: {error}") from error
    if md5 and digest.hexdigest() != md5.lower():
        raise BatchError(f"The report {shown} is damaged: its MD5 digest is not {md5}.")


def _objects(place: Place) -> Objects:
    if place.storage is None:
        raise PlaceError(f"{place} is a local path. A batch job processes objects of a bucket: give ALIAS:path.")
    return place.storage.objects
