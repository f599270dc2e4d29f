"""A cache of what was used most recently."""

from __future__ import annotations

from s3store.wire.recent import Recent


def test_the_least_recently_used_goes() -> None:
    """Reading a value is using it."""
    recent: Recent[str] = Recent(2)
    assert recent.keep("a", "1") == "1"
    recent.keep("b", "2")
    assert recent.get("a") == "1"
    recent.keep("c", "3")
    assert [recent.get(key) for key in "abc"] == ["1", None, "3"]
    assert len(recent) == 2


def test_a_value_can_be_replaced_and_all_forgotten() -> None:
    """A key has one value; a forked child starts with none."""
    recent: Recent[str] = Recent(2)
    recent.keep("a", "1")
    recent.keep("a", "2")
    assert (recent.get("a"), len(recent)) == ("2", 1)
    recent.clear()
    assert (recent.get("a"), len(recent)) == (None, 0)
