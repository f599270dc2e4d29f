"""manage.py s3 cp and mv."""

from __future__ import annotations

import json
import os
import uuid
from pathlib import Path

import pytest

from s3store.core.parts import MIB
from s3store.operations.places import Place
from s3store.operations.shell import copying, targets
from s3store.operations.shell.selecting import select
from s3store.storage import S3Storage
from s3store.testing.counting import counted_requests
from tests.faults.proxy import FaultProxy
from tests.operations.shell.conftest import fill, names_in


def tree(top: Path, **files: str) -> Path:
    for name, content in files.items():
        path = top / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return top


def on_disk(top: Path) -> dict[str, str]:
    return {str(path.relative_to(top)): path.read_text() for path in sorted(top.rglob("*")) if path.is_file()}


class HookedStorage(S3Storage):
    """A storage whose subclass changes the content on its way."""

    def _save(self, name, content, **extra):
        content.seek(0)
        return super()._save(name, _upper(content), **extra)

    def _open(self, name, mode="rb", **extra):
        file = super()._open(name, mode, **extra)
        return _lower(file)


def _upper(content):
    from django.core.files.base import ContentFile

    return ContentFile(content.read().upper())


def _lower(file):
    from django.core.files.base import ContentFile

    return ContentFile(file.read().lower())


# Where files go


def test_files_go_up_and_down(shell, tmp_path):
    """To a name, into a directory that ends in a slash, and into one that exists."""
    source = tree(tmp_path, a_dot_txt="one")
    assert shell.lines("cp", f"{source}/a.txt", "default:b.txt")[0].startswith("1 file copied, 3 B, ")
    shell.lines("cp", f"{source}/a.txt", "default:d/")
    shell.lines("cp", f"{source}/a.txt", "default:e/f/")
    shell.lines("cp", "--overwrite", f"{source}/a.txt", "default:e/f")
    assert names_in(shell.default) == ["b.txt", "d/a.txt", "e/f/a.txt"]
    down = tmp_path / "down"
    down.mkdir()
    shell.lines("cp", "default:b.txt", str(down / "c.txt"))
    shell.lines("cp", "default:b.txt", str(down))
    shell.lines("cp", "default:b.txt", f"{down}/new/")
    assert on_disk(down) == {"c.txt": "one", "b.txt": "one", "new/b.txt": "one"}
    assert (down / "c.txt").stat().st_mtime == shell.default.stat("b.txt").modified.timestamp()


def test_trees_go_up_and_down(shell, tmp_path):
    """The content of a directory is copied; with several sources, each directory keeps its name."""
    up = tree(tmp_path / "up", a="1", b__c="2", b__d__e="3")
    assert shell.lines("cp", "-r", "-n", "--include", "*", "--exclude", "c", str(up), "default:")[-1].startswith(
        "Dry run: 2 files would be copied"
    )
    ran = shell.run("cp", str(up), "default:x")
    assert (ran.status, ran.error) == (2, f"{up} is a directory. Give -r to process the files in it.")
    shell.lines("cp", "-r", str(up), "default:x")
    assert names_in(shell.default) == ["x/a", "x/b/c", "x/b/d/e"]
    shell.lines("cp", "-r", f"{up}/b", f"{up}/a", "default:y")
    assert names_in(shell.default)[3:] == ["y/a", "y/b/c", "y/b/d/e"]
    down = tmp_path / "down"
    assert shell.run("cp", "default:x", str(down)).status == 2
    assert not down.exists()
    shell.lines("cp", "-r", "--exclude", "c", "default:x/", str(down))
    assert on_disk(down) == {"a": "1", "b/d/e": "3"}
    shell.lines("cp", "-r", "default:x/b", "default:y", str(tmp_path / "two"), "--include", "*")
    assert sorted(on_disk(tmp_path / "two")) == ["b/c", "b/d/e", "y/a", "y/b/c", "y/b/d/e"]


def test_patterns_keep_the_path_below_their_first_directory(quick, tmp_path):
    """So that files of one name in two directories do not meet."""
    fill(quick.default, "p/1/a.jpg", "p/2/a.jpg", "p/2/b.txt", "p/3/x/a.jpg", "q")
    quick.lines("cp", "default:p/*/a.jpg", str(tmp_path))
    assert sorted(on_disk(tmp_path)) == ["1/a.jpg", "2/a.jpg"]
    quick.lines("cp", "-r", "default:p/[23]", "other:")
    assert names_in(quick.other) == ["2/a.jpg", "2/b.txt", "3/x/a.jpg"]
    quick.lines("cp", "default:*", "other:top/")
    assert names_in(quick.other)[3:] == ["top/q"]


