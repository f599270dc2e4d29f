"""Names: what a folder refuses, proposes and shows."""

import io
import unicodedata

import pytest
from django.core.exceptions import SuspiciousFileOperation

from s3store.folders import Folder, NameRefusedError, Trashed, names
from s3store.storage import S3Storage
from tests.folders.trees import fill, keys_in, paths_of, put

# SECURITY.md, SN-01 to SN-25: what no path can be.
BAD = [
    "../x",
    "a/../../x",
    "a/../x",
    "..",
    "a/..",
    "..\\x",
    "a\\..\\..\\x",
    "a/..\\../x",
    "/etc/passwd",
    "/x",
    "\\x",
    "C:\\x",
    "C:/x",
    "nul\0.txt",
    "a\0/../b",
    "a\rb",
    "a\nb",
    "a\tb",
    "a\x01b",
    "a\x1bb",
    "a\x7fb",
    "a\r\nX-Evil: 1.txt",
    "\udcff",
    "\ufffe",
    "\uffff",
    "a//b",
    "a/./b",
    "./a",
    "//a",
    "//evil.example/x",
    ".",
    " ",
    ".. ",
    ". ",
    "a/ /b",
    ".s3store",
    ".s3store/trash/x",
    "a/.S3Store/b",
]

VERBS = {
    "list": lambda folder, path: folder.list(path),
    "stat": lambda folder, path: folder.stat(path),
    "exists": lambda folder, path: folder.exists(path),
    "breadcrumbs": lambda folder, path: folder.breadcrumbs(path),
    "open": lambda folder, path: folder.open(path),
    "open for writing": lambda folder, path: folder.open(path, "wb"),
    "read": lambda folder, path: folder.read(path),
    "download": lambda folder, path: folder.download(path, io.BytesIO()),
    "url": lambda folder, path: folder.url(path),
    "find": lambda folder, path: folder.find("x", path),
    "usage": lambda folder, path: folder.usage(path),
    "zip": lambda folder, path: folder.zip([path, "a.txt"]),
    "save": lambda folder, path: folder.save(path, b"x"),
    "save over": lambda folder, path: folder.save(path, b"x", overwrite=True),
    "create_folder": lambda folder, path: folder.create_folder(path),
    "rename": lambda folder, path: folder.rename(path, "b.txt"),
    "rename to": lambda folder, path: folder.rename("a.txt", path),
    "move": lambda folder, path: folder.move([path], "b"),
    "move to": lambda folder, path: folder.move("a.txt", path),
    "copy": lambda folder, path: folder.copy(path, "b"),
    "copy to": lambda folder, path: folder.copy("a.txt", path),
    "copy as": lambda folder, path: folder.copy("a.txt", "b", name=path),
    "delete": lambda folder, path: folder.delete(path),
    "trash": lambda folder, path: folder.trash(path, operation="one"),
    "restore": lambda folder, path: folder.restore(Trashed(operation="one", paths=(path,))),
    "within": lambda folder, path: folder.within(path),
    "can": lambda folder, path: folder.can("read", path),
}


@pytest.fixture
def unreachable():
    """A folder of a storage whose server does not exist: every request would raise ConnectionError."""
    server = {"bucket_name": "b", "endpoint_url": "http://127.0.0.1:9", "region_name": "x", "max_attempts": 1}
    return Folder(S3Storage(**server, access_key="a", secret_key="b"), "acme")


@pytest.mark.parametrize("verb", VERBS)
def test_sn_01_sn_04_st_03_bad_paths_are_refused_before_a_request(unreachable, verb):
    """Traversal, absolute paths, backslashes, control characters, empty parts, and what belongs to s3store."""
    for path in BAD:
        with pytest.raises(SuspiciousFileOperation):
            VERBS[verb](unreachable, path)


@pytest.mark.parametrize("root", ["../x", "/x", "a//b", "a/../b", "a\\b", ".s3store"])
def test_sn_08_a_root_is_checked(twin, root):
    """When the folder is made."""
    with pytest.raises(NameRefusedError):
        Folder(twin, root)


