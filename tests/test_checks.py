"""`manage.py check` reports every storage of ours, without a request."""

from __future__ import annotations

import io
import subprocess
import sys
from typing import Any

import django
import pytest
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.test import override_settings

from s3store.conf import foreign
from s3store.conf.installed import check_installed
from s3store.conf.options import FIELDS
from s3store.storage import S3ManifestStaticStorage, S3Storage

OURS = "s3store.storage.S3Storage"
PLAIN = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}


class TenantStorage(S3Storage):
    """A project's own storage."""

    location = "../escaped"


forgets_options = pytest.mark.skipif(
    django.VERSION < (5, 1), reason="Django 4.2 forgets the OPTIONS of these aliases when a test overrides STORAGES"
)


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
        "nodots",
        "django.core.files.storage.FileSystemStorage",
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


# Entries that cannot be meant


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("s3store.storage.S3MediaStorge", "Did you mean 's3store.storage.S3MediaStorage'?"),
        ("s3store.storages.S3Storage", "Did you mean 's3store.storage.S3Storage'?"),
        ("s3store.storage.validate_file_name", "Did you mean 's3store.storage."),
        ("s3store.S3", "Use one of s3store.storage.S3Storage, "),
    ],
)
def test_a_path_that_does_not_exist_names_the_nearest(path: str, hint: str) -> None:
    """Django would say so at the first request."""
    (error,) = messages(other=ours(path))
    assert (error.id, error.msg) == ("s3store.E022", f"STORAGES['other']: there is no storage {path!r}.")
    assert str(error.hint).startswith(hint)


def test_options_beside_options_are_an_error() -> None:
    """Django reads BACKEND and OPTIONS only."""
    entry = {"BACKEND": OURS, "OPTIONS": {"bucket_name": "bucket"}, "location": "media"}
    (error,) = messages(files=entry)
    assert (error.id, error.hint) == ("s3store.E023", 'Write "OPTIONS": {"location": …}.')
    assert "'location' is beside OPTIONS" in error.msg


# Settings that nobody reads


@pytest.mark.parametrize(
    ("setting", "hint"),
    [
        ("AWS_S3_FILE_OVERWRTE", "Did you mean AWS_S3_FILE_OVERWRITE?"),
        ("AWS_QUERYSTRING_AUHT", "Did you mean AWS_QUERYSTRING_AUTH?"),
        ("AWS_STORAGE_BUCKETNAME", "Did you mean AWS_STORAGE_BUCKET_NAME?"),
        ("AWS_HEADERS", "Set AWS_S3_OBJECT_PARAMETERS, with"),
        ("AWS_S3_HOST", "Set AWS_S3_ENDPOINT_URL"),
        ("AWS_ORIGIN", "Set AWS_S3_REGION_NAME."),
        ("AWS_S3_KEY_PREFIX", "Set AWS_LOCATION."),
        ("AWS_S3_KEY_PREFIX_STATIC", "Write the option into OPTIONS of STORAGES['staticfiles']."),
        ("AWS_REGION", "Set AWS_S3_REGION_NAME."),
    ],
)
def test_a_setting_without_effect_is_reported(setting: str, hint: str) -> None:
    """A typing error, or a setting of another package, with what to write instead."""
    with override_settings(**{setting: "x"}):
        (warning,) = messages(files=ours(bucket_name="bucket"))
        assert messages() == []
    assert (warning.id, warning.msg) == ("s3store.W029", f"The setting {setting} has no effect.")
    assert str(warning.hint).startswith(hint)


@pytest.mark.parametrize(
    "setting",
    ["AWS_SES_REGION_NAME", "AWS_SES_ACCESS_KEY_ID", "AWS_MEDIA_LOCATION", "AWS_S3_ADDRESSING_STYLE", "AWS_ACCOUNT_ID"],
)
def test_other_settings_are_left_alone(setting: str) -> None:
    """Those of other services, a project's own, and those that are read."""
    with override_settings(**{setting: "auto"}):
        assert messages(files=ours(bucket_name="bucket")) == []


def test_every_foreign_setting_and_name_has_no_meaning_here() -> None:
    """The tables do not name what s3store has."""
    read = {setting for option in FIELDS.values() for setting in option.metadata["settings"]}
    assert read.isdisjoint(foreign.SETTINGS)
    assert set(FIELDS).isdisjoint(foreign.NAMES)
    for name, advice in foreign.NAMES.items():
        assert not hasattr(S3ManifestStaticStorage, name)
        with pytest.raises(AttributeError) as caught:
            getattr(S3ManifestStaticStorage(), name)
        assert str(caught.value) == f"'S3ManifestStaticStorage' object has no attribute {name!r}. {advice}"


