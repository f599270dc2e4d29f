"""The pages of members: sharing, what is shared by and with them, and who may stop what."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.db import IntegrityError
from django.urls import include, path
from django.utils.timezone import make_naive, now

from s3store.sharing import AccessLog, Share, ShareLimitError, create
from s3store.sharing.views import ShareCreateView
from tests.sharing.conftest import Visitor, at, path_of, person
from tests.sharing.members_site import SharePath
from tests.sharing.site import Place, root_folder

pytestmark = pytest.mark.django_db
SHARES = 20


urlpatterns = [
    path("share/<path:path>", SharePath.as_view()),
    path("plain/<path:path>", ShareCreateView.as_view()),
    path("", include("s3store.sharing.urls")),
]


@pytest.fixture
def site_urls(settings):
    settings.ROOT_URLCONF = __name__


def logged_in(user):
    visitor = Visitor()
    visitor.force_login(user)
    return visitor


FORM = {"email": "priya@printworks.example", "right": "view", "days": "14"}


def test_b11_a_member_shares_a_file_with_an_address(
    folder, lena, site_urls, mailoutbox, django_capture_on_commit_callbacks
):
    """By a form; the page shows the link once, the recipient gets it by mail, and it works without an account."""
    member = logged_in(lena)
    assert b"Anyone with" not in member.get("/share/offer.pdf").content
    with django_capture_on_commit_callbacks(execute=True):
        page = member.post("/share/offer.pdf", {**FORM, "message": "Prices as discussed.", "max_downloads": "3"})
    made = Share.objects.get()
    assert (made.path, made.email, made.can_edit, made.max_downloads) == ("offer.pdf", FORM["email"], False, 3)
    link = page.context["link"]
    assert link in page.content.decode()
    assert link in mailoutbox[0].body
    assert link not in member.get("/shared-by-us/").content.decode()
    assert Visitor().open(link).status_code == 200
    row = AccessLog.objects.get(action="shared")
    assert (row.user, row.actor, row.path, row.network, row.agent) == (
        lena,
        "Lena Vogt",
        "offer.pdf",
        "127.0.0.0/24",
        "other",
    )


def test_b11_and_b12_a_recipient_with_an_account_needs_no_link(share, folder):
    """The share is checked all the same, on every access."""
    made, _ = share(email="Mara@Nordlicht-Solar.example")
    mara = logged_in(person("mara", "", verified=True))
    listed = mara.get("/shared-with-me/").content.decode()
    assert at(made) in listed
    assert mara.get(at(made)).status_code == 200
    Place.roles["lena"] = "viewer"
    assert mara.get(at(made)).status_code == 410
    Place.roles["lena"] = "editor"
    made.revoke()
    assert at(made) not in mara.get("/shared-with-me/").content.decode()
    assert mara.get(at(made)).status_code == 410


def test_a_recipient_with_an_account_gives_the_password_too(share):
    """An account is no way around it."""
    made, _ = share(email="mara@nordlicht-solar.example", password="pw")
    mara = logged_in(person("mara", "", verified=True))
    assert "docs" not in mara.get("/shared-with-me/").content.decode()
    assert mara.get(at(made)).status_code == 403
    assert mara.post(at(made, "unlock/"), {"password": "pw"}).status_code == 302
    assert mara.get(at(made)).status_code == 200


def test_sh_23_the_dialog_says_that_later_files_are_shared(folder, lena, site_urls):
    """For folders; and who has access already."""
    member = logged_in(lena)
    assert "also what is added later" in member.get("/share/docs").content.decode()
    assert "also what is added later" not in member.get("/share/offer.pdf").content.decode()
    assert b"anyone with the link can open it" in member.get("/share/docs").content


def test_sh_23_a_file_that_is_added_later_is_shared(share, guest, folder):
    """As the dialog says."""
    made, link = share()
    guest.open(link)
    folder.as_user(made.created_by).save("docs/later.txt", b"later")
    assert b"later.txt" in guest.get(at(made)).content


def test_sh_27_only_creators_and_managers_stop_a_share(share, lena):
    """For others it does not exist: neither its page nor its log."""
    made, _ = share()
    Place.managers = frozenset({"boss"})
    stranger, boss = logged_in(person("tom", "editor")), logged_in(person("boss", "viewer"))
    for url in (at(made, "stop/"), at(made, "log/"), at(made, "log/") + "?format=csv"):
        assert stranger.get(url).status_code == 404
        assert Visitor().get(url).status_code == 302
        for allowed in (logged_in(lena), boss):
            assert allowed.get(url).status_code == 200
    assert stranger.post(at(made, "stop/")).status_code == 404
    made.refresh_from_db()
    assert made.state == "active"
    assert stranger.get("/shared-by-us/").context["shares"] == []
    assert boss.get("/shared-by-us/").context["shares"] == [made]
    assert boss.post(at(made, "stop/")).status_code == 302
    made.refresh_from_db()
    assert made.state == "stopped"
    assert "Stopped" in boss.get("/shared-by-us/").content.decode()


def test_sh_28_every_live_share_of_a_path_is_listed(share, folder, lena):
    """Also those of the folders above it, which share it too; nothing is shared without a row."""
    of_root, _ = share("", email="all@printworks.example")
    above, _ = share("docs")
    inner, _ = share("docs/sub", email="mara@printworks.example")
    share("docs-2", email="other@printworks.example")
    found = Share.objects.for_path(folder, "docs/sub/deep.txt").live()
    assert set(found) == {of_root, above, inner}
    assert set(Share.objects.for_path(folder, "docs/").live()) == {of_root, above}
    assert set(Share.objects.for_path(folder, "").live()) == {of_root}
    inner.revoke(lena)
    assert set(Share.objects.for_path(folder, "docs/sub").live()) == {of_root, above}
    assert Share.objects.count() == AccessLog.objects.filter(action="shared").count()


def test_sh_28_the_dialog_lists_them(share, lena, site_urls):
    """With the path from which they come."""
    share("docs", email="mara@printworks.example", can_edit=True)
    page = logged_in(lena).get("/share/docs/sub").content.decode()
    assert "mara@printworks.example, view and edit" in page
    assert "<bdi>docs</bdi>" in page


RIGHTS = {
    "an editor views": ("editor", "docs", False, None),
    "an editor edits": ("editor", "docs", True, None),
    "a viewer views": ("viewer", "docs", False, PermissionError),
    "a viewer edits": ("viewer", "docs", True, PermissionError),
    "a stranger": ("", "docs", False, FileNotFoundError),
    "a denied folder": ("editor", "docs/secret", False, FileNotFoundError),
    "a denied file": ("editor", "docs/secret/salaries.txt", True, FileNotFoundError),
    "nothing": ("editor", "nothing", False, FileNotFoundError),
}


@pytest.mark.parametrize(("role", "path", "can_edit", "error"), RIGHTS.values(), ids=RIGHTS)
def test_sh_31_nobody_gives_more_than_they_have(share, role, path, can_edit, error):
    """In no folder; and what a member may not read looks absent."""
    tom = person("tom", role)
    if error is None:
        assert share(path, created_by=tom, can_edit=can_edit)[0].can_edit is can_edit
    else:
        with pytest.raises(error):
            share(path, created_by=tom, can_edit=can_edit)
        assert not Share.objects.exists()


def test_sh_31_a_member_who_may_not_write_cannot_let_others(folder, lena, site_urls, monkeypatch):
    """The form says so."""
    monkeypatch.setattr(
        "tests.sharing.site.Policy.can", lambda self, user, action, path: action in ("list", "read", "share")
    )
    page = logged_in(lena).post("/share/docs", {**FORM, "right": "edit"})
    assert (page.status_code, "You may not let others edit this." in page.content.decode()) == (400, True)


def test_sh_33_an_address_must_be_verified(share):
    """Registering somebody's address opens nothing, and the list is empty."""
    made, _ = share(email="mara@nordlicht-solar.example")
    mara = logged_in(person("mara", ""))
    assert mara.get(at(made)).status_code == 404
    assert at(made) not in mara.get("/shared-with-me/").content.decode()
    assert made.is_for(None) is False


