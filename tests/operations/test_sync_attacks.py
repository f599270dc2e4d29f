"""Sync against hostile names, wrong sources and links: nothing is written outside, nothing is deleted by mistake."""

from __future__ import annotations

import os

import pytest

from s3store.operations.sync import deletes, sync
from s3store.operations.sync.deletes import Doomed, refusal
from s3store.operations.sync.names import NameRefusedError, check_for_storage
from s3store.operations.sync.rows import Row
from s3store.storage import S3Storage
from s3store.testing.counting import counted_requests
from s3store.testing.fixtures import options_for
from tests.operations.sync_places import Steps, files_in, fill, local, objects_in, place, run, run_json, use


@pytest.fixture
def hostile(moto):
    """A storage in a bucket with keys that other programs have written; `put` writes one more."""

    def put(key, body=b"evil"):
        storage.client.put_object(Bucket=storage.bucket_name, Key=f"in/{key}", Body=body)

    storage = S3Storage(**options_for(moto, "hostile-names"), location="in")
    storage.client.create_bucket(Bucket="hostile-names")
    storage.put = put
    yield storage
    storage.delete_tree("", force=True)
    for listed in storage.client.list_objects_v2(Bucket="hostile-names").get("Contents", ()):
        storage.client.delete_object(Bucket="hostile-names", Key=listed["Key"])
    storage.client.delete_bucket(Bucket="hostile-names")


KEYS = ["../../out", "/abs", "a/../../out", "a\\..\\out", "a//b", "./c", "e\x01sc", "d/", "..", "a/.."]


def test_sk_02_sn_23_hostile_keys_are_refused_one_by_one(hostile, tmp_path, settings):
    """Nothing is written outside the target; each is named, everything else arrives, and the exit status is 1."""
    for key in KEYS:
        hostile.put(key)
    hostile.put("good/file", b"good")
    target = tmp_path / "deep" / "er" / "target"
    summary = sync(place(hostile), local(target))
    assert sorted(failure.name for failure in summary.failed) == sorted(KEYS)
    assert {failure.code for failure in summary.failed} == {"NameRefused"}
    assert files_in(tmp_path) == {"deep/er/target/good/file": b"good"}
    use(settings, default={**options_for_(hostile)})
    out, err, error = run("default:", target)
    assert error.returncode == 1
    assert "'e\\x01sc' failed" in str(error)
    assert "\x01" not in out + err + str(error)


def options_for_(storage):
    names = ("bucket_name", "endpoint_url", "access_key", "secret_key", "region_name", "location")
    return {name: getattr(storage, name) for name in names}


def test_sk_02_links_in_the_target_are_not_followed(s3_storage, tmp_path):
    """Neither directories on the way nor a link with the name of the file: each is named, and stays."""
    outside = fill(tmp_path / "outside", {"precious": "p"})
    target = fill(tmp_path / "target", {"x": "x"})
    (target / "link").symlink_to(outside)
    (target / "file").symlink_to(outside / "precious")
    (target / "loop").symlink_to("loop")
    for name in ("link/new", "link/precious", "file", "loop/a", "good"):
        s3_storage.save(name, name.encode())
    steps = Steps()
    summary = sync(place(s3_storage), local(target), watcher=steps)
    assert {failure.name for failure in summary.failed} == {"link/new", "link/precious", "loop/a", "file"}
    assert "is a symbolic link, which is not followed" in summary.failed[1].why
    assert files_in(outside) == {"precious": b"p"}
    assert (target / "good").read_bytes() == b"good"
    assert [name for name in os.listdir(target) if name.endswith(".s3store-part")] == []


def test_sk_02_a_file_and_a_directory_with_one_name(hostile, tmp_path):
    """One of the two cannot exist here: it is named, and no temporary file stays."""
    hostile.put("x", b"1")
    hostile.put("x/y", b"2")
    summary = sync(place(hostile), local(tmp_path / "target"), threads=1)
    assert [failure.name for failure in summary.failed] == ["x/y"]
    assert "'x' is a file and not a directory" in summary.failed[0].why
    assert files_in(tmp_path / "target") == {"x": b"1"}
    fill(tmp_path / "other", {"x/y": "2"})
    summary = sync(place(hostile), local(tmp_path / "other"))
    assert [failure.name for failure in summary.failed] == ["x"]
    assert files_in(tmp_path / "other") == {"x/y": b"2"}


