"""Rows OD-37, OD-38, OD-40 to OD-44: what visitors and browsers get, at the endpoint and at the host of file URLs."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from s3store.operations.doctor.examination import BODY
from s3store.storage import S3ManifestStaticStorage, S3StaticStorage, S3Storage
from s3store.testing.fixtures import options_for
from tests.buckets import delete_bucket
from tests.operations.doctor.conftest import ORIGIN, canned, error, examined, ids, once, one, service, storage_at

PROBE = r"/s3store-tests/doctor/[\w-]+/s3store-doctor-"
DENIED = error(403, "AccessDenied")

PUBLIC = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::BUCKET/*"},
        {"Effect": "Allow", "Principal": "*", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::BUCKET"},
    ],
}


@pytest.fixture
def public_bucket(s3_server):
    """A bucket that everybody can read and list."""
    options = options_for(s3_server, f"public-{s3_server.name}")
    client = S3Storage(**options).client
    client.create_bucket(Bucket=options["bucket_name"])
    policy = json.dumps(PUBLIC).replace("BUCKET", options["bucket_name"])
    client.put_bucket_policy(Bucket=options["bucket_name"], Policy=policy)
    yield options
    delete_bucket(S3Storage(**options))


def test_od_37_a_bucket_that_is_public_by_accident(public_bucket):
    """The storage signs its URLs, and nobody needs the signature. The policy that does it is found too."""
    report = examined(S3Storage(**public_bucket, location="media"))
    found = one(report, "public-read", f"/{public_bucket['bucket_name']}/media/s3store-doctor-", level="warning")
    assert found.fixable
    one(report, "public-list", level="warning")
    one(report, "policy-public", "s3:GetObject", level="warning")
    assert "Without credentials, files cannot be read." not in report.passed


def test_od_37_a_bucket_that_is_public_on_purpose(public_bucket):
    """Static files have unsigned URLs: only the listing is a warning."""
    report = examined(S3StaticStorage(**public_bucket))
    assert {"public-read", "policy-public", "not-public"} & set(ids(report)) == set()
    one(report, "public-list")
    assert "Everybody can read the files, as the unsigned URLs need it." in report.passed


def test_a_page_for_visitors_is_not_a_listing(seaweedfs):
    """The server shows a page where a visitor asks for the listing."""
    page = (200, {"Content-Type": "text/html"}, b"<html>Welcome</html>")
    with canned(seaweedfs, (r"GET /s3store-tests/?\?list-type=2&max-keys=1$", page)) as proxy:
        report = examined(storage_at(seaweedfs, proxy.url))
        assert proxy.requests("GET", r"\?list-type=2&max-keys=1$")
    assert "public-list" not in ids(report)
    assert "Without credentials, files cannot be read." in report.passed


@pytest.mark.parametrize("cls", [S3StaticStorage, S3ManifestStaticStorage])
def test_od_38_static_files_that_visitors_cannot_read(seaweedfs, cls):
    """The prefix to make public is named."""
    report = examined(storage_at(seaweedfs, cls=cls, location="static"))
    found = one(report, "not-public", "403", "--public-prefix static/", level="error")
    assert found.fixable


def test_od_38_a_storage_behind_a_domain_needs_no_public_bucket(seaweedfs):
    """CloudFront reads it with Origin Access Control."""
    report = examined(storage_at(seaweedfs, cls=S3StaticStorage, custom_domain="cdn.invalid"))
    assert "not-public" not in ids(report)


# CORS

# Without any rule, moto allows everything.
ANOTHER_SITE = {"AllowedOrigins": ["https://another.example"], "AllowedMethods": ["PUT"], "AllowedHeaders": ["*"]}


def with_rule(server, bucket, **rule):
    """The options of a new bucket with a CORS rule."""
    options = options_for(server, bucket)
    client = S3Storage(**options).client
    client.create_bucket(Bucket=bucket)
    client.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [rule]})
    return S3Storage(**options, location="media")


def test_od_40_no_cors_for_the_site(moto):
    """A preflight is refused. It is an error, because this project serves the endpoints of direct uploads."""
    report = examined(with_rule(moto, "doctor-no-cors", **ANOTHER_SITE))
    found = one(report, "cors-missing", ORIGIN, f"s3 setup --cors-origin {ORIGIN}", level="error")
    assert found.fixable


def test_od_40_each_origin_is_asked(moto):
    """Only those that are refused are findings."""
    rule = {"AllowedOrigins": [ORIGIN], "AllowedMethods": ["PUT"], "AllowedHeaders": ["*"], "ExposeHeaders": ["ETag"]}
    storage = with_rule(moto, "doctor-one-origin", **rule)
    report = examined(storage, origins=["https://other.example", ORIGIN])
    refused = [found for found in report.findings if found.id == "cors-missing"]
    assert ["https://other.example" in found.meaning for found in refused] == [True]
    assert "etag-hidden" not in ids(report)


def test_od_40_a_rule_for_reading_only(moto):
    """It does not allow PUT."""
    answer = (200, {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Methods": "GET"}, b"")
    with canned(moto, ("OPTIONS", answer)) as proxy:
        report = examined(storage_at(moto, proxy.url))
    one(report, "cors-missing", ORIGIN)
    assert not [text for text in report.passed if text.startswith("Browsers can upload from")]


def test_od_40_a_response_that_pages_of_the_site_cannot_read(moto):
    """The preflight is allowed, and the upload itself has no header for it."""
    with canned(moto, (f"PUT {PROBE}.*Signature", (200, {}, b""))) as proxy:
        report = examined(storage_at(moto, proxy.url))
    assert not [text for text in report.passed if text.startswith("Browsers can upload from")]
    assert "etag-hidden" not in ids(report)


def test_od_40_a_rule_for_every_method(moto):
    """An asterisk allows PUT too."""
    answer = (200, {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Methods": "*"}, b"")
    with canned(moto, ("OPTIONS", answer)) as proxy:
        assert "cors-missing" not in ids(examined(storage_at(moto, proxy.url)))


def test_od_41_an_etag_that_scripts_cannot_read(moto):
    """Our own field asks the server for it. Other scripts cannot finish uploads in parts: it is a note."""
    rule = {"AllowedOrigins": ["*"], "AllowedMethods": ["PUT"], "AllowedHeaders": ["*"]}
    report = examined(with_rule(moto, "doctor-no-etag", **rule))
    assert "cors-missing" not in ids(report)
    one(report, "etag-hidden", "ExposeHeaders: ETag", "Expose-Headers: none", "Uppy", level="note")
    assert f"Browsers can upload from {ORIGIN}." in report.passed


@pytest.mark.parametrize(("exposed", "is_hidden"), [("x-amz-request-id", True), ("*", False), ("x-a, ETag", False)])
def test_od_41_headers_that_scripts_can_read(moto, exposed, is_hidden):
    """The finding shows what the server exposes. An asterisk exposes the ETag too."""
    answer = (200, {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": exposed}, b"")
    with canned(moto, (f"PUT {PROBE}.*Signature", answer)) as proxy:
        report = examined(storage_at(moto, proxy.url))
    assert [exposed in found.seen for found in report.findings if found.id == "etag-hidden"] == [True] * is_hidden


def test_od_41_a_rule_that_exposes_it(s3_server):
    """Then browsers can upload."""
    rule = {"AllowedOrigins": [ORIGIN], "AllowedMethods": ["PUT"], "AllowedHeaders": ["*"], "ExposeHeaders": ["ETag"]}
    report = examined(with_rule(s3_server, f"doctor-etag-{s3_server.name}", **rule))
    assert {"cors-missing", "etag-hidden", "upload-refused"} & set(ids(report)) == set()
    assert f"Browsers can upload from {ORIGIN}." in report.passed
    assert "Browsers can upload with a form." in report.passed


def test_cors_is_a_note_without_direct_uploads(moto, settings):
    """The project does not serve their endpoints."""
    settings.ROOT_URLCONF = "tests.operations.doctor.no_urls"
    one(examined(with_rule(moto, "doctor-no-uploads", **ANOTHER_SITE)), "cors-missing", level="note")


def test_the_origins_of_the_site_are_those_of_its_settings(moto, settings):
    """Wildcards are none."""
    settings.ALLOWED_HOSTS = ["*", ".example.org"]
    settings.CSRF_TRUSTED_ORIGINS = ["https://*.example.net", "https://forum.example.com:8443", "https://b.example"]
    report = examined(with_rule(moto, "doctor-origins", **ANOTHER_SITE), origins=None)
    text = " ".join(found.meaning for found in report.findings if found.id == "cors-missing")
    assert "https://b.example" in text
    assert "https://forum.example.com:8443" in text
    assert "example.org" not in text


def test_a_site_without_an_origin(moto, settings):
    """Nothing is known about browsers then."""
    settings.ALLOWED_HOSTS = ["*"]
    one(examined(storage_at(moto), origins=None), "origin-unknown", "--origin", level="note")


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_an_upload_by_a_browser_that_is_refused(moto, method):
    """The credentials may save, and a presigned upload is refused."""
    with canned(moto, (f"{method} .*(Signature|s3store-tests/?$)", DENIED)) as proxy:
        report = examined(storage_at(moto, proxy.url))
    one(report, "upload-refused", method, 'upload_method="put"', level="error")


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_a_refused_upload_is_a_note_without_direct_uploads(moto, settings, method):
    """The project does not serve their endpoints."""
    settings.ROOT_URLCONF = "tests.operations.doctor.no_urls"
    with canned(moto, (f"{method} .*(Signature|s3store-tests/?$)", DENIED)) as proxy:
        one(examined(storage_at(moto, proxy.url)), "upload-refused", method, level="note")
    storage = storage_at(moto, object_parameters={"Tagging": "a=b"}, upload_method="post")
    one(examined(storage), "upload-refused", "Tagging", level="note")


def test_forms_are_not_used_for_servers_without_them(moto):
    """The option says so."""
    with canned(moto, ("POST .*s3store-tests/?$", DENIED)) as proxy:
        report = examined(storage_at(moto, proxy.url, upload_method="put"))
    assert "upload-refused" not in ids(report)
    assert "Browsers can upload with a form." not in report.passed


def test_a_parameter_that_no_form_can_have(moto):
    """The reason is the message of the presigned form."""
    storage = storage_at(moto, object_parameters={"Tagging": "a=b"}, upload_method="post")
    one(examined(storage), "upload-refused", "Tagging", "presigned form (POST)", level="error")


# The host of file URLs


class Front:
    """A server before the bucket, on another host: it returns what `respond(path, headers)` says."""

    def __init__(self, respond):
        front = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                front.paths.append(self.path)
                status, headers, body = respond(self.path, self.headers)
                self.send_response_only(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.paths = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.host = f"127.0.0.1:{self.server.server_port}"

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def behind(server, front, **options):
    """A storage whose files a front serves."""
    return storage_at(server, custom_domain=front.host, url_protocol="http:", **options)


def test_a_domain_that_serves_the_files(moto):
    """One request, and no finding."""
    with Front(lambda path, headers: (200, {}, BODY)) as front:
        report = examined(behind(moto, front, querystring_auth=False))
    assert f"File URLs at {front.host} work." in report.passed
    assert len(front.paths) == 1


def test_od_42_a_cache_that_ignores_the_origin(moto):
    """The second site gets the permission of the first one."""
    with Front(lambda path, headers: (200, {"Access-Control-Allow-Origin": ORIGIN}, BODY)) as front:
        report = examined(behind(moto, front, querystring_auth=False))
    found = one(report, "vary-missing", ORIGIN, level="warning")
    assert found.meaning.startswith(f"{front.host} returns")


@pytest.mark.parametrize("others", ["the same", "*", None])
def test_od_42_a_cache_that_distinguishes_origins(moto, others):
    """It names the origin that asks, allows any other one, or none: no finding."""

    def respond(path, headers):
        allowed = headers["Origin"] if headers["Origin"] == ORIGIN or others == "the same" else others
        return 200, {"Access-Control-Allow-Origin": allowed} if allowed else {}, BODY

    with Front(respond) as front:
        report = examined(behind(moto, front, querystring_auth=False))
    assert "vary-missing" not in ids(report)


def test_od_43_a_domain_that_refuses_signed_urls(seaweedfs):
    """The URL works at the endpoint, and not at the custom domain: most providers refuse it there."""
    with Front(lambda path, headers: (403, {}, error(403, "SignatureDoesNotMatch")[2])) as front:
        report = examined(behind(seaweedfs, front))
    found = one(report, "domain-unsigned", "SignatureDoesNotMatch", "cloudfront_key")
    assert f"and not at {front.host}." in found.meaning
    assert "Signed URLs work." in report.passed
    assert "Signature=" not in json.dumps(report.json())


@pytest.mark.parametrize(
    "response", [DENIED, error(400, "AccessDenied", "Request has expired")], ids=["refused", "expired"]
)
def test_od_43_signed_urls_that_are_refused_at_the_endpoint(moto, response):
    """A proxy removes the query, or the clock of visitors' hosts is wrong."""
    with canned(moto, ("GET .*X-Amz-Signature", response)) as proxy:
        found = one(examined(storage_at(moto, proxy.url)), "signed-url-refused", str(response[0]))
    assert "X-Amz" not in found.seen


