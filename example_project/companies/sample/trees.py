"""The files of the sample data: paths, and how each content is made."""

import random
from collections.abc import Callable, Iterator
from functools import partial

from companies.sample import cast, film, sheets
from companies.sample.drawing import SCENES, chart, encoded, landscape, plan, tiles
from companies.sample.pdf import document

Files = Iterator[tuple[str, Callable[[], bytes]]]
"""Paths with functions that make the content. A path that ends in "/" is an empty folder."""

DELETED = {cast.NORDLICHT.slug: "2025/", cast.LINDQVIST.slug: "Matters/Closed/"}
"""The folder of a client that somebody has deleted, and can restore."""

_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_PLACES = ("Hof", "Süd", "Werkhalle", "Schule", "Mühle", "Bahnhof", "Klinik", "Hafen", "Archiv", "Markt")
# Names that programs handle badly: long, right to left, emoji, look-alikes, formulas, a file and a folder of one name.
_LONG = (
    "Protokoll der Besprechung über die Verkabelung der dritten Werkhalle mit allen Beteiligten " + "und Anlagen " * 8
)
HOSTILE = (
    f"{_LONG.strip()}.txt",
    "تقرير الطاقة السنوي.txt",
    "🌞 Sommerfest 🎈.txt",
    "=HYPERLINK(evil).csv",
    "<script>alert(1)<script>.txt",
    "50 % Rabatt & mehr #1?.txt",
    "Ångström – “quoted” names’.txt",
    "太陽光発電の記録.txt",
    "Angebot",
    "Angebot/Anlage.txt",
    "..hidden notes.txt",
    "a+b=c;d,e.txt",
)


def files_of(client: cast.Client) -> Files:
    """Yield the files of a client."""
    return _TREES[client.slug]()


def _picture(name: str, seed: int) -> Callable[[], bytes]:
    draw = (partial(landscape, SCENES[seed % len(SCENES)]), plan, chart, tiles)
    kind = 0 if name.endswith(".jpg") else 1 + seed % 3
    return lambda: encoded(draw[kind](seed), name)


def _paper(title: str, seed: int, *, foot: str, pages: int = 1) -> Callable[[], bytes]:
    chance = random.Random(seed)  # noqa: S311

    def lines() -> list[str]:
        found = ["# Items", ""]
        total = 0.0
        for number in range(1, chance.randrange(6, 14)):
            what = chance.choice(["Layout", "Retouching", "Photography", "Printing", "Proof", "Travel", "Corrections"])
            price = chance.randrange(8, 240) * 5
            total += price
            found.append(f"{number}.  {what}, {chance.randrange(1, 9)} h:  {price}.00 EUR")
        return [*found, "", f"# Total {total:.2f} EUR", "", "Payable within 14 days. No VAT, this is sample data."]

    content = [lines() for _ in range(pages)]
    return lambda: document(title, content, foot=foot)


def _text(text: str) -> Callable[[], bytes]:
    return lambda: text.encode()