def test_markers_become_directories(hostile, tmp_path):
    """A marker with content is data, and refused."""
    hostile.put("empty/inner/", b"")
    hostile.put("data/", b"data")
    hostile.put("", b"")
    summary = sync(place(hostile), local(tmp_path / "target"))
    assert [failure.name for failure in summary.failed] == ["data/"]
    assert (tmp_path / "target" / "empty" / "inner").is_dir()
    fill(tmp_path, {"target/f": "f"})
    sync(place(hostile), local(tmp_path / "target"), rules=[("data/", False)])
    (tmp_path / "target" / "empty" / "inner").rmdir()
    (tmp_path / "target" / "empty" / "inner").write_bytes(b"")
    summary = sync(place(hostile), local(tmp_path / "target"))
    assert [failure.name for failure in summary.failed] == ["data/", "empty/inner/"]


@pytest.mark.parametrize("name", ["a\\b", " /a", "\udcff", "tab\t"])
def test_local_names_that_a_storage_would_change(name):
    """They are refused: two files could become one."""
    with pytest.raises(NameRefusedError, match="Rename the file"):
        check_for_storage(name)


def test_local_names_that_s3_cannot_hold(s3_storage, tmp_path):
    """Each is named, also with bytes that are not UTF-8; all others are sent, and nothing is deleted."""
    tree = fill(
        tmp_path / "tree", {"good": "g", "back\\slash": "b", "x" * 200 + "/" + "y" * 250 + "/" + "z" * 250: "l"}
    )
    fill(tree, {"/".join("p" * 250 for _ in range(5)): "long"})
    with open(os.fsencode(tree) + b"/bad\xff", "wb") as file:
        file.write(b"b")
    s3_storage.save("old", b"o")
    summary = sync(local(tree), place(s3_storage), delete=True)
    assert [failure.name[:8] for failure in summary.failed] == ["back\\sla", "bad\\udcf", "p" * 8]
    assert objects_in(s3_storage).keys() == {"good", "old", "x" * 200 + "/" + "y" * 250 + "/" + "z" * 250}
    assert summary.warnings == ["Nothing was deleted, because 3 files failed."]


# --delete


def test_sk_03_an_empty_source_deletes_nothing(s3_storage, tmp_path, settings, s3_options):
    """The command refuses, says how many files would go, and obeys --force. A missing source is always an error."""
    use(settings, default=s3_options)
    for name in "abc":
        s3_storage.save(f"m/{name}", b"x")
    (tmp_path / "empty").mkdir()
    with counted_requests(s3_storage) as sent:
        _, _, error = run(tmp_path / "empty", "default:m", "--delete", "--yes")
    assert error.returncode == 1
    assert "The source has no files, so 3 files would be deleted" in str(error)
    assert set(sent.methods) == {"GET"}
    _, _, error = run(tmp_path / "missing", "default:m", "--delete", "--yes", "--force")
    assert (error.returncode, "does not exist" in str(error)) == (2, True)
    assert set(objects_in(s3_storage)) == {"m/a", "m/b", "m/c"}
    told, error = run_json(tmp_path / "empty", "default:m", "--delete", "--yes", "--force")
    assert (told["deleted"], error, objects_in(s3_storage)) == (3, None, {})


def test_sk_03_a_question_comes_first(s3_storage, tmp_path, settings, s3_options, monkeypatch):
    """With the number, the bytes and some names; without a terminal, --yes is needed."""
    use(settings, default=s3_options)
    tree = fill(tmp_path / "tree", {"a": "a"})
    s3_storage.save("m/old", b"123")
    with counted_requests(s3_storage) as sent:
        _, _, error = run(tree, "default:m", "--delete")
    assert (error.returncode, len(sent)) == (2, 0)
    assert "Give --yes" in str(error)

    class Terminal:
        def isatty(self):
            return True

        def readline(self):
            return answers.pop(0)

    monkeypatch.setattr("sys.stdin", Terminal())
    answers = ["n\n", "y\n"]
    _, err, error = run(tree, "default:m", "--delete")
    assert "1 file, 3 B:\n  old\nDelete them from default:m? [y/N]" in err
    assert "Nothing was deleted." in err
    assert (error, set(objects_in(s3_storage, "m"))) == (None, {"a", "old"})
    out, _, error = run(tree, "default:m", "--delete")
    assert (error, set(objects_in(s3_storage, "m"))) == (None, {"a"})
    assert "1 deleted" in out


