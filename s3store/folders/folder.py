"""A folder of a storage: the verbs of a file manager, inside one root and for one user."""

from __future__ import annotations

from s3store.folders.reading import Reading
from s3store.folders.writing import Writing


class Folder(Reading, Writing):
    """Files and folders below `root` in a storage. No path leaves it.

    `root`
        The path of the folder in the storage. Default: the storage's location.
    `user`, `policy`
        Who asks, and an object with `can(user, action, path) -> bool`. Default: everything is allowed. Only True is a
        yes. `path` is relative to the root and has no final slash. The actions are `list`, `read`, `write`, `delete`
        and `share`.
    `names`
        `any`: new files and folders can have every name that S3 can store. `portable`: only names that work on Windows,
        macOS and Linux.

    Paths are relative to the folder. Those of folders may end with a slash; without it, a path names the file if there
    is one, otherwise the folder. Every method raises NameRefusedError for a path that is not possible, and
    FileNotFoundError for one that does not exist or that the user may not read; PermissionError if the user may read
    it, but not do this.
    """

    # Projects import it from there, and signals compare it.
    __module__ = "s3store.folders"


Folder.sender = Folder
