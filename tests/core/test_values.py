"""What crosses the borders of modules is a value."""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import is_dataclass

import pytest

import s3store
from s3store import conf, core, links, mixins, wire

DATACLASSES = {
    f"{module.__name__}.{name}": value
    for room in (conf, core, links, mixins, wire)
    for found in pkgutil.walk_packages(room.__path__, f"{room.__name__}.")
    for module in [importlib.import_module(found.name)]
    for name, value in vars(module).items()
    if isinstance(value, type) and is_dataclass(value) and value.__module__ == module.__name__
}


@pytest.mark.parametrize("value", DATACLASSES.values(), ids=DATACLASSES)
def test_a_dataclass_cannot_be_changed(value: type) -> None:
    """Nobody who was given one can change it for another."""
    assert value.__module__.startswith(s3store.__name__)
    assert value.__dataclass_params__.frozen  # type: ignore[attr-defined]
