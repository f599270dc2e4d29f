"""Writes the PDF files of the sample data: pages of text with a head line, in the fonts that every reader has."""

from collections.abc import Sequence

_INK, _ACCENT = "0.09 0.13 0.17", "0.04 0.40 0.36"
_LEFT, _TOP, _LEADING = 64, 720, 20
LINES_ON_A_PAGE = 30


def document(title: str, pages: Sequence[Sequence[str]], *, foot: str = "") -> bytes:
    """Return a PDF with a page of A4 for each list of lines. A line that starts with "# " is a heading.

    The text must be in the encoding cp1252: raises UnicodeEncodeError otherwise.
    """
    objects: list[bytes] = [b"", b""]  # the catalog and the tree of pages come first
    kids = []
    for number, lines in enumerate(pages, start=1):
        stream = _page(title, lines, foot=f"{foot}  {number} / {len(pages)}".strip())
        kids.append(len(objects) + 1)
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents %d 0 R"
            b" /Resources << /Font << /F1 %d 0 R /F2 %d 0 R >> >> >>"
            % (len(objects) + 2, 3 + 2 * len(pages), 4 + 2 * len(pages))
        )
        objects.append(b"<< /Length %d >>\nstream\n%b\nendstream" % (len(stream), stream))
    font = b"<< /Type /Font /Subtype /Type1 /BaseFont /%b /Encoding /WinAnsiEncoding >>"
    objects += [font % b"Helvetica", font % b"Helvetica-Bold"]
    objects.append(b"<< /Title (%b) /Producer (s3store) >>" % _text(title))
    objects[0] = b"<< /Type /Catalog /Pages 2 0 R /Lang (en) >>"
    objects[1] = b"<< /Type /Pages /Kids [%b] /Count %d >>" % (
        b" ".join(b"%d 0 R" % kid for kid in kids),
        len(kids),
    )
    return _file(objects)


def _page(title: str, lines: Sequence[str], *, foot: str) -> bytes:
    parts = [f"{_ACCENT} rg 0 806 595 36 re f".encode(), _line("F2", 24, _LEFT, 756, title)]
    for row, line in enumerate(lines):
        y = _TOP - row * _LEADING
        if line.startswith("# "):
            parts.append(_line("F2", 14, _LEFT, y, line[2:]))
        else:
            parts.append(_line("F1", 11, _LEFT, y, line))
    parts.append(_line("F1", 9, _LEFT, 48, foot))
    return b"\n".join(parts)


def _line(font: str, size: int, x: int, y: int, text: str) -> bytes:
    return b"BT %b rg /%b %d Tf %d %d Td (%b) Tj ET" % (_INK.encode(), font.encode(), size, x, y, _text(text))


def _text(text: str) -> bytes:
    return text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)").encode("cp1252")


def _file(objects: list[bytes]) -> bytes:
    """Return a PDF file with these *objects*: the first is the catalog, the last describes the document."""
    content = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"
    table = b"0000000000 65535 f \n"
    for number, body in enumerate(objects, start=1):
        table += b"%010d 00000 n \n" % len(content)
        content += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    count = len(objects) + 1
    trailer = b"<< /Size %d /Root 1 0 R /Info %d 0 R >>" % (count, len(objects))
    return b"%bxref\n0 %d\n%btrailer\n%b\nstartxref\n%d\n%%%%EOF\n" % (content, count, table, trailer, len(content))
