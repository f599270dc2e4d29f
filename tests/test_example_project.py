"""The example project's own tests, run as its developers would."""

import os
import subprocess
import sys
from pathlib import Path

import django
import pytest

EXAMPLE = Path(__file__).resolve().parent.parent / "example_project"


@pytest.mark.skipif(django.VERSION < (5, 1), reason="Django 4.2 drops the OPTIONS of an overridden STORAGES")
def test_the_example_project_passes_its_tests():
    """They need neither a bucket nor a server."""
    ran = subprocess.run(
        [sys.executable, "manage.py", "test"],
        cwd=EXAMPLE,
        capture_output=True,
        text=True,
        env={name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"},
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert "OK" in ran.stderr
