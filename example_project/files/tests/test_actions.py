"""Every action, as a plain form without JavaScript and as the modules of the page ask for it."""

# ruff: noqa: PT009

import io
import zipfile

from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.core.signals import request_finished
from django.db import close_old_connections
from django.utils import timezone

from files import operations
from files.models import Operation
from files.tests.portal import PortalTestCase
from s3store.sharing import AccessLog, Share


class WithoutJavaScript(PortalTestCase):
    """Each verb is a form and a page."""

    def end(self, answer):
        """Close a response as a server does, but not the connection to the database of the tests."""
        request_finished.disconnect(close_old_connections)
        answer.close()
        request_finished.connect(close_old_connections)

    def test_a_new_folder(self):
        """The form creates a folder, and comes back with the reason if the name is not possible."""
        self.assertContains(self.client.get(self.url("new-folder") + "?folder=2026"), "New folder")
        self.assertRedirects(
            self.post("new-folder", {"folder": "2026", "name": "Invoices"}), self.url("browse", "2026")
        )
        self.assertTrue(self.folder.exists("2026/Invoices/"))
        for name, reason in (("a/b", "without slashes"), ("CON", "does not work on all"), ("", "without slashes")):
            answer = self.post("new-folder", {"folder": "2026", "name": name})
            self.assertContains(answer, reason, status_code=400)

    def test_a_new_name(self):
        """The form renames a file, and refuses a name that is taken."""
        self.assertContains(self.client.get(self.url("rename") + "?names=offer.pdf"), "offer.pdf")
        self.post("rename", {"names": "offer.pdf", "name": "quote.pdf"})
        self.assertIn("quote.pdf", self.everything())
        answer = self.post("rename", {"names": "quote.pdf", "name": "prices.csv"})
        self.assertContains(answer, "already there", status_code=400)
        self.assertIn("quote.pdf", self.everything())

    def test_fo_13_names_that_look_the_same_are_refused(self):
        """New folders and new names in another case or form of Unicode; a file itself may change its case."""
        self.folder.save("caf\u00e9.txt", b"x")
        for name in ("OFFER.pdf", "CAFE\u0301.txt"):
            answer = self.post("rename", {"names": "prices.csv", "name": name})
            self.assertContains(answer, "is already in this folder", status_code=400)
            answer = self.post("new-folder", {"folder": "", "name": name})
            self.assertContains(answer, "is already in this folder", status_code=400)
        self.assertContains(self.post("new-folder", {"name": "Offer.PDF"}), "“offer.pdf” is already", status_code=400)
        self.assertIn("prices.csv", self.everything())
        self.post("rename", {"names": "offer.pdf", "name": "Offer.PDF"})
        self.assertIn("Offer.PDF", self.everything())
        self.assertNotIn("offer.pdf", self.everything())
        self.post("new-folder", {"folder": "nowhere", "name": "new"})
        self.assertTrue(self.folder.exists("nowhere/new/"))

    def test_fo_13_an_upload_does_not_lie_beside_a_name_that_looks_the_same(self):
        """Without JavaScript, it gets a number."""
        self.folder.save(".env", b"x")
        for _time in range(2):
            self.post("upload", {"files": [SimpleUploadedFile("OFFER.pdf", b"two"), SimpleUploadedFile(".ENV", b"x")]})
        names = [name for name in self.everything() if name.lower().startswith(("offer", ".env"))]
        self.assertEqual(names, [".ENV (2)", ".ENV (3)", ".env", "OFFER (2).pdf", "OFFER (3).pdf", "offer.pdf"])

    def test_moving_to_a_folder_of_the_tree(self):
        """The dialog shows a level of folders; a button looks into a folder, another one moves there."""
        chosen = {"names": ["offer.pdf", "prices.csv"], "folder": "", "action": "move"}
        dialog = self.post("selection", chosen)
        self.assertContains(dialog, 'value="2026/"')
        level = self.post("move", chosen | {"look": "2026/"})
        self.assertContains(level, 'value="2026/Photos/"')
        done = self.client.post(self.url("move"), chosen | {"target": "2026/"}, follow=True)
        self.assertContains(done, "2 files moved.")
        self.assertContains(done, "Undo")
        self.assertIn("2026/offer.pdf", self.everything())

    def test_a_taken_name_is_a_question(self):
        """A name that is taken is asked about: keep both, replace, or skip."""
        self.folder.save("2026/offer.pdf", b"other")
        question = self.post("copy", {"names": "offer.pdf", "target": "2026"})
        self.assertContains(question, "“offer.pdf” is already in “2026”.", status_code=409)
        self.assertFalse(self.nordlicht.reservations.exists())
        self.post("copy", {"names": "offer.pdf", "target": "2026", "merge": "keep_both"})
        self.assertIn("2026/offer (2).pdf", self.everything())

    def test_a_folder_cannot_go_into_itself(self):
        """Moving a folder into itself is refused with a sentence."""
        answer = self.post("move", {"names": "2026/", "target": "2026/Photos/"})
        self.assertContains(answer, "cannot go into itself", status_code=409)

    def test_copies(self):
        """A copied folder has all its files, and the company's counters know."""
        self.post("copy", {"names": "2026/Photos/", "target": ""})
        self.assertIn("Photos/roof-north.png", self.everything())
        self.nordlicht.refresh_from_db()
        self.assertEqual(self.nordlicht.files_count, 2)
        self.assertFalse(self.nordlicht.reservations.exists())

    def test_delete_and_undo(self):
        """What was deleted comes back with one button, and only once."""
        before = self.everything()
        page = self.client.post(self.url("selection"), {"names": ["2026/"], "action": "delete"}, follow=True)
        self.assertContains(page, "3 files deleted.")
        self.assertNotIn("2026/notes.md", self.everything())
        operation = Operation.objects.get()
        undone = self.client.post(self.url("undo", operation.pk), follow=True)
        self.assertContains(undone, "Undone: 3 files are back.")
        self.assertEqual(self.everything(), before)
        again = self.client.post(self.url("undo", operation.pk), follow=True)
        self.assertContains(again, "cannot be undone any more")

    def test_a_move_and_a_rename_are_undone(self):
        """Undo moves files back to their names."""
        before = self.everything()
        self.post("move", {"names": ["offer.pdf", "prices.csv"], "target": "2026"})
        self.post("rename", {"names": "2026/offer.pdf", "name": "quote.pdf"})
        for operation in Operation.objects.order_by("-started_at"):
            self.client.post(self.url("undo", operation.pk))
        self.assertEqual(self.everything(), before)

    def test_a_copy_is_undone(self):
        """Undo deletes the copies, and nothing else."""
        before = self.everything()
        self.post("copy", {"names": "offer.pdf", "target": "2026"})
        self.client.post(self.url("undo", Operation.objects.get().pk))
        self.assertEqual(self.everything(), before)

    def test_an_archive_of_a_selection(self):
        """Chosen files and folders are one ZIP file with its exact length."""
        answer = self.post("selection", {"names": ["2026/Photos/", "offer.pdf"], "action": "download"})
        content = b"".join(answer)
        self.assertEqual(int(answer["Content-Length"]), len(content))
        names = zipfile.ZipFile(io.BytesIO(content)).namelist()
        self.assertEqual(sorted(names), ["Photos/", "Photos/roof-north.png", "Photos/roof-south.png", "offer.pdf"])

    def test_two_archives_at_a_time(self):
        """A third archive at the same time waits; a finished one frees its place."""
        running = [self.post("zip", {"names": "offer.pdf"}) for _ in range(2)]
        refused = self.client.post(self.url("zip"), {"names": "offer.pdf"}, follow=True)
        self.assertContains(refused, "You already download two archives.")
        for answer in running:
            self.end(answer)
        self.assertEqual(self.post("zip", {"names": "offer.pdf"}).status_code, 200)

    def test_an_upload_through_django(self):
        """Without JavaScript, Django sends files to the bucket; a taken name gets a number."""
        file = SimpleUploadedFile("offer.pdf", b"new", "application/pdf")
        page = self.client.post(self.url("upload"), {"files": [file], "folder": ""}, follow=True)
        self.assertContains(page, "1 file uploaded.")
        self.assertEqual(self.folder.read("offer (2).pdf"), b"new")

    def test_nothing_chosen(self):
        """A button without a selection says what is missing."""
        page = self.client.post(self.url("selection"), {"action": "delete"}, follow=True)
        self.assertContains(page, "Choose files or folders first.")

    def test_the_menu_of_a_row_is_about_that_row(self):
        """A button in the menu of a row leaves ticked rows alone."""
        self.post("delete", {"names": ["offer.pdf"], "only": "prices.csv"})
        self.assertIn("offer.pdf", self.everything())
        self.assertNotIn("prices.csv", self.everything())

    def test_sharing(self):
        """The page shares a file, shows the link once, and then who has access."""
        page = self.client.get(self.url("share") + "?names=offer.pdf")
        self.assertNotContains(page, "Optional.")  # the labels say so
        self.assertContains(page, "Anyone with the link can open it.")
        sent = {"names": "offer.pdf", "share": "1", "email": "priya@printworks.example", "right": "view", "days": "14"}
        made = self.post("share", sent)
        self.assertContains(made, "it is shown only once")
        self.assertContains(made, "/s/")
        self.assertEqual(Share.objects.get().path, "offer.pdf")
        self.assertContains(self.client.get(self.url("share") + "?names=offer.pdf"), "priya@printworks.example")
        wrong = self.post("share", sent | {"email": "nobody"})
        self.assertEqual(wrong.status_code, 400)

    def test_sharing_with_limits(self):
        """The dialog offers a limit of downloads and the demand for an account, and then shows both."""
        page = self.client.get(self.url("share") + "?names=offer.pdf")
        self.assertContains(page, 'name="max_downloads"')
        self.assertContains(page, 'name="require_account"')
        sent = {"names": "offer.pdf", "share": "1", "email": "priya@printworks.example", "right": "view", "days": "14"}
        wrong = self.post("share", sent | {"max_downloads": "0"})
        self.assertContains(wrong, "greater than or equal to 1", status_code=400)
        self.post("share", sent | {"max_downloads": "3", "require_account": "on"})
        made = Share.objects.get()
        self.assertEqual((made.max_downloads, made.require_account), (3, True))
        shown = self.client.get(self.url("share") + "?names=offer.pdf")
        self.assertContains(shown, "0 of 3 downloads, with an account only")

    def test_moving_into_a_shared_folder_warns(self):
        """The dialog says how many people outside see what is moved into a folder."""
        sent = {"names": "2026/", "share": "1", "email": "priya@printworks.example", "right": "view", "days": "14"}
        self.post("share", sent)
        level = self.post("move", {"names": "offer.pdf", "look": "2026/Photos/"})
        self.assertContains(level, "1 person outside the company can open")


