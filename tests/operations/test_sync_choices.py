"""Which files sync sends: the decision list as a table, and the options that change it."""

from __future__ import annotations

import os
import time
from datetime import datetime, timedelta, timezone

import pytest
from django.core.files.base import ContentFile

from s3store import errors
from s3store.core import parts
from s3store.core.keyrange import KeyRange
from s3store.core.parts import MIB
from s3store.operations.archive import restore_archived
from s3store.operations.inventory import open_inventory
from s3store.operations.sync import ContentDiffersError, across, decide, digests, sync
from s3store.operations.sync.decide import LOOK, SEND, SKIP, How
from s3store.operations.sync.remote import Remote
from s3store.operations.sync.rows import Found, Row
from s3store.operations.sync.up import Sender
from s3store.storage import S3Storage
from s3store.testing.counting import counted_requests
from s3store.testing.fixtures import options_for
from s3store.wire.bucket import Bucket
from s3store.wire.objects import Objects
from tests.operations.sync_places import Steps, files_in, fill, local, objects_in, place, run, run_json, storage_at, use
from tests.operations.test_inventory import write as write_inventory

A, B = "a" * 32, "b" * 32
NOW = 1_000_000.0


@pytest.mark.parametrize(
    ("source", "target", "how", "op"),
    [
        (Row("n", 1), Row("n", 2), {}, SEND),
        (Row("n", 1), Row("n", 1), {}, LOOK),
        (Row("n", 1), Row("n", 2), {"sizes": False}, LOOK),
        (Row("n", 1), Row("n", 1), {"size_only": True}, SKIP),
        (Row("n", 1), Row("n", 2), {"size_only": True, "sizes": False}, SEND),
        (Row("n", 1, 0, A), Row("n", 1, 0, A), {"source_is_local": False}, SKIP),
        (Row("n", 1, 0, A), Row("n", 1, 0, B), {"source_is_local": False}, LOOK),
        (Row("n", 1, 0, ""), Row("n", 1, 0, ""), {"source_is_local": False}, LOOK),
        (Row("n", 1, 0, A), Row("n", 2, 0, A), {"source_is_local": False}, SEND),
        (Row("n", 1, 0, A), Row("n", 1, 0, A), {"source_is_local": False, "target_is_local": True}, LOOK),
        # --newer: the time decides, the size only where the times are equal.
        (Row("n", 1, 10.0), Row("n", 1, 5.0), {"newer": True}, SEND),
        (Row("n", 1, 10.0), Row("n", 9, 15.0), {"newer": True}, SKIP),
        (Row("n", 1, 10.0), Row("n", 1, 9.0), {"newer": True}, SKIP),
        (Row("n", 1, 10.0), Row("n", 2, 9.0), {"newer": True}, SEND),
        (Row("n", 1, 10.0), Row("n", 2, 9.0), {"newer": True, "sizes": False}, SKIP),
        # A file from the future is as new as this moment, so that it is not sent for ever.
        (Row("n", 1, NOW * 2), Row("n", 1, NOW), {"newer": True}, SKIP),
        # The server's clock is 100 seconds ahead.
        (Row("n", 1, 10.0), Row("n", 1, 105.0), {"newer": True, "skew": 100.0}, SEND),
        (Row("n", 1, 10.0), Row("n", 1, 115.0), {"newer": True, "skew": 100.0}, SKIP),
        (Row("n", 1, 115.0), Row("n", 1, 10.0), {"newer": True, "skew": 100.0, "source_is_local": False}, SEND),
        (
            Row("n", 1, 115.0),
            Row("n", 1, 10.0),
            {"newer": True, "skew": 100.0, "source_is_local": False, "target_is_local": True},
            SEND,
        ),
    ],
)
def test_the_decision_by_the_listing(source, target, how, op):
    """Size, then digests; the time only if the user wants it."""
    assert decide.by_listing(source, target, How(now=NOW, **how)).op == op


