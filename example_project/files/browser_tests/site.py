"""The portal in a browser, with its files on a real S3 server of another origin."""

# Django's own runner runs these, with its own assertions.
# ruff: noqa: PT009

import dataclasses
import os
import tempfile
from contextlib import ExitStack
from pathlib import Path
from unittest import SkipTest

from companies.access import folder_of
from companies.models import Company, Membership, Role
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.staticfiles.testing import StaticLiveServerTestCase
from django.core.cache import cache
from django.test import override_settings, tag
from portal.bucket import CORS

from files.tests.portal import picture
from s3store.testing import servers

PASSWORD = "fern-demo"  # noqa: S105
BUCKET = "portal-tests"
PEOPLE = (
    ("ada", "Ada", None),
    ("tom", "Tom", Role.CLIENT),
    ("lena", "Lena", Role.OWNER),
    ("vera", "Vera", Role.VIEWER),
)


@tag("browser")
class BrowserTestCase(StaticLiveServerTestCase):
    """Nordlicht Solar with some folders, and a headless Chromium. What the console complains about fails a test.

    Its server is behind `proxy`, which can refuse requests and counts their bytes.
    """

    @classmethod
    def setUpClass(cls):
        try:
            from tests.browser.running import CHROMIUM, browser, noted, wait_for_views
            from tests.faults.proxy import FaultProxy
        except ImportError as error:
            raise SkipTest(str(error)) from error
        if not CHROMIUM or not servers.seaweedfs_available():
            raise SkipTest("Chromium or SeaweedFS is not installed.")
        cls.stack = ExitStack()
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
        directory = cls.stack.enter_context(tempfile.TemporaryDirectory(prefix="portal-browser-"))
        server = cls.stack.enter_context(servers.seaweedfs_server(Path(directory)))
        cls.proxy = cls.stack.enter_context(FaultProxy(server.endpoint_url))
        server = dataclasses.replace(server, endpoint_url=cls.proxy.url)
        middleware = [f"{noted.__module__}.noted", *settings.MIDDLEWARE]
        cls.wait_for_views = staticmethod(wait_for_views)
        cls.stack.enter_context(override_settings(STORAGES=cls.storages(server), MIDDLEWARE=middleware))
        super().setUpClass()
        cls.chromium = cls.stack.enter_context(browser())

    @classmethod
    def storages(cls, server):
        """Return the settings of a bucket on a server, which this creates."""
        from portal import bucket

        options = {
            "bucket_name": BUCKET,
            "endpoint_url": server.endpoint_url,
            "region_name": server.region_name,
            "access_key": server.access_key,
            "secret_key": server.secret_key,
        }
        keys = {
            "AWS_S3_ENDPOINT_URL": server.endpoint_url,
            "AWS_S3_REGION_NAME": server.region_name,
            "AWS_S3_ACCESS_KEY_ID": server.access_key,
            "AWS_S3_SECRET_ACCESS_KEY": server.secret_key,
        }
        bucket.prepare(bucket.make_client(keys), BUCKET)
        return {
            "default": {"BACKEND": "s3store.storage.S3MediaStorage", "OPTIONS": options},
            "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
        }

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        cls.stack.close()
        os.environ.pop("DJANGO_ALLOW_ASYNC_UNSAFE", None)

    def setUp(self):
        cache.clear()
        self.company = Company.objects.create(name="Nordlicht Solar", slug="nordlicht")
        users = get_user_model().objects
        for name, first, role in PEOPLE:
            address = f"{name}@nordlicht.example"
            user = users.create_user(address, address, PASSWORD, first_name=first, is_staff=role is None)
            if role:
                Membership.objects.create(company=self.company, user=user, role=role)
            setattr(self, name, user)
        self.folder = folder_of(self.company, self.tom)
        for path in ("2026/Invoices", "2026/Photos", "Old drafts"):
            self.folder.create_folder(path)
        for number in range(14):
            self.folder.save(f"bill-{number:02}.txt", f"bill {number}")
        self.complaints = []
        self.contexts = []
        self.addCleanup(self.close)

    def close(self):
        """Close the pages, and complain about what the console said."""
        for context in self.contexts:
            context.close()
        self.wait_for_views()
        self.assertEqual(self.complaints, [])

    def page(self, user, *, at="files/", **options):
        """Return a page of a new session, logged in."""
        from django.test import Client

        client = Client()
        client.force_login(user)
        context = self.chromium.new_context(**options)
        self.contexts.append(context)
        name = settings.SESSION_COOKIE_NAME
        context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": self.live_server_url}])
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self.listen)
        page.goto(self.at(at))
        return page

    def listen(self, message):
        """Note errors, but not that a picture has no thumbnail yet, or that a taken name is a question."""
        known = "status of 404" in message.text and "/thumbs/" in message.location["url"]
        if message.type == "error" and not known and "status of 409" not in message.text:
            self.complaints.append(f"{message.text} {message.location}")

    def at(self, path):
        """Return a URL of the company."""
        return f"{self.live_server_url}/c/nordlicht/{path}"

    def save_pictures(self, folder, count):
        """Save pictures into a folder."""
        for number in range(count):
            self.folder.save(f"{folder}/roof-{number:02}.png", picture("teal", (40 + number, 30)))

    def allow_origins(self, *origins):
        """Replace the origins in the CORS rule of the bucket."""
        storage = self.folder.storage
        rules = [{**CORS["CORSRules"][0], "AllowedOrigins": list(origins)}]
        client = storage.client
        client.put_bucket_cors(Bucket=BUCKET, CORSConfiguration={"CORSRules": rules})

    def files_below(self, path):
        """Return the number of files below a folder."""
        return sum(not stat.name.endswith("/") for stat in self.folder.storage.scan(self.folder.full_root + path))


def rows(page):
    """Return the names of the rows that a page shows."""
    return page.locator("[data-row] [data-open]").all_inner_texts()


def row(page, name):
    """Return the row of a name."""
    return page.locator(f"[data-row][data-name='{name}']")


def toast(page, text):
    """Wait for what the bar says."""
    page.locator("[data-toast]", has_text=text).wait_for()


def drop_paths(page, selector, *paths, before_drop=lambda: None):
    """Drop files and folders of this machine onto an element, as a mouse does. Something may happen meanwhile."""
    box = page.locator(selector).bounding_box()
    browser = page.context.new_cdp_session(page)
    data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        place = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
        if kind == "drop":
            before_drop()
        browser.send("Input.dispatchDragEvent", {"type": kind, "data": data, **place})
