"""The setting STORAGES as text, which works when it is pasted."""

import io
import json
import uuid
from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.core.management import call_command
from django.core.management.base import CommandError

from s3store.storage import S3StaticStorage, S3Storage
from s3store.testing.fixtures import options_for

FILES = "django.core.files.storage.FileSystemStorage"
SECRET = "wJalr-no-one-may-see-this"


def run(*arguments):
    out, err = io.StringIO(), io.StringIO()
    call_command("s3", "settings", *arguments, stdout=out, stderr=err)
    run.err = err.getvalue()
    return out.getvalue()


def pasted(settings, text, *removed):
    """Put the block into the settings, without those that it replaces."""
    scope = {}
    exec(text, scope)
    for name in removed:
        delattr(settings, name)
    settings.STORAGES = scope["STORAGES"]
    return scope["STORAGES"]


@pytest.fixture
def flat(settings, moto):
    """The settings of a project for a server, as django-storages reads them."""
    options = options_for(moto)
    settings.AWS_STORAGE_BUCKET_NAME = options["bucket_name"]
    settings.AWS_S3_ENDPOINT_URL = options["endpoint_url"]
    settings.AWS_S3_REGION_NAME = options["region_name"]
    settings.AWS_S3_ACCESS_KEY_ID = options["access_key"]
    settings.AWS_S3_SECRET_ACCESS_KEY = options["secret_key"]
    settings.AWS_LOCATION = f"old-{uuid.uuid4().hex}"
    settings.AWS_S3_OBJECT_PARAMETERS = {"CacheControl": "max-age=86400"}
    return settings


def test_d40_the_settings_of_django_storages(flat):
    """The pasted block finds the files where they are; the secret is not in it, and its setting stays."""
    flat.STORAGES = {
        "default": {"BACKEND": "storages.backends.s3boto3.S3Boto3Storage", "OPTIONS": {"querystring_expire": 60}},
        "staticfiles": {"BACKEND": "storages.backends.s3.S3StaticStorage", "OPTIONS": {"location": "assets"}},
        "files": {"BACKEND": FILES, "OPTIONS": {"location": "/srv/files"}},
    }
    location = flat.AWS_LOCATION
    text = run()
    assert flat.AWS_S3_SECRET_ACCESS_KEY not in text + run.err
    assert "AWS_S3_ACCESS_KEY_ID, AWS_S3_SECRET_ACCESS_KEY" in run.err
    assert 'add "file_overwrite": True' in run.err
    found = json.loads(run("--json"))
    assert found["replaced"] == [
        "AWS_LOCATION",
        "AWS_S3_ENDPOINT_URL",
        "AWS_S3_OBJECT_PARAMETERS",
        "AWS_S3_REGION_NAME",
        "AWS_STORAGE_BUCKET_NAME",
    ]
    block = pasted(flat, text, *found["replaced"])
    assert block["default"]["BACKEND"] == "s3store.storage.S3Storage"
    assert block["files"] == {"BACKEND": FILES, "OPTIONS": {"location": "/srv/files"}}
    storage, static = storages["default"], storages["staticfiles"]
    assert (type(storage), type(static)) == (S3Storage, S3StaticStorage)
    assert (storage.objects.key("a"), static.objects.key("a")) == (f"{location}/a", "assets/a")
    storage.save("a.txt", ContentFile(b"pasted"))
    assert (storage.read_bytes("a.txt"), storage.stat("a.txt").cache_control) == (b"pasted", "max-age=86400")
    assert storage.options.querystring_expire == 60
    # A second run has nothing to add.
    assert pasted(flat, run()) == block
    assert "Remove" not in run.err


def test_d40_the_location_of_static_files_stays_the_same(flat):
    """The class of django-storages has none of its own, and ours has."""
    flat.STORAGES = {"staticfiles": {"BACKEND": "storages.backends.s3.S3ManifestStaticStorage"}}
    location = flat.AWS_LOCATION
    pasted(flat, run())
    assert storages["staticfiles"].objects.key("a") == f"{location}/a"
    del flat.AWS_LOCATION
    flat.STORAGES = {"staticfiles": {"BACKEND": "storages.backends.s3.S3ManifestStaticStorage"}}
    pasted(flat, run())
    assert storages["staticfiles"].objects.key("a") == "a"


