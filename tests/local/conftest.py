"""Fixtures for the tests of the development twin."""

import pytest

from s3store.local import FakeS3Storage


@pytest.fixture
def twin(tmp_path):
    """An empty twin, in its own directory."""
    return FakeS3Storage(tmp_path, allow_without_debug=True)