def test_sh_34_a_share_can_need_the_account(share, guest):
    """The link is then not enough: visitors log in, and other users see nothing."""
    made, link = share(email="mara@nordlicht-solar.example", require_account=True)
    guest.get(path_of(link))
    assert guest.post(at(made, "download/", "plan.txt"))["Location"] == f"/accounts/login/?next={at(made)}"
    answer = guest.get(at(made))
    assert answer.status_code == 302
    assert answer["Location"] == f"/accounts/login/?next={at(made)}"
    guest.force_login(person("tom", "editor", verified=True))
    guest.get(path_of(link))
    assert guest.get(at(made)).status_code == 404
    mara = logged_in(person("mara", "", verified=True))
    mara.get(path_of(link))
    assert mara.get(at(made)).status_code == 200


def test_sh_35_a_member_can_share_20_files_an_hour(share, lena, moment, site_urls):
    """Then it is an error, in the form too, and an hour later it works again."""
    for number in range(SHARES):
        share(email=f"p{number}@printworks.example")
    with pytest.raises(ShareLimitError, match="Try again later"):
        share(email="one@printworks.example")
    page = logged_in(lena).post("/share/docs", FORM)
    assert (page.status_code, "Try again later" in page.content.decode()) == (400, True)
    moment.now += 3600 + 121
    share(email="one@printworks.example")


