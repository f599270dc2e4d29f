"""A storage as a value: built from options, compared, hashed, pickled, copied and written into a migration.

None of that needs a bucket, credentials or boto3, and no secret appears in any of it.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import MISSING
from typing import Any, TypeVar

from django.core.exceptions import ImproperlyConfigured
from django.views.decorators.debug import sensitive_variables

from s3store import conf, rules
from s3store.conf import Declared, Resolved
from s3store.core.params import Parameters
from s3store.options import FIELDS, SECRETS, Options

Self = TypeVar("Self", bound="Configured")


class Configured:
    """What has options. Attributes of a subclass that are named like an option declare its value."""

    bucket_name: str
    location: str

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for name in FIELDS:
            value = inspect.getattr_static(cls, name, MISSING)
            if value is not MISSING and not hasattr(type(value), "__get__"):
                setattr(cls, name, Declared(name, value))

    @sensitive_variables()
    def __init__(self, **given: Any) -> None:
        conf.check_names(given, type(self).__name__)
        if isinstance(parameters := given.get("object_parameters"), Mapping):
            given["object_parameters"] = Parameters(parameters)
        self._given = given
        self._withheld = False
        self._resolved: tuple[Any, Resolved] | None = None
        # What is wrong whatever the settings say is said here, where the traceback points at the culprit.
        _raise_first(conf.resolve(None, given), whole=False)

    @property
    def options(self) -> Options:
        """The options in force: those given, else the class's, else the settings', else the defaults."""
        cls: Any = type(self)
        dynamic = conf.dynamic_names(cls)
        version = (conf.generation(), *(getattr(self, name) for name in dynamic))
        if self._resolved is None or self._resolved[0] != version:
            resolved = self.resolve()
            _raise_first(resolved)
            self._resolved = version, resolved
            self._options_changed()
        return self._resolved[1].options

    def resolve(self) -> Resolved:
        """Return the options as they are, possible or not, and where each one comes from."""
        given: Mapping[str, Any] = self._given
        if self._withheld:
            given = conf.configured_like(type(self), given, public) or given
        return conf.resolve(self, given)

    def _options_changed(self) -> None:
        """Forget what depends on the options."""

    def __getattr__(self, name: str) -> Any:
        declared: Any = inspect.getattr_static(type(self), name, MISSING)
        if declared is not MISSING:
            # A property raised an AttributeError, which Python hides; once more, for the caller to see it.
            return declared.__get__(self, type(self))
        if name in FIELDS:
            return getattr(self.options, name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __setattr__(self, name: str, value: object) -> None:
        if name in FIELDS:
            conf.refuse_assignment(self, name)
        super().__setattr__(name, value)

    def __repr__(self) -> str:
        shown = (f"{name}={value!r}" for name, value in public(self._given).items())
        return f"{type(self).__name__}({', '.join(shown)})"

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self.resolve().options == other.resolve().options

    def __hash__(self) -> int:
        # Equal storages may be configured in different places, and settings change: only the class is certain.
        return hash(type(self))

    def deconstruct(self) -> tuple[str, tuple[()], dict[str, Any]]:
        """Return the class's path and the keyword arguments for a migration, which needs no secrets."""
        cls = type(self)
        return f"{cls.__module__}.{cls.__qualname__}", (), serializable(self._given)

    def __getstate__(self) -> dict[str, Any]:
        state = {**self.__dict__, "_resolved": None, "_given": public(self._given)}
        state["_withheld"] = self._withheld or state["_given"] != self._given
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    def __copy__(self: Self) -> Self:
        twin = type(self).__new__(type(self))
        twin.__dict__.update(self.__dict__)
        return twin

    def __deepcopy__(self: Self, memo: dict[int, Any]) -> Self:
        return self.__copy__()


def _raise_first(resolved: Resolved, *, whole: bool = True) -> None:
    for problem in rules.problems(resolved, whole=whole):
        raise ImproperlyConfigured(f"{problem.message} {problem.hint} ({problem.id})")


def public(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options without the secrets."""
    shown = {name: value for name, value in given.items() if name not in SECRETS}
    config = shown.get("client_config")
    if isinstance(config, Mapping):
        shown["client_config"] = {name: value for name, value in config.items() if name != "proxies"}
    elif getattr(config, "proxies", None):
        del shown["client_config"]
    if isinstance(parameters := shown.get("object_parameters"), Mapping):
        shown["object_parameters"] = Parameters(
            (name, value) for name, value in parameters.items() if not name.startswith("SSECustomerKey")
        )
    return shown


def serializable(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that a migration can hold: no secrets, and none of boto3's objects."""
    shown = public(given)
    for name in ("client_config", "transfer_config"):
        if not isinstance(shown.get(name), Mapping):
            shown.pop(name, None)
    if "object_parameters" in shown and isinstance(shown["object_parameters"], Mapping):
        shown["object_parameters"] = dict(shown["object_parameters"])
    return shown
