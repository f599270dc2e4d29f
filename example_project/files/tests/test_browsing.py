"""The list of a folder."""

# Django's own runner runs these, with its own assertions.
# ruff: noqa: PT009

from urllib.parse import urlsplit

from companies.models import Membership
from django.utils import timezone

from files.tests.portal import PortalTestCase
from s3store.sharing import AccessLog


class Browsing(PortalTestCase):
    """What the page of a folder shows."""

    def names(self, response):
        """Return the names of the rows."""
        return [row.name for row in response.context["rows"]]

    def test_folders_come_first_and_names_sort_as_people_do(self):
        """A folder that fits on a page is sorted with folders first, and `file 2` before `file 10`."""
        for name in ("file 10.txt", "file 2.txt"):
            self.folder.save(name, b"x")
        found = self.names(self.client.get(self.url("browse")))
        self.assertEqual(found, ["2026", "file 2.txt", "file 10.txt", "offer.pdf", "prices.csv"])

    def test_pages_follow_one_another_without_gaps(self):
        """The next page is a link; its fragment has only the rows."""
        for number in range(130):
            self.folder.save(f"Many/{number:03}.txt", b"x")
        first = self.client.get(self.url("browse", "Many"))
        self.assertEqual(len(first.context["rows"]), 100)
        second = self.client.get(self.url("browse", "Many") + first.context["next"], headers={"X-Fragment": "rows"})
        self.assertEqual(self.names(first) + self.names(second), [f"{number:03}.txt" for number in range(130)])
        self.assertNotContains(second, "<html")

    def test_a_folder_is_sorted_by_its_columns(self):
        """The link of a column sorts by it, and turns the order the second time."""
        found = self.client.get(self.url("browse") + "?sort=size&order=desc")
        self.assertEqual(self.names(found)[:2], ["2026", "prices.csv"])
        columns = {column["name"]: column for column in found.context["columns"]}
        self.assertEqual(columns["size"]["sort"], "descending")

    def test_a_search_finds_names_below_the_folder(self):
        """A search finds files at any depth, and says in which folder they are."""
        found = self.client.get(self.url("browse") + "?q=ROOF")
        self.assertEqual(sorted(self.names(found)), ["roof-north.png", "roof-south.png"])
        self.assertContains(found, "2026/Photos")
        nothing = self.client.get(self.url("browse") + "?q=nothing")
        self.assertContains(nothing, "No file here has “nothing” in its name.")

    def test_an_empty_folder_says_so(self):
        """An empty folder is shown, and one that does not exist is not found."""
        self.folder.create_folder("Empty")
        self.assertContains(self.client.get(self.url("browse", "Empty")), "This folder is empty.")
        self.assertEqual(self.client.get(self.url("browse", "Nowhere")).status_code, 404)

    def test_the_view_is_remembered(self):
        """Grid stays grid on the next page."""
        self.client.get(self.url("browse") + "?view=grid")
        self.assertContains(self.client.get(self.url("browse", "2026")), 'data-shape="grid"')

    def test_names_are_escaped_and_deceptive_ones_made_visible(self):
        """HTML in a name is text, and a mark that turns the direction of the text is visible."""
        self.folder.storage.save(f"{self.folder.full_root}inv\u202egpj.exe", b"x")
        self.folder.storage.save(f"{self.folder.full_root}<img src=x onerror=alert(1)>.txt", b"x")
        page = self.client.get(self.url("browse"))
        self.assertContains(page, "inv\\u202egpj.exe")
        self.assertNotContains(page, "<img src=x")

    def test_new_files_of_others_are_marked(self):
        """What others changed since the last visit is new; what the member uploaded is not."""
        Membership.objects.filter(user=self.tom).update(seen_at=timezone.now())
        root = self.folder.full_root
        AccessLog.record("uploaded", root=root, path="offer.pdf", user=self.ada)
        AccessLog.record("uploaded", root=root, path="prices.csv", user=self.tom)
        page = self.client.get(self.url("browse"))
        new = {row.name: row.is_new for row in page.context["rows"]}
        self.assertEqual((new["offer.pdf"], new["prices.csv"]), (True, False))
        self.assertContains(page, "ada@fern.example")

    def test_a_page_costs_few_queries(self):
        """The number of queries does not depend on the number of files."""
        self.client.get(self.url("browse"))
        with self.assertNumQueries(6):
            # Session, user, company with membership, the user's companies, who, shares.
            self.client.get(self.url("browse", "2026/Photos"))

    def test_members_who_may_only_look_get_no_buttons(self):
        """A viewer sees files and no way to change them."""
        self.client.force_login(self.vera)
        page = self.client.get(self.url("browse"))
        self.assertContains(page, "offer.pdf")
        for word in ("New folder", "Rename", "Delete", "upload-files", "data-may-write"):
            self.assertNotContains(page, word)


class Thumbnails(PortalTestCase):
    """Pictures have small pictures."""

    def test_missing_thumbnails_are_made_in_one_request(self):
        """The page names thumbnails without a request; those that are missing are made for all at once."""
        page = self.client.get(self.url("browse", "2026/Photos"))
        wanted = [row.thumbnail for row in page.context["rows"]]
        self.assertEqual(len(set(wanted)), 2)
        self.assertEqual(self.fetch(wanted[0]).status_code, 404)
        answer = self.post("thumbnails", {"names": [row.path for row in page.context["rows"]]}).json()
        self.assertEqual([answer["made"][row.path] for row in page.context["rows"]], wanted)
        got = self.fetch(wanted[0])
        self.assertEqual((got.status_code, got["Content-Type"]), (200, "image/webp"))

    def test_a_changed_picture_gets_another_thumbnail(self):
        """The URL of a thumbnail depends on the ETag of the picture."""
        before = self.client.get(self.url("browse", "2026/Photos")).context["rows"][0].thumbnail
        self.folder.save("2026/Photos/roof-north.png", b"other", overwrite=True)
        after = self.client.get(self.url("browse", "2026/Photos")).context["rows"][0].thumbnail
        self.assertNotEqual(urlsplit(before).path, urlsplit(after).path)

    def test_content_that_is_no_picture_gets_none(self):
        """A file with the name of a picture, a bomb, or SVG gets no thumbnail, and no error."""
        bomb = self.png_of(30_000, 30_000)
        for path, content in (("fake.png", b"<svg/>"), ("drawing.svg", b"<svg/>"), ("bomb.png", bomb)):
            self.folder.save(path, content)
        answer = self.post("thumbnails", {"names": ["fake.png", "drawing.svg", "bomb.png", "gone.png"]}).json()
        self.assertEqual(set(answer["made"].values()), {""})

    def png_of(self, width, height):
        """Return the start of a PNG that says that it is large."""
        import struct
        import zlib

        header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
        return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))

    def fetch(self, url):
        """Fetch a URL of the twin."""
        parts = urlsplit(url)
        return self.client.get(f"{parts.path}?{parts.query}")
