"""Patterns for names."""

import pytest

from s3store.core.globs import Filter, has_magic, literal_prefix, matches


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        ("*.jpg", ["a.jpg", ".jpg"], ["a/b.jpg", "a.jpg.png"]),
        ("**/*.jpg", ["a.jpg", "a/b/c.jpg"], ["a.png"]),
        ("a/**", ["a/b", "a/b/c"], ["a", "ab/c"]),
        ("a/", ["a/b", "a/b/c"], ["a", "b/a/c"]),
        ("?.txt", ["a.txt"], ["ab.txt", "/.txt", ".txt"]),
        ("[ab]?", ["ax", "bx"], ["cx", "a/"]),
        ("[!ab]", ["c", "^"], ["a", "/"]),
        ("[]a]", ["]", "a"], ["b"]),
        ("[[\\]", ["[", "\\"], ["b"]),
        ("a[", ["a["], ["a"]),
        ("a.b", ["a.b"], ["axb"]),
        ("*", ["line\nbreak"], ["a/b"]),
    ],
)
def test_patterns(pattern, yes, no):
    """A star stays within a part, two stars do not."""
    assert [name for name in yes if not matches(pattern, name)] == []
    assert [name for name in no if matches(pattern, name)] == []


def test_magic():
    """What a listing has to begin with is the text before the first special character."""
    assert [has_magic(text) for text in ("a/b.txt", "a*", "a?", "[a")] == [False, True, True, True]
    assert [literal_prefix(text) for text in ("a/b*.txt", "a/?", "plain")] == ["a/b", "a/", "plain"]


def test_the_last_rule_decides():
    """As with aws s3; a pattern without a slash is about the file's own name."""
    rules = Filter.of([("*", False), ("*.jpg", True), ("private/", False)])
    assert [rules.takes(name) for name in ("a.png", "a.jpg", "x/a.jpg", "private/a.jpg")] == [False, True, True, False]
    assert Filter().takes("anything")


def test_a_pattern_that_is_none():
    """It is refused before anything is listed."""
    with pytest.raises(ValueError, match="is not a pattern"):
        Filter.of([("[z-a]", True)])
