"""The client: lazy, configured as asked, safe defaults off AWS, TLS."""

import gc
import subprocess
import sys
import weakref

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from s3store import errors
from s3store.conf.options import Options
from s3store.core import sigv4
from s3store.storage import S3Storage
from s3store.wire import client, sessions
from tests.faults.proxy import FaultProxy

KEYS = {"bucket_name": "some-bucket", "access_key": "key", "secret_key": "secret"}


def test_importing_the_storage_imports_no_boto3():
    """Neither import, construction, comparison nor a check pays for boto3."""
    code = (
        "import sys, django\n"
        "from django.conf import settings\n"
        "files = {'default': {'BACKEND': 's3store.storage.S3Storage'}}\n"
        "settings.configure(STORAGES=files, INSTALLED_APPS=['s3store'])\n"
        "django.setup()\n"
        "from s3store.storage import S3Storage\n"
        "from django.core.management import call_command\n"
        "assert S3Storage() == S3Storage()\n"
        "try:\n    call_command('check')\nexcept Exception as error:\n    assert 'no bucket' in str(error)\n"
        "print([name for name in sys.modules if name.partition('.')[0] in ('boto3', 'botocore', 's3transfer')])\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def config_of(**options):
    return S3Storage(**KEYS, **options).client.meta.config


def test_defaults_on_aws():
    """SigV4, regional endpoint, boto3's own checksums, bounded timeouts, standard retries, a pool for threads."""
    found = S3Storage(**KEYS, region_name="eu-central-1").client.meta
    config = found.config
    assert found.endpoint_url == "https://s3.eu-central-1.amazonaws.com"
    assert config.signature_version == "s3v4"
    assert (config.connect_timeout, config.read_timeout, config.max_pool_connections) == (5.0, 20.0, 50)
    assert config.retries["mode"] == "standard"
    assert config.retries["total_max_attempts"] == 8
    assert config.request_checksum_calculation == "when_supported"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"region_name": "eu-central-1"}, "when_supported"),
        ({"endpoint_url": "https://s3.eu-central-1.amazonaws.com"}, "when_supported"),
        ({"endpoint_url": "https://s3.cn-north-1.amazonaws.com.cn", "region_name": "cn-north-1"}, "when_supported"),
        ({"endpoint_url": "https://s3.example.com"}, "when_required"),
        ({"endpoint_url": "https://amazonaws.com.example.com"}, "when_required"),
        ({"endpoint_url": "https://s3.example.com", "checksums": "when_supported"}, "when_supported"),
        ({"region_name": "eu-central-1", "checksums": "when_required"}, "when_required"),
    ],
)
def test_checksums_by_endpoint(options, expected):
    """Other servers get no checksum trailers unless asked for."""
    config = config_of(**options)
    assert (config.request_checksum_calculation, config.response_checksum_validation) == (expected, expected)


