"""manage.py s3 headers gives files that exist the headers that the storage asks for now."""

from __future__ import annotations

import io
import json
import os
import re
import uuid
from datetime import datetime, timedelta, timezone

import pytest
from django.core.files.base import ContentFile
from django.core.management import call_command
from django.core.management.base import CommandError

from s3store import errors
from s3store.core import parts
from s3store.core.info import ObjectInfo
from s3store.core.parts import MIB
from s3store.operations.reapply import Change, differences, names_at, reapply
from s3store.storage import S3ManifestStaticStorage, S3StaticStorage, S3Storage
from s3store.testing.counting import counted_requests
from s3store.testing.fixtures import options_for
from s3store.wire.objects import Objects
from tests.faults.proxy import FaultProxy

GOOD = "public, max-age=31536000, immutable"


@pytest.fixture
def place(settings, s3_options):
    """The static files' location on each of the servers, as settings, and a function that makes the rules."""
    settings.STATICFILES_LOCATION = s3_options["location"]
    settings.AWS_STORAGE_BUCKET_NAME = s3_options["bucket_name"]
    settings.AWS_S3_ENDPOINT_URL = s3_options["endpoint_url"]
    settings.AWS_S3_REGION_NAME = s3_options["region_name"]
    settings.AWS_S3_ACCESS_KEY_ID = s3_options["access_key"]
    settings.AWS_S3_SECRET_ACCESS_KEY = s3_options["secret_key"]

    def use(backend=S3StaticStorage, **rules):
        settings.AWS_S3_OBJECT_PARAMETERS = rules.get("object_parameters")
        settings.AWS_S3_HEADERS = rules.get("headers")
        path = f"{backend.__module__}.{backend.__qualname__}"
        settings.STORAGES = {
            **settings.STORAGES,
            "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
            "staticfiles": {"BACKEND": path},
            "uploads": {"BACKEND": "s3store.storage.S3Storage"},
        }
        return backend()

    use.options = s3_options
    return use


def run(*arguments, **options):
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command("s3", "headers", *arguments, stdout=out, stderr=err, **options)
    finally:
        run.out, run.err = out.getvalue(), err.getvalue()
    return run.out


# What is changed


def test_changed_rules_reach_the_files_that_differ(place):
    """One listing, one HEAD for each file, one copy for each that differs; a second run copies nothing."""
    storage = place()
    for name in ("css/a.css", "css/b.css", "fonts/c.woff2", "d.txt"):
        storage.save(name, name)
    before = {stat.name: (stat.etag, stat.size) for stat in storage.scan()}
    storage = place(headers={"*.woff2": {"CacheControl": "public, max-age=86400"}, "css/*": {"ContentLanguage": "en"}})
    with counted_requests(storage) as sent:
        said = run()
    assert sorted(sent.methods) == ["GET", *["HEAD"] * 4, *["PUT"] * 3]
    assert re.fullmatch(r"4 objects, 3 changed, 0 failed, 8 requests, \d+\.\d s\.\n", said)
    stats = {stat.name: storage.stat(stat.name) for stat in storage.scan()}
    assert {name: (stat.cache_control, stat.content_language) for name, stat in stats.items()} == {
        "css/a.css": ("public, max-age=60", "en"),
        "css/b.css": ("public, max-age=60", "en"),
        "fonts/c.woff2": ("public, max-age=86400", None),
        "d.txt": ("public, max-age=60", None),
    }
    assert {name: (stat.etag, stat.size) for name, stat in stats.items()} == before
    with counted_requests(storage) as sent:
        assert "4 objects, 0 changed, 0 failed, 5 requests" in run()
    assert sorted(sent.methods) == ["GET", *["HEAD"] * 4]


