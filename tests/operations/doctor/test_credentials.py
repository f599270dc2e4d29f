"""Rows OD-01 to OD-05 and OD-07 to OD-12: credentials that do not exist, do not work, or soon will not."""

import hashlib
import json
import sys
import threading
from datetime import datetime, timedelta, timezone

import pytest
from botocore.credentials import SSOProvider
from botocore.tokens import SSOTokenProvider

from s3store.conf.options import Options
from s3store.storage import S3Storage
from s3store.wire import chain
from s3store.wire.chain import caller_of
from tests.faults.proxy import FaultProxy
from tests.operations.doctor.conftest import canned, ends_with, error, examined, ids, one, service, storage_at

NO_KEYS = {"access_key": None, "secret_key": None}


def configured(tmp_path, monkeypatch, text, name="config"):
    """Write a configuration file of AWS."""
    path = tmp_path / name
    path.write_text(text)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(path))
    return path


def test_od_01_no_credentials_names_the_links_that_were_asked(moto):
    """The chain is walked link by link, without a request to the bucket."""
    report = examined(storage_at(moto, **NO_KEYS))
    ends_with(report, "no-credentials", "environment variables", "credentials file", "anonymous=True")
    assert report.requests == 0


def test_od_02_half_a_pair(moto, tmp_path, monkeypatch):
    """The file that contains only one of the two keys is named, and what is missing."""
    path = tmp_path / "credentials"
    path.write_text("[default]\naws_access_key_id = AKIAEXAMPLE\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(path))
    report = examined(storage_at(moto, **NO_KEYS))
    ends_with(report, "half-credentials", "shared-credentials-file", "aws_secret_access_key")


def test_od_02_half_a_pair_in_the_options(moto):
    """The constructor refuses it; the message is the finding."""
    report = examined(S3Storage(bucket_name="b", session_profile=None))
    assert ids(report) == ["no-credentials"]
    with pytest.raises(Exception, match="without secret_key"):
        S3Storage(bucket_name="b", access_key="AKIAEXAMPLE")


def test_od_02_an_unknown_profile(moto, tmp_path, monkeypatch):
    """The profiles that exist are named."""
    configured(tmp_path, monkeypatch, "[profile staging]\nregion = eu-west-1\n[profile live]\nregion = eu-west-1\n")
    report = examined(storage_at(moto, **NO_KEYS, session_profile="prod"))
    ends_with(report, "profile-missing", "prod", "live", "staging")


def test_od_02_an_unknown_profile_on_aws(monkeypatch):
    """Without an endpoint in the options, its region and endpoint cannot be read either: the profile is the finding."""
    report = examined(S3Storage(bucket_name="some-bucket", session_profile="prod"))
    ends_with(report, "profile-missing", "prod")
    monkeypatch.setenv("AWS_PROFILE", "live")
    ends_with(examined(S3Storage(bucket_name="some-bucket")), "profile-missing", "live")


def test_a_configuration_file_that_cannot_be_read(tmp_path, monkeypatch):
    """The file is named, and there is no traceback."""
    path = configured(tmp_path, monkeypatch, "[profile\nregion = x\n")
    ends_with(examined(S3Storage(bucket_name="some-bucket")), "credentials-failed", path.name)


def test_a_first_probe_that_fails(moto, monkeypatch):
    """Whatever it is, it is a finding, and nothing else is examined."""

    def broken(options):
        raise LookupError("odd")

    monkeypatch.setattr("s3store.wire.chain.chain_of", broken)
    ends_with(examined(storage_at(moto)), "unexpected", "LookupError: odd")


def test_instance_metadata_that_cannot_be_reached(monkeypatch):
    """Outside EC2, nothing listens there."""
    with service(lambda *_: None) as url:
        pass
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", url)
    assert chain.metadata_accepts(Options()) == ""


def test_od_03_a_temporary_key_without_its_token(moto):
    """The key says that it is temporary. No request is sent."""
    report = examined(storage_at(moto, access_key="ASIAEXAMPLE", secret_key="abcdefgh"))
    ends_with(report, "token-missing", "ASIA", "AWS_SESSION_TOKEN")
    assert report.requests == 0


@pytest.mark.parametrize("server", ["seaweedfs", "rclone"])
def test_od_04_an_unknown_key(server, request):
    """The server does not know the key: nothing else is examined."""
    report = examined(storage_at(request.getfixturevalue(server), access_key="AKIASTRANGER"))
    ends_with(report, "key-unknown", "InvalidAccessKeyId", "127.0.0.1")
    assert "AKIASTRANGER" not in json.dumps(report.json())


@pytest.mark.parametrize("server", ["seaweedfs", "rclone"])
def test_od_05_a_wrong_secret(server, request):
    """The length of the secret is told, and not the secret."""
    report = examined(storage_at(request.getfixturevalue(server), secret_key="wrong-secret"))
    ends_with(report, "secret-wrong", "SignatureDoesNotMatch", "12 characters")
    assert "wrong-secret" not in json.dumps(report.json())


def test_od_05_white_space_in_a_secret_is_refused_by_the_options(settings):
    """A line break at the end of a key, as files have it, is found before any request."""
    settings.AWS_S3_ACCESS_KEY_ID, settings.AWS_S3_SECRET_ACCESS_KEY = "AKIAEXAMPLE", "secret\n"
    report = examined(S3Storage(bucket_name="b"))
    assert ids(report) == ["settings-invalid"]
    one(report, "settings-invalid", "white space", "s3store.E014")


def test_od_07_an_expired_session(moto):
    """The session has ended."""
    with canned(moto, ("GET", error(400, "ExpiredToken", "The provided token has expired."))) as proxy:
        report = examined(storage_at(moto, proxy.url, security_token="token-of-before"))
    ends_with(report, "session-expired", "400 ExpiredToken", "aws sso login")
    assert "token-of-before" not in json.dumps(report.json())


def test_od_08_a_token_of_another_session(moto, seaweedfs):
    """AWS calls the token invalid; SeaweedFS calls the key unknown."""
    with canned(moto, ("GET", error(400, "InvalidToken"))) as proxy:
        ends_with(examined(storage_at(moto, proxy.url, security_token="stray")), "token-refused", "AWS_SESSION_TOKEN")
    report = examined(storage_at(seaweedfs, security_token="stray-token"))
    ends_with(report, "token-refused", "403")


def test_od_08_temporary_credentials_with_an_unknown_key(seaweedfs):
    """The token belongs to the key: the key is what the server does not know."""
    report = examined(storage_at(seaweedfs, access_key="ASIASTRANGER", security_token="its-own-token"))
    ends_with(report, "key-unknown", "InvalidAccessKeyId")


SSO_ACCOUNT = "sso_account_id = 111122223333\nsso_role_name = dev\n"
SSO_SESSION = "sso_start_url = https://example.awsapps.com/start\nsso_region = eu-west-1\n"


@pytest.mark.parametrize(
    ("named", "ended", "failure"),
    [
        (True, False, "SSOTokenLoadError"),
        (True, True, "TokenRetrievalError"),
        (False, False, "SSOTokenLoadError"),
        (False, True, "UnauthorizedSSOTokenError"),
    ],
)
def test_od_09_an_sso_session_that_is_not_there(moto, tmp_path, monkeypatch, named, ended, failure):
    """The profile is named in the command to run, whether it has the session itself or the name of one."""
    session = f"sso_session = company\n{SSO_ACCOUNT}[sso-session company]\n{SSO_SESSION}"
    configured(tmp_path, monkeypatch, f"[profile work]\n{session if named else SSO_SESSION + SSO_ACCOUNT}")
    for provider in (SSOProvider, SSOTokenProvider):
        # botocore takes the home directory when it is imported.
        monkeypatch.setattr(provider, "_SSO_TOKEN_CACHE_DIR", str(tmp_path))
    if ended:
        key = "company" if named else "https://example.awsapps.com/start"
        token = tmp_path / f"{hashlib.sha1(key.encode()).hexdigest()}.json"
        token.write_text(json.dumps({"accessToken": "t-o-k-e-n", "expiresAt": "2020-01-01T00:00:00Z"}))
    report = examined(storage_at(moto, **NO_KEYS, session_profile="work"))
    ends_with(report, "sso-expired", failure, "aws sso login --profile work")


def test_od_10_instance_metadata_that_accepts_and_never_responds(moto, monkeypatch):
    """A container on EC2 with a hop limit of 1: TCP connects, and no token arrives."""
    released = threading.Event()

    def silent(method, path):
        released.wait(10)

    with service(silent) as url:
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "false")
        monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", url)
        report = examined(storage_at(moto, **NO_KEYS))
        released.set()
    ends_with(report, "metadata-silent", url.removeprefix("http://"), "hop-limit 2")