def _nordlicht() -> Files:
    foot = "Nordlicht Solar"
    for number in range(1, 45):
        place = _PLACES[number % len(_PLACES)]
        yield f"2026/Photos/roof-{place.lower()}-{number:02}.jpg", _picture("x.jpg", 100 + number)
    for number in range(1, 9):
        yield f"2026/Plans/plan-{number:02}.png", _picture("x.png", 100 + 3 * number)
        yield f"2026/Charts/yield-{number:02}.webp", _picture("x.webp", 101 + 3 * number)
    for number, month in enumerate(_MONTHS, start=1):
        yield (
            f"2026/Invoices/2026-{number:02} Invoice.pdf",
            _paper(f"Invoice {month} 2026", number, foot=foot, pages=1 + number % 3),
        )
    for number in range(1, 9):
        yield (
            f"2026/Offers/offer-{number:02}.pdf",
            _paper(f"Offer {number}", 40 + number, foot=foot, pages=1 + number % 4),
        )
    yield "offer.pdf", _paper("Offer: solar roof", 7, foot=foot, pages=2)
    for number, scene in enumerate(SCENES[:4], start=1):
        yield f"Film/flight-{number}.webm", partial(film.film, scene, number)
    for number in range(1, 5):
        yield f"Film/Sound/take-{number}.wav", partial(film.sound, number)
    for number in range(1, 13):
        yield f"Meters/readings-2026-{number:02}.csv", partial(sheets.readings, number)
    yield "Meters/all readings.csv", partial(sheets.readings, 99, days=14_000)  # too long to preview
    for number in range(1, 1201):
        yield f"Meters/Inverter log/entry-{number:04}.txt", _text(f"2026-05-03 {number:04} inverter ok\n")
    yield (
        "Notes/Welcome.md",
        partial(
            sheets.note,
            "Welcome",
            [
                "This folder is shared by **Nordlicht Solar** and **Studio Fern**.",
                "",
                "| Folder | Who writes | What |",
                "| --- | --- | --- |",
                "| 2026 | Studio Fern | photos, plans, invoices |",
                "| Meters | Nordlicht | readings of the meters |",
                "",
                "- Drop files anywhere.",
                "- Deleted files can be restored for 30 days.",
                "",
                "![A picture of another site is not loaded](https://tracker.example/pixel.gif)",
                "<script>alert('not run')</script>",
            ],
        ),
    )
    for number in range(1, 9):
        yield (
            f"Notes/{_MONTHS[number]}.md",
            partial(sheets.note, f"Notes of {_MONTHS[number]}", ["- Grüße an alle", "- Kabel"]),
        )
    for name in HOSTILE:
        yield f"Names/{name}", _text(f"A file with an unusual name.\n{name}\n")
    yield "Old drafts/", bytes
    for number in range(1, 7):
        yield (
            f"Old drafts/Versions/draft-{number}.docx",
            partial(sheets.letter, [f"Draft {number}", "Solar for schools."]),
        )
    for number in range(1, 13):
        yield (
            f"2025/Letters/letter-{number:02}.docx",
            partial(sheets.letter, [f"Letter {number}", "Solar for schools."]),
        )


def _harbour() -> Files:
    foot = "Harbour Kitchen"
    for number in range(1, 21):
        yield f"Menu photos/dish-{number:02}.jpg", _picture("x.jpg", 200 + number)
    for number in range(1, 9):
        yield f"Menu photos/table-{number:02}.webp", _picture("x.webp", 200 + number)
    for season in ("Spring", "Summer", "Autumn", "Winter"):
        yield f"Menus/{season} menu.pdf", _paper(f"{season} menu", len(season), foot=foot)
        yield (
            f"Menus/{season} menu.md",
            partial(sheets.note, f"{season} menu", ["- Crab & samphire", "- Hake, brown butter", "- Rhubarb fool"]),
        )
        yield (
            f"Menus/{season} prices.csv",
            partial(sheets.table, [("dish", "price"), ("Crab", "14.50"), ("Hake", "22.00"), ("=SUM(B2:B3)", "36.50")]),
        )
    for number in range(1, 9):
        yield f"Invoices/HK-{number:03}.pdf", _paper(f"Invoice HK-{number:03}", 60 + number, foot=foot, pages=2)
    for number in range(1, 5):
        yield f"Radio spot/take {number}.wav", partial(film.sound, 20 + number)
    for number, scene in enumerate(SCENES[:2], start=1):
        yield f"Film/harbour-{number}.webm", partial(film.film, scene, 20 + number)
    for number in range(1, 7):
        yield (
            f"Stock/stock-{number}.xlsx",
            partial(sheets.workbook, [("item", "kg"), ("Flour", 12 * number), ("Butter", 3)]),
        )


