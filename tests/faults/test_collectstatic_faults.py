"""Deployments that go wrong: killed, interrupted, two at once, refused, over a bad network. No page may miss a file."""

import hashlib
import json
import random
import re
import signal
import subprocess
import sys

import pytest
from django.core.management import CommandError

from s3store.storage import S3ManifestStaticStorage, S3Storage
from s3store.wire.bucket import Bucket
from tests.faults.proxy import FaultProxy
from tests.static_site import MANIFEST, PLAIN, ROOT, Site, is_copy

pytestmark = pytest.mark.campaign

FILES = 16
# The pictures of a release and their hashed twins, the hashed style sheet, the manifest's copy and the manifest.
WRITES = 2 * (FILES - 1) + 3


@pytest.fixture
def wire(settings, tmp_path, seaweedfs_options):
    """A site with a manifest on SeaweedFS, and the wire to it."""
    with FaultProxy(seaweedfs_options["endpoint_url"]) as proxy:
        site = Site(settings, tmp_path / "static", {**seaweedfs_options, "endpoint_url": proxy.url})
        proxy.site = site.use(MANIFEST)
        proxy.behind = lambda: S3ManifestStaticStorage(**seaweedfs_options)
        yield proxy


def release(site, number):
    """Write a release: a style sheet and pictures, all of which differ from other releases'."""
    site.write({f"img/{n:02}.png": f"release {number}, picture {n}" for n in range(FILES - 1)})
    return site.write({"a.css": "\n".join(f".p{n} {{ background: url(img/{n:02}.png) }}" for n in range(FILES - 1))})


def contents(storage):
    return {stat.name: storage.read_bytes(stat.name) for stat in storage.scan()}


def missing(found):
    """Return what the manifest among the contents names and they lack, or have with another content."""
    paths = json.loads(found["staticfiles.json"])["paths"]
    return [
        hashed
        for hashed in paths.values()
        if hashlib.md5(found.get(hashed, b"")).hexdigest()[:12] != re.findall(r"\.([0-9a-f]{12})\b", hashed)[-1]
    ]


def end_at(wire, process, number, sent):
    """Send a signal to the process when the n-th write of its run comes by, before it gets anywhere."""
    writes = []

    def respond(method, target, headers):
        if method == "PUT":
            writes.append(target)
            if len(writes) == number:
                process.send_signal(sent)

    wire.respond = respond


@pytest.mark.slow
@pytest.mark.parametrize("number", [1, *random.Random(4).sample(range(2, WRITES - 1), 3), WRITES - 1, WRITES])
@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGINT], ids=["killed", "interrupted"])
def test_rd_01_05_a_run_that_ends_early_and_runs_again(wire, tmp_path, number, sent):
    """The old manifest stays, with all that it names; the next run sends what is missing, and the sets are equal."""
    site = release(wire.site, 1)
    site.collect()
    before = contents(wire.behind())
    release(site, 2)
    with site.child(tmp_path, "--threads", "4") as process:
        end_at(wire, process, number, sent)
        _, said = process.communicate()
    wire.respond = None
    if sent is signal.SIGINT:
        assert process.returncode == 130
        assert "Interrupted. All files that were sent are complete" in said
        assert "Traceback" not in said
    else:
        assert process.returncode == -signal.SIGKILL
    behind = wire.behind()
    found = contents(behind)
    published = found["staticfiles.json"] != before["staticfiles.json"]
    assert not published or number == WRITES
    assert missing(found) == []
    stored = sum(content != before.get(name) for name, content in found.items() if not name.startswith("staticfiles."))
    wire.clear()
    site.collect()
    sent_again = [one.target for one in wire.requests("PUT") if "/staticfiles." not in one.target]
    assert len(sent_again) == len(set(sent_again))
    # What the four threads of a killed process had sent can be stored after it was counted.
    late = WRITES - 2 - stored - len(sent_again)
    assert 0 <= late <= (4 if sent is signal.SIGKILL else 0)
    assert json.loads(site.collect(json=True))["uploaded"] == 0
    found = contents(behind)
    assert missing(found) == []
    there = set(found.values())
    assert all(path.read_bytes() in there for path in site.directory.rglob("*.*"))


