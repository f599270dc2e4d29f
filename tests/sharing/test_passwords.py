"""Passwords of links: what is shown before, and how often one can be tried."""

from __future__ import annotations

import pytest
from django.contrib.auth import hashers
from django.core import mail
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.test import RequestFactory

from s3store.sharing import AccessLog, Attempt, Share
from s3store.sharing.clients import network_of
from tests.sharing.conftest import Visitor, at, path_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def locked(share, guest):
    """A share with a password, opened by a guest who has not given it."""
    made, link = share("docs/plan.txt", password="open sesame")
    guest.get(path_of(link))
    return made, link


def give(visitor, made, password, **extra):
    return visitor.post(at(made, "unlock/"), {"password": password}, **extra)


def test_sh_05_before_the_password_only_the_company_is_named(locked, guest):
    """No name, size or kind of a file, on no page and in no header."""
    made, link = locked
    for answer in (guest.open(link), guest.get(at(made, "view/")), guest.post(at(made, "download/"))):
        shown = answer.content.decode() + str(answer.headers)
        assert answer.status_code == 403
        assert "Nordlicht Solar" in shown
        for word in ("plan", "docs", ".txt", "8\xa0bytes", "text/plain", "lena", "priya", "og:"):
            assert word not in shown
    assert "Content-Disposition" not in answer


def test_the_right_password_opens_the_share(locked, guest):
    """For this session and no other; and the id of the session is a new one."""
    made, link = locked
    before = guest.session.session_key
    assert give(guest, made, "wrong").status_code == 403
    assert "This is not the password." in give(guest, made, "wrong").content.decode()
    answer = give(guest, made, "open sesame")
    assert (answer.status_code, answer["Location"]) == (302, at(made))
    assert "plan.txt" in guest.get(at(made)).content.decode()
    assert guest.session.session_key != before
    other = Visitor()
    assert other.open(link).status_code == 403
    assert other.get(at(made)).status_code == 403


def test_a_share_without_a_password_needs_none(share, guest):
    """Its form sends the visitor back to the page."""
    made, link = share()
    guest.open(link)
    assert give(guest, made, "x").status_code == 302
    assert made.takes("") is False


def test_sh_14_five_wrong_passwords_of_a_network_lock_it_out(locked, guest, moment, django_capture_on_commit_callbacks):
    """For 15 minutes, the right password too; other networks can go on, and the owner is told once."""
    made, link = locked
    for _ in range(5):
        assert give(guest, made, "wrong").status_code == 403
    for password in ("wrong", "open sesame", "open sesame"):
        refused = give(guest, made, password)
        assert refused.status_code == 429
        assert 0 < int(refused["Retry-After"]) <= 930
    assert [(sent.to, sent.subject) for sent in mail.outbox] == [
        (["lena@nordlicht-solar.example"], "Somebody tried wrong passwords")
    ]
    assert AccessLog.objects.filter(action="refused", share=made).count() == 1
    other = Visitor(REMOTE_ADDR="192.0.2.7")
    other.get(path_of(link))
    assert give(other, made, "open sesame").status_code == 302
    moment.now += 900
    assert give(guest, made, "open sesame").status_code == 429
    moment.now += 31
    assert give(guest, made, "open sesame").status_code == 302


def test_sh_14_right_passwords_count_nothing(locked, guest, moment):
    """A recipient who comes back often is not locked out."""
    made, _ = locked
    for _ in range(8):
        assert give(guest, made, "open sesame").status_code == 302


def test_sh_14_fifty_wrong_passwords_of_all_networks_lock_the_share(locked, moment):
    """For an hour: many networks together are no way around the limit."""
    made, link = locked
    visitors = [Visitor(REMOTE_ADDR=f"10.0.{number}.9") for number in range(11)]
    for visitor in visitors:
        visitor.get(path_of(link))
    answers = [give(visitor, made, "wrong").status_code for visitor in visitors[:10] for _ in range(5)]
    assert answers == [403] * 50
    assert give(visitors[10], made, "open sesame").status_code == 429
    # The refused try does not count against the network.
    moment.now += 3600 + 121
    for _ in range(4):
        assert give(visitors[10], made, "wrong").status_code == 403
    assert give(visitors[10], made, "open sesame").status_code == 302


