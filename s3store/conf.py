"""Where the options of a storage come from; the only reader of settings.

One rule: OPTIONS or keyword argument, else attribute of the class, else setting, else what the provider's name
stands for, else default. Credentials go by the same rule as one value: an access key from one place never meets a
secret or a token from another.
"""

from __future__ import annotations

import difflib
import inspect
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import MISSING, dataclass
from functools import cache
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.views.decorators.debug import sensitive_variables

from s3store.core import providers
from s3store.core.params import Parameters
from s3store.options import CREDENTIALS, FIELDS, Options


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """Options, and for each one that is not the default the place it comes from, in words."""

    options: Options
    places: Mapping[str, str]


class Declared:
    """An option as an attribute of a storage class: the declared value there, the value in force on an instance."""

    def __init__(self, name: str, value: object) -> None:
        self.name = name
        self.value = value

    def __get__(self, instance: Any, owner: type) -> Any:
        if instance is not None:
            return getattr(instance.options, self.name)
        return self.value.current() if isinstance(self.value, FromSetting) else self.value

    def __set__(self, instance: Any, value: object) -> None:
        refuse_assignment(instance, self.name)


@dataclass(frozen=True, slots=True)
class FromSetting:
    """A declared value that a setting of its own may replace."""

    setting: str
    default: object

    def current(self) -> object:
        """Return the setting's value, or the default."""
        return getattr(settings, self.setting, self.default)


def from_setting(name: str, default: object) -> Any:
    """Return a class attribute's value: the setting `name`, or else `default`."""
    return FromSetting(name, default)


def refuse_assignment(instance: object, name: str) -> None:
    """Raise AttributeError: options are fixed when a storage is made."""
    raise AttributeError(
        f"{name} cannot be changed on a {type(instance).__name__}; make another one: "
        f"{type(instance).__name__}({name}=…)."
    )


PAIR = ("access_key", "secret_key")

_generation = 0


def generation() -> int:
    """Return a number that changes whenever a setting does."""
    return _generation


def _forget(**_: object) -> None:
    global _generation
    _generation += 1


setting_changed.connect(_forget, dispatch_uid="s3store.conf")


def use_tz() -> bool:
    """Whether the project's times are aware."""
    return bool(settings.USE_TZ)


