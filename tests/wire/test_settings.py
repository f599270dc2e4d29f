"""The settings of a bucket: how they are read, written, and what happens on servers that have none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from s3store import errors
from s3store.local.storage import FakeS3Storage
from s3store.storage import S3Storage
from s3store.testing.counting import counted_requests
from s3store.testing.fixtures import options_for
from s3store.testing.servers import Server, rclone_server
from s3store.wire.settings import NAMES, BucketSettings, Setting
from tests.buckets import EACH_SERVER, ENVIRONMENT
from tests.faults.proxy import FaultProxy

CORS = {"CORSRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["https://example.com"]}]}
LIFECYCLE = {
    "Rules": [
        {
            "ID": "ours",
            "Filter": {"Prefix": ""},
            "Status": "Enabled",
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
        }
    ]
}
ALL_BLOCKED = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)


def policy_for(bucket: str) -> dict[str, Any]:
    statement = {
        "Sid": "Tls",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{bucket}/x/*",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


def settings_of(options: dict[str, Any]) -> BucketSettings:
    return S3Storage(**options).objects.bucket.settings


@pytest.fixture
def behind(moto: Server) -> Iterator[Callable[[Any], BucketSettings]]:
    """Return the settings of a bucket on moto, with some requests answered by a function instead."""
    with ExitStack() as stack:

        def make(respond: Any) -> BucketSettings:
            proxy = stack.enter_context(FaultProxy(moto.endpoint_url, respond=respond))
            return settings_of({**options_for(moto), "endpoint_url": proxy.url})

        yield make


def answering(status: int, body: bytes = b"", *, times: int = 99, kind: str = "application/xml") -> Any:
    left = [times]

    def respond(method: str, target: str, headers: Any) -> Any:
        if left[0] > 0 and (status < 300 or status == 404 or method in ("GET", "PUT")):
            left[0] -= 1
            return status, {"Content-Type": kind}, body
        return None

    return respond


def code(name: str) -> bytes:
    return f"<Error><Code>{name}</Code><Message>No.</Message></Error>".encode()


@EACH_SERVER
def test_od_50_a_new_bucket_tells_what_it_has_and_what_the_server_has_not(fresh: dict[str, Any]) -> None:
    """Each setting has a state, and no server's listing is taken for an empty document."""
    settings = settings_of(fresh)
    states = {name: settings.read(name).state for name in NAMES}
    assert {states[name] for name in ("policy", "cors", "lifecycle", "versioning")} == {"none"}
    assert states["acl"] == states["location"] == "set" or states["location"] == "none"
    assert set(states.values()) <= {"set", "none", "unknown"}
    assert "unknown" in states.values()  # requester pays on moto, the public access block on SeaweedFS


@EACH_SERVER
@pytest.mark.parametrize("name", ["policy", "cors", "lifecycle"])
def test_a_document_is_written_read_back_and_deleted(fresh: dict[str, Any], name: str) -> None:
    """The state after each change is what the server says, not what was sent."""
    settings = settings_of(fresh)
    document = {"policy": policy_for(fresh["bucket_name"]), "cors": CORS, "lifecycle": LIFECYCLE}[name]
    written = settings.write(name, document)
    assert written.state == "set"
    assert written == settings.read(name)
    assert settings.delete(name).state == "none"
    with counted_requests(S3Storage(**fresh)) as sent:
        assert settings.delete(name).state == "none"
    assert [request.method for request in sent] == ["GET"]


@EACH_SERVER
def test_public_access_ownership_encryption_and_versioning_are_written(fresh: dict[str, Any]) -> None:
    """Where the server has them: the others are refused, and nothing is sent but the GET."""
    settings = settings_of(fresh)
    documents: dict[str, Any] = {
        "public-access-block": ALL_BLOCKED,
        "ownership": {"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]},
        "encryption": {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]},
        "versioning": {"Status": "Enabled"},
    }
    written = []
    for name, document in documents.items():
        if settings.read(name).state == "unknown":
            with (
                counted_requests(S3Storage(**fresh)) as sent,
                pytest.raises(errors.InvalidRequestError, match=rf"change of {name} of bucket .* no such setting"),
            ):
                settings.write(name, document)
            assert {request.method for request in sent} == {"GET"}
        else:
            found = settings.write(name, document)
            assert found.state == "set"
            assert {key: found.value[key] for key in document} == document or name == "encryption"
            written.append(name)
    assert "versioning" in written
    assert len(written) > 1


def test_od_50_rclone_is_never_written_to(tmp_path: Any) -> None:
    """It answers every GET with a listing, and would delete the bucket or create it again."""
    try:
        started = rclone_server()
        server = started.__enter__()
    except Exception as error:
        pytest.skip(str(error))
    try:
        storage = S3Storage(**options_for(server, "rcl"))
        storage.client.create_bucket(Bucket="rcl")
        settings = storage.objects.bucket.settings
        for name in ("public-access-block", "ownership", "policy", "cors", "lifecycle", "encryption", "acl"):
            found = settings.read(name)
            assert (found.state, dict(found.value)) == ("unknown", {}), name
        with counted_requests(storage) as sent:
            for name in ("policy", "cors", "lifecycle"):
                with pytest.raises(errors.InvalidRequestError, match="no such setting"):
                    settings.write(name, CORS)
                with pytest.raises(errors.InvalidRequestError, match="no such setting"):
                    settings.delete(name)
            with pytest.raises(errors.InvalidRequestError, match="no such setting"):
                settings.set_acl("private")
        assert len(sent) == 7
        assert {request.method for request in sent} == {"GET"}
        assert [bucket.name for bucket in settings.buckets()] == ["rcl"]
    finally:
        started.__exit__(None, None, None)


