"""Writing: sources of every kind, multipart uploads, what is left when something fails."""

import csv
import gc
import gzip
import io
import os
import subprocess
import sys
import threading
import warnings

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import ContentFile, File
from django.core.files.uploadedfile import InMemoryUploadedFile, SimpleUploadedFile, TemporaryUploadedFile

from s3store import errors
from s3store.conf.options import Options
from s3store.core import parts
from s3store.core.parts import MAX_PARTS, MIB, part_size_for
from s3store.files.upload import transfer_of
from s3store.storage import S3Storage
from s3store.wire.multipart import copy_in_parts
from tests.faults.proxy import FaultProxy


@pytest.fixture
def storage(seaweedfs_options):
    return S3Storage(**seaweedfs_options)


def uploads(storage):
    """Return the keys of the multipart uploads that are left under the storage's location."""
    found = storage.client.list_multipart_uploads(Bucket=storage.bucket_name, Prefix=storage.location)
    return [upload["Key"] for upload in found.get("Uploads", [])]


class Short(io.RawIOBase):
    """An unseekable source that returns less than it is asked for."""

    def __init__(self, content, most=7777):
        self._content = io.BytesIO(content)
        self._most = most

    def readable(self):
        return True

    def readinto(self, buffer):
        piece = self._content.read(min(self._most, len(buffer)))
        buffer[: len(piece)] = piece
        return len(piece)


def text_file(content):
    return io.TextIOWrapper(io.BytesIO(content), encoding="utf-8", newline="")


TEXT = ("español €, 日本語 😀\n" * 300_000).encode()


@pytest.mark.parametrize(
    "make",
    [
        lambda content: ContentFile(content),
        lambda content: File(io.BytesIO(content)),
        lambda content: io.BytesIO(content),
        lambda content: content,
        lambda content: content.decode(),
        lambda content: bytearray(content),
        lambda content: ContentFile(content.decode()),
        lambda content: io.StringIO(content.decode(), newline=""),
        text_file,
        lambda content: Short(content),
        lambda content: File(Short(content)),
        lambda content: (content[start : start + 999_999] for start in range(0, len(content), 999_999)),
        lambda content: (line for line in content.decode().splitlines(keepends=True)),
        lambda content: SimpleUploadedFile("x", content, content_type="text/html"),
        lambda content: InMemoryUploadedFile(io.BytesIO(content), "f", "x", "text/html", 3, None),
    ],
    ids=[
        "ContentFile",
        "File",
        "BytesIO",
        "bytes",
        "str",
        "bytearray",
        "ContentFile of str",
        "StringIO",
        "text file",
        "short reads",
        "File of short reads",
        "chunks",
        "lines of text",
        "upload",
        "upload with a wrong size",
    ],
)
@pytest.mark.parametrize("overwrite", [False, True], ids=["anew", "overwriting"])
@pytest.mark.parametrize("content", [TEXT[:100_000], TEXT], ids=["small", "multipart"])
def test_rw_08_every_source_is_saved_whole(seaweedfs_options, make, overwrite, content):
    """Whatever the kind of source and its claims about its size, all bytes arrive."""
    content = content[: content.rindex(b"\n") + 1]
    storage = S3Storage(**seaweedfs_options, file_overwrite=overwrite)
    source = make(content)
    name = storage.save("any.txt", source)
    assert storage.read_bytes(name) == content
    # The browser's word for the type does not count.
    assert storage.stat(name).content_type == "text/plain"
    if hasattr(source, "seekable") and source.seekable():
        assert not source.closed
        assert source.tell() == 0


def test_rw_08_a_temporary_uploaded_file(storage):
    """A large upload of a form is read from its temporary file, which stays."""
    content = os.urandom(9 * MIB)
    with TemporaryUploadedFile("large.bin", "text/html", 0, None) as upload:
        upload.write(content)
        name = storage.save(None, upload)
        assert (name, storage.read_bytes(name) == content) == ("large.bin", True)
        assert os.path.exists(upload.temporary_file_path())


