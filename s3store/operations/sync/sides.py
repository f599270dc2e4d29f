"""The two places of a run: each is a directory of this machine, or of a storage."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

from s3store.core.keyrange import KeyRange
from s3store.files.file import inflates
from s3store.operations.inventory import Inventory
from s3store.operations.landing import Landing
from s3store.operations.places import Place, PlaceError
from s3store.operations.sync.local import Walk
from s3store.operations.sync.remote import Remote


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """The two places. `up` is a target in a storage, `down` a source in one; `walk` is a local source."""

    up: Remote | None = None
    down: Remote | None = None
    walk: Walk | None = None
    tree: Landing | None = None

    @classmethod
    def of(
        cls,
        source: Place,
        target: Place,
        within: KeyRange,
        inventory: Inventory | None,
        *,
        follow: bool,
        unsafe: bool,
        deletes: bool,
    ) -> Sides:
        """Return the sides of two places. Raises PlaceError."""
        if source.storage is None and target.storage is None:
            raise PlaceError("One of the two places must be in a storage. For two directories, use rsync.")
        up = Remote(target, within) if target.storage is not None else None
        if source.storage is None:
            if not source.local.is_dir():
                what = "is a file: use s3 cp for a single file" if source.local.exists() else "does not exist"
                raise PlaceError(f"The source {str(source)!r} {what}.")
            walk = Walk(root=source.local, follow=follow, unsafe=unsafe)
            return cls(up=up, walk=walk, tree=Landing(source.local, follow=follow))
        down = Remote(source, within, inventory)
        if not source.path.endswith("/") and down.is_file():
            raise PlaceError(f"The source {str(source)!r} is a file: use s3 cp for a single file.")
        if up is None:
            if target.local.exists() and not target.local.is_dir():
                raise PlaceError(f"The target {str(target)!r} is not a directory.")
            if os.open not in os.supports_dir_fd:  # pragma: no cover (Windows)
                raise PlaceError("This system cannot write files safely below a directory. Use Linux or macOS.")
            return cls(down=down, tree=Landing(target.local))
        if up.prefix.startswith(down.prefix) or down.prefix.startswith(up.prefix):
            if up.objects.shares_bucket(down.objects):
                raise PlaceError(f"{str(source)!r} and {str(target)!r} contain each other. Choose two separate places.")
            if deletes and up.prefix != down.prefix and up.objects.may_share_bucket(down.objects):
                # What only the target has could be the source.
                raise PlaceError(
                    f"{str(source)!r} and {str(target)!r} contain each other if their bucket is the same one, which is "
                    "not known. Choose two separate places, or do not delete."
                )
        return cls(up=up, down=down)

    @property
    def remotes(self) -> list[Remote]:
        """The sides in a storage."""
        return [side for side in (self.up, self.down) if side]

    @property
    def remote(self) -> Remote:
        """The side in a storage, the target if both are."""
        return self.remotes[0]

    @property
    def compresses(self) -> bool:
        """Whether files can have another size in the storage than on this machine."""
        return self.tree is not None and inflates(self.remote.objects.options)


def skew(remote: Remote) -> float:
    """Return by how many seconds the server's clock is ahead of this one: one request."""
    bucket = remote.objects.bucket
    bucket.page(remote.prefix, remote.objects.listing_params, flat=True, limit=1)
    return bucket.date.timestamp() - time.time() if bucket.date else 0.0


def overridden(cls: type) -> str | None:
    """Return a method by which a subclass changes what is saved, and that is not called."""
    for name in ("_save", "save"):
        definer = next(base for base in cls.__mro__ if name in vars(base))
        if definer.__module__.partition(".")[0] not in ("django", "s3store"):
            return f"{definer.__qualname__}.{name}"
    return None
