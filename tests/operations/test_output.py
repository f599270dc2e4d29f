"""What subcommands print, and what they ask."""

import io
import json
import os
import pty
import sys

import pytest
from django.core.management.base import BaseCommand, CommandError, CommandParser

from s3store.management.verbs.verb import Output, Verb, add_rules, examples
from s3store.operations.reports import Failed, Step, Summary


@pytest.fixture
def output():
    def make(**options):
        base = BaseCommand(stdout=io.StringIO(), stderr=io.StringIO(), no_color=True)
        made = Output(base, {"verbosity": 1, **options})
        made.out, made.err = base.stdout, base.stderr
        return made

    return make


STEP = Step(op="send", name="a\x1b.txt", size=3, reason="new")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, ""),
        ({"verbosity": 2}, "send    a\\x1b.txt: new\n"),
        ({"dry_run": True}, "send    a\\x1b.txt: new\n"),
        ({"dry_run": True, "verbosity": 0}, ""),
        ({"json": True, "verbosity": 3}, ""),
        ({"jsonl": True}, '{"op": "send", "name": "a\\u001b.txt", "size": 3, "reason": "new"}\n'),
    ],
    ids=str,
)
def test_steps(output, options, said):
    """With -v 2, as a plan, or as JSON. Names cannot control the terminal."""
    made = output(**options)
    made.step(STEP)
    assert made.out.getvalue() == said


def test_a_plan_names_nothing_that_is_skipped(output):
    """Unless -v 2 asks for it."""
    for verbosity, lines in ((1, 0), (2, 1)):
        made = output(dry_run=True, verbosity=verbosity)
        made.step(Step(op="skip", name="a"))
        assert len(made.out.getvalue().splitlines()) == lines


def test_a_summary_in_words_and_as_json(output):
    """The same counts; the JSON has a version, and what the command adds."""
    summary = Summary(command="sync", source="m", target="default:", objects=2, sent=1, requests=1, seconds=1.25)
    summary.plan, summary.more = [STEP], {"extra": 1}
    made = output()
    made.finish(summary, "2 files, 1 sent")
    assert made.out.getvalue() == "2 files, 1 sent, 1 request, 1.2 s.\n"
    made = output(json=True)
    made.finish(summary, "2 files, 1 sent")
    assert json.loads(made.out.getvalue()) == {
        "schema": 1,
        "command": "sync",
        "dry_run": False,
        "from": "m",
        "to": "default:",
        "objects": 2,
        "bytes": 0,
        "sent": 1,
        "skipped": 0,
        "deleted": 0,
        "failed": [],
        "warnings": [],
        "requests": 1,
        "seconds": 1.25,
        "plan": [{"op": "send", "name": "a\x1b.txt", "size": 3, "reason": "new"}],
        "extra": 1,
    }


def test_failures_are_the_error(output):
    """The first 20, and what to do next; the code is S3's, or the class of the exception."""
    summary = Summary(command="rm", failed=[Failed.of(f"{n:02}", KeyError("k")) for n in range(22)])
    assert summary.failed[0] == Failed(name="00", code="KeyError", why="'k'")
    with pytest.raises(CommandError) as caught:
        output().finish(summary, "22 files", then="Run it again.")
    assert str(caught.value).splitlines()[-3:] == ["'19' failed: 'k'", "… and 2 more.", "Run it again."]
    assert caught.value.returncode == 1


def test_words_warnings_and_documents(output):
    """Words are left out where JSON is printed; warnings go to stderr."""
    made = output(json=True)
    made.say("words")
    made.warn("care\x07")
    made.expect(1, 1)
    made.moved(1)
    made.close()
    made.document({"a": "ü\x9b"})
    assert (json.loads(made.out.getvalue()), made.err.getvalue()) == ({"a": "ü\x9b"}, "care\\x07\n")
    assert made.out.getvalue().isascii()


def test_a_question_without_a_terminal_is_no(output, monkeypatch):
    """Exit status 2, and what to give; --yes agrees."""
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    with pytest.raises(CommandError, match="Give --yes") as caught:
        output().confirm("Delete 3 files?")
    assert caught.value.returncode == 2
    output(yes=True).confirm("Delete 3 files?")


@pytest.mark.parametrize(("answer", "agreed"), [("y", True), ("Yes", True), ("n", False), ("", False)])
def test_a_question_on_a_terminal(output, monkeypatch, answer, agreed):
    """Only y and yes agree."""
    ours, theirs = pty.openpty()
    os.write(ours, answer.encode() + b"\n")
    with os.fdopen(theirs) as terminal:
        monkeypatch.setattr(sys, "stdin", terminal)
        made = output()
        if agreed:
            made.confirm("Delete?")
        else:
            with pytest.raises(CommandError, match="Nothing was done") as caught:
                made.confirm("Delete?")
            assert caught.value.returncode == 2
    os.close(ours)
    assert made.err.getvalue() == "Delete? [y/N] "


def test_examples_of_files():
    """Five names, and the number of the others."""
    assert examples(["a\n"], 1, 1536) == "1 file, 1.5 KiB:\n  a\\n"
    assert examples(iter("abcdefg"), 7).splitlines() == ["7 files:", *(f"  {c}" for c in "abcde"), "  … and 2 more"]


def test_rules_keep_their_order():
    """--include and --exclude are one list."""
    parser = CommandParser()
    add_rules(parser)
    assert parser.parse_args(["--exclude", "*", "--include", "*.jpg"]).rules == [("*", False), ("*.jpg", True)]
    assert parser.parse_args([]).rules is None


def test_the_base_of_subcommands_does_nothing():
    """It has no arguments, and cannot run."""
    parser = CommandParser()
    Verb.add_arguments(parser)
    with pytest.raises(NotImplementedError):
        Verb(BaseCommand(), {}).run()
