"""The page about the bucket."""

from companies.tests.scene import Scene
from django.conf import settings
from django.test import TestCase, override_settings

from bucket.views import WISHES, shown
from s3store.operations.setup import Change, apply, plan
from s3store.storage import S3Storage
from s3store.testing.fixtures import options_for
from s3store.testing.servers import moto_server


class BucketPage(TestCase):
    """Staff sees what the commands would print, and nobody else sees anything."""

    def setUp(self):
        self.scene = Scene()

    def test_only_staff_sees_the_page(self):
        """For others it does not exist, and nobody is told that it does."""
        assert self.client.get("/bucket/").status_code == 302
        for who in ("stranger", "owner"):
            self.client.force_login(self.scene.people[who])
            assert self.client.get("/bucket/").status_code == 404
            self.assertNotContains(self.client.get("/shared-with-me/"), "/bucket/")
        self.client.force_login(self.scene.people["staff"])
        self.assertContains(self.client.get("/shared-with-me/"), 'href="/bucket/"')
        response = self.client.get("/bucket/")
        assert response.status_code == 200
        assert response.headers["Cache-Control"] == "private, no-store"

    def test_the_twin_has_no_settings(self):
        """The page says so."""
        self.client.force_login(self.scene.people["staff"])
        self.assertContains(self.client.get("/bucket/"), "development twin has no bucket settings")

    def test_the_page_shows_the_plan_and_the_documents(self):
        """The changes of the plan, each with its reason; nothing after they were applied; the error of a server."""
        self.client.force_login(self.scene.people["staff"])
        with moto_server() as server:
            options = {**options_for(server, "portal"), "location": "media", "max_attempts": 1}
            storage = S3Storage(**options)
            storages = {"default": {"BACKEND": "s3store.storage.S3Storage", "OPTIONS": options}}
            with override_settings(STORAGES={**settings.STORAGES, **storages}):
                page = self.client.get("/bucket/")
                for option in ("--print-iam", "--print-policy", "--print-cors", "--print-lifecycle"):
                    self.assertContains(page, option)
                planned = plan(storage, wishes=WISHES)
                assert {change.document for change in planned.changes} >= {"bucket", "policy", "lifecycle"}
                for change in planned.changes:
                    self.assertContains(page, change.id)
                apply(storage, planned)
                self.assertContains(self.client.get("/bucket/"), "There is nothing to change")
        with override_settings(STORAGES={**settings.STORAGES, **storages}):
            self.assertContains(self.client.get("/bucket/"), "Check endpoint_url")

    def test_values_are_shown_as_json(self):
        """A new one has none before."""
        found = shown(Change(document="cors", id="x", op="+", after={"a": "<b>"}, why="w"))
        assert (found["before"], found["after"]) == ("", '{\n  "a": "<b>"\n}')

    def test_the_staff_can_examine_the_bucket(self):
        """The report is on the page: each storage, what works, and the findings with their level and words."""
        self.client.force_login(self.scene.people["staff"])
        self.assertNotContains(self.client.get("/bucket/"), 'id="report-default"')
        page = self.client.post("/bucket/")
        if page.context["twin"]:
            return
        self.assertContains(page, 'id="report-default"')
        self.assertContains(page, 'id="report-staticfiles"')
        self.assertContains(page, "Signed URLs work.")
        assert page.context["reports"]
        for report in page.context["reports"]:
            assert report.at("error") == ()
            for found in report.findings:
                self.assertContains(page, found.docs)

    def test_only_the_staff_can_examine_the_bucket(self):
        """It sends requests."""
        assert self.client.post("/bucket/").status_code == 302
        self.client.force_login(self.scene.people["owner"])
        assert self.client.post("/bucket/").status_code == 404
