"""FaultProxy: stands between a client and an S3 server in a thread of its own, delays, holds, breaks, counts.

    with FaultProxy(server.endpoint_url, faults={"slow503": 0.2}, seed=1, match="^PUT") as proxy:
        ...                     # a client of proxy.url
        assert [exchange.fault for exchange in proxy.requests("PUT")] == [None, "slow503", None]

Heads pass untouched, the Host header with them: signatures are made and verified for the proxy's address.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
import sys
import threading
import urllib.parse
from collections.abc import Callable, Mapping
from typing import TypeVar

from .injure import Surgeon
from .session import Exchange, Responder, Session
from .wire import SOCKET_BUFFER, Wire

__all__ = ["Exchange", "FaultProxy"]

_T = TypeVar("_T")
_PATIENCE = 60.0  # seconds the caller waits for the proxy's thread
_UPSTREAM_RECEIVE_BUFFER = 256 * 1024


class FaultProxy:
    """An HTTP/1.1 proxy for one upstream, on a free port of 127.0.0.1 for the length of a `with` block.

    `faults` maps names of `injure.FAULTS` to probabilities; only requests whose "METHOD target" matches the
    regular expression `match` are harmed, at most `max_faults` in all and `max_faults_per_request` of one method
    and target. `delay` is one way, in seconds; a new connection costs one round trip more, two with `tls`.
    All bodies of requests together pass at `bandwidth` bytes a second; None: as fast as they come.
    `respond(method, target, headers)` may answer a request itself with (status, headers, body), or return None.
    """

    def __init__(
        self,
        upstream_url: str,
        *,
        faults: Mapping[str, float] | None = None,
        seed: int | str = 0,
        delay: float = 0.0,
        bandwidth: float | None = None,
        match: str | None = None,
        max_faults: int | None = None,
        max_faults_per_request: int | None = None,
        stall_seconds: float = 60.0,
        tls: ssl.SSLContext | None = None,
        respond: Responder | None = None,
    ) -> None:
        upstream = urllib.parse.urlsplit(upstream_url)
        if upstream.scheme != "http" or not upstream.hostname:
            raise ValueError(f"the upstream must be http://host:port, not {upstream_url!r}")
        self._host, self._port = upstream.hostname, upstream.port or 80
        self._seed = seed
        self._limits = (match, max_faults, max_faults_per_request)
        self.surgeon: Surgeon
        self.harm(faults or {})
        self.respond = respond
        self._held: tuple[re.Pattern[str], asyncio.Event] | None = None
        self.delay = delay
        self.bandwidth = bandwidth
        self._link_free = 0.0
        self.stall_seconds = stall_seconds
        self._tls = tls
        self._log: list[Exchange] = []
        self._accepted = 0
        self._accepted_before = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._failure: BaseException | None = None

    # What the test's thread uses

    def __enter__(self) -> FaultProxy:
        # Without the protocol's number asyncio leaves Nagle's algorithm on: small replies would wait for an ACK.
        self._listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        # Inherited by the connections. Large buffers would swallow megabytes of a GET nobody reads.
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SOCKET_BUFFER)
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(256)
        self._listener.setblocking(False)
        self.url = f"{'https' if self._tls else 'http'}://127.0.0.1:{self._listener.getsockname()[1]}"
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="fault-proxy", daemon=True)
        self._thread.start()
        if not self._ready.wait(_PATIENCE):
            raise RuntimeError("the fault proxy did not start")
        return self

    def __exit__(self, kind: type[BaseException] | None, *details: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(_PATIENCE)
        if self._thread.is_alive():
            raise RuntimeError("the fault proxy did not stop")
        if self._failure is not None and kind is None:
            raise RuntimeError("the fault proxy itself failed") from self._failure

    def harm(self, faults: Mapping[str, float]) -> None:
        """Exchange the faults for these and begin their sequence, and the count against the limits, anew."""
        match, total, each = self._limits
        self.surgeon = Surgeon(faults, seed=self._seed, match=match, max_faults=total, max_faults_per_request=each)

    def hold(self, match: str) -> None:
        """Let requests whose "METHOD target" matches wait before they are read, until `release`."""
        self._held = re.compile(match), asyncio.Event()

    def release(self) -> None:
        """Let the requests pass that are held, and all later ones."""
        if self._held is not None:
            (_, over), self._held = self._held, None
            self._loop.call_soon_threadsafe(over.set)

    @property
    def log(self) -> list[Exchange]:
        """The exchanges that have ended, in the order of their ends. One whose last byte was read is among them."""
        return self._ask(lambda: list(self._log))

    @property
    def connections(self) -> int:
        """How many connections clients have opened, since the last `clear`."""
        return self._ask(lambda: self._accepted - self._accepted_before)

    def requests(self, method: str | None = None, target: str = "") -> list[Exchange]:
        """The log's exchanges of that method (None: any) whose target the regular expression finds."""
        return [
            exchange
            for exchange in self.log
            if method in (None, exchange.method) and re.search(target, exchange.target)
        ]

    def clear(self) -> None:
        """Forget the log and the count of connections; connections stay open, and their numbers go on."""

        def forget() -> None:
            self._log.clear()
            self._accepted_before = self._accepted

        self._ask(forget)

    def _ask(self, question: Callable[[], _T]) -> _T:
        """Answer in the proxy's thread, after it has written down what its clients have already seen."""

        async def answer() -> _T:
            for _ in range(5):
                await asyncio.sleep(0)
            return question()

        if not self._thread.is_alive():
            return question()
        return asyncio.run_coroutine_threadsafe(answer(), self._loop).result(_PATIENCE)

    # What runs in the proxy's thread

    def _run(self) -> None:
        sys.settrace(None)  # coverage measures nothing here, and makes the proxy half as fast
        asyncio.run(self._main())

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._loop.set_exception_handler(self._failed)
        self._stop = asyncio.Event()
        self._wires: set[Wire] = set()
        server = await self._loop.create_server(self._accept, sock=self._listener, ssl=self._tls)
        self._ready.set()
        await self._stop.wait()
        server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for wire in self._wires:
            wire.abort()
        for _ in range(100):  # sockets are closed a turn or more after abort(), TLS ones later
            if all(wire.closed for wire in self._wires):
                break
            await asyncio.sleep(0.01)

    def _accept(self) -> Wire:
        handshakes = 2 if self._tls else 1
        return Wire(delay=self.delay, handshakes=handshakes, on_made=self._serve)

    def _serve(self, wire: Wire) -> None:
        self._wires.add(wire)
        self._accepted += 1
        task = self._loop.create_task(Session(self, wire, self._accepted).run())
        self._tasks.add(task)
        task.add_done_callback(self._ended)

        def lost() -> None:
            task.cancel()
            self._wires.discard(wire)

        wire.on_lost = lost

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failure = self._failure or error

    def _failed(self, loop: asyncio.AbstractEventLoop, context: Mapping[str, object]) -> None:
        """What asyncio would log is an error of the proxy's own: its user must hear of it."""
        error = context.get("exception")
        self._failure = self._failure or (
            error if isinstance(error, BaseException) else RuntimeError(str(context["message"]))
        )

    async def connect(self) -> Wire:
        """Open a connection to the upstream."""
        target = await self._loop.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
        family, kind, protocol, _, address = target[0]
        upstream = socket.socket(family, kind, protocol)
        try:
            upstream.setblocking(False)
            upstream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _UPSTREAM_RECEIVE_BUFFER)
            await self._loop.sock_connect(upstream, address)
            _, wire = await self._loop.create_connection(Wire, sock=upstream)
        except BaseException:
            upstream.close()
            raise
        self._wires.add(wire)
        wire.on_lost = lambda: self._wires.discard(wire)
        return wire

    async def admit(self, line: str) -> None:
        """Wait as long as requests with that "METHOD target" are held."""
        if self._held is not None:
            match, over = self._held
            if match.search(line):
                await over.wait()

    async def carry(self, size: int) -> None:
        """Wait until the link has carried that many bytes more."""
        if self.bandwidth:
            self._link_free = max(self._link_free, self._loop.time()) + size / self.bandwidth
            await asyncio.sleep(self._link_free - self._loop.time())

    def write_down(self, exchange: Exchange) -> None:
        self._log.append(exchange)
