"""Runs the publishing of static files: a new bucket, a proxy and a new process for each run."""

from __future__ import annotations

import http.client
import json
import os
import sys
import tempfile
import time
import urllib.parse
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks import environment
from benchmarks.jobs import Measured
from benchmarks.peers import OURS, Place
from benchmarks.static_files import make_tree
from benchmarks.static_measures import DELAY, STATIC_MEASURES, StaticMeasure
from benchmarks.static_peers import COLLECTFASTA, LOCATION, S5CMD, STATIC_PEERS, StaticPeer
from s3store.core import sigv4
from s3store.testing.servers import Server, rclone_server, seaweedfs_server
from tests.faults.proxy import FaultProxy

_FILES, _FILES_QUICK = 1000, 20
_SIZES, _SIZES_QUICK = (1000, 5000, 20_000), (20, 40, 80)
_LEAST = 10

_FAST = (OURS, S5CMD, COLLECTFASTA)


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticRow:
    """One line of the table: a measure, the results of each peer, and ours relative to peers with a bar."""

    measure: StaticMeasure
    values: dict[str, float | None]
    ratios: dict[str, float | None]
    delay: int = DELAY

    @property
    def held(self) -> bool | None:
        """Return whether all bars are kept, or None if there is none."""
        bars = [(self.ratios[peer], most) for peer, most in self.measure.ratios.items()]
        if self.measure.most is not None:
            bars.append((self.values[OURS], self.measure.most))
        known = [(value, most) for value, most in bars if value is not None]
        return all(value <= most for value, most in known) if known else None


def measure(cases: Iterable[str], *, runs: int, quick: bool) -> Iterator[StaticRow]:
    """Run the cases and yield their rows."""
    os.environ["PATH"] = os.pathsep.join([str(environment.SCRIPTS), os.environ.get("PATH", "")])
    for case in cases:
        with ExitStack() as stack:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="s3store-benchmarks-")))
            server = stack.enter_context(
                seaweedfs_server(directory / "server") if case == "static_seaweedfs" else rclone_server()
            )
            scene = Scene(server, directory)
            if case == "static_growth":
                found = {OURS: [scene.growth(_SIZES_QUICK if quick else _SIZES)]}
            else:
                names = _FAST if case == "static_seaweedfs" else tuple(STATIC_PEERS)
                found = scene.compared(names, _FILES_QUICK if quick else _FILES, runs, manifest=case == "static")
            yield from (_row(each, found) for each in STATIC_MEASURES if each.case == case)


