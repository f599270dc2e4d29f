"""Fixtures for all tests: a clean environment, and the servers."""

import os

import pytest

pytest_plugins = ["s3store.testing.fixtures"]


@pytest.fixture(autouse=True, scope="session")
def clean_environment(tmp_path_factory):
    """No credentials, profiles or endpoints of the machine reach a test."""
    nowhere = tmp_path_factory.mktemp("aws") / "none"
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith("AWS_"):
                patch.delenv(name)
        patch.setenv("AWS_CONFIG_FILE", str(nowhere))
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(nowhere))
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        yield
