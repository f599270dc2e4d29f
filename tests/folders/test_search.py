"""Finding names, and counting what there is."""

import pytest
from django.core.exceptions import SuspiciousOperation

from s3store.folders import Folder, search
from tests.folders.trees import fill, put


def found(folder, text, path="", **how):
    """Return the paths that a search finds."""
    return [entry.path for entry in folder.find(text, path, **how).entries]


def test_fo_39_names_are_found_at_any_depth(folder):
    """Whatever the case and the form of Unicode; files and folders, each once; and a pattern is only text."""
    fill(folder, "docs/Roof.jpg", "roof/a.txt", "roof/b/roof.txt", "CAFE\u0301/x.txt", "docs/*.txt")
    assert sorted(found(folder, "ROOF")) == ["docs/Roof.jpg", "roof/", "roof/b/roof.txt"]
    assert found(folder, "caf\u00e9") == ["CAFE\u0301/"]
    assert found(folder, "*.t") == ["docs/*.txt"]
    assert found(folder, "roof", "docs") == ["docs/Roof.jpg"]
    assert folder.find("nothing").complete
    with pytest.raises(FileNotFoundError):
        folder.find("x", "nowhere")


@pytest.mark.parametrize(("text", "limit"), [("", 5), (" ", 5), ("x", 0), ("x", 1001)])
def test_a_search_needs_a_text(local, text, limit):
    """And a limit that can be kept."""
    with pytest.raises(ValueError, match="Search for a text"):
        local.find(text, limit=limit)


def test_a_search_goes_on(local, monkeypatch):
    """After the limit, after many keys and after seconds: nothing is left out, and nothing comes twice."""
    fill(local, *(f"roof {number // 3}/roof {number}.txt" for number in range(12)))
    expected = found(local, "roof")
    assert len(expected) == 16
    for limit in (1, 2, 5):
        entries, page, complete = [], None, False
        while not complete:
            result = local.find("roof", limit=limit, page=page)
            entries += [entry.path for entry in result.entries]
            page, complete = result.next, result.complete
        assert entries == expected
    monkeypatch.setattr(search, "MAX_KEYS", 5)
    original = local.storage.objects.bucket.page
    monkeypatch.setattr(
        local.storage.objects.bucket, "page", lambda *args, **how: original(*args, **{**how, "limit": 2})
    )
    entries, page, rounds = [], None, 0
    while True:
        result = local.find("roof", page=page)
        entries += [entry.path for entry in result.entries]
        rounds += 1
        if result.complete:
            break
        page = result.next
    assert (entries, rounds) == (expected, 2)
    with pytest.raises(SuspiciousOperation):
        local.find("other", page=page)
    with pytest.raises(SuspiciousOperation):
        Folder(local.storage, "other").find("roof", page=page)


def test_fo_39_usage_counts_everything(folder):
    """Bytes, files and folders with and without markers; the trash apart."""
    fill(folder, "docs/a.txt", "docs/deep/er/b.txt", "empty/")
    usage = folder.usage()
    assert (usage.bytes, usage.files, usage.folders, usage.hidden, usage.trash) == (28, 2, 4, 0, 0)
    assert folder.usage("docs/deep").files == 1
    folder.trash("docs/a.txt", operation="one")
    usage = folder.usage()
    assert (usage.files, usage.trash) == (1, 10)
    with pytest.raises(FileNotFoundError):
        folder.usage("nowhere")


def test_fo_03_fo_17_usage_counts_what_cannot_be_shown(local):
    """A marker with bytes, and keys of other programs."""
    put(local, "odd/", b"12345")
    put(local, "a//b", b"12")
    put(local, "../c", b"1")
    usage = local.usage()
    assert (usage.bytes, usage.files, usage.folders, usage.hidden) == (8, 0, 2, 2)


def test_usage_leaves_out_what_may_not_be_read(local):
    """A guest does not learn how much there is."""

    class Policy:
        def can(self, user, action, path):
            return "secret" not in path

    fill(local, "a.txt", "secret/b.txt")
    folder = Folder(local.storage, "acme", policy=Policy())
    assert folder.usage().files == 1
    assert found(folder, "txt") == ["a.txt"]
    assert found(folder, "secret") == []
