"""Which files are taken: names, extensions and types, whatever the browser says about them."""

import re

import pytest
from django.core.files.storage import Storage

from s3store.core import accept
from s3store.core.media_types import is_active
from s3store.core.parameters import guess_content_type

BINARY = "application/octet-stream"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.txt", "a.txt"),
        ("C:\\Users\\ann\\a.txt", "a.txt"),
        ("folder/sub/a.txt", "a.txt"),
        ("  a.txt ", "a.txt"),
        ("u\u0308.txt", "\u00fc.txt"),
        ("exe\u202egpj.txt", "exe\u202egpj.txt"),
        ("q\"uo'te%2F+.txt", "q\"uo'te%2F+.txt"),
    ],
)
def test_ub_07_a_name_is_the_last_part_of_a_path(name, expected):
    """Without folders of either system, and in Unicode's form NFC."""
    assert accept.base_name(name) == expected


@pytest.mark.parametrize("name", ["", " ", ".", "..", "a/", "a/..", "a\\.", "a\0.txt", "a\n.txt", "\ud800.txt", "\x7f"])
def test_ub_07_names_that_no_file_has_are_refused(name):
    """Empty ones, folders, control characters, and halves of surrogate pairs."""
    with pytest.raises(accept.NameRefusedError):
        accept.base_name(name)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a", ""),
        (".env", ""),
        (".ENV", ""),
        ("A.JPG", ".jpg"),
        ("a.tar.gz", ".gz"),
        ("a.php.jpg", ".jpg"),
        ("a.", ""),
        ("a." + "x" * 300, ""),
        ("a." + "x" * 16, "." + "x" * 16),
        ("a." + "x" * 17, ""),
        ("a.b c", ""),
        ("a.\u017fvg", ""),
        ("a.html!", ".html"),
        ("a.h\u200btml", ".html"),
        ("a.html\u202e", ".html"),
        ("a .html", ".html"),
    ],
)
def test_ub_08_an_extension_is_short_and_plain(name, expected):
    """The last one, in lower case: or none."""
    assert accept.extension(name) == expected


@pytest.mark.parametrize("junk", ["", "!", "\u200b", "\u202e", "'", '"', "(1)", "%", "\u00a0", " ", "\u2028", "~", "#"])
@pytest.mark.parametrize("name", ["x.html{0}", "x.{0}html", "x{0}.html", "x.ht{0}ml", "{0}x.svg", "x.js{0}"])
def test_sp_09_no_name_becomes_another_type_when_it_is_saved(name, junk):
    """Django removes characters from names: the type is decided for what is left."""
    sent = accept.base_name(name.format(junk))
    saved = Storage().get_valid_name(sent)
    if is_active(guess_content_type(saved)):
        with pytest.raises(accept.TypeRefusedError):
            accept.upload_type(sent, BINARY, ())
        with pytest.raises(accept.TypeRefusedError):
            accept.upload_type(sent, "image/png", ("image/*",))


@pytest.mark.parametrize("name", ["a.npz", "a.parquet", ".env", "README", "a.", "a.unheard"])
def test_ub_01_without_a_type_the_extension_decides(name):
    """Browsers say nothing about many files; they are binary data unless the extension is known."""
    assert accept.upload_type(name, "", ()) == guess_content_type(f"x{accept.extension(name)}")
    assert accept.upload_type("a.unheard", "", ()) == BINARY


