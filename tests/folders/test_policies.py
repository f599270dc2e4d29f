"""Who may do what: asked in one place for every verb, and a refusal looks like absence."""

import io

import pytest

from s3store.folders import Folder, Trashed
from s3store.testing.counting import counted_requests
from tests.folders.trees import fill, keys_in, paths_of


class Policy:
    """Allows what `rule` allows, and notes what it was asked."""

    def __init__(self, rule):
        self.rule = rule
        self.asked = []

    def can(self, user, action, path):
        self.asked.append((user, action, path))
        return self.rule(action, path)


VERBS = {
    "list": ("list", lambda folder: folder.list("docs")),
    "find": ("list", lambda folder: folder.find("a", "docs")),
    "breadcrumbs": ("list", lambda folder: folder.breadcrumbs("docs")),
    "usage": ("read", lambda folder: folder.usage("docs")),
    "stat": ("read", lambda folder: folder.stat("docs/a.txt")),
    "open": ("read", lambda folder: folder.open("docs/a.txt")),
    "read": ("read", lambda folder: folder.read("docs/a.txt")),
    "download": ("read", lambda folder: folder.download("docs/a.txt", io.BytesIO())),
    "url": ("read", lambda folder: folder.url("docs/a.txt")),
    "zip": ("read", lambda folder: folder.zip("docs/a.txt")),
    "copy": ("read", lambda folder: folder.copy("docs/a.txt", "to")),
    "copy to": ("write", lambda folder: folder.copy("b.txt", "docs", name="a.txt")),
    "save": ("write", lambda folder: folder.save("docs/a.txt", b"x", overwrite=True)),
    "open for writing": ("write", lambda folder: folder.open("docs/a.txt", "wb")),
    "create_folder": ("write", lambda folder: folder.create_folder("docs/a.txt")),
    "move to": ("write", lambda folder: folder.move("b.txt", "docs", name="a.txt")),
    "move": ("delete", lambda folder: folder.move("docs/a.txt", "to")),
    "rename": ("delete", lambda folder: folder.rename("docs/a.txt", "b.txt")),
    "delete": ("delete", lambda folder: folder.delete("docs/a.txt")),
    "trash": ("delete", lambda folder: folder.trash("docs/a.txt", operation="one")),
    "restore": ("write", lambda folder: folder.restore(Trashed(operation="one", paths=("docs/a.txt",)))),
}


@pytest.mark.parametrize("verb", VERBS)
def test_b12_b29_a_refusal_looks_like_absence(local, verb):
    """Who may not read it gets the very error of a path that does not exist; who may, PermissionError."""
    action, call = VERBS[verb]
    fill(local, "docs/a.txt", "b.txt")
    before = keys_in(local)

    def denied(asked, path):
        return not path.startswith("docs")

    stranger = Folder(local.storage, "acme", user="tom", policy=Policy(denied))
    empty = Folder(local.storage, "nothing", policy=Policy(lambda asked, path: not path.startswith("docs")))
    with pytest.raises(FileNotFoundError) if verb != "restore" else nothing() as caught:
        report = call(stranger)
    if verb == "restore":
        assert [failure.code for failure in report.failures] == ["missing"]
    else:
        with pytest.raises(FileNotFoundError) as absent:
            call(empty)
        assert str(caught.value) == str(absent.value)
        assert ("tom", action, caught.value.filename) in stranger.policy.asked
    reads = Policy(lambda asked, path: asked == "read" or not path.startswith("docs"))
    reader = Folder(local.storage, "acme", policy=reads)
    if action != "read":
        with pytest.raises(PermissionError) if verb != "restore" else nothing():
            report = call(reader)
        if verb == "restore":
            assert [failure.code for failure in report.failures] == ["denied"]
    assert keys_in(local) == before


class nothing:  # noqa: N801
    """A context in which no exception is expected."""

    def __enter__(self):
        return self

    def __exit__(self, *details):
        return None


@pytest.mark.parametrize("answer", [False, None, 0, 1, "yes", [True]])
def test_only_true_is_a_yes(local, answer):
    """Whatever a policy returns by mistake."""
    fill(local, "a.txt")
    with pytest.raises(FileNotFoundError):
        Folder(local.storage, "acme", policy=Policy(lambda action, path: answer)).read("a.txt")


def test_refused_paths_send_no_request(seaweedfs_options):
    """Neither do they take longer than those that do not exist."""
    from s3store.storage import S3Storage

    folder = Folder(S3Storage(**seaweedfs_options), "acme", policy=Policy(lambda action, path: False))
    with counted_requests(folder.storage) as sent:
        for _, call in VERBS.values():
            try:
                call(folder)
            except FileNotFoundError:
                continue
        assert not folder.exists("docs/a.txt")
    assert sent == []


