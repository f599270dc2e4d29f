"""Names become keys inside their location, or are refused."""

from __future__ import annotations

import posixpath
import unicodedata
from pathlib import PurePosixPath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from s3store.core import keys
from s3store.core.keys import UnsafeNameError

_PARTS = ("", ".", "..", "...", "a", "b.txt", "é", " ", ". ", ".. ", "C:", "c:x", "soap", "%2e%2e", "acme-2")
# Arbitrary text seldom holds a separator twice in a row; parts put together do.
wild_names = st.text() | st.builds(
    lambda parts, joints: "".join(part + joint for part, joint in zip(parts, joints, strict=True)),
    st.lists(st.sampled_from(_PARTS) | st.text(max_size=4), min_size=6, max_size=6),
    st.lists(st.sampled_from(["", "/", "\\", "//"]), min_size=6, max_size=6),
)
locations = st.sampled_from(["", "media", "acme/media", "é"])


def cleaned_or_none(name: str) -> str | None:
    try:
        return keys.clean_name(name)
    except UnsafeNameError:
        return None


def key_or_none(location: str, name: str) -> str | None:
    try:
        return keys.object_key(location, name)
    except UnsafeNameError:
        return None


# What is refused


@pytest.mark.parametrize("name", ["../x", "a/../../x", "a/../x", "..", "a/.."])
def test_sn_01_traversal_is_refused(name: str) -> None:
    """A `..` part is refused even where it would stay inside the location."""
    with pytest.raises(UnsafeNameError, match=r"contains '\.\.'"):
        keys.object_key("media", name)


@pytest.mark.parametrize("name", ["..\\x", "a\\..\\..\\x", "a/..\\../x", "a\\.."])
def test_sn_02_backslash_traversal_is_refused(name: str) -> None:
    """A backslash separates parts, so that it cannot hide a `..`."""
    with pytest.raises(UnsafeNameError, match=r"contains '\.\.'"):
        keys.object_key("media", name)


@pytest.mark.parametrize(
    "name", ["/etc/passwd", "/x", "//a", "//evil.example/x", "\\x", "C:\\x", "c:/x", "C:", "./C:/x", ".\\c:\\x"]
)
@pytest.mark.parametrize("location", ["", "media"])
def test_sn_04_absolute_names_are_refused(location: str, name: str) -> None:
    """A name that is absolute on some system, or would be once it is cleaned, is refused."""
    with pytest.raises(UnsafeNameError, match="absolute"):
        keys.object_key(location, name)


@pytest.mark.parametrize("name", ["C:x", "a/C:/x", "http:x", "1:/x"])
def test_a_colon_alone_makes_no_drive(name: str) -> None:
    """Only one letter and a colon as the whole first part are a drive."""
    assert keys.object_key("", name) == name


def test_sn_07_a_location_is_no_prefix_of_its_siblings() -> None:
    """Keys below `acme-2` are invisible from the location `acme`."""
    assert keys.name_of("acme", "acme-2/x") is None
    assert keys.name_of("acme", "acmex") is None
    assert keys.directory_prefix("acme", "") == "acme/"
    assert keys.directory_prefix("acme", "docs") == "acme/docs/"


HOSTILE_LOCATIONS = ["../x", "/x", "a//b", "a/../b", "a//", "..", "a/./b", ".", "a\\b", "a\nb", "C:/x", " "]


@pytest.mark.parametrize("location", HOSTILE_LOCATIONS, ids=repr)
def test_sn_08_a_hostile_location_is_refused(location: str) -> None:
    """A location is plain parts with single slashes between them."""
    with pytest.raises(UnsafeNameError):
        keys.clean_location(location)


@pytest.mark.parametrize(("location", "clean"), [("", ""), ("media", "media"), ("a/b/", "a/b"), ("é", "é")])
def test_a_plain_location_loses_its_final_slash(location: str, clean: str) -> None:
    """One slash at the end is how people write directories."""
    assert keys.clean_location(location) == clean


@pytest.mark.parametrize("name", ["nul\0.txt", "a\0/../b", "\0"], ids=repr)
def test_sn_09_nul_is_refused(name: str) -> None:
    """NUL ends strings in other programs."""
    with pytest.raises(UnsafeNameError):
        keys.object_key("media", name)


@pytest.mark.parametrize("char", ["\r", "\n", "\t", "\x01", "\x1b", "\x7f", "\x85", "\x9b"], ids=repr)
def test_sn_10_control_characters_are_refused(char: str) -> None:
    """Control characters have no place in a key, wherever in the name they stand."""
    for name in (f"a{char}b", f"{char}a", f"a/b{char}"):
        with pytest.raises(UnsafeNameError, match="is not allowed"):
            keys.object_key("media", name)


