"""Static files through Django's own collectstatic command and template tag."""

import io
import json
import urllib.error
import urllib.request

import pytest
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.management import call_command
from django.template import Context, Template

from s3store.storage import S3ManifestStaticStorage, S3StaticStorage
from s3store.testing.counting import counted_requests


@pytest.fixture
def static(settings, s3_options, tmp_path):
    """Make the project's static files live on S3, in a class, with three files beside the admin's."""
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "a.css").write_text("a { background: url(b.svg) }")
    (tmp_path / "own" / "b.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (tmp_path / "own" / "c.mjs").write_text("export default 1;")
    settings.STATICFILES_DIRS = [tmp_path]
    settings.STATICFILES_LOCATION = s3_options.pop("location")
    # Not as OPTIONS: Django 4.2 drops those of an overridden STORAGES.
    settings.AWS_STORAGE_BUCKET_NAME = s3_options["bucket_name"]
    settings.AWS_S3_ENDPOINT_URL = s3_options["endpoint_url"]
    settings.AWS_S3_REGION_NAME = s3_options["region_name"]
    settings.AWS_S3_ACCESS_KEY_ID = s3_options["access_key"]
    settings.AWS_S3_SECRET_ACCESS_KEY = s3_options["secret_key"]

    def use(path):
        settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": f"s3store.storage.{path}"}}

    return use


def collect(**options):
    out = io.StringIO()
    call_command("collectstatic", interactive=False, stdout=out, **options)
    return out.getvalue()


def test_collectstatic_puts_all_files_into_the_bucket(static):
    """Every file of the finders is there, with the right type; a second run copies nothing."""
    static("S3StaticStorage")
    expected = sum(1 for finder in finders.get_finders() for _ in finder.list([]))
    assert f"{expected} static files copied" in collect()
    found = {stat.name: stat for stat in staticfiles_storage.scan()}
    assert len(found) == expected
    assert staticfiles_storage.stat("own/c.mjs").content_type == "text/javascript"
    assert staticfiles_storage.stat("own/b.svg").content_type == "image/svg+xml"
    assert "0 static files copied" in collect()


def test_collectstatic_clear_empties_the_location(static):
    """--clear deletes what the finders do not have."""
    static("S3StaticStorage")
    staticfiles_storage.save("old/stale.css", b"x")
    collect(clear=True, verbosity=0, ignore_patterns=["admin", "s3store*"])
    assert sorted(stat.name for stat in staticfiles_storage.scan()) == ["own/a.css", "own/b.svg", "own/c.mjs"]


def test_collectstatic_with_a_manifest(static, settings):
    """Hashed names, rewritten references and the manifest; the template tag gives the public URL of a hashed name."""
    static("S3ManifestStaticStorage")
    settings.DEBUG = False
    assert "post-processed" in collect(ignore_patterns=["admin"])
    fresh = S3ManifestStaticStorage()
    with counted_requests(fresh) as sent:
        name = fresh.stored_name("own/a.css")
        fresh.stored_name("own/b.svg")
    assert len(sent) == 1
    assert name != "own/a.css"
    picture = fresh.stored_name("own/b.svg").rpartition("/")[2]
    assert f'url("{picture}")' in fresh.read_text(name)
    assert json.loads(fresh.read_text("staticfiles.json"))["hash"] == fresh.manifest_hash
    html = Template("{% load static %}{% static 'own/a.css' %}").render(Context())
    assert html == fresh.url("own/a.css")
    assert html.endswith(f"/{settings.STATICFILES_LOCATION}/{name}")
    assert "X-Amz" not in html


def test_making_a_manifest_storage_sends_nothing(s3_options):
    """The manifest is read when it is first needed; a missing one is as with Django."""
    storage = S3ManifestStaticStorage(**s3_options)
    with counted_requests(storage) as sent:
        twin = S3ManifestStaticStorage(**s3_options)
        assert twin == storage
    assert sent == []
    assert twin.hashed_files == {}
    with pytest.raises(ValueError, match="manifest"):
        twin.stored_name("own/a.css")


def test_public_urls_serve_what_a_bucket_policy_allows(seaweedfs_options):
    """An unsigned URL works for what the policy makes public, and for nothing else."""
    storage = S3StaticStorage(**seaweedfs_options)
    media = S3StaticStorage(**{**seaweedfs_options, "location": "media"})
    storage.save("ä b+c.txt", b"public")
    media.save("private.txt", b"private")
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": "*",
                "Action": "s3:GetObject",
                "Resource": f"arn:aws:s3:::{storage.bucket_name}/{storage.location}/*",
            }
        ],
    }
    storage.client.put_bucket_policy(Bucket=storage.bucket_name, Policy=json.dumps(policy))
    try:
        with urllib.request.urlopen(storage.url("ä b+c.txt")) as answer:
            assert answer.read() == b"public"
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(media.url("private.txt"))
        refused.value.close()
    finally:
        storage.client.delete_bucket_policy(Bucket=storage.bucket_name)
        media.delete("private.txt")


def test_an_anonymous_storage_reads_what_is_public(seaweedfs_options):
    """anonymous=True sends unsigned requests and gives plain URLs."""
    owner = S3StaticStorage(**seaweedfs_options)
    owner.save("a.txt", b"public")
    options = {name: value for name, value in seaweedfs_options.items() if not name.endswith("_key")}
    anonymous = S3StaticStorage(**options, anonymous=True)
    with pytest.raises(PermissionError):
        anonymous.read_bytes("a.txt")
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{owner.bucket_name}/{owner.location}/*",
    }
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    owner.client.put_bucket_policy(Bucket=owner.bucket_name, Policy=json.dumps(policy))
    try:
        assert anonymous.read_bytes("a.txt") == b"public"
        with urllib.request.urlopen(anonymous.url("a.txt")) as answer:
            assert answer.read() == b"public"
    finally:
        owner.client.delete_bucket_policy(Bucket=owner.bucket_name)