@pytest.mark.parametrize(
    ("trust", "source", "target", "op"),
    [
        (False, Row("n", 1, 1.0), Row("n", 1, 9.0), SEND),
        (True, Row("n", 1, 1.0), Row("n", 1, 9.0), SKIP),
        (True, Row("n", 1, 19.0), Row("n", 1, 9.0), SEND),
        (True, Row("n", 1, 1.0), Row("n", 2, 9.0), SEND),
    ],
)
def test_where_nothing_tells(trust, source, target, op):
    """A file is sent, unless the user trusts the times."""
    assert decide.by_time_alone(source, target, How(trust_mtime=trust, now=NOW)).op == op


@pytest.mark.parametrize(
    ("etag", "is_md5", "count"),
    [
        (A, True, None),
        (A.upper(), False, None),
        ("", False, None),
        (f"{A}-3", False, 3),
        (f"{A}-0", False, None),
        ("opaque", False, None),
    ],
)
def test_kinds_of_etags(etag, is_md5, count):
    """An MD5, a number of parts, or nothing that can be known."""
    assert (decide.is_md5(etag), decide.part_count(etag)) == (is_md5, count)


@pytest.mark.parametrize("part", [5, 8, 12, 15, 16, 50, 64])
def test_etags_of_parts_are_computed_again(tmp_path, part):
    """With the part sizes that tools use, and whole MiB; another size says nothing."""
    content = os.urandom(35 * MIB + 7)
    size = part * MIB
    blocks = [content[start : start + size] for start in range(0, len(content), size)]
    digest = digests.md5(b"".join(digests.md5(block) for block in blocks)).hex()
    etag = f"{digest}-{len(blocks)}"
    (tmp_path / "file").write_bytes(content)
    with (tmp_path / "file").open("rb") as file:
        assert digests.matches(file, len(content), etag, part_size=8 * MIB) is True
        assert digests.matches(file, len(content), f"{A}-{len(blocks)}", part_size=8 * MIB) is None
        assert digests.matches(file, len(content), "opaque", part_size=8 * MIB) is None
        assert digests.matches(file, len(content), A, part_size=8 * MIB) is False


# Options


def test_size_only_and_newer(s3_storage, tmp_path):
    """The content is not read."""
    tree = fill(tmp_path / "tree", {"a": "1", "b": "1"})
    sync(local(tree), place(s3_storage))
    fill(tree, {"a": "2", "b": "22"})
    old = time.time() - 1000
    os.utime(tree / "a", (old, old))
    os.utime(tree / "b", (old, old))
    assert sync(local(tree), place(s3_storage), newer=True).sent == 0
    assert sync(local(tree), place(s3_storage), size_only=True).sent == 1
    assert objects_in(s3_storage) == {"a": b"1", "b": b"22"}
    os.utime(tree / "a", (time.time() + 1000, time.time() + 1000))
    assert sync(local(tree), place(s3_storage), newer=True).sent in (0, 1)


def test_options_that_exclude_each_other(s3_storage, tmp_path, settings, s3_options):
    """They are refused before anything is sent, also by the command."""
    with pytest.raises(ValueError, match="verify compares the content"):
        sync(local(tmp_path), place(s3_storage), verify=True, newer=True)
    with pytest.raises(ValueError, match="delete needs all files"):
        sync(local(tmp_path), place(s3_storage), names=[], delete=True)
    use(settings, default=s3_options)
    for flags in (["--verify", "--size-only"], ["--threads", "0"], ["--bandwidth", "much"], ["--include", "[z-a]"]):
        _, _, error = run(tmp_path, "default:", *flags)
        assert error.returncode == 2, flags
    _, _, error = run(tmp_path, "nowhere:", "-v", "0")
    assert "no alias 'nowhere'" in str(error)


