"""What the founding documents mention (tests/coverage/seeds.csv), each as their reader does it, on a real server."""

import json
import pickle
import types
import urllib.request
import uuid
from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.signers import CloudFrontSigner
from django.core.cache.backends.filebased import FileBasedCache
from django.core.cache.backends.locmem import LocMemCache
from django.core.files.base import ContentFile
from django.core.files.storage.handler import StorageHandler
from django.core.management import call_command
from django.db import models
from django.template import Context, Template

from s3store import errors
from s3store.links.rsa import rsa_signer
from s3store.storage import S3Storage
from s3store.testing.counting import counted_requests
from tests.app.models import Document
from tests.clock import standing_at
from tests.faults.proxy import FaultProxy
from tests.optional import needs
from tests.static_site import PLAIN, SETTINGS
from tests.test_urls import fetch, status_of

KEYS = {"bucket_name": "some-bucket", "access_key": "key", "secret_key": "secret", "region_name": "eu-central-1"}
FLAT = {**SETTINGS, "location": "AWS_LOCATION"}


@pytest.fixture
def storage(seaweedfs_options):
    return S3Storage(**seaweedfs_options)


@pytest.fixture
def keyless(seaweedfs_options):
    """The options of the storage without its keys."""
    return {name: value for name, value in seaweedfs_options.items() if name not in ("access_key", "secret_key")}


@pytest.fixture
def project(settings, seaweedfs_options):
    """The settings of a project whose storages have an empty bucket, and a function that returns all keys in it."""
    options = {**seaweedfs_options, "bucket_name": f"two-{uuid.uuid4().hex}"}
    del options["location"]
    for name, value in options.items():
        setattr(settings, SETTINGS[name], value)
    bucket = S3Storage(**options)
    bucket.client.create_bucket(Bucket=bucket.bucket_name)
    yield lambda: {stat.name for stat in bucket.scan()}
    bucket.delete_tree("", force=True)
    bucket.client.delete_bucket(Bucket=bucket.bucket_name)


def query_of(url):
    return {name: value for name, (value,) in parse_qs(urlsplit(url).query).items()}


# A. The cheat sheet