def test_a_rule_about_names_exists(twin):
    """And a path is a text."""
    with pytest.raises(ValueError, match="names="):
        Folder(twin, names="windows")
    with pytest.raises(TypeError):
        Folder(twin).list(b"docs")


@pytest.mark.parametrize("name", ["a%2Fb", "%2e%2e", "100%", "%00", "a?X-Amz-Expires=9#f", "...", "a.", "..x", "x..y"])
def test_sn_18_sn_20_odd_names_are_ordinary(folder, name):
    """They are stored as they are, and found again."""
    fill(folder, f"docs/{name}")
    assert folder.read(f"docs/{name}") == f"docs/{name}".encode()
    assert paths_of(folder.list("docs")) == [f"docs/{name}"]
    assert folder.rename(f"docs/{name}", "plain").done == 1


@pytest.mark.parametrize("name", ["*", "[a-z]", "{a,b}", ".*", "?"])
def test_sn_24_patterns_are_only_names(folder, name):
    """Nothing else is deleted, moved or found."""
    fill(folder, "docs/a.txt", f"docs/{name}", "b/x")
    assert folder.delete(f"docs/{name}").done == 1
    assert keys_in(folder) == ["b/x", "docs/a.txt"]


@pytest.mark.parametrize("verb", ["delete", "move", "copy", "trash"])
def test_sn_25_the_root_is_never_the_whole_of_it(local, verb):
    """An empty path names the folder itself: it cannot be deleted, moved or renamed."""
    fill(local, "a.txt")
    how = {"move": ("", "b"), "copy": ("", "b")}.get(verb, ("",))
    with pytest.raises(NameRefusedError, match="root"):
        getattr(local, verb)(*how, **({"operation": "one"} if verb == "trash" else {}))
    for empty in (lambda: local.save("", b"x"), lambda: local.create_folder(""), lambda: local.rename("a.txt", "")):
        with pytest.raises(NameRefusedError, match="empty"):
            empty()
    with pytest.raises(NameRefusedError, match="names a folder"):
        local.save("docs/", b"x")
    assert keys_in(local) == ["a.txt"]


def test_paths_of_folders_are_not_those_of_files(local):
    """A path that ends with a slash is never a file."""
    fill(local, "a.txt")
    for verb in (local.read, local.url, local.open, local.stat):
        with pytest.raises(FileNotFoundError):
            verb("a.txt/")
    with pytest.raises(FileNotFoundError):
        local.read("b.txt")
    with pytest.raises(FileExistsError):
        local.open("a.txt", "xb")


# FO-14 to FO-16


def test_fo_14_new_names_are_nfc_and_existing_ones_stay(folder):
    """macOS writes é as two characters."""
    composed, decomposed = unicodedata.normalize("NFC", "café.txt"), unicodedata.normalize("NFD", "café.txt")
    assert folder.save(f"new/{decomposed}", b"x") == f"new/{composed}"
    assert folder.create_folder(unicodedata.normalize("NFD", "é")) == unicodedata.normalize("NFC", "é/")
    put(folder, f"old/{decomposed}")
    assert paths_of(folder.list("old")) == [f"old/{decomposed}"]
    assert folder.read(f"old/{decomposed}") == b"x"
    assert folder.save(f"old/{decomposed}", b"new", overwrite=True) == f"old/{decomposed}"
    assert folder.move(f"old/{decomposed}", "there").targets == ((f"old/{decomposed}", f"there/{decomposed}"),)
    assert folder.save(f"there/{unicodedata.normalize('NFD', 'ü')}", b"x", overwrite=True) == "there/ü"


PORTABLE = {
    "a.": "a",
    "a ": "a",
    "a. .": "a",
    " a": "a",
    "CON": "_CON",
    "con.txt": "_con.txt",
    "nul": "_nul",
    "LPT1.doc": "_LPT1.doc",
    "a<b": "a_b",
    "a>b": "a_b",
    "a:b": "a_b",
    'a"b': "a_b",
    "a|b": "a_b",
    "a?b": "a_b",
    "a*b": "a_b",
    "x" * 256: "x" * 255,
    "ü" * 128: "ü" * 127,
    "x" * 260 + ".pdf": "x" * 251 + ".pdf",
    "...": "_",
}


