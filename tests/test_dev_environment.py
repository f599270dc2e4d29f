"""dev.py installs what a command needs, and says so."""

from __future__ import annotations

import importlib.util
import os
import sys
import time
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def dev(tmp_path, monkeypatch):
    """dev.py beside a pyproject.toml of its own, with this Python for its .venv; `dev.asked` is what pip was given."""
    spec = importlib.util.spec_from_file_location("dev", ROOT / "dev.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (tmp_path / "pyproject.toml").write_text("first")
    module.asked = []
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "STAMP", tmp_path / "installed-for")
    monkeypatch.setattr(module, "PYTHON", Path(sys.executable))
    monkeypatch.setattr(module, "install", lambda *what: module.asked.append(what))
    return module


def test_the_demo_installs_only_what_it_needs(dev, capsys):
    """Its extra, once."""
    dev.set_up("demo")
    assert dev.asked == [("-e", ".[demo]")]
    assert "for the demo" in capsys.readouterr().out
    dev.set_up("demo")
    assert len(dev.asked) == 1
    assert capsys.readouterr().out == ""


def test_the_tests_add_the_developers_tools(dev, capsys):
    """After the demo, the other packages come to the same environment."""
    dev.set_up("demo")
    dev.set_up("dev")
    assert dev.asked == [("-e", ".[demo]"), ("-e", ".[dev]")]
    assert "for development" in capsys.readouterr().out


def test_the_demo_needs_nothing_after_the_tests(dev):
    """The developers' packages include those of the demo."""
    dev.set_up("dev")
    dev.set_up("demo")
    assert dev.asked == [("-e", ".[dev]")]


@pytest.mark.parametrize("extra", ["demo", "dev"])
def test_a_changed_pyproject_is_installed_again(dev, extra):
    """Other requirements than those that are installed."""
    dev.set_up(extra)
    (dev.ROOT / "pyproject.toml").write_text("second")
    dev.set_up(extra)
    assert dev.asked == [("-e", f".[{extra}]")] * 2


def test_a_failed_installation_is_tried_again(dev, monkeypatch):
    """Only a successful one is noted."""
    monkeypatch.setattr(dev, "install", lambda *what: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        dev.set_up("demo")
    assert not dev.STAMP.exists()


@pytest.mark.parametrize(
    ("command", "extra"), [("demo", "demo"), ("test", "dev"), ("coverage", "dev"), ("bench", "dev"), ("tox", "dev")]
)
def test_each_command_asks_for_its_packages(dev, monkeypatch, command, extra):
    """The demo for its own, the others for all."""
    asked = []
    monkeypatch.setattr(dev, "set_up", asked.append)
    monkeypatch.setattr(dev, command, lambda arguments: 0)
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    assert dev.main([command]) == 0
    assert asked == [extra]
    assert "PYTHONDONTWRITEBYTECODE" not in os.environ


def test_what_is_prepared_meanwhile_is_ready_afterwards(dev, tmp_path):
    """A command that fails is left to those who need it."""
    program = (
        "import pathlib, sys, time; made, begun = map(pathlib.Path, sys.argv[1:])\n"
        "while not begun.exists(): time.sleep(0.01)\n"
        "time.sleep(0.2); made.touch()"
    )
    made, begun = tmp_path / "made", tmp_path / "begun"
    prepares = [sys.executable, "-c", program, made, begun]
    with dev.meanwhile([sys.executable, "-c", "raise SystemExit(1)"], prepares):
        assert not made.exists()
        begun.touch()
    assert made.exists()


def test_what_is_prepared_ends_when_a_check_fails(dev, tmp_path):
    """No process is left."""
    program = "import os, pathlib, sys, time; pathlib.Path(sys.argv[1]).write_text(str(os.getpid())); time.sleep(60)"
    started = time.monotonic()
    with pytest.raises(ZeroDivisionError), dev.meanwhile([sys.executable, "-c", program, tmp_path / "a"]):
        while not (tmp_path / "a").exists() or not (tmp_path / "a").read_text():
            time.sleep(0.01)
        1 / 0  # noqa: B018
    assert time.monotonic() - started < 50
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "a").read_text()), 0)


def test_what_runs_beside_the_tests_is_said_afterwards(dev, capfd):
    """All commands run, also after one that fails, and their statuses count."""
    with dev.beside(
        [sys.executable, "-c", "import sys; print('one', flush=True); sys.exit(3)"],
        [sys.executable, "-c", "import sys; print('two', file=sys.stderr)"],
    ) as statuses:
        print("tests", flush=True)
    assert statuses == [3, 0]
    assert capfd.readouterr().out == "tests\none\ntwo\n"


@pytest.mark.parametrize(
    ("of_pytest", "beside", "status"),
    [(0, [0, 0], 0), (1, [0, 0], 1), (0, [0, 2], 2), (0, [3, 0], 3), (0, [-9, 0], -9)],
)
def test_the_status_is_that_of_whatever_failed(dev, monkeypatch, of_pytest, beside, status):
    """The tests, or what runs beside them: with the lowest and the highest versions, and with other packages."""
    asked = []

    @contextmanager
    def recorded(*commands):
        asked.extend(commands)
        yield beside

    for name in ("find_tools", "check"):
        monkeypatch.setattr(dev, name, lambda *command: None)
    monkeypatch.setattr(dev, "environments_of_tox", lambda: ["py310-dj42"])
    monkeypatch.setattr(dev, "meanwhile", lambda *commands: nullcontext())
    monkeypatch.setattr(dev, "beside", recorded)
    monkeypatch.setattr(dev, "all_tests", lambda *arguments: of_pytest)
    assert dev.test([]) == status
    assert [command[4] for command in asked] == ["py310-dj42", dev.PACKAGES]
