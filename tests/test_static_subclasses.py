"""Subclasses and mixins around the static storages: collectstatic calls their methods as Django's own command does."""

import io
import json
import re
from datetime import datetime, timedelta, timezone

import pytest
from django.contrib.staticfiles.storage import ManifestFilesMixin, staticfiles_storage
from django.core.files.base import ContentFile, File
from django.core.files.storage import storages
from django.core.management import CommandError

from s3store.errors import MissingReferenceError
from s3store.staticfiles import releases as releases_module
from s3store.storage import S3ManifestStaticStorage, S3StaticStorage
from tests.faults.proxy import FaultProxy
from tests.static_site import MANIFEST, PLAIN, Site, is_copy, without_copies

FILES = {
    "css/a.css": "a { background: url(../img/a.png) }",
    "css/b.css": "@import 'a.css';",
    "img/a.png": b"\x89PNG a",
}
HASHED = r"\.[0-9a-f]{12}\."


@pytest.fixture
def site(settings, tmp_path, seaweedfs_options):
    return Site(settings, tmp_path / "static", seaweedfs_options)


def use(site, cls):
    return site.use(f"{__name__}.{cls.__name__}").write(FILES)


def plain(names):
    """Return the names without their hashes."""
    return sorted(re.sub(HASHED, ".#.", name) for name in names)


# Storages with a post_process of their own


class Mixed(ManifestFilesMixin, S3StaticStorage):
    """Django's mixin over the class without a manifest."""


def test_djangos_mixin_makes_a_manifest(site, settings, tmp_path):
    """It is the same as that of our class, it is written last, and a second run sends nothing."""
    use(site, Mixed)
    site.collect()
    found = site.contents()
    site.use(MANIFEST)
    assert json.loads(site.collect(json=True))["uploaded"] == 0
    assert plain(without_copies(found)) == [
        "css/a.#.css",
        "css/a.css",
        "css/b.#.css",
        "css/b.css",
        "img/a.#.png",
        "img/a.png",
        "staticfiles.json",
    ]
    site.use(f"{__name__}.Mixed")
    assert json.loads(site.collect(json=True))["uploaded"] == 0
    assert re.search(r"/css/a\.[0-9a-f]{12}\.css$", site.twin().url("css/a.css"))


def test_with_djangos_mixin_the_manifest_is_written_last(settings, tmp_path, seaweedfs_options):
    """And the storage knows the new names at once."""
    with FaultProxy(seaweedfs_options["endpoint_url"]) as proxy:
        site = Site(settings, tmp_path / "static", {**seaweedfs_options, "endpoint_url": proxy.url})
        use(site, Mixed).collect()
        site.write({"img/a.png": "new"})
        proxy.clear()
        site.collect()
        writes = [exchange.target.partition("?")[0].rpartition("/")[2] for exchange in proxy.requests("PUT")]
        assert writes[-1] == "staticfiles.json"
        assert is_copy(writes[-2])
        assert site.storage.hashed_files == site.twin().hashed_files


def test_with_djangos_mixin_old_releases_are_pruned(site, monkeypatch):
    """By the manifests of the releases, as with our class."""
    monkeypatch.setattr(releases_module, "GRACE", timedelta(0))
    use(site, Mixed).collect()
    old = site.twin().hashed_files["img/a.png"]
    site.write({"img/a.png": "new"}).collect(prune=1)
    assert old not in site.contents()
    assert set(site.twin().hashed_files.values()) <= set(site.contents())


class Elsewhere(ManifestFilesMixin, S3StaticStorage):
    """Django's mixin with a manifest on disk."""

    directory = None

    def __init__(self, **options):
        super().__init__(manifest_storage=storages["default"], **options)


def test_djangos_mixin_with_a_manifest_elsewhere(site, settings, tmp_path):
    """It is written there, after the files, and not to the bucket."""
    settings.MEDIA_ROOT = tmp_path / "media"
    use(site, Elsewhere).collect()
    paths = json.loads((tmp_path / "media" / "staticfiles.json").read_text())["paths"]
    assert paths.keys() == FILES.keys()
    assert "staticfiles.json" not in site.contents()
    assert json.loads(site.collect(json=True))["uploaded"] == 0


