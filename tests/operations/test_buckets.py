"""manage.py s3 buckets, mb and policy."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from s3store import errors
from s3store.operations.buckets import BUCKET_ACLS, create_bucket, describe, set_acl
from s3store.storage import S3Storage
from s3store.testing.counting import counted_requests
from s3store.testing.fixtures import options_for
from s3store.testing.servers import Server
from s3store.wire.settings import NAMES
from tests.buckets import EACH_SERVER, ENVIRONMENT, fresh_options
from tests.faults.proxy import FaultProxy


@pytest.fixture
def project(settings: Any) -> Callable[..., None]:
    def configure(options: dict[str, Any]) -> None:
        settings.STORAGES = {"default": {"BACKEND": "s3store.storage.S3Storage", "OPTIONS": options}}

    return configure


def run(*arguments: str) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    call_command("s3", *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def refusing(server: Server, code: str, status: int = 403) -> FaultProxy:
    body = f"<Error><Code>{code}</Code></Error>".encode()
    return FaultProxy(server.endpoint_url, respond=lambda *_: (status, {"Content-Type": "application/xml"}, body))


@EACH_SERVER
def test_a10_buckets_are_listed_with_their_dates(fresh: dict[str, Any], project: Callable[..., None]) -> None:
    """As words and as JSON."""
    project(fresh)
    out, _ = run("buckets")
    (line,) = (line for line in out.splitlines() if fresh["bucket_name"] in line)
    assert line[:2] == "20"
    found = {each["name"]: each["created"] for each in json.loads(run("buckets", "--json")[0])["buckets"]}
    assert found[fresh["bucket_name"]].endswith("+00:00")


def test_a10_without_the_permission_the_message_names_it(moto: Server, project: Callable[..., None]) -> None:
    """And that everything else works."""
    with refusing(moto, "AccessDenied") as proxy:
        project({**options_for(moto), "endpoint_url": proxy.url})
        with pytest.raises(CommandError, match=r"s3:ListAllMyBuckets.*Everything else works") as caught:
            run("buckets")
        assert caught.value.returncode == 1
    with refusing(moto, "Strange", 400) as proxy:
        project({**options_for(moto), "endpoint_url": proxy.url})
        with pytest.raises(CommandError, match=r"^list_buckets failed: Strange"):
            run("buckets")


def test_a10_a_date_that_is_missing_is_left_out(moto: Server, project: Callable[..., None]) -> None:
    """Some servers do not send it."""
    body = b"<R><Buckets><Bucket><Name>a\xc2\x9b</Name></Bucket></Buckets></R>"
    answer = (200, {"Content-Type": "application/xml"}, body)
    with FaultProxy(moto.endpoint_url, respond=lambda *_: answer) as proxy:
        project({**options_for(moto), "endpoint_url": proxy.url})
        assert run("buckets")[0].strip() == "a\\x9b"
        assert json.loads(run("buckets", "--json")[0])["buckets"][0]["created"] is None


@pytest.mark.parametrize("server", ["moto", "seaweedfs"])
def test_a09_mb_creates_the_bucket_of_the_storage_or_another(
    request: pytest.FixtureRequest, server: str, project: Callable[..., None]
) -> None:
    """Once."""
    with fresh_options(request.getfixturevalue(server), create=False) as options:
        project(options)
        assert run("mb")[0] == f"Created the bucket {options['bucket_name']}.\n"
        other = f"{options['bucket_name']}-b"
        assert json.loads(run("mb", other, "--json")[0]) == {
            "schema": 1,
            "command": "mb",
            "bucket": other,
            "created": True,
        }
        S3Storage(**{**options, "bucket_name": other}).client.delete_bucket(Bucket=other)
        if server == "seaweedfs":
            assert "has the bucket" in run("mb")[0]


def test_a09_mb_creates_in_another_region(moto: Server) -> None:
    """Of the storage, or by its argument."""
    options = {**options_for(moto), "bucket_name": "made-in-ireland", "region_name": "eu-west-1"}
    storage = S3Storage(**options)
    assert create_bucket(storage)
    assert storage.objects.bucket.settings.read("location").value["LocationConstraint"] == "eu-west-1"
    storage.client.delete_bucket(Bucket="made-in-ireland")


def test_e07_mb_refuses_a_wrong_name_before_any_request(moto: Server, project: Callable[..., None]) -> None:
    """With the name to write."""
    project(options_for(moto))
    with (
        counted_requests(S3Storage(**options_for(moto))) as sent,
        pytest.raises(CommandError, match="write 'my-bucket'") as caught,
    ):
        run("mb", "My-Bucket")
    assert (caught.value.returncode, len(sent)) == (2, 0)
    with refusing(moto, "BucketAlreadyExists", 409) as proxy:
        project({**options_for(moto), "endpoint_url": proxy.url})
        with pytest.raises(CommandError, match="Choose another bucket_name"):
            run("mb", "taken.name")


@EACH_SERVER
def test_a21_policy_shows_all_settings(fresh: dict[str, Any], project: Callable[..., None]) -> None:
    """Grants as lines, documents as JSON, and in words what there is not."""
    project(fresh)
    S3Storage(**fresh).objects.bucket.settings.write("versioning", {"Status": "Enabled"})
    out, _ = run("policy")
    assert "acl:\n  FULL_CONTROL " in out
    assert "\npolicy: none\n" in out
    assert 'versioning:\n  {\n    "Status": "Enabled"' in out
    assert "this server has no such setting" in out
    found = json.loads(run("policy", "--json")[0])["settings"]
    assert set(found) >= {"acl", "ownership", "policy", "cors", "lifecycle", "public-access-block", "encryption"}
    assert found["policy"] == {"state": "none", "value": None}
    assert (found["versioning"]["state"], found["versioning"]["value"]["Status"]) == ("set", "Enabled")


def test_a21_the_settings_of_a_bucket_are_read_at_once(moto: Server) -> None:
    """One request each, before the function returns: they can be looked at again and again."""
    storage = S3Storage(**options_for(moto))
    with counted_requests(storage) as sent:
        found = describe(storage)
        assert len(sent) == len(NAMES)
    assert [setting.name for setting in found] == [setting.name for setting in found] == list(NAMES)


def test_a21_policy_says_what_it_may_not_read(moto: Server, project: Callable[..., None]) -> None:
    """403 is not "none"."""
    with refusing(moto, "AccessDenied") as proxy:
        project({**options_for(moto), "endpoint_url": proxy.url})
        assert "policy: cannot tell: the credentials may not read it" in run("policy")[0]
    with refusing(moto, "NoSuchBucket", 404) as proxy:
        project({**options_for(moto), "endpoint_url": proxy.url})
        with pytest.raises(CommandError, match="NoSuchBucket"):
            run("policy")


def test_a21_grantees_have_names_groups_or_addresses(moto: Server, project: Callable[..., None]) -> None:
    """Whatever the server says about them, escaped."""
    xsi = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser"'
    grants = "".join(
        f"<Grant><Grantee {xsi}>{who}</Grantee><Permission>READ</Permission></Grant>"
        for who in (
            "<ID>1</ID><DisplayName>a\u009b</DisplayName>",
            "<URI>http://acs.example/AllUsers</URI>",
            "<EmailAddress>a@example.com</EmailAddress>",
            "",
        )
    )
    body = f"<AccessControlPolicy><AccessControlList>{grants}</AccessControlList></AccessControlPolicy>".encode()

    def respond(method: str, target: str, headers: Any) -> Any:
        return (200, {"Content-Type": "application/xml"}, body) if "?acl" in target else None

    with FaultProxy(moto.endpoint_url, respond=respond) as proxy:
        project({**options_for(moto), "endpoint_url": proxy.url})
        out, _ = run("policy")
    lines = ["READ a\\x9b (1)", "READ http://acs.example/AllUsers", "READ a@example.com", "READ ?"]
    assert "acl:\n" + "".join(f"  {line}\n" for line in lines) in out


@ENVIRONMENT
def test_a06_policy_sets_a_canned_acl(fresh: dict[str, Any], project: Callable[..., None]) -> None:
    """And prints the grants that the server has then."""
    project(fresh)
    assert "READ http://acs.amazonaws.com/groups/global/AllUsers" in run("policy", "--acl", "public-read", "--yes")[0]
    assert "AllUsers" not in run("policy", "--acl", "private")[0]


def test_a06_an_acl_for_others_needs_a_yes(moto: Server, project: Callable[..., None]) -> None:
    """Exit status 2, and nothing is sent."""
    with fresh_options(moto) as options:
        project(options)
        with (
            counted_requests(S3Storage(**options)) as sent,
            pytest.raises(CommandError, match="gives others access") as caught,
        ):
            run("policy", "--acl", "public-read")
        assert (caught.value.returncode, len(sent)) == (2, 0)
        assert "AllUsers" in run("policy", "--acl", "public-read", "--yes")[0]


def test_a06_an_acl_of_a_bucket_without_acls_names_the_alternative(moto: Server, project: Callable[..., None]) -> None:
    """A bucket policy, which setup writes. The ACL is not sent."""
    with fresh_options(moto) as options:
        project(options)
        settings = S3Storage(**options).objects.bucket.settings
        settings.write("ownership", {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]})
        with pytest.raises(CommandError, match=r"BucketOwnerEnforced.*s3 setup --public-prefix"):
            run("policy", "--acl", "private")
        settings.write("ownership", {"Rules": [{"ObjectOwnership": "ObjectWriter"}]})
        assert set_acl(S3Storage(**options), "private").state == "set"


def test_a06_an_unknown_acl_is_refused(moto: Server) -> None:
    """The ACLs of objects are others."""
    with pytest.raises(ValueError, match=r"'bucket-owner-read' is not a canned ACL of buckets. They are private, "):
        set_acl(S3Storage(**options_for(moto)), "bucket-owner-read")
    assert len(BUCKET_ACLS) == 5
    assert issubclass(errors.AclNotSupportedError, errors.S3StoreError)
