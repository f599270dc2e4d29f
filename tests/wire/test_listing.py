"""Pages of listings are parsed faster than botocore does it, with the same result."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore import handlers
from django.core.files.base import ContentFile

from s3store.errors import InvalidResponseError
from s3store.storage import S3Storage
from s3store.testing.fixtures import options_for
from s3store.testing.servers import Server, rclone_server
from s3store.wire.listing import OBJECTS, as_objects, take_entries
from s3store.wire.responses import listed
from tests.faults.proxy import FaultProxy
from tests.testing.test_servers import needs_rclone, wait_until

Make = Callable[..., S3Storage]

ENTRY = (
    "<Contents><Key>a &amp; b</Key><LastModified>2026-01-02T03:04:05.000Z</LastModified><ETag>&quot;e&quot;</ETag>"
    "<ChecksumAlgorithm>CRC32</ChecksumAlgorithm><ChecksumAlgorithm>SHA1</ChecksumAlgorithm>"
    "<ChecksumType>FULL_OBJECT</ChecksumType><Size>5</Size><StorageClass>STANDARD</StorageClass></Contents>"
)


def page(entries: str) -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        f"<Name>bucket</Name>{entries}<IsTruncated>false</IsTruncated></ListBucketResult>"
    )


NAMES = ("a b/ä", "a/&<>'", "plain", "z+%20/1", "a%0Ab", 'quote"s', "\U0001f600")


@pytest.fixture
def behind(moto: Server) -> Iterator[Make]:
    """Make a storage whose requests a function answers."""
    with ExitStack() as stack:

        def make(respond: Any, **options: Any) -> S3Storage:
            proxy = stack.enter_context(FaultProxy(moto.endpoint_url, respond=respond))
            return S3Storage(**{**options_for(moto), "endpoint_url": proxy.url, **options})

        yield make


def taken(body: str, status: int = 200) -> tuple[dict[str, Any], str]:
    """Return what was taken out of a response, and the body that is left."""
    response: dict[str, Any] = {"status_code": status, "body": body.encode()}
    found: dict[str, Any] = {}
    take_entries(response, found)
    return found, response["body"].decode()


@pytest.mark.parametrize("fetch_owner", [False, True])
def test_a_listing_is_the_same_as_from_botocore(s3_options: dict[str, Any], fetch_owner: bool) -> None:
    """Names of all kinds, with owners and without, and prefixes, on each server."""
    storage = S3Storage(**s3_options)
    for name in NAMES:
        storage.save(name, ContentFile(b"12345"))
    client, plain = storage.client, plain_client(s3_options)
    above = f"{s3_options['location']}/"
    counts = []
    for extra in ({"Prefix": above}, {"Prefix": above, "Delimiter": "/"}, {"Prefix": f"{above}nothing"}):
        asked: Any = {"Bucket": storage.bucket_name, "FetchOwner": fetch_owner, **extra}
        ours, theirs = client.list_objects_v2(**asked), plain.list_objects_v2(**asked)
        for answer in (ours, theirs):
            del answer["ResponseMetadata"]  # type: ignore[misc]  # it has the number and the time of the request
        assert ours == theirs
        counts.append(len(ours.get("Contents", ())))
    assert counts == [len(NAMES), 4, 0]


def plain_client(options: dict[str, Any]) -> Any:
    """A client of boto3 that s3store has not changed."""
    return boto3.client(
        "s3",
        endpoint_url=options["endpoint_url"],
        aws_access_key_id=options["access_key"],
        aws_secret_access_key=options["secret_key"],
        region_name=options["region_name"],
    )


def assert_same_rows(options: dict[str, Any]) -> None:
    """The pattern reads what botocore reads, and it is the pattern that reads it."""
    storage, plain = S3Storage(**options), plain_client(options)
    for name in NAMES:
        storage.save(name, ContentFile(b"12345"))
    above = f"{options['location']}/"
    counts = []
    for extra in ({"Prefix": above}, {"Prefix": above, "Delimiter": "/"}, {"Prefix": above, "MaxKeys": 2}):
        asked: Any = {"Bucket": storage.bucket_name, **extra}
        with as_objects():
            ours: Any = storage.client.list_objects_v2(**asked)
        theirs = plain.list_objects_v2(**asked)
        assert ours[OBJECTS] == [listed(entry) for entry in theirs["Contents"]]
        common = (ours.keys() | theirs.keys()) - {"ResponseMetadata", "Contents", OBJECTS}
        assert {name: ours[name] for name in common} == {name: theirs[name] for name in common}
        counts.append(len(ours[OBJECTS]))
    assert counts == [len(NAMES), 4, 2]
    assert sorted(stat.name for stat in storage.scan()) == sorted(NAMES)


def test_the_pattern_reads_what_botocore_reads(s3_options: dict[str, Any]) -> None:
    """Rows, prefixes and tokens, on each server."""
    assert_same_rows(s3_options)


@needs_rclone
def test_the_pattern_reads_what_rclone_sends() -> None:
    """It indents its XML."""
    with rclone_server() as server:
        options = {**options_for(server), "location": "below"}
        S3Storage(**options).client.create_bucket(Bucket=options["bucket_name"])
        assert_same_rows(options)


def test_our_handler_gets_the_body_before_botocores(moto: Server) -> None:
    """botocore's handler for all operations parses each body with status 200, to look for an error."""
    events: Any = S3Storage(**options_for(moto)).client.meta.events
    found = list(events._emitter._handlers.prefix_search("before-parse.s3.ListObjectsV2"))
    assert found.index(take_entries) < found.index(handlers._handle_200_error)