@pytest.mark.parametrize(
    ("status", "body", "state"),
    [
        pytest.param(403, code("AccessDenied"), "denied", id="not-allowed"),
        pytest.param(404, code("NoSuchCORSConfiguration"), "none", id="none"),
        pytest.param(404, code("NoSuchKey"), "unknown", id="a-bucket-in-the-endpoint"),
        pytest.param(404, b"", "unknown", id="404-without-a-body"),
        pytest.param(501, code("NotImplemented"), "unknown", id="not-implemented"),
        pytest.param(501, b"", "unknown", id="501-without-a-body"),
        pytest.param(405, code("MethodNotAllowed"), "unknown", id="not-allowed-here"),
        pytest.param(200, b"", "unknown", id="an-empty-answer"),
        pytest.param(200, b"<ListBucketResult><Name>b</Name></ListBucketResult>", "unknown", id="a-listing"),
        pytest.param(200, b"<CORSConfiguration/>", "none", id="an-empty-document"),
        pytest.param(
            200,
            b'<?xml version="1.0"?>\n<CORSConfiguration xmlns="x"><CORSRule><AllowedMethod>GET</AllowedMethod>'
            b"</CORSRule></CORSConfiguration>",
            "set",
            id="a-document",
        ),
    ],
)
def test_what_an_answer_says_about_a_setting(
    behind: Callable[[Any], BucketSettings], status: int, body: bytes, state: str
) -> None:
    """403 is not "none", and a 404 with the code of something else neither."""
    found = behind(answering(status, body)).read("cors")
    assert (found.state, found.status) == (state, status)
    assert bool(found.value) == (state == "set")


@pytest.mark.parametrize(
    ("status", "name", "kind"),
    [
        (404, "NoSuchBucket", errors.BucketNotFoundError),
        (403, "InvalidAccessKeyId", errors.InvalidCredentialsError),
        (400, "ExpiredToken", errors.ExpiredCredentialsError),
        (301, "PermanentRedirect", errors.WrongRegionError),
        (503, "SlowDown", errors.ServerError),
    ],
)
def test_what_is_not_about_a_setting_is_raised(
    behind: Callable[[Any], BucketSettings], status: int, name: str, kind: type[errors.S3StoreError]
) -> None:
    """A missing bucket has no settings, and wrong credentials say nothing about them."""
    with pytest.raises(kind):
        behind(answering(status, code(name))).read("cors")


@pytest.mark.parametrize("body", [b"<ListBucketResult/>", b"[]", b"no JSON", b""])
def test_od_50_a_policy_that_is_not_a_json_object_is_unknown(
    behind: Callable[[Any], BucketSettings], body: bytes
) -> None:
    """Replacing it could remove something that we could not read."""
    settings = behind(answering(200, body))
    assert settings.read("policy").state == "unknown"
    with pytest.raises(errors.InvalidRequestError, match="no such setting"):
        settings.write("policy", policy_for("b"))


def test_what_may_not_be_read_is_not_replaced(behind: Callable[[Any], BucketSettings]) -> None:
    """Otherwise the rules of others would be gone."""
    settings = behind(answering(403, code("AccessDenied")))
    with pytest.raises(errors.AccessDeniedError, match=r"change of cors of bucket .*cannot be read before"):
        settings.write("cors", CORS)


def test_a_setting_that_changed_since_the_plan_is_not_replaced(fresh: dict[str, Any]) -> None:
    """What another process wrote after the plan was shown stays."""
    settings = settings_of(fresh)
    planned = settings.read("cors")
    others = settings.write(
        "cors", {"CORSRules": [{"AllowedMethods": ["PUT"], "AllowedOrigins": ["https://o.example"]}]}
    )
    with pytest.raises(errors.ConflictError, match="changed meanwhile"):
        settings.write("cors", CORS, expected=planned)
    with pytest.raises(errors.ConflictError, match="changed meanwhile"):
        settings.delete("cors", expected=planned)
    assert settings.read("cors") == others
    assert settings.delete("cors", expected=others).state == "none"


@pytest.mark.parametrize("times", [1, 3, 99])
def test_a_change_is_repeated_while_another_one_is_in_progress(
    behind: Callable[[Any], BucketSettings], times: int
) -> None:
    """S3 refuses two changes of one bucket at once with 409 OperationAborted."""
    refused = []

    def respond(method: str, target: str, headers: Any) -> Any:
        if method == "PUT" and len(refused) < times:
            refused.append(target)
            return 409, {"Content-Type": "application/xml"}, code("OperationAborted")
        return None

    settings = behind(respond)
    if times == 99:
        with pytest.raises(errors.ConflictError, match="OperationAborted"):
            settings.write("cors", CORS)
        assert len(refused) == 8
        return
    assert settings.write("cors", CORS).state == "set"
    assert len(refused) == times
    settings.delete("cors")