@pytest.mark.parametrize(
    ("name", "declared", "accepted", "expected"),
    [
        # By extension, whatever the type
        ("a.csv", "application/vnd.ms-excel", (".csv",), "text/csv"),
        ("A.CSV", "", (".csv",), "text/csv"),
        ("a.heic", "", (".heic", ".heif"), "image/heic"),
        ("a.heic", "image/heif", ("image/*",), "image/heic"),
        ("a.ts", "text/vnd.trolltech.linguist", (".ts",), "text/vnd.trolltech.linguist"),
        ("a.unheard", "x/y", (".unheard",), "x/y"),
        # By type, with other names of the same
        ("a.m4a", "audio/x-m4a", ("audio/mp4",), "audio/mp4"),
        ("a.unheard", "audio/x-m4a", ("audio/mp4",), "audio/x-m4a"),
        ("a.unheard", "application/x-gzip", ("application/gzip",), "application/x-gzip"),
        ("a.jpg", "image/jpg", ("image/jpeg",), "image/jpeg"),
        ("a.unheard", "IMAGE/PNG", ("Image/*",), "image/png"),
        ("a.png", "image/png; charset=x", (" .PNG ",), "image/png"),
        ("a.zip", "application/x-zip-compressed", ("application/zip",), "application/zip"),
        ("a.wav", "audio/wave", ("audio/wav",), "audio/wav"),
        # Anything
        ("a.bin", "", ("*/*",), BINARY),
        ("a.unheard", "text/html", ("*/*",), BINARY),
        # Types that run must be named
        ("a.svg", "image/svg+xml", (".svg",), "image/svg+xml"),
        ("a.xml", "text/xml", ("application/xml",), "application/xml"),
        ("a.xml", "", ("text/xml",), "application/xml"),
    ],
)
def test_ub_02_files_are_accepted_by_extension_or_by_type(name, declared, accepted, expected):
    """Systems have different names for one type, and case does not matter."""
    assert accept.upload_type(name, declared, accepted) == expected


@pytest.mark.parametrize(
    ("name", "declared", "accepted"),
    [
        ("a.txt", "text/plain", (".csv",)),
        ("a", "", (".csv",)),
        ("a.csv.exe", "", (".csv",)),
        ("a.svg", "image/svg+xml", ("image/*",)),
        ("a.svg", "image/png", ("image/*", "*/*")),
        ("a.html", "image/png", ("image/*",)),
        ("a.unheard", "image/svg+xml", ("image/*",)),
        ("a.unheard", "image/png, text/html", ("image/*",)),
    ],
)
def test_ub_02_others_are_refused(name, declared, accepted):
    """A type that a browser runs is in no group."""
    with pytest.raises(accept.TypeRefusedError):
        accept.upload_type(name, declared, accepted)


# SECURITY: "stored XSS by type"
RUN = [
    "application/javascript",
    "application/mathml+xml",
    "application/postscript",
    "application/x-shockwave-flash",
    "application/xhtml+xml",
    "application/xml",
    "image/svg+xml",
    "text/cache-manifest",
    "text/html",
    "text/javascript",
    "text/xml",
]


@pytest.mark.parametrize("declared", RUN)
def test_sp_09_a_declared_type_that_runs_is_forgotten(declared):
    """The file is binary data, or what its extension says; a name of such a type is refused."""
    assert accept.upload_type("a.unheard", declared, ()) == BINARY
    assert accept.upload_type("a.png", declared, ()) == "image/png"
    assert accept.upload_type("a.unheard", declared, (".unheard",)) == BINARY


@pytest.mark.parametrize("suffix", ["html", "HTM", "xhtml", "svg", "xml", "js", "mjs", "swf", "xsl", "rss"])
def test_sp_09_an_extension_that_runs_is_refused_unless_it_is_listed(suffix):
    """Its type would be forgotten with the name: another type does not help."""
    for declared in ("", "image/png", BINARY):
        with pytest.raises(accept.TypeRefusedError):
            accept.upload_type(f"x.{suffix}", declared, ())
    assert is_active(accept.upload_type(f"x.{suffix}", "image/png", (f".{suffix.lower()}",)))


def test_what_is_dropped_from_names_is_what_django_drops():
    """The rule is written twice: here they are compared, for all characters of the first planes."""
    assert all(
        bool(re.match(r"[-\w.]", char)) == (Storage().get_valid_name(f"a{char}b") != "ab")
        for char in map(chr, range(0x21, 0x3000))
    )