def test_check_only_compares(s3_storage, tmp_path, settings, s3_options):
    """Exit status 3 if something differs, 0 if nothing does."""
    use(settings, default=s3_options)
    tree = fill(tmp_path / "tree", {"a": "1"})
    with counted_requests(s3_storage) as sent:
        out, _, error = run(tree, "default:", "--check")
    assert (error.returncode, set(sent.methods)) == (3, {"GET"})
    assert "send    a: it is new" in out
    sync(local(tree), place(s3_storage))
    told, error = run_json(tree, "default:", "--check")
    assert (told["sent"], told["dry_run"], error) == (0, True, None)
    s3_storage.save("b", b"1")
    _, _, error = run(tree, "default:", "--check", "--delete")
    assert error.returncode == 3


def test_lines_of_json(s3_storage, tmp_path, settings, s3_options):
    """One for each step, and the summary."""
    use(settings, default=s3_options)
    tree = fill(tmp_path / "tree", {"a": "1"})
    out, _, _ = run(tree, "default:", "--jsonl", "--include", "a", "--exclude", "b")
    assert [line.partition('"')[2].partition('"')[0] for line in out.splitlines()] == ["op", "schema"]


def test_names_limit_a_run(s3_storage, tmp_path):
    """In any order, and each once; names that the source does not have are reported."""
    tree = fill(tmp_path / "tree", {"a": "a", "b/c": "c", "d": "d"})
    names = iter(["b/c", "zz", "a", "b/c", "none/x"])
    summary = sync(local(tree), place(s3_storage), names=names)
    assert (summary.sent, summary.more["missing"], summary.failed) == (2, ["none/x", "zz"], [])
    assert set(objects_in(s3_storage)) == {"a", "b/c"}
    summary = sync(place(s3_storage), local(tmp_path / "down"), names=["a", "q"])
    assert (summary.sent, summary.more["missing"]) == (1, ["q"])
    assert files_in(tmp_path / "down") == {"a": b"a"}


def test_a_shard_leaves_other_names_alone(s3_storage, s3_options, settings, tmp_path):
    """On both sides: it deletes nothing of another one, and all together do everything."""
    tree = fill(tmp_path / "tree", {"a": "a", "x": "x"})
    for name in ("b", "y"):
        s3_storage.save(name, b"1")
    summary = sync(local(tree), place(s3_storage), within=KeyRange(through="m"), delete=True)
    assert (summary.sent, summary.deleted) == (1, 1)
    assert set(objects_in(s3_storage)) == {"a", "y"}
    use(settings, default=s3_options)
    told, error = run_json(tree, "default:", "--delete", "--yes", "--shard", "2/2", "--alphabet", "alnum")
    assert (told["sent"], told["deleted"], error) == (1, 1, None)
    assert objects_in(s3_storage) == files_in(tree)
    for shard, count in (("1/2", 0), ("2/2", 2)):
        told, error = run_json(tree, "default:", "--shard", shard, "--alphabet", "alnum", verb="verify")
        assert (told["objects"], error) == (count, None)


def test_an_inventory_replaces_the_listing_of_the_source(s3_storage, s3_options, settings, tmp_path):
    """It names the files; the ones that are gone since then are failures. It is too old to delete by it."""
    use(settings, default=s3_options)
    for name in ("m/b", "m/a", "m/gone", "m/out", "other"):
        s3_storage.save(name, name.encode())
    listed = write_inventory(s3_storage, "2026-01-31T01-00Z", {"m/b": 3, "m/a": 3, "m/gone": 6, "other": 5})
    s3_storage.delete("m/gone")
    with counted_requests(s3_storage) as sent:
        told, error = run_json("default:m", tmp_path / "down", "--from-inventory", f"default:{listed.path}")
    assert ([failure["name"] for failure in told["failed"]], error.returncode) == (["gone"], 1)
    assert files_in(tmp_path / "down") == {"a": b"m/a", "b": b"m/b"}
    assert not [
        one for one in sent if "list-type" in one.query and "2026" not in one.query and "delimiter" not in one.query
    ]
    for place_, flags in ((tmp_path, []), ("default:m", ["--delete", "--yes"])):
        _, _, error = run(place_, "default:x", "--from-inventory", f"default:{listed.path}", *flags)
        assert (error.returncode, "cannot be combined with delete" in str(error)) == (2, True)
    shard = sync(
        place(s3_storage, "m"),
        local(tmp_path / "shard"),
        inventory=open_inventory(listed),
        within=KeyRange(through="a"),
    )
    assert (shard.sent, files_in(tmp_path / "shard")) == (1, {"a": b"m/a"})