class WithModules(PortalTestCase):
    """The same as JSON."""

    def test_an_action_answers_with_what_the_page_shows(self):
        """The answer has the sentence and the way back."""
        answer = self.post("delete", {"names": "offer.pdf"}, json=True).json()
        self.assertEqual((answer["state"], answer["message"]), ("done", "1 file deleted."))
        undone = self.client.post(answer["undo"], headers={"Accept": "application/json"}).json()
        self.assertEqual(undone["message"], "Undone: 1 file is back.")

    def test_errors_are_sentences(self):
        """A refused action says why, without a word about the bucket."""
        answer = self.post("rename", {"names": "offer.pdf", "name": "prices.csv"}, json=True)
        self.assertEqual(answer.status_code, 400)
        self.assertEqual(answer.json()["message"], "A file or folder of this name is already there.")

    def test_viewers_change_nothing(self):
        """A viewer's requests are refused on every verb, and change nothing."""
        before = self.everything()
        self.client.force_login(self.vera)
        file = SimpleUploadedFile("x.txt", b"x")
        for name, data in (
            ("delete", {"names": "offer.pdf"}),
            ("rename", {"names": "offer.pdf", "name": "x.pdf"}),
            ("move", {"names": "offer.pdf", "target": "2026"}),
            ("copy", {"names": "offer.pdf", "target": "2026"}),
            ("new-folder", {"name": "x"}),
            ("folders", {"paths": "x"}),
            ("upload", {"files": file}),
            ("share", {"names": "offer.pdf", "share": "1", "email": "a@b.example", "right": "view", "days": "1"}),
        ):
            with self.subTest(name):
                answer = self.post(name, data, json=True)
                self.assertIn(answer.status_code, (400, 403, 409))
        self.assertEqual(self.everything(), before)
        self.assertFalse(Share.objects.exists())
        self.assertEqual(self.post("zip", {"names": "offer.pdf"}).status_code, 200)


