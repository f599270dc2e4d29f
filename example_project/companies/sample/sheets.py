"""Makes the tables, notes and archives of the sample data."""

import csv
import io
import json
import random
import zipfile
from collections.abc import Mapping, Sequence

_STAMP = (2026, 1, 2, 3, 4, 6)


def table(rows: Sequence[Sequence[object]]) -> bytes:
    """Return a CSV file in UTF-8."""
    target = io.StringIO()
    csv.writer(target, lineterminator="\r\n").writerows(rows)
    return target.getvalue().encode()


def readings(seed: int, *, days: int = 30) -> bytes:
    """Return meter readings: date, kilowatt hours, degrees."""
    chance = random.Random(seed)  # noqa: S311
    rows: list[Sequence[object]] = [("Datum", "Zähler", "kWh", "°C")]
    for day in range(days):
        power, degrees = chance.uniform(4, 38), chance.uniform(-4, 29)
        rows.append((f"2026-{1 + day // 28 % 12:02}-{1 + day % 28:02}", "NS-1", f"{power:.2f}", f"{degrees:.1f}"))
    return table(rows)


def note(title: str, lines: Sequence[str]) -> bytes:
    """Return a note in Markdown."""
    return "\n".join([f"# {title}", "", *lines, ""]).encode()


def data(value: object) -> bytes:
    """Return *value* as JSON."""
    return json.dumps(value, ensure_ascii=False, indent=2).encode()


def archive(files: Mapping[str, bytes | str]) -> bytes:
    """Return a ZIP file. Equal files make equal archives."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in files.items():
            file.writestr(zipfile.ZipInfo(name, _STAMP), content, zipfile.ZIP_DEFLATED)
    return target.getvalue()


def workbook(rows: Sequence[Sequence[object]]) -> bytes:
    """Return an XLSX file with one sheet, whose cells are texts."""
    office = "http://schemas.openxmlformats.org"
    cells = "".join(
        "<row>" + "".join(f'<c t="inlineStr"><is><t>{_xml(cell)}</t></is></c>' for cell in row) + "</row>"
        for row in rows
    )
    return archive(
        {
            "[Content_Types].xml": f'<Types xmlns="{office}/package/2006/content-types">'
            '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            '<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.'
            'spreadsheetml.sheet.main+xml"/><Override PartName="/xl/sheet.xml" ContentType="application/vnd.'
            'openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>',
            "_rels/.rels": _relation("officeDocument", "xl/workbook.xml"),
            "xl/_rels/workbook.xml.rels": _relation("worksheet", "sheet.xml"),
            "xl/workbook.xml": f'<workbook xmlns="{office}/spreadsheetml/2006/main" '
            f'xmlns:r="{office}/officeDocument/2006/relationships"><sheets><sheet name="1" sheetId="1" r:id="r1"/>'
            "</sheets></workbook>",
            "xl/sheet.xml": f'<worksheet xmlns="{office}/spreadsheetml/2006/main"><sheetData>{cells}</sheetData>'
            "</worksheet>",
        }
    )


def letter(lines: Sequence[str]) -> bytes:
    """Return a DOCX file."""
    office = "http://schemas.openxmlformats.org"
    text = "".join(f"<w:p><w:r><w:t>{_xml(line)}</w:t></w:r></w:p>" for line in lines)
    return archive(
        {
            "[Content_Types].xml": f'<Types xmlns="{office}/package/2006/content-types">'
            '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            '<Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.'
            'wordprocessingml.document.main+xml"/></Types>',
            "_rels/.rels": _relation("officeDocument", "word/document.xml"),
            "word/document.xml": f'<w:document xmlns:w="{office}/wordprocessingml/2006/main"><w:body>{text}</w:body>'
            "</w:document>",
        }
    )


def _relation(kind: str, target: str) -> str:
    office = "http://schemas.openxmlformats.org"
    return (
        f'<Relationships xmlns="{office}/package/2006/relationships"><Relationship Id="r1" '
        f'Type="{office}/officeDocument/2006/relationships/{kind}" Target="{target}"/></Relationships>'
    )


def _xml(value: object) -> str:
    return str(value).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
