"""The library over storages in memory; its links over S3's storage, which needs no server to sign one."""

# Django's own runner runs these, with its own assertions and throw-away passwords.
# ruff: noqa: PT009, PT027, S106

import json
import re
import socket
import subprocess
import tempfile
import threading
from dataclasses import replace
from datetime import datetime, timezone
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from unittest import mock
from urllib.parse import parse_qs, urlsplit

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.core.files.storage import InMemoryStorage, storages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test import SimpleTestCase, TestCase, override_settings
from django.urls import reverse
from PIL import Image
from portal.caching import cache_control
from portal.runner import IN_MEMORY
from portal.security import content_security_policy, origin

from library.delivery import PublishedFile
from library.inspection import MAX_BYTES, inspect
from library.links import expires_at, stays_until
from library.models import Document
from library.publishing import note, noted
from library.samples import page_pdf
from library.traffic import requests_to_s3
from s3store.errors import S3ConnectionError
from s3store.storage import S3ManifestStaticStorage, S3MediaStorage, Stat

PDF = page_pdf([("F1", 12, 72, 700, "A page")])
S3 = {
    "bucket_name": "library",
    "region_name": "eu-central-1",
    "access_key": "AKIDEXAMPLE",
    "secret_key": "not-a-secret",
}


class CountingStorage(InMemoryStorage):
    """Counts what would be a request to S3; url() would be none."""

    requests = 0

    def _open(self, *args, **kwargs):
        type(self).requests += 1
        return super()._open(*args, **kwargs)

    def size(self, name):
        type(self).requests += 1
        return super().size(name)

    def exists(self, name):
        type(self).requests += 1
        return super().exists(name)


class SiteTestCase(TestCase):
    """Gives each test an empty storage in memory."""

    def setUp(self):
        overrides = override_settings(
            STORAGES={
                **IN_MEMORY,
                "default": {
                    "BACKEND": "library.tests.CountingStorage",
                    "OPTIONS": {"base_url": "https://files.example/"},
                },
            },
            PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        )
        overrides.enable()
        self.addCleanup(overrides.disable)


def picture(picture_format="PNG", size=(60, 40), mode="RGB", **save):
    """Return the bytes of a picture."""
    target = BytesIO()
    Image.new(mode, size, "teal" if mode != "L" else 90).save(target, picture_format, **save)
    return target.getvalue()


def facts_of(content):
    """Inspect *content*."""
    return inspect(BytesIO(content), size=len(content))


class InspectionTests(SimpleTestCase):
    """A file is judged by its content."""

    def test_pictures_are_recognised_and_measured(self):
        """Each accepted picture format has its type, extension, pixels and a WebP thumbnail."""
        for picture_format, content_type, extension in [
            ("PNG", "image/png", ".png"),
            ("JPEG", "image/jpeg", ".jpg"),
            ("WEBP", "image/webp", ".webp"),
            ("GIF", "image/gif", ".gif"),
        ]:
            with self.subTest(picture_format):
                facts = facts_of(picture(picture_format))
                self.assertEqual((facts.content_type, facts.extension), (content_type, extension))
                self.assertEqual((facts.width, facts.height), (60, 40))
                self.assertEqual(Image.open(BytesIO(facts.thumbnail)).format, "WEBP")

    def test_modes_that_webp_does_not_have_get_a_thumbnail(self):
        """Palettes, greys, CMYK and transparency all become a thumbnail."""
        for picture_format, mode in [("PNG", "P"), ("PNG", "L"), ("PNG", "RGBA"), ("JPEG", "CMYK")]:
            with self.subTest(mode):
                self.assertTrue(facts_of(picture(picture_format, mode=mode)).thumbnail)

    def test_a_turned_photo_is_measured_as_it_is_looked_at(self):
        """The orientation in the EXIF data swaps width and height."""
        exif = Image.Exif()
        exif[0x0112] = 6
        facts = facts_of(picture("JPEG", exif=exif))
        self.assertEqual((facts.width, facts.height), (40, 60))
        self.assertEqual(Image.open(BytesIO(facts.thumbnail)).size, (40, 60))

    def test_a_pdf_is_recognised(self):
        """The sample PDF is one, and has no thumbnail."""
        facts = facts_of(PDF)
        self.assertEqual((facts.content_type, facts.thumbnail), ("application/pdf", None))

    def test_other_content_is_refused(self):
        """What is refused, and why."""
        for content, code in [
            (b"<html><script>alert(1)</script>", "unknown_type"),
            (b"", "unknown_type"),
            (b"GIF89a", "unknown_type"),
            (picture("BMP"), "unknown_type"),
            (picture("JPEG", size=(400, 300))[:-300], "damaged"),
            (picture("PNG", size=(400, 300))[:-60], "damaged"),
        ]:
            with self.subTest(code, content=content[:12]):
                with self.assertRaises(ValidationError) as caught:
                    facts_of(content)
                self.assertEqual(caught.exception.code, code)

    def test_limits(self):
        """Too many bytes are refused before they are read, too many pixels before they are decoded."""
        with self.assertRaises(ValidationError) as caught:
            inspect(BytesIO(b"%PDF-"), size=MAX_BYTES + 1)
        self.assertEqual(caught.exception.code, "too_large")
        with mock.patch("library.inspection.MAX_PIXELS", 100), self.assertRaises(ValidationError) as caught:
            facts_of(picture())
        self.assertEqual(caught.exception.code, "too_many_pixels")

    def test_the_file_is_left_at_its_beginning(self):
        """The storage reads it next."""
        file = BytesIO(picture())
        inspect(file, size=len(file.getvalue()))
        self.assertEqual(file.tell(), 0)