def test_sh_22_paths_are_those_from_the_outermost_root(local):
    """Also in a folder of a folder, where paths are relative to the inner one."""
    fill(local, "a/b/c.txt", "a/b/d/e.txt")
    policy = Policy(lambda action, path: True)
    inner = Folder(local.storage, "acme", user="tom", policy=policy).within("a").within("b")
    assert (inner.root, inner.full_root, inner.base) == ("acme/a/b", "acme/", "a/b")
    assert (inner.user, inner.policy) == ("tom", policy)
    assert inner.read("c.txt") == b"a/b/c.txt"
    assert policy.asked[-1] == ("tom", "read", "a/b/c.txt")
    assert paths_of(inner.list()) == ["d/", "c.txt"]
    assert inner.move("c.txt", "d").targets == (("c.txt", "d/c.txt"),)
    assert ("tom", "write", "a/b/d/c.txt") in policy.asked
    assert inner.as_user("ada").user == "ada"
    trashed = inner.trash("d/c.txt", operation="one")
    assert trashed.paths == ("a/b/d/c.txt",)
    assert inner.restore(trashed).targets == (("d/c.txt", "d/c.txt"),)
    with pytest.raises(FileNotFoundError):
        local.within("other").restore(trashed)
    assert repr(inner) == f"<Folder 'acme/a/b' of {local.storage!r}>"
    assert Folder(local.storage).full_root == ""


def test_what_may_not_be_read_below_a_folder_is_not_there(folder):
    """It is not listed, copied, moved or deleted; what may be read but not deleted is a failure that says so."""
    fill(folder, "docs/a.txt", "docs/secret/b.txt", "docs/fixed.txt", "docs/secret.txt")

    def rule(action, path):
        return "secret" not in path and not (action == "delete" and "fixed" in path)

    user = Folder(folder.storage, "acme", policy=Policy(rule))
    assert paths_of(user.list("docs")) == ["docs/a.txt", "docs/fixed.txt"]
    assert user.copy("docs", "copy").done == 2
    assert not folder.exists("copy/docs/secret/b.txt")
    report = user.move("docs", "to")
    assert [(failure.path, failure.code) for failure in report.failures] == [("docs/fixed.txt", "denied")]
    assert report.done == 1
    for verb in (lambda: user.trash("docs", operation="one").report, lambda: user.delete("docs")):
        report = verb()
        assert [(failure.path, failure.code) for failure in report.failures] == [("docs/fixed.txt", "denied")]
    left = [key for key in keys_in(folder) if key.startswith("docs/") and not key.endswith("/")]
    assert left == ["docs/fixed.txt", "docs/secret.txt", "docs/secret/b.txt"]


def test_what_may_not_be_read_is_not_moved_to_where_it_can_be(local):
    """Deleting and writing are not enough to learn a content."""
    fill(local, "secret/a.txt")

    def rule(action, path):
        return action != "read" or not path.startswith("secret")

    user = Folder(local.storage, "acme", policy=Policy(rule))
    with pytest.raises(FileNotFoundError):
        user.move("secret/a.txt", "open")
    with pytest.raises(FileNotFoundError):
        user.move("secret", "open")
    assert keys_in(local) == ["secret/a.txt"]


def test_of_several_paths_the_others_go_on(local):
    """A refused one is a failure with the code that a single one would raise."""
    fill(local, "a.txt", "b.txt", "c.txt")

    def rule(action, path):
        return not path.startswith("b") and not (action == "delete" and path.startswith("c"))

    user = Folder(local.storage, "acme", policy=Policy(rule))
    report = user.delete(["a.txt", "b.txt", "c.txt"])
    assert report.done == 1
    assert [(failure.path, failure.code) for failure in report.failures] == [("b.txt", "missing"), ("c.txt", "denied")]


def test_b19_b20_urls_work_for_120_seconds(seaweedfs_options):
    """Signed, shown or saved as it is safe, and without a request."""
    import urllib.request

    from s3store.storage import S3Storage

    folder = Folder(S3Storage(**seaweedfs_options), "acme")
    fill(folder, "docs/offer.pdf", "docs/page.html")
    with counted_requests(folder.storage) as sent:
        url = folder.url("docs/offer.pdf")
        saved = folder.url("docs/offer.pdf", download=True)
        page = folder.url("docs/page.html", 60)
    assert sent == []
    assert "X-Amz-Expires=120" in url
    assert "X-Amz-Expires=60" in page
    for found, disposition, content_type in (
        (url, 'inline; filename="offer.pdf"', "application/pdf"),
        (saved, 'attachment; filename="offer.pdf"', "application/pdf"),
        (page, 'attachment; filename="page.html"', None),
    ):
        with urllib.request.urlopen(found) as response:
            assert response.headers["Content-Disposition"] == disposition
            if content_type:
                assert response.headers["Content-Type"] == content_type
