"""Measures folders on SeaweedFS, through a proxy that delays: moves against moves one by one, ZIP files against reads.

Alone, with this Python: python -m benchmarks.folder_runs

Only one large piece of work, without a delay: ``--move 100000`` moves a folder of so many files, killed at a third
with SIGKILL, and run again; ``--zip 1024`` compares a ZIP of so many MiB with reading the same files.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks import environment
from benchmarks.measures import MIB, MILLISECONDS, SECONDS
from benchmarks.peers import BUCKET
from benchmarks.upload_runs import HEAD, UploadMeasure, UploadRow
from s3store.storage import S3Storage
from s3store.testing.servers import seaweedfs_server
from s3store.wire import pool
from tests.faults.proxy import FaultProxy

FOLDER_CASES = ("folders",)
DELAY = 20
FILES = 1000
LARGE = 256 * 1024**2
SMALL = 64 * 1024
_RATIO = 1 / 0.7

# Of the time that boto3 needs for the same request: that of a machine says nothing about another one.
_PAGE_RATIO = 0.8

_MOST_MEMORY = 64 * 1024**2

FOLDER_MEASURES = tuple(
    UploadMeasure(case="folders", title=title, number=number, unit=unit, against=against, most_ratio=ratio, most=most)
    for title, number, unit, against, ratio, most in (
        ("first page of 100: CPU", "page", MILLISECONDS, "page boto3", _PAGE_RATIO, None),
        ("move of a folder", "move", SECONDS, "one by one", 1 / 8, None),
        ("move of a folder: CPU", "move cpu", SECONDS, "", None, None),
        ("ZIP, 4 large files", "zip large", SECONDS, "read large", _RATIO, None),
        ("ZIP, many small files", "zip small", SECONDS, "read small", _RATIO, None),
        ("ZIP, large files: memory", "memory large", MIB, "", None, _MOST_MEMORY),
        ("ZIP, small files: memory", "memory small", MIB, "", None, _MOST_MEMORY),
    )
)


def measure(*, runs: int, quick: bool, python: str | Path | None = None) -> Iterator[UploadRow]:
    """Run the measures and yield their rows."""
    found: list[dict[str, float]] = []
    files, large = (FILES // 5, LARGE // 16) if quick else (FILES, LARGE)
    for number in range(runs):
        print(f"benchmarks: folders, run {number + 1} of {runs}", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory(prefix="s3store-benchmarks-") as directory:
            found.append(_once(Path(directory), files, large, python or environment.PYTHON))
    for each in FOLDER_MEASURES:
        ours = statistics.median(run[each.number] for run in found)
        other = statistics.median(run[each.against] for run in found) if each.against else None
        yield UploadRow(measure=each, values={"ours": ours, "other": other}, ratio=ours / other if other else None)


def _once(directory: Path, files: int, large: int, python: str | Path) -> dict[str, float]:
    with seaweedfs_server(directory) as server, FaultProxy(server.endpoint_url, delay=DELAY / 2000) as proxy:
        place = {
            "bucket_name": BUCKET,
            "endpoint_url": server.endpoint_url,
            "access_key": server.access_key,
            "secret_key": server.secret_key,
            "region_name": server.region_name,
        }
        storage = S3Storage(**place, location="media/acme")
        storage.client.create_bucket(Bucket=BUCKET)
        content = {
            **{f"docs/{number}": b"x" for number in range(files)},
            **{f"one/{number}": b"x" for number in range(files // 10)},
            **{f"small/{number}": os.urandom(SMALL) for number in range(files // 2)},
            **{f"large/{number}": os.urandom(1024**2) * (large // 4 // 1024**2) for number in range(4)},
        }
        for outcome in pool.run(lambda name: storage.save(name, content[name]), content, threads=8):
            if outcome.error:
                raise outcome.error
        ran = subprocess.run(
            [str(python), "-m", "benchmarks.folder_work"],
            cwd=environment.ROOT,
            env=environment.variables(),
            input=json.dumps({"place": {**place, "endpoint_url": proxy.url}, "files": files}),
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        result: dict[str, float] = json.loads(ran.stdout)
        return result


@contextmanager
def _place() -> Iterator[dict[str, Any]]:
    """Start SeaweedFS with an empty bucket, and yield where it is."""
    with (
        tempfile.TemporaryDirectory(prefix="s3store-benchmarks-") as directory,
        seaweedfs_server(Path(directory)) as server,
    ):
        place = {
            "bucket_name": BUCKET,
            "endpoint_url": server.endpoint_url,
            "access_key": server.access_key,
            "secret_key": server.secret_key,
            "region_name": server.region_name,
        }
        S3Storage(**place).client.create_bucket(Bucket=BUCKET)
        yield place


def _save_all(storage: S3Storage, content: Mapping[str, bytes], *, threads: int = 8) -> None:
    for outcome in pool.run(lambda name: storage.save(name, content[name]), content, threads=threads):
        if outcome.error:
            raise outcome.error


def _large(place: dict[str, Any], *, work: str, since: str = "", kill_at: float = 2.0) -> dict[str, Any]:
    """Run the work in a process of its own, and return its last line. `kill_at` is a share of the files."""
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.folder_large"],
        cwd=environment.ROOT,
        env=environment.variables(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdin
        assert running.stdout
        with running.stdin as sent:
            json.dump({"place": place, "work": work, "since": since}, sent)
        last: dict[str, Any] = {}
        lines = 0
        started = time.perf_counter()
        for line in running.stdout:
            last, lines = json.loads(line), lines + 1
            if last.get("total") and last["done"] >= kill_at * last["total"]:
                running.kill()
                return {**last, "seconds": time.perf_counter() - started}
    if running.returncode:
        raise subprocess.CalledProcessError(running.returncode, running.args)
    return {**last, "lines": lines}


def move_many(files: int) -> Iterator[dict[str, Any]]:
    """Move a folder of many files, killed at a third with SIGKILL and run again."""
    with _place() as place:
        storage = S3Storage(**place, location="media/acme")
        print("benchmarks: saving the files", file=sys.stderr, flush=True)
        _save_all(storage, {f"docs/{number // 1000:03}/{number:06}": b"x" for number in range(files)})
        killed = _large(place, work="move", kill_at=1 / 3)
        yield {"work": "move, killed", **killed}
        yield {"work": "move, again", **_large(place, work="move", since=killed["since"])}
        names = {stat.name for stat in storage.scan("to")}
        assert len(names) == files, len(names)
        assert not list(storage.scan("docs"))


def zip_large(mebibytes: int) -> Iterator[dict[str, Any]]:
    """Stream a ZIP of four files, and read the same files."""
    with _place() as place:
        block = os.urandom(1024**2)
        content = {f"large/{number}": block * (mebibytes // 4) for number in range(4)}
        _save_all(S3Storage(**place, location="media/acme"), content, threads=1)
        for work in ("zip", "read", "zip", "read"):
            yield {"work": work, **_large(place, work=work)}


if __name__ == "__main__":
    given = argparse.ArgumentParser(prog="benchmarks.folder_runs")
    given.add_argument("--quick", action="store_true", help="fewer files")
    given.add_argument("--move", type=int, metavar="FILES", help="only a move of this many files")
    given.add_argument("--zip", type=int, metavar="MIB", help="only a ZIP of this size")
    chosen = given.parse_args()
    if chosen.move or chosen.zip:
        for line in move_many(chosen.move) if chosen.move else zip_large(chosen.zip):
            print(json.dumps(line), flush=True)
    else:
        print(" | ".join(HEAD))
        for row in measure(runs=1, quick=chosen.quick, python=sys.executable):
            print(" | ".join(row.cells))