class LinkTests(SimpleTestCase):
    """What a signed link and an address say."""

    def test_expiry(self):
        """The expiry is the signature's date plus its seconds."""
        url = "https://b.example/k?X-Amz-Date=20260102T030405Z&X-Amz-Expires=3600"
        self.assertEqual(expires_at(url), datetime(2026, 1, 2, 4, 4, 5, tzinfo=timezone.utc))
        self.assertIsNone(expires_at("/media/k"))
        self.assertIsNone(expires_at("https://b.example/k?X-Amz-Date=soon&X-Amz-Expires=1"))

    def test_window(self):
        """The link stays for a part of its life."""
        url = "https://b.example/k?X-Amz-Date=20260102T030000Z&X-Amz-Expires=3600"
        self.assertEqual(stays_until(url, window=0.5), datetime(2026, 1, 2, 3, 30, tzinfo=timezone.utc))
        self.assertIsNone(stays_until("/media/k", window=0.5))

    def test_caching(self):
        """Browsers keep thumbnails, and nothing else."""
        self.assertIn("private, max-age=", cache_control("thumbnails/2026/01/a.webp")["CacheControl"])
        self.assertEqual(cache_control("documents/2026/01/a.pdf"), {})

    def test_download_name(self):
        """A document is saved under its title, with the extension that its content has."""
        for title, stored, name in [
            ("Übersicht 2026", "documents/ubersicht-2026.pdf", "Übersicht 2026.pdf"),
            ("Übersicht 2026.PDF", "documents/a.pdf", "Übersicht 2026.PDF"),
            ("In/Out", "documents/a.png", "In-Out.png"),
        ]:
            with self.subTest(title):
                self.assertEqual(Document(title=title, file=stored).download_name, name)

    def test_requests_are_counted_where_they_are_sent(self):
        """What this thread sends is counted, what others send is not, and a signed link sends nothing."""
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))  # and nobody listens: connections are refused
            endpoint = f"http://127.0.0.1:{taken.getsockname()[1]}"
            storage = S3MediaStorage(**S3, endpoint_url=endpoint, max_attempts=1)

            def ask():
                with self.assertRaises(S3ConnectionError):
                    storage.exists("a.png")

            with requests_to_s3(storage) as sent:
                storage.url("a.png")
                self.assertEqual(sent, [])
                other = threading.Thread(target=ask)
                other.start()
                other.join()
                self.assertEqual(sent, [])
                ask()
            ask()
            self.assertEqual(sent, ["HEAD"])

    def test_policy(self):
        """Only this site and the bucket serve files and take them, and nothing inline runs."""
        policy = content_security_policy([origin("http://127.0.0.1:9000/b/k?x=1"), origin("/static/x")])
        self.assertIn("script-src 'self' http://127.0.0.1:9000;", policy)
        self.assertIn("connect-src 'self' http://127.0.0.1:9000;", policy)
        self.assertIn("default-src 'none'", policy)
        self.assertNotIn("unsafe", policy)


