"""Servers for the examination of buckets: real ones, and a proxy that responds in their place."""

import re
import threading
import uuid
from contextlib import ExitStack, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from s3store.operations.doctor import examine
from s3store.storage import S3Storage
from s3store.testing import servers
from s3store.testing.fixtures import options_for
from tests.buckets import delete_bucket, names_of_buckets
from tests.faults.proxy import FaultProxy

ORIGIN = "https://www.example.com"


def xml(code, message="m", **more):
    """The body of an error of S3."""
    elements = "".join(f"<{name}>{text}</{name}>" for name, text in more.items())
    return f"<Error><Code>{code}</Code><Message>{message}</Message>{elements}</Error>".encode()


def error(status, code, message="m", **more):
    """An error of S3 as a canned response."""
    return status, {"Content-Type": "application/xml", "x-amz-request-id": "R1"}, xml(code, message, **more)


def once(response):
    """A response for the first request only."""
    left = [response]
    return lambda headers: left.pop() if left else None


@contextmanager
def canned(server, *rules):
    """A proxy that responds to requests whose "METHOD target" matches a pattern; the server responds to the others.

    A rule is a pattern with a response, or with a function of the headers of the request, which may return None.
    """

    def respond(method, target, headers):
        for pattern, response in rules:
            if re.search(pattern, f"{method} {target}"):
                answer = response(headers) if callable(response) else response
                if answer is not None:
                    return answer
        return None

    with FaultProxy(server.endpoint_url, respond=respond) as proxy:
        yield proxy


@contextmanager
def service(respond):
    """An HTTP server for what is not S3: `respond(method, path)` returns a status, a body and perhaps headers.

    After None, the connection is closed without a response.
    """

    class Handler(BaseHTTPRequestHandler):
        def _answer(self):
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            answer = respond(self.command, self.path)
            if answer is None:
                return
            status, body, *more = answer
            self.send_response(status)
            for name, value in more[0].items() if more else ():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_PUT = do_POST = _answer  # noqa: N815

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def storage_at(server, url=None, cls=S3Storage, **options):
    """A storage with a location of its own, at a server or a proxy before it."""
    given = {**options_for(server), "location": f"doctor/{uuid.uuid4().hex}", **options}
    if url:
        given["endpoint_url"] = url
    return cls(**given)


def examined(storage, **how):
    """The report about a storage, with the origin of a site."""
    return examine(storage, **{"origins": [ORIGIN], **how})


def one(report, identifier, *words, level=None):
    """The finding of a report with an id: there is exactly one, and its texts contain the words."""
    found = [finding for finding in report.findings if finding.id == identifier]
    assert len(found) == 1, f"{identifier} is not once in {ids(report)}"
    texts = " ".join((found[0].title, found[0].seen, found[0].meaning, found[0].action))
    for word in words:
        assert word in texts, f"{word!r} is not in {texts!r}"
    assert "…" not in found[0].title + found[0].meaning, texts
    if level:
        assert found[0].level == level
    return found[0]


def ends_with(report, identifier, *words):
    """The finding of a report that is the only error, and after which nothing was examined."""
    assert report.findings[-1].id == identifier, [each.id for each in report.findings]
    assert not [text for text in report.passed if text.startswith(("Save", "Delete"))]
    return one(report, identifier, *words)


def ids(report):
    """The ids of the findings."""
    return [finding.id for finding in report.findings]


@pytest.fixture(autouse=True, scope="module")
def plain_bucket(moto, seaweedfs):
    """The bucket of all tests without the settings that tests of other modules have left, or still need."""
    with ExitStack() as stack:
        for server in (moto, seaweedfs):
            options = options_for(server)
            client, bucket = S3Storage(**options).client, {"Bucket": options["bucket_name"]}
            with suppress(client.exceptions.ClientError):
                rules = client.get_bucket_cors(**bucket)["CORSRules"]
                client.delete_bucket_cors(**bucket)
                stack.callback(client.put_bucket_cors, **bucket, CORSConfiguration={"CORSRules": rules})
            with suppress(client.exceptions.ClientError):
                policy = client.get_bucket_policy(**bucket)["Policy"]
                client.delete_bucket_policy(**bucket)
                stack.callback(client.put_bucket_policy, **bucket, Policy=policy)
        yield


@pytest.fixture(autouse=True, scope="module")
def no_bucket_stays(moto, seaweedfs):
    """The buckets of a module are deleted at its end: the servers are those of all tests."""
    storages = [S3Storage(**options_for(server)) for server in (moto, seaweedfs)]
    before = [names_of_buckets(storage) for storage in storages]
    yield
    for server, storage, names in zip((moto, seaweedfs), storages, before, strict=True):
        for name in names_of_buckets(storage) - names:
            delete_bucket(S3Storage(**options_for(server, name)))
        assert names_of_buckets(storage) == names


@pytest.fixture(scope="session")
def rclone():
    """An rclone server with an empty bucket: it ignores conditions and sub-resources."""
    if servers._find("rclone") is None:
        pytest.skip("no rclone binary")
    with servers.rclone_server() as server:
        S3Storage(**options_for(server)).client.create_bucket(Bucket=options_for(server)["bucket_name"])
        yield server