def test_a_document_type_is_refused(moto: Server) -> None:
    """Its entities would be expanded: to gigabytes, in the worst case."""
    bomb = (
        '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>'
        f"<ListBucketResult>{ENTRY.replace('a &amp; b', '&b;')}</ListBucketResult>"
    )
    for body in (bomb, bomb.encode("utf-16").decode("latin-1")):
        with pytest.raises(ValueError, match=r"DOCTYPE|UTF-8"):
            taken(body)

    def respond(method: str, target: str, headers: Any) -> Any:
        return 200, {"Content-Type": "application/xml", "x-amz-request-id": "1"}, bomb.encode()

    with FaultProxy(moto.endpoint_url, respond=respond) as proxy:
        storage = S3Storage(**{**options_for(moto), "endpoint_url": proxy.url})
        with pytest.raises(InvalidResponseError, match="DOCTYPE"):
            list(storage.scan())
        with pytest.raises(ValueError, match="DOCTYPE"):
            storage.client.list_objects_v2(Bucket=storage.bucket_name)


@pytest.mark.parametrize("name", ["rgw-owner", "rgw-delimiter"])
def test_the_pattern_reads_what_ceph_sends(moto: Server, name: str) -> None:
    """Pages of Ceph RGW 16.2.15 for NAMES, which encodes slashes, adds Type, and sends prefixes first."""
    body = (Path(__file__).parent / "pages" / f"{name}.xml").read_bytes()
    with FaultProxy(moto.endpoint_url, respond=lambda *_: (200, {"x-amz-request-id": "1"}, body)) as proxy:
        options = {**options_for(moto), "endpoint_url": proxy.url}
        storage, plain = S3Storage(**options), plain_client(options)
        with as_objects():
            ours: Any = storage.client.list_objects_v2(Bucket=storage.bucket_name)
        theirs = plain.list_objects_v2(Bucket=storage.bucket_name)
    assert ours[OBJECTS] == [listed(entry) for entry in theirs["Contents"]]
    assert ours.get("CommonPrefixes") == theirs.get("CommonPrefixes")
    assert {info.key for info in ours[OBJECTS]} <= {f"below/{name}" for name in NAMES}
    assert len(ours[OBJECTS]) == (7 if name == "rgw-owner" else 4)


def test_rows_that_the_pattern_does_not_know_are_the_same(behind: Make) -> None:
    """A parser of XML reads the page then: here because of a comment, and of an element that is new."""
    body = page(ENTRY.replace("a &amp; b", "a%20b") + "<!-- new -->" + ENTRY.replace("<Size>", "<New/><Size>"))
    body = body.replace("<Name>", "<EncodingType>url</EncodingType><Name>")
    answer = (200, {"x-amz-request-id": "1"}, body.encode())
    assert [(stat.name, stat.size, stat.etag) for stat in behind(lambda *_: answer, location="").scan()] == [
        ("a b", 5, '"e"'),
        ("a & b", 5, '"e"'),
    ]


# The next page


