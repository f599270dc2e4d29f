"""Serializers of Django REST framework: receipts, multipart forms, and the browsable API."""

import json
from urllib.parse import urljoin

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, override_settings
from django.urls import include, path
from django.utils.translation import override

from s3store.uploads import Destination, acting_for, destinations, register, signed_label
from tests.app.models import Upload
from tests.optional import needs
from tests.settings import INSTALLED_APPS
from tests.uploads.client import begin
from tests.uploads.client import send as send_bytes
from tests.uploads.conftest import ON_A_SERVER
from tests.uploads.site import names, png, uploaded

authentication = needs("rest_framework.authentication")
routers = needs("rest_framework.routers")
serializers = needs("rest_framework.serializers")
viewsets = needs("rest_framework.viewsets")
ours = pytest.importorskip("s3store.rest_framework")
AuthenticationFailed = needs("rest_framework.exceptions").AuthenticationFailed

FILE, IMAGE = "app.Upload.file", "app.Upload.image"


class UploadSerializer(serializers.ModelSerializer):
    file = ours.S3FileField(destination=FILE, required=False, allow_null=True)
    image = ours.S3ImageField(destination=IMAGE, required=False)

    class Meta:
        model = Upload
        fields = ["id", "title", "file", "image", "width"]
        read_only_fields = ["width"]


class Strict(serializers.Serializer):
    """A field that must be sent, with limits of its own."""

    file = ours.S3FileField(destination=FILE, max_length=10, allow_empty_file=False)


class Folder(serializers.Serializer):
    """One upload in an object, and several in a list."""

    name = serializers.CharField()
    cover = Strict()
    pages = UploadSerializer(many=True)
    files = serializers.ListField(child=ours.S3FileField(destination=FILE), required=False)


class UploadViewSet(viewsets.ModelViewSet):
    queryset = Upload.objects.order_by("pk")
    serializer_class = UploadSerializer


class Tokens(authentication.TokenAuthentication):
    """Tokens that are the names of users. Those of projects are in a table."""

    def authenticate_credentials(self, key):
        user = User.objects.filter(username=key).first()
        if user is None:
            raise AuthenticationFailed("No such token.")
        return user, key


class TokenViewSet(UploadViewSet):
    authentication_classes = [Tokens]


router = routers.DefaultRouter()
router.register("uploads", UploadViewSet)
router.register("by-token", TokenViewSet, basename="by-token")
urlpatterns = [
    path("api/", include(router.urls)),
    path("s3store/", include("s3store.urls")),
    path("media/s3/", include("s3store.local.urls")),
    path("tokens/", include(ours.upload_urls(Tokens))),
    path("sessions/", include(ours.upload_urls())),
]

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


@pytest.fixture(autouse=True)
def storage(model_storage):
    with override_settings(INSTALLED_APPS=[*INSTALLED_APPS, "rest_framework"]):
        yield model_storage


def send(client, method, where, body):
    answer = getattr(client, method)(f"/api/uploads/{where}", json.dumps(body), content_type="application/json")
    return answer.status_code, answer.json()


@pytest.fixture
def row():
    return Upload.objects.create(title="a", file=ContentFile(b"old", name="old.txt"))


def test_a_receipt_becomes_the_file(client, user, storage, django_capture_on_commit_callbacks):
    """The answer has its URL. The upload itself is gone after the commit."""
    receipt = uploaded(client, b"hello")
    with django_capture_on_commit_callbacks(execute=True):
        status, answer = send(client, "post", "", {"title": "a", "file": receipt})
    assert status == 201, answer
    url = urljoin("http://testserver/", storage.url("files/note.txt"))
    assert answer["file"].startswith(url.partition("?")[0])
    assert Upload.objects.get().file.read() == b"hello"
    assert names(storage) == ["files/note.txt"]


def test_a_patch_without_the_field_keeps_the_file(client, row, storage):
    """No request is sent to S3 for it."""
    status, answer = send(client, "patch", f"{row.pk}/", {"title": "b"})
    assert (status, answer["title"]) == (200, "b")
    assert Upload.objects.get().file.read() == b"old"


def test_null_clears_the_field(client, row, storage, django_capture_on_commit_callbacks):
    """And the field deletes its file, as everywhere."""
    with django_capture_on_commit_callbacks(execute=True):
        status, answer = send(client, "patch", f"{row.pk}/", {"file": None})
    assert (status, answer["file"]) == (200, None)
    assert not Upload.objects.get().file
    assert names(storage) == []


