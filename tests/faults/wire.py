"""One TCP connection as the proxy holds it: bytes in and out, each after the delay of the line, little buffered."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import os
import socket
import struct
from collections.abc import Callable

SOCKET_BUFFER = 64 * 1024
_CHUNK = 64 * 1024
_READ_AHEAD = 128 * 1024
_HEAD_LIMIT = 64 * 1024
# What may be under way in one direction of a slow line: enough for 640 MiB/s over a round trip of 100 ms.
_IN_FLIGHT = 32 * 1024 * 1024


class ProtocolError(ConnectionError):
    """The peer does not speak HTTP/1.1."""


class Wire(asyncio.Protocol):
    """A connection with `delay` seconds each way. A new one is charged the round trips of its handshakes first."""

    def __init__(
        self, *, delay: float = 0.0, handshakes: int = 0, on_made: Callable[[Wire], object] | None = None
    ) -> None:
        self.on_lost: Callable[[], object] = lambda: None
        self._on_made = on_made
        self.closed = False
        self._loop = asyncio.get_running_loop()
        self._delay = delay
        self._handshakes = handshakes
        self._buffer = b""
        self._eof = False
        self._error: Exception | None = None
        self._reader: asyncio.Future[None] | None = None
        self._reading = True
        self._inbound: collections.deque[tuple[float, bytes]] = collections.deque()
        self._inbound_size = 0
        self._outbound: collections.deque[tuple[float, bytes]] = collections.deque()
        self._outbound_size = 0
        self._delivery: asyncio.TimerHandle | None = None
        self._departure: asyncio.TimerHandle | None = None
        self._writer: asyncio.Future[None] | None = None
        self._choked = False
        self._handed_over = 0
        self._unsent = 0

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._not_before = self._loop.time() + 2 * self._delay * self._handshakes
        # Any byte the socket does not take at once stops the writer, so that a byte counted is a byte sent.
        # asyncio's TLS transport compares with >=, and would stop for an empty buffer too.
        transport.set_write_buffer_limits(high=0 if transport.get_extra_info("sslcontext") is None else 1, low=0)
        if hasattr(transport, "max_size"):
            transport.max_size = _CHUNK
        if self._on_made is not None:
            self._on_made(self)

    def data_received(self, data: bytes) -> None:
        if self._delay:
            self._travel_in(data)
        else:
            self._buffer = self._buffer + data if self._buffer else data
            self._wake_reader()
        self._regulate()

    def eof_received(self) -> bool:
        """The peer is done. A client that half-closes and waits for its reply is taken for one that left."""
        if self._delay and self._transport.get_extra_info("sslcontext") is None:
            self._travel_in(b"")
            return True
        self._eof = True
        self._wake_reader()
        return False

    def pause_writing(self) -> None:
        self._choked = True
        self._unsent = self._transport.get_write_buffer_size()

    def resume_writing(self) -> None:
        self._choked = False
        self._unsent = 0
        self._release()
        self._wake_writer()

    def connection_lost(self, error: Exception | None) -> None:
        self.closed = self._eof = True
        self._error = error
        for timer in (self._delivery, self._departure):
            if timer is not None:
                timer.cancel()
        self._outbound.clear()
        self._wake_reader()
        self._wake_writer()
        self.on_lost()

    # Reading

    async def read_head(self) -> bytes:
        """Return the bytes up to and including the next empty line; b"" if the peer closed before the first byte."""
        return await self._read_to(b"\r\n\r\n")

    async def read_line(self) -> bytes:
        return await self._read_to(b"\r\n")

    async def read(self, limit: int) -> bytes:
        """Return what has arrived, at most `limit` bytes; b"" at the end of the stream."""
        while not self._buffer:
            if self._eof:
                if self._error is not None:
                    raise ConnectionResetError("the peer reset the connection") from self._error
                return b""
            await self._wait_to_read()
        return self._take(limit)

    @property
    def buffered(self) -> bool:
        """Whether the next read returns at once."""
        return bool(self._buffer) or self._eof

    async def _read_to(self, mark: bytes) -> bytes:
        while (end := self._buffer.find(mark)) < 0:
            if len(self._buffer) > _HEAD_LIMIT:
                raise ProtocolError("the head of a message has no end")
            if self._eof:
                if self._buffer:
                    raise ConnectionResetError("the peer closed the connection in the head of a message")
                return b""
            await self._wait_to_read()
        return self._take(end + len(mark))

    def _take(self, limit: int) -> bytes:
        data, self._buffer = self._buffer[:limit], self._buffer[limit:]
        if self._inbound:
            self._deliver()
        else:
            self._regulate()
        return data

    async def _wait_to_read(self) -> None:
        self._reader = self._loop.create_future()
        await self._reader

    def _wake_reader(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    def _travel_in(self, data: bytes) -> None:
        self._inbound.append((max(self._loop.time(), self._not_before) + self._delay, data))
        self._inbound_size += len(data)
        if self._delivery is None:
            self._delivery = self._loop.call_at(self._inbound[0][0], self._deliver)

    def _deliver(self) -> None:
        """Move what is due from the line to the buffer, as far as that has room."""
        if self._delivery is not None:
            self._delivery.cancel()
            self._delivery = None
        now = self._loop.time()
        while self._inbound and self._inbound[0][0] <= now and len(self._buffer) < _READ_AHEAD:
            data = self._inbound.popleft()[1]
            self._inbound_size -= len(data)
            self._buffer += data
            if not data:
                self._eof = True
                self._transport.close()
            self._wake_reader()
        if self._inbound and len(self._buffer) < _READ_AHEAD:
            self._delivery = self._loop.call_at(self._inbound[0][0], self._deliver)
        self._regulate()

    def _regulate(self) -> None:
        """Stop reading from the socket while too much is held, which stops the peer."""
        wanted = self._inbound_size < _IN_FLIGHT if self._delay else len(self._buffer) < _READ_AHEAD
        if wanted != self._reading and not self.closed and not self._transport.is_closing():
            self._reading = wanted
            (self._transport.resume_reading if wanted else self._transport.pause_reading)()

    # Writing

    @property
    def written(self) -> int:
        """How many bytes the socket has taken since the connection began."""
        return self._handed_over - self._unsent

    def write(self, data: bytes) -> None:
        if self.closed:
            return
        if self._delay:
            self._outbound.append((self._loop.time() + self._delay, data))
            self._outbound_size += len(data)
            if self._departure is None:
                self._release()
        else:
            self._hand_over(data)

    async def room(self) -> None:
        """Wait until the line takes more."""
        while not self.closed and (self._outbound_size > _IN_FLIGHT if self._delay else self._choked):
            await self._wait_to_write()

    async def flushed(self) -> None:
        """Wait until everything written has left, after its delay."""
        while not self.closed and (self._outbound or self._choked):
            await self._wait_to_write()

    def _hand_over(self, data: bytes) -> None:
        self._handed_over += len(data)
        self._transport.write(data)

    async def _wait_to_write(self) -> None:
        self._writer = self._loop.create_future()
        await self._writer

    def _wake_writer(self) -> None:
        if self._writer is not None and not self._writer.done():
            self._writer.set_result(None)

    def _release(self) -> None:
        """Hand what is due to the socket, as far as that takes it."""
        if self._departure is not None:
            self._departure.cancel()
            self._departure = None
        now = self._loop.time()
        while self._outbound and self._outbound[0][0] <= now and not self._choked:
            data = self._outbound.popleft()[1]
            self._outbound_size -= len(data)
            if data:
                self._hand_over(data)
            self._wake_writer()
        if self._outbound and not self._choked:
            self._departure = self._loop.call_at(self._outbound[0][0], self._release)

    # Ending

    async def reset(self) -> None:
        """End the connection with an RST, once everything written has left. A slow reader may lose the last of it."""
        await self._last_word()
        with contextlib.suppress(OSError):
            linger = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)
            self._socket().setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self._transport.abort()

    async def close(self) -> None:
        """End the connection with a FIN, once everything written has left."""
        await self._last_word()
        self._transport.close()

    async def linger(self, seconds: float) -> None:
        """End with a FIN, but read on for a while: bytes left unread would make it an RST and take the reply away."""
        await self._last_word()
        if self._transport.is_closing() or not self._transport.can_write_eof():
            return
        self._transport.write_eof()

        async def drain() -> None:
            while await self.read(_CHUNK):
                pass

        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(drain(), seconds)

    def abort(self) -> None:
        """Drop the connection at once."""
        if not self.closed:
            self._transport.abort()

    async def _last_word(self) -> None:
        if self._delay:
            self.write(b"")  # the end travels as long as a byte would
        await self.flushed()

    def _socket(self) -> socket.socket:
        found: socket.socket = self._transport.get_extra_info("socket")
        return found
