"""What happens rarely: servers that refuse, names that are all taken, and trees that are too large to hold."""

import json
import signal
import subprocess
import sys
import textwrap
from datetime import datetime

import pytest

from s3store import errors
from s3store.core.zips import Member
from s3store.folders import Folder, Trashed, restore, transfers, trees, work
from s3store.folders.archive import Archive, Content
from s3store.local import FakeS3Storage
from s3store.storage import S3Storage
from s3store.wire import conditions, copying
from s3store.wire.deleting import Deletion
from tests.faults.proxy import FaultProxy
from tests.folders.trees import fill, keys_in, paths_of, put


class Denies:
    """A policy that denies the paths with a word in them."""

    def __init__(self, word):
        self.word = word

    def can(self, user, action, path):
        return self.word not in path


def test_a_page_can_be_empty_after_three_requests(local):
    """If nothing on three pages may be seen, the caller goes on with the token."""
    fill(local, *(f"docs/secret{number}" for number in range(5)), "docs/z")
    user = Folder(local.storage, "acme", policy=Denies("secret"))
    page = user.list("docs", size=1)
    assert (paths_of(page), page.next is not None) == ([], True)
    assert paths_of(user.list("docs", size=1, page=page.next)) == ["docs/z"]


def test_a_refusal_of_the_server_is_raised(seaweedfs, seaweedfs_options):
    """Whether a file exists is not known then."""

    def respond(method, target, headers):
        return (403, {}, b"") if method == "HEAD" else None

    with FaultProxy(seaweedfs.endpoint_url, respond=respond) as proxy:
        folder = Folder(S3Storage(**{**seaweedfs_options, "endpoint_url": proxy.url}), "acme")
        verbs = (folder.delete, folder.stat, folder.exists, lambda path: folder.move(path, "to"))
        for verb in verbs:
            with pytest.raises(PermissionError):
                verb("a.txt")


def test_deletes_that_the_server_refuses_are_failures(seaweedfs, seaweedfs_options):
    """The report names them, and nothing is said to be gone that is not."""

    def respond(method, target, headers):
        if method == "POST" and "delete" in target and denied:
            key = storage.objects.key(denied.pop(0))
            body = f"<DeleteResult><Error><Key>{key}</Key><Code>AccessDenied</Code></Error></DeleteResult>"
            return 200, {"Content-Type": "application/xml"}, body.encode()
        return None

    denied = []
    with FaultProxy(seaweedfs.endpoint_url, respond=respond) as proxy:
        storage = S3Storage(**{**seaweedfs_options, "endpoint_url": proxy.url})
        folder = Folder(storage, "acme")
        fill(folder, "docs/a", "docs/b", "c")
        _ = folder._scope.conditions
        denied += ["acme/docs/a", "acme/c", "acme/docs/a", "acme/c"]
        report = folder.delete(["docs/", "c"])
        assert sorted((failure.path, failure.code) for failure in report.failures) == [
            ("c", "denied"),
            ("docs/a", "denied"),
        ]
        assert report.done == 1
        report = folder.move("docs", "to")
        assert {failure.path for failure in report.failures} == {"docs/a"}
        # A trashed file whose source stays is not said to be moved.
        assert folder.trash(["c"], operation="one").report.failed == 1
        assert denied == []


@pytest.mark.campaign
def test_names_that_are_all_taken(local, monkeypatch):
    """After many tries the file stays where it is."""
    for module in (transfers, work, restore):
        monkeypatch.setattr(module, "NAMES_TRIED", 3)
    fill(local, "a.txt", "to/a.txt", "to/a (2).txt", "d/x", "d (2)/x")
    assert [one.code for one in local.move(["a.txt"], "to", merge="keep_both").failures] == ["exists"]
    with pytest.raises(FileExistsError):
        local.copy("d", "", merge="keep_both")
    with pytest.raises(FileExistsError):
        for _ in range(100):
            local.save("to/b.txt", b"x", keep_both=True)
    assert local.read("a.txt") == b"a.txt"


def test_a_target_that_is_too_large_to_hold_is_asked_about_each_file(local, monkeypatch):
    """The result is the same."""
    monkeypatch.setattr(trees, "MAX_HELD", 3)
    monkeypatch.setattr(trees, "MAX_DELETE_KEYS", 2)
    fill(local, *(f"docs/{number}" for number in range(6)), *(f"to/docs/{number}" for number in range(3, 9)))
    report = local.move("docs", "to", merge="skip")
    assert (report.done, report.skipped) == (3, 3)


