"""What recipients of an edit link can do: add, rename, move, delete and take back, inside the shared folder."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from s3store.sharing import AccessLog, Attempt, Share
from s3store.sharing.uploading import DAY, destination
from s3store.uploads import signed_label
from tests.sharing.conftest import Visitor, at, path_of, person
from tests.sharing.site import Place
from tests.uploads.client import post, send

pytestmark = pytest.mark.django_db


@pytest.fixture
def editing(share, guest):
    """A folder with an edit link, opened by a guest."""
    made, link = share(can_edit=True)
    guest.open(link)
    return made


def inside(storage):
    """Return the files of the shared folder, without what belongs to s3store."""
    return sorted(stat.name.removeprefix("north/docs/") for stat in storage.scan("north/docs"))


def texts(visitor, made):
    """Return what the next page says."""
    return [str(message) for message in visitor.get(at(made)).context["notes"]]


def file(name="new.txt", content=b"new"):
    return SimpleUploadedFile(name, content)


def test_sh_30_a_guest_adds_files_without_javascript(editing, guest, storage):
    """Several at once, into a folder below; a taken name gets a number, and the log names the guest."""
    answer = guest.post(at(editing, "upload/", "sub"), {"files": [file(), file("deep.txt", b"another")]})
    assert (answer.status_code, answer["Location"]) == (302, at(editing, "in/", "sub"))
    assert {"sub/new.txt", "sub/deep.txt", "sub/deep (2).txt"} <= set(inside(storage))
    assert storage.read_bytes("north/docs/sub/deep.txt") == b"deep"
    rows = AccessLog.objects.filter(action="uploaded")
    assert {row.path for row in rows} == {"docs/sub/new.txt", "docs/sub/deep (2).txt"}
    assert {(row.user, row.actor) for row in rows} == {(None, f"guest of {editing.email}")}
    assert texts(guest, editing) == ["“new.txt” was uploaded.", "“deep (2).txt” was uploaded."]


def upload_directly(visitor, made, name, content):
    """Upload as the widget does, and return the answer of `begin` and the receipt."""
    return post(visitor, "begin", {"destination": signed_label(made.upload_label), "name": name, "size": len(content)})


def test_sh_30_a_guest_adds_files_directly(editing, guest, storage):
    """The browser sends the bytes to the bucket; each step asks whether the link may upload."""
    begun = upload_directly(guest, editing, "big.bin", b"x" * 100)
    assert begun.status_code == 201
    found = begun.json()
    assert storage.objects.name(found["key"]).startswith(f"incoming/{editing.upload_label}/")
    assert send(found, b"x" * 100) in (200, 201, 204)
    sent = guest.post(at(editing, "upload/"), {"files": [found["receipt"]]})
    assert sent.status_code == 302
    assert storage.read_bytes("north/docs/big.bin") == b"x" * 100
    # The upload is gone, and its receipt is worth nothing any more.
    assert [stat.name for stat in storage.scan("incoming")] == []
    guest.post(at(editing, "upload/"), {"files": [found["receipt"]]})
    assert "big (2).bin" not in inside(storage)
    assert any("not uploaded" in text for text in texts(guest, editing))


def test_sh_30_direct_uploads_need_the_session_of_an_edit_link(share, guest, editing, client):
    """Not that of a view link, of another share or of nobody; and a share that ended takes nothing more."""
    viewing, link = share("docs/sub", email="mara@printworks.example")
    other = Visitor()
    other.get(path_of(link))
    for visitor, made in ((other, viewing), (other, editing), (Visitor(), editing)):
        assert upload_directly(visitor, made, "x.txt", b"x").status_code in (401, 404)
    begun = upload_directly(guest, editing, "x.txt", b"x")
    assert begun.status_code == 201
    editing.revoke()
    assert upload_directly(guest, editing, "x.txt", b"x").status_code in (401, 404)
    assert post(guest, "complete", {"ticket": begun.json()["ticket"]}).status_code in (401, 404)


def test_sh_30_no_destination_for_what_is_no_share(editing):
    """A label of another form, a share that does not exist, and a root that is closed."""
    assert destination("share-x") is None
    assert destination(f"share-{Share().pk.hex}") is None
    Place.closed = True
    assert destination(editing.upload_label) is None


def test_sh_30_a_receipt_of_another_share_is_refused(share, guest, editing, storage):
    """A guest of two links cannot mix them."""
    second, link = share("docs/sub", email="mara@printworks.example", can_edit=True)
    guest.open(link)
    found = upload_directly(guest, second, "x.txt", b"x").json()
    guest.post(found["url"], {**found["fields"], "file": SimpleUploadedFile("x", b"x", found["type"])})
    guest.post(at(editing, "upload/"), {"files": [found["receipt"]]})
    assert "x.txt" not in inside(storage)


def test_sh_30_a_guest_has_a_limit_of_files_a_day(editing, guest, storage, settings, moment):
    """200 by default: what is too much is refused with its reason, before it is stored."""
    settings.S3STORE_SHARING = {**settings.S3STORE_SHARING, "upload_files_per_day": 2}
    guest.post(at(editing, "upload/"), {"files": [file("1.txt"), file("2.txt"), file("3.txt")]})
    assert {"1.txt", "2.txt"} <= set(inside(storage))
    assert "3.txt" not in inside(storage)
    assert texts(guest, editing)[-1] == "Too many files were uploaded through this link today."
    refused = upload_directly(guest, editing, "4.txt", b"4")
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "throttled")
    settings.S3STORE_SHARING = {**settings.S3STORE_SHARING, "upload_files_per_day": 3}
    begun = [upload_directly(guest, editing, f"{number}.txt", b"4").status_code for number in range(7)]
    assert begun == [201] * 6 + [429], "uploads that never arrive are limited too"
    moment.now += DAY + DAY // 30 + 1
    assert upload_directly(guest, editing, "4.txt", b"4").status_code == 201


def test_sh_30_uploads_that_never_arrive_have_a_limit_of_bytes_too(editing, guest, settings, moment):
    """They stay in the bucket for days: their sum is limited, and what is refused does not count."""
    settings.S3STORE_SHARING = {**settings.S3STORE_SHARING, "upload_bytes_per_day": 100}
    sizes = [60, 101, 60, 60, 90, 20, 1]
    answers = [upload_directly(guest, editing, "x.bin", b"x" * size) for size in sizes]
    assert [answer.status_code for answer in answers] == [201, 413, 201, 201, 429, 201, 429]
    assert answers[4].json()["error"]["code"] == "throttled"
    negative = {"destination": signed_label(editing.upload_label), "name": "x", "size": -1000}
    assert post(guest, "begin", negative).status_code == 400
    assert upload_directly(guest, editing, "x.bin", b"x").status_code == 429
    assert upload_directly(guest, editing, "x.txt", b"").status_code == 201
    moment.now += DAY + DAY // 30 + 1
    assert upload_directly(guest, editing, "x.bin", b"x" * 100).status_code == 201


def test_sh_30_a_guest_has_a_limit_of_bytes_a_day(editing, guest, storage, settings, moment):
    """1 GiB by default; a direct upload that is larger than what is left does not begin."""
    settings.S3STORE_SHARING = {**settings.S3STORE_SHARING, "upload_bytes_per_day": 10}
    guest.post(at(editing, "upload/"), {"files": [file("1.txt", b"1" * 6)]})
    assert "1.txt" in inside(storage)
    refused = upload_directly(guest, editing, "2.txt", b"2" * 6)
    assert (refused.status_code, refused.json()["error"]["max_size"]) == (413, 4)
    guest.post(at(editing, "upload/"), {"files": [file("3.txt", b"3" * 3), file("4.txt", b"4" * 3)]})
    assert "3.txt" in inside(storage)
    assert "4.txt" not in inside(storage)
    assert "limit" in texts(guest, editing)[-1]
    # The refused file does not count.
    assert Attempt.left(f"upload-bytes:{editing.pk}", limit=10, seconds=DAY) == 1


def test_a_file_that_is_not_stored_does_not_count(editing, guest, monkeypatch):
    """The limit is for what arrived."""
    monkeypatch.setattr("s3store.folders.Folder.save", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        guest.post(at(editing, "upload/"), {"files": [file()]})
    assert Attempt.left(f"upload-files:{editing.pk}", limit=200, seconds=DAY) == 200


def test_sh_08_a_page_that_refuses_shows_no_message_of_an_earlier_one(editing, guest):
    """They can contain names of files."""
    guest.post(at(editing, "upload/"), {"files": [file()]})
    editing.revoke()
    assert b"new.txt" not in guest.get(at(editing)).content


def test_an_empty_form_says_what_is_missing(editing, guest):
    """And changes nothing."""
    guest.post(at(editing, "upload/"))
    assert texts(guest, editing) == ["This field is required."]


def test_sh_30_a_shared_file_can_be_replaced(share, guest, storage):
    """An edit link of a file replaces its content, whatever the name of what is sent."""
    made, link = share("docs/plan.txt", can_edit=True)
    page = guest.open(link)
    assert b"Replace the file" in page.content
    answer = guest.post(at(made, "upload/"), {"files": file("../other.txt", b"a better plan")})
    assert (answer.status_code, answer["Location"]) == (302, at(made))
    assert storage.read_bytes("north/docs/plan.txt") == b"a better plan"
    assert AccessLog.objects.get(action="uploaded").path == "docs/plan.txt"
    assert "other.txt" not in inside(storage)


def test_sh_30_a_guest_makes_and_renames_folders(editing, guest, storage):
    """With names of one part: a path is refused."""
    assert guest.post(at(editing, "create-folder/"), {"name": "print"}).status_code == 302
    assert b"print" in guest.get(at(editing)).content
    guest.post(at(editing, "rename/"), {"old": "plan.txt", "name": "final.txt"})
    assert "final.txt" in inside(storage)
    for name in ("a/b", "..\\b", "", "x" * 300):
        guest.post(at(editing, "create-folder/"), {"name": name})
        guest.post(at(editing, "rename/"), {"old": "final.txt", "name": name})
    assert "final.txt" in inside(storage)
    assert "A name contains no slash." in texts(guest, editing)
    assert {row.action for row in AccessLog.objects.filter(path__startswith="docs/")} == {"uploaded", "moved"}


def test_sh_30_a_taken_name_is_said(editing, guest):
    """Not an error page."""
    guest.post(at(editing, "create-folder/"), {"name": "plan.txt"})
    assert len(texts(guest, editing)) == 1


def test_sh_30_a_guest_moves_files(editing, guest, storage):
    """Inside the shared folder; elsewhere is not found."""
    guest.post(at(editing, "move/"), {"names": ["plan.txt", "roof.jpg"], "target": "sub"})
    assert {"sub/plan.txt", "sub/roof.jpg"} <= set(inside(storage))
    assert texts(guest, editing) == ["Moved: 2"]
    guest.post(at(editing, "move/"), {"names": ["film.webm"], "target": "../docs-2"})
    assert "film.webm" in inside(storage)
    guest.post(at(editing, "move/"), {"target": "sub"})
    guest.post(at(editing, "move/"), {"names": ["film.webm"], "target": "x" * 1025})
    assert len(texts(guest, editing)) == 3


def test_sh_30_a_guest_deletes_and_takes_back(editing, guest, storage):
    """By a button on the next page, for as long as the session lasts."""
    before = inside(storage)
    guest.post(at(editing, "delete/"), {"names": ["plan.txt", "sub"]})
    assert not {"plan.txt", "sub/deep.txt"} & set(inside(storage))
    page = guest.get(at(editing))
    assert b"Undo the deletion" in page.content
    guest.post(at(editing, "restore/"))
    assert inside(storage) == before
    assert b"Undo the deletion" not in guest.get(at(editing)).content
    guest.post(at(editing, "restore/"))
    assert texts(guest, editing) == ["There is nothing to take back."]
    assert AccessLog.objects.filter(action="deleted").count() == 2
    assert AccessLog.objects.filter(action="restored").count() == 2


def test_sh_30_what_fails_is_said(editing, guest, storage):
    """The rest is done."""
    guest.post(at(editing, "delete/"), {"names": ["plan.txt", "gone.txt"]})
    assert "plan.txt" not in inside(storage)
    assert any("gone.txt" in text for text in texts(guest, editing))


def test_sh_30_a_member_is_named_in_the_log(share, storage):
    """A recipient with an account acts as that user."""
    made, _ = share(email="mara@nordlicht-solar.example", can_edit=True)
    mara = Visitor()
    mara.force_login(person("mara", "", verified=True))
    mara.post(at(made, "upload/"), {"files": [file()]})
    row = AccessLog.objects.get(action="uploaded")
    assert (row.user.username, row.actor) == ("mara", "Mara Vogt")


def test_sh_30_an_edit_link_needs_the_right_to_write(editing, guest, storage, monkeypatch):
    """If its creator loses it, the link only reads: the folder asks the policy about each change."""
    monkeypatch.setattr(
        "tests.sharing.site.Policy.can", lambda self, user, action, path: action in ("list", "read", "share")
    )
    before = inside(storage)
    assert guest.get(at(editing)).status_code == 200
    for route, data in (
        ("upload/", {"files": [file()]}),
        ("create-folder/", {"name": "x"}),
        ("rename/", {"old": "plan.txt", "name": "x.txt"}),
    ):
        assert guest.post(at(editing, route), data).status_code in (302, 403, 404)
    assert inside(storage) == before
