"""What owners, guests with links, and invited people of one company try against another one."""

# ruff: noqa: PT009

import json
from datetime import timedelta

from companies import members
from companies.access import folder_of
from companies.models import Company, Membership, Reservation, Role
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from files import operations
from files.models import Operation
from files.tests.portal import SECRET
from files.tests.test_uploads import UploadTestCase
from s3store.sharing import Share, create
from s3store.uploads import signed_label

REFUSED = (302, 400, 403, 404, 405, 409, 410, 413)
THEIRS = "their-client@harbour.example"
LIST = {"HTTP_X_FRAGMENT": "list"}
DIALOG = {"HTTP_X_FRAGMENT": "dialog"}


class Attacks(UploadTestCase):
    """Harbour Kitchen has files, a link, an invitation, and a deletion that can be undone. Others try to use them."""

    def setUp(self):
        super().setUp()
        self.days = timezone.now() + timedelta(days=3)
        self.theirs.save("Old/gone.txt", b"gone")
        self.deleted = operations.run(operations.start(self.harbour, self.mara, "delete", ["Old/gone.txt"]), self.mara)
        self.their_share, _ = create(
            self.theirs, "Secret", email=THEIRS, created_by=self.mara, expires_at=self.days, can_edit=True
        )
        self.invitation = members.invite(self.harbour, THEIRS, Role.CLIENT, by=self.mara)
        self.theirs.save("Secret/plan.txt", SECRET.encode(), overwrite=True)
        self.secret = f"../{self.theirs.full_root.rstrip('/').rpartition('/')[2]}/Secret"
        self.before = self.state()

    def state(self):
        """Return what Harbour Kitchen has: its files, and its rows without the counters of its own uploads."""
        company = Company.objects.get(pk=self.harbour.pk)
        return (
            {path: self.theirs.read(path) for path in self.everything(self.theirs)},
            [company.name, company.quota, company.is_active],
            list(company.memberships.order_by("pk").values()),
            list(company.invitations.order_by("pk").values()),
            list(Share.objects.filter(root=self.theirs.full_root).values()),
            list(Operation.objects.filter(company=company).order_by("pk").values()),
            Reservation.objects.filter(company=company).count(),
        )

    def try_all(self, attacks, *, said=()):
        """Try each attack, a name and a request. Its answer says nothing, and Harbour Kitchen has what it had."""
        for name, attack in attacks:
            with self.subTest(name):
                answer = attack()
                content = (b"".join(answer) if answer.streaming else answer.content).decode(errors="replace")
                self.assertIn(answer.status_code, REFUSED, content[:300])
                for word in (SECRET, "plan.txt", "menu.png", "gone.txt", THEIRS, "mara"):
                    if word not in said:
                        self.assertNotIn(word, content, name)
                self.assertEqual(self.state(), self.before)
                self.assertFalse([path for path in self.everything() if self.folder.read(path) == SECRET.encode()])

    def page(self, name, *arguments, slug="harbour"):
        """Return the URL of a page about a company."""
        return reverse(f"companies:{name}", args=[slug, *arguments])

    def test_an_owner_of_another_company(self):
        """24 ways to manage the people, links and space of a company with the rights of an owner in another one."""
        self.client.force_login(self.lena)
        get, post = self.client.get, self.client.post
        member, invited, share = self.harbour.memberships.get().pk, self.invitation.pk, self.their_share.pk
        changes = (
            ("change_role", member, {"role": "viewer"}),
            ("remove_member", member, {"shares": "stop"}),
            ("send_again", invited, {}),
            ("withdraw", invited, {}),
            ("stop", share, {}),
        )
        shown = (("remove_member", member), ("stop", share), ("share_log", share))
        attacks = [
            (url, lambda url=url, data=data: post(url, data))
            for name, pk, data in changes
            for url in (self.page(name, pk), self.page(name, pk, slug="nordlicht"))
        ]
        attacks += [
            (url, lambda url=url: get(url))
            for name, pk in shown
            for url in (self.page(name, pk), self.page(name, pk, slug="nordlicht"))
        ]
        attacks += [
            (name, lambda name=name, data=data: post(self.page(name), data))
            for name, data in (
                ("invite", {"email": "lena@nordlicht.example", "role": "owner"}),
                ("settings", {"name": "Mine", "quota": "1"}),
                ("empty_trash", {}),
                ("count_again", {}),
            )
        ]
        library = {"stop": post, "log": get, "page": get, "zip": post}
        attacks += [
            (f"library: {name}", lambda name=name, send=send: send(reverse(f"s3store_sharing:{name}", args=[share])))
            for name, send in library.items()
        ]
        self.assertEqual(len(attacks), 24)
        self.try_all(attacks)
        self.assertEqual(mail.outbox, [])

    def test_a_member_of_another_company(self):
        """27 ways to reach files: parts of pages, encoded slashes, mixed selections, dialogs, undo and uploads."""
        get = self.client.get
        mixed = ["offer.pdf", f"{self.secret}/plan.txt"]
        undo = self.deleted.pk
        label = signed_label(f"company-{self.harbour.pk}")
        begun = {"destination": label, "name": "x.txt", "size": 5, "type": "text/plain"}
        encoded = self.secret.replace("/", "%2f")
        own = f"/c/nordlicht/files/{encoded}"
        dialog = f"?names=offer.pdf&look={self.secret}"
        attacks = [
            ("list", lambda: get(self.url("browse", "Secret", slug="harbour"), **LIST)),
            ("found", lambda: get(self.url("browse", slug="harbour") + "?q=plan", **LIST)),
            ("encoded slashes", lambda: get(f"{own}/")),
            ("twice encoded slashes", lambda: get(f"{own.replace('%', '%25')}/")),
            ("encoded slashes, list", lambda: get(f"{own}/", **LIST)),
            ("encoded dots", lambda: get(f"/c/nordlicht/files/%2e%2e/{self.secret[3:]}/")),
            ("backslashes", lambda: get(f"/c/nordlicht/files/{self.secret.replace('/', '%5c')}/")),
            ("file page", lambda: get(f"/c/nordlicht/file/{encoded}%2fplan.txt")),
            ("tree", lambda: get(self.url("move") + dialog, HTTP_X_FRAGMENT="tree")),
            ("tree by post", lambda: self.post("copy", {"names": "offer.pdf", "look": self.secret}, **DIALOG)),
            ("their tree", lambda: get(self.url("move", slug="harbour") + "?names=Secret/plan.txt", **DIALOG)),
            ("rename dialog", lambda: get(self.url("rename", slug="harbour") + "?names=Secret/plan.txt", **DIALOG)),
            ("share dialog", lambda: get(self.url("share") + f"?names={self.secret}/plan.txt", **DIALOG)),
            ("ZIP of both", lambda: self.post("zip", {"names": mixed})),
            ("selection of both", lambda: self.post("selection", {"names": mixed, "action": "download"})),
            ("delete both", lambda: self.post("delete", {"names": mixed}, json=True)),
            ("move both", lambda: self.post("move", {"names": mixed, "target": "2026"}, json=True)),
            ("folder of the form", lambda: self.post("new-folder", {"folder": self.secret, "name": "x"}, json=True)),
            ("undo", lambda: self.client.post(self.url("undo", undo, slug="harbour"))),
            ("undo by ours", lambda: self.client.post(self.url("undo", undo))),
            ("run by ours", lambda: self.client.post(self.url("run", undo), HTTP_ACCEPT="application/json")),
            ("their space", lambda: self.step("begin", begun)),
            ("their space by their URL", lambda: self.step("begin", begun, slug="harbour")),
            ("their space by the library", lambda: self.library("begin", begun)),
            ("a label of ours for them", lambda: self.step("begin", {**begun, "destination": "company-1"})),
            ("arrive there", lambda: self.arrive(folder=self.secret, path="x.txt")),
            ("arrive there by the path", lambda: self.arrive(folder="", path=f"{self.secret}/plan.txt")),
        ]
        self.assertEqual(len(attacks), 27)
        # The answer repeats what was asked for.
        self.try_all(attacks, said=("plan.txt",))
        self.assertEqual(self.folder.read("offer.pdf"), b"%PDF-1.4\n")

    def test_a_thumbnail_is_made_of_own_files_only(self):
        """Names of another company in a request for thumbnails get no URL."""
        answer = self.post("thumbnails", {"names": [f"{self.secret}/menu.png", "Secret/menu.png"]}, json=True)
        self.assertIn(answer.status_code, (200, 400, 404))
        self.assertNotIn("http", answer.content.decode())
        self.assertNotIn(self.theirs.full_root, answer.content.decode())

    def library(self, step, body):
        """Ask the URL of the library, which knows no company, for a step of an upload."""
        return self.client.post(reverse(f"s3store:{step}"), json.dumps(body), "application/json")

    def arrive(self, **where):
        """Upload a file, and ask for a place for it."""
        return self.post("arrived", {"receipt": self.upload(), **where}, json=True)

    def test_a_guest_of_another_company(self):
        """28 ways out of a link that may edit a folder: paths that leave it, and the id of another company's link."""
        share, link = create(
            folder_of(self.nordlicht, self.lena),
            "2026",
            email="guest@printworks.example",
            created_by=self.lena,
            expires_at=self.days,
            can_edit=True,
        )
        guest = Client()
        self.assertEqual(guest.get(link[link.index("/s/") :], follow=True).status_code, 200)
        out = f"../{self.secret}"

        def ask(route, *, of=share, path=None, send=guest.post, **data):
            arguments = [of.pk] if path is None else [of.pk, path]
            return send(reverse(f"s3store_sharing:{route}", args=arguments), data)

        def upload():
            return SimpleUploadedFile("x.txt", b"x")

        theirs = self.their_share
        attacks = [
            ("folder", lambda: ask("folder", path=out, send=guest.get)),
            ("view", lambda: ask("view", path=f"{out}/menu.png", send=guest.get)),
            ("download", lambda: ask("download", path=f"{out}/plan.txt")),
            ("ZIP", lambda: ask("zip", path=out)),
            ("ZIP of both", lambda: ask("zip", names=["notes.md", f"{out}/plan.txt"])),
            ("upload", lambda: ask("upload", path=out, files=upload())),
            ("new folder", lambda: ask("create_folder", path=out, name="x")),
            ("new folder by its name", lambda: ask("create_folder", name=f"{out}/x")),
            ("rename", lambda: ask("rename", path=out, old="plan.txt", name="x.txt")),
            ("rename to", lambda: ask("rename", old="notes.md", name=f"{out}/x.txt")),
            ("rename from", lambda: ask("rename", old=f"{out}/plan.txt", name="x.txt")),
            ("move from", lambda: ask("move", names=[f"{out}/plan.txt"], target="Photos")),
            ("move to", lambda: ask("move", names=["notes.md"], target=out)),
            ("move from and to", lambda: ask("move", path=out, names=["plan.txt"], target="")),
            ("delete", lambda: ask("delete", names=[f"{out}/plan.txt"])),
            ("delete there", lambda: ask("delete", path=out, names=["plan.txt"])),
            ("restore there", lambda: ask("restore", path=out)),
            ("their page", lambda: ask("page", of=theirs, send=guest.get)),
            ("their folder", lambda: ask("folder", of=theirs, path="sub", send=guest.get)),
            ("their file", lambda: ask("view", of=theirs, path="menu.png", send=guest.get)),
            ("their download", lambda: ask("download", of=theirs, path="plan.txt")),
            ("their ZIP", lambda: ask("zip", of=theirs, names=["plan.txt"])),
            ("their upload", lambda: ask("upload", of=theirs, files=upload())),
            ("their delete", lambda: ask("delete", of=theirs, names=["plan.txt"])),
            ("their restore", lambda: ask("restore", of=theirs)),
            ("their password", lambda: ask("unlock", of=theirs, password="x")),
            ("their log", lambda: ask("log", of=theirs, send=guest.get)),
            ("their stop", lambda: ask("stop", of=theirs)),
        ]
        self.assertEqual(len(attacks), 28)
        self.try_all(attacks, said=("plan.txt", "menu.png"))
        self.assertEqual(self.folder.read("2026/notes.md")[:7], b"# Notes")

    def test_an_invitation_is_for_one_person_and_once(self):
        """Others with the link do not join, and a used link has ended, also for the one who used it."""
        with self.captureOnCommitCallbacks(execute=True):
            members.invite(self.harbour, THEIRS, Role.CLIENT, by=self.mara)
        text = mail.outbox[-1].body
        link = text[text.index("/invitation/") :].split()[0]
        account = {"first_name": "Mira", "last_name": "Sand", "password": "a-long-passphrase"}
        count = Membership.objects.filter(company=self.harbour).count
        for person in (self.tom, self.lena, self.vera):
            self.client.force_login(person)
            self.client.get(link)
            self.client.post(link, account)
            self.assertEqual(count(), 1)
        self.client.logout()
        self.client.post(link, account)
        self.assertEqual(count(), 2)
        for person in (None, self.tom):
            self.client.logout()
            if person:
                self.client.force_login(person)
            self.assertEqual(self.client.get(link).status_code, 410)
            self.assertEqual(self.client.post(link, account).status_code, 410)
        self.assertEqual(count(), 2)

    def test_an_owner_of_both_companies(self):
        """The URL of one company does nothing in the other one: neither uploads, nor links, people and operations."""
        Membership.objects.create(company=self.harbour, user=self.lena, role=Role.OWNER)
        member, invited, share = self.harbour.memberships.first().pk, self.invitation.pk, self.their_share.pk
        self.before = self.state()
        self.client.force_login(self.lena)
        post, label = self.client.post, signed_label(f"company-{self.harbour.pk}")
        attacks = [
            ("upload", lambda: self.step("begin", {"destination": label, "name": "x.txt", "size": 5, "type": ""})),
            ("link", lambda: post(self.page("stop", share, slug="nordlicht"))),
            ("member", lambda: post(self.page("change_role", member, slug="nordlicht"), {"role": "viewer"})),
            ("invitation", lambda: post(self.page("withdraw", invited, slug="nordlicht"))),
            ("undo", lambda: post(self.url("undo", self.deleted.pk))),
        ]
        self.try_all(attacks)

    def test_who_may_only_look_undoes_nothing(self):
        """A viewer of the same company sees the deletion of another member, and cannot take it back or repeat it."""
        deleted = operations.run(operations.start(self.nordlicht, self.tom, "delete", ["offer.pdf"]), self.tom)
        self.client.force_login(self.vera)
        for name in ("undo", "run"):
            answer = self.client.post(self.url(name, deleted.pk), HTTP_ACCEPT="application/json")
            self.assertEqual(answer.status_code, 403)
        self.assertFalse(self.folder.exists("offer.pdf"))
        self.assertEqual(Operation.objects.filter(company=self.nordlicht).count(), 1)
