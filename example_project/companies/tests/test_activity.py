"""The log of a company: filters, the CSV file, undo."""

import csv
import io

from django.test import TestCase
from files.models import Operation

from companies.tests.scene import Scene
from companies.views.activity import safe_cell
from s3store.sharing import AccessLog


class Activity(TestCase):
    """J12."""

    def setUp(self):
        self.scene = Scene()
        self.client.force_login(self.scene.people["owner"])
        for path, who in (("a.pdf", "client"), ("b.pdf", "owner"), ('=HYPERLINK("x")', "client"), ("<b>x", "client")):
            self.record(path, who)
        AccessLog.record("viewed", root=self.scene.rival.prefix, path="secret.pdf", user=self.scene.people["rival"])

    def record(self, path, who, **detail):
        return AccessLog.record(
            "downloaded", root=self.scene.acme.prefix, path=path, user=self.scene.people[who], detail=detail
        )

    def rows(self, query=""):
        response = self.client.get(f"/c/acme/activity/?format=csv{query}")
        return list(csv.reader(io.StringIO(response.content.decode())))[1:]

    def test_st_08_cells_that_look_like_formulas_get_an_apostrophe(self):
        """In the file; in the page, names are text."""
        paths = [row[3] for row in self.rows()]
        assert '\'=HYPERLINK("x")' in paths
        self.assertContains(self.client.get("/c/acme/activity/"), "&lt;b&gt;x")
        table = {
            "=1": "'=1",
            "+1": "'+1",
            "-1": "'-1",
            "@x": "'@x",
            "\tx": "'\tx",
            "\rx": "'\rx",
            " =1": "' =1",
            "a=1": "a=1",
        }
        assert {cell: safe_cell(cell) for cell in table} == table

    def test_the_filter_finds_by_person_action_time_and_name(self):
        """Each field alone; an impossible value shows everything that the others allow."""
        for query, count in (
            ("", 4),
            ("&who=client@acme.example", 3),
            ("&what=downloaded", 4),
            ("&what=shared", 0),
            ("&since=day", 4),
            ("&file=B.PDF", 1),
            ("&file=100%25", 0),
            ("&who=client@acme.example&file=a.pdf", 1),
        ):
            with self.subTest(query=query):
                assert len(self.rows(query)) == count

    def test_one_company_does_not_see_the_log_of_another(self):
        """Neither rows nor names of people, by any filter."""
        page = self.client.get("/c/acme/activity/?who=rival@rival.example&file=secret")
        self.assertNotContains(page, "secret.pdf")
        self.assertNotContains(self.client.get("/c/acme/activity/"), "rival@rival.example")

    def test_an_operation_that_can_be_undone_has_a_button(self):
        """Once, and only if it is of this company."""
        facts = {"verb": "move", "state": "done", "done": 1, "sources": ["a"], "targets": [["a", "b/a"]]}
        mine = Operation.objects.create(company=self.scene.acme, **facts)
        foreign = Operation.objects.create(company=self.scene.rival, **facts)
        self.record("moved.pdf", "client", operation=str(mine.pk), count=12)
        self.record("foreign.pdf", "client", operation=str(foreign.pk))
        page = self.client.get("/c/acme/activity/")
        self.assertContains(page, f"/c/acme/operations/{mine.pk}/undo/", count=1)
        self.assertContains(page, "12 files")
        self.assertNotContains(page, str(foreign.pk))

    def test_long_logs_have_pages(self):
        """Fifty rows a page, with links to the others that keep the filter."""
        for number in range(60):
            self.record(f"n{number}.pdf", "client")
        page = self.client.get("/c/acme/activity/?what=downloaded&page=2")
        self.assertContains(page, "Page 2 of 2")
        self.assertContains(page, "?what=downloaded&amp;page=1")