def test_two_sources_for_one_target(quick, tmp_path):
    """Only the first one is copied, also with --overwrite."""
    fill(quick.default, "a/x", "b/x", content=b"1")
    ran = quick.run("cp", "--overwrite", "default:a/x", "default:b/x", f"{tmp_path}/")
    assert ran.status == 1
    assert "'default:b/x' failed: two sources would be copied to" in ran.error
    assert on_disk(tmp_path) == {"x": "1"}
    told = json.loads(quick.run("cp", "--json", "default:a/x", "default:b/x", "default:a/x", "other:d/").out)
    assert (told["objects"], told["sent"], told["bytes"]) == (3, 1, 1)
    assert [failed["name"] for failed in told["failed"]] == ["default:a/x", "default:b/x"]


def test_two_files_need_a_directory(quick):
    """It need not exist, and the slash at its end is not necessary."""
    fill(quick.default, "a", "b")
    quick.lines("cp", "default:a", "default:b", "other:new")
    assert names_in(quick.other) == ["new/a", "new/b"]


def test_a_plan_is_in_the_order_of_names(quick):
    """Whatever the order of the sources."""
    fill(quick.default, "c", "b", "a")
    told = json.loads(quick.run("cp", "-n", "--json", "default:c", "default:a", "default:b", "other:d/").out)
    assert [(step["name"], step["reason"]) for step in told["plan"]] == [
        (f"default:{name}", f"to other:d/{name}") for name in "abc"
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["a", "b"], "does not exist"),
        (["{tmp}/a", "{tmp}/b"], "One of the places must be in a storage"),
        (["{tmp}/a", "default:a", "{tmp}"], "is on this machine, and so is one of the sources"),
        (["defualt:a", "b"], "Did you mean 'default'"),
        (["-r", "default:d", "default:d/e"], "overlap"),
        (["-r", "default:d/e", "default:d"], "overlap"),
        (["-r", "default:d/**", "default:d/f/"], "overlap"),
        (["-r", "default:", "default:d"], "overlap"),
        (["-", "default:"], "give the name of a file"),
        (["-", "default:d/"], "give the name of a file"),
        (["-", "x"], "give the name of a file"),
        (["-", "default:a", "default:b"], "- is standard input or output"),
        (["-n", "-", "default:b"], "- is standard input or output"),
        (["--threads", "0", "default:a", "default:b"], "--threads must be"),
        (["--exclude", "[z-a]", "default:a", "default:b"], "is not a pattern"),
    ],
    ids=str,
)
def test_places_that_do_not_fit(quick, tmp_path, arguments, said):
    """Nothing is copied."""
    (tmp_path / "a").write_text("x")
    fill(quick.default, "a", "d/e/f")
    with counted_requests(quick.default) as sent:
        ran = quick.run("cp", *(text.replace("{tmp}", str(tmp_path)) for text in arguments))
    assert ran.status in (1, 2)
    assert said in ran.error
    assert set(sent.methods) <= {"GET", "HEAD"}


def test_the_same_file_is_not_copied_onto_itself(quick):
    """Neither copied nor, with mv, deleted."""
    fill(quick.default, "a")
    for verb in ("cp", "mv"):
        ran = quick.run(verb, "--overwrite", "default:a", "default:a")
        assert (ran.status, "are the same file" in ran.error) == (1, True)
    assert names_in(quick.default) == ["a"]


# Without overwriting


