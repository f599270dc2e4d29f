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
from datetime import datetime
from types import MappingProxyType
from typing import Any

from django.conf import global_settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from s3store.conf.declared import Declared, FromSetting, project
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
CLOUDFRONT = ("cloudfront_key_id", "cloudfront_key")

_generation = 0


def generation() -> int:
    """Return a number that changes whenever a setting does."""
    return _generation


def _forget(**_: object) -> None:
    global _generation
    _generation += 1


setting_changed.connect(_forget, dispatch_uid="s3store.conf.sources")


def upload_directory() -> str | None:
    """Return the setting FILE_UPLOAD_TEMP_DIR: where large uploads are on disk. None: the system's directory."""
    directory: str | None = project().FILE_UPLOAD_TEMP_DIR
    return directory


def is_debug() -> bool:
    """Return the setting DEBUG."""
    return bool(project().DEBUG)


def django_time(moment: datetime) -> datetime:
    """Return an aware time as Django's settings want it: in UTC with USE_TZ, otherwise naive and in TIME_ZONE.

    Without settings, times have a time zone.
    """
    settings = project()
    aware = settings is global_settings or settings.USE_TZ
    return moment if aware else timezone.make_naive(moment, timezone.get_default_timezone())


def media_root() -> str:
    """Return the setting MEDIA_ROOT, `""` if it is not set."""
    root: str | os.PathLike[str] = project().MEDIA_ROOT
    return os.fspath(root)


def media_url() -> str:
    """Return the setting MEDIA_URL, `""` if it is not set."""
    return str(project().MEDIA_URL or "")


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
        known: tuple[str, ...] = IDENTITY if any(values.get(name) for name in IDENTITY) else ()
        if "cloudfront_signer" in values:
            known += CLOUDFRONT
        for name, (value, source) in level.items():
            if name not in values and name not in known and _is_set(name, value):
                values[name] = _normal(name, value)
                sources[name] = source
    if cls is not None:
        for name, value in providers.preset(values.get("provider"), values).items():
            if name not in values:
                values[name] = value
                sources[name] = f"the preset of provider {values['provider']!r}"
    unsigned = "cloudfront_signer" in values and not any(
        values.get(name) for name in ("cloudfront_signer", *CLOUDFRONT)
    )
    if unsigned and values.get("custom_domain") and "querystring_auth" not in values:
        values["querystring_auth"] = False
        sources["querystring_auth"] = "cloudfront_signer=None"
    if values.get("object_parameters") is None:
        # Subclasses written for django-storages copy and change them.
        values["object_parameters"] = {}
    return Resolved(options=Options(**hidden(values)), sources=sources)


@sensitive_variables()
def configured_like(
    cls: type, given: Mapping[str, Any], public: Callable[[Mapping[str, Any]], dict[str, Any]], *, withheld: bool
) -> Mapping[str, Any] | None:
    """Return the OPTIONS of the entry of STORAGES that has this class and, apart from secrets, these options.

    Without `withheld`, the storage may have no secrets at all: an entry that has none either is then the storage's own.
    """
    path = f"{cls.__module__}.{cls.__qualname__}"
    entries = (entry for entry in project().STORAGES.values() if entry.get("BACKEND") == path)
    every: Iterator[Mapping[str, Any]] = (entry.get("OPTIONS") or {} for entry in entries)
    found = [options for options in every if public(options) == given]
    if not withheld:
        pairs = [all(options.get(name) for name in PAIR) for options in found]
        found = found if found and all(pairs) else []
    return next(iter(found), None)


Level = dict[str, tuple[Any, str]]


@sensitive_variables()
def _arguments(given: Mapping[str, Any]) -> Level:
    return {name: (value, f"OPTIONS or keyword argument {name}") for name, value in given.items()}


@sensitive_variables()
def _declared(cls: type, computed: Mapping[str, Any]) -> Level:
    level = {}
    for name in FIELDS:
        declared = inspect.getattr_static(cls, name, MISSING)
        value = declared.value if isinstance(declared, Declared) else computed.get(name, MISSING)
        source = f"class attribute {cls.__name__}.{name}"
        if isinstance(value, FromSetting):
            if hasattr(project(), value.setting):
                source = f"settings.{value.setting}"
            value = value.current()
        if value is not MISSING:
            level[name] = value, source
    return level


@sensitive_variables()
def _from_settings() -> Level:
    level = {}
    settings = project()
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


@sensitive_variables()
def _from_environment() -> Level:
    variables = {name: option.metadata["env"] for name, option in FIELDS.items()}
    # AWS_SESSION_TOKEN belongs to AWS_ACCESS_KEY_ID if that is there too, and otherwise to AWS_S3_ACCESS_KEY_ID.
    if os.environ.get("AWS_ACCESS_KEY_ID") in (None, "", os.environ.get(variables["access_key"])):
        tokens = (variables["security_token"], "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN")
        has_keys = os.environ.get(variables["access_key"])
        variables["security_token"] = next((name for name in tokens if has_keys and os.environ.get(name)), tokens[0])
    return {
        name: (os.environ[variable], f"environment variable {variable}")
        for name, variable in variables.items()
        if variable in os.environ
    }


def _is_set(name: str, value: object) -> bool:
    """Return whether `value` decides. None switches off an option that a later source sets. Missing credentials and a
    missing scheme, None or an empty string, leave the decision to the next source."""
    if name == "url_protocol":
        return bool(value)
    if value is None:
        return name not in IDENTITY
    return not (FIELDS[name].default is None and isinstance(value, str) and not value)


def _normal(name: str, value: Any) -> Any:
    if name == "location" and isinstance(value, str) and not value.endswith("//"):
        return value.removesuffix("/")
    if name in ("gzip_content_types", "public_names") and isinstance(value, Iterable) and not isinstance(value, str):
        return tuple(value)
    if name == "bucket_name" and value is None:
        return ""
    if name == "custom_domain" and value is False:
        # Settings for django-storages use False where the project's domain does not serve this bucket.
        return None
    return value


def hidden(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of options; those that can contain an encryption key in a form whose repr hides it."""
    found = dict(values)
    if isinstance(parameters := found.get("object_parameters"), Mapping):
        found["object_parameters"] = Parameters(parameters)
    if isinstance(headers := found.get("headers"), Mapping):
        found["headers"] = {
            pattern: Parameters(given) if isinstance(given, Mapping) else given for pattern, given in headers.items()
        }
    return found
