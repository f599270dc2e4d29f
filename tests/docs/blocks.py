"""The code blocks, tables and directives of the documentation, as the tests need them."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"

_BLOCK = re.compile(r"^(?P<indent> *)\.\. code-block:: (?P<language>\S+)\n", re.MULTILINE)
_ROW = re.compile(r"^ +\* - ")
_DIRECTIVE = re.compile(r"^ *\.\. (currentmodule|py:\w+|auto\w+):: (.+)$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Block:
    """A code block: where it stands, what it is written in, its classes, its caption, its text."""

    path: Path
    line: int
    language: str
    classes: tuple[str, ...]
    text: str
    caption: str = ""

    def __str__(self) -> str:
        return f"{self.path.relative_to(ROOT)}:{self.line}"

    def compile(self):
        return compile("\n" * self.line + self.text, self.path, "exec")


def pages() -> list[Path]:
    """Return the README, the changes and every page."""
    return [
        ROOT / "README.rst",
        ROOT / "CHANGELOG.rst",
        *sorted(path for path in DOCS.rglob("*.rst") if "_build" not in path.parts),
    ]


def blocks_of(path: Path) -> list[Block]:
    """Return the code blocks of a page, in order."""
    text = path.read_text(encoding="utf-8")
    found = []
    for match in _BLOCK.finditer(text):
        body = []
        for line in text[match.end() :].split("\n"):
            if line.strip() and not line.startswith(match["indent"] + "   "):
                break
            body.append(line)
        content = textwrap.dedent("\n".join(body))
        options = re.match(r"(?::(\w+): (.*)\n)*", content)
        classes = re.match(r":class: (.*)\n", content)
        caption = re.search(r"^:caption: (.*)\n", options[0], re.MULTILINE)
        start = text.count("\n", 0, match.end()) + options[0].count("\n") + 1
        found.append(
            Block(
                path=path,
                line=start,
                language=match["language"],
                classes=tuple(classes[1].split()) if classes else (),
                text=content[options.end() :].strip("\n") + "\n",
                caption=caption[1] if caption else "",
            )
        )
    return found


def all_blocks(language: str, cls: str | None = None) -> list[Block]:
    """Return the blocks of all pages in a language, and of a class if one is given."""
    return [
        block
        for path in pages()
        for block in blocks_of(path)
        if block.language == language and (cls is None or cls in block.classes)
    ]


def table(path: Path, heading: str = "") -> list[list[str]]:
    """Return the rows of the first list-table below a heading, or of the page, without its header."""
    text = path.read_text(encoding="utf-8")
    if heading:
        text = text.split(f"\n{heading}\n", 1)[1]
    rows: list[list[str]] = []
    for line in text[text.index(".. list-table::") :].split("\n")[1:]:
        if line and not line.startswith(" "):
            break
        if _ROW.match(line):
            rows.append([line.strip().removeprefix("* - ")])
        elif line.strip().startswith("- ") or line.strip() == "-":
            rows[-1].append(line.strip().removeprefix("-").strip())
        elif rows and line.strip():
            rows[-1][-1] += f" {line.strip()}"
    return rows[1:]


def documented(path: Path) -> dict[str, str]:
    """Return what a reference page documents: name with module -> directive, such as `automethod`."""
    module, found = "", {}
    for directive, name in _DIRECTIVE.findall(path.read_text(encoding="utf-8")):
        if directive == "currentmodule":
            module = name
            continue
        full = name if name.startswith("s3store.") else f"{module}.{name}"
        assert full not in found, f"{path.name} documents {full} twice"
        found[full] = directive
    return found
