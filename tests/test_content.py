"""Contents of every kind become exactly their bytes."""

from __future__ import annotations

import gzip
import io
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile, File
from django.core.files.uploadedfile import InMemoryUploadedFile, SimpleUploadedFile, TemporaryUploadedFile
from hypothesis import given
from hypothesis import strategies as st

from s3store.files import content
from s3store.files.content import Limited, Source, is_seekable, packed, repeatable, spool

TEXT = "español € 🎉 " * 50
DATA = TEXT.encode()


class Unseekable(io.RawIOBase):
    """A stream that is read once, in pieces smaller than asked for: a socket, a pipe."""

    def __init__(self, data: bytes = DATA, most: int = 7) -> None:
        self._rest = io.BytesIO(data)
        self._most = most

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece = self._rest.read(min(len(buffer), self._most))
        buffer[: len(piece)] = piece
        return len(piece)


class ReadOnly:
    """An object with `read` and nothing else, such as an answer of an HTTP client."""

    def __init__(self, data: bytes | str = DATA, most: int = 1000) -> None:
        self._rest: Any = io.BytesIO(data) if isinstance(data, bytes) else io.StringIO(data, newline="")
        self._most = most

    def read(self, size: int) -> bytes | str:
        result: bytes | str = self._rest.read(min(size, self._most))
        return result


class Chunks:
    """An object with `chunks` and nothing else."""

    def chunks(self) -> Iterator[bytes]:
        yield DATA[:10]
        yield b""
        yield DATA[10:]


class Lavish:
    """Returns more than it is asked for."""

    def __init__(self) -> None:
        self._pieces = iter([DATA, b""])

    def read(self, size: int) -> bytes:
        return next(self._pieces)


def temporary_upload() -> TemporaryUploadedFile:
    file = TemporaryUploadedFile("a.txt", "text/plain", len(DATA), "utf-8")
    file.write(DATA)
    return file


def in_memory_upload() -> InMemoryUploadedFile:
    return InMemoryUploadedFile(io.BytesIO(DATA), "f", "a.txt", "text/plain", len(DATA), "utf-8")


def in_the_middle() -> io.BytesIO:
    stream = io.BytesIO(DATA)
    stream.seek(10)
    return stream


CONTENTS: dict[str, Any] = {
    "bytes": lambda: DATA,
    "str": lambda: TEXT,
    "bytearray": lambda: bytearray(DATA),
    "memoryview": lambda: memoryview(DATA),
    "BytesIO": lambda: io.BytesIO(DATA),
    "StringIO": lambda: io.StringIO(TEXT),
    "in-the-middle": in_the_middle,
    "ContentFile-bytes": lambda: ContentFile(DATA),
    "ContentFile-str": lambda: ContentFile(TEXT),
    "File": lambda: File(io.BytesIO(DATA), "a.txt"),
    "SimpleUploadedFile": lambda: SimpleUploadedFile("a.txt", DATA),
    "InMemoryUploadedFile": in_memory_upload,
    "TemporaryUploadedFile": temporary_upload,
    "unseekable": Unseekable,
    "File-unseekable": lambda: File(Unseekable(), "a.txt"),
    "short-reading": lambda: ReadOnly(most=3),
    "read-only": ReadOnly,
    "read-only-text": lambda: ReadOnly(TEXT),
    "lavish": Lavish,
    "chunks-only": Chunks,
    "generator": lambda: (DATA[i : i + 9] for i in range(0, len(DATA), 9)),
    "generator-text": lambda: iter(TEXT),
    "list": lambda: [DATA[:5], TEXT.encode()[5:9], bytearray(DATA[9:20]), memoryview(DATA)[20:]],
    "list-of-str": lambda: [TEXT[:5], "", TEXT[5:]],
}
contents = pytest.mark.parametrize("make", CONTENTS.values(), ids=CONTENTS)
sizes = pytest.mark.parametrize("size", [1, 7, 64, len(DATA) - 1, len(DATA), len(DATA) + 1])


def blocks(source: Source, size: int) -> list[bytes]:
    return list(iter(lambda: source.read(size), b""))


@contents
@sizes
def test_rw_08_every_kind_of_content_is_read_exactly(make: Any, size: int) -> None:
    """All blocks but the last have the size asked for, and together they are the content, from its start."""
    content_ = make()
    found = blocks(Source(content_), size)
    if isinstance(content_, File):
        content_.close()
    assert b"".join(found) == DATA
    assert {len(block) for block in found[:-1]} <= {size}
    assert all(type(block) is bytes for block in found)