def test_od_43_signed_urls_without_a_response(moto):
    """The connection breaks: the URL, and with it the signature, is not shown."""
    broken = service(lambda *_: None)
    with broken as url:
        report = examined(storage_at(moto, public_endpoint_url=url))
    found = one(report, "domain-unreachable", "Correct public_endpoint_url")
    assert f"the host {url.removeprefix('http://')}," in found.meaning
    assert "Signature" not in found.seen


def test_a_public_endpoint_that_serves_something_else(moto):
    """Another host of the same name, or a wrong path."""
    with Front(lambda path, headers: (200, {}, b"hello")) as front:
        report = examined(storage_at(moto, public_endpoint_url=f"http://{front.host}"))
        found = one(report, "domain-refused", "Check public_endpoint_url,", "another content")
        assert f"the host {front.host}," in found.meaning
    with Front(lambda path, headers: (404, {}, b"")) as front:
        report = examined(storage_at(moto, public_endpoint_url=f"http://{front.host}"))
        found = one(report, "domain-refused", "Check public_endpoint_url,", "404")
        assert f"the host {front.host}," in found.meaning


def test_a_public_endpoint_that_works(seaweedfs):
    """A second name of the same server: signed URLs work there too."""
    url = seaweedfs.endpoint_url.replace("127.0.0.1", "localhost")
    report = examined(storage_at(seaweedfs, public_endpoint_url=url))
    assert f"File URLs at {url.partition('//')[2]} work." in report.passed


