"""s3store began with five documents. What each of them mentions is covered by a test or a page, or out of scope.

The documents: a cheat sheet "AWS S3 Python and Django" (A), a blog post about a client portal (B), a README (C), the
documentation of django-storages for S3 (D), and a course "Django and AWS S3" (E). seeds.csv has a row for each thing
that concerns the storage, its URLs and static files. Numbers that are missing are not part of s3store yet.
"""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

with (Path(__file__).parent / "seeds.csv").open(encoding="utf-8", newline="") as file:
    SEEDS = list(csv.DictReader(file))

COVERED = {
    *(f"A{number:02}" for number in range(1, 41) if number not in (6, 9, 10, 21)),
    *(f"B{number:02}" for number in (*range(19, 24), 30, 31)),
    *("C04", "C05", "C12", "C21", "C23"),
    *(f"D{number:02}" for number in (*range(1, 35), *range(41, 56))),
    *(f"E{number:02}" for number in (1, 10, *range(17, 23), 25, 26, 28, 30)),
}
"""The numbers that must have a row."""


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
