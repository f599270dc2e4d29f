"""URLs: equal to botocore's, stable in their windows, verified by a server, plain where they are public."""

import http.client
import logging
import sys
import types
import urllib.error
import urllib.request
from datetime import datetime, timedelta, timezone
from urllib.parse import parse_qs, parse_qsl, quote, unquote, urlencode, urlsplit

import pytest
from botocore.credentials import ReadOnlyCredentials, RefreshableCredentials
from botocore.loaders import Loader
from django.core.exceptions import ImproperlyConfigured, SuspiciousFileOperation
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from s3store import errors
from s3store.core.keys import UnsafeNameError, object_key
from s3store.links import links
from s3store.storage import S3StaticStorage, S3Storage
from s3store.testing.counting import counted_requests
from s3store.wire import client, sessions
from s3store.wire.recent import Recent
from tests.clock import standing_at
from tests.faults.proxy import FaultProxy

KEYS = {"bucket_name": "some-bucket", "access_key": "key", "secret_key": "secret", "region_name": "eu-central-1"}
NOW = 1_800_000_000


def fetch(url, method="GET", headers=None, data=None):
    request = urllib.request.Request(url, method=method, headers=headers or {}, data=data)
    with urllib.request.urlopen(request) as answer:
        return answer.status, dict(answer.headers), answer.read()


def status_of(url, method="GET", data=None):
    try:
        return fetch(url, method, data=data)[0]
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


@pytest.fixture
def no_clients(monkeypatch):
    """No client was made in another environment, and none that is made here is kept."""
    monkeypatch.setattr(client, "_clients", Recent(client.MAX_CLIENTS))


# Like botocore's


def _is_key(name):
    try:
        object_key("", name)
    except UnsafeNameError:
        return False
    return True


# A region of each partition that the installed botocore has. For regions of a partition that is newer than it,
# botocore takes amazonaws.com, which is no host of theirs.
PARTITIONS = Loader().load_data("endpoints")["partitions"]
REGIONS = ["us-east-1", "eu-central-1", *(next(iter(partition["regions"])) for partition in PARTITIONS)]
OVERRIDES = {
    "ResponseContentDisposition": st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20),
    "ResponseContentType": st.just("text/plain; charset=utf-8"),
    "ResponseExpires": st.just(datetime(2030, 1, 2, 3, 4, 5, tzinfo=timezone.utc)),
    "VersionId": st.text("aB1._-", min_size=1),
    "PartNumber": st.integers(1, 10_000),
}


@settings(max_examples=150)
@given(
    name=st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30).filter(_is_key),
    bucket=st.sampled_from(["some-bucket", "with.dots", "Upper_case", "1.2.3.4x"]),
    region=st.sampled_from(REGIONS),
    style=st.sampled_from([None, "auto", "virtual", "path"]),
    endpoint=st.sampled_from(
        [
            None,
            None,
            "https://s3.eu-central-1.amazonaws.com",
            "http://127.0.0.1:9000",
            "https://s3.example.com:443",
            "http://s3.example.com/p",
        ]
    ),
    token=st.sampled_from([None, "token/+="]),
    parameters=st.fixed_dictionaries({}, optional=OVERRIDES),
    method=st.sampled_from([None, "GET", "HEAD", "PUT", "DELETE"]),
    expire=st.integers(1, 604_800),
    now=st.integers(946_684_800, 4_000_000_000),
)
def test_signed_urls_are_botocores(name, bucket, region, style, endpoint, token, parameters, method, expire, now):
    """Byte for byte under a fixed clock, for every partition, addressing style, token, override and method."""
    # There botocore makes with.dots.127.0.0.1 of it, which is no host.
    assume(not ("." in bucket and style == "virtual" and endpoint == "http://127.0.0.1:9000"))
    storage = S3Storage(
        bucket_name=bucket,
        access_key="AK/+=",
        secret_key="secret",
        security_token=token,
        region_name=region,
        addressing_style=style,
        endpoint_url=endpoint,
        url_window=0,
    )
    wanted = {"Bucket": bucket, "Key": object_key("", name), **parameters}
    with standing_at(now):
        theirs = storage.client.generate_presigned_url(
            "get_object", wanted, ExpiresIn=expire, HttpMethod=method or "GET"
        )
        assert storage.url(name, parameters=parameters, expire=expire, http_method=method) == theirs


@pytest.mark.parametrize(
    "special",
    [
        {"s3": {"use_accelerate_endpoint": True}},
        {"use_dualstack_endpoint": True},
        {"use_fips_endpoint": True},
        {"region_name": "us-west-2"},
        {"s3": {"addressing_style": "path"}},
        {"retries": {"mode": "adaptive"}},
    ],
    ids=str,
)
def test_a_client_config_has_its_say(special):
    """What only botocore knows about host names, botocore is asked for."""
    given = {name: value for name, value in KEYS.items() if name != "region_name" or "region_name" not in special}
    storage = S3Storage(**given, client_config=special, url_window=0)
    with standing_at(NOW):
        theirs = storage.client.generate_presigned_url("get_object", {"Bucket": "some-bucket", "Key": "a.txt"})
        assert storage.url("a.txt") == theirs
    assert storage.url("a.txt", signed=False) == theirs.partition("?")[0]