def test_every_header_of_a_rule_is_applied_and_all_else_is_kept(place):
    """Type, disposition, language, expiry and metadata by the rules; encoding, own metadata and content stay."""
    storage = place(object_parameters={"Metadata": {"own": "1", "team": "old"}, "ContentEncoding": "gzip"})
    storage.save("a.css", b"packed", content_type="text/wrong", metadata={"more": "2"})
    expires = datetime(2040, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
    rules = {
        "CacheControl": "max-age=5",
        "ContentDisposition": "inline",
        "ContentLanguage": "de",
        "Expires": expires,
        "Metadata": {"Team": "new", "added": "3"},
        "StorageClass": "STANDARD",
        "ContentEncoding": "",
    }
    storage = place(object_parameters=rules)
    run()
    stat = storage.stat("a.css")
    assert (stat.content_type, stat.cache_control, stat.content_disposition, stat.content_language) == (
        "text/css",
        "max-age=5",
        "inline",
        "de",
    )
    assert stat.expires == "Mon, 02 Jan 2040 03:04:05 GMT"
    assert stat.metadata == {"own": "1", "team": "new", "more": "2", "added": "3"}
    assert stat.content_encoding == "gzip"
    assert storage.read_bytes("a.css") == b"packed"
    assert "0 changed" in run()


def test_what_no_rule_asks_for_stays(place):
    """Also an encoding that a rule would give to a new file: the bytes are what they are."""
    storage = place(object_parameters={"ContentDisposition": "attachment", "ContentLanguage": "fr"})
    storage.save("a.css", b"a {}")
    storage = place(object_parameters={"CacheControl": "max-age=5", "ContentEncoding": "br"})
    run()
    stat = storage.stat("a.css")
    assert (stat.content_disposition, stat.content_language, stat.cache_control) == ("attachment", "fr", "max-age=5")
    assert stat.content_encoding is None


def test_hashed_files_become_immutable(place):
    """With a manifest, and only those whose name has a hash."""
    storage = place(object_parameters={"CacheControl": "no-cache"})
    for name in ("a.css", "a.0123456789ab.css", "staticfiles.json"):
        storage.save(name, b"{}")
    storage = place(S3ManifestStaticStorage)
    assert "3 changed" in run()
    assert {stat.name: storage.stat(stat.name).cache_control for stat in storage.scan()} == {
        "a.css": "public, max-age=60",
        "a.0123456789ab.css": GOOD,
        "staticfiles.json": "public, max-age=60",
    }


def test_tags_survive(moto):
    """A copy takes them along; those of the rules are for new files."""
    options = {**options_for(moto), "location": uuid.uuid4().hex}
    S3Storage(**options).save("a.css", b"a {}")
    tags = [{"Key": "kept", "Value": "yes"}]
    storage = S3Storage(**options, object_parameters={"CacheControl": "no-store", "Tagging": "from=rule"})
    where = {"Bucket": storage.bucket_name, "Key": storage.objects.key("a.css")}
    storage.client.put_object_tagging(**where, Tagging={"TagSet": tags})
    with FaultProxy(moto.endpoint_url) as proxy:
        through = S3Storage(**{**options, "endpoint_url": proxy.url}, object_parameters=storage.object_parameters)
        assert [change.header for change in reapply(through.objects, "a.css")] == ["CacheControl"]
        (copied,) = proxy.requests("PUT")
    assert "x-amz-tagging" not in {name.lower() for name in dict(copied.request_headers)}
    assert storage.client.get_object_tagging(**where)["TagSet"] == tags


def test_the_acl_becomes_the_default_one(moto):
    """S3 does not copy ACLs; the storage's own is given again."""
    options = {**options_for(moto), "location": uuid.uuid4().hex, "default_acl": "public-read"}
    S3Storage(**options).save("a.css", b"a {}")
    storage = S3Storage(**options, object_parameters={"CacheControl": "no-store"})
    reapply(storage.objects, "a.css")
    assert any("AllUsers" in grant.grantee for grant in storage.get_acl("a.css"))


def test_compressed_files_stay_readable(place, settings):
    """The encoding and the noted size go along."""
    settings.AWS_S3_BROTLI = True
    storage = place()
    css = b"a { color: red }\n" * 100
    storage.save("a.css", css)
    storage = place(object_parameters={"CacheControl": "max-age=5"})
    assert "1 changed" in run()
    stat = storage.stat("a.css")
    assert (stat.content_encoding, stat.cache_control) == ("br", "max-age=5")
    assert storage.size("a.css") == len(css)
    assert storage.read_bytes("a.css") == css


def test_an_unknown_extension_says_nothing_about_the_type(place):
    """The type that a file was saved with is better than none; a rule that names one is obeyed."""
    storage = place()
    storage.save("picture", b"x", content_type="image/png")
    assert "0 changed" in run()
    storage = place(headers={"pic*": {"ContentType": "application/octet-stream"}})
    assert "1 changed" in run()
    assert storage.stat("picture").content_type == "application/octet-stream"


def test_large_files_are_copied_in_parts(seaweedfs_options, monkeypatch):
    """Beyond what S3 copies in one request."""
    monkeypatch.setattr(parts, "MAX_COPY_SIZE", 5 * MIB)
    monkeypatch.setattr(parts, "COPY_PART_SIZE", 5 * MIB)
    content = os.urandom(11 * MIB)
    S3Storage(**seaweedfs_options).save("a.bin", content)
    storage = S3Storage(**seaweedfs_options, object_parameters={"CacheControl": "max-age=5"})
    with counted_requests(storage) as sent:
        reapply(storage.objects, "a.bin")
    assert sent.methods.count("PUT") == 3
    assert storage.stat("a.bin").cache_control == "max-age=5"
    assert storage.read_bytes("a.bin") == content


class Meanwhile(Objects):
    """Another process writes the file between the question and the copy."""

    def written(self, target, **extra):
        self.bucket.put(target.key, b"newer", {})
        return super().written(target, **extra)


def test_a_file_that_is_replaced_meanwhile_is_not_touched(seaweedfs_options):
    """Its older bytes and metadata do not come back."""
    S3Storage(**seaweedfs_options).save("a.css", b"older")
    storage = S3Storage(**seaweedfs_options, object_parameters={"CacheControl": "max-age=5"})
    with pytest.raises(errors.ObjectChangedError):
        reapply(Meanwhile(storage.options, storage), "a.css")
    assert storage.read_bytes("a.css") == b"newer"
    assert storage.stat("a.css").cache_control is None


def test_a_file_that_is_gone_is_no_error(s3_storage):
    """Another deployment may have deleted it since it was listed."""
    assert reapply(s3_storage.objects, "gone.css") == ()


def test_what_was_just_told_is_forgotten(s3_options):
    """The time of the last change is another one."""
    S3Storage(**s3_options).save("a.css", b"x")
    storage = S3Storage(**s3_options, object_parameters={"CacheControl": "max-age=5"})
    storage.stat("a.css")
    reapply(storage.objects, "a.css")
    with counted_requests(storage) as sent:
        storage.get_modified_time("a.css")
    assert sent.methods == ["HEAD"]


# What counts as different

MOMENT = datetime(2040, 1, 2, 3, 4, 5, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("rules", "found", "wanted"),
    [
        ({"CacheControl": "a"}, {"cache_control": "a"}, []),
        ({"CacheControl": "a"}, {}, [("CacheControl", None, "a")]),
        ({"CacheControl": "a"}, {"cache_control": "A"}, [("CacheControl", "A", "a")]),
        ({"CacheControl": ""}, {"cache_control": "A"}, []),
        ({"CacheControl": None}, {"cache_control": "A"}, []),
        ({}, {"cache_control": "A", "expires": "x"}, []),
        ({"ContentEncoding": "br"}, {"content_encoding": "gzip"}, []),
        ({"Metadata": {"A": "1"}}, {"all_metadata": {"a": "1", "b": "2"}}, []),
        ({"Metadata": {"A": "1"}}, {"all_metadata": {"a": "2"}}, [("Metadata.a", "2", "1")]),
        ({"Metadata": {"A": "1"}}, {}, [("Metadata.a", None, "1")]),
        ({"Metadata": None}, {"all_metadata": {"a": "2"}}, []),
        ({"Expires": MOMENT}, {"expires": "Mon, 02 Jan 2040 03:04:05 GMT"}, []),
        ({"Expires": MOMENT + timedelta(microseconds=5)}, {"expires": "Mon, 02 Jan 2040 03:04:05 GMT"}, []),
        (
            {"Expires": MOMENT.astimezone(timezone(timedelta(hours=2)))},
            {"expires": "Mon, 02 Jan 2040 03:04:05 GMT"},
            [],
        ),
        ({"Expires": "2040-01-02T03:04:05+00:00"}, {"expires": "Mon, 02 Jan 2040 03:04:05 GMT"}, []),
        ({"Expires": "Mon, 02 Jan 2040 03:04:05 GMT"}, {"expires": "Mon, 02 Jan 2040 03:04:05 GMT"}, []),
        ({"Expires": MOMENT}, {"expires": "0"}, [("Expires", "0", "Mon, 02 Jan 2040 03:04:05 GMT")]),
        ({"Expires": MOMENT}, {}, [("Expires", None, "Mon, 02 Jan 2040 03:04:05 GMT")]),
        ({"Expires": "0"}, {"expires": "0"}, []),
        ({"Expires": 5}, {"expires": "x"}, [("Expires", "x", "5")]),
    ],
)
def test_only_what_differs_is_different(rules, found, wanted):
    """Names of metadata have no case, a moment may be written in several ways, and no rule is no wish."""
    info = ObjectInfo(key="a", size=1, **found)
    assert list(differences(rules, info)) == [
        Change(header=header, found=was, wanted=is_to_be) for header, was, is_to_be in wanted
    ]


# Which files


def test_paths_narrow_it_down(place):
    """Directories and single files; each file once, no folder markers, and nothing beside."""
    storage = place()
    for name in ("css/a.css", "css/deep/b.css", "css-old/c.css", "d.css"):
        storage.save(name, b"x")
    storage.create_folder("css/empty")
    assert sorted(names_at(storage.objects, ["css", "css/deep/", "d.css"])) == ["css/a.css", "css/deep/b.css", "d.css"]
    storage = place(object_parameters={"CacheControl": "max-age=5"})
    with counted_requests(storage) as sent:
        assert "1 object, 1 changed" in run("d.css")
    assert sorted(sent.methods) == ["GET", "HEAD", "HEAD", "PUT"]
    assert "2 objects, 2 changed" in run("css")
    assert "4 objects, 1 changed" in run()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing"], "nothing"),
        (["../other"], "contains '..'"),
        (["--threads", "0"], "--threads must be 1 or more"),
        (["--storage", "none"], "none"),
        (["--storage", "default"], "is not an S3Storage"),
    ],
    ids=["no-file", "outside", "threads", "alias", "not-ours"],
)
def test_mistakes_are_said(place, arguments, said):
    """By an error, and nothing is changed."""
    storage = place()
    storage.save("a.css", b"x")
    storage = place(object_parameters={"CacheControl": "max-age=5"})
    with pytest.raises(CommandError, match=re.escape(said)):
        run(*arguments)
    assert storage.stat("a.css").cache_control == "public, max-age=60"


