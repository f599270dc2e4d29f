"""DEFAULT_FILE_STORAGE and STATICFILES_STORAGE work on every Django."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import django
import pytest
from django.apps import apps as django_apps
from django.conf import UserSettingsHolder, global_settings
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import FileSystemStorage, default_storage, storages
from django.core.signals import setting_changed
from django.test import override_settings

import s3store
from s3store import apps
from s3store.conf import legacy
from s3store.storage import S3MediaStorage, S3StaticStorage

MEDIA = "s3store.storage.S3MediaStorage"
STATIC = "s3store.storage.S3StaticStorage"
FILES = "django.core.files.storage.FileSystemStorage"
PLAIN = {"default": {"BACKEND": FILES}, "staticfiles": {"BACKEND": FILES}}


# In a project that starts


since_5_1 = pytest.mark.skipif(django.VERSION < (5, 1), reason="this Django reads the settings itself")


def project(settings: str, then: str) -> subprocess.CompletedProcess[str]:
    """Run a fresh interpreter with these settings and the app installed."""
    code = f"""
import warnings
warnings.simplefilter("ignore")
import django
from django.conf import settings
settings.configure(INSTALLED_APPS=["s3store", "django.contrib.staticfiles"], STATIC_URL="/static/", {settings})
django.setup()
from django.core.files.storage import default_storage, storages
{then}
"""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def classes() -> str:
    return "print(*(type(storages[alias]).__name__ for alias in ('default', 'staticfiles')))"


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (f"DEFAULT_FILE_STORAGE={MEDIA!r}", "S3MediaStorage StaticFilesStorage"),
        (f"STATICFILES_STORAGE={STATIC!r}", "FileSystemStorage S3StaticStorage"),
        (f"DEFAULT_FILE_STORAGE={MEDIA!r}, STATICFILES_STORAGE={STATIC!r}", "S3MediaStorage S3StaticStorage"),
        (f"STORAGES={{'default': {{'BACKEND': {MEDIA!r}}}, 'staticfiles': {{'BACKEND': {STATIC!r}}}}}", None),
    ],
    ids=["default", "static", "both", "STORAGES"],
)
def test_a_project_of_old_settings_gets_its_storages(settings: str, expected: str | None) -> None:
    """The dotted path of the legacy setting is the class of the storage, whatever Django's version."""
    done = project(settings, classes())
    assert (done.stderr, done.stdout.strip()) == ("", expected or "S3MediaStorage S3StaticStorage")


def test_file_fields_get_the_storage_of_the_old_setting() -> None:
    """Models are imported after the settings are in force."""
    then = """
from django.core.files.storage import default_storage
from django.db import models
print(type(default_storage._wrapped).__name__ if default_storage.location else "", default_storage.location)
"""
    done = project(f"DEFAULT_FILE_STORAGE={MEDIA!r}, MEDIAFILES_LOCATION='uploads'", then)
    assert (done.stderr, done.stdout.strip()) == ("", "S3MediaStorage uploads")


@since_5_1
def test_old_and_new_settings_together_are_an_error() -> None:
    """As in Django 4.2: nobody could say which of the two is meant."""
    done = project(f"DEFAULT_FILE_STORAGE={MEDIA!r}, STORAGES={PLAIN!r}", classes())
    assert done.returncode != 0
    assert "ImproperlyConfigured" in done.stderr
    assert "DEFAULT_FILE_STORAGE/STORAGES are mutually exclusive" in done.stderr


def test_a_project_of_old_settings_can_change_its_apps() -> None:
    """Tests override INSTALLED_APPS, which loads the apps a second time."""
    then = f"""
from django.test import override_settings
with override_settings(INSTALLED_APPS=["s3store", "django.contrib.staticfiles", "django.contrib.contenttypes"]):
    {classes()}
{classes()}
"""
    done = project(f"DEFAULT_FILE_STORAGE={MEDIA!r}", then)
    assert (done.stderr, done.stdout.split("\n")[:2]) == ("", ["S3MediaStorage StaticFilesStorage"] * 2)


@since_5_1
def test_a_project_of_old_settings_is_told_how_to_write_them() -> None:
    """The check shows the entry of STORAGES."""
    done = project(
        f"DEFAULT_FILE_STORAGE={MEDIA!r}, AWS_STORAGE_BUCKET_NAME='b'",
        "from django.core.management import call_command; call_command('check', '--tag', 'files')",
    )
    assert "s3store.W021" in done.stderr
    assert f'"default": {{"BACKEND": "{MEDIA}"}}' in done.stderr


# In a test that overrides them


@since_5_1
def test_an_overridden_old_setting_works_and_is_undone() -> None:
    """override_settings(DEFAULT_FILE_STORAGE=…) changes the storage for as long as it lasts."""
    before = type(storages["default"])
    assert before is FileSystemStorage
    with override_settings(DEFAULT_FILE_STORAGE=MEDIA, STATICFILES_STORAGE=STATIC):
        assert type(storages["default"]) is S3MediaStorage
        assert type(storages["staticfiles"]) is S3StaticStorage
        assert default_storage.location == "media"
        with override_settings(DEFAULT_FILE_STORAGE=FILES):
            assert type(storages["default"]) is FileSystemStorage
        assert type(storages["default"]) is S3MediaStorage
    assert type(storages["default"]) is before
    assert type(default_storage.path("x")) is str


@since_5_1
def test_the_checks_see_an_overridden_old_setting() -> None:
    """The warning is there while the setting is."""
    with override_settings(STATICFILES_STORAGE=STATIC):
        assert legacy.legacy_settings() == {"STATICFILES_STORAGE": STATIC}
    assert legacy.legacy_settings() == {}


