"""The plan of sync as manifests for S3 Batch Operations."""

from __future__ import annotations

import os

import pytest

from s3store.core import batch
from s3store.operations.batch import BatchError
from s3store.operations.places import PlaceError
from s3store.operations.sync import sync
from s3store.operations.sync.manifests import TAG
from s3store.storage import S3Storage
from s3store.testing.counting import counted_requests
from tests.buckets import options_for
from tests.operations.sync_places import Steps, files_in, local, objects_in, place, run, run_json, use


@pytest.fixture
def two(moto):
    """A storage, and one in another bucket with the same keys."""
    options = options_for(moto)
    source = S3Storage(**options, location="media")
    target = S3Storage(**{**options, "bucket_name": f"{options['bucket_name']}-other"}, location="media")
    target.client.create_bucket(Bucket=target.bucket_name)
    for storage in (source, target):
        storage.delete_tree("", force=True)
    for name in ("a b.txt", "d/same", "d/new"):
        source.save(name, name.encode())
    target.save("d/same", b"d/same")
    return source, target


def test_what_differs_is_in_the_manifest(two, tmp_path):
    """Nothing is sent but reads, and the commands for the job are told."""
    source, target = two
    steps = Steps()
    with counted_requests(source) as sent:
        summary = sync(place(source), place(target), batch_manifest=tmp_path / "plan.csv", watcher=steps)
    assert set(sent.methods) <= {"GET", "HEAD"}
    bucket = source.bucket_name
    assert files_in(tmp_path) == {"plan.csv": f"{bucket},media/a%20b.txt\n{bucket},media/d/new\n".encode()}
    assert (summary.sent, summary.skipped, summary.failed, summary.plan) == (2, 1, [], None)
    assert steps.done == {"a b.txt": "copy", "d/new": "copy", "d/same": "skip"}
    (command,) = summary.more["batch"]
    assert target.bucket_name in command
    assert "plan.csv" in command
    assert sorted(objects_in(target)) == ["d/same"]


def test_archived_and_doomed_files_have_manifests_of_their_own(two, tmp_path):
    """Jobs restore the ones and tag the others, which a rule of the lifecycle deletes."""
    source, target = two
    archived = S3Storage(
        **{**options_of(source), "location": "media", "object_parameters": {"StorageClass": "GLACIER"}}
    )
    archived.save("d/cold", b"cold")
    target.save("d/old", b"old")
    summary = sync(place(source), place(target), batch_manifest=tmp_path / "plan.csv", delete=True)
    found = {name: content.decode().split(",")[-1] for name, content in files_in(tmp_path).items()}
    assert found["plan.csv.restore"] == "media/d/cold\n"
    assert found["plan.csv.tag"] == "media/d/old\n"
    assert "cold" not in files_in(tmp_path)["plan.csv"].decode()
    restore, copy, tag = summary.more["batch"]
    assert "S3InitiateRestoreObject" in restore
    assert "S3PutObjectCopy" in copy
    assert next(iter(TAG)) in tag
    assert (summary.deleted, target.exists("d/old")) == (1, True)


def options_of(storage):
    options = storage.objects.options
    names = ("bucket_name", "endpoint_url", "access_key", "secret_key", "region_name")
    return {name: getattr(options, name) for name in names}


def test_files_that_a_job_does_not_copy_are_told(two, tmp_path, monkeypatch):
    """Above 5 GB: their names are in a file, and a warning says what to do."""
    source, target = two
    monkeypatch.setattr(batch, "LARGEST_COPY", 5)
    summary = sync(place(source), place(target), batch_manifest=tmp_path / "plan.csv")
    assert (tmp_path / "plan.csv.rest").read_text() == "a b.txt\n"
    (warning,) = summary.warnings
    assert warning.startswith("1 files are larger than 5 GB")
    assert "plan.csv.rest: copy them with s3 sync" in warning


def test_nothing_to_copy_is_no_job(two, tmp_path):
    """AWS refuses an empty manifest."""
    source, target = two
    sync(place(source), place(target))
    assert sync(place(source), place(target), batch_manifest=tmp_path / "plan.csv").more["batch"] == []


def test_what_a_job_cannot_do_is_refused(two, tmp_path):
    """Local places, other keys, keys of the client, and a file that exists: nothing is written."""
    source, target = two
    plan = tmp_path / "plan.csv"
    for one, other in ((local(tmp_path), place(target)), (place(source), local(tmp_path / "x"))):
        with pytest.raises(PlaceError, match="is on this machine"):
            sync(one, other, batch_manifest=plan)
    with pytest.raises(BatchError, match="cannot rename"):
        sync(place(source), place(target, "else"), batch_manifest=plan)
    secret = S3Storage(
        **{**options_of(source), "location": "media"},
        object_parameters={"SSECustomerAlgorithm": "AES256", "SSECustomerKey": "k" * 32},
    )
    for one, other in ((secret, target), (source, secret)):
        if one is source:
            one = S3Storage(**options_of(target), location="media")
        with pytest.raises(BatchError, match="SSE-C"):
            sync(place(one), place(other), batch_manifest=plan)
    assert os.listdir(tmp_path) == []
    plan.write_text("mine")
    with pytest.raises(FileExistsError):
        sync(place(source), place(target), batch_manifest=plan)
    assert files_in(tmp_path) == {"plan.csv": b"mine"}


def test_the_command_prints_what_to_run(two, tmp_path, settings):
    """Commands of the AWS CLI; --delete does not ask, because nothing is deleted; usage errors have status 2."""
    source, target = two
    use(
        settings,
        one={**options_of(source), "location": "media"},
        two={**options_of(target), "location": "media"},
    )
    out, _, error = run("one:", "two:", "--delete", "--batch-manifest", tmp_path / "plan.csv")
    assert error is None
    assert "aws s3control create-job" in out
    _, _, error = run("one:", "two:", "--batch-manifest", tmp_path / "plan.csv")
    assert (error.returncode, "exists" in str(error)) == (2, True)
    _, _, error = run("one:", "two:else", "--batch-manifest", tmp_path / "other.csv")
    assert (error.returncode, "cannot rename" in str(error)) == (2, True)
    document, error = run_json("one:", "two:", "--batch-manifest", tmp_path / "json.csv")
    assert (len(document["batch"]), error) == (1, None)
