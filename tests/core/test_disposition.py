"""A file's name in a header is one value, in ASCII, that says that name and nothing else."""

from __future__ import annotations

import re
import unicodedata
from email.message import Message
from email.utils import collapse_rfc2231_value
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3store.core.disposition import content_disposition, safe_filename
from tests.work import PASS, at_most

# RFC 6266, as strict as a server may write it: a quoted string without escapes, then perhaps RFC 8187's form.
STRICT = re.compile(
    r"(?P<kind>attachment|inline); filename=\"(?P<plain>[ !#$&-\[\]-~]+)\""
    r"(?:; filename\*=UTF-8''(?P<extended>(?:[A-Za-z0-9!#$&+.^_`|~-]|%[0-9A-F]{2})+))?\Z"
)
LETTERS = "aA.. \t\"%;=*'\\/:\r\n\0é漢😀\u202e\u200b\u2028\ud800ﷺ／…ª"


def names_in(value: str) -> tuple[str, str]:
    """Return the plain name and the one that a browser takes."""
    match = STRICT.match(value)
    assert match, ascii(value)
    plain = match["plain"]
    return plain, unquote_to_bytes(match["extended"]).decode() if match["extended"] else plain


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("report.pdf", 'attachment; filename="report.pdf"'),
        (
            "Übersicht 2026.pdf",
            "attachment; filename=\"Ubersicht 2026.pdf\"; filename*=UTF-8''%C3%9Cbersicht%202026.pdf",
        ),
        ("漢.txt", "attachment; filename=\"_.txt\"; filename*=UTF-8''%E6%BC%A2.txt"),
        ("100%.txt", "attachment; filename=\"100_.txt\"; filename*=UTF-8''100%25.txt"),
        ("it's; a=b,c.txt", 'attachment; filename="it\'s; a=b,c.txt"'),
        (None, "attachment"),
    ],
    ids=ascii,
)
def test_plain_names_stay_plain_and_others_have_two_forms(name: str | None, value: str) -> None:
    """Old clients read a likeness in ASCII, today's the name itself."""
    assert content_disposition(name) == value
    assert content_disposition(name, inline=True) == value.replace("attachment", "inline")


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("a\"; filename*=UTF-8''evil.exe", "a\"; filename*=UTF-8''evil.exe"),
        ("a\r\nX: y", "aX: y"),
        ('é"', 'é"'),
        ("../x", "x"),
        ("..\\..\\x", "x"),
        ("CON", "_CON"),
        ("nul.tar.gz", "_nul.tar.gz"),
        ("Com1 .txt", "_Com1 .txt"),
        ("LPT³", "_LPT³"),
        ("CONIN$", "_CONIN$"),
        ("console", "console"),
        ("a.exe\u202e", "a.exe"),
        ("a\u200bb\u2028c\ud800d", "abcd"),
        ("name. . .", "name"),
        ("\u3000 name", "name"),
        (".htaccess", ".htaccess"),
        ("dir/", "download"),
        ("..", "download"),
        ("\r\n", "download"),
        ("", "download"),
        ("x" * 3000, "x" * 255),
        ("ü" * 3000 + ".pdf", "ü" * 125 + ".pdf"),
        ("a." + "x" * 3000, "a." + "x" * 253),
        ("x" * 254 + " y", "x" * 254),
        ("con." + "x" * 300 + ".txt", "_con." + "x" * 246 + ".txt"),
    ],
    ids=lambda value: ascii(value)[:40],
)
def test_su_06_a_name_cannot_leave_its_header_or_its_folder(name: str, safe: str) -> None:
    """What is no part of a visible file name is gone; what is special in headers is quoted."""
    assert safe_filename(name) == safe
    assert names_in(content_disposition(name))[1] == safe


@pytest.mark.parametrize("filler", [".", " ", ". ", "/", "\u0301\u0316", "con "], ids=ascii)
@pytest.mark.parametrize("frame", ["{}", "{}x", "x{}x{}"])
def test_su_06_long_names_are_cut_at_once(frame: str, filler: str) -> None:
    """A name of 300,000 characters takes no longer than one pass over it."""
    name = frame.replace("{}", filler * (300_000 // len(filler)))
    with at_most(PASS):
        assert 0 < len(safe_filename(name).encode()) <= 255
        assert len(content_disposition(name)) < 2000


@given(name=st.one_of(st.text(), st.text(LETTERS), st.text(LETTERS, min_size=200, max_size=400)))
def test_su_06_any_name_gives_one_value_that_parses_back(name: str) -> None:
    """Strictly by the RFCs, and by Python's own parser of headers."""
    safe = safe_filename(name)
    value = content_disposition(name)
    assert value.isascii()
    assert value.isprintable()
    plain, real = names_in(value)
    assert real == safe
    message = Message()
    message["Content-Disposition"] = value
    parameters = [item for item in message.get_params([], "content-disposition") if item[0] != "attachment"]
    assert [name for name, _ in parameters] in (["filename"], ["filename", "filename"])
    assert collapse_rfc2231_value(parameters[-1][1]) == safe
    for found in (safe, plain):
        assert 0 < len(found.encode()) <= 255
        assert safe_filename(found) == found
        assert not {"Cc", "Cf", "Cs", "Zl", "Zp"} & {unicodedata.category(char) for char in found}
        assert not re.search(r"[/\\]|[\s.]\Z", found)


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("a" * 300 + ".pdf", "a" * 251 + ".pdf"),
        ("é" * 200 + ".pdf", "é" * 125 + ".pdf"),
        ("a" * 300, "a" * 255),
        ("a" * 251 + ".pdf", "a" * 251 + ".pdf"),
        ("a" * 300 + "." + "x" * 32, "a" * 222 + "." + "x" * 32),
        ("a" * 300 + "." + "x" * 33, "a" * 255),
        ("." + "a" * 300, "." + "a" * 254),
    ],
    ids=["extension", "utf-8", "no-extension", "255-bytes", "longest-extension", "no-extension-either", "only-a-dot"],
)
def test_a_long_name_keeps_255_bytes_and_its_extension(name: str, safe: str) -> None:
    """As much of the stem stays as fits. What is longer than 32 bytes is not an extension."""
    assert safe_filename(name) == safe


@pytest.mark.parametrize(
    "char", ["\x00", "\x7f", "\u202e", "\u200b", "\ud800", "\u2028", "\u2029"], ids=lambda char: f"{ord(char):04x}"
)
def test_invisible_characters_of_each_kind_are_dropped(char: str) -> None:
    """Controls, formats, lone surrogates, and separators of lines and of paragraphs."""
    assert safe_filename(f"a{char}b.txt") == "ab.txt"
