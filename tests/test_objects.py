"""One storage call uses one set of options: keys, bucket and parameters never come from two."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from itertools import cycle
from typing import Any
from urllib.parse import unquote

import pytest
from django.core.exceptions import ImproperlyConfigured, SuspiciousFileOperation
from django.test import override_settings

from s3store.conf import configured
from s3store.storage import S3Storage
from s3store.testing.counting import counted_requests


class Restless(S3Storage):
    """A storage whose location is another one each time somebody looks."""

    locations: Iterator[str]

    @property
    def location(self) -> str:
        return next(self.locations)


def write_through_open(storage: S3Storage) -> None:
    with storage.open("dir/new.txt", "wb") as file:
        file.write(b"x")


def read_after_a_jump(storage: S3Storage) -> None:
    with storage.open("dir/a.txt") as file:
        file.seek(3)
        file.read(2)
        file.seek(0)
        file.read()


CALLS: dict[str, Callable[[S3Storage], Any]] = {
    "save": lambda storage: storage.save("dir/b.txt", b"b"),
    "save of a taken name": lambda storage: storage.save("dir/a.txt", b"b"),
    "save in parts": lambda storage: storage.save("dir/c.bin", b"c" * (9 * 1024 * 1024)),
    "open and write": write_through_open,
    "open and read": lambda storage: storage.read_bytes("dir/a.txt"),
    "open and jump": read_after_a_jump,
    "delete": lambda storage: storage.delete("dir/a.txt"),
    "delete of a folder": lambda storage: storage.delete("empty/"),
    "delete_tree": lambda storage: storage.delete_tree("dir"),
    "exists": lambda storage: storage.exists("dir"),
    "listdir": lambda storage: storage.listdir("dir"),
    "walk": lambda storage: list(storage.walk("dir")),
    "scan": lambda storage: list(storage.scan("dir")),
    "stat": lambda storage: storage.stat("dir/a.txt"),
    "size": lambda storage: storage.size("dir/a.txt"),
    "get_modified_time": lambda storage: storage.get_modified_time("dir/a.txt"),
    "copy": lambda storage: storage.copy("dir/a.txt", "dir/d.txt"),
    "move": lambda storage: storage.move("dir/a.txt", "dir/e.txt"),
    "set_metadata": lambda storage: storage.set_metadata("dir/a.txt", {"a": "1"}),
    "set_acl": lambda storage: storage.set_acl("dir/a.txt", "private"),
    "get_acl": lambda storage: storage.get_acl("dir/a.txt"),
    "create_folder": lambda storage: storage.create_folder("dir/empty"),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_call_stays_in_one_location(s3_options: dict[str, Any], call: Callable[[S3Storage], Any]) -> None:
    """Whatever the location is a moment later, all requests of the call are about the one that it began with."""
    root = s3_options.pop("location")
    locations = [f"{root}/one", f"{root}/two"]
    for location in locations:
        S3Storage(**s3_options, location=location).save("dir/a.txt", b"0123456789")
    Restless.locations = cycle(locations)
    storage = Restless(**s3_options)
    with counted_requests(storage) as sent:
        call(storage)
    seen = {part for one in sent for part in ("one", "two") if f"/{part}/" in f"{one.path}?{unquote(one.query)}"}
    assert len(seen) == 1


def test_keys_in_one_body_are_of_one_location(s3_options: dict[str, Any]) -> None:
    """All files of a delete_many are deleted in the same place."""
    root = s3_options.pop("location")
    storages = [S3Storage(**s3_options, location=f"{root}/{part}") for part in ("one", "two")]
    for storage in storages:
        for name in "abcd":
            storage.save(name, b"x")
    Restless.locations = cycle(f"{root}/{part}" for part in ("one", "two"))
    Restless(**s3_options).delete_many("abcd")
    assert sorted(storage.listdir("")[1] for storage in storages) == [[], ["a", "b", "c", "d"]]


class Watching(Restless):
    """A storage with a hook that looks at the options."""

    seen: list[str] = []

    def get_object_parameters(self, name: str) -> dict[str, Any]:
        self.seen.append(self.options.location)
        return {**super().get_object_parameters(name), "Metadata": {"location": self.options.location}}

    def _save(self, name: str, content: Any, **extra: Any) -> str:
        self.seen.append(self.options.location)
        return super()._save(name, content, **extra)


def test_hooks_see_the_options_of_their_call(s3_options: dict[str, Any]) -> None:
    """`_save` and `get_object_parameters` of a subclass run with the options that the call began with."""
    root = s3_options.pop("location")
    Restless.locations = cycle([f"{root}/one", f"{root}/two"])
    Watching.seen.clear()
    storage = Watching(**s3_options)
    with counted_requests(storage) as sent:
        storage.save("a.txt", b"a")
    assert len(Watching.seen) == 2
    assert len(set(Watching.seen)) == 1
    (location,) = set(Watching.seen)
    assert [one.path for one in sent] == [f"/{storage.objects.bucket.name}/{location}/a.txt"]


class Tenants(S3Storage):
    """A storage for the tenant of the current thread; another thread always comes in between."""

    current = threading.local()

    @property
    def location(self) -> str:
        tenant: str = self.current.name
        if not getattr(self.current, "inner", False):
            between = threading.Thread(target=self.as_other)
            between.start()
            between.join()
        return tenant

    def as_other(self) -> None:
        self.current.name, self.current.inner = "other", True
        assert self.options.location == "other"


def test_a_thread_gets_its_own_options() -> None:
    """Another thread that resolves the options between two steps of this one changes nothing here."""
    storage = Tenants(bucket_name="b", region_name="eu-central-1", querystring_auth=False)
    Tenants.current.name = "acme"
    for _ in range(3):
        assert storage.options.location == "acme"
        assert storage.objects.key("a.txt") == "acme/a.txt"
        assert storage.url("a.txt").endswith("/acme/a.txt")


def test_objects_are_kept_while_options_stay() -> None:
    """And made again when they change; what belongs to the old ones goes with them."""
    storage = S3Storage(bucket_name="b")
    objects = storage.objects
    assert storage.objects is objects
    assert objects.bucket is objects.bucket
    with override_settings(AWS_LOCATION="other"):
        assert storage.objects is not objects
        assert storage.objects.key("a") == "other/a"
    assert storage.objects.key("a") == "a"


def test_name_key_and_parameters_come_together() -> None:
    """The name that a rule sees is the name that is stored, however it was written."""
    seen = []

    def by_name(name: str) -> dict[str, str]:
        seen.append(name)
        return {"CacheControl": name}

    objects = S3Storage(bucket_name="b", location="media", object_parameters=by_name).objects
    for name in ("a/./b.txt", "./a//b.txt", "a\\b.txt"):
        target = objects.target(name)
        assert (target.name, target.key, target.params) == ("a/b.txt", "media/a/b.txt", {"CacheControl": "a/b.txt"})
    folder = objects.folder("a/b")
    assert (folder.name, folder.key) == ("a/b/", "media/a/b/")
    assert set(seen) == {"a/b.txt", "a/b/"}
    with pytest.raises(SuspiciousFileOperation):
        objects.target("../a")


def test_a_storage_without_a_bucket_says_which() -> None:
    """Names and keys need no bucket; requests do."""
    objects = S3Storage(location="media").objects
    assert objects.key("a") == "media/a"
    with pytest.raises(ImproperlyConfigured, match=r"S3Storage\(location='media'\) has no bucket"):
        _ = objects.bucket


def test_threads_that_come_first_share_one_set_of_objects(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight threads use a new storage at the same moment: what one of them learns or forgets, all know."""
    barrier = threading.Barrier(8)
    derive = S3Storage._derive

    def at_the_same_time(self: S3Storage, options: Any) -> Any:
        barrier.wait(10)
        return derive(self, options)

    monkeypatch.setattr(S3Storage, "_derive", at_the_same_time)
    storage = S3Storage(bucket_name="b")
    found: list[Any] = []
    threads = [threading.Thread(target=lambda: found.append(storage.objects)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert {id(objects) for objects in found} == {id(storage.objects)}
    assert len({id(objects.bucket) for objects in found}) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows has no fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # newer Pythons warn of forks beside threads
def test_a_forked_child_does_not_wait_for_a_lock_of_its_parent() -> None:
    """A thread of the parent may be just then storing what it has computed from the options."""
    storage = S3Storage(bucket_name="b")
    with configured._lock:
        child = os.fork()
        if not child:  # pragma: no cover (in the child)
            signal.alarm(10)
            os._exit(0 if storage.bucket_name == "b" else 1)
    assert os.waitpid(child, 0)[1] == 0
    before = configured._lock
    configured._renew_lock()
    assert configured._lock is not before
