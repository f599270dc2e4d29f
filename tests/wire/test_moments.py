"""Times in responses: read as botocore reads them, but those of listings without its slow parser."""

import pytest
from botocore.utils import parse_timestamp
from dateutil import parser

from s3store.storage import S3Storage
from s3store.wire.sessions import moment


@pytest.mark.parametrize(
    "value",
    [
        "2026-11-26T00:05:00.000Z",
        "2026-11-26T00:05:00Z",
        "2026-11-26T00:05:00.123456Z",
        "2026-11-26T00:05:00.1Z",
        "20261126T000500Z",
        "2026-11-26T02:05:00+02:00",
        "2026-11-26T00:05:00",
        "Thu, 26 Nov 2026 00:05:00 GMT",
        "1795651500",
        1795651500,
    ],
)
def test_a_time_is_the_one_that_botocore_reads(value):
    """In each format that servers use."""
    expected = parse_timestamp(value)
    assert moment(value) == expected
    assert moment(value).utcoffset() == expected.utcoffset()


@pytest.mark.parametrize("value", ["", "Z", "yesterday", "2026-13-45T00:00:00Z"])
def test_what_is_no_time_is_botocores_error(value):
    """Which becomes one of ours."""
    with pytest.raises(ValueError):
        moment(value)


def test_a_listing_is_read_without_the_slow_parser(seaweedfs_options, monkeypatch):
    """It takes most of the time of a page of 1,000 objects."""
    storage = S3Storage(**seaweedfs_options)
    storage.save("a.txt", b"a")
    monkeypatch.setattr(parser, "parse", None)
    ((name, info),) = storage.objects.scan()
    assert name == "a.txt"
    assert info.modified.utcoffset().total_seconds() == 0