@contents
def test_every_kind_of_content_can_be_read_twice(make: Any) -> None:
    """What can be read only once is copied first."""
    content_ = make()
    with repeatable(content_, 100) as again:
        assert b"".join(blocks(Source(again), 64)) == DATA
        assert b"".join(blocks(Source(again), 100)) == DATA
    if isinstance(content_, File):
        content_.close()


def test_text_is_counted_in_bytes() -> None:
    """A block of text has as many characters as bytes are asked for, which are more bytes; none is lost."""
    euros = ("€" * 5).encode()
    assert blocks(Source(io.StringIO("€" * 5)), 4) == [euros[:4], euros[4:8], euros[8:12], euros[12:]]


@pytest.mark.parametrize("make", [bytes, str, io.BytesIO, list, lambda: iter([b"", b""])])
def test_an_empty_content_is_empty(make: Any) -> None:
    """Empty files are files."""
    assert Source(make()).read(10) == b""


@pytest.mark.parametrize(
    ("wrong", "kind"),
    [
        (5, "Cannot save a int"),
        (None, "Cannot save a NoneType"),
        (object(), "Cannot save a object"),
        (Path("a.txt"), "Cannot save a PosixPath"),
        ([1, 2], "bytes or str, not int"),
        ([None], "bytes or str, not NoneType"),
        ([b"a", ["b"]], "bytes or str, not list"),
    ],
    ids=["int", "None", "object", "path", "ints", "Nones", "lists"],
)
def test_a_wrong_type_is_refused(wrong: Any, kind: str) -> None:
    """A TypeError that says what it is and what it should be."""
    with pytest.raises(TypeError, match=kind.replace("PosixPath", type(Path()).__name__)):
        blocks(Source(wrong), 10)


def test_rw_08_a_stream_that_has_nothing_yet_is_not_at_its_end() -> None:
    """A non-blocking stream's None is not the end of the file: better an error than half an object."""

    class NotYet(Unseekable):
        reads = 0

        def read(self, size: int = -1) -> Any:
            self.reads += 1
            return None if self.reads == 2 else super().read(size)

    with pytest.raises((TypeError, OSError)):
        blocks(Source(NotYet()), 10)


def test_rw_08_a_failing_source_fails() -> None:
    """The source's own exception comes through, at the block where it happens."""

    def half() -> Iterator[bytes]:
        yield b"x" * 10
        raise RuntimeError("the disk is gone")

    source = Source(half())
    assert source.read(10) == b"x" * 10
    with pytest.raises(RuntimeError, match="the disk is gone"):
        source.read(10)


def test_a_block_can_be_put_back() -> None:
    """What was read to see whether it is all comes again, in blocks of any size."""
    source = Source(io.BytesIO(b"0123456789"))
    source.unread(source.read(6))
    assert blocks(source, 4) == [b"0123", b"4567", b"89"]


def test_the_rest_is_copied() -> None:
    """And counted."""
    source, target = Source(io.BytesIO(b"0123456789")), io.BytesIO()
    source.read(3)
    assert source.copy_to(target) == 7
    assert target.getvalue() == b"3456789"


pieces = st.lists(st.binary(max_size=40), max_size=12)


@given(pieces=pieces, asked=st.lists(st.integers(min_value=1, max_value=60), max_size=20), whole=st.booleans())
def test_any_pieces_come_in_any_blocks(pieces: list[bytes], asked: list[int], whole: bool) -> None:
    """Whatever the source yields and whatever is asked for: exactly that many bytes until the end, in order."""
    data = b"".join(pieces)
    source = Source(data if whole else iter(pieces))
    position = 0
    for size in asked:
        block = source.read(size)
        assert block == data[position : position + size]
        position += len(block)
        if size % 3 == 0:
            source.unread(block)
            position -= len(block)
    assert b"".join(blocks(source, 17)) == data[position:]


@given(text=st.text(st.characters(exclude_categories=["Cs"])), size=st.integers(min_value=1, max_value=20))
def test_any_text_comes_as_utf_8(text: str, size: int) -> None:
    """In blocks that cut through characters."""
    assert b"".join(blocks(Source(io.StringIO(text, newline="")), size)) == text.encode()


# Once or again


@pytest.mark.parametrize(
    ("make", "seekable"),
    [
        (lambda: b"", True),
        (lambda: "", True),
        (lambda: memoryview(b""), True),
        (io.BytesIO, True),
        (io.StringIO, True),
        (lambda: ContentFile(b""), True),
        (lambda: spool(10), True),
        (Unseekable, False),
        (lambda: File(Unseekable(), "a"), False),
        (ReadOnly, False),
        (Chunks, False),
        (lambda: iter([]), False),
        (lambda: [b""], False),
    ],
)
def test_what_can_be_read_again_is_known(make: Any, seekable: bool) -> None:
    """By asking it, where it answers."""
    source = make()
    assert is_seekable(source) is seekable
    if hasattr(source, "close"):
        source.close()


