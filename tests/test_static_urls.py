"""URLs of static files: what {% static %} gives, compared with Django's own storages."""

import json
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.staticfiles.storage import ManifestStaticFilesStorage, StaticFilesStorage
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.base import ContentFile
from django.core.files.storage import InMemoryStorage

from s3store.storage import S3ManifestStaticStorage, S3StaticStorage, S3Storage

OPTIONS = {
    "bucket_name": "bucket",
    "region_name": "eu-central-1",
    "location": "",
    "custom_domain": "example.com/static",
    "access_key": "AKIAIOSFODNN7EXAMPLE",
    "secret_key": "secret",
}
PATHS = {
    name: f"{name[:-4]}.0123456789ab{name[-4:]}"
    for name in ("css/x.css", "c++.png", "100%.png", "ä b.png", "a+b&c.png", "a'(b)!*~.png")
} | {"a.eot": "a.0123456789ab.eot", "img/100%25.png": "img/100%25.0123456789ab.png"}


@pytest.fixture
def manifest():
    """A storage with the manifest of PATHS."""
    storage = InMemoryStorage()
    content = json.dumps({"paths": PATHS, "version": "1.1", "hash": "x"})
    storage.save("staticfiles.json", ContentFile(content.encode()))
    return storage


def outcome(storage, name):
    """Return the path of the URL of a name, or the error."""
    try:
        url = storage.url(name)
    except ValueError:
        return ValueError
    return url.removeprefix("https://example.com")


NAMES = ["dir/", "dir/deep/", "", "/css/x.css", "/dir/", "css/x.css", "none.css", "dir/?x=1", "/"]


@pytest.mark.parametrize("debug", [True, False], ids=["debug", "no debug"])
@pytest.mark.parametrize("hashed", [False, True], ids=["plain", "manifest"])
@pytest.mark.parametrize("name", NAMES)
def test_directories_and_slashes_are_as_with_django(settings, tmp_path, manifest, name, hashed, debug):
    """The empty name, directories, and slashes at the start: the same path, or the same error."""
    settings.DEBUG = debug
    settings.STATIC_URL = "/static/"
    if hashed:
        ours = S3ManifestStaticStorage(manifest_storage=manifest, **OPTIONS)
        theirs = ManifestStaticFilesStorage(location=tmp_path, manifest_storage=manifest)
    else:
        ours, theirs = S3StaticStorage(**OPTIONS), StaticFilesStorage(location=tmp_path)
    assert outcome(ours, name) == outcome(theirs, name)


@pytest.mark.parametrize("cls", [S3Storage, S3StaticStorage])
@pytest.mark.parametrize("name", ["dir/", "", None])
def test_the_url_of_a_directory_is_not_signed(cls, name):
    """It is the prefix of its files, and what only a signed URL can say is refused."""
    storage = cls(**{**OPTIONS, "location": "l", "custom_domain": None}, querystring_auth=True)
    assert storage.url(name) == f"https://bucket.s3.eu-central-1.amazonaws.com/l/{name or ''}"
    with pytest.raises(ValueError, match="not signed"):
        storage.url(name, download_as="x")
    with pytest.raises(SuspiciousFileOperation):
        storage.url(name, signed=True)


@pytest.mark.parametrize("name", ["../dir/", "a/../../b/", "/../x.css"])
def test_no_url_leaves_the_location(name):
    """Also not that of a directory."""
    with pytest.raises(SuspiciousFileOperation):
        S3StaticStorage(**OPTIONS).url(name)


@pytest.mark.parametrize("debug", [True, False], ids=["debug", "no debug"])
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("c++.png", "/static/c%2B%2B{}.png"),
        ("100%.png", "/static/100%25{}.png"),
        ("ä b.png", "/static/%C3%A4%20b{}.png"),
        ("%C3%A4%20b.png", "/static/%C3%A4%20b{}.png"),
        ("a+b&c.png", "/static/a%2Bb%26c{}.png"),
        ("css/x.css?v=1", "/static/css/x{}.css?v=1"),
        ("css/x.css#top", "/static/css/x{}.css#top"),
        ("css/x.css?v=1#top", "/static/css/x{}.css?v=1#top"),
        ("a.eot?#iefix", "/static/a{}.eot?#iefix"),
    ],
)
def test_hashed_names_are_quoted_once(settings, manifest, name, expected, debug):
    """As all other URLs; a query and a fragment stay what they are."""
    settings.DEBUG = debug
    storage = S3ManifestStaticStorage(manifest_storage=manifest, **OPTIONS)
    assert storage.url(name) == "https://example.com" + expected.format("" if debug else ".0123456789ab")
    assert storage.url(name, force=True) == "https://example.com" + expected.format(".0123456789ab")


def test_the_plain_class_and_the_manifest_class_quote_the_same(manifest):
    """For every name of the manifest that Django's class can find."""
    hashed = S3ManifestStaticStorage(manifest_storage=manifest, **OPTIONS)
    plain = S3StaticStorage(**OPTIONS)
    for name, stored in PATHS.items():
        if "%25" not in name:
            assert hashed.url(name, force=True) == plain.url(stored)


def test_all_urls_take_the_same_arguments(manifest):
    """Signing, lifetimes, methods and changed headers, of the file with the hash; session tokens stay quoted."""
    options = {**OPTIONS, "custom_domain": None, "security_token": "to+ken/=="}
    storage = S3ManifestStaticStorage(manifest_storage=manifest, **options)
    url = storage.url("c++.png?v=1", {"VersionId": "v"}, 60, "HEAD", signed=True, download_as="c.png", force=True)
    parts = urlsplit(url)
    assert parts.path == "/c%2B%2B.0123456789ab.png"
    query = parse_qs(parts.query)
    assert query["X-Amz-Expires"] == ["60"]
    assert query["X-Amz-Security-Token"] == ["to+ken/=="]
    assert query["versionId"] == ["v"]
    assert query["response-content-disposition"] == ['attachment; filename="c.png"']
    assert "v" not in query
    assert (
        S3ManifestStaticStorage(manifest_storage=manifest, **options, querystring_auth=True)
        .url("css/x.css", expire=60, force=True)
        .startswith("https://bucket.s3.eu-central-1.amazonaws.com/css/x.0123456789ab.css?X-Amz-")
    )
