"""Where a folder is inside a storage: paths become names there, and cannot leave it."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace

from s3store.core import keys
from s3store.folders import names
from s3store.folders.access import Place
from s3store.wire.objects import Objects


@dataclass(frozen=True, slots=True, kw_only=True)
class Jail:
    """The outermost root in the storage, and the path of the folder below it. Neither ends with a slash."""

    outer: str
    base: str = ""

    @property
    def root(self) -> str:
        """The name of the folder in the storage."""
        return joined(self.outer, self.base)

    @property
    def own(self) -> str:
        """The name of the folder with what belongs to s3store."""
        return joined(self.outer, names.OWN)

    def place(self, path: str | os.PathLike[str]) -> Place:
        """Return the place of a path. Raises NameRefusedError."""
        text, is_folder = names.cleaned(path)
        full = joined(self.base, text)
        return Place(path=text, full=full, name=joined(self.outer, full), is_folder=is_folder or not text)

    def outermost(self, full: str) -> Place:
        """Return the place of a path that is relative to the outermost root."""
        return replace(Jail(outer=self.outer).place(full), path=full.rstrip("/"))

    def within(self, path: str | os.PathLike[str]) -> Jail:
        """Return the jail of a folder in this one."""
        return replace(self, base=self.place(path).full)


def joined(folder: str, path: str) -> str:
    """Join the two with a slash if neither is empty."""
    return f"{folder}/{path}" if folder and path else folder or path


def below(place: Place, segment: str, *, is_folder: bool = False) -> Place:
    """Return the place of what is called `segment` in the folder `place`."""
    return Place(
        path=joined(place.path, segment),
        full=joined(place.full, segment),
        name=joined(place.name, segment),
        is_folder=is_folder,
    )


def parent(place: Place) -> Place:
    """Return the place of the folder that contains `place`."""
    return Place(
        path=place.path.rpartition("/")[0],
        full=place.full.rpartition("/")[0],
        name=place.name.rpartition("/")[0],
        is_folder=True,
    )


def is_listed(objects: Objects, key: str) -> bool:
    """Return whether the file at `key`, or the folder whose key ends with a slash, has a name that can be shown."""
    name = objects.name(key.rstrip("/") if key.endswith("/") and not key.endswith("//") else key)
    return name is not None and not name.endswith("/")


def is_own_key(prefix: str, key: str) -> bool:
    """Return whether a key below `prefix` belongs to s3store."""
    return any(names.is_own(part) for part in key[len(prefix) :].split("/"))


def listed_part(relative: str) -> str:
    """Return the part of a relative key of another program up to its first part that no path can have."""
    found: list[str] = []
    for part in relative.split("/"):
        try:
            if keys.clean_name(part) != part or not part:
                break
        except keys.UnsafeNameError:
            break
        found.append(part)
    return "/".join(found)
