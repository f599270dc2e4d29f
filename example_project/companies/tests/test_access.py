"""Who reaches what: the matrix of roles, pages and verbs; and companies whose names look alike."""

import itertools
import re

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import RequestFactory, TestCase
from django.test.utils import CaptureQueriesContext

from companies.access import folder_of, open_company
from companies.models import Company
from companies.policy import CompanyPolicy
from companies.tests.scene import Scene, put

ACTIONS = ("list", "read", "write", "delete", "share")
READS, ALL = set(ACTIONS[:2]), set(ACTIONS)
MAY = {
    "anonymous": set(),
    "stranger": set(),
    "rival": set(),
    "viewer": READS,
    "client": ALL,
    "owner": ALL,
    "staff": ALL,
}
PATHS = ("", "offer.txt", "shared", "shared/deep/file.txt", ".s3store/trash/x")
# Pages below /c/acme/: who gets 200. Everybody else gets 404, and anonymous people the login page.
MEMBERS, MANAGERS = {"viewer", "client", "owner", "staff"}, {"owner", "staff"}
PAGES = {
    "members/": MEMBERS,
    "usage/": MEMBERS,
    "shared/": MEMBERS,
    "activity/": MANAGERS,
    "activity/?format=csv": MANAGERS,
    "settings/": MANAGERS,
}


class Matrix(TestCase):
    """ST-01 and ST-02."""

    @classmethod
    def setUpTestData(cls):
        cls.scene = Scene()

    def user(self, who):
        return AnonymousUser() if who == "anonymous" else self.scene.people[who]

    def test_st_01_every_role_may_do_exactly_what_the_table_says(self):
        """Each cell: seven roles, five verbs, five paths, and the same for a company that is paused."""
        for active in (True, False):
            self.scene.acme.is_active = active
            for who, action, path in itertools.product(MAY, ACTIONS, PATHS):
                with self.subTest(who=who, action=action, path=path, active=active):
                    allowed = CompanyPolicy(self.scene.acme).can(self.user(who), action, path)
                    expected = action in MAY[who] if active else who == "staff" and action in READS
                    assert allowed is expected

    def test_st_01_pages_open_for_exactly_these_people(self):
        """Each page for each role: 200, 404, or the login page."""
        for page, who in itertools.product(PAGES, MAY):
            with self.subTest(page=page, who=who):
                self.client.logout()
                if who != "anonymous":
                    self.client.force_login(self.user(who))
                response = self.client.get(f"/c/acme/{page}")
                if who == "anonymous":
                    assert response.url.startswith("/login/?next=/c/acme/")
                else:
                    assert response.status_code == (200 if who in PAGES[page] else 404)

    def test_st_01_an_account_that_was_closed_may_do_nothing(self):
        """A closed account is a stranger at once, also where it is staff or an owner."""
        for who in ("client", "owner", "staff"):
            user = self.user(who)
            user.is_active = False
            assert not CompanyPolicy(self.scene.acme).can(user, "read", "offer.txt")

    def test_st_02_a_foreign_company_looks_like_one_that_does_not_exist(self):
        """The same status and the same page."""
        self.client.force_login(self.user("rival"))
        foreign, absent = self.client.get("/c/acme/usage/"), self.client.get("/c/nobody/usage/")
        assert (foreign.status_code, absent.status_code) == (404, 404)
        strip = str.maketrans("", "", "0123456789")
        assert _without_tokens(foreign.content.decode()).translate(strip) == _without_tokens(
            absent.content.decode()
        ).translate(strip)

    def test_st_03_no_path_in_a_url_reaches_the_store(self):
        """A slug with dots or slashes matches no page."""
        self.client.force_login(self.user("owner"))
        for slug in ("../acme-2", "%2e%2e", "acme%2F..%2Facme-2", "acme%00", "ACME", "acme "):
            with self.subTest(slug=slug):
                assert self.client.get(f"/c/{slug}/usage/").status_code == 404

    def test_a_member_of_a_paused_company_gets_404_and_staff_read_it(self):
        """Staff see a notice, and reach the settings in which the company is activated again."""
        Company.objects.filter(pk=self.scene.acme.pk).update(is_active=False)
        self.client.force_login(self.user("owner"))
        assert self.client.get("/c/acme/usage/").status_code == 404
        self.client.force_login(self.user("staff"))
        self.assertContains(self.client.get("/c/acme/usage/"), "This company is paused")
        assert self.client.get("/c/acme/settings/").status_code == 200

    def test_a_page_asks_once_for_the_company_and_the_role(self):
        """One query, for members and for staff."""
        for who in ("client", "staff"):
            request = RequestFactory().get("/")
            request.user = self.user(who)
            with CaptureQueriesContext(connection) as queries:
                access = open_company(request, "acme")
                assert access.can("read", "x")
                assert access.may_write
            assert len(queries) == 1

    def test_the_folder_of_a_company_asks_the_policy(self):
        """A stranger's folder answers as if nothing was there; a viewer reads and does not write."""
        acme = self.scene.acme
        folder_of(acme, self.user("client")).save("offer.txt", b"1")
        with self.assertRaises(FileNotFoundError):
            folder_of(acme, self.user("rival")).read("offer.txt")
        assert folder_of(acme, self.user("viewer")).read("offer.txt") == b"1"
        with self.assertRaises(PermissionError):
            folder_of(acme, self.user("viewer")).save("offer.txt", b"2", overwrite=True)


class Slugs(TestCase):
    """ST-09 and SN-13."""

    def made(self, name, slug):
        company = Company(name=name, slug=slug)
        company.full_clean(exclude=["prefix"])
        company.save()
        return company

    def test_st_09_names_that_look_alike_are_one_slug_or_none(self):
        """Spellings of a taken slug collide after NFKC and case folding; look-alike letters are refused."""
        self.made("Acme", "acme")
        for slug in ("ACME", "acme ", " Acme", "ａｃｍｅ", "аcme", "acmé", "ac/me", "acme/", "..", "acme.", "new"):
            with self.subTest(slug=slug), self.assertRaises(ValidationError):
                self.made("Another", slug)

    def test_st_09_a_slug_that_starts_with_another_is_another_company(self):
        """`acme-2` is no child of `acme`: prefixes end with a slash, and none starts with another one."""
        prefixes = [self.made(slug, slug).prefix for slug in ("acme", "acme-2", "acm")]
        for one, other in itertools.permutations(prefixes, 2):
            assert one.endswith("/")
            assert not other.startswith(one)

    def test_st_09_a_slug_that_is_used_again_gets_another_prefix(self):
        """A new company never sees the files of a deleted one of the same name."""
        first = self.made("Acme", "acme")
        put(first.prefix + "secret.txt", b"1")
        first.delete()
        second = self.made("Acme", "acme")
        assert first.prefix != second.prefix
        assert not folder_of(second).storage.exists(second.prefix + "secret.txt")

    def test_a_slug_is_made_of_the_name(self):
        """Without letters from a to z, the form asks for one."""
        assert self.made("Café Águila", "").slug == "cafe-aguila"
        with self.assertRaises(ValidationError):
            self.made("田中陶芸", "")


def _without_tokens(page):
    return re.sub(r'value="[A-Za-z0-9]{64}"', "", page)
