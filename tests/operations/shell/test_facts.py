"""manage.py s3 metadata, tags, acl and url."""

from __future__ import annotations

import json
import urllib.request
from urllib.parse import parse_qs, urlsplit

import pytest

from s3store import errors
from s3store.core import parts
from s3store.core.info import ObjectInfo
from s3store.core.tags import problem
from s3store.operations.shell import facts
from s3store.operations.shell.facts import change_metadata, change_tags
from s3store.operations.shell.selecting import select
from s3store.testing.counting import counted_requests
from tests.faults.proxy import FaultProxy
from tests.operations.shell.conftest import fill
from tests.operations.told import Told

EVERYONE = "http://acs.amazonaws.com/groups/global/AllUsers"


# Metadata


def test_metadata_is_shown_set_and_deleted(shell):
    """The rest stays: other entries, headers, content; a second run changes nothing."""
    storage = shell.add("rich", **{**shell.options, "object_parameters": {"CacheControl": "max-age=5"}, "gzip": True})
    storage.save("a.css", b"a {}" * 1000, metadata={"colour": "red", "old": "1"})
    assert shell.lines("metadata", "rich:a.css") == ["rich:a.css", "  colour=red", "  old=1"]
    with counted_requests(storage) as sent:
        said = shell.lines("metadata", "--set", "Team=x=y", "--delete", "OLD", "rich:a.css")
    assert (said[0].split(", ")[:3], sent.methods) == (["1 file", "1 changed", "0 failed"], ["HEAD", "PUT"])
    stat = storage.stat("a.css")
    assert (stat.metadata, stat.cache_control) == ({"colour": "red", "team": "x=y"}, "max-age=5")
    assert (stat.content_encoding, stat.plain_size) == ("gzip", 4000)
    assert storage.read_bytes("a.css") == b"a {}" * 1000
    assert "0 changed" in shell.lines("metadata", "--set", "team=x=y", "rich:a.css")[0]
    shell.lines("metadata", "--clear", "--set", "only=1", "rich:a.css")
    told = json.loads(shell.run("metadata", "--json", "rich:a.css").out)
    assert told["files"] == [{"place": "rich:a.css", "name": "a.css", "metadata": {"only": "1"}}]


def test_metadata_of_a_tree_and_a_dry_run(quick):
    """The plan says what changes; nothing is written. Keys that are not names fail."""
    fill(quick.default, "d/a", "d/b", "d/", "e")
    fill(quick.default, "d/", content=b"")
    assert quick.run("metadata", "--set", "a=1", "default:d").status == 2
    with counted_requests(quick.default) as sent:
        plan = quick.lines("metadata", "-r", "-n", "--set", "a=1", "default:d")
    assert sorted(plan[:2]) == ["change  default:d/a: +a=1", "change  default:d/b: +a=1"]
    assert plan[2].startswith("Dry run: 2 files, 2 would be changed, 0 failed")
    assert set(sent.methods) == {"GET", "HEAD"}
    fill(quick.default, "d//c")
    ran = quick.run("metadata", "-r", "--set", "a=1", "--exclude", "b", "default:d")
    assert (ran.status, "is not a possible name" in ran.error) == (1, True)
    assert [quick.default.get_metadata(name) for name in ("d/a", "d/b", "e")] == [{"a": "1"}, {}, {}]
    assert quick.lines("metadata", "-r", "default:d") == ["default:d/a", "  a=1", "default:d/b"]


@pytest.mark.parametrize(
    ("verb", "value", "said"),
    [
        ("metadata", "a=ü", "is not ASCII"),
        ("metadata", "s3store-write=1", "itself"),
        ("tags", "aws:x=1", "only AWS itself"),
        ("metadata", "a", "must be NAME=VALUE"),
    ],
)
def test_values_that_are_not_possible(quick, verb, value, said):
    """Exit status 2; no request."""
    ran = quick.run(verb, "--set", value, "default:")
    assert said in ran.error


def test_a_file_that_is_replaced_meanwhile_keeps_the_new_content(quick, seaweedfs_options, monkeypatch):
    """Its old headers are not put on the new version. moto ignores the condition."""
    storage = quick.add("kept", **seaweedfs_options)
    fill(storage, "a", content=b"old")
    real = facts.rewrite

    def late(bucket, info, params):
        fill(storage, "a", content=b"new")
        real(bucket, info, params)

    monkeypatch.setattr(facts, "rewrite", late)
    ran = quick.run("metadata", "--set", "a=1", "kept:a")
    assert (ran.status, storage.read_bytes("a"), storage.get_metadata("a")) == (1, b"new", {})