class Bundler:
    """Makes one file of all style sheets, as bundlers do: it reads Django's global storages."""

    seen = None

    def post_process(self, paths, dry_run=False, **options):
        if dry_run:
            return
        text = ""
        for name in sorted(name for name in paths if name.endswith(".css")):
            with staticfiles_storage.open(name) as file:
                text += file.read().decode()
            with storages["staticfiles"].open(name, "r") as file:
                assert file.read() in text
            assert staticfiles_storage.exists(name)
        Bundler.seen = {
            "listdir": staticfiles_storage.listdir("css"),
            "root": staticfiles_storage.listdir(""),
            "size": staticfiles_storage.size("img/a.png"),
            "modified": staticfiles_storage.get_modified_time("img/a.png"),
        }
        self.save("css/bundle.css", ContentFile(text.encode()))
        with self.open("list.txt", "w") as file:
            file.write("\n".join(sorted(paths)))
        assert abs(self.get_modified_time("list.txt") - Bundler.seen["modified"]) < timedelta(hours=1)
        for made in ("css/bundle.css", "list.txt"):
            paths[made] = self, made
            yield made, made, True
        if hasattr(super(), "post_process"):
            yield from super().post_process(paths, dry_run, **options)


class Bundled(Bundler, S3StaticStorage):
    pass


class BundledManifest(Bundler, S3ManifestStaticStorage):
    pass


@pytest.mark.parametrize("cls", [Bundled, BundledManifest])
def test_bundles_are_made_of_what_is_staged(site, settings, cls):
    """At the first deployment and at the next one, whichever way the bundler reaches the storage."""
    for text in ("first {}", "second {}"):
        use(site, cls).write({"css/0.css": text})
        site.collect()
        assert site.contents()["css/bundle.css"].decode().startswith(text)
        assert site.contents()["list.txt"].decode().splitlines()[0] == "css/0.css"
        assert Bundler.seen["listdir"] == ([], ["0.css", "a.css", "b.css"])
        assert Bundler.seen["root"] == (["css", "img"], [])
        assert Bundler.seen["size"] == 6
        assert abs(datetime.now(timezone.utc) - Bundler.seen["modified"]) < timedelta(hours=1)
        assert json.loads(site.collect(json=True))["uploaded"] == 0
    assert ("css/bundle.css" in getattr(site.twin(), "hashed_files", {})) == (cls is BundledManifest)
    assert json.loads(site.collect(json=True, dry_run=True))["upload"] == []


class UrlsAfterwards(S3ManifestStaticStorage):
    """Writes a list of URLs, for example for a service worker, when the hashes are known."""

    def post_process(self, *args, **options):
        yield from super().post_process(*args, **options)
        self.save("urls.txt", ContentFile(staticfiles_storage.url("img/a.png", force=True).encode()))


def test_the_global_storage_knows_the_new_hashes_and_their_urls(site):
    """During the run, for code of the run; it is the URL that pages will have."""
    use(site, UrlsAfterwards).collect()
    for content in ("one", "two"):
        site.write({"img/a.png": content}).collect()
        assert site.contents()["urls.txt"].decode() == site.twin().url("img/a.png", force=True)


# Overridden methods


class Minified(S3StaticStorage):
    def _save(self, name, content):
        if name.endswith(".css"):
            # The same name as that of the file on disk.
            content = File(io.BytesIO(b"".join(content.chunks()).replace(b" ", b"")), name=content.name)
        return super()._save(name, content)


class MinifiedManifest(Minified, S3ManifestStaticStorage):
    pass


class Renamed(S3StaticStorage):
    def save(self, name, content, max_length=None):
        return super().save(f"v1/{name}", content, max_length)


class Typed(S3StaticStorage):
    def _save(self, name, content):
        return super()._save(name, content, content_type="text/x-special")


