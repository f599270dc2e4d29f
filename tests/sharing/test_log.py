"""The access log: what it keeps, for how long, and that nothing changes it."""

from __future__ import annotations

import ast
import csv
import io
import json
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import transaction
from django.test import RequestFactory
from django.utils.timezone import now

import s3store.sharing
from s3store.sharing import AccessLog, Attempt, Share
from s3store.sharing.clients import family_of
from s3store.sharing.exporting import cell
from tests.sharing.conftest import Visitor, at
from tests.sharing.site import Place

pytestmark = pytest.mark.django_db


@pytest.fixture
def row(db):
    return AccessLog.record("viewed", root="north/", path="a.txt", actor="somebody")


def test_sh_39_a_row_cannot_be_changed(row):
    """Nor deleted: not the instance, and not by a query set."""
    row.actor = "somebody else"
    changes = (
        row.save,
        row.delete,
        AccessLog.objects.all().delete,
        lambda: AccessLog.objects.update(actor="x"),
        lambda: AccessLog.objects.bulk_update([row], ["actor"]),
        lambda: AccessLog.objects.filter(pk=row.pk).delete(),
    )
    for change in changes:
        with pytest.raises(TypeError, match="append-only"):
            change()
    assert AccessLog.objects.get().actor == "somebody"
    assert str(row).endswith("viewed a.txt")


def test_sh_39_only_retention_touches_the_rows_of_the_log():
    """In the source: no other module uses the manager that can."""
    found = set()
    for path in Path(s3store.sharing.__file__).parent.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        if any(
            isinstance(node, ast.Attribute) and node.attr in ("_base_manager", "older_than") for node in ast.walk(tree)
        ):
            found.add(path.name)
    assert found == {"log.py", "retention.py"}


def test_sh_39_the_row_is_of_the_transaction_of_the_change(share):
    """A change that is rolled back leaves no row, and a change whose row fails is none."""
    made, _ = share()
    before = AccessLog.objects.count()
    with pytest.raises(RuntimeError), transaction.atomic():
        made.revoke()
        raise RuntimeError
    assert AccessLog.objects.count() == before
    assert Share.objects.get().state == "active"


def test_sh_39_a_row_whose_insert_fails_takes_the_change_back(share, monkeypatch, lena):
    """Nothing is shared, stopped or downloaded without its row."""
    made, _ = share()

    def fail(*_, **__):
        raise RuntimeError

    monkeypatch.setattr(AccessLog, "record", fail)
    for change in (lambda: made.revoke(lena), lambda: made.renew(lena), lambda: share(email="x@printworks.example")):
        with pytest.raises(RuntimeError), transaction.atomic():
            change()
    assert Share.objects.get().state == "active"
    assert Share.objects.get().token_hash


def test_users_and_shares_can_be_deleted(share, lena):
    """Their rows stay, without them."""
    made, _ = share()
    lena.delete()
    made.delete()
    (row,) = AccessLog.objects.all()
    assert (row.user, row.share, row.actor, row.path) == (None, None, "Lena Vogt", "docs")


CELLS = {
    "=cmd|'/C calc'!A0": "'=cmd|'/C calc'!A0",
    "+1": "'+1",
    "-1": "'-1",
    "@SUM(A1)": "'@SUM(A1)",
    "\tx": "'\tx",
    "\rx": "'\rx",
    "x=1": "x=1",
    "": "",
    None: "",
    7: "7",
}


@pytest.mark.parametrize(("value", "text"), CELLS.items())
def test_st_08_cells_are_no_formulas(value, text):
    """OWASP's characters at the start of a cell."""
    assert cell(value) == text


def test_sh_39_and_st_08_the_log_as_csv(share, lena, guest):
    """With a header, and names that a spreadsheet would calculate made harmless; in the page, HTML is text."""
    made, _ = share()
    made.record("viewed", path="x.txt", actor="=HYPERLINK('https://evil.example')")
    made.record("viewed", path="<script>alert(1)</script>", actor="x")
    member = Visitor()
    member.force_login(lena)
    answer = member.get(at(made, "log/") + "?format=csv")
    rows = list(csv.reader(io.StringIO(answer.content.decode())))
    assert rows[0] == ["Time", "Who", "What", "Path", "Network", "Browser"]
    assert ["'=HYPERLINK('https://evil.example')", "viewed", "docs/x.txt"] in [row[1:4] for row in rows]
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert b"<script>alert" not in member.get(at(made, "log/")).content


def test_the_log_of_a_path(folder, share):
    """Of exactly this path."""
    made, _ = share("docs/plan.txt")
    share("docs", email="x@printworks.example")
    assert [row.share for row in AccessLog.objects.at_path(folder, "docs/plan.txt")] == [made]


