"""Rows OD-13 to OD-26: the clock, the region, the bucket, the endpoint, and what is in between."""

import contextlib
import json
import re
import socket
import threading
import time

import pytest

from s3store.storage import S3Storage
from s3store.testing.fixtures import options_for
from tests.clock import standing_at
from tests.faults.proxy import FaultProxy
from tests.operations.doctor.conftest import canned, ends_with, error, examined, ids, one, service, storage_at

LISTING = b"<ListBucketResult><Name>s3store-tests</Name><KeyCount>0</KeyCount><MaxKeys>1</MaxKeys></ListBucketResult>"
PAGE = b"<html><body>Welcome</body></html>"
HTML = {"Content-Type": "text/html"}


@pytest.mark.parametrize("server", ["seaweedfs", "rclone"])
@pytest.mark.parametrize(("minutes", "direction"), [(20, "fast"), (-20, "slow")])
def test_od_13_a_clock_that_is_wrong(server, minutes, direction, request):
    """The server refuses the signature. The finding says by how much, and in which direction."""
    there = request.getfixturevalue(server)
    moment = time.time() + minutes * 60
    with standing_at(moment):
        report = examined(storage_at(there), clock=lambda: moment)
    found = ends_with(report, "clock-wrong", direction, "timedatectl")
    seconds = int(found.meaning.split(" seconds")[0].rpartition(" ")[2])
    assert abs(seconds - 1200) < 30


def test_od_13_the_code_of_s3_is_enough(moto):
    """Even if the header Date is missing or right."""
    with canned(moto, ("GET", error(403, "RequestTimeTooSkewed", ServerTime="2026-01-01T00:00:00Z"))) as proxy:
        ends_with(examined(storage_at(moto, proxy.url)), "clock-wrong", "RequestTimeTooSkewed")


def test_od_13_a_small_difference_is_a_warning(moto):
    """A minute and a half is allowed, but makes signed URLs start late."""
    report = examined(storage_at(moto), clock=lambda: time.time() - 95)
    found = one(report, "clock-differs", "9", "slow", level="warning")
    assert re.fullmatch(r"Date: \w+, .* GMT", found.seen)
    assert any(text.startswith("Delete") for text in report.passed)


def test_od_13_a_clock_that_a_server_does_not_mind(moto):
    """It accepts requests at any time: a large difference is a warning too, and the examination goes on."""
    report = examined(storage_at(moto), clock=lambda: time.time() + 1200)
    one(report, "clock-differs", "fast", level="warning")
    assert any(text.startswith("Delete") for text in report.passed)


@pytest.mark.parametrize(
    "response",
    [
        pytest.param((200, {"x-amz-bucket-region": "eu-west-3"}, LISTING), id="followed-silently"),
        pytest.param(error(400, "AuthorizationHeaderMalformed", Region="eu-west-3"), id="malformed"),
        pytest.param(
            (301, {"x-amz-bucket-region": "eu-west-3"}, b"<Error><Code>PermanentRedirect</Code></Error>"), id="moved"
        ),
    ],
)
def test_od_14_a_bucket_in_another_region(moto, response):
    """The region of the bucket is the value to write, even if the listing succeeded."""
    with canned(moto, ("GET", response)) as proxy:
        report = examined(storage_at(moto, proxy.url))
    ends_with(report, "region-wrong", 'region_name="eu-west-3"', "us-east-1")


@pytest.mark.parametrize("status", [302, 307])
def test_od_15_a_listing_that_is_redirected(moto, status):
    """S3 redirects with 307 until every host knows the bucket; proxies redirect to a page for the login."""
    redirect = (status, {"Location": "http://there/"}, b"<Error><Code>TemporaryRedirect</Code></Error>")
    with canned(moto, ("GET .*list-type", redirect)) as proxy:
        ends_with(examined(storage_at(moto, proxy.url)), "redirected", f"{status} TemporaryRedirect", "http://there/")


def test_od_15_a_signed_url_that_is_redirected(moto):
    """The query of the target can be a signature."""
    with canned(moto, ("GET .*X-Amz-Signature", (307, {"Location": "http://there/?X-Amz-Signature=1"}, b""))) as proxy:
        found = one(examined(storage_at(moto, proxy.url)), "redirected", "http://there/")
    assert "Signature=1" not in found.seen


@pytest.mark.parametrize("server", ["moto", "seaweedfs", "rclone"])
def test_od_16_a_bucket_that_does_not_exist(server, request):
    """The bucket, the endpoint and the command that creates it are named."""
    report = examined(storage_at(request.getfixturevalue(server), bucket_name="no-such-bucket"))
    found = ends_with(report, "bucket-missing", "no-such-bucket", "127.0.0.1", "s3 setup")
    assert found.fixable