def test_an_endpoint_from_the_environment_counts(monkeypatch):
    """botocore's own variable for the endpoint makes it another server, too."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "https://s3.example.com")
    found = S3Storage(**KEYS, connect_timeout=4.0).client.meta
    assert found.endpoint_url == "https://s3.example.com"
    assert found.config.request_checksum_calculation == "when_required"


def test_client_config_wins():
    """A botocore Config or a dict of its arguments is merged over ours."""
    from botocore.config import Config

    for given in ({"read_timeout": 3}, Config(read_timeout=3)):
        config = config_of(client_config=given, region_name="us-east-1")
        assert (config.read_timeout, config.connect_timeout) == (3, 5.0)


def test_other_options_reach_the_client(tmp_path):
    """Addressing, proxies, TLS verification and anonymous access."""
    from botocore import UNSIGNED

    config = config_of(
        region_name="us-east-1", addressing_style="path", proxies={"https": "http://127.0.0.1:3128"}, max_attempts=2
    )
    assert config.s3["addressing_style"] == "path"
    assert config.proxies == {"https": "http://127.0.0.1:3128"}
    assert config.retries["total_max_attempts"] == 2
    anonymous = S3Storage(bucket_name="public", anonymous=True, region_name="us-east-1").client.meta.config
    assert anonymous.signature_version is UNSIGNED


def test_a_profile_is_used(tmp_path, monkeypatch):
    """session_profile names a profile of the shared configuration, beside the default one."""
    shared = tmp_path / "credentials"
    default = "[default]\naws_access_key_id = from-default\naws_secret_access_key = s\n"
    shared.write_text(default + "[work]\naws_access_key_id = from-profile\naws_secret_access_key = s\n")
    config = tmp_path / "config"
    config.write_text("[profile work]\nregion = eu-west-1\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(shared))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    found = S3Storage(bucket_name="some-bucket", session_profile="work").client
    assert found._get_credentials().access_key == "from-profile"
    assert found.meta.region_name == "eu-west-1"


@pytest.mark.parametrize(
    "verb",
    [lambda storage: storage.exists("a"), lambda storage: storage.save("a", b"x"), lambda storage: storage.url("a")],
    ids=["exists", "save", "url"],
)
@pytest.mark.parametrize("signed", [True, False])
def test_an_unknown_profile_is_an_error(verb, signed):
    """And it names the profile, whichever verb comes first."""
    storage = S3Storage(bucket_name="some-bucket", session_profile="nobody", querystring_auth=signed)
    with pytest.raises(errors.NoCredentialsError, match="nobody"):
        verb(storage)


def test_an_unknown_argument_of_client_config_is_an_error():
    """It comes with the first use, as boto3 is needed to know it."""
    with pytest.raises(ImproperlyConfigured, match="nonsense"):
        S3Storage(**KEYS, client_config={"nonsense": 1}).exists("a")


def test_explicit_keys_never_meet_an_ambient_token(monkeypatch):
    """Keys from the options are used without the environment's session token."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "ambient")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "ambient")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "ambient-token")
    own = S3Storage(**KEYS, region_name="us-east-1", read_timeout=7.0).client._get_credentials()
    assert (own.access_key, own.token) == ("key", None)
    ambient = S3Storage(bucket_name="some-bucket", region_name="us-east-1", read_timeout=7.0).client
    assert ambient._get_credentials().get_frozen_credentials() == ("ambient", "ambient", "ambient-token", None) or (
        ambient._get_credentials().token == "ambient-token"
    )


def test_sc_10_no_credentials_fail_fast(seaweedfs_options):
    """Nothing to sign with is an error that says what to set, without a hang."""
    storage = S3Storage(bucket_name="some-bucket", endpoint_url=seaweedfs_options["endpoint_url"])
    with pytest.raises(errors.NoCredentialsError, match="AWS_S3_ACCESS_KEY_ID"):
        storage.exists("a")
    with pytest.raises(PermissionError):
        storage.url("a")


def test_a_storage_without_a_bucket_says_so():
    """When it is used, not when it is made."""
    storage = S3Storage()
    with pytest.raises(ImproperlyConfigured, match="AWS_STORAGE_BUCKET_NAME"):
        storage.exists("a")


def test_settings_change_on_a_live_storage(seaweedfs_options):
    """override_settings switches bucket and credentials of a storage that is in use."""
    storage = S3Storage()
    with override_settings(
        AWS_STORAGE_BUCKET_NAME=seaweedfs_options["bucket_name"],
        AWS_S3_ENDPOINT_URL=seaweedfs_options["endpoint_url"],
        AWS_S3_REGION_NAME="us-east-1",
        AWS_ACCESS_KEY_ID=seaweedfs_options["access_key"],
        AWS_SECRET_ACCESS_KEY=seaweedfs_options["secret_key"],
        AWS_LOCATION=seaweedfs_options["location"],
    ):
        storage.save("a.txt", b"x")
        assert storage.size("a.txt") == 1
    with pytest.raises(ImproperlyConfigured):
        storage.size("a.txt")
    assert S3Storage(**seaweedfs_options).exists("a.txt")


def test_tls_uploads_keep_their_encoding(seaweedfs_options, certificates):
    """Over TLS boto3's default trailers would leave aws-chunked in Content-Encoding; ours store what was sent."""
    context, bundle = certificates
    with FaultProxy(seaweedfs_options["endpoint_url"], tls=context) as proxy:
        storage = S3Storage(**{**seaweedfs_options, "endpoint_url": proxy.url}, verify=bundle, gzip=True)
        storage.save("a.css", b"a { color: red }\n" * 100)
        storage.save("a.bin", b"x" * (9 << 20))
        with storage.open("b.txt", "w") as file:
            file.write("text")
        encodings = [storage.stat(name).content_encoding for name in ("a.css", "a.bin", "b.txt")]
        assert encodings == ["gzip", None, None]
        assert storage.read_bytes("a.bin") == b"x" * (9 << 20)
        assert storage.read_bytes("a.css") == b"a { color: red }\n" * 100
        assert storage.delete_many(["a.css", "a.bin"]) == 2
        deletion = proxy.requests("POST", "delete")[0]
        assert "content-md5" in dict(deletion.request_headers)


