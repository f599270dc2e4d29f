"""manage.py s3 verify: two places, or a storage and the rows of the project."""

from __future__ import annotations

import json

import pytest
from django.core.files.base import ContentFile

from s3store.operations import rows
from s3store.operations.sync import sync, verify, verify_rows
from s3store.operations.sync.remote import Remote
from s3store.storage import S3Storage
from s3store.testing.counting import counted_requests
from s3store.testing.fixtures import options_for
from tests.app.models import Document
from tests.operations.sync_places import Steps, fill, local, place, run, run_json, use


@pytest.mark.parametrize("way", ["up", "down", "across"])
def test_what_differs_between_two_places(s3_storage, tmp_path, way):
    """Missing, extra and other files are named, each once; nothing is changed."""
    tree = fill(tmp_path / "tree", {"a": "a", "b": "b", "c": "c", "d/e": "e"})
    sync(local(tree), place(s3_storage, "to"))
    sync(local(tree), place(s3_storage, "from"))
    fill(tmp_path / "other", {"a": "a", "b": "x", "extra": "1", "c": "cc"})
    sync(local(tmp_path / "other"), place(s3_storage, "other"))
    source, target = {
        "up": (local(tree), place(s3_storage, "other")),
        "down": (place(s3_storage, "from"), local(tmp_path / "other")),
        "across": (place(s3_storage, "from"), place(s3_storage, "other")),
    }[way]
    steps = Steps()
    with counted_requests(s3_storage) as sent:
        summary = verify(source, target, watcher=steps)
    assert {(step.op, step.name, step.reason) for step in summary.plan} == {
        ("differs", "b", "the content differs"),
        ("differs", "c", "the size differs"),
        ("missing", "d/e", "only the source has it"),
        ("extra", "extra", "only the target has it"),
    }
    assert (summary.more["missing"], summary.more["extra"], summary.more["differs"]) == (1, 1, 2)
    assert (summary.command, summary.objects, summary.sent, summary.deleted, summary.failed) == ("verify", 4, 0, 0, [])
    assert steps.done == {"a": "skip", "b": "differs", "c": "differs", "d/e": "missing", "extra": "extra"}
    assert set(sent.methods) <= {"GET", "HEAD"}


def test_the_command_says_what_differs(s3_storage, s3_options, settings, tmp_path):
    """With exit status 3; 0 if nothing does."""
    use(settings, default=s3_options)
    tree = fill(tmp_path / "tree", {"a": "a", "b": "b"})
    sync(local(tree), place(s3_storage))
    out, _, error = run(tree, "default:", verb="verify")
    assert (out.partition(",")[0], error) == ("2 files", None)
    (tree / "link").symlink_to("a")
    fill(tree, {"a": "x", "new": ""})
    out, err, error = run(tree, "default:", verb="verify")
    assert error.returncode == 3
    assert "differs 'a': the content differs\nmissing 'new': only the source has it\n" in out
    assert "'link' was skipped: it is a symbolic link." in err
    assert "3 files, 2 differ, 0 failed, " in out
    out, _, error = run(tree, "default:", "--jsonl", verb="verify")
    lines = [json.loads(line) for line in out.splitlines()]
    assert {line["name"]: line["op"] for line in lines[:-1]} == {"a": "differs", "b": "skip", "new": "missing"}
    told, error = run_json(tree, "default:", "--exclude", "*", verb="verify")
    assert (told["objects"], told["plan"], error) == (0, [], None)


def test_arguments_that_cannot_be(settings, s3_options):
    """They are exit status 2."""
    use(settings, default=s3_options)
    for arguments in (["default:", "default:a", "default:b"], ["default:", "--threads", "0"]):
        _, _, error = run(*arguments, verb="verify")
        assert error.returncode == 2


# Rows


@pytest.fixture
def documents(db, monkeypatch, s3_storage):
    """A model whose files are in the storage."""
    field = Document._meta.get_field("normal")
    monkeypatch.setattr(field, "storage", s3_storage)
    return Document


@pytest.mark.django_db
def test_files_of_rows_exist(documents, s3_storage, s3_options, settings):
    """Those that do not are named, with a row that refers to them."""
    use(settings, default=s3_options)
    one = documents.objects.create(normal=s3_storage.save("docs/a", ContentFile(b"a")))
    documents.objects.create(normal=one.normal.name)
    gone = documents.objects.create(normal="docs/gone")
    s3_storage.save("unknown", ContentFile(b"u"))
    steps = Steps()
    summary = verify_rows(place(s3_storage), watcher=steps)
    assert [(step.op, step.name) for step in summary.plan] == [("missing", "docs/gone")]
    assert f"{gone.pk} (normal)" in summary.plan[0].reason
    assert (summary.objects, summary.more["missing"], summary.failed) == (2, 1, [])
    assert steps.done == {"docs/a": "skip", "docs/gone": "missing"}
    out, _, error = run("default:", verb="verify")
    assert (error.returncode, "missing 'docs/gone': named by " in out) == (3, True)
    nothing = verify_rows(place(s3_storage, "elsewhere"), watcher=steps)
    assert (nothing.objects, nothing.warnings) == (0, steps.warnings)
    assert "No row of the project names a file that is compared" in nothing.warnings[0]
    out, err, error = run("default:elsewhere/", verb="verify")
    assert ("0 files" in out, error) == (True, None)
    assert "give both: s3 verify ./media default:elsewhere" in err
    assert verify_rows(place(s3_storage, "docs")).objects == 2
    assert verify_rows(place(s3_storage), rules=[("docs/gone", False)]).objects == 1


@pytest.mark.django_db
def test_files_of_rows_are_read(documents, s3_storage, monkeypatch):
    """To their ends, with --read; those that fail are named."""
    for name in ("a", "b"):
        documents.objects.create(normal=s3_storage.save(name, ContentFile(b"12345")))
    steps = Steps()
    summary = verify_rows(place(s3_storage), read=True, watcher=steps)
    assert (summary.objects, summary.size, summary.failed) == (2, 10, [])
    real = Remote.reader

    def late(self, name):
        if name == "b":
            s3_storage.delete("b")
        return real(self, name)

    monkeypatch.setattr(Remote, "reader", late)
    summary = verify_rows(place(s3_storage), read=True, threads=1)
    assert [failure.name for failure in summary.failed] == ["b"]


@pytest.mark.django_db
def test_archived_files_of_rows_cannot_be_read(documents, moto, monkeypatch):
    """They are failures."""
    storage = S3Storage(**options_for(moto), location="rows", object_parameters={"StorageClass": "GLACIER"})
    monkeypatch.setattr(Document._meta.get_field("normal"), "storage", storage)
    documents.objects.create(normal=storage.save("a", ContentFile(b"a")))
    summary = verify_rows(place(storage))
    assert [failure.code for failure in summary.failed] == ["Archived"]
    storage.delete_tree("", force=True)


@pytest.mark.django_db
def test_a_table_that_cannot_be_read(documents, s3_storage, s3_options, settings, monkeypatch):
    """The command names it."""
    use(settings, default=s3_options)

    def refuse(self):
        raise rows.RowsError("The table 't' cannot be read.")

    monkeypatch.setattr(rows.Column, "rows", refuse)
    _, _, error = run("default:", verb="verify")
    assert (str(error), error.returncode) == ("The table 't' cannot be read.", 1)
