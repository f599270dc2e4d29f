"""Editors and type checkers know the options: as keyword arguments, as attributes, and with their types."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

SNIPPET = """
from s3store.storage import S3MediaStorage, S3Storage

storage = S3Storage(bucket_name="media", querystring_expire=60, region_name=None)
reveal_type(storage.bucket_name)
reveal_type(storage.region_name)
reveal_type(S3MediaStorage(bucket_name="media").options)
S3Storage(bucket_nam="media")
S3Storage(gzip="yes")


class Tenants(S3Storage):
    querystring_auth = False

    @property
    def location(self) -> str:
        return "tenant"
"""

WANTED = [
    ':5: note: Revealed type is "str"',
    ':6: note: Revealed type is "str | None"',
    ':7: note: Revealed type is "s3store.conf.options.Options"',
    ':8: error: Unexpected keyword argument "bucket_nam" for "S3Storage"; did you mean "bucket_name"?',
    ':9: error: Argument "gzip" to "S3Storage" has incompatible type "str"; expected "bool"',
]


def test_a_type_checker_knows_the_options(tmp_path: Path) -> None:
    """A typing error and a wrong type are found before the code runs; a subclass may declare or compute an option."""
    api = pytest.importorskip("mypy.api")
    snippet = tmp_path / "snippet.py"
    snippet.write_text(SNIPPET)
    out, err, _ = api.run(["--config-file", str(ROOT / "pyproject.toml"), "--no-error-summary", str(snippet)])
    assert not err
    lines = [
        line.partition("snippet.py")[2].partition("  [")[0]
        for line in out.splitlines()
        if "snippet.py" in line and "defined in" not in line
    ]
    assert lines == WANTED
