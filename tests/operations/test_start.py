"""The command s3 starts quickly: it loads only the subcommand that runs."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys

import pytest

from s3store.management.commands.s3 import Command
from s3store.management.verbs import VERBS
from tests.docs.blocks import ROOT


def parser():
    return Command().create_parser("manage.py", "s3")


def subparsers(found):
    return next(action for action in found._actions if isinstance(action, argparse._SubParsersAction))


def test_one_subcommand_is_loaded():
    """Not the modules of the others, nor boto3 before a request."""
    code = (
        "import sys; from s3store.management.commands.s3 import Command; "
        "Command().create_parser('manage.py', 's3').parse_args(['du', 'default:']); "
        "print([name for name in sys.modules if name.startswith(('s3store.management.verbs.', 'boto3'))])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code],
        env={"DJANGO_SETTINGS_MODULE": "tests.settings", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    found = ran.stdout
    assert "'s3store.management.verbs.du'" in found
    assert "doctor" not in found
    assert "boto3" not in found


def test_help_has_all_subcommands():
    """In the order of their names, with Django's flags only in front."""
    text = parser().format_help()
    # In a narrow terminal a long name has a line of its own.
    places = [found.start() for name in VERBS if (found := re.search(rf"^    {name}\s", text, re.MULTILINE))]
    assert places == sorted(places)
    assert len(places) == len(VERBS) == len(subparsers(parser()).choices)
    assert set(subparsers(parser()).choices) == set(VERBS)


def test_an_unknown_subcommand_is_an_error():
    """Which names those that exist."""
    with pytest.raises(Exception, match=r"invalid choice: 'nix'.*verify"):
        parser().parse_args(["nix"])
    with pytest.raises(KeyError):
        VERBS["nix"]