def test_a02_an_anonymous_storage_reads_what_is_public_and_signs_nothing(seaweedfs_options, keyless, monkeypatch):
    """It reads, lists and links without the credentials that the machine has; what is not public stays closed."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", seaweedfs_options["access_key"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", seaweedfs_options["secret_key"])
    owner = S3Storage(**seaweedfs_options)
    owner.save("a.txt", b"public")
    bucket = f"arn:aws:s3:::{owner.bucket_name}"
    allowed = {"s3:GetObject": f"{bucket}/{owner.location}/*", "s3:ListBucket": bucket}
    statements = [
        {"Effect": "Allow", "Principal": "*", "Action": action, "Resource": resource}
        for action, resource in allowed.items()
    ]
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    with FaultProxy(seaweedfs_options["endpoint_url"]) as proxy:
        anonymous = S3Storage(**{**keyless, "endpoint_url": proxy.url}, anonymous=True)
        url = anonymous.url("a.txt")
        assert "?" not in url
        assert status_of(url) == 403
        owner.client.put_bucket_policy(Bucket=owner.bucket_name, Policy=policy)
        try:
            assert fetch(url)[2] == anonymous.read_bytes("a.txt") == b"public"
            assert anonymous.listdir("") == ([], ["a.txt"])
            with pytest.raises(PermissionError):
                anonymous.save("b.txt", b"x")
        finally:
            owner.client.delete_bucket_policy(Bucket=owner.bucket_name)
        assert [exchange for exchange in proxy.log if "authorization" in dict(exchange.request_headers)] == []


def test_a04_the_client_is_boto3s(storage):
    """`storage.client` is one client of boto3, for what the storage does not offer."""
    storage.save("a.txt", b"x")
    client = storage.client
    assert (type(client).__module__, type(client).__name__) == ("botocore.client", "S3")
    assert storage.client is client
    found = client.list_objects_v2(Bucket=storage.bucket_name, Prefix=f"{storage.location}/")
    assert [entry["Key"] for entry in found["Contents"]] == [f"{storage.location}/a.txt"]


def test_a17_a_file_is_read_as_bytes_and_as_text(storage):
    """One request each."""
    storage.save("a.txt", "grün\n")
    storage.save("latin.txt", "grün".encode("latin-1"))
    with counted_requests(storage) as sent:
        assert storage.read_bytes("a.txt") == "grün\n".encode()
        assert storage.read_text("a.txt") == "grün\n"
        assert storage.read_text("latin.txt", "latin-1") == "grün"
        with storage.open("a.txt") as file:
            assert file.read() == "grün\n".encode()
    assert sent.methods == ["GET"] * 4


def test_a22_a23_metadata_is_set_on_upload_and_read(seaweedfs_options):
    """The call's is added to the storage's, which can depend on the name; `stat` reads it with one request."""
    storage = S3Storage(
        **seaweedfs_options, object_parameters=lambda name: {"Metadata": {"by": "storage", "named": name}}
    )
    storage.save("plain.txt", b"x")
    storage.save("a.txt", b"x", metadata={"Meta1": "one", "by": "call"})
    with counted_requests(storage) as sent:
        assert storage.stat("a.txt").metadata == {"meta1": "one", "by": "call", "named": "a.txt"}
    assert sent.methods == ["HEAD"]
    assert storage.stat("plain.txt").metadata == {"by": "storage", "named": "plain.txt"}


def test_a24_metadata_is_changed_later(seaweedfs_options):
    """The new metadata replaces the old; headers and content stay."""
    headers = {"CacheControl": "max-age=60", "ContentDisposition": "inline", "ContentLanguage": "de"}
    S3Storage(**seaweedfs_options, object_parameters=headers).save(
        "a.txt", b"content", content_type="text/x-own", metadata={"old": "1", "both": "1"}
    )
    storage = S3Storage(**seaweedfs_options)
    storage.set_metadata("a.txt", {"both": "2", "new": "2"})
    stat = S3Storage(**seaweedfs_options).stat("a.txt")
    assert stat.metadata == {"both": "2", "new": "2"}
    assert (stat.cache_control, stat.content_disposition, stat.content_language) == tuple(headers.values())
    assert stat.content_type == "text/x-own"
    assert storage.read_bytes("a.txt") == b"content"


def field_file(storage, upload_to):
    """Return the empty file of a field of a model."""
    field = models.FileField(upload_to=upload_to, storage=storage)
    field.set_attributes_from_name("file")
    return field.attr_class(types.SimpleNamespace(), field, "")


def test_a30_static_files_and_uploads_share_a_bucket(project, settings, tmp_path):
    """collectstatic writes below `static`, a FileField of the default storage below `media`; pages link to both."""
    (tmp_path / "site.css").write_text("a {}")
    settings.STATICFILES_DIRS = [tmp_path]
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    settings.STORAGES = {
        "default": {"BACKEND": "s3store.storage.S3MediaStorage"},
        "staticfiles": {"BACKEND": PLAIN},
    }
    call_command("collectstatic", interactive=False, verbosity=0)
    file = field_file(None, "docs")
    file.save("a.txt", ContentFile(b"x"), save=False)
    assert project() == {"static/site.css", "media/docs/a.txt"}
    linked = Template("{% load static %}{% static 'site.css' %}").render(Context())
    assert urlsplit(linked).path.endswith("/static/site.css")
    assert urlsplit(file.url).path.endswith("/media/docs/a.txt")


@pytest.mark.parametrize(
    ("upload_to", "expected"),
    [
        ("docs", "docs/a.txt"),
        ("%Y/%m", "{now:%Y/%m}/a.txt"),
        (lambda instance, filename: f"by-name/{filename.upper()}", "by-name/A.TXT"),
    ],
    ids=["text", "date", "function"],
)
def test_a37_upload_to_applies_below_the_location(storage, upload_to, expected):
    """As text, as a date and as a function: in the name, and below the location in the key."""
    file, before = field_file(storage, upload_to), datetime.now()
    file.save("a.txt", ContentFile(b"x"), save=False)
    assert file.name in {expected.format(now=moment) for moment in (before, datetime.now())}
    found = storage.client.list_objects_v2(Bucket=storage.bucket_name, Prefix=storage.location)
    assert [entry["Key"] for entry in found["Contents"]] == [f"{storage.location}/{file.name}"]


# B. The client portal


def test_b20_a_url_works_for_120_seconds(seaweedfs_options):
    """The server serves the file until then, and not later."""
    storage = S3Storage(**seaweedfs_options, url_window=0)
    storage.save("a.txt", b"content")
    now = datetime.now().timestamp()
    statuses = []
    for age in (0, 60, 180):
        with standing_at(now - age):
            url = storage.url("a.txt", expire=120)
        assert query_of(url)["X-Amz-Expires"] == "120"
        statuses.append(status_of(url))
    assert statuses == [200, 200, 403]


# D. The documentation of django-storages


def test_d01_the_default_storage_is_named_by_its_path(seaweedfs_options):
    """Django creates it from BACKEND and OPTIONS, and what it saves is in the bucket, below the location."""
    handler = StorageHandler({"default": {"BACKEND": "s3store.storage.S3Storage", "OPTIONS": seaweedfs_options}})
    storage = handler["default"]
    assert type(storage) is S3Storage
    assert storage.save("a.txt", ContentFile(b"x")) == "a.txt"
    location = seaweedfs_options["location"]
    found = storage.client.list_objects_v2(Bucket=storage.bucket_name, Prefix=location)
    assert [entry["Key"] for entry in found.get("Contents", ())] == [f"{location}/a.txt"]


def test_d10_botocores_own_search_finds_the_credentials(seaweedfs_options, keyless, tmp_path, monkeypatch):
    """Without any option, requests and URLs are signed with the default profile of the shared file."""
    shared = tmp_path / "credentials"
    secret = seaweedfs_options["secret_key"]
    shared.write_text(
        "".join(
            f"[{profile}]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n"
            for profile, key in {"default": seaweedfs_options["access_key"], "other": "other-key"}.items()
        )
    )
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(shared))
    storage = S3Storage(**keyless)
    signed_by = query_of(storage.url("a.txt"))["X-Amz-Credential"].partition("/")[0]
    assert signed_by == seaweedfs_options["access_key"]
    storage.save("a.txt", b"content")
    assert fetch(storage.url("a.txt"))[2] == b"content"


@pytest.mark.parametrize("size", [5, 9 << 20], ids=["one request", "in parts"])
def test_d13_object_parameters_reach_every_object(settings, seaweedfs_options, size):
    """Headers, metadata, tags and encryption of the setting are those of what is saved and written."""
    settings.AWS_S3_OBJECT_PARAMETERS = {
        "CacheControl": "max-age=60",
        "ContentLanguage": "de",
        "Metadata": {"by": "setting"},
        "ServerSideEncryption": "AES256",
        "Tagging": "kind=test",
    }
    storage = S3Storage(**seaweedfs_options)
    storage.save("saved.bin", bytes(size))
    with storage.open("written.bin", "wb") as file:
        file.write(bytes(size))
    for name in ("saved.bin", "written.bin"):
        stat = storage.stat(name)
        assert (stat.cache_control, stat.content_language, stat.metadata) == ("max-age=60", "de", {"by": "setting"})
        assert stat.encryption == "AES256"
        tags = storage.client.get_object_tagging(Bucket=storage.bucket_name, Key=f"{storage.location}/{name}")
        assert tags["TagSet"] == [{"Key": "kind", "Value": "test"}]


@pytest.mark.parametrize(("limit", "size", "in_memory"), [(10, 10, True), (10, 11, False), (0, 100_000, True)])
def test_d17_max_memory_size_decides_what_is_kept_in_memory(settings, seaweedfs_options, limit, size, in_memory):
    """Content that can be read once is kept for another name: beyond the limit, on the disk; 0 means no limit."""
    seen = []

    class Seeing(S3Storage):
        def _save(self, name, content):
            seen.append(content.file.name is None)
            return super()._save(name, content)

    settings.AWS_S3_MAX_MEMORY_SIZE = limit
    storage = Seeing(**seaweedfs_options)
    storage.save("a.bin", iter([b"x" * size]))
    assert seen == [in_memory]
    assert storage.size("a.bin") == size


@pytest.mark.parametrize(("lifetime", "seconds"), [(60, "60"), (timedelta(minutes=2), "120"), (604_800, "604800")])
def test_d18_querystring_expire_is_the_lifetime_of_urls(settings, storage, lifetime, seconds):
    """By option and by setting; the server accepts what is signed, and an argument decides for one URL."""
    storage.save("a.txt", b"content")
    settings.AWS_QUERYSTRING_EXPIRE = lifetime
    given = S3Storage(**KEYS, querystring_expire=lifetime)
    for url in (storage.url("a.txt"), given.url("a.txt")):
        assert query_of(url)["X-Amz-Expires"] == seconds
    assert query_of(given.url("a.txt", expire=30))["X-Amz-Expires"] == "30"
    assert fetch(storage.url("a.txt"))[2] == b"content"


def test_d23_gzip_content_types_are_those_that_are_compressed(settings, seaweedfs_options):
    """The setting replaces the default list."""
    settings.AWS_IS_GZIPPED = True
    settings.GZIP_CONTENT_TYPES = ("text/x-own",)
    storage = S3Storage(**seaweedfs_options)
    content = b"line\n" * 1000
    found = {}
    for content_type in ("text/css", "text/x-own"):
        name = storage.save("a", content, content_type=content_type)
        found[content_type] = storage.stat(name).content_encoding
        assert storage.read_bytes(name) == content
    assert found == {"text/css": None, "text/x-own": "gzip"}


@pytest.mark.parametrize(("use_ssl", "scheme"), [(True, "https"), (False, "http")])
def test_d25_use_ssl_decides_on_the_scheme(settings, use_ssl, scheme):
    """Of requests and of URLs, where no endpoint names one."""
    settings.AWS_S3_USE_SSL = use_ssl
    storage = S3Storage(**KEYS)
    assert storage.client.meta.endpoint_url == f"{scheme}://s3.eu-central-1.amazonaws.com"
    assert urlsplit(storage.url("a.txt")).scheme == scheme


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_d26_verify_decides_which_certificates_are_trusted(seaweedfs_options, certificates):
    """The machine's authorities, those of a bundle, or any at all with False."""
    context, bundle = certificates
    S3Storage(**seaweedfs_options).save("a.txt", b"x")

    def trusts(verify):
        try:
            return S3Storage(**{**seaweedfs_options, "endpoint_url": proxy.url}, verify=verify).exists("a.txt")
        except ConnectionError:
            return False

    with FaultProxy(seaweedfs_options["endpoint_url"], tls=context) as proxy:
        assert [trusts(None), trusts(bundle), trusts(False)] == [False, True, True]