def test_rd_03_two_deployments_at_once(wire, tmp_path):
    """Two processes, two releases: what each manifest names is there, and one of them is the last."""
    first = release(wire.site, 1)
    second = Site(wire.site.settings, tmp_path / "second", {})
    release(second, 2)
    second.flat, second.backend = first.flat, MANIFEST
    processes = []
    for site in (first, second):
        place = tmp_path / f"process {len(processes)}"
        place.mkdir()
        processes.append(site.child(place, "--json"))
    for process in processes:
        out, said = process.communicate()
        assert process.returncode == 0, said
        assert json.loads(out)["uploaded"] > FILES
    found = contents(wire.behind())
    assert missing(found) == []
    copies = [json.loads(content)["paths"] for name, content in found.items() if is_copy(name)]
    assert len(copies) == 2
    assert all(set(paths.values()) <= set(found) for paths in copies)
    assert json.loads(found["staticfiles.json"])["paths"] in copies


def test_rd_03_two_deployments_of_one_release(wire, tmp_path):
    """Several servers that deploy the same at the same time come to the same."""
    site = release(wire.site, 1)
    processes = []
    for number in range(2):
        (tmp_path / str(number)).mkdir()
        processes.append(site.child(tmp_path / str(number)))
    for process in processes:
        process.communicate()
        assert process.returncode == 0
    assert missing(contents(wire.behind())) == []
    assert json.loads(site.collect(json=True))["uploaded"] == 0


@pytest.mark.parametrize("backend", [PLAIN, MANIFEST], ids=["plain", "manifest"])
def test_rd_06_an_upload_that_is_refused(wire, tmp_path, backend):
    """It is named, the others are sent, the command fails, and the manifest is the old one, with all that it names."""
    site = release(wire.site.use(backend), 1)
    site.collect()
    old = contents(site.twin()).get("staticfiles.json")
    site.write({f"new/{number:02}.txt": f"{number}" for number in range(25)})

    def refuse(method, target, headers):
        denied = method == "PUT" and "/new/07." in target
        return (403, {}, b"<Error><Code>AccessDenied</Code><Message>No.</Message></Error>") if denied else None

    wire.respond = refuse
    with site.child(tmp_path) as process:
        _, said = process.communicate()
    assert process.returncode == 1
    assert "Traceback" not in said
    assert re.search(r"Uploading '\w+/new/07\..*txt' failed: put_object of key .*AccessDenied", said)
    assert "the manifest is unchanged" in said
    found = contents(site.twin())
    assert found.get("staticfiles.json") == old
    names = [name for name in found if name.startswith("new/")]
    assert len(names) == (24 if backend == PLAIN else 48)
    if backend == MANIFEST:
        assert missing(found) == []
    wire.respond = None
    site.collect()
    assert len(contents(site.twin())) - len(found) == (1 if backend == PLAIN else 3)


def test_many_failures_are_counted(wire):
    """Twenty are shown."""
    wire.respond = lambda method, target, headers: (403, {}, b"") if method == "PUT" else None
    with pytest.raises(CommandError) as raised:
        wire.site.use(PLAIN).fill(30).collect()
    lines = str(raised.value).splitlines()
    assert len(lines) == 22
    assert lines[20] == "… and 10 more."


def test_nothing_is_replaced_after_a_new_file_failed(wire):
    """What is replaced may refer to it."""
    site = wire.site.use(PLAIN).write({"a.css": "", "b.css": ""})
    site.collect()
    site.write({"a.css": "a { background: url(z.png) }", "z.png": b"z"})
    wire.respond = lambda method, target, headers: (403, {}, b"") if "z.png" in target else None
    with pytest.raises(CommandError, match=r"z\.png"):
        site.collect()
    assert wire.behind().read_bytes("a.css") == b""


@pytest.mark.parametrize("which", ["staticfiles.json", "staticfiles."], ids=["manifest", "copy"])
def test_a_manifest_that_is_refused(wire, which):
    """The old one stays, and nothing is deleted."""
    site = release(wire.site, 1)
    site.collect()
    old = contents(wire.behind())
    (release(site, 2).directory / "img/00.png").unlink()
    site.write({"a.css": ""})
    denied = (403, {}, b"<Error><Code>AccessDenied</Code></Error>")
    wire.respond = lambda method, target, headers: denied if method == "PUT" and f"/{which}" in target else None
    with pytest.raises(CommandError, match=r"staticfiles\..*AccessDenied"):
        site.collect(clear=True)
    found = contents(wire.behind())
    assert missing(found) == []
    assert old.keys() <= found.keys()


