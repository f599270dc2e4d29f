"""The lines of the table of static files, and their bars."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from benchmarks.measures import COUNT, MIB, SECONDS, Unit
from benchmarks.static_peers import COLLECTFASTA, DJANGO_STORAGES, S5CMD

DELAY = 20
"""The delay of a round trip in milliseconds."""

TIMES = Unit(name="x", scale=1, digits=2)
MILLISECONDS_A_FILE = Unit(name="ms", scale=1000, digits=3)


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticMeasure:
    """One number of a case. Bars are maximum values: relative to peers, by name, and absolute."""

    case: str
    title: str
    number: str
    unit: Unit = SECONDS
    ratios: Mapping[str, float] = field(default_factory=dict)
    most: float | None = None

    @property
    def reduce(self) -> Callable[[Iterable[float]], float]:
        """Combines several runs into one number: the median of times, and the maximum of counts and bytes."""
        return max if self.unit in (COUNT, MIB) else statistics.median

    @property
    def bar(self) -> str:
        bars = [f"{most:.3g}x {peer}" for peer, most in self.ratios.items()]
        if self.most is not None:
            bars.append(self.unit.show(self.most))
        return f"<= {', '.join(bars)}" if bars else ""


def _each(case: str, title: str, key: str, *, bars: Mapping[str, float], most: float | None) -> list[StaticMeasure]:
    return [
        StaticMeasure(case=case, title=f"{title}: whole process", number=key, ratios=bars),
        StaticMeasure(case=case, title=f"{title}: work alone", number=f"{key}_work"),
        StaticMeasure(case=case, title=f"{title}: requests", number=f"{key}_requests", unit=COUNT, most=most),
    ]


_NEW = {S5CMD: 1.0, COLLECTFASTA: 0.2}
_UNCHANGED = {S5CMD: 1.0, COLLECTFASTA: 1.0}

STATIC_MEASURES = (
    *_each("static", "all files new", "new", bars=_NEW, most=None),
    *_each("static", "nothing changed", "unchanged", bars=_UNCHANGED, most=1),
    *_each("static", "manifest, all files new", "manifest_new", bars={}, most=None),
    StaticMeasure(
        case="static", title="manifest, all files new: by no manifest", number="by_plain", unit=TIMES, most=2.5
    ),
    *_each("static", "manifest, nothing changed", "manifest_unchanged", bars={DJANGO_STORAGES: 0.01}, most=3),
    *_each("static_seaweedfs", "SeaweedFS, all files new", "new", bars=_NEW, most=None),
    *_each("static_seaweedfs", "SeaweedFS, nothing changed", "unchanged", bars=_UNCHANGED, most=1),
    *(
        StaticMeasure(case="static_growth", title=title, number=number, unit=unit, most=most)
        for kind, prefix in (("", ""), ("manifest, ", "manifest_"))
        for title, number, unit, most in (
            (f"{kind}a file of 1,000", f"{prefix}first", MILLISECONDS_A_FILE, None),
            (f"{kind}a file of 5,000", f"{prefix}second", MILLISECONDS_A_FILE, None),
            (f"{kind}a file of 20,000", f"{prefix}third", MILLISECONDS_A_FILE, None),
            (f"{kind}a file of the most by one of the least", f"{prefix}growth", TIMES, 1.5),
            (f"{kind}memory of 20,000 files over that of 10", f"{prefix}memory", MIB, 150 * 1024**2),
        )
    ),
)

STATIC_CASES = tuple(dict.fromkeys(measure.case for measure in STATIC_MEASURES))
