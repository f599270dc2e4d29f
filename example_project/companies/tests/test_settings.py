"""Settings of a company, new companies, the frame of all pages."""

import re
from io import BytesIO

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import TestCase
from PIL import Image
from portal.security import content_security_policy

from companies.models import Company
from companies.sharing import brand
from companies.sizes import GIGABYTE, MEGABYTE
from companies.tests.scene import Scene

PAGE = "/c/acme/settings/"


def picture(size=(40, 20), kind="JPEG"):
    target = BytesIO()
    Image.new("RGB", size, (200, 30, 30)).save(target, kind)
    return target.getvalue()


class Settings(TestCase):
    """What owners and staff change."""

    def setUp(self):
        self.scene = Scene()
        self.client.force_login(self.scene.people["owner"])

    def company(self):
        return Company.objects.get(pk=self.scene.acme.pk)

    def send(self, name="logo.jpg", content=b"", **data):
        logo = {"logo": SimpleUploadedFile(name, content)} if content else {}
        return self.client.post(PAGE, {"name": "Acme Ltd", **logo, **data})

    def test_a_logo_becomes_a_small_png_picture_and_recipients_see_it(self):
        """Whatever was uploaded is drawn again; the old logo is deleted, and the logo can be removed."""
        self.assertRedirects(self.send(content=picture()), PAGE)
        logo = self.company().logo
        with logo.open() as file, Image.open(file) as image:
            assert (image.format, image.size) == ("PNG", (256, 256))
        share, _ = self.scene.share()
        assert brand(share)["name"] == "Acme Ltd"
        assert logo.name in brand(share)["logo"]
        self.send(content=picture(kind="PNG"))
        assert not logo.storage.exists(logo.name)
        last = self.company().logo
        self.send(remove_logo="on")
        assert self.company().logo.name == ""
        assert not last.storage.exists(last.name)

    def test_files_that_are_no_pictures_are_refused(self):
        """SVG, text, a picture with too many pixels, a file that is too large: the form says why."""
        svg = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
        for content, reason in (
            (svg, "not a PNG, JPEG or WebP"),
            (picture()[:50], "not a PNG, JPEG or WebP"),
            (picture((5000, 1)), "too many pixels"),
            (b"x" * (2 * MEGABYTE + 1), "too large"),
        ):
            with self.subTest(reason=reason):
                self.assertContains(self.send(content=content), reason)
        assert self.company().logo.name == ""

    def test_only_staff_change_the_space_and_pause_a_company(self):
        """The same fields of an owner's form change nothing."""
        self.send(quota_gb="9", is_active="")
        assert (self.company().quota, self.company().is_active) == (1000, True)
        self.client.force_login(self.scene.people["staff"])
        self.send(quota_gb="2.5")
        assert (self.company().quota, self.company().is_active) == (5 * GIGABYTE // 2, False)
        self.send(quota_gb="2.5", is_active="on")
        assert self.company().is_active

    def test_a_form_that_is_saved_as_it_was_shown_changes_no_space(self):
        """Also where the number of bytes is not a round one."""
        self.client.force_login(self.scene.people["staff"])
        for quota in (1000, 6 * MEGABYTE, 12_345_678_901):
            Company.objects.filter(slug="acme").update(quota=quota)
            shown = self.client.get("/c/acme/settings/").context["form"]["quota_gb"].value()
            self.send(quota_gb=str(shown), is_active="on")
            assert self.company().quota == quota

    def test_staff_create_companies_and_nobody_else_does(self):
        """Its folder is there, and its page asks for an owner."""
        assert self.client.post("/companies/new/", {"name": "New"}).status_code == 404
        self.client.force_login(self.scene.people["staff"])
        self.assertContains(self.client.post("/companies/new/", {"name": "x", "slug": "ACME"}), "already exists")
        page = self.client.post("/companies/new/", {"name": "New & Co"}, follow=True)
        self.assertContains(page, "Nobody is a member yet")
        self.assertContains(self.client.get("/"), "New &amp; Co")

    def test_members_of_one_company_go_straight_to_its_files(self):
        """Others see the list of theirs, or what to do without one."""
        self.assertRedirects(self.client.get("/"), "/c/acme/", fetch_redirect_response=False)
        self.client.force_login(self.scene.people["stranger"])
        self.assertContains(self.client.get("/"), "not a member of a company yet")
        self.client.force_login(self.scene.people["staff"])
        self.assertContains(self.client.get("/"), "Acme 2")

    def test_pages_run_no_inline_code(self):
        """The policy forbids it, and no page has any."""
        self.client.force_login(self.scene.people["owner"])
        self.scene.share()
        for url in ("members/", "usage/", "activity/", "shared/", "settings/"):
            response = self.client.get(f"/c/acme/{url}")
            page = response.content.decode()
            with self.subTest(url=url):
                assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=", page)
                policy = response.headers["Content-Security-Policy"]
                assert "unsafe" not in policy
                assert "default-src 'none'" in policy
                assert response.headers["Referrer-Policy"] == "same-origin"
                assert ("How this page works" if url != "settings/" else "Settings") in page

    def test_sh_12_the_policy_names_the_bucket_where_files_come_from(self):
        """Forms may end there after a redirect; scripts come only from the static files."""
        policy = content_security_policy(static_origins=["https://cdn.example"], file_origins=["https://s3.example"])
        directives = dict(each.split(" ", 1) for each in policy.split("; "))
        for name in ("form-action", "img-src", "media-src", "frame-src", "connect-src"):
            assert "https://s3.example" in directives[name]
        assert directives["script-src"] == "'self' https://cdn.example"

    def test_the_error_pages_say_one_sentence(self):
        """404 and a bad form, without the name of anything."""
        self.assertContains(self.client.get("/nowhere/"), "nothing here that you can open", status_code=404)
        from django.test import Client

        strict = Client(enforce_csrf_checks=True)
        self.assertContains(strict.post("/login/", {}), "The form was not sent", status_code=403)