def test_a_seek_without_seekable_is_believed() -> None:
    """Objects older than `seekable` have only `seek`."""

    class Old:
        def seek(self, position: int) -> None:
            self.position = position

    old = Old()
    assert is_seekable(old) is True
    content.rewind(old)
    assert old.position == 0


def test_what_can_be_read_again_is_not_copied() -> None:
    """A gigabyte on the disk stays where it is."""
    source = io.BytesIO(DATA)
    with repeatable(source, 100) as same:
        assert same is source
    assert not source.closed


def test_a_copy_is_closed_at_the_end() -> None:
    """No temporary file outlives the save."""
    with repeatable(iter([DATA]), 100) as held:
        assert not held.closed
    assert held.closed


@pytest.mark.parametrize(("limit", "size", "in_memory"), [(10, 10, True), (10, 11, False), (0, 100_000, True)])
def test_a_copy_stays_in_memory_up_to_the_limit(limit: int, size: int, in_memory: bool) -> None:
    """Beyond that it goes to the disk; 0 keeps it in memory."""
    with repeatable(iter([b"x" * size]), limit) as copy:
        assert isinstance(copy, tempfile.SpooledTemporaryFile)
        assert (copy.name is None) is in_memory
        assert copy.seek(0) == 0
        assert len(copy.read()) == size


# Compressed


@contents
def test_every_kind_of_content_is_packed_alike(make: Any) -> None:
    """The same content gives the same bytes, whatever it is called, whenever it is done, however it is read."""
    with packed(DATA, 0) as pack:
        pack.file.seek(0)
        expected = pack.file.read()
    content_ = make()
    with packed(content_, 0) as pack:
        assert (pack.plain_size, pack.size) == (len(DATA), len(expected))
        pack.file.seek(0)
        assert pack.file.read() == expected
    if isinstance(content_, File):
        content_.close()
    assert gzip.decompress(expected) == DATA


def test_a_pack_tells_no_time_and_no_name(tmp_path: Path) -> None:
    """The header holds neither, so that two deployments make one ETag."""
    path = tmp_path / "secret-name.css"
    path.write_bytes(DATA)
    with path.open("rb") as file, packed(file, 10) as pack:
        pack.file.seek(0)
        header = pack.file.read(10)
        assert header[:4] == b"\x1f\x8b\x08\x00"
        assert header[4:8] == b"\0\0\0\0"
        assert b"secret-name" not in header + pack.file.read()
    assert pack.file.closed


def test_a_failing_source_leaves_no_pack() -> None:
    """The exception is the source's."""
    with pytest.raises(TypeError, match="not int"), packed([1], 10):
        pytest.fail("there is nothing to give")


# Against decompression bombs


def limited(size: int, limit: int) -> io.BufferedReader:
    stream: Any = io.BytesIO(b"x" * size)
    return io.BufferedReader(Limited(stream, limit, RuntimeError("too large")), 16)


@pytest.mark.parametrize(("size", "limit"), [(100, 100), (100, 101), (100, 0), (0, 1)])
def test_what_is_within_the_limit_is_read(size: int, limit: int) -> None:
    """0 is no limit."""
    with limited(size, limit) as stream:
        assert stream.read() == b"x" * size
        assert stream.seekable()
        assert stream.seek(0) == stream.tell() == 0
        assert stream.read(10) == b"x" * min(10, size)
    assert stream.raw.closed


def test_sx_04_what_is_beyond_the_limit_is_refused() -> None:
    """The error comes before the first byte beyond it does."""
    stream = limited(1000, 100)
    assert stream.read(96) == b"x" * 96
    with pytest.raises(RuntimeError, match="too large"):
        stream.read(100)


@pytest.mark.parametrize("position", [(101, io.SEEK_SET), (0, io.SEEK_END)], ids=["past", "end"])
def test_sx_04_seeking_is_no_way_around_the_limit(position: tuple[int, int]) -> None:
    """Going to the end of a bomb inflates all of it, as reading does."""
    with pytest.raises(RuntimeError, match="too large"):
        limited(1000, 100).seek(*position)


def test_closing_the_limit_closes_the_source() -> None:
    """The connection behind it is given back."""
    source = io.BytesIO()
    Limited(source, 0, RuntimeError()).close()
    assert source.closed


def test_an_empty_piece_is_not_the_end() -> None:
    """Generators may yield nothing in between."""
    source = Source(iter([b"ab", b"", b"", b"cd", b""]))
    assert source.read(2) == b"ab"
    assert not source.exhausted()
    assert source.read(2) == b"cd"
    assert source.exhausted()
    assert source.exhausted()
