"""Every route of a share, in every state, and with every path that could lead elsewhere."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils.timezone import now

from s3store.sharing import Share, urls
from s3store.storage import S3Storage
from s3store.testing.counting import counted_requests
from tests.sharing.conftest import FILES, SECRETS, Visitor, at, body_of, path_of, person
from tests.sharing.site import Place, Policy

pytestmark = pytest.mark.django_db

MEMBERS = {"shared_with_me", "shared_by_us", "stop", "log"}
READS = {"page": "get", "folder": "get", "view": "get", "download": "post", "zip": "post"}
WRITES = dict.fromkeys(("upload", "create_folder", "rename", "move", "delete", "restore"), "post")
ROUTES = {**READS, **WRITES}
FORM = {"names": "plan.txt", "name": "new", "old": "plan.txt", "target": "sub"}


def patterns():
    """Return the routes of recipients: (name, whether it takes a path)."""
    return [
        (pattern.name, "<path:path>" in str(pattern.pattern))
        for pattern in urls.urlpatterns
        if pattern.name not in MEMBERS | {"open", "unlock"}
    ]


def ask(visitor, share, name, path=None):
    """Ask a route as a browser does."""
    url = reverse(f"s3store_sharing:{name}", args=[share.pk] if path is None else [share.pk, path])
    return getattr(visitor, ROUTES[name])(url, *([FORM] if ROUTES[name] == "post" else []))


def test_sh_06_every_route_is_in_the_tables():
    """A new URL needs its row here."""
    assert {name for name, _ in patterns()} == set(ROUTES)


STATES = {
    "no session": (None, 404),
    "no password": (lambda made: None, 403),
    "expired": (
        lambda made: Share.objects.filter(pk=made.pk).update(
            created_at=now() - timedelta(days=2), expires_at=now() - timedelta(days=1)
        ),
        410,
    ),
    "stopped": (lambda made: made.revoke(), 410),
    "paused": (lambda made: Share.objects.filter(pk=made.pk).update(paused_at=now()), 410),
    "used up": (lambda made: Share.objects.filter(pk=made.pk).update(max_downloads=2, downloads=2), 410),
    "the creator left": (lambda made: type(made.created_by).objects.update(is_active=False), 410),
    "the creator lost the right": (lambda made: Place.roles.update(lena="viewer"), 410),
}


@pytest.mark.parametrize(("state", "status"), STATES.values(), ids=STATES)
def test_sh_06_no_route_forgets_the_state(share, guest, state, status, storage):
    """The table of URLs × states: the same page for each route, no byte of a file, and nothing changes."""
    made, link = share(password="pw" if status == 403 else None, can_edit=True)
    if state is not None:
        guest.get(path_of(link))
        state(made)
    before = sorted(stat.name for stat in storage.scan())
    bodies = set()
    for name, takes_path in patterns():
        answer = ask(guest, made, name, "plan.txt" if takes_path else None)
        assert answer.status_code == status, name
        assert b"plan" not in answer.content
        bodies.add(answer.content if status != 403 else b"")
    assert len(bodies) == 1
    assert sorted(stat.name for stat in storage.scan()) == before


def test_sh_29_and_st_06_a_view_link_writes_nothing(share, guest, storage):
    """Every route that changes something is a 403, and so is what the link does not have."""
    made, link = share()
    guest.open(link)
    before = sorted(stat.name for stat in storage.scan())
    for name, takes_path in patterns():
        answer = ask(guest, made, name, ("plan.txt" if name in READS else "sub") if takes_path else None)
        assert (answer.status_code == 403) == (name in WRITES), name
    assert sorted(stat.name for stat in storage.scan()) == before


def test_sh_29_a_file_link_has_no_folder(share, guest):
    """No ZIP, no new folder: the share is one file."""
    made, link = share("offer.pdf", can_edit=True)
    guest.open(link)
    for name in ("zip", "create_folder", "rename", "move", "delete", "restore"):
        assert ask(guest, made, name).status_code == 403


TRICKS = (
    "../private.txt",
    "..",
    "../docs-2/other.txt",
    "sub/../../private.txt",
    "sub/..",
    "./plan.txt",
    "sub//deep.txt",
    "/plan.txt",
    "//evil.example/x",
    "%2e%2e/private.txt",
    "..%2fprivate.txt",
    "..\\private.txt",
    "sub\\..\\..\\private.txt",
    "plan.txt\0.jpg",
    "plan.txt\n",
    "-2/other.txt",
    ".txt",
    "x" * 1000,
    "x" * 1100,
    "C:/plan.txt",
    ".s3store/trash/x",
    " /plan.txt",
    ". /x",
)


PLAIN = ("%2e%2e/private.txt", "..%2fprivate.txt", "-2/other.txt", ".txt", "x" * 1000)
"""Names that are possible: nothing is decoded twice."""


@pytest.mark.parametrize("path", TRICKS)
def test_sh_20_sh_21_and_st_03_a_path_leads_nowhere_else(share, guest, storage, path):
    """On each route: not found, or not allowed; no neighbour's byte, and nothing outside changes."""
    made, link = share(can_edit=True)
    guest.open(link)
    outside = {stat.name: stat.etag for stat in storage.scan() if not stat.name.startswith("north/docs/")}
    for name, takes_path in patterns():
        # No URL of Django contains a line break.
        if takes_path and name not in ("upload", "create_folder") and "\n" not in path:
            answer = ask(guest, made, name, path)
            assert answer.status_code in (302, 404), name
            # What a form of the page sent is refused with a message, and changes nothing.
            assert answer.status_code == 404 or name in WRITES
            content = body_of(answer)
            assert not any(secret in content for secret in SECRETS)
    for field in ("names", "old", "target", "name"):
        for name in ("zip", "rename", "move", "delete"):
            sent = {**FORM, field: path}
            answer = guest.post(reverse(f"s3store_sharing:{name}", args=[made.pk]), sent)
            assert answer.status_code in (200, 302, 403, 404), (name, field)
            content = body_of(answer)
            assert [secret for secret in SECRETS if secret in content] == [], (name, field, answer, content)
    after = {stat.name: stat.etag for stat in storage.scan() if not stat.name.startswith("north/docs/")}
    assert {name: etag for name, etag in after.items() if "/.s3store/" not in name} == outside


