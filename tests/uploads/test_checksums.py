"""Checksums of direct uploads: an option, compared by the server."""

import base64
import re
import zlib

import pytest

from s3store.core.providers import without_checksums
from s3store.storage import S3Storage
from s3store.uploads import service
from s3store.uploads.requests import CHECKSUM_HEADER, takes_checksums
from s3store.widgets import S3FileInput
from s3store.wire.bucket import Bucket
from tests.faults.proxy import FaultProxy
from tests.uploads.client import begin, http, post, send_raw

SIZE = 33 << 20
CONTENT = bytes(range(256)) * (SIZE // 256)


def crc(content):
    return base64.b64encode(zlib.crc32(content).to_bytes(4, "big")).decode()


@pytest.fixture
def checked(declare, seaweedfs_options):
    """A destination with checksums, on a server that compares them."""
    return declare("checked", storage=S3Storage(**seaweedfs_options, upload_checksum="crc32"), max_size=64 << 20)


def piece(part, size):
    return CONTENT[(part["number"] - 1) * size :][: part["size"]]


def test_the_sum_is_the_usual_one():
    """The check value of CRC-32."""
    assert zlib.crc32(b"123456789") == 0xCBF43926
    assert service.check_checksum(crc(b"123456789"), "checksum") is None


@pytest.mark.parametrize(("content", "status"), [(b"hello", 200), (b"hellO", 400)], ids=["right", "flipped"])
def test_ub_21_the_server_refuses_a_file_with_another_sum(client, checked, content, status):
    """The file goes by a PUT, whose signature contains the checksum."""
    begun = begin(client, "checked", "a.txt", 5, checksum=crc(b"hello"))
    assert (begun["mode"], begun["headers"][CHECKSUM_HEADER]) == ("put", crc(b"hello"))
    assert CHECKSUM_HEADER in begun["url"]
    sent = send_raw(begun, content)
    assert (sent.status, b"BadDigest" in sent.data) == (status, status == 400)
    assert bool(list(checked.find_storage().scan("incoming"))) == (status == 200)


def test_ub_21_the_signature_contains_the_sum(client, checked):
    """A client cannot send another sum for other bytes."""
    begun = begin(client, "checked", "a.txt", 5, checksum=crc(b"hello"))
    assert send_raw(begun, b"hellO", **{CHECKSUM_HEADER: crc(b"hellO")}).status == 403


def test_ub_21_each_part_has_its_sum(client, checked):
    """No part is signed before its sum is known. A part with another sum is refused, and sent again."""
    begun = begin(client, "checked", "film.bin", SIZE, checksum="")
    assert (begun["mode"], begun["parts"], begun["part_count"]) == ("multipart", [], 5)
    size, ticket = begun["part_size"], begun["ticket"]
    sums = {str(number): crc(CONTENT[(number - 1) * size : number * size]) for number in range(1, 6)}
    signed = post(client, "sign", {"ticket": ticket, "numbers": [1, 2, 3, 4, 5], "checksums": sums}).json()["parts"]
    assert [part["headers"] for part in signed] == [{CHECKSUM_HEADER: one} for one in sums.values()]
    first = signed[0]
    damaged = b"?" + piece(first, size)[1:]
    assert http.request("PUT", first["url"], body=damaged, headers=first["headers"]).status == 400
    assert [
        http.request("PUT", part["url"], body=piece(part, size), headers=part["headers"]).status for part in signed
    ] == [200] * 5
    done = post(client, "complete", {"ticket": ticket})
    assert (done.status_code, done.json()["size"]) == (200, SIZE)


WRONG = ["hello", "AAAA", "AAAAAA=", "AAAAAB==", "AAAAAAA=", crc(b"") * 2, crc(b"") + "\n"]


@pytest.mark.parametrize("text", WRONG)
def test_ub_21_a_text_that_is_no_sum_is_refused(client, checked, text):
    """Before anything is signed with it."""
    answer = post(client, "begin", {"destination": _label("checked"), "name": "a", "size": 5, "checksum": text})
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, "checksum")
    ticket = begin(client, "checked", "film.bin", SIZE, checksum="")["ticket"]
    for sums in ({"1": text}, {"2": crc(b"")}, {"1": None}):
        answer = post(client, "sign", {"ticket": ticket, "numbers": [1], "checksums": sums})
        assert (answer.status_code, answer.json()["error"]["field"]) == (400, "checksums")


def _label(label):
    from s3store.uploads import signed_label

    return signed_label(label)