def test_od_17_a_bucket_of_another_account(moto):
    """All requests are refused, and the account's own buckets do not include it."""
    with canned(moto, ("/somebody-elses", error(403, "AccessDenied"))) as proxy:
        report = examined(storage_at(moto, proxy.url, bucket_name="somebody-elses"))
    ends_with(report, "bucket-of-others", "somebody-elses", "another account")


@pytest.mark.parametrize("listed", [error(403, "AccessDenied"), None], ids=["not-allowed", "its-own"])
def test_od_17_a_bucket_that_may_be_ones_own(moto, listed):
    """Without the list of buckets, or if it is in the list, only the permissions are missing."""
    rules = [("/s3store-tests", error(403, "AccessDenied"))]
    if listed:
        rules.append((r"GET /(\?x-id=ListBuckets)?$", listed))
    with canned(moto, *rules) as proxy:
        report = examined(storage_at(moto, proxy.url))
    assert {"list-denied", "write-denied"} <= set(ids(report))
    assert "bucket-of-others" not in ids(report)


def test_an_owner_that_is_not_the_expected_one(moto):
    """The requests succeed without expected_bucket_owner."""

    def refuse(headers):
        return error(403, "AccessDenied") if "x-amz-expected-bucket-owner" in headers else None

    with canned(moto, (".", refuse)) as proxy:
        report = examined(storage_at(moto, proxy.url, expected_bucket_owner="111122223333"))
    one(report, "owner-differs", "111122223333")


def test_an_expected_owner_is_not_blamed_for_requests_that_are_refused_without_it(moto):
    """The listing is asked for again without it, and refused again: the permission is missing."""
    with canned(moto, ("GET .*list-type=2", error(403, "AccessDenied"))) as proxy:
        report = examined(storage_at(moto, proxy.url, expected_bucket_owner="123456789012"))
    assert "owner-differs" not in ids(report)
    one(report, "list-denied")


@pytest.mark.parametrize("server", ["moto", "seaweedfs", "rclone"])
def test_od_18_an_endpoint_with_the_bucket_in_its_path(server, request, monkeypatch):
    """The options refuse it; in the environment only an examination finds it."""
    there = request.getfixturevalue(server)
    bucket = options_for(there)["bucket_name"]
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"{there.endpoint_url}/{bucket}")
    report = examined(storage_at(there, endpoint_url=None))
    ends_with(report, "bucket-in-endpoint", f"Remove /{bucket}", "keys below s3store-tests/")
    assert report.requests == 0


def test_od_18_a_listing_for_which_a_key_is_missing(moto):
    """Behind a proxy that adds the bucket, S3 takes the bucket of the request for a key."""
    with canned(moto, ("GET", error(404, "NoSuchKey"))) as proxy:
        ends_with(examined(storage_at(moto, proxy.url)), "bucket-in-endpoint", "NoSuchKey")


def test_od_18_the_options_refuse_it(settings, moto):
    """The message of the option is the finding."""
    settings.AWS_S3_ENDPOINT_URL = f"{moto.endpoint_url}/some-bucket"
    one(examined(S3Storage(bucket_name="some-bucket")), "settings-invalid", "contains the bucket", "s3store.E006")


def test_od_19_an_endpoint_with_the_bucket_in_its_host(seaweedfs, monkeypatch):
    """The endpoint to write is the one without the bucket."""
    port = seaweedfs.endpoint_url.rpartition(":")[2]
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://s3store-tests.localhost:{port}")
    report = examined(storage_at(seaweedfs, endpoint_url=None))
    ends_with(report, "bucket-in-host", f"http://localhost:{port}")


def test_od_20_a_server_that_needs_the_path_style(rclone):
    """The other style is tried with one request, and is the value to write."""
    url = rclone.endpoint_url.replace("127.0.0.1", "localhost")
    report = examined(storage_at(rclone, endpoint_url=url, addressing_style="virtual"))
    ends_with(report, "style-wrong", 'addressing_style="path"', "in the host fail")


def test_od_20_a_server_that_needs_the_virtual_style(moto):
    """Alibaba says so by its code."""
    with canned(moto, ("GET", error(403, "SecondLevelDomainForbidden"))) as proxy:
        ends_with(examined(storage_at(moto, proxy.url)), "style-wrong", 'addressing_style="virtual"')


def test_od_20_a_server_that_ignores_the_host(moto):
    """It responds with a list of buckets, which is not a listing."""
    buckets = (200, {}, b"<ListAllMyBucketsResult><Buckets/></ListAllMyBucketsResult>")
    with canned(moto, ("GET", buckets)) as proxy:
        ends_with(examined(storage_at(moto, proxy.url)), "not-s3", "is not a listing")