def test_a_very_large_file_keeps_its_tags(quick, monkeypatch):
    """It is copied in parts, which have only the tags that they are given."""
    quick.add("tagged", **{**quick.options, "object_parameters": {"Tagging": "a=1"}}).save("big", b"x")
    monkeypatch.setattr(parts, "MAX_COPY_SIZE", 0)
    place = quick.default
    selections = [select(facts_place(place, "big"))]
    assert change_metadata(selections, added={"b": "2"}).sent == 1
    assert place.objects.bucket.tags(place.objects.key("big"), {}) == "a=1"
    fill(place, "plain")
    assert change_metadata([select(facts_place(place, "plain"))], added={"b": "2"}).sent == 1


def test_failures_are_in_the_order_of_names(quick):
    """Whatever the order of the places. The number of files is told while they are listed."""
    fill(quick.default, "b//x", "a//x", "c")
    selections = [select(facts_place(quick.default, path)) for path in ("b", "a", "c")]
    told = Told()
    done = change_metadata(selections, added={"k": "v"}, recursive=True, threads=1, watcher=told)
    assert [failed.name.rpartition(":")[2] for failed in done.failed] == ["a//x", "b//x"]
    assert (done.objects, done.sent, told.expected) == (3, 1, (3, 0))
    assert 0 < done.seconds < 600


def facts_place(storage, path):
    from s3store.operations.places import Place

    return Place(path=path, storage=storage)


# Tags


def test_tags_are_shown_set_and_deleted(shell):
    """Without rewriting the object."""
    shell.default.save("a", b"x")
    before = shell.default.stat("a")
    assert shell.lines("tags", "default:a") == ["default:a"]
    shell.lines("tags", "--set", "kind=photo", "--set", "who=a b+c", "default:a")
    assert shell.lines("tags", "default:a") == ["default:a", "  kind=photo", "  who=a b+c"]
    with counted_requests(shell.default) as sent:
        assert "0 changed" in shell.lines("tags", "--set", "kind=photo", "default:a")[0]
        assert "1 would be changed" in shell.lines("tags", "-n", "--delete", "kind", "default:a")[-1]
    assert sent.methods == ["HEAD", "GET", "HEAD", "GET"]
    shell.lines("tags", "--delete", "kind", "default:a")
    assert json.loads(shell.run("tags", "--json", "default:a").out)["files"][0]["tags"] == {"who": "a b+c"}
    shell.lines("tags", "--clear", "default:a")
    assert shell.lines("tags", "default:a") == ["default:a"]
    assert shell.default.stat("a").modified == before.modified


def test_more_tags_than_s3_allows(quick):
    """The file fails, and keeps its own."""
    quick.default.save("a", b"x")
    ten = [f"--set=t{n}=1" for n in range(10)]
    quick.lines("tags", *ten, "default:a")
    ran = quick.run("tags", "--set", "more=1", "default:a")
    assert (ran.status, "S3 allows 10 tags, and these are 11" in ran.error) == (1, True)
    assert len(quick.lines("tags", "default:a")) == 11


@pytest.mark.parametrize(
    ("tags", "said"),
    [
        ({"a": "b", "Ü x": "é@/:._+-="}, None),
        ({"": "x"}, "1 to 128"),
        ({"x" * 129: "x"}, "1 to 128"),
        ({"a": "x" * 257}, "257 characters"),
        ({"a": "?"}, "letters, digits"),
        ({"AWS:a": "x"}, "only AWS"),
    ],
)
def test_rules_for_tags(tags, said):
    """As AWS documents them."""
    found = problem(tags)
    assert (found is None) if said is None else said in found


def test_the_twin_has_tags(settings, tmp_path, quick):
    """Its copies keep them, as those of S3 do."""
    settings.MEDIA_ROOT = str(tmp_path)
    storage = quick.add("twin", "s3store.local.FakeS3Storage", allow_without_debug=True)
    storage.save("a", b"x")
    assert change_tags([select(facts_place(storage, "a"))], added={"a": "1"}).sent == 1
    assert quick.lines("tags", "twin:a") == ["twin:a", "  a=1"]
    quick.lines("metadata", "--set", "b=2", "twin:a")
    quick.lines("cp", "twin:a", "twin:b")
    assert quick.lines("tags", "twin:a", "twin:b") == ["twin:a", "  a=1", "twin:b", "  a=1"]
    quick.lines("tags", "--clear", "twin:a")
    assert quick.lines("tags", "twin:a") == ["twin:a"]
    assert quick.run("tags", "--set", "a=1", "twin:none").status == 1
    with pytest.raises(errors.ObjectNotFoundError):
        storage.objects.bucket.put_tags("none", {}, {})


# ACLs