def test_what_belongs_to_an_inner_root_moves_and_is_not_copied(local):
    """A folder that is the root of another Folder has a trash of its own."""
    inner = Folder(local.storage, "acme/docs")
    fill(inner, "a.txt", "b.txt")
    inner.trash("b.txt", operation="one")
    assert local.copy("docs", "copy").done == 1
    local.move("docs", "to")
    moved = Folder(local.storage, "acme/to/docs")
    assert moved.restore(Trashed(operation="one", paths=("b.txt",))).done == 1
    assert moved.usage().trash == 0
    put(local, "docs/.s3store/thumbs/x", b"12345")
    usage = local.usage()
    assert (usage.trash, usage.files) == (0, 3)


def test_a_find_leaves_out_what_cannot_be_shown(local):
    """And what is in the trash."""
    put(local, "a//offer")
    fill(local, "offer.txt", "b/offer.txt")
    local.trash("b", operation="one")
    assert [entry.path for entry in local.find("offer").entries] == ["offer.txt"]
    assert local.usage(versions=True).versions == 0


def test_an_archive_that_gets_less_than_it_promised_ends_with_an_error(local):
    """Whatever the reason is."""
    content = Content(member=Member(name="a", size=5), text=b"123")
    with pytest.raises(errors.ObjectChangedError, match="3 bytes"):
        list(Archive(local._scope, [content], "a.zip"))
    put(local, "docs/odd/", b"12345")
    assert local.zip("docs").entries == ()


def test_a_file_that_vanishes_between_two_looks(local, monkeypatch):
    """A single one is missing, and so says the error."""
    fill(local, "a.txt", "b.txt")
    original = transfers.Transfer.files

    def files(self, items):
        local.storage.delete("acme/a.txt")
        return original(self, items)

    monkeypatch.setattr(transfers.Transfer, "files", files)
    with pytest.raises(FileNotFoundError):
        local.move("a.txt", "to")
    assert keys_in(local) == ["b.txt"]


def test_a_taken_name_that_is_free_a_moment_later_is_a_failure(local, monkeypatch):
    """The file stays; the next run moves it."""
    fill(local, "a.txt")

    def refuse(objects, source, target, **how):
        raise errors.ObjectExistsError("taken")

    monkeypatch.setattr(transfers, "copy_whole", refuse)
    assert [one.code for one in local.move(["a.txt"], "to").failures] == ["exists"]


def test_servers_that_do_not_know_a_condition_keep_none(local, monkeypatch):
    """They say that the request is not valid."""
    bucket = local.storage.objects.bucket

    def refuse(*args, **how):
        raise errors.InvalidRequestError("unknown")

    monkeypatch.setattr(bucket, "copy", refuse)
    assert conditions._refuses(lambda: bucket.copy("a", "b", {})) is False


def test_fo_25_fo_26_large_objects_are_copied_in_parts(twin, monkeypatch):
    """With their headers and tags; the ETag differs, and the size is compared."""
    monkeypatch.setattr(copying.parts, "MAX_COPY_SIZE", 3)
    folder = Folder(twin)
    put(folder, "a.bin", b"12345", ContentType="text/x-odd", Tagging="by=tom", Metadata={"k": "v"})
    bucket = twin.objects.bucket
    original = type(bucket).copy

    def too_large(self, source, key, params, **how):
        raise errors.InvalidRequestError("The specified copy source is larger than the maximum allowable size")

    monkeypatch.setattr(type(bucket), "copy", too_large)
    assert folder.move("a.bin", "to").done == 1
    monkeypatch.setattr(type(bucket), "copy", original)
    stat = twin.stat("to/a.bin")
    assert (stat.size, stat.content_type, stat.metadata) == (5, "text/x-odd", {"k": "v"})
    assert bucket.tags(stat.key, {}) == "by=tom"