def test_od_10_instance_metadata_without_a_role(moto, monkeypatch):
    """It responds quickly: then there are simply no credentials."""
    with service(lambda method, path: (404, b"")) as url:
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "false")
        monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", url)
        report = examined(storage_at(moto, **NO_KEYS))
    ends_with(report, "no-credentials", "instance metadata")


def test_od_11_a_role_that_may_not_be_assumed(moto, tmp_path, monkeypatch):
    """STS says who may not assume which role."""
    said = "User: arn:aws:iam::1:user/u is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::1:role/r"
    body = f"<ErrorResponse><Error><Code>AccessDenied</Code><Message>{said}</Message></Error></ErrorResponse>"
    configured(
        tmp_path,
        monkeypatch,
        "[profile site]\nregion = us-east-1\nrole_arn = arn:aws:iam::1:role/r\nsource_profile = base\n"
        "[profile base]\naws_access_key_id = AKIAEXAMPLE\naws_secret_access_key = abcdefgh\n",
    )
    with service(lambda method, path: (403, body.encode())) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", url)
        report = examined(storage_at(moto, **NO_KEYS, session_profile="site"))
    ends_with(report, "role-refused", "AccessDenied", "sts:AssumeRole", "trust policy")


def process(tmp_path, monkeypatch, **answer):
    """A profile whose credentials come from a program."""
    script = tmp_path / "provider.py"
    script.write_text(f"print({json.dumps(json.dumps({'Version': 1, **answer}))})\n")
    configured(tmp_path, monkeypatch, f"[profile short]\ncredential_process = {sys.executable} {script}\n")


