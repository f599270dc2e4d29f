"""Many tasks in a bounded pool: each outcome is told, and stopping leaves nothing running."""

import threading
from contextvars import ContextVar

import pytest

from s3store.wire import pool


def test_every_outcome_is_told():
    """Results and failures, each with its item."""

    def work(item):
        if item % 10 == 3:
            raise ValueError(item)
        return item * 2

    outcomes = list(pool.run(work, range(100), threads=8))
    assert {outcome.item: outcome.result for outcome in outcomes if not outcome.error} == {
        item: item * 2 for item in range(100) if item % 10 != 3
    }
    assert sorted(outcome.item for outcome in outcomes if outcome.error) == list(range(3, 100, 10))
    assert all(isinstance(outcome.error, ValueError) for outcome in outcomes if outcome.error)


def test_nothing_to_do():
    """No item, no outcome."""
    assert list(pool.run(str, [], threads=4)) == []


def test_a_task_may_return_none():
    """That is a result, and no failure."""
    (outcome,) = pool.run(lambda _: None, [1], threads=1)
    assert (outcome.result, outcome.error) == (None, None)


def test_one_thread_is_the_callers():
    """No other is started, failures are told, and what a task sets in its context stays there."""
    where, variable = [], ContextVar("variable", default=0)

    def work(item):
        where.append((threading.current_thread(), variable.get()))
        variable.set(item)
        return 1 / item

    outcomes = list(pool.run(work, [2, 0], threads=1))
    assert [outcome.result for outcome in outcomes] == [0.5, None]
    assert isinstance(outcomes[1].error, ZeroDivisionError)
    assert where == [(threading.current_thread(), 0)] * 2


def test_items_are_taken_as_they_are_needed():
    """A source of a million items is never held at once, and as many tasks run at a time as there are threads."""
    taken, running, most, finished = [0], [0], [0], [0]
    lock = threading.Lock()

    def source():
        for number in range(1000):
            taken[0] = number
            yield number

    def work(item):
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        with lock:
            running[0] -= 1
            ahead = taken[0] - finished[0]
            finished[0] += 1
        return ahead

    ahead = [outcome.result for outcome in pool.run(work, source(), threads=4)]
    assert len(ahead) == 1000
    assert 1 <= most[0] <= 4
    assert max(ahead) <= 8


def test_a_caller_that_stops_waits_for_what_has_begun_and_drops_the_rest():
    """No thread is left, and no item is begun after that."""
    begun, gate = [], threading.Event()

    def work(item):
        begun.append(item)
        if item:
            gate.wait(10)
        return item

    outcomes = pool.run(work, range(100), threads=2)
    assert next(outcomes).item == 0
    gate.set()
    outcomes.close()
    assert len(begun) < 20
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("s3store-transfer")]


def test_an_interruption_within_a_task_is_none_of_its_failures():
    """It ends the run."""

    def work(item):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(pool.run(work, range(10), threads=2))


def test_twice_as_many_items_are_taken_as_there_are_threads():
    """So that no thread waits for the caller; a finished one makes room for one more."""
    taken, gates = [], [threading.Event() for _ in range(20)]

    def source():
        for number in range(20):
            taken.append(number)
            yield number

    outcomes = pool.run(lambda item: gates[item].wait(10), source(), threads=2)
    counts = []
    for item in range(4):
        gates[item].set()
        assert next(outcomes).item == item
        counts.append(len(taken))
    for gate in gates:
        gate.set()
    outcomes.close()
    assert counts == [4, 5, 6, 7]


def test_a_caller_that_stops_begins_nothing_more(monkeypatch):
    """The running tasks are finished before the caller goes on, and the waiting one is dropped."""
    begun, finished, running, gate = [], [], threading.Barrier(3), threading.Event()
    join = threading.Thread.join

    def wait_for(thread, *timeout):
        gate.set()
        join(thread, *timeout)

    def work(item):
        begun.append(item)
        if item in (1, 2):
            running.wait(10)
            gate.wait(10)
        finished.append(item)

    outcomes = pool.run(work, range(100), threads=2)
    assert next(outcomes).item == 0
    running.wait(10)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "join", wait_for)
        outcomes.close()
    stopped = list(finished)
    gate.set()
    assert (sorted(begun), sorted(stopped)) == ([0, 1, 2], [0, 1, 2])
