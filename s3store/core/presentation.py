"""Response headers that make a browser show or save a file, and never run it."""

from __future__ import annotations

from s3store.core import media_types
from s3store.core.disposition import content_disposition

SAFE = {"Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff"}
"""Headers of every response. Browsers do not send the URL to other sites, and do not guess the content type."""

SAVED = "sandbox; default-src 'none'"
"""The Content-Security-Policy of files that a browser saves."""

SHOWN = "sandbox allow-same-origin; default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'"
"""The Content-Security-Policy of files that a browser shows. Browsers put images and media into a document that loads
them from the same URL, with the same cookies. Scripts are not allowed."""


def present(content_type: str, filename: str, *, inline: bool) -> dict[str, str]:
    """Return Content-Type, Content-Disposition and Content-Security-Policy.

    A file is shown only with `inline`, and if its type may be shown. Active types are replaced by a binary type.
    """
    inline = inline and media_types.may_be_shown(content_type)
    headers = {
        "Content-Type": media_types.BINARY if media_types.is_active(content_type) else content_type,
        "Content-Disposition": content_disposition(filename, inline=inline),
        "Content-Security-Policy": SHOWN if inline else SAVED,
    }
    if inline and media_types.essence(content_type) == "application/pdf":
        # PDF viewers do not work in a sandbox. They isolate the scripts of a PDF from the site.
        del headers["Content-Security-Policy"]
    return headers
