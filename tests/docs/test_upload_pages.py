"""The pages about direct uploads say what the code does, and their examples work."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from io import BytesIO
from types import ModuleType

import pytest
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import models
from django.test.utils import isolate_apps

from s3store import urls
from s3store.uploads import Destination, destinations, service, tokens
from tests.docs.blocks import DOCS, ROOT, all_blocks, blocks_of, table
from tests.optional import needs

REFERENCE = DOCS / "reference" / "uploads.rst"
FILE_INPUT = DOCS / "reference" / "file-input.rst"
HOWTO = DOCS / "howto"
SCRIPTS = ROOT / "s3store" / "static" / "s3store"
MIB = 1 << 20


@pytest.fixture(autouse=True)
def declared():
    """Leave no destination behind."""
    before = dict(destinations._declared)
    yield
    destinations._declared.clear()
    destinations._declared.update(before)


def run(page, cls, namespace=None):
    """Run the blocks of a class, in one namespace."""
    namespace = {"__name__": "tests.app.models"} if namespace is None else namespace
    for block in blocks_of(page):
        if cls in block.classes:
            exec(block.compile(), namespace)
    assert len(namespace) > 2
    return namespace


def test_the_endpoints_are_described_and_no_others():
    """Each URL has its row."""
    described = [row[0].split("``")[1] for row in table(REFERENCE, ".. _upload-endpoints:")]
    assert sorted(described) == sorted(str(pattern.pattern) for pattern in urls.urlpatterns)


def codes_in_the_source():
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "s3store" / "uploads").glob("*.py"))
    found = set(re.findall(r'UploadRefusedError\(\s*"(\w+)"', source))
    endings = set(re.findall(r'code = f"\{kind\.__name__\.lower\(\)\}_(\w+)"', source))
    assert endings
    return found | {f"{kind}_{ending}" for kind in ("ticket", "receipt") for ending in endings}


def test_the_error_codes_are_described_and_no_others():
    """Each code of the source is in the table."""
    rows = table(REFERENCE, ".. _upload-errors:")
    described = [code for row in rows for code in re.findall(r"``(\w+)``", row[1])]
    assert sorted(described) == sorted(codes_in_the_source())


def test_the_events_are_described_and_no_others():
    """Each event that the script dispatches has its row."""
    script = (SCRIPTS / "widget.js").read_text(encoding="utf-8")
    described = {row[0].strip("`").removeprefix("s3store:") for row in table(FILE_INPUT, ".. _upload-events:")}
    assert described == set(re.findall(r'\bemit\("(\w+)"', script))


def test_the_custom_properties_are_in_the_style_sheet():
    """Each property that a page sets is one that the style sheet reads, and no other exists."""
    sheet = set(re.findall(r"var\((--s3store-\w+)", (SCRIPTS / "widget.css").read_text(encoding="utf-8")))
    for page in (FILE_INPUT, HOWTO / "uploads-in-forms.rst"):
        assert set(re.findall(r"--s3store-\w+", page.read_text(encoding="utf-8"))) == sheet


def test_the_attributes_are_those_of_the_template():
    """Each attribute of the outer element that is described is in the template, and in the script."""
    template = (ROOT / "s3store" / "templates" / "s3store" / "widgets" / "file.html").read_text(encoding="utf-8")
    rows = table(FILE_INPUT, "The markup and its attributes")
    described = {name for row in rows for name in re.findall(r"``data-([\w-]+)", row[0])} - {"form", "resume"}
    outer = template.partition("<div")[2].partition(">")[0]
    assert described == set(re.findall(r"data-([\w-]+)=", outer))


def test_the_numbers_are_the_codes():
    """Limits and lifetimes that the pages name."""
    assert (service.MULTIPART_FROM, service.BATCH, service.MAX_OPEN) == (32 * MIB, 64, 100)
    assert (tokens.RECEIPT_SECONDS, tokens.RENEW_SECONDS) == (24 * 3600, 48 * 3600)
    assert destinations.TICKET_SECONDS == 24 * 3600
    assert service.INCOMING == "incoming"


@pytest.mark.parametrize("block", all_blocks("python", "upload-models"), ids=str)
@isolate_apps("tests.app")
def test_models_of_the_pages_have_a_destination(block, settings):
    """Their fields upload directly if the default storage is in a bucket."""
    settings.STORAGES = {**settings.STORAGES, "default": {"BACKEND": "s3store.storage.S3MediaStorage"}}
    namespace = {"__name__": "tests.app.models"}
    exec(block.compile(), namespace)
    found = [thing for thing in namespace.values() if isinstance(thing, type) and issubclass(thing, models.Model)]
    fields = [field for model in found if model is not models.Model for field in model._meta.get_fields()]
    uploads = [field.destination for field in fields if hasattr(field, "destination")]
    assert uploads
    assert all(isinstance(destination, Destination) for destination in uploads)


def test_forms_without_a_model_take_files(monkeypatch):
    """The page's destinations are registered, and its forms refuse what they do not accept."""
    page = HOWTO / "uploads-in-forms.rst"
    monkeypatch.setattr(Destination, "find_storage", lambda _: _storage())
    namespace = run(page, "upload-destination")
    form = namespace["ImportForm"]({}, {"file": SimpleUploadedFile("a.csv", b"a,b")})
    assert form.is_valid(), form.errors
    assert not namespace["ImportForm"]({}, {"file": SimpleUploadedFile("a.exe", b"MZ")}).is_valid()
    assert namespace["ThreeFilesForm"]().fields["files"].widget.max_files == 3
    run(page, "upload-form-view", namespace)


