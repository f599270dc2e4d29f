"""Files that are stored with Brotli, and read as what they were."""

from __future__ import annotations

import gzip
import io
import os
import sys
import types
import zlib

import pytest
from django.core.exceptions import ImproperlyConfigured, SuspiciousFileOperation
from django.core.management import call_command
from django.test import RequestFactory

from s3store.core.info import ObjectInfo
from s3store.core.parts import MIB
from s3store.core.requested import accepts
from s3store.files.codec import encoding_of, packer, unpacker
from s3store.files.content import packed
from s3store.serving import file_response
from s3store.storage import S3ManifestStaticStorage, S3StaticStorage, S3Storage
from s3store.testing.counting import counted_requests
from tests.memory import forget_peak, peak
from tests.optional import needs

brotli = needs("brotli")

pytestmark = pytest.mark.django_db

CSS = b"".join(b"a%d { color: red; margin: %dpx }\n" % (number, number) for number in range(2000))


def put(storage, name, body, encoding="br"):
    """Put an object there as another program would."""
    storage.client.put_object(
        Bucket=storage.bucket_name,
        Key=storage.objects.key(name),
        Body=body,
        ContentEncoding=encoding,
        ContentType="text/css",
    )


# Writing


@pytest.mark.parametrize("through", ["save", "open"])
def test_brotli_is_deterministic_and_kept_only_when_smaller(s3_options, through):
    """Equal files get equal ETags; what does not shrink, is of another type or is packed already stays as it is."""
    storage = S3Storage(**s3_options, brotli=True, file_overwrite=True)

    def put(name, content):
        if through == "save":
            storage.save(name, content)
        else:
            with storage.open(name, "wb") as file:
                file.write(content)
        return storage.stat(name)

    first, second = put("a.css", CSS), put("b.css", CSS)
    assert first.etag == second.etag
    assert (first.content_encoding, first.metadata) == ("br", {})
    assert first.size < len(zlib.compress(CSS, 9))
    for name, content in {
        "tiny.css": b"a{}",
        "random.css": os.urandom(5000),
        "photo.jpg": b"x" * 5000,
        "packed.css.br": brotli.compress(CSS),
    }.items():
        stat = put(name, content)
        assert (stat.content_encoding, stat.size) == (None, len(content)), name
    assert storage.stat("packed.css.br").content_type == "application/x-brotli"
    assert storage.size("a.css") == len(CSS)
    assert storage.read_bytes("a.css") == CSS


@pytest.mark.parametrize(
    ("content", "encoding"),
    [(CSS, "br"), (b"0123456789abcdef" * 2 + b"0" * 20, "br"), (os.urandom(2000), None)],
    ids=["text", "short", "random"],
)
def test_with_both_the_smaller_one_is_kept(seaweedfs_options, content, encoding):
    """Which is Brotli's nearly always."""
    storage = S3Storage(**seaweedfs_options, brotli=True, gzip=True)
    storage.save("a.css", io.BytesIO(content))
    stat = storage.stat("a.css")
    sizes = {
        "br": len(brotli.compress(content, quality=11)),
        "gzip": len(gzip.compress(content, 9)),
        None: len(content),
    }
    assert stat.content_encoding == encoding == min(sizes, key=sizes.__getitem__)
    assert stat.size == sizes[encoding]
    assert storage.read_bytes("a.css") == content


def test_gzip_is_kept_where_brotli_is_not_smaller(seaweedfs_options, monkeypatch):
    """The one who is behind is dropped, whichever it is."""

    class Poor:
        def __init__(self, quality):
            self.kept = [brotli.compress(CSS, quality=0)] * 2

        def process(self, data):
            return self.kept.pop() if self.kept else b""

        finish = bytes

    real = {"error": brotli.error, "Decompressor": brotli.Decompressor}
    monkeypatch.setitem(sys.modules, "brotli", types.SimpleNamespace(Compressor=Poor, **real))
    storage = S3Storage(**seaweedfs_options, brotli=True, gzip=True)
    storage.save("a.css", CSS)
    assert storage.stat("a.css").content_encoding == "gzip"
    assert storage.read_bytes("a.css") == CSS


