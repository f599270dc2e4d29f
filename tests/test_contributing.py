"""What the pages for contributors name exists, and their commands are those of dev.py."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "CONTRIBUTING.rst", ROOT / "SECURITY.rst"]


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_page_renders(page):
    """Without warnings, on a code host that knows no Sphinx."""
    core = pytest.importorskip("docutils.core")  # Sphinx brings it; the environments of tox have none
    core.publish_doctree(text_of(page), str(page), settings_overrides={"halt_level": 2, "report_level": 2})


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_that_are_named_exist(page):
    """Files and folders, and patterns that match."""
    words = re.findall(r"``([\w./*-]+)``", text_of(page))
    paths = [word for word in words if "/" in word or word.endswith((".py", ".rst"))]
    assert paths
    assert [path for path in paths if not list(ROOT.glob(path.rstrip("/")))] == []


def test_names_in_files_exist():
    """`NAME` in `file`: the file defines it."""
    found = re.findall(r"``(\w+)``\s+in\s+``([\w./]+\.py)``", text_of(ROOT / "CONTRIBUTING.rst"))
    assert len(found) > 8
    assert [(name, path) for name, path in found if not re.search(rf"\b{name}\b", text_of(ROOT / path))] == []


def test_the_tests_of_the_examples_exist():
    """Each `dev.py test` names files that exist, and `-k` selects something of them."""
    commands = re.findall(r"^   python3 dev\.py test (.*)$", text_of(ROOT / "CONTRIBUTING.rst"), re.MULTILINE)
    commands = [command.partition("#")[0] for command in commands]
    named = [re.findall(r"tests/[\w/]+\.py", command) for command in commands]
    assert sum(map(len, named)) > 8
    for command, files in zip(commands, named, strict=True):
        if not files:
            continue
        texts = [text_of(ROOT / path) for path in files]
        wanted = re.search(r'-k (?:"(.*)"|(\w+))', command)
        for word in (wanted[1] or wanted[2]).split(" or ") if wanted else ():
            # The tests of the documentation have the page's name in their ids.
            assert any(word in text for text in texts) or list((ROOT / "docs").rglob(f"{word}.rst")), word


def test_every_command_of_dev_py_is_named():
    """And no other."""
    named = set(re.findall(r"python3 dev\.py (\w+)", text_of(ROOT / "CONTRIBUTING.rst")))
    commands = next(
        ast.literal_eval(f"{{{', '.join(repr(key.value) for key in node.value.keys)}}}")
        for node in ast.walk(ast.parse(text_of(ROOT / "dev.py")))
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "commands"
    )
    assert named == commands


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_address_is_invented(page):
    """The project has none yet: no e-mail address and no link."""
    assert (
        re.findall(r"[\w.]+@[\w.]+|https?://(?!127\.0\.0\.1|s3\.\{region_name\}\.acme\.example)\S+", text_of(page))
        == []
    )


@pytest.mark.xdist_group("contributing")
def test_tests_of_a_group_run_in_one_process(request):
    """They share a server or a browser, which each process would start for itself."""
    if not hasattr(request.config, "workerinput"):
        pytest.skip("pytest runs without -n")
    assert request.node.nodeid.endswith("@contributing")
