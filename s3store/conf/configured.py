"""A storage as a value: created from options, compared, hashed, pickled, copied and written into a migration.

None of that needs a bucket, credentials or boto3, and secrets appear in none of it.
"""

from __future__ import annotations

import inspect
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import MISSING
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from django.core.exceptions import ImproperlyConfigured
from django.views.decorators.debug import sensitive_variables

from s3store.conf import foreign, rules, sources
from s3store.conf.declared import Declared
from s3store.conf.options import FIELDS, IDENTITY, SECRETS, Options
from s3store.conf.sources import Resolved, hidden
from s3store.core.parameters import Parameters

Self = TypeVar("Self", bound="Configured")
Made = TypeVar("Made")


class Derived:
    """One set of options of a storage, and everything that is computed from it, each when it is first needed."""

    def __init__(self, options: Options, owner: Any) -> None:
        self.options = options
        self.owner = owner
        self._made: dict[Callable[[Options], Any], Any] = {}

    def of(self, make: Callable[[Options], Made]) -> Made:
        """Return `make(options)`. It is called once, except by simultaneous threads."""
        if make not in self._made:
            self._made.setdefault(make, make(self.options))
        made: Made = self._made[make]
        return made

    @contextmanager
    def pinned(self) -> Iterator[None]:
        """Keep the storage at these options inside the block, for the hooks that one call runs."""
        token = _pinned.set(self)
        try:
            yield
        finally:
            _pinned.reset(token)


