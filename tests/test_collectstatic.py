"""The command collectstatic: what it sends, what it says, and what each of its flags does."""

import gzip
import io
import json
import os
import pty
import re
import threading
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from django.contrib.staticfiles.management.commands import collectstatic as djangos
from django.contrib.staticfiles.storage import ManifestFilesMixin, ManifestStaticFilesStorage
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, InMemoryStorage, storages
from django.core.management import CommandError, call_command

from s3store.checks import check_order
from s3store.core.parts import MIB
from s3store.staticfiles import publish
from s3store.staticfiles import releases as releases_module
from s3store.storage import S3ManifestStaticStorage, S3StaticStorage, S3Storage
from s3store.testing.fixtures import options_for
from s3store.wire import bucket
from tests.faults.proxy import FaultProxy
from tests.static_site import MANIFEST, PLAIN, Site, is_copy, without_copies

LINKED = {
    "css/a.css": "@import 'b.css'; a { background: url(../img/a.png) }",
    "css/b.css": "a { background: url(../img/b.png) }",
    "img/a.png": b"\x89PNG a",
    "img/b.png": b"\x89PNG b",
    "js/c.mjs": "export default 1;",
}
HASHED = r"\.[0-9a-f]{12}\."


@pytest.fixture
def site(settings, tmp_path, s3_options):
    """A site on each of the servers."""
    return Site(settings, tmp_path / "static", s3_options)


@pytest.fixture
def one(settings, tmp_path, seaweedfs_options):
    """A site on SeaweedFS alone."""
    return Site(settings, tmp_path / "static", seaweedfs_options)


@pytest.fixture
def wire(settings, tmp_path, s3_options):
    """A site on each of the servers, and the wire to it."""
    with FaultProxy(s3_options["endpoint_url"]) as proxy:
        proxy.site = Site(settings, tmp_path / "static", {**s3_options, "endpoint_url": proxy.url})
        yield proxy


def sent(proxy, **options):
    """Run the command and count what it sends, and what it says that it sent."""
    proxy.clear()
    said = json.loads(proxy.site.collect(json=True, **options))
    methods = Counter(exchange.method for exchange in proxy.log)
    assert said["requests"] == methods.total()
    return methods