class DirectUploadTests(TestCase):
    """The upload page over S3's storage, which needs no server to sign an upload."""

    def setUp(self):
        overrides = override_settings(
            STORAGES={**IN_MEMORY, "default": {"BACKEND": "s3store.storage.S3MediaStorage", "OPTIONS": S3}},
            PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        )
        overrides.enable()
        self.addCleanup(overrides.disable)
        self.client.force_login(get_user_model().objects.create_user("ada", password="x"))

    def begin(self, name, size):
        """Ask where a file of the upload page may go."""
        page = self.client.get(reverse("library:upload")).content.decode()
        destination = re.search(r'data-destination="([^"]+)"', page)[1]
        body = {"destination": destination, "name": name, "size": size}
        return self.client.post(reverse("s3store:begin"), body, content_type="application/json")

    def test_the_page_uploads_directly(self):
        """Its field names the endpoints, and a picture gets a presigned form for the bucket."""
        begun = self.begin("a.png", 100).json()
        self.assertEqual((begun["mode"], begun["type"]), ("post", "image/png"))
        self.assertRegex(begun["key"], r"^media/incoming/library\.Document\.file/\w+/\w{32}\.png$")
        self.assertIn("library", begun["url"])

    def test_what_the_library_does_not_take_is_refused_before_the_upload(self):
        """Other types, and files that are too large."""
        for name, size, status in [("a.exe", 1, 400), ("a.html", 1, 400), ("a.pdf", MAX_BYTES + 1, 413)]:
            with self.subTest(name):
                self.assertEqual(self.begin(name, size).status_code, status)

    def test_strangers_upload_nothing(self):
        """The endpoints say who must log in."""
        self.client.logout()
        body = {"destination": "x", "name": "a.png", "size": 1}
        answer = self.client.post(reverse("s3store:begin"), body, content_type="application/json")
        self.assertEqual(answer.status_code, 401)