@pytest.mark.parametrize(
    ("environment", "host"),
    [
        ({"AWS_ENDPOINT_URL_S3": "https://s3.example.com"}, "s3.example.com/some-bucket"),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:9000"}, "127.0.0.1:9000/some-bucket"),
        (
            {"AWS_ENDPOINT_URL": "http://127.0.0.1:9000", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"},
            "some-bucket.s3.eu-central-1.amazonaws.com",
        ),
        ({"AWS_USE_DUALSTACK_ENDPOINT": "true"}, "some-bucket.s3.dualstack.eu-central-1.amazonaws.com"),
        ({"AWS_DEFAULT_REGION": "eu-west-3"}, "some-bucket.s3.eu-central-1.amazonaws.com"),
    ],
    ids=str,
)
def test_the_environment_has_its_say(environment, host, monkeypatch, no_clients):
    """A URL leads where requests go."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    storage = S3Storage(**KEYS, url_window=0)
    with standing_at(NOW):
        assert storage.url("a.txt").partition("://")[2].startswith(f"{host}/a.txt?")
        theirs = storage.client.generate_presigned_url("get_object", {"Bucket": "some-bucket", "Key": "a.txt"})
        assert storage.url("a.txt") == theirs


@pytest.mark.parametrize(
    ("options", "environment", "host", "region"),
    [
        ({}, {}, "some-bucket.s3.amazonaws.com", "us-east-1"),
        ({}, {"AWS_DEFAULT_REGION": "eu-west-3"}, "some-bucket.s3.eu-west-3.amazonaws.com", "eu-west-3"),
        ({"use_ssl": False}, {"AWS_DEFAULT_REGION": "aws-global"}, "some-bucket.s3.amazonaws.com", "us-east-1"),
        ({"endpoint_url": "http://127.0.0.1:9000"}, {}, "127.0.0.1:9000", "us-east-1"),
        ({"endpoint_url": "http://127.0.0.1:9000"}, {"AWS_DEFAULT_REGION": "here"}, "127.0.0.1:9000", "here"),
    ],
    ids=str,
)
def test_without_a_region_botocore_says_which(options, environment, host, region, monkeypatch, no_clients):
    """From the environment; else AWS's global host, which is in us-east-1."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    storage = S3Storage(**{**KEYS, "region_name": None, **options}, url_window=0)
    with standing_at(NOW):
        theirs = storage.client.generate_presigned_url("get_object", {"Bucket": "some-bucket", "Key": "a.txt"})
        assert storage.url("a.txt") == theirs
    parts = urlsplit(theirs)
    assert parts.netloc == host
    assert parse_qs(parts.query)["X-Amz-Credential"][0].split("/")[2] == region


@pytest.mark.parametrize("options", [{}, {"endpoint_url": "https://s3.example.com"}], ids=["AWS", "elsewhere"])
def test_su_02_signed_urls_are_sigv4(options):
    """With and without an endpoint of one's own."""
    query = parse_qs(urlsplit(S3Storage(**KEYS, **options).url("a.txt")).query)
    assert query["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    assert "AWSAccessKeyId" not in query


# Without a client


@pytest.mark.parametrize("options", [{}, {"endpoint_url": "https://s3.example.com"}], ids=["AWS", "elsewhere"])
def test_a_url_needs_no_client(options, monkeypatch):
    """Neither a signed one nor a plain one makes a client, and so nothing can be sent."""
    monkeypatch.setattr(client, "_connect", lambda *_, **__: pytest.fail("a client is made"))
    storage = S3Storage(**{**KEYS, "bucket_name": "without-client"}, read_timeout=17.5, **options)
    assert "X-Amz-Signature" in storage.url("a.txt")
    assert "?" not in storage.url("a.txt", signed=False)


def test_a_url_with_keys_and_endpoint_needs_no_boto3():
    """When the options say everything, botocore is not even imported."""
    import subprocess

    code = (
        "import sys, django\n"
        "from django.conf import settings\n"
        "settings.configure()\n"
        "django.setup()\n"
        "from s3store.storage import S3Storage\n"
        "storage = S3Storage(bucket_name='b-b', access_key='k', secret_key='s', region_name='r', "
        "endpoint_url='https://s3.example.com')\n"
        "assert 'X-Amz-Signature' in storage.url('a.txt')\n"
        "print([name for name in sys.modules if name.partition('.')[0] in ('boto3', 'botocore')])\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


# Verified by a server


def test_a_signed_url_gives_the_file(seaweedfs_options):
    """As long as nothing of it is changed; making it sends nothing."""
    storage = S3Storage(**seaweedfs_options)
    storage.save("ü b.txt", b"content")
    with counted_requests(storage) as sent:
        url = storage.url("ü b.txt", expire=timedelta(minutes=5))
    assert sent == []
    assert parse_qs(urlsplit(url).query)["X-Amz-Expires"] == ["300"]
    assert fetch(url)[2] == b"content"


def _tampered(url):
    """Yield the URL with each of its parts changed, by name."""
    base, _, query = url.partition("?")
    pairs = parse_qsl(query)
    for number, (name, value) in enumerate(pairs):
        other = str(int(value) + 1) if value.isdigit() else ("x" if value[0] != "x" else "y") + value[1:]
        yield (
            f"{name} changed",
            f"{base}?{urlencode([*pairs[:number], (name, other), *pairs[number + 1 :]], quote_via=quote)}",
        )
        yield f"{name} missing", f"{base}?{urlencode([*pairs[:number], *pairs[number + 1 :]], quote_via=quote)}"
    yield "key", f"{base}x?{query}"
    yield "override added", f"{url}&response-content-type=text/html"
    yield "all", base


def test_su_05_no_part_of_a_signed_url_can_be_changed(seaweedfs_options):
    """Not the key, the time, the expiry, the credential, the signature, nor an override, present or added."""
    storage = S3Storage(**seaweedfs_options)
    storage.save("a.txt", b"content")
    storage.save("a.txtx", b"another's")
    url = storage.url("a.txt", download_as="b.txt")
    assert status_of(url) == 200
    let_through = [what for what, changed in _tampered(url) if status_of(changed) < 400]
    assert let_through == []


def test_su_05_over_tls(seaweedfs_options, certificates):
    """The same with https in front, whose host is the one that is signed for."""
    import ssl

    context, ca = certificates
    with FaultProxy(seaweedfs_options["endpoint_url"], tls=context) as proxy:
        storage = S3Storage(**{**seaweedfs_options, "endpoint_url": proxy.url}, verify=ca)
        storage.save("a.txt", b"content")
        trusting = ssl.create_default_context(cafile=ca)
        url = storage.url("a.txt")
        with urllib.request.urlopen(url, context=trusting) as answer:
            assert answer.read() == b"content"
        for what, changed in _tampered(url):
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(changed, context=trusting)
            refused.value.close()
            assert refused.value.code in (400, 403), what


@pytest.mark.parametrize("made_for", ["GET", "HEAD", "PUT", "DELETE"])
@pytest.mark.parametrize("used_for", ["GET", "HEAD", "PUT", "DELETE"])
def test_su_07_a_url_works_for_its_method_alone(seaweedfs_options, made_for, used_for):
    """A link to read cannot be used to write or to delete."""
    storage = S3Storage(**seaweedfs_options)
    storage.save("a.txt", b"content")
    url = storage.url("a.txt", http_method=made_for)
    status = status_of(url, used_for, data=b"evil" if used_for == "PUT" else None)
    assert (status < 300) is (made_for == used_for)
    assert storage.exists("a.txt") is (made_for != "DELETE" or used_for != "DELETE")


def test_an_expired_url_is_refused(seaweedfs_options):
    """By the server, at the second it says."""
    storage = S3Storage(**seaweedfs_options, url_window=0)
    storage.save("a.txt", b"content")
    with standing_at(datetime.now().timestamp() - 100):
        gone, valid = storage.url("a.txt", expire=99), storage.url("a.txt", expire=150)
    assert (status_of(gone), status_of(valid)) == (403, 200)


NAMES = [
    "a b.txt",
    "a+b.txt",
    "100%.txt",
    "what?.txt",
    "a#b.txt",
    "ü/ä 文件 😀.txt",
    "a%20b.txt",
    "a&b=c;d.txt",
    "*'()!~.txt",
]


@pytest.mark.parametrize("name", NAMES)
def test_every_name_is_quoted_right(seaweedfs_options, name):
    """A URL gives precisely the file of that name, and a browser's parser finds the key in its path."""
    storage = S3Storage(**seaweedfs_options)
    storage.save(name, name.encode())
    assert fetch(storage.url(name))[2] == name.encode()
    plain = storage.url(name, signed=False)
    assert unquote(urlsplit(plain).path) == f"/{storage.bucket_name}/{storage.location}/{name}"


def test_public_urls_give_public_files(seaweedfs_options):
    """Where a bucket policy allows it: the names of `public_names`, and no others."""
    import json

    storage = S3Storage(**seaweedfs_options, public_names=("thumbs/*", "*.css"))
    place = f"arn:aws:s3:::{storage.bucket_name}/{storage.location}"
    statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"{place}/thumbs/*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    storage.client.put_bucket_policy(Bucket=storage.bucket_name, Policy=policy)
    try:
        for name in ("thumbs/a b+ü.png", "private.png"):
            storage.save(name, b"content")
        assert "?" not in storage.url("thumbs/a b+ü.png")
        assert fetch(storage.url("thumbs/a b+ü.png"))[2] == b"content"
        assert "?" in storage.url("private.png")
        assert status_of(storage.url("private.png", signed=False)) == 403
        assert status_of(storage.url("thumbs/a b+ü.png", signed=True)) == 200
    finally:
        storage.client.delete_bucket_policy(Bucket=storage.bucket_name)


# Another host than the endpoint's


def test_the_public_endpoint_is_signed_for(seaweedfs_options):
    """Requests go to one host and links lead to another, whose signature the server checks."""
    storage = S3Storage(**seaweedfs_options)
    storage.save("a.txt", b"content")
    with FaultProxy(seaweedfs_options["endpoint_url"]) as outside:
        storage = S3Storage(**seaweedfs_options, public_endpoint_url=outside.url)
        url = storage.url("a.txt")
        assert url.startswith(outside.url)
        assert fetch(url)[2] == b"content"
        inside = url.replace(outside.url, seaweedfs_options["endpoint_url"])
        assert status_of(inside) == 403
        assert storage.read_bytes("a.txt") == b"content"


@pytest.mark.parametrize("style", [None, "virtual"])
def test_the_public_endpoint_follows_the_addressing_style(style):
    """The bucket goes into the host name only where it is asked to."""
    storage = S3Storage(
        **KEYS,
        endpoint_url="http://minio:9000",
        public_endpoint_url="https://files.example.com",
        addressing_style=style,
    )
    base = "https://some-bucket.files.example.com/" if style else "https://files.example.com/some-bucket/"
    assert storage.url("a.txt", signed=False) == f"{base}a.txt"
    assert storage.url("a.txt").startswith(f"{base}a.txt?X-Amz-")


def test_the_custom_domain_is_signed_for(seaweedfs_options):
    """A server that knows the bucket by a host of its own accepts what is signed for that host, and nothing else."""
    port = urlsplit(seaweedfs_options["endpoint_url"]).port
    domain = f"{seaweedfs_options['bucket_name']}.localhost:{port}"
    storage = S3Storage(**seaweedfs_options, custom_domain=domain, url_protocol="http:")
    storage.save("a b.txt", b"content")

    def ask(url):
        parts = urlsplit(url)
        connection = http.client.HTTPConnection("127.0.0.1", port)
        connection.request("GET", f"{parts.path}?{parts.query}", headers={"Host": parts.netloc})
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return answer.status, body

    url = storage.url("a b.txt")
    assert url.startswith(f"http://{domain}/{storage.location}/a%20b.txt?X-Amz-")
    assert ask(url) == (200, b"content")
    assert ask(url.replace("X-Amz-Expires=3600", "X-Amz-Expires=3601"))[0] == 403
    assert ask(storage.url("a b.txt", signed=False))[0] == 403


def test_su_08_a_signature_is_never_dropped_silently():
    """A custom domain does not make private files public: only querystring_auth, signed or public_names do."""
    storage = S3Storage(**KEYS, custom_domain="cdn.example.com")
    assert "X-Amz-Signature" in storage.url("a.txt")
    assert storage.url("a.txt", signed=False) == "https://cdn.example.com/a.txt"
    assert "s3store.W002" in [problem.id for problem in _problems(storage)]


def _problems(storage):
    from s3store.conf import rules

    return list(rules.problems(storage.resolve(), warnings=True))


def test_a_custom_domain_without_a_bucket():
    """Whoever only links to a CDN need not say what the bucket is called."""
    storage = S3Storage(custom_domain="cdn.example.com", querystring_auth=False)
    assert storage.url("a.txt") == "https://cdn.example.com/a.txt"
    with pytest.raises(ImproperlyConfigured, match="no bucket"):
        S3Storage(querystring_auth=False).url("a.txt")


# How long


@pytest.mark.parametrize("expire", [0, -1, 604_801, 10**9, timedelta(days=8), timedelta(0), timedelta(seconds=0.5)])
def test_su_01_impossible_expiries_are_refused(expire):
    """A URL lives from a second to seven days."""
    with pytest.raises(ValueError, match=r"A signed URL (can|must) be valid for"):
        S3Storage(**KEYS).url("a.txt", expire=expire)


@pytest.mark.parametrize("expire", [True, "60", 1.5])
def test_su_01_expiries_of_other_types_are_refused(expire):
    """Seconds are an int, or a timedelta."""
    with pytest.raises(TypeError, match="timedelta"):
        S3Storage(**KEYS).url("a.txt", expire=expire)


def _lives(url):
    """Return when a URL begins to live and when it ends, in seconds since 1970."""
    query = parse_qs(urlsplit(url).query)
    begins = datetime.strptime(query["X-Amz-Date"][0], "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc).timestamp()
    return begins, begins + int(query["X-Amz-Expires"][0])


@pytest.mark.parametrize("expire", [2, 3, 120, 3600, 604_800, timedelta(hours=2)])
@pytest.mark.parametrize("fraction", [0.1, 1 / 3, 0.5])
def test_a_url_stays_the_same_within_its_window(expire, fraction):
    """From the first to the last second of a window, and another one then; all servers agree on the edges."""
    seconds = int(expire.total_seconds()) if isinstance(expire, timedelta) else expire
    window = max(int(seconds * fraction), 1)
    first = NOW - NOW % window + window
    urls = {}
    for now in (first - 0.001, first, first + 0.5, first + window - 0.001, first + window):
        with standing_at(now):
            urls[now] = S3Storage(**KEYS, url_window=fraction).url("a.txt", expire=expire)
    before, *inside, after = urls.values()
    assert len(set(inside)) == 1
    assert len({before, inside[0], after}) == 3


@given(now=st.floats(1, 4e9), expire=st.integers(1, 604_800), fraction=st.floats(0, 0.5))
def test_at_least_half_of_the_life_is_left(now, expire, fraction):
    """Whenever a URL is handed out, and never more than was asked for."""
    with standing_at(now):
        begins, ends = _lives(S3Storage(**KEYS, url_window=fraction).url("a.txt", expire=expire))
    assert begins <= now
    assert expire / 2 <= ends - int(now) <= expire


def test_without_windows_each_second_has_its_own_url():
    """`url_window=0` is what botocore does."""
    storage = S3Storage(**KEYS, url_window=0)
    urls = set()
    for now in (NOW, NOW + 1):
        with standing_at(now):
            urls.add(storage.url("a.txt"))
    assert len(urls) == 2


def test_stable_urls_differ_by_everything_else():
    """Name, expiry, words and method each make another URL within the window."""
    storage = S3Storage(**KEYS)
    with standing_at(NOW):
        urls = [
            storage.url("a.txt"),
            storage.url("b.txt"),
            storage.url("a.txt", expire=60),
            storage.url("a.txt", download_as="a.txt"),
            storage.url("a.txt", http_method="HEAD"),
        ]
    assert len(set(urls)) == 5


# Credentials


def test_anonymous_storages_sign_nothing():
    """Their URLs are plain, and one that must be signed is an error, whatever keys the machine has."""
    storage = S3Storage(bucket_name="some-bucket", anonymous=True, region_name="eu-central-1")
    assert "?" not in storage.url("a.txt")
    with pytest.raises(errors.NoCredentialsError, match="anonymous"):
        storage.url("a.txt", signed=True)


def test_no_credentials_is_an_error_that_says_so():
    """Signing needs keys; a plain URL does not."""
    storage = S3Storage(bucket_name="some-bucket", region_name="eu-central-1")
    with pytest.raises(errors.NoCredentialsError, match="AWS_S3_ACCESS_KEY_ID"):
        storage.url("a.txt")
    assert storage.url("a.txt", signed=False).endswith("/a.txt")


def test_an_unknown_profile_is_an_error_of_ours():
    """As for every other request."""
    for words in ({}, {"endpoint_url": "https://s3.example.com", "region_name": "r"}):
        with pytest.raises(errors.S3StoreError, match="nobody"):
            S3Storage(bucket_name="some-bucket", session_profile="nobody", **words).url("a.txt")


class Provider:
    """Credentials as a role has them: they end, and are renewed before."""

    def __init__(self, *lives):
        self.lives = list(lives)
        self.given = 0

    def __call__(self):
        self.given += 1
        ends = datetime.fromtimestamp(self.lives.pop(0), timezone.utc)
        return {
            "access_key": f"role-{self.given}",
            "secret_key": "secret",
            "token": f"token-{self.given}",
            "expiry_time": ends.isoformat(),
        }

    def storage(self, monkeypatch, **options):
        credentials = RefreshableCredentials.create_from_metadata(self(), self, "test")
        monkeypatch.setattr(sessions, "find_credentials", lambda _: credentials)
        return S3Storage(bucket_name="some-bucket", region_name="eu-central-1", **options)


def test_su_03_no_url_is_promised_to_outlive_its_credentials(monkeypatch, caplog):
    """It ends with the role's session, with one warning for all URLs; a shorter one is as long as it says."""
    links._warned.clear()
    now = datetime.now().timestamp()
    storage = Provider(now + 1800).storage(monkeypatch)
    with caplog.at_level(logging.WARNING, "s3store"), standing_at(now):
        for name in ("a.txt", "b.txt"):
            begins, ends = _lives(storage.url(name))
            assert ends == int(now + 1800)
            assert begins <= now
        storage.url("a.txt", expire=7200)
        assert _lives(storage.url("a.txt", expire=60))[1] <= now + 60
    assert len(caplog.records) == 1
    assert "3600 seconds" in caplog.text


def test_su_03_credentials_are_renewed_first(monkeypatch):
    """What is about to end is renewed before it signs, and the URLs are the new key's."""
    now = datetime.now().timestamp()
    provider = Provider(now + 300, now + 7200)
    url = provider.storage(monkeypatch, url_window=0).url("a.txt", expire=3600)
    assert "role-2" in url
    assert "token-2" in url
    assert _lives(url)[1] - _lives(url)[0] == 3600


def test_su_03_dead_credentials_sign_nothing(monkeypatch):
    """When they cannot be renewed, the URL would be dead on arrival."""
    now = datetime.now().timestamp()
    storage = Provider(now + 1800).storage(monkeypatch)
    storage.url("a.txt")
    with standing_at(now + 1801), pytest.raises(errors.ExpiredCredentialsError, match="expired"):
        storage.url("a.txt")


def test_a_renewal_that_fails_is_an_error_of_ours(monkeypatch):
    """botocore's own exception does not leave the storage."""
    from botocore.exceptions import CredentialRetrievalError

    now = datetime.now().timestamp()
    provider = Provider(now + 300)
    storage = provider.storage(monkeypatch)

    def broken():
        raise CredentialRetrievalError(provider="test", error_msg="it is gone")

    monkeypatch.setattr(sessions, "find_credentials", lambda _: types.SimpleNamespace(get_frozen_credentials=broken))
    with pytest.raises(errors.S3StoreError, match="it is gone"):
        storage.url("a.txt")


def test_su_03_renewal_in_between_does_not_mix_two_credentials(monkeypatch):
    """The end that a URL keeps to is that of the keys that sign it."""
    now = datetime.now().timestamp()
    ends = iter([now + 300, now + 300, now + 7200, now + 7200])
    keys = iter(["old", "new", "new", "new"])

    class Source:
        @property
        def _expiry_time(self):
            return datetime.fromtimestamp(next(ends), timezone.utc)

        def get_frozen_credentials(self):
            return ReadOnlyCredentials(next(keys), "secret", "token")

    monkeypatch.setattr(sessions, "find_credentials", lambda _: Source())
    url = S3Storage(bucket_name="some-bucket", region_name="eu-central-1").url("a.txt", expire=200)
    assert "Credential=new%2F" in url


def test_rc_03_a_forked_child_asks_for_credentials_anew(monkeypatch):
    """What a thread of the parent was renewing, and had locked, is not the child's: sessions alone keep sources."""
    now = datetime.now().timestamp()
    storage = Provider(now + 7200).storage(monkeypatch)
    storage.url("a.txt")
    monkeypatch.setattr(sessions, "find_credentials", lambda _: ReadOnlySource())
    assert "Credential=child%2F" in storage.url("a.txt")


class ReadOnlySource:
    def get_frozen_credentials(self):
        return ReadOnlyCredentials("child", "secret", None)


def test_hosts_are_signed_as_browsers_send_them():
    """In lower case, wherever they come from."""
    for options in (
        {"endpoint_url": "https://S3.Example.COM:443/Path"},
        {"public_endpoint_url": "https://S3.Example.com"},
        {"custom_domain": "CDN.example.com/Path"},
    ):
        parts = urlsplit(S3Storage(**KEYS, **options).url("A.txt"))
        assert parts.netloc == parts.netloc.lower()
        assert parts.path.endswith("/A.txt")


def test_words_may_be_translations(settings):
    """A lazy text is taken as it reads when the URL is made."""
    from django.utils.translation import gettext_lazy

    storage = S3Storage(**KEYS)
    with standing_at(NOW):
        lazy = storage.url(
            "a.pdf", download_as=gettext_lazy("Report.pdf"), content_type=gettext_lazy("application/pdf")
        )
        assert lazy == storage.url("a.pdf", download_as="Report.pdf", content_type="application/pdf")


@pytest.mark.parametrize("value", [None, datetime(2030, 1, 1)], ids=["None", "naive"])
def test_parameters_that_say_nothing_are_refused(value):
    """Neither None nor a time without a zone means anything in a URL."""
    with pytest.raises(ValueError, match=r"None is not allowed|time zone"):
        S3Storage(**KEYS).url("a.txt", parameters={"ResponseExpires": value})


def test_methods_have_no_case():
    """HTTP's have, but nobody means `put`."""
    with standing_at(NOW):
        assert S3Storage(**KEYS).url("a", http_method="put") == S3Storage(**KEYS).url("a", http_method="PUT")


def test_credentials_of_the_environment_sign(monkeypatch, no_clients):
    """Keys that are not options are botocore's to find, and they do not end."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "ambient")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    storage = S3Storage(bucket_name="some-bucket", region_name="eu-central-1", url_window=0)
    with standing_at(NOW):
        theirs = storage.client.generate_presigned_url("get_object", {"Bucket": "some-bucket", "Key": "a.txt"})
        assert storage.url("a.txt") == theirs


# Words


def test_words_change_the_answer(seaweedfs_options):
    """A name to save under, umlauts included, a type, and whether to show it."""
    storage = S3Storage(**seaweedfs_options)
    storage.save("a.pdf", b"content")
    saved = fetch(storage.url("a.pdf", download_as="Übersicht 2026.pdf", content_type="application/x-report"))[1]
    assert saved["Content-Disposition"] == (
        "attachment; filename=\"Ubersicht 2026.pdf\"; filename*=UTF-8''%C3%9Cbersicht%202026.pdf"
    )
    assert saved["Content-Type"] == "application/x-report"
    shown = fetch(storage.url("a.pdf", inline=True))[1]
    assert shown["Content-Disposition"] == "inline"
    named = fetch(storage.url("a.pdf", inline=True, download_as="b.pdf"))[1]
    assert named["Content-Disposition"] == 'inline; filename="b.pdf"'
    typed = fetch(storage.url("a.pdf", content_type="image/png"))[1]
    assert (typed["Content-Type"], typed.get("Content-Disposition")) == ("image/png", None)
    raw = fetch(storage.url("a.pdf", parameters={"ResponseCacheControl": "no-store"}))[1]
    assert raw["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("a.html", {"inline": True}),
        ("a.svg", {"inline": True}),
        ("a.bin", {"inline": True}),
        ("a.png", {"content_type": "text/html"}),
        ("a.png", {"content_type": "IMAGE/SVG+XML; charset=utf-8"}),
        ("a.png", {"content_type": "text/html", "inline": True, "download_as": "a.html"}),
        ("a.png", {"content_type": "image/png\r\nX: y"}),
        ("a.png", {"content_type": "no type"}),
        ("a.png", {"parameters": {"ResponseContentType": "text/html\r\nX: y"}}),
        ("a.png", {"parameters": {"ResponseContentDisposition": "a\x00"}}),
        ("a.png", {"parameters": {"ResponseContentTyp": "text/html"}}),
        ("a.png", {"parameters": {"IfMatch": "x"}}),
        ("a.png", {"signed": False, "download_as": "b.png"}),
        ("a.png", {"signed": False, "content_type": "image/png"}),
    ],
    ids=str,
)
def test_su_04_words_that_would_harm_are_refused(name, words):
    """Active content is not shown, headers are not injected, and a plain URL promises nothing that S3 would refuse."""
    with pytest.raises(ValueError, match=r"scripts|type|control character|signed"):
        S3Storage(**KEYS).url(name, **words)


def test_active_content_may_be_saved():
    """With a name to save it under, its type does no harm."""
    query = parse_qs(urlsplit(S3Storage(**KEYS).url("a.html", content_type="text/html", download_as="a.html")).query)
    assert query["response-content-disposition"] == ['attachment; filename="a.html"']


def test_the_requester_pays():
    """What AWS wants in the query of such a bucket's links."""
    url = S3Storage(**KEYS).url("a.txt", parameters={"RequestPayer": "requester"})
    assert "x-amz-request-payer=requester&" in url


# Plain


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, "https://some-bucket.s3.eu-central-1.amazonaws.com/m/a%20b%2B%C3%BC.txt"),
        ({"bucket_name": "with.dots"}, "https://s3.eu-central-1.amazonaws.com/with.dots/m/a%20b%2B%C3%BC.txt"),
        ({"addressing_style": "path"}, "https://s3.eu-central-1.amazonaws.com/some-bucket/m/a%20b%2B%C3%BC.txt"),
        ({"endpoint_url": "http://127.0.0.1:9000"}, "http://127.0.0.1:9000/some-bucket/m/a%20b%2B%C3%BC.txt"),
        (
            {"endpoint_url": "https://s3.example.com/", "addressing_style": "virtual"},
            "https://some-bucket.s3.example.com/m/a%20b%2B%C3%BC.txt",
        ),
        ({"custom_domain": "cdn.example.com"}, "https://cdn.example.com/m/a%20b%2B%C3%BC.txt"),
        (
            {"custom_domain": "cdn.example.com/x", "url_protocol": "http:"},
            "http://cdn.example.com/x/m/a%20b%2B%C3%BC.txt",
        ),
    ],
)
def test_public_urls(options, expected):
    """Regional host, path style where it has to be, quoted once."""
    storage = S3Storage(**{**KEYS, "location": "m", "querystring_auth": False, **options})
    assert storage.url("a b+ü.txt") == expected
    assert storage.url("a b+ü.txt", parameters={"v": "1 2"}) == f"{expected}?v=1%202"
    assert storage.url("a b+ü.txt", parameters={"VersionId": "x"}) == f"{expected}?versionId=x"


@pytest.mark.parametrize(
    ("rule", "public", "private"),
    [
        (("thumbs/*",), ["thumbs/a.png", "thumbs/x/y.png"], ["thumb/a.png", "a/thumbs/b.png", "thumbs"]),
        (["*.css", "logo.???"], ["a.css", "x/b.css", "logo.png"], ["a.css.txt", "logo.jpeg", "LOGO.png"]),
        (lambda name: name.startswith("p/"), ["p/a"], ["a/p/"[:-1], "x"]),
        ((), [], ["a.css"]),
    ],
)
def test_names_decide_what_is_public(rule, public, private):
    """By patterns or by a function of the name, the location left out; `signed` decides for a single URL."""
    storage = S3Storage(**KEYS, location="thumbs", public_names=rule)
    for name in public:
        assert "?" not in storage.url(name)
        assert "X-Amz-Signature" in storage.url(name, signed=True)
    for name in private:
        assert "X-Amz-Signature" in storage.url(name)
        assert "?" not in storage.url(name, signed=False)


def test_options_that_change_change_the_urls(settings):
    """What is worked out once is worked out again when a setting changes, and it travels in no pickle."""
    import pickle

    settings.AWS_STORAGE_BUCKET_NAME = "some-bucket"
    settings.AWS_S3_ENDPOINT_URL = "https://one.example"
    settings.AWS_QUERYSTRING_AUTH = False
    storage = S3Storage()
    assert storage.url("a.txt") == "https://one.example/some-bucket/a.txt"
    settings.AWS_S3_ENDPOINT_URL = "https://two.example"
    assert storage.url("a.txt") == "https://two.example/some-bucket/a.txt"
    assert pickle.loads(pickle.dumps(storage)).url("a.txt") == "https://two.example/some-bucket/a.txt"


def test_sn_17_a_name_never_changes_the_host():
    """Two slashes at the front are refused, not taken for a host. Static storages drop them."""
    options = {**KEYS, "custom_domain": "cdn.example.com", "querystring_auth": False, "location": "l"}
    for name in ("//evil.example/x", "/evil.example/x", "//evil.example/", "/"):
        with pytest.raises(SuspiciousFileOperation):
            S3Storage(**options).url(name)
        assert S3StaticStorage(**options).url(name) == f"https://cdn.example.com/l/{name.lstrip('/')}"
    for name in ("", None):
        assert S3Storage(**options).url(name) == "https://cdn.example.com/l/"


# What each part of an answer rests on


def test_anonymous_storages_do_not_sign_with_keys_of_the_machine(monkeypatch):
    """Keys in the environment belong to somebody; `anonymous` says that they are not to be used."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "of-the-machine")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    storage = S3Storage(bucket_name="some-bucket", anonymous=True, region_name="eu-central-1")
    with pytest.raises(errors.NoCredentialsError) as caught:
        storage.url("a.txt", signed=True)
    assert (caught.value.operation, caught.value.bucket) == ("url", "some-bucket")


def test_an_error_about_credentials_is_told_once(monkeypatch):
    """It says which call needed them, of which bucket, and does not quote itself."""
    storage = S3Storage(bucket_name="some-bucket", region_name="eu-central-1")
    with pytest.raises(errors.NoCredentialsError) as caught:
        storage.url("a.txt")
    assert (caught.value.operation, caught.value.bucket) == ("url", "some-bucket")
    assert str(caught.value).count("some-bucket") == 1
    broken = types.SimpleNamespace(get_frozen_credentials=_raise_retrieval_error)
    monkeypatch.setattr(sessions, "find_credentials", lambda _: broken)
    with pytest.raises(errors.NoCredentialsError) as caught:
        storage.url("a.txt")
    assert (caught.value.operation, caught.value.bucket) == ("url", "some-bucket")


def _raise_retrieval_error():
    from botocore.exceptions import CredentialRetrievalError

    raise CredentialRetrievalError(provider="test", error_msg="it is gone")


def test_an_empty_region_of_the_environment_is_none(monkeypatch):
    """An empty variable says nothing: servers that are not AWS then sign for us-east-1."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "")
    url = S3Storage(bucket_name="some-bucket", endpoint_url="http://127.0.0.1:9", access_key="k", secret_key="s").url(
        "a"
    )
    assert "%2Fus-east-1%2Fs3" in url


@pytest.mark.parametrize(("left", "seconds"), [(1, 1), (0.5, 1), (59, 59), (60, 60), (61, 60)])
def test_su_03_a_url_lives_as_long_as_its_credentials(monkeypatch, caplog, left, seconds):
    """But at least a second; the log has a warning only if that is shorter than the lifetime that was asked for."""
    links._warned.clear()
    now = float(int(datetime.now().timestamp()) + 2000)
    storage = S3Storage(bucket_name="some-bucket", region_name="eu-central-1", url_window=0)
    monkeypatch.setattr(sessions, "find_credentials", lambda _: Ending(now + left))
    with caplog.at_level(logging.WARNING, "s3store"), standing_at(now):
        begins, ends = _lives(storage.url("a.txt", expire=60))
    assert ends - begins == seconds
    assert len(caplog.records) == (seconds < 60)


def test_su_03_credentials_that_end_now_sign_nothing(monkeypatch):
    """The second of their end is too late."""
    now = float(int(datetime.now().timestamp()) + 2000)
    monkeypatch.setattr(sessions, "find_credentials", lambda _: Ending(now))
    storage = S3Storage(bucket_name="some-bucket", region_name="eu-central-1")
    with standing_at(now), pytest.raises(errors.ExpiredCredentialsError) as caught:
        storage.url("a.txt")
    assert (caught.value.operation, caught.value.bucket) == ("url", "some-bucket")


class Ending(ReadOnlySource):
    def __init__(self, ends):
        self._expiry_time = datetime.fromtimestamp(ends, timezone.utc)


def test_an_unknown_profile_is_told_with_the_call():
    """The error says that a URL was wanted, and of which bucket."""
    with pytest.raises(errors.S3StoreError) as caught:
        S3Storage(bucket_name="some-bucket", session_profile="nobody").url("a.txt")
    assert (caught.value.operation, caught.value.bucket) == ("url", "some-bucket")


@pytest.mark.parametrize(
    ("with_port", "without"),
    [("http://s3.example.com:80", "http://s3.example.com"), ("https://h.io:443", "https://h.io")],
)
def test_the_default_port_is_not_signed(with_port, without):
    """Browsers leave it out of the Host header, and S3 compares the signature with that."""
    options = {"bucket_name": "some-bucket", "access_key": "k", "secret_key": "s", "region_name": "r"}
    with standing_at(1_700_000_000.0):
        urls = [S3Storage(**options, endpoint_url=url).url("a.txt") for url in (with_port, without)]
        other = S3Storage(**options, endpoint_url=f"{without}:9000").url("a.txt")
    signatures = [parse_qs(urlsplit(url).query)["X-Amz-Signature"] for url in (*urls, other)]
    assert signatures[0] == signatures[1] != signatures[2]


@pytest.mark.parametrize(
    "options", [{}, {"region_name": "eu-central-1"}, {"endpoint_url": "https://s3.example.com"}], ids=str
)
def test_botocore_is_asked_for_a_host_only_if_it_alone_knows(monkeypatch, options):
    """A client for each set of options would cost more than all its URLs."""
    from s3store.wire import client

    asked = []
    monkeypatch.setattr(client, "ask_botocore", lambda options: asked.append(options) or ("https://b.s3", "r"))
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    S3Storage(bucket_name="some-bucket", access_key="k", secret_key="s", **options).url("a.txt")
    assert asked == []
    monkeypatch.setenv("AWS_USE_DUALSTACK_ENDPOINT", "true")
    sessions._sessions.clear()
    S3Storage(bucket_name="some-bucket", access_key="k", secret_key="s", gzip=True, **options).url("a.txt")
    assert len(asked) == ("endpoint_url" not in options)


def test_without_a_bucket_no_url_is_one_of_a_file():
    """The storage knows the server alone."""
    storage = S3Storage(region_name="eu-central-1")
    assert storage.objects.of(links.Links).bases == (storage.objects.of(links.Links).endpoint.url,)