def pages(proxy, count):
    return -(-count // 1000)


# Requests


@pytest.mark.parametrize("backend", [PLAIN, MANIFEST], ids=["plain", "manifest"])
def test_requests_for_the_admin(wire, settings, backend):
    """New, unchanged, and one file changed: what each costs, on the wire."""
    site = wire.site.use(backend).write(LINKED)
    settings.STATICFILES_FINDERS = [
        "django.contrib.staticfiles.finders.FileSystemFinder",
        "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    ]
    said = json.loads(site.collect(json=True, dry_run=True))
    files = len([key for key in said["upload"] if not site.storage.is_hashed(key) and "staticfiles" not in key])
    assert files > 100
    manifest = backend == MANIFEST
    assert sent(wire) == {"GET": 1, "PUT": 2 * files + 2 if manifest else files}
    assert sent(wire) == {"GET": 1}
    site.write({"img/a.png": b"\x89PNG another"})
    # The file and its hashed twin, the hashed file that refers to it, the manifest and its copy.
    assert sent(wire) == {"GET": 1, "PUT": 5 if manifest else 1}
    assert sent(wire) == {"GET": 1}


@pytest.mark.slow
@pytest.mark.parametrize("backend", [PLAIN, MANIFEST], ids=["plain", "manifest"])
def test_requests_for_a_thousand_files(wire, s3_server, monkeypatch, backend):
    """The same with more than one page of the listing. On moto, which is slow, pages and files are a tenth as many."""
    files = 1000
    if s3_server.name == "moto":
        files = 100
        monkeypatch.setitem(bucket.Bucket.pages.__kwdefaults__, "limit", files)
    site = wire.site.use(backend).fill(files)
    manifest = backend == MANIFEST
    assert sent(wire) == {"GET": 1, "PUT": 2 * files + 2 if manifest else files}
    listed = 3 if manifest else 1
    assert sent(wire) == {"GET": listed}
    site.write({"d00/f00000.txt": "another"})
    assert sent(wire) == {"GET": listed, "PUT": 4 if manifest else 1}


def test_a_storage_of_one_request_reads_its_manifest(wire):
    """Once, however many names are asked for; none for making the storage."""
    wire.site.use(MANIFEST).write(LINKED).collect()
    wire.clear()
    fresh = wire.site.twin()
    assert len(wire.log) == 0
    assert {fresh.url(name).rpartition(".")[2] for name in LINKED} == {"css", "png", "mjs"}
    assert [exchange.method for exchange in wire.log] == ["GET"]


# Beside Django


def djangos_own(site, **options):
    """Run Django's own command, as when s3store stands after staticfiles."""
    out = io.StringIO()
    call_command(djangos.Command(), interactive=False, stdout=out, **options)
    return out.getvalue()


@pytest.mark.parametrize("backend", [PLAIN, MANIFEST], ids=["plain", "manifest"])
def test_djangos_own_command_publishes_the_same(site, backend):
    """More slowly; and ours finds nothing to do after it, but to keep a copy of the manifest."""
    site.use(backend).write(LINKED)
    assert "5 static files copied" in djangos_own(site)
    by_django = site.contents()
    said = json.loads(site.collect(json=True))
    assert said["uploaded"] == (1 if backend == MANIFEST else 0)
    assert without_copies(site.contents()) == by_django
    assert djangos_own(site).strip().startswith("0 static files copied, 5 unmodified")
    djangos_own(site, clear=True)
    assert site.contents() == by_django


def test_djangos_own_command_says_where_references_lead_nowhere(site):
    """Its one message names file and line, too."""
    site.use(MANIFEST).write({"a.css": "\n\nurl(no.png)"})
    with pytest.raises((CommandError, ValueError), match=r"a\.css, line 3: url\(no\.png\)"):
        djangos_own(site, stderr=io.StringIO())


@pytest.mark.parametrize(
    ("apps", "backend", "expected"),
    [
        (["django.contrib.staticfiles", "s3store"], PLAIN, ["s3store.W022"]),
        (["django.contrib.staticfiles", "s3store"], MANIFEST, ["s3store.W022"]),
        (["s3store", "django.contrib.staticfiles"], MANIFEST, []),
        (["django.contrib.staticfiles", "s3store"], "django.core.files.storage.InMemoryStorage", []),
        (["s3store"], PLAIN, []),
    ],
    ids=["plain", "manifest", "right order", "not ours", "no staticfiles"],
)
def test_w022_says_so(settings, apps, backend, expected):
    """The order of INSTALLED_APPS decides whose command is found; it matters for storages of ours alone."""
    settings.INSTALLED_APPS = apps
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": backend}}
    assert [message.id for message in check_order()] == expected


def test_w022_is_silent_without_static_files(settings):
    """STORAGES need not have an entry for them."""
    settings.INSTALLED_APPS = ["django.contrib.staticfiles", "s3store"]
    settings.STORAGES = {"default": settings.STORAGES["default"]}
    assert check_order() == []


@pytest.mark.parametrize("flag", ["prune", "clear_bucket", "json"])
def test_our_flags_need_our_storage(settings, tmp_path, flag):
    """What Django's own command would ignore is refused."""
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    settings.STATIC_ROOT = tmp_path / "root"
    with pytest.raises(
        CommandError, match=f"--{flag.replace('_', '-')} needs a staticfiles storage that is an S3StaticStorage"
    ):
        call_command("collectstatic", interactive=False, **{flag: 1})
    assert not (tmp_path / "root").exists()


def test_any_other_storage_gets_djangos_command(settings, tmp_path, monkeypatch):
    """Unchanged: files, words and an interruption."""
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"},
    }
    said = {}
    for kind, command in (("ours", "collectstatic"), ("theirs", djangos.Command())):
        settings.STATIC_ROOT = tmp_path / "root"
        out = io.StringIO()
        call_command(command, interactive=False, stdout=out)
        said[kind] = out.getvalue(), sorted(path.name for path in (tmp_path / "root").rglob("*"))
        (tmp_path / "root").rename(tmp_path / kind)
    assert said["ours"] == said["theirs"]

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(ManifestStaticFilesStorage, "save", interrupt)
    with pytest.raises(KeyboardInterrupt):
        call_command("collectstatic", interactive=False)


class Bundling:
    """A mixin that makes a file of those that were published before, as that of django-pipeline does."""

    def post_process(self, paths, dry_run=False, **options):
        """Read them from the storage of the site."""
        bundle = "".join(storages["staticfiles"].read_text(name) for name in sorted(paths) if name.endswith(".css"))
        yield "bundle.css", self.save("bundle.css", ContentFile(bundle)), True


class BundlingStorage(Bundling, S3StaticStorage):
    """Without a manifest."""


def test_a_mixin_that_makes_files_reads_what_is_published(one):
    """Also on the first deployment, when the bucket is empty."""
    one.use(f"{__name__}.BundlingStorage").write({"a.css": "one ", "b.css": "two "})
    one.collect()
    assert one.storage.read_text("bundle.css") == "one two "


# What it says


@pytest.mark.parametrize("backend", [PLAIN, MANIFEST], ids=["plain", "manifest"])
def test_the_summary_is_djangos_and_a_line_of_ours(one, settings, tmp_path, backend):
    """Word for word what Django says of the same files on a file system, then objects, bytes, requests, seconds."""
    one.use(backend).write(LINKED)
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {
            "BACKEND": "django.core.files.storage.InMemoryStorage" if backend == PLAIN else f"{__name__}.HashedInMemory"
        },
    }
    expected = one.collect(post_process=backend == MANIFEST)
    said = one.use(backend).collect()
    assert said.startswith(expected.rstrip("\n"))
    *_, last = said.strip().splitlines()
    count = 5 if backend == PLAIN else 12
    size = sum(len(content) for content in one.contents().values())
    assert re.fullmatch(rf"{count} objects written, 0 deleted, {size} bytes, {count + 1} requests, \d+\.\d s\.", last)


@pytest.mark.parametrize("count", [1, 2])
def test_counts_have_their_plural_only_from_two(one, count):
    """Of objects, bytes and requests; a dry run says what it would do, with the manifest."""
    one.write({f"{number}.txt": "" for number in range(count)})
    s = "s" * (count > 1)
    assert f"\n{count} object{s} would be written, 0 would be deleted, 1 request, " in one.collect(dry_run=True)
    one.write({"0.txt": "x"})
    assert f"\n{count} object{s} written, 0 deleted, 1 byte, {count + 1} requests, " in one.collect()
    one.use(MANIFEST)
    assert f"\n{count + 2} objects would be written, 0 would be deleted, 1 request, " in one.collect(dry_run=True)


class HashedInMemory(ManifestFilesMixin, InMemoryStorage):
    """What Django says of a storage that is not local."""


