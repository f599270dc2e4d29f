"""Deleting with a way back: by delete markers in buckets with versions, and by the trash in others."""

import dataclasses
import hashlib
import json
import uuid

import pytest

from s3store import errors
from s3store.folders import Folder, NameRefusedError, Trashed, trees
from s3store.local import FakeS3Storage
from s3store.storage import S3Storage
from s3store.testing.counting import counted_requests
from s3store.testing.fixtures import options_for
from tests.folders.trees import fill, keys_in, paths_of, put


def in_versions(server):
    """Return an empty folder in a new bucket that keeps versions."""
    storage = S3Storage(**{**options_for(server), "bucket_name": f"v-{uuid.uuid4().hex}"}, location="media")
    storage.client.create_bucket(Bucket=storage.bucket_name)
    status = {"Status": "Enabled"}
    storage.client.put_bucket_versioning(Bucket=storage.bucket_name, VersioningConfiguration=status)
    return Folder(storage, "acme")


@pytest.fixture(params=["moto", "seaweedfs"])
def versioned(request):
    """An empty folder in a bucket that keeps versions."""
    return in_versions(request.getfixturevalue(request.param))


def marks(folder):
    """Return the keys below the root that have delete markers."""
    objects = folder.storage.objects
    prefix = objects.prefix(folder.root)
    return sorted(
        one.key[len(prefix) :]
        for one in objects.bucket.versions(prefix, objects.listing_params)
        if one.is_marker and ".s3store" not in one.key
    )


class TestTrash:
    """What holds in every bucket."""

    @pytest.fixture(params=["moto", "moto versions", "seaweedfs", "seaweedfs versions", "twin"])
    def folder(self, request, tmp_path):
        """An empty folder on the three storages, and in buckets with versions."""
        if request.param == "twin":
            return Folder(FakeS3Storage(tmp_path, allow_without_debug=True), "acme")
        server = request.getfixturevalue(request.param.split()[0])
        if request.param.endswith("versions"):
            return in_versions(server)
        return Folder(S3Storage(**options_for(server), location=uuid.uuid4().hex), "acme")

    def test_fo_29_what_is_deleted_can_be_restored(self, folder):
        """Files and folders, also empty ones, come back where they were."""
        fill(folder, "a.txt", "docs/b.txt", "docs/deep/c.txt", "docs/empty/", "docs-2/d.txt")
        before = keys_in(folder)
        trashed = folder.trash(["a.txt", "docs"], operation="one")
        assert (trashed.operation, trashed.paths, trashed.report.done) == ("one", ("a.txt", "docs/"), 3)
        assert keys_in(folder) == ["docs-2/d.txt"]
        # moto lists the folders of deleted files in buckets with versions.
        assert paths_of(folder.list()) == ["docs-2/"] or (trashed.versioned and not folder.exists("docs/"))
        again = Trashed(**json.loads(json.dumps({**dataclasses.asdict(trashed), "report": None})))
        report = folder.restore(again)
        assert (report.done, report.failures) == (3, ())
        assert [target for _, target in report.targets] == ["a.txt", "docs/"]
        assert [key for key in keys_in(folder) if key != "docs/"] == before
        assert folder.read("docs/deep/c.txt") == b"docs/deep/c.txt"

    def test_fo_30_a_name_that_is_taken_again_keeps_its_file(self, folder):
        """The new file stays, and the old one comes back beside it."""
        fill(folder, "a.txt", "docs/b.txt")
        trashed = folder.trash(["a.txt", "docs/"], operation="one")
        folder.save("a.txt", b"new")
        folder.save("docs/b.txt", b"new")
        report = folder.restore(trashed)
        assert (report.done, report.renamed, report.failures) == (2, 2, ())
        assert ("a.txt", "a (restored).txt") in report.targets
        assert folder.read("a.txt") == folder.read("docs/b.txt") == b"new"
        assert folder.read("a (restored).txt") == b"a.txt"
        assert folder.read("docs/b (restored).txt") == b"docs/b.txt"

    def test_restoring_again_changes_nothing(self, folder):
        """What is not in the trash is missing, and nothing is doubled."""
        fill(folder, "docs/b.txt")
        trashed = folder.trash("docs", operation="one")
        folder.restore(trashed)
        before = keys_in(folder)
        report = folder.restore(trashed)
        assert {failure.code for failure in report.failures} == {"missing"}
        assert keys_in(folder) == before
        assert folder.restore(Trashed(operation="other", paths=("x.txt",), versioned=trashed.versioned)).failed == 1

    def test_a_missing_path_is_not_trashed(self, folder):
        """One path raises; of several, it is a failure."""
        fill(folder, "a.txt")
        with pytest.raises(FileNotFoundError):
            folder.trash("nothing", operation="one")
        trashed = folder.trash(["a.txt", "nothing", "no/"], operation="two")
        assert [(failure.path, failure.code) for failure in trashed.report.failures] == [
            ("nothing", "missing"),
            ("no", "missing"),
        ]


@pytest.mark.parametrize(
    ("versioned", "count", "most"),
    [("moto", 24, 10), ("seaweedfs", 24, 10), pytest.param("seaweedfs", 2500, 1000, marks=pytest.mark.campaign)],
    indirect=["versioned"],
)
def test_fo_28_undo_in_a_bucket_with_versions_copies_nothing(versioned, monkeypatch, count, most):
    """The delete markers are deleted, as many a request as were made, and every file has its content again."""
    monkeypatch.setattr(trees, "MAX_DELETE_KEYS", most)
    objects = versioned.storage.objects
    prefix = objects.prefix("acme/docs")
    for number in range(count):
        objects.bucket.put(f"{prefix}{number:04}", str(number).encode(), {})
    trashed = versioned.trash("docs", operation="one")
    assert trashed.versioned
    assert trashed.report.done == count
    assert keys_in(versioned) == []
    with counted_requests(versioned.storage) as sent:
        report = versioned.restore(trashed)
    assert (report.done, report.failures) == (count, ())
    assert sent.methods.count("POST") == 3
    assert "PUT" not in sent.methods
    assert len(sent) < 15
    digest = hashlib.sha256(b"".join(str(number).encode() for number in range(count))).hexdigest()
    again = b"".join(versioned.read(f"docs/{number:04}") for number in range(count))
    assert hashlib.sha256(again).hexdigest() == digest
    assert marks(versioned) == []


