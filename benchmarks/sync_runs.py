"""Measures `s3 sync` against `s5cmd sync`: new processes, and a proxy with a round trip of 20 ms before rclone.

Alone, with the environment of the benchmarks: python -m benchmarks.sync_runs
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks import environment
from benchmarks.measures import SECONDS
from benchmarks.static_files import make_tree
from benchmarks.upload_runs import HEAD, UploadMeasure, UploadRow
from s3store.storage import S3Storage
from s3store.testing.servers import Server, rclone_server
from tests.faults.proxy import FaultProxy

SYNC_CASES = ("sync",)
FILES, FILES_QUICK = 10_000, 200
LARGE, LARGE_QUICK = 1024**3, 16 * 1024**2
DELAY = 20

SYNC_MEASURES = tuple(
    UploadMeasure(case="sync", title=title, number=number, unit=SECONDS, against="s5cmd", most_ratio=ratio)
    for title, number, ratio in (
        ("10,000 files, all new: whole process", "new", 1.3),
        ("10,000 files, nothing changed: whole process", "unchanged", 1.3),
        ("10,000 files, nothing changed: work alone", "unchanged_work", None),
        ("1 GiB up: whole process", "up", 1 / 0.9),
        ("1 GiB down: whole process", "down", 1 / 0.9),
    )
)


def measure(*, runs: int, quick: bool) -> Iterator[UploadRow]:
    """Run both tools in turn, and yield the rows."""
    count, size = (FILES_QUICK, LARGE_QUICK) if quick else (FILES, LARGE)
    found: list[dict[str, tuple[float, float]]] = []
    with tempfile.TemporaryDirectory(prefix="s3store-benchmarks-") as temporary:
        directory = Path(temporary)
        make_tree(directory / "files", count)
        (directory / "large").mkdir()
        with (directory / "large" / "file").open("wb") as file:
            for number in range(size // 1024**2):
                file.write(number.to_bytes(4, "big") * (1024**2 // 4))
        for number in range(runs):
            print(f"benchmarks: sync, run {number + 1} of {runs}", file=sys.stderr, flush=True)
            found.append(_run(directory, number))
    for each in SYNC_MEASURES:
        ours, theirs = zip(*(run[each.number] for run in found), strict=True)
        ratio = statistics.median(one / other for one, other in zip(ours, theirs, strict=True))
        values = {"ours": statistics.median(ours), "other": statistics.median(theirs)}
        yield UploadRow(measure=each, values=values, ratio=ratio, delay=DELAY)


def _run(directory: Path, number: int) -> dict[str, tuple[float, float]]:
    with rclone_server() as server, FaultProxy(server.endpoint_url, delay=DELAY / 2000) as proxy:
        for bucket in ("ours", "theirs"):
            _storage(server, bucket).client.create_bucket(Bucket=bucket)
        pairs = {}
        files, large, down = directory / "files", directory / "large", directory / f"down-{number}"
        for name, source, path in (
            ("new", files, "files"),
            ("unchanged", files, "files"),
            ("up", large, "large"),
        ):
            ours, work = _ours(directory, server, proxy.url, [str(source), f"default:{path}"])
            theirs = _theirs(server, proxy.url, [f"{source}/", f"s3://theirs/{path}/"])
            pairs[name] = (ours, theirs)
            pairs[f"{name}_work"] = (work, theirs)
        ours, _ = _ours(directory, server, proxy.url, ["default:large", str(down)])
        down.with_name("theirs").mkdir(exist_ok=True)
        (down.with_name("theirs") / "file").unlink(missing_ok=True)
        theirs = _theirs(server, proxy.url, ["s3://theirs/large/*", f"{down.with_name('theirs')}/"])
        pairs["down"] = (ours, theirs)
        (down / "file").unlink()
    return pairs


def _storage(server: Server, bucket: str) -> S3Storage:
    return S3Storage(bucket_name=bucket, **_place(server, server.endpoint_url))


def _place(server: Server, url: str) -> dict[str, str]:
    return {
        "endpoint_url": url,
        "access_key": server.access_key,
        "secret_key": server.secret_key,
        "region_name": server.region_name,
    }


def _ours(directory: Path, server: Server, url: str, places: list[str]) -> tuple[float, float]:
    """Return the seconds of the process, and those since django.setup()."""
    site, told = directory / "site.json", directory / "told.json"
    options = {"bucket_name": "ours", **_place(server, url)}
    settings = {
        "INSTALLED_APPS": ["s3store"],
        "STORAGES": {"default": {"BACKEND": "s3store.storage.S3Storage", "OPTIONS": options}},
    }
    site.write_text(json.dumps({"settings": settings, "told": str(told)}))
    command = [str(environment.PYTHON), "-m", "benchmarks.static_site", str(site), "s3", "sync", *places]
    return environment.timed(command, environment.variables())[0], json.loads(told.read_text())["work"]


def _theirs(server: Server, url: str, places: list[str]) -> float:
    keys = {
        "AWS_ACCESS_KEY_ID": server.access_key,
        "AWS_SECRET_ACCESS_KEY": server.secret_key,
        "AWS_REGION": server.region_name,
    }
    command = [str(environment.s5cmd()), "--endpoint-url", url, "sync", *places]
    return environment.timed(command, environment.variables() | keys)[0]


if __name__ == "__main__":
    environment.set_up()
    print(" | ".join(HEAD))
    for row in measure(runs=1, quick="--quick" in sys.argv):
        print(" | ".join(row.cells))