def test_a07_acls_are_shown_and_set(quick):
    """For a file, and after a question for a tree that becomes public."""
    fill(quick.default, "a", "d/b", "d/c")
    assert quick.lines("acl", "default:a")[0] == "default:a"
    assert EVERYONE not in quick.run("acl", "default:a").out
    quick.lines("acl", "--set", "public-read", "default:a")
    assert any(EVERYONE in line and "READ" in line for line in quick.lines("acl", "default:a"))
    ran = quick.run("acl", "-r", "--set", "public-read", "default:d")
    assert (ran.status, "Give default:d the ACL public-read, so that others can read" in ran.error) == (2, True)
    assert EVERYONE not in quick.run("acl", "-r", "default:d").out
    assert "2 files, 2 would be changed" in quick.lines("acl", "-r", "-n", "--set", "public-read", "default:d")[-1]
    assert "2 files, 2 changed" in quick.lines("acl", "-r", "-y", "--set", "public-read", "default:d")[0]
    assert quick.run("acl", "-r", "default:d").out.count(EVERYONE) == 2
    assert quick.run("acl", "-r", "--set", "private", "default:d").status == 0
    (told,) = json.loads(quick.run("acl", "--json", "default:a").out)["files"]
    assert {"permission": "READ", "grantee": EVERYONE} in told["grants"]
    assert "invalid choice" in quick.run("acl", "--set", "log-delivery-write", "default:a").error


def test_e09_where_acls_are_disabled_the_policy_is_the_way(quick):
    """The first file says so, and no other is tried."""
    fill(quick.default, *(f"d/{n}" for n in range(100)))
    refusal = b"<Error><Code>AccessControlListNotSupported</Code><Message>no ACLs</Message></Error>"

    def respond(method, target, headers):
        # As AWS answers in every new bucket. moto and SeaweedFS know no ownership.
        return (400, {}, refusal) if method == "PUT" else None

    with FaultProxy(quick.options["endpoint_url"], respond=respond) as proxy:
        quick.add("new", **{**quick.options, "endpoint_url": proxy.url})
        ran = quick.run("acl", "-r", "--yes", "--threads", "1", "--set", "public-read", "new:d")
        assert len(proxy.requests("PUT")) == 1
    assert (ran.status, "1 file, 0 changed, 1 failed" in ran.out) == (1, True)
    assert "manage.py s3 setup --public-prefix" in ran.error


def test_failures_of_acls_say_to_run_again(quick, monkeypatch):
    """Any other failure does not stop the rest."""
    fill(quick.default, "a", "b")
    bucket = type(quick.default.objects.bucket)
    real = bucket.put_acl

    def put_acl(self, key, acl, params):
        if key.endswith("/a"):
            raise errors.AccessDeniedError("denied", code="AccessDenied")
        real(self, key, acl, params)

    monkeypatch.setattr(bucket, "put_acl", put_acl)
    ran = quick.run("acl", "-r", "--set", "private", "default:")
    assert (ran.status, "2 files, 1 changed, 1 failed" in ran.out) == (1, True)
    assert "Run the command again" in ran.error


# URLs


def test_urls_are_signed_or_public(quick):
    """For named files without a request; whether they exist is not asked."""
    fill(quick.default, "d/a.txt", "d/b.txt")
    with counted_requests(quick.default) as sent:
        (url,) = quick.lines("url", "--expire", "2h", "default:d/a.txt")
        (public,) = quick.lines("url", "--public", "default:none.txt")
        (put,) = quick.lines("url", "--method", "put", "--expire", "60", "default:new.txt")
    assert sent == []
    assert (parse_qs(urlsplit(url).query)["X-Amz-Expires"], urlsplit(public).query) == (["7200"], "")
    assert parse_qs(urlsplit(put).query)["X-Amz-Expires"] == ["60"]
    with urllib.request.urlopen(url) as answer:
        assert answer.read() == b"content"
    assert len(quick.lines("url", "-r", "default:d")) == 2
    told = json.loads(quick.run("url", "--json", "--signed", "default:d/*").out)
    assert [each["place"] for each in told["urls"]] == ["default:d/a.txt", "default:d/b.txt"]


def test_urls_that_download(quick):
    """Under the name of the file, or another one."""
    fill(quick.default, "d/a.txt")
    for arguments, name in ((["--download"], "a.txt"), (["--download", "b.txt"], "b.txt")):
        (url,) = quick.lines("url", "default:d/a.txt", *arguments)
        assert f'filename="{name}"' in parse_qs(urlsplit(url).query)["response-content-disposition"][0]
    ran = quick.run("url", "--public", "--download=x", "default:d/a.txt")
    assert (ran.status, "signed" in ran.error) == (2, True)
    assert quick.run("url", "--expire", "8d", "default:d/a.txt").status == 2
    assert "is not an age" in quick.run("url", "--expire", "soon", "default:d/a.txt").error


def test_facts_leave_out_what_is_unknown():
    """No line for a header that is not there."""
    from s3store.core.info import Stat

    found = facts.facts_of(Stat.of("a", ObjectInfo(key="k/a", size=1, all_metadata={})))
    assert found == {"name": "a", "key": "k/a", "size": 1, "metadata": {}}