def test_on_aws_a_shard_requests_its_part_of_the_listing(moto, monkeypatch):
    """From its first name on, and no page after its last."""
    storage = S3Storage(**options_for(moto), location="shards")
    for name in "abcdef":
        storage.save(name, b"1")
    monkeypatch.setattr(Objects, "lists_ranges", True)
    with counted_requests(storage) as sent:
        rows = Remote(place(storage), KeyRange(after="b", through="d")).rows(Found())
        assert [row.name for row in rows] == ["c", "d"]
    assert ["start-after=shards/b" in request.query.replace("%2F", "/") for request in sent] == [True]
    storage.delete_tree("", force=True)


def test_a_file_whose_etag_tells_nothing(s3_options, tmp_path, monkeypatch):
    """The digest that was noted with it does: one HEAD. Without one, it is sent, or its time is trusted."""
    storage = storage_at(s3_options)
    tree = fill(tmp_path / "tree", {"a": "1", "b": "1"})
    sync(local(tree), place(storage))
    storage.save("c", b"1")
    fill(tree, {"b": "2", "c": "1"})
    real = Remote.rows

    def opaque(self, found):
        return (row._replace(etag="opaque") for row in real(self, found))

    monkeypatch.setattr(Remote, "rows", opaque)
    steps = Steps()
    with counted_requests(storage) as sent:
        sync(local(tree), place(storage), watcher=steps, dry_run=True)
    assert {step.name: (step.op, step.reason) for step in steps.steps} == {
        "a": ("skip", "the noted digest is equal"),
        "b": ("send", "the content differs"),
        "c": ("send", "nothing tells whether it is equal"),
    }
    assert sent.methods.count("HEAD") == 3
    old = time.time() - 1000
    os.utime(tree / "c", (old, old))
    steps = Steps()
    sync(local(tree), place(storage), watcher=steps, dry_run=True, trust_mtime=True)
    assert steps.done == {"a": "skip", "b": "send", "c": "skip"}


def test_a_file_that_may_not_be_looked_at_is_sent(s3_storage, tmp_path, monkeypatch):
    """As with credentials that may only write; also one that is deleted meanwhile."""
    tree = fill(tmp_path / "tree", {"a": "1"})
    sync(local(tree), place(s3_storage))
    fill(tree, {"a": "2"})

    def refuse(self, key, params):
        raise errors.AccessDeniedError("no")

    monkeypatch.setattr(Bucket, "find", refuse)
    summary = sync(local(tree), place(s3_storage))
    assert (summary.sent, summary.failed) == (1, [])
    assert s3_storage.read_bytes("a") == b"2"


# Order


@pytest.mark.parametrize("in_order", [True, None])
def test_a_server_that_lists_in_another_order(seaweedfs_options, tmp_path, monkeypatch, in_order):
    """SeaweedFS does. If that is not known before, its side is sorted, and everything is compared again."""
    monkeypatch.setattr(Remote, "in_order", in_order)
    storage = storage_at(seaweedfs_options)
    names = ["a", "a/b", "a/c", "a-b", "a.txt", "b!/x", "b/x", "b"]
    tree = fill(tmp_path / "tree", {name: name for name in names if name not in ("a", "b")})
    for name in ("a/old", "a-old"):
        storage.save(name, b"old")
    steps = Steps()
    for _ in range(2):
        steps = Steps()
        summary = sync(local(tree), place(storage), watcher=steps)
        assert summary.failed == []
    assert (summary.objects, summary.skipped + summary.sent) == (6, 6)
    listed = [row.name for row in Remote(place(storage)).rows(Found())]
    assert listed != sorted(listed)
    assert sync(local(tree), place(storage), delete=True).deleted == 2
    assert objects_in(storage) == files_in(tree)
    assert sync(place(storage), local(tmp_path / "down")).failed == []
    assert files_in(tmp_path / "down") == files_in(tree)


