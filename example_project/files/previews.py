"""Previews. Pictures, films, sound and PDF files come from the bucket; texts are rendered here, as text."""

import csv
import io
from dataclasses import dataclass, field

import nh3
from markdown_it import MarkdownIt

LARGEST = 256 * 1024
"""Longer texts are not previewed, in bytes."""

MOST_ROWS = 200
MOST_COLUMNS = 40

_PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".avif")
_VIDEOS = (".mp4", ".m4v", ".webm", ".mov")
_SOUNDS = (".mp3", ".m4a", ".ogg", ".wav", ".flac")
_TEXTS = (".txt", ".log", ".json", ".xml", ".yaml", ".yml", ".toml", ".ini", ".py", ".js", ".css", ".html", ".svg")
_TAGS = {
    *("a", "blockquote", "br", "code", "del", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p"),
    *("pre", "s", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul"),
}


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What the page shows of a file. `shape` names the element, "too_large" and "none" that there is none."""

    shape: str
    text: str = ""
    rows: list[list[str]] = field(default_factory=list)
    is_cut: bool = False


def preview_of(folder, entry) -> Preview:
    """Return the preview of a file. Reads it only if it is a short text."""
    extension = f".{entry.name.lower().rpartition('.')[2]}" if "." in entry.name else ""
    for shape, extensions in (("picture", _PICTURES), ("video", _VIDEOS), ("audio", _SOUNDS), ("pdf", (".pdf",))):
        if extension in extensions:
            return Preview(shape=shape)
    readers = {".csv": _table, ".tsv": _table, ".md": _markdown, ".markdown": _markdown}
    reader = readers.get(extension) or (_plain if extension in _TEXTS else None)
    if reader is None:
        return Preview(shape="none")
    if (entry.size or 0) > LARGEST:
        return Preview(shape="too_large")
    content = folder.read(entry.path)
    if b"\0" in content:
        return Preview(shape="none")
    return reader(content.decode("utf-8-sig", errors="replace"))


def _plain(text: str) -> Preview:
    return Preview(shape="text", text=text)


def _table(text: str) -> Preview:
    try:
        dialect = csv.Sniffer().sniff(text[:4096], delimiters=",;\t")
        rows = list(csv.reader(io.StringIO(text), dialect))
    except csv.Error:
        return _plain(text)
    rows = [row[:MOST_COLUMNS] for row in rows if row]
    widest = max(map(len, rows), default=0)
    shown = [row + [""] * (widest - len(row)) for row in rows[: MOST_ROWS + 1]]
    return Preview(shape="table", rows=shown, is_cut=len(rows) > len(shown))


def _markdown(text: str) -> Preview:
    """Render Markdown without HTML of its author, pictures or scripts. Links do not tell where they were followed."""
    rendered = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"]).render(text)
    safe = nh3.clean(
        rendered,
        tags=_TAGS,
        attributes={"a": {"href", "title"}, "ol": {"start"}},
        url_schemes={"http", "https", "mailto"},
        link_rel="noreferrer noopener nofollow",
    )
    return Preview(shape="markdown", text=safe)
