"""The root of a Folder: which paths lead where, and who may go there."""

from __future__ import annotations

import os
from typing import Any, TypeVar

from s3store.folders import jail
from s3store.folders import names as naming
from s3store.folders.access import Access, Action, Place, Policy
from s3store.folders.jail import Jail
from s3store.folders.scope import Scope
from s3store.storage import S3Storage

Path = str | os.PathLike[str]
"""A path relative to a folder."""

Own = TypeVar("Own", bound="Rooted")


class Rooted:
    """The root of a Folder, who asks, and where its paths lead."""

    sender: type
    """The sender of signals: the class Folder."""

    def __init__(
        self,
        storage: S3Storage,
        root: str = "",
        *,
        user: Any = None,
        policy: Policy | None = None,
        names: naming.Rule = "any",
    ) -> None:
        self.storage = storage
        self._rule: Any = names
        self._access = Access(user, policy)
        self._jail = Jail(outer=clean_root(root))
        check_rule(names)

    def _changed(self: Own, **changes: Any) -> Own:
        made = object.__new__(type(self))
        made.__dict__.update(self.__dict__)
        made.__dict__.update(changes)
        return made

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.root!r} of {self.storage!r}>"

    @property
    def root(self) -> str:
        """The path of the folder in the storage, without a final slash."""
        return self._jail.root

    @property
    def full_root(self) -> str:
        """The path of the outermost root in the storage, with a final slash, or ""."""
        return f"{self._jail.outer}/" if self._jail.outer else ""

    @property
    def base(self) -> str:
        """The path of the folder below the outermost root, without a final slash: "" unless `within` made it."""
        return self._jail.base

    @property
    def user(self) -> Any:
        """Who asks."""
        return self._access.user

    @property
    def policy(self) -> Policy | None:
        """The policy, or None: everything is allowed."""
        return self._access.policy

    def within(self: Own, path: Path) -> Own:
        """Return a folder whose root is `path`. The policy is still asked about paths from the outermost root."""
        return self._changed(_jail=self._jail.within(path))

    def as_user(self: Own, user: Any) -> Own:
        """Return the same folder for another user."""
        return self._changed(_access=Access(user, self.policy))

    def can(self, action: Action, path: Path = "") -> bool:
        """Return whether the user may do `action` at a path. Sends no request."""
        return self._access.allows(action, self._jail.place(path).full)

    # What every method begins with

    @property
    def _scope(self) -> Scope:
        return Scope(objects=self.storage.objects, access=self._access, jail=self._jail)

    def _at(self, path: Path, *actions: Action) -> Place:
        """Return the place of a path at which the user may do all actions."""
        place = self._jail.place(path)
        for action in actions:
            self._access.require(action, place)
        return place

    def _new(self, path: Path) -> Place:
        """Return the place of a path that may become a file or folder. Raises NameRefusedError for its last part."""
        place = self._jail.place(path)
        if not place.path:
            raise naming.NameRefusedError("The name is empty.")
        above = jail.parent(place)
        place = jail.below(above, naming.new(place.segment, self._rule), is_folder=place.is_folder)
        self._access.require("write", place)
        return place


def clean_root(root: str) -> str:
    """Return the root without a final slash. Raises NameRefusedError."""
    found, _ = naming.cleaned(root)
    return found


def check_rule(rule: str) -> None:
    """Raise ValueError for a rule about names that does not exist."""
    if rule not in naming.RULES:
        raise ValueError(f"names={rule!r} is not a rule. Use one of {', '.join(naming.RULES)}.")