class LibraryTests(SiteTestCase):
    """The pages, for the uploader and for others."""

    def setUp(self):
        super().setUp()
        self.user = get_user_model().objects.create_user("ada", password="x")
        self.client.force_login(self.user)

    def upload(self, name="Tiny view.png", content=None, **fields):
        """Send the upload form."""
        file = SimpleUploadedFile(name, picture() if content is None else content)
        with self.captureOnCommitCallbacks(execute=True):
            return self.client.post(reverse("library:upload"), {"upload": file, **fields})

    def document(self, **fields):
        """Upload a document and return it."""
        self.upload(**fields)
        return Document.objects.latest("pk")

    def stored(self, document):
        """Return the names of the objects of *document* that are there."""
        return [name for storage, name in document.objects_in_bucket() if storages["default"].exists(name)]

    def test_an_upload_is_kept_with_its_facts(self):
        """The row knows all that the list shows."""
        document = self.document()
        self.assertEqual((document.title, document.original_name), ("Tiny view", "Tiny view.png"))
        self.assertEqual((document.content_type, document.width, document.uploaded_by), ("image/png", 60, self.user))
        self.assertRegex(document.file.name, r"^documents/\d{4}/\d\d/tiny-view\.png$")
        self.assertEqual(storages["default"].open(document.file.name).read(), picture())
        self.assertEqual(document.size, len(picture()))
        self.assertEqual(len(self.stored(document)), 2)

    def test_the_extension_follows_the_content(self):
        """A picture called page.html is not stored as a page."""
        self.assertTrue(self.document(name="page.html").file.name.endswith("/page.png"))

    def test_a_refused_upload_says_why_and_stores_nothing(self):
        """The form comes back with the reason."""
        for fields, text in [
            ({"content": b"MZ\x90"}, "neither a picture"),
            ({"content": b""}, "This file is empty."),
        ]:
            response = self.upload(name="a.png", **fields)
            self.assertContains(response, text)
        self.assertContains(self.client.post(reverse("library:upload")), "Choose a file first.")
        self.assertFalse(Document.objects.exists())
        self.assertFalse(storages["default"].exists("documents"))

    def test_several_files_become_a_document_each(self):
        """They keep their own names, and the list says how many they are."""
        files = [SimpleUploadedFile("one.png", picture()), SimpleUploadedFile("two.pdf", PDF)]
        with self.captureOnCommitCallbacks(execute=True):
            response = self.client.post(
                reverse("library:upload"), {"upload": files, "title": "Not for two", "is_private": "on"}, follow=True
            )
        self.assertContains(response, "2 documents were added to the library.")
        documents = Document.objects.order_by("title")
        self.assertEqual([(each.title, each.is_private) for each in documents], [("one", True), ("two", True)])

    def test_one_bad_file_among_several_is_named(self):
        """No document is created."""
        files = [SimpleUploadedFile("one.png", picture()), SimpleUploadedFile("two.png", b"MZ")]
        response = self.client.post(reverse("library:upload"), {"upload": files})
        self.assertContains(response, "two.png: The content of this file is neither a picture")
        self.assertFalse(Document.objects.exists())

    def test_a_bucket_that_fails_is_told_in_the_form(self):
        """An OSError of the storage is no error page."""
        with mock.patch.object(CountingStorage, "_save", side_effect=OSError), self.assertLogs("library.views"):
            response = self.upload()
        self.assertContains(response, "could not be stored")

    def test_the_list_asks_the_bucket_nothing(self):
        """Neither the number of documents nor their thumbnails cost a request."""
        for _ in range(3):
            self.upload()
        CountingStorage.requests = 0
        with self.assertNumQueries(6):  # session, user, permissions (2), count, documents
            response = self.client.get(reverse("library:list"))
        self.assertContains(response, "https://files.example/thumbnails/", count=3)
        self.client.get(Document.objects.first().get_absolute_url())
        self.assertEqual(CountingStorage.requests, 0)

    def test_an_upload_may_be_private(self):
        """The form's box decides."""
        self.assertFalse(self.document().is_private)
        self.assertTrue(self.document(is_private="on").is_private)

    def test_a_thumbnail_never_takes_the_name_of_one_before(self):
        """Browsers that kept the old one would show it."""
        first = self.document()
        with self.captureOnCommitCallbacks(execute=True):
            first.delete()
        second = self.document()
        self.assertEqual(first.file.name, second.file.name)
        self.assertNotEqual(first.thumbnail.name, second.thumbnail.name)

    def test_the_empty_list_invites(self):
        """There is a way on from nothing."""
        self.assertContains(self.client.get(reverse("library:list")), "Upload the first document")

    def test_replacing_removes_the_old_objects(self):
        """The row stays, with another file; a PDF leaves no thumbnail behind."""
        document = self.document()
        before = self.stored(document)
        with self.captureOnCommitCallbacks(execute=True):
            self.client.post(
                reverse("library:replace", args=[document.pk]), {"upload": SimpleUploadedFile("b.pdf", PDF)}
            )
        document.refresh_from_db()
        self.assertEqual((document.title, document.kind, document.width), ("Tiny view", "PDF", None))
        self.assertFalse(document.thumbnail)
        self.assertEqual([storages["default"].exists(name) for name in before], [False, False])
        self.assertEqual(len(self.stored(document)), 1)

    def test_a_rollback_keeps_the_objects(self):
        """Nothing is removed for a deletion that did not happen."""
        document = self.document()
        with self.captureOnCommitCallbacks(execute=True) as callbacks, transaction.atomic():
            document.delete()
            transaction.set_rollback(True)
        self.assertEqual(callbacks, [])
        self.assertEqual(len(self.stored(Document.objects.get())), 2)

    def test_deleting_asks_and_removes_the_objects(self):
        """A GET asks, a POST deletes row and objects."""
        document = self.document()
        url = reverse("library:delete", args=[document.pk])
        self.assertContains(self.client.get(url), "cannot be undone")
        with self.captureOnCommitCallbacks(execute=True):
            self.assertRedirects(self.client.post(url), reverse("library:list"))
        self.assertFalse(Document.objects.exists())
        self.assertEqual(self.stored(document), [])

    def test_a_document_is_deleted_while_s3_is_away(self):
        """The row goes, the user sees the list, and the log names the object that stays."""
        document = self.document()
        url = reverse("library:delete", args=[document.pk])
        with (
            mock.patch.object(CountingStorage, "delete", side_effect=S3ConnectionError("away")),
            self.assertLogs("library.models") as logged,
            self.captureOnCommitCallbacks(execute=True),
        ):
            self.assertRedirects(self.client.post(url), reverse("library:list"))
        self.assertFalse(Document.objects.exists())
        self.assertEqual(len(logged.records), 2)
        self.assertIn(document.file.name, logged.output[0])

    def test_a_quotation_mark_in_a_name_is_shown(self):
        """Browsers send it as %22 in a form."""
        self.upload(name="a %22big%22 day.png")
        self.assertEqual(Document.objects.get().original_name, 'a "big" day.png')

    def test_others_may_look_but_not_change(self):
        """Replace and delete are for the uploader and for those with the permission."""
        document = self.document()
        self.client.force_login(get_user_model().objects.create_user("bob", password="x"))
        self.assertNotContains(self.client.get(document.get_absolute_url()), "/delete/")
        for name in ("replace", "delete"):
            response = self.client.post(reverse(f"library:{name}", args=[document.pk]))
            self.assertContains(response, "You cannot change this document", status_code=403)

    def test_strangers_are_sent_to_the_login(self):
        """No page and no link without a login."""
        document = self.document()
        self.client.logout()
        for url in (reverse("library:list"), reverse("library:upload"), document.get_absolute_url()):
            self.assertRedirects(self.client.get(url), f"{reverse('login')}?next={url}")

    def test_pages_are_private_and_guarded(self):
        """Caches keep no signed link, and the policy names the bucket's origin."""
        response = self.client.get(reverse("library:list"))
        self.assertIn("private", response["Cache-Control"])
        self.assertIn("img-src 'self' https://files.example;", response["Content-Security-Policy"])
        self.assertEqual(response["X-Frame-Options"], "DENY")

    def test_a_missing_page_looks_like_the_site(self):
        """The 404 page leads back."""
        self.assertContains(self.client.get("/nowhere/"), "Go to the library", status_code=404)


