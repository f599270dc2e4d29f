"""What the demo and dev.py say when they start, and how they end when nobody reads it."""

from __future__ import annotations

import importlib.util
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
import uuid
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest

from s3store.storage import S3Storage
from s3store.testing import servers
from s3store.testing.fixtures import options_for
from tests.browser.running import Demo

ROOT = Path(__file__).resolve().parents[1]


def run_into_closed_pipe(*command: str, lines: int, **environment: str) -> tuple[int, str]:
    """Read some lines of what a program prints, as `head` does; return its status and its errors."""
    with subprocess.Popen(
        [sys.executable, *command],
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as program:
        try:
            for _ in range(lines):
                program.stdout.readline()
            program.stdout.close()
            errors = program.stderr.read()
            return program.wait(60), errors
        finally:
            program.kill()


def test_the_help_of_dev_py_ends_quietly_in_a_closed_pipe():
    """`python3 dev.py --help | head -0`: no traceback."""
    assert run_into_closed_pipe("dev.py", "--help", lines=0) == (0, "")


@pytest.mark.skipif(not servers.seaweedfs_available(), reason="no weed binary")
def test_the_demo_ends_in_a_closed_pipe(tmp_path):
    """`dev.py demo | head -1` stops the server, too."""
    status, errors = run_into_closed_pipe("example_project/demo.py", lines=1, S3STORE_DEMO_DATA=str(tmp_path))
    assert (status, errors) == (0, "")
    assert servers._running((tmp_path / "s3" / "data").resolve()) == {}


def opened(demo: Demo, path: str) -> bytes:
    """Log in as the owner of a company, and return a page or a file."""
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(), urllib.request.ProxyHandler({}))
    page = browser.open(f"{demo.url}login/", timeout=60).read().decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)[1]
    fields = {"csrfmiddlewaretoken": token, "username": demo.people["owner"], "password": demo.password}
    request = urllib.request.Request(f"{demo.url}login/", urlencode(fields).encode(), {"Referer": demo.url})
    browser.open(request, timeout=60).close()
    with browser.open(demo.url + path, timeout=60) as response:
        return response.read()


@pytest.mark.skipif(not servers.seaweedfs_available(), reason="no weed binary")
def test_the_demo_uses_a_bucket_of_its_user(moto, seaweedfs, tmp_path):
    """Environment variables name the bucket. A bucket of the same name on another server has other rows and files."""
    bucket = f"own-{uuid.uuid4().hex}"
    for server in (moto, seaweedfs):
        storage = S3Storage(**options_for(server, bucket))
        storage.client.create_bucket(Bucket=bucket)
        environment = {
            "AWS_STORAGE_BUCKET_NAME": bucket,
            "AWS_S3_ENDPOINT_URL": server.endpoint_url,
            "AWS_S3_REGION_NAME": server.region_name,
            "AWS_S3_ACCESS_KEY_ID": server.access_key,
            "AWS_S3_SECRET_ACCESS_KEY": server.secret_key,
        }
        demo = Demo(tmp_path, "--yes", sample=("lindqvist-moor",), bucket=environment)
        try:
            assert demo.s3_url == server.endpoint_url
            assert "PublicStaticFiles" in demo.output
            media = next(stat.name for stat in storage.scan("media") if stat.name.endswith(".pdf"))
            company, _, name = media.removeprefix("media/companies/").partition("/")
            slug = company.rpartition("-")[0]
            assert opened(demo, f"c/{slug}/open/{quote(name)}") == storage.read_bytes(media)
            assert demo.stop() == 0
        finally:
            demo.kill()


def test_a_bucket_that_does_not_exist_is_said(moto, tmp_path):
    """The demo creates no bucket of its user: it says what it needs, and ends."""
    environment = {
        "AWS_STORAGE_BUCKET_NAME": "nothing-here",
        "AWS_S3_ENDPOINT_URL": moto.endpoint_url,
        "AWS_S3_REGION_NAME": "us-east-1",
        "AWS_S3_ACCESS_KEY_ID": "test",
        "AWS_S3_SECRET_ACCESS_KEY": "test",
    }
    with pytest.raises(RuntimeError, match=r"the bucket nothing-here on .* cannot be used: .*404"):
        Demo(tmp_path, "--yes", bucket=environment)


def test_a_taken_port_is_said(monkeypatch, capsys):
    """The site runs all the same, on another port."""
    spec = importlib.util.spec_from_file_location("demo", ROOT / "example_project" / "demo.py")
    demo = importlib.util.module_from_spec(spec)
    monkeypatch.setattr(sys, "path", [*sys.path])
    spec.loader.exec_module(demo)
    with socket.socket() as rival:
        rival.bind(("127.0.0.1", 0))
        rival.listen()
        taken = rival.getsockname()[1]
        monkeypatch.setattr(demo, "PORT", taken)
        with demo.site_socket(None) as site:
            assert site.server_address[1] != taken
    assert f"Port {taken} is in use. The site uses another port." in capsys.readouterr().out


def test_a_long_installation_says_that_it_goes_on(monkeypatch, capsys):
    """A minute of silence looks like a hang."""
    spec = importlib.util.spec_from_file_location("dev", ROOT / "dev.py")
    dev = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(dev)
    monkeypatch.setattr(dev, "SECONDS_OF_SILENCE", 0.01)
    monkeypatch.setattr(dev, "check", lambda *command: time.sleep(0.1))
    dev.install("something")
    assert "dev.py: still installing, 0 s" in capsys.readouterr().out