@pytest.mark.parametrize("before", [0, 20 * MIB], ids=["small", "multipart"])
@pytest.mark.parametrize("overwrite", [False, True], ids=["anew", "overwriting"])
def test_rw_08_a_failing_source_stores_nothing(seaweedfs_options, before, overwrite):
    """The source's own exception comes out; neither object nor parts are left."""
    storage = S3Storage(**seaweedfs_options, file_overwrite=overwrite)

    def failing():
        yield os.urandom(before)
        raise ZeroDivisionError("the source's own")

    with pytest.raises(ZeroDivisionError, match="own"):
        storage.save("a.bin", failing())
    assert not storage.exists("a.bin")
    assert uploads(storage) == []


@pytest.mark.parametrize("content", [object(), [1, 2], 5, None], ids=["object", "list", "int", "None"])
def test_impossible_sources_are_refused(storage, content):
    """What is no file is a TypeError, and nothing is stored."""
    with pytest.raises(TypeError, match=r"Cannot save|must yield bytes or str"):
        storage.save("a.bin", content)
    assert not storage.exists("a.bin")


def test_a_closed_source_is_refused(storage):
    """A file that was closed is not saved as an empty one."""
    source = io.BytesIO(b"x")
    source.close()
    with pytest.raises(ValueError, match="closed"):
        storage.save("a.bin", source)


@pytest.mark.parametrize(
    "size", [0, 5 * MIB - 1, 5 * MIB, 5 * MIB + 1, 8 * MIB - 1, 8 * MIB, 8 * MIB + 1, 16 * MIB, 16 * MIB + 1]
)
@pytest.mark.parametrize("through", ["save", "open"])
def test_rw_16_sizes_around_the_limits(storage, size, through):
    """Byte equal at each boundary, and cut into the right number of parts."""
    content = os.urandom(size)
    if through == "save":
        storage.save("a.bin", content)
    else:
        with storage.open("a.bin", "wb") as file:
            for start in range(0, size, 3_000_000):
                file.write(content[start : start + 3_000_000])
                assert file.tell() == file.size == min(start + 3_000_000, size)
    assert storage.read_bytes("a.bin") == content
    etag = storage.stat("a.bin").etag.strip('"')
    expected = -(-size // (8 * MIB)) if size > 8 * MIB else 0
    assert (int(etag.partition("-")[2] or 0)) == expected


def test_rw_15_part_sizes_grow_with_the_upload(seaweedfs_options):
    """An endless source fits into 10,000 parts up to S3's largest object."""
    total = sum(part_size_for(number, 8 * MIB) for number in range(1, MAX_PARTS + 1))
    assert total >= 5 * 1024**4
    assert part_size_for(2500, 8 * MIB) <= 32 * MIB


def test_transfer_config_is_honoured(seaweedfs_options):
    """Threshold, part size and concurrency come from boto3's TransferConfig or a dict of its arguments."""
    from boto3.s3.transfer import TransferConfig

    content = os.urandom(13 * MIB)
    for config in (
        TransferConfig(multipart_threshold=12 * MIB, multipart_chunksize=6 * MIB, max_concurrency=2),
        {"multipart_threshold": 12 * MIB, "multipart_chunksize": 6 * MIB, "use_threads": False},
    ):
        storage = S3Storage(**seaweedfs_options, transfer_config=config)
        name = storage.save("a.bin", content)
        assert storage.stat(name).etag.endswith('-3"')
        assert storage.read_bytes(name) == content
        below = storage.save("b.bin", content[: 12 * MIB])
        assert "-" not in storage.stat(below).etag


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"use_threads": False},
        {"multipart_threshold": 6 * MIB},
        {"multipart_chunksize": 6 * MIB},
        {"max_concurrency": 2},
        {"max_io_queue": 2},
        {"io_chunksize": 1024},
    ],
    ids=str,
)
@pytest.mark.parametrize("as_dict", [False, True])
def test_a_transfer_config_can_leave_arguments_out(given, as_dict):
    """What it does not say is the default: boto3's of a TransferConfig, ours of a dict."""
    from boto3.s3.transfer import TransferConfig

    found = transfer_of(Options(transfer_config=given if as_dict else TransferConfig(**given)))
    assert found.threshold == given.get("multipart_threshold", 8 * MIB)
    assert found.part_size == given.get("multipart_chunksize", 8 * MIB)
    threads = given.get("max_concurrency", 4 if as_dict else 10)
    assert found.threads == (threads if given.get("use_threads", True) else 1)