def test_an_untrusted_certificate_is_refused_at_once(seaweedfs_options, certificates):
    """TLS is checked; the error comes without retries."""
    with FaultProxy(seaweedfs_options["endpoint_url"], tls=certificates[0]) as proxy:
        storage = S3Storage(**{**seaweedfs_options, "endpoint_url": proxy.url})
        with pytest.raises(ConnectionError, match=r"(?i)certificate"):
            storage.exists("a")
        assert proxy.connections <= 8


class Rotating(S3Storage):
    """Reads its credentials from a property, as one that asks a vault does."""

    bucket_name = "some-bucket"
    region_name = "eu-central-1"
    number = 0

    @property
    def access_key(self):
        return f"rotated-{type(self).number}"

    @property
    def secret_key(self):
        return f"rotated-secret-{type(self).number}"


def test_rotated_credentials_do_not_collect_clients():
    """A process keeps a few clients; the least recently used goes, and its secrets go with it."""
    from botocore.credentials import Credentials

    storage = Rotating()
    clients = []
    for number in range(40):
        Rotating.number = number
        clients.append(weakref.ref(storage.client))
        storage.url("a")
    gc.collect()
    assert len(client._clients) == len(sessions._sessions) == client.MAX_CLIENTS
    assert [found() is None for found in clients[: 40 - client.MAX_CLIENTS]] == [True] * (40 - client.MAX_CLIENTS)
    held = [found.access_key for found in gc.get_objects() if type(found) in (Credentials, sigv4.Credentials)]
    assert "rotated-39" in held
    assert "rotated-0" not in held


def test_a_client_in_use_is_not_the_one_that_goes():
    """What is used stays, whatever else comes."""
    first = S3Storage(**KEYS, region_name="eu-central-1")
    kept = first.client
    for number in range(client.MAX_CLIENTS + 2):
        _ = S3Storage(**KEYS, region_name="eu-central-1", connect_timeout=30.0 + number).client
        assert first.client is kept


def test_a_file_is_read_to_its_end_after_its_client_has_gone(seaweedfs_options):
    """Threads that still use a client finish their call."""
    storage = S3Storage(**seaweedfs_options)
    content = bytes(range(256)) * 40_000
    storage.save("a.bin", content)
    used = weakref.ref(storage.client)
    with storage.open("a.bin") as file:
        start = file.read(1000)
        for number in range(client.MAX_CLIENTS):
            _ = S3Storage(**KEYS, region_name="eu-central-1", connect_timeout=60.0 + number).client
        gc.collect()
        assert start + file.read() == content
    del file
    gc.collect()
    assert used() is None
    assert storage.read_bytes("a.bin") == content


@pytest.mark.parametrize(
    "make",
    [
        lambda: {"read_timeout": 3, "s3": {"use_dualstack_endpoint": True}},
        lambda: botocore_config(read_timeout=3, retries={"max_attempts": 2}, proxies={"https": "http://127.0.0.1:1"}),
        lambda: {"ignored_codes": [1, 2], "region_name": "eu-west-1"},
    ],
    ids=["dict", "Config", "list"],
)
def test_a_client_config_that_is_made_again_has_the_same_client(make):
    """Configurations are compared by their content: a property that returns a new one makes no new client."""
    one, two = (Options(**KEYS, region_name="us-east-1", client_config=make()) for _ in range(2))
    assert client._key(one) == client._key(two)
    assert client._key(one) != client._key(Options(**KEYS, region_name="us-east-1"))


def botocore_config(**arguments):
    from botocore.config import Config

    return Config(**arguments)


def test_a_client_config_by_a_property_makes_one_client(monkeypatch):
    """Neither requests nor URLs make a client for each call."""

    class Configured(S3Storage):
        @property
        def client_config(self):
            return botocore_config(read_timeout=7, s3={"use_accelerate_endpoint": True})

    made = []
    connect = client._connect
    monkeypatch.setattr(client, "_connect", lambda *a, **k: made.append(connect(*a, **k)) or made[-1])
    storage = Configured(**KEYS, region_name="eu-central-1")
    assert storage.client is storage.client
    assert storage.url("a").partition("?")[0] == storage.url("a").partition("?")[0]
    assert "s3-accelerate" in storage.url("a")
    # One sends requests, the other knows the host of URLs.
    assert len(made) == 2