def test_fo_23_a_single_file_that_changes_before_the_copy_stays(moto, monkeypatch):
    """Where the server ignores the condition of a copy, it is compared before."""
    from s3store.testing.fixtures import options_for

    folder = Folder(S3Storage(**options_for(moto), location="changes"), "acme")
    fill(folder, "a.txt")
    _ = folder._scope.conditions
    original = copying.create_whole

    def late(objects, source, target, **how):
        folder.save("a.txt", b"new", overwrite=True)
        return original(objects, source, target, **how)

    monkeypatch.setattr(transfers, "create_whole", late)
    assert [one.code for one in folder.move(["a.txt"], "to").failures] == ["changed"]
    assert folder.read("a.txt") == b"new"


def test_versions_and_conditions_of_single_deletes(twin):
    """Keys that XML cannot carry are deleted one by one on servers; the twin checks the condition of each."""
    folder = Folder(twin)
    put(folder, "a\nb", b"1")
    bucket = twin.objects.bucket
    (refused,) = bucket.delete_listed([Deletion(key="a\nb", etag='"other"')], {})
    assert refused.failure.code == "PreconditionFailed"
    assert bucket.delete_listed([Deletion(key="a\nb"), Deletion(key="nothing")], {})[0].failure is None


def test_overwriting_the_root_is_refused(local):
    """It is a folder."""
    with pytest.raises(ValueError, match="empty"):
        local.save("", b"x", overwrite=True)


SCRIPT = """
    import os, sys
    import django
    from django.conf import settings
    settings.configure(SECRET_KEY="x")
    django.setup()
    from s3store.folders import Folder, transfers
    from s3store.local import FakeS3Storage
    folder = Folder(FakeS3Storage(sys.argv[1], allow_without_debug=True), "acme")
    point, stop = sys.argv[2], int(sys.argv[3])
    calls = [0]

    def killing(original):
        def call(*args, **how):
            calls[0] += 1
            if calls[0] > stop:
                os.kill(os.getpid(), 9)
            return original(*args, **how)
        return call

    name = {"copy": "copy_whole", "delete": "removal.delete_unchanged"}[point]
    owner = transfers.removal if "." in name else transfers
    name = name.rpartition(".")[2]
    setattr(owner, name, killing(getattr(owner, name)))
    transfers.trees_page = 3
    from s3store.folders import trees
    trees.MAX_DELETE_KEYS = 3
    for progress in folder.moving("docs", "to"):
        print(progress.started.isoformat(), flush=True)
"""


@pytest.mark.parametrize(
    ("point", "stop"), [*(("copy", number) for number in range(0, 8, 2)), ("delete", 0), ("delete", 1), ("delete", 2)]
)
def test_fo_21_a_killed_move_goes_on(tmp_path, point, stop):
    """Killed before a copy or a delete: the next run finishes it, and no file is lost or doubled."""

    folder = Folder(FakeS3Storage(tmp_path, allow_without_debug=True), "acme")
    paths = [f"docs/{number}" for number in range(8)]
    fill(folder, *paths)
    command = [sys.executable, "-c", textwrap.dedent(SCRIPT), str(tmp_path), point, str(stop)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert_continued(folder, ran, paths)


ON_A_SERVER = """
    import http.client, json, os, sys
    import django
    from django.conf import settings
    settings.configure(SECRET_KEY="x")
    django.setup()
    from s3store.folders import Folder, trees
    from s3store.storage import S3Storage
    given = json.load(sys.stdin)
    trees.MAX_DELETE_KEYS = given["page"]
    left = given["stop"]
    sent = http.client.HTTPConnection.putrequest

    def putrequest(self, method, *args, **how):
        global left
        left -= method == given["method"]
        if left < 0:
            os.kill(os.getpid(), 9)
        return sent(self, method, *args, **how)

    http.client.HTTPConnection.putrequest = putrequest
    for progress in Folder(S3Storage(**given["options"]), "acme").moving("docs", "to"):
        print(progress.started.isoformat(), flush=True)
"""

POINTS = [
    *(("PUT", stop) for stop in (3, 70, 101, 180, 299)),  # copies of each page, and the first of the second page
    *(("POST", stop) for stop in (0, 1, 2)),  # the deletes of a page whose files are all copied
    ("GET", 2),  # between the listings
    ("GET", 4),
]


@pytest.mark.campaign
@pytest.mark.parametrize(("method", "stop"), POINTS)
def test_fo_21_a_move_of_300_files_killed_at_ten_points_goes_on(seaweedfs, seaweedfs_options, method, stop):
    """Killed on a server while other copies are on their way: the next run finishes it, no file is lost or doubled."""

    if seaweedfs.name != "seaweedfs":
        pytest.skip("the points are requests that SeaweedFS needs")
    folder = Folder(S3Storage(**seaweedfs_options), "acme")
    paths = [f"docs/{number:03}" for number in range(300)]
    fill(folder, *paths)
    given = {"options": seaweedfs_options, "method": method, "stop": stop, "page": 100}
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(ON_A_SERVER)],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=False,
    )
    assert_continued(folder, ran, paths)


