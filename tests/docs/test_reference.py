"""The reference documents what is public, and nothing else. Its text comes from the docstrings."""

from __future__ import annotations

import dataclasses
import functools
import importlib
import inspect
import re

import pytest

from s3store import cookies, fields, forms, local, middleware, serving, storage, uploads, views, widgets
from s3store.conf import foreign
from s3store.conf.options import FIELDS
from s3store.errors import MissingReferenceError
from s3store.fields import S3FieldFile
from s3store.files.file import S3File
from s3store.local import FakeS3Storage
from s3store.serving import file_response
from s3store.storage import (
    Grant,
    PresignedUpload,
    S3ManifestStaticStorage,
    S3StaticStorage,
    S3Storage,
    Stat,
)
from s3store.templatetags import s3store as tags
from s3store.testing import contract, counting, fixtures, servers
from s3store.testing.counting import Requests
from s3store.views import FieldFileView, FileView, ServingView
from tests.docs.blocks import DOCS, documented, table

REFERENCE = DOCS / "reference"
PAGES = (
    "storage.rst",
    "files.rst",
    "fields.rst",
    "uploads.rst",
    "views.rst",
    "local.rst",
    "sharing.rst",
    "testing.rst",
)
EVERYTHING = {name: directive for page in PAGES for name, directive in documented(REFERENCE / page).items()}

BY_HAND = {"s3store.storage.S3File.name", "s3store.storage.S3File.mode"}
"""Django's attributes. They have no docstring of ours."""


def resolve(name: str) -> object:
    """Return the object of a name with its module, as the class has it: properties are not called."""
    parts = name.split(".")
    for length in range(len(parts) - 1, 0, -1):
        try:
            module = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        *path, last = parts[length:]
        owner = functools.reduce(getattr, path, module)
        if owner is module:
            # Some packages import a name when it is used.
            return getattr(module, last)
        return inspect.getattr_static(owner, last)
    raise LookupError(name)


def public_members(cls: type) -> dict[str, object]:
    """Return the public methods and properties that modules of s3store define on a class."""
    found = {}
    for base in reversed(cls.__mro__):
        if base.__module__.startswith("s3store"):
            for name, member in vars(base).items():
                routine = inspect.isroutine(member) or isinstance(member, property)
                if not name.startswith("_") and (routine or hasattr(type(member), "__set_name__")):
                    found[name] = member
    return {name: member for name, member in found.items() if name not in FIELDS}


def documented_of(cls: type) -> set[str]:
    """Return the members of a class that the pages document."""
    names = (name.rsplit(".", 2) for name in EVERYTHING)
    return {name for _, owner, name in names if owner == cls.__name__}


