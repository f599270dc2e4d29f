"""Fixtures for the tests of the development twin."""

import weakref

import pytest

from s3store.local import FakeS3Storage, storage


@pytest.fixture(autouse=True)
def no_twins_of_another_test(monkeypatch):
    """The endpoint finds only the storages of the test."""
    monkeypatch.setattr(storage, "_living", weakref.WeakValueDictionary())


@pytest.fixture
def twin(tmp_path):
    """An empty twin, in its own directory."""
    return FakeS3Storage(tmp_path, allow_without_debug=True)
