"""The journeys through the files of the portal, in a browser, run as the developers of the example project would."""

import os
import subprocess
import sys
from pathlib import Path

import django
import pytest

from tests.browser.running import CHROMIUM
from tests.optional import needs

needs("playwright")
needs("PIL")

EXAMPLE = Path(__file__).resolve().parents[2] / "example_project"

pytestmark = [
    pytest.mark.browser,
    pytest.mark.no_cover,
    pytest.mark.skipif(not CHROMIUM and os.environ.get("CI") != "true", reason="no Chromium is installed"),
    pytest.mark.skipif(django.VERSION < (5, 1), reason="Django 4.2 drops the OPTIONS of an overridden STORAGES"),
]


@pytest.mark.parametrize("part", ["journeys.py", "keyboard.py", "looks.py"])
def test_members_use_their_files(part, tmp_path):
    """Members deliver, look, send, tidy up, undo and share, with mouse and keyboard, on pages that line up."""
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    ran = subprocess.run(
        [sys.executable, "manage.py", "test", "files.browser_tests", "-p", part, "--noinput"],
        cwd=EXAMPLE,
        capture_output=True,
        text=True,
        env=environment | {"S3STORE_DEMO_DATA": str(tmp_path)},
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert "OK" in ran.stderr