def test_sk_03_a_dry_run_with_delete_only_reads(s3_storage, tmp_path, settings, s3_options):
    """It names what would be deleted, and needs no answer."""
    use(settings, default=s3_options)
    tree = fill(tmp_path / "tree", {"a": "a"})
    s3_storage.save("m/old", b"123")
    with counted_requests(s3_storage) as sent:
        out, _, error = run(tree, "default:m", "--delete", "--dry-run")
    assert "delete  old: only the target has it\n" in out
    assert "send    a: it is new\n" in out
    assert (error, set(sent.methods)) == (None, {"GET"})


@pytest.mark.parametrize(
    ("count", "total", "options", "code"),
    [
        (0, 9, {}, None),
        (3, 3, {"taken": 0}, "EmptySource"),
        (3, 3, {"taken": 0, "force": True}, None),
        (3, 3, {"taken": 0, "most": 9}, "EmptySource"),
        (100, 100, {}, None),
        (101, 202, {}, None),
        (101, 201, {}, "TooManyDeletes"),
        (101, 201, {"force": True}, None),
        (101, 201, {"most": 101}, None),
        (101, 201, {"most": 100}, "TooManyDeletes"),
        (5, 500, {"most": 4, "force": True}, "TooManyDeletes"),
    ],
)
def test_how_many_files_may_be_deleted(count, total, options, code):
    """Not all, and not most of many, unless the user says so."""
    doomed = Doomed(total=total)
    for number in range(count):
        doomed.add(Row(f"{number:05}", 1))
    found = refusal(doomed, **{"taken": 1, "force": False, "most": None, "target": "t", **options})
    assert (found and found.code) == code
    assert (doomed.size, len(doomed.examples)) == (count, min(count, 5))
    doomed.close()


def test_only_what_is_still_as_listed_is_deleted(s3_storage, tmp_path):
    """A file that was replaced since the listing stays, and so does one that the source has."""
    tree = fill(tmp_path / "tree", {"a": "a"})
    for name in ("old", "replaced", "gone"):
        s3_storage.save(name, b"1")

    def confirm(doomed):
        assert [row.name for row in doomed.rows] == ["gone", "old", "replaced"]
        s3_storage.delete("replaced")
        s3_storage.save("replaced", b"2")
        s3_storage.delete("gone")
        return True

    steps = Steps()
    summary = sync(local(tree), place(s3_storage), delete=True, confirm=confirm, watcher=steps)
    assert (summary.deleted, summary.failed) == (1, [])
    assert objects_in(s3_storage) == {"a": b"a", "replaced": b"2"}
    assert steps.done == {"a": "send", "old": "delete"}


def test_local_files_are_deleted_and_their_directories(s3_storage, tmp_path):
    """Changed files, links and directories with other files stay."""
    s3_storage.save("a", b"a")
    target = fill(
        tmp_path / "target", {"old": "1", "d/e/old": "1", "d/changed": "1", "f/old": "1", "g/old": "1", "h/x": ""}
    )
    (target / "link").symlink_to("d")

    def confirm(doomed):
        (target / "d" / "changed").write_text("22")
        (target / "f" / "old").unlink()
        (target / "g" / "old").unlink()
        (target / "g").rmdir()
        (target / "g").symlink_to("f")
        return True

    summary = sync(place(s3_storage), local(target), delete=True, confirm=confirm)
    assert (summary.deleted, summary.failed) == (3, [])
    assert files_in(target) == {"a": b"a", "d/changed": b"22"}
    assert sorted(os.listdir(target)) == ["a", "d", "f", "g", "link"]


def test_a_local_file_that_cannot_be_deleted(s3_storage, tmp_path, monkeypatch):
    """It is a failure."""
    s3_storage.save("a", b"a")
    target = fill(tmp_path / "target", {"old": "1"})

    def refuse(*_, **__):
        raise PermissionError("no")

    monkeypatch.setattr(deletes, "_delete_file", refuse)
    summary = sync(place(s3_storage), local(target), delete=True)
    assert [(failure.name, failure.code) for failure in summary.failed] == [("old", "PermissionError")]