def test_d27_requests_go_to_the_endpoint(settings, seaweedfs_options):
    """The setting names a server that is not AWS: the client sends its requests there, and URLs lead there."""
    with FaultProxy(seaweedfs_options["endpoint_url"]) as proxy:
        del seaweedfs_options["endpoint_url"]
        settings.AWS_S3_ENDPOINT_URL = proxy.url
        storage = S3Storage(**seaweedfs_options)
        assert storage.client.meta.endpoint_url == proxy.url
        assert storage.url("a.txt").startswith(f"{proxy.url}/")
        storage.save("a.txt", b"x")
        assert [exchange.method for exchange in proxy.log] == ["PUT"]


def test_d32_urls_are_signed_for_cloudfront(settings):
    """`url` of a storage with a CloudFront key gives what AWS's own signer makes, until the stated time."""
    rsa = needs("cryptography.hazmat.primitives.asymmetric.rsa")
    pem = needs("cryptography.hazmat.primitives.serialization")
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(pem.Encoding.PEM, pem.PrivateFormat.PKCS8, pem.NoEncryption())
    settings.AWS_CLOUDFRONT_KEY = private.decode()
    settings.AWS_CLOUDFRONT_KEY_ID = "K1"
    storage = S3Storage(**KEYS, custom_domain="cdn.example.com", location="media", querystring_expire=600)
    now = datetime.now().astimezone()
    with standing_at(now.timestamp()):
        url = storage.url("ä b.jpg")
    assert {"Expires", "Signature", "Key-Pair-Id"} == set(query_of(url))
    ends = datetime.fromtimestamp(int(query_of(url)["Expires"])).astimezone()
    theirs = CloudFrontSigner("K1", rsa_signer(private)).generate_presigned_url(
        "https://cdn.example.com/media/%C3%A4%20b.jpg", date_less_than=ends
    )
    assert url == theirs
    assert timedelta(seconds=299) <= ends - now <= timedelta(seconds=600)
    assert storage.url("a.jpg", signed=False) == "https://cdn.example.com/media/a.jpg"