@pytest.mark.parametrize(
    ("cls", "parents", "attributes"),
    [
        (S3Storage, [], set()),
        (S3StaticStorage, [S3Storage], set()),
        (S3ManifestStaticStorage, [S3StaticStorage], {"hashed_pattern"}),
        (FakeS3Storage, [S3Storage], set()),
        (S3File, [], {"name", "mode"}),
        (S3FieldFile, [], set()),
        (ServingView, [], set()),
        (FileView, [ServingView], set()),
        (FieldFileView, [ServingView], set()),
        (Requests, [], set()),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_every_public_member_is_documented_and_nothing_else(cls, parents, attributes):
    """Methods and properties of a class that its parent does not have; what it overrides may be there again."""
    inherited = {name for parent in parents for name in public_members(parent)}
    members = set(public_members(cls))
    found = documented_of(cls)
    assert found - members == attributes
    # Names of other packages only say what to use instead.
    assert members - inherited - found - foreign.NAMES.keys() == set()


def defined(module: object) -> set[str]:
    """Return the public functions and classes of a module, with its name before each."""
    return {
        f"{module.__name__}.{name}"
        for name, thing in vars(module).items()
        if not name.startswith("_") and callable(thing) and getattr(thing, "__module__", "") == module.__name__
    }


@pytest.mark.parametrize(
    "module", [cookies, serving, views, tags, contract, servers], ids=lambda module: module.__name__
)
def test_every_public_function_and_class_is_documented_and_nothing_else(module):
    """Of each public module."""
    found = {name for name in EVERYTHING if name.rpartition(".")[0] == module.__name__}
    assert found == defined(module) != set()


def test_the_public_names_of_modules_are_documented_and_nothing_else():
    """Of the modules that say what is public, and of the fixtures."""
    for module in (storage, local, counting, fields, forms, widgets, middleware, uploads):
        found = {name for name in EVERYTHING if name.rpartition(".")[0] == module.__name__}
        assert {name.rpartition(".")[2] for name in found} == set(module.__all__)
    found = {name.rpartition(".")[2] for name in EVERYTHING if name.startswith(f"{fixtures.__name__}.")}
    given = {name for name, thing in vars(fixtures).items() if hasattr(thing, "_fixture_function")}
    assert {"moto", "seaweedfs", "s3_server", "s3_options", "seaweedfs_options", "s3_storage"} <= given
    assert found - given == {"BUCKET", "options_for"}
    assert f"{MissingReferenceError.__module__}.{MissingReferenceError.__name__}" in EVERYTHING


@pytest.mark.parametrize("name", EVERYTHING)
def test_text_and_signature_come_from_the_code(name):
    """Each directive reads the docstring, and there is one. No signature is written by hand."""
    assert re.fullmatch(r"[\w.]+", name)
    directive = EVERYTHING[name]
    assert directive.startswith("auto") == (name not in BY_HAND)
    if directive in ("autodata", "autoattribute") or name in BY_HAND:
        return
    thing = resolve(name)
    kinds = {
        "autoclass": inspect.isclass,
        "autoexception": lambda thing: inspect.isclass(thing) and issubclass(thing, Exception),
        "autoproperty": lambda thing: isinstance(thing, property | functools.cached_property),
        "automethod": inspect.isroutine,
        "autofunction": callable,
    }
    assert kinds[directive](thing)
    assert (thing.__doc__ or "").strip().endswith(".")
    assert "``" not in thing.__doc__


@pytest.mark.parametrize("name", [name for name, kind in EVERYTHING.items() if kind in ("automethod", "autofunction")])
def test_docstrings_name_every_optional_argument(name):
    """An argument that can only be given by name is explained, or the docstring says which function explains it."""
    thing = resolve(name)
    thing = getattr(thing, "__func__", thing)
    if not inspect.isroutine(thing):
        return
    given = inspect.signature(thing).parameters.values()
    wanted = {parameter.name for parameter in given if parameter.kind is parameter.KEYWORD_ONLY}
    named = set(re.findall(r"`(\w+)[^`]*`", thing.__doc__))
    assert wanted <= named or re.search(r"arguments (and the errors )?are those of\s+`", thing.__doc__), wanted - named


def test_attributes_of_a_stat_are_in_the_table():
    """Fields and properties."""
    rows = table(REFERENCE / "storage.rst", "Listings and facts")
    named = [name for row in rows for name in re.findall(r"``(\w+)``", row[0])]
    properties = {name for name in dir(Stat) if isinstance(getattr(Stat, name), property)}
    assert sorted(named) == sorted({field.name for field in dataclasses.fields(Stat)} | properties)


@pytest.mark.parametrize("cls", [PresignedUpload, Grant])
def test_docstrings_of_results_name_their_attributes(cls):
    """All fields, as their page has no table."""
    assert {field.name for field in dataclasses.fields(cls)} <= set(re.findall(r"`(\w+)`", cls.__doc__))


def test_attributes_of_views_are_the_arguments_of_file_response():
    """On the page, and on the class; a version belongs to one file, not to a view."""
    page = (REFERENCE / "views.rst").read_text(encoding="utf-8")
    named = re.findall(r"``(\w+)``", page.split("The attributes are", 1)[1].split(".", 1)[0])
    given = [one.name for one in inspect.signature(file_response).parameters.values() if one.kind is one.KEYWORD_ONLY]
    assert [*named, "version_id"] == given
    assert all(hasattr(ServingView, name) for name in named)


CREATED = {
    *("S3Storage", "S3MediaStorage", "S3StaticStorage", "S3ManifestStaticStorage", "Server", "Destination"),
    *("S3FileField", "S3FilesField", "S3ImageField", "S3FileInput", "S3FilesInput"),
}
"""The classes that readers create."""


@pytest.mark.xdist_group("sphinx")
def test_readers_see_the_real_arguments(built):
    """Of functions, methods and the classes that readers create; fixtures and other classes have none."""
    html = "".join((built / "reference" / page).with_suffix(".html").read_text(encoding="utf-8") for page in PAGES)
    shown = dict(re.findall(r'<dt class="sig[^"]*" id="([\w.]+)">(.*?)</dt>', html, re.DOTALL))
    argument = re.compile(r'<em class="sig-param">(?:<span class="o">.{1,60}</span>)?<span class="n"><.*?>(\w+)<')
    assert set(EVERYTHING) <= set(shown)
    for name in EVERYTHING:
        thing = None if name in BY_HAND else resolve(name)
        thing = getattr(thing, "__func__", thing)
        called = inspect.isfunction(thing) or (inspect.isclass(thing) and thing.__name__ in CREATED)
        wanted = set(inspect.signature(thing).parameters) - {"self", "cls"} if called else set()
        assert set(argument.findall(shown[name])) == wanted, name


def test_code_in_docstrings_becomes_links(monkeypatch):
    """Options and exceptions are links; arguments and everything else in backticks are literals."""
    pytest.importorskip("sphinx")
    monkeypatch.syspath_prepend(str(DOCS))
    from_code = importlib.import_module("from_code")
    lines = ["With `file_overwrite` and `size`, `a b`:", "ObjectExistsError, ValueError."]
    from_code.link_code(None, "method", "", S3Storage.upload_url, None, lines)
    assert lines == [
        "With :ref:`file_overwrite <option-file-overwrite>` and ``size``, ``a b``:",
        ":ref:`ObjectExistsError <error-objectexistserror>`, ``ValueError``.",
    ]
