"""CORS rules of the twin, for tests with pages of another origin.

AWS: "Elements of a CORS configuration". Without rules, browsers only let pages of the same origin read responses.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from django.core.exceptions import ImproperlyConfigured

_MEMBERS = ("AllowedOrigins", "AllowedMethods", "AllowedHeaders", "ExposeHeaders", "MaxAgeSeconds", "ID")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule: what pages of these origins may do."""

    origins: tuple[str, ...]
    methods: tuple[str, ...]
    headers: tuple[str, ...]
    exposed: tuple[str, ...]
    max_age: int | None

    @classmethod
    def of(cls, rule: Mapping[str, Any]) -> Rule:
        """Return the rule in the format of S3's CORSRules. Raises ImproperlyConfigured for an unknown member."""
        for name in rule:
            if name not in _MEMBERS:
                raise ImproperlyConfigured(f"cors: {name!r} is not a member of a CORS rule: {', '.join(_MEMBERS)}.")
        return cls(
            origins=tuple(rule.get("AllowedOrigins", ())),
            methods=tuple(rule.get("AllowedMethods", ())),
            headers=tuple(name.lower() for name in rule.get("AllowedHeaders", ())),
            exposed=tuple(rule.get("ExposeHeaders", ())),
            max_age=rule.get("MaxAgeSeconds"),
        )

    def allows(self, origin: str, method: str, headers: Iterable[str] = ()) -> bool:
        """Return whether a page of `origin` may send a request with this method and these headers."""
        return (
            _matches(origin, self.origins)
            and method in self.methods
            and all(_matches(name.lower(), self.headers) for name in headers)
        )


def response_headers(
    rules: Iterable[Rule], origin: str, method: str, wanted: Iterable[str] = (), *, preflight: bool = False
) -> dict[str, str] | None:
    """Return the headers of a response to a page of `origin`, or None if no rule allows the request."""
    wanted = list(wanted)
    rule = next((rule for rule in rules if rule.allows(origin, method, wanted)), None)
    if rule is None:
        return None
    anyone = rule.origins == ("*",)
    found = {"Access-Control-Allow-Origin": "*" if anyone else origin, "Vary": "Origin"}
    if not anyone:
        found["Access-Control-Allow-Credentials"] = "true"
    if rule.exposed:
        found["Access-Control-Expose-Headers"] = ", ".join(rule.exposed)
    if preflight:
        found["Access-Control-Allow-Methods"] = ", ".join(rule.methods)
        if wanted:
            found["Access-Control-Allow-Headers"] = ", ".join(wanted)
        if rule.max_age is not None:
            found["Access-Control-Max-Age"] = str(rule.max_age)
    return found


def _matches(value: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(value, pattern.replace("[", "[[]")) for pattern in patterns)
