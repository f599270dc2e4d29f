"""Responses that are not what they should be, as an examination sees them."""

from __future__ import annotations

import pytest

from s3store.conf.options import Options
from s3store.wire.examining import Examiner, Reply
from tests.operations.doctor.conftest import service


class Broken:
    """A body whose connection breaks."""

    def read(self) -> bytes:
        raise OSError("reset")


def test_a_body_that_breaks_is_empty() -> None:
    """The examination says then that other bytes came back."""
    assert Examiner(Options()).read(Reply(status=200, value={"Body": Broken()})) == b""


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"<Error><Code>AccessDenied</Code><Message/></Error>", "AccessDenied"),
        (b"<ListBucketResult/>", ""),
        (b"<Error><Code>", ""),
        (b"no XML", ""),
        (b'<!DOCTYPE x [<!ENTITY a "b">]><Error><Code>&a;</Code></Error>', ""),
    ],
)
def test_the_code_of_a_response_that_boto3_has_not_read(body: bytes, code: str) -> None:
    """It is that of an error of S3. A document type is refused."""
    with service(lambda *_: (403, body)) as url:
        options = Options(bucket_name="b", endpoint_url=url, access_key="k", secret_key="s")
        reply = Examiner(options).fetch("GET", f"{url}/b/k?X-Amz-Signature=1")
    assert (reply.status, reply.code) == (403, code)
    assert not reply.ok