def test_a_deletion_that_is_refused(wire):
    """It is named, and the new release is there."""
    site = release(wire.site, 1)
    site.collect()
    (site.directory / "img/00.png").unlink()
    site.write({"a.css": ""})
    key = wire.behind().objects.key("img/00.png")
    error = f"<Error><Key>{key}</Key><Code>AccessDenied</Code><Message>No.</Message></Error>"
    refused = f"<DeleteResult>{error}</DeleteResult>".encode()
    wire.respond = lambda method, target, headers: (200, {}, refused) if method == "POST" else None
    with pytest.raises(CommandError, match="could not be deleted"):
        site.collect(clear=True)
    assert missing(contents(wire.behind())) == []
    assert "img/00.png" not in wire.behind().hashed_files


@pytest.mark.parametrize("fault", ["slow503", "err500", "reset", "lost", "cut", "short"])
def test_a_listing_that_breaks_on_page_three_is_asked_for_again(wire, monkeypatch, fault):
    """A short list is never believed: what it lacks would be sent again, and what it has deleted."""
    monkeypatch.setitem(Bucket.pages.__kwdefaults__, "limit", 10)
    site = wire.site.use(PLAIN).fill(25)
    site.collect()
    pages = []

    def respond(method, target, headers):
        if "list-type=2" in target:
            pages.append(target)
            wire.harm({fault: 1.0} if len(pages) == 3 else {})

    wire.respond = respond
    assert json.loads(site.collect(json=True))["unchanged"] == 25
    assert len(pages) == 4


@pytest.mark.parametrize(
    "answer",
    [
        (403, {}, b"<Error><Code>AccessDenied</Code></Error>"),
        (200, {}, b"<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>"),
    ],
    ids=["refused", "no token"],
)
def test_a_listing_that_cannot_be_had_is_an_error(wire, monkeypatch, answer):
    """Nothing is sent and nothing deleted then."""
    monkeypatch.setitem(Bucket.pages.__kwdefaults__, "limit", 10)
    site = wire.site.use(PLAIN).fill(25)
    site.collect()
    pages = []

    def respond(method, target, headers):
        pages.append(target)
        return answer if len(pages) == 3 else None

    wire.respond = respond
    wire.clear()
    with pytest.raises(CommandError, match="list_objects_v2"):
        site.collect(clear=True)
    assert [exchange.method for exchange in wire.log] == ["GET"] * 3


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "files"),
    [("slow503", 1000), ("err500", 200), ("reset", 200), ("lost", 200)],
    ids=["slow503", "err500", "reset", "lost"],
)
def test_rd_02_a_thousand_files_while_every_fifth_request_goes_wrong(
    settings, tmp_path, seaweedfs_options, fault, files
):
    """Complete, and equal byte for byte; a fifth as many files show the same of each other fault."""
    with FaultProxy(seaweedfs_options["endpoint_url"], faults={fault: 0.2}, seed=5) as proxy:
        site = Site(settings, tmp_path / "static", {**seaweedfs_options, "endpoint_url": proxy.url}).fill(files)
        said = json.loads(site.collect(json=True))
        assert said["uploaded"] == files
        assert sum(exchange.fault is not None for exchange in proxy.log) > files * 0.15
        proxy.harm({})
        assert json.loads(site.collect(json=True))["uploaded"] == 0
    behind = S3Storage(**seaweedfs_options)
    digests = {stat.name: stat.md5 for stat in behind.scan()}
    assert digests == {
        str(path.relative_to(site.directory)): hashlib.md5(path.read_bytes()).hexdigest()
        for path in site.directory.rglob("*.txt")
    }


@pytest.mark.parametrize("backend", [PLAIN, MANIFEST], ids=["plain", "manifest"])
def test_rd_04_a_file_that_changes_during_the_run(wire, backend):
    """It is noticed and named, the manifest stays the old one, and the next run puts it right."""
    site = release(wire.site.use(backend), 1)
    site.collect()
    old = contents(wire.behind())
    release(site, 2)
    changing = site.directory / "img/12.png"

    def respond(method, target, headers):
        if method == "GET" and "list-type" in target:
            changing.write_text("changed while the listing was under way")

    wire.respond = respond
    with pytest.raises(CommandError, match=r"img/12\.png was changed while it was being published"):
        site.collect()
    wire.respond = None
    if backend == MANIFEST:
        now = contents(wire.behind())
        assert now["staticfiles.json"] == old["staticfiles.json"]
        assert missing(now) == []
    site.collect()
    found = contents(wire.behind())
    assert b"changed while the listing was under way" in found.values()
    if backend == MANIFEST:
        assert missing(found) == []


