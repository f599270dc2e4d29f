"""Machines that share a job take all files, and none of them twice."""

from __future__ import annotations

import io
import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from s3store.management.verbs.shards import add_shard, shard_range
from s3store.operations.places import Place, PlaceError
from s3store.operations.reports import Watcher
from s3store.operations.shards import KeyRange, ShardError, plan_shards, scan_shard, shard_of
from s3store.storage import S3Storage
from s3store.testing.counting import counted_requests
from s3store.testing.fixtures import options_for
from s3store.testing.servers import Server
from s3store.wire.objects import Objects
from tests.operations.test_inventory import write

# In another order on SeaweedFS, which lists by the parts of names.
NAMES = ["a", "a-b", "a.txt", "a/b", "a/c/d", "a0", "dir!/x", "dir/x", "dir0/x", "é", "\U0001f600"]


@pytest.fixture
def storage(s3_options: dict[str, Any]) -> S3Storage:
    storage = S3Storage(**s3_options)
    for name in NAMES:
        storage.save(f"below/{name}", b"x")  # type: ignore[arg-type]
    storage.save("below!/x", b"x")  # type: ignore[arg-type]
    return storage


class Warned(Watcher):
    """Keeps what it is warned of."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def warn(self, text: str) -> None:
        """Keep it."""
        self.texts.append(text)


@pytest.mark.parametrize("count", [1, 2, 3, 5, 20])
def test_the_shards_of_a_place_have_all_files_once(storage: S3Storage, count: int) -> None:
    """Names are relative to the place, and each machine has the plan as JSON."""
    place, warned = Place(path="below", storage=storage, alias="default"), Warned()
    plan = plan_shards(place, count, watcher=warned)
    assert plan.objects == len(NAMES)
    assert "lists all files" in warned.texts[0]
    text = json.dumps(plan.json())
    shards = [
        [name for name, _ in scan_shard(place, shard_of(f"{number}/{count}", plan=text))]
        for number in range(1, count + 1)
    ]
    assert sorted(name for shard in shards for name in shard) == sorted(NAMES)
    if count < 5:
        assert all(shards)
    by_alphabet = [shard_of(f"{number}/{count}", alphabet="hex") for number in range(1, count + 1)]
    found = [name for within in by_alphabet for name, _ in scan_shard(place, within)]
    assert sorted(found) == sorted(NAMES)


def test_only_the_range_is_listed_where_that_is_possible(moto: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first request begins after the last name of the shard before, and the last page is the one that ends it."""
    monkeypatch.setattr(Objects, "lists_ranges", True)
    storage = S3Storage(**options_for(moto), location="ranges")
    for name in NAMES:
        storage.save(f"below/{name}", b"x", max_length=None)  # type: ignore[arg-type]
    place, warned = Place(path="below", storage=storage), Warned()
    plan = plan_shards(place, 3, watcher=warned)
    assert warned.texts == []
    found = []
    for number in (1, 2, 3):
        with counted_requests(storage) as sent:
            rows = [name for name, _ in scan_shard(place, plan.shard(number))]
        assert len(sent) == 1
        assert ("start-after=" in sent[0].query) is (number > 1)
        assert all(plan.shard(number).takes(name) for name in rows)
        found += rows
    assert found == sorted(NAMES)


def test_ranges_are_listed_on_aws_only() -> None:
    """SeaweedFS loses keys after StartAfter, and directory buckets have no order."""
    for options, wanted in (
        ({"bucket_name": "b"}, True),
        ({"bucket_name": "b", "endpoint_url": "https://s3.eu-central-1.amazonaws.com"}, True),
        ({"bucket_name": "b", "endpoint_url": "http://127.0.0.1:8333"}, False),
        ({"bucket_name": "b--euc1-az1--x-s3"}, False),
    ):
        assert S3Storage(**options, region_name="eu-central-1").objects.lists_ranges is wanted


def test_the_twin_lists_ranges(tmp_path: Path) -> None:
    """The development twin lists in the order of bytes."""
    from s3store.local import FakeS3Storage

    storage = FakeS3Storage(str(tmp_path), allow_without_debug=True)
    for name in "abcd":
        storage.save(name, io.BytesIO(b"x"))
    bucket = storage.objects.bucket
    assert [info.key for info in bucket.page("", {}, flat=False, after="b").objects] == ["c", "d"]
    (page,) = bucket.pages("", {}, flat=False, after="c")
    assert [info.key for info in page.objects] == ["d"]
    place = Place(path="", storage=storage)
    assert [name for name, _ in scan_shard(place, KeyRange(after="a", through="c"))] == ["b", "c"]