def test_d44_a_session_with_a_storage(storage):
    """exists, open for writing, write, close, exists, open for reading, read, delete: with text, as the page has it."""
    assert not storage.exists("storage_test")
    file = storage.open("storage_test", "w")
    file.write("storage contents\n")
    file.close()
    assert storage.exists("storage_test")
    file = storage.open("storage_test", "r")
    assert file.read() == "storage contents\n"
    file.close()
    storage.delete("storage_test")
    assert not storage.exists("storage_test")


def test_d49_classes_with_locations_share_a_bucket(project):
    """Each class has its own files in the one bucket, also under the same name."""

    class Static(S3Storage):
        location = "static"

    class Media(S3Storage):
        location = "media"

    for cls in (Static, Media):
        assert cls().save("a.txt", cls.location.encode()) == "a.txt"
    assert project() == {"static/a.txt", "media/a.txt"}
    assert (Static().read_bytes("a.txt"), Media().read_bytes("a.txt")) == (b"static", b"media")
    Media().delete("a.txt")
    assert project() == {"static/a.txt"}


COPIES = {
    "pickle": lambda value, _: pickle.loads(pickle.dumps(value)),
    "locmem cache": lambda value, _: cached(LocMemCache(uuid.uuid4().hex, {}), value),
    "file cache": lambda value, path: cached(FileBasedCache(str(path), {}), value),
}