@override_settings(
    STORAGES={**IN_MEMORY, "default": {"BACKEND": "s3store.storage.S3MediaStorage", "OPTIONS": S3}},
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
)
class SignedTests(TestCase):
    """Signed links, permanent links and who may follow them. The rows are real, the bucket is not."""

    def setUp(self):
        users = get_user_model().objects
        self.owner, self.other = (users.create_user(name, password="x") for name in ("ada", "bob"))
        self.admin = users.create_superuser("root", password="x")
        self.client.force_login(self.owner)

    def document(self, title="Übersicht 2026", **fields):
        """Return a row whose objects are nowhere."""
        facts = {"file": "documents/a.pdf", "content_type": "application/pdf", "size": 1, "uploaded_by": self.owner}
        return Document.objects.create(title=title, original_name="a", **{**facts, **fields})

    def picture(self, title, **fields):
        """Return the row of a picture."""
        return self.document(title, file="documents/a.jpg", thumbnail="thumbnails/a.webp", **fields)

    def main(self, now):
        """Return what the gallery says at a time in seconds, without the header and its CSRF token."""
        with mock.patch("s3store.mixins.linked.time", SimpleNamespace(time=lambda: now)):
            response = self.client.get(reverse("library:gallery"))
        return re.search("<main.*</main>", response.content.decode(), re.DOTALL)[0]

    def test_the_gallery_is_the_same_within_a_window(self):
        """From the first to the last second of half an hour no byte differs; then the links are new."""
        self.picture("One")
        self.picture("Two")
        noon = 1_767_268_800  # 2026-01-01 12:00 UTC
        first = self.main(noon)
        self.assertEqual(self.main(noon + 1799.9), first)
        self.assertNotEqual(self.main(noon + 1800), first)
        self.assertInHTML('<time datetime="2026-01-01T12:30:00+00:00" data-stay-until>12:30 UTC</time>', first)
        self.assertIn("The current URLs work until 13:00 UTC.", first)
        self.assertInHTML("<span data-requests-sent>0</span>", first)
        self.assertEqual(first.count("X-Amz-Date=20260101T120000Z"), 3)  # two pictures, and the link in words

    def test_the_gallery_has_pictures_only(self):
        """Documents without one are in the library; without any there is a way on."""
        self.document()
        self.assertContains(self.client.get(reverse("library:gallery")), "No pictures yet")

    def test_private_documents_are_not_listed_for_others(self):
        """Library and gallery show them to the owner and to administrators."""
        self.picture("Seen by few", is_private=True)
        for user, count in [(self.owner, 1), (self.other, 0), (self.admin, 1)]:
            self.client.force_login(user)
            for page in ("list", "gallery"):
                with self.subTest(f"{user} {page}"):
                    titles = [each.title for each in self.client.get(reverse(f"library:{page}")).context["documents"]]
                    self.assertEqual(len(titles), count)

    def test_the_permanent_link_asks_who_is_there(self):
        """It leads the owner, and an administrator, to a link of two minutes, and nobody else."""
        document = self.document(is_private=True)
        for name in ("file", "download"):
            url = reverse(f"library:{name}", args=[document.pk])
            for user in (self.owner, self.admin):
                self.client.force_login(user)
                response = self.client.get(url)
                self.assertEqual((response.status_code, response["Cache-Control"]), (302, "private, no-store"))
                self.assertIn("/media/documents/a.pdf?", response["Location"])
                self.assertIn("X-Amz-Expires=120&", response["Location"])
            self.client.force_login(self.other)
            self.assertContains(self.client.get(url), "You are logged in as bob.", status_code=403)
            self.client.logout()
            self.assertRedirects(self.client.get(url), f"{reverse('login')}?next={url}", fetch_redirect_response=False)

    def test_what_is_shared_is_open_to_everyone_who_is_logged_in(self):
        """The others are led to the file, too."""
        self.client.force_login(self.other)
        response = self.client.get(reverse("library:file", args=[self.document().pk]))
        self.assertEqual(response.status_code, 302)

    def test_a_private_document_has_no_page_for_others(self):
        """And its own page holds no link that opens it for whoever has it."""
        document = self.document(is_private=True)
        self.assertNotContains(self.client.get(document.get_absolute_url()), "X-Amz-Signature")
        self.client.force_login(self.other)
        response = self.client.get(document.get_absolute_url())
        self.assertContains(response, "This document is private", status_code=403)
        self.assertNotContains(response, document.title, status_code=403)

    def test_the_download_has_the_title_for_its_name(self):
        """Shown or saved, umlauts and all."""
        document = self.document()
        for name, kind in [("file", "inline"), ("download", "attachment")]:
            response = self.client.get(reverse(f"library:{name}", args=[document.pk]))
            said = parse_qs(urlsplit(response["Location"]).query)["response-content-disposition"]
            self.assertEqual(
                said, [f"{kind}; filename=\"Ubersicht 2026.pdf\"; filename*=UTF-8''%C3%9Cbersicht%202026.pdf"]
            )

    def test_the_owner_decides_who_may_open_it(self):
        """A button makes it private, and shares it again; it is not for others, nor for a GET."""
        document = self.document()
        url = reverse("library:access", args=[document.pk])
        for data, text, is_private in [({"is_private": "on"}, "is now private", True), ({}, "is now shared", False)]:
            self.assertContains(self.client.post(url, data, follow=True), text)
            document.refresh_from_db()
            self.assertEqual(document.is_private, is_private)
        self.assertEqual(self.client.get(url).status_code, 405)
        self.client.force_login(self.other)
        self.assertContains(
            self.client.post(url, {"is_private": "on"}), "You cannot change this document", status_code=403
        )
        document.refresh_from_db()
        self.assertFalse(document.is_private)