def test_the_same_content_gives_the_same_bytes_in_any_blocks():
    """However it is read."""
    with packed(CSS, 0, encoding="br") as pack:
        pack.file.seek(0)
        expected = pack.file.read()
    with packed((CSS[start : start + 777] for start in range(0, len(CSS), 777)), 0, encoding="br") as pack:
        pack.file.seek(0)
        assert (pack.encoding, pack.plain_size, pack.size) == ("br", len(CSS), len(expected))
        assert pack.file.read() == expected
    assert brotli.decompress(expected) == CSS


# Reading


@pytest.mark.parametrize("options", [{"brotli": True}, {"gzip": True}, {"brotli": True, "gzip": True}], ids=str)
def test_both_encodings_are_read_as_long_as_one_is_on(s3_options, options):
    """Changing from one to the other, or leaving one out, makes no file unreadable."""
    storage = S3Storage(**s3_options, **options)
    put(storage, "b.css", brotli.compress(CSS), "br")
    put(storage, "g.css", gzip.compress(CSS), "gzip")
    for name in ("b.css", "g.css"):
        assert storage.read_text(name) == CSS.decode()
        assert storage.size(name) == len(CSS)
    plain = S3Storage(**s3_options)
    assert plain.read_bytes("b.css") == brotli.compress(CSS)
    assert plain.size("b.css") == len(brotli.compress(CSS))


def test_brotli_objects_are_files_like_others(s3_options):
    """Lines, seeks in both directions, text mode, the size, parts of it."""
    storage = S3Storage(**s3_options, brotli=True)
    text = "".join(f"line {number}\n" for number in range(100_000))
    storage.save("a.txt", text)
    assert storage.stat("a.txt").size < len(text) / 2
    with storage.open("a.txt", "r") as file:
        assert file.readlines()[-1] == "line 99999\n"
    with storage.open("a.txt") as file:
        assert file.size == len(text)
        file.seek(-11, io.SEEK_END)
        assert file.read() == b"line 99999\n"
        file.seek(0)
        assert file.readline() == b"line 0\n"
        for position in (500_000, 300_000, 7, 300_000):
            file.seek(position)
            assert file.read(20) == text[position : position + 20].encode()
    assert b"".join(storage.open("a.txt").chunks()) == text.encode()


@pytest.mark.parametrize(
    ("header", "encoding"),
    [
        ("br", "br"),
        ("BR", "br"),
        ("br,aws-chunked", "br"),
        ("aws-chunked, gzip,", "gzip"),
        ("aws-chunked", None),
        ("gzip, br", None),
        ("zstd", None),
        ("", None),
        (None, None),
    ],
)
def test_the_encoding_is_told_from_the_header(header, encoding):
    """Some servers keep the encoding of the transfer beside the object's; of two at once none is known."""
    assert encoding_of(ObjectInfo(key="a", size=1, content_encoding=header)) == encoding


def test_an_empty_brotli_stream_is_an_empty_file(s3_options):
    """One byte that says so."""
    storage = S3Storage(**s3_options, brotli=True)
    put(storage, "a.css", brotli.compress(b""))
    assert (storage.read_bytes("a.css"), storage.size("a.css")) == (b"", 0)


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (brotli.compress(CSS)[:-5], EOFError),
        (b"\xff" * 100, OSError),
        (brotli.compress(CSS) + b"junk", OSError),
        (b"", EOFError),
    ],
    ids=["cut-off", "other-bytes", "more-behind-it", "nothing"],
)
def test_damaged_brotli_is_an_error(s3_options, body, error):
    """Never a shorter file."""
    storage = S3Storage(**s3_options, brotli=True)
    put(storage, "a.css", body)
    with storage.open("a.css") as file, pytest.raises(error):
        file.read()


