"""Check constraints for each Django: 5.1 renamed their argument."""

from __future__ import annotations

from typing import Any

import django
from django.db.models import CheckConstraint, Q

_RULE = "condition" if django.VERSION >= (5, 1) else "check"


def check_constraint(name: str, rule: Q) -> CheckConstraint:
    """Return the constraint that each row keeps the rule."""
    words: dict[str, Any] = {_RULE: rule, "name": name}
    return CheckConstraint(**words)
