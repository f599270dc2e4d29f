"""Packages of npm for tests, in a cache outside of the repository."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

NPM = shutil.which("npm")
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "s3store-tests"
SECONDS = 120


def installed(*packages):
    """Return the directory that contains these packages. Skips the test without npm, or if npm cannot install them."""
    if not NPM:
        pytest.skip("npm is not installed")
    root = CACHE / hashlib.sha256(" ".join(packages).encode()).hexdigest()[:16]
    if not (root / "complete").exists():
        root.mkdir(parents=True, exist_ok=True)
        (root / "package.json").write_text('{"private": true}')
        command = [NPM, "install", "--no-audit", "--no-fund", "--ignore-scripts", *packages]
        try:
            subprocess.run(command, cwd=root, check=True, capture_output=True, text=True, timeout=SECONDS)
        except subprocess.TimeoutExpired:
            pytest.skip(f"npm did not install {packages} in {SECONDS} s")
        except subprocess.CalledProcessError as error:
            pytest.skip(f"npm cannot install {packages}: {error.stderr[-500:]}")
        (root / "complete").touch()
    return root


def bundled(root, source):
    """Return the module, with what it imports from packages. The modules of the site stay imports."""
    command = [root / "node_modules/.bin/esbuild", "--bundle", "--format=esm", "--external:/static/*"]
    command += ["--loader=js", "--loader:.css=empty", "--log-level=error"]
    done = subprocess.run(command, cwd=root, check=False, capture_output=True, text=True, input=source, timeout=SECONDS)
    assert done.returncode == 0, done.stderr
    return done.stdout
