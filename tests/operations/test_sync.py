"""manage.py s3 sync: directories and storages that contain the same afterwards."""

from __future__ import annotations

import os
import socket

import pytest

from s3store.operations.places import PlaceError
from s3store.operations.sync import sync
from s3store.testing.counting import counted_requests
from tests.operations.sync_places import Steps, files_in, fill, local, objects_in, place, run, run_json, storage_at, use

FILES = {
    "a.txt": "a",
    "a/b.txt": "b",
    "a-b.txt": "c",
    "dir!/x": "d",
    "dir/x": "e",
    "ü/é.txt": "f",
    ".hidden": "g",
    "0": "",
}


@pytest.fixture
def tree(tmp_path):
    return fill(tmp_path / "tree", FILES)


def test_a_directory_is_sent_and_the_next_run_sends_nothing(s3_storage, tree):
    """The files have the headers that save would give them; the time of a file is no reason to send it."""
    steps = Steps()
    summary = sync(local(tree), place(s3_storage, "up"), watcher=steps)
    assert (summary.objects, summary.sent, summary.skipped, summary.failed) == (8, 8, 0, [])
    assert summary.size == 7
    assert objects_in(s3_storage, "up") == files_in(tree)
    assert s3_storage.stat("up/a.txt").content_type == "text/plain"
    assert s3_storage.stat("up/a.txt").metadata == {}
    assert set(steps.done.values()) == {"send"}
    os.utime(tree / "a.txt", (0, 0))
    with counted_requests(s3_storage) as sent:
        summary = sync(local(tree), place(s3_storage, "up"))
    assert (summary.sent, summary.skipped, summary.requests) == (0, 8, len(sent))
    assert set(sent.methods) == {"GET"}


def test_only_what_differs_is_sent(s3_storage, tree):
    """By size, and by the digest where the size is equal; new files too."""
    sync(local(tree), place(s3_storage))
    fill(tree, {"a.txt": "x", "a/b.txt": "longer", "new": "n"})
    steps = Steps()
    sync(local(tree), place(s3_storage), watcher=steps)
    assert {step.name: step.reason for step in steps.steps if step.op != "skip"} == {
        "a.txt": "the content differs",
        "a/b.txt": "the size differs",
        "new": "it is new",
    }
    assert objects_in(s3_storage) == files_in(tree)


def test_a_dry_run_only_reads(s3_storage, tree):
    """It returns the plan, with deletions, and says the reasons."""
    sync(local(tree), place(s3_storage))
    fill(tree, {"a.txt": "x", "new": "n"})
    (tree / "0").unlink()
    with counted_requests(s3_storage) as sent:
        summary = sync(local(tree), place(s3_storage), delete=True, dry_run=True)
    assert {(step.op, step.name) for step in summary.plan} == {("send", "a.txt"), ("send", "new"), ("delete", "0")}
    assert (summary.sent, summary.deleted, summary.dry_run) == (2, 1, True)
    assert set(sent.methods) <= {"GET", "HEAD"}
    assert len(sent)
    assert set(objects_in(s3_storage)) == set(FILES)


def test_a_storage_is_downloaded_and_the_next_run_gets_nothing(s3_storage, tree, tmp_path):
    """With the times of the files that were sent; sending them again sends nothing."""
    os.utime(tree / "a.txt", (1_000_000_000, 1_000_000_000))
    sync(local(tree), place(s3_storage, "up"))
    target = tmp_path / "new" / "target"
    summary = sync(place(s3_storage, "up"), local(target))
    assert (summary.sent, summary.failed) == (8, [])
    assert files_in(target) == files_in(tree)
    assert (target / "a.txt").stat().st_mtime == 1_000_000_000
    assert sync(place(s3_storage, "up"), local(target)).sent == 0
    assert sync(local(target), place(s3_storage, "up")).sent == 0


def test_links_and_special_files_are_skipped_sk_06(s3_storage, tree, monkeypatch):
    """And not deleted from the target, where an earlier run may have put them."""
    (tree / "link").symlink_to("a.txt")
    (tree / "directory").symlink_to("a")
    os.mkfifo(tree / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        monkeypatch.chdir(tree)
        listener.bind("socket")
        s3_storage.save("up/directory/old", __file__.encode())
        steps = Steps()
        summary = sync(local(tree), place(s3_storage, "up"), delete=True, watcher=steps)
    assert (summary.sent, summary.deleted, summary.failed) == (8, 0, [])
    assert summary.more["special"] == 4
    assert (
        steps.warnings
        == summary.warnings
        == [
            "'directory' was skipped: it is a symbolic link.",
            "'link' was skipped: it is a symbolic link.",
            "'pipe' was skipped: it is a pipe.",
            "'socket' was skipped: it is a socket.",
        ]
    )
    assert set(objects_in(s3_storage, "up")) == {*FILES, "directory/old"}


def test_the_command_syncs_and_says_so(settings, s3_options, tree):
    """Words by default, JSON with --json; the exit status is that of the outcome."""
    use(settings, default=s3_options)
    out, err, error = run(tree, "default:up")
    assert (err, error) == ("", None)
    assert out.startswith("8 files, 8 sent (7 B), 0 unchanged, 0 deleted, 0 failed, ")
    told, error = run_json(tree, "default:up")
    assert (told["command"], told["objects"], told["sent"], told["skipped"], error) == ("sync", 8, 0, 8, None)


def test_places_that_cannot_be_used(s3_storage, tmp_path):
    """A missing source is an error, also with force."""
    (tmp_path / "file").touch()
    s3_storage.save("file", b"x")
    for source, target, words in [
        (local(tmp_path / "none"), place(s3_storage), "does not exist"),
        (local(tmp_path / "file"), place(s3_storage), "is a file"),
        (local(tmp_path), local(tmp_path), "must be in a storage"),
        (place(s3_storage, "file"), local(tmp_path), "is a file"),
        (place(s3_storage, "a"), local(tmp_path / "file"), "is not a directory"),
        (place(s3_storage, "a"), place(s3_storage, "a/b"), "contain each other"),
        (place(s3_storage), place(s3_storage, "a/b"), "contain each other"),
    ]:
        with pytest.raises(PlaceError, match=words):
            sync(source, target, delete=True, force=True)


def test_storages_are_copied_by_the_server(s3_storage, tree):
    """Nothing is downloaded; headers and metadata of the source stay; the next run copies nothing."""
    sync(local(tree), place(s3_storage, "up"))
    with counted_requests(s3_storage) as sent:
        summary = sync(place(s3_storage, "up"), place(s3_storage, "copy"))
    assert (summary.sent, summary.failed) == (8, [])
    assert "GET" not in [one.method for one in sent if "list-type" not in one.query]
    assert objects_in(s3_storage, "copy") == files_in(tree)
    assert sync(place(s3_storage, "up"), place(s3_storage, "copy")).sent == 0


def test_storages_with_other_options_are_streamed(s3_options, s3_storage, tree):
    """Through this machine, with headers and metadata."""
    other = storage_at(s3_options, location="other", max_attempts=7)
    sync(local(tree), place(s3_storage, "up"))
    summary = sync(place(s3_storage, "up"), place(other, "copy"))
    assert (summary.sent, summary.failed) == (8, [])
    assert objects_in(other, "copy") == files_in(tree)
    assert other.stat("copy/a.txt").content_type == "text/plain"
    assert sync(place(s3_storage, "up"), place(other, "copy")).sent == 0
