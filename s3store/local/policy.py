"""POST policies as S3 enforces them. Names of fields are in lower case.

AWS: "Browser-based uploads using POST (AWS Signature Version 4)", "POST policy".
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from s3store.core.parts import GIB
from s3store.local.refusals import Refusal

_EXPIRATION = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z\Z")
_FREE = ("policy", "x-amz-signature", "file")
_IGNORED = "x-ignore-"
_LIMIT = 5 * GIB


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One condition: the field `name` must be, or start with, `value`."""

    operator: str
    name: str
    value: str

    def holds(self, fields: Mapping[str, str]) -> bool:
        """Return whether the fields meet the condition."""
        if self.name not in fields:
            return False
        given = fields[self.name]
        if self.operator == "eq":
            return given == self.value
        # AWS: a list of content types meets the condition if each of them does.
        values = given.split(",") if self.name == "content-type" else [given]
        return all(value.strip().startswith(self.value) for value in values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A policy document: when it ends, and what it demands. `smallest` and `largest` are in bytes."""

    expiration: datetime
    conditions: tuple[Condition, ...]
    smallest: int
    largest: int

    @classmethod
    def of(cls, encoded: str) -> Policy:
        """Return the policy in a form's field. Raises Refusal if it is not a valid one."""
        document = _document(encoded)
        smallest, largest, conditions = 0, _LIMIT, []
        for entry in document["conditions"]:
            if isinstance(entry, list) and entry[:1] == ["content-length-range"]:
                low, high = _range(entry[1:])
                smallest, largest = max(smallest, low), min(largest, high)
            else:
                conditions += list(_conditions(entry))
        return cls(
            expiration=_expiration(document["expiration"]),
            conditions=tuple(conditions),
            smallest=smallest,
            largest=largest,
        )

    def check(self, fields: Mapping[str, str], *, now: int) -> None:
        """Raise Refusal if the policy has expired, a condition is not met, or a field has no condition."""
        if datetime.fromtimestamp(now, timezone.utc) > self.expiration:
            raise _denied("Policy expired.")
        for condition in self.conditions:
            if not condition.holds(fields):
                said = [condition.operator, f"${condition.name}", condition.value]
                raise _denied(f"Policy Condition failed: {json.dumps(said)}")
        named = {condition.name for condition in self.conditions}
        for name in fields:
            if name not in named and name not in _FREE and not name.startswith(_IGNORED):
                raise _denied(f"Extra input fields: {name}")

    def check_size(self, size: int) -> None:
        """Raise Refusal for a file that is too small. Too large ones are refused while they arrive."""
        if size < self.smallest:
            raise Refusal("EntityTooSmall")


def _document(encoded: str) -> dict[str, Any]:
    try:
        document = json.loads(base64.b64decode(encoded, validate=True))
    except (binascii.Error, ValueError, RecursionError):
        raise _invalid("Invalid JSON.") from None
    if not isinstance(document, dict):
        raise _invalid("Invalid JSON: not an object.")
    for name in ("expiration", "conditions"):
        if name not in document:
            raise _invalid(f"Policy missing {name}.")
    if not isinstance(document["conditions"], list):
        raise _invalid("The conditions are not a list.")
    return document


def _expiration(text: Any) -> datetime:
    try:
        if not isinstance(text, str) or not _EXPIRATION.match(text):
            raise ValueError
        return datetime.strptime(text[:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=timezone.utc)
    except ValueError:
        raise _invalid("Invalid 'expiration' value.") from None


def _range(bounds: list[Any]) -> tuple[int, int]:
    # JavaScript clients send numbers as text.
    texts = [str(bound) if type(bound) in (int, str) else "" for bound in bounds]
    if len(texts) != 2 or not all(re.fullmatch(r"[0-9]{1,18}", text) for text in texts):
        raise _invalid("content-length-range needs two numbers.")
    return int(texts[0]), int(texts[1])


def _conditions(entry: Any) -> Iterator[Condition]:
    if isinstance(entry, dict) and entry and all(isinstance(value, str) for value in entry.values()):
        for name, value in entry.items():
            yield Condition(operator="eq", name=name.lower(), value=value)
    elif isinstance(entry, list) and len(entry) == 3 and all(isinstance(value, str) for value in entry):
        operator, name, value = entry
        if operator.lower() not in ("eq", "starts-with") or not name.startswith("$"):
            raise _invalid(f"Invalid condition: {json.dumps(entry)[:200]}")
        yield Condition(operator=operator.lower(), name=name[1:].lower(), value=value)
    else:
        raise _invalid(f"Invalid condition: {json.dumps(entry)[:200]}")


def _invalid(why: str) -> Refusal:
    return Refusal("InvalidPolicyDocument", f"Invalid Policy: {why}")


def _denied(why: str) -> Refusal:
    return Refusal("AccessDenied", f"Invalid according to Policy: {why}")
