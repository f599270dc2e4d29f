"""Inviting, accepting, changing roles, and removing members."""

import re
from datetime import timedelta

from django.contrib.auth import get_user_model
from django.core import mail
from django.core.exceptions import ValidationError
from django.test import TestCase, TransactionTestCase, override_settings
from django.utils import timezone

from companies import members
from companies.models import Invitation, Membership, Role, SentMail, VerifiedEmail
from companies.tests.scene import PASSWORD, Scene

PAGE = "/c/acme/members/"
NEW = {"first_name": "Mira", "last_name": "Sand", "password": "a-long-passphrase"}


class Members(TestCase):
    """J9 and J10."""

    def setUp(self):
        self.scene = Scene()
        self.client.force_login(self.scene.people["owner"])

    def invite(self, email="mira@acme.example", role="client"):
        """Invite, and return the path of the link in the mail."""
        with self.captureOnCommitCallbacks(execute=True):
            response = self.client.post(f"{PAGE}invite/", {"email": email, "role": role})
        self.assertRedirects(response, PAGE)
        return self.link()

    def link(self):
        return re.search(r"http://127\.0\.0\.1:8000(/invitation/\S+)", mail.outbox[-1].body)[1]

    def test_an_invited_person_creates_an_account_and_is_a_member(self):
        """The mail has the link, the table only its hash; the address is verified, and the link works once."""
        link = self.invite("Mira@ACME.example", role="viewer")
        token = link.split("/")[2]
        assert token not in str(Invitation.objects.values())
        assert mail.outbox[-1].reply_to == ["owner@acme.example"]
        self.client.logout()
        page = self.client.get(link)
        self.assertContains(page, "Acme")
        assert page.headers["Cache-Control"] == "private, no-store"
        self.assertRedirects(self.client.post(link, NEW), "/c/acme/", fetch_redirect_response=False)
        user = get_user_model().objects.get(username="Mira@ACME.example".lower())
        assert Membership.objects.get(user=user).role == Role.VIEWER
        assert VerifiedEmail.objects.filter(user=user, email_key="mira@acme.example").exists()
        self.client.logout()
        assert self.client.get(link).status_code == 410

    def test_an_account_joins_another_company_only_when_it_is_logged_in(self):
        """Who has the link but not the password of the account of the address gets the login page."""
        link = self.invite("rival@rival.example")
        self.client.logout()
        self.assertContains(self.client.get(link), "Log in to join")
        self.client.post(link, NEW)
        assert not self.scene.acme.memberships.filter(user=self.scene.people["rival"]).exists()
        self.client.force_login(self.scene.people["stranger"])
        self.assertContains(self.client.post(link, NEW), "Log out first")
        self.client.force_login(self.scene.people["rival"])
        self.assertContains(self.client.get(link), "Join")
        self.assertRedirects(self.client.post(link), "/c/acme/", fetch_redirect_response=False)
        assert self.scene.acme.memberships.filter(user=self.scene.people["rival"]).exists()

    def test_a_new_invitation_ends_the_old_link(self):
        """Send again makes a new token, and the mail goes to the stored address."""
        old = self.invite()
        pk = Invitation.objects.get().pk
        with self.captureOnCommitCallbacks(execute=True):
            self.client.post(f"{PAGE}invitations/{pk}/send/", {"email": "attacker@evil.example"})
        assert mail.outbox[-1].to == ["mira@acme.example"]
        self.client.logout()
        assert self.client.get(old).status_code == 410
        assert self.client.get(self.link()).status_code == 200

    def test_links_that_have_ended_answer_410(self):
        """Expired, withdrawn, of a paused company, or invented."""
        link = self.invite()
        found = Invitation.objects.filter(pk=Invitation.objects.get().pk)
        found.update(expires_at=timezone.now() - timedelta(seconds=1))
        assert self.client.get(link).status_code == 410
        found.update(expires_at=timezone.now() + timedelta(days=1))
        self.scene.acme.__class__.objects.update(is_active=False)
        assert self.client.get(link).status_code == 410
        self.scene.acme.__class__.objects.update(is_active=True)
        self.client.post(f"{PAGE}invitations/{found.get().pk}/withdraw/")
        assert self.client.get(link).status_code == 410
        assert self.client.get("/invitation/guess/").status_code == 410

    def test_members_and_addresses_that_are_none_are_refused_in_the_form(self):
        """The page says why, with status 400."""
        for email in ("client@acme.example", "not an address", "a@b\r\nBcc: x@y.example"):
            response = self.client.post(f"{PAGE}invite/", {"email": email, "role": "client"})
            self.assertContains(response, "field-error", status_code=400)
        assert mail.outbox == []

    def test_the_twenty_first_invitation_of_an_hour_is_refused(self):
        """The portal does not send mails for a spammer."""
        for number in range(members.INVITATIONS_PER_HOUR):
            members.invite(self.scene.acme, f"n{number}@example.com", "client", by=self.scene.people["owner"])
        with self.assertRaises(ValidationError):
            members.invite(self.scene.acme, "one@example.com", "client", by=self.scene.people["owner"])

    def test_an_invitation_is_accepted_once_by_two_at_once(self):
        """The second one is told, and is no member."""
        self.invite()
        found = Invitation.objects.get()
        members.accept(found, self.scene.people["stranger"])
        with self.assertRaises(ValidationError):
            members.accept(found, self.scene.people["rival"])

    def test_owners_change_roles_and_one_owner_stays(self):
        """The last owner keeps the role, and cannot be removed."""
        owner, client = self.scene.membership("owner"), self.scene.membership("client")
        for url, data in ((f"{PAGE}{owner.pk}/role/", {"role": "client"}), (f"{PAGE}{owner.pk}/remove/", {})):
            self.assertContains(self.client.post(url, data, follow=True), "keeps at least one owner")
        self.client.post(f"{PAGE}{client.pk}/role/", {"role": "owner"})
        self.client.post(f"{PAGE}{client.pk}/role/", {"role": "god"})
        assert self.scene.membership("client").role == "owner"
        self.client.post(f"{PAGE}{owner.pk}/role/", {"role": "client"})
        assert self.scene.membership("owner").role == "client"

    def test_removing_a_member_asks_what_happens_to_the_links(self):
        """The page lists them. Kept ones belong to the owner; others end with the membership."""
        for keep, state, creator in ((True, "active", "owner"), (False, "stopped", "client")):
            with self.subTest(keep=keep):
                Membership.objects.get_or_create(company=self.scene.acme, user=self.scene.people["client"])
                share, _ = self.scene.share("client", email=f"{keep}@example.com")
                url = f"{PAGE}{self.scene.membership('client').pk}/remove/"
                self.assertContains(self.client.get(url), "1 active link")
                self.client.post(url, {"shares": "keep" if keep else "stop"})
                share.refresh_from_db()
                assert (share.state, share.created_by) == (state, self.scene.people[creator])
                assert not self.scene.acme.memberships.filter(user=self.scene.people["client"]).exists()

    def test_only_owners_and_staff_of_this_company_change_members(self):
        """Each form for each other role: 404, and nothing happens."""
        invitation = members.invite(self.scene.acme, "x@example.com", "client", by=self.scene.people["owner"])
        pk = self.scene.membership("viewer").pk
        forms = (
            ("invite/", {"email": "y@example.com", "role": "owner"}),
            (f"invitations/{invitation.pk}/send/", {}),
            (f"invitations/{invitation.pk}/withdraw/", {}),
            (f"{pk}/role/", {"role": "owner"}),
            (f"{pk}/remove/", {}),
        )
        for who in ("stranger", "rival", "viewer", "client"):
            self.client.force_login(self.scene.people[who])
            for url, data in forms:
                with self.subTest(who=who, url=url):
                    assert self.client.post(PAGE + url, data).status_code == 404
        assert Invitation.objects.count() == 1
        assert self.scene.membership("viewer").role == "viewer"

    def test_members_of_another_company_are_not_reached_through_ones_own(self):
        """The id of a foreign membership or invitation is 404 below the own company."""
        self.client.force_login(self.scene.people["rival"])
        found = members.invite(self.scene.acme, "x@example.com", "client", by=self.scene.people["owner"])
        pk = self.scene.membership("client").pk
        for url in (
            f"{pk}/role/",
            f"{pk}/remove/",
            f"invitations/{found.pk}/send/",
            f"invitations/{found.pk}/withdraw/",
        ):
            assert self.client.post(f"/c/acme-2/members/{url}", {"role": "owner"}).status_code == 404

    def test_people_log_in_with_their_address_in_any_case(self):
        """Only ASCII letters lose their case: look-alike letters belong to somebody else."""
        self.client.logout()
        for typed, works in (
            ("CLIENT@acme.example", True),
            (" client@ACME.example", True),
            ("clıent@acme.example", False),
        ):
            with self.subTest(typed=typed):
                response = self.client.post("/login/", {"username": typed, "password": PASSWORD})
                assert response.status_code == (302 if works else 200)
                self.client.logout()

    def test_guessing_a_password_ends_after_eight_tries(self):
        """429 with Retry-After, also for the right password; other people still log in."""
        self.client.logout()
        wrong = {"username": "client@acme.example", "password": "wrong"}
        statuses = [self.client.post("/login/", wrong).status_code for _ in range(9)]
        assert statuses == [200] * 8 + [429]
        response = self.client.post("/login/", {**wrong, "username": "CLIENT@acme.example", "password": PASSWORD})
        assert response.status_code == 429
        assert 0 < int(response.headers["Retry-After"]) <= 15 * 60 + 60
        self.assertContains(response, "Too many tries", status_code=429)
        assert self.client.post("/login/", {"username": "owner@acme.example", "password": PASSWORD}).status_code == 302

    def test_st_07_login_redirects_only_to_this_site(self):
        """`next` of another host is ignored."""
        self.client.logout()
        data = {"username": "client@acme.example", "password": PASSWORD, "next": "//evil.example/x"}
        self.assertRedirects(self.client.post("/login/", data), "/", fetch_redirect_response=False)
        assert self.client.get("/login/", headers={"host": "evil.example"}).status_code == 400


