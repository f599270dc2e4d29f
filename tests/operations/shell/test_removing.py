"""manage.py s3 rm."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from s3store import errors
from s3store.operations.places import Place
from s3store.operations.shell.removing import plan_removal, remove
from s3store.testing.counting import counted_requests
from s3store.wire.deleting import Deleted
from tests.operations.shell.conftest import fill, names_in


def test_a_named_file_is_deleted_without_a_question(shell):
    """Two requests."""
    fill(shell.default, "a", "b")
    with counted_requests(shell.default) as sent:
        assert shell.lines("rm", "default:a")[0].startswith("1 file deleted, 7 B, 2 requests")
    assert (sent.methods, names_in(shell.default)) == (["HEAD", "POST"], ["b"])


def test_the_requests_for_a_name_that_does_not_exist_count(quick):
    """Two: it could be a file, or a directory."""
    with counted_requests(quick.default) as sent:
        ran = quick.run("rm", "default:nothing")
    assert (ran.status, len(sent)) == (1, 2)
    assert "0 files deleted, 0 B, 1 failed, 2 requests" in ran.out
    assert "no file or directory has this name" in ran.error


def test_a_directory_needs_r(quick):
    """Also one that a pattern names with a slash; nothing is deleted."""
    fill(quick.default, "d/a")
    for place in ("default:d", "default:d/", "default:*/"):
        ran = quick.run("rm", "--yes", place)
        assert (ran.status, "Give -r" in ran.error) == (2, True)
    assert names_in(quick.default) == ["d/a"]


def test_a_pattern_does_not_take_the_files_in_the_directories_that_it_matches(shell):
    """Only with -r. They are listed too if the pattern has an asterisk before its last slash."""
    fill(shell.default, "2025/a", "2025/notes/b", "2026/notes/c", "2026/notes/d/e")
    shell.lines("rm", "--yes", "default:202*/*")
    assert names_in(shell.default) == ["2025/notes/b", "2026/notes/c", "2026/notes/d/e"]
    shell.lines("rm", "-r", "--yes", "default:*6/n*")
    assert names_in(shell.default) == ["2025/notes/b"]


def test_a_tree_asks_and_says_how_many_and_how_large(quick):
    """Without a terminal and without --yes: exit status 2, and nothing is deleted."""
    fill(quick.default, *(f"d/{n}" for n in range(7)), "e", content=b"x" * 1024)
    for places in (["-r", "default:d"], ["default:d/*"]):
        ran = quick.run("rm", *places)
        assert ran.status == 2
        assert ran.error.startswith("7 files, 7.0 KiB:\n  default:d/0\n")
        assert "… and 2 more\nDelete them?" in ran.error
        assert len(names_in(quick.default)) == 8
    assert quick.run("rm", "-r", "--yes", "--exclude", "[0-4]", "default:d").status == 0
    assert len(names_in(quick.default)) == 6
    assert quick.run("rm", "-r", "--yes", "default:d").status == 0
    assert names_in(quick.default) == ["e"]


def test_a_dry_run_only_reads(quick):
    """It prints each file, and asks nothing."""
    fill(quick.default, "d/a", "d/b")
    with counted_requests(quick.default) as sent:
        found = quick.lines("rm", "-r", "--dry-run", "default:d")
    assert [line.strip() for line in found[:2]] == ["delete  default:d/a", "delete  default:d/b"]
    assert found[2].startswith("Dry run: 2 files would be deleted, 14 B")
    assert set(sent.methods) == {"GET", "HEAD"}
    told = json.loads(quick.run("rm", "-r", "-n", "--json", "default:d").out)
    assert [step["op"] for step in told["plan"]] == ["delete", "delete"]
    assert (told["deleted"], told["objects"], told["bytes"]) == (0, 2, 14)


def test_everything_needs_force(quick):
    """An empty variable in a script does not empty the storage."""
    fill(quick.default, "a", "d/", "x//y")
    ran = quick.run("rm", "-r", "--yes", "default:")
    assert (ran.status, "Give --force" in ran.error) == (2, True)
    assert quick.run("rm", "-r", "--yes", "--force", "default:").status == 0
    found = quick.default.client.list_objects_v2(
        Bucket=quick.default.bucket_name, Prefix=quick.default.options.location
    )
    assert found["KeyCount"] == 0
    assert quick.run("rm", "-r", "--force", "default:").status == 0


def test_what_is_missing_is_a_failure_and_the_rest_is_deleted(quick):
    """Each missing place is named."""
    fill(quick.default, "a", "b")
    ran = quick.run("rm", "--json", "default:gone", "default:a", "default:a", "default:n*", "-y")
    told = json.loads(ran.out)
    assert (ran.status, names_in(quick.default), told["deleted"]) == (1, ["b"], 1)
    assert [each["name"] for each in told["failed"]] == ["default:gone", "default:n*"]
    assert "no file matches" in ran.error
    ran = quick.run("rm", "default:gone")
    assert (ran.status, "0 files deleted, 0 B, 1 failed" in ran.out) == (1, True)


def test_a_file_that_two_places_name_is_deleted_once(quick):
    """In two aliases, the same name is another file."""
    fill(quick.default, "d/a", "d/b")
    fill(quick.other, "d/a")
    told = json.loads(quick.run("rm", "-r", "-y", "--json", "default:d", "default:d/a", "other:d").out)
    assert (told["objects"], told["deleted"]) == (3, 3)


def test_only_what_was_listed_is_deleted(quick):
    """A file that is saved while the user is asked stays."""
    fill(quick.default, "d/a")
    removal = plan_removal([Place(path="d", storage=quick.default)], recursive=True)
    fill(quick.default, "d/new")
    assert 0 < removal.seconds < 600
    # What the plan took is part of the whole.
    summary = remove(replace(removal, requests=7, seconds=1000.0))
    assert (summary.deleted, names_in(quick.default)) == (1, ["d/new"])
    assert (summary.requests, 1000 < summary.seconds < 1600) == (8, True)


def test_failures_name_their_files(quick, monkeypatch):
    """Of a batch, and of a request that fails as a whole."""
    fill(quick.default, "a", "b")
    bucket = type(quick.default.objects.bucket)
    real = bucket.delete_listed

    def refuse(self, wanted, params, *, markers=False):
        refused, *others = wanted
        failure = errors.Failure(key=refused.key, code="AccessDenied", message="a. Check the credentials.")
        return [Deleted(deletion=refused, failure=failure), *real(self, others, params)]

    monkeypatch.setattr(bucket, "delete_listed", refuse)
    ran = quick.run("rm", "--json", "--yes", "default:*")
    (failed,) = json.loads(ran.out)["failed"]
    assert (failed["name"], failed["code"]) == ("default:a", "AccessDenied")
    assert failed["why"] == "a. Check the credentials."
    assert names_in(quick.default) == ["a"]

    def fail(self, wanted, params, *, markers=False):
        raise errors.S3TimeoutError("late")

    monkeypatch.setattr(bucket, "delete_listed", fail)
    ran = quick.run("rm", "default:a")
    assert (ran.status, "'default:a' failed: late" in ran.error) == (1, True)


@pytest.mark.parametrize("option", [[], ["-v", "2"], ["--jsonl"]])
def test_steps(quick, option):
    """Nothing, a line for each file, or JSON."""
    fill(quick.default, "a")
    lines = quick.lines("rm", *option, "default:a")
    assert len(lines) == 1 + bool(option)
