"""The space of a company: counters, reservations, and what people are told."""

import threading
from datetime import timedelta

from django.core.files.storage import default_storage
from django.core.management import call_command
from django.db import connections
from django.test import TestCase, TransactionTestCase
from django.utils import timezone
from files import operations
from files.models import Operation

from companies import quota
from companies.models import Company, Reservation
from companies.sizes import GIGABYTE, readable_size
from companies.tests.scene import Scene, put


class AtOnce(TransactionTestCase):
    """FO-40: reservations of several requests."""

    def test_fo_40_of_twenty_uploads_of_60_percent_one_passes(self):
        """The lock is held from the check to the row: never two, never none."""
        company = Company.objects.create(name="Acme", slug="acme", quota=1000)
        start, results = threading.Barrier(20), []

        def upload():
            start.wait()
            try:
                results.append(quota.reserve(company, 600))
            except quota.QuotaExceededError as error:
                results.append(error)
            finally:
                connections.close_all()

        threads = [threading.Thread(target=upload) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        passed = [each for each in results if isinstance(each, Reservation)]
        assert (len(results), len(passed)) == (20, 1)
        assert quota.reserved(company) == 600


class Space(TestCase):
    """J11."""

    def setUp(self):
        self.scene = Scene()
        self.acme = self.scene.acme

    def numbers(self):
        self.acme.refresh_from_db()
        return self.acme.bytes_used, self.acme.files_count, quota.reserved(self.acme)

    def test_fo_40_a_refusal_says_what_is_needed_and_what_is_left(self):
        """The sentence has the three numbers and a way on."""
        Company.objects.filter(pk=self.acme.pk).update(quota=8 * GIGABYTE, bytes_used=int(6.8 * GIGABYTE))
        with self.assertRaises(quota.QuotaExceededError) as refused:
            quota.reserve(self.acme, 3 * GIGABYTE)
        text = "Not uploaded: 3.0 GB needed, 1.2 GB left of 8.0 GB. Delete files or ask Studio Fern for more space."
        assert str(refused.exception).replace("\xa0", " ") == text
        assert self.numbers()[2] == 0

    def test_fo_40_a_reservation_counts_until_it_is_settled_released_or_expires(self):
        """Settled twice counts once."""
        one = quota.reserve(self.acme, 600)
        with self.assertRaises(quota.QuotaExceededError):
            quota.reserve(self.acme, 401)
        quota.settle(one.pk, 550)
        quota.settle(one.pk, 550)
        assert self.numbers() == (550, 1, 0)
        two = quota.reserve(self.acme, 450)
        quota.release(two)
        quota.reserve(self.acme, 450, lifetime=timedelta(seconds=-1))
        assert self.numbers() == (550, 1, 0)
        assert quota.reserve(self.acme, 450).bytes == 450

    def test_counters_follow_the_portals_own_writes_and_never_fall_below_zero(self):
        """A count that was wrong before cannot make the space negative."""
        quota.adjust(self.acme, 100, 2)
        quota.adjust(self.acme, -300, -5)
        assert self.numbers() == (0, 0, 0)

    def test_the_nightly_count_finds_what_other_programs_wrote(self):
        """Files are counted in the bucket; reservations that have expired go."""
        put(self.acme.prefix + "a/b.txt", b"12345")
        Reservation.objects.create(company=self.acme, bytes=9, expires_at=timezone.now() - timedelta(1))
        call_command("count_usage", verbosity=0, stdout=open("/dev/null", "w"))  # noqa: SIM115, PTH123
        assert self.numbers() == (5, 1, 0)
        assert self.acme.counted_at is not None
        assert not Reservation.objects.exists()

    def test_the_page_shows_the_largest_folders_and_warns(self):
        """From 80 percent on there is a warning; owners can count again, clients cannot."""
        put(self.acme.prefix + "big/b.txt", b"1" * 850)
        put(self.acme.prefix + "small/b.txt", b"1")
        self.client.force_login(self.scene.people["client"])
        assert self.client.post("/c/acme/usage/count/").status_code == 404
        self.client.force_login(self.scene.people["owner"])
        page = self.client.post("/c/acme/usage/count/", follow=True).content.decode()
        assert "851\xa0bytes of 1000\xa0bytes used" in page
        assert "left. Delete files or ask Studio Fern" in page
        assert page.index("<bdi>big</bdi>") < page.index("<bdi>small</bdi>")

    def test_owners_empty_the_trash_and_its_deletions_cannot_be_undone(self):
        """Only what was deleted goes, and only of this company; other members get 404."""
        for company in (self.acme, self.scene.rival):
            put(company.prefix + "a/b.txt", b"12345")
            put(company.prefix + "kept.txt", b"1")
            user = self.scene.people["owner" if company == self.acme else "rival"]
            operations.run(operations.start(company, user, "delete", ["a/"]), user)
        url = "/c/acme/usage/empty-trash/"
        for who in ("client", "viewer", "rival"):
            self.client.force_login(self.scene.people[who])
            assert self.client.post(url).status_code == 404
        self.client.force_login(self.scene.people["owner"])
        page = self.client.get("/c/acme/usage/")
        self.assertContains(page, url)
        self.assertContains(page, "Deleted files that can be restored do not count towards the limit")
        self.assertContains(self.client.get(url), "cannot be restored")
        self.assertRedirects(self.client.post(url), "/c/acme/usage/")
        assert [each.name.removeprefix(self.acme.prefix) for each in default_storage.scan(self.acme.prefix)] == [
            "kept.txt"
        ]
        mine, theirs = (Operation.objects.get(company=company) for company in (self.acme, self.scene.rival))
        assert (mine.can_undo, theirs.can_undo) == (False, True)

    def test_sizes_are_short(self):
        """As Django writes them, and so as the pages of recipients do: a kilobyte is 1024 bytes."""
        table = {
            None: "–",
            0: "0 bytes",
            1: "1 byte",
            999: "999 bytes",
            1023: "1023 bytes",
            1024: "1.0 KB",
            180_400: "176.2 KB",
            2_440_000: "2.3 MB",
            8 * GIGABYTE: "8.0 GB",
        }
        assert {size: readable_size(size).replace("\xa0", " ") for size in table} == table