@pytest.mark.parametrize("to", ["storage", "other", "far", "disk"])
def test_a_taken_name_is_a_failure(quick, tmp_path, to):
    """Exit status 1; the others are copied; --overwrite replaces."""
    fill(quick.default, "d/a", "d/b", content=b"new")
    local = tree(tmp_path / "local", a="new", b="new")
    target = {"storage": "other:", "other": "other:", "far": "far:x/", "disk": f"{tmp_path}/down/"}[to]
    source = str(local) if to == "storage" else "default:d/"
    if to == "disk":
        (tmp_path / "down").mkdir()
        (tmp_path / "down" / "a").write_text("old")
    else:
        storage = quick.far if to == "far" else quick.other
        fill(storage, "x/a" if to == "far" else "a", content=b"old")

    def found():
        if to == "disk":
            return on_disk(tmp_path / "down")
        return {name[-1]: storage.read_text(name) for name in names_in(storage)}

    ran = quick.run("cp", "-r", "-n", source, target)
    assert (ran.status, "--overwrite" in ran.error, found()) == (1, True, {"a": "old"})
    ran = quick.run("cp", "-r", "--json", source, target)
    told = json.loads(ran.out)
    assert (ran.status, found()) == (1, {"a": "old", "b": "new"})
    assert "a exists. Give --overwrite to replace it" in ran.error
    assert (told["sent"], told["objects"], told["bytes"]) == (1, 2, 3)
    assert [(failed["code"], failed["name"][-1]) for failed in told["failed"]] == [("Exists", "a")]
    assert quick.run("cp", "-r", "--overwrite", source, target).status == 0
    assert found() == {"a": "new", "b": "new"}


def test_a_single_copy_does_not_replace_either(shell):
    """Inside a bucket, where not all servers know the condition."""
    fill(shell.default, "a", content=b"new")
    fill(shell.other, "a", content=b"old")
    ran = shell.run("cp", "default:a", "other:a")
    assert (ran.status, shell.other.read_text("a")) == (1, "old")
    assert "other:a exists" in ran.error
    assert shell.run("cp", "default:a", "other:b").status == 0
    assert shell.run("cp", "--overwrite", "default:a", "other:a").status == 0
    assert (shell.other.read_text("a"), shell.other.read_text("b")) == ("new", "new")


def test_file_overwrite_of_the_storage_is_the_default(quick, tmp_path):
    """And --no-overwrite is stronger."""
    storage = quick.add("loose", **{**quick.options, "file_overwrite": True, "location": uuid.uuid4().hex})
    (tmp_path / "a").write_text("new")
    fill(storage, "a", content=b"old")
    assert quick.run("cp", "--no-overwrite", f"{tmp_path}/a", "loose:a").status == 1
    assert storage.read_text("a") == "old"
    assert quick.run("cp", f"{tmp_path}/a", "loose:a").status == 0
    assert storage.read_text("a") == "new"


def test_a_dry_run_only_reads(quick, tmp_path):
    """The plan names each file and its target."""
    fill(quick.default, "d/a", "d/b")
    fill(quick.default, "d/", content=b"")
    up = tree(tmp_path / "up", c="1")
    with counted_requests(quick.default) as sent:
        plan = quick.lines("cp", "-r", "-n", "default:d", "other:x")
        plan += quick.lines("mv", "-r", "-n", "default:d", f"{tmp_path}/down")
        plan += quick.lines("cp", "-r", "-n", str(up), "other:")
    assert set(sent.methods) == {"GET", "HEAD"}
    assert sorted(line for line in plan if not line.startswith("Dry run: ")) == [
        f"copy    {up}/c: to other:c",
        "copy    default:d/: to other:x",
        "copy    default:d/a: to other:x/a",
        "copy    default:d/b: to other:x/b",
        f"move    default:d/: to {tmp_path}/down/",
        f"move    default:d/a: to {tmp_path}/down/a",
        f"move    default:d/b: to {tmp_path}/down/b",
    ]
    assert "Dry run: 3 files would be moved, 14 B" in "\n".join(plan)
    assert (names_in(quick.default), (tmp_path / "down").exists()) == (["d/a", "d/b"], False)
    told = json.loads(quick.run("cp", "-n", "--json", "default:d/a", "other:x").out)
    assert told["command"] == "cp"
    assert json.loads(quick.run("mv", "-n", "--json", "default:d/a", "other:x").out)["command"] == "mv"
    assert told["plan"] == [{"op": "copy", "name": "default:d/a", "size": 7, "reason": "to other:x"}]


# What is kept


def test_headers_of_this_machine(quick, tmp_path):
    """By the name, or as given; the options of the storage apply."""
    storage = quick.add("css", **{**quick.options, "object_parameters": {"CacheControl": "max-age=5"}})
    (tmp_path / "a.css").write_text("a {}")
    quick.lines("cp", f"{tmp_path}/a.css", "css:a.css")
    quick.lines("cp", "--content-type", "text/x", "--metadata", "colour=red", f"{tmp_path}/a.css", "css:b.css")
    stats = [storage.stat(name) for name in ("a.css", "b.css")]
    assert [(stat.content_type, stat.metadata, stat.cache_control) for stat in stats] == [
        ("text/css", {}, "max-age=5"),
        ("text/x", {"colour": "red"}, "max-age=5"),
    ]
    assert "must be NAME=VALUE" in quick.run("cp", "--metadata", "=red", "a", "css:a").error