def test_verbosity(one):
    """0 says nothing, 1 the summary, 2 every file, 3 no less."""
    one.use(MANIFEST).write(LINKED)
    location = one.storage.location
    assert one.collect(verbosity=0) == ""
    assert one.collect(verbosity=1).strip().splitlines()[0].startswith("0 static files copied, 5 unmodified")
    one.write({"img/a.png": "new"})
    for level in (2, 3):
        said = one.write({"img/a.png": f"new {level}"}).collect(verbosity=level)
        assert f"Copying '{location}/img/a.png'" in said
        assert f"Skipping '{location}/img/b.png' (not modified)" in said
        assert re.search(rf"Post-processed 'css/a\.css' as 'css/a{HASHED}css'", said)


def test_json(one):
    """One object and nothing else, whatever the verbosity."""
    one.use(MANIFEST).write(LINKED)
    planned = json.loads(one.collect(json=True, dry_run=True, verbosity=3))
    assert planned["dry_run"] is True
    assert planned["delete"] == []
    assert len(planned["upload"]) == 12
    assert planned["upload"][-1].endswith("/staticfiles.json")
    said = json.loads(one.collect(json=True))
    assert said.pop("seconds") > 0
    assert said.pop("bytes") > 300
    assert said == {
        "dry_run": False,
        "uploaded": 12,
        "unchanged": 0,
        "post_processed": 5,
        "deleted": 0,
        "requests": 13,
    }


def test_two_files_of_one_name(one, settings, tmp_path):
    """The first one wins, and the second is named, as with Django."""
    one.write({"a.txt": "first"})
    (tmp_path / "second").mkdir()
    (tmp_path / "second" / "a.txt").write_text("second")
    settings.STATICFILES_DIRS = [one.directory, tmp_path / "second"]
    assert "Found another file with the destination path 'a.txt'" in one.collect(verbosity=2)
    assert one.contents() == {"a.txt": b"first"}


def test_a_directory_with_a_prefix(one, settings):
    """STATICFILES_DIRS may say below which name files go."""
    settings.STATICFILES_DIRS = [("vendor", one.write({"a.txt": "a"}).directory)]
    one.collect()
    assert one.contents() == {"vendor/a.txt": b"a"}


# Flags


@pytest.mark.parametrize("backend", [PLAIN, MANIFEST], ids=["plain", "manifest"])
def test_dry_run_prints_the_plan_and_sends_reads_only(wire, backend, monkeypatch):
    """Copies and deletions are listed, and nothing is done, with all other flags, too."""
    monkeypatch.setattr(releases_module, "GRACE", timedelta(0))
    site = wire.site.use(backend).write(LINKED)
    wire.clear()
    said = site.collect(dry_run=True)
    assert f"Pretending to copy '{site.storage.location}/img/a.png'" in said
    assert "5 static files copied" in said
    site.collect()
    (site.directory / "img/a.png").unlink()
    site.write({"css/a.css": ""})
    before = site.contents()
    wire.clear()
    for flags in ({}, {"clear": True}, {"prune": 1} if backend == MANIFEST else {}):
        said = site.collect(dry_run=True, **flags)
        assert f"Pretending to copy '{site.storage.location}/css/a.css'" in said
        assert (f"Pretending to delete '{site.storage.location}/img/" in said) == bool(flags)
    assert {exchange.method for exchange in wire.log} <= {"GET", "HEAD"}
    assert site.contents() == before


@pytest.mark.parametrize("backend", [PLAIN, MANIFEST], ids=["plain", "manifest"])
def test_rd_08_clear_sends_everything_and_then_deletes_the_rest(wire, backend):
    """Below the location alone; no file is deleted before its successor is there, the manifest before the deletions."""
    site = wire.site.use(backend).write({**LINKED, "old.txt": "old"})
    site.collect()
    neighbour = S3StaticStorage(location=f"{site.storage.location}-2")
    neighbour.save("a.txt", b"theirs")
    (site.directory / "old.txt").unlink()
    wire.clear()
    said = site.collect(clear=True)
    assert f"Deleting '{site.storage.location}/old.txt'" in said
    methods = [exchange.method for exchange in wire.log]
    writes = 5 if backend == PLAIN else 12
    assert methods == ["GET", *["PUT"] * writes, "POST"]
    puts = [exchange.target.partition("?")[0].removesuffix("/") for exchange in wire.requests("PUT")]
    if backend == MANIFEST:
        assert puts[-1].endswith("/staticfiles.json")
        assert site.twin().hashed_files.keys() == LINKED.keys()
    assert set(LINKED) <= set(site.contents())
    assert not any("old" in name for name in site.contents())
    assert neighbour.read_bytes("a.txt") == b"theirs"
    assert len([name for name in site.contents() if is_copy(name)]) == (backend == MANIFEST)


def test_what_is_new_is_sent_before_what_may_refer_to_it(wire):
    """A page that gets the new style sheet gets its picture, too."""
    site = wire.site.write({"a.css": "", "b.css": ""})
    site.collect()
    site.write({"a.css": "a { background: url(z.png) }", "z.png": b"z", "y.png": b"y"})
    wire.clear()
    site.collect()
    names = [exchange.target.partition("?")[0].rpartition("/")[2] for exchange in wire.requests("PUT")]
    assert names[2:] == ["a.css"]
    assert sorted(names[:2]) == ["y.png", "z.png"]


@pytest.mark.parametrize("flag", ["clear", "prune"])
def test_a_bucket_without_a_location_is_not_emptied_by_chance(one, flag):
    """--clear and --prune are refused there; --clear-bucket means it."""
    other = f"s3store-own-{flag}"
    one.use(MANIFEST, STATICFILES_LOCATION="", AWS_STORAGE_BUCKET_NAME=other).write(LINKED)
    one.storage.client.create_bucket(Bucket=other)
    one.storage.save("theirs.txt", b"x")
    with pytest.raises(CommandError, match="--clear-bucket"):
        one.collect(**{flag: 1})
    assert list(one.contents()) == ["theirs.txt"]
    one.collect(**{flag: 1}, clear_bucket=True)
    assert ("theirs.txt" in one.contents()) == (flag == "prune")
    one.storage.delete_tree("", force=True)
    one.storage.client.delete_bucket(Bucket=other)


