"""Links: their secrets, what a session gets from one, and how they end."""

from __future__ import annotations

import json
import logging
import pickle
import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.admin.sites import site
from django.contrib.auth import middleware as auth_middleware
from django.core import serializers
from django.core.exceptions import ValidationError
from django.test import RequestFactory
from django.utils.timezone import make_naive, now

import s3store.sharing
from s3store.sharing import AccessLog, Share, signals, tokens
from s3store.sharing.retention import about
from tests.sharing.conftest import Visitor, at, path_of, person

pytestmark = pytest.mark.django_db
SOURCES = Path(s3store.sharing.__file__).parent


def token_of(link):
    return re.fullmatch(r"https://portal\.example/s/(.+)/", link)[1]


def test_sh_01_and_st_04_a_token_has_192_random_bits():
    """It comes from the secrets module, which is the only source of randomness in the app."""
    found = {tokens.new_token() for _ in range(1000)}
    assert len(found) == 1000
    assert {len(token) for token in found} == {32}
    assert tokens.TOKEN_BYTES * 8 == 192
    source = "".join(path.read_text(encoding="utf-8") for path in SOURCES.rglob("*.py"))
    assert "import random" not in source
    assert "get_random_string" not in source


def test_sh_02_the_secrets_are_in_nothing_that_is_shown(share, admin_user, rf, caplog, client):
    """Neither the token nor the hashes of it and of the password: not in texts, the admin, signals or an export."""
    heard = []

    def hear(**facts):
        heard.append(facts)

    for signal in (signals.share_created, signals.share_opened):
        signal.connect(hear)
    with caplog.at_level(logging.DEBUG):
        made, link = share(password="open sesame")
        client.get(path_of(link))
        made.revoke()
        assert client.get(path_of(link)).status_code == 410
    for signal in (signals.share_created, signals.share_opened):
        signal.disconnect(hear)
    made.refresh_from_db()
    client.force_login(admin_user)
    pages = "".join(
        client.get(url).content.decode()
        for url in (
            "/admin/s3store_sharing/share/",
            f"/admin/s3store_sharing/share/{made.pk}/change/",
            "/admin/s3store_sharing/accesslog/",
        )
    )
    assert made.email in pages
    shown = [repr(made), str(made), pages, caplog.text, repr(heard), json.dumps(list(about(made.email)))]
    shown += [repr(list(AccessLog.objects.values())), repr(client.session.items())]
    for text in shown:
        for secret in (token_of(link), made.token_hash, made.password, "open sesame"):
            assert secret not in text
    assert made.token_hash == tokens.hash_of(token_of(link))
    assert set(site._registry) & {Share, AccessLog}


def test_sh_02_the_database_has_no_token(share):
    """A dump of the rows opens nothing."""
    made, link = share(password="open sesame")
    rows = serializers.serialize("json", [made])
    assert token_of(link) not in rows
    assert "open sesame" not in rows


def test_sh_03_a_new_link_ends_the_old_one(share, guest, lena):
    """Sharing again renews the share: there is one row, and one link that works."""
    first, old = share()
    second, new = share(can_edit=True)
    assert first.pk == second.pk
    assert Share.objects.count() == 1
    assert old != new
    assert guest.open(old).status_code == 404
    assert guest.open(new).status_code == 200
    third = second.renew(lena)
    assert guest.open(new).status_code == 404
    assert guest.open(third).status_code == 200


def test_sh_04_no_later_url_contains_the_token(share, guest):
    """The link redirects, and the pages behind it name the share by its id."""
    made, link = share()
    response = guest.get(path_of(link))
    assert (response.status_code, response["Location"]) == (302, at(made))
    page = guest.get(at(made))
    file = guest.get(at(made, "in/", "plan.txt"))
    sent = guest.post(at(made, "download/", "plan.txt"))
    token = token_of(link)
    for answer in (response, page, file, sent):
        assert token not in answer.content.decode() + str(answer.headers)
    assert token not in str(list(guest.session.items()))
    assert all(token not in repr(row) for row in AccessLog.objects.values())


def test_sh_07_unknown_links_are_all_alike(guest, share):
    """The same page for each, also for the id of a share that the session has not opened."""
    made, link = share()
    wrong = [f"/s/{tokens.new_token()}/", "/s/x/", f"/s/{token_of(link)[:-1]}/", f"/s/{token_of(link)}x/"]
    answers = [guest.get(url) for url in wrong]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1
    assert guest.get(at(made)).content == answers[0].content