@pytest.mark.parametrize("target", ["other", "far"])
def test_a_copy_between_storages_keeps_headers_metadata_and_tags(quick, target):
    """Inside the bucket, and streamed to another one, in one GET, one GET for the tags and one PUT."""
    rules = {"CacheControl": "max-age=5", "ContentDisposition": "inline", "Tagging": "a=1&b=2"}
    source = quick.add("rich", **{**quick.options, "object_parameters": rules, "gzip": True})
    source.save("a.css", b"a { color: red }\n" * 100, metadata={"colour": "red"})
    storage = quick.other if target == "other" else quick.far
    quick.lines("cp", "rich:a.css", f"{target}:b.css")
    stat, original = storage.stat("b.css"), source.stat("a.css")
    for name in ("size", "etag", "content_type", "content_encoding", "cache_control", "content_disposition"):
        assert getattr(stat, name) == getattr(original, name), name
    assert (stat.metadata, stat.plain_size) == ({"colour": "red"}, 1700)
    assert stat.content_encoding == "gzip"
    assert storage.objects.bucket.tags(stat.key, {}) == "a=1&b=2"
    if target == "far":
        with counted_requests(quick.default) as sent:
            quick.lines("cp", "--no-tags", "rich:a.css", "far:c.css")
        assert "tagging" not in str([request.query for request in sent])
        assert storage.objects.bucket.tags(storage.objects.key("c.css"), {}) == ""


def test_a_copy_in_another_bucket_has_the_class_and_the_tags_of_that_storage(quick):
    """The class of the source stays there. Its tags are asked for only if the storage does not set its own."""
    source, name = quick.default, f"{quick.default.options.location}/a"
    source.client.put_object(
        Bucket=source.bucket_name,
        Key=name,
        Body=b"x",
        StorageClass="STANDARD_IA",
        CacheControl="no-store",
        Tagging="a=1",
    )
    bucket = quick.far.bucket_name
    quick.add("tagged", **{**quick.options, "bucket_name": bucket, "object_parameters": {"Tagging": "own=1"}})
    for target, tags in (("far:b", "a=1"), ("tagged:c", "own=1")):
        with counted_requests(source) as sent:
            quick.lines("cp", "default:a", target)
        copied = quick.far.stat(target[-1])
        assert (copied.cache_control, copied.storage_class) == ("no-store", None)
        assert quick.far.objects.bucket.tags(copied.key, {}) == tags
        assert any("tagging" in request.query for request in sent) is (tags == "a=1")


def test_large_files_are_streamed_between_servers(shell, settings, moto, seaweedfs):
    """In parts, with progress; the copy has the same bytes."""
    from s3store.testing.fixtures import options_for

    near = shell.options["endpoint_url"]
    server = seaweedfs if near == moto.endpoint_url else moto
    far = shell.add("server", **options_for(server), location=uuid.uuid4().hex)
    content = os.urandom(MIB) * 9
    shell.default.save("big", content)

    class Told(copying.Watcher):
        size = 0

        def moved(self, size):
            self.size += size

    told = Told()
    source, target = Place(path="big", storage=shell.default), Place(path="copy", storage=far)
    summary = copying.copy([source], target, watcher=told)
    assert (summary.sent, summary.size, told.size) == (1, len(content), len(content))
    assert far.read_bytes("copy") == content
    assert far.stat("copy").etag.strip('"').endswith("-2")


def test_hooks_of_a_subclass_see_the_content(quick, tmp_path):
    """`_save` and `_open`, as for any other caller."""
    quick.add("hooked", f"{__name__}.HookedStorage", **{**quick.options, "location": uuid.uuid4().hex})
    (tmp_path / "a").write_text("Content")
    quick.lines("cp", f"{tmp_path}/a", "hooked:a")
    assert quick.run("cat", "hooked:a").out == "content"
    quick.lines("cp", "hooked:a", f"{tmp_path}/b")
    assert (tmp_path / "b").read_text() == "content"
    from django.core.files.storage import storages

    assert S3Storage.open(storages["hooked"], "a").read() == b"content"
    assert storages["hooked"].objects.bucket.get(storages["hooked"].objects.key("a"), {}).info.size == 7