def test_ignore(one):
    """Patterns of names that are not published."""
    one.write(LINKED).collect(ignore_patterns=["*.png", "js"])
    assert sorted(one.contents()) == ["css/a.css", "css/b.css"]


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        ({"link": True}, "S3 has no links to local files"),
        ({"threads": 0}, "1 or more"),
        ({"prune": 0}, "1 release or more"),
        ({"prune": 1, "post_process": False}, "S3ManifestStaticStorage"),
    ],
    ids=["link", "threads", "prune", "prune without hashing"],
)
def test_what_cannot_be_is_refused(wire, flags, reason):
    """With the reason, before anything is sent."""
    wire.site.use(MANIFEST).write(LINKED)
    with pytest.raises(CommandError, match=reason):
        wire.site.collect(**flags)
    assert list(wire.log) == []


def test_prune_goes_by_manifests(one):
    """A storage without one has no releases."""
    with pytest.raises(CommandError, match="S3ManifestStaticStorage"):
        one.write(LINKED).collect(prune=1)


def test_no_post_process(one):
    """Files as they are, and the manifest as it was; with --clear, that is deleted with all else."""
    one.use(MANIFEST).write(LINKED).collect(post_process=False)
    assert sorted(one.contents()) == sorted(LINKED)
    one.collect()
    manifest = one.twin().read_bytes("staticfiles.json")
    one.write({"img/a.png": "new"}).collect(post_process=False)
    assert one.twin().read_bytes("staticfiles.json") == manifest
    one.collect(post_process=False, clear=True)
    assert sorted(one.contents()) == sorted(LINKED)


@pytest.mark.parametrize("threads", [1, 3])
def test_threads(one, seaweedfs_options, threads):
    """So many connections at most."""
    with FaultProxy(seaweedfs_options["endpoint_url"]) as proxy:
        one.use(PLAIN, AWS_S3_ENDPOINT_URL=proxy.url).fill(40).collect(threads=threads)
        assert len(proxy.requests("PUT")) == 40
        assert len({exchange.connection_number for exchange in proxy.requests("PUT")}) <= threads


def test_no_thread_without_use_threads(one, monkeypatch):
    """A storage with this option is for programs in which threads are a problem."""
    one.use(MANIFEST, AWS_S3_USE_THREADS=False).fill(5)
    monkeypatch.setattr(threading.Thread, "start", lambda thread: pytest.fail(f"{thread.name} is started"))
    one.collect(threads=3)
    one.write({"large.bin": "x" * MIB}).collect(threads=3)
    one.collect(threads=3)
    assert "large.bin" in one.contents()


# Releases


def releases(site, count):
    """Publish so many releases, each with another picture, and return their manifests' paths."""
    made = []
    for number in range(count):
        site.write({"img/a.png": f"release {number}"}).collect()
        made.append(site.twin().hashed_files)
    return made


def missing(site, paths):
    """Return the hashed names of a release that are not there."""
    return set(paths.values()) - set(site.contents())


def test_prune_deletes_what_no_recent_release_has(one, monkeypatch):
    """This release and the one before stay whole; what older ones alone have goes, their manifests' copies with it."""
    one.use(MANIFEST, AWS_IS_GZIPPED=True).write(LINKED)
    first, second, third = releases(one, 3)
    one.storage.save("img/own.0123456789ab.txt", b"another program's")
    one.collect(prune=2)
    assert [missing(one, paths) for paths in (first, second, third)] == [set()] * 3
    monkeypatch.setattr(releases_module, "GRACE", timedelta(0))
    one.collect(prune=3)
    assert [missing(one, paths) for paths in (first, second, third)] == [set()] * 3
    one.collect(prune=1)
    assert missing(one, third) == set()
    assert missing(one, first) == {first["img/a.png"], first["css/a.css"]}
    assert missing(one, second) == {second["img/a.png"], second["css/a.css"]}
    left = set(one.contents())
    assert len([name for name in left if is_copy(name)]) == 1
    assert set(LINKED) < left
    # What no release has named is not ours.
    assert "img/own.0123456789ab.txt" in left


def change_listings(monkeypatch, change):
    """Let pages of listings have other facts than the server sends."""
    page = bucket.Bucket.page

    def changed(self, *arguments, **named):
        found = page(self, *arguments, **named)
        return replace(found, objects=tuple(map(change, found.objects)))

    monkeypatch.setattr(bucket.Bucket, "page", changed)


def older(monkeypatch, age_of):
    """Let a listing say that objects were written earlier than they were."""

    change_listings(monkeypatch, lambda info: replace(info, modified=info.modified - age_of(info)))


def test_prune_keeps_the_release_before_the_last_by_time(one, monkeypatch):
    """Of several, those whose manifests are the latest."""
    monkeypatch.setattr(releases_module, "GRACE", timedelta(0))
    one.use(MANIFEST).write(LINKED)
    first, second, third = releases(one, 3)
    copies = {
        one.storage.objects.key(name): json.loads(content)["paths"] == second
        for name, content in one.contents().items()
        if is_copy(name)
    }
    # Listings know seconds only, and the three came within one.
    older(monkeypatch, lambda info: timedelta(hours=not copies.get(info.key, True)))
    one.collect(prune=2)
    assert [bool(missing(one, paths)) for paths in (first, second, third)] == [True, False, False]