def _storage():
    from s3store.storage import S3Storage

    return S3Storage(bucket_name="a-bucket", region_name="eu-central-1", access_key="AKID", secret_key="secret")


def test_content_is_validated_as_the_page_says(monkeypatch, rf):
    """The form refuses what is not a PDF document, and an image loses its metadata."""
    needs("PIL")
    page = HOWTO / "uploads-limits.rst"
    monkeypatch.setattr(Destination, "find_storage", lambda _: _storage())
    namespace = run(page, "upload-throttle")
    form = run(page, "upload-clean", namespace)["ReportForm"]
    assert form({}, {"file": SimpleUploadedFile("a.pdf", b"%PDF-1.7")}).is_valid()
    assert "not a PDF" in str(form({}, {"file": SimpleUploadedFile("a.pdf", b"MZ")}).errors)
    request = rf.get("/")
    request.user = type("User", (), {"pk": 7})
    waits = [namespace["hundred_an_hour"](request) for _ in range(101)]
    assert (waits[0], waits[99], waits[100]) == (None, None, 60)

    from PIL import Image

    exif = Image.Exif()
    exif[0x0112], exif[0x8825] = 6, {1: "N"}
    content = BytesIO()
    Image.new("RGB", (4, 2)).save(content, "JPEG", exif=exif)
    clean = run(page, "upload-strip", namespace)["without_metadata"](ContentFile(content.getvalue(), "a.jpg"))
    image = Image.open(clean)
    assert (image.size, dict(image.getexif())) == ((2, 4), {})


@pytest.mark.django_db
def test_the_serializer_of_the_page_takes_files(monkeypatch, rf):
    """It needs a receipt or a file, and the view returns the signed label."""
    needs("rest_framework")
    from tests.app.models import Upload

    library = ModuleType("library")
    library.models = ModuleType("library.models")
    library.models.Document = Upload
    monkeypatch.setitem(sys.modules, "library", library)
    monkeypatch.setitem(sys.modules, "library.models", library.models)
    page = HOWTO / "uploads-rest-framework.rst"
    namespace = run(page, "upload-serializer")
    for cls in ("upload-acting", "upload-info"):
        run(page, cls, namespace)
    serializer = namespace["DocumentSerializer"](data={"title": "A", "file": "no receipt"})
    assert not serializer.is_valid()
    assert set(serializer.errors) == {"file"}
    _, api = run(page, "upload-token-urls")["urlpatterns"]
    assert [str(one.pattern) for one in api.url_patterns][:2] == ["begin/", "sign/"]
    answer = namespace["upload_info"](rf.get("/"))
    assert destinations.read_label(answer.data["destination"]) == "library.Document.file"


def test_urls_of_another_package_become_names(capsys, settings):
    """The migration of the page copies what belongs to the storage, and names the others."""
    from tests.app.models import Upload

    copied = []

    class Example:
        def __init__(self, pk, video):
            self.pk, self.video, self.file = pk, video, type("File", (), {"name": ""})()

        def save(self, update_fields):
            copied.append((self.pk, self.file.name, update_fields))

    settings.AWS_STORAGE_BUCKET_NAME, settings.AWS_S3_REGION_NAME = "a-bucket", "eu-central-1"
    url = Upload._meta.get_field("file").storage.url("videos/a.mp4", signed=False)
    rows = [Example(1, url), Example(2, "https://elsewhere.example/a.mp4")]
    Example._meta = Upload._meta
    Example.objects = type("Manager", (), {"exclude": lambda *_, **__: rows})()
    apps = type("Apps", (), {"get_model": lambda *_: Example})()
    run(HOWTO / "coming-from-upload-packages.rst", "upload-migration")["copy_urls"](apps, None)
    assert copied == [(1, "videos/a.mp4", ["file"])]
    assert "2: https://elsewhere.example/a.mp4 is not" in capsys.readouterr().out


@pytest.mark.parametrize("block", all_blocks("js"), ids=str)
def test_scripts_in_the_pages_are_javascript(block, tmp_path):
    """Node parses each of them as a module."""
    node = shutil.which("node")
    if not node:
        pytest.skip("node is not installed")
    path = tmp_path / "block.mjs"
    path.write_text(block.text, encoding="utf-8")
    ran = subprocess.run([node, "--check", str(path)], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
