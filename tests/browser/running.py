"""The demo as a subprocess, and a browser to look at it."""

import contextlib
import os
import queue
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

REPOSITORY = Path(__file__).resolve().parents[2]
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--no-proxy-server",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_START_SECONDS = 300
_STOP_SECONDS = 60


# Companies of the sample data with few files. All of them: ().
SMALL_SAMPLE = ("lindqvist-moor", "riverside-physio")


class Demo:
    """A running demo; the attributes are what it prints when it is ready."""

    def __init__(
        self, data: Path, *arguments: str, sample: tuple[str, ...] = SMALL_SAMPLE, bucket: dict[str, str] | None = None
    ) -> None:
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "DJANGO_", "PORTAL_"))
        }
        environment |= {"S3STORE_DEMO_DATA": str(data), "PYTHONUNBUFFERED": "1", "PYTHONWARNINGS": "default"}
        environment["PORTAL_SAMPLE"] = ",".join(sample)
        environment |= bucket or {}
        self.process = subprocess.Popen(
            [sys.executable, str(REPOSITORY / "example_project" / "demo.py"), *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.lines: list[str] = []
        self._queue: queue.Queue[str | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        try:
            self._wait_until_ready()
        except BaseException:
            self.kill()
            raise
        self.url = self._printed(r"Portal\s+(http://127\.0\.0\.1:\d+/)")
        self.admin_url = self._printed(r"Admin\s+(http://127\.0\.0\.1:\d+/admin/)")
        self.password = self._printed(r"Password\s+(\S+)")
        self.people = {role: self._printed(rf"(\S+@\S+)\s+{role}\b") for role in ("staff", "owner", "client", "viewer")}
        bucket = re.search(r"Files\s+bucket \S+ on (http://127\.0\.0\.1:\d+)", self.output)
        self.s3_url = bucket[1] if bucket else ""

    @property
    def output(self) -> str:
        """All that was printed so far."""
        return "".join(self.lines)

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Send the signal, wait for the end, and return the exit status."""
        self.process.send_signal(number)
        try:
            status = self.process.wait(_STOP_SECONDS)
        finally:
            self.kill()
        self._reader.join(5)
        return status

    def kill(self) -> None:
        """Make sure that nothing is left, however the test ended."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self._reader.join(5)
        self.process.stdout.close()

    def is_listening(self) -> list[str]:
        """Return which of the demo's addresses still accept connections."""
        return [url for url in (self.url, self.s3_url) if url and _accepts(url)]

    def _read(self) -> None:
        with contextlib.suppress(ValueError):  # closed while it was read
            for line in self.process.stdout:
                self.lines.append(line)
                self._queue.put(line)
        self._queue.put(None)

    def _wait_until_ready(self) -> None:
        end = time.monotonic() + _START_SECONDS
        while True:
            try:
                line = self._queue.get(timeout=max(0.01, end - time.monotonic()))
            except queue.Empty:
                raise TimeoutError(f"The demo was not ready in time:\n{self.output}") from None
            if line is None:
                raise RuntimeError(f"The demo ended by itself:\n{self.output}")
            if "Ctrl-C stops everything" in line:
                return

    def _printed(self, pattern: str) -> str:
        found = re.search(pattern, self.output)
        assert found, f"{pattern} is not in:\n{self.output}"
        return found[1]


def _accepts(url: str) -> bool:
    parts = urlsplit(url)
    with socket.socket() as client:
        client.settimeout(2)
        return client.connect_ex((parts.hostname, parts.port)) == 0


@contextlib.contextmanager
def browser(**options):
    """Yield a headless Chromium. The options are those of Playwright's `launch`."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS, **options)
        try:
            yield chromium
        finally:
            chromium.close()


def log_in(page, demo: Demo, role: str = "owner") -> None:
    """Log in through the form: as "staff", "owner", "client" or "viewer"."""
    page.goto(f"{demo.url}login/")
    page.get_by_label("E-mail address").fill(demo.people[role])
    page.get_by_label("Password").fill(demo.password)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(lambda url: "/login/" not in url)


_views = []


def noted(get_response):
    """Note which views run, as a middleware."""

    def serve(request):
        _views.append(request)
        try:
            return get_response(request)
        finally:
            _views.remove(request)

    return serve


def wait_for_views():
    """Wait for views that still run when the browser is gone: they would use the database of the next test."""
    end = time.monotonic() + 60
    while _views:
        assert time.monotonic() < end, f"these still run: {_views}"
        time.sleep(0.01)


def until(page, found):
    """Wait until a function returns something true, and return that."""
    end = time.monotonic() + 60
    while not (answer := found()):
        assert time.monotonic() < end, "nothing happened"
        page.wait_for_timeout(25)
    return answer
