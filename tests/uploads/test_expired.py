"""Direct uploads that nobody used: what stays, what is deleted, and what is not."""

import io
from datetime import datetime, timedelta, timezone

import pytest
from django import forms
from django.core.management import call_command
from django.core.management.base import CommandError

from s3store.operations import multipart
from s3store.operations.incoming import expired_files, expired_parts
from s3store.operations.multipart import find_uploads
from s3store.operations.orphans import find
from s3store.storage import S3MediaStorage
from s3store.testing.counting import counted_requests
from s3store.uploads import acting_for
from tests.app.models import Letter
from tests.uploads.client import begin, post, send_parts
from tests.uploads.site import configure, names, uploaded

SIZE = 33 << 20
LABEL = "app.Letter.file"


@pytest.fixture
def storage(settings, seaweedfs_options, db):
    """The storage of the models, which is the default storage too."""
    configure(settings, seaweedfs_options)
    settings.STORAGES = {**settings.STORAGES, "default": {"BACKEND": "s3store.storage.S3MediaStorage"}}
    return S3MediaStorage()


@pytest.fixture
def later(monkeypatch):
    """A function that moves the time of the commands."""

    def move(**delta):
        for module in (find, multipart):
            monkeypatch.setattr(module, "moment", lambda *_: datetime.now(timezone.utc) + timedelta(**delta))

    return move


def run(*arguments):
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command("s3", "incoming", *arguments, stdout=out, stderr=err)
    finally:
        run.out, run.err = out.getvalue(), err.getvalue()
    return run.out


class LetterForm(forms.ModelForm):
    class Meta:
        model = Letter
        fields = ["file"]


def saved(receipt, user):
    """Send the form with a receipt, as the view of a project does, and return it."""
    with acting_for(user):
        form = LetterForm({"file": receipt})
        if form.is_valid():
            form.save()
        return form


def test_sm_08_abandoned_uploads_are_listed_and_deleted(client, storage, later):
    """Whole files and parts, after three days; what a form has used is the file of its row."""
    uploaded(client, b"one", label=LABEL)
    large = begin(client, LABEL, "film.bin", SIZE)
    send_parts(large["parts"][:1], b"x" * SIZE, large["part_size"])
    Letter(file="incoming/kept.txt").save()
    storage.save("incoming/kept.txt", b"a file of the project")
    storage.save("incoming/app.Letter.file/abcdefabcdef/not-ours.txt", b"")
    assert "0 files and 0 unfinished uploads" in run("--delete", "--yes")
    later(days=3, minutes=1)
    with counted_requests(storage) as sent:
        said = run("--delete", "--dry-run")
    assert set(sent.methods) == {"GET"}
    assert "Dry run: 1 file and 1 unfinished upload (8.0 MiB)" in said
    with pytest.raises(CommandError, match=r"2 files, 8\.0 MiB") as caught:
        run("--delete")
    assert caught.value.returncode == 2
    said = run("--delete", "--yes")
    assert "2 deleted, 0 kept" in said
    assert names(storage) == ["incoming/app.Letter.file/abcdefabcdef/not-ours.txt", "incoming/kept.txt"]
    assert find_uploads(storage) == []


def test_an_upload_that_a_form_can_still_use(client, storage, later):
    """It stays for two days; --force says otherwise."""
    uploaded(client, b"one", label=LABEL)
    with pytest.raises(CommandError, match="must be 2d or more") as caught:
        run("--older-than", "47h", "--delete", "--yes")
    assert caught.value.returncode == 2
    later(hours=47)
    with expired_files(storage, older_than=timedelta(days=2)) as found:
        assert (found.count, found.young) == (0, 1)
    assert "1 deleted" in run("--older-than", "1h", "--force", "--delete", "--yes")


def test_an_incoming_file_that_a_row_names(client, storage, later):
    """A project can keep it where it arrived: then it is in use."""
    uploaded(client, b"one", label=LABEL)
    (name,) = names(storage)
    Letter(file=name).save()
    later(days=9)
    assert "0 files" in run("--delete", "--yes")
    assert names(storage) == [name]


def test_nothing_is_deleted_if_a_table_cannot_be_read(client, storage, later, monkeypatch):
    """A row could name an upload."""
    uploaded(client, b"one", label=LABEL)
    monkeypatch.setattr(Letter._meta, "db_table", "missing")
    later(days=9)
    with pytest.raises(CommandError, match=r"'missing' of app\.Letter cannot be read") as caught:
        run("--delete", "--yes")
    assert caught.value.returncode == 2
    assert len(names(storage)) == 1
    assert '"plan": [' in run("--json")


def test_rd_12_a_form_that_is_sent_twice(client, user, storage, django_capture_on_commit_callbacks):
    """A double click, or a retry of the browser: one row has the file, which is unchanged."""
    receipt = uploaded(client, b"one", label=LABEL)
    with django_capture_on_commit_callbacks(execute=True):
        first = saved(receipt, user)
    with django_capture_on_commit_callbacks(execute=True):
        second = saved(receipt, user)
    assert (first.is_valid(), second.is_valid()) == (True, False)
    (row,) = Letter.objects.all()
    assert (row.file.read(), names(storage)) == (b"one", [row.file.name])


def test_rd_13_a_browser_that_goes_away(client, storage, later):
    """After part 2 of 5: the upload can be continued, and is removed when nobody did."""
    large = begin(client, LABEL, "film.bin", SIZE)
    send_parts(large["parts"][:2], b"x" * SIZE, large["part_size"])
    answer = post(client, "parts", {"ticket": large["ticket"]}).json()
    assert [part["number"] for part in answer["parts"]] == [1, 2]
    later(days=3, minutes=-1)
    assert expired_parts(storage) == []
    later(days=3, minutes=1)
    (upload,) = expired_parts(storage)
    assert upload.parts == 2
    run("--delete", "--yes")
    assert post(client, "parts", {"ticket": large["ticket"]}).status_code == 409