def test_sh_07_a_network_can_try_60_unknown_links_an_hour(guest, share, moment):
    """Then it gets a 429, also for links that exist; another network does not, and an hour later it can again."""
    _, link = share()
    for number in range(60):
        assert guest.get(f"/s/{number}/").status_code == 404
    refused = guest.get("/s/one-more/")
    assert refused.status_code == 429
    assert 0 < int(refused["Retry-After"]) <= 3600 + 120
    assert guest.get(path_of(link)).status_code == 429
    assert guest.get(path_of(link), REMOTE_ADDR="127.0.1.1").status_code == 302
    moment.now += 3600 + 121
    assert guest.get(path_of(link)).status_code == 302


ENDS = {
    "expired": lambda made: Share.objects.filter(pk=made.pk).update(
        created_at=now() - timedelta(days=2), expires_at=now() - timedelta(days=1)
    ),
    "stopped": lambda made: made.revoke(),
    "used up": lambda made: Share.objects.filter(pk=made.pk).update(max_downloads=1, downloads=1),
    "paused": lambda made: Share.objects.filter(pk=made.pk).update(paused_at=now()),
    "nobody's": lambda made: made.created_by.delete(),
}


@pytest.mark.parametrize("ended", ENDS.values(), ids=ENDS)
def test_sh_08_an_ended_link_says_so_and_no_more(share, guest, ended):
    """410 for a real link, whatever ended it, with the same page for all reasons: no name of a file, no address."""
    made, link = share("offer.pdf")
    visitor = Visitor()
    assert visitor.open(link).status_code == 200
    ended(made)
    answer = guest.get(path_of(link))
    assert answer.status_code == 410
    text = answer.content.decode()
    assert "This link has ended." in text
    assert "Ask Nordlicht Solar for a new one." in text
    assert "offer" not in text
    assert "priya" not in text
    # A session that was open gets the same.
    assert visitor.get(at(made)).status_code == 410
    assert visitor.get(at(made)).content == answer.content


def test_sh_09_without_the_session_a_share_is_unknown(share, guest):
    """The id in the URL opens nothing."""
    made, link = share()
    Visitor().open(link)
    random = guest.get(f"/shared/{Share().pk}/")
    assert random.status_code == 404
    assert guest.get(at(made)).content == random.content
    assert guest.post(at(made, "download/", "plan.txt")).status_code == 404


AGENTS = (
    "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
    "facebookexternalhit/1.1",
    "Mozilla/5.0 (compatible; Googlebot/2.1)",
    "Mozilla/5.0 Safe Links URL scan",
    "WhatsApp/2.23 preview",
)


@pytest.mark.parametrize("agent", AGENTS)
def test_sh_10_previews_of_links_use_nothing_up(share, guest, agent):
    """GET and HEAD count no download, pages are not for search engines, and describe nothing to other sites."""
    made, link = share("offer.pdf", max_downloads=1)
    headers = {"User-Agent": agent}
    for method in (guest.head, guest.get):
        assert method(path_of(link), headers=headers).status_code == 302
        page = method(at(made), headers=headers)
        assert page.status_code == 200
        assert "noindex" in page["X-Robots-Tag"]
        assert b'property="og:' not in page.content
    assert guest.get(at(made, "download/"), headers=headers).status_code == 405
    made.refresh_from_db()
    assert made.downloads == 0
    assert [row.agent for row in AccessLog.objects.filter(action="opened")] in ([], ["bot"])


CHANGES = {
    "stopped": (lambda made, by: made.revoke(by), 410),
    "a new password": (lambda made, by: made.change(by, password="new"), 404),
    "a new expiry": (lambda made, by: made.change(by, expires_at=now() + timedelta(days=1)), 404),
    "another right": (lambda made, by: made.change(by, can_edit=True), 404),
    "a limit": (lambda made, by: made.change(by, max_downloads=5), 404),
    "a new link": (lambda made, by: made.renew(by, expires_at=now() + timedelta(days=3)), 404),
}