def test_an_empty_transfer_config_saves(seaweedfs_options):
    """boto3 keeps placeholders for arguments that are left out; they are not numbers."""
    from boto3.s3.transfer import TransferConfig

    storage = S3Storage(**seaweedfs_options, transfer_config=TransferConfig())
    content = os.urandom(9 * MIB)
    assert storage.read_bytes(storage.save("a.bin", content)) == content
    assert storage.read_bytes(storage.save("b.bin", b"small")) == b"small"


@pytest.mark.parametrize("options", [{"use_threads": False}, {"transfer_config": {"use_threads": False}}], ids=str)
def test_no_threads_at_all_without_use_threads(options, seaweedfs_options, monkeypatch):
    """Saving, writing and copying in parts stay in the caller's thread, as gevent needs it."""
    storage = S3Storage(**seaweedfs_options, **options)
    content = os.urandom(13 * MIB)
    monkeypatch.setattr(threading.Thread, "start", lambda thread: pytest.fail(f"{thread.name} is started"))
    name = storage.save("a.bin", content)
    with storage.open("b.bin", "wb") as file:
        file.write(content)
    monkeypatch.setattr(parts, "COPY_PART_SIZE", 5 * MIB)
    objects = storage.objects
    key = objects.key("c.bin")
    copy_in_parts(objects.bucket, objects.bucket.head(objects.key(name), {}), key, {})
    assert [storage.read_bytes(found) == content for found in (name, "b.bin", "c.bin")] == [True] * 3
    assert storage.stat("c.bin").etag.endswith('-3"')


def test_a_part_that_fails_without_threads_leaves_nothing(seaweedfs_options):
    """The error comes from the call that sends the part, and the parts before it are deleted."""
    with FaultProxy(seaweedfs_options["endpoint_url"], faults={"err500": 1.0}, match="partNumber=2") as proxy:
        storage = S3Storage(**{**seaweedfs_options, "endpoint_url": proxy.url}, max_attempts=1, use_threads=False)
        with pytest.raises(errors.ServerError):
            storage.save("a.bin", os.urandom(20 * MIB))
    direct = S3Storage(**seaweedfs_options)
    assert not direct.exists("a.bin")
    found = direct.client.list_multipart_uploads(Bucket=direct.bucket_name, Prefix=direct.location)
    assert found.get("Uploads", []) == []


def test_file_buffer_size_is_the_size_of_the_parts_of_an_open_file(seaweedfs_options):
    """As in django-storages; saving keeps the part size of transfer_config."""
    content = os.urandom(13 * MIB)
    for size, count in ((6 * MIB, 3), (1, 3), (None, 2)):
        storage = S3Storage(**seaweedfs_options, file_buffer_size=size, file_overwrite=True)
        with storage.open("a.bin", "wb") as file:
            file.write(content)
        assert storage.stat("a.bin").etag.endswith(f'-{count}"')
        assert storage.read_bytes("a.bin") == content
        storage.save("b.bin", content)
        assert storage.stat("b.bin").etag.endswith('-2"')


def test_no_threads_for_small_files(storage, monkeypatch):
    """A small save runs in the caller's thread alone."""
    caller, start, started = threading.current_thread(), threading.Thread.start, []

    def noted(thread):
        # A server of the tests starts its own from another thread.
        if threading.current_thread() is caller:
            started.append(thread)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", noted)
    storage.save("small.txt", b"x" * MIB)
    with storage.open("small2.txt", "wb") as file:
        file.write(b"x" * MIB)
    assert started == []
    storage.save("large.bin", b"x" * (17 * MIB))
    assert started


def test_rw_10_text_that_cannot_be_flushed_publishes_nothing(seaweedfs_options):
    """The last buffered text completes a part whose upload fails at close: the error, and no object."""
    with FaultProxy(seaweedfs_options["endpoint_url"], faults={"err500": 1.0}, match="^POST") as proxy:
        storage = S3Storage(**{**seaweedfs_options, "endpoint_url": proxy.url}, max_attempts=1)
        file = storage.open("a.txt", "w")
        file.write("x" * (8 * MIB - 10))
        file.write("y" * 20)
        with pytest.raises(errors.ServerError):
            file.close()
        assert file.closed
        assert not storage.exists("a.txt")


def test_an_exception_after_close_changes_nothing(storage):
    """What was published by an explicit close stays."""
    with pytest.raises(RuntimeError), storage.open("a.txt", "wb") as file:
        file.write(b"done")
        file.close()
        raise RuntimeError
    assert storage.read_bytes("a.txt") == b"done"


