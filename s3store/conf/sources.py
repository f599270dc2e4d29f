"""The sources of option values: arguments, class attributes, settings, environment variables, presets.

The first source that sets an option decides: OPTIONS or keyword argument, class attribute, setting, environment
variable, preset of the provider, default. Credentials are one value: an access key from one source is never combined
with a secret key or token from another.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import MISSING, dataclass
from types import MappingProxyType
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.views.decorators.debug import sensitive_variables

from s3store.conf.declared import Declared, FromSetting
from s3store.conf.options import FIELDS, IDENTITY, Options
from s3store.core import providers
from s3store.core.parameters import Parameters
from s3store.core.suggest import did_you_mean


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """Options, and a description of the source of each value that is not a default."""

    options: Options
    sources: Mapping[str, str]


PAIR = ("access_key", "secret_key")

_generation = 0


def generation() -> int:
    """Return a number that changes whenever a setting does."""
    return _generation


def _forget(**_: object) -> None:
    global _generation
    _generation += 1


setting_changed.connect(_forget, dispatch_uid="s3store.conf.sources")


def use_tz() -> bool:
    """Return the setting USE_TZ."""
    return bool(settings.USE_TZ)


def debug() -> bool:
    """Return the setting DEBUG."""
    return bool(settings.DEBUG)


def media_root() -> str:
    """Return the setting MEDIA_ROOT, `""` if it is not set."""
    return os.fspath(settings.MEDIA_ROOT)


def check_names(given: Iterable[str], owner: str) -> None:
    """Raise ImproperlyConfigured for a name that is not an option, and suggest the most similar one."""
    for name in given:
        if name not in FIELDS:
            hint = did_you_mean(name, FIELDS, "The settings reference lists all options.")
            raise ImproperlyConfigured(f"{name!r} is not an option of {owner}. {hint}")


def dynamic_names(cls: type) -> tuple[str, ...]:
    """Return the options that `cls` computes at each access, by a property or a method."""
    return tuple(
        name
        for name in FIELDS
        if not isinstance(found := inspect.getattr_static(cls, name, MISSING), Declared)
        and hasattr(type(found), "__get__")
    )


@sensitive_variables()
def resolve(cls: type | None, given: Mapping[str, Any], computed: Mapping[str, Any] = MappingProxyType({})) -> Resolved:
    """Return the options of a storage of class `cls` that was created with the keyword arguments `given`.

    `computed` are the values of its dynamic options. Without a class, only the arguments count.
    """
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    levels = [_arguments(given)]
    if cls is not None:
        levels += [_declared(cls, computed), _from_settings(), _from_environment()]
    for level in levels:
        # Credentials are one value: parts of it from two sources would be a pair that was never issued.
        known = any(values.get(name) for name in IDENTITY)
        for name, (value, source) in level.items():
            if name not in values and not (known and name in IDENTITY) and _is_set(name, value):
                values[name] = _normal(name, value)
                sources[name] = source
    if cls is not None:
        for name, value in providers.preset(values.get("provider"), values).items():
            if name not in values:
                values[name] = value
                sources[name] = f"the preset of provider {values['provider']!r}"
    return Resolved(options=Options(**values), sources=sources)


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


def _arguments(given: Mapping[str, Any]) -> Level:
    return {name: (value, f"OPTIONS or keyword argument {name}") for name, value in given.items()}


def _declared(cls: type, computed: Mapping[str, Any]) -> Level:
    level = {}
    for name in FIELDS:
        declared = inspect.getattr_static(cls, name, MISSING)
        value = declared.value if isinstance(declared, Declared) else computed.get(name, MISSING)
        source = f"class attribute {cls.__name__}.{name}"
        if isinstance(value, FromSetting):
            if hasattr(settings, value.setting):
                source = f"settings.{value.setting}"
            value = value.current()
        if value is not MISSING:
            level[name] = value, source
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
    """Return whether `value` decides. None switches off an option that a later source sets. Missing credentials, None
    or an empty string, leave the decision to the next source."""
    if value is None:
        return name not in IDENTITY
    return not (FIELDS[name].default is None and isinstance(value, str) and not value)


def _normal(name: str, value: Any) -> Any:
    if name == "location" and isinstance(value, str) and not value.endswith("//"):
        return value.removesuffix("/")
    if name in ("gzip_content_types", "public_names") and isinstance(value, Iterable) and not isinstance(value, str):
        return tuple(value)
    if name == "custom_domain" and value is False:
        # Settings for django-storages use False where the project's domain does not serve this bucket.
        return None
    if name == "object_parameters" and isinstance(value, Mapping):
        return Parameters(value)
    return value