@pytest.mark.parametrize("cls", [Minified, MinifiedManifest])
def test_an_overridden_save_is_called(site, cls):
    """The content that it saves is published, under plain and hashed names, and found unchanged by the next run."""
    use(site, cls).collect()
    found = site.contents()
    assert found["css/a.css"] == b"a{background:url(../img/a.png)}"
    assert found["img/a.png"] == FILES["img/a.png"]
    assert json.loads(site.collect(json=True))["uploaded"] == 0
    if cls is MinifiedManifest:
        assert re.fullmatch(
            rb'a{background:url\("\.\./img/a\.[0-9a-f]{12}\.png"\)}', found[site.twin().hashed_files["css/a.css"]]
        )


def test_an_overridden_save_may_choose_names_and_arguments(site):
    """The files are under those names, and their objects have those headers."""
    use(site, Renamed).collect()
    assert sorted(site.contents()) == ["v1/css/a.css", "v1/css/b.css", "v1/img/a.png"]
    use(site, Typed).collect()
    assert site.twin().stat("img/a.png").content_type == "text/x-special"
    assert json.loads(site.collect(json=True))["uploaded"] == 0


class Direct(S3StaticStorage):
    """Sends files itself."""

    def _save(self, name, content):
        self.client.put_object(Bucket=self.bucket_name, Key=self.objects.key(name), Body=content.read())
        return name


def test_where_a_save_cannot_be_staged_djangos_own_command_runs(site):
    """It says why, and the files are published."""
    said = use(site, Direct).collect()
    assert re.search(r"Direct\._save saved '.*' without calling the method that it overrides\. Django's own", said)
    assert sorted(site.contents()) == sorted(FILES)
    assert "static files copied" in said
    assert "objects written" not in said


@pytest.mark.parametrize("flags", [{"json": True}, {"clear": True, "clear_bucket": True}], ids=["json", "clear_bucket"])
def test_there_our_flags_are_refused(site, flags):
    """Django's command does not know them."""
    with pytest.raises(CommandError, match=r"Direct\._save saved .* without --prune, --clear-bucket and --json"):
        use(site, Direct).collect(**flags)


def test_a_dry_run_calls_no_save(site):
    """What an overridden method would save is unknown, so Django's own dry run answers."""
    said = use(site, Direct).collect(dry_run=True)
    assert "A dry run cannot call Direct._save" in said
    assert "Pretending to copy" in said
    assert site.contents() == {}


class Forgiving(S3ManifestStaticStorage):
    """Leaves references as they are if they lead nowhere."""

    def url_converter(self, name, hashed_files, template=None, *more):
        convert = super().url_converter(name, hashed_files, template, *more)

        def converter(match):
            try:
                return convert(match)
            except ValueError:
                return match[0]

        return converter


class Filtering(S3ManifestStaticStorage):
    """Ignores files with references that lead nowhere."""

    def post_process(self, *args, **options):
        for name, hashed, processed in super().post_process(*args, **options):
            if not isinstance(processed, MissingReferenceError):
                yield name, hashed, processed


class Raising(S3ManifestStaticStorage):
    """Does not name the file and the line."""

    def url_converter(self, name, hashed_files, template=None, *more):
        def converter(match):
            raise ValueError("no")

        return converter


@pytest.mark.parametrize("cls", [Forgiving, Filtering])
def test_who_forgives_missing_references_is_believed(site, cls):
    """Whether by catching the error or by leaving it out of what post_process yields."""
    use(site, cls).write({"css/bad.css": "url(no.png) url(../img/a.png)"}).collect()
    found = site.contents()
    assert re.fullmatch(
        rb'url\(no\.png\) url\("\.\./img/a\.[0-9a-f]{12}\.png"\)', found[site.twin().hashed_files["css/bad.css"]]
    )


def test_errors_of_an_overridden_converter_have_file_and_line(site):
    """They are collected like ours, and nothing is sent."""
    with pytest.raises(CommandError, match=r"css/a\.css, line 1: url\(\.\./img/a\.png\): no"):
        use(site, Raising).collect()
    assert site.contents() == {}


class Own(S3ManifestStaticStorage):
    """Other names."""

    def file_hash(self, name, content=None):
        return "v1"

    def hashed_name(self, name, content=None, filename=None):
        if name.endswith(".png"):
            return name
        return super().hashed_name(name, content, filename)

    def stored_name(self, name):
        return f"cdn/{super().stored_name(name)}"