def test_sx_04_a_brotli_bomb_is_stopped(seaweedfs_options):
    """An object that inflates past the limit raises, in little memory; a smaller one is read whole."""
    storage = S3Storage(**seaweedfs_options, brotli=True, max_inflated_size=20 * MIB)
    put(storage, "bomb.css", brotli.compress(bytes(300 * MIB), quality=4))
    put(storage, "fine.css", brotli.compress(b"fine" * 1000))
    assert storage.size("fine.css") == 4000
    with storage.open("bomb.css") as file:
        assert file.read(10) == bytes(10)
        forget_peak()
        before = peak()
        with pytest.raises(SuspiciousFileOperation, match="max_inflated_size"):
            for _ in file.chunks():
                pass
        assert peak() - before < 64 * 1024


def test_sx_04_a_bomb_unpacks_a_little_at_a_time():
    """However much one byte of it stands for."""
    file = unpacker("br", io.BytesIO(brotli.compress(bytes(50 * MIB))))
    largest = 0
    for _ in range(100):
        file.readinto(bytearray(1))
        largest = max(largest, len(file._pending))
    assert 0 < largest < MIB


def test_packing_and_unpacking_are_files():
    """What one writes the other reads, whichever encoding it is; closing twice adds nothing."""
    for encoding in ("gzip", "br"):
        target = io.BytesIO()
        with packer(encoding, target) as file:
            assert file.writable()
            for start in range(0, len(CSS), 1000):
                assert file.write(CSS[start : start + 1000]) == len(CSS[start : start + 1000])
        file.close()
        target.seek(0)
        source = io.BufferedReader(unpacker(encoding, target))
        assert source.read() == CSS


# Without the package


@pytest.mark.parametrize("module", [None, types.SimpleNamespace(), types.SimpleNamespace(Decompressor=object)])
def test_a_missing_package_is_named(s3_options, monkeypatch, module):
    """Also one that is too old, or another package of that name; reading and writing say what to install."""
    storage = S3Storage(**s3_options, brotli=True)
    put(storage, "a.css", brotli.compress(CSS))
    monkeypatch.setitem(sys.modules, "brotli", module)
    with pytest.raises(ImproperlyConfigured, match=r"pip install 's3store\[brotli\]'"):
        storage.read_bytes("a.css")
    with pytest.raises(ImproperlyConfigured, match=r"pip install 's3store\[brotli\]'"):
        storage.save("b.css", CSS)
    storage.save("c.jpg", b"not compressed")
    assert storage.read_bytes("c.jpg") == b"not compressed"
    assert sorted(stat.name for stat in storage.scan()) == ["a.css", "c.jpg"]


# Through views


def stream(storage, name, method="get", **headers):
    request = getattr(RequestFactory(), method)("/", **headers)
    return file_response(request, storage, name, mode="stream")


def body(response):
    content = response.getvalue()
    response.close()
    return content


def test_brotli_goes_as_it_is_to_who_takes_it(s3_options):
    """With its encoding, its length, and ranges of it."""
    storage = S3Storage(**s3_options, brotli=True)
    storage.save("a.txt", CSS)
    response = stream(storage, "a.txt", HTTP_ACCEPT_ENCODING="gzip, deflate, br, zstd")
    content = body(response)
    assert brotli.decompress(content) == CSS
    assert response.headers["Content-Encoding"] == "br"
    assert response.headers["Content-Length"] == str(len(content))
    assert response.headers["Vary"] == "Accept-Encoding"
    assert response.headers["ETag"] == storage.stat("a.txt").etag
    part = stream(storage, "a.txt", HTTP_ACCEPT_ENCODING="br", HTTP_RANGE="bytes=5-9")
    assert (part.status_code, part.headers["Content-Encoding"], body(part)) == (206, "br", content[5:10])


