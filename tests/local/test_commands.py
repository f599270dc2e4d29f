"""Commands and checks with the development twin."""

import io
import json

from django.core.files.storage import default_storage
from django.core.management import call_command

from tests.static_site import Site
from tests.test_checks import messages, ours

TWIN = "s3store.local.FakeS3Storage"


def test_the_check_finds_a_twin_without_debug(settings, tmp_path):
    """In production it is an error; during development, and where a test allows it, it is not."""
    settings.DEBUG = False
    found = messages(twin=ours(TWIN, directory=str(tmp_path)))
    assert [message.id for message in found] == ["s3store.E025"]
    assert "DEBUG=False" in found[0].msg
    assert "s3store.storage.S3Storage" in found[0].hint
    assert messages(twin=ours(TWIN, directory=str(tmp_path), allow_without_debug=True)) == []
    settings.DEBUG = True
    assert messages(twin=ours(TWIN, directory=str(tmp_path))) == []


def test_the_check_finds_a_twin_without_directory(settings):
    """It needs MEDIA_ROOT, or one of its own."""
    settings.DEBUG = True
    settings.MEDIA_ROOT = ""
    found = messages(twin=ours(TWIN))
    assert [(message.id, message.hint) for message in found] == [
        ("s3store.E026", "Set MEDIA_ROOT, or directory in its OPTIONS.")
    ]


def test_the_check_finds_a_twin_whose_urls_are_missing(settings, tmp_path):
    """Its files could not be opened in a browser."""
    settings.DEBUG = True
    settings.ROOT_URLCONF = "tests.app.urls"
    found = messages(twin=ours(TWIN, directory=str(tmp_path)))
    # The second is about direct uploads, whose URLs are missing too.
    assert [message.id for message in found] == ["s3store.W032", "s3store.W033"]
    assert 'path("media/s3/", include("s3store.local.urls"))' in found[0].hint


def test_two_twins_with_one_place_are_reported(settings, tmp_path):
    """As two storages in one bucket; those with different directories are not."""
    settings.DEBUG = True
    one = ours(TWIN, directory=str(tmp_path / "a"))
    assert [message.id for message in messages(one=one, two=one)] == ["s3store.W020"]
    assert messages(one=one, two=ours(TWIN, directory=str(tmp_path / "b"))) == []


def test_static_files_can_be_collected(settings, tmp_path):
    """With a class of the project, and without a request."""
    settings.DEBUG = True
    settings.MEDIA_ROOT = tmp_path / "media"
    (tmp_path / "static").mkdir()
    site = Site(settings, tmp_path / "static", {}).write({"a.css": "a { color: red }", "d/b.js": "b"})
    site.use("tests.local.test_contract.FakeStaticStorage")
    for uploaded in (2, 0):
        out = io.StringIO()
        call_command("collectstatic", interactive=False, json=True, stdout=out)
        summary = json.loads(out.getvalue())
        assert (summary["uploaded"], summary["requests"]) == (uploaded, 0)


def test_headers_can_be_reapplied(settings, tmp_path):
    """manage.py s3 works on the twin, too."""
    settings.DEBUG = True
    settings.MEDIA_ROOT = tmp_path
    settings.STORAGES = {**settings.STORAGES, "default": {"BACKEND": TWIN}}
    default_storage.save("a.txt", b"x")
    settings.AWS_S3_HEADERS = {"*.txt": {"CacheControl": "no-store"}}
    out = io.StringIO()
    call_command("s3", "headers", storage="default", json=True, stdout=out)
    assert json.loads(out.getvalue())["changed"] == 1
    assert default_storage.stat("a.txt").cache_control == "no-store"
