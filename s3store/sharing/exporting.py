"""The log as rows of a table, and as cells that no spreadsheet takes for formulas."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.utils.translation import gettext as _

from s3store.sharing.models import AccessLog

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def cell(value: Any) -> str:
    """Return the text of a cell in a CSV file. What a spreadsheet would take for a formula gets a `'` before it.

    OWASP: "CSV Injection".
    """
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def log_rows(rows: Iterable[AccessLog]) -> Iterator[list[Any]]:
    """Yield the rows of the log with a header: time in ISO 8601, who, what, path, network, browser."""
    yield [_("Time"), _("Who"), _("What"), _("Path"), _("Network"), _("Browser")]
    for row in rows:
        yield [row.at.isoformat(), row.actor, row.get_action_display(), row.path, row.network, row.agent]
