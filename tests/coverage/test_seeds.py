"""s3store began with five documents. What each of them mentions is covered by a test or a page, or out of scope.

The documents: a cheat sheet "AWS S3 Python and Django" (A), a blog post about a client portal (B), a README (C), the
documentation of django-storages for S3 (D), and a course "Django and AWS S3" (E). seeds.csv has a row for each thing
that concerns the storage, its URLs, static files, direct uploads and folders. Numbers that are missing are not part of
s3store yet.

breaks.csv says for each row with a test how to break what the row is about: the tests of the row must then fail. That
takes seconds a row, so that a run does it for one row, which the content of the package draws. All rows, or some:

    python3 dev.py test tests/coverage --breaks all
    python3 dev.py test tests/coverage --breaks A02,D54
"""

from __future__ import annotations

import csv
import hashlib
import random
import tempfile
from pathlib import Path

import pytest

from tests.coverage.broken import ROOT, breaks, copy_of_the_project, outcome

DRAWN = 1

with (Path(__file__).parent / "seeds.csv").open(encoding="utf-8", newline="") as file:
    SEEDS = list(csv.DictReader(file))

COVERED = {
    *(f"A{number:02}" for number in range(1, 41)),
    *(f"B{number:02}" for number in range(1, 32)),
    *(f"C{number:02}" for number in range(1, 33)),
    *(f"D{number:02}" for number in (*range(1, 35), *range(41, 56))),
    *(f"E{number:02}" for number in (*range(1, 23), 25, 26, *range(28, 31))),
}
"""The numbers that must have a row."""

TESTS = {
    row["id"]: [place for place in row["covered by"].split("; ") if ".py::" in place]
    for row in SEEDS
    if ".py::" in row["covered by"]
}
BREAKS = breaks()


def drawn() -> list[str]:
    """Return numbers of rows: the same for the same package, so that a run can be repeated."""
    digest = hashlib.sha256()
    for path in sorted((ROOT / "s3store").rglob("*.py")):
        digest.update(path.read_bytes())
    return sorted(random.Random(digest.hexdigest()).sample(sorted(BREAKS), DRAWN))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "broken" in metafunc.fixturenames:
        wanted = metafunc.config.getoption("breaks")
        rows = sorted(BREAKS) if wanted == "all" else wanted.split(",") if wanted else drawn()
        metafunc.parametrize("broken", rows)


def test_every_number_has_one_row():
    """In order."""
    numbers = [row["id"] for row in SEEDS]
    assert numbers == sorted(set(numbers))
    assert set(numbers) >= COVERED


@pytest.mark.parametrize("row", SEEDS, ids=lambda row: row["id"])
def test_what_covers_a_number_exists(row):
    """Tests, pages of the documentation and environments of tox; or the row says why it is out of scope."""
    assert row["what"]
    if row["covered by"].startswith("out of scope: "):
        return
    for place in row["covered by"].split("; "):
        path, _, name = place.partition("::")
        text = (ROOT / path).read_text(encoding="utf-8")
        assert name or path.startswith("docs/"), place
        assert (f"def {name}(" if path.endswith(".py") else name) in text, place


def test_every_row_with_a_test_says_how_to_break_it():
    """And no other row."""
    assert BREAKS.keys() == TESTS.keys()


@pytest.mark.parametrize("row", sorted(BREAKS))
def test_what_a_row_breaks_is_in_the_code(row):
    """The text exists exactly once, and is still Python when it is replaced."""
    compile(BREAKS[row].applied(ROOT), BREAKS[row].file, "exec")


@pytest.mark.slow
@pytest.mark.no_cover  # the tests run in processes of their own
def test_what_covers_a_number_notices_that_it_is_broken(broken, tmp_path):
    """In a copy of the project where the capability does not work, a test of the row fails by an assertion."""
    # pytest keeps its directories, which would be gigabytes for all rows.
    with tempfile.TemporaryDirectory(dir=tmp_path) as directory:
        root = copy_of_the_project(Path(directory))
        BREAKS[broken].apply(root)
        assert outcome(root, TESTS[broken])