@pytest.mark.parametrize(
    "name", ["caf\u00e9", "cafe\u0301", "\ufb01le", "\u00c5", "\u212b", "\u0430.txt", "invoice\u202egpj.exe"], ids=ascii
)
def test_sn_13_unicode_is_kept_as_it_is(name: str) -> None:
    """Two names that look alike stay two keys: nothing is normalised."""
    assert keys.object_key("", name) == name


@pytest.mark.parametrize("name", ["\udcff", "a\ufffe", "\uffffb"], ids=ascii)
def test_sn_14_what_xml_cannot_carry_is_refused(name: str) -> None:
    """A key that a listing could not hold is refused."""
    with pytest.raises(UnsafeNameError, match="is not allowed"):
        keys.object_key("media", name)


@pytest.mark.parametrize(
    ("location", "name", "fits"),
    [
        ("", "x" * 1023, True),
        ("", "x" * 1024, True),
        ("", "x" * 1025, False),
        ("", "é" * 512, True),
        ("", "é" * 513, False),
        ("media", "x" * 1018, True),
        ("media", "x" * 1019, False),
    ],
    ids=["1023", "1024", "1025", "1024-in-UTF-8", "1026-in-UTF-8", "1024-with-location", "1025-with-location"],
)
def test_sn_15_a_key_has_1024_bytes_at_most(location: str, name: str, fits: bool) -> None:
    """The limit counts bytes of UTF-8, those of the location included."""
    if fits:
        assert keys.object_key(location, name).endswith(name)
    else:
        with pytest.raises(UnsafeNameError, match="1024, including the location"):
            keys.object_key(location, name)


@pytest.mark.parametrize(("length", "fits"), [(1017, True), (1018, False)])
def test_sn_15_a_directory_is_measured_with_its_slash(length: int, fits: bool) -> None:
    """A prefix has the limit of the marker that may stand for it."""
    if fits:
        assert len(keys.directory_prefix("media", "x" * length)) == 1024
    else:
        with pytest.raises(UnsafeNameError, match="1025 bytes"):
            keys.directory_prefix("media", "x" * length)


@pytest.mark.parametrize("name", [". ", ".. ", "a/.. ", "a/. /b", " ", "a/  /b", "..  "], ids=repr)
def test_sn_20_dots_with_spaces_are_refused(name: str) -> None:
    """Windows drops a part's final spaces, and what is left means a directory."""
    with pytest.raises(UnsafeNameError):
        keys.object_key("media", name)


@pytest.mark.parametrize("name", ["...", "a.", "..x", "x..y", ".htaccess", " a", "a "], ids=repr)
def test_sn_20_other_dots_are_ordinary(name: str) -> None:
    """Dots that mean no directory are part of the name."""
    assert keys.object_key("media", name) == f"media/{name}"


def test_sn_21_the_key_soap_is_refused() -> None:
    """S3 answers for the key `soap` with its old protocol; below a location it is a key like others."""
    with pytest.raises(UnsafeNameError, match="'soap'"):
        keys.object_key("", "soap")
    assert keys.object_key("media", "soap") == "media/soap"
    assert keys.directory_prefix("", "soap") == "soap/"


def test_sn_21_the_key_soap_is_not_listed() -> None:
    """A key that no name can mean is not given one."""
    assert keys.name_of("", "soap") is None
    assert keys.name_of("media", "media/soap") == "soap"


@pytest.mark.parametrize("name", ["", ".", "./", "a/", "a\\"])
@pytest.mark.parametrize("location", ["", "media"])
def test_sn_21_directories_are_no_objects(location: str, name: str) -> None:
    """A name that means the location or ends in a slash cannot be a file."""
    with pytest.raises(UnsafeNameError, match="names a directory"):
        keys.object_key(location, name)


# What is normalised


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("a//b", "a/b"),
        ("a/./b", "a/b"),
        ("./a", "a"),
        ("a/", "a/"),
        ("a//", "a/"),
        ("a\\b", "a/b"),
        ("a\\", "a/"),
        ("", ""),
        (".", ""),
        ("./", ""),
        ("a/.", "a"),
        ("a/b/c.txt", "a/b/c.txt"),
    ],
)
def test_sn_17_slashes_are_normalised_once(name: str, clean: str) -> None:
    """Empty and `.` parts go; a final slash stays, because it means a directory."""
    assert keys.clean_name(name) == clean
    assert keys.clean_name(clean) == clean