class Mails(TransactionTestCase):
    """The mails of the demo: they are made when the transaction of a request is over."""

    def setUp(self):
        self.scene = Scene()
        self.client.force_login(self.scene.people["owner"])

    @override_settings(EMAIL_BACKEND="companies.outbox.OutboxBackend")
    def test_mails_are_shown_to_their_people_only(self):
        """The sender and the recipient see a mail of the demo; strangers, rivals and other staff do not."""
        self.client.post(f"{PAGE}invite/", {"email": "rival@rival.example", "role": "client"})
        sent = SentMail.objects.get()
        assert (sent.sent_by, sent.company) == (self.scene.people["owner"], self.scene.acme)
        urls = (f"/mails/{sent.pk}/", f"/mails/{sent.pk}/html/")
        for who, status in (("owner", 200), ("rival", 200), ("stranger", 404), ("client", 404), ("staff", 404)):
            self.client.force_login(self.scene.people[who])
            assert [self.client.get(url).status_code for url in urls] == [status, status]
        SentMail.objects.filter(pk=sent.pk).update(to="rıval@rival.example")
        self.client.force_login(self.scene.people["rival"])
        assert self.client.get(urls[0]).status_code == 404
        self.client.force_login(self.scene.people["owner"])
        html = self.client.get(urls[1])
        assert "sandbox" in html.headers["Content-Security-Policy"]
        assert html.headers["X-Frame-Options"] == "SAMEORIGIN"
