"""manage.py s3 setup: the plan, the change, what is kept and what is refused."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from s3store.operations.project import features_in_use, scope_of, site_origins, uses_of
from s3store.operations.setup import Plan, SetupError, Wishes, apply, plan, wanted_cors, wanted_lifecycle
from s3store.operations.setup.planning import DOCUMENTS, TITLES
from s3store.storage import S3Storage
from s3store.testing.counting import counted_requests
from s3store.testing.fixtures import options_for
from s3store.testing.servers import Server, rclone_server
from s3store.uploads import Destination, destinations
from s3store.wire.settings import CEPHS_BLOCK, BucketSettings
from tests.buckets import EACH_SERVER, ENVIRONMENT, fresh_options, server_named
from tests.faults.proxy import FaultProxy
from tests.operations.told import Told

ORIGIN = "https://www.example.com"
DISTRIBUTION = "arn:aws:cloudfront::111122223333:distribution/EDFDVBD6EXAMPLE"
KEY = "arn:aws:kms:us-east-1:111122223333:key/1234"
FOREIGN_CORS = {"AllowedMethods": ["GET"], "AllowedOrigins": ["https://partner.example"], "ExposeHeaders": ["ETag"]}
FOREIGN_RULE = {"ID": "logs", "Status": "Enabled", "Filter": {"Prefix": "logs/"}, "Expiration": {"Days": 90}}


def foreign_statement(bucket: str) -> dict[str, Any]:
    return {
        "Sid": "Partner",
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam:::user/alice"},
        "Action": ["s3:GetObject"],
        "Resource": [f"arn:aws:s3:::{bucket}/partner/*"],
    }


@pytest.fixture
def project(settings: Any) -> Callable[..., None]:
    """Configure a project whose media and static files are in one bucket."""

    def configure(options: dict[str, Any], **more: Any) -> None:
        media = {"BACKEND": "s3store.storage.S3MediaStorage", "OPTIONS": {**options, **more}}
        static = {"BACKEND": "s3store.storage.S3StaticStorage", "OPTIONS": options}
        settings.STORAGES = {"default": media, "staticfiles": static}
        settings.CSRF_TRUSTED_ORIGINS = [ORIGIN]
        settings.ALLOWED_HOSTS = ["*"]

    return configure


@pytest.fixture
def uploads(monkeypatch: pytest.MonkeyPatch) -> None:
    """The project has a destination of direct uploads, in the default storage."""
    monkeypatch.setattr(destinations, "_declared", {"x": Destination()})
    monkeypatch.setattr(destinations, "_families", {})


@pytest.fixture
def no_uploads(monkeypatch: pytest.MonkeyPatch, settings: Any, project: Callable[..., None]) -> Callable[..., None]:
    """Return a function that configures a project without direct uploads: its fields keep files elsewhere."""
    monkeypatch.setattr(destinations, "_declared", {"x": Destination(storage="nowhere")})
    monkeypatch.setattr(destinations, "_families", {})

    def configure(options: dict[str, Any]) -> None:
        project(options)
        files = {"BACKEND": "django.core.files.storage.FileSystemStorage"}
        settings.STORAGES = {**settings.STORAGES, "default": files, "media": settings.STORAGES["default"]}

    return configure


@pytest.fixture
def missing(request: pytest.FixtureRequest) -> Iterator[dict[str, Any]]:
    """The options of a storage whose bucket does not exist."""
    with fresh_options(server_named(request.param, request), create=False) as options:
        yield options


ON_EACH = pytest.mark.parametrize("missing", ["moto", "seaweedfs", "environment"], indirect=True)


def run(*arguments: str) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    call_command("s3", "setup", *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def run_json(*arguments: str) -> Any:
    return json.loads(run(*arguments, "--json")[0])


def settings_of(options: dict[str, Any]) -> BucketSettings:
    return S3Storage(**options).objects.bucket.settings


def state(options: dict[str, Any]) -> dict[str, Any]:
    settings = settings_of(options)
    names = ("public-access-block", "ownership", "encryption", "versioning", "policy", "cors", "lifecycle")
    return {name: settings.read(name) for name in names}


# From nothing


@ON_EACH
def test_sk_05_a09_a_bucket_is_created_and_set_up_and_the_second_run_changes_nothing(
    missing: dict[str, Any], project: Callable[..., None], uploads: None
) -> None:
    """Everything is private, encrypted where the server can, and cleaned up, and each value is read back."""
    project(missing)
    first = run_json("--yes")
    assert first["applied"]
    assert first["changes"][0]["document"] == "bucket"
    assert not [note for note in first["notes"] if "default_acl" in note]
    found = state(missing)
    if found["public-access-block"].state != "unknown":
        block = found["public-access-block"]
        on = {name for name, value in block.value.items() if value}
        left_out = {"BlockPublicAcls"} if block.root == CEPHS_BLOCK else set()
        assert on == {"IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets", "BlockPublicAcls"} - left_out
    if found["ownership"].state != "unknown":
        assert found["ownership"].value["Rules"][0]["ObjectOwnership"] == "BucketOwnerEnforced"
    if found["encryption"].state != "unknown":
        (rule,) = found["encryption"].value["Rules"]
        assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    assert found["versioning"].state == "none"
    (cors,) = found["cors"].value["CORSRules"]
    assert (cors["AllowedOrigins"], cors["ExposeHeaders"]) == ([ORIGIN], ["ETag"])
    assert sorted(cors["AllowedMethods"]) == ["GET", "HEAD", "POST", "PUT"]
    assert {rule["ID"] for rule in found["lifecycle"].value["Rules"]} == {"s3store-abort", "s3store-media-incoming"}
    second = run_json("--yes")
    assert (second["changes"], second["applied"], second["refused"]) == ([], False, [])
    # What was set up can be used.
    S3Storage(**missing).save("media/a.txt", b"x")
    # Each value, rule and statement that was added is kept now; the bucket itself is not counted.
    assert second["kept"] == first["kept"] + len(first["changes"]) - 1 >= 4
    assert state(missing) == found


@EACH_SERVER
def test_a_dry_run_sends_only_reads(fresh: dict[str, Any], project: Callable[..., None]) -> None:
    """One for each document and Object Lock."""
    project(fresh)
    before = state(fresh)
    with counted_requests(S3Storage(**fresh)) as sent:
        out, _ = run("--dry-run", "--public-prefix", "static/", "--versioning")
    assert sent.methods == ["GET"] * 8
    assert "Dry run: " in out
    assert "+ policy S3storePublicStatic: everybody can read the objects below static/" in out
    assert "    + {\n" in out
    assert state(fresh) == before


@EACH_SERVER
def test_sk_05_what_others_have_set_stays(fresh: dict[str, Any], project: Callable[..., None], uploads: None) -> None:
    """Statements, CORS rules in their order, lifecycle rules."""
    settings, bucket = settings_of(fresh), fresh["bucket_name"]
    theirs = foreign_statement(bucket)
    settings.write("policy", {"Version": "2012-10-17", "Statement": [theirs]})
    settings.write("cors", {"CORSRules": [FOREIGN_CORS]})
    settings.write("lifecycle", {"Rules": [FOREIGN_RULE]})
    before = {name: settings.read(name).value for name in ("policy", "cors", "lifecycle")}
    project(fresh)
    report = run_json("--yes", "--public-prefix", "static/")
    assert report["kept"] >= 3
    after = {name: settings.read(name).value for name in ("policy", "cors", "lifecycle")}
    assert after["policy"]["Statement"][0] == before["policy"]["Statement"][0]
    assert after["cors"]["CORSRules"][0] == before["cors"]["CORSRules"][0]
    assert next(rule for rule in after["lifecycle"]["Rules"] if rule["ID"] == "logs") == before["lifecycle"]["Rules"][0]
    assert len(after["policy"]["Statement"]) == len(after["cors"]["CORSRules"]) == 2
    assert len(after["lifecycle"]["Rules"]) == 3
    assert run_json("--yes", "--public-prefix", "static/")["changes"] == []


@EACH_SERVER
def test_e09_e11_only_the_public_prefix_can_be_read_by_everybody(
    fresh: dict[str, Any], project: Callable[..., None]
) -> None:
    """With a plain GET, and the rest cannot. Public access stays allowed when setup runs without the option."""
    import urllib.error
    import urllib.request

    project(fresh)
    run("--yes", "--public-prefix", "static/")
    storage = S3Storage(**fresh)
    storage.save("static/a.txt", b"hello")
    storage.save("media/a.txt", b"secret")
    url = f"{fresh['endpoint_url']}/{fresh['bucket_name']}"
    run("--yes")
    with urllib.request.urlopen(f"{url}/static/a.txt") as answer:
        assert answer.read() == b"hello"
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(f"{url}/media/a.txt")
    block = settings_of(fresh).read("public-access-block")
    if block.state == "set":
        assert (block.value["BlockPublicAcls"], block.value["IgnorePublicAcls"]) == (block.root != CEPHS_BLOCK, True)
        assert (block.value["BlockPublicPolicy"], block.value["RestrictPublicBuckets"]) == (False, False)


def test_public_access_is_blocked_less_only_for_a_public_prefix(moto: Server, project: Callable[..., None]) -> None:
    """With the reason in the difference, and before the policy that needs it."""
    with fresh_options(moto) as options:
        project(options)
        run("--yes")
        report = run_json("--dry-run", "--public-prefix", "static/")
        names = [change["document"] for change in report["changes"]]
        assert names == ["public-access-block", "policy"]
        change = report["changes"][0]
        assert change["op"] == "~"
        assert "only without these two settings" in change["why"]
        assert change["before"]["BlockPublicPolicy"] is True
        assert change["after"]["BlockPublicPolicy"] is False
        assert change["after"]["BlockPublicAcls"] is True


def test_a_value_is_added_where_there_is_none_and_changed_where_there_is_another(
    moto: Server, project: Callable[..., None]
) -> None:
    """Only a change has a value before: of Block Public Access, that of each of the four switches."""
    wishes = ("--dry-run", "--versioning", "--enforce-owner")
    switches = {"BlockPublicAcls": True, "IgnorePublicAcls": False}
    switches |= {"BlockPublicPolicy": False, "RestrictPublicBuckets": False}
    before = {"public-access-block": switches, "ownership": "ObjectWriter", "versioning": "Suspended"}
    with fresh_options(moto) as options:
        project(options)

        def planned() -> dict[str, Any]:
            changes = run_json(*wishes)["changes"]
            return {each["document"]: (each["op"], each["before"]) for each in changes if each["document"] in before}

        assert planned() == dict.fromkeys(before, ("+", None))
        settings = settings_of(options)
        settings.write("public-access-block", switches)
        settings.write("ownership", {"Rules": [{"ObjectOwnership": "ObjectWriter"}]})
        settings.write("versioning", {"Status": "Suspended"})
        assert planned() == {document: ("~", value) for document, value in before.items()}


def test_sp_22_origins_with_a_star_need_a_flag(moto: Server, project: Callable[..., None]) -> None:
    """And wrong origins are wrong usage, before any request."""
    with fresh_options(moto) as options:
        project(options)
        for arguments, says in (
            (["--cors-origin", "*"], "--allow-any-origin"),
            (["--cors-origin", "https://a.example/x"], "not an origin"),
            (["--public-prefix", ""], "whole bucket public"),
            (["--public-prefix", "/"], "whole bucket public"),
            (["--distribution", "E1"], "not the ARN"),
            (["--cors-max-age", "-1"], "not a number of seconds"),
            (["--cors-max-age", str(2**31)], "not a number of seconds"),
        ):
            with counted_requests(S3Storage(**options)) as sent, pytest.raises(CommandError, match=says) as caught:
                run("--yes", *arguments)
            assert caught.value.returncode == 2
            assert len(sent) == 0
        for seconds in (0, 2**31 - 1):
            run("--dry-run", "--cors-max-age", str(seconds))
        run("--yes", "--cors-origin", "*", "--allow-any-origin")
        assert settings_of(options).read("cors").value["CORSRules"][0]["AllowedOrigins"] == ["*"]


@EACH_SERVER
def test_e16_other_origins_and_seconds_replace_the_rule_of_the_site(
    fresh: dict[str, Any], project: Callable[..., None]
) -> None:
    """The difference shows both."""
    project(fresh)
    run("--yes")
    (change,) = run_json("--yes", "--cors-origin", "https://b.example", "--cors-max-age", "60")["changes"]
    assert (change["op"], change["before"]["AllowedOrigins"]) == ("~", [ORIGIN])
    (rule,) = settings_of(fresh).read("cors").value["CORSRules"]
    assert (rule["AllowedOrigins"], rule["MaxAgeSeconds"]) == (["https://b.example"], 60)


@pytest.mark.usefixtures("uploads")
@pytest.mark.parametrize(("checksum", "more"), [(None, []), ("crc32", ["x-amz-checksum-crc32"])])
def test_browsers_may_send_the_checksums_of_uploads(
    moto: Server, project: Callable[..., None], checksum: str | None, more: list[str]
) -> None:
    """If the option asks for them, and only then: a browser does not send a file with a header that is not allowed."""
    with fresh_options(moto) as options:
        project(options, upload_checksum=checksum)
        run("--yes")
        (rule,) = settings_of(options).read("cors").value["CORSRules"]
        assert rule["AllowedHeaders"] == ["content-type", "if-none-match", *more]


@EACH_SERVER
def test_versioning_is_switched_on_and_never_off(fresh: dict[str, Any], project: Callable[..., None]) -> None:
    """With a rule that deletes old versions only where setup was asked for versioning."""
    project(fresh)
    settings = settings_of(fresh)
    settings.write("versioning", {"Status": "Enabled"})
    _, err = run("--yes")
    assert "--versioning adds a lifecycle rule" in err
    ids = {rule["ID"] for rule in settings.read("lifecycle").value["Rules"]}
    assert "s3store-old-versions" not in ids
    assert settings.read("versioning").value["Status"] == "Enabled"
    assert [change["id"] for change in run_json("--yes", "--versioning")["changes"]] == ["s3store-old-versions"]
    assert "--versioning adds" not in run("--yes")[1]
    rules = settings.read("lifecycle").value["Rules"]
    settings.write("lifecycle", {"Rules": [{**rule, "Status": "Disabled"} for rule in rules]})
    assert "--versioning adds" in run("--dry-run")[1]
    settings.write("versioning", {"Status": "Suspended"})
    assert settings.read("versioning").value["Status"] == "Suspended"
    run("--yes")
    assert settings.read("versioning").value["Status"] == "Suspended"
    run("--yes", "--versioning")
    assert settings.read("versioning").value["Status"] == "Enabled"


def test_encryption_with_a_key_replaces_that_of_s3_and_is_never_replaced(
    moto: Server, project: Callable[..., None]
) -> None:
    """A bucket that is encrypted with one key is not changed to another."""
    with fresh_options(moto) as options:
        project(options)
        run("--yes")
        (change,) = run_json("--yes", "--kms-key", KEY)["changes"]
        assert (change["document"], change["op"]) == ("encryption", "~")
        assert change["after"]["BucketKeyEnabled"] is True
        assert run_json("--yes", "--kms-key", KEY)["changes"] == []
        assert run_json("--yes")["changes"] == []
        with pytest.raises(CommandError, match=r"encrypted with the KMS key .* does not replace") as caught:
            run("--yes", "--kms-key", f"{KEY}5")
        assert caught.value.returncode == 1
        rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}
        settings_of(options).write("encryption", {"Rules": [rule]})
        with pytest.raises(CommandError, match=r"encrypted with a KMS key of AWS"):
            run("--yes", "--kms-key", KEY)


def test_acls_of_an_existing_bucket_stay_until_they_are_switched_off(
    moto: Server, project: Callable[..., None]
) -> None:
    """A note says so. With the option, the difference names what stops working."""
    with fresh_options(moto) as options:
        project(options)
        settings = settings_of(options)
        settings.write("ownership", {"Rules": [{"ObjectOwnership": "ObjectWriter"}]})
        storage = S3Storage(**options)
        storage.save("open.txt", b"x")
        storage.save("closed.txt", b"x")
        storage.set_acl("open.txt", "public-read")
        assert "Object Ownership is ObjectWriter" in run("--yes")[1]
        assert settings.read("ownership").value["Rules"][0]["ObjectOwnership"] == "ObjectWriter"
        change = run_json("--dry-run", "--enforce-owner")["changes"][0]
        assert "'open.txt'" in change["why"]
        assert "closed.txt" not in change["why"]
        storage.set_acl("open.txt", "private")
        change = run_json("--yes", "--enforce-owner")["changes"][0]
        assert "No grants of ACLs were found" in change["why"]
        assert settings.read("ownership").value["Rules"][0]["ObjectOwnership"] == "BucketOwnerEnforced"
        run("--yes")


@ENVIRONMENT
def test_grants_of_the_bucket_are_listed(fresh: dict[str, Any], project: Callable[..., None]) -> None:
    """Also those of the bucket itself."""
    settings = settings_of(fresh)
    settings.set_acl("public-read")
    project(fresh)
    if settings.read("ownership").state == "unknown":
        with pytest.raises(CommandError, match=r"no Object Ownership, so --enforce-owner is not possible"):
            run("--yes", "--enforce-owner")


def test_an_empty_bucket_with_a_public_acl_names_the_bucket(moto: Server, project: Callable[..., None]) -> None:
    """Its own grants stop working too."""
    with fresh_options(moto) as options:
        project(options)
        settings_of(options).set_acl("public-read")
        change = run_json("--dry-run", "--enforce-owner")["changes"]
        assert "stop working: the bucket" in next(each["why"] for each in change if each["document"] == "ownership")


def test_storages_with_acls_are_told_about(moto: Server, project: Callable[..., None]) -> None:
    """A public default_acl needs ACLs: they are not blocked behind its back, and without them saving fails."""
    with fresh_options(moto) as options:
        project(options, default_acl="public-read")
        _, err = run("--yes")
        assert "ACLs stays as it is" in err
        assert "remove default_acl" not in err
        block = settings_of(options).read("public-access-block").value
        assert (block["BlockPublicAcls"], block["BlockPublicPolicy"]) == (False, True)
        assert "remove default_acl" in run("--yes", "--enforce-owner")[1]
        assert "remove default_acl" in run("--yes")[1]


@ON_EACH
def test_e08_folders_are_created_once(missing: dict[str, Any], project: Callable[..., None]) -> None:
    """An empty object for each location, which is not necessary."""
    project(missing)
    changes = run_json("--yes", "--folders")["changes"]
    assert [change["id"] for change in changes if change["document"] == "folder"] == ["media/", "static/"]
    keys = {info.key for page in S3Storage(**missing).objects.bucket.pages("", {}, flat=False) for info in page.objects}
    assert keys == {"media/", "static/"}
    assert run_json("--yes", "--folders")["changes"] == []


@ON_EACH
def test_each_step_is_told_and_the_plan_that_was_written_is_returned(
    missing: dict[str, Any], project: Callable[..., None]
) -> None:
    """For a new bucket too: what it lacks is known only after its creation."""
    project(missing)
    storage, told = S3Storage(**missing), Told()
    planned = plan(storage, wishes=Wishes(folders=True))
    assert (planned.creates, planned.documents.keys() <= set(DOCUMENTS)) == (True, True)
    written = apply(storage, planned, watcher=told)
    assert (written.creates, written.changes[0]) == (True, planned.changes[0])
    assert [(op, name) for op, name, _ in told.steps] == [
        ("create", missing["bucket_name"]),
        *(("write", TITLES[name]) for name in DOCUMENTS if name in written.documents),
        ("folder", "media/"),
        ("folder", "static/"),
    ]
    assert {"cors", "lifecycle"} <= set(written.documents)


def test_e07_a_name_that_s3_refuses_is_refused_before_any_write(moto: Server, project: Callable[..., None]) -> None:
    """With all that is wrong."""
    project({**options_for(moto), "bucket_name": "My_Bucket"})
    with pytest.raises(CommandError, match=r"(?s)upper-case.*underscores") as caught:
        run("--yes")
    assert caught.value.returncode == 1


def test_e07_a_name_with_dots_has_a_note(moto: Server, project: Callable[..., None]) -> None:
    """Certificates do not cover it."""
    project({**options_for(moto), "bucket_name": "www.example.com"})
    assert "contains a dot" in run("--dry-run")[1]


# TLS and CloudFront


def test_sk_05_the_policy_demands_tls_where_the_endpoint_has_it(
    moto: Server, project: Callable[..., None], certificates: Any
) -> None:
    """Over plain http it would lock everybody out, setup included."""
    context, bundle = certificates
    with fresh_options(moto) as options, FaultProxy(moto.endpoint_url, tls=context) as proxy:
        project(options)
        _, err = run("--yes")
        assert "does not refuse requests without TLS" in err
        assert settings_of(options).read("policy").state == "none"
        secure = {**options, "endpoint_url": proxy.url, "verify": bundle}
        project(secure)
        run("--yes", "--distribution", DISTRIBUTION)
        first, second = settings_of(options).read("policy").value["Statement"]
        assert (first["Sid"], first["Effect"]) == ("S3storeOnlyTls", "Deny")
        assert second["Condition"]["StringEquals"]["AWS:SourceArn"] == DISTRIBUTION
        assert [each.rpartition("/")[0].rpartition("/")[2] for each in second["Resource"]] == ["media", "static"]
        assert run_json("--yes", "--distribution", DISTRIBUTION)["changes"] == []
        assert run_json("--yes")["kept"] > 2


# Refusals


def test_od_50_rclone_is_refused_as_a_whole(project: Callable[..., None]) -> None:
    """It answers every request for a setting with a listing. The bucket and its object are still there."""
    with ExitStack() as stack:
        try:
            server = stack.enter_context(rclone_server())
        except Exception as error:
            pytest.skip(str(error))
        options = options_for(server, "rcl")
        storage = S3Storage(**options)
        storage.client.create_bucket(Bucket="rcl")
        project(options)
        with counted_requests(storage) as sent, pytest.raises(CommandError, match=r"with something else") as caught:
            run("--yes")
        assert set(sent.methods) == {"GET"}
        assert caught.value.returncode == 1
        assert [each.name for each in settings_of(options).buckets()] == ["rcl"]
        project(options_for(server, "new"))
        with pytest.raises(CommandError, match=r"The bucket was created\. .*with something else"):
            run("--yes")


@pytest.fixture
def behind(moto: Server, project: Callable[..., None]) -> Iterator[Callable[..., dict[str, Any]]]:
    """Configure a project whose requests to moto a function can answer."""
    with ExitStack() as stack:
        options = stack.enter_context(fresh_options(moto))

        def make(respond: Any) -> dict[str, Any]:
            proxy = stack.enter_context(FaultProxy(moto.endpoint_url, respond=respond))
            project({**options, "endpoint_url": proxy.url})
            return options

        yield make


def refusing(pattern: str, status: int = 403, code: str = "AccessDenied", method: str = "GET") -> Any:
    def respond(asked: str, target: str, headers: Any) -> Any:
        if asked == method and re.search(pattern, target):
            return status, {"Content-Type": "application/xml"}, f"<Error><Code>{code}</Code></Error>".encode()
        return None

    return respond


def test_a_document_that_cannot_be_read_is_not_replaced(behind: Callable[..., dict[str, Any]]) -> None:
    """Not any other either: half a setup is worse than none."""
    options = behind(refusing(r"\?cors"))
    with pytest.raises(CommandError, match=r"may not read: CORS.*--print-iam setup"):
        run("--yes")
    assert {found.state for name, found in state(options).items() if name != "ownership"} == {"none"}


@pytest.mark.parametrize("pattern", [r"\?", r"\?(?!versioning)"], ids=["all", "all-but-versioning"])
def test_od_17_a_bucket_whose_settings_are_all_hidden_belongs_to_somebody_else(
    behind: Callable[..., dict[str, Any]], pattern: str
) -> None:
    """Or the credentials have no rights at all. Some servers return an empty document for versioning to everybody."""
    behind(refusing(pattern))
    with pytest.raises(CommandError, match=r"belongs to another account, or the credentials have no permission"):
        run("--yes")


@pytest.mark.parametrize(
    ("pattern", "arguments"),
    [
        (r"\?policy", ["--public-prefix", "static/"]),
        (r"\?policy", ["--distribution", DISTRIBUTION]),
        (r"\?cors", ["--cors-origin", ORIGIN]),
        (r"\?versioning", ["--versioning"]),
        (r"\?encryption", ["--kms-key", KEY]),
        (r"\?ownershipControls", ["--enforce-owner"]),
    ],
)
def test_od_50_what_is_asked_for_and_impossible_is_refused(
    behind: Callable[..., dict[str, Any]], pattern: str, arguments: list[str]
) -> None:
    """Without the option, a note says that the server has none."""
    options = behind(refusing(pattern, 501, "NotImplemented"))
    with pytest.raises(CommandError, match=f"This server has no .* so {arguments[0]} is not possible"):
        run("--yes", *arguments)
    assert settings_of(options).read("lifecycle").state == "none"
    assert "This server has no " in run("--yes")[1]
    assert settings_of(options).read("lifecycle").state == "set"


def test_a_deny_of_others_that_makes_a_public_prefix_useless_is_shown(
    moto: Server, project: Callable[..., None]
) -> None:
    """With the statement."""
    with fresh_options(moto) as options:
        statement = {**foreign_statement(options["bucket_name"]), "Effect": "Deny", "Principal": "*"}
        statement["Resource"] = f"arn:aws:s3:::{options['bucket_name']}/*"
        settings_of(options).write("policy", {"Version": "2012-10-17", "Statement": [statement]})
        project(options)
        with pytest.raises(CommandError, match=r"denies what S3storePublicStatic allows.*Partner"):
            run("--yes", "--public-prefix", "static/")
        settings_of(options).delete("policy")


def test_incoming_uploads_are_never_public(moto: Server, project: Callable[..., None], uploads: None) -> None:
    """A prefix that contains incoming/ is refused."""
    with fresh_options(moto) as options:
        project(options)
        with pytest.raises(CommandError, match=r"'media/' contains incoming/"):
            run("--yes", "--public-prefix", "media")


def test_object_lock_without_versioning_is_refused(behind: Callable[..., dict[str, Any]]) -> None:
    """Such an answer cannot be believed."""

    def respond(method: str, target: str, headers: Any) -> Any:
        if "object-lock" in target:
            body = b"<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled></ObjectLockConfiguration>"
            return 200, {"Content-Type": "application/xml"}, body
        return None

    behind(respond)
    with pytest.raises(CommandError, match="Object Lock for a bucket without versioning"):
        run("--yes")


def test_on_ceph_uploads_stay_possible(behind: Callable[..., dict[str, Any]]) -> None:
    """Ceph 16 refuses every PutObject with BlockPublicAcls. It is recognised by its name of the document."""
    names = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    switches = "".join(f"<{name}>false</{name}>" for name in names)
    body = f"<{CEPHS_BLOCK}>{switches}</{CEPHS_BLOCK}>".encode()

    def respond(method: str, target: str, headers: Any) -> Any:
        asks = method == "GET" and "publicAccessBlock" in target
        return (200, {"Content-Type": "application/xml"}, body) if asks else None

    behind(respond)
    report = run_json("--dry-run")
    (change,) = (change for change in report["changes"] if change["document"] == "public-access-block")
    assert change["after"] == dict.fromkeys(names, True) | {"BlockPublicAcls": False}
    assert any("Ceph refuses uploads" in note for note in report["notes"])


def test_a_switch_that_is_not_in_the_response_is_off(behind: Callable[..., dict[str, Any]]) -> None:
    """The difference has the values of all four."""
    body = b"<PublicAccessBlockConfiguration><BlockPublicAcls>true</BlockPublicAcls></PublicAccessBlockConfiguration>"

    def respond(method: str, target: str, headers: Any) -> Any:
        asks = method == "GET" and "publicAccessBlock" in target
        return (200, {"Content-Type": "application/xml"}, body) if asks else None

    behind(respond)
    changes = run_json("--dry-run")["changes"]
    (change,) = (change for change in changes if change["document"] == "public-access-block")
    off = dict.fromkeys(("IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), False)
    assert change["before"] == {"BlockPublicAcls": True, **off}
    assert change["after"] == dict.fromkeys(change["before"], True)


# Failures on the way


def test_a_failure_on_the_way_says_what_was_done(behind: Callable[..., dict[str, Any]]) -> None:
    """And the next run continues."""
    options = behind(refusing(r"\?cors", method="PUT"))
    with pytest.raises(CommandError, match=r"put_bucket_cors.*AccessDenied.*Done before: write Block Public") as caught:
        run("--yes")
    assert "It continues there" in str(caught.value) or "it continues there" in str(caught.value)
    assert settings_of(options).read("public-access-block").state == "set"
    assert settings_of(options).read("lifecycle").state == "none"


def test_a_failure_at_the_first_step_says_that_nothing_was_changed(behind: Callable[..., dict[str, Any]]) -> None:
    """Here the server refuses the first write."""
    behind(refusing(r"\?publicAccessBlock", method="PUT"))
    with pytest.raises(CommandError, match=r"Nothing was changed before"):
        run("--yes")


def test_what_the_server_did_not_take_is_an_error(behind: Callable[..., dict[str, Any]]) -> None:
    """It said 200."""

    def respond(method: str, target: str, headers: Any) -> Any:
        return (200, {}, b"") if method == "PUT" and "?cors" in target else None

    behind(respond)
    with pytest.raises(CommandError, match=r"did not accept everything. It does not have: cors s3store-site"):
        run("--yes")


def test_a_plan_with_refusals_is_not_applied(moto: Server, project: Callable[..., None]) -> None:
    """Also from Python."""
    with fresh_options(moto) as options:
        storage = S3Storage(**options)
        refused = replace(plan(storage), refusals=("No.",))
        with counted_requests(storage) as sent, pytest.raises(SetupError, match=r"^No\.$"):
            apply(storage, refused)
        assert len(sent) == 0
        with pytest.raises(SetupError, match="whole bucket public"):
            plan(storage, wishes=Wishes(public_prefixes=("",)))


def test_what_another_process_writes_after_the_plan_is_not_lost(moto: Server) -> None:
    """The document is read again before it is replaced."""
    with fresh_options(moto) as options:
        storage = S3Storage(**options)
        planned: Plan = plan(storage, wishes=Wishes(cors_origins=(ORIGIN,)))
        settings_of(options).write("cors", {"CORSRules": [FOREIGN_CORS]})
        with pytest.raises(SetupError, match="changed meanwhile"):
            apply(storage, planned)
        (rule,) = settings_of(options).read("cors").value["CORSRules"]
        assert rule["AllowedOrigins"] == ["https://partner.example"]
        apply(storage, plan(storage, wishes=Wishes(cors_origins=(ORIGIN,))))
        assert len(settings_of(options).read("cors").value["CORSRules"]) == 2


def test_a_bucket_that_appears_after_the_plan_is_not_taken_for_a_new_one(
    seaweedfs: Server, project: Callable[..., None]
) -> None:
    """Nobody has seen the difference from what it has."""
    with fresh_options(seaweedfs, create=False) as options:
        storage = S3Storage(**options)
        planned = plan(storage)
        storage.client.create_bucket(Bucket=options["bucket_name"])
        with pytest.raises(SetupError, match="created meanwhile"):
            apply(storage, planned)
        assert settings_of(options).read("lifecycle").state == "none"


def test_without_a_terminal_nothing_is_applied(moto: Server, project: Callable[..., None]) -> None:
    """Exit status 2, after the difference was shown."""
    with fresh_options(moto) as options:
        project(options)
        with pytest.raises(CommandError, match=r"changes\. Apply\? .*no terminal") as caught:
            run()
        assert caught.value.returncode == 2
        assert settings_of(options).read("cors").state == "none"


def test_a_bucket_that_cannot_be_reached_is_not_set_up(moto: Server, project: Callable[..., None]) -> None:
    """The error names it."""
    project({**options_for(moto), "endpoint_url": "http://127.0.0.1:9", "connect_timeout": 0.2, "max_attempts": 1})
    with pytest.raises(CommandError, match=r"is not set up\. get_public_access_block.*endpoint_url"):
        run("--yes")


def test_names_from_the_server_are_escaped(moto: Server, project: Callable[..., None]) -> None:
    """A rule of others can contain what a terminal interprets."""
    with fresh_options(moto) as options:
        project(options)
        run("--yes")
        settings = settings_of(options)
        (rule,) = settings.read("cors").value["CORSRules"]
        settings.write("cors", {"CORSRules": [{**rule, "AllowedOrigins": ["https://\x9b2J.example"]}]})
        out, _ = run("--dry-run")
        assert "\x9b" not in out
        assert "\\u009b2J" in out


# Documents


def test_d43_print_iam_prints_the_policy_of_the_features_in_use(
    moto: Server, project: Callable[..., None], uploads: None
) -> None:
    """By location, without a request."""
    options = options_for(moto)
    project(options, default_acl="private", object_parameters={"Tagging": "a=b", "SSEKMSKeyId": KEY})
    with counted_requests(S3Storage(**options)) as sent:
        policy = json.loads(run("--print-iam")[0])
    assert len(sent) == 0
    found = {}
    for statement in policy["Statement"]:
        for resource in statement["Resource"]:
            found.setdefault(resource, set()).update(statement["Action"])
    bucket = f"arn:aws:s3:::{options['bucket_name']}"
    assert {"s3:PutObjectAcl", "s3:PutObjectTagging", "s3:DeleteObject"} <= found[f"{bucket}/media/*"]
    assert found[f"{bucket}/static/*"] == {"s3:PutObject", "s3:GetObject", "s3:AbortMultipartUpload"}
    assert "s3:DeleteObject" in found[f"{bucket}/media/incoming/*"]
    assert found[KEY] == {"kms:GenerateDataKey", "kms:Decrypt"}


def test_print_iam_prints_chosen_features_and_formats(moto: Server, project: Callable[..., None]) -> None:
    """Features for static files are for the location of static files only."""
    project(options_for(moto))
    policy = json.loads(run("--print-iam", "static-clear", "read")[0])
    by_action = {each["Action"][0]: each["Resource"][0].rpartition("/")[0][-6:] for each in policy["Statement"]}
    assert by_action == {"s3:DeleteObject": "static", "s3:GetObject": "/media"}
    assert 'resource "aws_iam_policy"' in run("--print-iam", "read", "--format", "terraform")[0]
    assert "AWS::IAM::ManagedPolicy" in run("--print-iam", "read", "--format", "cloudformation")[0]
    for arguments, says in (
        (["reed"], "Did you mean 'read'"),
        (["batch"], "--batch-role"),
        (["kms"], "--kms-key"),
        (["read", "--print-cors"], "one document at a time"),
    ):
        with pytest.raises(CommandError, match=says) as caught:
            run("--print-iam", *arguments)
        assert caught.value.returncode == 2
    assert "iam:PassRole" in run("--print-iam", "batch", "--batch-role", "arn:aws:iam::111122223333:role/b")[0]


def test_print_iam_warns_of_a_policy_that_is_too_long(moto: Server, settings: Any) -> None:
    """A managed policy has a limit."""
    names = [f"a{number}-{'long' * 20}" for number in range(60)]
    settings.STORAGES = {
        name: {"BACKEND": "s3store.storage.S3Storage", "OPTIONS": {**options_for(moto), "location": name}}
        for name in ["default", *names]
    }
    assert "split it" in run("--print-iam", "read")[1]


def test_e13_print_policy_cors_lifecycle_and_cloudfront(
    moto: Server, project: Callable[..., None], uploads: None, settings: Any
) -> None:
    """The same documents that setup writes."""
    project(options_for(moto))
    (statement,) = json.loads(run("--print-policy", "--public-prefix", "static")[0])["Statement"]
    assert statement["Sid"] == "S3storePublicStatic"
    assert "aws_s3_bucket_policy" in run("--print-policy", "--public-prefix", "static", "--format", "terraform")[0]
    (rule,) = json.loads(run("--print-cors")[0])["CORSRules"]
    assert rule["AllowedOrigins"] == [ORIGIN]
    assert len(json.loads(run("--print-lifecycle", "--versioning")[0])["Rules"]) == 3
    assert "aws_s3_bucket_cors_configuration" in run("--print-cors", "--format", "terraform")[0]
    template = json.loads(run("--print-lifecycle", "--format", "cloudformation")[0])["Resources"]["S3storeBucket"]
    assert template["Properties"]["BucketName"] == options_for(moto)["bucket_name"]
    assert len(template["Properties"]["LifecycleConfiguration"]["Rules"]) == 2
    with pytest.raises(CommandError, match="use --print-policy --distribution ARN"):
        run("--print-cloudfront", "--distribution", DISTRIBUTION, "--format", "terraform")
    plain = json.loads(run("--print-cloudfront", "--distribution", DISTRIBUTION)[0])
    assert list(plain) == ["bucket_policy"]
    assert len(plain["bucket_policy"]["Statement"]) == 1
    both = json.loads(run("--print-cloudfront", "--distribution", DISTRIBUTION, "--kms-key", KEY)[0])
    assert both["key_policy"]["Statement"][0]["Action"] == "kms:Decrypt"
    with pytest.raises(CommandError, match="needs no policy"):
        run("--print-policy")
    with pytest.raises(CommandError, match=r"^--print-cloudfront needs the distribution: --distribution arn:aws"):
        run("--print-cloudfront")
    with pytest.raises(CommandError, match="'EDFDVBD6EXAMPLE' is not the ARN"):
        run("--print-cloudfront", "--distribution", "EDFDVBD6EXAMPLE")
    settings.CSRF_TRUSTED_ORIGINS = []
    with pytest.raises(CommandError, match="origins of the site are not known"):
        run("--print-cors")
    assert "no CORS rule" in run("--dry-run")[1]
    assert "no CORS rule" not in run("--dry-run", "--cors-origin", ORIGIN)[1]


# The project


def test_the_uses_of_a_bucket_are_found(
    moto: Server, settings: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch, uploads: None
) -> None:
    """All storages that use it, and not those of other buckets, servers, directories, or with errors."""
    options = options_for(moto)
    other = {**options, "bucket_name": "other"}
    settings.STORAGES = {
        "default": {"BACKEND": "s3store.storage.S3MediaStorage", "OPTIONS": options},
        "staticfiles": {
            "BACKEND": "s3store.storage.S3StaticStorage",
            "OPTIONS": {**options, "custom_domain": "c.example"},
        },
        "again": {"BACKEND": "s3store.storage.S3Storage", "OPTIONS": {**options, "object_parameters": lambda name: {}}},
        "other": {"BACKEND": "s3store.storage.S3Storage", "OPTIONS": other},
        "without": {"BACKEND": "s3store.storage.S3Storage"},
        "files": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
        "twin": {
            "BACKEND": "s3store.local.FakeS3Storage",
            "OPTIONS": {"directory": tmp_path, "allow_without_debug": True},
        },
        "broken": {"BACKEND": "no.such.Storage"},
    }
    storage = S3Storage(**options, location="elsewhere")
    found = {use.alias: use for use in uses_of(storage)}
    assert list(found) == ["default", "staticfiles", "again", ""]
    assert (found["default"].location, found["default"].signed, found["default"].uploads) == ("media", True, True)
    assert (found["staticfiles"].static, found["staticfiles"].signed, found["staticfiles"].domain) == (
        True,
        False,
        True,
    )
    assert found["again"].uploads is False
    assert scope_of(storage).locations == ("media", "static", "", "elsewhere")
    assert [use.alias for use in uses_of(S3Storage(**other))] == ["other"]
    assert features_in_use(S3Storage(**other), ("static",)) == {"": ("static",)}
    monkeypatch.setattr(destinations, "_families", {"p": lambda label: None})
    assert {use.alias for use in uses_of(storage) if use.uploads} == {"default", "again", ""}


def test_the_documents_of_a_project_without_uploads(
    moto: Server, no_uploads: Callable[..., None], settings: Any
) -> None:
    """No rule for incoming/, and nothing can be written from a browser. The checks report destinations without a
    storage.
    """
    no_uploads(options_for(moto))
    storage = S3Storage(**options_for(moto))
    assert [(use.alias, use.uploads) for use in uses_of(storage)] == [
        ("staticfiles", False),
        ("media", False),
        ("", False),
    ]
    assert [rule["ID"] for rule, _ in wanted_lifecycle(storage, Wishes())] == ["s3store-abort"]
    ((rule, _),) = wanted_cors(storage, Wishes())
    assert rule["AllowedMethods"] == ["GET", "HEAD"]
    assert wanted_cors(storage, Wishes(cors_origins=())) == []
    settings.CSRF_TRUSTED_ORIGINS = []
    settings.ALLOWED_HOSTS = ["a.example"]
    assert site_origins() == ("https://a.example",)
    settings.DEBUG = True
    assert site_origins() == ("http://a.example",)


def test_notes_about_signed_and_unsigned_urls(
    moto: Server, project: Callable[..., None], uploads: None, settings: Any
) -> None:
    """Unsigned URLs need a public prefix, and signed ones do not protect one."""
    with fresh_options(moto) as options:
        project(options)
        _, err = run("--dry-run")
        assert "'staticfiles' has unsigned URLs, which work only with --public-prefix static/" in err
        plain = settings.STORAGES
        static = {**plain["staticfiles"], "OPTIONS": {**options, "custom_domain": "c.example"}}
        settings.STORAGES = {**plain, "staticfiles": static}
        assert "unsigned URLs" not in run("--dry-run")[1]
        settings.STORAGES = plain
        _, err = run("--dry-run", "--public-prefix", "static/", "--public-prefix", "media/sub")
        assert "unsigned URLs" not in err
        assert "signs its URLs" not in err
        run("--yes", "--public-prefix", "static/")
        assert "unsigned URLs" not in run("--dry-run")[1]
        closed = {"BACKEND": "s3store.storage.S3Storage", "OPTIONS": {**options, "location": "m"}}
        settings.STORAGES = {**settings.STORAGES, "closed": closed}
        _, err = run("--dry-run", "--public-prefix", "m")
        assert "'closed' signs its URLs, but everybody can read m/" in err
        below = {"BACKEND": "s3store.storage.S3Storage", "OPTIONS": {**options, "location": "m/below"}}
        settings.STORAGES = {**settings.STORAGES, "below": below}
        _, err = run("--dry-run", "--public-prefix", "m")
        assert "'below' signs its URLs, but everybody can read m/below/" in err
        assert "'default' signs its URLs" not in err
