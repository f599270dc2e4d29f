"""How fast the portal's pages appear: ``python -m tests.browser.figures``.

Each page is loaded with an empty cache: at 390 px with a processor that is four times slower and the network that
Lighthouse calls "slow 4G", and at 1440 px without limits. The medians of some runs are printed. The score is that of
Lighthouse 12 without its Speed Index, whose weight goes to the other metrics.
"""

import argparse
import math
import statistics
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.browser.running import Demo, browser, log_in
from tests.browser.screenshots import COMPANY, FILE, FILES, WIDTHS, make_links

PAGES = {
    "login": "login/",
    "companies": "",
    "list of 100": f"{FILES}Meters/Inverter log/",
    "grid": f"{FILES}2026/Photos/?view=grid",
    "picture": f"{FILE}2026/Photos/roof-hof-10.jpg",
    "shared": f"{COMPANY}shared/",
    "activity": f"{COMPANY}activity/",
    "members": f"{COMPANY}members/",
    "usage": f"{COMPANY}usage/",
    "settings": f"{COMPANY}settings/",
    "recipient": "link:picture",
}
SLOW_4G = {
    "offline": False,
    "latency": 150,
    "downloadThroughput": 1_600_000 / 8,
    "uploadThroughput": 750_000 / 8,
}
SLOWER = 4
WEIGHTS = {"fcp": 10, "lcp": 25, "tbt": 30, "cls": 25}
# Value with the score 0.9, and with the score 0.5.
CURVES = {
    390: {"fcp": (1800, 3000), "lcp": (2500, 4000), "tbt": (200, 600), "cls": (0.1, 0.25)},
    1440: {"fcp": (934, 1600), "lcp": (1200, 2400), "tbt": (150, 350), "cls": (0.1, 0.25)},
}
QUIET = 1000
"""Milliseconds without a request after which a page is complete."""
WATCH = """() => {
    window.seen = {lcp: 0, cls: 0, tasks: []};
    const watch = (type, each) => new PerformanceObserver((list) => list.getEntries().forEach(each))
        .observe({type, buffered: true});
    watch("largest-contentful-paint", (entry) => (seen.lcp = entry.startTime));
    watch("layout-shift", (entry) => (seen.cls += entry.hadRecentInput ? 0 : entry.value));
    watch("longtask", (entry) => seen.tasks.push([entry.startTime, entry.duration]));
}"""
READ = """() => {
    const fcp = performance.getEntriesByName("first-contentful-paint")[0].startTime;
    const late = seen.tasks.map(([start, duration]) => start + duration - Math.max(start, fcp) - 50);
    const tbt = late.reduce((sum, excess) => sum + Math.max(0, excess), 0);
    return {fcp, lcp: seen.lcp, tbt, cls: seen.cls};
}"""


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What a page cost. Times in milliseconds."""

    fcp: float
    lcp: float
    tbt: float
    cls: float
    sent: int
    requests: int


def score(value: float, good: float, median: float) -> float:
    """Return a score from 0 to 1: 0.9 at *good*, 0.5 at *median*, on a log-normal curve."""
    if value <= 0:
        return 1.0
    return (1 - math.erf(0.9061938024368232 * math.log(value / median) / math.log(median / good))) / 2


def performance(figures: Figures, width: int) -> int:
    """Return the weighted score of a page, from 0 to 100."""
    scores = {name: score(getattr(figures, name), *CURVES[width][name]) for name in WEIGHTS}
    return round(100 * sum(WEIGHTS[name] * scores[name] for name in WEIGHTS) / sum(WEIGHTS.values()))


def load(chromium: Any, url: str, width: int, cookies: list[Any]) -> Figures:
    """Load a page in a new session, and return what it cost."""
    context = chromium.new_context(viewport={"width": width, "height": WIDTHS[width]})
    context.add_cookies(cookies)
    page = context.new_page()
    page.add_init_script(f"({WATCH})()")
    network = context.new_cdp_session(page)
    received: list[float] = []
    network.on("Network.loadingFinished", lambda event: received.append(event["encodedDataLength"]))
    network.send("Network.enable")
    if width == min(WIDTHS):
        network.send("Network.emulateNetworkConditions", SLOW_4G)
        network.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    try:
        page.goto(url, wait_until="load")
        page.wait_for_load_state("networkidle")
        page.wait_for_timeout(QUIET)
        return Figures(**page.evaluate(READ), sent=int(sum(received)), requests=len(received))
    finally:
        context.close()


def main() -> None:
    """Start a demo of its own, and print a table."""
    parser = argparse.ArgumentParser(description="Measure how fast the portal's pages appear.")
    parser.add_argument("--runs", type=int, default=3, help="how often each page is loaded (default: 3)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="s3store-demo-") as data:
        demo = Demo(Path(data), sample=())
        try:
            with browser() as chromium:
                measure(demo, chromium, options.runs)
        finally:
            demo.kill()


def measure(demo: Demo, chromium: Any, runs: int) -> None:
    """Print the medians of each page."""
    links = make_links(demo, chromium)
    page = chromium.new_page()
    log_in(page, demo, "staff")
    cookies = page.context.cookies()
    page.context.close()
    names = list(Figures.__dataclass_fields__)
    print("page         width score    FCP    LCP   TBT    CLS     KB requests")
    for width in WIDTHS:
        for name, path in PAGES.items():
            place, _, link = path.partition("link:")
            url = links[link] if link else demo.url + place
            known = [] if link or name == "login" else cookies
            all_of = [load(chromium, url, width, known) for _ in range(runs)]
            found = Figures(**{each: statistics.median(getattr(one, each) for one in all_of) for each in names})
            print(
                f"{name:12} {width:5} {performance(found, width):5} {found.fcp:6.0f} {found.lcp:6.0f} {found.tbt:5.0f} "
                f"{found.cls:6.3f} {found.sent / 1000:6.1f} {found.requests:8}",
                flush=True,
            )


if __name__ == "__main__":
    main()