@pytest.mark.parametrize("name", ["a%2Fb", "%2e%2e/x", "100%", "%00", "a%0d%0ab"])
def test_sn_18_percent_sequences_are_literal(name: str) -> None:
    """Nothing in a name is decoded."""
    assert keys.object_key("", name) == name


def test_a_path_object_is_a_name() -> None:
    """os.PathLike names are taken, as in Django."""
    assert keys.object_key("media", PurePosixPath("a/b.txt")) == "media/a/b.txt"


@pytest.mark.parametrize("name", [b"a", 5, None])
def test_what_is_no_text_is_no_name(name: object) -> None:
    """Bytes are not decoded by guesswork."""
    with pytest.raises(TypeError):
        keys.clean_name(name)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("location", "name", "prefix"),
    [
        ("", "", ""),
        ("", "a", "a/"),
        ("", "a/", "a/"),
        ("media", "", "media/"),
        ("media", "a//b/", "media/a/b/"),
        ("media", ".", "media/"),
    ],
)
def test_a_directory_is_a_prefix_with_a_slash(location: str, name: str, prefix: str) -> None:
    """The whole bucket is the only prefix without a final slash."""
    assert keys.directory_prefix(location, name) == prefix


# And back


@pytest.mark.parametrize(
    ("location", "key"),
    [
        ("l", "l/../evil"),
        ("l", "l//x"),
        ("l", "l/./x"),
        ("l", "l/a\n"),
        ("l", "l/"),
        ("l", "l"),
        ("l", "l/a\\b"),
        ("l", "x"),
        ("", ""),
        ("", "/x"),
        ("", ".."),
        ("", "C:/x"),
    ],
    ids=repr,
)
def test_sn_22_hostile_keys_have_no_name(location: str, key: str) -> None:
    """Keys that other programs wrote and no name can mean are not listed."""
    assert keys.name_of(location, key) is None


@pytest.mark.parametrize(
    ("location", "key", "name"), [("l", "l/a/b", "a/b"), ("", "a", "a"), ("l", "l/a/", "a/"), ("a/b", "a/b/c", "c")]
)
def test_a_plain_key_has_a_name(location: str, key: str, name: str) -> None:
    """The name is the key without the location; a folder's marker keeps its slash."""
    assert keys.name_of(location, key) == name


# Whatever the name


@given(name=wild_names)
@example(name="./C:/x")
@example(name=".//./a")
def test_cleaning_a_clean_name_changes_nothing(name: str) -> None:
    """clean_name is idempotent, and never refuses what it has returned."""
    cleaned = cleaned_or_none(name)
    if cleaned is not None:
        assert keys.clean_name(cleaned) == cleaned


@given(location=locations, name=wild_names)
def test_no_key_leaves_its_location(location: str, name: str) -> None:
    """An accepted name makes a key of plain parts below the location, within S3's limit."""
    key = key_or_none(location, name)
    if key is None:
        return
    assert not location or key.startswith(f"{location}/")
    assert posixpath.normpath(key) == key
    assert not {"", ".", ".."} & {part.rstrip(" ") for part in key.split("/")}
    assert "\\" not in key
    assert not any(unicodedata.category(char) in ("Cc", "Cs") for char in key)
    assert len(key.encode()) <= 1024


@given(location=locations, name=wild_names)
@example(location="", name="./C:/x")
def test_a_key_leads_back_to_its_name(location: str, name: str) -> None:
    """The name that a listing shows is the one that the file was saved under."""
    key = key_or_none(location, name)
    if key is not None:
        assert keys.name_of(location, key) == keys.clean_name(name)


@given(location=locations, key=wild_names)
@example(location="", key="soap")
def test_a_listed_name_leads_back_to_its_key(location: str, key: str) -> None:
    """Whatever key is listed under a name can be opened by it; a folder's marker is found by its prefix."""
    if len(key.encode(errors="replace")) > 1000:
        return
    name = keys.name_of(location, key)
    if name is not None:
        back = keys.directory_prefix(location, name) if name.endswith("/") else keys.object_key(location, name)
        assert back == key


lines = st.lists(st.text(st.sampled_from("ab:/. \\\n\u202f"), max_size=5) | wild_names | st.just("soap"), max_size=4)


