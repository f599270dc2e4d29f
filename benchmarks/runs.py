"""Runs the cases: a server, proxies in front of it, and a new process for each measurement."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import environment
from benchmarks.cases import LARGE_NAME
from benchmarks.jobs import Job, Measured
from benchmarks.measures import COUNTED, DELAYS, MEASURES, OFFLINE, Measure
from benchmarks.peers import BUCKET, MEASURED_AGAINST, OURS, PEERS
from s3store.testing.servers import Server, rclone_server
from tests.faults.proxy import FaultProxy

LARGE_SIZE = 128 * 1024**2
_PATIENCE = 300.0  # seconds for each process


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table: a measure, the delay of a round trip in ms, and the results of each peer."""

    measure: Measure
    delay: int
    values: dict[str, float | None]
    ratio: float | None

    @property
    def held(self) -> bool | None:
        return self.measure.held(self.values[OURS], self.ratio)


def measure(cases: Iterable[str], *, runs: int, seconds: float) -> Iterator[Row]:
    """Run the cases and yield their rows. Each process repeats short actions for `seconds`."""
    # rclone is in the directory of the environment's Python, which can differ from the current one.
    os.environ["PATH"] = os.pathsep.join([str(environment.SCRIPTS), os.environ.get("PATH", "")])
    with rclone_server() as server, tempfile.TemporaryDirectory(prefix="s3store-benchmarks-") as directory:
        large = Path(directory, "large.bin")
        large.write_bytes(os.urandom(LARGE_SIZE))
        place = {
            "endpoint_url": server.endpoint_url,
            "access_key": server.access_key,
            "secret_key": server.secret_key,
            "region_name": server.region_name,
        }
        job = Job(case="prepare", peer_name=OURS, place=place, large_file=str(large), seconds=seconds)
        _run(job)
        for case in cases:
            for delay in DELAYS[:1] if case in OFFLINE else DELAYS:
                found = _interleaved(dataclasses.replace(job, case=case), server, delay, runs)
                yield from (_row(each, delay, found) for each in MEASURES if each.case == case)


def _interleaved(job: Job, server: Server, delay: int, runs: int) -> dict[str, list[Measured]]:
    """Run a case with all peers in turn, so that other load on the machine affects all of them."""
    found: dict[str, list[Measured]] = {name: [] for name in PEERS}
    for number in range(runs):
        print(f"benchmarks: {job.case}, {delay} ms, run {number + 1} of {runs}", file=sys.stderr, flush=True)
        for name in PEERS:
            with _proxied(server, delay, counted=job.case in COUNTED) as proxy:
                place = {**job.place, "endpoint_url": proxy.url if proxy else server.endpoint_url}
                measured = _run(dataclasses.replace(job, peer_name=name, place=place))
            if proxy:  # after the process has ended, so that all exchanges are complete
                exchanges = proxy.requests(target=f"^/{BUCKET}/{LARGE_NAME}")
                measured["received"] = sum(exchange.response_bytes_sent_to_client for exchange in exchanges)
            found[name].append(measured)
    return found


@contextmanager
def _proxied(server: Server, delay: int, *, counted: bool) -> Iterator[FaultProxy | None]:
    if not (delay or counted):
        yield None
        return
    with FaultProxy(server.endpoint_url, delay=delay / 2000) as proxy:
        yield proxy


def _run(job: Job) -> Measured:
    """Run one case in a new process."""
    process = subprocess.run(
        [environment.PYTHON, "-m", "benchmarks.cases"],
        input=json.dumps(dataclasses.asdict(job)),
        cwd=environment.ROOT,
        env=environment.variables(),
        stdout=subprocess.PIPE,
        text=True,
        timeout=_PATIENCE,
        check=False,
    )
    if process.returncode:
        raise RuntimeError(f"{job.case} with {job.peer_name} failed. Its output is above.")
    measured: Measured = json.loads(process.stdout)
    return measured


def _row(each: Measure, delay: int, found: dict[str, list[Measured]]) -> Row:
    numbers = {name: [run.get(each.number) for run in runs] for name, runs in found.items()}
    # Only consecutive runs are compared, because the speed of the machine changes over time.
    pairs = zip(numbers[OURS], numbers[MEASURED_AGAINST], strict=True)
    return Row(
        measure=each,
        delay=delay,
        values={name: _reduced(each, values) for name, values in numbers.items()},
        ratio=_reduced(each, (a / b if a is not None and b else None for a, b in pairs)),
    )


def _reduced(each: Measure, values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return each.reduce(known) if known else None