def test_a_source_that_closes_itself(storage):
    """Some wrappers close at their end; they are not rewound."""

    class Closing(io.BytesIO):
        def read(self, size=-1):
            data = super().read(size)
            if not data:
                self.close()
            return data

    assert storage.read_bytes(storage.save("a.bin", Closing(b"content"))) == b"content"


def test_boto3s_own_checksums(seaweedfs_options):
    """checksums="when_supported" leaves them to boto3; what is stored with a CRC is read against it."""
    storage = S3Storage(**seaweedfs_options, checksums="when_supported")
    for name, content in {"a.bin": b"x", "b.bin": os.urandom(9 * MIB)}.items():
        storage.save(name, content)
        assert storage.read_bytes(name) == content
    assert storage.objects.bucket.head(storage.objects.key("a.bin"), {}).md5


def test_parts_are_thrown_away_once_and_only_by_their_process(storage, seaweedfs_options, caplog):
    """Aborting an upload that is gone is no error; another process's is left alone."""
    from s3store.wire import multipart

    bucket, key = storage.objects.bucket, storage.objects.key("a.bin")
    upload_id = bucket.start_upload(key, {})
    multipart._abort(bucket, key, upload_id, {}, os.getpid() + 1)
    assert uploads(storage) == [key]
    multipart._abort(bucket, key, upload_id, {}, os.getpid())
    assert uploads(storage) == []
    gone = b"<Error><Code>NoSuchUpload</Code></Error>"
    with FaultProxy(bucket.client.meta.endpoint_url, respond=lambda *_: (404, {}, gone)) as proxy:
        elsewhere = S3Storage(**{**seaweedfs_options, "endpoint_url": proxy.url})
        multipart._abort(elsewhere.objects.bucket, key, upload_id, {}, os.getpid())
    assert caplog.text == ""


@pytest.mark.parametrize("mode", ["w", "wb"])
@pytest.mark.parametrize("after", [0, 20 * MIB], ids=["before the first part", "after two parts"])
@pytest.mark.parametrize("raised", [ZeroDivisionError, KeyboardInterrupt, GeneratorExit])
def test_rw_07_an_exception_publishes_nothing(storage, mode, after, raised):
    """The old object stays, no parts are left, and the file takes no more data."""
    storage.save("a.bin", b"old")
    with pytest.raises(raised), storage.open("a.bin", mode) as file:
        file.write("x" * after + "y" if mode == "w" else b"x" * after + b"y")
        raise raised
    assert file.closed
    with pytest.raises(ValueError):
        file.write("z" if mode == "w" else b"z")
    assert storage.read_bytes("a.bin") == b"old"
    assert uploads(storage) == []


@pytest.mark.parametrize("mode", ["w", "wb"])
@pytest.mark.parametrize("after", [1, 20 * MIB], ids=["before the first part", "after two parts"])
@pytest.mark.parametrize("cycle", [False, True], ids=["dropped", "collected in a cycle"])
def test_rw_07_a_forgotten_file_publishes_nothing(storage, mode, after, cycle):
    """A handle that is garbage collected discards what was written, with a ResourceWarning."""
    storage.save("a.bin", b"old")
    file = storage.open("a.bin", mode)
    file.write("x" * after if mode == "w" else b"x" * after)
    if cycle:
        file.itself = file
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        del file
        gc.collect()
    assert "was not closed and is not saved" in str(caught[0].message)
    assert issubclass(caught[0].category, ResourceWarning)
    assert storage.read_bytes("a.bin") == b"old"
    assert uploads(storage) == []


@pytest.mark.filterwarnings("ignore:The file:ResourceWarning")
@pytest.mark.parametrize(("mode", "content"), [("wb", b"x"), ("w", "x"), ("xb", b"x")])
def test_open_and_write_in_one_line_is_an_error(storage, mode, content):
    """The file is gone before it is written: the error says what to write instead of losing the content silently."""
    with pytest.raises(ValueError, match=r"a\.bin' cannot be written: .* Use `with storage\.open") as caught:
        storage.open("a.bin", mode).write(content)
    assert "storage.save(name, content)" in str(caught.value)
    assert not storage.exists("a.bin")