@pytest.mark.parametrize("name", PORTABLE)
def test_fo_15_portable_names(local, name):
    """New names that do not work everywhere are refused with a proposal; existing ones can be used, and renamed."""
    folder = Folder(local.storage, "acme", names="portable")
    fill(folder, "plain")
    for new in (
        lambda: folder.save(name, b"x"),
        lambda: folder.save(name, b"x", overwrite=True),
        lambda: folder.create_folder(name),
        lambda: folder.rename("plain", name),
        lambda: folder.copy("plain", "b", name=name),
        lambda: folder.open(name, "wb"),
    ):
        with pytest.raises(NameRefusedError) as caught:
            new()
        assert caught.value.proposal == PORTABLE[name]
    fill(local, name)
    assert folder.read(name) == folder.storage.read_bytes(f"acme/{name}")
    assert folder.stat(name).name == name
    assert folder.save(name, b"x", overwrite=True) == name
    assert folder.copy(name, "b").done == 1
    assert folder.rename(name, PORTABLE[name]).done == 1
    assert folder.move(f"b/{name}", "c").done == 1
    assert folder.delete(f"c/{name}").done == 1
    assert folder.save(f"d/{PORTABLE[name]}", b"x")


@pytest.mark.parametrize(
    ("name", "proposal", "shown"),
    [
        ("invoice\u202egpj.exe", "invoicegpj.exe", "invoice\\u202egpj.exe"),
        ("a\u200b.pdf", "a.pdf", "a\\u200b.pdf"),
        ("\ufeffa", "a", "\\ufeffa"),
        ("a\u2066b", "ab", "a\\u2066b"),
    ],
)
def test_fo_16_sn_12_names_that_deceive(local, name, proposal, shown):
    """They are refused on creation; those that exist are shown with what is invisible in them."""
    with pytest.raises(NameRefusedError) as caught:
        local.save(name, b"x")
    assert caught.value.proposal == proposal
    put(local, name)
    (entry,) = local.list().entries
    assert (entry.name, entry.shown) == (name, shown)
    assert local.read(name) == b"x"


def test_names_that_people_need(local):
    """Emoji, joined letters and all scripts are ordinary."""
    for name in ("👩‍👩‍👧.png", "می‌خواهم.txt", "田中陶芸", "Café Águila", "🏳️‍🌈"):
        assert Folder(local.storage, "acme", names="portable").save(name, b"x") == unicodedata.normalize("NFC", name)
    assert names.shown(" a ") == "␣a␣"
    assert names.shown("  ") == "␣␣"


def test_fo_13_names_that_people_take_for_the_same():
    """After case and form of Unicode."""
    assert names.folded("Photo.JPG") == names.folded("photo.jpg")
    assert names.folded("CAFE\u0301") == names.folded("caf\u00e9")
    assert names.folded("a") != names.folded("b")


def test_a_slash_in_a_name_is_refused_with_a_proposal(local):
    """A rename does not move."""
    fill(local, "a.txt")
    proposals = {"b/c.txt": "b_c.txt", "b\\c.txt": "b_c.txt", "../x": ".._x", "/.s3store/": "_.s3store_"}
    for name, proposal in proposals.items():
        with pytest.raises(NameRefusedError) as caught:
            local.rename("a.txt", name)
        assert caught.value.proposal == proposal
    with pytest.raises(NameRefusedError) as caught:
        local.rename("a.txt", "\u200b.s3store")
    assert caught.value.proposal is None


def test_numbers_come_before_the_extension():
    """And before both of an archive."""
    assert names.numbered("offer.pdf", 2) == "offer (2).pdf"
    assert names.numbered("offer.tar.gz", 3) == "offer (3).tar.gz"
    assert names.numbered("README", "restored") == "README (restored)"