class PublishedStorage(S3ManifestStaticStorage):
    """Knows what a bucket would say; there is none."""

    names = {
        name: name.replace(".", ".0123456789ab.") for name in ("admin/a.css", "library/site.css", "library/icon.svg")
    }

    def load_manifest(self):
        return self.names, ""

    def stat(self, name):
        if name.startswith("admin/"):
            raise FileNotFoundError(name)
        stat = Stat(name=name, key=name, size=1024, cache_control="public, immutable")
        encoded = {"content_encoding": "gzip", "all_metadata": {"s3store-size": "4096"}}
        return replace(stat, **encoded) if name.endswith(".css") else stat

    def get_modified_time(self, name):  # noqa: ARG002
        return datetime(2026, 1, 2, 3, 4, tzinfo=timezone.utc)


@override_settings(
    STORAGES={
        **IN_MEMORY,
        "staticfiles": {"BACKEND": "library.tests.PublishedStorage", "OPTIONS": {**S3, "gzip": True}},
    },
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
)
class DeliveryTests(TestCase):
    """The page about the static files."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        overrides = override_settings(STATIC_RUNS=Path(directory.name) / "runs.json")
        overrides.enable()
        self.addCleanup(overrides.disable)
        self.client.force_login(get_user_model().objects.create_superuser("root", password="x"))
        self.url = reverse("library:delivery")

    def check(self, summary=None, **process):
        """Press the button; the command says this."""
        ran = {"return_value": SimpleNamespace(stdout=json.dumps(summary)), **process}
        with mock.patch("library.publishing.subprocess.run", **ran) as run:
            response = self.client.post(self.url, follow=True)
        self.assertEqual(run.call_count, 1)
        return response

    def test_files_are_told_as_the_bucket_has_them(self):
        """Name, published name, size, encoding and caching; the library's own first, and what is missing is said."""
        response = self.client.get(self.url)
        icon, sheet, last = response.context["files"]
        self.assertEqual((icon.name, icon.stat.content_encoding, icon.plain_size), ("library/icon.svg", None, None))
        self.assertEqual((sheet.name, sheet.parts), ("library/site.css", ("library/site.", "0123456789ab", ".css")))
        self.assertEqual((sheet.stat.size, sheet.plain_size, sheet.stat.content_encoding), (1024, 4096, "gzip"))
        self.assertEqual((last.name, last.stat), ("admin/a.css", None))
        self.assertContains(response, "This file is not in the bucket.", count=1)
        self.assertContains(response, "library/site.<strong>0123456789ab</strong>.css", count=1)
        self.assertContains(response, "public, immutable", count=2)
        self.assertContains(response, "2 Jan 2026, 03:04 UTC")

    def test_a_name_without_a_hash_is_one_part(self):
        """As is one that only looks like it."""
        for published in ("a.css", "0123456789ab.css", "a.0123456789abc.css"):
            with self.subTest(published):
                file = PublishedFile(name="a.css", published=published, url="")
                self.assertEqual(file.parts, (published, "", ""))

    def test_a_manifest_that_is_gone_is_said(self):
        """It is no error page: the site goes on with the names that it has read."""
        with mock.patch.object(PublishedStorage, "get_modified_time", side_effect=FileNotFoundError):
            self.assertContains(self.client.get(self.url), "The manifest does not exist")

    def test_s3_that_does_not_respond_is_said(self):
        """Not that files are missing; after the first request there is no other."""
        with (
            mock.patch.object(PublishedStorage, "get_modified_time", side_effect=S3ConnectionError("away")),
            mock.patch.object(PublishedStorage, "stat") as stat,
            self.assertLogs("library.delivery"),
        ):
            response = self.client.get(self.url)
        self.assertContains(response, "S3 does not respond", count=1)
        self.assertContains(response, "Not known", count=3)
        self.assertNotContains(response, "does not exist")
        self.assertEqual(stat.call_count, 0)

    def test_the_check_says_what_it_costs(self):
        """Nothing to send, a file to send, and a command that fails."""
        unchanged = {"uploaded": 0, "deleted": 0, "requests": 1, "seconds": 0.42, "upload": [], "delete": []}
        response = self.check(unchanged)
        self.assertContains(response, "1 request: nothing to send.")
        self.assertContains(response, "<span data-requests>1</span> request, 0.4 s")
        self.assertEqual(noted()["unchanged"]["requests"], 1)
        response = self.check({**unchanged, "requests": 3, "upload": ["static/library/a.css"]})
        self.assertContains(response, "3 requests: 1 file has changed and would be sent.")
        self.assertEqual(noted()["unchanged"]["requests"], 1)
        with self.assertLogs("library.delivery") as logs:
            response = self.check(side_effect=subprocess.CalledProcessError(1, "collectstatic", stderr="No bucket."))
        self.assertContains(response, "The check failed.")
        self.assertIn("No bucket.", logs.output[0])

    def test_the_last_run_that_sent_something_is_kept(self):
        """A run without a change does not take its place."""
        note({"uploaded": 12, "deleted": 0, "bytes": 2048, "requests": 13, "seconds": 1.24})
        note({"uploaded": 0, "deleted": 0, "bytes": 0, "requests": 1, "seconds": 0.5})
        response = self.client.get(self.url)
        self.assertContains(response, "<span data-requests>13</span> requests, 1.2 s")
        self.assertContains(response, "12 objects, 2.0\xa0KB")
        self.assertContains(response, "<span data-requests>1</span> request, 0.5 s")

    def test_the_check_is_for_administrators(self):
        """Others look, and have no button; strangers log in."""
        self.client.force_login(get_user_model().objects.create_user("ada", password="x"))
        self.assertNotContains(self.client.get(self.url), ">Check<")
        with mock.patch("library.publishing.subprocess.run") as run:
            self.assertEqual(self.client.post(self.url).status_code, 403)
            self.client.logout()
            self.assertRedirects(self.client.post(self.url), f"{reverse('login')}?next={self.url}")
        run.assert_not_called()

    @override_settings(STORAGES=IN_MEMORY)
    def test_static_files_without_hashes_are_not_listed(self):
        """With another storage there is nothing to tell."""
        self.assertContains(self.client.get(self.url), "No manifest")


