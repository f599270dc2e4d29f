"""A test suite for Django storages.

Subclass StorageContract in a test module, and define a fixture `storage` that returns an empty storage:

    class TestMyStorage(StorageContract):
        @pytest.fixture
        def storage(self):
            return MyStorage()

Django's FileSystemStorage and InMemoryStorage pass it. S3StorageContract adds the behaviour of S3Storage.
"""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.base import ContentFile, File
from django.core.files.storage import Storage
from django.core.files.uploadedfile import SimpleUploadedFile, TemporaryUploadedFile

__all__ = ["S3StorageContract", "StorageContract"]

TRAVERSALS = ["../x", "a/../../x", "..", "a/../..", "/etc/passwd"]


class StorageContract:
    """Tests of Django's Storage API. It passes on FileSystemStorage and InMemoryStorage.

    Subclass it in a test module, with a fixture `storage` that returns an empty storage.
    """

    @pytest.fixture
    def storage(self) -> Storage:
        """Return an empty storage. Override this fixture."""
        raise NotImplementedError("Override the fixture `storage`.")

    @pytest.mark.parametrize(
        "content",
        [b"", b"x", b"\x00\xff" * 1000, b"a" * 3_000_000],
        ids=["empty", "one byte", "binary", "3 MB"],
    )
    def test_what_was_saved_is_read(self, storage: Any, content: bytes) -> None:
        """Reading returns the bytes that were saved."""
        name = storage.save("file.bin", ContentFile(content))
        with storage.open(name) as file:
            assert file.read() == content
        assert storage.size(name) == len(content)
        assert storage.exists(name)

    def test_text_is_saved_as_utf_8(self, storage: Any) -> None:
        """A ContentFile of text in any script is encoded once."""
        text = "español €, Ελληνικά, 日本語, 😀\n"
        name = storage.save("text.txt", ContentFile(text))
        with storage.open(name) as file:
            assert file.read() == text.encode()

    def test_a_taken_name_is_not_overwritten(self, storage: Any) -> None:
        """Saving a second file of the same name gives it another name."""
        first = storage.save("same.txt", ContentFile(b"first"))
        second = storage.save("same.txt", ContentFile(b"second"))
        assert first == "same.txt"
        assert second != first
        assert second.startswith("same")
        assert second.endswith(".txt")
        with storage.open(first) as one, storage.open(second) as two:
            assert (one.read(), two.read()) == (b"first", b"second")

    def test_max_length_shortens_the_stem(self, storage: Any) -> None:
        """A name over max_length loses characters of its stem, not its extension."""
        name = storage.save("a" * 60 + ".txt", ContentFile(b"x"), max_length=30)
        assert len(name) <= 30
        assert name.endswith(".txt")
        assert storage.exists(name)

    def test_max_length_without_room_is_refused(self, storage: Any) -> None:
        """A max_length that leaves no room for a stem is refused."""
        storage.save("abc.txt", ContentFile(b"x"))
        with pytest.raises(SuspiciousFileOperation):
            storage.save("abc.txt", ContentFile(b"x"), max_length=8)

    def test_directories_need_not_be_made(self, storage: Any) -> None:
        """A name can contain slashes."""
        name = storage.save("a/b/c/file.txt", ContentFile(b"deep"))
        assert name == "a/b/c/file.txt"
        with storage.open(name) as file:
            assert file.read() == b"deep"

    def test_listdir_tells_directories_from_files(self, storage: Any) -> None:
        """listdir returns the names directly below a directory."""
        for name in ("top.txt", "d/one.txt", "d/two.txt", "d/e/three.txt"):
            storage.save(name, ContentFile(b"x"))
        directories, files = storage.listdir("")
        assert (sorted(directories), sorted(files)) == (["d"], ["top.txt"])
        directories, files = storage.listdir("d")
        assert (sorted(directories), sorted(files)) == (["e"], ["one.txt", "two.txt"])

    def test_exists_of_a_directory(self, storage: Any) -> None:
        """A directory with files exists, with and without a slash at the end of its name."""
        storage.save("dir/file.txt", ContentFile(b"x"))
        assert storage.exists("dir")
        assert storage.exists("dir/file.txt")
        assert not storage.exists("dir/other.txt")
        assert not storage.exists("di")

    def test_delete(self, storage: Any) -> None:
        """A deleted file does not exist, and deleting it again is not an error."""
        name = storage.save("gone.txt", ContentFile(b"x"))
        storage.delete(name)
        assert not storage.exists(name)
        storage.delete(name)

    def test_open_of_a_missing_file(self, storage: Any) -> None:
        """A missing file raises FileNotFoundError at open, not later."""
        with pytest.raises(FileNotFoundError):
            storage.open("missing.txt")

    @pytest.mark.parametrize("verb", ["size", "get_modified_time"])
    def test_asking_about_a_missing_file(self, storage: Any, verb: str) -> None:
        """The size and the time of a missing file raise FileNotFoundError."""
        with pytest.raises(FileNotFoundError):
            getattr(storage, verb)("missing.txt")

    @pytest.mark.parametrize("name", TRAVERSALS)
    @pytest.mark.parametrize("verb", ["open", "exists", "size", "get_modified_time", "listdir"])
    def test_sn_03_traversal_in_reading_verbs(self, storage: Any, verb: str, name: str) -> None:
        """Every method refuses a name that leaves the storage."""
        with pytest.raises(SuspiciousFileOperation):
            getattr(storage, verb)(name)

    @pytest.mark.parametrize("name", ["../x", "a/../../x", "/etc/passwd"])
    def test_sn_03_traversal_in_delete(self, storage: Any, name: str) -> None:
        """A file outside the storage is not deleted."""
        with pytest.raises(SuspiciousFileOperation):
            storage.delete(name)

    @pytest.mark.parametrize("name", [*TRAVERSALS, "a/..", "..\\x", ""])
    def test_sn_01_traversal_in_save(self, storage: Any, name: str) -> None:
        """save refuses an empty name, and a name that leaves the storage."""
        with pytest.raises(SuspiciousFileOperation):
            storage.save(name, ContentFile(b"x"))

    def test_the_callers_file_stays_open(self, storage: Any) -> None:
        """save does not close the file that it reads."""
        source = io.BytesIO(b"content")
        storage.save("open.txt", File(source))
        assert not source.closed

    @pytest.mark.parametrize("position", [0, 4])
    def test_the_callers_file_is_read_from_its_start(self, storage: Any, position: int) -> None:
        """save reads a file from its start."""
        source = io.BytesIO(b"content")
        source.seek(position)
        name = storage.save("rewound.txt", File(source))
        with storage.open(name) as file:
            assert file.read() == b"content"

    def test_uploaded_files(self, storage: Any) -> None:
        """Both kinds of uploaded files are saved completely."""
        small = SimpleUploadedFile("small.txt", b"small")
        with TemporaryUploadedFile("large.bin", "application/octet-stream", 0, None) as large:
            large.write(b"large" * 100_000)
            # A temporary file is moved by FileSystemStorage.
            large.seek(0)
            names = [storage.save("small.txt", small)]
            if not hasattr(storage, "base_location"):
                names.append(storage.save("large.bin", large))
        sizes = [storage.size(name) for name in names]
        assert sizes == [5, 500_000][: len(names)]

    def test_partial_reads_and_chunks(self, storage: Any) -> None:
        """A file can be read in pieces of any size."""
        name = storage.save("pieces.txt", ContentFile(b"hello world"))
        with storage.open(name) as file:
            assert file.read(3) == b"hel"
            assert file.read() == b"lo world"
            file.seek(6)
            assert file.read() == b"world"
            assert b"".join(file.chunks(chunk_size=2)) == b"hello world"
            assert file.size == 11

    def test_lines(self, storage: Any) -> None:
        """Iterating over a file returns lines."""
        name = storage.save("lines.txt", ContentFile(b"one\ntwo\n\nlast"))
        with storage.open(name) as file:
            assert list(file) == [b"one\n", b"two\n", b"\n", b"last"]

    def test_modified_time(self, storage: Any, settings: Any) -> None:
        """The modification time is now, aware under USE_TZ."""
        settings.USE_TZ = True
        before = datetime.now(timezone.utc) - timedelta(seconds=5)
        name = storage.save("dated.txt", ContentFile(b"x"))
        assert before <= storage.get_modified_time(name) <= before + timedelta(minutes=1)

    def test_write_through_open(self, storage: Any) -> None:
        """Content that is written to an open file exists after close."""
        with storage.open("written.txt", "w") as file:
            file.write("line\n")
            file.write("last")
        with storage.open("written.txt", "r") as file:
            assert file.read() == "line\nlast"


