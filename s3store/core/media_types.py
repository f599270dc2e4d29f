"""Content types by what a browser does with them: show, run or save."""

from __future__ import annotations

import re

BINARY = "application/octet-stream"
"""The type of files that a browser only saves."""

# Script, by the WHATWG's "MIME Sniffing Standard" (JavaScript MIME types).
_SCRIPT = frozenset(
    {
        "application/ecmascript",
        "application/javascript",
        "application/x-ecmascript",
        "application/x-javascript",
        "text/ecmascript",
        "text/javascript",
        "text/javascript1.0",
        "text/javascript1.1",
        "text/javascript1.2",
        "text/javascript1.3",
        "text/javascript1.4",
        "text/javascript1.5",
        "text/jscript",
        "text/livescript",
        "text/vbscript",
        "text/x-ecmascript",
        "text/x-javascript",
    }
)

# For these types a browser inspects the bytes, and may find HTML.
_SNIFFED = frozenset({"*/*", "application/unknown", "unknown/unknown"})

ACTIVE = (
    _SCRIPT
    | _SNIFFED
    | {
        "application/hta",
        "application/mathml+xml",
        "application/postscript",
        "application/vnd.adobe.flash.movie",
        "application/x-mimearchive",
        "application/x-shockwave-flash",
        "application/x-silverlight-app",
        "application/xhtml+xml",
        "application/xml",
        "application/xml-dtd",
        "application/xslt+xml",
        "image/svg+xml",
        "message/rfc822",
        "text/cache-manifest",
        "text/html",
        "text/webviewhtml",
        "text/x-component",
        "text/xml",
        "text/xsl",
    }
)
"""Types that browsers run as scripts, or render as documents of the site. `is_active` adds all types that end with
`+xml` or start with `multipart/`."""

INLINE = frozenset(
    {
        "application/pdf",
        "image/apng",
        "image/avif",
        "image/bmp",
        "image/gif",
        "image/heic",
        "image/heif",
        "image/jpeg",
        "image/jxl",
        "image/png",
        "image/tiff",
        "image/vnd.microsoft.icon",
        "image/webp",
        "image/x-icon",
        "image/x-ms-bmp",
        "text/plain",
    }
)
"""Types that may be shown in a browser. `may_be_shown` adds all `audio/` and `video/` types."""

_TOKEN = r"[!#$%&'*+.^_`|~0-9a-z-]+"  # noqa: S105 (a term of RFC 9110)
# Browsers use the last type of "image/png, text/html", so a value with a comma is not a single type.
_CONTENT_TYPE = re.compile(rf"[ \t]*({_TOKEN}/{_TOKEN})[ \t]*(;[^,\x00-\x08\x0a-\x1f\x7f]*)?\Z", re.IGNORECASE)


def essence(content_type: str | None) -> str:
    """Return `type/subtype` in lower case, without parameters, or "" if the value is not a single content type."""
    match = _CONTENT_TYPE.match(content_type or "")
    return match[1].lower() if match else ""


def is_active(content_type: str | None) -> bool:
    """Return whether a browser may run the type, or render it as a document. Invalid types count as active."""
    found = essence(content_type)
    return not found or found in ACTIVE or found.endswith("+xml") or found.startswith("multipart/")


def may_be_shown(content_type: str | None) -> bool:
    """Return whether a browser may show the type instead of saving it."""
    found = essence(content_type)
    return not is_active(found) and (found in INLINE or found.startswith(("audio/", "video/")))
