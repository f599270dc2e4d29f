"""What a project's settings and code say beside the options: for the system checks."""

from __future__ import annotations

import ast
import os
import re
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import ENVIRONMENT_VARIABLE, settings

from s3store.conf.declared import Declared
from s3store.conf.foreign import advice_for
from s3store.conf.options import FIELDS
from s3store.core.suggest import nearest

_READ = {setting for option in FIELDS.values() for setting in option.metadata["settings"]}

# Settings of packages for other services of AWS look like ours.
_SERVICES = (
    "BEDROCK|CLOUDWATCH|COGNITO|DYNAMO|DYNAMODB|EC2|ECS|KMS|LAMBDA|LOGS|PINPOINT|RDS|SECRETS|SES|SNS|SQS|SSM|STS"
)
_OTHERS = re.compile(rf"AWS_(?:ACCOUNT_ID$|(?:{_SERVICES})_)")


def setting(name: str) -> Any:
    """Return a setting, or None if it does not exist."""
    return getattr(settings, name, None)


def unread_settings() -> Iterator[tuple[str, str]]:
    """Yield (name, what to do) for AWS_* settings that s3store does not read, but may have been meant for it."""
    for name in sorted(dir(settings)):
        if not name.startswith("AWS_") or name in _READ or _OTHERS.match(name):
            continue
        if advice := advice_for(name):
            yield name, advice
        elif found := nearest(name, _READ, likeness=0.9):
            yield name, f"Did you mean {found}?"


def declared_with(name: str, companion: str, cls: type, sources: Mapping[str, str]) -> str | None:
    """Return the value of `name` that belongs to the effective `companion`: the one that is set in the same place."""
    source = sources.get(companion, "")
    if source.startswith("settings."):
        return _first_setting(name)
    if not source.startswith("class attribute"):
        return None
    declares = [parent for parent in cls.__mro__ if _declares(parent, companion)]
    if not declares:
        return None
    beside = next((parent for parent in cls.__mro__[cls.__mro__.index(declares[0]) :] if _declares(parent, name)), None)
    return str(vars(beside)[name].value) if beside else _first_setting(name)


def _first_setting(name: str) -> str | None:
    return setting(FIELDS[name].metadata["settings"][0]) or None


def _declares(cls: type, name: str) -> bool:
    declared = vars(cls).get(name)
    return isinstance(declared, Declared) and isinstance(declared.value, str)


def is_local(url: str | None) -> bool:
    """Return whether a URL has a host without a domain, or of this machine: a server for development."""
    host = urlsplit(url or "").hostname or ""
    return bool(host) and ("." not in host or host.startswith("127."))


def written_in(secret: Any, cls: type) -> Path | None:
    """Return the file of the settings, or of the storage's class, that contains a secret as a literal."""
    if not isinstance(secret, str | bytes) or not secret:
        return None
    return next((path for path in _files(cls) if secret in _literals(path, path.stat().st_mtime)), None)


def _files(cls: type) -> Iterator[Path]:
    module = os.environ.get(ENVIRONMENT_VARIABLE, "")
    package = module.rpartition(".")[0]
    names = [module] + [name for name in sorted(sys.modules) if package and name.rpartition(".")[0] == package]
    names += [parent.__module__ for parent in cls.__mro__ if not parent.__module__.startswith(("s3store.", "django."))]
    for name in dict.fromkeys(names):
        path = getattr(sys.modules.get(name), "__file__", None)
        if path and path.endswith(".py") and Path(path).is_file():
            yield Path(path)


@cache
def _literals(path: Path, modified: float) -> frozenset[str | bytes]:  # noqa: ARG001 (a changed file is read again)
    tree = ast.parse(path.read_bytes())
    constants = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return frozenset(value for value in constants if isinstance(value, str | bytes))
