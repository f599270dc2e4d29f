"""Direct uploads in Django's admin, and who may use them there."""

import pytest
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from s3store.uploads.destinations import signed_label
from tests.app.models import Upload
from tests.uploads.admin_site import Folder, Sheet
from tests.uploads.client import begin, post, send

pytestmark = pytest.mark.urls("tests.uploads.admin_site")

FILE = "app.Upload.file"
INLINE = {
    "sheet_set-TOTAL_FORMS": 2,
    "sheet_set-INITIAL_FORMS": 0,
    "sheet_set-MIN_NUM_FORMS": 0,
    "sheet_set-MAX_NUM_FORMS": 1000,
}


@pytest.fixture
def storage(settings, seaweedfs_options):
    """The storage of the models, configured by settings as a project does it."""
    names = {"bucket_name": "AWS_STORAGE_BUCKET_NAME", "access_key": "AWS_ACCESS_KEY_ID"}
    names |= {"secret_key": "AWS_SECRET_ACCESS_KEY", "region_name": "AWS_S3_REGION_NAME"}
    names |= {"endpoint_url": "AWS_S3_ENDPOINT_URL", "location": "MEDIAFILES_LOCATION"}
    for name, setting in names.items():
        setattr(settings, setting, seaweedfs_options[name])
    return Upload._meta.get_field("file").storage


@pytest.fixture
def staff(client, user):
    """A client whose user may do everything."""
    user.is_staff = user.is_superuser = True
    user.save()
    return client


def uploaded(client, content=b"hello", name="note.txt", label=FILE):
    begun = begin(client, label, name, len(content))
    assert send(begun, content) == 201
    return begun["receipt"]


def names(storage):
    return sorted(stat.name for stat in storage.scan())


@pytest.mark.django_db(transaction=True)
def test_a_file_is_added_changed_and_cleared(staff, storage):
    """The pages need no code of the project."""
    page = staff.get("/admin/app/upload/add/").content.decode()
    assert "data-s3store-upload" in page
    assert 'type="module"' in page
    assert 'aria-label="File"' in page
    answer = staff.post("/admin/app/upload/add/", {"title": "a", "file": uploaded(staff)})
    assert answer.status_code == 302
    row = Upload.objects.get()
    assert (row.file.name, names(storage)) == ("files/note.txt", ["files/note.txt"])
    change = f"/admin/app/upload/{row.pk}/change/"
    assert "files/note.txt" in staff.get(change).content.decode()
    assert staff.post(change, {"title": "b"}).status_code == 302
    assert Upload.objects.get().file.name == "files/note.txt"
    assert staff.post(change, {"title": "b", "file": uploaded(staff, b"new")}).status_code == 302
    assert Upload.objects.get().file.read() == b"new"
    assert staff.post(change, {"title": "b", "file-clear": "on"}).status_code == 302
    assert not Upload.objects.get().file


@pytest.mark.django_db(transaction=True)
def test_without_javascript_the_same_page_uploads_through_django(staff, storage):
    """By the same rules."""
    file = SimpleUploadedFile("a.html", b"x", content_type="text/plain")
    answer = staff.post("/admin/app/upload/add/", {"title": "a", "file": file})
    assert "not accepted" in answer.content.decode()
    file = SimpleUploadedFile("a.txt", b"x", content_type="text/plain")
    assert staff.post("/admin/app/upload/add/", {"title": "a", "file": file}).status_code == 302
    assert names(storage) == ["files/a.txt"]


@pytest.mark.django_db(transaction=True)
def test_a_page_that_comes_back_keeps_the_upload(staff, storage):
    """Another field has an error: the file is not sent again."""
    receipt = uploaded(staff)
    answer = staff.post("/admin/app/upload/add/", {"title": "", "file": receipt})
    assert (answer.status_code, receipt in answer.content.decode()) == (200, True)
    assert staff.post("/admin/app/upload/add/", {"title": "a", "file": receipt}).status_code == 302
    again = staff.post("/admin/app/upload/add/", {"title": "a", "file": receipt})
    assert (again.status_code, "not uploaded" in again.content.decode()) == (200, True)
    assert (Upload.objects.count(), names(storage)) == (1, ["files/note.txt"])


@pytest.mark.django_db(transaction=True)
def test_inlines_upload_too(staff, storage):
    """Each row of them, and all of them come back if one has an error."""
    receipts = [uploaded(staff, bytes([48 + number]), label="app.Sheet.file") for number in range(2)]
    files = {f"sheet_set-{number}-file": receipt for number, receipt in enumerate(receipts)}
    answer = staff.post("/admin/app/folder/add/", {"title": "", **INLINE, **files})
    page = answer.content.decode()
    assert (answer.status_code, [receipt in page for receipt in receipts]) == (200, [True, True])
    assert "sheet_set-__prefix__-file" in page
    assert staff.post("/admin/app/folder/add/", {"title": "a", **INLINE, **files}).status_code == 302
    assert sorted(sheet.file.read() for sheet in Sheet.objects.all()) == [b"0", b"1"]
    assert all(name.startswith("sheets/") for name in names(storage))
    assert Folder.objects.get().sheet_set.count() == 2


@pytest.mark.django_db
@pytest.mark.parametrize("label", ["app.Upload.image", "app.Sheet.file"])
def test_sf_13_a_receipt_of_another_field_is_refused(staff, storage, label):
    """Also in the admin."""
    receipt = uploaded(staff, name="a.png", label=label)
    assert staff.post("/admin/app/upload/add/", {"title": "a", "file": receipt}).status_code == 200
    assert not Upload.objects.exists()


@pytest.mark.django_db
def test_sf_13_who_may_not_change_a_row_changes_no_file(client, user, storage, django_user_model):
    """Django checks the permission of the page; a receipt of one's own does not help."""
    user.is_staff = True
    user.save()
    row = Upload.objects.create(title="a", file=SimpleUploadedFile("old.txt", b"old"))
    change = f"/admin/app/upload/{row.pk}/change/"
    receipt = uploaded(client)
    assert client.post(change, {"title": "b", "file": receipt}).status_code == 403
    user.user_permissions.add(Permission.objects.get(codename="view_upload"))
    assert "data-s3store-upload" not in client.get(change).content.decode()
    assert client.post(change, {"title": "b", "file": receipt}).status_code == 403
    assert client.post(change, {"title": "b", "file-clear": "on"}).status_code == 403
    row.refresh_from_db()
    assert (row.title, row.file.read()) == ("a", b"old")


@pytest.mark.django_db
def test_sf_13_readonly_fields_have_no_widget(staff, storage):
    """And take no receipt."""
    row = Upload.objects.create(title="a", file=SimpleUploadedFile("old.txt", b"old"))
    change = f"/readonly/app/upload/{row.pk}/change/"
    page = staff.get(change).content.decode()
    assert "old.txt" in page
    assert "data-s3store-upload" not in page
    assert staff.post(change, {"file": uploaded(staff)}).status_code == 302
    row.refresh_from_db()
    assert row.file.read() == b"old"


@pytest.mark.django_db
def test_sf_13_the_endpoint_asks_for_permission_as_well(staff, storage, monkeypatch):
    """A field's permission decides who may upload for it, whoever sees the page."""
    field = Upload._meta.get_field("file")
    body = {"destination": signed_label(FILE), "name": "a.txt", "size": 1}
    assert post(staff, "begin", body).status_code == 201
    monkeypatch.setattr(field, "permission", lambda request: request.user.username == "bob")
    assert post(staff, "begin", body).status_code == 404
    assert post(Client(), "begin", body).status_code == 401