def test_rd_04_a_file_that_changes_while_it_is_sent(wire):
    """It is noticed, too, when its bytes are under way."""
    site = wire.site.use(PLAIN).write({"a.txt": "a"})

    def respond(method, target, headers):
        if method == "PUT":
            (site.directory / "a.txt").write_text("longer")

    wire.respond = respond
    with pytest.raises(CommandError, match=r"a\.txt was changed while it was being published"):
        site.collect()
    wire.respond = None
    site.collect()
    assert contents(wire.behind()) == {"a.txt": b"longer"}


def test_rd_07_twice_copies_nothing(wire):
    """And no second file under an invented name is there."""
    site = release(wire.site, 1)
    site.collect()
    names = sorted(contents(wire.behind()))
    assert site.collect().strip().startswith(f"0 static files copied, {FILES} unmodified")
    assert sorted(contents(wire.behind())) == names
    assert len(names) == 2 * FILES + 2


MEMORY = """
import json
import os
from django.core.management import call_command
import django
django.setup()
from s3store.staticfiles import publish
from django.contrib.staticfiles.finders import get_finders
from s3store.staticfiles.releases import Releases
from s3store.staticfiles.staging import in_storage
from s3store.core.info import ObjectInfo, Page
from s3store.storage import S3ManifestStaticStorage
import tempfile, pathlib, datetime

def peak():
    # Not getrusage's: that begins with what the parent had.
    (line,) = (line for line in open("/proc/self/status") if line.startswith("VmHWM"))
    return int(line.split()[1]) // 1024

storage = S3ManifestStaticStorage(bucket_name="bucket", region_name="eu-central-1", access_key="a", secret_key="b")
storage.client
before = peak()
found = {path: in_storage(source, path) for finder in get_finders() for path, source in finder.list([])}
with tempfile.TemporaryDirectory() as directory:
    release = publish.stage(storage, found, directory=pathlib.Path(directory), post_process=True)
    now = datetime.datetime.now(datetime.timezone.utc)
    releases = Releases(storage, storage.objects, release.paths, release.files, now=now)
    publisher = publish.Publisher(storage.objects, release, threads=32, releases=releases)
    infos = tuple(
        ObjectInfo(key=storage.objects.key(name), size=0, etag='"' + f"{number:032x}" + '"', modified=now)
        for number, name in enumerate(release.files)
    )
    def pages(*args, **kwargs):
        yield Page(objects=infos, prefixes=())
        for first in range(0, int(os.environ["OTHERS"]), 1000):
            keys = (f"static/app{first}/file{number}.0123456789ab.css" for number in range(1000))
            yield Page(prefixes=(), objects=tuple(ObjectInfo(key=key, size=9, etag="e", modified=now) for key in keys))

    storage.objects.bucket.__class__.pages = pages
    storage.objects.bucket.__class__.head = lambda self, key, given: ObjectInfo(key=key, size=0, all_metadata={})
    decision = publisher.decide()
    publisher._send = lambda key: 0
    report = publisher.run(decision, lambda *_: None)
print(json.dumps({"files": len(found), "written": report.uploaded, "mib": peak() - before}))
"""


@pytest.mark.slow
@pytest.mark.no_cover  # the other process is what is measured
@pytest.mark.skipif(sys.platform != "linux", reason="measures as Linux does")
@pytest.mark.parametrize(
    ("files", "others", "least", "most"),
    [(20_000, 0, 10, 150), (10, 200_000, 0, 20)],
    ids=["20,000 files", "200,000 other objects"],
)
def test_much_costs_little_memory(settings, tmp_path, seaweedfs_options, files, others, least, most):
    """Collecting, hashing, planning and the bookkeeping of sending, in a process of its own.

    Of a listing, only what this release needs is kept.
    """
    site = Site(settings, tmp_path / "static", seaweedfs_options).use(MANIFEST).fill(files, size=0)
    with site.child(tmp_path, "--help") as process:
        process.communicate()
    (tmp_path / "measure.py").write_text(MEMORY)
    environment = {
        "DJANGO_SETTINGS_MODULE": "site_settings",
        "PYTHONPATH": f"{tmp_path}:{ROOT}",
        "OTHERS": str(others),
    }
    done = subprocess.run(
        [sys.executable, tmp_path / "measure.py"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    # With the manifest and its copy.
    assert (said["files"], said["written"]) == (files, 2 * files + 2)
    assert least <= said["mib"] < most
