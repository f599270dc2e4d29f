#!/usr/bin/env python3
"""Draws the rooms of the package, from their imports, for the architecture page:

python docs/house.py            draw explanation/architecture.svg
python docs/house.py --check    say whether it is stale, and end with status 1 if it is
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path

DOCS = Path(__file__).resolve().parent
PACKAGE = DOCS.parent / "s3store"
PICTURE = DOCS / "explanation" / "architecture.svg"

# What a room is for, in two or three words.
CAPTIONS = {
    "apps": "app config",
    "checks": "system checks",
    "conf": "options and rules",
    "cookies": "CloudFront cookies",
    "core": "pure rules",
    "errors": "exceptions",
    "fields": "model fields",
    "folders": "file manager",
    "forms": "form fields",
    "middleware": "owner of uploads",
    "rest_framework": "serializer field",
    "uploads": "direct uploads",
    "urls": "endpoints",
    "widgets": "file input",
    "files": "content of a file",
    "links": "URLs, signatures",
    "local": "development twin",
    "management": "commands",
    "mixins": "storage mixins",
    "operations": "work on buckets",
    "serving": "file responses",
    "sharing": "links to files",
    "staticfiles": "publishing",
    "storage": "storage classes",
    "streaming": "files over HTTP",
    "templatetags": "{% file_url %}",
    "testing": "test tools",
    "views": "file views",
    "wire": "requests, boto3",
}
PUBLIC_FOLDERS = ("folders", "local", "management", "templatetags", "testing", "uploads", "sharing")
FOLDERS = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}

WIDTH, HEIGHT, ACROSS, DOWN, MARGIN = 138, 46, 16, 40, 12

STYLE = """
  .room { fill: #f6f7f9; stroke: #9aa5b1; } .public { fill: #e6f2ec; stroke: #2f7d5b; }
  .line { stroke: #9aa5b1; fill: none; } text { text-anchor: middle; fill: #17212b; }
  .name { font: 600 14px ui-monospace, monospace; } .caption { font: 12px system-ui, sans-serif; fill: #56626d; }
  @media (prefers-color-scheme: dark) {
    .room { fill: #171e25; stroke: #566472; } .public { fill: #143021; stroke: #57b98a; }
    .line { stroke: #566472; } text { fill: #e8edf2; } .caption { fill: #a5b2be; }
  }
"""


def imports() -> dict[str, set[str]]:
    """Return which rooms each room imports."""
    found: dict[str, set[str]] = {name: set() for name in CAPTIONS}
    for path in PACKAGE.rglob("*.py"):
        room = path.relative_to(PACKAGE).with_suffix("").parts[0]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("s3store"):
                _, *below = node.module.split(".")
                found.setdefault(room, set()).update(below[:1] or [alias.name for alias in node.names])
    return {room: {target for target in targets if target != room} & CAPTIONS.keys() for room, targets in found.items()}


def floors(edges: dict[str, set[str]]) -> list[list[str]]:
    """Return the rooms by floor, the ground first: each stands above everything that it imports."""
    left, rows = dict(edges), []
    while left:
        row = sorted(room for room, targets in left.items() if not targets & left.keys())
        if not row:
            raise SystemExit(f"The rooms import each other in a circle: {', '.join(sorted(left))}")
        rows.append(row)
        left = {room: targets for room, targets in left.items() if room not in row}
    return rows


def lines(edges: dict[str, set[str]]) -> list[tuple[str, str]]:
    """Return the imports to draw: those that no other way leads along."""

    def below(room: str) -> set[str]:
        return edges[room].union(*map(below, edges[room]))

    return [
        (room, target)
        for room, targets in sorted(edges.items())
        for target in sorted(targets)
        if not any(target in below(other) for other in targets - {target})
    ]


def draw() -> str:
    """Return the picture as SVG."""
    edges = imports()
    edges.pop("__init__", None)
    if edges.keys() != CAPTIONS.keys():
        raise SystemExit(f"CAPTIONS and the rooms differ: {', '.join(sorted(edges.keys() ^ CAPTIONS.keys()))}")
    rows = floors(edges)
    whole = max(map(len, rows)) * (WIDTH + ACROSS) - ACROSS + 2 * MARGIN
    tall = len(rows) * (HEIGHT + DOWN) - DOWN + 2 * MARGIN
    at = {}
    for number, row in enumerate(reversed(rows)):
        # A row is ordered by what its rooms stand under, so that few lines cross.
        row.sort(key=lambda room: sum(at[above][0] for above in at if room in edges[above]) / max(1, len(at)))
        begin = (whole - len(row) * (WIDTH + ACROSS) + ACROSS) // 2
        for place, room in enumerate(row):
            at[room] = begin + place * (WIDTH + ACROSS), MARGIN + number * (HEIGHT + DOWN)
    drawn = []
    for room, target in lines(edges):
        (left, top), (right, bottom) = at[room], at[target]
        x, y, u, v = left + WIDTH // 2, top + HEIGHT, right + WIDTH // 2, bottom
        drawn.append(f'<path class="line" d="M{x} {y} C{x} {y + 24} {u} {v - 24} {u} {v}"/>')
    for room, (x, y) in at.items():
        kind = "room" if room in FOLDERS and room not in PUBLIC_FOLDERS else "public"
        name = f"{room}/" if room in FOLDERS else room
        drawn += [
            f'<rect class="{kind}" x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="6"/>',
            f'<text class="name" x="{x + WIDTH // 2}" y="{y + 20}">{name}</text>',
            f'<text class="caption" x="{x + WIDTH // 2}" y="{y + 36}">{CAPTIONS[room]}</text>',
        ]
    size = f'viewBox="0 0 {whole} {tall}" width="{whole}" height="{tall}"'
    body = "\n".join(drawn)
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>\n<style>{STYLE}</style>\n{body}\n</svg>\n'


def main(arguments: list[str]) -> int:
    """Draw the picture, or with --check only compare it."""
    wanted = draw()
    if PICTURE.exists() and PICTURE.read_text(encoding="utf-8") == wanted:
        return 0
    if "--check" in arguments:
        sys.stdout.write(f"Stale: {PICTURE.relative_to(DOCS)}\n")
        return 1
    PICTURE.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