def cached(cache, value):
    cache.set("key", value)
    return cache.get("key")


@pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES)
def test_d54_files_and_instances_are_pickled_and_cached(settings, seaweedfs_options, db, tmp_path, copied):
    """A cached model instance, and the value of each kind of field, name the same file and read it."""
    for name, value in seaweedfs_options.items():
        setattr(settings, {**FLAT, "location": "MEDIAFILES_LOCATION"}[name], value)
    document = Document()
    document.normal.save("a.txt", ContentFile(b"normal"), save=False)
    document.rich.save("a.txt", ContentFile(b"rich"), save=False)
    document.save()
    twin = copied(document, tmp_path)
    found = copied({"normal": document.normal, "rich": document.rich}, tmp_path)
    for normal, rich in ((twin.normal, twin.rich), (found["normal"], found["rich"])):
        assert (normal.name, rich.name) == ("docs/a.txt", "rich/a.txt")
        assert type(rich) is type(document.rich)
        with normal.open() as one, rich.open() as two:
            assert (one.read(), two.read()) == (b"normal", b"rich")
        assert rich.stat().size == 4
        with urllib.request.urlopen(rich.get_url()) as answer:
            assert answer.read() == b"rich"


# E. The course


def test_e30_a_region_that_is_not_the_buckets_is_named(seaweedfs_options):
    """The error is of its own class, and says which option to correct."""
    body = b"<Error><Code>AuthorizationHeaderMalformed</Code><Message>the region is wrong</Message></Error>"
    with FaultProxy(seaweedfs_options["endpoint_url"], respond=lambda *_: (400, {}, body)) as proxy:
        storage = S3Storage(**{**seaweedfs_options, "endpoint_url": proxy.url}, max_attempts=1)
        for verb in (storage.read_bytes, lambda name: storage.save(name, b"x"), storage.delete):
            with pytest.raises(OSError) as caught:
                verb("a.txt")
            assert type(caught.value) is errors.WrongRegionError
            assert "region_name" in str(caught.value)
