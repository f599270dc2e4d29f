"""Where orphans are moved to: a directory of the same bucket, of another one, or of this machine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from s3store import errors
from s3store.core import parts
from s3store.operations.mounts import Mounts
from s3store.operations.orphans.find import Orphan, Orphans, is_examined
from s3store.operations.places import Place, PlaceError
from s3store.storage import S3Storage
from s3store.wire.copying import copy_whole
from s3store.wire.objects import Objects


def target_of(found: Orphans, place: Place) -> Callable[[Orphan], None]:
    """Return a function that copies an orphan below a directory. Raises PlaceError.

    The function raises FileExistsError if another file has the name there.
    """
    if place.storage is None:
        return _on_disk(found, place.local)
    objects, there, root = found.wire, place.storage.objects, place.path.rstrip("/")
    # The same server can have another URL here: a file that is moved to itself would be lost.
    if objects.may_share_bucket(there) and is_examined(found, there.prefix(root)):
        raise PlaceError(
            f"{place} is in the storage itself, or in a bucket of that name on another server. The next run could find "
            f"the files there. Use a directory below .s3store/, such as {place.alias or 'default'}:.s3store/orphans/, "
            "or another storage."
        )
    same = objects.shares_bucket(there)
    return _in_bucket(found, place.storage, there, root) if same else _in_storage(found, place.storage, there, root)


def _below(root: str, name: str) -> str:
    return f"{root}/{name}" if root else name


def _in_bucket(found: Orphans, storage: S3Storage, there: Objects, root: str) -> Callable[[Orphan], None]:
    def copy(orphan: Orphan) -> None:
        source, target = found.wire.key(orphan.name), there.target(_below(root, orphan.name))
        taken = there.bucket.find(target.key, target.params)
        if taken is None:
            copy_whole(there, source, target, etag=orphan.etag)
        elif taken.etag != orphan.etag:
            # An interrupted run can have left it. A copy of an upload in parts has another ETag.
            with found.wire.pinned(), found.storage.open(orphan.name) as file:
                _require_equal(file, storage, there, target.name)

    return copy


def _in_storage(found: Orphans, storage: S3Storage, there: Objects, root: str) -> Callable[[Orphan], None]:
    def send(orphan: Orphan) -> None:
        name, target = orphan.name, there.target(_below(root, orphan.name))
        source = found.wire.target(name)
        info = found.wire.bucket.head(source.key, source.params)
        with found.wire.pinned(), found.storage.open(name) as file:
            if there.bucket.find(target.key, target.params):
                _require_equal(file, storage, there, target.name)
                return
            with there.pinned():
                storage.save(target.name, file, content_type=info.content_type, metadata=info.metadata)

    return send


def _require_equal(file: Any, storage: S3Storage, there: Objects, name: str) -> None:
    with there.pinned(), storage.open(name) as other:
        if not _is_equal(file, other):
            raise _exists(name)


def _on_disk(found: Orphans, root: Path) -> Callable[[Orphan], None]:
    if root.exists() and not root.is_dir():
        raise PlaceError(f"{root} is a file. Give a directory.")

    mounts = Mounts()

    def download(orphan: Orphan) -> None:
        path = root / orphan.name
        above = path.parent.resolve()
        if above != root.resolve() and root.resolve() not in above.parents:
            raise PlaceError(f"{path} is outside {root}, because a directory is a symbolic link.")
        with found.wire.pinned():
            if not path.exists():
                found.storage.download_path(orphan.name, path)
            else:
                _require_equal_file(found, orphan, path)
        mounts.refuse_same(path, found.wire, found.wire.target(orphan.name))

    return download


def _require_equal_file(found: Orphans, orphan: Orphan, path: Path) -> None:
    with found.storage.open(orphan.name) as file, path.open("rb") as other:
        if not _is_equal(file, other):
            raise _exists(str(path))


def _is_equal(one: Any, other: Any) -> bool:
    while True:
        left, right = one.read(parts.MIB), other.read(parts.MIB)
        if left != right:
            return False
        if not left:
            return True


def _exists(name: str) -> errors.ObjectExistsError:
    return errors.ObjectExistsError(
        f"{name!r} exists in the target, with other content. Move the files to another place."
    )