class AdminTests(SiteTestCase):
    """Documents in the admin."""

    def setUp(self):
        super().setUp()
        self.user = get_user_model().objects.create_superuser("root", password="x")
        self.client.force_login(self.user)

    def test_the_form_for_a_new_document_has_only_fields(self):
        """What a document gets by its file has no row before."""
        page = self.client.get(reverse("admin:library_document_add"))
        self.assertContains(page, "Private")
        for row in ("Preview", "Signed URL", "Original name", "Uploaded by"):
            self.assertNotContains(page, f"{row}:")

    def test_add_change_and_delete(self):
        """The admin's form has the same rules, and its delete action removes objects too."""
        add = reverse("admin:library_document_add")
        response = self.client.post(add, {"title": "", "upload": ContentFile(b"no", name="a.png")})
        self.assertContains(response, "neither a picture")
        self.client.post(add, {"title": "", "upload": SimpleUploadedFile("a.png", picture())})
        document = Document.objects.get()
        self.assertEqual((document.title, document.uploaded_by), ("a", self.user))
        change = reverse("admin:library_document_change", args=[document.pk])
        self.assertContains(self.client.get(change), document.file.name)
        self.client.post(change, {"title": "Better"})
        self.assertEqual(Document.objects.get().title, "Better")
        changelist = reverse("admin:library_document_changelist")
        self.assertContains(self.client.get(changelist, {"q": "better"}), "library-preview")
        with self.captureOnCommitCallbacks(execute=True):
            self.client.post(
                changelist, {"action": "delete_selected", "_selected_action": [document.pk], "post": "yes"}
            )
        self.assertFalse(Document.objects.exists())
        self.assertFalse(storages["default"].exists(document.file.name))
