"""Permanent addresses of private files: asked for permission first, and in each mode."""

from __future__ import annotations

import warnings

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.http import HttpResponse
from django.urls import path
from django.utils.translation import gettext_lazy, override

from s3store.storage import S3Storage
from s3store.testing.counting import counted_requests
from s3store.views import FieldFileView, FileView
from tests.app.models import Document

CONTENT = b"private"


class Files(FileView):
    """What is below `public` is for everybody, the rest for staff."""

    storage = "private"
    mode = "stream"

    def has_permission(self, name):
        return name.startswith("public/") or self.request.user.is_staff


class Rich(FieldFileView):
    """The file of a document, for staff."""

    model = Document
    field = "rich"
    mode = "stream"

    def has_permission(self, obj):
        assert isinstance(obj, Document)
        return self.request.user.is_staff


class Named(Files):
    """A view whose names are made by its methods."""

    def get_name(self):
        return f"public/{self.kwargs['number']}.bin"

    def get_download_name(self, name):
        return f"Nº {self.kwargs['number']} ({name.removeprefix('public/')})"


urlpatterns = [
    path("files/<path:name>", Files.as_view()),
    path("links/<path:name>", Files.as_view(mode="redirect", expire=60, download_as="x.bin")),
    path("numbers/<int:number>", Named.as_view()),
    path("rich/<int:pk>", Rich.as_view()),
]


@pytest.fixture
def storage(s3_options, settings):
    """The storage of the alias `private`, with two files."""
    settings.ROOT_URLCONF = __name__
    settings.STORAGES = {
        **settings.STORAGES,
        "private": {"BACKEND": "s3store.storage.S3Storage", "OPTIONS": s3_options},
    }
    storage = S3Storage(**s3_options)
    storage.save("secret.bin", CONTENT)
    storage.save("public/1.bin", CONTENT)
    return storage


@pytest.fixture
def staff(db):
    return User.objects.create(username="staff", is_staff=True)


@pytest.fixture
def visitor(db):
    return User.objects.create(username="visitor")


def test_b21_the_address_stays_and_permission_is_asked_each_time(client, storage, staff):
    """The same address answers as long as it may, and no longer."""
    client.force_login(staff)
    first, second = client.get("/links/secret.bin"), client.get("/links/secret.bin")
    assert (first.status_code, second.status_code) == (302, 302)
    assert (first.headers["Cache-Control"], dict(first.cookies)) == ("private, no-store", {})
    assert "X-Amz-Signature=" in first.url
    assert "filename%3D%22x.bin%22" in first.url
    assert "X-Amz-Expires=60&" in first.url
    User.objects.update(is_staff=False)
    assert client.get("/links/secret.bin").status_code == 403


def test_b23_the_mode_is_the_views(client, storage, db):
    """One attribute decides whether the browser is sent to S3 or gets the content from here."""
    streamed = client.get("/files/public/1.bin")
    assert (streamed.status_code, b"".join(streamed.streaming_content)) == (200, CONTENT)
    assert client.get("/links/public/1.bin").status_code == 302


def test_the_attributes_of_a_view_are_the_arguments_of_its_answers(rf, storage, db):
    """Each of them can also be given to as_view."""
    request = rf.get("/", HTTP_RANGE="bytes=0-")
    view = Files.as_view(inline=True, max_range=3, content_type="image/png")
    response = view(request, name="public/1.bin")
    assert response.headers["Content-Range"] == "bytes 0-2/7"
    assert response.headers["Content-Type"] == "image/png"
    assert response.headers["Content-Disposition"].startswith("inline")
    response.close()
    response = Files.as_view(mode="accelerate", internal_location="/inside/")(request, name="public/1.bin")
    assert response.headers["X-Accel-Redirect"].startswith("/inside/http/")


