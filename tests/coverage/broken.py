"""A copy of the project in which one capability is broken, and the tests that must notice it there."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CONTRACT = "s3store/testing/contract.py"
# A test that fails otherwise, with an ImportError for example, may fail for another reason than the broken capability.
_ASSERTIONS = ("assert", "AssertionError", "Failed: DID NOT RAISE")
_NEEDED = ("*.toml", "*.rst", "LICENSE", "MANIFEST.in", "tox.ini", "dev.py")
_FOLDERS = ("s3store", "tests", "docs", "example_project", "benchmarks")


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """How to break a capability: the text to replace in a file of the package."""

    file: str
    before: str
    after: str

    def applied(self, root: Path) -> str:
        """Return the text of the broken file. Raises AssertionError if the text to replace is not there once."""
        text = (root / self.file).read_text(encoding="utf-8")
        found = text.count(self.before)
        assert found == 1, (
            f"{self.file} contains {self.before!r} {found} times instead of once. "
            "Correct the row in tests/coverage/breaks.csv: it says how to break the capability."
        )
        return text.replace(self.before, self.after)

    def apply(self, root: Path) -> None:
        """Break the copy at `root`."""
        (root / self.file).write_text(self.applied(root), encoding="utf-8")


def breaks() -> dict[str, Break]:
    """Return the rows of breaks.csv by their numbers."""
    with (Path(__file__).parent / "breaks.csv").open(encoding="utf-8", newline="") as file:
        return {row.pop("id"): Break(**row) for row in csv.DictReader(file)}


def copy_of_the_project(target: Path) -> Path:
    """Copy everything that tests read, and what Python has compiled: it stays valid for files of the same date."""
    # Other processes rename *.pyc.<number> to *.pyc meanwhile.
    left_out = shutil.ignore_patterns("*.pyc.*", "_build", ".data", ".venv")
    for name in _FOLDERS:
        shutil.copytree(ROOT / name, target / name, ignore=left_out)
    for pattern in _NEEDED:
        for path in ROOT.glob(pattern):
            shutil.copy(path, target)
    return target


def outcome(root: Path, tests: list[str]) -> str:
    """Run tests of a copy until one fails. Returns the message of its assertion, or raises AssertionError."""
    report = root / "report.xml"
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV"))}
    environment = {**inherited, "PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"}
    flags = ["-x", "-q", "-p", "no:cacheprovider", "-n0", f"--junitxml={report}"]
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", *flags, *map(_node, tests)],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert report.exists(), ran.stdout + ran.stderr
    cases = list(xml.etree.ElementTree.parse(report).iter("testcase"))
    assert cases, ran.stdout + ran.stderr
    messages = [failure.get("message", "") for case in cases for failure in case.findall("failure")]
    assert messages, f"{', '.join(tests)}: nothing fails although the capability is broken.\n{ran.stdout}"
    assert messages[0].startswith(_ASSERTIONS), f"{', '.join(tests)}: fails without an assertion: {messages[0]}"
    return messages[0]


def _node(test: str) -> str:
    path, _, name = test.partition("::")
    return f"tests/contract/test_contract.py::TestS3Storage::{name}" if path == CONTRACT else test
