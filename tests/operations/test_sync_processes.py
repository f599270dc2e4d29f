"""Sync as a process: interrupted, killed, two at once, over a bad network. The next run sends only the rest."""

from __future__ import annotations

import hashlib
import os
import random
import signal

import pytest

from s3store.core.parts import MIB
from s3store.operations.sync import sync
from tests.faults.proxy import FaultProxy
from tests.operations.sync_places import child, files_in, fill, local, objects_in, place, storage_at

FILES = 24


@pytest.fixture
def wire(seaweedfs_options):
    """A proxy before SeaweedFS, and options of storages behind it."""
    with FaultProxy(seaweedfs_options["endpoint_url"]) as proxy:
        proxy.options = {**seaweedfs_options, "endpoint_url": proxy.url}
        proxy.behind = storage_at(seaweedfs_options)
        yield proxy


@pytest.fixture
def tree(tmp_path):
    """Small files, and one in three parts."""
    files = {f"d{n % 3}/{n:02}.txt": f"file {n}" for n in range(FILES - 1)}
    return fill(tmp_path / "tree", {**files, "large": hashlib.shake_128(b"l").digest(17 * MIB)})


def end_at(wire, process, number, sent, method="PUT"):
    """Send a signal to the process when the n-th such request of its run comes by."""
    seen = []

    def respond(verb, target, headers):
        if verb == method and "list-type" not in target:
            seen.append(target)
            if len(seen) == number:
                process.send_signal(sent)

    wire.respond = respond


@pytest.mark.slow
@pytest.mark.parametrize(
    "number",
    [FILES, *(pytest.param(n, marks=pytest.mark.campaign) for n in (1, *random.Random(1).sample(range(2, FILES), 8)))],
)
def test_rd_01_an_interrupted_run_is_continued(wire, tree, tmp_path, number):
    """Ctrl-C ends with exit status 130 and no half file; the next run sends what is missing, and nothing twice."""
    with child(tmp_path, ["sync", tree, "default:", "--threads", "4"], default=wire.options) as process:
        end_at(wire, process, number, signal.SIGINT)
        _, said = process.communicate()
    wire.respond = None
    assert (process.returncode, "Traceback" in said) == (130, False)
    assert "Interrupted." in said
    wanted, found = files_in(tree), objects_in(wire.behind)
    assert found.items() <= wanted.items()
    wire.clear()
    with child(tmp_path, ["sync", tree, "default:"], default=wire.options) as process:
        _, said = process.communicate()
    assert (process.returncode, said) == (0, "")
    assert objects_in(wire.behind) == wanted
    again = {one.target.partition("?")[0].rpartition("/")[2] for one in wire.requests("PUT")}
    missing = {name.rpartition("/")[2] for name in wanted.keys() - found.keys()}
    # S3 can have all parts of the large file already.
    assert missing - {"large"} <= again <= missing


@pytest.mark.slow
@pytest.mark.parametrize("number", [13, *(pytest.param(n, marks=pytest.mark.campaign) for n in (2, FILES))])
def test_a_killed_run_is_continued(wire, tree, tmp_path, number):
    """With SIGKILL, what was stored is complete; parts that S3 has are not sent again."""
    with child(tmp_path, ["sync", tree, "default:", "--threads", "2"], default=wire.options) as process:
        end_at(wire, process, number, signal.SIGKILL)
        process.communicate()
    wire.respond = None
    assert process.returncode == -signal.SIGKILL
    wanted, found = files_in(tree), objects_in(wire.behind)
    assert found.items() <= wanted.items()
    with child(tmp_path, ["sync", tree, "default:"], default=wire.options) as process:
        _, said = process.communicate()
    assert (process.returncode, said) == (0, "")
    assert objects_in(wire.behind) == wanted


@pytest.mark.slow
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGKILL], ids=["interrupted", "killed"])
def test_rd_01_an_interrupted_download_is_continued(wire, tree, tmp_path, sent):
    """Files are complete or absent; temporary files are used by the next run, and then gone."""
    sync(local(tree), place(wire.behind))
    target = tmp_path / "target"
    with child(tmp_path, ["sync", "default:", target, "--threads", "2"], default=wire.options) as process:
        end_at(wire, process, 8, sent, method="GET")
        process.communicate()
    wire.respond = None
    assert process.returncode in (130, -signal.SIGKILL)
    wanted = files_in(tree)
    parts = {name for name in files_in(target) if name.endswith(".s3store-part")}
    assert {name: content for name, content in files_in(target).items() if name not in parts}.items() <= wanted.items()
    with child(tmp_path, ["sync", "default:", target], default=wire.options) as process:
        _, said = process.communicate()
    assert (process.returncode, said) == (0, "")
    assert files_in(target) == wanted


@pytest.mark.campaign
def test_rd_02_a_bad_network(seaweedfs_options, tmp_path):
    """A fifth of all requests fails in some way: all 1,000 files arrive, and are equal."""
    faults = {"slow503": 0.05, "err500": 0.05, "reset": 0.05, "lost": 0.05}
    tree = fill(tmp_path / "tree", {f"{n % 7}/{n:04}": f"{n}" * 50 for n in range(1000)})
    with FaultProxy(seaweedfs_options["endpoint_url"], faults=faults, seed=2, max_faults_per_request=3) as proxy:
        storage = storage_at(seaweedfs_options, endpoint_url=proxy.url, max_attempts=8)
        summary = sync(local(tree), place(storage))
        assert (summary.sent, summary.failed) == (1000, [])
        assert objects_in(storage_at(seaweedfs_options)) == files_in(tree)
        summary = sync(place(storage), local(tmp_path / "down"))
        assert (summary.sent, summary.failed) == (1000, [])
        assert sum(one.fault is not None for one in proxy.requests()) > 200
    assert files_in(tmp_path / "down") == files_in(tree)


@pytest.mark.slow
@pytest.mark.parametrize("down", [False, pytest.param(True, marks=pytest.mark.campaign)], ids=["up", "down"])
def test_rd_03_two_runs_at_once(wire, tree, tmp_path, down):
    """Both end well, or name what the other one was writing; the files are complete, and no temporary file stays."""
    target = tmp_path / "target"
    places = ["default:", target] if down else [tree, "default:"]
    if down:
        sync(local(tree), place(wire.behind))
    first = child(tmp_path, ["sync", *places], default=wire.options)
    second = child(tmp_path, ["sync", *places], default=wire.options)
    for process in (first, second):
        _, said = process.communicate()
        assert process.returncode == 0 or (down and "was created meanwhile" in said), said
    assert (files_in(target) if down else objects_in(wire.behind)) == files_in(tree)
    assert not [name for name in os.listdir(tmp_path) if name.endswith(".s3store-part")]