def _aguila() -> Files:
    foot = "Café Águila"
    for number in range(1, 19):
        yield f"Fotos/terraza-{number:02}.jpg", _picture("x.jpg", 300 + number)
    for number in range(1, 7):
        yield f"Fotos/azulejos-{number:02}.png", _picture("x.png", 2 + 3 * number)
    for number in range(1, 7):
        yield f"Facturas/Factura {number:03}.pdf", _paper(f"Factura {number:03}", 80 + number, foot=foot)
    for number in range(1, 9):
        yield f"Carta/Desayuno {number}.txt", _text("Café con leche\nTostada con tomate\nZumo de naranja\n")
    yield "Carta/Carta.md", partial(sheets.note, "Carta", ["- Café con leche: 2,10 €", "- Churros: 3,50 €"])
    for number in range(1, 3):
        yield f"Música/Canción {number}.wav", partial(film.sound, 40 + number)
    yield "Vídeo/Barra.webm", partial(film.film, "dusk", 31)
    for number in range(1, 5):
        yield f"Envíos/pedido-{number}.zip", partial(sheets.archive, {"pedido.txt": f"Pedido {number}", "año.txt": "ñ"})


def _tanaka() -> Files:
    foot = "Tanaka Ceramics"
    for number in range(1, 17):
        yield f"作品/茶碗-{number:02}.jpg", _picture("x.jpg", 400 + number)
    for number in range(1, 9):
        yield f"作品/タイル-{number:02}.webp", _picture("x.webp", 2 + 3 * number)
    for number in range(1, 5):
        yield f"Catalogue/Catalogue page {number}.pdf", _paper(f"Catalogue {number}", 90 + number, foot=foot, pages=4)
    for number in range(1, 9):
        yield f"釉薬/配合-{number}.json", partial(sheets.data, {"名前": "青磁", "温度": 1230 + number, "灰": 40})
    for number in range(1, 3):
        yield f"音/鐘-{number}.wav", partial(film.sound, 50 + number)
    yield "窯/", bytes
    yield "窯/火.webm", partial(film.film, "summit", 41)
    for number in range(1, 5):
        yield f"Orders/order-{number}.xlsx", partial(sheets.workbook, [("作品", "数"), ("茶碗", number)])


def _lindqvist() -> Files:
    foot = "Lindqvist & Moor"
    for number in range(1, 9):
        yield f"Office/office-{number:02}.jpg", _picture("x.jpg", 500 + number)
    for matter in ("Berg v. Havn", "Estate of Obi", "Yıldız merger"):
        for number in range(1, 4):
            yield (
                f"Matters/{matter}/Brief {number}.pdf",
                _paper(f"Brief {number}", 110 + number, foot=foot, pages=number),
            )
        yield f"Matters/{matter}/Letter.docx", partial(sheets.letter, ["Dear colleague,", f"about {matter}."])
        yield (
            f"Matters/{matter}/Hours.csv",
            partial(sheets.table, [("who", "hours"), ("Astrid", "3.5"), ("Piet", "2"), ("@Şule", "1.25")]),
        )
        yield f"Matters/{matter}/Notes.md", partial(sheets.note, matter, ["1. Call the court", "2. Send the brief"])
    for number in range(1, 7):
        yield f"Archive/files-{number}.zip", partial(sheets.archive, {"readme.txt": f"Archive {number}"})
        yield f"Matters/Closed/Note {number}.txt", _text("This matter is closed.\n")
    yield "Archive/scan.unknown", partial(random.Random(7).randbytes, 4096)  # noqa: S311
    yield "Archive/empty.txt", bytes
    yield "Templates/", bytes


_TREES: dict[str, Callable[[], Files]] = {
    cast.NORDLICHT.slug: _nordlicht,
    cast.HARBOUR.slug: _harbour,
    cast.AGUILA.slug: _aguila,
    cast.TANAKA.slug: _tanaka,
    cast.RIVERSIDE.slug: lambda: iter(()),
    cast.LINDQVIST.slug: _lindqvist,
}