def test_overridden_names_are_used(site, monkeypatch):
    """Hashes, hashed names and the names in URLs. Releases are told apart although their hashes are equal."""
    monkeypatch.setattr(releases_module, "GRACE", timedelta(0))
    use(site, Own).collect()
    assert set(without_copies(site.contents())) == {*FILES, "css/a.v1.css", "css/b.v1.css", "staticfiles.json"}
    assert site.twin().url("css/a.css", force=True).endswith("/cdn/css/a.v1.css")
    site.write({"js/c.js": ""}).collect()
    assert len([name for name in site.contents() if is_copy(name)]) == 2
    (site.directory / "js/c.js").unlink()
    site.collect(prune=1)
    # An old plain name stays, as always.
    assert set(without_copies(site.contents())) == {
        *FILES,
        "css/a.v1.css",
        "css/b.v1.css",
        "js/c.js",
        "staticfiles.json",
    }


class WritesItself(S3ManifestStaticStorage):
    """Puts something else into the manifest."""

    def save_manifest(self):
        content = json.dumps({"paths": self.hashed_files, "version": "1.1", "hash": "h", "extra": 1})
        self._save(self.manifest_name, ContentFile(content.encode()))


class Merges(S3ManifestStaticStorage):
    """Keeps the names of the manifest that is there, and writes twice."""

    def save_manifest(self):
        super().save_manifest()
        self.manifest_storage.delete(self.manifest_name)
        old, _ = self.load_manifest()
        self.hashed_files = {**old, **self.hashed_files}
        super().save_manifest()
        super().save_manifest()


def test_a_manifest_that_a_subclass_writes_is_published(site):
    """As the manifest: last, and with a copy, also if a collected file has its name."""
    use(site, WritesItself).collect()
    assert json.loads(site.contents()["staticfiles.json"])["extra"] == 1
    site.write({"staticfiles.json": "mine"}).collect()
    assert json.loads(site.contents()["staticfiles.json"])["extra"] == 1
    assert json.loads(site.collect(json=True))["uploaded"] == 0


def test_a_subclass_can_read_the_manifest_that_is_published(site):
    """While it makes the new one."""
    use(site, Merges).collect()
    (site.directory / "css/b.css").unlink()
    site.collect()
    assert site.twin().hashed_files.keys() == FILES.keys()


# Files named like the manifest


def test_a_collected_file_never_replaces_the_manifest(site):
    """It is left out, and the command says so. Its hashed name is published, and is not a release."""
    site.use(MANIFEST).write({**FILES, "staticfiles.json": '{"mine": 1}'})
    for run in range(3):
        said = site.collect()
        assert "'staticfiles.json' is not published: the manifest has this name. Rename the file." in said
        assert site.twin().hashed_files["css/a.css"], run
    hashed = site.twin().hashed_files["staticfiles.json"]
    assert site.contents()[hashed] == b'{"mine": 1}'
    assert json.loads(site.collect(json=True))["uploaded"] == 0
    manifest = site.contents()["staticfiles.json"]
    site.collect(post_process=False)
    assert site.contents()["staticfiles.json"] == manifest


def test_a_collected_file_named_like_a_copy_is_no_release(site, monkeypatch):
    """--prune counts only true copies, whatever else has such a name, now or in an earlier release."""
    monkeypatch.setattr(releases_module, "GRACE", timedelta(0))
    site.use(MANIFEST).write({**FILES, "staticfiles.json": "[1]", "staticfiles.0123456789ab.json": '{"paths": {}}'})
    site.collect()
    first = site.twin().hashed_files
    (site.directory / "staticfiles.json").unlink()
    (site.directory / "staticfiles.0123456789ab.json").unlink()
    site.write({"img/a.png": "new"}).collect(prune=2)
    found = site.contents()
    assert set(first.values()) <= set(found)
    assert "staticfiles.0123456789ab.json" in found


def test_without_a_manifest_the_name_is_free(site):
    """A storage without a manifest publishes such a file."""
    site.use(PLAIN).write({"staticfiles.json": "{}"}).collect()
    assert site.contents() == {"staticfiles.json": b"{}"}