def test_another_storage_is_named_by_its_alias(place, settings):
    """Its own rules apply."""
    settings.AWS_LOCATION = uuid.uuid4().hex
    S3Storage().save("a.pdf", b"x")
    storage = place(object_parameters={"CacheControl": "private"})
    storage.save("a.css", b"x")
    assert "1 object, 1 changed" in run("--storage", "uploads")
    assert S3Storage().stat("a.pdf").cache_control == "private"


def test_a_bucket_that_is_not_there_is_an_error(place, settings):
    """Not a traceback."""
    place()
    settings.AWS_STORAGE_BUCKET_NAME = f"missing-{uuid.uuid4().hex[:8]}"
    with pytest.raises(CommandError, match="missing-"):
        run()


def test_settings_that_cannot_be_are_an_error(place, settings):
    """Not a traceback either."""
    place()
    settings.AWS_STORAGE_BUCKET_NAME = ""
    with pytest.raises(CommandError, match="has no bucket"):
        run()


# What is said


def test_a_dry_run_reads_only_and_says_what_differs(place):
    """Nothing is written; the real run changes just that."""
    storage = place()
    storage.save("a.css", b"x", content_type="text/plain")
    storage.save("b.css", b"x")
    modified = storage.stat("a.css").modified
    storage = place(headers={"a.*": {"CacheControl": "max-age=5"}})
    with counted_requests(storage) as sent:
        said = run("--dry-run")
    assert set(sent.methods) == {"GET", "HEAD"}
    assert said.splitlines()[0] == (
        "change  a.css: CacheControl 'public, max-age=60' to 'max-age=5', ContentType 'text/plain' to 'text/css'"
    )
    assert re.fullmatch(r"Dry run: 2 objects, 1 would be changed, 0 failed, 3 requests, .* s\.", said.splitlines()[1])
    assert storage.stat("a.css").modified == modified
    assert "2 objects, 1 changed" in run()


