"""No object that holds a secret can be pickled, shown, or reported by Django with it."""

from __future__ import annotations

import copy
import pickle
import uuid
from collections.abc import Callable
from dataclasses import is_dataclass
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured, SuspiciousFileOperation
from django.views.debug import ExceptionReporter

from s3store.core import sigv4
from s3store.core.parameters import Parameters
from s3store.files.fast_put import FastUpload
from s3store.files.upload import Upload
from s3store.links.credentials import credentials_of
from s3store.links.distribution import Distribution
from s3store.links.links import Links
from s3store.storage import S3Storage

SECRET = "hunter2" + uuid.uuid4().hex
CUSTOMER = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": SECRET}
OPTIONS: dict[str, Any] = {
    "bucket_name": "some-bucket",
    "region_name": "eu-central-1",
    "access_key": "AKEXAMPLE",
    "secret_key": SECRET,
    "security_token": "token" + SECRET,
    "proxies": {"https": f"http://ann:{SECRET}@127.0.0.1:1"},
    "object_parameters": CUSTOMER,
    "headers": {"p/*": CUSTOMER},
    "custom_domain": "cdn.example.com",
    "cloudfront_signer": {"key": SECRET},
    "max_attempts": 1,
}


def storage(**changes: Any) -> S3Storage:
    return S3Storage(**{**OPTIONS, **changes})


HOLDERS: dict[str, Callable[[S3Storage], Any]] = {
    "options": lambda storage: storage.options,
    "resolved": lambda storage: storage.resolve(),
    "objects": lambda storage: storage.objects,
    "bucket": lambda storage: storage.objects.bucket,
    "target": lambda storage: storage.objects.target("p/a"),
    "parameters": lambda storage: storage.get_object_parameters("p/a"),
    "parameters of an object": lambda storage: storage.options.object_parameters,
    "a copy of the parameters": lambda storage: storage.options.object_parameters.copy(),  # type: ignore[union-attr]
    "links": lambda storage: storage.objects.of(Links),
    "endpoint": lambda storage: storage.objects.of(Links).endpoint,
    "distribution": lambda storage: storage.objects.of(Distribution.of),
    "credentials": lambda storage: credentials_of(storage.options)(),
    "scope": lambda storage: sigv4._scope(credentials_of(storage.options)(), "r", 0, 60, "host"),
    "upload": lambda storage: Upload(storage.objects.bucket, storage.options),
    "fast upload": lambda storage: FastUpload(storage.objects.bucket, storage.options),
    "file": lambda storage: storage.open("p/a", "wb"),
    "text file": lambda storage: storage.open("p/a", "w"),
    "raw file": lambda storage: storage.open("p/a", "wb")._raw,
    "headers": lambda storage: storage.options.headers["p/*"],  # type: ignore[index]
}
holders = pytest.mark.parametrize("holder", HOLDERS.values(), ids=HOLDERS)
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


@holders
@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_sc_05_what_holds_a_secret_cannot_be_pickled(holder: Any, protocol: int) -> None:
    """A cache or a queue would keep the secret: it is an error that says so."""
    held = holder(storage())
    with pytest.raises((TypeError, AttributeError, pickle.PicklingError)) as caught:
        pickle.dumps(held, protocol)
    assert SECRET not in str(caught.value)


@holders
def test_sc_01_what_holds_a_secret_does_not_show_it(holder: Any) -> None:
    """Neither in its repr nor, for our dataclasses, in those of its fields."""
    held = holder(storage())
    assert SECRET not in repr(held)
    assert SECRET not in str(held)
    assert not is_dataclass(held) or SECRET not in f"{held}"


def test_sc_05_the_error_of_an_open_file_says_what_to_pickle() -> None:
    """A file that is being written held the secret key."""
    for mode in ("wb", "w"):
        with pytest.raises(TypeError, match=r"An open file cannot be pickled. Pickle its name"):
            pickle.dumps(storage().open("a", mode))
    with pytest.raises(TypeError, match=r"Options can contain secrets and cannot be pickled. Pickle the storage"):
        pickle.dumps(storage().options)