@pytest.mark.parametrize("as_dict", [True, False])
def test_an_unsigned_client_config_gives_unsigned_urls(as_dict):
    """UNSIGNED in client_config means what `anonymous` means."""
    from botocore import UNSIGNED

    config = {"signature_version": UNSIGNED} if as_dict else botocore_config(signature_version=UNSIGNED)
    storage = S3Storage(bucket_name="some-bucket", region_name="eu-central-1", client_config=config)
    assert storage.url("a") == "https://some-bucket.s3.eu-central-1.amazonaws.com/a"
    assert storage.client is storage.client
    signed = S3Storage(**KEYS, region_name="eu-central-1", client_config={"read_timeout": 3})
    assert "X-Amz-Signature" in signed.url("a")


def test_credentials_that_appear_after_the_first_use_are_seen(seaweedfs_options, monkeypatch):
    """A process that starts before its credentials are there works when they are."""
    keys = {name: seaweedfs_options.pop(name) for name in ("access_key", "secret_key")}
    storage = S3Storage(**seaweedfs_options)
    with pytest.raises(errors.NoCredentialsError):
        storage.exists("a")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", keys["access_key"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", keys["secret_key"])
    assert not storage.exists("a")
    assert storage.client is storage.client


@pytest.mark.parametrize(
    "identity", [KEYS, {"bucket_name": "some-bucket", "anonymous": True}], ids=["keys", "anonymous"]
)
def test_a_missing_profile_in_the_environment_does_not_disturb_an_own_identity(monkeypatch, identity):
    """AWS_PROFILE may be left over from another tool."""
    monkeypatch.setenv("AWS_PROFILE", "left-over")
    storage = S3Storage(**identity, region_name="eu-central-1", read_timeout=31.0)
    assert storage.url("a").startswith("https://some-bucket.s3.eu-central-1.amazonaws.com/a")
    assert storage.client.meta.region_name == "eu-central-1"
    without_region = S3Storage(**identity, read_timeout=31.0)
    assert without_region.url("a")
    with pytest.raises(errors.NoCredentialsError, match="left-over"):
        S3Storage(bucket_name="some-bucket", region_name="eu-central-1").url("a")


def test_an_existing_profile_in_the_environment_still_gives_the_region(tmp_path, monkeypatch):
    """Explicit keys replace its keys only."""
    config = tmp_path / "config"
    config.write_text("[profile work]\nregion = eu-west-1\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_PROFILE", "work")
    assert S3Storage(**KEYS, read_timeout=32.0).client.meta.region_name == "eu-west-1"


def test_sessions_share_what_botocore_reads_from_its_package():
    """A client costs a fraction of a megabyte then, and a tenth of the time."""
    storages = [S3Storage(**{**KEYS, "access_key": name}, region_name="eu-central-1") for name in ("one", "two")]
    sessions_of = [sessions._sessions_for(storage.options) for storage in storages]
    loaders = [inner.get_component("data_loader") for inner, _ in sessions_of]
    assert loaders[0] is loaders[1]
    assert len(loaders[0].search_paths) == len(set(loaders[0].search_paths))


def test_the_key_of_a_client_keeps_the_objects_it_is_made_of():
    """Clients are told apart by everything that reaches the wire."""
    one = client.get_client(Options(**KEYS, region_name="us-east-1", proxies={"https": "http://127.0.0.1:1"}))
    two = client.get_client(Options(**KEYS, region_name="us-east-1", proxies={"https": "http://127.0.0.1:2"}))
    assert one is not two
    assert one is client.get_client(
        Options(**KEYS, region_name="us-east-1", proxies={"https": "http://127.0.0.1:1"}, location="x")
    )


@pytest.mark.parametrize("operation", ["put_object", "upload_part"])
def test_a_project_can_presign_its_own_uploads(seaweedfs_options, operation):
    """As with any boto3 client, also with the checksum of the content."""
    found = S3Storage(**seaweedfs_options)
    part = {"UploadId": "1", "PartNumber": 1} if operation == "upload_part" else {}
    url = found.client.generate_presigned_url(
        operation, {"Bucket": found.bucket_name, "Key": "a.txt", "ContentMD5": "XrY7u+Ae7tCTyyK7j1rNww==", **part}
    )
    assert "X-Amz-Signature=" in url