@pytest.mark.parametrize("element", ["<Name>s3store-tests</Name>", "<IsTruncated>false</IsTruncated>"])
def test_a_listing_with_little_in_it(moto, element):
    """Servers leave elements out: one of those that only listings have is enough."""
    listing = (200, {}, f"<ListBucketResult>{element}</ListBucketResult>".encode())
    with canned(moto, ("GET .*list-type=2.*prefix", listing)) as proxy:
        report = examined(storage_at(moto, proxy.url))
    assert "not-s3" not in ids(report)
    assert any(text.startswith("Delete") for text in report.passed)


def test_od_21_a_bucket_with_dots_over_https(moto, certificates):
    """boto3 and s3store put the bucket in the path then; the virtual style cannot work."""
    context, bundle = certificates
    S3Storage(**{**options_for(moto), "bucket_name": "files.example.com"}).client.create_bucket(
        Bucket="files.example.com"
    )
    with FaultProxy(moto.endpoint_url, tls=context) as proxy:
        storage = storage_at(
            moto, proxy.url, bucket_name="files.example.com", addressing_style="virtual", verify=bundle
        )
        report = examined(storage)
        options = {"bucket_name": "files.example.com", "addressing_style": "path"}
        in_path = examined(storage_at(moto, proxy.url, **options, verify=bundle))
        without_dots = examined(storage_at(moto, proxy.url, addressing_style="virtual", verify=bundle))
    without_tls = examined(storage_at(moto, bucket_name="files.example.com", addressing_style="virtual"))
    one(report, "bucket-with-dots", "files.example.com", 'addressing_style="path"', level="warning")
    assert any(text.startswith("Delete") for text in report.passed)
    for report in (in_path, without_dots, without_tls):
        assert "bucket-with-dots" not in ids(report)


def test_od_22_https_at_a_port_for_http(moto):
    """The URL to write has the other scheme."""
    report = examined(storage_at(moto, moto.endpoint_url.replace("http:", "https:")))
    ends_with(report, "scheme-wrong", f"endpoint_url='{moto.endpoint_url}'")


def test_od_22_http_at_a_port_for_https(moto, certificates):
    """The connection breaks, and a TLS handshake at the port succeeds."""
    with FaultProxy(moto.endpoint_url, tls=certificates[0]) as proxy:
        report = examined(storage_at(moto, proxy.url.replace("https:", "http:")))
        ends_with(report, "scheme-wrong", f"endpoint_url='{proxy.url}'")


def test_od_22_the_handshake_names_the_host(moto, certificates, monkeypatch):
    """Servers with several certificates refuse one without a name."""
    named = []
    monkeypatch.setattr(certificates[0], "sni_callback", lambda connection, name, context: named.append(name))
    with FaultProxy(moto.endpoint_url, tls=certificates[0]) as proxy:
        url = proxy.url.replace("https://127.0.0.1", "http://localhost")
        ends_with(examined(storage_at(moto, url, addressing_style="path")), "scheme-wrong", "https://localhost")
    assert named == ["localhost"]


def test_od_22_a_server_that_explains_it_in_plain_text(moto):
    """Go's servers respond with 400 to plain HTTP. Without TLS at the port, it is another server."""
    with service(lambda *_: (400, b"Client sent an HTTP request to an HTTPS server.\n")) as url:
        one(examined(storage_at(moto, url)), "unexpected", "400")


def test_od_22_a_server_that_explains_it_at_a_port_for_https(moto, certificates):
    """Go's servers respond in plain text to plain HTTP, and with TLS to a handshake."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(8)
        port = listener.getsockname()[1]

        def serve():
            while True:
                try:
                    plain, _ = listener.accept()
                except OSError:
                    return
                with plain, contextlib.suppress(OSError):
                    if plain.recv(1, socket.MSG_PEEK) == b"\x16":
                        certificates[0].wrap_socket(plain, server_side=True).close()
                    else:
                        plain.recv(65536)
                        plain.sendall(b"HTTP/1.0 400 Bad Request\r\nContent-Length: 2\r\n\r\nno")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        report = examined(storage_at(moto, f"http://127.0.0.1:{port}"))
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(10)
    ends_with(report, "scheme-wrong", f"endpoint_url='https://127.0.0.1:{port}'")


def test_od_23_a_certificate_of_an_unknown_authority(moto, certificates):
    """The reason is the one of the TLS library; the file of the authority mends it."""
    context, bundle = certificates
    with FaultProxy(moto.endpoint_url, tls=context) as proxy:
        report = examined(storage_at(moto, proxy.url))
        ends_with(report, "certificate", "CERTIFICATE_VERIFY_FAILED", "AWS_CA_BUNDLE", "; issuer OU=Testing CA #")
        (found,) = report.findings
        assert "; subject OU=Testing cert #" in found.seen
        assert re.search(r"; expires \d{14}Z", found.seen)
        report = examined(storage_at(moto, proxy.url, verify=bundle))
    assert any(text.startswith("Delete") for text in report.passed)


@pytest.mark.parametrize(
    "answer",
    [(407, b""), (403, PAGE, HTML), (200, PAGE, HTML), None],
    ids=["authentication", "forbidden", "login-page", "closed"],
)
def test_od_24_a_proxy_that_responds_itself(moto, monkeypatch, answer):
    """The variable is named, and not its value, which can contain a password."""
    with service(lambda *_: answer) as url:
        monkeypatch.setenv("HTTP_PROXY", url.replace("//", "//ann:hunter2pass@"))
        report = examined(storage_at(moto, "http://s3.example"))
    ends_with(report, "proxy", "HTTP_PROXY", "NO_PROXY=s3.example")
    assert "hunter2pass" not in json.dumps(report.json())


@pytest.mark.parametrize("endpoint", ["http://s3.example", None], ids=["unknown-host", "known-host"])
def test_od_24_a_proxy_that_never_responds(moto, monkeypatch, endpoint):
    """Whether this machine knows the host of the server or not: the requests go to the proxy."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(8)
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{silent.getsockname()[1]}")
        report = examined(storage_at(moto, endpoint, read_timeout=0.2))
    ends_with(report, "proxy", "http_proxy")


