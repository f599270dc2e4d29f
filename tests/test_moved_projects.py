"""What code around a storage does with it: hooks with Django's arguments, writers that seek, boto3's resources."""

import errno
import io
import tarfile
import threading
import uuid
import zipfile

import pytest
from django.core.files.base import ContentFile, File
from django.core.files.uploadedfile import InMemoryUploadedFile
from django.db import models

from s3store.core.parts import MIB
from s3store.storage import S3Storage
from s3store.testing.counting import counted_requests
from tests.app.models import Document
from tests.optional import needs

Image = needs("PIL.Image")


@pytest.fixture
def storage(s3_storage):
    return s3_storage


# Names


def test_get_available_name_returns_a_free_name(storage):
    """Code that calls it writes to that name by itself, and would replace the file of another."""
    storage.save("a.txt", b"first")
    found = storage.get_available_name("a.txt", max_length=20)
    assert found != "a.txt"
    assert not storage.exists(found)
    assert storage.get_available_name("free.txt") == "free.txt"


def test_a_free_name_costs_one_request_and_save_does_not_ask_for_it(storage):
    """`save` finds out when it writes."""
    with counted_requests(storage) as sent:
        storage.get_available_name("free.txt")
        assert [request.method for request in sent] == ["HEAD"]
    with counted_requests(storage) as sent:
        storage.save("free.txt", b"x")
        assert [request.method for request in sent] == ["PUT"]
    overwriting = S3Storage(**{**storage._given, "file_overwrite": True})
    with counted_requests(overwriting) as sent:
        assert overwriting.get_available_name("free.txt") == "free.txt"
        assert list(sent) == []


def test_an_overridden_get_available_name_decides(storage):
    """It is called by `save` as Django calls it."""

    class Dated(S3Storage):
        def get_available_name(self, name, max_length=None):
            return super().get_available_name(f"2026/{name}", max_length)

    dated = Dated(**storage._given)
    assert dated.save("a.txt", b"1") == "2026/a.txt"
    assert dated.save("a.txt", b"2") != "2026/a.txt"


# Opening and reading


def test_an_open_hook_has_djangos_arguments(storage):
    """A subclass that overrides `_open(name, mode)` gets these two, unless the caller gives more."""

    class Logged(S3Storage):
        def _open(self, name, mode="rb"):
            return ContentFile(f"{name} {mode}")

    logged = Logged(**storage._given)
    assert logged.open("a.txt").read() == "a.txt rb"
    with pytest.raises(TypeError):
        logged.open("a.txt", "r", encoding="latin-1")


def test_lines_are_split_as_djangos_file_splits_them(storage, tmp_path):
    """Old line ends, too: a CSV file of another system has them."""
    content = b"one\rtwo\r\nthree\n\nfour"
    storage.save("lines", content)
    path = tmp_path / "lines"
    path.write_bytes(content)
    with path.open("rb") as local, storage.open("lines") as remote:
        assert list(remote) == list(File(local))


def test_a_file_has_no_path(storage):
    """The file of a field says the same as the field."""
    storage.save("a.txt", b"x")
    with storage.open("a.txt") as file, pytest.raises(NotImplementedError, match="download_path"):
        file.path  # noqa: B018 (the lookup raises)


# Saving


class Shouting(File):
    """A file that changes what is saved, by the method that Django's storages read."""

    def chunks(self, chunk_size=None):
        for chunk in super().chunks(chunk_size):
            yield chunk.upper()


def test_chunks_of_its_own_are_what_is_saved(storage):
    """Django's storages read a content by `chunks`."""
    storage.save("a.txt", Shouting(io.BytesIO(b"quiet")))
    assert storage.read_bytes("a.txt") == b"QUIET"
    upload = InMemoryUploadedFile(io.BytesIO(b"x" * 70_000), None, "b.txt", "text/plain", 70_000, None)
    storage.save("b.txt", upload)
    assert storage.read_bytes("b.txt") == b"x" * 70_000


def test_chunks_that_fail_save_nothing(storage):
    """Also when they are set on one file, as a test of a project may do."""

    def fail():
        raise OSError("broken")

    content = ContentFile(b"x")
    content.chunks = fail
    with pytest.raises(OSError, match="broken"):
        storage.save("a.txt", content)
    assert not storage.exists("a.txt")


class OnlyReads:
    """A source with nothing but `read`."""

    def __init__(self, content):
        self.read = io.BytesIO(content).read


def test_a_file_around_a_source_that_only_reads(storage):
    """A response of a network library is one."""
    storage.save("a.txt", File(OnlyReads(b"content"), name="a.txt"))
    assert storage.read_bytes("a.txt") == b"content"


def test_a_writer_says_what_it_cannot(storage):
    """Reading it, and text for bytes."""
    with storage.open("a.txt", "wb") as file:
        with pytest.raises(io.UnsupportedOperation):
            file.read()
        with pytest.raises(TypeError, match="Write bytes, or open it with mode 'w'"):
            file.write("text")
        file.write(b"bytes")
    assert storage.read_bytes("a.txt") == b"bytes"


def test_open_on_an_open_writer_starts_again(storage):
    """As with Django's File, the position is the start."""
    with storage.open("a.txt", "wb") as file:
        file.write(b"0123456789")
        file.open()
        file.write(b"ab")
        assert (file.tell(), file.size) == (2, 10)
    assert file.size == 10
    assert storage.read_bytes("a.txt") == b"ab23456789"