def test_head_is_answered_and_nothing_else(client, storage, db):
    """405 for what would change something, before permission is asked."""
    assert client.head("/files/public/1.bin").headers["Content-Length"] == "7"
    for method in (client.post, client.put, client.patch, client.delete, client.options):
        response = method("/files/secret.bin")
        assert (response.status_code, response.headers["Allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize("name", ["secret.bin", "none.bin"])
def test_who_is_refused_learns_nothing(client, storage, visitor, name):
    """The answer is the same whether or not there is a file, and S3 is not asked."""
    with counted_requests(storage) as requests:
        response = client.get(f"/files/{name}")
        assert (response.status_code, response.url) == (302, f"/accounts/login/?next=/files/{name}")
        client.force_login(visitor)
        assert client.get(f"/files/{name}").status_code == 403
    assert requests == []


def test_raise_exception_refuses_at_once(rf):
    """Without a way to the login, as AccessMixin has it."""
    request = rf.get("/")
    request.user = AnonymousUser()
    with pytest.raises(PermissionDenied):
        Files.as_view(raise_exception=True)(request, name="secret.bin")


def test_who_may_learns_that_there_is_no_file(client, storage, staff):
    """404, and 400 for names that leave the storage."""
    client.force_login(staff)
    assert client.get("/files/none.bin").status_code == 404
    assert client.get("/files/a/../../secret.bin").status_code == 400


def test_names_come_from_methods_where_they_are_given(client, storage, db):
    """The name in S3, and the one that the browser saves."""
    response = client.get("/numbers/1")
    assert b"".join(response.streaming_content) == CONTENT
    assert response.headers["Content-Disposition"] == (
        "attachment; filename=\"No 1 (1.bin)\"; filename*=UTF-8''N%C2%BA%201%20%281.bin%29"
    )


@pytest.mark.parametrize(("view", "signature"), [(FileView, "self, name"), (FieldFileView, "self, obj")])
def test_a_view_without_a_rule_serves_nothing(rf, storage, db, view, signature):
    """It says which method is missing."""
    document = Document.objects.create(rich="secret.bin")

    class Bare(view):
        pass

    words = {"model": Document, "field": "rich"} if view is FieldFileView else {}
    with pytest.raises(ImproperlyConfigured, match=rf"Bare has no permission check.*has_permission\({signature}\)"):
        Bare.as_view(**words)(rf.get("/"), name="secret.bin", pk=document.pk)


async def _later():
    return True


class _Awaitable:
    def __await__(self):
        yield


def _a_tuple():
    return (False,)


def _a_word():
    return "False"


def _a_number():
    return 1


def _none():
    return None


def _a_method():
    return "x".isdigit


def _generator():
    yield False


async def _async_generator():
    yield False


NO_ANSWERS = [
    *(_later, _Awaitable, HttpResponse, dict, _a_tuple, _a_word, _a_number, _none, _a_method, _generator),
    _async_generator,
]


@pytest.mark.parametrize("answer", NO_ANSWERS, ids=lambda answer: answer.__name__)
@pytest.mark.parametrize("view", [FileView, FieldFileView])
def test_an_answer_that_is_no_bool_lets_nobody_in(rf, storage, db, view, answer):
    """Only True is yes and only False is no: most other objects are true, and were meant as something else."""
    document = Document.objects.create(rich="secret.bin")

    class Careless(view):
        def has_permission(self, asked):
            return answer()

    words = {"model": Document, "field": "rich"} if view is FieldFileView else {"storage": "private"}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ImproperlyConfigured, match=r"Careless\.has_permission returned .* True or False"):
            Careless.as_view(**words)(rf.get("/"), name="secret.bin", pk=document.pk)


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("./secret.bin", 404),
        ("public/..secret.bin", 404),
        ("secret.bin/.", 404),
        ("public/.//1.bin", 404),
        ("public//1.bin", 404),
        ("public\\1.bin", 404),
        (".\\secret.bin", 404),
        ("public/1.bin", 200),
        ("../secret.bin", 400),
        ("public/../secret.bin", 400),
        ("public/\n1.bin", 400),
    ],
)
def test_the_rule_sees_the_name_that_is_served(client, storage, monkeypatch, name, status):
    """Other ways to write a name are no names of files: the rule is not asked, and S3 neither."""
    asked = []
    monkeypatch.setattr(Files, "has_permission", lambda view, name: asked.append(name) or True)
    monkeypatch.setattr(Files, "get_name", lambda view: name)
    with counted_requests(storage) as requests:
        response = client.get("/files/any")
    if name == "public/..secret.bin":
        # A name of its own, that S3 does not have.
        assert (response.status_code, asked, len(requests)) == (404, [name], 1)
        return
    assert response.status_code == status
    assert asked == ([name] if status == 200 else [])
    assert bool(requests) == (status == 200)


def test_words_of_views_may_be_translated_later(rf, storage, db):
    """In the language of each request."""
    request = rf.get("/")
    view = Files.as_view(mode="redirect", download_as=gettext_lazy("Yes"), content_type=gettext_lazy("image/png"))
    for language, name in (("en", "Yes"), ("de", "Ja")):
        with override(language):
            response = view(request, name="public/1.bin")
        assert f"filename%3D%22{name}%22" in response.url
        assert "response-content-type=image%2Fpng" in response.url


# The file of an object


@pytest.fixture
def document(storage, db, monkeypatch):
    """A document with a file in the private storage."""
    monkeypatch.setattr(Document._meta.get_field("rich"), "storage", storage)
    return Document.objects.create(rich="secret.bin")


def test_the_file_of_an_object_is_served_from_its_own_storage(client, document, staff, visitor):
    """The object is what permission is asked for."""
    assert client.get(f"/rich/{document.pk}").status_code == 302
    client.force_login(visitor)
    assert client.get(f"/rich/{document.pk}").status_code == 403
    client.force_login(staff)
    response = client.get(f"/rich/{document.pk}")
    assert b"".join(response.streaming_content) == CONTENT
    assert response.headers["Content-Disposition"] == 'attachment; filename="secret.bin"'


def test_an_empty_field_is_404_for_who_may(client, document, staff):
    """And for others as any file is."""
    empty = Document.objects.create()
    assert client.get(f"/rich/{empty.pk}").status_code == 302
    client.force_login(staff)
    assert client.get(f"/rich/{empty.pk}").status_code == 404
    assert client.get("/rich/999").status_code == 404


def test_a_view_without_a_field_says_so(rf, document, staff):
    """Which of the model's files it serves is not guessed."""
    request = rf.get("/")
    request.user = staff
    with pytest.raises(ImproperlyConfigured, match=r'has no field\. Set it to a file field: field = "…"'):
        Rich.as_view(field="")(request, pk=document.pk)
