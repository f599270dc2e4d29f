"""Names become keys and parameters in one place, which refuses what no request can carry."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured, SuspiciousFileOperation

from s3store.storage import S3Storage


@pytest.mark.parametrize(
    ("content_type", "metadata"),
    [("text/plain\r\nX: y", None), (None, {"a": "b\n"}), (None, {"a b": "c"}), ("text/plain\n", {"a": "é"})],
    ids=["content-type", "metadata", "metadata-name", "both"],
)
def test_a_write_with_impossible_headers_is_refused(content_type: str | None, metadata: dict[str, str] | None) -> None:
    """Before any request; either of the two is reason enough."""
    objects = S3Storage(bucket_name="b").objects
    with pytest.raises(ValueError):
        objects.written(objects.target("a.txt"), content_type=content_type, metadata=metadata)
    written = objects.written(objects.target("a.txt"), content_type="text/x", metadata={"a": "b"})
    assert (written["ContentType"], written["Metadata"]) == ("text/x", {"a": "b"})


@pytest.mark.parametrize("parameters", [{"Unknown": "x"}, {"ACL": "nobody"}, {"CacheControl": "a\nb"}], ids=str)
def test_parameters_of_a_name_are_checked(parameters: dict[str, Any]) -> None:
    """A function, or an override of the method, can return what no request has."""

    class Own(S3Storage):
        def get_object_parameters(self, name: str) -> dict[str, Any]:
            return parameters if name == "bad.txt" else super().get_object_parameters(name)

    for storage in (Own(bucket_name="b"), S3Storage(bucket_name="b", object_parameters=Function(parameters))):
        assert storage.objects.target("good.txt").params == {}
        with pytest.raises(ImproperlyConfigured):
            storage.objects.target("bad.txt")


class Function:
    def __init__(self, parameters: dict[str, Any]) -> None:
        self.parameters = parameters

    def __call__(self, name: str) -> dict[str, Any]:
        return self.parameters if name == "bad.txt" else {}


@pytest.mark.parametrize(
    ("path", "name", "key"), [("d", "d/", "l/d/"), ("d/", "d/", "l/d/"), ("d/eX", "d/eX/", "l/d/eX/")]
)
def test_a_folder_ends_with_one_slash(path: str, name: str, key: str) -> None:
    """Its name and its key."""
    folder = S3Storage(bucket_name="b", location="l").objects.folder(path)
    assert (folder.name, folder.key) == (name, key)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.css", {"CacheControl": "max-age=1", "ContentLanguage": "de"}),
        ("A.CSS", {"CacheControl": "no-store"}),
        ("img/a.png", {"CacheControl": "max-age=2"}),
        ("img/a.css", {"CacheControl": "max-age=2", "ContentLanguage": "de"}),
    ],
)
def test_headers_apply_to_the_names_that_their_pattern_matches(name: str, expected: dict[str, str]) -> None:
    """A later pattern wins, and both win over `object_parameters`."""
    storage = S3Storage(
        bucket_name="b",
        object_parameters={"CacheControl": "no-store"},
        headers={
            "*.css": {"CacheControl": "max-age=1", "ContentLanguage": "de"},
            "img/*": {"CacheControl": "max-age=2"},
        },
    )
    assert storage.objects.target(name).params == expected


@pytest.mark.parametrize("name", ["../a", "d/../../a", "/../a"])
def test_a_name_outside_the_location_has_neither_key_nor_prefix(name: str) -> None:
    """No request is sent for it."""
    objects = S3Storage(bucket_name="b", location="l").objects
    for find in (objects.key, objects.prefix, objects.target, objects.folder):
        with pytest.raises(SuspiciousFileOperation):
            find(name)


def test_a_scan_has_the_files_of_the_location(seaweedfs_options: dict[str, Any]) -> None:
    """All of them by default, and neither markers of directories nor keys that are no possible names."""
    storage = S3Storage(**seaweedfs_options)
    for key in ("a.txt", "d/b.txt", "e/"):
        storage.client.put_object(Bucket=storage.bucket_name, Key=f"{storage.location}/{key}", Body=b"x")
    assert [name for name, _ in storage.objects.scan()] == ["a.txt", "d/b.txt"]
    assert [name for name, _ in storage.objects.scan("d")] == ["d/b.txt"]


def test_a_key_outside_the_location_has_no_name() -> None:
    """Parameters that depend on names are then those of the empty name."""
    objects = S3Storage(bucket_name="b", location="l").objects
    assert (objects.target_at("l/d/a.txt").name, objects.target_at("l/d/a.txt").key) == ("d/a.txt", "l/d/a.txt")
    assert (objects.target_at("other/a.txt").name, objects.target_at("other/a.txt").key) == ("", "other/a.txt")
