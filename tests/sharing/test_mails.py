"""The mails about shares: what they contain, and what nobody can put into them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import transaction
from django.utils.timezone import now

from s3store.sharing import Share
from s3store.sharing.mails import send_locked
from tests.sharing.conftest import person
from tests.sharing.site import Place

pytestmark = pytest.mark.django_db


@pytest.fixture
def sent(share, mailoutbox, django_capture_on_commit_callbacks):
    """A function that shares, and returns the mail."""

    def send(path="offer.pdf", **facts):
        with django_capture_on_commit_callbacks(execute=True):
            _, link = share(path, **facts)
        return mailoutbox[-1], link

    return send


def html_of(mail):
    ((content, kind),) = mail.alternatives
    assert kind == "text/html"
    return content


def test_the_mail_has_one_link_and_says_from_whom(sent):
    """In text and HTML, without remote pictures, and without the name of the file in the subject."""
    mail, link = sent(message="Prices as discussed.", password="pw")
    assert mail.to == ["priya@printworks.example"]
    assert mail.subject == "Lena Vogt shared a file with you"
    assert mail.reply_to == ["Lena Vogt <lena@nordlicht-solar.example>"]
    assert mail.from_email == "webmaster@localhost"
    for text in (mail.body, html_of(mail)):
        assert link in text
        assert "Nordlicht Solar" in text
        assert "Prices as discussed." in text
        assert "You need a password. Ask Lena Vogt for it." in text
        assert "pw" not in text.replace("printworks", "")
        assert "offer.pdf" not in text
    assert "<img" not in html_of(mail)
    assert html_of(mail).count("href=") == 1


def test_the_mail_of_a_folder(sent, settings):
    """It says that it is one; and a project can name the sender."""
    settings.S3STORE_SHARING = {**settings.S3STORE_SHARING, "from_email": "portal@fern.example"}
    mail, _ = sent("docs")
    assert mail.subject == "Lena Vogt shared a folder with you"
    assert "Open the folder" in html_of(mail)
    assert mail.from_email == "portal@fern.example"


def test_no_mail_for_a_share_that_was_not_stored(share, mailoutbox, django_capture_on_commit_callbacks):
    """It is sent after the transaction, and only if the project wants it."""
    with django_capture_on_commit_callbacks(execute=True):
        with pytest.raises(RuntimeError), transaction.atomic():
            share()
            raise RuntimeError
        share(notify=False)
    assert mailoutbox == []
    assert Share.objects.count() == 1


def test_sh_33_mails_go_to_the_stored_address(sent):
    """As it was typed, without spaces."""
    mail, _ = sent(email=" Priya@PrintWorks.example ")
    assert mail.to == ["Priya@PrintWorks.example"]


HOSTILE = "Bcc: all@printworks.example"


def test_sh_35_names_and_messages_cannot_inject(sent, lena):
    """No header, no HTML, no link: a message is text, and its URLs are not links."""
    lena.first_name, lena.last_name = "Lena\r\nBcc: all", "<b>Vogt</b>"
    lena.save()
    Place.brand = {"name": "Nordlicht\r\nSolar <script>"}
    try:
        mail, link = sent(message="<a href='https://evil.example'>x</a> https://evil.example\r\n" + HOSTILE)
    finally:
        Place.brand = {"name": "Nordlicht Solar", "logo": "", "contact": "https://nordlicht-solar.example/contact"}
    assert "\n" not in mail.subject
    assert mail.subject.startswith("Lena Bcc: all")
    headers = mail.message()
    assert headers["Bcc"] is None
    assert headers["To"] == "priya@printworks.example"
    page = html_of(mail)
    assert page.count("href=") == page.count(f'href="{link}"') + page.count("href=&#x27;")
    for raw in ("<b>", "<script>", "<a href='"):
        assert raw not in page


def test_sh_36_links_come_from_the_setting(sent, client, share, lena):
    """A forged Host changes nothing."""
    mail, link = sent()
    assert link.startswith("https://portal.example/s/")
    assert "evil.example" not in mail.body
    answer = client.get("/s/x/", headers={"Host": "evil.example"})
    assert b"evil.example" not in answer.content


def test_st_07_redirects_stay_on_the_site(share, guest):
    """No parameter names where to go."""
    _, link = share()
    path = link.removeprefix("https://portal.example")
    for query in ("?next=//evil.example", "?next=https://evil.example"):
        assert guest.get(path + query, headers={"Host": "evil.example"})["Location"].startswith("/shared/")


def test_a_user_without_an_address_is_told_nothing(share, lena, mailoutbox):
    """There is nowhere to send it."""
    made, _ = share()
    made.created_by.email = ""
    send_locked(made)
    assert mailoutbox == []


def test_shares_that_end_soon_are_announced(share, mailoutbox):
    """Once, to the user who shared; others are left alone."""
    soon, _ = share(email="soon@printworks.example", expires_at=now() + timedelta(days=1, hours=12))
    share(email="later@printworks.example")
    nobody = person("nobody", "editor")
    nobody.email = ""
    nobody.save()
    share(email="quiet@printworks.example", created_by=nobody, expires_at=now() + timedelta(days=1, hours=12))
    call_command("s3sharing", "remind", "--days", "2")
    (mail,) = mailoutbox
    assert mail.to == ["lena@nordlicht-solar.example"]
    assert mail.subject == "A share ends soon"
    assert soon.email in mail.body
    call_command("s3sharing", "remind", "--days", "1")
    assert len(mailoutbox) == 1
    with pytest.raises(CommandError, match="1 or more"):
        call_command("s3sharing", "remind", "--days", "0")
