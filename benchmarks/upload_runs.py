"""Measures direct uploads from Chromium: a site in a process of its own, a proxy, and SeaweedFS behind it."""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import environment
from benchmarks.measures import COUNT, KIB, MIB, SECONDS, Unit
from benchmarks.peers import BUCKET
from s3store.testing.servers import Server, seaweedfs_server
from tests.faults.proxy import FaultProxy

UPLOAD_CASES = ("uploads",)
DELAY = 20
LARGE = 256 * 1024**2
WARM = 33 * 1024**2
SMALL = 1024**2
FILES = 10
LINK = 12_500_000
FAST_LINK = 31_250_000
_PATIENCE = 300_000

# The time from the first file that starts to the last that is stored, in milliseconds.
_WATCH = """
  window.times = {start: null, end: null, stored: 0};
  addEventListener("s3store:start", () => { times.start ??= performance.now(); }, true);
  addEventListener("s3store:success", () => { times.end = performance.now(); times.stored += 1; }, true);
"""
# The lower bound for a large file in Chromium: its parts in bare requests, five at once, to URLs signed before.
_BARE_PARTS = """async () => {
  const root = document.querySelector("[data-s3store-upload]");
  const token = document.querySelector("[name=csrfmiddlewaretoken]").value;
  const [file] = document.querySelector("#bare").files;
  const {parts, part_size: step} = await fetch("/s3store/begin/", {
    method: "POST",
    headers: {"Content-Type": "application/json", "X-CSRFToken": token},
    body: JSON.stringify({destination: root.dataset.destination, name: "bare.bin", size: file.size}),
  }).then((answer) => answer.json());
  const send = ({number, url}) => new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.onload = () => (request.status < 300 ? resolve() : reject(new Error(request.status)));
    request.onerror = reject;
    request.open("PUT", url);
    request.send(file.slice((number - 1) * step, number * step));
  });
  const started = performance.now();
  const work = async () => {
    while (parts.length) await send(parts.shift());
  };
  await Promise.all(Array.from({length: 5}, work));
  return (performance.now() - started) / 1000;
}"""
# The lower bound for ten files: the same bytes in bare requests, all at once, to forms that were signed before.
_BARE = """async (count) => {
  const root = document.querySelector("[data-s3store-upload]");
  const token = document.querySelector("[name=csrfmiddlewaretoken]").value;
  const content = new Uint8Array(1024 * 1024);
  const begin = (number) => fetch("/s3store/begin/", {
    method: "POST",
    headers: {"Content-Type": "application/json", "X-CSRFToken": token},
    body: JSON.stringify({destination: root.dataset.destination, name: `${number}.bin`, size: content.length}),
  }).then((answer) => answer.json());
  const forms = await Promise.all([...Array(count).keys()].map(begin));
  const started = performance.now();
  await Promise.all(forms.map(async ({url, fields}) => {
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) form.append(name, value);
    form.append("file", new Blob([content]));
    const answer = await fetch(url, {method: "POST", body: form});
    if (!answer.ok) throw new Error(answer.status);
  }));
  return (performance.now() - started) / 1000;
}"""


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadMeasure:
    """One number. Bars are maximum values: relative to the other program, and absolute."""

    title: str
    number: str
    unit: Unit
    against: str = ""
    most_ratio: float | None = None
    most: float | None = None
    case: str = "uploads"

    @property
    def bar(self) -> str:
        """The bar as text."""
        if self.most_ratio is not None:
            return f"<= {self.most_ratio:.3g}x"
        return "" if self.most is None else f"<= {self.unit.show(self.most)}"