@forgets_options
def test_a_location_that_no_storage_reads_is_reported() -> None:
    """AWS_LOCATION is for S3Storage; the classes for media and static files have settings of their own."""
    entries = {
        "default": ours("s3store.storage.S3MediaStorage", bucket_name="bucket"),
        "staticfiles": ours("s3store.storage.S3StaticStorage", bucket_name="bucket"),
    }
    with override_settings(AWS_LOCATION="uploads"):
        media, static = messages(**entries)
        assert media.id == static.id == "s3store.W027"
        assert (media.hint, static.hint) == (
            "Set MEDIAFILES_LOCATION, or location in its OPTIONS.",
            "Set STATICFILES_LOCATION, or location in its OPTIONS.",
        )
        assert messages(**entries, other=ours(bucket_name="bucket")) == []
        assert messages(other=ours(bucket_name="bucket", location="x")) == []
    assert messages(**entries) == []


# Classes written for other packages


class Ported(S3Storage):
    """Has hooks of django-storages."""

    bucket_name = "bucket"
    default_content_type = "text/plain"

    def _get_write_parameters(self, name: str, content: Any = None) -> dict[str, Any]:
        return {}


def test_hooks_that_nobody_calls_are_reported() -> None:
    """Each of them, with what to do."""
    one, two = messages(ported=ours(f"{__name__}.Ported"))
    assert (one.id, one.msg) == ("s3store.W023", "STORAGES['ported']: Ported._get_write_parameters is never used.")
    assert one.hint == "Use get_object_parameters(name)."
    assert "Ported.default_content_type" in two.msg


@pytest.mark.parametrize("hook", ["get_default_settings", "get_cloudfront_signer"])
def test_a_hook_that_decides_about_places_is_refused(hook: str) -> None:
    """A storage that ignored it would use another bucket or signature: it is not created."""
    subclass: Any = type("Subclass", (S3Storage,), {hook: lambda self, *arguments: {}})
    with pytest.raises(ImproperlyConfigured, match=rf"^Subclass\.{hook} is never called\. Declare "):
        subclass()


def test_a_storage_of_static_files_should_be_made_for_them() -> None:
    """Old tutorials use the same class for both."""
    with override_settings(STORAGES={**PLAIN, "staticfiles": ours(bucket_name="bucket")}):
        (warning,) = [found for found in checks.run_checks(tags=["staticfiles"]) if found.id == "s3store.W030"]
    assert warning.hint == "Use s3store.storage.S3StaticStorage or S3ManifestStaticStorage."
    for path in ("s3store.storage.S3StaticStorage", "s3store.storage.S3ManifestStaticStorage"):
        with override_settings(STORAGES={**PLAIN, "staticfiles": ours(path, bucket_name="bucket")}):
            assert [found.id for found in checks.run_checks(tags=["staticfiles"])] == []


# A domain belongs to a bucket


class First(S3Storage):
    bucket_name = "first"
    custom_domain = "first.example.com"
    querystring_auth = False


class Second(First):
    bucket_name = "second"


class SecondWithDomain(First):
    bucket_name = "second"
    custom_domain = "second.example.com"


class SecondWithout(First):
    bucket_name = "second"
    custom_domain = None


class Elsewhere(First):
    location = "elsewhere"


class OnlyDomain(S3Storage):
    custom_domain = "first.example.com"
    querystring_auth = False


def test_the_domain_of_another_bucket_is_reported() -> None:
    """A subclass, or OPTIONS, that changes only the bucket keeps the domain."""
    (warning,) = messages(files=ours(f"{__name__}.Second"))
    assert (warning.id, warning.msg) == (
        "s3store.W024",
        "STORAGES['files']: the bucket is 'second', but custom_domain 'first.example.com' was set for 'first'.",
    )
    for name in ("First", "SecondWithDomain", "SecondWithout", "Elsewhere"):
        assert messages(files=ours(f"{__name__}.{name}")) == []
    (warning,) = messages(files=ours(f"{__name__}.First", bucket_name="third"))
    assert "was set for 'first'" in warning.msg
    domain = {"AWS_S3_CUSTOM_DOMAIN": "first.example.com", "AWS_QUERYSTRING_AUTH": False}
    with override_settings(AWS_STORAGE_BUCKET_NAME="first", **domain):
        assert messages(files=ours()) == []
        assert messages(files=ours(bucket_name="other", custom_domain="other.example.com")) == []
        (warning,) = messages(files=ours(bucket_name="other"))
        assert "was set for 'first'" in warning.msg
        assert messages(files=ours(f"{__name__}.OnlyDomain")) == []
        (warning,) = messages(files=ours(f"{__name__}.OnlyDomain", bucket_name="other"))
        assert "was set for 'first'" in warning.msg
    with override_settings(**domain):
        assert messages(files=ours(bucket_name="other")) == []


class Computed(S3Storage):
    querystring_auth = False

    @property
    def custom_domain(self) -> str:  # type: ignore[override]
        return "cdn.example.com"

    @property
    def proxies(self) -> dict[str, str]:  # type: ignore[override]
        return {"https": "http://ann:hunter2@proxy:3128"}


def test_a_domain_by_a_property_belongs_to_every_bucket() -> None:
    """What is computed is not compared."""
    assert messages(files=ours(f"{__name__}.Computed", bucket_name="bucket")) == []


# Secrets