@pytest.mark.parametrize(("mode", "content"), [("wb", b"x"), ("w", "x")])
def test_a_closed_file_says_so(storage, mode, content):
    """Writing after the end of the with block."""
    with storage.open("a.bin", mode) as file:
        file.write(content)
    with pytest.raises(ValueError, match="closed"):
        file.write(content)
    assert storage.read_bytes("a.bin") == b"x"


_EXIT = """
import os, sys, django
from django.conf import settings
settings.configure(USE_TZ=True)
django.setup()
from s3store.storage import S3Storage
storage = S3Storage(**{options!r})
file = storage.open("a.bin", "wb")
file.write(os.urandom({size}))
{ending}
"""


@pytest.mark.parametrize("size", [10, 20 * MIB], ids=["small", "multipart"])
@pytest.mark.parametrize("ending", ["", "sys.exit(3)", "os._exit(0)", "raise SystemError"])
def test_rc_09_the_end_of_the_interpreter_publishes_nothing(storage, seaweedfs_options, size, ending):
    """An open handle at exit is discarded, without a hang; parts are thrown away where Python can still act."""
    storage.save("a.bin", b"old")
    subprocess.run(
        [sys.executable, "-c", _EXIT.format(options=seaweedfs_options, size=size, ending=ending)],
        timeout=300,
        check=False,
        capture_output=True,
    )
    assert storage.read_bytes("a.bin") == b"old"
    if "_exit" not in ending:
        assert uploads(storage) == []


_KILLED = """
import os, sys, django
from django.conf import settings
settings.configure(USE_TZ=True)
django.setup()
from s3store.storage import S3Storage
storage = S3Storage(**{options!r}, file_overwrite=True)
def source():
    for number in range(10):
        if number == {at}:
            print("now", flush=True)
            sys.stdin.read()
        yield bytes([number]) * (3 << 20)
storage.save("a.bin", source())
"""


@pytest.mark.parametrize("at", [0, 3, 5, 7, 9])
def test_rw_09_a_killed_process_leaves_the_old_version(storage, seaweedfs_options, at):
    """SIGKILL in the middle of a 30 MiB save: the old object, whole."""
    storage.save("a.bin", b"old")
    with subprocess.Popen(
        [sys.executable, "-c", _KILLED.format(options=seaweedfs_options, at=at)],
        stdout=subprocess.PIPE,
        stdin=subprocess.PIPE,
    ) as child:
        assert child.stdout.readline() == b"now\n"
        child.kill()
    assert storage.read_bytes("a.bin") == b"old"


def test_rw_10_a_failed_part_aborts_the_upload(seaweedfs_options):
    """A part that fails at every try: the error comes out, no object, no parts."""
    with FaultProxy(seaweedfs_options["endpoint_url"], faults={"err500": 1.0}, match="partNumber=2") as proxy:
        storage = S3Storage(**{**seaweedfs_options, "endpoint_url": proxy.url}, max_attempts=2)
        with pytest.raises(errors.ServerError):
            storage.save("a.bin", os.urandom(60 * MIB))
        with pytest.raises(errors.ServerError), storage.open("b.bin", "wb") as file:
            for _ in range(12):
                file.write(os.urandom(5 * MIB))
        with pytest.raises(errors.ServerError), storage.open("c.txt", "w") as file:
            file.write("x" * 20 * MIB)
        proxy.harm({})
        assert not storage.exists("a.bin")
        assert not storage.exists("b.bin")
        assert not storage.exists("c.txt")
        assert uploads(storage) == []


def test_rw_10_parts_that_cannot_be_thrown_away_are_reported(seaweedfs_options, caplog):
    """When the abort fails too, the first error comes out and a warning names the object."""
    with FaultProxy(seaweedfs_options["endpoint_url"], faults={"err500": 1.0}, match="partNumber=1|^DELETE") as proxy:
        storage = S3Storage(**{**seaweedfs_options, "endpoint_url": proxy.url}, max_attempts=1)
        with pytest.raises(errors.ServerError, match="upload_part"):
            storage.save("a.bin", os.urandom(20 * MIB))
    assert "a.bin" in caplog.text
    assert "unfinished upload" in caplog.text


