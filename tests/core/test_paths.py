"""Which names of a bucket can be paths."""

import pytest

from s3store.core.paths import path_problem


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("../../out", "the part '..'"),
        ("a/../out", "the part '..'"),
        ("/abs", "absolute"),
        ("a\\..\\out", "backslash"),
        ("a//b", "the part ''"),
        ("a/./b", "the part '.'"),
        ("a/", "the part ''"),
        ("", "the part ''"),
        ("a\0b", "NUL"),
    ],
)
def test_sn_23_hostile_names_are_not_paths(name, said):
    """On any system."""
    for windows in (False, True):
        assert said in path_problem(name, windows=windows)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("C:x", "':'"),
        ("a/x:stream", "':'"),
        ("a?", "'?'"),
        ("a/nul.txt/b", "a device"),
        ("COM1", "a device"),
        ("lpt¹.txt", "a device"),
        ("a./b", "a dot"),
        ("a ", "a space"),
        ("a\x1fb", "Windows"),
    ],
)
def test_names_that_only_windows_refuses(name, said):
    """Drives, streams, devices, and characters at the end that Windows removes."""
    assert path_problem(name) is None
    assert said in path_problem(name, windows=True)


@pytest.mark.parametrize("name", ["a", "a b/ü.txt", "..a", "a..", "console/common", ".hidden", "-rf", "$(x)"])
def test_ordinary_names_are_paths(name):
    """Also those that look like options."""
    assert path_problem(name, windows=name != "a..") is None
