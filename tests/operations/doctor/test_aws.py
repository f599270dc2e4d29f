"""What is different on AWS: moto is the proxy through which requests to AWS's hosts go."""

import pytest

from s3store.storage import S3Storage
from tests.operations.doctor.conftest import examined, ids, one, service

IDENTITY = (
    "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::111122223333:user/site</Arn>"
    "</GetCallerIdentityResult></GetCallerIdentityResponse>"
)


@pytest.fixture
def aws(moto, monkeypatch):
    """A function that returns a storage on AWS with a new bucket."""
    with service(lambda *_: (200, IDENTITY.encode())) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", url)

        def make(bucket, **options):
            keys = {"access_key": moto.access_key, "secret_key": moto.secret_key}
            given = {"region_name": "eu-west-3", "use_ssl": False, "proxies": {"http": moto.endpoint_url}, **keys}
            storage = S3Storage(bucket_name=bucket, **{**given, **options}, location="media")
            where = {"LocationConstraint": "eu-west-3"}
            S3Storage(bucket_name=bucket, **given).client.create_bucket(Bucket=bucket, CreateBucketConfiguration=where)
            return storage

        yield make


def test_a_bucket_on_aws(aws):
    """The account is named. Without a region in the listing, one more request asks for it."""
    report = examined(aws("doctor-on-aws"), origins=[])
    assert report.account == "arn:aws:iam::111122223333:user/site"
    assert report.endpoint == "http://s3.eu-west-3.amazonaws.com"
    assert "Region: eu-west-3." in report.passed
    one(report, "public-block-off", level="warning")
    assert report.at("error") == ()


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


def _options(storage):
    names = ("bucket_name", "region_name", "use_ssl", "proxies", "access_key", "secret_key")
    return {name: getattr(storage.options, name) for name in names}