def test_od_24_a_proxy_that_is_not_there(moto):
    """The option is named."""
    report = examined(storage_at(moto, "http://s3.example", proxies={"http": "http://ann:hunter2pass@127.0.0.1:1"}))
    ends_with(report, "proxy", "the option proxies", "cannot be reached")
    assert "hunter2pass" not in json.dumps(report.json())


def test_od_24_a_proxy_that_is_configured_in_another_way(moto, monkeypatch):
    """Python knows the variable in any case of letters: the proxy is to blame, not the endpoint."""
    monkeypatch.setenv("Http_Proxy", "http://127.0.0.1:1")
    report = examined(storage_at(moto, "http://s3.example"))
    ends_with(report, "proxy", "the configuration of botocore", "cannot be reached")


def test_od_25_a_host_that_does_not_exist(moto):
    """The step that failed is the look-up of the host."""
    ends_with(examined(storage_at(moto, "http://s3.invalid:9000")), "host-unknown", "s3.invalid")


def test_od_25_a_port_at_which_nothing_listens(moto):
    """The step that failed is the connection."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        report = examined(storage_at(moto, f"http://127.0.0.1:{port}"))
    ends_with(report, "not-reachable", f"127.0.0.1:{port}", "refused")


def test_od_25_a_server_that_never_responds(moto):
    """The connection succeeds, and the time for the response ends."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(8)
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        report = examined(storage_at(moto, url, read_timeout=0.2))
    ends_with(report, "no-response", "Read timeout")


@pytest.mark.parametrize(
    "endpoint", ["s3.example.com", "127.0.0.1:9000", "ftp://s3.example.com", "http://[s3", "http://s3:99999"]
)
def test_od_25_an_endpoint_that_is_not_a_url(moto, monkeypatch, endpoint):
    """In the environment, nothing checks it before."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", endpoint)
    report = examined(storage_at(moto, endpoint_url=None))
    ends_with(report, "endpoint-invalid", endpoint)


@pytest.mark.parametrize("region", ["us-east-1", None])
def test_od_25_an_endpoint_that_boto3_does_not_accept(moto, monkeypatch, region):
    """What boto3 says is in the finding, and an example of an endpoint. The region is not blamed."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://s3_.-.example")
    # Tests with the same options share a client, and it keeps its endpoint.
    report = examined(storage_at(moto, endpoint_url=None, region_name=region, read_timeout=7))
    found = ends_with(
        report, "endpoint-invalid", "Invalid endpoint", "'http://s3_.-.example'", "https://s3.example.com"
    )
    assert "…" not in found.action
    assert report.requests == 0


def test_od_14_a_region_that_cannot_be_one(moto, monkeypatch):
    """The options refuse it; in the environment only an examination finds it. The endpoint is not blamed."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu west")
    report = examined(storage_at(moto, region_name=None))
    ends_with(report, "region-invalid", "'eu west'", "AWS_DEFAULT_REGION")
    assert report.requests == 0


@pytest.mark.parametrize("answer", [(200, PAGE, HTML), (404, PAGE, HTML), (405, b"")], ids=["page", "missing", "verb"])
def test_od_26_a_website_as_the_endpoint(moto, answer):
    """Pages of HTML come from websites, consoles and CDNs."""
    with service(lambda *_: answer) as url:
        ends_with(examined(storage_at(moto, url)), "not-s3", str(answer[0]), url)