AGENTS = {
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0": "Firefox",
    "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36": "Chrome",
    "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0": "Edge",
    "Mozilla/5.0 (iPhone) AppleWebKit/605.1.15 Version/18.0 Mobile/15E148 Safari/604.1": "Safari",
    "Mozilla/5.0 (compatible; Googlebot/2.1)": "bot",
    "curl/8.0": "other",
    "": "other",
}


@pytest.mark.parametrize(("agent", "family"), AGENTS.items())
def test_sh_40_the_log_has_the_family_of_the_browser(agent, family):
    """Not its version, and not the system."""
    assert family_of(RequestFactory().get("/", headers={"User-Agent": agent})) == family


def test_sh_40_the_log_has_no_address(share, guest):
    """It is cut to its network."""
    _, link = share()
    guest.get(link.removeprefix("https://portal.example"), REMOTE_ADDR="203.0.113.77")
    row = AccessLog.objects.get(action="opened")
    assert row.network == "203.0.113.0/24"
    assert "203.0.113.77" not in repr(AccessLog.objects.values())


def test_sh_40_the_page_says_what_is_recorded(share, guest):
    """Before the file is opened."""
    _, link = share()
    page = guest.open(link).content.decode()
    assert "Nordlicht Solar sees when you open it" in page
    assert "https://nordlicht-solar.example/contact" in page
    Place.brand = {}
    try:
        page = guest.open(link).content.decode()
    finally:
        Place.brand = {"name": "Nordlicht Solar", "logo": "", "contact": "https://nordlicht-solar.example/contact"}
    assert "The sender sees when you open it" in page


def command(*arguments):
    out = io.StringIO()
    call_command("s3sharing", *arguments, stdout=out)
    return out.getvalue()


@pytest.fixture
def old(share):
    """A row, a share and a counter of 181 days ago, and fresh ones."""
    long_ago = now() - timedelta(days=181)
    ended, _ = share(email="old@printworks.example")
    Share.objects.filter(pk=ended.pk).update(created_at=long_ago - timedelta(1), expires_at=long_ago)
    AccessLog._base_manager.filter(share=ended).update(at=long_ago)
    Attempt.objects.create(key="x" * 64, window=int(long_ago.timestamp()), count=1)
    return share()[0]


def test_sh_40_rows_are_deleted_after_180_days(old):
    """By the command, and by nothing else; first it can say what it would do."""
    assert command("prune", "--dry-run").startswith("Would delete 1 rows of the log, 1 shares, 1 counters.")
    assert (AccessLog.objects.count(), Share.objects.count()) == (2, 2)
    assert command("prune").startswith("Deleted 1 rows of the log, 1 shares, 1 counters.")
    assert [row.share for row in AccessLog.objects.all()] == [old]
    assert list(Share.objects.all()) == [old]
    assert not Attempt.objects.filter(key="x" * 64).exists()
    assert command("prune").startswith("Deleted 0 rows of the log, 0 shares, 0 counters.")
    with pytest.raises(CommandError, match="1 or more"):
        command("prune", "--days", "0")


def test_sh_40_what_is_known_about_an_address_can_be_exported(share, guest):
    """One JSON object a line, without a secret."""
    made, link = share(password="pw")
    guest.open(link)
    lines = [json.loads(line) for line in command("export", "PRIYA@printworks.example").splitlines()]
    assert [line["kind"] for line in lines] == ["share", "access", "access"]
    assert lines[0]["email"] == made.email
    assert "token_hash" not in lines[0]
    assert command("export", "nobody@printworks.example") == ""


def test_sh_40_an_address_can_be_erased(share, guest, lena):
    """The shares stop, and no row names the person; what was done with which file stays."""
    made, link = share()
    guest.open(link)
    guest.post(at(made, "download/", "plan.txt"))
    kept, _ = share(email="mara@printworks.example")
    text = command("erase", "Priya@printworks.example")
    assert text.startswith("Erased the address in 1 shares and ")
    everything = repr(list(Share.objects.values())) + repr(list(AccessLog.objects.values()))
    assert "priya" not in everything
    assert AccessLog.objects.filter(action="downloaded", path="docs/plan.txt", network="").count() == 1
    assert guest.get(at(made)).status_code == 410
    kept.refresh_from_db()
    assert kept.state == "active"


def test_commands_say_what_is_missing(settings):
    """Not with a traceback."""
    settings.S3STORE_SHARING = {}
    with pytest.raises(CommandError, match="S3STORE_SHARING"):
        command("prune")


def test_anonymous_users_have_no_name(db):
    """A row without a user has the name that is given."""
    row = AccessLog.record("viewed", root="", path="a", user=None)
    assert (row.actor, row.user, row.network, row.agent) == ("", None, "", "")
    user = User.objects.create_user("ann")
    assert AccessLog.record("viewed", root="", path="a", user=user).actor == "ann"
    with pytest.raises(ValueError, match="looked"):
        AccessLog.record("looked", root="", path="a")
