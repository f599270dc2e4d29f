"""New files get names as Django's own storages give them."""

from __future__ import annotations

from typing import Any

import django
import pytest
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.storage import Storage
from hypothesis import given
from hypothesis import strategies as st

from s3store.files import names

# What Storage.get_alternative_name would pick at random.
RANDOM = "_AbCdEf7"


def make(stem: str, extension: str) -> str:
    return stem + RANDOM + extension


class Taken(Storage):
    """Django's own way of finding a name, where all of these are taken."""

    def __init__(self, *taken: str) -> None:
        self.taken = taken

    def exists(self, name: str) -> bool:
        return name in self.taken

    def get_alternative_name(self, file_root: str, file_ext: str) -> str:
        return make(file_root, file_ext)


def outcome(function: Any, *args: Any) -> str:
    try:
        result: str = function(*args)
    except SuspiciousFileOperation:
        return "refused"
    return result


@pytest.mark.parametrize(
    ("name", "max_length", "found"),
    [
        ("a.txt", None, "a.txt"),
        ("docs/a.txt", 10, "docs/a.txt"),
        ("docs/report.txt", 20, "docs/report.txt"),
        ("docs/quarterly-report.txt", 24, f"docs/quarter{RANDOM}.txt"),
        ("a" * 100 + ".tar.gz", 30, "a" * 15 + f"{RANDOM}.tar.gz"),
        ("報告書" * 40 + ".pdf", 100, ("報告書" * 40)[:88] + f"{RANDOM}.pdf"),
        ("README" * 10, 20, "READMEREADME" + RANDOM),
        ("a\\b.txt", None, "a/b.txt"),
        ("docs/.htaccess", None, "docs/.htaccess"),
        ("a..b", None, "a..b"),
    ],
    ids=["free", "fits", "shorter", "long", "two-extensions", "CJK", "no-extension", "backslash", "dotfile", "dots"],
)
def test_sn_16_a_long_name_loses_the_end_of_its_stem(name: str, max_length: int | None, found: str) -> None:
    """The directory and the whole extension stay; the random part keeps two such names apart."""
    assert names.fitting(name, max_length, make) == found
    assert max_length is None or len(found) <= max_length


def test_sn_16_an_overwriting_storage_shortens_without_a_random_part() -> None:
    """The same long name means the same file."""
    assert names.fitting("docs/quarterly-report.txt", 20, None) == "docs/quarterly-r.txt"
    assert names.fitting("docs/report.txt", None, None) == "docs/report.txt"


@pytest.mark.parametrize(
    ("name", "max_length"),
    [("docs/a.txt", 5), ("a" * 30 + "." + "b" * 30, 31), ("directory/" * 10 + "a.txt", 50), ("a.txt", 1)],
)
@pytest.mark.parametrize("alternative", [make, None])
def test_sn_16_no_room_for_a_name_is_refused(name: str, max_length: int, alternative: Any) -> None:
    """A name without a stem would be another file, or hidden."""
    with pytest.raises(SuspiciousFileOperation, match="max_length"):
        names.fitting(name, max_length, alternative)


@pytest.mark.parametrize("name", ["a/../b.txt", "..\\a.txt", "..", "a/..", "", "a/", "."])
@pytest.mark.parametrize("function", [names.fitting, names.alternative])
def test_sn_01_a_bad_name_is_refused(function: Any, name: str) -> None:
    """As Django's own storages refuse it."""
    assert outcome(Taken().get_available_name, name) == "refused"
    with pytest.raises(SuspiciousFileOperation):
        function(name, None, make)


@pytest.mark.parametrize(
    ("name", "max_length", "found"),
    [
        ("a.txt", None, f"a{RANDOM}.txt"),
        ("docs/a.tar.gz", 50, f"docs/a{RANDOM}.tar.gz"),
        ("docs/report.txt", 20, f"docs/rep{RANDOM}.txt"),
        (".htaccess", None, f".htaccess{RANDOM}"),
    ],
)
def test_a_taken_name_gets_a_random_part(name: str, max_length: int | None, found: str) -> None:
    """Before the extension, within the length."""
    assert names.alternative(name, max_length, make) == found


def test_an_alternative_without_room_is_refused() -> None:
    """A name of twelve characters has no room for a random part."""
    with pytest.raises(SuspiciousFileOperation):
        names.alternative("docs/a.txt", 17, make)
    assert names.alternative("docs/a.txt", 18, make) == f"docs/a{RANDOM}.txt"


@pytest.mark.parametrize("max_length", [20, 59])
@pytest.mark.parametrize("function", [names.fitting, names.alternative])
def test_sn_16_a_projects_own_alternatives_fit(function: Any, max_length: int) -> None:
    """get_alternative_name may ignore the stem; what does not fit is refused, never handed on too long."""

    def by_uuid(stem: str, extension: str) -> str:
        return "0123456789" * 5 + extension

    found = outcome(function, "n" * 80 + ".txt", max_length, by_uuid)
    assert found == ("refused" if max_length < 54 else "0123456789" * 5 + ".txt")


_parts = st.text(st.characters(exclude_characters="/\\\0", exclude_categories=["Cs"]), min_size=1, max_size=12)
_names = st.lists(_parts | st.sampled_from(["..", ".", "a.tar.gz", ".x"]), min_size=1, max_size=4).map("/".join)


# Before, Django took only what follows the last dot for the extension.
as_django_does = pytest.mark.skipif(django.VERSION < (5, 1), reason="Django 4.2 splits names otherwise")


@as_django_does
@given(name=_names, max_length=st.none() | st.integers(min_value=1, max_value=40))
def test_a_free_name_is_djangos(name: str, max_length: int | None) -> None:
    """For every name and length, what Django's Storage would return or refuse."""
    assert outcome(names.fitting, name, max_length, make) == outcome(Taken().get_available_name, name, max_length)


@as_django_does
@given(name=_names, max_length=st.none() | st.integers(min_value=1, max_value=40))
def test_a_taken_names_alternative_is_djangos(name: str, max_length: int | None) -> None:
    """The same for a name that is taken."""
    if max_length is not None and len(name) > max_length:
        return
    djangos = outcome(Taken(name).get_available_name, name, max_length)
    assert outcome(names.alternative, name, max_length, make) == djangos