def test_d40_the_settings_of_django_s3_storage(flat):
    """Their names and those with _STATIC; what has another meaning is a note."""
    names = {
        "AWS_STORAGE_BUCKET_NAME": "",
        "AWS_S3_REGION_NAME": "",
        "AWS_LOCATION": "",
        "AWS_S3_OBJECT_PARAMETERS": {},
    }
    bucket = flat.AWS_STORAGE_BUCKET_NAME
    for name in names:
        delattr(flat, name)
    flat.AWS_REGION = "eu-west-1"
    flat.AWS_S3_BUCKET_NAME, flat.AWS_S3_KEY_PREFIX, flat.AWS_S3_PUBLIC_URL = bucket, "/up/", "https://cdn.example/"
    flat.AWS_S3_BUCKET_NAME_STATIC, flat.AWS_S3_METADATA = "static-bucket", {"a": "1"}
    flat.STORAGES = {
        "default": {"BACKEND": "django_s3_storage.storage.S3Storage"},
        "staticfiles": {"BACKEND": "django_s3_storage.storage.StaticS3Storage"},
    }
    found = json.loads(run("--json"))
    assert found["storages"]["default"] == {
        "BACKEND": "s3store.storage.S3Storage",
        "OPTIONS": {
            "region_name": "eu-west-1",
            "bucket_name": bucket,
            "location": "up",
            "endpoint_url": flat.AWS_S3_ENDPOINT_URL,
            "custom_domain": "cdn.example",
            "querystring_auth": False,
        },
    }
    static = found["storages"]["staticfiles"]
    assert static["BACKEND"] == "s3store.storage.S3StaticStorage"
    assert (static["OPTIONS"]["bucket_name"], static["OPTIONS"]["location"]) == ("static-bucket", "")
    assert any(note.startswith("AWS_S3_METADATA: ") for note in found["notes"])
    assert {"AWS_REGION", "AWS_S3_BUCKET_NAME", "AWS_S3_KEY_PREFIX", "AWS_S3_PUBLIC_URL"} <= set(found["replaced"])
    text = run()
    pasted(flat, text, *found["replaced"])
    assert storages["default"].objects.key("a") == "up/a"


def test_what_is_secret_or_no_text_is_not_printed(settings):
    """A note or the name of a setting says what is left to do. Options that do not exist are named too."""
    settings.AWS_S3_PROXIES = {"https": f"http://ann:{SECRET}@proxy"}
    settings.AWS_S3_OBJECT_PARAMETERS = {"SSECustomerKey": SECRET, "SSECustomerAlgorithm": "AES256"}
    settings.STORAGES = {
        "default": {
            "BACKEND": "s3store.storage.S3MediaStorage",
            "OPTIONS": {"bucket_name": "b", "secret_key": SECRET, "access_key": "k"},
        },
        "old": {
            "BACKEND": "storages.backends.s3.S3Storage",
            "OPTIONS": {"bucket_name": "b", "config": 1, "file_overwrite": True},
        },
        "own": {"BACKEND": "shop.storage.Pictures", "OPTIONS": {"password": SECRET, "wait": timedelta(1), "a": 1}},
        "plain": {"BACKEND": FILES},
    }
    text = run()
    assert SECRET not in text + run.err
    for words in (
        "default: add the option 'secret_key' yourself",
        "old: the option 'config' does not exist in s3store",
        "own: add the option 'password' yourself",
        "own: add the option 'wait' yourself",
        "own: not a class that is known",
        "Keep these settings, which are secret or cannot be written as text: AWS_S3_OBJECT_PARAMETERS, AWS_S3_PROXIES.",
    ):
        assert words in run.err
    block = pasted(settings, text)
    assert block["own"] == {"BACKEND": "shop.storage.Pictures", "OPTIONS": {"a": 1}}
    assert block["plain"] == {"BACKEND": FILES}
    # The location of the class is its own default.
    assert block["default"]["OPTIONS"] == {"bucket_name": "b"}


def test_d40_a_block_for_a_bucket(settings, moto, monkeypatch):
    """It works with credentials in the environment."""
    options = options_for(moto)
    text = run("--bucket", options["bucket_name"], "--region", "us-east-1", "--endpoint-url", options["endpoint_url"])
    pasted(settings, text)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", options["access_key"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", options["secret_key"])
    name = f"{uuid.uuid4().hex}.txt"
    storages["default"].save(name, ContentFile(b"x"))
    assert storages["default"].stat(name).key == f"media/{name}"
    assert storages["staticfiles"].objects.key("a.css") == "static/a.css"
    assert pasted(settings, run("--bucket", "b"))["default"]["OPTIONS"] == {"bucket_name": "b"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "No entry of STORAGES uses S3"),
        (["--region", "x"], "need --bucket"),
        (["--endpoint-url", "https://x"], "need --bucket"),
        (["--bucket", "b", "--endpoint-url", "https://a:b@x"], "contains a user or a password"),
    ],
)
def test_what_is_refused(settings, arguments, words):
    """With the exit status 2, and what to do."""
    settings.STORAGES = {"default": {"BACKEND": FILES}}
    with pytest.raises(CommandError, match=words) as caught:
        run(*arguments)
    assert caught.value.returncode == 2