@pytest.mark.parametrize(("change", "status"), CHANGES.values(), ids=CHANGES)
def test_sh_17_a_change_ends_the_sessions_of_the_link(share, guest, lena, change, status):
    """With their next request, in every browser; opening the link again starts a new one."""
    made, link = share()
    second = Visitor()
    for visitor in (guest, second):
        assert visitor.open(link).status_code == 200
    generation = made.generation
    change(made, lena)
    made.refresh_from_db()
    assert made.generation == generation + 1
    for visitor in (guest, second):
        assert visitor.get(at(made)).status_code == status
        assert visitor.post(at(made, "download/", "plan.txt")).status_code == status


def test_a_change_of_the_limit_cannot_undo_downloads(share, lena):
    """Fewer than there were is an error that says what to do."""
    made, _ = share()
    Share.objects.filter(pk=made.pk).update(downloads=3)
    made.refresh_from_db()
    with pytest.raises(ValidationError, match="Stop the share"):
        made.change(lena, max_downloads=2)
    made.change(lena, max_downloads=None, password=None)
    assert not made.has_password


def test_stopping_twice_is_one_stop(share, lena):
    """The second changes nothing, and the log has one row."""
    made, _ = share()
    made.revoke(lena)
    first = (made.revoked_at, made.generation)
    made.revoke(lena)
    assert (made.revoked_at, made.generation) == first
    assert made.log.filter(action="revoked").count() == 1


def test_a_new_expiry_is_in_the_future(share, lena):
    """Another ends nothing: stopping does."""
    made, _ = share()
    for change in (made.change, made.renew):
        for moment in (now() - timedelta(1), make_naive(now() + timedelta(1))):
            with pytest.raises(ValidationError, match="future"):
                change(lena, expires_at=moment)


def test_links_work_where_all_pages_need_a_login(share, guest, settings):
    """Django's LoginRequiredMiddleware lets recipients in, and no visitor into the pages of members."""
    if not hasattr(auth_middleware, "LoginRequiredMiddleware"):
        pytest.skip("Django has this middleware from 5.1 on")
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.contrib.auth.middleware.LoginRequiredMiddleware"]
    made, link = share(password="pw")
    assert guest.open(link).status_code == 403
    assert guest.post(at(made, "unlock/"), {"password": "pw"})["Location"] == at(made)
    assert guest.get(at(made)).status_code == 200
    assert guest.get("/shared-by-us/")["Location"].startswith("/accounts/login/")


def test_a_session_remembers_the_last_50_shares(share, guest):
    """It does not grow without end."""
    made = [
        share(email=f"p{number}@printworks.example", created_by=person(f"u{number}", "editor")) for number in range(52)
    ]
    for _, link in made:
        guest.get(path_of(link))
    assert guest.get(at(made[0][0])).status_code == 404
    assert guest.get(at(made[-1][0])).status_code == 200
    assert len(guest.session["s3store_sharing"]) == 50


def test_opening_a_link_again_keeps_the_session(share, guest):
    """The log has one row for a session, and the id of the session changes once."""
    made, link = share(password="pw")
    guest.open(link)
    guest.post(at(made, "unlock/"), {"password": "pw"})
    key = guest.session.session_key
    assert guest.open(link).status_code == 200
    assert guest.session.session_key == key
    assert AccessLog.objects.filter(action="opened").count() == 1


def test_a_strange_session_opens_nothing(share, guest):
    """What is in it must have the form that was stored."""
    made, link = share()
    guest.open(link)
    for value in ("x", [1], None, [made.generation, True, "yes"]):
        session = guest.session
        session["s3store_sharing"] = {str(made.pk): value}
        session.save()
        assert guest.get(at(made)).status_code == 404


def test_a_share_can_be_pickled_by_its_row_only(share):
    """A cache may keep the instance: as Django's models do."""
    made, _ = share()
    assert pickle.loads(pickle.dumps(made)) == made


def test_names_are_imported_when_they_are_used():
    """The package offers what it lists, and nothing else."""
    assert {getattr(s3store.sharing, name).__name__ for name in s3store.sharing.__all__} == set(s3store.sharing.__all__)
    with pytest.raises(AttributeError, match="no attribute 'missing'"):
        _ = s3store.sharing.missing


def test_the_body_of_a_request_without_a_session_is_unknown(share):
    """A request that no middleware has seen has no session of ours."""
    made, _ = share()
    request = RequestFactory().get("/")
    request.session = {}
    with pytest.raises(s3store.sharing.ShareUnknownError):
        s3store.sharing.resolve(request, made.pk, "page")
    with pytest.raises(s3store.sharing.ShareUnknownError):
        s3store.sharing.resolve(request, "not an id", "page")