def test_prune_keeps_the_release_of_a_deployment_under_way(one, monkeypatch):
    """A manifest's copy that is younger than an hour counts, and with it old files that it names."""
    one.use(MANIFEST).write({**LINKED, "vendor.0123456789ab.js": "named so by another tool"})
    (first,) = releases(one, 1)
    (one.directory / "vendor.0123456789ab.js").unlink()
    one.write({"img/a.png": "new"})
    older(monkeypatch, lambda info: timedelta(hours=2 * ("staticfiles." not in info.key)))
    one.collect(prune=1)
    assert missing(one, first) == set()
    assert "vendor.0123456789ab.js" in one.contents()


def test_prune_keeps_a_release_that_left_no_copy(one, monkeypatch):
    """One that Django's own command published, before s3store's was used."""
    monkeypatch.setattr(releases_module, "GRACE", timedelta(0))
    one.use(MANIFEST).write(LINKED)
    djangos_own(one)
    before = one.twin().hashed_files
    one.write({"img/a.png": "new"}).collect(prune=2)
    assert missing(one, before) == set()
    one.collect(prune=1)
    assert missing(one, before) == {before["img/a.png"], before["css/a.css"]}


def test_a_release_that_is_published_again_is_the_latest(one):
    """Its manifest's copy is written anew where another is later, and not again after that."""
    one.use(MANIFEST).write(LINKED)
    releases(one, 1)
    copy = next(name for name in one.contents() if is_copy(name))
    one.write({"img/a.png": "other"})
    while True:  # until a second has gone by: listings know no less
        one.write({"img/a.png": os.urandom(8)}).collect()
        times = {stat.name: stat.modified for stat in one.storage.scan() if is_copy(stat.name)}
        if max(times.values()) > times[copy]:
            break
    one.write({"img/a.png": "release 0"})
    assert json.loads(one.collect(json=True))["uploaded"] == 3
    assert json.loads(one.collect(json=True))["uploaded"] == 0


# By content


def test_time_does_not_matter_and_content_does(one):
    """A fresh checkout has new times; a file of the same size and time may have another content."""
    one.write(LINKED).collect()
    for path in one.directory.rglob("*.*"):
        os.utime(path, (0, 0))
    assert json.loads(one.collect(json=True))["uploaded"] == 0
    path = one.directory / "img/a.png"
    path.write_bytes(b"\x89PNG x")
    os.utime(path, (0, 0))
    assert json.loads(one.collect(json=True))["uploaded"] == 1
    assert one.contents()["img/a.png"] == b"\x89PNG x"


@pytest.mark.parametrize("backend", [PLAIN, MANIFEST], ids=["plain", "manifest"])
def test_large_files_are_recognised(site, backend):
    """The ETag of an object in parts is no MD5 of its content, and known all the same."""
    content = os.urandom(9 * MIB)
    site.use(backend).write({"large.bin": content, "small.txt": "x"})
    site.collect()
    assert json.loads(site.collect(json=True))["uploaded"] == 0
    site.write({"large.bin": content[:-1] + bytes([content[-1] ^ 1])})
    assert json.loads(site.collect(json=True))["uploaded"] == (1 if backend == PLAIN else 4)


@pytest.mark.parametrize("backend", [PLAIN, MANIFEST], ids=["plain", "manifest"])
def test_with_compression_unchanged_files_stay_unchanged(site, backend):
    """What is sent is compressed where that helps, and compared as it is sent."""
    site.use(backend, AWS_IS_GZIPPED=True).write({**LINKED, "long.css": "a{}" * 1000})
    site.collect()
    assert site.storage.stat("long.css").content_encoding == "gzip"
    raw = site.storage.objects.bucket.get(site.storage.objects.key("long.css"), {}).body
    buffer = bytearray(2000)
    size = raw.readinto(memoryview(buffer))
    raw.close()
    assert gzip.decompress(bytes(buffer[:size])) == b"a{}" * 1000
    assert json.loads(site.collect(json=True))["uploaded"] == 0


@pytest.mark.parametrize("packing", ["AWS_IS_GZIPPED", pytest.param("AWS_S3_BROTLI", marks=pytest.mark.campaign)])
def test_a_manifest_is_read_as_it_was_stored(one, monkeypatch, packing):
    """Also after compression was switched off: by pages, by --prune, and in another storage of ours."""
    monkeypatch.setattr(releases_module, "GRACE", timedelta(0))
    for backend in (MANIFEST, f"{__name__}.InBucket"):
        one.use(backend, **{packing: True}).write({**LINKED, **{f"{n}.txt": f"{n}" for n in range(99)}})
        old = releases(one, 2)[0]
        one.use(backend, **{packing: False})
        assert one.twin().url("css/a.css", force=True)
        one.write({"img/a.png": "uncompressed"}).collect(prune=2)
        assert missing(one, old) == {old["img/a.png"], old["css/a.css"]}
        assert one.twin().hashed_files["img/a.png"] in one.contents()
        one.storage.delete_tree("", force=True)
    S3Storage(location="manifests").delete("staticfiles.json")


