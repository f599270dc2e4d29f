"""axe-core in a page: the rules of accessibility that a program can check."""

import functools
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

VERSION = "4.14.1"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_RUN = """async tags => {
    const result = await axe.run(document, {runOnly: {type: "tag", values: tags}});
    return result.violations.map(each => [each.id, each.nodes.map(node => node.html.slice(0, 160))]);
}"""


def violations(page) -> list:
    """Return what axe finds on the page: pairs of a rule and elements. The page must be opened with `bypass_csp`."""
    page.evaluate(_source())
    return page.evaluate(_RUN, TAGS)


@functools.cache
def _source() -> str:
    """Return the script of axe, installed by npm once for this user; skip the test without npm or a network."""
    folder = Path(os.environ.get("S3STORE_AXE") or Path(tempfile.gettempdir()) / f"s3store-axe-{VERSION}-{os.getuid()}")
    script = folder / "node_modules" / "axe-core" / "axe.min.js"
    if not script.exists():
        npm = shutil.which("npm")
        if npm is None:
            pytest.skip("npm is not installed")
        command = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(folder)]
        ran = subprocess.run(
            [*command, f"axe-core@{VERSION}"], capture_output=True, text=True, check=False, timeout=120
        )
        if ran.returncode:
            pytest.skip(f"npm cannot install axe-core: {ran.stderr.strip()[-200:]}")
    return script.read_text()