def test_a_domain_that_refuses_unsigned_urls(moto):
    """Neither signatures nor CloudFront are the reason."""
    with Front(lambda path, headers: (403, {}, DENIED[2])) as front:
        report = examined(behind(moto, front, querystring_auth=False))
    one(report, "domain-refused", "Check custom_domain,", "403 AccessDenied")
    assert not {"domain-unsigned", "cloudfront-origin"} & set(ids(report))


CLOUDFRONT = {"Server": "CloudFront", "X-Cache": "Error from cloudfront", "Via": "1.1 x.cloudfront.net (CloudFront)"}


class Signer:
    """A signer of CloudFront URLs."""

    def generate_presigned_url(self, url, date_less_than):
        return f"{url}?Expires=1&Signature=hunter2signature&Key-Pair-Id=K1"


@pytest.mark.parametrize(("code", "why"), [("MissingKey", "no signature"), ("InvalidKey", "key pair id")])
def test_od_44_cloudfront_refuses_the_key(moto, code, why):
    """CloudFront says which of the two is wrong."""
    with Front(lambda path, headers: (403, CLOUDFRONT, error(403, code)[2])) as front:
        report = examined(behind(moto, front, cloudfront_signer=Signer()))
    one(report, "cloudfront-key", code, why, "cloudfront_key_id")
    assert "hunter2signature" not in json.dumps(report.json())


