"""Probes 6 to 8: what visitors without credentials get, and what browsers may do on the pages of the site."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from s3store.core import headers as names
from s3store.core import providers, urls
from s3store.links.uploads import PresignedUpload, presigned_form, presigned_put
from s3store.operations.doctor.examination import BODY, Examination
from s3store.operations.doctor.writing import remember
from s3store.wire.examining import Reply

_SECONDS = 60
_FORM = "form (POST)"
_REDIRECTED = 307


def examine_signed_url(examined: Examination) -> None:
    """Fetch the signed URL of the object at the endpoint, without boto3. One request."""
    if not examined.signs:
        return
    now = examined.clock()
    url = examined.api_links.by_s3(examined.shown_key, None, None, "GET", now=now)
    reply = examined.fetch("GET", url)
    seen = f"GET of a signed URL at {examined.host} returned {reply.seen}"
    if reply.status == _REDIRECTED:
        examined.found("redirected", f"{seen}, Location: {_without_query(reply.headers.get('location', ''))}")
    elif not reply.ok:
        examined.found("signed-url-refused", seen)
    else:
        examined.note("Signed URLs work.")


def _without_query(url: str) -> str:
    return url.partition("?")[0]


# Visitors without credentials


def examine_anonymous(examined: Examination) -> None:
    """Fetch the object, and a listing, without credentials. Two requests."""
    url = examined.api_links.plain(examined.shown_key, None)
    reply = examined.fetch("GET", url)
    seen = f"GET without credentials returned {reply.seen}"
    if examined.signs and reply.ok:
        examined.found("public-read", seen, url=url)
    elif examined.signs:
        examined.note("Without credentials, files cannot be read.")
    elif reply.ok:
        examined.note("Everybody can read the files, as the unsigned URLs need it.")
    elif not examined.options.custom_domain:
        examined.found("not-public", seen, url=url)
    base = examined.api_links.endpoint.url
    listing = examined.fetch("GET", f"{base}{'' if examined.api_links.endpoint.path else '/'}?list-type=2&max-keys=1")
    if listing.ok and b"<ListBucketResult" in listing.body:
        examined.found("public-list", f"a listing without credentials returned {listing.seen}")


# Browsers


def examine_uploads(examined: Examination) -> None:
    """Upload the object as a browser does on a page of the site: a preflight for each origin, a PUT, and a form."""
    if not examined.origins:
        examined.found("origin-unknown")
        return
    level = "error" if examined.uploads else "note"
    allowed = [origin for origin in examined.origins if _preflight(examined, origin, level)]
    _put(examined, allowed, level)
    options = examined.options
    if options.upload_method == "post" or (
        options.upload_method == "auto" and providers.takes_forms(options.endpoint_url)
    ):
        _post(examined, level)


def _preflight(examined: Examination, origin: str, level: str) -> bool:
    """Ask as a browser does before it sends a PUT from a page of another origin. AWS: "OPTIONS object"."""
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "content-type",
    }
    # As for most uploads, there is no object yet.
    url = urls.object_url(examined.links.upload_endpoint.url, examined.missing.key)
    reply = examined.fetch("OPTIONS", url, asked)
    methods = reply.headers.get("access-control-allow-methods", "").upper()
    if reply.ok and allows(reply, origin) and ("PUT" in methods or methods == "*"):
        return True
    named = reply.headers.get("access-control-allow-origin", "none")
    seen = f"a preflight for PUT from {origin} returned {reply.seen}; Access-Control-Allow-Origin: {named}"
    examined.found("cors-missing", seen, level=level, origin=origin)
    return False


def allows(reply: Reply, origin: str) -> bool:
    """Return whether a response may be read by pages of an origin."""
    return reply.headers.get("access-control-allow-origin") in (origin, "*")


def _put(examined: Examination, allowed: list[str], level: str) -> None:
    origin = (allowed or examined.origins)[0]
    wanted = names.headers_of(examined.accepted)
    upload = presigned_put(
        examined.links, examined.target.key, wanted, size=len(BODY), seconds=_SECONDS, now=examined.clock()
    )
    reply = _send(examined, upload, {**upload.headers, "Origin": origin}, BODY)
    if not reply.ok:
        examined.found("upload-refused", f"PUT returned {reply.seen}", level=level, method="PUT")
        return
    exposed = reply.headers.get("access-control-expose-headers", "").lower()
    if not allowed or not allows(reply, origin):
        return
    examined.note(f"Browsers can upload from {', '.join(allowed)}.")
    if "etag" not in exposed and exposed.strip() != "*":
        seen = f"PUT from {origin} returned {reply.seen}; Access-Control-Expose-Headers: {exposed or 'none'}"
        examined.found("etag-hidden", seen, origin=origin)


def _post(examined: Examination, level: str) -> None:
    try:
        fields = names.form_fields_of(examined.accepted)
    except ValueError as error:
        examined.found("upload-refused", str(error), level=level, method=_FORM)
        return
    upload = presigned_form(
        examined.links,
        examined.target.key,
        fields,
        min_size=0,
        max_size=len(BODY),
        seconds=_SECONDS,
        now=examined.clock(),
    )
    boundary = secrets.token_hex(16)
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}", "Origin": examined.origins[0]}
    reply = _send(examined, upload, headers, form_body(upload.fields, boundary))
    if reply.ok:
        examined.note("Browsers can upload with a form.")
    else:
        examined.found("upload-refused", f"POST returned {reply.seen}", level=level, method=_FORM)


def form_body(fields: Mapping[str, str], boundary: str) -> bytes:
    """Return the body of a form with the object as its file. RFC 7578."""
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n'
        for name, text in fields.items()
    ]
    parts.append(f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="file"\r\n\r\n')
    return "".join(parts).encode() + BODY + f"\r\n--{boundary}--\r\n".encode()


def _send(examined: Examination, upload: PresignedUpload, headers: Mapping[str, str], body: bytes) -> Reply:
    # A storage that cannot save has no object yet.
    examined.is_left = True
    reply = examined.fetch(upload.method, upload.url, headers, body)
    if reply.ok:
        remember(examined, reply)
    return reply