def check_names(given: Iterable[str], owner: str) -> None:
    """Raise ImproperlyConfigured for a name that is no option, with the nearest one."""
    for name in given:
        if name not in FIELDS:
            near = difflib.get_close_matches(name, FIELDS, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else " The settings reference lists them all."
            raise ImproperlyConfigured(f"{name!r} is not an option of {owner}.{hint}")


@cache
def dynamic_names(cls: Any) -> tuple[str, ...]:
    """Return the options that `cls` computes at each access, by a property or a method."""
    return tuple(
        name
        for name in FIELDS
        if not isinstance(found := inspect.getattr_static(cls, name, MISSING), Declared)
        and hasattr(type(found), "__get__")
    )


@sensitive_variables()
def resolve(instance: object | None, given: Mapping[str, Any]) -> Resolved:
    """Return the options of a storage that was made with the keyword arguments `given`.

    Without an instance, only what these alone say.
    """
    values: dict[str, Any] = {}
    places: dict[str, str] = {}
    levels = [_given(given)]
    if instance is not None:
        levels += [_declared(instance), _from_settings(), _from_environment()]
    for level in levels:
        # Credentials are one value: parts of it from two places would be a pair that nobody issued.
        known = any(values.get(name) for name in CREDENTIALS)
        for name, (value, place) in level.items():
            if name not in values and not (known and name in CREDENTIALS) and _is_set(name, value):
                values[name] = _normal(name, value)
                places[name] = place
    if instance is not None:
        for name, value in providers.preset(values.get("provider"), values).items():
            if name not in values:
                values[name] = value
                places[name] = f"the preset of provider {values['provider']!r}"
    return Resolved(options=Options(**values), places=places)


@sensitive_variables()
def configured_like(
    cls: type, given: Mapping[str, Any], public: Callable[[Mapping[str, Any]], dict[str, Any]]
) -> Mapping[str, Any] | None:
    """Return the OPTIONS of the entry of STORAGES that has this class and, apart from secrets, these options."""
    path = f"{cls.__module__}.{cls.__qualname__}"
    entries = (entry for entry in settings.STORAGES.values() if entry.get("BACKEND") == path)
    found: Iterator[Mapping[str, Any]] = (entry.get("OPTIONS") or {} for entry in entries)
    return next((options for options in found if public(options) == given), None)


Level = dict[str, tuple[Any, str]]


def _given(given: Mapping[str, Any]) -> Level:
    return {name: (value, f"OPTIONS or keyword argument {name}") for name, value in given.items()}


def _declared(instance: object) -> Level:
    level = {}
    cls = type(instance)
    for name in FIELDS:
        value = inspect.getattr_static(cls, name, MISSING)
        place = f"class attribute {cls.__name__}.{name}"
        if isinstance(value, Declared):
            value = value.value
        elif hasattr(type(value), "__get__"):
            value = getattr(instance, name)
        if isinstance(value, FromSetting):
            if hasattr(settings, value.setting):
                place = f"settings.{value.setting}"
            value = value.current()
        if value is not MISSING:
            level[name] = value, place
    return level


def _from_settings() -> Level:
    level = {}
    # The pair is AWS_S3_ACCESS_KEY_ID with AWS_S3_SECRET_ACCESS_KEY or the two without S3, never one of each.
    specific = any(getattr(settings, FIELDS[name].metadata["settings"][0], None) for name in PAIR)
    for name, option in FIELDS.items():
        names = option.metadata["settings"]
        if name in PAIR:
            names = names[:1] if specific else names[1:]
        for setting in names:
            if name not in level and hasattr(settings, setting) and _is_set(name, getattr(settings, setting)):
                level[name] = getattr(settings, setting), f"settings.{setting}"
    return level


def _from_environment() -> Level:
    variables = {name: option.metadata["env"] for name, option in FIELDS.items()}
    return {
        name: (os.environ[variable], f"environment variable {variable}")
        for name, variable in variables.items()
        if variable in os.environ
    }


def _is_set(name: str, value: object) -> bool:
    """Whether `value` says anything. None switches an option off that a lower level sets; but missing credentials,
    which come as None or as an empty string, leave the word to the next level."""
    if value is None:
        return name not in CREDENTIALS
    return not (FIELDS[name].default is None and isinstance(value, str) and not value)


def _normal(name: str, value: Any) -> Any:
    if name == "location" and isinstance(value, str) and not value.endswith("//"):
        return value.removesuffix("/")
    if name in ("gzip_content_types", "public_names") and isinstance(value, Iterable) and not isinstance(value, str):
        return tuple(value)
    if name == "custom_domain" and value is False:
        # What settings written for django-storages say where the project's domain does not serve this bucket.
        return None
    if name == "object_parameters" and isinstance(value, Mapping):
        return Parameters(value)
    return value


# The STORAGES that we wrote ourselves.
_applied: dict[str, Any] | None = None

LEGACY = {"DEFAULT_FILE_STORAGE": "default", "STATICFILES_STORAGE": "staticfiles"}
"""The settings by which Django before 4.2 named storages, and the aliases that took their place."""


def legacy_settings() -> dict[str, str]:
    """Return those of the legacy settings that the project makes."""
    return {name: getattr(settings, name) for name in LEGACY if _is_overridden(name)}


def apply_legacy_settings() -> None:
    """Write the legacy settings into STORAGES, for a Django that ignores them.

    Raises ImproperlyConfigured when both are made, as Django 4.2 does.
    """
    found = legacy_settings()
    if found and _is_overridden("STORAGES") and settings.STORAGES is not _applied:
        raise ImproperlyConfigured(f"{' and '.join(found)}/STORAGES are mutually exclusive: keep STORAGES.")
    for name, path in found.items():
        _set_backend(LEGACY[name], path)


def follow_legacy_setting(*, setting: str, value: str | None, enter: bool, **_: object) -> None:
    """Do the same when a test overrides one of them."""
    if setting in LEGACY:
        if enter and value:
            _set_backend(LEGACY[setting], value)
        # Django's own receiver forgets the storages made so far.
        setting_changed.send(sender=None, setting="STORAGES", value=settings.STORAGES, enter=enter)


def _is_overridden(name: str) -> bool:
    holder: Any = settings
    return bool(holder.is_overridden(name))


def _set_backend(alias: str, path: str) -> None:
    global _applied
    settings.STORAGES = _applied = {**settings.STORAGES, alias: {"BACKEND": path}}