@pytest.fixture
def blind(settings, tmp_path, seaweedfs_options):
    """A site whose server has ETags that are no digests, as S3 with SSE-KMS."""
    upstream = S3Storage(**seaweedfs_options)

    def respond(method, target, headers):
        if method != "GET" or "list-type=2" not in target:
            return None
        infos = [
            info
            for page in upstream.objects.bucket.pages(upstream.objects.prefix(""), {}, flat=False)
            for info in page.objects
        ]
        entries = "".join(
            f"<Contents><Key>{info.key}</Key><Size>{info.size}</Size><LastModified>"
            f"{info.modified:%Y-%m-%dT%H:%M:%S.000Z}</LastModified><ETag>&quot;{number:032x}&quot;</ETag></Contents>"
            for number, info in enumerate(infos)
        )
        return 200, {"Content-Type": "application/xml"}, f"<ListBucketResult>{entries}</ListBucketResult>".encode()

    with FaultProxy(seaweedfs_options["endpoint_url"], respond=respond) as proxy:
        proxy.site = Site(settings, tmp_path / "static", {**seaweedfs_options, "endpoint_url": proxy.url})
        yield proxy


@pytest.mark.parametrize("backend", [PLAIN, MANIFEST], ids=["plain", "manifest"])
def test_where_etags_are_no_digests_each_object_is_asked(blind, backend):
    """For the digest that it was written with: the second run sends nothing, the third what has changed."""
    site = blind.site.use(backend).write(LINKED)
    manifest = backend == MANIFEST
    assert sent(blind) == {"GET": 1, "PUT": 12 if manifest else 5}
    assert sent(blind) == {"GET": 1, "HEAD": 11 if manifest else 5}
    site.write({"img/a.png": "new"})
    puts = 5 if manifest else 1
    assert sent(blind) == {"GET": 1, "HEAD": 9 if manifest else 5, "PUT": puts}


@pytest.mark.parametrize("backend", [PLAIN, MANIFEST], ids=["plain", "manifest"])
@pytest.mark.parametrize("encryption", ["aws:kms", "aws:kms:dsse"])
def test_where_some_names_are_encrypted_only_those_are_asked(
    settings, tmp_path, moto, monkeypatch, encryption, backend
):
    """The ETags of all others are digests. The next run sends nothing, also if a file is new."""

    unknown = '"0123456789abcdef0123456789abcdef"'
    change_listings(monkeypatch, lambda info: replace(info, etag=unknown) if info.key.endswith(".png") else info)
    with FaultProxy(moto.endpoint_url) as proxy:
        options = {**options_for(moto), "location": f"{encryption}-{backend}", "endpoint_url": proxy.url}
        proxy.site = Site(settings, tmp_path / "static", options)
        headers = {"*.png": {"ServerSideEncryption": encryption}}
        site = proxy.site.use(backend, AWS_S3_HEADERS=headers).write(LINKED)
        site.collect()
        pictures = 4 if backend == MANIFEST else 2
        assert sent(proxy) == {"GET": 1, "HEAD": pictures}
        site.write({"img/a.png": "new"})
        # The hashed picture is new.
        asked, written = (3, 5) if backend == MANIFEST else (2, 1)
        assert sent(proxy) == {"GET": 1, "HEAD": asked, "PUT": written}


def test_objects_that_say_nothing_are_sent_again(blind):
    """Those that another program wrote, under ETags that are no digests."""
    site = blind.site.write({"a.txt": "a"})
    site.storage.client.put_object(Bucket=site.storage.bucket_name, Key=site.storage.objects.key("a.txt"), Body=b"a")
    assert sent(blind) == {"GET": 1, "HEAD": 1, "PUT": 1}
    assert sent(blind) == {"GET": 1, "HEAD": 1}


def test_objects_that_may_not_be_asked_are_sent_again(blind):
    """Whoever may list and write, but not read, can deploy all the same."""
    site = blind.site.write({"a.txt": "a"})
    site.collect()
    listing = blind.respond
    blind.respond = lambda method, *rest: (403, {}, b"") if method == "HEAD" else listing(method, *rest)
    assert sent(blind) == {"GET": 1, "HEAD": 1, "PUT": 1}


def test_an_object_that_cannot_be_asked_is_an_error(blind):
    """What S3 says to the question is said, and nothing is sent."""
    site = blind.site.write({"a.txt": "a"})
    site.collect()
    listing = blind.respond
    blind.respond = lambda method, *rest: (400, {}, b"") if method == "HEAD" else listing(method, *rest)
    blind.clear()
    with pytest.raises(CommandError, match=r"head_object of key .*a\.txt"):
        site.collect()
    assert blind.requests("PUT") == []


# Headers and options


def test_headers(one):
    """Hashed files are kept for good, others for a minute, and patterns have the last word."""
    one.use(
        MANIFEST,
        AWS_S3_HEADERS={"*.png": {"CacheControl": "no-cache"}, "img/b.*": {"ContentLanguage": "de"}},
    ).write(LINKED).collect()
    stats = {re.sub(HASHED, ".#.", stat.name): one.storage.stat(stat.name) for stat in one.storage.scan()}
    assert stats["css/a.css"].cache_control == "public, max-age=60"
    assert stats["css/a.#.css"].cache_control == "public, max-age=31536000, immutable"
    assert stats["staticfiles.json"].cache_control == "public, max-age=60"
    assert {stats[f"img/{name}.png"].cache_control for name in ("a", "b", "a.#", "b.#")} == {"no-cache"}
    assert {stats[f"img/{name}.png"].content_language for name in ("b", "b.#")} == {"de"}
    assert stats["img/a.png"].content_language is None