@given(location=st.sampled_from(["", "l", "a/b"]), inside=lines, outside=lines)
@example(location="l", inside=["a\nl/b"], outside=["c"])
@example(location="", inside=["a", "C:"], outside=[])
def test_many_keys_have_the_names_of_each(location: str, inside: list[str], outside: list[str]) -> None:
    """A listing examines a page of keys as one text. The names are those that clean_name returns unchanged."""
    given_keys = [f"{location}/{name}" if location else name for name in inside] + outside

    def expected(key: str) -> str:
        root = f"{location}/" if location else ""
        name = key.removeprefix(root)
        ours = key.startswith(root) and key != "soap" and cleaned_or_none(name) == name
        return name if ours else ""

    assert [*keys.names_of(location, given_keys)] == [*map(expected, given_keys)]


class _Examined(str):
    """A name that is not taken for a plain one."""

    __slots__ = ()


PARTS = ["", "a", "Z-0_", ".", "..", "...", "a.", ".a", "a..b", " ", "a b", "C:", "~", "\\", "\n", "\u00e4", "\x00"]


@given(parts=st.lists(st.sampled_from(PARTS), max_size=4))
def test_a_plain_name_is_what_cleaning_leaves_as_it_is(parts: list[str]) -> None:
    """Plain names are returned at once: the same as after all questions."""
    name = "/".join(parts)

    def outcome(text: str) -> str:
        try:
            return str(keys.clean_name(text))
        except UnsafeNameError:
            return "refused"

    assert outcome(name) == outcome(_Examined(name))


def test_plain_keys_are_not_examined_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only a page with an unusual key is: most of a million keys are plain."""
    examined = []
    name_of = keys._name_of

    def examine(location: str, key: str) -> str:
        examined.append(key)
        return name_of(location, key)

    monkeypatch.setattr(keys, "_name_of", examine)
    plain = ["a", "b/c.txt", "12:30", "d e", "ä"]
    assert keys.names_of("", plain) == plain
    assert keys.names_of("l", [f"l/{name}" for name in plain]) == plain
    assert examined == []
    assert keys.names_of("l", ["l/a", "l//b", "c"]) == ["a", "", ""]
    assert examined == ["l/a", "l//b", "c"]


@given(location=locations, name=wild_names)
def test_a_prefix_stays_in_its_location(location: str, name: str) -> None:
    """An accepted directory is the location or below it, with a slash at its end."""
    try:
        prefix = keys.directory_prefix(location, name)
    except UnsafeNameError:
        return
    assert prefix.startswith(f"{location}/" if location else "")
    assert not prefix or prefix.endswith("/")
    assert not {".", ".."} & set(prefix.split("/"))


@pytest.mark.parametrize("name", ["X\u202eX", "\u200bX.txt", "\u00a0X"], ids=ascii)
def test_sn_14_what_is_only_invisible_is_kept(name: str) -> None:
    """Characters that are not printable and that XML can carry are part of a name."""
    assert keys.object_key("", name) == name


@pytest.mark.parametrize(
    ("location", "length", "fits"),
    [("l" * 500, 523, True), ("l" * 500, 524, False), ("l" * 900, 123, True), ("l" * 900, 124, False)],
)
def test_sn_15_a_long_location_leaves_less_for_names(location: str, length: int, fits: bool) -> None:
    """The limit is that of the whole key, however its bytes are divided."""
    if fits:
        assert len(keys.object_key(location, "x" * length)) == 1024
    else:
        with pytest.raises(UnsafeNameError):
            keys.object_key(location, "x" * length)


@pytest.mark.parametrize("location", ["", "media"])
def test_a_name_of_a_subclass_of_str_is_cleaned(location: str) -> None:
    """Lazy and safe strings of Django are names like others, and a key is a plain str."""

    class Safe(str):
        __slots__ = ()

    key = keys.object_key(location, Safe("a/b.txt"))
    assert key == keys.object_key(location, "a/b.txt")
    assert type(key) is str


@given(key=wild_names)
@example("a/./b")
@example("a/../b")
@example("a/.hidden")
@example("a//b")
@example("a/ /b")
@example("a\\b")
@example("c:/b")
@example(" ")
@example(".")
@example("/a")
@example("a/")
@example("a\x00b")
def test_a_key_is_a_name_if_cleaning_would_not_change_it(key: str) -> None:
    """However the names of a listing are recognized quickly."""
    wanted = key if key and key != "soap" and cleaned_or_none(key) == key else None
    assert keys.name_of("", key) == wanted
    # With a location, `soap` is a name like others.
    assert keys.name_of("media", f"media/{key}") == (key if key and cleaned_or_none(key) == key else None)