def test_fo_31_nothing_is_deleted_that_was_not_listed(versioned):
    """A delete of what never existed would leave delete markers."""
    fill(versioned, "docs/a.txt")
    with pytest.raises(FileNotFoundError):
        versioned.delete("other.txt")
    assert versioned.delete(["nothing", "docs/"]).done == 1
    assert marks(versioned) == ["docs/a.txt"]


def test_a_record_without_an_answer_is_enough(versioned, monkeypatch):
    """If the process dies between the delete and the record of its markers, the keys in the record find them."""
    fill(versioned, "docs/a.txt", "docs/b.txt")

    def die(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr("s3store.folders.trash.Trashing.count", die)
    original = type(versioned.storage.objects.bucket).delete_listed

    def deletes(self, wanted, params, **how):
        found = original(self, wanted, params, **how)
        if how.get("markers"):
            raise KeyboardInterrupt
        return found

    monkeypatch.setattr("s3store.wire.bucket.Bucket.delete_listed", deletes)
    with pytest.raises(KeyboardInterrupt):
        versioned.trash("docs", operation="one")
    monkeypatch.undo()
    assert keys_in(versioned) == []
    report = versioned.restore(Trashed(operation="one", paths=("docs/",), versioned=True))
    assert report.failures == ()
    assert versioned.read("docs/a.txt") == b"docs/a.txt"


def test_fo_29_no_path_reaches_the_trash(local):
    """What belongs to s3store is refused on every verb, and is not listed."""
    fill(local, "a.txt", "docs/b.txt")
    trashed = local.trash(["a.txt", "docs"], operation="one")
    for path in (".s3store/trash/one/a.txt", ".s3store/", ".S3STORE/x", "docs/.s3store/x"):
        for verb in (
            lambda path: local.list(path),
            local.stat,
            local.read,
            local.url,
            local.delete,
            local.create_folder,
            local.within,
            lambda path: local.save(path, b"x"),
            lambda path: local.move(path, "x"),
            lambda path: local.copy("x", path),
            lambda path: local.trash(path, operation="x"),
            lambda path: local.rename("x", path),
        ):
            with pytest.raises(NameRefusedError):
                verb(path)
    assert local.list().entries == ()
    with pytest.raises(NameRefusedError):
        local.restore(Trashed(operation="one", paths=("../other/a.txt",)))
    assert local.restore(trashed).done == 2


@pytest.mark.parametrize("operation", ["", "../x", "a/b", ".hidden", "x" * 65, "a b"])
def test_an_operation_is_an_identifier(local, operation):
    """It becomes part of keys."""
    put(local, "a.txt")
    with pytest.raises(ValueError, match="operation="):
        local.trash("a.txt", operation=operation)
    with pytest.raises(ValueError, match="operation="):
        local.restore(Trashed(operation=operation, paths=("a.txt",)))
    assert keys_in(local) == ["a.txt"]


def test_the_trash_is_emptied(folder):
    """For ever, by who may delete at the root: also in a folder of a folder, which has the trash of its root."""
    fill(folder, "a.txt", "docs/b.txt", "docs/c.txt", "stays.txt")
    trashed = folder.trash(["a.txt", "docs/b.txt"], operation="one")

    class Inside:
        def can(self, user, action, path):
            return path.startswith("docs")

    guest = Folder(folder.storage, "acme", policy=Inside()).within("docs")
    with pytest.raises(FileNotFoundError):
        guest.empty_trash()
    assert folder.usage().trash > 0
    assert folder.empty_trash().done == 2
    assert folder.usage().trash == 0
    assert {failure.code for failure in folder.restore(trashed).failures} == {"missing"}
    assert folder.empty_trash().done == 0
    assert [key for key in keys_in(folder) if not key.endswith("/")] == ["docs/c.txt", "stays.txt"]


def test_trash_in_a_bucket_with_versions_leaves_what_may_not_be_deleted(versioned):
    """And a run that was interrupted continues: what is gone already is not an error."""
    fill(versioned, "docs/fixed.txt", "more/a.txt")

    class Fixed:
        def can(self, user, action, path):
            return action != "delete" or "fixed" not in path

    user = Folder(versioned.storage, "acme", policy=Fixed())
    last = list(user.trashing(["docs", "more"], operation="one"))[-1]
    assert [(failure.path, failure.code) for failure in last.report.failures] == [("docs/fixed.txt", "denied")]
    again = list(versioned.trashing(["more"], operation="one", since=last.started))[-1]
    assert again.report.failures == ()
    assert keys_in(versioned) == ["docs/fixed.txt"]
    assert versioned.trash([], operation="two").report.done == 0


def test_a_bucket_that_stops_keeping_versions_deletes_nothing_more(moto, monkeypatch):
    """A delete would be for ever then."""
    folder = in_versions(moto)
    fill(folder, "docs/a.txt")
    answers = [True, False]
    monkeypatch.setattr("s3store.folders.trash.Records.write", lambda self, record: answers.pop(0))
    with pytest.raises(errors.InvalidRequestError, match="no longer keeps versions"):
        folder.trash("docs", operation="one")
    assert folder.read("docs/a.txt") == b"docs/a.txt"