@pytest.mark.parametrize("header", [None, "gzip", "identity", "br;q=0, *"])
def test_brotli_is_inflated_for_others(s3_options, header):
    """Taking gzip is not taking Brotli. A storage that does not compress itself serves it right, too."""
    S3Storage(**s3_options, brotli=True).save("a.txt", CSS)
    storage = S3Storage(**s3_options)
    given = {"HTTP_ACCEPT_ENCODING": header} if header else {}
    response = stream(storage, "a.txt", HTTP_RANGE="bytes=5-9", **given)
    assert (response.status_code, body(response)) == (200, CSS)
    assert "Content-Encoding" not in response.headers
    assert "Content-Length" not in response.headers
    assert response.headers["ETag"] == f"W/{storage.stat('a.txt').etag}"
    head = stream(storage, "a.txt", method="head", **given)
    assert "Content-Length" not in head.headers
    assert not accepts("br", header)


# Static files


@pytest.fixture
def static(settings, s3_options, tmp_path):
    """Make the project's static files live on S3, compressed as asked, with a few files."""
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "a.css").write_bytes(CSS + b"a { background: url(b.svg) }")
    (tmp_path / "own" / "b.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (tmp_path / "own" / "c.bin").write_bytes(os.urandom(2000))
    settings.STATICFILES_DIRS = [tmp_path]
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    settings.STATICFILES_LOCATION = s3_options.pop("location")
    settings.AWS_STORAGE_BUCKET_NAME = s3_options["bucket_name"]
    settings.AWS_S3_ENDPOINT_URL = s3_options["endpoint_url"]
    settings.AWS_S3_REGION_NAME = s3_options["region_name"]
    settings.AWS_S3_ACCESS_KEY_ID = s3_options["access_key"]
    settings.AWS_S3_SECRET_ACCESS_KEY = s3_options["secret_key"]

    def use(storage, **flags):
        for name, value in flags.items():
            setattr(settings, {"gzip": "AWS_IS_GZIPPED", "brotli": "AWS_S3_BROTLI"}[name], value)
        settings.STORAGES = {
            **settings.STORAGES,
            "staticfiles": {"BACKEND": f"s3store.storage.{storage.__name__}"},
        }
        return storage()

    return use


@pytest.mark.parametrize("flags", [{"gzip": True}, {"brotli": True}, {"gzip": True, "brotli": True}], ids=str)
@pytest.mark.parametrize("backend", [S3StaticStorage, S3ManifestStaticStorage])
def test_unchanged_files_stay_unchanged_with_compression(static, backend, flags):
    """The second run sends the listing; with a manifest at most the manifest's own two beside it."""
    storage = static(backend, **flags)
    call_command("collectstatic", interactive=False, verbosity=0)
    before = {stat.name: stat.modified for stat in storage.scan()}
    with counted_requests(storage) as sent:
        call_command("collectstatic", interactive=False, verbosity=0)
    assert sent.methods == ["GET"]
    assert "list-type=2" in sent[0].query
    assert {stat.name: stat.modified for stat in storage.scan()} == before
    encoding = "br" if "brotli" in flags else "gzip"
    assert storage.stat("own/a.css").content_encoding == encoding
    assert storage.stat("own/c.bin").content_encoding is None


@pytest.mark.parametrize("reading", [{"gzip": True, "brotli": False}, {"gzip": False, "brotli": True}], ids=str)
@pytest.mark.parametrize("writing", [{"gzip": True}, {"brotli": True}, {"gzip": True, "brotli": True}, {}], ids=str)
def test_a_compressed_manifest_is_read_back(static, writing, reading):
    """By the process that wrote it, and by those that compress otherwise by now."""
    storage = static(S3ManifestStaticStorage, **writing)
    call_command("collectstatic", interactive=False, verbosity=0)
    name = storage.stored_name("own/a.css")
    assert name != "own/a.css"
    assert static(S3ManifestStaticStorage, **reading).stored_name("own/a.css") == name
    assert b"url(" in storage.read_bytes(name)
