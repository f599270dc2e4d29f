"""Pages of listings are read by a pattern, and whatever does not fit it to the letter is left to a parser."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3store.core import xmlpage
from s3store.core.info import ObjectInfo, Stat
from s3store.wire.listing import take_entries
from s3store.wire.responses import listed

XMLNS = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
KEY = "<Key>a</Key>"
SIZE = "<Size>5</Size>"
ROW = f"<Contents>{KEY}{SIZE}</Contents>"
# The characters that XML allows. A parser makes one character of CR and LF; see the test of line ends.
CHARACTERS = st.characters(
    exclude_categories=["Cs"], exclude_characters=[*map(chr, range(32)), "\ufffe", "\uffff"]
) | st.sampled_from("&<>'\"%+ /]\x7f\x85\u2028\ufffd\U0001f600")


def page(rows: str, around: str = "<Name>b</Name>", end: str = "") -> bytes:
    head = '<?xml version="1.0" encoding="UTF-8"?>\n'
    return f"{head}<ListBucketResult {XMLNS}>{around}{rows}{end}</ListBucketResult>".encode()


def parsed(body: bytes) -> list[ObjectInfo]:
    """The rows, by a parser of XML: keys are not decoded."""
    response: dict[str, Any] = {"status_code": 200, "body": body}
    found: dict[str, Any] = {}
    take_entries(response, found)
    return [listed(entry) for entry in found["Contents"]]


def rows_of(body: bytes) -> list[ObjectInfo] | None:
    """The rows, by the pattern."""
    found = xmlpage.read(body)
    return found and found[0]


@given(
    keys=st.lists(st.text(CHARACTERS, max_size=20), min_size=1, max_size=5),
    etag=st.sampled_from(["&quot;e1&quot;", '"e1"', "&#34;e1&#34;", "&#x22;e1&#x22;", "e1", "&apos;&amp;quot;", ""]),
    time=st.sampled_from(["2026-01-02T03:04:05.000Z", "2026-01-02T03:04:05Z", "2024-02-29T23:59:59.123456Z"]),
    space=st.sampled_from(["", "\n  "]),
    order=st.permutations(["Key", "LastModified", "ETag", "Size", "StorageClass"]),
    numeric=st.booleans(),
    alike=st.booleans(),
)
def test_the_pattern_reads_what_a_parser_reads(
    keys: list[str], etag: str, time: str, space: str, order: list[str], numeric: bool, alike: bool
) -> None:
    """Keys of all characters, entities of all forms, elements in any order, with and without spaces."""
    rows = ""
    for number, key in enumerate(keys):
        text = "".join(f"&#{ord(one)};" for one in key) if numeric else escape(key, {'"': "&quot;", "'": "&apos;"})
        values = {
            "Key": text,
            "LastModified": time,
            "ETag": etag,
            "Size": number * 10**12,
            "StorageClass": "STANDARD_IA",
        }
        # AWS sends them only for some of the objects.
        more = "<ChecksumAlgorithm>SHA1</ChecksumAlgorithm><ChecksumType>COMPOSITE</ChecksumType>" * (
            alike or number % 2
        )
        elements = "".join(f"{space}<{name}>{values[name]}</{name}>{more if name == 'ETag' else ''}" for name in order)
        rows += f"{space}<Contents>{elements}{space}</Contents>"
    body = page(rows, around=f"{space}<Name>b</Name>{space}<Prefix/>")
    assert rows_of(body) == parsed(body)
    assert [info.key for info in rows_of(body) or ()] == keys


@given(keys=st.lists(st.text(CHARACTERS | st.just("\n"), max_size=20), min_size=1, max_size=5), plus=st.booleans())
def test_keys_are_decoded_if_the_page_says_so(keys: list[str], plus: bool) -> None:
    """A space is `%20` or `+`, and an encoded line feed is one character of its key."""

    def encoded(key: str) -> str:
        return "".join("+" if plus and each == 32 else f"%{each:02X}" for each in key.encode())

    rows = "".join(f"<Contents><Key>{encoded(key)}</Key>{SIZE}</Contents>" for key in keys)
    infos = rows_of(page(rows, end="<EncodingType>url</EncodingType>"))
    assert [info.key for info in infos or ()] == keys
    plain = rows_of(page(rows))
    assert [info.key for info in plain or ()] == [encoded(key) for key in keys]


@pytest.mark.parametrize(
    ("sent", "keys"),
    [
        (["a+b", "c"], ["a b", "c"]),
        (["a%2Bb%20c"], ["a+b c"]),
        (["a%0Ab", "c%0A"], ["a\nb", "c\n"]),
        (["%26lt;", "&amp;lt;"], ["&lt;", "&lt;"]),
    ],
    ids=["plus", "percent", "line-feed", "entity"],
)
def test_each_form_of_an_encoded_key(sent: list[str], keys: list[str]) -> None:
    """A key that is read wrongly is a file that sync copies again, or deletes."""
    rows = "".join(f"<Contents><Key>{key}</Key>{SIZE}</Contents>" for key in sent)
    infos = rows_of(page(rows, end="<EncodingType>url</EncodingType>"))
    assert [info.key for info in infos or ()] == keys


def test_each_form_of_an_entity() -> None:
    """All five names, and both kinds of numbers."""
    (info,) = rows_of(page(ROW.replace(KEY, "<Key>&lt;&gt;&amp;&quot;&apos;&#65;&#x42;&amp;lt;</Key>"))) or ()
    assert info.key == "<>&\"'AB&lt;"


def test_numbers_of_characters_end_where_those_of_xml_end() -> None:
    """XML: the production "Char". Others are for a parser, which refuses them."""

    def keys(code: int) -> list[str] | None:
        infos = rows_of(page(ROW.replace(KEY, f"<Key>&#{code};</Key>")))
        return infos and [info.key for info in infos]

    for code in (0x9, 0xA, 0xD, 0x20, 0xD7FF, 0xE000, 0xFFFD, 0x10000, 0x10FFFF):
        assert keys(code) == [chr(code)]
    for code in (0x0, 0x8, 0xB, 0xC, 0xE, 0x1F, 0xD800, 0xDFFF, 0xFFFE, 0xFFFF, 0x110000):
        assert keys(code) is None


@pytest.mark.parametrize(
    ("time", "microsecond"),
    [("", 0), (".1", 100_000), (".12", 120_000), (".1234567", 123_456), (".123456789", 123_456)],
)
def test_a_time_can_have_any_number_of_digits(time: str, microsecond: int) -> None:
    """Go's servers leave zeros out, and send nanoseconds."""
    infos = rows_of(page(ROW.replace(SIZE, f"{SIZE}<LastModified>2026-01-02T03:04:05{time}Z</LastModified>")))
    assert infos
    assert infos[0].modified == datetime(2026, 1, 2, 3, 4, 5, microsecond, tzinfo=timezone.utc)


