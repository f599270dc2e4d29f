"""The base of classes whose instances can hold secrets."""

from __future__ import annotations

from typing import NoReturn


class Unpicklable:
    """An object with secrets: a pickle of it, which could be stored in a cache or a queue, would contain them."""

    __slots__ = ()

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError(f"{type(self).__name__} can contain secrets and cannot be pickled. Pickle the storage instead.")