def test_a_failure_at_the_source_deletes_nothing(s3_storage, tmp_path):
    """A broken link, with --follow-links, is one."""
    tree = fill(tmp_path / "tree", {"a": "a", "d/b": "b"})
    (tree / "broken").symlink_to("nowhere")
    s3_storage.save("old", b"1")
    summary = sync(local(tree), place(s3_storage), delete=True, follow_links=True)
    assert [failure.name for failure in summary.failed] == ["broken"]
    assert set(objects_in(s3_storage)) == {"a", "d/b", "old"}


def test_excluded_files_stay_on_both_sides(s3_storage, tmp_path):
    """Below a prefix too; --delete-excluded deletes them."""
    tree = fill(tmp_path / "tree", {"a": "a", "keep/x": "new"})
    for name in ("keep/y", "z", "keep.txt"):
        s3_storage.save(f"m/{name}", b"1")
    rules = [("keep/", False), ("keep.*", False)]
    summary = sync(local(tree), place(s3_storage, "m"), delete=True, rules=rules)
    assert (summary.sent, summary.deleted) == (1, 1)
    assert set(objects_in(s3_storage, "m")) == {"a", "keep/y", "keep.txt"}
    summary = sync(local(tree), place(s3_storage, "m"), delete=True, rules=rules, delete_excluded=True)
    assert (summary.deleted, set(objects_in(s3_storage, "m"))) == (2, {"a"})


# Symbolic links


def test_sk_06_links_within_the_source(s3_storage, tmp_path):
    """--follow-links sends what they lead to, once around each circle, and nothing from outside the source."""
    outside = fill(tmp_path / "outside", {"secret": "s"})
    tree = fill(tmp_path / "tree", {"a": "a", "d/b": "b"})
    (tree / "file").symlink_to("a")
    (tree / "directory").symlink_to("d")
    (tree / "out").symlink_to(outside / "secret")
    (tree / "outdir").symlink_to(outside)
    summary = sync(local(tree), place(s3_storage, "1"), follow_links=True)
    assert set(objects_in(s3_storage, "1")) == {"a", "d/b", "file", "directory/b"}
    assert summary.failed == []
    assert summary.warnings == [
        "'out' was skipped: it is a symbolic link out of the directory.",
        "'outdir' was skipped: it is a symbolic link out of the directory.",
    ]
    summary = sync(local(tree), place(s3_storage, "2"), unsafe_links=True)
    assert set(objects_in(s3_storage, "2")) == {"a", "d/b", "file", "directory/b", "out", "outdir/secret"}
    (tree / "d" / "up").symlink_to("..")
    (tree / "itself").symlink_to("itself")
    summary = sync(local(tree), place(s3_storage, "3"), follow_links=True)
    assert [failure.name for failure in summary.failed] == ["d/up", "directory/up", "itself"]
    assert set(objects_in(s3_storage, "3")) == {"a", "d/b", "file", "directory/b"}


def test_sk_06_a_file_that_becomes_a_link_is_not_followed(s3_storage, tmp_path):
    """Between the listing and the sending."""
    outside = fill(tmp_path / "outside", {"secret": "s"})
    tree = fill(tmp_path / "tree", {"a": "a", "d/b": "b", "p": ""})

    def swap(path, make):
        path.unlink()
        make()

    def swap_directory():
        (tree / "d" / "b").unlink()
        (tree / "d").rmdir()
        (tree / "d").symlink_to(outside)

    (outside / "b").write_text("s")
    swaps = iter(
        [
            lambda: swap(tree / "a", lambda: (tree / "a").symlink_to(outside / "secret")),
            swap_directory,
            lambda: swap(tree / "p", lambda: os.mkfifo(tree / "p")),
        ]
    )

    class Swaps(Steps):
        def expect(self, objects, size):
            next(swaps)()

    summary = sync(local(tree), place(s3_storage), watcher=Swaps(), threads=1)
    found = {failure.name: failure.why for failure in summary.failed}
    assert set(found) == {"a", "d/b", "p"}
    assert "'a' is a symbolic link, which is not followed" in found["a"]
    assert "'d' is a symbolic link, which is not followed" in found["d/b"]
    assert "is not a regular file" in found["p"]
    assert objects_in(s3_storage) == {}