class Literal(S3Storage):
    bucket_name = "bucket"
    access_key = "AKEXAMPLE"
    secret_key = "an-example-of-a-literal-secret"


def test_a_secret_in_the_code_is_reported() -> None:
    """By its file: that of the settings, or that of a class."""
    (warning,) = messages(files=ours(f"{__name__}.Literal"))
    assert (warning.id, warning.level) == ("s3store.W025", checks.WARNING)
    assert warning.msg.endswith(f"Literal.secret_key: the secret is written in {__file__}.")
    assert "example-of-a" not in f"{warning.msg}{warning.hint}"
    assert messages(files=ours(f"{__name__}.Literal", endpoint_url="http://127.0.0.1:9000")) == []
    pair = {"AWS_ACCESS_KEY_ID": "AK", "AWS_SECRET_ACCESS_KEY": "tests"}
    with override_settings(**pair):
        # The word is in the file of the settings.
        (warning,) = messages(files=ours(bucket_name="bucket"))
    assert warning.msg.startswith("STORAGES['files']: settings.AWS_SECRET_ACCESS_KEY: the secret is written in ")
    with override_settings(AWS_ACCESS_KEY_ID="AK", AWS_SECRET_ACCESS_KEY="from-" + "the-environment"):
        assert messages(files=ours(bucket_name="bucket")) == []


def test_a_password_of_a_proxy_in_the_settings_is_reported() -> None:
    """Django does not know that it is one, and shows it."""
    proxies = {"https": "http://ann:hunter2@proxy:3128"}
    (warning,) = messages(files=ours(bucket_name="bucket", proxies=proxies))
    assert warning.id == "s3store.W026"
    assert "hunter2" not in f"{warning.msg}{warning.hint}"
    with override_settings(AWS_S3_PROXIES=proxies):
        (warning,) = messages(files=ours(bucket_name="bucket"))
        assert warning.msg.startswith("STORAGES['files']: settings.AWS_S3_PROXIES contains a password")
    # Django does not show what a property returns.
    assert messages(files=ours(f"{__name__}.Computed", bucket_name="bucket")) == []
    assert messages(files=ours(bucket_name="bucket", proxies={"https": "http://proxy:3128"})) == []


# URLs of the project


@forgets_options
@pytest.mark.parametrize(("name", "alias"), [("MEDIA_URL", "default"), ("STATIC_URL", "staticfiles")])
def test_a_url_setting_that_cannot_be_or_disagrees_is_reported(name: str, alias: str) -> None:
    """A scheme that does not exist, and a host or a path that is not the storage's."""
    static = "s3store.storage.S3StaticStorage"
    entry = ours(static, bucket_name="bucket", location="files", custom_domain="cdn.example.com")
    with override_settings(**{name: "htts://cdn.example.com/files/"}):
        (error,) = messages()
        assert (error.id, error.level) == ("s3store.E024", checks.ERROR)
        assert (error.msg, error.hint) == (
            f"{name}: the scheme 'htts' does not exist.",
            "Write https://cdn.example.com/files/",
        )
    for url in ("https://cdn.example.com/", "//other.example.com/files/", "https://cdn.example.com/files/x/"):
        with override_settings(**{name: url}):
            (warning,) = messages(**{alias: entry})
            assert warning.id == "s3store.W028"
            assert warning.msg.endswith("start with 'https://cdn.example.com/files/'.")
            assert messages() == []
            assert messages(**{alias: ours(static, bucket_name="bucket")}) == []
    for url in ("https://cdn.example.com/files/", "//cdn.example.com/files/", "/files/"):
        with override_settings(**{name: url}):
            assert messages(**{alias: entry}) == []


# Wiring


@pytest.mark.django_db  # Django 6.1 asks the database about constraints
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


@pytest.mark.django_db  # Django 6.1 asks the database about constraints
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
    expected = {"check_storages": files, "check_settings": files, "check_order": static, "check_staticfiles": static}
    if django.VERSION >= (5, 1):
        expected["check_legacy_settings"] = files
    assert registered == expected


_WITHOUT_THE_APP = """
import django
from django.conf import settings
settings.configure(STORAGES={"default": {"BACKEND": "s3store.storage.S3Storage"}}, INSTALLED_APPS=[%s])
django.setup()
import s3store.storage
from django.core import checks
print([message.id for message in checks.run_checks() if message.id.startswith("s3store.W")])
"""


@pytest.mark.parametrize(("installed", "found"), [("", "['s3store.W031']"), ("'s3store'", "[]")])
def test_an_app_that_is_not_installed_is_reported(installed: str, found: str) -> None:
    """Its commands and its other checks would be missing silently."""
    code = _WITHOUT_THE_APP % installed
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == (found, "")


def test_the_app_is_looked_for_in_installed_apps() -> None:
    """The check that works without the app finds nothing with it."""
    assert check_installed() == []
    with override_settings(INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes"]):
        (warning,) = check_installed()
    assert str(warning.hint).startswith("Add it, before 'django.contrib.staticfiles'")
