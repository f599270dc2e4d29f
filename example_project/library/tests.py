"""The library over a storage in memory."""

# Django's own runner runs these, with its own assertions and throw-away passwords.
# ruff: noqa: PT009, PT027, S106

from datetime import datetime, timezone
from io import BytesIO
from unittest import mock

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.core.files.storage import InMemoryStorage, storages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test import SimpleTestCase, TestCase, override_settings
from django.urls import reverse
from PIL import Image
from portal.runner import IN_MEMORY
from portal.security import content_security_policy, origin

from library.inspection import MAX_BYTES, inspect
from library.links import expires_at
from library.models import Document
from library.samples import page_pdf


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
        facts = facts_of(page_pdf())
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

    def test_policy(self):
        """Only this site and the bucket serve files, and nothing inline runs."""
        policy = content_security_policy([origin("http://127.0.0.1:9000/b/k?x=1"), origin("/static/x")])
        self.assertIn("script-src 'self' http://127.0.0.1:9000;", policy)
        self.assertIn("default-src 'none'", policy)
        self.assertNotIn("unsafe", policy)


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
        with self.assertNumQueries(4):  # session, user, count, documents
            response = self.client.get(reverse("library:list"))
        self.assertContains(response, "https://files.example/thumbnails/", count=3)
        self.client.get(Document.objects.first().get_absolute_url())
        self.assertEqual(CountingStorage.requests, 0)

    def test_the_empty_list_invites(self):
        """There is a way on from nothing."""
        self.assertContains(self.client.get(reverse("library:list")), "Upload the first document")

    def test_replacing_removes_the_old_objects(self):
        """The row stays, with another file; a PDF leaves no thumbnail behind."""
        document = self.document()
        before = self.stored(document)
        with self.captureOnCommitCallbacks(execute=True):
            self.client.post(
                reverse("library:replace", args=[document.pk]), {"upload": SimpleUploadedFile("b.pdf", page_pdf())}
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

    def test_others_may_look_but_not_change(self):
        """Replace and delete are for the uploader and for those with the permission."""
        document = self.document()
        self.client.force_login(get_user_model().objects.create_user("bob", password="x"))
        self.assertNotContains(self.client.get(document.get_absolute_url()), "/delete/")
        for name in ("replace", "delete"):
            response = self.client.post(reverse(f"library:{name}", args=[document.pk]))
            self.assertContains(response, "not yours to change", status_code=403)

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


class AdminTests(SiteTestCase):
    """Documents in the admin."""

    def setUp(self):
        super().setUp()
        self.user = get_user_model().objects.create_superuser("root", password="x")
        self.client.force_login(self.user)

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
