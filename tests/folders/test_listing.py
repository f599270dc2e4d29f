"""Pages of folders, and the marks of empty ones."""

import threading
import time

import pytest
from django.core.exceptions import SuspiciousOperation

from s3store.core.info import ObjectInfo, Page
from s3store.folders import Folder, paging
from s3store.storage import S3Storage
from s3store.testing.counting import counted_requests
from tests.folders.trees import fill, keys_in, paths_of, put


def all_pages(folder, path="", **how):
    """Return the paths on all pages, and the number of pages."""
    found, pages, token = [], 0, None
    while pages == 0 or token:
        page = folder.list(path, page=token, **how)
        found += paths_of(page)
        pages, token = pages + 1, page.next
    return found, pages


@pytest.mark.parametrize("marker", [True, False])
@pytest.mark.parametrize("below", [True, False])
def test_fo_01_a_folder_is_a_marker_or_a_prefix(folder, marker, below):
    """Either is enough, and both are one folder."""
    if marker:
        folder.create_folder("docs")
    if below:
        fill(folder, "docs/a.txt")
    there = marker or below
    assert folder.exists("docs") == folder.exists("docs/") == there
    assert paths_of(folder.list()) == (["docs/"] if there else [])
    if there:
        assert paths_of(folder.list("docs")) == (["docs/a.txt"] if below else [])
    else:
        with pytest.raises(FileNotFoundError):
            folder.list("docs")


def test_fo_02_a_marker_is_empty_and_hidden(folder):
    """Zero bytes, a key that ends with a slash, and the type of directories where the server keeps it."""
    folder.create_folder("docs/deep")
    objects = folder.storage.objects
    page = objects.bucket.page(objects.prefix("acme/docs/deep"), {}, flat=False)
    assert [(info.key[-10:], info.size) for info in page.objects] == [("docs/deep/", 0)]
    info = objects.bucket.find(objects.prefix("acme/docs/deep"), {})
    assert info.content_type in ("application/x-directory", "application/octet-stream", "httpd/unix-directory")
    assert paths_of(folder.list("docs/deep")) == []
    assert (folder.usage().files, folder.find("deep").entries[0].path) == (0, "docs/deep/")


def test_fo_03_a_marker_with_bytes_is_a_folder(local):
    """It is shown as one, and moves with the others."""
    put(local, "odd/", b"12345")
    put(local, "odd/a.txt", b"1")
    assert paths_of(local.list()) == ["odd/"]
    assert paths_of(local.list("odd")) == ["odd/a.txt"]
    local.move("odd", "to")
    objects = local.storage.objects
    assert objects.bucket.find(objects.key("acme/to/odd") + "/", {}).size == 5


def test_fo_04_bare_prefixes_vanish_with_their_last_file(moto):
    """A folder of another program is no longer there, and its open page says so."""
    from s3store.testing.fixtures import options_for

    folder = Folder(S3Storage(**options_for(moto), location="fo-04"), "acme")
    put(folder, "bare/a.txt")
    assert paths_of(folder.list()) == ["bare/"]
    folder.delete("bare/a.txt")
    assert paths_of(folder.list()) == []
    with pytest.raises(FileNotFoundError):
        folder.list("bare")


def test_fo_05_exists_of_a_folder_is_one_listing(seaweedfs_options):
    """Never a HEAD: some servers say yes to it for every directory."""
    folder = Folder(S3Storage(**seaweedfs_options), "acme")
    fill(folder, "docs/a.txt")
    with counted_requests(folder.storage) as sent:
        assert folder.exists("docs/")
        assert not folder.exists("nothing/")
    assert [(one.method, "max-keys=1&" in one.query) for one in sent] == [("GET", True)] * 2


def test_fo_06_a_file_and_a_folder_of_one_name(local):
    """Both are shown, and each is deleted without the other. No folder is created beside a file."""
    fill(local, "v")
    with pytest.raises(FileExistsError):
        local.create_folder("v")
    fill(local, "v/x.txt")
    assert paths_of(local.list()) == ["v/", "v"]
    assert local.stat("v").size == 1
    assert local.stat("v/").is_folder
    local.delete("v")
    assert paths_of(local.list()) == ["v/"]
    fill(local, "v")
    local.delete("v/")
    assert keys_in(local) == ["v"]


def test_fo_06_creating_a_folder_asks_once(seaweedfs_options):
    """Whether there is a file of that name; saving a file asks nothing."""
    folder = Folder(S3Storage(**seaweedfs_options), "acme")
    with counted_requests(folder.storage) as sent:
        folder.create_folder("docs")
        folder.save("docs/a.txt", b"x")
    assert sent.methods == ["HEAD", "PUT", "PUT"]