@pytest.mark.parametrize("kind", ["TIFF", "ICO", "PDF", "JPEG2000", "PNG", "JPEG", "GIF", "WEBP", "BMP"])
def test_pillow_writes_to_an_open_file(storage, kind):
    """Also the formats whose writers go back."""
    image = Image.new("RGB", (300, 200), "red")
    with storage.open("picture", "wb") as file:
        image.save(file, kind)
    local = io.BytesIO()
    image.save(local, kind)
    if kind == "PDF":  # with a date and the name of the file
        content = storage.read_bytes("picture")
        assert content.startswith(b"%PDF")
        assert content.rstrip().endswith(b"%%EOF")
    else:
        assert storage.read_bytes("picture") == local.getvalue()


@pytest.mark.parametrize("size", [1000, 9 * MIB])
def test_archives_are_written_to_an_open_file(storage, size):
    """ZIP files are written in order, or by going back; both are whole."""
    with storage.open("a.zip", "wb") as file, zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a", b"a" * size)
        archive.writestr("b", b"b" * 1000)
    with storage.open("a.zip") as file, zipfile.ZipFile(file) as archive:
        assert archive.testzip() is None
        assert archive.read("a") == b"a" * size
    with storage.open("a.tar", "wb") as file, tarfile.open(fileobj=file, mode="w") as archive:
        info = tarfile.TarInfo("a")
        info.size = size
        archive.addfile(info, io.BytesIO(b"a" * size))
    with storage.open("a.tar") as file, tarfile.open(fileobj=file) as archive:
        assert archive.extractfile("a").read() == b"a" * size


def test_a_writer_seeks_until_something_is_sent(storage, settings, tmp_path):
    """The content is kept in the directory for uploads; what was sent cannot be changed."""
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path)
    with storage.open("early", "wb") as file:
        file.seek(0)
        file.write(b"x" * 20 * MIB)
        assert storage.listdir("")[1] == []
        file.seek(5)
        file.write(b"y")
    assert storage.read_bytes("early") == b"xxxxx" + b"y" + b"x" * (20 * MIB - 6)
    with storage.open("late", "wb") as file:
        file.write(b"x" * 9 * MIB)
        assert not file.seekable()
        with pytest.raises(io.UnsupportedOperation, match="temporary file"):
            file.seek(0)
    assert storage.size("late") == 9 * MIB


def test_the_spool_is_in_the_directory_for_uploads(storage, settings, tmp_path):
    """A small system disk has no room for large files."""
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path / "missing")
    with pytest.raises(FileNotFoundError, match="missing"), storage.open("a", "wb") as file:
        file.seek(0)
        file.write(b"x" * 9 * MIB)


# Deleting


def test_deleting_a_directory_with_files_is_refused(storage):
    """As on a file system: the files would stay, and the caller would not know."""
    storage.save("dd/a.txt", b"x")
    with pytest.raises(OSError, match="delete_tree") as caught:
        storage.delete("dd/")
    assert caught.value.errno == errno.ENOTEMPTY
    assert storage.exists("dd/a.txt")
    storage.create_folder("empty")
    storage.delete("empty/")
    assert not storage.exists("empty")
    with counted_requests(storage) as sent:
        storage.delete("dd/a.txt")
        assert [request.method for request in sent] == ["DELETE"]


# The resources of boto3


def test_code_for_django_storages_finds_connection_and_bucket(storage):
    """They are boto3's, of the same configuration: keys contain the location."""
    storage.save("a.txt", b"content")
    location = storage.options.location
    found = [summary.key for summary in storage.bucket.objects.filter(Prefix=f"{location}/")]
    assert found == [f"{location}/a.txt"]
    assert storage.bucket.Object(found[0]).get()["Body"].read() == b"content"
    assert storage.connection.meta.client is storage.client
    assert storage.connection.Bucket(storage.bucket_name) == storage.bucket


def test_each_thread_has_a_resource_of_its_own(storage):
    """boto3's resources are not for several threads; the client behind them is."""
    mine = storage.connection
    assert storage.connection is mine
    others = []
    thread = threading.Thread(target=lambda: others.append(storage.connection))
    thread.start()
    thread.join()
    assert others[0] is not mine
    assert others[0].meta.client is mine.meta.client


def test_a_thread_keeps_few_resources(storage):
    """A storage for each tenant does not fill the memory."""
    first = storage.connection
    for number in range(5):
        S3Storage(**{**storage._given, "read_timeout": 30 + number}).connection  # noqa: B018 (creates it)
    assert storage.connection is not first


# Fields


def test_the_open_file_of_a_field_has_the_verbs_of_the_storage(storage, monkeypatch):
    """`open()` of the rich field returns the field file; the file of a plain one is an S3File."""
    for field in ("rich", "normal"):
        monkeypatch.setattr(Document._meta.get_field(field), "storage", storage)
    name = f"{uuid.uuid4().hex}.txt"
    storage.save(name, b"x", metadata={"a": "1"})
    row = Document(rich=name, normal=name)
    assert row.rich.open().get_metadata() == {"a": "1"}
    assert isinstance(row.normal, models.fields.files.FieldFile)
    with pytest.raises(NotImplementedError, match="download_path"):
        row.normal.file.path  # noqa: B018 (the lookup raises)
    assert callable(row.normal.file.set_acl)