@pytest.mark.parametrize("path", [path for path in TRICKS if path not in PLAIN and "\n" not in path])
def test_st_03_a_strange_path_costs_no_request_to_the_store(share, guest, moto_folder, path):
    """It is refused before."""
    made, link = share("docs", within=moto_folder)
    guest.get(path_of(link))
    with counted_requests(moto_folder.storage) as requests:
        for name in ("page", "view", "download", "zip"):
            assert ask(guest, made, "folder" if name == "page" else name, path).status_code == 404
    assert requests == []


NEIGHBOURS = ("offer.pdf2", "docs-2", "docs.txt", "Docs", "doc", "docs ")


@pytest.mark.parametrize("name", READS)
def test_sh_20_a_file_share_is_one_key(share, guest, name):
    """Any path below it is not found."""
    made, link = share("offer.pdf")
    guest.open(link)
    takes_path = [takes for found, takes in patterns() if found == name]
    for path in ("offer.pdf", "x", "../private.txt", "../offer.pdf"):
        if True in takes_path:
            assert ask(guest, made, name, path).status_code in (403, 404)


@pytest.mark.parametrize("path", [*FILES, *NEIGHBOURS])
def test_sh_20_neighbours_are_not_in_the_folder(share, guest, path):
    """The root of a share is the folder with its slash: a neighbour is not found under any of its names."""
    made, link = share("docs")
    guest.open(link)
    inside = path.removeprefix("docs/") if path.startswith("docs/") else path
    answer = guest.get(at(made, "in/", inside))
    assert (answer.status_code == 200) == (path.startswith("docs/") and "secret" not in path)


def test_sh_22_the_policy_is_asked_about_the_whole_path(share, guest, lena):
    """Below a share too, and a folder that it denies is not there: neither in the list nor in the ZIP."""
    made, link = share("docs")
    Policy.asked.clear()
    page = guest.open(link).content.decode()
    assert "plan.txt" in page
    assert "secret" not in page
    assert {user for user, _, _ in Policy.asked} == {"lena"}
    assert {path for _, _, path in Policy.asked} >= {"docs"}
    for route in ("in/", "view/", "download/", "zip/"):
        method = guest.get if route in ("in/", "view/") else guest.post
        assert method(at(made, route, "secret/salaries.txt")).status_code == 404
    assert guest.get(at(made, "in/", "secret")).status_code == 404
    assert ("lena", "read", "docs/secret/salaries.txt") in Policy.asked
    assert b"salaries" not in body_of(guest.post(at(made, "zip/")))


def test_sh_37_pages_and_redirects_are_not_cached(share, guest, lena):
    """By any cache, and each answer says that it depends on the cookie."""
    made, link = share(can_edit=True)
    answers = [guest.get("/s/unknown/"), guest.get(path_of(link))]
    answers += [ask(guest, made, name, "plan.txt" if takes else None) for name, takes in patterns()]
    member = Visitor()
    member.force_login(lena)
    answers += [member.get(url) for url in ("/shared-with-me/", "/shared-by-us/", at(made, "stop/"), at(made, "log/"))]
    answers += [guest.get("/shared-by-us/")]
    for answer in answers:
        assert answer["Cache-Control"] == "private, no-store"
        assert "Cookie" in answer["Vary"]
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["X-Frame-Options"] in ("SAMEORIGIN", "DENY")
        assert answer["Referrer-Policy"] in ("same-origin", "no-referrer")


def test_a_refusal_of_the_store_is_an_error_of_the_site(share, guest, seaweedfs_options):
    """Wrong credentials are not the visitor's: the page must not say that the link does not allow it."""
    made, link = share("docs/plan.txt")
    guest.get(path_of(link))
    Place.storage = S3Storage(**{**seaweedfs_options, "secret_key": "wrong"})
    with pytest.raises(PermissionError):
        guest.get(at(made))


