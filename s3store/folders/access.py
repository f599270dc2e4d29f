"""Who may do what: the one place that asks the policy, and the answer of a folder to what is not there."""

from __future__ import annotations

import errno
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from s3store.folders import names

Action = Literal["list", "read", "write", "delete", "share"]
"""What a policy is asked about."""


class Policy(Protocol):
    """What a project writes: an object with `can`. Only True is a yes."""

    def can(self, user: Any, action: Action, path: str) -> bool:
        """Return whether `user` may do `action` at `path`, relative to the outermost root, without a final slash."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A file or folder. `path` is relative to the folder, `full` to the outermost root, `name` to the storage.

    None of them ends with a slash. `is_folder`: the caller says that it is a folder.
    """

    path: str
    full: str
    name: str
    is_folder: bool = False

    @property
    def segment(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]


class Access:
    """One user and the policy."""

    def __init__(self, user: Any = None, policy: Policy | None = None) -> None:
        self.user = user
        self.policy = policy

    def allows(self, action: Action, full: str) -> bool:
        """Return whether the user may do `action` at a path relative to the outermost root."""
        if names.is_own(full.partition("/")[0]):
            # No path of a caller leads there. Who deletes and restores was asked about the path of the file.
            return True
        return self.policy is None or self.policy.can(self.user, action, full) is True

    def require(self, action: Action, place: Place) -> None:
        """Raise FileNotFoundError unless the user may do `action`: PermissionError if the user may read it."""
        if self.allows(action, place.full):
            return
        if action != "read" and self.allows("read", place.full):
            raise PermissionError(errno.EACCES, f"You may not {action} this", place.path)
        raise missing(place.path)


def missing(path: str) -> FileNotFoundError:
    """Return the error for a path that does not exist, or that the user may not know."""
    return FileNotFoundError(errno.ENOENT, "No such file or folder", path)


def taken(path: str) -> FileExistsError:
    """Return the error for a path that exists."""
    return FileExistsError(errno.EEXIST, "A file or folder of this name exists", path)