def test_ub_21_other_clients_need_no_sums(client, checked):
    """Without the member, the upload is as it is without the option."""
    assert begin(client, "checked", "a.txt", 5)["mode"] == "post"
    begun = begin(client, "checked", "film.bin", SIZE)
    assert [part["number"] for part in begun["parts"]] == [1, 2, 3, 4, 5]
    assert CHECKSUM_HEADER not in begun["parts"][0]["url"]
    again = post(client, "sign", {"ticket": begun["ticket"], "numbers": [1], "checksums": {}}).json()
    assert "headers" not in again["parts"][0]


def test_ub_21_without_the_option_sums_are_ignored(client, strict):
    """A page that was open when the option was removed goes on."""
    assert begin(client, "strict", "a.txt", 5, checksum=crc(b"hello"))["mode"] == "post"
    begun = begin(client, "strict", "film.bin", SIZE, checksum="")
    assert len(begun["parts"]) == 5
    signed = post(client, "sign", {"ticket": begun["ticket"], "numbers": [1], "checksums": {"1": crc(b"")}}).json()
    assert CHECKSUM_HEADER not in signed["parts"][0]["url"]


def test_ub_20_ub_21_only_aws_must_know_the_algorithm_before(client, declare, seaweedfs_options, monkeypatch):
    """AWS refuses sums of parts without it. Others demand the sums again at the end if they know it, and list none."""
    named = []

    def respond(method, target, headers):
        if method == "POST" and re.search(r"\?uploads", target):
            named.append(
                next(
                    (value for name, value in dict(headers).items() if name.lower() == "x-amz-checksum-algorithm"), None
                )
            )

    with FaultProxy(seaweedfs_options["endpoint_url"], respond=respond) as proxy:
        options = {**seaweedfs_options, "endpoint_url": proxy.url, "upload_checksum": "crc32"}
        declare("checked", storage=S3Storage(**options), max_size=64 << 20)
        begin(client, "checked", "film.bin", SIZE, checksum="")
        monkeypatch.setattr(Bucket, "is_aws", True)
        begin(client, "checked", "film.bin", SIZE, checksum="")
        begin(client, "checked", "film.bin", SIZE)
    assert named == [None, "CRC32", None]


LISTED = b"""<ListPartsResult><IsTruncated>false</IsTruncated><Part><PartNumber>1</PartNumber><ETag>"e"</ETag>
<Size>5</Size><ChecksumCRC32>NhCmhg==</ChecksumCRC32></Part></ListPartsResult>"""


def test_ub_21_the_sums_that_aws_lists_complete_the_upload(seaweedfs_options):
    """AWS: "ListParts" has them if the upload has named the algorithm."""
    answer = (200, {"Content-Type": "application/xml"}, LISTED)
    with FaultProxy(seaweedfs_options["endpoint_url"], respond=lambda *_: answer) as proxy:
        bucket = S3Storage(**{**seaweedfs_options, "endpoint_url": proxy.url}).objects.bucket
        (part,) = bucket.list_parts("a", "1", {})
    assert part.checksums == {"ChecksumCRC32": "NhCmhg=="}


@pytest.mark.parametrize(
    ("provider", "endpoint", "title"),
    [
        (None, None, None),
        ("aws", None, None),
        (None, "https://s3.eu-central-1.amazonaws.com", None),
        (None, "https://s3.example", None),
        ("seaweedfs", "https://s3.example", None),
        ("minio", "https://s3.example", "MinIO"),
        (None, "https://0.r2.cloudflarestorage.com", "Cloudflare R2"),
        ("acme", "https://storage.googleapis.com", "Google Cloud Storage"),
    ],
)
def test_ub_21_where_no_sum_is_compared_none_is_sent(provider, endpoint, title):
    """What a provider does not document is off. A server that nobody knows is believed to do what was asked for."""
    assert without_checksums(provider, endpoint) == title


def test_ub_21_the_twin_sends_no_sums(twin):
    """The bytes do not leave the machine."""
    assert not takes_checksums(twin.objects)


def test_ub_21_the_widget_loads_one_module_more(checked, strict):
    """Only with the option. It finds the engine by the URL after its #."""
    with_it, without = (S3FileInput(destination=label)._settings()["engine"] for label in ("checked", "strict"))
    assert re.fullmatch(r"/static/s3store/checked\.\w*\.?js#/static/s3store/engine\.\w*\.?js", with_it), with_it
    assert with_it.endswith(f"#{without}")