def test_parameters_keep_their_key_when_they_are_copied() -> None:
    """Only a pickle is refused, and only with a key."""
    given = Parameters({**CUSTOMER, "Metadata": {"a": "b"}})
    for twin in (given.copy(), copy.copy(given), copy.deepcopy(given)):
        assert type(twin) is Parameters
        assert twin == given
    assert copy.deepcopy(given)["Metadata"] is not given["Metadata"]
    assert pickle.loads(pickle.dumps(Parameters({"CacheControl": "a"}))) == {"CacheControl": "a"}


# Error reports

HALF = "text/plain; name=\udcff"

REPORTED: dict[str, Callable[[], Any]] = {
    "content type, save": lambda: storage().save("a", b"x", content_type=HALF),
    "content type, upload_url": lambda: storage(cloudfront_signer=None).upload_url("a", content_type=HALF),
    "content type, upload_post": lambda: storage().upload_post("a", max_size=1, content_type=HALF),
    "content type by the storage": lambda: storage(object_parameters={**CUSTOMER, "ContentType": HALF}).url("a"),
    "metadata": lambda: storage().save("a", b"x", metadata={"a": "\udcff"}),
    "name": lambda: storage().url("\udcff"),
    "method": lambda: s3_storage().url("a", http_method="\udcff"),
    "parameter": lambda: s3_storage().url("a", {"ResponseContentType": HALF}),
    "version": lambda: s3_storage().url("a", {"VersionId": "\udcff"}),
    "region": lambda: s3_storage(region_name="eu-\udcff").url("a"),
    "token": lambda: s3_storage(security_token=f"{SECRET}\udcff").url("a"),
    "secret key": lambda: s3_storage(secret_key=f"{SECRET}\udcff").url("a"),
    "property beside a wrong option": lambda: Vault(bucket_name="b").url("a"),
    "attribute beside a wrong option": lambda: Literal().url("a"),
    "customer key": lambda: s3_storage(object_parameters={**CUSTOMER, "SSECustomerKey": f"{SECRET}\udcff"}).save(
        "a", b"x"
    ),
    "connection": lambda: s3_storage(proxies=None, endpoint_url="http://127.0.0.1:1").save("a", b"x"),
    "proxy": lambda: s3_storage().exists("a"),
}


def s3_storage(**changes: Any) -> S3Storage:
    return storage(**{"custom_domain": None, "cloudfront_signer": None, **changes})


class Vault(S3Storage):
    """Its keys come from a property."""

    location = "/wrong"

    @property
    def secret_key(self) -> str:  # type: ignore[override]
        return SECRET

    @property
    def access_key(self) -> str:  # type: ignore[override]
        return "AKEXAMPLE"


class Literal(S3Storage):
    location = "/wrong"
    access_key = "AKEXAMPLE"
    secret_key = SECRET


@pytest.mark.parametrize("call", REPORTED.values(), ids=REPORTED)
def test_sc_02_no_error_report_shows_a_secret(call: Callable[[], Any]) -> None:
    """Neither the variables of our frames, nor those of botocore's, nor the message."""
    try:
        call()
    except (ValueError, OSError, ImproperlyConfigured, SuspiciousFileOperation) as error:
        caught = error
    reporter = ExceptionReporter(None, type(caught), caught, caught.__traceback__)
    assert SECRET not in str(caught)
    # The frames of this test are the caller's, which only the project can hide.
    frames = [frame for frame in reporter.get_traceback_frames() if __file__ != frame.get("filename")]
    shown = [
        (frame.get("filename"), frame.get("lineno"), name)
        for frame in frames
        for name, value in frame.get("vars", ())
        if SECRET in str(value)
    ]
    assert shown == []
    values = {str(value) for frame in frames for _, value in frame.get("vars", ())}
    for held in (sigv4._signing_key(SECRET, sigv4.timestamp(0)[:8], "eu-central-1"),):
        assert not any(repr(held) in value for value in values)