def test_sh_15_the_address_comes_only_from_trusted_proxies(locked, guest, settings):
    """A client that sends X-Forwarded-For is still the same network."""
    made, _ = locked
    spoofed = [give(guest, made, "wrong", HTTP_X_FORWARDED_FOR=f"10.{number}.0.1").status_code for number in range(6)]
    assert spoofed == [403] * 5 + [429]
    settings.S3STORE_SHARING = {**settings.S3STORE_SHARING, "trusted_proxies": ("127.0.0.0/8",)}
    behind = {"HTTP_X_FORWARDED_FOR": "203.0.113.9"}
    assert give(guest, made, "wrong", **behind).status_code == 403


ADDRESSES = {
    "an address": ("203.0.113.77", None, "203.0.113.0/24"),
    "IPv6": ("2001:db8:1:2::5", None, "2001:db8:1::/48"),
    "IPv4 in IPv6": ("::ffff:203.0.113.77", None, "203.0.113.0/24"),
    "no address": ("", None, ""),
    "a socket": ("unix:", None, ""),
    "not a proxy": ("203.0.113.77", "198.51.100.1", "203.0.113.0/24"),
    "a proxy": ("10.0.0.1", "198.51.100.1", "198.51.100.0/24"),
    "two proxies": ("10.0.0.1", "198.51.100.1, 10.0.0.2", "198.51.100.0/24"),
    "what the client sent": ("10.0.0.1", "1.2.3.4, 198.51.100.1", "198.51.100.0/24"),
    "only proxies": ("10.0.0.1", "10.0.0.2", "10.0.0.0/24"),
    "rubbish": ("10.0.0.1", "x", ""),
    "a Unix socket": ("", "198.51.100.1, 10.0.0.2", "198.51.100.0/24"),
}


@pytest.mark.parametrize(("remote", "forwarded", "network"), ADDRESSES.values(), ids=ADDRESSES)
def test_sh_15_the_network_of_a_client(settings, remote, forwarded, network):
    """Read from the right, as far as the proxies are trusted, and cut."""
    settings.S3STORE_SHARING = {**settings.S3STORE_SHARING, "trusted_proxies": ("10.0.0.0/8", "unix")}
    extra = {} if forwarded is None else {"HTTP_X_FORWARDED_FOR": forwarded}
    assert network_of(RequestFactory().get("/", REMOTE_ADDR=remote, **extra)) == network


def test_sh_16_long_passwords_are_refused_before_they_are_hashed(locked, guest, monkeypatch):
    """A megabyte costs nothing, and neither do 129 characters."""
    made, _ = locked
    hashed = []
    monkeypatch.setattr(hashers.MD5PasswordHasher, "encode", lambda *_: hashed.append(1))
    for length in (129, 1 << 20):
        answer = give(guest, made, "x" * length)
        assert answer.status_code == 403
        assert "128" in answer.content.decode()
    assert made.takes("x" * 129) is False
    assert hashed == []
    assert Attempt.left(f"password:{made.pk}", limit=50, seconds=3600) == 50


def test_sh_16_a_long_password_cannot_be_set(share):
    """The limit is the same."""
    with pytest.raises(ValidationError, match="password is too long"):
        share(password="x" * 129)
    assert not Share.objects.exists()


def test_the_counters_of_two_periods_are_apart(db, moment):
    """Tries are counted for as long as the period lasts, and each key on its own."""
    assert [Attempt.take("a", limit=2, seconds=60) for _ in range(3)][:2] == [0, 0]
    assert Attempt.take("b", limit=2, seconds=60) == 0
    assert Attempt.left("a", limit=2, seconds=60) == 0
    assert Attempt.wait("a", limit=2, seconds=60) > 0
    moment.now += 63
    assert Attempt.wait("a", limit=2, seconds=60) == 0
    assert Attempt.left("a", limit=2, seconds=60) == 2
    assert str(Attempt.objects.first()).endswith(": 2")


def test_a_counter_that_another_request_creates_meanwhile_is_used(db, moment, monkeypatch):
    """Both tries count."""
    Attempt.take("a", limit=5, seconds=60)
    update, missed = QuerySet.update, []

    def late(self, **facts):
        # The row is not there yet when the first request looks.
        if not missed:
            missed.append(1)
            return 0
        return update(self, **facts)

    monkeypatch.setattr(QuerySet, "update", late)
    Attempt.take("a", limit=5, seconds=60)
    assert Attempt.left("a", limit=5, seconds=60) == 3