def test_without_a_manifest_no_name_is_a_hashed_one(one):
    """A file that looks like one may change."""
    one.write({"a.0123456789ab.css": ""}).collect()
    assert one.storage.stat("a.0123456789ab.css").cache_control == "public, max-age=60"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.js", "text/javascript"),
        ("a.mjs", "text/javascript"),
        ("a.css", "text/css"),
        ("a.wasm", "application/wasm"),
        ("a.woff2", "font/woff2"),
        ("a.js.map", "application/json"),
        ("a.svg", "image/svg+xml"),
    ],
)
def test_content_types(site, name, expected):
    """By the extension, the same on every machine, for hashed names, too."""
    site.use(MANIFEST).write({name: "{}"}).collect()
    types = {
        site.storage.stat(stat.name).content_type for stat in site.storage.scan() if "staticfiles" not in stat.name
    }
    assert {kind.partition(";")[0] for kind in types} == {expected}


def test_keep_only_hashed(site):
    """The manifest names all, and files without a hash are not there."""
    site.use(MANIFEST, AWS_S3_KEEP_ONLY_HASHED=True).write(LINKED).collect()
    assert set(without_copies(site.contents())) == {*site.twin().hashed_files.values(), "staticfiles.json"}
    assert json.loads(site.collect(json=True))["uploaded"] == 0


# Where the manifest is


class OnDisk(S3ManifestStaticStorage):
    """As Django's documentation says it: a subclass that gives the manifest's storage."""

    directory = None

    def __init__(self, **options):
        super().__init__(manifest_storage=FileSystemStorage(self.directory), **options)


class InBucket(S3ManifestStaticStorage):
    def __init__(self, **options):
        super().__init__(manifest_storage=S3Storage(location="manifests"), **options)


class InMemory(S3ManifestStaticStorage):
    elsewhere = InMemoryStorage()

    def __init__(self, **options):
        super().__init__(manifest_storage=self.elsewhere, **options)


def test_the_manifest_on_local_disk(wire, tmp_path, monkeypatch):
    """Written last and in one step, read from there, and not at all when it is the same."""
    monkeypatch.setattr(OnDisk, "directory", tmp_path / "app")
    site = wire.site.use(f"{__name__}.OnDisk").write(LINKED)
    path = tmp_path / "app" / "staticfiles.json"
    seen = []
    wire.respond = lambda method, target, headers: seen.append(path.exists())
    wire.clear()
    before = os.umask(0o027)
    try:
        site.collect()
    finally:
        os.umask(before)
    assert set(seen) == {False}
    assert json.loads(path.read_text())["paths"] == site.twin().hashed_files
    assert path.stat().st_mode & 0o777 == 0o640
    assert [entry.name for entry in path.parent.iterdir()] == ["staticfiles.json"]
    assert "staticfiles.json" not in site.contents()
    before = path.stat().st_ino
    assert sent(wire) == {"GET": 1}
    assert path.stat().st_ino == before
    site.write({"img/a.png": "new"}).collect()
    assert path.stat().st_ino != before
    djangos_own(site)
    assert json.loads(path.read_text())["paths"] == site.twin().hashed_files


def test_the_manifest_in_another_storage_of_ours(wire):
    """Replaced where it is, also by a storage that does not overwrite what users save."""
    site = wire.site.use(f"{__name__}.InBucket").write(LINKED)
    elsewhere = S3Storage(location="manifests")
    for content in (b"1", b"2"):
        site.write({"img/a.png": content})
        wire.clear()
        site.collect()
        assert wire.requests("DELETE") == []
        assert wire.log[-1].target.partition("?")[0].endswith("/manifests/staticfiles.json")
        assert [stat.name for stat in elsewhere.scan()] == ["staticfiles.json"]
        assert site.twin().hashed_files["img/a.png"] in site.contents()
    # The listing, and the manifest to compare it.
    assert sent(wire) == {"GET": 2}
    site.collect(clear=True)
    assert "staticfiles.json" not in site.contents()
    elsewhere.delete("staticfiles.json")


def test_the_manifest_in_any_other_storage(one):
    """One that does not overwrite has it under its own name all the same."""
    one.use(f"{__name__}.InMemory").write(LINKED)
    for content in (b"1", b"2"):
        one.write({"img/a.png": content}).collect()
        assert InMemory.elsewhere.listdir("")[1] == ["staticfiles.json"]
        assert one.twin().hashed_files["img/a.png"] in one.contents()


def test_a_missing_manifest_says_what_to_do(one):
    """And a name that the manifest lacks is Django's error."""
    one.use(MANIFEST).write(LINKED)
    with pytest.raises(
        ValueError, match=r"there is no manifest 'staticfiles\.json' yet\. Run manage\.py collectstatic"
    ):
        one.twin().url("css/a.css")
    one.collect()
    with pytest.raises(ValueError, match=r"Missing staticfiles manifest entry for 'none\.css'$"):
        one.twin().url("none.css")


def test_a_forbidden_manifest_is_no_missing_one(one, seaweedfs_options):
    """403 is said as it is, at the first name that is asked for."""

    def respond(method, target, headers):
        return (403, {}, b"<Error><Code>AccessDenied</Code></Error>") if "staticfiles.json" in target else None

    one.use(MANIFEST).write(LINKED).collect()
    with FaultProxy(seaweedfs_options["endpoint_url"], respond=respond) as proxy:
        storage = S3ManifestStaticStorage(**{**seaweedfs_options, "endpoint_url": proxy.url})
        with pytest.raises(PermissionError, match=r"staticfiles\.json.*AccessDenied"):
            storage.url("css/a.css")


# Errors


def test_missing_references_stop_everything(wire):
    """All are named with file and line, and nothing is sent, not even a question."""
    site = wire.site.use(MANIFEST).write({**LINKED, **{f"bad{n:02}.css": "\nurl(no.png)" for n in range(30)}})
    wire.clear()
    with pytest.raises(CommandError) as raised:
        site.collect()
    lines = str(raised.value).splitlines()
    assert len(lines) == 31
    assert lines[0].startswith("Post-processing 'bad")
    assert len(re.findall(r"bad\d\d\.css, line 2: url\(no\.png\)", str(raised.value))) == 30
    assert list(wire.log) == []


