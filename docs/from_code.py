"""What the pages take from the source code: docstrings, signatures, and the help of the commands' options."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import re
from argparse import SUPPRESS, Action, ArgumentParser, _SubParsersAction
from typing import Any

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.domains.std import Cmdoption
from sphinx.util.docutils import SphinxDirective

from s3store import errors
from s3store.conf.options import FIELDS
from s3store.management.commands import collectstatic, s3

CALLED = {
    "S3Storage",
    "S3MediaStorage",
    "S3StaticStorage",
    "S3ManifestStaticStorage",
    "S3FileField",
    "S3FilesField",
    "S3ImageField",
    "S3FileInput",
    "S3FilesInput",
    "Destination",
    "Server",
}
"""The classes that readers create. Only their constructors are shown."""

_CODE = re.compile(
    r"(?<![:`])`(?P<code>[^`]+)`(?!`)"
    r"|\b(?P<error>(?:io\.)?(?:[A-Z]\w*Error|ImproperlyConfigured|SuspiciousFileOperation|UnsupportedOperation|Http404))\b"
)
"""What docstrings write as code: `code` in backticks, and the names of exceptions."""


def link_code(_app: Sphinx, _what: str, _name: str, thing: Any, _options: Any, lines: list[str]) -> None:
    """Turn code in a docstring into a link to an option, an exception or an object, otherwise into a literal."""
    own = names_of(thing)

    def role(found: re.Match[str]) -> str:
        code, error = found["code"], found["error"]
        if error:
            ours = issubclass(getattr(errors, error, object), errors.S3StoreError)
            return f":ref:`{error} <error-{error.lower()}>`" if ours else f"``{error}``"
        if code in own or not code.replace(".", "").isidentifier():
            return f"``{code}``"
        if code in FIELDS:
            return f":ref:`{code} <option-{code.replace('_', '-')}>`"
        return f":py:obj:`{code}`"

    lines[:] = _CODE.sub(role, "\n".join(lines)).split("\n")


def names_of(thing: Any) -> set[str]:
    """Return the arguments or fields of an object: in its docstring these names are not options."""
    if dataclasses.is_dataclass(thing):
        return {field.name for field in dataclasses.fields(thing)}
    return set(inspect.signature(thing).parameters) if callable(thing) and not isinstance(thing, type) else set()


def signature(
    _app: Sphinx, what: str, name: str, thing: Any, _options: Any, args: str | None, returned: str | None
) -> tuple[str, str | None] | None:
    """Hide the arguments of fixtures, and of classes that readers do not create. Name functions that are defaults."""
    if not args:
        return None
    if (what in ("class", "exception") and name.rpartition(".")[2] not in CALLED) or hasattr(
        thing, "_fixture_function"
    ):
        return "", None
    if name.startswith("s3store.rest_framework."):
        # Serializer fields have a __new__ that hides the arguments.
        found = inspect.signature(thing, eval_str=True)
        return str(found.replace(return_annotation=inspect.Signature.empty)), None
    return re.sub(r"<function (\w+)>", r"\1", args), returned


class HelpOption(Cmdoption):
    """An option of the command that `program` names: its flags and its help, then the content of the directive."""

    def run(self) -> list[Any]:
        """Take flags and help from the parser of the command."""
        action = action_of(self.env.ref_context["std:program"], self.arguments[0])
        value = action.metavar or action.dest.upper()
        flags = [*sorted(action.option_strings, reverse=True)] or [str(value)]
        if action.option_strings and action.nargs != 0:
            flags[-1] = f"{flags[-1]} {value}"
        self.arguments = [", ".join(flags)]
        text = str(action.help)
        if isinstance(action.default, int) and not isinstance(action.default, bool) and "Default" not in text:
            text = f"{text} Default: {action.default}."
        self.content = StringList([text, "", *self.content], source=self.get_source_info()[0])
        return super().run()


class VerbHelp(SphinxDirective):
    """What `--help` of a subcommand of `s3` says: its purpose, its arguments and its options."""

    required_arguments = 1

    def run(self) -> list[Any]:
        """Take all of it from the parser of the subcommand."""
        verb = self.arguments[0]
        parser = parser_of(f"s3-{verb}")
        lines = [str(parser.description), "", f".. program:: s3 {verb}", ""]
        for action in parser._actions:
            if action.help and action.help != SUPPRESS and action.dest != "help":
                name = action.option_strings[-1] if action.option_strings else action.metavar or action.dest.upper()
                lines += [f".. help-option:: {name}", ""]
        node = nodes.Element()
        self.state.nested_parse(StringList(lines, source=self.get_source_info()[0]), self.content_offset, node)
        return list(node.children)


@functools.cache
def parser_of(program: str) -> ArgumentParser:
    """Return the parser of a command, or of a subcommand: `s3-headers`, as Sphinx writes the name."""
    if program == "collectstatic":
        return collectstatic.Command().create_parser("manage.py", program)
    parser = s3.Command().create_parser("manage.py", "s3")
    (below,) = (action for action in parser._actions if isinstance(action, _SubParsersAction))
    found: ArgumentParser = below.choices[program.removeprefix("s3-")]
    return found


def action_of(program: str, flag: str) -> Action:
    """Return the option of a command. Raises LookupError if the command does not have it."""
    for action in parser_of(program)._actions:
        if flag in action.option_strings or flag == action.metavar:
            return action
    raise LookupError(f"{program} has no {flag}.")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive and the handlers."""
    app.add_directive("help-option", HelpOption)
    app.add_directive("verb-help", VerbHelp)
    app.connect("autodoc-process-docstring", link_code)
    app.connect("autodoc-process-signature", signature)
    return {"parallel_read_safe": True}