def test_files_that_seem_to_be_new_wait_until_the_order_is_certain(s3_storage, tmp_path, monkeypatch):
    """Where the order is unknown, nothing is sent that the server lists later."""
    files = {f"{number:02}": str(number) for number in range(6)}
    tree = fill(tmp_path / "tree", files)
    sync(local(tree), place(s3_storage))
    fill(tree, {"00": "changed", "005": "new"})
    listed = Remote.rows

    def otherwise(self, found):
        rows = list(listed(self, found))
        yield from [*rows[:1], *rows[2:], rows[1]]

    monkeypatch.setattr(Remote, "rows", otherwise)
    assert Remote(place(s3_storage)).in_order is None
    steps = Steps()
    summary = sync(local(tree), place(s3_storage), watcher=steps)
    assert [step.name for step in steps.steps if step.op == "send"] == ["00", "005"]
    assert (summary.objects, summary.sent, summary.skipped) == (7, 2, 5)
    assert objects_in(s3_storage) == files_in(tree)


@pytest.mark.parametrize("down", [True, False])
def test_files_are_compared_while_the_listing_arrives(s3_storage, tmp_path, monkeypatch, down):
    """Also where the order is unknown: what both sides have is decided at once. What is new comes last."""
    tree = fill(tmp_path / "tree", {name: name for name in "acf"})
    sync(local(tree), place(s3_storage))
    if down:
        s3_storage.save("b", b"new")
    else:
        fill(tree, {"b": "new"})
    happened, listed = [], Remote.rows

    def told(self, found):
        for row in listed(self, found):
            happened.append(f"listed {row.name}")
            yield row
        happened.append("listed all")

    monkeypatch.setattr(Remote, "rows", told)
    steps = Steps()
    steps.step = lambda step: happened.append(f"{step.op} {step.name}")
    places = (local(tree), place(s3_storage))
    sync(*(reversed(places) if down else places), watcher=steps)
    assert happened.index("skip a") < happened.index("listed f") < happened.index("listed all")
    assert happened[-1] == ("get b" if down else "send b")


@pytest.mark.parametrize(
    ("options", "in_order"),
    [
        ({}, True),
        ({"endpoint_url": "https://s3.eu-central-1.amazonaws.com"}, True),
        ({"provider": "wasabi", "region_name": "eu-central-1"}, True),
        ({"provider": "seaweedfs", "endpoint_url": "http://127.0.0.1:1"}, False),
        ({"endpoint_url": "http://127.0.0.1:1"}, None),
    ],
)
def test_who_is_known_to_list_in_order(options, in_order):
    """AWS and the providers of presets, except SeaweedFS. Other servers are not known."""
    storage = S3Storage(bucket_name="b-b-b", access_key="a", secret_key="s", **options)
    assert Remote(place(storage)).in_order is in_order


# Verify


@pytest.mark.parametrize("way", ["up", "down", "across"])
def test_verify_reads_back_what_the_etag_does_not_prove(s3_options, tmp_path, monkeypatch, way):
    """And names what differs after the transfer."""
    storage = storage_at(s3_options)
    tree = fill(tmp_path / "tree", {"a": "1", "b": "2"})
    source, target = {
        "up": (local(tree), place(storage, "to")),
        "down": (place(storage, "from"), local(tmp_path / "down")),
        "across": (place(storage, "from"), place(storage, "to")),
    }[way]
    sync(local(tree), place(storage, "from"))
    summary = sync(source, target, verify=True)
    assert (summary.sent, summary.failed) == (2, [])
    summary = sync(source, target, verify=True)
    assert (summary.skipped, summary.failed) == (2, [])
    real = Remote.rows

    def opaque(self, found):
        return (row._replace(etag=f"opaque {self.path}") for row in real(self, found))

    monkeypatch.setattr(Remote, "rows", opaque)
    steps = Steps()
    summary = sync(source, target, verify=True, watcher=steps)
    assert {step.reason for step in steps.steps} == {"the content is equal"}


