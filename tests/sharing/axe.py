"""axe-core, which finds what makes pages hard to use: installed by npm once, outside the tree."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

VERSION = "4.11.0"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "s3store-tests" / f"axe-{VERSION}"


def script() -> str:
    """Return the source of axe-core. Skips the test without npm, or without a network at the first time."""
    path = CACHE / "node_modules" / "axe-core" / "axe.min.js"
    if not path.exists():
        npm = shutil.which("npm")
        if not npm:
            pytest.skip("npm is not installed")
        CACHE.mkdir(parents=True, exist_ok=True)
        command = [npm, "install", "--prefix", str(CACHE), "--no-audit", "--no-fund", "--ignore-scripts"]
        done = subprocess.run(
            [*command, f"axe-core@{VERSION}"], capture_output=True, text=True, timeout=240, check=False
        )
        if not path.exists():
            pytest.skip(f"npm cannot install axe-core: {done.stderr[-200:]}")
    return path.read_text(encoding="utf-8")


def violations(page) -> list[str]:
    """Return what axe finds on the page: the rule and the elements."""
    page.evaluate(script())
    found = page.evaluate("axe.run().then((result) => result.violations)")
    return [f"{one['id']}: {[node['html'] for node in one['nodes']]}" for one in found]