UPLOAD_MEASURES = (
    UploadMeasure(
        title="256 MiB at 250 Mbit/s", number="linked", unit=SECONDS, against="s5cmd at 250 Mbit/s", most_ratio=1 / 0.8
    ),
    UploadMeasure(title="256 MiB, no limit", number="large", unit=SECONDS, against="bare parts", most_ratio=1 / 0.8),
    UploadMeasure(title="256 MiB, no limit", number="large", unit=SECONDS, against="s5cmd"),
    UploadMeasure(title="256 MiB: requests to Django", number="large_requests", unit=COUNT, most=3),
    UploadMeasure(title="256 MiB: bytes sent to Django", number="large_bytes", unit=KIB, most=64 * 1024),
    UploadMeasure(title="256 MiB: memory of Django", number="large_memory", unit=MIB, most=8 * 1024**2),
    UploadMeasure(
        title="10 files of 1 MiB at 100 Mbit/s", number="small", unit=SECONDS, against="bare", most_ratio=1.3
    ),
    UploadMeasure(title="10 files of 1 MiB: requests to Django", number="small_requests", unit=COUNT, most=FILES),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadRow:
    """One line of the table: a measure, our number, and the other's."""

    measure: UploadMeasure
    values: dict[str, float | None]
    ratio: float | None
    delay: int = DELAY

    @property
    def held(self) -> bool | None:
        """Whether the bar is kept: None if there is none, or no number."""
        each = self.measure
        value, most = (self.ratio, each.most_ratio) if each.most_ratio is not None else (self.values["ours"], each.most)
        return None if most is None or value is None else value <= most

    @property
    def cells(self) -> tuple[str, ...]:
        """The cells of the table."""
        each = self.measure
        other = each.unit.show(self.values["other"]) + (f" ({each.against})" if each.against else "")
        ratio = "-" if self.ratio is None else f"{self.ratio:.2f}x"
        held = {None: "", True: "yes", False: "NO"}[self.held]
        return (each.title, f"{self.delay} ms", each.unit.show(self.values["ours"]), other, ratio, each.bar, held)


HEAD = ("case", "delay", "s3store", "other", "ratio", "bar", "held")


def measure(*, runs: int, quick: bool) -> Iterator[UploadRow]:
    """Run the uploads and yield their rows."""
    large = LARGE // 8 if quick else LARGE
    found: list[dict[str, float | None]] = []
    with tempfile.TemporaryDirectory(prefix="s3store-benchmarks-") as directory:
        path = Path(directory, "large.bin")
        path.write_bytes(os.urandom(1024**2) * (large // 1024**2))
        small = [Path(directory, f"{number}.bin") for number in range(FILES)]
        for each in small:
            each.write_bytes(os.urandom(SMALL))
        with (
            seaweedfs_server(Path(directory, "s3")) as server,
            FaultProxy(server.endpoint_url, delay=DELAY / 2000) as proxy,
            _site(server, proxy) as site,
            _chromium() as chromium,
        ):
            _warm_up(chromium, site, path.with_name("warm.bin"))
            for number in range(runs):
                print(f"benchmarks: uploads, run {number + 1} of {runs}", file=sys.stderr, flush=True)
                found.append(_once(chromium, site, proxy, server, path, small))
    yield from (_row(each, found) for each in UPLOAD_MEASURES)


def _warm_up(chromium: Any, site: str, path: Path) -> None:
    """Upload a file in parts, which is not counted: the site imports boto3 and connects."""
    path.write_bytes(bytes(WARM))
    page = chromium.new_page()
    page.add_init_script(_WATCH)
    try:
        page.goto(site)
        _upload(page, [path])
    finally:
        page.close()


def _once(
    chromium: Any, site: str, proxy: FaultProxy, server: Server, large: Path, small: Sequence[Path]
) -> dict[str, float | None]:
    found: dict[str, float | None] = {"s5cmd": _s5cmd(server, proxy, large)}
    proxy.bandwidth = FAST_LINK
    found["s5cmd at 250 Mbit/s"] = _s5cmd(server, proxy, large)
    page = chromium.new_page()
    page.set_default_timeout(_PATIENCE)
    page.add_init_script(_WATCH)
    try:
        page.goto(site)
        found["linked"] = _upload(page, [large])
        proxy.bandwidth = None
        found["bare parts"] = _bare_parts(page, site, large)
        page.goto(site)
        before = _state(site)
        found["large"] = _upload(page, [large])
        after = _state(site)
        found["large_requests"] = after["requests"] - before["requests"]
        found["large_bytes"] = after["bytes"] - before["bytes"]
        found["large_memory"] = after["memory"] - before["memory"] if before["memory"] else None
        page.goto(site)
        _limit(page, LINK)
        found["bare"] = page.evaluate(_BARE, FILES)
        page.goto(site)
        before = _state(site)
        found["small"] = _upload(page, small)
        found["small_requests"] = _state(site)["requests"] - before["requests"]
    finally:
        page.close()
    return found


def _bare_parts(page: Any, site: str, large: Path) -> float:
    page.goto(site)
    page.evaluate("document.body.append(Object.assign(document.createElement('input'), {type: 'file', id: 'bare'}))")
    page.set_input_files("#bare", large)
    seconds: float = page.evaluate(_BARE_PARTS)
    return seconds


def _limit(page: Any, bytes_per_second: int) -> None:
    """Limit what the page sends, so that the link decides how long ten files take and not the processors."""
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    limits = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": bytes_per_second}
    session.send("Network.emulateNetworkConditions", limits)


def _upload(page: Any, paths: Sequence[Path]) -> float:
    """Choose files, and return the seconds from the first start to the last that is stored."""
    page.locator(".s3store-ready").wait_for()
    page.locator("input[type=file]").set_input_files(paths)
    page.wait_for_function("count => times.stored === count", arg=len(paths))
    seconds: float = page.evaluate("(times.end - times.start) / 1000")
    return seconds


def _s5cmd(server: Server, proxy: FaultProxy, path: Path) -> float:
    """Return the seconds that s5cmd takes for the same file on the same link."""
    keys = {"AWS_ACCESS_KEY_ID": server.access_key, "AWS_SECRET_ACCESS_KEY": server.secret_key}
    command = [
        str(environment.s5cmd()),
        "--endpoint-url",
        proxy.url,
        "cp",
        "-c",
        "5",
        str(path),
        f"s3://{BUCKET}/s5cmd",
    ]
    started = time.perf_counter()
    variables = {**environment.variables(), **keys, "AWS_REGION": server.region_name}
    subprocess.run(command, env=variables, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - started


@contextlib.contextmanager
def _site(server: Server, proxy: FaultProxy) -> Iterator[str]:
    """Run the site in a process of its own, and yield its URL."""
    from s3store.storage import S3Storage

    place = {
        "bucket_name": BUCKET,
        "endpoint_url": proxy.url,
        "access_key": server.access_key,
        "secret_key": server.secret_key,
        "region_name": server.region_name,
        "addressing_style": "path",
    }
    client = S3Storage(**{**place, "endpoint_url": server.endpoint_url}).client
    client.create_bucket(Bucket=BUCKET)
    rule = {"AllowedMethods": ["PUT", "POST"], "AllowedOrigins": ["*"], "AllowedHeaders": ["content-type"]}
    client.put_bucket_cors(Bucket=BUCKET, CORSConfiguration={"CORSRules": [{**rule, "MaxAgeSeconds": 7200}]})
    with subprocess.Popen(
        [environment.PYTHON, "-m", "benchmarks.upload_site"],
        cwd=environment.ROOT,
        env=environment.variables(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps(place))
            process.stdin.close()
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def _state(site: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"{site}/state/") as answer:
        found: dict[str, Any] = json.load(answer)
    return found


@contextlib.contextmanager
def _chromium() -> Iterator[Any]:
    from tests.browser.running import browser

    with browser() as chromium:
        yield chromium


def _row(each: UploadMeasure, found: Sequence[dict[str, float | None]]) -> UploadRow:
    ours = [run[each.number] for run in found]
    others = [run[each.against] if each.against else None for run in found]
    ratios = [a / b for a, b in zip(ours, others, strict=True) if a is not None and b]
    reduce: Callable[[Any], float] = statistics.median if each.unit is SECONDS else max
    return UploadRow(
        measure=each,
        values={"ours": _reduced(reduce, ours), "other": _reduced(reduce, others)},
        ratio=_reduced(reduce, ratios),
    )


def _reduced(reduce: Callable[[Any], float], values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return reduce(known) if known else None
