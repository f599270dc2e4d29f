"""The documentation, built once."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.docs.blocks import ROOT
from tests.optional import needs


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """The documentation as HTML, built as the README says."""
    needs("sphinx")
    needs("furo")
    target = tmp_path_factory.mktemp("docs")
    ran = subprocess.run(
        [sys.executable, "-m", "sphinx", "-W", "-q", "-b", "html", "-d", str(target / "doctrees"), "docs", str(target)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return target