# Hostile names


HOSTILE = ("../../out", "a\\..\\out", "x//y", "./z", "a/../../out")


def test_sn_23_sk_02_hostile_keys_are_refused_one_by_one(quick, tmp_path):
    """Each is named, the others are copied, and nothing is written outside the target."""
    fill(quick.default, "good", "deep/good", *HOSTILE, "link/file", "x", "x/y")
    fill(quick.default, "/abs", content=b"abs")
    target = tmp_path / "inside" / "target"
    target.mkdir(parents=True)
    (tmp_path / "outside").mkdir()
    (target / "link").symlink_to(tmp_path / "outside")
    ran = quick.run("cp", "-r", "--json", "default:", str(target))
    assert ran.status == 1
    failed = {each["name"].removeprefix("default:"): each["code"] for each in json.loads(ran.out)["failed"]}
    refused = dict.fromkeys((*HOSTILE, "/abs"), "UnsafeName")
    clash = next(name for name in failed if name in ("x", "x/y"))
    assert failed == {**refused, "link/file": "Symlink", clash: "NotAFile"}
    kept = "x/y" if clash == "x" else "x"
    assert {name for name in on_disk(tmp_path) if "link/" not in name} == {
        f"inside/target/{name}" for name in ("good", "deep/good", kept)
    }
    assert [*(tmp_path / "outside").iterdir()] == []


def test_sk_02_a_dry_run_refuses_them_too(quick, tmp_path):
    """Before anything is written."""
    fill(quick.default, "a/../../out", "good")
    ran = quick.run("cp", "-r", "-n", "default:", str(tmp_path / "new"))
    assert (ran.status, "is not written to this machine" in ran.error) == (1, True)
    assert not (tmp_path / "new").exists()


def test_impossible_names_are_not_copied_between_storages(quick):
    """The storage could not open them; nothing else is lost. A pattern does not match them."""
    fill(quick.default, "a//b", "good")
    assert quick.run("cp", "default:**", "far:").status == 0
    ran = quick.run("cp", "-r", "default:", "other:")
    assert (ran.status, "is not a possible name" in ran.error) == (1, True)
    assert names_in(quick.other) == ["good"]


def test_sk_06_links_and_special_files_of_a_tree_are_skipped(quick, tmp_path):
    """With a warning for each; a file that the user names may be a link."""
    up = tree(tmp_path / "up", a="1")
    (up / "link").symlink_to("/etc/passwd")
    (up / "loop").symlink_to(up)
    for left in (".s3store-0123456789abcdef", ".b.0123456789abcdef.s3store-part"):
        (up / left).write_text("left by a download")
    os.mkfifo(up / "pipe")
    ran = quick.run("cp", "-r", str(up), "default:")
    assert (ran.status, names_in(quick.default)) == (0, ["a"])
    assert ran.err.count("symbolic link") == 2
    assert ran.err.count("pipe is not a regular file. It is skipped.") == 1
    (tmp_path / "named").symlink_to(up / "a")
    quick.lines("cp", str(tmp_path / "named"), "default:named")
    assert quick.default.read_text("named") == "1"
    ran = quick.run("cp", "/dev/null", "default:null")
    assert (ran.status, "is not a regular file. Use -" in ran.error) == (1, True)


def test_local_names_that_a_storage_cannot_hold(quick, tmp_path):
    """They are named, and not changed into others."""
    up = tree(tmp_path / "up", good="1")
    (up / "a\\b").write_text("2")
    (up / "c\nd").write_text("3")
    (up / os.fsdecode(b"caf\xe9")).write_text("4")
    ran = quick.run("cp", "-r", str(up), "default:")
    assert (ran.status, names_in(quick.default)) == (1, ["good"])
    assert ran.error.count("failed: ") == 3
    assert "Rename the file" in ran.error


def test_a_file_of_a_tree_that_becomes_a_link_is_not_followed(tmp_path):
    """Between the listing and the copy."""
    up = tree(tmp_path / "up", a="1")
    (item,) = copying.local.walk(up, copying.Watcher())
    (up / "a").unlink()
    (up / "a").symlink_to("/etc/passwd")
    with pytest.raises(OSError, match="symbolic links"):
        item.open()


