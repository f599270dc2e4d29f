"""The distributions of this working copy, and environments in which they are installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]


def run(*command: str | Path, cwd: Path) -> str:
    """Run a command without the settings of this test run and without its import path; return what it prints."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "COV", "DJANGO_", "PYTEST_", "PYTHON"))
    }
    ran = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=inherited, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def build(source: Path, target: Path) -> None:
    """Build the source distribution of the tracked files, and the wheel made of it."""
    files = run("git", "ls-files", "--cached", "--others", "--exclude-standard", cwd=ROOT).splitlines()
    for name in files:
        # What is deleted and not yet committed is listed, too.
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    # Without isolation nothing is downloaded: the build requirements are among the developers' packages.
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", target, source, cwd=target)


def install(home: Path, wheel: Path, extra: str) -> Path:
    """Create an environment with the wheel, what it requires with the extra, and nothing else. Return its programs.

    The required packages are copied from this environment, so that no index is asked.
    """
    venv.create(home)
    programs = home / ("Scripts" if os.name == "nt" else "bin")
    python = programs / Path(sys.executable).name
    offline = ("--no-deps", "--no-index", "--quiet", "--disable-pip-version-check")
    run(sys.executable, "-m", "pip", "--python", python, "install", *offline, wheel, cwd=home)
    (packages,) = home.rglob("site-packages")
    (own,) = metadata.distributions(name="s3store", path=[str(packages)])
    for needed in _needed(own, extra, set()):
        site = Path(str(needed.locate_file("")))
        for file in needed.files or ():
            source = Path(str(file.locate())).resolve()
            if file.suffix == ".pyc" or not source.is_file():
                continue
            inside = source.is_relative_to(site.resolve())
            target = packages / source.relative_to(site.resolve()) if inside else programs / source.name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
            if not inside and source.read_bytes()[:2] == b"#!":  # an entry point, which names its Python
                _, _, code = source.read_text().partition("\n")
                target.write_text(f"#!{python}\n{code}")
    return programs


def _needed(of: metadata.Distribution, extra: str, seen: set[tuple[str, str]]) -> Iterator[metadata.Distribution]:
    for text in of.requires or ():
        requirement = Requirement(text)
        for inner in ("", *sorted(requirement.extras)):
            applies = requirement.marker is None or requirement.marker.evaluate({"extra": extra})
            if applies and (requirement.name, inner) not in seen:
                seen.add((requirement.name, inner))
                found = metadata.distribution(requirement.name)
                yield found
                yield from _needed(found, inner, seen)
