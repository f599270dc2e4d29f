"""Company A against company B: every attack is tried, and none reads, changes or finds anything of the other one."""

# ruff: noqa: PT009

import re
from datetime import timedelta
from urllib.parse import urlsplit

from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from files import operations
from files.models import Operation
from files.tests.portal import SECRET
from files.tests.test_uploads import UploadTestCase
from s3store.sharing import Share, create
from s3store.uploads import signed_label

NOT_FOUND = (404,)
REFUSED = (302, 400, 403, 404, 405, 409)


class Isolation(UploadTestCase):
    """Tom of Nordlicht tries to reach Harbour Kitchen. After each attack its files are what they were."""

    def setUp(self):
        super().setUp()
        for number in range(2):
            self.theirs.save(f"Many/{number:03}.txt", b"x")
        self.operation = operations.run(
            operations.start(self.harbour, self.mara, "move", ["Many/000.txt"], "Secret"), self.mara
        )
        self.running = operations.start(self.harbour, self.mara, "move", ["Many/001.txt"], "Secret")
        self.before = self.everything(self.theirs)
        self.prefix = self.theirs.full_root
        self.client.force_login(self.mara)
        self.their_receipt = self.upload("theirs.txt", slug="harbour", company=self.harbour)
        self.their_ticket = self.begin("theirs.bin", 40_000_000, slug="harbour", company=self.harbour).json()["ticket"]
        shown = self.client.get(self.url("browse", "Secret", slug="harbour"))
        self.their_thumbnail = next(row.thumbnail for row in shown.context["rows"] if row.thumbnail)
        self.client.force_login(self.tom)

    def their_page(self):
        """Fill their folder Many, and return the query of its second page."""
        for number in range(2, 110):
            self.theirs.save(f"Many/{number:03}.txt", b"x")
        self.before = self.everything(self.theirs)
        self.client.force_login(self.mara)
        listed = self.client.get(self.url("browse", "Many", slug="harbour"))
        self.client.force_login(self.tom)
        return listed.context["next"]

    def check(self, answer, allowed=REFUSED):
        """Check that the answer says nothing, and that nothing was changed."""
        content = b"".join(answer) if answer.streaming else answer.content
        self.assertIn(answer.status_code, allowed, content[:300])
        for word in (SECRET, "plan.txt", "menu.png", self.prefix, "theirs"):
            self.assertNotIn(word, content.decode(errors="replace").replace(self.said, ""), word)
        self.assertEqual(self.everything(self.theirs), self.before)
        self.assertFalse([path for path in self.everything() if SECRET in path])

    said = "\0"

    def test_reading_by_their_urls(self):
        """1 to 8: pages, searches, contents and page tokens of the other company are not found."""
        for attack in (
            self.url("browse", slug="harbour"),
            self.url("browse", "Secret", slug="harbour"),
            self.url("browse", slug="harbour") + "?q=plan",
            self.url("file", "Secret/plan.txt", slug="harbour"),
            self.url("open", "Secret/plan.txt", slug="harbour"),
            self.url("open", "Secret/plan.txt", slug="harbour") + "?download=1",
            self.url("browse", "Many", slug="harbour") + self.their_page(),
            self.url("share", slug="harbour") + "?names=Secret/plan.txt",
        ):
            with self.subTest(attack):
                self.check(self.client.get(attack), NOT_FOUND)

    def test_unknown_and_foreign_companies_look_the_same(self):
        """9: the answer about a company of others is that about one that does not exist."""
        pages = []
        for slug in ("harbour", "nobody"):
            content = self.client.get(self.url("browse", slug=slug)).content.decode().replace(slug, "")
            pages.append(re.sub('name="csrfmiddlewaretoken" value="[^"]+"', "", content))
        self.assertEqual(*pages)

    def test_acting_by_their_urls(self):
        """10 to 23: no action works in the other company."""
        file = {"names": "Secret/plan.txt", "only": "Secret/plan.txt"}
        shared = {"share": "1", "email": "tom@nordlicht.example", "right": "edit", "days": "1"}
        for name, data in (
            ("selection", file | {"action": "download"}),
            ("selection", file | {"action": "delete"}),
            ("selection", file | {"action": "move", "target": ""}),
            ("zip", file),
            ("delete", file),
            ("rename", file | {"name": "mine.txt"}),
            ("move", file | {"target": ""}),
            ("copy", file | {"target": ""}),
            ("new-folder", {"name": "mine"}),
            ("upload", {"files": SimpleUploadedFile("mine.txt", b"x")}),
            ("folders", {"paths": "mine"}),
            ("thumbnails", {"names": "Secret/menu.png"}),
            ("share", file | shared),
            ("arrived", {"receipt": self.upload(), "folder": "", "path": "mine.txt"}),
        ):
            with self.subTest(name):
                self.check(self.post(name, data, slug="harbour"), NOT_FOUND)
        self.assertFalse(Share.objects.exists())

    def test_their_operations(self):
        """24 to 31: operations of the other company are not shown, continued or undone, by its URL or by ours."""
        for slug in ("harbour", "nordlicht"):
            for operation in (self.operation, self.running):
                with self.subTest(slug=slug, operation=operation.verb):
                    self.check(self.client.get(self.url("operation", operation.pk, slug=slug)), NOT_FOUND)
                    self.check(self.client.post(self.url("run", operation.pk, slug=slug)), NOT_FOUND)
                    self.check(self.client.post(self.url("undo", operation.pk, slug=slug)), NOT_FOUND)
        page = self.client.get(self.url("browse") + f"?operation={self.operation.pk}")
        self.check(page, (200,))
        self.assertIsNone(page.context["operation"])
        self.assertEqual(Operation.objects.get(pk=self.running.pk).state, "running")

    def test_tasks_with_their_ids(self):
        """32: a task that is given an operation of the other company and our user changes nothing."""
        with self.assertRaises((FileNotFoundError, PermissionError)):
            operations.run(self.running, self.tom)
        self.assertEqual(self.everything(self.theirs), self.before)

    def test_paths_that_leave_the_company(self):
        """33 to 60: no path leads out of the folder, whichever way it is written, on any verb."""
        own = self.everything()
        for path in (
            f"../{self.prefix.split('/')[1]}/Secret/plan.txt",
            f"../../{self.prefix}Secret/plan.txt",
            f"/{self.prefix}Secret/plan.txt",
            f"2026/../../{self.prefix.split('/')[1]}/Secret/plan.txt",
            "..\\harbour\\Secret\\plan.txt",
            "2026/\0/../plan.txt",
            "./offer.pdf",
            ".s3store/thumbs/x.webp",
        ):
            for name, data in (
                ("delete", {"names": path}),
                ("zip", {"names": path}),
                ("rename", {"names": path, "name": "mine.txt"}),
                ("rename", {"names": "offer.pdf", "name": path}),
                ("move", {"names": path, "target": ""}),
                ("move", {"names": "offer.pdf", "target": path}),
                ("copy", {"names": path, "target": ""}),
                ("copy", {"names": "offer.pdf", "target": path}),
                ("new-folder", {"folder": path, "name": "mine"}),
                ("folders", {"folder": "", "paths": path}),
                ("upload", {"folder": path, "files": SimpleUploadedFile("mine.txt", b"x")}),
                ("share", {"names": path, "share": "1", "email": "a@b.example", "right": "view", "days": "1"}),
            ):
                with self.subTest(path=path, verb=name, data=list(data)):
                    self.said = self.prefix if "companies" in path else "plan.txt"
                    answer = self.post(name, data, json=True)
                    self.assertIn(answer.status_code, (400, 404, 409))
                    self.assertEqual(self.everything(self.theirs), self.before)
        self.assertEqual(self.everything(), own)
        self.assertFalse(Share.objects.exists())

    def test_urls_that_leave_the_company(self):
        """61 to 68: encoded paths in URLs are refused before the bucket is asked."""
        secret = f"{self.prefix.split('/')[1]}/Secret/plan.txt"
        for path in (f"../{secret}", f"%2e%2e/{secret}", f"..%2f{secret}", f"/{self.prefix}Secret/plan.txt"):
            for kind in ("file", "open"):
                with self.subTest(kind=kind, path=path):
                    self.said = path
                    answer = self.client.get(f"/c/nordlicht/{kind}/{path}")
                    self.assertIn(answer.status_code, (301, 400, 404))
                    self.assertNotIn(SECRET, answer.content.decode())

    def test_rendered_texts(self):
        """The frame of a Markdown file is not found in another company, nor by paths that leave the own one."""
        self.theirs.save("Secret/plan.md", SECRET.encode())
        self.before = self.everything(self.theirs)
        secret = f"{self.prefix.split('/')[1]}/Secret/plan.md"
        self.check(self.client.get(self.url("rendered", "Secret/plan.md", slug="harbour")), NOT_FOUND)
        for path in (f"../{secret}", f"%2e%2e/{secret}", f"..%2f{secret}", f"/{self.prefix}Secret/plan.md"):
            with self.subTest(path):
                answer = self.client.get(f"/c/nordlicht/rendered/{path}")
                self.assertIn(answer.status_code, (301, 400, 404))
                self.assertNotIn(SECRET, answer.content.decode())

    def test_uploads_that_end_elsewhere(self):
        """69 to 72: an own upload cannot arrive outside the own folder, nor a receipt of ours in another company."""
        for folder, path in (
            (f"../{self.prefix.split('/')[1]}", "mine.txt"),
            ("", f"../{self.prefix.split('/')[1]}/mine.txt"),
            ("", ".s3store/mine.txt"),
        ):
            with self.subTest(folder=folder, path=path):
                answer = self.post("arrived", {"receipt": self.upload(), "folder": folder, "path": path}, json=True)
                self.assertIn(answer.status_code, (400, 409))
                self.assertEqual(self.everything(self.theirs), self.before)
        self.client.force_login(self.ada)
        receipt = self.upload()
        sent = {"receipt": receipt, "folder": "", "path": "mine.txt"}
        self.assertEqual(self.post("arrived", sent, slug="harbour", json=True).status_code, 403)
        self.assertEqual(self.everything(self.theirs), self.before)

    def test_their_receipts_and_tickets(self):
        """73 to 82: receipts, tickets and destinations of the other company do not work for us."""
        sent = {"receipt": self.their_receipt, "folder": "", "path": "theirs.txt"}
        answer = self.post("arrived", sent, json=True)
        self.assertEqual(answer.status_code, 403)
        for slug in ("nordlicht", "harbour"):
            for step, body in (
                ("sign", {"ticket": self.their_ticket, "numbers": [1]}),
                ("parts", {"ticket": self.their_ticket}),
                ("complete", {"ticket": self.their_ticket}),
                ("abort", {"ticket": self.their_ticket}),
            ):
                with self.subTest(slug=slug, step=step):
                    self.assertIn(self.step(step, body, slug=slug).status_code, (403, 404))
        for slug in ("nordlicht", "harbour"):
            self.assertEqual(self.begin(slug=slug, company=self.harbour).status_code, 404)
        generic = {"destination": signed_label(f"company-{self.harbour.pk}"), "name": "x", "size": 1}
        answer = self.client.post(reverse("s3store:begin"), generic, content_type="application/json")
        self.assertEqual(answer.status_code, 404)
        self.assertEqual(self.step("begin", {"destination": "company-1", "name": "x", "size": 1}).status_code, 404)

    def test_rights_that_have_ended(self):
        """83 to 86: after the membership, pages, tickets and receipts end with the next request."""
        receipt = self.upload()
        ticket = self.begin("big.bin", 40_000_000).json()["ticket"]
        self.tom.memberships.all().delete()
        self.check(self.client.get(self.url("browse")), NOT_FOUND)
        self.check(self.client.get(self.url("open", "offer.pdf")), NOT_FOUND)
        self.check(self.post("arrived", {"receipt": receipt, "folder": "", "path": "x.txt"}), NOT_FOUND)
        for step in ("parts", "complete"):
            self.assertEqual(self.step(step, {"ticket": ticket}).status_code, 404)

    def test_signed_urls_of_other_objects(self):
        """87 to 89: a signed URL opens its own object only, and the name of a thumbnail cannot be guessed."""
        mine = urlsplit(self.client.get(self.url("open", "offer.pdf"))["Location"])
        own = f"{self.folder.full_root}offer.pdf"
        for wanted in (f"{self.prefix}Secret/plan.txt", f"{self.folder.full_root}../{self.prefix}Secret/plan.txt"):
            answer = self.client.get(f"{mine.path.replace(own, wanted)}?{mine.query}")
            self.assertIn(answer.status_code, (301, 400, 403, 404))
        shown = self.client.get(self.url("browse", "2026/Photos"))
        thumbnail = urlsplit(shown.context["rows"][0].thumbnail)
        theirs = urlsplit(self.their_thumbnail)
        self.assertIn(self.client.get(f"{theirs.path}?{thumbnail.query}").status_code, (403, 404))

    def test_page_tokens(self):
        """90, 91: a page token of the other company is refused in ours, and a changed one too."""
        page = self.their_page()
        for token in (page, page[:-2] + "xx"):
            self.check(self.client.get(self.url("browse") + token), (400,))

    def test_their_shares(self):
        """92, 93: a share of the other company is not found without its link."""
        share, _link = create(
            self.theirs,
            "Secret/plan.txt",
            email="priya@printworks.example",
            created_by=self.mara,
            expires_at=self.operation.started_at + timedelta(days=3),
        )
        self.check(self.client.get(f"/shared/{share.pk}/"), NOT_FOUND)
        page = self.client.get(self.url("share") + "?names=offer.pdf")
        self.assertNotContains(page, "priya@printworks.example")

    def test_other_pages_of_their_company(self):
        """94 to 99: activity, its CSV, members, usage, shares and settings of the other company are not found."""
        for name in ("activity", "members", "usage", "shared", "settings", "open"):
            url = reverse(f"companies:{name}", args=["harbour"])
            with self.subTest(name):
                self.check(self.client.get(url), NOT_FOUND)
                self.check(self.client.get(url + "?format=csv"), NOT_FOUND)

    def test_search_and_sorted_lists_stay_inside(self):
        """100, 101: a search for everything, and a list that is kept in memory, show our files only."""
        for query in ("?q=.", "?sort=size", "?sort=modified&order=desc"):
            with self.subTest(query):
                self.check(self.client.get(self.url("browse") + query), (200,))

    def test_without_a_login(self):
        """102 to 104: visitors are sent to the login page, and uploads answer 401."""
        self.client.logout()
        for url in (self.url("browse"), self.url("file", "offer.pdf"), self.url("open", "offer.pdf")):
            answer = self.client.get(url)
            self.assertEqual((answer.status_code, urlsplit(answer["Location"]).path), (302, "/login/"))
        self.assertEqual(self.begin().status_code, 401)

    def test_redirects_stay_on_the_site(self):
        """105: the page to which a form returns is one of this site."""
        for wanted in ("//evil.example/", "https://evil.example/", "javascript:alert(1)"):
            answer = self.post("rename", {"names": "offer.pdf", "name": "offer.pdf", "next": wanted})
            self.assertEqual(answer["Location"], self.url("browse"))

    def test_paused_companies(self):
        """106: members of a paused company find nothing."""
        self.nordlicht.is_active = False
        self.nordlicht.save()
        self.check(self.client.get(self.url("browse")), NOT_FOUND)
