"""Moves and copies: what they touch, what they cost, and what they leave behind when something goes wrong."""

import itertools
import os
import threading
from urllib.parse import urlsplit

import pytest

from s3store import errors
from s3store.core import parts
from s3store.folders import Folder, NameRefusedError, signals, transfers, trees
from s3store.storage import S3Storage
from s3store.testing.counting import counted_requests
from s3store.wire import conditions
from s3store.wire.copies import Copied
from tests.faults.proxy import FaultProxy
from tests.folders.trees import fill, keys_in, put

NEIGHBOURS = ("docs-2/a.txt", "docs.txt", "Docs/a.txt", "docs2/b.txt", "doc/c.txt")


@pytest.fixture
def weed(seaweedfs_options):
    """An empty folder on SeaweedFS, which keeps conditions. The server was asked."""
    return asked(Folder(S3Storage(**seaweedfs_options), "acme"))


def asked(folder):
    """Return the folder after the server was asked which conditions it keeps."""
    _ = folder._scope.conditions
    return folder


def on_moto(moto, **options):
    """Return an empty folder on moto, which ignores conditions on copies."""
    import uuid

    from s3store.testing.fixtures import options_for

    return asked(Folder(S3Storage(**options_for(moto), location=uuid.uuid4().hex, **options), "acme"))


def test_fo_23_servers_are_asked_which_conditions_they_keep(folder, moto):
    """SeaweedFS and the twin keep all; moto ignores those of copies. Nothing is left, and copies know it."""
    found = asked(folder)._scope.conditions
    assert conditions.refuses_copies(folder.storage.objects.bucket) is found.create
    if folder.storage.options.endpoint_url == moto.endpoint_url:
        assert not found.create
    elif found.create or not os.environ.get("S3STORE_TEST_ENDPOINT_URL"):
        assert found == conditions.Conditions(create=True, delete=True)
    objects = folder.storage.objects
    page = objects.bucket.page(objects.prefix("acme/.s3store/probe"), {}, flat=False)
    assert [info.key for info in page.objects if info.size] == []


def test_without_conditional_writes_no_condition_is_relied_on(moto):
    """The option says that the server keeps none."""
    folder = on_moto(moto, conditional_writes=False)
    assert folder._scope.conditions == conditions.Conditions()
    assert conditions.refuses_copies(folder.storage.objects.bucket) is False
    fill(folder, "a.txt", "b.txt")
    with pytest.raises(FileExistsError):
        folder.rename("a.txt", "b.txt")
    assert folder.rename("a.txt", "c.txt").done == 1


@pytest.mark.parametrize("verb", ["move", "copy", "delete", "trash"])
def test_fo_07_neighbours_are_not_touched(folder, verb):
    """Names that begin like the folder, and such that differ in case, stay as they are."""
    fill(folder, "docs/a.txt", "docs/deep/b.txt", *NEIGHBOURS)
    how = {"move": ("docs", "to"), "copy": ("docs", "to"), "delete": ("docs",), "trash": ("docs",)}[verb]
    getattr(folder, verb)(*how, **({"operation": "one"} if verb == "trash" else {}))
    for path in NEIGHBOURS:
        assert folder.read(path) == path.encode()
    assert folder.exists("docs/a.txt") == (verb == "copy")


def test_fo_08_a_rename_to_the_same_name_sends_nothing(weed):
    """Nor does a move into the folder where something is."""
    fill(weed, "docs/a.txt")
    with counted_requests(weed.storage) as sent:
        assert weed.rename("docs/a.txt", "a.txt").targets == (("docs/a.txt", "docs/a.txt"),)
        assert weed.move("docs/", "").targets == (("docs/", "docs/"),)
    assert sent == []


INTO = [
    ("a", "a", False),
    ("a", "a/b", False),
    ("a", "a/b/c", False),
    ("a/b", "a/b/c", False),
    ("a/", "a", False),
    ("a", "ab", True),
    ("a", "a-b", True),
    ("ab", "a", True),
    ("a/b", "a/bc", True),
    ("a/b", "b", True),
    ("a", "A", True),
    ("a/b", "", True),
]


@pytest.mark.parametrize(("source", "target", "works"), INTO)
def test_fo_09_a_folder_does_not_move_into_itself(local, source, target, works):
    """Compared part by part, and refused before anything is sent."""
    fill(local, f"{source.rstrip('/')}/x.txt")
    if works:
        assert local.move(source, target).done == 1
        return
    before = keys_in(local)
    with pytest.raises(NameRefusedError, match="into itself"):
        local.moving(source, target)
    report = local.move([source], target)
    assert [failure.code for failure in report.failures] == ["itself"]
    assert keys_in(local) == before


