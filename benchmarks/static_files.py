"""Generated static files of a project. The same count always gives the same files."""

from __future__ import annotations

import random
from pathlib import Path

_MEDIAN = 4 * 1024
_SPREAD = 1.2
_SMALLEST, _LARGEST = 64, 512 * 1024
_KINDS = {"js": 35, "css": 25, "svg": 20, "png": 20}
"""Percent of the files."""
_DIRECTORIES = 40


def make_tree(directory: Path, count: int) -> int:
    """Create `count` files and return their total bytes. Sizes are log-normal. A style sheet refers to three images."""
    dice = random.Random(count)
    kinds = [kind for kind, percent in _KINDS.items() for _ in range(percent)]
    names = [f"app{number % _DIRECTORIES}/{kinds[number * 37 % 100]}/file{number}" for number in range(count)]
    named = [f"{name}.{name.split('/')[1]}" for name in names]
    images = [name for name in named if name.endswith(("svg", "png"))]
    total = 0
    for name in named:
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        size = int(min(max(dice.lognormvariate(0, _SPREAD) * _MEDIAN, _SMALLEST), _LARGEST))
        content = _content(name, size, images, dice)
        path.write_bytes(content)
        total += len(content)
    return total


def _content(name: str, size: int, images: list[str], dice: random.Random) -> bytes:
    if name.endswith("png"):
        return b"\x89PNG\r\n\x1a\n" + dice.randbytes(size)
    if name.endswith("svg"):
        lines = ['<svg xmlns="http://www.w3.org/2000/svg">', *_filled('<path d="M{} {}h8v8z"/>', size, dice), "</svg>"]
    elif name.endswith("js"):
        lines = _filled("export const value{} = () => {};", size, dice)
    else:
        chosen = dice.sample(images, min(3, len(images)))
        lines = [f".icon{number} {{ background: url(../../{image}) }}" for number, image in enumerate(chosen)]
        lines += _filled(".rule{} {{ margin: {}px }}", size, dice)
    return "\n".join(lines).encode()


def _filled(pattern: str, size: int, dice: random.Random) -> list[str]:
    """Return lines of about `size` bytes in total."""
    count = max(1, size // (len(pattern) + 8))
    return [pattern.format(dice.getrandbits(32), dice.getrandbits(16)) for _ in range(count)]
