"""Links: who stops them, and how they end with a company."""

from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import TestCase

from companies.deletion import delete_company, orphaned_prefixes
from companies.models import Company, Membership, Reservation, Role
from companies.tests.scene import Scene, put
from s3store.sharing import AccessLog, Share


class Links(TestCase):
    """SH-25 to SH-28."""

    def setUp(self):
        self.scene = Scene()
        self.share, self.link = self.scene.share("client")

    def opens(self, link=None):
        """Return the status of a link for somebody without an account."""
        self.client.logout()
        return self.client.get(link or self.link, follow=True).status_code

    def test_sh_27_creator_owner_and_staff_stop_a_link_and_others_get_404(self):
        """Each role, each page of a link; only the right ones change anything."""
        may = {"client", "owner", "staff"}
        for who, user in self.scene.people.items():
            share, link = self.scene.share("client", email=f"{who}@example.com")
            self.client.force_login(user)
            url = f"/c/acme/shared/{share.pk}"
            statuses = [self.client.get(f"{url}/stop/").status_code, self.client.get(f"{url}/log/").status_code]
            stopped = self.client.post(f"{url}/stop/").status_code
            with self.subTest(who=who):
                assert (*statuses, stopped) == ((200, 200, 302) if who in may else (404, 404, 404))
                assert self.opens(link) == (410 if who in may else 200)

    def test_sh_27_another_client_of_the_company_does_not_stop_it(self):
        """A client stops the own links, not those of a colleague."""
        colleague = self.scene.people["viewer"]
        Membership.objects.filter(user=colleague).update(role=Role.CLIENT)
        self.client.force_login(colleague)
        self.assertContains(self.client.get("/c/acme/shared/"), "priya@printworks.example")
        assert self.client.post(f"/c/acme/shared/{self.share.pk}/stop/").status_code == 404

    def test_sh_27_a_link_is_not_reached_through_another_company(self):
        """The owner of another company does not find it below the own slug."""
        self.client.force_login(self.scene.people["rival"])
        for page in ("stop", "log"):
            assert self.client.post(f"/c/acme-2/shared/{self.share.pk}/{page}/").status_code == 404
        self.assertNotContains(self.client.get("/c/acme-2/shared/"), "priya@printworks.example")

    def test_sh_25_a_link_ends_with_the_right_of_its_creator(self):
        """Demoted to viewer, removed, or the account closed: it works again with the right."""
        mine = Membership.objects.filter(user=self.scene.people["client"])
        assert self.opens() == 200
        mine.update(role=Role.VIEWER)
        assert self.opens() == 410
        mine.update(role=Role.CLIENT)
        assert self.opens() == 200
        mine.delete()
        assert self.opens() == 410

    def test_sh_26_the_links_of_a_paused_company_end(self):
        """410, also for links of staff and for open sessions; active again, they work again."""
        staff_link = self.scene.share("staff", email="x@example.com")[1]
        session = self.client.get(self.link).url
        for active, status in ((False, 410), (True, 200)):
            Company.objects.filter(slug="acme").update(is_active=active)
            assert [self.opens(), self.opens(staff_link)] == [status, status]
        self.client.get(self.link)
        Company.objects.filter(slug="acme").update(is_active=False)
        assert self.client.get(session).status_code == 410

    def test_sh_30_what_guests_upload_counts_and_stops_at_the_quota(self):
        """A file that is too large is refused with the reason and not stored; another one is counted."""
        share, link = self.scene.share("client", path="Drop/x.txt", email="mara@statik.example")
        Share.objects.filter(pk=share.pk).delete()
        share, link = self.scene.share("client", path="Drop", email="mara@statik.example", can_edit=True)
        self.client.logout()
        self.client.get(link, follow=True)
        url = f"/shared/{share.pk}/upload/"
        for size, used in ((1001, 0), (900, 900), (200, 900)):
            self.client.post(url, {"files": SimpleUploadedFile(f"{size}.bin", b"x" * size)})
            company = Company.objects.get(slug="acme")
            assert (company.bytes_used, company.files_count) == (used, bool(used))
            assert default_storage.exists(f"{company.prefix}Drop/{size}.bin") is (size == 900)
        assert not Reservation.objects.exists()

    def test_sh_28_the_list_shows_every_link_and_its_state(self):
        """One row for each link of the company."""
        stopped, _ = self.scene.share("owner", email="y@example.com")
        stopped.revoke(self.scene.people["owner"])
        self.client.force_login(self.scene.people["viewer"])
        page = self.client.get("/c/acme/shared/").content.decode()
        assert page.count("</tr>") - 1 == Share.objects.filter(root=self.scene.acme.prefix).count()
        assert "Stopped" in page

    def test_shared_with_me_shows_links_for_verified_addresses(self):
        """A link for another address, and one of a paused company, are not there."""
        self.scene.share("client", email="rival@rival.example")
        self.client.force_login(self.scene.people["rival"])
        self.assertContains(self.client.get("/shared-with-me/"), "offer.txt")
        Company.objects.filter(slug="acme").update(is_active=False)
        self.assertContains(self.client.get("/shared-with-me/"), "Nothing is shared with you")
        self.client.force_login(self.scene.people["stranger"])
        self.assertContains(self.client.get("/shared-with-me/"), "Nothing is shared with you")

    def test_st_12_deleting_a_company_ends_its_links_and_removes_its_files(self):
        """410 for its links, no object, no name or address in a row; the neighbour keeps everything."""
        acme, rival = self.scene.acme, self.scene.rival
        put(rival.prefix + "kept.txt", b"1")
        with self.assertRaises(CommandError):
            call_command("delete_company", "nobody")
        call_command("delete_company", "acme", stdout=_Nowhere())
        assert Company.objects.filter(slug="acme").exists(), "without --yes it only tells"
        call_command("delete_company", "acme", "--yes", stdout=_Nowhere())
        assert list(default_storage.scan(acme.prefix)) == []
        assert default_storage.exists(rival.prefix + "kept.txt")
        assert self.opens() == 410
        assert not AccessLog.objects.filter(root=acme.prefix).exists()
        row = Share.objects.filter(pk=self.share.pk).values().get()
        assert "priya" not in str(row)
        assert "offer.txt" not in str(row)
        self.client.force_login(self.scene.people["client"])
        assert self.client.get("/c/acme/usage/").status_code == 404

    def test_st_12_a_deletion_that_was_interrupted_is_run_again(self):
        """The row of the company goes last: as long as it is there, the command finds it."""
        Company.objects.filter(slug="acme").update(is_active=False)
        default_storage.delete_tree(self.scene.acme.prefix)
        delete_company(Company.objects.get(slug="acme"))
        assert not Company.objects.filter(slug="acme").exists()

    def test_st_12_files_of_no_company_are_listed(self):
        """What a restored database does not know."""
        put("companies/gone-1234/x.txt", b"1")
        assert "companies/gone-1234/" in orphaned_prefixes()
        assert self.scene.acme.prefix not in orphaned_prefixes()
        call_command("orphans", stdout=_Nowhere())


class _Nowhere:
    def write(self, text):
        pass
