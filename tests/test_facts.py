"""Facts are used for two seconds, and not too many are kept."""

from __future__ import annotations

import threading
import uuid
from typing import Any

import pytest
from django.test import override_settings

from s3store.core import parts
from s3store.core.info import ObjectInfo
from s3store.storage import S3Storage
from s3store.testing.counting import counted_requests
from s3store.testing.fixtures import options_for
from s3store.testing.servers import Server
from s3store.wire import facts
from s3store.wire.facts import Facts


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def info(key: str = "k", size: int = 1) -> ObjectInfo:
    return ObjectInfo(key=key, size=size)


@pytest.mark.parametrize(
    ("seconds", "known"), [(0, True), (facts.SECONDS - 0.001, True), (facts.SECONDS, False), (3600, False)]
)
def test_a_fact_grows_old(clock: Clock, seconds: float, known: bool) -> None:
    """Another process's write is not seen for two seconds, and no longer."""
    memory = Facts(clock)
    memory.put(info(), memory.moment())
    clock.now += seconds
    assert (memory.get("k") == info()) is known


def test_a_new_fact_replaces_the_old(clock: Clock) -> None:
    """And lives from then on."""
    memory = Facts(clock)
    memory.put(info(size=1), memory.moment())
    clock.now += 1.5
    memory.put(info(size=2), memory.moment())
    clock.now += 1.5
    assert memory.get("k") == info(size=2)


def test_facts_are_forgotten(clock: Clock) -> None:
    """One by one or several together; forgetting what is not known is not an error."""
    memory = Facts(clock)
    for key in "abc":
        memory.put(info(key), memory.moment())
    memory.forget("a")
    memory.forget("a")
    assert [memory.get(key) for key in "abc"] == [None, info("b"), info("c")]
    memory.forget("b", "c")
    assert [memory.get(key) for key in "abc"] == [None, None, None]


def test_the_oldest_fact_makes_room(clock: Clock) -> None:
    """A scan of a million files keeps two pages of them."""
    memory = Facts(clock)
    for number in range(facts.LIMIT):
        memory.put(info(str(number)), memory.moment())
    memory.put(info("0"), memory.moment())
    memory.put(info("new"), memory.moment())
    assert memory.get("1") is None
    assert memory.get("0") == info("0")
    assert sum(memory.get(key) is not None for key in ["new", *map(str, range(facts.LIMIT))]) == facts.LIMIT


def test_nothing_is_known_of_other_keys(clock: Clock) -> None:
    """Not even with a clock that starts below zero."""
    clock.now = -5.0
    memory = Facts(clock)
    memory.put(info(), memory.moment())
    assert memory.get("other") is None
    assert memory.get("k") == info()


# What a storage knows when its options change


@pytest.fixture
def two_buckets(moto: Server) -> list[str]:
    """Two buckets that hold a file of the same name: 3 bytes in the first one, 5 bytes in the second one."""
    buckets = [f"facts-{uuid.uuid4().hex}" for _ in range(2)]
    for bucket, content in zip(buckets, (b"abc", b"abcde"), strict=True):
        storage = S3Storage(**options_for(moto, bucket))
        storage.client.create_bucket(Bucket=bucket)
        storage.save("k", content)
    return buckets


def without_bucket(server: Server) -> dict[str, Any]:
    return {name: value for name, value in options_for(server).items() if name != "bucket_name"}


def test_a_setting_that_names_another_bucket_makes_facts_worthless(moto: Server, two_buckets: list[str]) -> None:
    """The size of a file is never that of a file of the same name in the bucket of another test."""
    storage = S3Storage(**without_bucket(moto))
    sizes = []
    for bucket in [*two_buckets, two_buckets[0]]:
        with override_settings(AWS_STORAGE_BUCKET_NAME=bucket):
            sizes.append(storage.size("k"))
    assert sizes == [3, 5, 3]


def test_a_bucket_that_depends_on_the_tenant_makes_facts_worthless(moto: Server, two_buckets: list[str]) -> None:
    """The same for a subclass that computes an option at each access."""

    class OfTenant(S3Storage):
        tenant = 0

        @property
        def bucket_name(self) -> str:  # type: ignore[override]
            return two_buckets[self.tenant]

    storage = OfTenant(**without_bucket(moto))
    sizes = []
    for storage.tenant in (0, 1, 0):
        sizes.append(storage.size("k"))
    assert sizes == [3, 5, 3]


def test_facts_are_asked_for_again_after_any_change_of_options(moto: Server, two_buckets: list[str]) -> None:
    """A storage starts with an empty cache, even if the option has nothing to do with the file, and when it returns."""

    class Dynamic(S3Storage):
        headers_of_tenant: dict[str, Any] = {}

        @property
        def headers(self) -> dict[str, Any]:  # type: ignore[override]
            return self.headers_of_tenant

    storage = Dynamic(**options_for(moto, two_buckets[0]))

    def requests() -> list[str]:
        with counted_requests(storage) as sent:
            assert (storage.size("k"), storage.size("k")) == (3, 3)
        return sent.methods

    assert (requests(), requests()) == (["HEAD"], [])
    with override_settings(UNRELATED=True):
        assert (requests(), requests()) == (["HEAD"], [])
    assert (requests(), requests()) == (["HEAD"], [])
    for storage.headers_of_tenant in ({"*.x": {"CacheControl": "no-store"}}, {}):
        assert (requests(), requests()) == (["HEAD"], [])


