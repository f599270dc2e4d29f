"""The stage: names and where their bytes are, with the answers of a file system."""

import os

import pytest
from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage, InMemoryStorage

from s3store.staticfiles import staging
from s3store.staticfiles.staging import Stage, at_path, in_memory, in_storage
from s3store.storage import S3StaticStorage


@pytest.fixture
def stage(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "made").mkdir()
    (tmp_path / "in" / "a.txt").write_text("a")
    return Stage(
        tmp_path / "made", {"deep/er/a.txt": at_path(str(tmp_path / "in" / "a.txt")), "b.txt": in_memory(b"b")}
    )


@pytest.mark.parametrize(
    ("name", "there"),
    [
        ("b.txt", True),
        ("deep/er/a.txt", True),
        ("deep\\er\\a.txt", True),
        ("deep", True),
        ("deep/er", True),
        (".", True),
        ("", True),
        ("dee", False),
        ("deep/a.txt", False),
        ("../b.txt", False),
        ("/b.txt", False),
    ],
)
def test_files_and_directories_exist(stage, name, there):
    """Both, as on a file system; Django asks for both."""
    assert stage.exists(name) == there


def test_opening(stage):
    """Files give their bytes, directories and what is missing the errors of a file system."""
    with stage.open("deep/er/a.txt") as one, stage.open("b.txt") as two:
        assert (one.read(), two.read()) == (b"a", b"b")
    with pytest.raises(IsADirectoryError):
        stage.open("deep")
    with pytest.raises(FileNotFoundError):
        stage.open("none.txt")


def test_what_was_found_is_kept_where_it_is(stage, tmp_path):
    """Under another name it is the same file, as it looked when it was found: a change in between is noticed."""
    found = stage.files["deep/er/a.txt"]
    with found.open() as file:
        assert stage.save("new/a.123.txt", file) == "new/a.123.txt"
    assert stage.files["new/a.123.txt"] is found
    assert stage.exists("new")
    assert list((tmp_path / "made").iterdir()) == []


def made(tmp_path):
    return len(list((tmp_path / "made").iterdir()))


@pytest.mark.parametrize(("held", "on_disk"), [(5, 0), (4, 1), (-1, 2)])
def test_what_is_nowhere_else_is_kept(stage, tmp_path, monkeypatch, held, on_disk):
    """Contents in memory, and files that no finder has found, whatever they are called: in the end on the disk."""
    monkeypatch.setattr(staging, "HELD", held + len(b"b") + len("ä".encode()))
    (tmp_path / "other.txt").write_text("other")
    stage.save("a.css", ContentFile("ä".encode()))
    with (tmp_path / "other.txt").open("rb") as file:
        stage.save("b.css", File(file))
    assert made(tmp_path) == on_disk
    with stage.open("a.css") as one, stage.open("b.css") as two:
        assert (one.read(), two.read()) == ("ä".encode(), b"other")


def test_memory_is_free_again(stage, tmp_path, monkeypatch):
    """After a file was deleted, and after it was replaced."""
    monkeypatch.setattr(staging, "HELD", 10)
    for _ in range(3):
        stage.save("a.css", ContentFile(b"123456789"))
        stage.delete("a.css")
    assert made(tmp_path) == 0
    stage.save("b.txt", ContentFile(b"123456789"))
    stage.save("b.txt", ContentFile(b"1"))
    stage.save("c.txt", ContentFile(b"123456789"))
    assert made(tmp_path) == 0
    stage.save("d.txt", ContentFile(b"1"))
    assert made(tmp_path) == 1


def test_large_content_arrives_in_the_directory(stage, tmp_path, monkeypatch):
    """Chunk by chunk, and complete."""
    monkeypatch.setattr(staging, "HELD", 10)
    content = bytes(range(256)) * 1024
    stage.save("a.bin", ContentFile(content))
    assert made(tmp_path) == 1
    with stage.open("a.bin") as file:
        assert file.read() == content


