"""Probe 1: one listing, which shows the network, the server, the clock, the credentials, the region and the bucket."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Callable
from typing import NoReturn
from urllib.parse import urlsplit

from s3store.core.archive import ARCHIVES
from s3store.core.x509 import certificate
from s3store.operations.doctor.examination import Examination
from s3store.operations.doctor.writing import explicit_deny
from s3store.wire.examining import Examiner, Reply

_SECONDS = 3.0
_SKEW_REFUSED = 600
_SKEW_SHOWN = 60
_PROXY_AUTHENTICATION = 407
_REDIRECTS = (302, 307)

_PROXY_VARIABLES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")


_BY_CODE = {
    "ExpiredToken": "session-expired",
    "ExpiredTokenException": "session-expired",
    "InvalidToken": "token-refused",
    "NoSuchKey": "bucket-in-endpoint",
}


def examine_listing(examined: Examination) -> None:
    """List the location of the storage: one request, and one more where the response has no region."""
    reply = examined.listed = list_once(examined, examined.examiner)
    _clock(examined, reply)
    if not reply.status:
        _no_response(examined, reply)
    _not_from_s3(examined, reply)
    _region(examined, reply)
    if reply.status in _REDIRECTS:
        examined.end("redirected", f"the listing returned {reply.seen}, Location: {reply.headers.get('location', '')}")
    if not reply.ok:
        _refused(examined, reply)
    elif "KeyCount" not in reply.value and "Name" not in reply.value and "IsTruncated" not in reply.value:
        # Another document than the one that was asked for: a server that ignores the host lists the buckets.
        _other_style(examined, reply)
        examined.end("not-s3", f"the listing returned {reply.seen}, and is not a listing")
    else:
        examined.note(f"List: {examined.bucket!r} at {examined.host}.")
        _first_object(examined, reply)


def _first_object(examined: Examination, reply: Reply) -> None:
    for entry in reply.value.get("Contents") or ():
        storage_class = str(entry.get("StorageClass") or "")
        if storage_class in ARCHIVES:
            examined.found("archived", f"{entry['Key']!r} has it", storage_class=storage_class)


def not_listed(examined: Examination) -> None:
    """Note that the listing was refused, if nothing else explains it."""
    reply = examined.listed
    if not explicit_deny(examined, reply, "ListObjectsV2"):
        # Visitors of a public bucket may read its files, and usually not list them.
        level = "warning" if examined.options.anonymous else None
        examined.found("list-denied", f"ListObjectsV2 returned {reply.seen}", level=level)


def list_once(examined: Examination, examiner: Examiner, **extra: str) -> Reply:
    """List at most one file of the storage."""
    params = {name: value for name, value in examined.objects.listing_params.items() if name in ("RequestPayer",)}
    return examiner.ask("list_objects_v2", None, params, Prefix=examined.objects.prefix(""), MaxKeys=1, **extra)


# The clock and the region


def _clock(examined: Examination, reply: Reply) -> None:
    skew = examined.skew = reply.skew or 0.0
    # Our own clock, seen from the server's.
    words = {"seconds": str(round(abs(skew))), "direction": "slow" if skew > 0 else "fast"}
    if reply.code == "RequestTimeTooSkewed" or (abs(skew) > _SKEW_REFUSED and not reply.ok):
        examined.end("clock-wrong", f"{reply.seen}; Date: {reply.headers.get('date', '')}", **words)
    if abs(skew) > _SKEW_SHOWN:
        examined.found("clock-differs", f"Date: {reply.headers.get('date', '')}", **words)
    elif reply.skew is not None:
        examined.note(f"Clock: {round(abs(skew))} s off.")


def _region(examined: Examination, reply: Reply) -> None:
    configured = examined.api_links.endpoint.region
    region = reply.headers.get("x-amz-bucket-region") or reply.details.get("Region") or ""
    if not region and examined.on_aws and reply.ok:
        region = examined.ask("head_bucket").headers.get("x-amz-bucket-region", "")
    if region and region != configured:
        examined.end("region-wrong", f"the listing returned {reply.seen}", region=region, configured=configured)
    if region:
        examined.note(f"Region: {region}.")


# No response


def _no_response(examined: Examination, reply: Reply) -> None:
    # The client adds the bucket to the host with the virtual style.
    address = urlsplit(examined.api_links.endpoint.url)
    host, port = address.hostname or "", address.port or (443 if address.scheme == "https" else 80)
    if reply.failure == "ProxyConnectionError":
        _proxy(examined, reply)
    if reply.failure == "SSLError":
        if "CERTIFICATE_VERIFY_FAILED" in reply.text or "certificate verify failed" in reply.text.lower():
            # A proxy may decide who is asked.
            found = None if proxies_of(examined) else certificate(presented(host, port))
            names = f"; subject {found.subject}; issuer {found.issuer}; expires {found.expires}" if found else ""
            examined.end("certificate", f"{reply.seen}{names}")
        _scheme(examined, reply, "http")
    server = urlsplit(examined.endpoint).hostname or ""
    if not _tries(lambda: socket.getaddrinfo(host, port)):
        if host != server and _tries(lambda: socket.getaddrinfo(server, port)):
            _other_style(examined, reply)
        if proxies_of(examined):
            _proxy(examined, reply)
        examined.end("host-unknown", reply.seen, host=host)
    if not _tries(lambda: socket.create_connection((host, port), _SECONDS).close()):
        step = "it does not respond in time" if "imeout" in reply.failure else "the connection is refused"
        examined.end("not-reachable", reply.seen, host=f"{host}:{port}", step=step)
    if address.scheme == "http" and speaks_tls(host, port):
        _scheme(examined, reply, "https")
    if proxies_of(examined):
        _proxy(examined, reply)
    examined.end("no-response", reply.seen)


def _tries(work: Callable[[], object]) -> bool:
    try:
        work()
    except OSError:
        return False
    return True


def speaks_tls(host: str, port: int) -> bool:
    """Return whether the server uses TLS at a port, whatever its certificate is."""
    return bool(presented(host, port))


def presented(host: str, port: int) -> bytes:
    """Return the certificate of a server in DER, whatever it is, or b"" if the server does not use TLS at the port.

    Nothing is sent after the handshake.
    """
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with (
            socket.create_connection((host, port), _SECONDS) as plain,
            context.wrap_socket(plain, server_hostname=host) as connection,
        ):
            return connection.getpeercert(binary_form=True) or b""
    except OSError:
        return b""


def _scheme(examined: Examination, reply: Reply, wanted: str) -> None:
    present = urlsplit(examined.endpoint).scheme
    endpoint = examined.endpoint.replace(f"{present}://", f"{wanted}://", 1)
    examined.end("scheme-wrong", reply.seen, scheme=present, wanted=repr(endpoint))


def proxies_of(examined: Examination) -> str:
    """Return where a proxy is configured, without its address: it can contain a password."""
    found = ["the option proxies"] if examined.options.proxies else []
    return ", ".join(found + [name for name in _PROXY_VARIABLES if os.environ.get(name)])


def _proxy(examined: Examination, reply: Reply) -> None:
    seen = "the proxy cannot be reached" if reply.failure == "ProxyConnectionError" else reply.seen
    examined.end("proxy", seen, variables=proxies_of(examined) or "the configuration of botocore")


# A response of something else


def _not_from_s3(examined: Examination, reply: Reply) -> None:
    seen = f"the listing returned {reply.seen}"
    if reply.status == _PROXY_AUTHENTICATION or (reply.is_page and proxies_of(examined)):
        _proxy(examined, reply)
    known = reply.code or any(name.startswith("x-amz") for name in reply.headers)
    if reply.status == 400 and not known:
        address = urlsplit(examined.endpoint)
        if address.scheme == "http" and speaks_tls(address.hostname or "", address.port or 80):
            _scheme(examined, reply, "https")
    if reply.is_page or (reply.status == 405) or (reply.failure == "ResponseParserError"):
        examined.end("not-s3", seen)


# Refusals


def _refused(examined: Examination, reply: Reply) -> None:
    seen = f"the listing returned {reply.seen}"
    code, found = reply.code, examined.chain
    if code == "InvalidAccessKeyId":
        # Some servers call an unknown token an unknown key.
        stray = found.has_token and not found.is_temporary
        examined.end("token-refused" if stray else "key-unknown", seen)
    if code == "SignatureDoesNotMatch":
        length = str(len(examined.options.secret_key or "")) if examined.options.secret_key else "…"
        examined.end("secret-wrong", seen, length=length)
    if code == "SecondLevelDomainForbidden":
        _wrong_style(examined, seen)
    if code in _BY_CODE:
        examined.end(_BY_CODE[code], seen)
    if reply.status == 404:
        _other_style(examined, reply)
        examined.end("bucket-missing", seen)
    if not reply.refused:
        _other_style(examined, reply)
        examined.end("unexpected", seen, request="ListObjectsV2")
    _with_another_parameter(examined, seen)


def _with_another_parameter(examined: Examination, seen: str) -> None:
    """Find out whether the listing is allowed without the owner, or if we pay. Both are refused with 403."""
    options = examined.options
    if options.expected_bucket_owner:
        without = examined.examiner.with_options(expected_bucket_owner=None)
        if list_once(examined, without).ok:
            examined.end("owner-differs", seen, owner=options.expected_bucket_owner)
    paying = "RequestPayer" in examined.objects.listing_params
    if not paying and examined.chain.source and list_once(examined, examined.examiner, RequestPayer="requester").ok:
        examined.end("requester-pays", seen)


def _other_style(examined: Examination, reply: Reply) -> None:
    """Try the other addressing style once. On AWS, both work."""
    if examined.on_aws:
        return
    other = examined.examiner.with_options(addressing_style=_styles(examined)[1])
    listing = list_once(examined, other)
    if listing.ok and listing.value.get("Name") == examined.bucket:
        _wrong_style(examined, reply.seen)


def _wrong_style(examined: Examination, seen: str) -> NoReturn:
    places = {"path": "path", "virtual": "host"}
    present, wanted = _styles(examined)
    examined.end("style-wrong", seen, style=places[present], other=places[wanted], wanted=wanted)


def _styles(examined: Examination) -> tuple[str, str]:
    """Return the addressing style of the requests, and the other one."""
    server = urlsplit(examined.endpoint).hostname
    in_path = urlsplit(examined.api_links.endpoint.url).hostname == server
    return ("path", "virtual") if in_path else ("virtual", "path")
