"""What a page costs, on a server that counts: moto."""

# ruff: noqa: PT009

from unittest import SkipTest

from django.core.cache import cache
from django.test import override_settings

from files.tests.portal import PortalTestCase
from s3store.testing.counting import counted_requests

BUCKET = "portal-bars"
FILES = 10_000


class Costs(PortalTestCase):
    """Requests to S3, and Django's own time."""

    @classmethod
    def setUpClass(cls):
        try:
            from s3store.testing.servers import moto_server

            server = cls.enterClassContext(moto_server())
        except ImportError as error:
            raise SkipTest(str(error)) from error
        options = {
            "bucket_name": BUCKET,
            "endpoint_url": server.endpoint_url,
            "region_name": server.region_name,
            "access_key": server.access_key,
            "secret_key": server.secret_key,
        }
        cls.enterClassContext(
            override_settings(
                STORAGES={
                    "default": {"BACKEND": "s3store.storage.S3MediaStorage", "OPTIONS": options},
                    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
                }
            )
        )
        from django.core.files.storage import default_storage

        default_storage.client.create_bucket(Bucket=BUCKET)
        super().setUpClass()

    def fill(self):
        """Put files and pictures into the memory of moto: sending 10,000 requests takes a minute."""
        from moto.core import DEFAULT_ACCOUNT_ID
        from moto.s3.models import s3_backends

        backend = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
        for number in range(FILES):
            name = f"{self.folder.full_root}Many/{number:05}{'.jpg' if number % 2 else '.txt'}"
            backend.put_object(BUCKET, f"media/{name}", b"x")

    def test_a_folder_of_ten_thousand_files(self):
        """The first page is one request; thumbnails cost no request."""
        self.fill()
        self.client.get(self.url("browse", "2026"))
        cache.clear()
        with counted_requests(self.folder.storage) as requests:
            page = self.client.get(self.url("browse", "Many"))
        self.assertEqual(len(requests), 1)
        rows = page.context["rows"]
        self.assertEqual(len(rows), 100)
        self.assertEqual(sum(bool(row.thumbnail) for row in rows), 50)

    def test_urls_of_thumbnails_stay_the_same(self):
        """Two pages have the same URLs, so that the browser needs no request at all."""
        pages = [self.client.get(self.url("browse", "2026/Photos")) for _ in range(2)]
        first, second = ([row.thumbnail for row in page.context["rows"]] for page in pages)
        self.assertEqual(first, second)