def test_errors_of_s3_are_errors_of_the_command(one, seaweedfs_options):
    """One line for each, not a traceback."""
    one.use(PLAIN, AWS_S3_SECRET_ACCESS_KEY="wrong").write(LINKED)
    with pytest.raises(CommandError, match="SignatureDoesNotMatch"):
        one.collect()


def test_a_file_that_cannot_be_read_is_named(one):
    """By its path."""
    one.write({"a.txt": "a"})
    (one.directory / "b.txt").symlink_to("none")
    with pytest.raises(CommandError, match=r"b\.txt"):
        one.collect()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("a\\b.css", "contains a backslash. Rename the file"),
        ("a\x01b.css", r"contains the character '\\x01'"),
        ("d/" + "ä" * 120 + "/" + ("x" * 200 + "/") * 4 + "a.css", "has a key of .* bytes. S3 allows 1024"),
        (" /a.css", "a part of only spaces"),
    ],
    ids=["backslash", "control character", "long", "spaces"],
)
def test_names_that_s3_cannot_hold_are_named(wire, name, reason):
    """All of them, with what to do, and nothing is sent."""
    site = wire.site.use(MANIFEST).write({**LINKED, name: "", "b\\c.css": ""})
    wire.clear()
    with pytest.raises(CommandError, match=reason) as raised:
        site.collect()
    assert "Collecting 'b\\c.css' failed" in str(raised.value)
    assert list(wire.log) == []


def test_a_name_that_only_its_hash_makes_too_long(wire):
    """It is named too, before anything is sent."""
    location = len(wire.site.storage.location)
    name = "d" * 200 + ("/" + "x" * 200) * 3 + "/" + "y" * (1024 - location - 1 - 200 - 3 * 201 - 1 - 4) + ".css"
    site = wire.site.write({name: ""})
    site.collect()
    wire.clear()
    with pytest.raises(CommandError, match=r"Publishing 'd.*has a key of 1037 bytes"):
        site.use(MANIFEST).collect()
    assert list(wire.log) == []


def test_a_pipe_is_named_and_not_read(one):
    """Reading it would never end."""
    one.write({"a.txt": "a"})
    os.mkfifo(one.directory / "pipe.css")
    with pytest.raises(CommandError, match=r"Collecting 'pipe\.css' failed: .* is not a regular file\. Delete it"):
        one.collect()
    one.collect(ignore_patterns=["pipe.css"])
    assert list(one.contents()) == ["a.txt"]


def test_an_interruption_ends_the_command(one, monkeypatch):
    """With the status that shells give it, and a word about what to do."""

    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(publish, "stage", interrupt)
    said = io.StringIO()
    with pytest.raises(SystemExit) as ended:
        one.collect(stderr=said)
    assert ended.value.code == 130
    assert "run the command again" in said.getvalue()


# Progress


def run_on_terminal(one, tmp_path, *flags):
    """Run the command with a terminal as its standard error, and return what is on that."""
    ours, theirs = pty.openpty()
    with one.child(tmp_path, *flags, stderr=theirs) as process:
        os.close(theirs)
        shown = b""
        while True:
            try:
                piece = os.read(ours, 4096)
            except OSError:  # the other end was closed
                break
            if not piece:
                break
            shown += piece
        out = process.stdout.read()
        assert process.wait() == 0, shown
    os.close(ours)
    return shown.decode(), out


def test_a_bar_on_a_terminal(one, tmp_path):
    """One line that is written over and taken away; standard output has none of it."""
    one.fill(50)
    shown, out = run_on_terminal(one, tmp_path)
    assert "] 50/50, " in shown
    assert shown.endswith("\r\x1b[K")
    assert "\n" not in shown
    assert "50 static files copied" in out
    assert "\x1b" not in out


@pytest.mark.parametrize("flags", [["--no-progress"], ["--json"], ["-v", "0"]], ids=" ".join)
def test_no_bar(one, tmp_path, flags):
    """Where it is not wanted."""
    one.fill(50)
    shown, _ = run_on_terminal(one, tmp_path, *flags)
    assert shown == ""


def test_no_bar_in_a_file(one):
    """Plain lines for logs."""
    assert "\x1b" not in one.fill(50).collect()


def test_the_storage_serves_while_it_is_published(one):
    """Its URLs stay those of the old release until the new one is there; then they are the new one's."""
    one.use(MANIFEST).write(LINKED).collect()
    storage = one.storage
    old = storage.stored_name("img/a.png")
    one.write({"img/a.png": "another"})
    seen = set()

    def look(*_, **__):
        seen.add((storage.url("img/a.png", force=True), storage._stage))

    storage.client.meta.events.register("before-send.s3", look)
    try:
        one.collect()
    finally:
        storage.client.meta.events.unregister("before-send.s3", look)
    assert {url.rpartition("/img/")[2] for url, _ in seen} == {old.rpartition("/")[2]}
    assert {stage for _, stage in seen} == {None}
    assert storage.stored_name("img/a.png") == one.twin().stored_name("img/a.png") != old
    assert storage.manifest_hash == one.twin().manifest_hash


def test_what_was_known_of_a_file_is_forgotten(one):
    """A storage that has just told a size tells the new one after publishing."""
    one.write({"a.txt": "old"}).collect()
    assert one.storage.size("a.txt") == 3
    one.write({"a.txt": "longer"}).collect()
    assert one.storage.size("a.txt") == 6
