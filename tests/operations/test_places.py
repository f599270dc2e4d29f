"""ALIAS:path and local paths."""

from pathlib import Path

import pytest

from s3store.operations.places import Place, PlaceError, place_of


@pytest.fixture(autouse=True)
def two(settings):
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {"BACKEND": "s3store.storage.S3Storage", "OPTIONS": {"bucket_name": "b"}},
        "disk": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
        "missing": {"BACKEND": "nowhere.Storage"},
    }


@pytest.mark.parametrize("text", ["media", "./a:b", "/srv/media/", "C:\\media", "a/b:c", "-"])
def test_local_paths(text):
    """A letter and a colon are a drive."""
    place = place_of(text)
    assert (place.storage, str(place), place.local) == (None, text, Path(text))


def test_places_in_a_storage():
    """The name is clean, and its final slash is kept."""
    place = place_of("default:photos//2026/")
    assert (place.alias, place.path, str(place)) == ("default", "photos/2026/", "default:photos/2026/")
    assert place.storage.bucket_name == "b"
    assert str(Place(path="a", storage=place.storage)) == "storage:a"
    with pytest.raises(PlaceError, match="a local path is needed"):
        _ = place.local


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("defualt:a", "Did you mean 'default'"),
        ("zzz:a", "The aliases are default, disk"),
        ("disk:a", "is not an S3Storage"),
        ("missing:a", "nowhere"),
        ("default:../a", "not allowed"),
    ],
)
def test_what_is_no_place(text, said):
    """The error says what to write."""
    with pytest.raises(PlaceError, match=said):
        place_of(text)