def test_fo_17_keys_that_are_not_possible_names_are_hidden(local):
    """They are counted, and deleted with their folder."""
    for key in ("docs/a//b", "docs/./x", "docs/../y", "docs//", "docs/a\nb", "docs/a\\b", "docs/ok.txt"):
        put(local, key)
    page = local.list("docs")
    assert paths_of(page) == ["docs/a/", "docs/ok.txt"]
    assert page.hidden == 5
    assert local.list("docs/a").hidden == 1
    assert local.delete("docs").failures == ()
    assert keys_in(local) == []


def test_fo_32_pages_continue(folder):
    """With a token for this folder only."""
    paths = [f"docs/{number:02}.txt" for number in range(12)]
    fill(folder, "docs/", *paths, "other/a.txt")
    found, pages = all_pages(folder, "docs", size=5)
    assert (found, pages) == (paths, 3)
    token = folder.list("docs", size=5).next
    for other, path in ((folder, "other"), (Folder(folder.storage, "x"), "docs")):
        with pytest.raises(SuspiciousOperation):
            other.list(path, page=token)
    for forged in ("x", token[:-1], token + "x", "1:2:3"):
        with pytest.raises(SuspiciousOperation):
            folder.list("docs", page=forged)
    for size in (0, 1001):
        with pytest.raises(ValueError, match="size="):
            folder.list("docs", size=size)


def test_fo_32_a_page_with_only_the_marker_is_skipped(seaweedfs_options):
    """The first page has the first file, with at most three requests."""
    folder = Folder(S3Storage(**seaweedfs_options), "acme")
    fill(folder, "docs/", "docs/a.txt", "docs/b.txt")
    with counted_requests(folder.storage) as sent:
        page = folder.list("docs", size=1)
    assert paths_of(page) == ["docs/a.txt"]
    assert len(sent) == 2
    assert all_pages(folder, "docs", size=1)[0] == ["docs/a.txt", "docs/b.txt"]


def test_fo_32_a_page_is_full(folder):
    """The marker, and what s3store keeps for itself, take no place of a page: they cost a request more."""
    paths = [f"docs/{number:02}.txt" for number in range(12)]
    fill(folder, "docs/", *paths)
    put(folder, "docs/.s3store/trash/1", b"")
    found, lengths, requests, token = [], [], [], None
    while not found or token:
        with counted_requests(folder.storage) as sent:
            page = folder.list("docs", size=5, page=token)
        found += paths_of(page)
        lengths.append(len(page.entries))
        requests.append(len(sent))
        token = page.next
    assert (found, lengths) == (paths, [5, 5, 2])
    assert requests in ([2, 1, 1], [0, 0, 0])  # the twin sends none


def test_a_first_page_is_one_request(seaweedfs_options):
    """However many files there are."""
    folder = Folder(S3Storage(**seaweedfs_options), "acme")
    fill(folder, *(f"{number:03}.txt" for number in range(60)))
    with counted_requests(folder.storage) as sent:
        assert len(folder.list(size=50).entries) == 50
    assert len(sent) == 1


def test_a_first_page_of_10_000_files_costs_little(local, monkeypatch):
    """Less than 100 ms of this process, for a page of 100."""
    infos = tuple(ObjectInfo(key=f"acme/{number:05}.pdf", size=number, etag='"e"') for number in range(100))
    monkeypatch.setattr(
        local.storage.objects.bucket, "page", lambda *args, **how: Page(objects=infos, prefixes=(), next="token")
    )
    costs = []
    for _ in range(5):
        started = time.process_time()
        assert len(local.list().entries) == 100
        costs.append(time.process_time() - started)
    # The collection of what other tests have left, and their threads, cost more in some of them.
    assert min(costs) < 0.1


def test_fo_33_small_folders_are_sorted(folder):
    """By natural order, size, time and kind, either way, folders first; and pages continue."""
    sizes = {"file 10.txt": 3, "File 2.pdf": 1, "b.txt": 2}
    for name, size in sizes.items():
        folder.save(name, b"x" * size)
    fill(folder, "z/", "a/")
    by = {
        "natural": ["a/", "z/", "b.txt", "File 2.pdf", "file 10.txt"],
        "size": ["a/", "z/", "File 2.pdf", "b.txt", "file 10.txt"],
        "kind": ["a/", "z/", "File 2.pdf", "b.txt", "file 10.txt"],
    }
    for sort, expected in by.items():
        assert all_pages(folder, sort=sort, size=2)[0] == expected, sort
    assert paths_of(folder.list(sort="size", descending=True))[2:] == ["file 10.txt", "b.txt", "File 2.pdf"]
    assert paths_of(folder.list(sort="natural", descending=True))[:2] == ["z/", "a/"]
    assert len(folder.list(sort="modified").entries) == 5
    assert sorted(paths_of(folder.list(sort="name", descending=True)), reverse=True) == paths_of(
        folder.list(sort="name", descending=True)
    )
    with pytest.raises(ValueError, match="order of a page"):
        folder.list(sort="colour")
    with pytest.raises(FileNotFoundError):
        folder.list("nothing", sort="size")


