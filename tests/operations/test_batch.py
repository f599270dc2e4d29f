"""Work is left to S3 Batch Operations as files that people give to AWS, and reports come back."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from s3store.core.info import ObjectInfo
from s3store.operations.batch import BatchError, BatchManifest, failed_tasks, read_report
from s3store.operations.places import Place, PlaceError
from s3store.storage import S3Storage
from s3store.testing.counting import counted_requests

FAILED = "{bucket},{location}/a%20b.txt,,failed,AccessDenied,403,Access Denied\nelse,c,v1,failed,,500,\n"
SUCCEEDED = "{bucket},{location}/d.txt,,succeeded,200,,Successful\n"


@pytest.fixture
def storage(s3_options: dict[str, Any]) -> S3Storage:
    return S3Storage(**s3_options)


def place(storage: S3Storage, path: str = "") -> Place:
    return Place(path=path, storage=storage, alias="default")


def info(storage: S3Storage, name: str, size: int = 1, storage_class: str = "STANDARD") -> ObjectInfo:
    return ObjectInfo(key=storage.objects.key(name), size=size, storage_class=storage_class)


def test_a_manifest_has_what_the_job_can_copy(storage: S3Storage, tmp_path: Path) -> None:
    """Files of more than 5 GB are left, by name; no request is sent."""
    path = tmp_path / "plan.csv"
    target = S3Storage(bucket_name="dst", location=f"old/{storage.location}", region_name="eu-west-1")
    with (
        counted_requests(storage) as sent,
        BatchManifest.copying(path, place(storage, "x"), place(target, "x")) as manifest,
    ):
        assert manifest.add("x/a b.txt", info(storage, "x/a b.txt"))
        assert not manifest.add("x/large", info(storage, "x/large", 5_000_000_001))
        assert manifest.add("x/c", info(storage, "x/c", 5_000_000_000))
        assert not path.exists()
    assert sent == []
    location, bucket = storage.location, storage.bucket_name
    assert path.read_text() == f"{bucket},{location}/x/a%20b.txt\n{bucket},{location}/x/c\n"
    assert manifest.rest.read_text() == "x/large\n"
    assert (manifest.written, manifest.left) == (2, 1)
    command = manifest.command()
    assert hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest() in command
    assert '"TargetKeyPrefix": "old"' in command
    assert sorted(found.name for found in tmp_path.iterdir()) == ["plan.csv", "plan.csv.rest"]


def test_only_archived_files_are_restored(storage: S3Storage, tmp_path: Path) -> None:
    """Others are readable."""
    with BatchManifest.restoring(tmp_path / "plan.csv", place(storage), days=3) as manifest:
        assert manifest.add("a", info(storage, "a", storage_class="DEEP_ARCHIVE"))
        assert not manifest.add("b", info(storage, "b"))
    assert '"ExpirationInDays": 3' in manifest.command()


def test_all_files_can_be_tagged(storage: S3Storage, tmp_path: Path) -> None:
    """Nothing is left, so that there is no file for it. Versions are given for all or for none."""
    with BatchManifest.tagging(tmp_path / "plan.csv", place(storage), {"delete": "yes"}) as manifest:
        assert manifest.add("a", info(storage, "a", 10**13), version_id="v1")
        with pytest.raises(BatchError, match="'b': either all files"):
            manifest.add("b", info(storage, "b"))
    assert [found.name for found in tmp_path.iterdir()] == ["plan.csv"]
    assert (tmp_path / "plan.csv").read_text().endswith("/a,v1\n")
    assert '"VersionId"' in manifest.command()


def test_a_manifest_replaces_no_file(storage: S3Storage, tmp_path: Path) -> None:
    """And after an error, there is none."""
    path = tmp_path / "plan.csv"
    with pytest.raises(ZeroDivisionError), BatchManifest.tagging(path, place(storage), {}):
        _ = 1 / 0
    assert list(tmp_path.iterdir()) == []
    path.write_text("precious")
    with pytest.raises(FileExistsError, match="choose another name"):
        BatchManifest.tagging(path, place(storage), {})
    assert path.read_text() == "precious"


CHILD = """
import os, sys
from pathlib import Path
import django
from django.conf import settings
settings.configure()
django.setup()
from s3store.core.info import ObjectInfo
from s3store.operations.batch import BatchManifest
from s3store.operations.places import Place
from s3store.storage import S3Storage
place = Place(path="", storage=S3Storage(bucket_name="b", region_name="eu-west-1"))
with BatchManifest.tagging(Path(sys.argv[1]), place, {}) as manifest:
    manifest.add("a", ObjectInfo(key="a", size=1))
    os._exit(9)