def test_the_minimum_size_of_transitions_is_kept(behind: Callable[[Any], BucketSettings]) -> None:
    """It is a header beside the lifecycle document: without it, AWS would go back to its default."""
    name, sent = "x-amz-transition-default-minimum-object-size", []
    body = b"<LifecycleConfiguration><Rule><ID>a</ID><Status>Enabled</Status></Rule></LifecycleConfiguration>"

    def respond(method: str, target: str, headers: Any) -> Any:
        if method == "PUT":
            sent.append(dict(headers))
            return 200, {}, b""
        return 200, {name: "varies_by_storage_class", "Content-Type": "application/xml"}, body

    settings = behind(respond)
    found = settings.read("lifecycle")
    assert found.value["TransitionDefaultMinimumObjectSize"] == "varies_by_storage_class"
    settings.write("lifecycle", found.value)
    assert sent[0][name] == "varies_by_storage_class"
    settings.write("lifecycle", LIFECYCLE)
    assert name not in sent[1]


# Buckets


@pytest.mark.parametrize(
    ("region", "named"), [(None, None), ("us-east-1", None), ("auto", None), ("eu-central-1", "eu-central-1")]
)
def test_a09_a_bucket_is_created_in_its_region(moto: Server, region: str | None, named: str | None) -> None:
    """AWS refuses a LocationConstraint of us-east-1, and requires one elsewhere."""
    options = {**options_for(moto, f"made-{region or 'none'}"), "region_name": named or "us-east-1"}
    settings = settings_of(options)
    with pytest.raises(errors.BucketNotFoundError):
        settings.read("cors")
    assert settings.create(region)
    assert settings.read("location").value.get("LocationConstraint") == named
    S3Storage(**options).client.delete_bucket(Bucket=options["bucket_name"])


def test_a09_a_bucket_that_the_account_has_is_not_an_error(seaweedfs: Server) -> None:
    """SeaweedFS says that it exists, as AWS does."""
    settings = settings_of(options_for(seaweedfs))
    assert settings.create() is False


def test_a09_a_bucket_of_another_account_is(behind: Callable[[Any], BucketSettings]) -> None:
    """Names of buckets are unique worldwide."""
    with pytest.raises(errors.S3StoreError, match=r"create_bucket .*BucketAlreadyExists.* Choose another bucket_name"):
        behind(answering(409, code("BucketAlreadyExists"))).create()


@EACH_SERVER
def test_a10_the_buckets_of_the_account_are_listed(fresh: dict[str, Any]) -> None:
    """With their names and the time of their creation."""
    found = {bucket.name: bucket for bucket in settings_of(fresh).buckets()}
    assert found[fresh["bucket_name"]].created is not None


def test_a10_a_long_list_has_pages(behind: Callable[[Any], BucketSettings]) -> None:
    """S3 gives a token for the next page."""
    page = "<ListAllMyBucketsResult><Buckets><Bucket><Name>{}</Name></Bucket></Buckets>{}</ListAllMyBucketsResult>"

    def respond(method: str, target: str, headers: Any) -> Any:
        rest = "" if "continuation-token=t" in target else "<ContinuationToken>t</ContinuationToken>"
        return 200, {"Content-Type": "application/xml"}, page.format("a" if rest else "b", rest).encode()

    assert [bucket.name for bucket in behind(respond).buckets()] == ["a", "b"]


def test_a10_a_refused_list_names_no_bucket(behind: Callable[[Any], BucketSettings]) -> None:
    """It is not about one."""
    with pytest.raises(errors.AccessDeniedError, match=r"^list_buckets failed: AccessDenied"):
        behind(answering(403, code("AccessDenied"))).buckets()


@ENVIRONMENT
def test_a06_a_canned_acl_is_set_and_its_grants_are_returned(fresh: dict[str, Any]) -> None:
    """On a server with bucket ACLs."""
    settings = settings_of(fresh)
    assert len(settings.read("acl").value["Grants"]) == 1
    grants = settings.set_acl("public-read").value["Grants"]
    assert {grant["Grantee"].get("URI", "").rpartition("/")[2] for grant in grants} == {"", "AllUsers"}
    assert len(settings.set_acl("private").value["Grants"]) == 1


def test_the_twin_has_no_settings(tmp_path: Any) -> None:
    """A directory has no policy."""
    storage = FakeS3Storage(tmp_path, allow_without_debug=True)
    with pytest.raises(NotImplementedError, match="no bucket settings"):
        _ = storage.objects.bucket.settings


def test_a_setting_is_a_value() -> None:
    """Two equal answers are equal, whatever their request ids are."""
    assert Setting(name="cors", state="none", status=404) == Setting(name="cors", state="none", status=404, why="id 5")
