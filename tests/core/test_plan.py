"""Plans: what has to be sent so that a place holds what it should."""

import pytest

from s3store.core.plan import Plan, compare


@pytest.mark.parametrize(
    ("found", "expected", "plan"),
    [
        ({}, {"a": "1", "b": "2"}, Plan(new=("a", "b"))),
        ({"a": "1", "b": "2"}, {"a": "1", "b": "2"}, Plan(unchanged=("a", "b"))),
        ({"a": "1", "b": "x"}, {"a": "1", "b": "2"}, Plan(changed=("b",), unchanged=("a",))),
        ({"a": "1", "z": "9"}, {"a": "1", "b": "2"}, Plan(new=("b",), unchanged=("a",))),
        ({"a": "x"}, {"a": "1", "b": "2"}, Plan(new=("b",), doubtful=("a",))),
        ({"a": "x", "b": "y"}, {"a": "1", "b": "2"}, Plan(doubtful=("a", "b"))),
        ({"a": "1"}, {}, Plan()),
    ],
    ids=["all new", "all equal", "one differs", "others are there", "none is equal", "none of two is equal", "nothing"],
)
def test_what_is_there_decides(found, expected, plan):
    """What differs is changed, unless nothing is equal: then the digests may be none."""
    assert compare(expected, found, expected) == plan


def test_opaque_names_are_in_doubt_although_others_are_equal():
    """Only as long as they differ, and only until their digests are sure."""
    wanted, found, expected = ["a", "b", "c"], {"a": "1", "b": "x", "c": "y"}, {"a": "1", "b": "2", "c": "3"}
    assert compare(wanted, found, expected, opaque={"a", "b"}) == Plan(
        unchanged=("a",), changed=("c",), doubtful=("b",)
    )
    assert compare(wanted, found, expected, opaque={"b"}, sure=True) == Plan(unchanged=("a",), changed=("b", "c"))


def test_no_doubt_where_the_digests_are_sure():
    """What differs is changed then, all of it."""
    assert compare(["b", "a"], {"a": "x", "b": "y"}, {"a": "1", "b": "2"}, sure=True) == Plan(changed=("a", "b"))


def test_everything_that_is_sent_is_sorted():
    """New and changed files among each other; all lists are sorted, whatever the order of what is wanted."""
    plan = compare(
        ["e", "d", "c", "b", "a"], {"d": "x", "b": "x", "c": "3", "a": "1"}, {"a": "1", "b": "2", "c": "3", "d": "4"}
    )
    assert plan == Plan(new=("e",), changed=("b", "d"), unchanged=("a", "c"))
    assert plan.upload == ("b", "d", "e")
