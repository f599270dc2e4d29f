"""The lines of the table: the measured value of a case, its unit and its bar."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable
from dataclasses import dataclass

DELAYS = (0, 20)
"""The delays of a round trip in milliseconds: none (rclone on the loopback), and one of a proxy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """The unit of a number, and how it is displayed."""

    name: str
    scale: float
    digits: int

    def show(self, value: float | None) -> str:
        return "-" if value is None else f"{value * self.scale:.{self.digits}f} {self.name}".rstrip()


MICROSECONDS = Unit(name="µs", scale=1_000_000, digits=2)
MILLISECONDS = Unit(name="ms", scale=1000, digits=2)
SECONDS = Unit(name="s", scale=1, digits=2)
KIB = Unit(name="KiB", scale=1 / 1024, digits=0)
MIB = Unit(name="MiB", scale=1 / 1024**2, digits=1)
COUNT = Unit(name="", scale=1, digits=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One number of a case. Bars are maximum values: relative to django-storages, and absolute."""

    case: str
    title: str
    number: str = "seconds"
    unit: Unit = MILLISECONDS
    most_ratio: float | None = None
    most: float | None = None

    @property
    def reduce(self) -> Callable[[Iterable[float]], float]:
        """Combines several runs into one number: the median of times, and the maximum of bytes."""
        return max if self.number in ("received", "memory") else statistics.median

    @property
    def bar(self) -> str:
        bars = [] if self.most_ratio is None else [f"{self.most_ratio:.3g}x"]
        if self.most is not None:
            bars.append(self.unit.show(self.most))
        return f"<= {', '.join(bars)}" if bars else ""

    def held(self, ours: float | None, ratio: float | None) -> bool | None:
        """Return whether all bars are kept, or None if there is no bar or no value."""
        bars = [(value, most) for value, most in ((ratio, self.most_ratio), (ours, self.most)) if most is not None]
        if not bars or any(value is None for value, _ in bars):
            return None
        return all(value is not None and value <= most for value, most in bars)


MEASURES = (
    Measure(case="save_overwriting", title="save 1 KiB, may overwrite", most_ratio=0.6),
    Measure(case="save", title="save 1 KiB, must not overwrite", most_ratio=0.6),
    Measure(case="read", title="open and read 1 KiB", most_ratio=0.4),
    Measure(case="write", title='open("wb") and write 1 KiB'),
    Measure(case="tail", title="last 64 KiB of 128 MiB: received", number="received", unit=KIB, most_ratio=0.01),
    Measure(case="tail", title="last 64 KiB of 128 MiB: time"),
    Measure(case="save_large", title="save 128 MiB: time", unit=SECONDS, most_ratio=1.0),
    Measure(case="save_large", title="save 128 MiB: peak memory", number="memory", unit=MIB, most=64 * 1024**2),
    Measure(case="read_large", title="chunks() of 128 MiB: time", unit=SECONDS, most_ratio=1.0),
    Measure(case="read_large", title="chunks() of 128 MiB: peak memory", number="memory", unit=MIB, most=64 * 1024**2),
    Measure(case="threads", title="first use by 32 threads: time", unit=SECONDS, most_ratio=0.1),
    Measure(case="threads", title="first use by 32 threads: memory", number="memory", unit=MIB, most_ratio=0.05),
    Measure(case="module", title="import: time"),
    Measure(case="module", title="import: modules", number="modules", unit=COUNT),
    Measure(case="module", title="import: boto3 and botocore", number="boto3", unit=COUNT, most=0),
    Measure(case="first_answer", title="import to first answer"),
    Measure(case="signed_url", title="signed URL", unit=MICROSECONDS, most_ratio=1 / 12, most=10e-6),
    Measure(case="signed_url", title="signed URL, quoted", number="quoted", unit=MICROSECONDS),
    Measure(case="public_url", title="public URL", unit=MICROSECONDS, most_ratio=1 / 20),
    Measure(case="public_url", title="public URL, quoted", number="quoted", unit=MICROSECONDS),
    Measure(case="domain_url", title="custom domain", unit=MICROSECONDS, most_ratio=1.0),
    Measure(case="domain_url", title="custom domain, quoted", number="quoted", unit=MICROSECONDS),
    Measure(case="cloudfront_url", title="CloudFront, first in a window", unit=MICROSECONDS, most_ratio=1 / 1.2),
    Measure(case="cloudfront_url", title="CloudFront, quoted", number="quoted", unit=MICROSECONDS),
    Measure(case="cloudfront_url", title="CloudFront, again", number="again", unit=MICROSECONDS),
    Measure(case="page", title="1000 thumbnails: time of URLs", most=0.02),
    Measure(case="page", title="1000 thumbnails: requests", number="requests", unit=COUNT, most=0),
    Measure(case="page", title="1000 thumbnails: changed", number="changed", unit=COUNT, most=0),
)

CASES = tuple(dict.fromkeys(measure.case for measure in MEASURES))
OFFLINE = ("module", "signed_url", "public_url", "domain_url", "cloudfront_url", "page")
"""Cases without requests: they are measured only without a delay."""
COUNTED = ("tail",)
"""Cases of which a proxy counts the bytes, even without a delay."""
