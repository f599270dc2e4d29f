"""HTTP/1.1 messages as the proxy passes them on: heads are read but kept as they came, bodies run by in pieces."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .wire import ProtocolError, Wire

_PIECE = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request's head. Header names are in lower case; `raw` is the head as it was sent."""

    raw: bytes
    method: str
    target: str
    version: str
    headers: Mapping[str, str]

    @property
    def keep_alive(self) -> bool:
        return _keeps_alive(self.version, self.headers)

    @property
    def expects_continue(self) -> bool:
        return self.headers.get("expect", "").lower() == "100-continue"

    def body(self, wire: Wire) -> Body:
        return Body(wire, chunked=_is_chunked(self.headers), length=_length(self.headers) or 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """A response's head, likewise."""

    raw: bytes
    status: int
    version: str
    headers: Mapping[str, str]

    @property
    def keep_alive(self) -> bool:
        return _keeps_alive(self.version, self.headers)

    def body(self, wire: Wire, method: str) -> Body:
        """Return the body that follows on the wire in answer to `method`; one without a length ends with the wire."""
        if method == "HEAD" or self.status in (204, 304):
            return Body(wire, length=0)
        return Body(wire, chunked=_is_chunked(self.headers), length=_length(self.headers))

    def closing(self) -> bytes:
        """Return the head with `Connection: close` in place of what it says."""
        lines = self.raw.split(b"\r\n")[:-2]
        kept = [line for line in lines if not line.lower().startswith((b"connection:", b"keep-alive:"))]
        return b"\r\n".join([*kept, b"Connection: close", b"", b""])


class Body:
    """A message's body, read from a wire piece by piece."""

    def __init__(self, wire: Wire, *, chunked: bool = False, length: int | None = None) -> None:
        self.length = None if chunked else length
        self.ended = self.length == 0
        self.read = 0
        self._wire = wire
        self._chunked = chunked
        self._left = self.length or 0

    @property
    def delimited(self) -> bool:
        """Whether the end of the body is told by something else than the end of the connection."""
        return self._chunked or self.length is not None

    async def piece(self) -> tuple[bytes, bytes] | None:
        """Return the next piece as (framing, payload), to be sent on in this order; None at the end.

        Raises ConnectionError if the wire ends before the body, or a chunk has no size.
        """
        if self.ended:
            return None
        framing = b""
        if self._chunked and not self._left:
            framing = await self._chunk_head()
            if not self._left:
                self.ended = True
                return framing, b""
        payload = await self._wire.read(min(self._left, _PIECE) if self.delimited else _PIECE)
        if not payload:
            self.ended = not self.delimited
            if self.ended:
                return None
            raise ConnectionResetError("the peer closed the connection in the body of a message")
        self.read += len(payload)
        if self.delimited:
            self._left -= len(payload)
            self.ended = not self._chunked and not self._left
        return framing, payload

    async def _chunk_head(self) -> bytes:
        """Read the framing before the next chunk, or after the last one."""
        before = await self._wire.read_line() if self.read else b""  # the end of the chunk before
        line = await self._wire.read_line()
        if not line:
            raise ConnectionResetError("the peer closed the connection in the body of a message")
        self._left = _number(line.split(b";")[0], 16)
        framing = before + line
        while not self._left:
            trailer = await self._wire.read_line()
            framing += trailer
            if trailer in (b"\r\n", b""):
                break
        return framing


def parse_request(raw: bytes) -> Request:
    """Parse a request's head. Raises ProtocolError if it is none."""
    line, headers = _parse(raw)
    method, target, version = _words(line)
    return Request(raw=raw, method=method, target=target, version=version, headers=headers)


def parse_response(raw: bytes) -> Response:
    """Parse a response's head. Raises ProtocolError if it is none."""
    line, headers = _parse(raw)
    version, status, _ = _words(line + "  ")
    return Response(raw=raw, status=_number(status), version=version, headers=headers)


def _parse(raw: bytes) -> tuple[str, dict[str, str]]:
    line, *rest = raw.decode("latin-1").split("\r\n")[:-2]
    headers: dict[str, str] = {}
    for field in rest:
        name, _, value = field.partition(":")
        name, value = name.lower(), value.strip()
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return line, headers


def _words(line: str) -> list[str]:
    words = line.split(" ", 2)
    if len(words) != 3:
        raise ProtocolError(f"not the first line of a message: {line!r}")
    return words


def _number(text: str | bytes, base: int = 10) -> int:
    try:
        return int(text, base)
    except ValueError as error:
        raise ProtocolError(f"not a number: {text!r}") from error


def _length(headers: Mapping[str, str]) -> int | None:
    length = headers.get("content-length")
    return None if length is None else _number(length)


def _is_chunked(headers: Mapping[str, str]) -> bool:
    return headers.get("transfer-encoding", "").lower().endswith("chunked")


def _keeps_alive(version: str, headers: Mapping[str, str]) -> bool:
    connection = headers.get("connection", "").lower()
    return "close" not in connection if version == "HTTP/1.1" else "keep-alive" in connection