def numbered(
    behind: Make,
    pages: int,
    seen: list[str],
    refused: int = -1,
    slow: threading.Event | None = None,
    **options: Any,
) -> S3Storage:
    """A storage whose listing has that many pages of one row. `seen` gets the token of each request.

    `refused` is the number of a page that is refused; the response to page 2 waits for `slow`.
    """

    def respond(method: str, target: str, headers: Any) -> Any:
        number = int(target.partition("continuation-token=")[2].partition("&")[0] or 0)
        seen.append(f"page {number}")
        if slow and number == 2:
            slow.wait(20)
        if number == refused:
            return 403, {"x-amz-request-id": "1"}, b"<Error><Code>AccessDenied</Code></Error>"
        more = f"<IsTruncated>true</IsTruncated><NextContinuationToken>{number + 1}</NextContinuationToken>"
        row = f"<Contents><Key>{number}</Key><Size>1</Size></Contents>"
        body = f"<ListBucketResult>{more if number + 1 < pages else ''}{row}</ListBucketResult>"
        return 200, {"x-amz-request-id": "1"}, body.encode()

    return behind(respond, location="", **options)


def ahead() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "s3store-ahead"]


def test_the_next_page_arrives_while_one_is_processed(behind: Make) -> None:
    """From the second page on, so that a caller who needs only the first pays for no other."""
    seen: list[str] = []
    files = numbered(behind, 4, seen).scan()
    assert next(files).name == "0"
    assert seen == ["page 0"]
    assert next(files).name == "1"
    assert next(files).name == "2"
    assert [stat.name for stat in files] == ["3"]
    assert seen == ["page 0", "page 1", "page 2", "page 3"]
    assert ahead() == []


def test_a_page_is_requested_before_the_one_before_it_is_processed(behind: Make) -> None:
    """The round trip is over by then. A caller that stops waits for the response, and leaves no thread."""
    seen: list[str] = []
    answered = threading.Event()
    files = numbered(behind, 9, seen, slow=answered).scan()
    next(files), next(files)
    assert wait_until(lambda: len(seen) == 3)
    threading.Timer(0.2, answered.set).start()
    files.close()  # type: ignore[attr-defined]
    assert answered.is_set()
    assert ahead() == []
    assert seen == ["page 0", "page 1", "page 2"]


def test_a_storage_without_threads_requests_one_page_after_the_other(behind: Make) -> None:
    """In the caller's own."""
    seen: list[str] = []
    files = numbered(behind, 3, seen, use_threads=False).scan()
    next(files), next(files)
    assert ahead() == []
    assert seen == ["page 0", "page 1"]
    assert len(list(files)) == 1


def test_an_error_of_the_next_page_is_raised_where_it_is_needed(behind: Make) -> None:
    """The page before it is complete."""
    seen: list[str] = []
    found = []
    with pytest.raises(PermissionError):
        for stat in numbered(behind, 9, seen, refused=2).scan():
            found.append(stat.name)
    assert found == ["0", "1"]
    assert ahead() == []


def test_entries_are_taken_out_of_the_body() -> None:
    """botocore, which parses each body twice, gets what is left."""
    found, left = taken(page(ENTRY * 2))
    assert found["Contents"] == 2 * [
        {
            "Key": "a & b",
            "LastModified": datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc),
            "ETag": '"e"',
            "ChecksumAlgorithm": ["CRC32", "SHA1"],
            "ChecksumType": "FULL_OBJECT",
            "Size": 5,
            "StorageClass": "STANDARD",
        }
    ]
    assert "Key" not in left
    assert "IsTruncated" in left


@pytest.mark.parametrize(
    "body",
    [
        page(""),
        page(ENTRY.replace("<Size>5", "<Size>five")),
        page(ENTRY.replace("<Size>5", "<Size>")),
        page(ENTRY.replace("2026-01-02T", "yesterday")),
        page(ENTRY.replace("STANDARD", "<Owner/>")),
        page(ENTRY.replace("<Size>5</Size>", "<Size>5</Size><Size>6</Size>")),
        page(ENTRY.replace("<Size>5</Size>", "<RestoreStatus/>")),
        page(ENTRY)[:-9],
        "",
        "<html><body>Please log in.</body></html>",
        "<Error><Code>InternalError</Code></Error>",
    ],
)
def test_what_is_unusual_is_left_to_botocore(body: str) -> None:
    """Its errors, and its treatment of elements that are new."""
    assert taken(body) == ({}, body)


def test_errors_are_left_to_botocore() -> None:
    """Whatever their body looks like."""
    assert taken(page(ENTRY), status=500) == ({}, page(ENTRY))