def test_the_page_without_rows_is_left() -> None:
    """With everything that botocore reads in it."""
    around = "<KeyCount>3</KeyCount><IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>"
    prefixes = "<CommonPrefixes><Prefix>p/</Prefix></CommonPrefixes>"
    found = xmlpage.read(page(ROW * 2, around=around, end=prefixes))
    assert found
    assert found[1] == page("", around=around, end=prefixes)
    assert found[0] == [ObjectInfo(key="a", size=5)] * 2


@pytest.mark.parametrize(("length", "kept"), [(10, 1), (3000, 0)])
def test_rows_like_the_first_one_have_a_pattern_of_their_own(length: int, kept: int) -> None:
    """Unless it would be long: a server could fill the memory with patterns. The rows are read all the same."""
    owner = f"<Owner><ID>{'x' * length}</ID></Owner>"
    rows = "".join(f"<Contents><Key>{number}</Key>{SIZE}{owner}</Contents>" for number in range(3))
    xmlpage._literal.cache_clear()
    assert [info.key for info in rows_of(page(rows)) or ()] == ["0", "1", "2"]
    assert xmlpage._literal.cache_info().currsize == kept
    other = rows.replace(owner, "<Owner><ID>y</ID></Owner>", 1)
    assert rows_of(page(other)) == rows_of(page(rows))


def test_owners_and_types_are_skipped() -> None:
    """As Ceph, and AWS with FetchOwner, send them."""
    owner = "<Owner><ID>1</ID><DisplayName>d</DisplayName></Owner><Type>Normal</Type>"
    assert rows_of(page(ROW.replace(SIZE, SIZE + owner))) == [ObjectInfo(key="a", size=5)]


