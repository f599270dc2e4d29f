"""--fix: what setup can mend, and nothing else."""

import json
from dataclasses import replace

import pytest

from s3store.operations.doctor import fix, plan_fix
from s3store.operations.setup import SetupError
from s3store.storage import S3StaticStorage, S3Storage
from s3store.testing.counting import counted_requests
from tests.buckets import fresh_options
from tests.operations.doctor.conftest import ORIGIN, canned, error, examined, ids, storage_at
from tests.operations.doctor.test_command import configure, run
from tests.operations.told import Told


def one_entry(settings, options, backend="s3store.storage.S3Storage"):
    """Make a STORAGES with these options."""
    settings.STORAGES = {"default": {"BACKEND": backend, "OPTIONS": options}}


def test_a_bucket_that_does_not_exist_is_created(s3_server, settings):
    """With all that setup gives a bucket. The second examination finds it."""
    with fresh_options(s3_server, create=False) as options:
        one_entry(settings, {**options, "location": "media"})
        text, _ = run("--fix", "--yes", "--origin", ORIGIN)
        assert "  ERROR    The bucket does not exist" in text
        assert "0 errors" in text.splitlines()[-1]
        storage = S3Storage(**options)
        assert storage.objects.bucket.settings.read("cors").state == "set"


def test_only_the_documents_of_the_findings_are_written(moto, settings):
    """CORS is mended. Block Public Access and the encryption, which setup would write too, are not."""
    with fresh_options(moto) as options:
        storage = S3Storage(**options, location="media")
        other = {"AllowedOrigins": ["https://another.example"], "AllowedMethods": ["PUT"], "ID": "theirs"}
        storage.client.put_bucket_cors(Bucket=storage.bucket_name, CORSConfiguration={"CORSRules": [other]})
        report = examined(storage)
        assert "cors-missing" in ids(report)
        planned = plan_fix(storage, report, origins=[ORIGIN])
        assert {change.document for change in planned.changes} == {"cors"}
        told = Told()
        fix(storage, planned, watcher=told)
        assert told.steps == [("write", "cors", "")]
        read = storage.objects.bucket.settings.read
        assert read("cors").value["CORSRules"][0]["ID"] == "theirs"
        assert read("public-access-block").state == read("encryption").state == "none"


def test_static_files_become_public(s3_server):
    """Only their prefix."""
    with fresh_options(s3_server) as options:
        storage = S3StaticStorage(**options)
        report = examined(storage)
        assert "not-public" in ids(report)
        fix(storage, plan_fix(storage, report))
        assert "not-public" not in ids(examined(storage))
        policy = storage.objects.bucket.settings.read("policy").value
        assert f"arn:aws:s3:::{storage.bucket_name}/static/*" in json.dumps(policy)


def test_old_versions_get_an_end(moto, settings):
    """The rule that deletes them is added. The bucket keeps versions before and after."""
    with fresh_options(moto) as options:
        one_entry(settings, {**options, "location": "media"})
        storage = S3Storage(**options)
        storage.client.put_bucket_versioning(Bucket=storage.bucket_name, VersioningConfiguration={"Status": "Enabled"})
        text, _ = run("--fix", "--yes", "--origin", ORIGIN)
        assert "Old versions of files are never deleted" in text
        assert "Old versions of files are never deleted" not in text.rpartition("+ lifecycle")[2]
        rules = storage.objects.bucket.settings.read("lifecycle").value["Rules"]
        assert {"NoncurrentDays": 30} in [rule.get("NoncurrentVersionExpiration") for rule in rules]


def test_each_step_of_a_new_bucket_is_told(moto):
    """As setup tells it."""
    with fresh_options(moto, create=False) as options:
        storage, told = S3Storage(**options, location="media"), Told()
        fix(storage, plan_fix(storage, examined(storage)), watcher=told)
        assert told.steps[:2] == [("create", options["bucket_name"], ""), ("write", "Block Public Access", "")]


def test_nothing_to_mend(seaweedfs, settings):
    """No question is asked."""
    configure(settings, seaweedfs, default={})
    run("--fix")
    configure(settings, seaweedfs, default={"secret_key": "wrong-secret"})
    run("--fix", status=1)


def test_a_report_without_anything_to_mend_has_no_plan(moto):
    """It takes no request."""
    storage = storage_at(moto)
    report = replace(examined(storage), findings=())
    with counted_requests(storage) as sent:
        assert plan_fix(storage, report) is None
    assert sent.methods == []


def test_without_a_yes_nothing_is_written(moto, settings):
    """There is no terminal to ask. The plan sends only reads."""
    with fresh_options(moto) as options:
        one_entry(settings, {**options, "location": "static"}, "s3store.storage.S3StaticStorage")
        storage = S3StaticStorage(**options)
        report = examined(storage)
        with counted_requests(storage) as sent:
            plan_fix(storage, report)
        assert set(sent.methods) <= {"GET", "HEAD"}
        _, said = run("--fix", status=2)
        assert "change" in said
        assert "Nothing was done" in said
        assert storage.objects.bucket.settings.read("policy").state == "none"


def test_a_finding_that_setup_would_not_mend(seaweedfs, settings):
    """Files are public because somebody has written a policy. setup keeps it, and the command says so."""
    with fresh_options(seaweedfs) as options:
        storage = S3Storage(**options, location="media")
        statement = {
            "Effect": "Allow",
            "Principal": "*",
            "Action": "s3:GetObject",
            "Resource": f"arn:aws:s3:::{storage.bucket_name}/*",
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        storage.client.put_bucket_policy(Bucket=storage.bucket_name, Policy=policy)
        one_entry(settings, {**options, "location": "media"})
        text, _ = run("--fix", "--yes", "--origin", ORIGIN)
        assert "There is nothing that s3 setup can mend." in text


def test_a_server_that_does_not_accept_it(moto, settings):
    """It is an error."""
    with fresh_options(moto) as options:
        accepted = ("PUT .*cors", (200, {}, b""))
        with canned(moto, accepted) as proxy:
            storage = S3Storage(**{**options, "endpoint_url": proxy.url}, location="media")
            other = {"AllowedOrigins": ["https://another.example"], "AllowedMethods": ["PUT"]}
            S3Storage(**options).client.put_bucket_cors(
                Bucket=storage.bucket_name, CORSConfiguration={"CORSRules": [other]}
            )
            planned = plan_fix(storage, examined(storage), origins=[ORIGIN])
            with pytest.raises(SetupError, match="did not accept everything"):
                fix(storage, planned)


def test_a_plan_that_fails(moto, settings):
    """The bucket is named."""
    with canned(moto, (r"GET .*\?cors", error(403, "AccessDenied")), ("OPTIONS", (403, {}, b""))) as proxy:
        configure(settings, moto, default={"endpoint_url": proxy.url})
        _, said = run("--fix", "--yes", "--origin", ORIGIN, status=1)
    assert said.startswith("The bucket s3store-tests is not mended.")
