"""A test runner that needs no bucket and does not use one."""

from typing import Any

from django.test.runner import DiscoverRunner
from django.test.utils import override_settings

IN_MEMORY = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}


class OfflineRunner(DiscoverRunner):
    """Runs all tests with storages in memory."""

    def setup_test_environment(self, **kwargs: Any) -> None:
        """Replace the storages."""
        super().setup_test_environment(**kwargs)
        self._storages = override_settings(STORAGES=IN_MEMORY)
        self._storages.enable()

    def teardown_test_environment(self, **kwargs: Any) -> None:
        """Restore the storages."""
        self._storages.disable()
        super().teardown_test_environment(**kwargs)