# The pieces, on any version


@pytest.fixture
def holder(monkeypatch: pytest.MonkeyPatch) -> UserSettingsHolder:
    """Settings of a project that makes none, for conf alone."""
    settings = UserSettingsHolder(global_settings)
    monkeypatch.setattr(legacy, "settings", settings)
    return settings


def make(holder: Any, **settings: Any) -> None:
    # Past the attribute hook of Django 4.2, which would do itself what is tested.
    vars(holder).update(settings)


def test_no_old_setting_changes_nothing(holder: Any) -> None:
    """A project of today keeps its STORAGES, or Django's default."""
    legacy.apply_legacy_settings()
    assert holder.STORAGES == global_settings.STORAGES
    make(holder, STORAGES=PLAIN)
    legacy.apply_legacy_settings()
    assert holder.STORAGES is PLAIN


def test_an_old_setting_becomes_an_entry(holder: Any) -> None:
    """The other aliases stay."""
    make(holder, DEFAULT_FILE_STORAGE=MEDIA)
    assert legacy.legacy_settings() == {"DEFAULT_FILE_STORAGE": MEDIA}
    legacy.apply_legacy_settings()
    assert holder.STORAGES == {**global_settings.STORAGES, "default": {"BACKEND": MEDIA}}
    assert global_settings.STORAGES["default"] == {"BACKEND": FILES}


def test_old_settings_become_entries(holder: Any) -> None:
    """Both of them."""
    make(holder, DEFAULT_FILE_STORAGE=MEDIA, STATICFILES_STORAGE=STATIC)
    legacy.apply_legacy_settings()
    assert holder.STORAGES == {"default": {"BACKEND": MEDIA}, "staticfiles": {"BACKEND": STATIC}}


def test_both_kinds_of_settings_are_refused(holder: Any) -> None:
    """The message names what is there."""
    make(holder, DEFAULT_FILE_STORAGE=MEDIA, STATICFILES_STORAGE=STATIC, STORAGES=PLAIN)
    with pytest.raises(
        ImproperlyConfigured, match="DEFAULT_FILE_STORAGE and STATICFILES_STORAGE/STORAGES are mutually"
    ):
        legacy.apply_legacy_settings()


def test_old_settings_are_applied_twice_without_harm(holder: Any) -> None:
    """Apps are loaded again when a test overrides INSTALLED_APPS."""
    make(holder, DEFAULT_FILE_STORAGE=MEDIA)
    legacy.apply_legacy_settings()
    legacy.apply_legacy_settings()
    assert holder.STORAGES["default"] == {"BACKEND": MEDIA}


def test_a_followed_setting_changes_the_storages() -> None:
    """What the receiver of setting_changed does, whether or not this Django needs it."""
    with override_settings(STORAGES=PLAIN):
        legacy.follow_legacy_setting(setting="DEFAULT_FILE_STORAGE", value=MEDIA, enter=True)
        assert type(storages["default"]) is S3MediaStorage
        assert type(storages["staticfiles"]) is FileSystemStorage
        for ignored in (
            {"setting": "AWS_LOCATION", "enter": True},
            {"setting": "DEFAULT_FILE_STORAGE", "enter": False},
        ):
            legacy.follow_legacy_setting(value=STATIC, **ignored)
            assert type(storages["default"]) is S3MediaStorage
    assert type(storages["default"]) is FileSystemStorage


def test_a_setting_that_is_taken_away_changes_nothing() -> None:
    """override_settings(DEFAULT_FILE_STORAGE=None) says nothing."""
    with override_settings(STORAGES=PLAIN):
        legacy.follow_legacy_setting(setting="DEFAULT_FILE_STORAGE", value=None, enter=True)
        assert type(storages["default"]) is FileSystemStorage


def test_the_app_leaves_a_django_alone_that_reads_them(monkeypatch: pytest.MonkeyPatch, holder: Any) -> None:
    """Below Django 5.1 the settings are Django's own business."""
    monkeypatch.setattr(apps, "DJANGO_READS_LEGACY_SETTINGS", True)
    make(holder, DEFAULT_FILE_STORAGE=MEDIA, STORAGES=PLAIN)
    apps.S3StoreConfig("s3store", s3store)
    assert holder.STORAGES is PLAIN


def test_the_app_helps_a_django_that_ignores_them(monkeypatch: pytest.MonkeyPatch, holder: Any) -> None:
    """From Django 5.1 on, they are in force once the app is made, before models are imported."""
    monkeypatch.setattr(apps, "DJANGO_READS_LEGACY_SETTINGS", False)
    make(holder, DEFAULT_FILE_STORAGE=MEDIA)
    try:
        apps.S3StoreConfig("s3store", s3store)
        assert holder.STORAGES["default"] == {"BACKEND": MEDIA}
    finally:
        if django.VERSION < (5, 1):
            setting_changed.disconnect(dispatch_uid="s3store.legacy")


def test_the_version_decides() -> None:
    """Django 5.1 removed the settings."""
    assert apps.DJANGO_READS_LEGACY_SETTINGS is (django.VERSION < (5, 1))


@pytest.mark.parametrize("native", [True, False])
def test_the_legacy_check_is_ours_where_django_has_none(monkeypatch: pytest.MonkeyPatch, native: bool) -> None:
    """Django 4.2 warns of the settings itself."""
    registered: list[Any] = []
    monkeypatch.setattr(apps, "register", lambda check, *tags, **_: registered.append(check.__name__))
    monkeypatch.setattr(apps, "DJANGO_READS_LEGACY_SETTINGS", native)
    django_apps.get_app_config("s3store").ready()
    assert ("check_legacy_settings" in registered) is not native
