"""ZIP files that are sent while their files are read."""

import io
import subprocess
import zipfile

import pytest

from s3store import errors
from s3store.folders import ArchiveTooLargeError, Folder
from s3store.local import FakeS3Storage
from s3store.testing.counting import counted_requests
from tests.folders.trees import fill, put


def unpacked(archive):
    """Return the names and contents in an archive, whose length is the one that was promised."""
    content = b"".join(archive)
    assert len(content) == archive.size
    with zipfile.ZipFile(io.BytesIO(content)) as found:
        assert found.testzip() is None
        assert all(info.flag_bits & 0x800 for info in found.infolist())
        return {info.filename: found.read(info) for info in found.infolist()}


def test_fo_35_a_folder_is_one_zip_file_of_known_length(folder):
    """On both servers and on the twin: every file, empty folders too, and exactly as many bytes as promised."""
    fill(folder, "docs/a.txt", "docs/deep/é.txt", "docs/empty/", "docs-2/b.txt")
    folder.save("docs/large.bin", b"0123456789abcdef" * 100_000)
    archive = folder.zip("docs")
    assert archive.name == "docs.zip"
    found = unpacked(archive)
    assert found == {
        "empty/": b"",
        "a.txt": b"docs/a.txt",
        "deep/é.txt": "docs/deep/é.txt".encode(),
        "large.bin": b"0123456789abcdef" * 100_000,
    }
    assert set(archive.entries) == set(found)


def test_fo_38_a_selection_names_what_is_missing(folder):
    """Vanished files are listed in a file of the archive, and of one path an exception says it."""
    fill(folder, "docs/a.txt", "docs/deep/b.txt", "docs/c.txt")
    archive = folder.zip(["docs/a.txt", "docs/deep/", "docs/gone.txt"], name="pictures")
    assert (archive.name, archive.not_included) == ("pictures.zip", ("docs/gone.txt",))
    found = unpacked(archive)
    assert found.pop("Not included.txt") == b"docs/gone.txt\r\n"
    assert found == {"deep/": b"", "a.txt": b"docs/a.txt", "deep/b.txt": b"docs/deep/b.txt"}
    with pytest.raises(FileNotFoundError):
        folder.zip("gone.txt")
    assert list(unpacked(folder.zip("docs/a.txt"))) == ["a.txt"]
    assert unpacked(folder.zip([])) == {}


def test_fo_36_st_10_names_in_a_zip_are_safe(local, tmp_path):
    """Nothing leads out of the directory, and no two names are the same on systems that ignore case."""
    for key in ("Photo.JPG", "photo.jpg", "cafe\u0301.txt", "caf\u00e9.txt", "a\\..\\b.txt", "../x", "con.txt", "n:/y"):
        put(local, f"docs/{key}")
    put(local, "docs/x\u202egpj.exe")
    put(local, "docs/line\nbreak")
    put(local, "docs/photo.JPG/inside")
    put(local, "docs/" + "long/" * 60 + "x")
    archive = local.zip("docs")
    found = unpacked(archive)
    names = list(found)
    assert not any(".." in name.split("/") or "\\" in name or ":" in name or "\u202e" in name for name in names)
    assert len({name.casefold() for name in names}) == len(names)
    assert {"Photo (2).JPG", "photo (3).jpg", "_con.txt", "__x"} & set(names)
    assert archive.long == ("long/" * 60 + "x",)
    target = tmp_path / "archive.zip"
    target.write_bytes(b"".join(local.zip("docs")))
    listed = subprocess.run(["unzip", "-tq", str(target)], capture_output=True, check=False)
    assert listed.returncode == 0, listed


@pytest.mark.parametrize(("limits", "fits"), [({"max_files": 2}, True), ({"max_files": 1}, False)])
def test_fo_37_limits_are_checked_before_the_first_byte(local, limits, fits):
    """In files and in bytes, to one more or less."""
    fill(local, "docs/a", "docs/b")
    size = len("docs/a") * 2
    for how in (limits, {"max_bytes": size if fits else size - 1}):
        if fits:
            assert len(unpacked(local.zip("docs", **how))) == 2
        else:
            with pytest.raises(ArchiveTooLargeError, match="Select less"):
                local.zip("docs", **how)
    with pytest.raises(ArchiveTooLargeError, match="at most 1000"):
        local.zip([f"{number}" for number in range(1001)])


@pytest.mark.parametrize("change", ["replaced", "deleted", "shorter"])
def test_fo_35_a_source_that_changes_ends_the_archive(folder, change):
    """The client gets fewer bytes than the Content-Length says, and never a mixture."""
    fill(folder, "docs/a.txt", "docs/b.txt")
    archive = folder.zip("docs")
    if change == "deleted":
        folder.delete("docs/b.txt")
    else:
        folder.save("docs/b.txt", b"other" if change == "shorter" else b"docs/B.txt", overwrite=True)
    got = 0
    with pytest.raises((errors.ObjectChangedError, FileNotFoundError)):
        for block in archive:
            got += len(block)
    assert got < archive.size


def test_compressed_objects_are_in_the_archive_as_readers_see_them(tmp_path):
    """Where the storage compresses, the archive has the original bytes."""
    storage = FakeS3Storage(tmp_path, allow_without_debug=True, gzip=True)
    folder = Folder(storage)
    folder.save("docs/a.css", b"a {}" * 1000)
    assert storage.stat("docs/a.css").size < 4000
    assert unpacked(folder.zip("docs"))["a.css"] == b"a {}" * 1000


def test_an_archive_costs_a_request_a_file(seaweedfs_options):
    """The listing, and a GET for each file: empty ones need none."""
    from s3store.storage import S3Storage

    folder = Folder(S3Storage(**seaweedfs_options))
    fill(folder, "docs/a.txt", "docs/b.txt", "docs/empty/")
    folder.save("docs/nothing.txt", b"")
    with counted_requests(folder.storage) as sent:
        list(folder.zip("docs/"))
    assert len(sent) == 3


def test_what_may_not_be_read_is_not_in_it(local):
    """Below the folder too."""

    class Policy:
        def can(self, user, action, path):
            return "secret" not in path

    fill(local, "docs/a.txt", "docs/secret/b.txt")
    folder = Folder(local.storage, "acme", policy=Policy())
    assert list(unpacked(folder.zip("docs"))) == ["a.txt"]
    with pytest.raises(FileNotFoundError):
        folder.zip("docs/secret")
    assert folder.zip(["docs/secret/b.txt", "docs/a.txt"]).not_included == ("docs/secret/b.txt",)


def test_what_belongs_to_s3store_is_not_in_it(local):
    """The trash stays where it is."""
    fill(local, "a.txt", "b.txt")
    local.trash("b.txt", operation="one")
    assert list(unpacked(local.zip(""))) == ["a.txt"]
