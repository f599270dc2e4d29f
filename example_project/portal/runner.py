"""A test runner that needs no bucket: files are in the development twin, in a temporary directory."""

import tempfile
from typing import Any

from django.test.runner import DiscoverRunner
from django.test.utils import override_settings


class OfflineRunner(DiscoverRunner):
    """Runs all tests with the development twin and fast password hashes."""

    def setup_test_environment(self, **kwargs: Any) -> None:
        """Replace the storages."""
        super().setup_test_environment(**kwargs)
        self._directory = tempfile.TemporaryDirectory(prefix="portal-tests-")
        self._settings = override_settings(
            STORAGES={
                "default": {
                    "BACKEND": "portal.bucket.LocalMediaStorage",
                    "OPTIONS": {"directory": self._directory.name, "allow_without_debug": True},
                },
                "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
            },
            PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        )
        self._settings.enable()

    def teardown_test_environment(self, **kwargs: Any) -> None:
        """Restore the storages."""
        self._settings.disable()
        self._directory.cleanup()
        super().teardown_test_environment(**kwargs)