def test_verify_after_sending_finds_a_difference(s3_storage, tmp_path, monkeypatch):
    """Here the file is replaced before it is compared."""
    real = Sender.send
    tree = fill(tmp_path / "tree", {"a": "1", "b": "1"})

    def replaced(self, row):
        sent = real(self, row)
        if row.name == "a":
            s3_storage.delete("a")
            s3_storage.save("a", b"2")
        return sent

    monkeypatch.setattr(Sender, "send", replaced)
    summary = sync(local(tree), place(s3_storage), verify=True)
    assert [(failure.name, failure.code) for failure in summary.failed] == [("a", ContentDiffersError.code)]


# Storages


def test_archived_files_are_named(moto, tmp_path):
    """They cannot be read before S3 has restored them. Then they can, in the same storage class."""
    storage = S3Storage(**options_for(moto), location="archived", object_parameters={"StorageClass": "GLACIER"})
    storage.save("a", b"1")
    summary = sync(place(storage), local(tmp_path / "down"))
    assert [(failure.name, failure.code) for failure in summary.failed] == [("a", "Archived")]
    assert "s3 restore --archived" in summary.failed[0].why
    restore_archived(storage)
    assert sync(place(storage), local(tmp_path / "down")).sent == 1
    assert (tmp_path / "down" / "a").read_bytes() == b"1"


class Tenant(S3Storage):
    """A storage of a project, with hooks of its own."""

    tenant = "one"

    @property
    def location(self):
        return f"tenants/{self.tenant}"

    def get_object_parameters(self, name):
        return {**super().get_object_parameters(name), "CacheControl": f"max-age={len(name)}"}


def test_hooks_of_a_subclass_take_part(s3_options, tmp_path):
    """Parameters by name, and a location that is computed; it is computed once for a run."""
    options = {name: value for name, value in s3_options.items() if name != "location"}
    storage = Tenant(**options)
    tree = fill(tmp_path / "tree", {"a.txt": "1", "large": bytes(9 * MIB)})
    (tree / "large").touch()

    class Switches(Steps):
        def expect(self, objects, size):
            storage.tenant = "two"

    sync(local(tree), place(storage, "m"), watcher=Switches())
    storage.tenant = "one"
    assert storage.stat("m/a.txt").cache_control == "max-age=7"
    assert storage.stat("m/large").cache_control == "max-age=7"
    assert objects_in(storage, "m") == files_in(tree)
    storage.delete_tree("m")


class Encrypts(S3Storage):
    """A storage that changes content when it saves."""

    def _save(self, name, content):
        return super()._save(name, content)


def test_methods_that_are_not_called_are_named(s3_options, tmp_path):
    """Sync writes the bytes of files as they are, under their own names."""
    tree = fill(tmp_path / "tree", {"a": "1"})
    summary = sync(local(tree), place(Encrypts(**s3_options)))
    assert summary.warnings == [
        "sync writes files as they are: it does not call Encrypts._save. Check that other code can read them."
    ]
    assert summary.sent == 1


