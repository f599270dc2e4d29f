"""What happens to shares when their files are moved, deleted or restored, and when people lose their rights."""

from __future__ import annotations

import pytest
from django.core.files.base import ContentFile

from s3store.sharing import AccessLog, Share
from s3store.sharing.follow import restored
from tests.sharing.conftest import at
from tests.sharing.site import Place

pytestmark = pytest.mark.django_db


def fresh(made):
    return Share.objects.get(pk=made.pk)


def test_sh_24_a_share_follows_its_file(share, guest, folder, lena):
    """Renamed, moved, and moved with the folder above it; the session of the link goes on."""
    made, link = share("docs/plan.txt")
    guest.open(link)
    acting = folder.as_user(lena)
    acting.rename("docs/plan.txt", "final.txt")
    assert fresh(made).path == "docs/final.txt"
    acting.create_folder("archive")
    acting.move("docs/final.txt", "archive")
    assert fresh(made).path == "archive/final.txt"
    acting.rename("archive", "old")
    assert fresh(made).path == "old/final.txt"
    assert guest.post(at(made, "download/")).status_code == 303
    assert [row.detail["source"] for row in AccessLog.objects.filter(action="moved", share=made).order_by("pk")] == [
        "docs/plan.txt",
        "docs/final.txt",
        "archive/final.txt",
    ]
    assert list(Share.objects.for_path(folder, "old/final.txt")) == [fresh(made)]


def test_sh_24_a_share_of_a_folder_follows_it(share, folder, lena):
    """And those of what is inside, but not those of its neighbours."""
    made = {path: share(path)[0] for path in ("docs", "docs/sub", "docs/sub/deep.txt", "docs-2", "docs.txt", "Docs")}
    folder.as_user(lena).rename("docs/", "papers")
    assert {path: fresh(one).path for path, one in made.items()} == {
        "docs": "papers",
        "docs/sub": "papers/sub",
        "docs/sub/deep.txt": "papers/sub/deep.txt",
        "docs-2": "docs-2",
        "docs.txt": "docs.txt",
        "Docs": "Docs",
    }


def test_sh_24_a_file_and_a_folder_of_one_name_are_two_things(share, folder, storage, lena):
    """Moving one leaves the share of the other."""
    storage.save("north/docs/sub2", ContentFile(b"a file"))
    storage.save("north/docs/sub2/in.txt", ContentFile(b"in a folder"))
    of_file, _ = share("docs/sub2")
    of_inside, _ = share("docs/sub2/in.txt")
    of_folder, _ = share("docs/sub2/", email="mara@printworks.example")
    assert (of_file.is_folder, of_folder.is_folder) == (False, True)
    folder.as_user(lena).rename("docs/sub2", "file")
    assert fresh(of_file).path == "docs/file"
    assert (fresh(of_inside).path, fresh(of_folder).path) == ("docs/sub2/in.txt", "docs/sub2")
    folder.as_user(lena).rename("docs/sub2/", "folder")
    assert (fresh(of_inside).path, fresh(of_folder).path) == ("docs/folder/in.txt", "docs/folder")


def test_sh_24_a_share_that_meets_another_ends(share, folder, lena):
    """The same address has one share of a path: the one of the file that was replaced or merged stays."""
    first, _ = share("docs/plan.txt")
    second, _ = share("docs/sub/deep.txt")
    acting = folder.as_user(lena)
    acting.rename("docs/plan.txt", "deep.txt")
    acting.move("docs/deep.txt", "docs/sub", merge="replace")
    assert fresh(first).state == "stopped"
    assert (fresh(second).state, fresh(second).path) == ("active", "docs/sub/deep.txt")


