"""How a browser is to take a file: the headers that have it shown or saved, and never run."""

from __future__ import annotations

from s3store.core import media_types
from s3store.core.disposition import content_disposition

SAFE = {"Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff"}
"""Headers of every answer: a signed URL is told to nobody, and the content type is what the server says."""

SAVED = "sandbox; default-src 'none'"
"""The Content-Security-Policy of what a browser saves."""

SHOWN = "sandbox allow-same-origin; default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'"
"""The Content-Security-Policy of what a browser shows. It puts images and media into a document of its own, which
loads them from the same address and with the same cookies. Nothing in it allows a script."""


def present(content_type: str, filename: str, *, inline: bool) -> dict[str, str]:
    """Return Content-Type, Content-Disposition and Content-Security-Policy.

    A file is shown with `inline` only, and if its type may be. Active types lose their type.
    """
    inline = inline and media_types.may_be_shown(content_type)
    headers = {
        "Content-Type": media_types.BINARY if media_types.is_active(content_type) else content_type,
        "Content-Disposition": content_disposition(filename, inline=inline),
        "Content-Security-Policy": SHOWN if inline else SAVED,
    }
    if inline and media_types.essence(content_type) == "application/pdf":
        # Browsers do not start their viewer in a sandbox. It keeps the scripts of a PDF away from the site by itself.
        del headers["Content-Security-Policy"]
    return headers