def test_json_is_all_that_is_printed(place):
    """Numbers, and what was there and is to be, file by file."""
    storage = place()
    storage.save("a.css", b"x")
    place(object_parameters={"Expires": MOMENT})
    said = json.loads(run("--json", "--dry-run", verbosity=3))
    assert said.pop("seconds") >= 0
    assert said == {
        "schema": 1,
        "command": "headers",
        "dry_run": True,
        "objects": 1,
        "bytes": 0,
        "sent": 0,
        "skipped": 0,
        "deleted": 0,
        "warnings": [],
        "changed": 1,
        "failed": [],
        "requests": 2,
        "changes": {"a.css": {"Expires": [None, "Mon, 02 Jan 2040 03:04:05 GMT"]}},
    }


@pytest.mark.parametrize(("verbosity", "lines"), [(0, 0), (1, 1), (2, 2)])
def test_verbosity(place, verbosity, lines):
    """0 says nothing, 1 sums up, 2 names each file that was changed; the flag may stand behind the subcommand."""
    storage = place()
    storage.save("a.css", b"x")
    place(object_parameters={"CacheControl": "max-age=5"})
    said = run("--verbosity", str(verbosity))
    assert len(said.splitlines()) == lines
    assert ("change  a.css: CacheControl 'public, max-age=60' to 'max-age=5'" in said) == (verbosity == 2)


