"""The JSON of each subcommand: one document, or one a line, and nothing else on standard output."""

from __future__ import annotations

import json
from argparse import ArgumentParser

import pytest

from s3store.management.verbs import VERBS
from tests.operations.shell.conftest import Shell, quick

__all__ = ["quick"]

pytestmark = pytest.mark.django_db

# Arguments by subcommands, and the exit status if it is not 0. TMP is a directory with the file `a`, and the bucket
# of `far` keeps versions.
RUNS: list[tuple[list[str], int]] = [
    (["acl", "default:d/a"], 0),
    (["acl", "--set", "private", "default:d/a"], 0),
    (["batch-report", "TMP/report.csv"], 1),
    (["buckets"], 0),
    (["cp", "TMP/a", "default:d/b"], 0),
    (["cp", "TMP/a", "default:d/a"], 1),
    (["doctor"], 0),
    (["du"], 0),
    (["headers", "--storage", "default"], 0),
    (["incoming"], 0),
    (["ls", "-r"], 0),
    (["mb"], 0),
    (["metadata", "default:d/a"], 0),
    (["metadata", "--set", "a=b", "default:d/a"], 0),
    (["migrate-media", "default:", "--source", "TMP"], 0),
    (["multipart"], 0),
    (["mv", "default:d/a", "default:d/c"], 0),
    (["orphans"], 0),
    (["policy"], 0),
    (["prune", "3", "--dry-run"], 0),
    (["restore", "--storage", "far", "--dry-run"], 0),
    (["restore", "--archived", "--status"], 0),
    (["rm", "default:d/a"], 0),
    (["settings"], 0),
    (["setup", "--dry-run"], 0),
    (["shards", "2", "default:"], 0),
    (["stat", "default:d/a"], 0),
    (["sync", "TMP", "default:s"], 0),
    (["sync", "TMP", "default:s", "--dry-run"], 0),
    (["tags", "default:d/a"], 0),
    (["tags", "--set", "a=b", "default:d/a"], 0),
    (["url", "default:d/a"], 0),
    (["verify", "TMP", "default:d"], 3),
]
# They have no JSON, or their output is always JSON.
OTHERS = {"cat", "completion", "shards"}
REPORT = "my-bucket,d/a,,failed,403,AccessDenied,no\n"
NUMBERS = ("objects", "bytes", "sent", "skipped", "deleted", "requests", "seconds", "errors", "warnings")


def flags_of(verb: str) -> set[str]:
    parser = ArgumentParser()
    VERBS[verb].add_arguments(parser)
    return {flag for flag in ("--json", "--jsonl") if flag in parser._option_string_actions}


def test_each_subcommand_has_its_row():
    """Also a new one."""
    assert {arguments[0] for arguments, _ in RUNS} | OTHERS == set(VERBS)
    assert {verb for verb in VERBS if not flags_of(verb)} == OTHERS


CASES = [
    pytest.param(arguments, status, flag, id=" ".join([*arguments, flag]))
    for arguments, status in RUNS
    for flag in sorted(flags_of(arguments[0])) or [""]
]


@pytest.mark.parametrize(("arguments", "status", "flag"), CASES)
def test_standard_output_is_json(quick: Shell, tmp_path, arguments, status, flag):
    """With a schema, and numbers that are numbers; a failure has the same exit status as without JSON."""
    quick.default.save("d/a", b"1")
    versions = {"Status": "Enabled"}
    quick.far.client.put_bucket_versioning(Bucket=quick.far.bucket_name, VersioningConfiguration=versions)
    below = {**quick.options, "location": f"{quick.options['location']}-static"}
    static = quick.add("staticfiles", "s3store.storage.S3ManifestStaticStorage", **below)
    manifest = {"version": "1.1", "paths": {"a.css": "a.0123456789ab.css"}, "hash": ""}
    static.manifest_storage.save("staticfiles.json", json.dumps(manifest).encode())
    (tmp_path / "a").write_text("a")
    (tmp_path / "report.csv").write_text(REPORT)
    called = [text.replace("TMP", str(tmp_path)) for text in arguments]
    ran = quick.run(*called, *[flag] * bool(flag))
    assert ran.status == status, ran
    found = [json.loads(line) for line in ran.out.splitlines()] if flag == "--jsonl" else [json.loads(ran.out)]
    last = found[-1]
    assert last["schema"] == 1
    if arguments[0] != "shards":
        assert last["command"] == arguments[0]
    for name in NUMBERS:
        if name in last and not isinstance(last[name], list):
            assert type(last[name]) in (int, float), name
