"""Facts are used for two seconds, and not too many are kept."""

from __future__ import annotations

import pytest

from s3store.core.info import ObjectInfo
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
    memory.put(info())
    clock.now += seconds
    assert (memory.get("k") == info()) is known


def test_a_new_fact_replaces_the_old(clock: Clock) -> None:
    """And lives from then on."""
    memory = Facts(clock)
    memory.put(info(size=1))
    clock.now += 1.5
    memory.put(info(size=2))
    clock.now += 1.5
    assert memory.get("k") == info(size=2)


def test_facts_are_forgotten(clock: Clock) -> None:
    """One by one or several together; forgetting what is not known is not an error."""
    memory = Facts(clock)
    for key in "abc":
        memory.put(info(key))
    memory.forget("a")
    memory.forget("a")
    assert [memory.get(key) for key in "abc"] == [None, info("b"), info("c")]
    memory.forget("b", "c")
    assert [memory.get(key) for key in "abc"] == [None, None, None]


def test_the_oldest_fact_makes_room(clock: Clock) -> None:
    """A scan of a million files keeps two pages of them."""
    memory = Facts(clock)
    for number in range(facts.LIMIT):
        memory.put(info(str(number)))
    memory.put(info("0"))
    memory.put(info("new"))
    assert memory.get("1") is None
    assert memory.get("0") == info("0")
    assert sum(memory.get(key) is not None for key in ["new", *map(str, range(facts.LIMIT))]) == facts.LIMIT


def test_nothing_is_known_of_other_keys(clock: Clock) -> None:
    """Not even with a clock that starts below zero."""
    clock.now = -5.0
    memory = Facts(clock)
    memory.put(info())
    assert memory.get("other") is None
    assert memory.get("k") == info()
