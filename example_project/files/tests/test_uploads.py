"""Direct uploads into a company's folders."""

# ruff: noqa: PT009

import json
from unittest.mock import patch

from companies.models import Reservation
from django.core.files.uploadedfile import SimpleUploadedFile

from files.tests.portal import PortalTestCase
from s3store import errors
from s3store.uploads import claim, signed_label


class UploadTestCase(PortalTestCase):
    """Uploads as the tray of the page does them, to the development twin."""

    def step(self, name, body, *, slug="nordlicht"):
        """Ask for one step of an upload."""
        return self.client.post(self.url("upload-step", name, slug=slug), json.dumps(body), "application/json")

    def begin(self, name="film.txt", size=5, *, slug="nordlicht", company=None):
        """Begin an upload into a company."""
        label = signed_label(f"company-{(company or self.nordlicht).pk}")
        return self.step("begin", {"destination": label, "name": name, "size": size, "type": "text/plain"}, slug=slug)

    def upload(self, name="film.txt", content=b"bytes", **where):
        """Upload a file into the bucket, and return its receipt."""
        begun = self.begin(name, len(content), **where)
        self.assertEqual(begun.status_code, 201, begun.content)
        begun = begun.json()
        if begun["mode"] == "post":
            sent = self.client.post(begun["url"], {**begun["fields"], "file": SimpleUploadedFile("file", content)})
        else:
            headers = {f"HTTP_{key.upper().replace('-', '_')}": value for key, value in begun["headers"].items()}
            sent = self.client.put(begun["url"], content, content_type=begun["headers"]["Content-Type"], **headers)
        self.assertIn(sent.status_code, (200, 201, 204), sent.content)
        return begun["receipt"]


class Arrivals(UploadTestCase):
    """A receipt becomes a file in a folder."""

    def test_an_upload_arrives_in_its_folder(self):
        """The upload is moved into the folder, nothing stays behind, and the counters know."""
        receipt = self.upload()
        self.assertTrue(Reservation.objects.exists())
        answer = self.post("arrived", {"receipt": receipt, "folder": "2026", "path": "film.txt"}, json=True)
        self.assertEqual(answer.json()["path"], "2026/film.txt")
        self.assertEqual(self.folder.read("2026/film.txt"), b"bytes")
        self.assertEqual(list(self.folder.storage.scan("incoming")), [])
        self.nordlicht.refresh_from_db()
        self.assertEqual((self.nordlicht.bytes_used, self.nordlicht.files_count), (5, 1))
        self.assertFalse(Reservation.objects.exists())

    def test_a_receipt_works_once(self):
        """The same receipt again finds nothing."""
        receipt = self.upload()
        self.post("arrived", {"receipt": receipt, "folder": "", "path": "a.txt"}, json=True)
        again = self.post("arrived", {"receipt": receipt, "folder": "", "path": "b.txt"}, json=True)
        self.assertEqual((again.status_code, again.json()["code"]), (409, "not_uploaded"))

    def test_an_upload_that_cannot_be_deleted_has_arrived_all_the_same(self):
        """The file is in its folder and is counted. The upload is left to the lifecycle rule."""
        receipt = self.upload()

        def claimed(*args, **kwargs):
            file = claim(*args, **kwargs)
            refused = patch.object(type(file), "discard", side_effect=errors.ServerError("no"))
            refused.start()
            self.addCleanup(refused.stop)
            return file

        with patch("files.arrivals.claim", claimed):
            answer = self.post("arrived", {"receipt": receipt, "folder": "", "path": "a.txt"}, json=True)
        self.assertEqual((answer.status_code, answer.json()["path"]), (200, "a.txt"))
        self.nordlicht.refresh_from_db()
        self.assertEqual(self.nordlicht.files_count, 1)

    def test_a_taken_name_can_be_kept_or_replaced(self):
        """A name that is taken is a question, and the upload waits for the answer."""
        receipt = self.upload(content=b"new")
        sent = {"receipt": receipt, "folder": "", "path": "offer.pdf"}
        self.assertEqual(self.post("arrived", sent, json=True).json()["code"], "exists")
        kept = self.post("arrived", sent | {"conflict": "keep_both"}, json=True).json()
        self.assertEqual(kept["path"], "offer (2).pdf")
        other = self.upload(content=b"newer")
        replaced = self.post("arrived", sent | {"receipt": other, "conflict": "replace"}, json=True).json()
        self.assertEqual((replaced["path"], self.folder.read("offer.pdf")), ("offer.pdf", b"newer"))

    def test_fo_13_a_name_that_looks_the_same_can_be_kept_or_replaced(self):
        """People take names in another case for the same, and so does the question."""
        receipt = self.upload(content=b"new")
        sent = {"receipt": receipt, "folder": "", "path": "OFFER.pdf"}
        answer = self.post("arrived", sent, json=True).json()
        self.assertEqual((answer["code"], "“offer.pdf” is already" in answer["message"]), ("exists", True))
        kept = self.post("arrived", sent | {"conflict": "keep_both"}, json=True).json()
        self.assertEqual(kept["path"], "OFFER (2).pdf")
        other = self.upload(content=b"newer")
        replaced = self.post("arrived", sent | {"receipt": other, "conflict": "replace"}, json=True).json()
        self.assertEqual((replaced["path"], self.folder.read("offer.pdf")), ("offer.pdf", b"newer"))

    def test_a_dropped_folder_keeps_its_structure(self):
        """Folders are created first, empty ones too; files arrive below them."""
        self.post("folders", {"folder": "2026", "paths": ["Trip", "Trip/empty", "Trip/day 1"]}, json=True)
        receipt = self.upload()
        self.post("arrived", {"receipt": receipt, "folder": "2026", "path": "Trip/day 1/film.txt"}, json=True)
        self.assertTrue(self.folder.exists("2026/Trip/empty/"))
        self.assertEqual(self.folder.read("2026/Trip/day 1/film.txt"), b"bytes")

    def test_types_that_browsers_run_are_stored_and_only_downloaded(self):
        """HTML is accepted as a file, and its URL lets the browser save it."""
        receipt = self.upload("page.html", b"<script>1</script>")
        self.post("arrived", {"receipt": receipt, "folder": "", "path": "page.html"}, json=True)
        location = self.client.get(self.url("open", "page.html"))["Location"]
        self.assertIn("attachment", location)

    def test_an_upload_without_room_is_refused_before_it_begins(self):
        """The answer says how much is needed and how much is left; nothing is reserved."""
        self.nordlicht.quota = 1024
        self.nordlicht.save()
        answer = self.begin("film.mp4", 3000)
        self.assertEqual((answer.status_code, answer.json()["error"]["code"]), (413, "quota"))
        self.assertIn("2.9 KB needed, 1.0 KB left of 1.0 KB".replace(" KB", "\xa0KB"), answer.json()["message"])
        self.assertFalse(Reservation.objects.exists())

    def test_a_refused_upload_reserves_nothing(self):
        """A begin that is refused for its name gives the space back."""
        self.assertEqual(self.begin("", 5).status_code, 400)
        self.assertFalse(Reservation.objects.exists())

    def test_viewers_upload_nothing(self):
        """A member who may only look is told that nothing can be uploaded."""
        self.client.force_login(self.vera)
        self.assertEqual(self.begin().status_code, 404)
