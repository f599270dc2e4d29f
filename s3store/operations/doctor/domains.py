"""Probe 12: the host that the URLs of files have, if it is not the endpoint: a custom domain, CloudFront, a proxy."""

from __future__ import annotations

from urllib.parse import urlsplit

from s3store.operations.doctor.browsing import allows
from s3store.operations.doctor.examination import BODY, Examination
from s3store.wire.examining import Reply

_OTHER_ORIGIN = "https://other.example"
_ORIGIN = "https://site.example"

# CloudFront: "Troubleshooting error responses from CloudFront", "Why does CloudFront return 403".
_KEY_CODES = {
    "MissingKey": "the URL has no signature that CloudFront knows",
    "InvalidKey": "the key pair id is not one of the distribution's",
}


def examine_domain(examined: Examination) -> None:
    """Fetch the object by its URL. One request, a second one for CORS, and one without the signature of CloudFront."""
    options = examined.options
    option = "custom_domain" if options.custom_domain else "public_endpoint_url"
    if not getattr(options, option):
        return
    name = examined.objects.name(examined.shown_key) or ""
    with examined.objects.pinned():
        url: str = examined.storage.url(name)
    host = urlsplit(url).netloc
    origin = (*examined.origins, _ORIGIN)[0]
    reply = examined.fetch("GET", url, {"Origin": origin})
    seen = f"GET at {host} returned {reply.seen}"
    if not reply.status:
        examined.found("domain-unreachable", seen, host=host, option=option)
    elif not reply.ok:
        _refused(examined, reply, seen, host, option)
    elif examined.may_write and reply.body != BODY:
        examined.found("domain-refused", f"{seen}, with another content", host=host, option=option)
    else:
        examined.note(f"File URLs at {host} work.")
        _cached(examined, reply, url, host, origin)
        _open(examined, host)


def _refused(examined: Examination, reply: Reply, seen: str, host: str, option: str) -> None:
    links = examined.links
    by_itself = reply.code in _KEY_CODES or reply.headers.get("server") == "CloudFront"
    if by_itself and links.has_distribution and links.signs:
        examined.found("cloudfront-key", seen, why=_KEY_CODES.get(reply.code, "the signature or its key is wrong"))
    elif _is_cloudfront(reply) and reply.code == "AccessDenied":
        examined.found("cloudfront-origin", seen)
    elif links.signs and not links.has_distribution and option == "custom_domain":
        examined.found("domain-unsigned", seen, host=host)
    else:
        examined.found("domain-refused", seen, host=host, option=option)


def _is_cloudfront(reply: Reply) -> bool:
    fields = (reply.headers.get(name, "").lower() for name in ("x-cache", "via", "server"))
    return any("cloudfront" in text for text in fields)


def _cached(examined: Examination, reply: Reply, url: str, host: str, origin: str) -> None:
    """Find out whether a cache returns the response for one origin to another."""
    if reply.headers.get("access-control-allow-origin") != origin:
        return
    second = examined.fetch("GET", url, {"Origin": _OTHER_ORIGIN})
    if allows(second, origin) and not allows(second, _OTHER_ORIGIN):
        seen = f"GET at {host} from {_OTHER_ORIGIN} returned Access-Control-Allow-Origin: {origin}"
        examined.found("vary-missing", seen, host=host)


def _open(examined: Examination, host: str) -> None:
    if not (examined.links.has_distribution and examined.signs):
        return
    reply = examined.fetch("GET", examined.links.plain(examined.shown_key, None))
    if reply.ok:
        examined.found("cloudfront-open", f"GET at {host} without a signature returned {reply.seen}")