class Scene:
    """A server, and a directory for the files and the results of runs."""

    def __init__(self, server: Server, directory: Path) -> None:
        self._server = server
        self._directory = directory
        self._buckets = 0

    def compared(self, names: Iterable[str], count: int, runs: int, *, manifest: bool) -> dict[str, list[Measured]]:
        """Publish `count` files with all peers in turn, and again without changes."""
        tree, few = self._tree(count), self._tree(_LEAST)
        found: dict[str, list[Measured]] = {name: [] for name in names}
        for name in found:
            # Not counted: it compiles the modules and reads the binaries.
            self._published(STATIC_PEERS[name], few, self._bucket(), _LEAST, manifest=False)
        for number in range(runs):
            for name in found:
                peer = STATIC_PEERS[name]
                if peer.slow and number:
                    continue
                _say(f"static files, {name} to {self._server.name}, run {number + 1} of {1 if peer.slow else runs}")
                measured = self._twice(peer, tree, count, "", manifest=False)
                if manifest and peer.publishes(manifest=True):
                    measured |= self._twice(peer, tree, count, "manifest_", manifest=True)
                    measured["by_plain"] = measured["manifest_new"] / measured["new"]
                found[name].append(measured)
        return found

    def growth(self, sizes: tuple[int, int, int]) -> Measured:
        """Publish increasing numbers of files with s3store."""
        peer = STATIC_PEERS[OURS]
        trees = {count: self._tree(count) for count in (_LEAST, *sizes)}
        found: Measured = {}
        for prefix, manifest in (("", False), ("manifest_", True)):
            told = {}
            for count, tree in trees.items():
                _say(f"static files, growth, {prefix}{count}")
                told[count] = self._published(peer, tree, self._bucket(), count, manifest=manifest)
            each = [told[count]["work"] / count for count in sizes]
            found |= dict(zip((f"{prefix}first", f"{prefix}second", f"{prefix}third"), each, strict=True))
            found[f"{prefix}growth"] = max(each[1:]) / each[0]
            if "memory" in told[_LEAST]:
                found[f"{prefix}memory"] = told[sizes[-1]]["memory"] - told[_LEAST]["memory"]
        return found

    def _twice(self, peer: StaticPeer, tree: Path, count: int, prefix: str, *, manifest: bool) -> Measured:
        bucket = self._bucket()
        new = self._published(peer, tree, bucket, count, manifest=manifest)
        unchanged = self._published(peer, tree, bucket, 0, manifest=manifest)
        return {
            f"{prefix}{key}{suffix}": told[number]
            for key, told in (("new", new), ("unchanged", unchanged))
            for suffix, number in (("", "process"), ("_work", "work"), ("_requests", "requests"))
        }

    def _published(self, peer: StaticPeer, tree: Path, bucket: str, count: int, *, manifest: bool) -> Measured:
        """Publish a directory, and check that at least `count` files arrive."""
        server = self._server
        with FaultProxy(server.endpoint_url, delay=DELAY / 2000) as proxy:
            place = {
                "endpoint_url": proxy.url,
                "access_key": server.access_key,
                "secret_key": server.secret_key,
                "region_name": server.region_name,
            }
            told = self._run(peer, tree, bucket, place, manifest=manifest)
        arrived = {each.target.partition("?")[0] for each in proxy.requests("PUT") if each.status == 200}
        if len(arrived) < count:
            raise RuntimeError(f"{peer.name} sent {len(arrived)} of {count} files.")
        return {**told, "requests": len(proxy.requests())}

    def _run(self, peer: StaticPeer, tree: Path, bucket: str, place: Place, *, manifest: bool) -> Measured:
        site, told = self._directory / "site.json", self._directory / "told.json"
        told.unlink(missing_ok=True)
        variables = environment.variables()
        if peer.is_django:
            settings = peer.settings(place, bucket, str(tree), manifest=manifest)
            site.write_text(json.dumps({"settings": settings, "told": str(told)}))
            command = [str(environment.PYTHON), "-m", "benchmarks.static_site", str(site), "collectstatic", "--noinput"]
        else:
            variables |= {
                "AWS_ACCESS_KEY_ID": place["access_key"],
                "AWS_SECRET_ACCESS_KEY": place["secret_key"],
                "AWS_REGION": place["region_name"],
            }
            target = f"s3://{bucket}/{LOCATION}/"
            command = [str(environment.s5cmd()), "--endpoint-url", place["endpoint_url"], "sync", f"{tree}/", target]
        seconds, _ = environment.timed(command, variables)
        # The whole process of a binary is the work.
        return {"process": seconds, "work": seconds, **(json.loads(told.read_text()) if peer.is_django else {})}

    def _tree(self, count: int) -> Path:
        tree = self._directory / f"files-{count}"
        make_tree(tree, count)
        return tree

    def _bucket(self) -> str:
        """Create a bucket, without the proxy."""
        self._buckets += 1
        name = f"static-{self._buckets}"
        server = self._server
        host = urllib.parse.urlsplit(server.endpoint_url).netloc
        signer = sigv4.Credentials(access_key=server.access_key, secret_key=server.secret_key)
        query = sigv4.presign(
            "PUT",
            host,
            f"/{name}",
            credentials=signer,
            region=server.region_name,
            stamp=int(time.time()),
            expires=60,
        )
        connection = http.client.HTTPConnection(host, timeout=30)
        try:
            connection.request("PUT", f"/{name}?{query}")
            answer = connection.getresponse()
            if answer.status != 200:
                raise RuntimeError(f"The bucket {name} could not be created: {answer.status} {answer.read()!r}")
        finally:
            connection.close()
        return name


def _say(what: str) -> None:
    print(f"benchmarks: {what}", file=sys.stderr, flush=True)


def _row(each: StaticMeasure, found: dict[str, list[Measured]]) -> StaticRow:
    numbers = {name: [run.get(each.number) for run in runs] for name, runs in found.items()}

    def ratio(peer: str) -> float | None:
        # Only consecutive runs are compared. A single run is compared with our first run.
        pairs = zip(numbers[OURS], numbers.get(peer, ()), strict=False)
        return _reduced(each, (ours / theirs for ours, theirs in pairs if ours is not None and theirs))

    return StaticRow(
        measure=each,
        values={name: _reduced(each, numbers.get(name, ())) for name in STATIC_PEERS},
        ratios={peer: ratio(peer) for peer in each.ratios},
    )


def _reduced(each: StaticMeasure, values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return each.reduce(known) if known else None
