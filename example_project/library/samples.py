"""Sample documents, drawn and written by code."""

import math
import random
from io import BytesIO
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from library.inspection import inspect
from library.models import Document

SIZE = (1800, 1200)
_Colour = tuple[int, int, int]

# An A4 page in PDF's own units: font, size, x, y, text.
_PAGE_LINES = [
    ("F2", 30, 72, 700, "How this library works"),
    ("F1", 13, 72, 660, "Each document is a row in Django's database and an object in an S3 bucket."),
    ("F1", 13, 72, 640, "The row has the title, the size and the date; the object has the bytes."),
    ("F2", 16, 72, 590, "Upload"),
    ("F1", 13, 72, 566, "A FileField saves to S3MediaStorage. A name that is taken is never overwritten."),
    ("F2", 16, 72, 526, "Open"),
    ("F1", 13, 72, 502, "The bucket is private. Each page makes signed links, which work for an hour."),
    ("F2", 16, 72, 462, "Replace and delete"),
    ("F1", 13, 72, 438, "The old object goes away once the database has committed, never before."),
    ("F2", 16, 72, 398, "Style sheets and scripts"),
    ("F1", 13, 72, 374, "They come from the same bucket, through S3StaticStorage, below static/."),
]


def add_samples(user: Any) -> int:
    """Put the samples into the library, uploaded by *user*; return how many there are."""
    samples = [
        ("How this library works", "how-this-library-works.pdf", page_pdf()),
        ("Night over the dunes", "night-over-the-dunes.jpg", dunes_jpeg()),
        ("Morning in the hills", "morning-in-the-hills.jpg", hills_jpeg()),
    ]
    for title, name, content in samples:
        upload = SimpleUploadedFile(name, content)
        document = Document(title=title, uploaded_by=user)
        document.attach(upload, inspect(upload.file, size=len(content)))
        document.save()
    return len(samples)


def hills_jpeg() -> bytes:
    """Draw misty hills at sunrise."""
    image = _gradient((251, 201, 148), (126, 158, 190))
    _glow(image, centre=(1240, 560), radius=95, colour=(255, 243, 214))
    layers = [
        (650, 70, (178, 168, 172)),
        (760, 95, (132, 141, 154)),
        (880, 105, (88, 113, 128)),
        (1000, 90, (50, 84, 96)),
        (1100, 60, (24, 56, 64)),
    ]
    return _jpeg(_ridges(image, layers, seed=7))


def dunes_jpeg() -> bytes:
    """Draw dunes below stars and a moon."""
    image = _gradient((74, 63, 112), (12, 18, 48))
    draw = ImageDraw.Draw(image)
    chance = random.Random(21)  # noqa: S311
    for _ in range(420):
        x, y = chance.randrange(SIZE[0]), int(chance.random() ** 1.4 * 800)
        light = chance.randrange(120, 255)
        radius = chance.choice([0.6, 0.9, 1.4])
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=(light, light, min(255, light + 15)))
    _glow(image, centre=(470, 300), radius=70, colour=(244, 240, 222))
    layers = [
        (740, 40, (112, 82, 112)),
        (860, 75, (86, 60, 92)),
        (980, 70, (58, 40, 70)),
        (1090, 50, (32, 24, 48)),
    ]
    return _jpeg(_ridges(image, layers, seed=3))


def page_pdf() -> bytes:
    """Write a PDF of one page."""
    text = "\n".join(
        f"BT 0.1 0.14 0.18 rg /{font} {size} Tf {x} {y} Td ({line}) Tj ET" for font, size, x, y, line in _PAGE_LINES
    )
    stream = f"0.04 0.42 0.38 rg 0 790 595 52 re f\n{text}\n".encode("ascii")
    font = b"<< /Type /Font /Subtype /Type1 /BaseFont /%b /Encoding /WinAnsiEncoding >>"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R /Lang (en) >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        (
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
            b" /Resources << /Font << /F1 5 0 R /F2 6 0 R >> >> >>"
        ),
        b"<< /Length %d >>\nstream\n%b\nendstream" % (len(stream), stream),
        font % b"Helvetica",
        font % b"Helvetica-Bold",
        b"<< /Title (How this library works) /Producer (s3store) >>",
    ]
    return _pdf(objects, info=len(objects))


def _pdf(objects: list[bytes], *, info: int) -> bytes:
    """Join *objects*, the first of which is the catalog, and write the table of where each begins."""
    content = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"
    table = b"0000000000 65535 f \n"
    for number, body in enumerate(objects, start=1):
        table += b"%010d 00000 n \n" % len(content)
        content += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    count = len(objects) + 1
    trailer = b"<< /Size %d /Root 1 0 R /Info %d 0 R >>" % (count, info)
    return b"%bxref\n0 %d\n%btrailer\n%b\nstartxref\n%d\n%%%%EOF\n" % (content, count, table, trailer, len(content))


def _gradient(low: _Colour, high: _Colour) -> Image.Image:
    """Return a sky, *high* at its top and *low* at the horizon."""
    ramp = Image.linear_gradient("L").resize(SIZE, Image.Resampling.BICUBIC)
    return ImageOps.colorize(ramp, black=high, white=low, blackpoint=0, whitepoint=190)


def _glow(image: Image.Image, *, centre: tuple[int, int], radius: int, colour: _Colour) -> None:
    """Paint a disc with light around it."""
    x, y = centre
    for reach, strength in ((radius * 3.2, 90), (radius * 1.6, 120), (radius, 255)):
        mask = Image.new("L", SIZE, 0)
        box = (x - reach, y - reach, x + reach, y + reach)
        ImageDraw.Draw(mask).ellipse(box, fill=strength)
        mask = mask.filter(ImageFilter.GaussianBlur(2 if reach == radius else reach / 2.2))
        image.paste(colour, (0, 0), mask)


def _ridges(image: Image.Image, layers: list[tuple[int, int, _Colour]], *, seed: int) -> Image.Image:
    """Paint rows of hills from back to front: (height of the line, how much it swings, colour)."""
    width, height = SIZE
    chance = random.Random(seed)  # noqa: S311
    for base, swing, colour in layers:
        waves = [(chance.uniform(0.6, 4.5), chance.uniform(0, math.tau), chance.uniform(0.2, 1)) for _ in range(4)]
        total = sum(weight for _, _, weight in waves)
        line = [
            (x, base + swing * sum(w * math.sin(f * math.tau * x / width + p) for f, p, w in waves) / total)
            for x in range(0, width + 6, 6)
        ]
        mask = Image.new("L", SIZE, 0)
        ImageDraw.Draw(mask).polygon([*line, (width, height), (0, height)], fill=255)
        image.paste(colour, (0, 0), mask.filter(ImageFilter.GaussianBlur(0.9)))
        haze = Image.linear_gradient("L").resize((width, 260)).point(lambda value: value // 7)
        light = tuple(min(255, part + 40) for part in colour)
        image.paste(light, (0, height - 260), haze)
    return image


def _jpeg(image: Image.Image) -> bytes:
    target = BytesIO()
    image.save(target, "JPEG", quality=88, progressive=True)
    return target.getvalue()