def test_od_44_cloudfront_refuses_the_signature(moto):
    """Its own AccessDenied comes from CloudFront, not from S3."""
    with Front(lambda path, headers: (403, CLOUDFRONT, DENIED[2])) as front:
        one(examined(behind(moto, front, cloudfront_signer=Signer())), "cloudfront-key", "signature")


@pytest.mark.parametrize("header", CLOUDFRONT)
def test_od_44_cloudfront_may_not_read_the_bucket(moto, header):
    """The refusal comes from S3 behind it. Any of the headers shows CloudFront."""
    with Front(lambda path, fields: (403, {header: CLOUDFRONT[header]}, DENIED[2])) as front:
        one(examined(behind(moto, front, querystring_auth=False)), "cloudfront-origin", "--print-cloudfront")


def test_od_44_cloudfront_may_not_read_the_bucket_for_signed_urls(moto):
    """CloudFront accepts the signature, and the refusal comes from S3."""
    headers = {**CLOUDFRONT, "Server": "AmazonS3"}
    with Front(lambda path, fields: (403, headers, DENIED[2])) as front:
        one(examined(behind(moto, front, cloudfront_signer=Signer())), "cloudfront-origin", "--print-cloudfront")


@pytest.mark.parametrize(
    ("options", "identifier"), [({}, "domain-unsigned"), ({"querystring_auth": False}, "domain-refused")]
)
def test_od_44_cloudfront_asks_for_a_signature_that_the_storage_does_not_make(moto, options, identifier):
    """There is no key of CloudFront that could be wrong, and S3 did not refuse anything."""
    with Front(lambda path, headers: (403, CLOUDFRONT, error(403, "MissingKey")[2])) as front:
        report = examined(behind(moto, front, **options))
    one(report, identifier, "MissingKey")
    assert not {"cloudfront-key", "cloudfront-origin"} & set(ids(report))


