"""Orphans: files in a storage that no row of the project refers to."""

from s3store.operations.orphans.find import DAY, Counted, Orphan, Orphans, find_orphans
from s3store.operations.orphans.remove import delete_orphans, move_orphans

__all__ = ["DAY", "Counted", "Orphan", "Orphans", "delete_orphans", "find_orphans", "move_orphans"]