@pytest.mark.parametrize("form", ["url", "unsigned", "name"])
def test_what_was_sent_can_be_sent_back(client, row, storage, form):
    """The URL of the current file, however it is signed, and its name keep it."""
    url = client.get(f"/api/uploads/{row.pk}/").json()["file"]
    sent = {"url": url, "unsigned": url.partition("?")[0], "name": "files/old.txt"}[form]
    status, answer = send(client, "put", f"{row.pk}/", {"title": "b", "file": sent})
    assert status == 200, answer
    assert Upload.objects.get().file.read() == b"old"
    assert names(storage) == ["files/old.txt"]


@pytest.mark.parametrize(
    "sent",
    [
        "files/other.txt",
        "https://evil.example/files/old.txt",
        "http://[old.txt",
        "receipt",
        "x" * 5000,
    ],
)
def test_other_texts_are_refused(client, row, storage, sent):
    """SF-16: the key, the name or the URL of another file is no receipt."""
    storage.save("files/other.txt", ContentFile(b"of another user"))
    status, answer = send(client, "patch", f"{row.pk}/", {"file": sent})
    assert (status, answer) == (400, {"file": ["This upload is not known. Choose the file again."]})
    assert Upload.objects.get().file.name == "files/old.txt"


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ("", "The submitted data was not a file. Check the encoding type on the form."),
        (7, "The submitted data was not a file. Check the encoding type on the form."),
        (["a"], "The submitted data was not a file. Check the encoding type on the form."),
        ({"a": 1}, "The submitted data was not a file. Check the encoding type on the form."),
    ],
    ids=["empty", "number", "list", "object"],
)
def test_what_is_no_file_is_refused(client, row, sent, said):
    """SF-15: in the words of REST framework."""
    assert send(client, "patch", f"{row.pk}/", {"file": sent}) == (400, {"file": [said]})


def test_the_receipt_of_another_user_is_refused(client, user, django_user_model):
    """Receipts belong to who uploaded."""
    receipt = uploaded(client, b"hello")
    client.force_login(django_user_model.objects.create_user("eve"))
    status, answer = send(client, "post", "", {"title": "a", "file": receipt})
    assert (status, list(answer)) == (400, ["file"])
    assert not Upload.objects.exists()


def test_the_receipt_for_another_field_is_refused(client):
    """SF-02: each field accepts other sizes and types."""
    receipt = uploaded(client, b"hello")
    status, answer = send(client, "post", "", {"title": "a", "image": receipt})
    assert (status, list(answer)) == (400, ["image"])


def test_a_receipt_without_an_upload_is_refused(client):
    """SF-09: S3 is asked. The sentence is in the language of the request."""
    receipt = begin(client, FILE, "note.txt", 5)["receipt"]
    with override("de"):
        serializer = UploadSerializer(data={"title": "a", "file": receipt})
        with acting_for(User.objects.get()):
            assert not serializer.is_valid()
        (detail,) = serializer.errors["file"]
    assert str(detail).startswith("Die Datei wurde nicht hochgeladen")
    assert detail.code == "not_uploaded"


@ON_A_SERVER
def test_a_storage_that_does_not_answer_is_an_error_of_the_field(client, settings):
    """Not an error 500. The receipt can be sent again."""
    receipt = uploaded(client, b"hello")
    settings.AWS_S3_ENDPOINT_URL = "http://127.0.0.1:9"
    settings.AWS_S3_MAX_ATTEMPTS = 1
    with acting_for(User.objects.get()):
        serializer = UploadSerializer(data={"title": "a", "file": receipt})
        assert not serializer.is_valid()
    assert serializer.errors["file"][0].code == "storage_busy"


def test_without_a_request_somebody_must_say_whose_uploads_count(client):
    """A serializer without context is used by tasks and commands."""
    receipt = uploaded(client, b"hello")
    with pytest.raises(ImproperlyConfigured, match="acting_for"):
        UploadSerializer(data={"title": "a", "file": receipt}).is_valid()


def test_limits_of_the_field_count_for_receipts(client, user):
    """The length of the name, and whether the file may be empty."""
    receipts = [uploaded(client, b"hello", "a-long-name.txt"), uploaded(client, b"", "empty.txt")]
    with acting_for(user):
        found = [Strict(data={"file": receipt}) for receipt in receipts]
        assert [serializer.is_valid() for serializer in found] == [False, False]
    assert [serializer.errors["file"][0].code for serializer in found] == ["max_length", "empty"]
    missing = Strict(data={})
    assert not missing.is_valid()
    assert missing.errors["file"][0].code == "required"


