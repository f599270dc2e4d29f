"""A server that only lists: any number of objects, in pages as AWS sends them. The number is the argument.

It prints its URL, and stops when its standard input ends.
"""

from __future__ import annotations

import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

PAGE = 1000

_ROW = (
    "<Contents><Key>media/photos/IMG_@@@@@@%03d.jpg</Key><LastModified>2026-01-02T03:%02d:%02d.000Z</LastModified>"
    "<ETag>&quot;%032x&quot;</ETag><ChecksumAlgorithm>CRC64NVME</ChecksumAlgorithm>"
    "<ChecksumType>FULL_OBJECT</ChecksumType><Size>%d</Size><StorageClass>STANDARD</StorageClass></Contents>"
)
_ROWS = "".join(_ROW % (number, number // 60, number % 60, number * 7**40, number * 77) for number in range(PAGE))
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
_BODY = _ROWS.encode()


def page(query: dict[str, str], pages: int) -> bytes:
    """Return the page that a request asks for, of ListObjectsV2 or ListObjects."""
    second = query.get("list-type") == "2"
    if second:
        number = int(query.get("continuation-token", 0))
    else:
        marker = query.get("marker", "")
        number = int(marker.rpartition("_")[2][:6]) + 1 if marker else 0
    more = number + 1 < pages
    facts = f"<Name>bench</Name><Prefix>{query.get('prefix', '')}</Prefix><MaxKeys>{PAGE}</MaxKeys>"
    facts += f"<IsTruncated>{str(more).lower()}</IsTruncated>"
    if second:
        facts += f"<KeyCount>{PAGE}</KeyCount>"
    if more:
        following = str(number + 1) if second else f"media/photos/IMG_{number:06}999.jpg"
        name = "NextContinuationToken" if second else "NextMarker"
        facts += f"<{name}>{following}</{name}>"
    if query.get("encoding-type"):
        facts += "<EncodingType>url</EncodingType>"
    return f"{_HEAD}{facts}".encode() + _BODY.replace(b"@@@@@@", b"%06d" % number) + b"</ListBucketResult>"


class Handler(BaseHTTPRequestHandler):
    """Answers every GET with a page."""

    protocol_version = "HTTP/1.1"
    pages = 1

    def do_GET(self) -> None:
        """Send a page."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        body = page(query, self.pages)
        self.send_response(200)
        self.send_header("Content-Type", "application/xml")
        self.send_header("x-amz-request-id", "BENCH")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


if __name__ == "__main__":
    Handler.pages = int(sys.argv[1]) // PAGE
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()