IMPOSSIBLE = {
    "no address": {"email": "priya"},
    "a header": {"email": "priya@printworks.example\r\nBcc: all@printworks.example"},
    "the past": {"expires_at": now() - timedelta(seconds=1)},
    "a naive time": {"expires_at": make_naive(now()) + timedelta(days=1)},
    "no download": {"max_downloads": 0},
    "a long message": {"message": "x" * 501},
}


@pytest.mark.parametrize("facts", IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_sh_35_impossible_values_are_refused(share, facts):
    """Before a row is stored or a mail sent."""
    with pytest.raises(ValidationError):
        share(**facts)
    assert not Share.objects.exists()


def test_a_root_that_does_not_fit_the_column_is_refused(folder, lena):
    """It would be cut."""
    with pytest.raises(ValidationError, match="root"):
        create(root_folder("x" * 300), "a", email="a@b.example", created_by=lena, expires_at=now() + timedelta(days=1))


def test_a_path_in_a_folder_below_the_root_is_stored_from_the_root(share, folder):
    """`Folder.within` is no way around the policy."""
    made, _ = share("plan.txt", within=folder.within("docs"))
    assert (made.root, made.path, made.name, str(made)) == (
        "north/",
        "docs/plan.txt",
        "plan.txt",
        "docs/plan.txt → priya@printworks.example",
    )


def test_two_requests_that_share_the_same_make_one_row(share, monkeypatch):
    """The second one renews the share."""
    real, failed = Share.save, []

    def save(self, *args, **kwargs):
        if not failed:
            failed.append(1)
            raise IntegrityError
        real(self, *args, **kwargs)

    monkeypatch.setattr(Share, "save", save)
    made, link = share()
    assert Visitor().open(link).status_code == 200
    assert Share.objects.get() == made


def test_the_form_keeps_what_was_wrong(folder, lena, site_urls):
    """And shares nothing; what cannot be shared is a 404."""
    member = logged_in(lena)
    page = member.post("/share/docs", {**FORM, "email": "priya"})
    assert (page.status_code, Share.objects.count()) == (400, 0)
    for url in ("/share/nothing", "/share/docs/secret", "/share/..%2fsouth"):
        assert member.get(url).status_code == 404
        assert member.post(url, FORM).status_code == 404
    assert logged_in(person("tom", "viewer")).get("/share/docs").status_code == 404
    with pytest.raises(NotImplementedError):
        member.get("/plain/docs")


def test_a_mistake_in_the_values_is_shown_in_the_form(folder, lena, site_urls, monkeypatch):
    """What the service refuses although the form has accepted it."""

    def refuse(*_, **__):
        raise ValidationError("No.")

    monkeypatch.setattr("s3store.sharing.views.members.create", refuse)
    assert b"No." in logged_in(lena).post("/share/docs", FORM).content


def test_the_state_is_in_words(share, lena):
    """Each of them, with the number of downloads."""
    made = {state: share(email=f"{state}@printworks.example")[0] for state in ("active", "expired", "used", "paused")}
    rows = Share.objects
    rows.filter(pk=made["expired"].pk).update(created_at=now() - timedelta(2), expires_at=now() - timedelta(1))
    rows.filter(pk=made["used"].pk).update(max_downloads=1, downloads=1)
    rows.filter(pk=made["paused"].pk).update(paused_at=now())
    page = logged_in(lena).get("/shared-by-us/").content.decode()
    for word in ("Active", "Expired", "Limit reached", "Paused", "1/1"):
        assert word in page
    assert set(Share.objects.live()) == {made["active"]}


def test_without_managers_the_list_is_one_query(share, lena, settings, django_assert_num_queries):
    """Of the shares that the user created."""
    settings.S3STORE_SHARING = {name: value for name, value in settings.S3STORE_SHARING.items() if name != "manages"}
    made, _ = share()
    share("offer.pdf", created_by=person("tom", "editor"))
    with django_assert_num_queries(1):
        assert Share.objects.managed_by(lena) == [made]
    lena.is_active = False
    assert Share.objects.managed_by(lena) == []


def test_inactive_users_manage_nothing(share, lena):
    """Neither their own shares."""
    made, _ = share()
    assert made.is_managed_by(lena)
    lena.is_active = False
    assert not made.is_managed_by(lena)
    assert not made.is_managed_by(None)


def test_without_the_setting_nothing_works(share, settings, guest):
    """The error names the setting."""
    settings.S3STORE_SHARING = None
    with pytest.raises(ImproperlyConfigured, match="S3STORE_SHARING"):
        Share.objects.shared_with(User.objects.get())