@pytest.mark.parametrize(
    "body",
    {
        "no rows": page(""),
        "no size": page(f"<Contents>{KEY}</Contents>"),
        "two sizes": page(f"<Contents>{KEY}{SIZE}{SIZE}</Contents>"),
        "two sizes in the second row": page(ROW + f"<Contents>{KEY}{SIZE}{SIZE}</Contents>"),
        "another order in the second row": page(ROW + f"<Contents>{SIZE}{KEY}</Contents>"),
        "a new element": page(ROW.replace(SIZE, f"{SIZE}<RestoreStatus/>")),
        "an attribute": page(ROW.replace("<Key>", '<Key a="b">')),
        "an empty key": page(ROW.replace(KEY, "<Key/>")),
        "a size in words": page(ROW.replace("5", "five")),
        "a negative size": page(ROW.replace("5", "-5")),
        "a size of other digits": page(ROW.replace("5", "\u0665")),
        "text between rows": page(f"{ROW}x{ROW}"),
        "text after rows": page(f"{ROW}x"),
        "prefixes between rows": page(f"{ROW}<CommonPrefixes><Prefix>p/</Prefix></CommonPrefixes>{ROW}"),
        "a comment": page(f"{ROW}<!-- -->"),
        "character data": page(ROW.replace("a</Key>", "<![CDATA[a]]></Key>")),
        "a carriage return": page(ROW.replace(">a<", ">a\rb<")),
        "a control character": page(ROW.replace(">a<", ">a\x01b<")),
        "a noncharacter": page(ROW.replace(">a<", ">a\uffffb<")),
        "an unknown entity": page(ROW.replace(">a<", ">&nbsp;<")),
        "a bare ampersand": page(ROW.replace(">a<", ">a & b<")),
        "an entity of no character": page(ROW.replace(">a<", ">&#0;<")),
        "an entity of a surrogate": page(ROW.replace(">a<", ">&#xD800;<")),
        "an entity past Unicode": page(ROW.replace(">a<", ">&#x110000;<")),
        "a time that does not exist": page(
            ROW.replace(SIZE, f"{SIZE}<LastModified>2026-02-30T00:00:00Z</LastModified>")
        ),
        "a time in another zone": page(
            ROW.replace(SIZE, f"{SIZE}<LastModified>2026-02-03T00:00:00+01:00</LastModified>")
        ),
        "a count that differs": page(ROW, around="<KeyCount>2</KeyCount>"),
        "another root": page(ROW).replace(b"ListBucketResult", b"ListVersionsResult"),
        "rows inside something": page(f"<Other>{ROW}</Other>"),
        "cut off": page(ROW * 2)[:-30],
        "cut off in a row": page(ROW * 2)[:-60],
        "something before": b"x" + page(ROW),
        "something after": page(ROW) + b"x",
        "not UTF-8": page(ROW).replace(b">a<", b">\xff<"),
        "empty": b"",
    }.items(),
    ids=lambda item: item[0],
)
def test_anything_unusual_is_left_to_a_parser(body: tuple[str, bytes]) -> None:
    """Whether it is an error or only new."""
    assert xmlpage.read(body[1]) is None


def test_line_ends_are_left_to_a_parser() -> None:
    """It replaces CR LF in a text by LF, and knows the difference to an entity."""
    body = page(ROW.replace(">a<", ">a&#13;b<"))
    assert rows_of(body) == parsed(body) == [ObjectInfo(key="a\rb", size=5)]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><ListBucketResult/>', "DOCTYPE"),
        (b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><ListBucketResult/>', "DOCTYPE"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><ListBucketResult/>'.encode("utf-16"), "UTF-8"),
        ("<ListBucketResult/>".encode("utf-16-le"), "UTF-8"),
        (b"<?xml version='1.0' encoding='cp037'?>" + "<!DOCTYPE a><a/>".encode("cp037"), "UTF-8"),
        (b'<?xml version="1.0" encoding="utf-7"?>+ADwAIQ-DOCTYPE', "UTF-8"),
    ],
)
def test_declarations_are_refused(body: bytes, words: str) -> None:
    """In any encoding."""
    with pytest.raises(ValueError, match=words):
        xmlpage.refuse_declarations(body)


@pytest.mark.parametrize("encoding", ["", ' encoding="UTF-8"', " encoding='utf-8'", ' encoding="US-ASCII"'])
def test_usual_declarations_of_xml_pass(encoding: str) -> None:
    """The first line of a page, as servers write it, and none at all."""
    text = f'<?xml version="1.0"{encoding}?><ListBucketResult/>'.encode()
    xmlpage.refuse_declarations(text)
    xmlpage.refuse_declarations(b"<ListBucketResult/>")
    assert ElementTree.fromstring(text).tag == "ListBucketResult"


def test_facts_that_a_listing_does_not_have_are_none() -> None:
    """The objects are the same as those that have been made with all attributes; unknown ones do not exist."""
    (info,) = rows_of(page(ROW)) or ()
    made = ObjectInfo(key="a", size=5)
    assert (info, repr(info), hash(info)) == (made, repr(made), hash(made))
    (stat,) = Stat.listed(["n"], [info])
    assert stat == Stat.of("n", info) == Stat(name="n", key="a", size=5)
    assert (stat.content_type, stat.all_metadata, stat.md5) == (None, None, None)
    with pytest.raises(AttributeError, match="colour"):
        stat.colour  # type: ignore[attr-defined]  # noqa: B018