class S3StorageContract(StorageContract):
    """The tests of StorageContract, and tests of what S3Storage offers beyond Django's Storage API."""

    @pytest.mark.parametrize(
        "name",
        ["a+b c.txt", "100%.txt", "what?x=1&y=2#z.txt", "ünï/çødé €.txt", "日本語.txt", "'quotes\".txt", "a=b;c.txt"],
    )
    def test_odd_names_round_trip(self, storage: Any, name: str) -> None:
        """Names with any printable character are saved, found, listed, read and deleted."""
        assert storage.save(name, ContentFile(b"odd")) == name
        assert storage.exists(name)
        directory, _, base = name.rpartition("/")
        assert base in storage.listdir(directory)[1]
        assert storage.read_bytes(name) == b"odd"
        storage.delete(name)
        assert not storage.exists(name)

    def test_delete_of_nothing_is_refused(self, storage: Any) -> None:
        """delete('') is refused, because it would mean the whole storage."""
        storage.save("kept.txt", ContentFile(b"x"))
        with pytest.raises(ValueError, match="name"):
            storage.delete("")
        assert storage.exists("kept.txt")

    def test_modified_time_is_in_time_zone_without_use_tz(self, storage: Any, settings: Any) -> None:
        """Without USE_TZ the modification time is naive, in TIME_ZONE."""
        name = storage.save("dated.txt", ContentFile(b"x"))
        settings.USE_TZ = True
        aware = storage.get_modified_time(name)
        settings.TIME_ZONE = "Asia/Kolkata"
        settings.USE_TZ = False
        naive = storage.get_modified_time(name)
        assert naive == (aware + timedelta(hours=5, minutes=30)).replace(tzinfo=None)

    def test_every_kind_of_content(self, storage: Any) -> None:
        """bytes, str, generators and files that are not seekable can be saved."""

        def generator() -> Iterator[bytes]:
            yield b"ab"
            yield b"cd"

        class Pipe(io.RawIOBase):
            left = 5

            def readinto(self, buffer: Any) -> int:
                count = min(self.left, 2, len(buffer))
                buffer[:count] = b"x" * count
                self.left -= count
                return count

        contents = {b"bytes": b"bytes", "str €": "str €".encode(), generator(): b"abcd", Pipe(): b"xxxxx"}
        for content, expected in contents.items():
            assert storage.read_bytes(storage.save("any", content)) == expected

    def test_an_exception_publishes_nothing(self, storage: Any) -> None:
        """An exception in a `with` block leaves the old file unchanged, and creates no new one."""
        storage.save("old.txt", ContentFile(b"old"))
        for name in ("old.txt", "new.txt"):
            with pytest.raises(RuntimeError), storage.open(name, "w") as file:
                file.write("half")
                raise RuntimeError
        assert storage.read_bytes("old.txt") == b"old"
        assert not storage.exists("new.txt")

    def test_opening_for_writing_truncates(self, storage: Any) -> None:
        """Mode w replaces the whole file, even if nothing is written."""
        storage.save("old.txt", b"a long old content")
        with storage.open("old.txt", "wb") as file:
            file.write(b"new")
        assert storage.read_bytes("old.txt") == b"new"
        file = storage.open("old.txt", "w")
        file.close()
        file.close()
        assert storage.read_bytes("old.txt") == b""

    def test_exclusive_creation(self, storage: Any) -> None:
        """Mode x creates a file, and raises an error if it exists."""
        with storage.open("x.txt", "x") as file:
            file.write("new")
        with pytest.raises(FileExistsError):
            storage.open("x.txt", "xb")
        assert storage.read_text("x.txt") == "new"

    @pytest.mark.parametrize("mode", ["a", "ab", "r+", "r+b", "rb+", "w+", "w+b", "x+", "a+"])
    def test_impossible_modes_are_refused_at_open(self, storage: Any, mode: str) -> None:
        """Appending and changing in place are refused, with the reason."""
        storage.save("kept.txt", ContentFile(b"kept"))
        with pytest.raises(io.UnsupportedOperation, match="S3 cannot"):
            storage.open("kept.txt", mode)
        assert storage.read_bytes("kept.txt") == b"kept"

    @pytest.mark.parametrize("mode", ["", "z", "rw", "bt", "rbt", "rr"])
    def test_unknown_modes_are_refused(self, storage: Any, mode: str) -> None:
        """An unknown mode raises ValueError, as with the built-in open."""
        with pytest.raises(ValueError, match="mode"):
            storage.open("any.txt", mode)

    def test_copy_and_move(self, storage: Any) -> None:
        """Copies keep content and metadata, a move deletes the source, and neither overwrites by default."""
        storage.save("a.txt", b"content", metadata={"owner": "me"})
        storage.copy("a.txt", "b/c.txt")
        assert storage.read_bytes("b/c.txt") == b"content"
        assert storage.get_metadata("b/c.txt") == {"owner": "me"}
        with pytest.raises(FileExistsError):
            storage.copy("a.txt", "b/c.txt")
        storage.move("b/c.txt", "d.txt")
        assert not storage.exists("b/c.txt")
        storage.move("d.txt", "a.txt", overwrite=True)
        storage.move("a.txt", "a.txt")
        assert [stat.name for stat in storage.scan()] == ["a.txt"]
        with pytest.raises(FileNotFoundError):
            storage.copy("missing.txt", "e.txt")

    def test_walk_and_scan(self, storage: Any) -> None:
        """scan returns every file with its size, and walk returns the tree."""
        for name in ("a.txt", "d/b.txt", "d/e/c.txt", "d-e/f.txt"):
            storage.save(name, name.encode())
        assert {stat.name: stat.size for stat in storage.scan()} == {
            "a.txt": 5,
            "d/b.txt": 7,
            "d/e/c.txt": 9,
            "d-e/f.txt": 9,
        }
        assert list(storage.walk()) == [
            ("", ["d", "d-e"], ["a.txt"]),
            ("d", ["e"], ["b.txt"]),
            ("d/e", [], ["c.txt"]),
            ("d-e", [], ["f.txt"]),
        ]
        assert [directory for directory, _, _ in storage.walk("d")] == ["d", "d/e"]

    def test_delete_tree_and_many(self, storage: Any) -> None:
        """delete_tree deletes one directory, and delete_many deletes files by name."""
        for name in ("d/a", "d/e/b", "d-neighbour/c", "dd", "x", "y"):
            storage.save(name, b"x")
        assert storage.delete_tree("d") == 2
        assert storage.delete_many(["x", "y"]) == 2
        assert sorted(stat.name for stat in storage.scan()) == ["d-neighbour/c", "dd"]
        with pytest.raises(ValueError, match="force"):
            storage.delete_tree("")
        assert storage.delete_tree("", force=True) == 2

    def test_metadata(self, storage: Any) -> None:
        """Metadata can be set on saving and replaced later, and the content type stays."""
        name = storage.save("m.txt", b"m", content_type="text/x-special", metadata={"a": "1"})
        storage.set_metadata(name, {"b": "2"})
        stat = storage.stat(name)
        assert (stat.metadata, stat.content_type, stat.name) == ({"b": "2"}, "text/x-special", name)
        assert storage.read_bytes(name) == b"m"

    def test_files_from_and_to_paths(self, storage: Any, tmp_path: Any) -> None:
        """Local files can be saved and downloaded by path."""
        source = tmp_path / "source.bin"
        source.write_bytes(b"local" * 1000)
        name = storage.save_path("from-path.bin", source)
        target = storage.download_path(name, tmp_path / "target.bin")
        assert target.read_bytes() == source.read_bytes()
        buffer = io.BytesIO()
        assert storage.download_to(name, buffer) == 5000
        assert buffer.getvalue() == source.read_bytes()
        with pytest.raises(FileNotFoundError):
            storage.download_path("missing", tmp_path / "never")
        assert sorted(path.name for path in tmp_path.iterdir()) == ["source.bin", "target.bin"]

    def test_folders(self, storage: Any) -> None:
        """An empty folder is listed as a directory, and is not a file."""
        storage.create_folder("empty")
        assert storage.listdir("") == (["empty"], [])
        assert storage.listdir("empty") == ([], [])
        assert storage.exists("empty")
        assert storage.exists("empty/")
        assert list(storage.scan()) == []
        with pytest.raises(ValueError, match="name"):
            storage.create_folder("")
        storage.delete("empty/")
        assert not storage.exists("empty")

    def test_libraries_read_from_open_files(self, storage: Any) -> None:
        """zipfile, csv, json and text wrappers work on an open file."""
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as packed:
            packed.writestr("inside.txt", "inside")
        storage.save("a.zip", archive)
        with storage.open("a.zip") as file, zipfile.ZipFile(file) as packed:
            assert packed.read("inside.txt") == b"inside"
        storage.save("a.csv", "name,size\nä,1\n")
        with storage.open("a.csv", "r", newline="") as file:
            assert list(csv.reader(file)) == [["name", "size"], ["ä", "1"]]
        storage.save("a.json", '{"a": 1}')
        with storage.open("a.json") as file:
            assert json.load(file) == {"a": 1}
        with storage.open("written.zip", "wb") as file, zipfile.ZipFile(file, "w") as packed:
            packed.writestr("new.txt", "new")
        with storage.open("written.zip") as file, zipfile.ZipFile(file) as packed:
            assert packed.namelist() == ["new.txt"]

    def test_a_local_path_is_refused(self, storage: Any) -> None:
        """The error of path() names the alternatives."""
        with pytest.raises(NotImplementedError, match="download_path"):
            storage.path("a.txt")