@pytest.mark.parametrize(("count", "sorts"), [(9, True), (10, True), (11, False)])
def test_fo_33_large_folders_have_the_order_of_the_server(local, monkeypatch, count, sorts):
    """And the page says why it is not sorted."""
    monkeypatch.setattr(paging, "MAX_SORTED", 10)
    for number in range(count):
        local.save(f"{number:02}.txt", b"x" * (20 - number))
    page = local.list(sort="size", size=5)
    assert page.sortable == sorts
    assert paths_of(page)[0] == (f"{count - 1:02}.txt" if sorts else "00.txt")
    assert all_pages(local, sort="size", size=5) == (sorted(all_pages(local)[0], reverse=sorts), -(-count // 5))


def test_fo_33_a_sorted_listing_is_kept_until_something_changes(seaweedfs_options):
    """The next page needs no request, and what this process writes is there at once."""
    folder = Folder(S3Storage(**seaweedfs_options), "acme")
    fill(folder, "docs/a.txt", "docs/b.txt", "docs/c.txt")

    def requests(**how):
        with counted_requests(folder.storage) as sent:
            page = folder.list("docs", sort="size", size=2, **how)
        return len(sent), paths_of(page), page.next

    assert requests()[0] == 1
    count, _, token = requests()
    assert (count, requests(page=token)[:2]) == (0, (0, ["docs/c.txt"]))
    fill(folder, "elsewhere/x.txt")
    assert requests()[0] == 0
    fill(folder, "docs/d.txt")
    assert requests(page=token)[:2] == (1, ["docs/c.txt", "docs/d.txt"])


def test_fo_33_listings_age():
    """After a minute a listing is made again, and of many folders only the last few are kept."""
    now, made = [0.0], []

    class Bucket:
        def moment(self):
            return 1

        def changed_since(self, prefix, moment):
            return False

    listings = paging.Listings(clock=lambda: now[0])

    def make():
        made.append(1)
        return paging.Listing(entries=(), hidden=0, complete=True)

    listings.of(Bucket(), "a", make)
    listings.of(Bucket(), "a", make)
    assert len(made) == 1
    now[0] = paging.SECONDS + 1
    listings.of(Bucket(), "a", make)
    assert len(made) == 2
    for prefix in "bcdef":
        listings.of(Bucket(), prefix, make)
    listings.of(Bucket(), "a", make)
    assert len(made) == 8


def test_fo_34_what_exists_throughout_appears_once(folder):
    """While another thread creates and deletes files between them."""
    stable = [f"docs/{number:02}-s" for number in range(0, 30, 2)]
    fill(folder, *stable)
    stop = threading.Event()

    def write():
        number = 0
        while not stop.is_set():
            path = f"docs/{number % 30:02}-x"
            folder.save(path, b"x", overwrite=True)
            folder.delete(path)
            number += 7

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(3):
            found, _ = all_pages(folder, "docs", size=4)
            assert [path for path in found if path.endswith("-s")] == stable
    finally:
        stop.set()
        writer.join()


def test_a_token_of_another_order_begins_again(local):
    """Nothing is skipped."""
    fill(local, "a", "b", "c")
    token = local.list(size=2).next
    assert paths_of(local.list(sort="size", size=2, page=token)) == ["a", "b"]
    token = local.list(sort="size", size=2).next
    assert paths_of(local.list(size=2, page=token)) == ["a", "b"]


def test_entries_have_kinds():
    """By the extension, whatever its case."""
    from s3store.folders import Entry

    kinds = {
        "a.JPG": "picture",
        "a.pdf": "pdf",
        "a.xlsx": "sheet",
        "a.csv": "sheet",
        "a.md": "text",
        "a.docx": "text",
        "a.mp3": "audio",
        "a.mp4": "video",
        "a.tar.gz": "archive",
        "a.exe": "other",
        "README": "other",
    }
    assert {name: Entry(name=name, path=name).kind for name in kinds} == kinds
    assert Entry(name="a.JPG", path="a.JPG").content_type == "image/jpeg"
    folder = Entry(name="a", path="a/", is_folder=True)
    assert (folder.kind, folder.content_type) == ("folder", None)
