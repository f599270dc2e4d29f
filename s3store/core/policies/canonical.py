"""Documents in a form in which equal meaning is equal: servers return others than they were sent.

AWS writes one item instead of a list with one, Ceph moves the prefix of a lifecycle rule, SeaweedFS adds a zero.
AWS: "IAM JSON policy elements reference", "Lifecycle configuration elements".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_ACCOUNT = re.compile(r"arn:[a-z-]+:iam::(\d{12}):root").fullmatch


def statement(found: Mapping[str, Any]) -> Any:
    """Return a statement of a policy without its Sid, in a form for comparison."""
    parts: dict[str, Any] = {}
    for name, value in found.items():
        if name == "Sid":
            continue
        if name in ("Action", "NotAction"):
            parts[name] = frozenset(str(each).lower() for each in _many(value))
        elif name in ("Resource", "NotResource"):
            parts[name] = frozenset(map(str, _many(value)))
        elif name in ("Principal", "NotPrincipal"):
            parts[name] = _principal(value)
        elif name == "Condition":
            parts[name] = _condition(value)
        else:
            parts[name] = value if isinstance(value, str) else repr(value)
    return frozenset(parts.items())


def is_everyone(principal: Any) -> bool:
    """Return whether a principal is everybody."""
    return ("AWS", frozenset({"*"})) in _principal(principal) if principal else False


def _principal(value: Any) -> Any:
    if not isinstance(value, Mapping):
        value = {"AWS": value}
    return frozenset((kind, frozenset(_account(str(each)) for each in _many(who))) for kind, who in value.items())


def _account(who: str) -> str:
    found = _ACCOUNT(who)
    return found[1] if found else who


def _condition(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return repr(value)
    found = set()
    for operator, tests in value.items():
        for key, values in tests.items() if isinstance(tests, Mapping) else ((repr(tests), ()),):
            found.add((operator.lower(), key.lower(), frozenset(map(_text, _many(values)))))
    return frozenset(found)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _many(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def cors_rule(found: Mapping[str, Any]) -> Any:
    """Return a CORS rule without its ID, in a form for comparison."""
    return (
        frozenset(found.get("AllowedOrigins") or ()),
        frozenset(found.get("AllowedMethods") or ()),
        frozenset(str(name).lower() for name in found.get("AllowedHeaders") or ()),
        frozenset(str(name).lower() for name in found.get("ExposeHeaders") or ()),
        found.get("MaxAgeSeconds") or 0,
    )


def lifecycle_rule(found: Mapping[str, Any]) -> Any:
    """Return a lifecycle rule without its ID, in a form for comparison."""
    rest = {name: value for name, value in found.items() if name not in ("ID", "Filter", "Prefix")}
    expiration = rest.get("Expiration")
    if isinstance(expiration, Mapping):
        # A server can say explicitly what is not set.
        rest["Expiration"] = {name: value for name, value in expiration.items() if value}
    return (scope(found), _frozen({name: value for name, value in rest.items() if value}))


def scope(found: Mapping[str, Any]) -> Any:
    """Return what a lifecycle rule is about: its prefix, and its other conditions."""
    chosen = found.get("Filter") or {}
    both = chosen.get("And") or chosen
    prefix = both.get("Prefix") or found.get("Prefix") or ""
    others = {name: value for name, value in both.items() if name not in ("Prefix", "And") and value}
    return prefix, _frozen(others)


def _frozen(value: Any) -> Any:
    if isinstance(value, Mapping):
        return frozenset((name, _frozen(each)) for name, each in value.items())
    if isinstance(value, list | tuple):
        return frozenset(map(_frozen, value))
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)