def test_rw_13_a_byte_that_flips_on_the_way_up_is_noticed(seaweedfs_options):
    """S3 refuses a body that does not match its digest; nothing wrong is stored."""
    with FaultProxy(seaweedfs_options["endpoint_url"], faults={"flip_up": 1.0}, match="^PUT") as proxy:
        storage = S3Storage(**{**seaweedfs_options, "endpoint_url": proxy.url})
        with pytest.raises(OSError, match=r"arrived|BadDigest|digest"):
            storage.save("a.bin", b"x" * 1000)
        with pytest.raises(OSError):
            storage.save("b.bin", b"x" * 20 * MIB)
    assert not S3Storage(**seaweedfs_options).exists("a.bin")


def test_rw_14_a_full_disk_while_spooling(storage, monkeypatch, tmp_path):
    """A source that must be held back and does not fit: the OSError, and no temporary file stays."""
    import tempfile

    monkeypatch.setattr(tempfile, "tempdir", "/proc/none")
    with pytest.raises(OSError):
        storage.save("a.bin", Short(b"x" * 9 * MIB))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    storage.save("a.bin", Short(b"x" * 9 * MIB))
    assert list(tmp_path.iterdir()) == []


def test_rw_17_18_multipart_keeps_type_and_encoding(seaweedfs_options):
    """A multipart upload and an open file get the headers that a small save gets."""
    storage = S3Storage(
        **seaweedfs_options,
        object_parameters={"CacheControl": "max-age=5", "Metadata": {"by": "options"}, "ContentDisposition": "inline"},
    )
    storage.save("small.css", b"x", metadata={"and": "save"})
    storage.save("large.css", b"x" * 9 * MIB, metadata={"and": "save"})
    with storage.open("opened.css", "wb") as file:
        file.write(b"x" * 9 * MIB)
    stats = [storage.stat(name) for name in ("small.css", "large.css", "opened.css")]
    assert {(stat.content_type, stat.cache_control, stat.content_disposition) for stat in stats} == {
        ("text/css", "max-age=5", "inline")
    }
    assert [stat.metadata for stat in stats] == [
        {"by": "options", "and": "save"},
        {"by": "options", "and": "save"},
        {"by": "options"},
    ]


@pytest.mark.parametrize("through", ["save", "open"])
def test_gzip_is_deterministic_and_kept_only_when_smaller(seaweedfs_options, through):
    """Equal files get equal ETags; what does not shrink, is of another type or is packed already stays as it is."""
    storage = S3Storage(**seaweedfs_options, gzip=True, file_overwrite=True)

    def put(name, content):
        if through == "save":
            storage.save(name, content)
        else:
            with storage.open(name, "wb") as file:
                file.write(content)
        return storage.stat(name)

    css = b"a { color: red }\n" * 1000
    first, second = put("a.css", css), put("b.css", css)
    assert first.etag == second.etag
    assert first.content_encoding == "gzip"
    assert first.size < len(css)
    for name, content in {
        "tiny.css": b"a{}",
        "random.css": os.urandom(5000),
        "photo.jpg": b"x" * 5000,
        "packed.css.gz": gzip.compress(css),
    }.items():
        stat = put(name, content)
        assert (stat.content_encoding, stat.size) == (None, len(content)), name
    assert storage.stat("packed.css.gz").content_type == "application/gzip"
    assert storage.size("a.css") == len(css)
    assert storage.read_bytes("a.css") == css


def test_gzip_of_a_large_unseekable_source(seaweedfs_options):
    """A source that can be read once is compressed, or saved as it is, all the same."""
    storage = S3Storage(**seaweedfs_options, gzip=True)
    for content in (b"line\n" * 3_000_000, os.urandom(9 * MIB)):
        name = storage.save("a.txt", Short(content, most=MIB))
        assert storage.read_bytes(name) == content
        assert storage.size(name) == len(content)


def test_an_encoding_of_ones_own_is_kept(seaweedfs_options):
    """An object parameter ContentEncoding says that the content is packed already."""
    storage = S3Storage(**seaweedfs_options, gzip=True, object_parameters={"ContentEncoding": "br"})
    storage.save("a.css", b"a" * 1000)
    assert storage.stat("a.css").content_encoding == "br"


