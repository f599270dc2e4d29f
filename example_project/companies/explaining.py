"""The drawers "How this page works": a sentence, and the code of a function, so that it is never out of date."""

import ast
import inspect
import textwrap
from functools import cache

from django.utils.functional import Promise
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _

MOST_LINES = 12

_EXPLAINED: dict[str, tuple[Promise, str]] = {
    "members": (
        _(
            "An invitation is a row with the hash of a token. Only the mail has the token, so whoever opens the link "
            "has read the mail."
        ),
        "companies.members.find_invitation",
    ),
    "usage": (
        _("Before an upload begins, it reserves its bytes. The lock makes two uploads wait for each other."),
        "companies.quota.reserve",
    ),
    "activity": (
        _("Cells that a spreadsheet would take for a formula get an apostrophe. s3store.sharing writes the log."),
        "companies.views.activity.safe_cell",
    ),
    "bucket": (
        _("The plan sends only reads. The command s3 setup shows the same plan, asks, and applies it."),
        "bucket.views.planned",
    ),
    "shared": (
        _("Every link is checked on every request: this function gives s3store.sharing the folder, or ends the link."),
        "companies.sharing.folder",
    ),
}


@cache
def explained(name: str) -> tuple[Promise, str]:
    """Return the text and the code of a drawer. The docstring of the function is left out."""
    text, place = _EXPLAINED[name]
    source = textwrap.dedent(inspect.getsource(import_string(place)))
    function = ast.parse(source).body[0]
    first = function.body[1]
    lines = source.splitlines()
    head = lines[: function.body[0].lineno - 1]
    return text, "\n".join([*head, *lines[first.lineno - 1 :]][:MOST_LINES])