# mv


@pytest.mark.parametrize("target", ["other", "far"])
def test_mv_between_storages(quick, target):
    """A tree is at its new place, and nowhere else; folder markers go along."""
    fill(quick.default, "d/a", "d/e/b", "kept")
    fill(quick.default, "d/empty/", content=b"")
    storage = quick.other if target == "other" else quick.far
    assert quick.lines("mv", "-r", "default:d", f"{target}:x")[0].startswith("3 files moved, 14 B")
    assert (names_in(quick.default), names_in(storage)) == (["kept"], ["x/a", "x/e/b"])
    assert quick.lines("ls", f"{target}:x") == ["a", "e/", "empty/"]
    quick.lines("mv", "default:kept", "default:renamed")
    assert names_in(quick.default) == ["renamed"]
    fill(quick.default, "", content=b"")
    quick.lines("mv", "-r", "default:", f"{target}:y")
    fill(quick.default, "", "z", content=b"")
    quick.lines("mv", "-r", "default:", f"{target}:")
    assert names_in(storage) == ["x/a", "x/e/b", "y/renamed", "z"]


def test_mv_from_and_to_this_machine(shell, tmp_path):
    """Directories that become empty disappear, others stay."""
    up = tree(tmp_path / "up", a="1", b__c="2")
    (up / "b" / "link").symlink_to("nowhere")
    shell.lines("mv", "-r", str(up), "default:x")
    assert [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")] == ["up", "up/b", "up/b/link"]
    shell.lines("mv", "-r", "default:x", str(tmp_path / "down"))
    assert (names_in(shell.default), on_disk(tmp_path / "down")) == ([], {"a": "1", "b/c": "2"})


def test_mv_deletes_nothing_that_was_not_copied(quick, tmp_path):
    """A taken target keeps the source."""
    fill(quick.default, "a", content=b"new")
    fill(quick.other, "a", content=b"old")
    up = tree(tmp_path, a="local")
    for source in ("default:a", f"{up}/a"):
        assert quick.run("mv", source, "other:a").status == 1
    assert (quick.default.read_text("a"), (up / "a").read_text()) == ("new", "local")
    assert quick.run("mv", "default:a", f"{up}/a").status == 1
    assert names_in(quick.default) == ["a"]


def test_mv_keeps_a_source_that_was_replaced_meanwhile(quick, monkeypatch, tmp_path):
    """What was copied is not what is there: the new one stays."""
    fill(quick.default, "a", content=b"old")
    real = targets.download

    def download(*arguments, **named):
        real(*arguments, **named)
        fill(quick.default, "a", content=b"new")

    monkeypatch.setattr(targets, "download", download)
    ran = quick.run("mv", "default:a", f"{tmp_path}/a")
    assert (ran.status, quick.default.read_text("a")) == (1, "new")
    assert "It was copied, and not deleted" in ran.error
    item = next(select(Place(path="a", storage=quick.default)).items(recursive=False))
    quick.default.delete("a")
    targets.delete_unchanged(select(Place(path="", storage=quick.default)), item)


@pytest.mark.parametrize(
    ("moment", "to", "sent"),
    [
        ("HEAD", "disk", ["GET", "HEAD"]),
        ("DELETE", "disk", ["GET", "HEAD", "DELETE", "HEAD"]),
        ("DELETE", "storage", ["HEAD", "DELETE", "HEAD"]),
    ],
)
def test_mv_keeps_a_source_that_is_replaced_before_its_delete(shell, tmp_path, moment, to, sent):
    """Before mv looks at it again, it sends no delete. After that, the server refuses the delete."""
    fill(shell.default, "a", content=b"old")
    raced = []

    def respond(method, target, headers):
        if method == moment and target.endswith("/a") and not raced:
            raced.append(fill(shell.default, "a", content=b"new"))

    with FaultProxy(shell.options["endpoint_url"], respond=respond) as proxy:
        shell.add("raced", **{**shell.options, "endpoint_url": proxy.url})
        ran = shell.run("mv", "raced:a*", f"{tmp_path}/" if to == "disk" else "raced:down/")
        assert (ran.status, shell.default.read_text("a")) == (1, "new")
        assert "it was replaced meanwhile. It was copied, and not deleted." in ran.error
        requests = proxy.requests(target=f"/{shell.options['location']}/a$")
        assert [exchange.method for exchange in requests][-len(sent) :] == sent
    assert ((tmp_path / "a").read_text() if to == "disk" else shell.default.read_text("down/a")) == "old"


@pytest.mark.parametrize(
    ("given", "statuses"),
    [({}, [("DELETE", 501), ("DELETE", 204)]), ({"conditional_writes": False}, [("DELETE", 204)])],
    ids=["unknown to the server", "not wanted"],
)
def test_mv_where_the_server_refuses_conditions_of_deletes(quick, tmp_path, given, statuses):
    """The file is deleted, after the look at it."""
    fill(quick.default, "a")

    def respond(method, target, headers):
        error = b"<Error><Code>NotImplemented</Code></Error>"
        return (
            (501, {"Content-Type": "application/xml"}, error) if "if-match" in headers and method == "DELETE" else None
        )

    with FaultProxy(quick.options["endpoint_url"], respond=respond) as proxy:
        quick.add("old", **{**quick.options, **given, "endpoint_url": proxy.url})
        assert quick.run("mv", "old:a", f"{tmp_path}/a").status == 0
        assert [(each.method, each.status) for each in proxy.requests("DELETE")] == statuses
        assert len(proxy.requests("HEAD")) == 2
    assert (names_in(quick.default), (tmp_path / "a").read_text()) == ([], "content")


@pytest.mark.parametrize("given", [{}, {"conditional_writes": False}], ids=["with", "without"])
def test_mv_where_the_delete_is_refused(quick, tmp_path, given):
    """With or without a condition: the file is at both places."""
    fill(quick.default, "a")

    def respond(method, target, headers):
        error = b"<Error><Code>InvalidRequest</Code></Error>"
        return (400, {"Content-Type": "application/xml"}, error) if method == "DELETE" else None

    with FaultProxy(quick.options["endpoint_url"], respond=respond) as proxy:
        quick.add("old", **{**quick.options, **given, "endpoint_url": proxy.url})
        ran = quick.run("mv", "old:a", f"{tmp_path}/a")
        assert (ran.status, "InvalidRequest" in ran.error, len(proxy.requests("DELETE"))) == (1, True, 1)
    assert (names_in(quick.default), (tmp_path / "a").read_text()) == (["a"], "content")


def test_mv_of_a_source_that_is_gone_before_its_delete(shell, tmp_path):
    """Somebody has deleted it, or the response to the first attempt was lost: it is not a failure."""
    fill(shell.default, "a")

    def respond(method, target, headers):
        if method == "DELETE":
            shell.default.delete("a")

    with FaultProxy(shell.options["endpoint_url"], respond=respond) as proxy:
        shell.add("raced", **{**shell.options, "endpoint_url": proxy.url})
        assert shell.run("mv", "raced:a", f"{tmp_path}/a").status == 0
    assert (names_in(shell.default), (tmp_path / "a").read_text()) == ([], "content")


@pytest.mark.parametrize("change", ["content", "file"])
def test_mv_keeps_a_local_file_that_changes_meanwhile(quick, monkeypatch, tmp_path, change):
    """Or that is another file by now."""
    path = tmp_path / "a"
    path.write_text("old")
    real = targets.StorageTarget.save

    def save(self, inside, content):
        real(self, inside, content)
        if change == "content":
            path.write_text("changed")
        else:
            (tmp_path / "b").write_text("old")
            (tmp_path / "b").replace(path)

    monkeypatch.setattr(targets.StorageTarget, "save", save)
    ran = quick.run("mv", str(path), "default:a")
    assert (ran.status, path.exists()) == (1, True)
    assert "was changed meanwhile. It was copied, and not deleted." in ran.error


def test_a_marker_with_content_is_data(quick, tmp_path):
    """It is refused, so that mv cannot lose it."""
    fill(quick.default, "d/", content=b"data")
    for target in ("other:", f"{tmp_path}/down"):
        fill(quick.default, "d/e/", content=b"")
        ran = quick.run("mv", "-r", "default:d", target)
        assert (ran.status, "ends with a slash and has content" in ran.error) == (1, True)
    assert (tmp_path / "down" / "e").is_dir()
    assert quick.lines("ls", "other:") == ["e/"]
    assert quick.default.objects.bucket.head(quick.default.objects.prefix("d"), {}).size == 4


def test_the_twin_copies_like_a_server(settings, tmp_path, quick):
    """Inside its bucket, and to and from a server."""
    settings.MEDIA_ROOT = str(tmp_path / "twin")
    for alias, location in (("twin", "a"), ("again", "b")):
        quick.add(alias, "s3store.local.FakeS3Storage", bucket_name="b", location=location, allow_without_debug=True)
    fill(quick.default, "a")
    quick.lines("cp", "default:a", "twin:x/a")
    quick.lines("cp", "-r", "twin:x", "again:y")
    quick.lines("cp", "again:y/a", "default:b")
    assert quick.run("cat", "default:b", "twin:x/a").out == "contentcontent"
    assert quick.run("mv", "twin:x/a", "twin:x/a").status == 1


def test_an_object_with_a_customers_key_is_streamed_to_one_without(quick):
    """S3 could not read the source with the key of the target."""
    import base64

    key = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": base64.b64encode(b"k" * 32).decode()}
    secret = quick.add("secret", **{**quick.options, "object_parameters": key})
    secret.save("a", b"content")
    assert quick.run("cp", "secret:a", "default:b").status == 0
    assert quick.default.read_text("b") == "content"


def test_errors_of_a_file_do_not_stop_the_others(quick, monkeypatch, tmp_path):
    """A file that cannot be read, for example."""
    up = tree(tmp_path, a="1", b="2")
    real = copying.local.LocalItem.open

    def open_item(self):
        if self.inside == "a":
            raise PermissionError("denied")
        return real(self)

    monkeypatch.setattr(copying.local.LocalItem, "open", open_item)
    ran = quick.run("cp", "-r", str(up), "default:")
    assert (ran.status, names_in(quick.default)) == (1, ["b"])
    assert "a' failed: denied" in ran.error
    assert "The other files are complete." in ran.error


def test_files_of_this_machine_are_not_copied_to_this_machine(tmp_path):
    """A target here takes only objects."""
    (tmp_path / "a").write_text("x")
    to = targets.Directory(Place(path=str(tmp_path)), overwrite=False, is_directory=True)
    with pytest.raises(copying.PlaceError, match="both on this machine"):
        to.upload(copying.local.one(tmp_path / "a"), "b", move=False)


def test_a_move_to_the_same_object_by_another_endpoint_deletes_nothing(quick, seaweedfs_options):
    """A bucket can have two addresses: the copy would be the source."""
    address = quick.options["endpoint_url"].replace("127.0.0.1", "localhost")
    assert address != quick.options["endpoint_url"]
    quick.add("again", **{**quick.options, "endpoint_url": address})
    fill(quick.default, "a", "d/b")
    for arguments in (["default:a", "again:a"], ["-r", "default:d", "again:d"]):
        ran = quick.run("mv", "--overwrite", *arguments)
        assert (ran.status, "are the same file" in ran.error) == (1, True)
    assert names_in(quick.default) == ["a", "d/b"]
    assert quick.run("mv", "default:a", "again:c").status == 0
    sea = quick.add("sea", **{**seaweedfs_options, "location": quick.options["location"]})
    assert quick.run("mv", "default:c", "sea:c").status == 0
    fill(quick.default, "c", content=b"another")
    assert quick.run("mv", "--overwrite", "default:c", "sea:c").status == 0
    assert (sea.read_bytes("c"), names_in(quick.default)) == (b"another", ["d/b"])
    fill(quick.other, "d/b", content=b"others")
    twin = {**quick.options, "endpoint_url": address, "location": quick.other.options.location}
    quick.add("shadow", **twin)
    assert quick.run("mv", "--overwrite", "default:d/b", "shadow:d/b").status == 0
    assert (quick.other.read_bytes("d/b"), names_in(quick.default)) == (b"content", [])


def test_sk_01_errors_do_not_control_the_terminal(quick, tmp_path):
    """Names in the reasons of failures, and in errors of the whole command."""
    (tmp_path / "a\u202eb").write_text("x")
    quick.default.save("a\u202eb", b"x")
    for arguments in (
        ["cp", f"{tmp_path}/a\u202eb", "default:"],
        ["cp", "default:c\u202ed", f"{tmp_path}/x"],
        ["cp", f"{tmp_path}/c\u202ed", "default:"],
    ):
        ran = quick.run(*arguments)
        assert (ran.status > 0, "\u202e" in ran.error, "\\u202e" in ran.error) == (True, False, True)
