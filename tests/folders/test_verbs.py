"""All verbs of a Folder, on two servers and on the twin."""

import io

import pytest

from s3store.folders import Folder
from tests.folders.trees import fill, keys_in, paths_of


class TestVerbs:
    """The contract of a Folder."""

    def test_b13_files_are_saved_and_read(self, folder):
        """B13, B22: `save` returns the path, and the content is what was saved."""
        assert folder.save("2026/offer.pdf", b"%PDF") == "2026/offer.pdf"
        assert folder.read("2026/offer.pdf") == b"%PDF"
        target = io.BytesIO()
        assert folder.download("2026/offer.pdf", target) == 4
        assert target.getvalue() == b"%PDF"
        with folder.open("2026/offer.pdf") as file:
            assert file.read(2) == b"%P"

    def test_b14_b15_content_is_of_any_kind_and_needs_no_folder(self, folder):
        """Text, files and iterables are saved without reading them whole, and no folder has to exist."""
        assert folder.read(folder.save("a/b/c/text.txt", "é")) == "é".encode()
        assert folder.read(folder.save("a/file.bin", io.BytesIO(b"file"))) == b"file"
        assert folder.read(folder.save("a/parts.bin", iter([b"1", b"2"]))) == b"12"
        with folder.open("a/written.txt", "w") as file:
            file.write("written")
        assert folder.read("a/written.txt") == b"written"

    def test_a_taken_name_is_not_overwritten(self, folder):
        """Only `overwrite` replaces a file, and `keep_both` saves beside it."""
        fill(folder, "a.txt")
        with pytest.raises(FileExistsError):
            folder.save("a.txt", b"new")
        assert folder.read("a.txt") == b"a.txt"
        assert folder.save("a.txt", b"second", keep_both=True) == "a (2).txt"
        assert folder.save("a.txt", b"third", keep_both=True) == "a (3).txt"
        assert folder.save("a.txt", b"new", overwrite=True) == "a.txt"
        assert folder.read("a.txt") == b"new"

    def test_b16_b17_empty_folders_are_listed_and_take_files(self, folder):
        """A folder without files is there until it is deleted."""
        assert folder.create_folder("2026") == "2026/"
        assert paths_of(folder.list()) == ["2026/"]
        assert paths_of(folder.list("2026")) == []
        fill(folder, "2026/a.txt")
        assert paths_of(folder.list("2026/")) == ["2026/a.txt"]
        folder.delete("2026/a.txt")
        assert paths_of(folder.list()) == ["2026/"]

    def test_b18_files_and_folders_are_deleted(self, folder):
        """A file, and a folder with everything in it."""
        fill(folder, "a.txt", "docs/b.txt", "docs/deep/c.txt", "docs/empty/")
        assert folder.delete("a.txt").done == 1
        assert folder.delete("docs").done == 2
        assert keys_in(folder) == []
        with pytest.raises(FileNotFoundError):
            folder.delete("a.txt")

    def test_b24_folders_move(self, folder):
        """With everything in them, into another folder."""
        fill(folder, "docs/a.txt", "docs/deep/b.txt", "docs/empty/", "other/c.txt")
        report = folder.move("docs", "other")
        assert (report.done, report.failures, report.targets) == (2, (), (("docs/", "other/docs/"),))
        assert folder.read("other/docs/deep/b.txt") == b"docs/deep/b.txt"
        found = ["other/c.txt", "other/docs/", "other/docs/a.txt", "other/docs/deep/b.txt", "other/docs/empty/"]
        assert keys_in(folder) == found

    def test_b25_b26_files_move_and_are_renamed(self, folder):
        """A file moves into another folder, and gets another name where it is."""
        fill(folder, "docs/a.txt")
        assert folder.move("docs/a.txt", "").targets == (("docs/a.txt", "a.txt"),)
        assert folder.rename("a.txt", "b.txt").targets == (("a.txt", "b.txt"),)
        assert folder.read("b.txt") == b"docs/a.txt"
        assert keys_in(folder) == ["b.txt"]

    def test_copies(self, folder):
        """Files and folders, several at once."""
        fill(folder, "docs/a.txt", "docs/deep/b.txt", "c.txt")
        report = folder.copy(["docs/", "c.txt", "gone.txt"], "all")
        assert report.done == 3
        assert [(failure.path, failure.code) for failure in report.failures] == [("gone.txt", "missing")]
        assert keys_in(folder) == [
            "all/c.txt",
            "all/docs/",
            "all/docs/a.txt",
            "all/docs/deep/b.txt",
            "c.txt",
            "docs/a.txt",
            "docs/deep/b.txt",
        ]

    def test_b27_b28_entries_say_what_is_there(self, folder):
        """Name, path, size, time, ETag and kind, from a listing and from `stat`."""
        fill(folder, "docs/offer.pdf")
        (entry,) = folder.list("docs").entries
        again = folder.stat("docs/offer.pdf")
        for one in (entry, again):
            assert (one.name, one.path, one.size, one.kind) == ("offer.pdf", "docs/offer.pdf", 14, "pdf")
            assert one.modified.tzinfo
            assert one.etag
        assert folder.stat("docs").is_folder
        assert folder.stat("docs/").path == "docs/"
        assert folder.stat("").is_folder
        assert [folder.exists(path) for path in ("docs", "docs/offer.pdf", "doc", "nothing/")] == [
            True,
            True,
            False,
            False,
        ]
        with pytest.raises(FileNotFoundError):
            folder.stat("doc")
        assert [crumb.path for crumb in folder.breadcrumbs("a/b")] == ["", "a/", "a/b/"]

    def test_b07_b09_one_root_does_not_reach_another(self, storage):
        """Each owner has a root, and sees nothing of the others, whatever their names begin with."""
        first, second = Folder(storage, "clients/1"), Folder(storage, "clients/10")
        fill(first, "a.txt")
        fill(second, "b.txt")
        assert paths_of(first.list()) == ["a.txt"]
        assert paths_of(second.list()) == ["b.txt"]
        assert first.root == "clients/1"

    def test_b10_a_folder_needs_no_owner(self, storage):
        """Without a root, the folder is the location of the storage."""
        storage.save("a.txt", b"x")
        assert paths_of(Folder(storage).list()) == ["a.txt"]