# Who may do what

ROLES = ("anonymous", "stranger", "other company", "viewer link", "editor link", "creator", "manager", "recipient")
OPERATIONS = ("list", "read", "zip", "upload", "rename", "move", "delete", "share", "revoke", "see shares")
OBJECTS = ("shared folder", "subfolder", "sibling", "other company", "deleted")


def allowed(role, operation, place):
    """Return what the documentation's table says."""
    if operation in ("revoke", "see shares"):
        return role in ("creator", "manager") and place in ("shared folder", "subfolder")
    if operation == "share" or place in ("sibling", "other company", "deleted"):
        return False
    if role in ("viewer link", "recipient"):
        return operation in ("list", "read", "zip")
    return role == "editor link"


@pytest.fixture
def cast(share, lena, storage):
    """A visitor for each role, with the share that it knows about."""
    viewing, view_link = share(email="view@printworks.example")
    editing, edit_link = share(email="edit@printworks.example", can_edit=True)
    to_member, _ = share(email="mara@nordlicht-solar.example")
    people = {role: Visitor() for role in ROLES}
    people["stranger"].force_login(person("stranger", ""))
    people["other company"].force_login(person("other", "editor", verified=True))
    people["viewer link"].get(path_of(view_link))
    people["editor link"].get(path_of(edit_link))
    people["creator"].force_login(lena)
    people["manager"].force_login(person("boss", "viewer"))
    people["recipient"].force_login(person("mara", "", verified=True))
    Place.managers = frozenset({"boss"})
    shares = dict.fromkeys(ROLES, viewing) | {"editor link": editing, "recipient": to_member}
    return {role: (people[role], shares[role]) for role in ROLES}


PLACES = {
    "shared folder": ("", "plan.txt"),
    "subfolder": ("sub", "deep.txt"),
    "sibling": ("../docs-2", "other.txt"),
    "other company": ("../../south", "north.txt"),
    "deleted": ("gone", "gone.txt"),
}


def did(visitor, share, operation, place):
    """Return whether the operation did something at this place."""
    folder, name = PLACES[place]
    path = f"{folder}/{name}".strip("/")
    if operation in ("revoke", "see shares"):
        if place not in ("shared folder", "subfolder"):
            return False
        answer = visitor.get(at(share, "stop/" if operation == "revoke" else "log/"))
        return answer.status_code == 200
    if operation == "share":
        return visitor.post(at(share, "share/"), FORM).status_code not in (403, 404)
    if operation == "list":
        answer = visitor.get(at(share, "in/", folder) if folder else at(share))
        return answer.status_code == 200 and name.encode() in answer.content
    if operation == "read":
        return visitor.post(at(share, "download/", path)).status_code in (200, 303)
    if operation == "zip":
        answer = visitor.post(at(share, "zip/", folder), {"names": name})
        return answer.status_code == 200 and len(body_of(answer)) > 100
    url = at(share, f"{operation}/", folder)
    sent = {"names": name, "old": name, "name": "renamed.txt", "target": "moved"}
    there = f"north/docs/{path}" in names()
    answer = visitor.post(url, sent if operation != "upload" else {"files": upload()})
    if operation == "upload":
        return answer.status_code == 302 and f"north/docs/{f'{folder}/' if folder else ''}up.txt" in names()
    return answer.status_code == 302 and there and f"north/docs/{path}" not in names()


def upload():
    return SimpleUploadedFile("up.txt", b"up")


def names():
    return {stat.name for stat in Place.storage.scan()}


@pytest.mark.parametrize("role", ROLES)
def test_st_01_the_table_of_permissions(cast, role, storage):
    """Roles × operations × places: exactly what the documentation says."""
    visitor, made = cast[role]
    wrong = []
    for operation in OPERATIONS:
        for place in OBJECTS:
            if operation == "upload" and place == "deleted":
                # There are no folders in a bucket: a file can be added to one that does not exist.
                continue
            before = {stat.name for stat in storage.scan()}
            found = did(visitor, made, operation, place)
            if found != allowed(role, operation, place):
                wrong.append((operation, place, found))
            outside = {name for name in before if not name.startswith("north/docs/")}
            assert outside <= names()
            for name, content in FILES.items():
                if f"north/{name}" not in names() and name.startswith("docs/"):
                    storage.save(f"north/{name}", content_of(content))
    assert wrong == []


def content_of(content):
    return ContentFile(content)


def test_st_02_what_exists_and_is_not_yours_is_as_what_does_not(share, guest):
    """The same page for a file outside, one that the policy denies, one that does not exist, and an unknown share."""
    made, link = share()
    guest.open(link)
    answers = [
        guest.get(at(made, "in/", "secret/salaries.txt")),
        guest.get(at(made, "in/", "secret/nothing.txt")),
        guest.get(at(made, "in/", "nothing.txt")),
        guest.get(f"/shared/{Share().pk}/"),
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1