class Given(dict[str, Any]):
    """Values of options. The repr, which Django's error reports show, does not contain secrets."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        super().__init__(hidden(values))

    def __repr__(self) -> str:
        return repr(public(self))


_NOTHING = Given({})

_pinned: ContextVar[Derived | None] = ContextVar("s3store_pinned", default=None)
_lock = threading.Lock()


def _renew_lock() -> None:
    global _lock
    _lock = threading.Lock()


# Another thread can hold the lock at the moment of a fork. Windows does not have this function.
getattr(os, "register_at_fork", lambda **_: None)(after_in_child=_renew_lock)

if TYPE_CHECKING:
    # Editors and type checkers then know each option as a keyword argument and as an attribute.
    _Base = Options
else:
    _Base = object


class Configured(_Base):
    """An object with options. Attributes of a subclass that are named like an option declare its value."""

    _computed: tuple[str, ...] = ()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for name in FIELDS:
            value = inspect.getattr_static(cls, name, MISSING)
            if value is MISSING or not hasattr(type(value), "__get__"):
                setattr(cls, name, Declared(name, value))
        cls._computed = sources.dynamic_names(cls)

    if not TYPE_CHECKING:  # pragma: no branch

        @sensitive_variables()
        def __init__(self, **options: Any) -> None:
            sources.check_names(options, type(self).__name__)
            _refuse_hooks(type(self))
            self._given = Given(options)
            self._withheld = False
            self._known = None
            # Errors that do not depend on settings are raised here, where the traceback shows the caller.
            _raise_first(sources.resolve(None, self._given), whole=False)

    _given: Given
    _withheld: bool
    _known: tuple[Any, Derived] | None

    @property
    def options(self) -> Options:
        """The options in force, as a frozen dataclass. Each option is an attribute of the storage too.

        Raises ImproperlyConfigured for options that are not possible.
        """
        return self._derived.options

    @property
    def _derived(self) -> Derived:
        """The options in force and what is computed from them. A storage call takes it once, at its first step."""
        pinned = _pinned.get()
        if pinned is not None and pinned.owner is self:
            return pinned
        version: Any = sources.generation()
        computed = _NOTHING
        if self._computed:
            computed = Given({name: getattr(self, name) for name in self._computed})
            version = version, computed
        # Read once: another thread may replace it at any time.
        known = self._known
        if known is None or known[0] != version:
            resolved = self._resolve(computed)
            _raise_first(resolved)
            derived = self._derive(resolved.options)
            with _lock:
                # Threads that were here at the same time share the first one, and what it remembers of files.
                known = self._known
                if known is None or known[0] != version:
                    self._known = known = version, derived
        return known[1]

    def _derive(self, options: Options) -> Derived:
        raise NotImplementedError("Override _derive.")

    def resolve(self) -> Resolved:
        """Return the options without checking them, and the source of each value."""
        return self._resolve(Given({name: getattr(self, name) for name in self._computed}))

    def _resolve(self, computed: Mapping[str, Any]) -> Resolved:
        given: Mapping[str, Any] = self._given
        # A storage from a pickle, or built from what `deconstruct` returned, as tasks of image packages do.
        if self._withheld or not given.keys() & set(IDENTITY):
            look = partial(sources.configured_like, type(self), public(given), withheld=self._withheld)
            matches = (look(shown) for shown in (public, serializable))
            given = next((found for found in matches if found is not None), given)
        return sources.resolve(type(self), given, computed)

    def __repr__(self) -> str:
        shown = (f"{name}={value!r}" for name, value in public(self._given).items())
        return f"{type(self).__name__}({', '.join(shown)})"

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self.resolve().options == other.resolve().options

    def __hash__(self) -> int:
        # Equal storages can be configured by different sources, and settings change: only the class is certain.
        return hash(type(self))

    def deconstruct(self) -> tuple[str, tuple[()], dict[str, Any]]:
        """Return the path of the class and the keyword arguments for a migration, without secrets."""
        cls = type(self)
        return f"{cls.__module__}.{cls.__qualname__}", (), serializable(self._given)

    def __getstate__(self) -> dict[str, Any]:
        given = public(self._given)
        return {**self.__dict__, "_known": None, "_given": given, "_withheld": self._withheld or given != self._given}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    def __copy__(self: Self) -> Self:
        twin = type(self).__new__(type(self))
        twin.__dict__.update(self.__dict__, _known=None)
        return twin

    def __deepcopy__(self: Self, memo: dict[int, Any]) -> Self:
        return self.__copy__()


for _name in foreign.NAMES:
    setattr(Configured, _name, foreign.ForeignName(_name))


def _refuse_hooks(cls: type) -> None:
    for name in foreign.REFUSED:
        if not isinstance(inspect.getattr_static(cls, name), foreign.ForeignName):
            raise ImproperlyConfigured(f"{cls.__name__}.{name} is never called. {foreign.NAMES[name]}")


def _raise_first(resolved: Resolved, *, whole: bool = True) -> None:
    for problem in rules.problems(resolved, whole=whole):
        raise ImproperlyConfigured(f"{problem.message} {problem.hint} ({problem.id})")


def public(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options without the secrets."""
    shown = {name: value for name, value in hidden(given).items() if name not in SECRETS}
    config = shown.get("client_config")
    if isinstance(config, Mapping):
        shown["client_config"] = {name: value for name, value in config.items() if name != "proxies"}
    elif getattr(config, "proxies", None):
        del shown["client_config"]
    if isinstance(parameters := shown.get("object_parameters"), Parameters):
        shown["object_parameters"] = parameters.public()
    if isinstance(headers := shown.get("headers"), Mapping):
        shown["headers"] = {
            pattern: found.public() if isinstance(found, Parameters) else found for pattern, found in headers.items()
        }
    return shown


def serializable(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that a migration can hold: without secrets and without classes of boto3 or s3store."""
    shown = public(given)
    for name in ("client_config", "transfer_config"):
        if not isinstance(shown.get(name), Mapping):
            shown.pop(name, None)
    if isinstance(shown.get("object_parameters"), Parameters):
        shown["object_parameters"] = dict(shown["object_parameters"])
    if isinstance(headers := shown.get("headers"), Mapping):
        shown["headers"] = {
            pattern: dict(found) if isinstance(found, Parameters) else found for pattern, found in headers.items()
        }
    return shown
