"""Creates the sample documents."""

from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from library.drawing import coast_jpeg, dunes_jpeg, dusk_jpeg, hills_jpeg, summit_jpeg, valley_jpeg
from library.inspection import inspect
from library.models import Document

# A4 pages in PDF's own units: font, size, x, y, text. The first line is the title.
_Line = tuple[str, int, int, int, str]
_HOW_LINES: list[_Line] = [
    ("F2", 30, 72, 700, "How this library works"),
    ("F1", 13, 72, 660, "Each document is a row in Django's database and an object in an S3 bucket."),
    ("F1", 13, 72, 640, "The row has the title, the size and the date; the object has the bytes."),
    ("F2", 16, 72, 590, "Upload"),
    ("F1", 13, 72, 566, "A FileField saves to S3MediaStorage. An existing file is never overwritten."),
    ("F2", 16, 72, 526, "Open"),
    ("F1", 13, 72, 502, "The bucket is private. A signed URL works for one hour and stays the same for half of it."),
    ("F2", 16, 72, 462, "Replace and delete"),
    ("F1", 13, 72, 438, "The old object is deleted only after the database has committed."),
    ("F2", 16, 72, 398, "Style sheets and scripts"),
    ("F1", 13, 72, 374, "They are in the same bucket, below static/, through S3ManifestStaticStorage."),
]


_OVERVIEW_LINES: list[_Line] = [
    ("F2", 30, 72, 700, "Übersicht 2026"),
    ("F1", 13, 72, 660, "This document is private: only its owner and administrators can open it."),
    ("F2", 16, 72, 610, "The permanent URL"),
    ("F1", 13, 72, 586, "It checks your permission on each request, then redirects to the bucket."),
    ("F1", 13, 72, 566, "Log in as guest and try it: access is denied."),
    ("F2", 16, 72, 526, "The download"),
    ("F1", 13, 72, 502, "The name in the bucket is ASCII. The browser saves it as Übersicht 2026.pdf."),
]


def add_samples(user: Any) -> int:
    """Add the samples to the library as uploads of *user*. Return their number."""
    samples = [
        ("How this library works", "how-this-library-works.pdf", page_pdf(_HOW_LINES)),
        ("Fog over the valley", "fog-over-the-valley.jpg", valley_jpeg()),
        ("Summit in the evening", "summit-in-the-evening.jpg", summit_jpeg()),
        ("Coast at noon", "coast-at-noon.jpg", coast_jpeg()),
        ("Night over the dunes", "night-over-the-dunes.jpg", dunes_jpeg()),
        ("Übersicht 2026", "Übersicht 2026.pdf", page_pdf(_OVERVIEW_LINES)),
        ("Dusk, not for everyone", "dusk.jpg", dusk_jpeg()),
        ("Morning in the hills", "morning-in-the-hills.jpg", hills_jpeg()),
    ]
    private = {"Übersicht 2026", "Dusk, not for everyone"}
    for title, name, content in samples:
        upload = SimpleUploadedFile(name, content)
        document = Document(title=title, uploaded_by=user, is_private=title in private)
        document.attach(upload, inspect(upload.file, size=len(content)))
        document.save()
    return len(samples)


def page_pdf(lines: list[_Line]) -> bytes:
    """Return a PDF of one page. Its title is the first line."""
    text = "\n".join(
        f"BT 0.1 0.14 0.18 rg /{font} {size} Tf {x} {y} Td ({line}) Tj ET" for font, size, x, y, line in lines
    )
    stream = f"0.04 0.42 0.38 rg 0 790 595 52 re f\n{text}\n".encode("cp1252")
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
        b"<< /Title (%b) /Producer (s3store) >>" % lines[0][4].encode("cp1252"),
    ]
    return _pdf(objects, info=len(objects))


def _pdf(objects: list[bytes], *, info: int) -> bytes:
    """Return a PDF file with these *objects*, the first of which is the catalog."""
    content = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"
    table = b"0000000000 65535 f \n"
    for number, body in enumerate(objects, start=1):
        table += b"%010d 00000 n \n" % len(content)
        content += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    count = len(objects) + 1
    trailer = b"<< /Size %d /Root 1 0 R /Info %d 0 R >>" % (count, info)
    return b"%bxref\n0 %d\n%btrailer\n%b\nstartxref\n%d\n%%%%EOF\n" % (content, count, table, trailer, len(content))