def test_fo_19_a_tree_of_100_000_keys_takes_constant_memory(monkeypatch):
    """Counting and listing them again holds one page."""
    import tracemalloc

    from s3store.core.info import ObjectInfo, Page

    class Bucket:
        def page(self, prefix, params, *, flat, limit, token=None):
            start = int(token or 0)
            keys = range(start, start + limit)
            infos = tuple(ObjectInfo(key=f"{prefix}{key // 7}/{key:06}", size=1, etag=str(key)) for key in keys)
            return Page(objects=infos, prefixes=(), next=str(start + limit) if start + limit < 100_000 else None)

    class Objects:
        bucket = Bucket()
        listing_params: dict[str, str] = {}

    tracemalloc.start()
    try:
        tree = trees.Tree(Objects(), "acme/docs/")
        assert (tree.files, tree.bytes, tree.is_held) == (100_000, 100_000, False)
        assert sum(len(leaves.objects) for leaves in tree.leaves()) == 100_000
        assert tracemalloc.get_traced_memory()[1] < 16 * 1024**2
    finally:
        tracemalloc.stop()


def test_a_report_describes_1000_failures_and_counts_all():
    """A hundred thousand would fill the memory."""
    from s3store.folders.reports import Tally

    tally = Tally()
    for number in range(1200):
        tally.fail(str(number), "denied")
    assert (tally.report.failed, len(tally.report.failures)) == (1200, 1000)


def test_a_restore_that_the_server_refuses_can_be_repeated(seaweedfs, seaweedfs_options):
    """In a bucket with versions: the failure is in the report, and the record stays."""
    import uuid

    refusing = []

    def respond(method, target, headers):
        if method == "POST" and "delete" in target and refusing:
            key = refusing[0]
            body = f"<DeleteResult><Error><Key>{key}</Key><Code>AccessDenied</Code></Error></DeleteResult>"
            return 200, {"Content-Type": "application/xml"}, body.encode()
        return None

    with FaultProxy(seaweedfs.endpoint_url, respond=respond) as proxy:
        given = {**seaweedfs_options, "endpoint_url": proxy.url, "bucket_name": f"v-{uuid.uuid4().hex}"}
        storage = S3Storage(**given)
        storage.client.create_bucket(Bucket=storage.bucket_name)
        storage.client.put_bucket_versioning(Bucket=storage.bucket_name, VersioningConfiguration={"Status": "Enabled"})
        folder = Folder(storage, "acme")
        fill(folder, "docs/a.txt")
        trashed = folder.within("docs").trash("a.txt", operation="one")
        refusing.append(storage.objects.key("acme/docs/a.txt"))
        report = folder.within("docs").restore(trashed)
        assert [(failure.path, failure.code) for failure in report.failures] == [("a.txt", "denied")]
        refusing.clear()
        assert folder.restore(trashed).failures == ()
        assert folder.read("docs/a.txt") == b"docs/a.txt"
        # Every name beside it is taken: the file stays in the versions.
        trashed = folder.trash("docs/a.txt", operation="two")
        fill(folder, "docs/a.txt")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(restore, "NAMES_TRIED", 1)
            with pytest.raises(FileExistsError):
                folder.restore(trashed)
        assert folder.restore(trashed).renamed == 1


def assert_continued(folder, ran, paths):
    """The move of a process that was killed goes on, and no file is lost or there twice."""
    assert ran.returncode == -signal.SIGKILL, ran.stderr
    since = datetime.fromisoformat(ran.stdout.split()[0]) if ran.stdout else None
    report = list(folder.moving("docs", "to", since=since))[-1].report
    assert report.failures == ()
    files = {key: folder.read(key) for key in keys_in(folder) if not key.endswith("/")}
    assert files == {f"to/{path}": path.encode() for path in paths}