"""


def test_a_killed_process_leaves_no_manifest(tmp_path: Path) -> None:
    """A part of one would be a job for a part of the files. The next run is not stopped by what is left."""
    path = tmp_path / "plan.csv"
    for _ in range(2):
        assert subprocess.run([sys.executable, "-c", CHILD, str(path)], check=False).returncode == 9
        assert not path.exists()


def test_local_files_are_not_processed_by_aws(storage: S3Storage, tmp_path: Path) -> None:
    """Neither from nor to this machine."""
    local, path = Place(path=str(tmp_path)), tmp_path / "plan.csv"
    for source, target in ((local, place(storage)), (place(storage), local)):
        with pytest.raises(PlaceError, match="give ALIAS:path"):
            BatchManifest.copying(path, source, target)
    assert not path.exists()


# Reports


def report(storage: S3Storage, **changed: Any) -> Place:
    """Store a report as AWS does: a file of rows for each status, and a manifest."""
    names = {"bucket": storage.bucket_name, "location": storage.location}
    results = []
    for number, text in enumerate((SUCCEEDED, FAILED)):
        data = text.format(**names).encode()
        name = storage.save(f"jobs/job-1/results/{number}.csv", data)  # type: ignore[arg-type]
        digest = hashlib.md5(data, usedforsecurity=False).hexdigest()
        results.append(
            {"Bucket": storage.bucket_name, "Key": f"{storage.location}/{name}", "MD5Checksum": digest, **changed}
        )
    document = json.dumps({"Format": "Report_CSV_20180820", "Results": results}).encode()
    return place(storage, storage.save("jobs/job-1/manifest.json", document))  # type: ignore[arg-type]


def test_a_report_becomes_a_summary_and_a_manifest(storage: S3Storage, tmp_path: Path) -> None:
    """Files of the storage have their names, others bucket and key; the manifest is for another job."""
    summary = read_report(report(storage), objects=storage.objects, retry=tmp_path / "again.csv")
    assert (summary.objects, [(each.name, each.code, each.why) for each in summary.failed]) == (
        3,
        [("a b.txt", "AccessDenied", "Access Denied"), ("else/c", "500", "500")],
    )
    assert (tmp_path / "again.csv").read_text() == f"{storage.bucket_name},{storage.location}/a%20b.txt\nelse,c,v1\n"


def test_one_file_of_a_report_can_be_read(storage: S3Storage, tmp_path: Path) -> None:
    """In the storage, or downloaded."""
    report(storage)
    assert len(list(failed_tasks(place(storage, "jobs/job-1/results/1.csv")))) == 2
    local = tmp_path / "1.csv"
    local.write_text(FAILED)
    assert [task and task.code for task in failed_tasks(Place(path=str(local)))] == ["AccessDenied", "500"]


def test_a_report_that_is_damaged_or_a_copy_is_refused(storage: S3Storage, tmp_path: Path) -> None:
    """Its failures may be elsewhere. No manifest is left."""
    retry = tmp_path / "again.csv"
    with pytest.raises(BatchError, match=r"0.csv is damaged: its MD5 digest"):
        read_report(report(storage, MD5Checksum="0" * 32), retry=retry)
    storage.delete("jobs/job-1/manifest.json")
    with pytest.raises(BatchError, match="'elsewhere'"):
        read_report(report(storage, Bucket="elsewhere"))
    latin = tmp_path / "latin.csv"
    latin.write_bytes(b"\xe9")
    with pytest.raises(BatchError, match=r"latin.csv: The report cannot be read"):
        read_report(Place(path=str(latin)))
    with pytest.raises(PlaceError, match="CSV file"):
        read_report(Place(path="a/manifest.json"))
    assert not retry.exists()
    assert sorted(found.name for found in tmp_path.iterdir()) == ["latin.csv"]


def test_the_command_names_what_failed(tmp_path: Path, settings: Any) -> None:
    """With exit status 1; 2 if the report cannot be read, 0 if everything succeeded."""
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "s3store.storage.S3Storage",
            "OPTIONS": {"bucket_name": "b", "location": "l", "region_name": "eu-west-1"},
        },
    }
    rows = {"bucket": "b", "location": "l"}
    failed, good, again = tmp_path / "failed.csv", tmp_path / "good.csv", tmp_path / "again.csv"
    failed.write_text(FAILED.format(**rows))
    good.write_text(SUCCEEDED.format(**rows))
    out = io.StringIO()
    with pytest.raises(CommandError, match=r"'a b.txt' failed: Access Denied\n(.|\n)*--retry") as caught:
        call_command("s3", "batch-report", str(failed), stdout=out)
    assert caught.value.returncode == 1
    assert out.getvalue().startswith("2 tasks in the report, 2 failed")
    with pytest.raises(CommandError, match=r"again.csv is a manifest"):
        call_command("s3", "batch-report", str(failed), "--retry", str(again), stdout=out)
    assert again.exists()
    for arguments in ([str(failed), "--retry", str(again)], [str(tmp_path / "none.csv")], ["nowhere:x"]):
        with pytest.raises(CommandError) as caught:
            call_command("s3", "batch-report", *arguments)
        assert caught.value.returncode == 2
    out = io.StringIO()
    call_command("s3", "batch-report", str(good), "--json", stdout=out)
    assert (json.loads(out.getvalue())["objects"], json.loads(out.getvalue())["failed"]) == (1, [])