def test_a_destination_that_does_not_exist_takes_no_receipts(client, user):
    """Files still arrive through Django."""

    class Wrong(serializers.Serializer):
        file = ours.S3FileField(destination="app.Upload.missing")

    receipt = uploaded(client, b"hello")
    with acting_for(user):
        refused = Wrong(data={"file": receipt})
        assert not refused.is_valid()
    assert refused.errors["file"][0].code == "invalid"
    assert Wrong(data={"file": SimpleUploadedFile("a.txt", b"a")}).is_valid()


# Through Django


def test_a_form_uploads_through_django(client, storage):
    """As multipart/form-data."""
    answer = client.post("/api/uploads/", {"title": "a", "file": SimpleUploadedFile("b.txt", b"text")})
    assert answer.status_code == 201, answer.content
    assert Upload.objects.get().file.read() == b"text"


@pytest.mark.parametrize(
    ("field", "file", "code"),
    [
        ("image", SimpleUploadedFile("a.gif", png(), "image/gif"), "type_refused"),
        ("file", SimpleUploadedFile("a.html", b"<p>", "text/html"), "type_refused"),
        ("file", SimpleUploadedFile("a\x07.txt", b"a"), "name_refused"),
    ],
)
def test_files_through_django_keep_the_rules(user, field, file, code):
    """SF-16: the same rules as for direct uploads."""
    serializer = UploadSerializer(data={"title": "a", field: file})
    assert not serializer.is_valid()
    assert serializer.errors[field][0].code == code


def test_a_file_through_django_can_be_too_large(monkeypatch):
    """The limit is that of the model field."""
    monkeypatch.setattr(Upload._meta.get_field("file"), "max_size", 3)
    serializer = UploadSerializer(data={"title": "a", "file": SimpleUploadedFile("a.txt", b"text")})
    assert not serializer.is_valid()
    assert serializer.errors["file"][0].code == "too_large"


# Images


def test_an_image_is_measured(client):
    """Pillow reads it from S3, and the row gets its size."""
    status, answer = send(client, "post", "", {"title": "a", "image": uploaded(client, png(), "a.png", IMAGE)})
    assert (status, answer["width"]) == (201, 3)
    status, answer = send(client, "patch", f"{answer['id']}/", {"image": answer["image"]})
    assert (status, answer["width"]) == (200, 3)


def test_what_is_no_image_is_refused(client):
    """Although its name and its type are those of an image."""
    status, answer = send(client, "post", "", {"title": "a", "image": uploaded(client, b"text", "a.png", IMAGE)})
    assert status == 400
    assert answer["image"][0].startswith("Upload a valid image.")


def test_a_storage_that_stops_answering_while_pillow_reads(client, user, storage, monkeypatch):
    """The image may be one: the client can try again."""
    receipt = uploaded(client, png(), "a.png", IMAGE)
    info = storage.objects.bucket.find

    def find_and_vanish(bucket, key, params):
        found = info(key, params)
        bucket.delete(key, params)
        return found

    monkeypatch.setattr(type(storage.objects.bucket), "find", find_and_vanish)
    with acting_for(user):
        serializer = UploadSerializer(data={"title": "a", "image": receipt})
        assert not serializer.is_valid()
    assert serializer.errors["image"][0].code == "storage_busy"


# Nested serializers


def test_nested_serializers(client, user, rf):
    """Objects, lists of objects and lists of files use the request of the outer one. Errors are where they belong."""
    request = rf.get("/")
    request.user = user
    receipts = [uploaded(client, b"%d" % number, f"{number}.txt") for number in range(4)]
    body = {
        "name": "a",
        "cover": {"file": receipts[0]},
        "pages": [{"title": "1", "file": receipts[1]}],
        "files": receipts[2:],
    }
    folder = Folder(data=body, context={"request": request})
    assert folder.is_valid(), folder.errors
    found = folder.validated_data
    files = [found["cover"]["file"], found["pages"][0]["file"], *found["files"]]
    assert [file.read() for file in files] == [b"0", b"1", b"2", b"3"]
    body |= {"cover": {"file": "a"}, "pages": [{"title": "1", "file": "b"}], "files": [receipts[2], "c"]}
    folder = Folder(data=body, context={"request": request})
    assert not folder.is_valid()
    assert set(folder.errors) == {"cover", "pages", "files"}
    assert list(folder.errors["files"]) == [1]


# The browsable API