def test_sh_24_a_deleted_file_pauses_its_share_and_undo_resumes_it(share, guest, folder, lena):
    """A new file of that name does not: whoever shared the old one did not share the new one."""
    made, link = share("docs/plan.txt")
    above, _ = share("docs", email="mara@printworks.example")
    acting = folder.as_user(lena)
    trashed = acting.trash("docs/plan.txt", operation="op-1")
    assert (fresh(made).state, fresh(above).state) == ("paused", "active")
    assert guest.open(link).status_code == 410
    acting.save("docs/plan.txt", b"a new plan")
    assert guest.open(link).status_code == 410
    acting.delete("docs/plan.txt")
    acting.restore(trashed)
    assert fresh(made).state == "active"
    assert guest.open(link).status_code == 200


def test_sh_24_undo_beside_a_new_file_follows_the_old_one(share, guest, folder, lena):
    """The restored file has another name, and the share is of that file."""
    made, link = share("docs/plan.txt")
    acting = folder.as_user(lena)
    trashed = acting.trash("docs/plan.txt", operation="op-1")
    acting.save("docs/plan.txt", b"a new plan")
    acting.restore(trashed)
    assert fresh(made).path != "docs/plan.txt"
    guest.open(link)
    assert guest.post(at(made, "download/")).status_code == 303


def test_sh_24_deleted_for_ever_stays_paused(share, guest, folder, lena):
    """There is no operation to undo."""
    made, link = share("docs/plan.txt")
    inside, _ = share("docs/sub/deep.txt")
    acting = folder.as_user(lena)
    acting.delete(["docs/plan.txt", "docs/sub"])
    assert (fresh(made).state, fresh(inside).state) == ("paused", "paused")
    assert guest.open(link).status_code == 410
    # Sharing the new file is a decision: it renews the row.
    acting.save("docs/plan.txt", b"a new plan")
    again, link = share("docs/plan.txt")
    assert (again.pk, again.state) == (made.pk, "active")
    assert guest.open(link).status_code == 200


def test_sh_24_a_restored_file_without_an_operation_resumes_nothing(share, folder, lena):
    """Shares that were deleted for ever have none either."""
    made, _ = share("docs/plan.txt")
    folder.as_user(lena).delete("docs/plan.txt")
    restored(None, folder=folder, source="docs/plan.txt", target="docs/plan.txt", operation="")
    assert fresh(made).state == "paused"


def test_sh_24_the_database_does_not_decide_about_prefixes(share, folder):
    """SQLite's LIKE also finds `Docs/` for `docs/`: Python looks again."""
    share("Docs/upper.txt")
    inside, _ = share("docs/plan.txt")
    assert Share.objects.all().below("north/", "docs") == [inside]
    assert set(Share.objects.for_path(folder, "docs", below=True)) == {inside}


LOSSES = {
    "demoted": lambda lena: Place.roles.update(lena="viewer"),
    "deactivated": lambda lena: type(lena).objects.filter(pk=lena.pk).update(is_active=False),
    "removed": lambda lena: lena.delete(),
}


@pytest.mark.parametrize("lose", LOSSES.values(), ids=LOSSES)
def test_sh_25_a_share_ends_with_the_right_of_its_creator(share, guest, lena, lose):
    """With the next request; a right that comes back brings it back, a user who is gone does not."""
    made, link = share()
    guest.open(link)
    lose(lena)
    assert guest.get(at(made)).status_code == 410
    assert guest.open(link).status_code == 410


def test_sh_26_a_closed_company_has_no_shares(share, guest):
    """The project returns no folder for its root, and all its links have ended."""
    made, link = share()
    guest.open(link)
    Place.closed = True
    assert guest.get(at(made)).status_code == 410
    assert guest.open(link).status_code == 410
    Place.closed = False
    assert guest.open(link).status_code == 200


def test_a_folder_of_another_root_is_not_used(share, guest, settings):
    """A project that returns the wrong folder shows nothing of it."""
    made, link = share()
    settings.S3STORE_SHARING = {
        **settings.S3STORE_SHARING,
        "folder": lambda _share: __import__("tests.sharing.site", fromlist=["x"]).root_folder("south/"),
    }
    assert guest.open(link).status_code == 410
    assert made.state == "active"
