"""Options as attributes of a storage class."""

from __future__ import annotations

import os
from dataclasses import MISSING, dataclass
from typing import Any

from django.conf import ENVIRONMENT_VARIABLE, global_settings, settings


def project() -> Any:
    """Return the settings of the project, or Django's defaults for a program that has no settings."""
    return settings if settings.configured or os.environ.get(ENVIRONMENT_VARIABLE) else global_settings


class Declared:
    """An option as an attribute: on a class the declared value, on an instance the effective value."""

    def __init__(self, name: str, value: object = MISSING) -> None:
        self.name = name
        self.value = value

    def __get__(self, instance: Any, owner: type) -> Any:
        if instance is not None:
            return getattr(instance.options, self.name)
        if self.value is MISSING:
            raise AttributeError(f"{owner.__name__} declares no {self.name}.")
        return self.value.current() if isinstance(self.value, FromSetting) else self.value

    def __set__(self, instance: Any, value: object) -> None:
        name = type(instance).__name__
        raise AttributeError(f"{self.name} cannot be changed. Create another storage: {name}({self.name}=…).")


@dataclass(frozen=True, slots=True)
class FromSetting:
    """A declared value that a setting can replace."""

    setting: str
    default: object

    def current(self) -> object:
        """Return the setting's value, or the default."""
        return getattr(project(), self.setting, self.default)


def from_setting(name: str, default: object) -> Any:
    """Return a value for a class attribute: the value of the setting `name` if it exists, otherwise `default`."""
    return FromSetting(name, default)
