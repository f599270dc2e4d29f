"""`manage.py check` reports every storage of ours, without a request."""

from __future__ import annotations

import io
from typing import Any

import django
import pytest
from django.core import checks
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.test import override_settings

from s3store.storage import S3Storage

OURS = "s3store.storage.S3Storage"
PLAIN = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}


class TenantStorage(S3Storage):
    """A project's own storage."""

    location = "../escaped"


def ours(backend: Any = OURS, **options: Any) -> dict[str, Any]:
    return {"BACKEND": backend, "OPTIONS": options}


def messages(**entries: Any) -> list[checks.CheckMessage]:
    """Return what the checks say about STORAGES with these entries, sorted by id."""
    with override_settings(STORAGES={**PLAIN, **entries}):
        found = [message for message in checks.run_checks(tags=["files"]) if str(message.id).startswith("s3store.")]
    return sorted(found, key=lambda message: str(message.id))


def test_what_is_right_is_not_reported() -> None:
    """No news for a possible storage, nor for Django's own."""
    assert messages(files=ours(bucket_name="bucket")) == []
    assert messages() == []


def test_a_missing_bucket_is_reported() -> None:
    """Each storage without a bucket, by its alias."""
    (error,) = messages(media=ours("s3store.storage.S3MediaStorage"))
    assert error == checks.Error(
        "STORAGES['media'] has no bucket.",
        hint="Set bucket_name in its OPTIONS, or AWS_STORAGE_BUCKET_NAME.",
        id="s3store.E021",
    )
    with override_settings(AWS_STORAGE_BUCKET_NAME="bucket"):
        assert messages(media=ours("s3store.storage.S3MediaStorage")) == []


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"location": "../x"}, "s3store.E005"),
        ({"fil_overwrite": True}, "Did you mean 'file_overwrite'?"),
        ({"access_key": "AK"}, "without secret_key"),
    ],
)
def test_a_storage_that_cannot_be_made_is_an_error(options: dict[str, Any], text: str) -> None:
    """The check says what construction says, and goes on with the others."""
    found = messages(broken=ours(**options), other=ours())
    assert [message.id for message in found] == ["s3store.E020", "s3store.E021"]
    assert found[0].level == checks.ERROR
    assert found[0].msg.startswith("STORAGES['broken']: ")
    assert text in found[0].msg


def test_a_broken_rule_is_reported_with_its_place() -> None:
    """A setting that is wrong for two storages is reported for both."""
    with override_settings(AWS_QUERYSTRING_EXPIRE=0):
        found = messages(one=ours(bucket_name="bucket", location="1"), two=ours(bucket_name="bucket", location="2"))
    assert [message.id for message in found] == ["s3store.E004", "s3store.E004"]
    assert [message.msg for message in found] == [
        "STORAGES['one']: settings.AWS_QUERYSTRING_EXPIRE: a signed URL cannot have a lifetime of 0 seconds.",
        "STORAGES['two']: settings.AWS_QUERYSTRING_EXPIRE: a signed URL cannot have a lifetime of 0 seconds.",
    ]
    assert all(message.level == checks.ERROR and "7 days" in str(message.hint) for message in found)


def test_all_errors_are_reported_at_once() -> None:
    """Not one at each run, as the storage itself would."""
    with override_settings(AWS_QUERYSTRING_EXPIRE=0, AWS_DEFAULT_ACL="public", AWS_LOCATION="/x"):
        assert [message.id for message in messages(files=ours())] == [
            "s3store.E004",
            "s3store.E005",
            "s3store.E007",
            "s3store.E021",
        ]


@pytest.mark.parametrize("setting", ["AWS_STORAGE_BUCKET_NAME", "AWS_S3_ENDPOINT_URL", "AWS_LOCATION"])
@pytest.mark.parametrize("value", [5, ["x"], b"x"], ids=repr)
def test_a_setting_of_a_wrong_type_does_not_stop_the_check(setting: str, value: Any) -> None:
    """It is one error among others."""
    settings = {"AWS_STORAGE_BUCKET_NAME": "bucket", setting: value}
    with override_settings(**settings):
        found = messages(one=ours(), two=ours())
    assert [message.id for message in found].count("s3store.E001") == 2


def test_a_warning_is_a_warning() -> None:
    """W rules have the level of warnings, and a hint."""
    (warning,) = messages(files=ours(bucket_name="b.c"))
    assert (warning.level, warning.id) == (checks.WARNING, "s3store.W003")
    assert str(warning.hint).startswith("Use lower-case letters")