class LongWork(PortalTestCase):
    """Operations that take longer than a request."""

    def start(self, count=40):
        """Begin to move a folder."""
        for number in range(count):
            self.folder.save(f"Many/{number}.txt", b"x" * number)
        return operations.start(self.nordlicht, self.tom, "move", ["Many/"], "2026")

    def test_slices_go_on_until_the_work_is_done(self):
        """Each slice does a part; the page shows how far it is, and a button continues."""
        operation = self.start()
        rounds = 0
        while operation.is_running:
            operation = operations.run(operation, self.tom, seconds=0)
            rounds += 1
        self.assertGreater(rounds, 0)
        self.assertEqual(operation.state, "done")
        self.assertEqual(len([path for path in self.everything() if path.startswith("2026/Many/")]), 40)

    def test_the_page_continues_without_javascript(self):
        """The page of a running operation has a button that works on it."""
        operation = self.start()
        self.assertContains(self.client.get(self.url("operation", operation.pk)), "Continue")
        done = self.client.post(self.url("run", operation.pk), follow=True)
        self.assertContains(done, "40 files moved.")

    def test_two_runners_do_not_work_at_the_same_time(self):
        """A second request does nothing while another one works, unless that one has been silent for a minute."""
        operation = self.start()
        Operation.objects.filter(pk=operation.pk).update(runner="other", heartbeat=timezone.now())
        self.assertTrue(operations.run(operation, self.tom).is_running)
        Operation.objects.filter(pk=operation.pk).update(heartbeat=timezone.now() - operations.ABANDONED * 2)
        self.assertEqual(operations.run(operation, self.tom).state, "done")

    def test_overlapping_operations_are_refused(self):
        """The second operation on the same files says that another one works on them."""
        self.start()
        for verb, data in (("delete", {"names": "Many/3.txt"}), ("move", {"names": "offer.pdf", "target": "Many"})):
            with self.subTest(verb):
                answer = self.post(verb, data, json=True)
                self.assertContains(answer, "is moving or deleting these files", status_code=409)
        self.assertIn("Many/3.txt", self.everything())
        self.assertIn("offer.pdf", self.everything())

    def test_fo_24_two_folders_cannot_be_moved_into_each_other(self):
        """Of two moves at once, A into B and B into A, the second one is refused and says who is at work."""
        for path in ("A/a.txt", "B/b.txt"):
            self.folder.save(path, b"x")
        first = operations.start(self.nordlicht, self.tom, "move", ["A/"], "B")
        with self.assertRaisesMessage(operations.BusyError, "Tom is moving or deleting these files"):
            operations.start(self.nordlicht, self.lena, "move", ["B/"], "A")
        self.assertEqual(operations.run(first, self.tom).state, "done")
        second = operations.start(self.nordlicht, self.lena, "move", ["B/A/"], "")
        self.assertEqual(operations.run(second, self.lena).state, "done")
        inside = [path for path in self.everything() if path.startswith(("A/", "B/"))]
        self.assertEqual(inside, ["A/a.txt", "B/b.txt"])

    def test_rights_are_asked_again_in_each_slice(self):
        """A member who was removed meanwhile cannot continue."""
        operation = self.start()
        self.tom.memberships.all().delete()
        with self.assertRaises(FileNotFoundError):
            operations.run(operation, self.tom)
        self.assertEqual(len([path for path in self.everything() if path.startswith("Many/")]), 40)

    def test_what_is_not_done_is_listed(self):
        """Files whose names are taken stay, and the page lists them."""
        self.folder.save("2026/offer.pdf", b"other")
        page = self.client.post(self.url("move"), {"names": ["offer.pdf", "prices.csv"], "target": "2026"}, follow=True)
        self.assertContains(page, "1 file moved. 1 file stayed: its name is taken.")
        operation = Operation.objects.get()
        self.assertContains(self.client.get(self.url("operation", operation.pk)), "Keep both")
        self.post("move", {"names": operation.taken, "target": operation.target, "merge": "keep_both"})
        self.assertIn("2026/offer (2).pdf", self.everything())

    def test_a_task_finishes_what_a_page_has_left(self):
        """The command, and a task, work on an operation until it is done, with the rights of its member."""
        operation = self.start()
        told = io.StringIO()
        call_command("finish_operations", stdout=told)
        self.assertIn(f"{operation.pk}: done", told.getvalue())
        refused = self.start(3)
        self.tom.memberships.all().delete()
        call_command("finish_operations", stdout=told)
        self.assertIn(f"{refused.pk}: refused", told.getvalue())

    def test_a_copy_without_room_is_refused(self):
        """A copy that does not fit into the quota is refused before it begins."""
        self.nordlicht.quota = 100
        self.nordlicht.save()
        answer = self.post("copy", {"names": "2026/Photos/", "target": ""}, json=True)
        self.assertContains(answer, "left of", status_code=409)
        self.assertNotIn("Photos/roof-north.png", self.everything())

    def test_operations_are_written_down(self):
        """The activity has a line with the operation, from which it can be undone."""
        self.post("delete", {"names": ["2026/"]})
        row = AccessLog.objects.get(action="deleted")
        self.assertEqual((row.path, row.detail["count"]), ("2026", 3))
        self.assertEqual(row.detail["operation"], str(Operation.objects.get().pk))
