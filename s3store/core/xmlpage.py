"""One page of a listing, read by a pattern: ten times as fast as by a parser of XML.

The pattern knows the few elements that servers send, in the order in which the first row of the page has them. What is
between them is compared with the first row, and if it differs, it is matched too. The patterns must match the page from
the root's start to its end; anything else is for a parser. AWS: "ListObjectsV2".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import pairwise
from urllib.parse import unquote_plus

from s3store.core.info import ObjectInfo, listed_infos

# Text as it is in XML, without what a parser would change or refuse. Entities are still in it.
_TEXT = "[^<>\x00-\x1f\ufffe\uffff]*"

# The texts of the elements that are read. Times and sizes that look different are for a parser.
_READ = {
    "Key": _TEXT,
    "Size": "[0-9]{1,19}",
    "ETag": _TEXT,
    "LastModified": r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?Z",
    "StorageClass": _TEXT,
}

# Elements that are not read, where they are: AWS sends them for some rows of a page.
_SKIPPED = (
    r"(?:\s*(?:"
    + "|".join(f"<{name}>{_TEXT}</{name}>" for name in ("ChecksumAlgorithm", "ChecksumType", "Type"))
    + rf"|<Owner>(?:\s*<ID>{_TEXT}</ID>|\s*<DisplayName>{_TEXT}</DisplayName>)*\s*</Owner>))*"
)

# The lengths of times with 0, 3 or 6 digits after the point, which Python 3.10 reads too. Go's servers send up to 9.
_LENGTHS = {20, 24, 27}

# The most characters between the elements that become a pattern, which is kept.
_LONGEST = 2048

_FIRST = re.compile(r"<Contents>(.*?)</Contents>", re.DOTALL)
_ELEMENT = re.compile(f"<({'|'.join(_READ)})>")

# What is around the rows: elements with text, and common prefixes.
_FLAT = (
    rf"(?:\s*(?:<CommonPrefixes>\s*<Prefix>{_TEXT}</Prefix>\s*</CommonPrefixes>"
    rf"|<(?!Contents\b)([A-Za-z]+)(?:\s*/>|>{_TEXT}</\1>)))*\s*"
)
_HEAD = re.compile(
    r"""\s*(?:<\?xml\s+version=["']1\.0["'](?:\s+encoding=["'][Uu][Tt][Ff]-8["'])?(?:\s+standalone=["'](?:yes|no)["'])?\s*\?>)?"""
    rf"""\s*<ListBucketResult(?:\s+xmlns(?::[a-z]+)?=["'][^"'<>&]*["'])*\s*>{_FLAT}"""
)
_TAIL = re.compile(rf"{_FLAT}</ListBucketResult>\s*")
_COUNT = re.compile(r"<KeyCount>([0-9]+)</KeyCount>")

_DECLARED = re.compile(rb"""\s*(?:\xef\xbb\xbf)?<\?xml[^>]*?encoding\s*=\s*["']([^"'>]*)["']""")

_ENTITY = re.compile("&(?:(quot|amp|lt|gt|apos)|#([0-9]{1,7})|#x([0-9a-fA-F]{1,6}));|&")
_ENTITIES = {"quot": '"', "amp": "&", "lt": "<", "gt": ">", "apos": "'"}


def refuse_declarations(body: bytes) -> None:
    """Raise ValueError for a document that declares anything, or is not in UTF-8: no server sends a listing like that.

    A document type can define entities, which a parser would expand: to gigabytes, or to the content of a file.
    """
    if b"<!DOCTYPE" in body:
        raise ValueError("the listing has a document type declaration (<!DOCTYPE)")
    declared = _DECLARED.match(body)
    if b"\x00" in body or (declared and declared[1].lower() not in (b"utf-8", b"us-ascii")):
        raise ValueError("the listing is not in UTF-8")


def read(body: bytes) -> tuple[list[ObjectInfo], bytes] | None:
    """Return the rows of a page, and the page without its rows. None if the page needs a parser of XML.

    Keys are decoded if the page says that they are encoded. Call `refuse_declarations` before.
    """
    try:
        return _read(body.decode())
    except ValueError:
        return None


def _read(text: str) -> tuple[list[ObjectInfo], bytes] | None:
    """As `read`. Raises ValueError for a time that does not exist, and for an unknown entity."""
    first = _FIRST.search(text)
    if first is None:
        return None
    names = tuple(_ELEMENT.findall(first[1]))
    if len(set(names)) < len(names) or not {"Key", "Size"} <= set(names):
        return None
    start, end = first.start(), text.rindex("</Contents>") + len("</Contents>")
    rows = _rows(text, names, start, end)
    if rows is None:
        return None
    head, tail = text[:start], text[end:]
    if not (_HEAD.fullmatch(head) and _TAIL.fullmatch(tail)):
        return None
    rest = head + tail
    counted = _COUNT.search(rest)
    if counted and int(counted[1]) != len(rows) + rest.count("<CommonPrefixes>"):
        return None
    columns = dict(zip(names, zip(*rows, strict=True), strict=False))
    none = [None] * len(rows)
    found = listed_infos(
        _keys(columns["Key"], encoded="<EncodingType>url</EncodingType>" in rest),
        map(int, columns["Size"]),
        _unescaped(columns["ETag"]) if "ETag" in columns else none,
        _moments(columns["LastModified"]) if "LastModified" in columns else none,
        _unescaped(columns["StorageClass"]) if "StorageClass" in columns else none,
    )
    return found, rest.encode()


def _rows(text: str, names: tuple[str, ...], start: int, end: int) -> list[tuple[str, ...]] | None:
    """Return the texts of the elements of each row, and "", or None if a row is unusual."""
    usual = _pattern(names)
    first = usual.match(text, start, end)
    if first is None or first[0] == first[len(names) + 1]:
        return None
    # Most pages have the same text between the elements of all rows, which is found in half the time.
    spans = [first.span(number) for number in range(1, len(names) + 1)]
    between = [text[one:other] for (_, one), (other, _) in pairwise([(0, start), *spans, (first.end(), 0)])]
    same = [_literal(names, tuple(between))] if sum(map(len, between)) <= _LONGEST else []
    for pattern in (*same, usual):
        rows = pattern.findall(text, start, end)
        # The last group has what follows the last row that is as the others.
        if not rows[-1][-1]:
            return rows
    return None


@lru_cache(maxsize=32)
def _pattern(names: tuple[str, ...]) -> re.Pattern[str]:
    """Return the pattern of a row with these elements; its last group is everything from what is not such a row."""
    inside = "".join(rf"\s*<{name}>({_READ[name]})</{name}>{_SKIPPED}" for name in names)
    return re.compile(rf"\s*<Contents>{_SKIPPED}{inside}\s*</Contents>|(.+)", re.DOTALL)


@lru_cache(maxsize=32)
def _literal(names: tuple[str, ...], between: tuple[str, ...]) -> re.Pattern[str]:
    """Return the pattern of a row with these elements and exactly these texts between them. Groups as `_pattern`."""
    before, *after = map(re.escape, between)
    inside = "".join(f"({_READ[name]}){rest}" for name, rest in zip(names, after, strict=True))
    return re.compile(rf"\s*{before}{inside}|(.+)", re.DOTALL)


# Many texts at once are faster: they are joined by a character that none of them contains.


def _keys(found: Sequence[str], *, encoded: bool) -> list[str]:
    keys = _unescaped(found)
    joined = "\n".join(keys)
    if not encoded or ("%" not in joined and "+" not in joined):
        return keys
    decoded = unquote_plus(joined).split("\n")
    return decoded if len(decoded) == len(keys) else [unquote_plus(key) for key in keys]


def _moments(found: Sequence[str]) -> Iterable[datetime]:
    if not set(map(len, found)) <= _LENGTHS:
        found = [f"{text[:19]}.{text[20:-1][:6]:0<6}Z" for text in found]
    return map(datetime.fromisoformat, "\n".join(found).replace("Z", "+00:00").split("\n"))


def _unescaped(found: Sequence[str]) -> list[str]:
    joined = "\n".join(found)
    if "&" in joined and "&" in (joined := joined.replace("&quot;", '"')):
        return [_ENTITY.sub(_character, text) if "&" in text else text for text in found]
    return joined.split("\n")


def _character(entity: re.Match[str]) -> str:
    name, decimal, hexadecimal = entity.groups()
    if name:
        return _ENTITIES[name]
    if not decimal and not hexadecimal:
        raise ValueError("& without an entity")
    code = int(decimal) if decimal else int(hexadecimal, 16)
    # XML: the production "Char".
    if code in (0x9, 0xA, 0xD) or 0x20 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or 0x10000 <= code <= 0x10FFFF:
        return chr(code)
    raise ValueError(f"&#{code}; is not a character")