def test_sc_08_an_open_line_is_a_warning() -> None:
    """Plain http to another machine is reported, to this one not."""
    (warning,) = messages(files=ours(bucket_name="bucket", endpoint_url="http://minio.example"))
    assert (warning.level, warning.id) == (checks.WARNING, "s3store.W001")
    assert messages(files=ours(bucket_name="bucket", endpoint_url="http://127.0.0.1:9000")) == []


def test_a_projects_own_class_is_checked() -> None:
    """Whatever inherits from ours, by its path or itself."""
    found = messages(tenant=ours(f"{__name__}.TenantStorage", bucket_name="bucket"))
    assert [error.id for error in found] == ["s3store.E005"]
    assert "class attribute TenantStorage.location: " in found[0].msg


# Places shared by two storages


def test_a_shared_place_is_reported() -> None:
    """`collectstatic --clear` of one would delete the files of the other."""
    found = messages(
        files=ours(bucket_name="bucket", location="x"),
        others=ours(bucket_name="bucket", location="x", gzip=True),
    )
    assert [(warning.level, warning.id) for warning in found] == [(checks.WARNING, "s3store.W020")]
    for part in ("'others'", "'files'", "'x'"):
        assert part in found[0].msg


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ({"bucket_name": "bucket", "location": "x"}, {"bucket_name": "bucket", "location": "y"}),
        ({"bucket_name": "bucket-1"}, {"bucket_name": "bucket-2"}),
        (
            {"bucket_name": "bbb", "endpoint_url": "https://a.example"},
            {"bucket_name": "bbb", "endpoint_url": "https://b.example"},
        ),
    ],
    ids=["location", "bucket", "endpoint"],
)
def test_places_that_differ_are_two(one: dict[str, Any], two: dict[str, Any]) -> None:
    """One difference is enough."""
    assert [message for message in messages(one=ours(**one), two=ours(**two)) if message.id == "s3store.W020"] == []


def test_no_bucket_is_no_shared_place() -> None:
    """Two storages without a bucket have one problem each."""
    assert [message.id for message in messages(one=ours(), two=ours())] == ["s3store.E021", "s3store.E021"]


def test_each_of_three_is_compared_with_the_first() -> None:
    """The first alias is named by all that follow."""
    found = messages(**{alias: ours(bucket_name="bucket") for alias in ("a", "b", "c")})
    assert [message.id for message in found] == ["s3store.W020", "s3store.W020"]
    assert all("STORAGES['a']" in message.msg for message in found)


# What is not ours


@pytest.mark.parametrize(
    "backend",
    [
        "no.such.module.Storage",
        "s3store.storage.NoSuchStorage",
        "nodots",
        "django.core.files.storage.FileSystemStorage",
        "s3store.storage.validate_file_name",
        None,
        5,
    ],
    ids=repr,
)
def test_what_is_not_ours_is_left_alone(backend: Any) -> None:
    """Other backends, and paths that lead nowhere, are Django's to complain about."""
    assert messages(other=ours(backend, bucket_name=5)) == []


def test_an_entry_without_backend_is_left_alone() -> None:
    """So is an entry that Django refuses itself."""
    assert messages(other={}) == []


# Wiring


def test_manage_py_check_runs_them() -> None:
    """The app registers its checks, and an error stops the command."""
    with (
        override_settings(STORAGES={**PLAIN, "files": ours()}),
        pytest.raises(SystemCheckError, match=r"s3store\.E021"),
    ):
        call_command("check")
    out = io.StringIO()
    with override_settings(STORAGES={**PLAIN, "files": ours(bucket_name="b.c")}):
        call_command("check", "--tag", "files", stderr=out)
    assert "s3store.W003" in out.getvalue()


def test_a_check_can_be_silenced() -> None:
    """SILENCED_SYSTEM_CHECKS works by id, as for Django's own."""
    with override_settings(STORAGES={**PLAIN, "files": ours()}, SILENCED_SYSTEM_CHECKS=["s3store.E021"]):
        call_command("check")


def test_all_checks_are_registered_once() -> None:
    """With the tag of what they look at: collectstatic asks for those of static files alone."""
    registered = {
        check.__name__: set(check.tags)  # type: ignore[attr-defined]
        for check in checks.registry.registry.registered_checks
        if check.__module__ == "s3store.checks"
    }
    files, static = {checks.Tags.files}, {checks.Tags.staticfiles}
    expected = {"check_storages": files, "check_order": static}
    if django.VERSION >= (5, 1):
        expected["check_legacy_settings"] = files
    assert registered == expected