def test_the_size_is_known_if_it_costs_nothing(stage):
    """Of local files and of those in memory; not of a file in another storage."""
    assert [stage.files[name].size for name in ("deep/er/a.txt", "b.txt")] == [1, 1]
    assert in_storage(InMemoryStorage(), "elsewhere.txt").size == float("inf")


def test_deleting(stage):
    """A deleted file is gone; deleting what is not there is no error."""
    stage.delete("b.txt")
    stage.delete("b.txt")
    assert not stage.exists("b.txt")


@pytest.mark.parametrize("change", ["content", "time", "size"])
def test_a_file_that_changes_is_noticed(tmp_path, change):
    """By its size or its time."""
    path = tmp_path / "a.txt"
    path.write_text("one")
    os.utime(path, ns=(10, 10))
    file = at_path(str(path))
    file.refuse_changed()
    if change != "time":
        path.write_text("two" if change == "content" else "three")
    if change == "size":
        os.utime(path, ns=(10, 10))
    elif change == "time":
        os.utime(path, ns=(10, 11))
    with pytest.raises(OSError, match="changed while"):
        file.refuse_changed()


def test_a_storage_with_paths_and_one_without(tmp_path):
    """The files of the former are opened by path, those of the latter by the storage, whatever path it tells."""
    (tmp_path / "a.txt").write_text("local")
    memory = InMemoryStorage()
    memory.save("a.txt", ContentFile(b"far"))
    local, far = in_storage(FileSystemStorage(tmp_path), "a.txt"), in_storage(memory, "a.txt")
    assert (local.path, far.path) == (str(tmp_path / "a.txt"), None)
    with local.open() as one, far.open() as two:
        assert (one.read(), two.read()) == (b"local", b"far")
    assert in_storage(S3StaticStorage(bucket_name="bucket"), "a.txt").path is None


def test_a_storage_works_on_its_stage_inside_the_block_alone(stage, s3_options):
    """Saving, asking, opening, deleting and URLs; after it the same verbs reach the bucket again."""
    storage = S3StaticStorage(**s3_options)
    storage.save("b.txt", b"in the bucket")
    with storage.staged(stage):
        with storage.open("b.txt") as file:
            assert file.read() == b"b"
        storage._save("c.txt", ContentFile(b"c"))
        storage.delete("b.txt")
        assert (storage.exists("b.txt"), storage.exists("c.txt")) == (False, True)
        assert storage.url("ä b.txt").endswith("/%C3%A4%20b.txt")
        assert storage.url("ä b.txt").startswith("http")
    assert (storage.exists("b.txt"), storage.exists("c.txt")) == (True, False)
    with storage.open("b.txt") as file:
        assert file.read() == b"in the bucket"
    assert storage.url("b.txt").startswith("http")
    storage.delete("b.txt")
    assert not storage.exists("b.txt")


def test_files_can_be_written_on_a_stage(stage):
    """Through `open`, as bytes and as text; each is there when it is closed, and modes are those of the storage."""
    storage = S3StaticStorage(bucket_name="bucket")
    with storage.staged(stage):
        file = storage.open("b.txt", "wb")
        file.write(b"new")
        assert storage.size("b.txt") == 1
        file.file.close()
        file.close()
        with storage.open("t.txt", "w") as text:
            text.write("ä")
        with storage.open("t.txt") as binary, storage.open("t.txt", "r") as text:
            assert (binary.read(), text.read()) == ("ä".encode(), "ä")
        assert storage.size("b.txt") == 3
        assert storage.listdir("") == (["deep"], ["b.txt", "t.txt"])
        assert storage.listdir("deep/") == (["er"], [])
        with pytest.raises(ValueError, match="not a supported mode"):
            storage.open("t.txt", "z")


def test_twenty_thousand_names_are_no_trouble(tmp_path):
    """Asking costs the same however many files there are: a search through all of them would take a minute."""
    files = {f"d{number}/f{number}.txt": in_memory(b"") for number in range(20_000)}
    stage = Stage(tmp_path, files)
    assert not any(stage.exists(f"{name}.0123456789ab") for name in files)