def test_od_12_credentials_that_expire_soon(moto, tmp_path, monkeypatch):
    """Less than 15 minutes are a warning, and the examination goes on."""
    soon = datetime.now(timezone.utc) + timedelta(minutes=12)
    keys = {"AccessKeyId": moto.access_key, "SecretAccessKey": moto.secret_key, "SessionToken": "t-o-k-e-n"}
    process(tmp_path, monkeypatch, **keys, Expiration=soon.isoformat())
    report = examined(storage_at(moto, **NO_KEYS, session_profile="short"))
    one(report, "credentials-end", "11 minutes", "credential process", level="warning")
    assert any(text.startswith("Delete") for text in report.passed)
    assert "t-o-k-e-n" not in json.dumps(report.json())
    later = datetime.now(timezone.utc) + timedelta(minutes=17)
    process(tmp_path, monkeypatch, **keys, Expiration=later.isoformat())
    report = examined(storage_at(moto, **NO_KEYS, session_profile="short"))
    assert "credentials-end" not in ids(report)
    assert "Credentials: credential process, until 16 minutes from now." in report.passed


def test_od_12_the_root_user(moto, monkeypatch):
    """STS names the account of the keys. Those of the root user are a warning."""
    body = (
        "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::111122223333:root</Arn>"
        "</GetCallerIdentityResult></GetCallerIdentityResponse>"
    )
    with service(lambda method, path: (200, body.encode())) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", url)
        report = examined(storage_at(moto))
    one(report, "root-user", "arn:aws:iam::111122223333:root", level="warning")
    assert report.account == "arn:aws:iam::111122223333:root"


def test_od_12_sts_that_does_not_respond_is_not_an_error(moto, monkeypatch):
    """In a private network there may be no way to it: the account is then unknown."""
    with service(lambda method, path: (500, b"")) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", url)
        report = examined(storage_at(moto))
    assert report.account == ""
    assert "root-user" not in ids(report)


def test_a_program_for_credentials_that_fails(moto, tmp_path, monkeypatch):
    """The link and its message are the finding."""
    configured(tmp_path, monkeypatch, f"[profile short]\ncredential_process = {sys.executable} -c 1/0\n")
    report = examined(storage_at(moto, **NO_KEYS, session_profile="short"))
    ends_with(report, "credentials-failed", "custom-process", "ZeroDivisionError")


IDENTITY = (
    b"<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::111122223333:user/site</Arn>"
    b"</GetCallerIdentityResult></GetCallerIdentityResponse>"
)


def test_sts_is_asked_through_the_proxy_of_the_options(moto, monkeypatch):
    """As the server is: a network can have no other way out."""
    asked = []

    def respond(method, target):
        asked.append((method, target))
        return 200, IDENTITY

    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "http://sts.example.org")
    with service(respond) as url:
        options = storage_at(moto, proxies={"http": url}).options
        assert caller_of(options) == "arn:aws:iam::111122223333:user/site"
    assert asked == [("POST", "http://sts.example.org/")]


def test_sts_is_trusted_as_the_server_is(moto, monkeypatch, certificates):
    """By the authority that the option verify names."""
    context, bundle = certificates
    with FaultProxy(moto.endpoint_url, tls=context, respond=lambda *_: (200, {}, IDENTITY)) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", proxy.url)
        found = [caller_of(storage_at(moto, verify=verify).options) for verify in (bundle, None)]
    assert found == ["arn:aws:iam::111122223333:user/site", ""]