@pytest.mark.parametrize("what", ["content_type", "metadata value", "metadata name", "metadata script"])
def test_sn_11_header_injection_is_refused_before_a_request(seaweedfs_options, what):
    """Line ends in a type or in metadata raise; nothing is sent."""
    with FaultProxy(seaweedfs_options["endpoint_url"]) as proxy:
        storage = S3Storage(**{**seaweedfs_options, "endpoint_url": proxy.url})
        extra = {
            "content_type": {"content_type": "text/html\r\nX-Evil: 1"},
            "metadata value": {"metadata": {"a": "b\r\nX-Evil: 1"}},
            "metadata name": {"metadata": {"a\r\nb": "c"}},
            "metadata script": {"metadata": {"a": "é"}},
        }[what]
        with pytest.raises(ValueError, match="Cannot save"):
            storage.save("a.txt", b"x", **extra)
        assert proxy.log == []


def test_get_object_parameters_decides_by_name(seaweedfs_options):
    """The hook of django-storages, and a function as the option, see the name."""

    class ByHook(S3Storage):
        def get_object_parameters(self, name):
            params = super().get_object_parameters(name)
            return {**params, "CacheControl": f"max-age={len(name)}"}

    by_option = S3Storage(**seaweedfs_options, object_parameters=lambda name: {"CacheControl": f"max-age={len(name)}"})
    for storage in (ByHook(**seaweedfs_options), by_option):
        name = storage.save("dir/a.txt", b"x")
        assert storage.stat(name).cache_control == f"max-age={len(name)}"
    wrong = S3Storage(**seaweedfs_options, object_parameters=lambda name: {"CachControl": "x"})
    with pytest.raises(ImproperlyConfigured, match="CacheControl"):
        wrong.save("a.txt", b"x")


def test_subclasses_may_override_save(seaweedfs_options):
    """A `_save` with Django's two arguments, which hands on a file of its own, works; the caller's stays open."""

    class Stamping(S3Storage):
        def _save(self, name, content):
            stamped = io.BytesIO(b"stamp:" + content.read())
            return super()._save(name, stamped)

    storage = Stamping(**seaweedfs_options)
    names = [storage.save("a.txt", content) for content in (b"one", io.BytesIO(b"two"), ContentFile(b"three"))]
    assert [storage.read_bytes(name) for name in names] == [b"stamp:one", b"stamp:two", b"stamp:three"]


def test_a_name_that_is_never_free_ends_in_an_error(seaweedfs_options):
    """A get_alternative_name that always says the same does not loop for ever."""

    class Stubborn(S3Storage):
        def get_alternative_name(self, file_root, file_ext):
            return file_root + file_ext

    storage = Stubborn(**seaweedfs_options)
    storage.save("a.txt", b"x")
    with pytest.raises(FileExistsError, match="100 attempts"):
        storage.save("a.txt", b"y")


def test_csv_is_written_through_a_text_file(storage):
    """Text mode takes encoding and newline."""
    with storage.open("a.csv", "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["ä", 1], ["b", 2]])
    assert storage.read_bytes("a.csv") == "ä,1\r\nb,2\r\n".encode()
    with storage.open("latin.txt", "x", encoding="latin-1", newline="\r\n") as file:
        file.write("ä\n")
    assert storage.read_bytes("latin.txt") == b"\xe4\r\n"


def test_exclusive_mode_loses_a_race_at_close(storage):
    """Mode x asks at open, and S3 refuses at close if somebody was faster."""
    file = storage.open("a.txt", "xb")
    file.write(b"mine")
    storage.save("a.txt", b"theirs")
    with pytest.raises(FileExistsError):
        file.close()
    file.close()
    assert storage.read_bytes("a.txt") == b"theirs"


def test_a_large_name_race_is_decided_at_completion(storage):
    """Two multipart uploads for one name: both are kept, under two names."""
    content = os.urandom(9 * MIB)
    raced = []

    def source():
        yield content[: 8 * MIB]
        raced.append(storage.save("a.bin", b"faster"))
        yield content[8 * MIB :]

    class Racing(io.BytesIO):
        def read(self, size=-1):
            if self.tell() and not raced:
                raced.append(storage.save("a.bin", b"faster"))
            return super().read(size)

    racing = Racing(content * 2)
    name = storage.save("a.bin", racing)
    assert raced == ["a.bin"]
    assert name != "a.bin"
    assert storage.read_bytes(name) == content * 2
    assert storage.read_bytes("a.bin") == b"faster"
    assert uploads(storage) == []
