"""Each name is in exactly one shard."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3store.core import keyrange
from s3store.core.keyrange import KeyRange, ShardError, ShardPlan, parse_plan, parse_shard

NAMES = st.text(alphabet="!-./09AZafz\x7fé\uffee\U0001f600", max_size=5)
PLANS = st.one_of(
    st.builds(ShardPlan, bounds=st.lists(NAMES, max_size=8).map(sorted).map(tuple)),
    st.builds(keyrange.plan_of_alphabet, st.sampled_from(sorted(keyrange.ALPHABETS)), st.integers(1, 300)),
    st.builds(keyrange.plan_of_names, st.lists(NAMES, max_size=30), st.integers(1, 20)),
)


@given(plan=PLANS, names=st.lists(NAMES | st.text(max_size=4), min_size=1))
def test_each_name_is_in_exactly_one_shard(plan: ShardPlan, names: list[str]) -> None:
    """For every plan, every number of shards and every name."""
    ranges = [plan.shard(number) for number in range(1, plan.count + 1)]
    for name in names:
        taking = [each.takes(name) for each in ranges]
        assert sum(taking) == 1
        # A listing stops at the first name that is past its shard: later shards take it, and all after it.
        assert [each.is_past(name) for each in ranges] == [index < taking.index(True) for index in range(len(ranges))]


@given(plan=PLANS)
def test_a_plan_is_the_same_on_each_machine(plan: ShardPlan) -> None:
    """It is written as JSON, and read again."""
    again = parse_plan(json.dumps(plan.json()))
    assert again.bounds == plan.bounds
    assert plan.json()["objects"] == plan.objects


@pytest.mark.parametrize("alphabet", keyrange.ALPHABETS)
@pytest.mark.parametrize("count", [1, 2, 3, 7, 16, 17, 256, 300, 10_000])
def test_an_alphabet_is_divided_evenly(alphabet: str, count: int) -> None:
    """Every shard has some of the names that begin with random characters."""
    plan = keyrange.plan_of_alphabet(alphabet, count)
    assert plan.count == count
    assert len(set(plan.bounds)) == count - 1
    characters = keyrange.ALPHABETS[alphabet]
    assert all(bound[0] in characters for bound in plan.bounds)
    if count == 16 and alphabet != "alnum":
        assert plan.bounds == tuple(f"{digit}00"[: len(plan.bounds[0])] for digit in "123456789abcdef")


def test_names_are_divided_evenly(monkeypatch: pytest.MonkeyPatch) -> None:
    """In whatever order they come, and also if only a part of them is kept."""
    monkeypatch.setattr(keyrange, "_SAMPLE", 1000)
    names = [f"{number * 6185 % 10_007:06}" for number in range(10_007)]
    plan = keyrange.plan_of_names(names, 8)
    assert plan.objects == 10_007
    counts = [sum(plan.shard(number).takes(name) for name in names) for number in range(1, 9)]
    assert sum(counts) == 10_007
    assert all(abs(count - 10_007 / 8) < 10_007 / 8 * 0.05 for count in counts)


def test_few_names_leave_shards_empty() -> None:
    """All are taken."""
    plan = keyrange.plan_of_names(["b", "a"], 4)
    assert [[name for name in "ab" if plan.shard(number).takes(name)] for number in range(1, 5)] == [
        ["a"],
        [],
        [],
        ["b"],
    ]
    assert keyrange.plan_of_names([], 3).shard(3) == KeyRange(after="", through=None)


@pytest.mark.parametrize("text", ["", "1", "0/4", "5/4", "1/0", "-1/4", "1/4/2", "a/b", "1/10001", "1 / 4", "\u0661/4"])
def test_shards_that_do_not_exist_are_refused(text: str) -> None:
    """With what to write."""
    with pytest.raises(ShardError, match="I/N"):
        parse_shard(text)


def test_a_shard_has_a_number_and_a_count() -> None:
    """The first one is 1."""
    assert (parse_shard("1/4"), parse_shard("4/4"), parse_shard("1/1")) == ((1, 4), (4, 4), (1, 1))
    plan = ShardPlan(bounds=("b",))
    assert [plan.shard(1), plan.shard(2)] == [KeyRange(through="b"), KeyRange(after="b")]
    for number in (0, 3):
        with pytest.raises(ShardError, match="1 to 2"):
            plan.shard(number)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "not JSON"),
        ("[]", "s3 shards"),
        ('{"schema": 2, "shards": 1, "bounds": []}', "s3 shards"),
        ('{"schema": 1, "shards": 2, "bounds": [1]}', "s3 shards"),
        ('{"schema": 1, "shards": 2}', "s3 shards"),
        ('{"schema": 1, "shards": 3, "bounds": ["a"]}', "names 3 shards"),
        ('{"schema": 1, "shards": 3, "bounds": ["b", "a"]}', "order"),
        ('{"schema": 1, "shards": 2, "bounds": ["\\ud800"]}', "Unicode"),
    ],
)
def test_documents_that_are_not_plans_are_refused(text: str, words: str) -> None:
    """A plan that is wrong would leave names out."""
    with pytest.raises(ShardError, match=words):
        parse_plan(text)


def test_the_number_of_shards_has_a_limit() -> None:
    """And alphabets have names."""
    with pytest.raises(ShardError, match="10000"):
        ShardPlan(bounds=("a",) * 10_000)
    with pytest.raises(ShardError, match="hex"):
        keyrange.plan_of_alphabet("klingon", 2)
