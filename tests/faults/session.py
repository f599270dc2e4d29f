"""One client's connection: its requests are read, harmed or not, passed on, and written down."""

from __future__ import annotations

import asyncio
import http
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .http1 import Body, Request, Response, parse_request, parse_response
from .injure import IN_REPLY_BODY, Injury, Strike, canned_reply, flipped, has_body
from .wire import Wire

if TYPE_CHECKING:
    from .proxy import FaultProxy

Reply = tuple[int, Mapping[str, str], bytes]
Responder = Callable[[str, str, Mapping[str, str]], "Reply | None"]
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_LINGER = 2.0  # seconds a client may take to notice a reply that came before its upload was read


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request and what became of it.

    Header names are in lower case. `status` is what the upstream (or the proxy in its place) answered, seen by the
    client or not; None if nothing did. Bytes are those of bodies, framing included: read from the client, and
    taken by the client's socket. `fault` is None for an exchange left in peace.
    """

    method: str
    target: str
    request_headers: Mapping[str, str]
    status: int | None
    fault: str | None
    request_bytes: int
    response_bytes_sent_to_client: int
    connection_number: int
    at_monotonic: float
    expect_continue: bool


class Session:
    """A client's connection and the one to the upstream that goes with it."""

    def __init__(self, proxy: FaultProxy, client: Wire, number: int) -> None:
        self._proxy = proxy
        self._client = client
        self._number = number
        self._upstream: Wire | None = None

    async def run(self) -> None:
        """Serve requests until one side is through with the connection."""
        try:
            while raw := await self._client.read_head():
                if not await self._exchange(parse_request(raw)):
                    if not self._arrived.ended:
                        await self._client.linger(_LINGER)
                    break
            await self._client.close()
        except ConnectionError:
            # One of the sides broke off or does not speak HTTP: the other learns it by a reset.
            await self._client.reset()
        finally:
            self._client.abort()
            self._drop_upstream()

    async def _exchange(self, request: Request) -> bool:
        """Serve a request and write it down; tell whether another may follow."""
        self._status: int | None = None
        self._fault: str | None = None
        self._arrived = request.body(self._client)
        self._heads = 0
        at, before = time.monotonic(), self._client.written
        try:
            again = await self._serve(request)
            await self._client.flushed()
            return again
        finally:
            self._proxy.write_down(
                Exchange(
                    method=request.method,
                    target=request.target,
                    request_headers=request.headers,
                    status=self._status,
                    fault=self._fault,
                    request_bytes=self._arrived.read,
                    response_bytes_sent_to_client=max(0, self._client.written - before - self._heads),
                    connection_number=self._number,
                    at_monotonic=at,
                    expect_continue=request.expects_continue,
                )
            )

    async def _serve(self, request: Request) -> bool:
        await self._proxy.admit(f"{request.method} {request.target}")
        respond = self._proxy.respond
        if respond is not None and (reply := respond(request.method, request.target, request.headers)):
            return await self._answer(request, *reply)
        surgeon = self._proxy.surgeon
        injury = surgeon.draw(request)
        self._fault = None if injury is None else injury.fault
        if injury is None:
            return await self._forward(request, None)
        if injury.fault in ("slow503", "err500", "mpu200"):
            return await self._answer(request, *canned_reply(injury.fault))
        if injury.fault in ("reset", "freeze"):
            if injury.fault == "freeze":
                await asyncio.sleep(self._proxy.stall_seconds)
            await self._take_part(request, injury)
            await self._client.reset()
            return False
        again = await self._forward(request, injury)
        if self._fault is None:
            surgeon.spare(request, injury)
        return again

    # Answers of the proxy's own

    async def _answer(self, request: Request, status: int, headers: Mapping[str, str], body: bytes) -> bool:
        """Answer in place of the upstream. A client that asked whether to send its body is told no by the answer."""
        self._status = status
        while not request.expects_continue and await self._arrived.piece():
            pass
        again = request.keep_alive and not request.expects_continue
        fields = {"Content-Length": str(len(body)), "Connection": "keep-alive" if again else "close"} | dict(headers)
        reason = http.HTTPStatus(status).phrase
        lines = [f"HTTP/1.1 {status} {reason}", *(f"{name}: {value}" for name, value in fields.items()), "", ""]
        head = "\r\n".join(lines).encode("latin-1")
        self._heads += len(head)
        self._client.write(head if request.method == "HEAD" else head + body)
        return again

    async def _take_part(self, request: Request, injury: Injury) -> None:
        """Read a part of an upload, which a client that asked must first be told to send."""
        if not has_body(request):
            return
        if request.expects_continue:
            self._heads += len(_CONTINUE)
            self._client.write(_CONTINUE)
        part = injury.position(self._arrived.length or 64 * 1024)
        while self._arrived.read <= part and await self._arrived.piece():
            pass

    # Forwarding

    async def _forward(self, request: Request, injury: Injury | None) -> bool:
        try:
            upstream = await self._connected()
        except OSError as error:
            return await self._answer(request, 502, {}, f"the upstream cannot be reached: {error}\n".encode())
        upstream.write(request.raw)
        sending = asyncio.ensure_future(self._send_body(upstream, injury)) if has_body(request) else None
        try:
            while True:
                raw = await upstream.read_head()
                if not raw:
                    raise ConnectionResetError("the upstream closed the connection instead of answering")
                response = parse_response(raw)
                if response.status >= 200:
                    break
                self._heads += len(raw)
                self._client.write(raw)
            self._status = response.status
            again = await self._pass_back(request, response, upstream, injury)
        finally:
            if sending is not None:
                if not sending.done():
                    self._drop_upstream()  # it has not seen all of this request, so it cannot tell the next
                    sending.cancel()
                await asyncio.wait([sending])
        return again

    async def _connected(self) -> Wire:
        if self._upstream is None or self._upstream.closed:
            self._upstream = await self._proxy.connect()
        return self._upstream

    def _drop_upstream(self) -> None:
        if self._upstream is not None:
            self._upstream.abort()
            self._upstream = None

    async def _send_body(self, upstream: Wire, injury: Injury | None) -> None:
        strike = Strike(injury, self._arrived, "flip_up")
        try:
            while (piece := await self._arrived.piece()) is not None:
                framing, payload = piece
                if (index := strike.index(payload)) is not None:
                    payload = flipped(payload, index)
                await self._proxy.carry(len(payload))
                upstream.write(framing + payload if framing else payload)
                await upstream.room()
        except ConnectionError:
            self._client.abort()  # which ends the session

    async def _pass_back(self, request: Request, response: Response, upstream: Wire, injury: Injury | None) -> bool:
        """Send the upstream's response to the client; tell whether another exchange may follow."""
        body = response.body(upstream, request.method)
        if self._fault == "stall":
            await asyncio.sleep(self._proxy.stall_seconds)
        if self._fault == "lost":
            while await body.piece():
                pass
            self._drop_upstream()
            await self._client.reset()
            return False
        refused_early = not self._arrived.ended
        head = response.closing() if refused_early else response.raw
        self._heads += len(head)
        strike = Strike(injury, body, *IN_REPLY_BODY)
        whole = await self._pass_body(head, body, upstream, strike)
        if strike.fault and not strike.happened:
            self._fault = None  # the body had no byte to strike
        again = whole and not refused_early and body.delimited and response.keep_alive
        if not again:
            self._drop_upstream()
        return again and request.keep_alive

    async def _pass_body(self, head: bytes, body: Body, upstream: Wire, strike: Strike) -> bool:
        """Send a response; False if it was ended before its time."""
        client = self._client
        if not upstream.buffered:
            client.write(head)
            head = b""
        while (piece := await body.piece()) is not None:
            framing, payload = piece
            if (index := strike.index(payload)) is not None:
                if strike.fault != "flip":
                    client.write(head + framing + payload[:index])
                    await (client.close() if strike.fault == "short" else client.reset())
                    return False
                payload = flipped(payload, index)
            client.write(head + framing + payload if head or framing else payload)
            head = b""
            await client.room()
        if head:
            client.write(head)
        return True
