"""The public names: each public module lists its own, the reference lists all of them, and examples use no others."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from pathlib import Path

import pytest
from django.dispatch import Signal

from tests.docs.blocks import DOCS, ROOT, all_blocks, table

REFERENCE = DOCS / "reference"
PAGE = REFERENCE / "public-names.rst"
TESTING = ("contract", "counting", "fixtures", "servers")
# Their other modules are internal.
OPERATIONS = [
    ".".join(path.relative_to(ROOT / "s3store" / "operations").with_suffix("").parts).removesuffix(".__init__")
    for path in (ROOT / "s3store" / "operations").rglob("*.py")
    if "\n__all__ = " in path.read_text(encoding="utf-8")
]
MODULES = {
    f"s3store.{name}"
    for name in (
        "checks",
        "cookies",
        "errors",
        "fields",
        "folders",
        "folders.signals",
        "folders.tasks",
        "forms",
        "local",
        "middleware",
        "operations.incoming",
        "operations.migrate",
        "operations.multipart",
        "operations.orphans",
        "operations.prune",
        "operations.references",
        "operations.restore",
        "operations.rows",
        "rest_framework",
        "serving",
        "sharing",
        "sharing.forms",
        "sharing.signals",
        "sharing.views",
        "storage",
        "uploads",
        "views",
        "widgets",
        *(f"testing.{name}" for name in TESTING),
        *(f"operations.{name}" for name in OPERATIONS),
    )
}
TEMPLATE_TAGS = {"file_url"}


def described() -> dict[str, tuple[set[str], list[str]]]:
    """Return what the table of the page says: module -> names, pages."""
    return {
        module.strip("`"): (set(re.findall(r"``(\w+)``", names)), re.findall(r":doc:`([\w-]+)`", pages))
        for module, names, pages in table(PAGE)
    }


def top_level(page: Path) -> set[str]:
    """Return the classes, functions, exceptions and data that a page describes."""
    text = page.read_text(encoding="utf-8")
    named = re.findall(r"^\.\. (?:py:|auto)(?:class|function|exception|data):: ([\w.]+)", text, re.MULTILINE)
    return {name.rpartition(".")[2] for name in named}


def test_the_page_lists_the_public_modules():
    """All of them and no other."""
    assert set(described()) == MODULES


@pytest.mark.parametrize("module", sorted(MODULES))
def test_public_names_are_the_documented_ones(module):
    """`__all__` and the table say the same, each name exists, and a page of the row describes it."""
    imported = importlib.import_module(module)
    names, pages = described()[module]
    assert sorted(imported.__all__) == sorted(names)
    text = "".join((REFERENCE / f"{page}.rst").read_text(encoding="utf-8") for page in pages)
    text += PAGE.read_text(encoding="utf-8").rpartition("\n\nThe other pages")[2]
    for name in names:
        assert hasattr(imported, name)
        assert re.search(
            rf"^\.\. (py:|auto)\w+:: ([\w.]+\.)?{name}\b|^{name}\n[-=]+$|``(s3store\.storage\.)?{name}``", text, re.M
        )


def test_what_the_reference_describes_is_public():
    """Classes, functions, exceptions and data; methods belong to their classes."""
    public = {name for names, _ in described().values() for name in names}
    found = set()
    for page in REFERENCE.glob("*.rst"):
        found |= top_level(page)
    assert len(found) > 30
    assert found - public == TEMPLATE_TAGS


@pytest.mark.parametrize("module", sorted(MODULES))
def test_public_names_belong_to_the_project(module):
    """Names from Django or the standard library are imported from there."""
    imported = importlib.import_module(module)
    for name in imported.__all__:
        thing = inspect.unwrap(getattr(imported, name))
        if isinstance(thing, Signal):
            continue
        assert getattr(thing, "__module__", "s3store").startswith("s3store"), name


def foreign_imports(source: str) -> list[str]:
    """Return the imports from s3store that take anything but public names and public modules."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [f"import {alias.name}" for alias in node.names if alias.name.partition(".")[0] == "s3store"]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "s3store":
            public = importlib.import_module(node.module).__all__ if node.module in MODULES else ()
            found += [
                f"from {node.module} import {alias.name}"
                for alias in node.names
                if alias.name not in public and f"{node.module}.{alias.name}" not in MODULES
            ]
    return found


def test_foreign_imports_are_found():
    """The tests below would pass if none was ever found."""
    source = (
        "import s3store.wire.client\n"
        "from s3store.mixins.verbs import Stat\n"
        "from s3store.serving import Mode\n"
        "from s3store.storage import Stat, S3Storage\n"
        "from s3store.testing import servers\n"
        "def late():\n"
        "    from s3store.management.commands.collectstatic import Command\n"
    )
    assert foreign_imports(source) == [
        "import s3store.wire.client",
        "from s3store.mixins.verbs import Stat",
        "from s3store.serving import Mode",
        "from s3store.management.commands.collectstatic import Command",
    ]


EXAMPLES = sorted((ROOT / "example_project").rglob("*.py"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_example_project_imports_only_public_names(path: Path):
    """It shows what a project may use."""
    assert foreign_imports(path.read_text(encoding="utf-8")) == []


def test_the_example_project_uses_the_package():
    """The test above reads files that import something."""
    text = "".join(path.read_text(encoding="utf-8") for path in EXAMPLES)
    assert len(re.findall(r"^\s*from s3store", text, re.MULTILINE)) > 5


@pytest.mark.parametrize("block", all_blocks("python"), ids=str)
def test_examples_of_the_documentation_import_only_public_names(block):
    """So that readers can copy them."""
    assert foreign_imports(block.text) == []


@pytest.mark.parametrize("block", all_blocks("pycon"), ids=str)
def test_sessions_of_the_documentation_import_only_public_names(block):
    """Line by line, as they are typed."""
    imports = re.findall(r"^>>> ((?:from|import) .*)$", block.text, re.MULTILINE)
    assert foreign_imports("\n".join(imports)) == []