def test_headers_of_copies(s3_options, tmp_path):
    """Those of the source, and over them those that the target's options name; tags of copies inside a server."""
    source = storage_at(s3_options, object_parameters={"CacheControl": "no-store", "Metadata": {"k": "s", "m": "s"}})
    content = ContentFile(b"1")
    content.content_type = "text/x-own"
    source.save("from/a", content)
    for more in ({}, {"max_attempts": 7}):
        target = storage_at(s3_options, location=s3_options["location"] + "2", **more)
        sync(place(source, "from"), place(target, f"plain{len(more)}"))
        found = target.stat(f"plain{len(more)}/a")
        assert (found.content_type, found.cache_control, found.metadata) == (
            source.stat("from/a").content_type,
            "no-store",
            {"k": "s", "m": "s"},
        )
        rules = storage_at(
            s3_options,
            location=s3_options["location"] + "2",
            object_parameters={"CacheControl": "max-age=1", "Metadata": {"k": "t"}},
            **more,
        )
        sync(place(source, "from"), place(rules, f"rules{len(more)}"))
        found = rules.stat(f"rules{len(more)}/a")
        assert (found.cache_control, found.metadata) == ("max-age=1", {"k": "t", "m": "s"})
        assert sync(place(source, "from"), place(rules, f"rules{len(more)}")).sent == 0


@pytest.mark.parametrize("more", [{}, {"max_attempts": 7}], ids=["copied", "streamed"])
def test_large_files_between_storages(s3_options, tmp_path, more):
    """In parts, if they go through this machine; the next run recognises them."""
    source, target = storage_at(s3_options), storage_at(s3_options, location=s3_options["location"] + "2", **more)
    tree = fill(tmp_path / "tree", {"large": bytes(range(256)) * (4 * 9 * 1024), "a": "1"})
    sync(local(tree), place(source))
    summary = sync(place(source), place(target))
    assert (summary.sent, summary.failed) == (2, [])
    assert objects_in(target) == files_in(tree)
    assert sync(place(source), place(target)).skipped == 2
    fill(tree, {"a": "2"})
    sync(local(tree), place(source))
    assert sync(place(source), place(target)).sent == 1
    assert objects_in(target) == files_in(tree)


def test_copies_between_buckets_of_one_server(s3_options, tmp_path):
    """The server copies, also files of more than 5 GiB, in parts."""
    source = storage_at(s3_options)
    target = storage_at(s3_options, bucket_name="s3store-other")
    target.client.create_bucket(Bucket="s3store-other")
    tree = fill(tmp_path / "tree", {"a": "1", "large": bytes(6 * MIB), "b": "22"})
    sync(local(tree), place(source))
    with counted_requests(source) as sent:
        summary = sync(place(source), place(target), rules=[("large", False)])
    assert (summary.sent, summary.failed, sent.methods.count("PUT")) == (2, [], 2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts, "MAX_COPY_SIZE", 5 * MIB)
        summary = sync(place(source), place(target))
    assert (summary.sent, summary.failed) == (1, [])
    assert objects_in(target) == files_in(tree)
    source.delete("a")
    source.save("z", b"9")
    real = across.Copier.copy

    def late(self, row):
        source.delete(row.name)
        return real(self, row)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(across.Copier, "copy", late)
        summary = sync(place(source), place(target))
    assert [failure.name for failure in summary.failed] == ["z"]
    assert "bucket 's3store-tests'" in summary.failed[0].why
    target.delete_tree("", force=True)
    target.client.delete_bucket(Bucket="s3store-other")


def test_times_of_servers_are_corrected(s3_storage, tmp_path, monkeypatch):
    """With --newer, by the Date header: one that is an hour ahead wrote its files an hour earlier than it says."""
    tree = fill(tmp_path / "tree", {"a": "1"})
    sync(local(tree), place(s3_storage))
    fill(tree, {"a": "2"})
    half = time.time() - 1800
    os.utime(tree / "a", (half, half))
    assert sync(local(tree), place(s3_storage), newer=True).sent == 0
    ahead = datetime.now(timezone.utc) + timedelta(hours=1)
    monkeypatch.setattr(Bucket, "date", property(lambda self: ahead))
    assert sync(local(tree), place(s3_storage), newer=True).sent == 1