def test_djangos_flags_stand_before_the_subcommand_too(place):
    """As with any command."""
    place()
    out = io.StringIO()
    call_command("s3", "-v", "0", "headers", "--no-color", stdout=out)
    assert out.getvalue() == ""


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("flags", "shown"), [([], True), (["--no-progress"], False), (["--json"], False), (["-v", "0"], False)], ids=str
)
def test_progress_is_shown_on_a_terminal(place, flags, shown):
    """Unless it is not wanted."""
    place().save("a.css", b"x")
    screen = Terminal()
    call_command("s3", "headers", *flags, stdout=io.StringIO(), stderr=screen)
    assert ("1/1" in screen.getvalue()) == shown
    # One line, which is rewritten in place and erased at the end.
    assert "\n" not in screen.getvalue()
    assert screen.getvalue().endswith("\r\x1b[K" if shown else "")


def test_a_subcommand_is_needed():
    """The error names those that there are."""
    with pytest.raises(CommandError, match="SUBCOMMAND"):
        call_command("s3")


# When something fails


@pytest.mark.parametrize("count", [20, 25])
@pytest.mark.parametrize("flags", [[], ["--json"]], ids=["text", "json"])
def test_failures_are_named_and_the_rest_is_done(place, settings, flags, count):
    """The error has the first 20 with their reasons, and the status is not 0; run again, it does what was left."""
    storage = place()
    names = [f"{number:02}.css" for number in range(count)]
    for name in (*names, "fine.css"):
        storage.save(name, b"x")
    storage = place(object_parameters={"CacheControl": "max-age=5"})
    refusal = b"<Error><Code>AccessDenied</Code><Message>not you</Message></Error>"

    def respond(method, target, headers):
        return (403, {}, refusal) if method == "PUT" and "fine" not in target else None

    with FaultProxy(place.options["endpoint_url"], respond=respond) as proxy:
        settings.AWS_S3_ENDPOINT_URL = proxy.url
        with pytest.raises(CommandError, match="not you") as failed:
            run(*flags)
    lines = str(failed.value).splitlines()
    assert [bool(re.match(r"'\d\d\.css' failed: ", line)) for line in lines].count(True) == 20
    assert lines[20:] == [
        *(["… and 5 more."] if count == 25 else []),
        "Run the command again: files that are correct are skipped.",
    ]
    if flags:
        said = json.loads(run.out)
        assert [failure["name"] for failure in said["failed"]] == names
        assert list(said["changes"]) == ["fine.css"]
    else:
        assert f"{count + 1} objects, 1 changed, {count} failed" in run.out
    settings.AWS_S3_ENDPOINT_URL = place.options["endpoint_url"]
    assert storage.stat("fine.css").cache_control == "max-age=5"
    assert f"{count + 1} objects, {count} changed, 0 failed" in run()


class Interrupted(S3StaticStorage):
    """Someone presses Ctrl+C in the middle."""

    def get_object_parameters(self, name):
        if name == "b.css":
            raise KeyboardInterrupt
        return super().get_object_parameters(name)


def test_an_interrupt_ends_with_status_130(place):
    """What has begun is finished, the connections are given back, and it says how to go on."""
    storage = place()
    for name in ("a.css", "b.css", "c.css"):
        storage._save(name, ContentFile(b"x"))
    storage = place(Interrupted, object_parameters={"CacheControl": "max-age=5"})
    with pytest.raises(SystemExit) as ended:
        run("--threads", "1")
    assert ended.value.code == 130
    assert "Interrupted. Run the command again to continue." in run.err
    storage = place(object_parameters={"CacheControl": "max-age=5"})
    assert "3 objects" in run()
    assert {storage.stat(name).cache_control for name in ("a.css", "b.css", "c.css")} == {"max-age=5"}