def test_the_browsable_api_has_a_file_input(client, row):
    """The list and the page of a row are shown, with a form that uploads through Django."""
    for where in ("", f"{row.pk}/"):
        page = client.get(f"/api/uploads/{where}", headers={"Accept": "text/html"}).content.decode()
        assert 'name="file"' in page
        assert 'type="file"' in page
        assert 'enctype="multipart/form-data"' in page


def test_the_form_of_the_browsable_api(client, row, storage):
    """It saves without a new file, and with one."""
    for sent in ({}, {"file": SimpleUploadedFile("b.txt", b"new")}):
        answer = client.post("/api/uploads/", {"title": "b", **sent}, headers={"Accept": "text/html"})
        assert answer.status_code == 201, answer.content
    assert [bool(found.file) for found in Upload.objects.order_by("pk")] == [True, False, True]


def test_the_browsable_api_shows_refusals(client):
    """In the page."""
    answer = client.post(
        "/api/uploads/", {"title": "b", "file": SimpleUploadedFile("a.html", b"<p>")}, headers={"Accept": "text/html"}
    )
    assert answer.status_code == 400
    assert b"Files of this type are not accepted." in answer.content


# Clients with tokens


def asked(client, where, body, **headers):
    """Send JSON as a client that is no browser, and return status and JSON of the answer."""
    answer = client.post(where, json.dumps(body), content_type="application/json", **headers)
    return answer.status_code, answer.json() if answer["Content-Type"] == "application/json" else None


BEGIN = {"destination": signed_label(FILE), "name": "note.txt", "size": 5}
ANN = {"HTTP_AUTHORIZATION": "Token ann"}


@pytest.fixture
def outsider(user):
    """A client without a session and without a CSRF token."""
    return Client(enforce_csrf_checks=True)


def test_a_client_with_a_token_uploads(outsider, storage, django_capture_on_commit_callbacks):
    """It needs neither a session nor a CSRF token. Its receipt works where its token does."""
    status, begun = asked(outsider, "/tokens/begin/", BEGIN, **ANN)
    assert (status, send_bytes(begun, b"hello")) == (201, 201)
    row = {"title": "a", "file": begun["receipt"]}
    with django_capture_on_commit_callbacks(execute=True):
        assert asked(outsider, "/api/by-token/", row, **ANN)[0] == 201
    assert names(storage) == ["files/note.txt"]
    assert outsider.cookies == {}


def test_a_token_is_for_its_user(outsider, client, django_user_model):
    """Neither the ticket nor the receipt of another is taken."""
    django_user_model.objects.create_user("eve")
    begun = asked(outsider, "/tokens/begin/", BEGIN, **ANN)[1]
    eve = {"HTTP_AUTHORIZATION": "Token eve"}
    status, answer = asked(outsider, "/tokens/complete/", {"ticket": begun["ticket"]}, **eve)
    assert (status, answer["error"]["code"]) == (403, "ticket_invalid")
    assert asked(outsider, "/api/by-token/", {"title": "a", "file": begun["receipt"]}, **eve)[0] == 400


@pytest.mark.parametrize("headers", [{"HTTP_AUTHORIZATION": "Token none"}, {}], ids=["wrong", "none"])
def test_without_a_token_nobody_uploads(client, headers):
    """A session is none of the classes: its user is a visitor here. The error is JSON."""
    status, answer = asked(client, "/tokens/begin/", BEGIN, **headers)
    assert (status, answer["error"]["code"]) == (401, "login_required")


def test_sessions_and_visitors_need_the_csrf_token(outsider, user, storage):
    """REST framework's class for sessions checks it, and for visitors Django does."""
    register("public", Destination(storage=storage, permission=lambda request: True))
    body = {**BEGIN, "destination": signed_label("public")}
    try:
        assert asked(outsider, "/tokens/begin/", body) == (403, None)
        token = {"HTTP_X_CSRFTOKEN": outsider.get("/s3store/token/").json()["csrf_token"]}
        assert asked(outsider, "/tokens/begin/", body, **token)[0] == 201
    finally:
        destinations._declared.pop("public")
    outsider.force_login(user)
    status, answer = asked(outsider, "/sessions/begin/", BEGIN)
    assert (status, answer["error"]["code"]) == (403, "csrf_failed")
    token = {"HTTP_X_CSRFTOKEN": outsider.get("/s3store/token/").json()["csrf_token"]}
    assert asked(outsider, "/sessions/begin/", BEGIN, **token)[0] == 201
    assert outsider.post("/sessions/abort/", "a=b", content_type="application/x-www-form-urlencoded").status_code == 403