def test_fo_10_a_file_is_not_moved_onto_another(folder):
    """Unless the caller says what to do with it."""
    fill(folder, "a.txt", "b.txt", "c.txt", "d.txt")
    with pytest.raises(FileExistsError):
        folder.rename("a.txt", "b.txt")
    assert folder.move("a.txt", "", name="b.txt", merge="skip").skipped == 1
    assert keys_in(folder) == ["a.txt", "b.txt", "c.txt", "d.txt"]
    assert folder.move("a.txt", "", name="b.txt", merge="keep_both").targets == (("a.txt", "b (2).txt"),)
    assert folder.move("c.txt", "", name="b.txt", merge="replace").replaced == 1
    assert {path: folder.read(path) for path in keys_in(folder)} == {
        "b (2).txt": b"a.txt",
        "b.txt": b"c.txt",
        "d.txt": b"d.txt",
    }


@pytest.mark.parametrize("size", [0, 5])
@pytest.mark.parametrize("merge", [None, "keep_both"])
def test_fo_10_of_eight_threads_one_gets_the_name(folder, merge, size):
    """The others are refused, or get another name. No file is lost, also where the server ignores conditions."""
    asked(folder)
    for number in range(8):
        folder.save(f"from/{number}/x.txt", b"x%04d" % number if size else b"")
    barrier, outcomes = threading.Barrier(8), []

    def move(number):
        barrier.wait()
        try:
            outcomes.append(folder.move(f"from/{number}/x.txt", "to", merge=merge).done)
        except FileExistsError:
            outcomes.append(0)

    threads = [threading.Thread(target=move, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(outcomes) == (8 if merge else 1)
    files = [key for key in keys_in(folder) if not key.endswith("/")]
    assert len(files) == 8
    assert len({folder.read(path) for path in files}) == (8 if size else 1)


@pytest.mark.parametrize(
    ("merge", "counts", "left"),
    [
        ("skip", (1, 2, 0, 0), ["docs/both.txt", "docs/deep/both.txt"]),
        ("replace", (3, 0, 2, 0), []),
        ("keep_both", (3, 0, 0, 2), []),
    ],
)
def test_fo_11_folders_are_merged_file_by_file(folder, merge, counts, left):
    """The report counts each way, and without `merge` nothing happens."""
    fill(folder, "docs/both.txt", "docs/deep/both.txt", "docs/own.txt", "to/docs/both.txt", "to/docs/deep/both.txt")
    before = keys_in(folder)
    with pytest.raises(FileExistsError):
        folder.move("docs", "to")
    assert keys_in(folder) == before
    report = folder.move("docs", "to", merge=merge)
    assert (report.done, report.skipped, report.replaced, report.renamed) == counts
    assert [key for key in keys_in(folder) if key.startswith("docs/") and not key.endswith("/")] == left
    old, new = b"to/docs/both.txt", b"docs/both.txt"
    assert folder.read("to/docs/both.txt") == (new if merge == "replace" else old)
    if merge == "keep_both":
        assert folder.read("to/docs/both (2).txt") == new
    assert folder.read("to/docs/own.txt") == b"docs/own.txt"


def test_an_unknown_way_to_merge_is_an_error(local):
    """Before anything is sent."""
    fill(local, "a.txt")
    with pytest.raises(ValueError, match="merge"):
        local.moving("a.txt", "to", merge="both")
    with pytest.raises(ValueError, match="one source"):
        local.moving(["a.txt", "b.txt"], "to", name="c.txt")


def test_fo_12_the_case_of_a_name_changes(folder):
    """Names that differ only in case are different names."""
    fill(folder, "A.txt", "Docs/a.txt")
    assert folder.rename("A.txt", "a.txt").done == 1
    assert folder.rename("Docs", "docs").done == 1
    assert keys_in(folder) == ["a.txt", "docs/", "docs/a.txt"]


def test_fo_18_a_result_that_is_too_long_is_refused_before_the_first_copy(local):
    """Of 1,024 bytes the key works; of 1,025 the error names the file, and nothing is moved."""
    room = 1024 - len("acme/to/docs/")
    for extra, works in ((-1, True), (0, True), (1, False)):
        name = "x" * (room + extra - len("/deep"))
        fill(local, "docs/a.txt", f"docs/deep/{name}")
        if works:
            local.move("docs", "to")
            local.delete("to")
        else:
            with pytest.raises(NameRefusedError, match="deep/xxx"):
                local.move("docs", "to")
            assert "docs/a.txt" in keys_in(local)


@pytest.mark.parametrize("count", [40, pytest.param(1000, marks=pytest.mark.campaign)])
def test_fo_20_a_source_goes_only_after_its_copy(seaweedfs, seaweedfs_options, count):
    """12 copies are refused: the other files moved, the 12 are where they were, and the report names them."""
    refused = [f"{number:04}" for number in range(0, count, count // 12)][:12]

    def respond(method, target, headers):
        if method == "PUT" and "/to/docs/" in target and urlsplit(target).path.rpartition("/")[2] in refused:
            return 403, {}, b"<Error><Code>AccessDenied</Code></Error>"
        return None

    paths = [f"docs/{number:04}" for number in range(count)]
    fill(Folder(S3Storage(**seaweedfs_options), "acme"), *paths)
    with FaultProxy(seaweedfs.endpoint_url, respond=respond) as proxy:
        folder = Folder(S3Storage(**{**seaweedfs_options, "endpoint_url": proxy.url}), "acme")
        report = folder.move("docs", "to")
        assert (report.done, report.failed) == (count - 12, 12)
        assert sorted(failure.path for failure in report.failures) == [f"docs/{name}" for name in refused]
        assert {failure.code for failure in report.failures} == {"denied"}
        stayed = [f"docs/{name}" for name in refused]
        moved = [f"to/{path}" for path in paths if path not in stayed]
        assert [key for key in keys_in(folder) if not key.endswith("/")] == stayed + moved
        assert report.targets == ()


def test_fo_19_fo_23_a_move_costs_a_copy_a_file(seaweedfs, weed, monkeypatch):
    """With pages of 50 keys instead of 1,000: the listings, a copy for each file, and a delete for each page."""
    if seaweedfs.name != "seaweedfs":
        pytest.skip("the numbers are those of SeaweedFS, which keeps the conditions of deletes")
    monkeypatch.setattr(trees, "MAX_DELETE_KEYS", 50)
    fill(weed, "docs/", *(f"docs/{number:03}" for number in range(120)))
    with counted_requests(weed.storage) as sent:
        report = weed.move("docs/", "to")
    assert report.done == 120
    # The marker is written, and not copied.
    assert sent.methods.count("PUT") == 121
    # The pages of the source; whether the target exists; whether the server still lists the folder. SeaweedFS does, and
    # costs a look and a delete more.
    assert sent.methods.count("GET") == 3 + 1 + 1 + 1
    assert sent.methods.count("POST") == 3 + 1
    assert len(sent) == 121 + 6 + 4


def test_fo_23_a_second_look_costs_the_listing_again(moto, monkeypatch):
    """Where the server ignores the condition of a delete."""
    monkeypatch.setattr(trees, "MAX_DELETE_KEYS", 50)
    folder = on_moto(moto)
    fill(folder, "docs/", *(f"docs/{number:03}" for number in range(120)))
    with counted_requests(folder.storage) as sent:
        assert folder.move("docs/", "to").done == 120
    assert sent.methods.count("PUT") == 121
    assert sent.methods.count("GET") == 3 + 1 + 3 + 1
    assert sent.methods.count("POST") == 3


def test_fo_19_large_trees_are_not_held(folder, monkeypatch):
    """Above the limit, one pass counts and a second one works page by page."""
    monkeypatch.setattr(trees, "MAX_HELD", 10)
    monkeypatch.setattr(trees, "MAX_DELETE_KEYS", 4)
    paths = [f"docs/{number:03}" for number in range(23)]
    fill(folder, *paths)
    steps = list(folder.moving("docs", "to"))
    assert steps[0].total == 23
    assert steps[-1].report.done == 23
    assert [key for key in keys_in(folder) if not key.endswith("/")] == [f"to/{path}" for path in paths]
    with pytest.raises(NameRefusedError, match="too large to be copied into itself"):
        folder.copy("to", "to/docs")
    assert folder.delete("to").done == 23


@pytest.mark.parametrize("stop", range(0, 12, 2))
def test_fo_21_what_was_interrupted_goes_on(folder, stop):
    """A caller that stops leaves a state from which the next run continues; no file is lost or doubled."""
    paths = [f"docs/{number}" for number in range(8)]
    fill(folder, *paths)
    work = folder.moving("docs", "to")
    seen = list(itertools.islice(work, stop))
    work.close()
    since = seen[-1].started if seen else None
    report = list(folder.moving("docs", "to", since=since))[-1].report
    assert report.failures == ()
    assert [key for key in keys_in(folder) if not key.endswith("/")] == [f"to/{path}" for path in paths]


def test_fo_21_a_copy_whose_source_was_not_deleted_is_not_made_again(weed):
    """As after a kill between the copies and the deletes."""
    fill(weed, "docs/a", "docs/b", "docs/c")
    since = weed.storage.objects.bucket.date
    weed.storage.copy("acme/docs/a", "acme/to/docs/a")
    weed.storage.copy("acme/docs/b", "acme/to/docs/b")
    weed.delete("docs/b")
    with counted_requests(weed.storage) as sent:
        report = list(weed.moving("docs", "to", since=since))[-1].report
    assert report.done == 2
    assert [one.path.rpartition("/")[2] for one in sent if one.method == "PUT" and "/to/docs/" in one.path][:1] == ["c"]
    assert keys_in(weed) == ["to/docs/", "to/docs/a", "to/docs/b", "to/docs/c"]


def test_fo_21_a_run_that_was_finished_can_be_repeated(folder):
    """Nothing is missing, and nothing happens."""
    fill(folder, "docs/a", "b.txt")
    last = list(folder.moving(["docs", "b.txt"], "to"))[-1]
    before = keys_in(folder)
    report = list(folder.moving(["docs", "b.txt"], "to", since=last.started))[-1].report
    assert (report.failures, len(report.targets)) == ((), 2)
    assert keys_in(folder) == before
    with pytest.raises(FileNotFoundError):
        list(folder.moving("nothing", "to", since=last.started))
    assert list(folder.deleting("nothing", since=last.started))[-1].report.failures == ()


def changed_meanwhile(monkeypatch, change):
    """Run `change` once, after a copy and before the delete of its source."""
    original = transfers.Transfer._delete

    def delete(self, *args):
        change()
        return original(self, *args)

    monkeypatch.setattr(transfers.Transfer, "_delete", delete)


def test_fo_22_what_arrives_meanwhile_stays(folder, monkeypatch):
    """Only what was listed and copied is deleted."""
    fill(folder, "docs/a", "docs/c")
    changed_meanwhile(monkeypatch, lambda: fill(folder, "docs/b"))
    report = folder.move("docs", "to")
    assert report.done == 2
    assert folder.read("docs/b") == b"docs/b"
    assert [key for key in keys_in(folder) if not key.endswith("/")] == ["docs/b", "to/docs/a", "to/docs/c"]
    assert report.arrived in ((), ("docs/b",))
    assert (report.arrived == ()) == folder._scope.conditions.delete


@pytest.mark.parametrize("path", ["docs", "docs/a"])
def test_fo_23_a_source_that_is_replaced_meanwhile_stays(folder, monkeypatch, path):
    """With the condition, and by a second look where the server ignores it."""
    fill(folder, "docs/a", "docs/b")
    changed_meanwhile(monkeypatch, lambda: folder.save("docs/a", b"new", overwrite=True))
    report = folder.move(path, "to")
    assert [(failure.path, failure.code) for failure in report.failures] == [("docs/a", "changed")]
    assert folder.read("docs/a") == b"new"
    assert folder.exists("docs/b") == (path == "docs/a")
    assert report.targets == ()


@pytest.mark.parametrize("before", [b"", b"data"])
def test_fo_23_a_marker_that_gets_content_meanwhile_stays(folder, monkeypatch, before):
    """An object whose key ends with a slash can have content too."""
    fill(folder, "docs/a")
    objects = folder.storage.objects
    key = f"{objects.prefix(folder.root)}docs/marked/"
    objects.bucket.put(key, before, {})
    written = []
    changed_meanwhile(monkeypatch, lambda: written.append(objects.bucket.put(key, b"new", {})))
    report = folder.move("docs", "to")
    assert [(failure.path, failure.code) for failure in report.failures] == [("docs/marked/", "changed")]
    # SeaweedFS returns the size 0 for such keys.
    assert objects.bucket.head(key, {}).etag == written[0].etag
    assert not folder.exists("docs/a")


@pytest.mark.parametrize("changed", [False, True])
def test_the_last_progress_counts_files_and_bytes(folder, monkeypatch, changed):
    """A copied file whose source stays, because it was replaced meanwhile, is not done."""
    fill(folder, "docs/a", "docs/longer")
    if changed:
        changed_meanwhile(monkeypatch, lambda: folder.save("docs/a", b"new", overwrite=True))
    *_, last = folder.moving("docs", "to")
    a, longer = len("docs/a"), len("docs/longer")
    assert (last.total, last.bytes_total) == (2, a + longer)
    assert (last.done, last.failed, last.bytes) == ((1, 1, longer) if changed else (2, 0, a + longer))


def test_fo_23_arrivals_do_not_hide_what_was_copied(moto, monkeypatch):
    """Where the second look is needed: new keys move old ones to the next page, and these are deleted all the same."""
    monkeypatch.setattr(trees, "MAX_DELETE_KEYS", 3)
    folder = on_moto(moto)
    fill(folder, *(f"docs/{number}b" for number in range(6)))
    arrivals = [f"docs/{number}a" for number in range(6)]
    changed_meanwhile(monkeypatch, lambda: fill(folder, *(path for path in arrivals if not folder.exists(path))))
    report = folder.move("docs", "to")
    assert report.done == 6
    assert [key for key in keys_in(folder) if key.startswith("docs/")] == [f"docs/{number}a" for number in range(6)]


def test_fo_25_copies_keep_headers_and_metadata(folder):
    """Type, cache, disposition and metadata are those of the source."""
    given = {
        "ContentType": "text/x-odd",
        "CacheControl": "max-age=5",
        "ContentDisposition": "inline",
        "Metadata": {"by": "tom"},
    }
    put(folder, "docs/a.txt", b"x", **given)
    for path in ("copy.txt", "moved.txt"):
        (folder.copy if path == "copy.txt" else folder.move)("docs/a.txt", "", name=path)
        stat = folder.storage.stat(f"acme/{path}")
        assert (stat.content_type, stat.cache_control, stat.content_disposition, stat.metadata) == (
            "text/x-odd",
            "max-age=5",
            "inline",
            {"by": "tom"},
        )


def test_fo_25_tags_are_kept(folder, monkeypatch):
    """By a copy in one request, and by one in parts."""
    put(folder, "docs/a.txt", b"x", Tagging="kind=draft&by=tom")
    objects = folder.storage.objects
    wanted = "kind=draft&by=tom"
    folder.copy("docs/a.txt", "one")
    # SeaweedFS still copies it in one request.
    monkeypatch.setattr(parts, "MAX_COPY_SIZE", 0)
    folder.copy("docs/a.txt", "two")
    for copied in ("acme/one/a.txt", "acme/two/a.txt"):
        tags = objects.bucket.tags(objects.key(copied), {})
        assert sorted(tags.split("&")) == sorted(wanted.split("&"))


@pytest.mark.parametrize(
    ("code", "status", "expected"), [("InvalidObjectState", 403, "archived"), ("SlowDown", 503, "server")]
)
def test_fo_26_failures_are_said_in_words(seaweedfs, seaweedfs_options, code, status, expected):
    """An archived file must be restored first; a server that is busy can be asked again."""

    def respond(method, target, headers):
        if method == "PUT" and "/to/" in target:
            return status, {"Content-Type": "application/xml"}, f"<Error><Code>{code}</Code></Error>".encode()
        return None

    with FaultProxy(seaweedfs.endpoint_url, respond=respond) as proxy:
        options = {**seaweedfs_options, "endpoint_url": proxy.url, "max_attempts": 1}
        folder = Folder(S3Storage(**options), "acme")
        fill(folder, "docs/a")
        report = folder.move(["docs/a"], "to")
        assert [(failure.code, failure.reason.endswith(".")) for failure in report.failures] == [(expected, True)]
        assert folder.read("docs/a") == b"docs/a"


def test_fo_27_a_folder_is_copied_into_itself(folder):
    """With what was in it before."""
    fill(folder, "a/x.txt", "a/deep/y.txt")
    assert folder.copy("a", "a", name="copy").done == 2
    assert [key for key in keys_in(folder) if not key.endswith("/")] == [
        "a/copy/deep/y.txt",
        "a/copy/x.txt",
        "a/deep/y.txt",
        "a/x.txt",
    ]


def test_a_copy_beside_the_source(folder):
    """A file and a folder get a number; a replacement of itself is nothing to do."""
    fill(folder, "a/x.txt", "b.txt")
    assert folder.copy(["a/", "b.txt"], "", merge="keep_both").targets == (("b.txt", "b (2).txt"), ("a/", "a (2)/"))
    assert folder.copy("a", "", merge="keep_both").targets == (("a/", "a (3)/"),)
    assert folder.copy("b.txt", "", merge="replace").targets == (("b.txt", "b.txt"),)
    with pytest.raises(FileExistsError):
        folder.copy("b.txt", "")
    assert folder.read("a (2)/x.txt") == b"a/x.txt"


def test_two_sources_of_one_name_do_not_replace_each_other(folder):
    """The second one is a failure, or gets a number."""
    fill(folder, "a/x.txt", "b/x.txt", "a/d/1", "b/d/2")
    for merge in ("replace", None):
        report = folder.copy(["a/x.txt", "b/x.txt", "a/d/", "b/d/"], "to", merge=merge)
        assert [failure.path for failure in report.failures if failure.path.startswith("b/")] == ["b/x.txt", "b/d"]
        assert folder.read("to/x.txt") == b"a/x.txt"
    report = folder.copy(["a/x.txt", "b/x.txt"], "both", merge="keep_both")
    assert {folder.read("both/x.txt"), folder.read("both/x (2).txt")} == {b"a/x.txt", b"b/x.txt"}


def test_fo_04_moved_folders_stay_when_they_are_empty(folder):
    """A folder that was moved has a marker, with or without one before."""
    fill(folder, "docs/a.txt", "with/", "with/b.txt")
    for path in ("docs", "with"):
        folder.move(path, "to")
    folder.delete(["to/docs/a.txt", "to/with/b.txt"])
    assert {"to/docs/", "to/with/"} <= {entry.path for entry in folder.list("to").entries}
    assert "docs/" not in {entry.path for entry in folder.list().entries}


def test_signals_follow_what_has_succeeded(local):
    """One for each path that was asked for, relative to the outermost root, and none for failures."""
    fill(local, "a/docs/x.txt", "a/b.txt", "a/c.txt", "a/to/c.txt")
    seen = []

    def note(signal, sender, folder, **facts):
        assert sender is Folder
        seen.append({name: value for name, value in facts.items() if name != "signal"})

    for signal in (signals.moved, signals.deleted, signals.restored):
        signal.connect(note)
    inner = local.within("a")
    inner.move(["docs", "b.txt", "c.txt"], "to")
    trashed = inner.trash("to/b.txt", operation="one")
    inner.restore(trashed)
    inner.delete("to/docs/")
    inner.copy("c.txt", "", name="d.txt")
    assert seen == [
        {"source": "a/b.txt", "target": "a/to/b.txt", "operation": ""},
        {"source": "a/docs/", "target": "a/to/docs/", "operation": ""},
        {"path": "a/to/b.txt", "operation": "one"},
        {"source": "a/to/b.txt", "target": "a/to/b.txt", "operation": "one"},
        {"path": "a/to/docs/", "operation": ""},
    ]
    for signal in (signals.moved, signals.deleted, signals.restored):
        signal.disconnect(note)


def test_a_copy_whose_response_was_lost_is_recognised(seaweedfs, seaweedfs_options):
    """The second attempt finds the copy of the first one, and the file is moved, not doubled."""
    match = "^PUT .*/to/"
    with FaultProxy(seaweedfs.endpoint_url, faults={"lost": 1.0}, match=match, max_faults_per_request=1) as proxy:
        folder = asked(Folder(S3Storage(**{**seaweedfs_options, "endpoint_url": proxy.url}), "acme"))
        fill(folder, "docs/a", "docs/b")
        assert folder.move("docs/a", "to").done == 1
        assert folder.move("docs", "to").done == 1
        assert [key for key in keys_in(folder) if not key.endswith("/")] == ["to/a", "to/docs/b"]


def test_errors_that_are_not_of_s3_are_raised(local, monkeypatch):
    """A defect is not a failure in a report."""
    fill(local, "docs/a")
    monkeypatch.setattr(transfers, "copy_whole", lambda *args, **how: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        local.move("docs", "to")
    assert local.read("docs/a") == b"docs/a"


def test_fo_20_a_copy_of_another_size_is_not_trusted(local, monkeypatch):
    """The source stays."""
    fill(local, "docs/a")

    def shorter(objects, source, target, **how):
        objects.bucket.put(target.key, b"", {})
        return Copied(etag='"other"')

    monkeypatch.setattr(transfers, "copy_whole", shorter)
    report = local.move("docs", "to")
    assert [failure.code for failure in report.failures] == ["changed"]
    assert local.read("docs/a") == b"docs/a"
    with pytest.raises(errors.S3StoreError):
        local.storage.stat("acme/nothing")
