"""Files that a crash left behind, deleted when a process first writes to a bucket."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

from s3store.local import layout
from s3store.local.index import Index

_HOURS = 24
_UPLOAD_DAYS = 7
_swept: set[Path] = set()


def once(root: Path, index: Index, now: int) -> None:
    """Sweep the bucket in a directory, unless this process already did."""
    if root not in _swept:
        _swept.add(root)
        sweep(root, index, now)


def sweep(root: Path, index: Index, now: int) -> None:
    """Delete temporary files and content without an object after a day, and unfinished uploads after a week."""
    with index.writing() as change:
        used = change.paths()
        abandoned = change.uploads_before(now - _UPLOAD_DAYS * 86400)
        for upload_id in abandoned:
            change.end_upload(upload_id)
    for upload_id in abandoned:
        shutil.rmtree(root / layout.upload_path(upload_id), ignore_errors=True)
    for directory, _, files in os.walk(root):
        for name in files:
            path = Path(directory, name)
            relative = path.relative_to(root).as_posix()
            ours = relative.startswith(f"{layout.PARTIAL}/") or (layout.DATA.search(name) and relative not in used)
            # Another process may delete it too.
            with suppress(OSError):
                if ours and path.stat().st_mtime < now - _HOURS * 3600:
                    path.unlink()