def test_od_44_cloudfront_serves_public_files(moto):
    """The storage does not sign their URLs, although it could: nothing is open by accident."""
    with Front(lambda path, headers: (200, CLOUDFRONT, BODY)) as front:
        report = examined(behind(moto, front, cloudfront_signer=Signer(), querystring_auth=False))
    assert "cloudfront-open" not in ids(report)
    assert len(front.paths) == 1


def test_od_44_cloudfront_serves_without_a_signature(moto):
    """The distribution does not restrict its viewers."""
    with Front(lambda path, headers: (200, CLOUDFRONT, BODY)) as front:
        one(examined(behind(moto, front, cloudfront_signer=Signer())), "cloudfront-open", level="warning")
    assert len(front.paths) == 2


def test_od_44_cloudfront_that_is_right(moto):
    """It serves the signed URL only."""

    def respond(path, headers):
        return (200, CLOUDFRONT, BODY) if "Signature=" in path else (403, CLOUDFRONT, error(403, "MissingKey")[2])

    with Front(respond) as front:
        report = examined(behind(moto, front, cloudfront_signer=Signer()))
    assert not {"cloudfront-open", "cloudfront-key", "cloudfront-origin"} & set(ids(report))


def test_a_storage_that_may_only_read_is_examined_with_its_first_file(moto):
    """Signed URLs and the domain are fetched with it."""
    storage = storage_at(moto)
    storage.save("there.txt", b"x")
    with canned(moto, ("PUT", DENIED)) as proxy, Front(lambda path, headers: (200, {}, b"x")) as front:
        options = {"location": storage.options.location, "custom_domain": front.host, "url_protocol": "http:"}
        report = examined(storage_at(moto, proxy.url, **options))
    assert f"File URLs at {front.host} work." in report.passed
    assert "there.txt" in front.paths[0]


def test_an_anonymous_storage_is_only_read(moto):
    """It cannot save, and needs no credentials."""
    storage = storage_at(moto, access_key=None, secret_key=None, anonymous=True, querystring_auth=False)
    report = examined(storage)
    assert "Requests are not signed (anonymous)." in report.passed
    assert report.at("error") == ()
    with canned(moto, ("GET", once(DENIED))) as proxy:
        options = {"access_key": None, "secret_key": None, "anonymous": True}
        one(examined(storage_at(moto, proxy.url, **options)), "list-denied", level="warning")
