"""What the demo and dev.py say when they start, and how they end when nobody reads it."""

from __future__ import annotations

import importlib.util
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from s3store.testing import servers

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