def test_a_local_place_has_no_shards(tmp_path: Path) -> None:
    """The plan is about a storage; a machine that has the files needs no others."""
    for work in (lambda place: plan_shards(place, 2), lambda place: list(scan_shard(place, KeyRange()))):
        with pytest.raises(PlaceError, match="default:"):
            work(Place(path=str(tmp_path)))


@pytest.mark.parametrize("count", [0, -1, 10_001])
def test_a_number_of_shards_that_is_not_possible_is_refused(storage: S3Storage, count: int) -> None:
    """Before anything is listed."""
    with counted_requests(storage) as sent, pytest.raises(ShardError, match="1 to 10000"):
        plan_shards(Place(path="", storage=storage), count)
    assert sent == []


def test_a_shard_needs_one_plan() -> None:
    """All machines must divide the names in the same way."""
    for given in ({}, {"plan": "{}", "alphabet": "hex"}):
        with pytest.raises(ShardError, match="either a plan"):
            shard_of("1/2", **given)
    with pytest.raises(ShardError, match="has 2 shards, not 3"):
        shard_of("1/3", plan='{"schema": 1, "shards": 2, "bounds": ["a"]}')


# The command


@pytest.fixture
def default(storage: S3Storage, settings: Any) -> S3Storage:
    """The storage, as an alias of STORAGES."""
    options = {name: getattr(storage, name) for name in ("bucket_name", "endpoint_url", "region_name", "location")}
    keys = {"access_key": storage.access_key, "secret_key": storage.secret_key}
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {"BACKEND": "s3store.storage.S3Storage", "OPTIONS": {**options, **keys}},
    }
    return storage


def test_the_command_prints_a_plan(default: S3Storage) -> None:
    """It is the whole output, for a file; the warning goes elsewhere."""
    out, err = io.StringIO(), io.StringIO()
    call_command("s3", "shards", "3", "default:below", stdout=out, stderr=err)
    plan = json.loads(out.getvalue())
    assert (plan["schema"], plan["shards"], plan["objects"], len(plan["bounds"])) == (1, 3, len(NAMES), 2)
    assert "lists all files" in err.getvalue()
    assert default.exists(f"below/{plan['bounds'][0]}")


def test_the_command_reads_an_inventory(default: S3Storage) -> None:
    """Instead of listing."""
    write(default, "2026-01-31T01-00Z", {f"below/{number}": 1 for number in range(8)})
    out = io.StringIO()
    arguments = ["shards", "2", "default:below", "--from-inventory", "default:inv/all"]
    call_command("s3", *arguments, stdout=out, stderr=io.StringIO())
    assert json.loads(out.getvalue()) == {"schema": 1, "shards": 2, "objects": 8, "bounds": ["3"]}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["0", "default:"], "1 to 10000"),
        (["2", "./media"], "local path"),
        (["2", "defalt:"], "defalt"),
        (["2", "default:", "--from-inventory", "default:nowhere"], "no list of an inventory"),
    ],
)
@pytest.mark.usefixtures("default")
def test_wrong_arguments_exit_with_2(arguments: list[str], words: str) -> None:
    """And say what is wrong."""
    with pytest.raises(CommandError, match=words) as caught:
        call_command("s3", "shards", *arguments)
    assert caught.value.returncode == 2


def test_other_commands_take_a_shard(tmp_path: Path) -> None:
    """By a file with the plan, or by an alphabet; without it, all names."""
    parser = ArgumentParser()
    add_shard(parser)
    plan = tmp_path / "plan.json"
    plan.write_text('{"schema": 1, "shards": 2, "bounds": ["m"]}')
    assert shard_range(parser.parse_args([])) == KeyRange()
    assert shard_range(vars(parser.parse_args(["--shard", "2/2", "--plan", str(plan)]))) == KeyRange(after="m")
    assert shard_range(parser.parse_args(["--shard", "1/2", "--alphabet", "hex"])) == KeyRange(through="80")
    for arguments, words in (
        (["--plan", str(plan)], "need --shard"),
        (["--shard", "1/2"], "either a plan"),
        (["--shard", "1/2", "--plan", str(tmp_path / "none")], "none"),
        (["--shard", "3/2", "--alphabet", "hex"], "I/N"),
    ):
        with pytest.raises(CommandError, match=words):
            shard_range(parser.parse_args(arguments))