def test_the_cache_holds_two_pages_of_a_listing_for_two_seconds() -> None:
    """As the documentation says."""
    assert (facts.LIMIT, facts.SECONDS) == (2 * parts.MAX_DELETE_KEYS, 2.0)


def test_an_answer_from_before_a_change_is_not_kept(clock: Clock) -> None:
    """A HEAD that was slow does not overwrite what a save has noted since."""
    memory = Facts(clock)
    asked = memory.moment()
    memory.put(info(size=2), memory.forget("k"))
    memory.put(info(size=1), asked)
    assert memory.get("k") == info(size=2)


def test_the_older_of_two_answers_is_not_kept(clock: Clock) -> None:
    """Answers can overtake each other."""
    memory = Facts(clock)
    first, second = memory.moment(), memory.moment()
    memory.put(info(size=2), second)
    memory.put(info(size=1), first)
    assert memory.get("k") == info(size=2)


def test_of_two_changes_at_the_same_time_none_is_kept(clock: Clock) -> None:
    """Which of them S3 applied last is not known."""
    memory = Facts(clock)
    one, other = memory.forget("k"), memory.forget("k")
    memory.put(info(size=1), memory.forget("k", since=one))
    memory.put(info(size=2), memory.forget("k", since=other))
    assert memory.get("k") is None
    begun = memory.forget("k")
    memory.put(info(size=3), memory.forget("k", since=begun))
    assert memory.get("k") == info(size=3)


@pytest.mark.parametrize("pages", [False, True], ids=["object", "page"])
def test_a_change_by_another_thread_waits_until_facts_are_noted(pages: bool) -> None:
    """It cannot come between the look at the changes and the note: the facts would be those of before."""
    threads: list[threading.Thread] = []

    def clock() -> float:
        if not threads:
            threads.append(threading.Thread(target=memory.forget, args=("k",)))
            threads[0].start()
            threads[0].join(0.2)  # it ends only if it does not wait for its turn
        return 1.0

    memory = Facts(clock)
    asked = memory.moment()
    if pages:
        memory.put_page([info()], asked)
    else:
        memory.put(info(), asked)
    threads[0].join()
    assert memory.get("k") is None


def test_a_change_that_is_no_longer_remembered_is_respected(clock: Clock) -> None:
    """Deleting a million files takes no memory, and an old answer stays out."""
    memory = Facts(clock)
    asked = memory.moment()
    memory.forget("k")
    later = memory.moment()
    for number in range(facts.LIMIT):
        memory.forget(str(number))
    assert len(memory._changed) == facts.LIMIT
    memory.put(info(), asked)
    assert memory.get("k") is None
    # Only the oldest change was dropped: answers from after it are kept.
    memory.put(info("other"), later)
    assert memory.get("other") == info("other")


def test_a_change_below_a_prefix_is_noticed(clock: Clock) -> None:
    """If it came after the moment. A change that is no longer remembered may have been below any prefix."""
    memory = Facts(clock)
    before = memory.moment()
    assert memory.changed_since("a/", before) is False
    changed = memory.forget("a/1")
    assert [memory.changed_since(prefix, before) for prefix in ("", "a/", "b/")] == [True, True, False]
    assert memory.changed_since("a/", changed) is False
    for number in range(facts.LIMIT):
        memory.forget(f"c/{number}")
    assert [memory.changed_since("b/", moment) for moment in (before, changed)] == [True, False]


def test_a_slow_head_is_overtaken_by_a_save(seaweedfs_options: dict[str, Any]) -> None:
    """On a real server: the HEAD leaves before the save, and its answer arrives after it."""
    storage = S3Storage(**seaweedfs_options, file_overwrite=True)
    storage.save("a.txt", b"old")
    bucket = storage.objects.bucket
    call = bucket._call

    def slow(operation: str, *arguments: Any, **named: Any) -> Any:
        answer = call(operation, *arguments, **named)
        if operation == "head_object":
            bucket._call = call  # type: ignore[method-assign]
            storage.save("a.txt", b"newer")
        return answer

    bucket._call = slow  # type: ignore[method-assign]
    storage.stat("a.txt")
    assert storage.size("a.txt") == 5


def test_the_facts_of_a_page_are_kept_together(clock: Clock) -> None:
    """Of the last two pages; not those about an object that changed, or of which newer ones are known."""
    known = Facts(clock)
    asked = known.moment()
    known.forget("1")
    known.put_page([info("0"), info("1"), info("2")], asked)
    assert known.get("0") == info("0")
    assert known.get("1") is None
    known.forget("2")
    assert known.get("2") is None
    known.put_page([info("x", 2)], known.moment())
    known.put(info("x", 1), asked)
    assert known.get("x") == info("x", 2)
    known.put(info("x", 3), known.moment())
    assert known.get("x") == info("x", 3)
    known.put_page([info(f"{number:04}") for number in range(facts.LIMIT)], known.moment())
    assert [known.get(key) for key in ("0", "0000")] == [None, None]
    assert known.get(f"{facts.LIMIT - 1:04}")
    clock.now += facts.SECONDS
    assert known.get(f"{facts.LIMIT - 1:04}") is None
