"""What is different on AWS: moto is the proxy through which requests to AWS's hosts go."""

import boto3
import pytest
from botocore.config import Config

from s3store.errors import AccessDeniedError
from s3store.operations.doctor import fix, plan_fix
from s3store.operations.setup import SetupError, Wishes, apply, plan
from s3store.storage import S3StaticStorage, S3Storage
from s3store.wire import account
from s3store.wire.account import account_block
from s3store.wire.settings import Setting
from tests.faults.proxy import FaultProxy
from tests.operations.doctor.conftest import examined, ids, one

IDENTITY = (
    "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::{}:user/site</Arn>"
    "</GetCallerIdentityResult></GetCallerIdentityResponse>"
)
OURS, OTHER = "123456789012", "111122223333"
"""moto's account, and one that it denies access to."""


@pytest.fixture
def aws(moto, monkeypatch):
    """A function that returns a storage on AWS with a new bucket."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "http://sts.eu-west-3.amazonaws.com")

    def identity(method, target, headers):
        return (200, {}, IDENTITY.format(make.account).encode()) if target.startswith("http://sts.") else None

    with FaultProxy(moto.endpoint_url, respond=identity) as proxy:

        def make(bucket, cls=S3Storage, **options):
            keys = {"access_key": moto.access_key, "secret_key": moto.secret_key}
            given = {"region_name": "eu-west-3", "use_ssl": False, "proxies": {"http": proxy.url}, **keys}
            storage = cls(bucket_name=bucket, **{**given, **options}, location="media")
            where = {"LocationConstraint": "eu-west-3"}
            S3Storage(bucket_name=bucket, **given).client.create_bucket(Bucket=bucket, CreateBucketConfiguration=where)
            return storage

        make.account, make.proxy = OTHER, proxy
        yield make


def test_a_bucket_on_aws(aws):
    """The account is named. Without a region in the listing, one more request asks for it."""
    report = examined(aws("doctor-on-aws"), origins=[])
    assert report.account == "arn:aws:iam::111122223333:user/site"
    assert report.endpoint == "http://s3.eu-west-3.amazonaws.com"
    assert "Region: eu-west-3." in report.passed
    one(report, "public-block-off", level="warning")
    assert report.at("error") == ()
    assert "root-user" not in ids(report)


def test_od_14_the_region_of_the_bucket_on_aws(aws):
    """The value to write is the region of the bucket."""
    report = examined(aws("doctor-in-paris", region_name="eu-west-1"), origins=[])
    one(report, "region-wrong", 'region_name="eu-west-3"', "eu-west-1")


def test_the_other_style_is_not_tried_on_aws(aws):
    """Both work there: a bucket that is missing is missing."""
    storage = S3Storage(**{**_options(aws("doctor-there")), "bucket_name": "doctor-elsewhere"})
    report = examined(storage, origins=[])
    assert ids(report)[-1] == "bucket-missing"
    assert report.requests == 1


DENIED = 403, {"Content-Type": "application/xml"}, b"<Error><Code>AccessDenied</Code><Message>no</Message></Error>"


@pytest.fixture
def blocked(moto):
    """The account of moto blocks public policies."""
    proxies = Config(proxies={"http": moto.endpoint_url})
    keys = {"aws_access_key_id": moto.access_key, "aws_secret_access_key": moto.secret_key}
    control = boto3.client("s3control", region_name="eu-west-3", use_ssl=False, config=proxies, **keys)
    block = {"BlockPublicPolicy": True, "RestrictPublicBuckets": True}
    control.put_public_access_block(AccountId=OURS, PublicAccessBlockConfiguration=block)
    yield
    control.delete_public_access_block(AccountId=OURS)


def respond(method, target, headers):
    """Refuse visitors, and policies."""
    is_policy = method == "PUT" and target.endswith("?policy")
    is_visit = method == "GET" and "authorization" not in {name.lower() for name in headers}
    return DENIED if is_policy or is_visit else None


@pytest.mark.parametrize("account", [OURS, OTHER, ""])
def test_od_39_the_account_blocks_public_access(aws, moto, blocked, account):
    """Visitors are refused, and the bucket blocks nothing. If the credentials may, the account is asked."""
    aws.account = account
    with FaultProxy(aws.proxy.url, respond=respond) as proxy:
        options = {"proxies": {"http": proxy.url}}
        storage = aws(f"doctor-public-{account or 'nobody'}", S3StaticStorage, **options)
        report = examined(storage, origins=[])
        one(report, "not-public")
        if account == OURS:
            words = f"of the account {OURS} returned BlockPublicPolicy, RestrictPublicBuckets"
            one(report, "account-block", words, "--print-cloudfront", level="warning")
        else:
            assert "account-block" not in ids(report)
        planned = plan_fix(storage, report)
        with pytest.raises((SetupError, AccessDeniedError)) as caught:
            fix(storage, planned)
        blocks = "Block Public Access is on for the whole account 123456789012: BlockPublicPolicy"
        assert (blocks in str(caught.value)) is (account == OURS)
        with pytest.raises(SetupError) as caught:
            apply(storage, plan(storage, wishes=Wishes(public_prefixes=("media",))))
        assert (blocks in str(caught.value)) is (account == OURS)
        assert "AccessDenied" in str(caught.value)


def test_od_39_the_account_is_not_asked_if_the_bucket_blocks_the_policy(aws, blocked):
    """The block of the bucket is reason enough. One request less."""
    aws.account = OURS
    with FaultProxy(aws.proxy.url, respond=respond) as proxy:
        storage = aws("doctor-blocks-itself", S3StaticStorage, proxies={"http": proxy.url})
        block = {"BlockPublicPolicy": True, "RestrictPublicBuckets": True}
        storage.client.put_public_access_block(Bucket=storage.bucket_name, PublicAccessBlockConfiguration=block)
        report = examined(storage, origins=[])
        assert [exchange.target for exchange in proxy.requests() if "s3-control" in exchange.target] == []
    one(report, "not-public")
    assert "account-block" not in ids(report)


def test_od_39_only_aws_has_such_accounts(moto, seaweedfs_options):
    """Other servers are not asked, and neither is AWS without credentials."""
    for options in (S3Storage(**seaweedfs_options).options, S3Storage(bucket_name="b", anonymous=True).options):
        # A request that failed would be in `why`.
        assert account_block(options, OURS) == Setting(name=account.NAME, state="unknown")


def _options(storage):
    names = ("bucket_name", "region_name", "use_ssl", "proxies", "access_key", "secret_key")
    return {name: getattr(storage.options, name) for name in names}
