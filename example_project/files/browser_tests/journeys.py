"""The journeys of members: deliver, look, send a film, tidy up, undo, share."""

# ruff: noqa: PT009

import base64
import re
import shutil
import tempfile
import zlib
from pathlib import Path

from companies.models import Membership
from django.core import mail
from django.test import override_settings
from django.utils import timezone

from files.browser_tests.site import BUCKET, BrowserTestCase, drop_paths, row, rows, toast
from files.tests.portal import picture, sound
from s3store.sharing import AccessLog, Share

MIB = 1024 * 1024
DROP = """([selector, names]) => {
  const data = new DataTransfer();
  for (const name of names) data.items.add(new File(["dropped " + name], name, { type: "text/plain" }));
  const options = { bubbles: true, cancelable: true, dataTransfer: data };
  for (const kind of ["dragenter", "dragover", "drop"])
    document.querySelector(selector).dispatchEvent(new DragEvent(kind, options));
}"""

PLAYS = """() => {
  const player = document.querySelector("audio");
  return player.readyState >= 2 && !player.seeking && player.currentTime >= 49;
}"""
COUNT_DROPPED = """async () => {
  const { droppedIn } = await import("/static/files/dropped.js");
  addEventListener("drop", async (event) => {
    event.stopPropagation();
    event.preventDefault();
    const { files, folders } = await droppedIn(event.dataTransfer);
    window.found = [files.length, folders.length];
  }, { capture: true });
}"""

LOST = "The file or folder was removed, or cannot be read. Choose it again."

# Something happens on the disk after the drop, before the page reads what was dropped.
READ_LATER = """() => {
  const entryOf = DataTransferItem.prototype.webkitGetAsEntry;
  DataTransferItem.prototype.webkitGetAsEntry = function () {
    const entry = entryOf.call(this);
    const readers = Object.getPrototypeOf(entry.createReader());
    const { readEntries } = readers;
    readers.readEntries = function (found, failed) {
      readers.readEntries = readEntries;
      this.readEntries((some) => window.removeNow().then(() => found(some)), failed);
    };
    return entry;
  };
}"""


class Journeys(BrowserTestCase):
    """What people come for."""

    def test_j1_deliver_forty_photos(self):
        """A chosen folder of 40 photos arrives with its structure; the tray counts, and the list shows it."""
        page = self.page(self.ada)
        with tempfile.TemporaryDirectory() as directory:
            trip = Path(directory) / "Trip"
            (trip / "raw").mkdir(parents=True)
            for number in range(40):
                place = trip / "raw" if number % 4 == 0 else trip
                (place / f"photo-{number:02}.png").write_bytes(picture("teal", (20 + number, 20)))
            page.locator(".upload-menu > summary").click()
            page.locator("#upload-folder").set_input_files(trip)
            page.get_by_role("heading", name="40 of 40 uploaded").wait_for(timeout=60_000)
        self.assertEqual(self.files_below("Trip"), 40)
        self.assertEqual(self.files_below("Trip/raw"), 10)
        row(page, "Trip").wait_for()
        row(page, "Trip").get_by_role("link", name="Trip").click()
        page.wait_for_function(
            "() => [...document.querySelectorAll('img[data-thumbnail]')].filter((one) => one.naturalWidth).length >= 25"
        )
        self.company.refresh_from_db()
        self.assertEqual(self.company.files_count, 40)

    def test_files_are_dropped_anywhere(self):
        """Dropped files go to the folder of the page, and onto a row to its folder. A taken name is a question."""
        page = self.page(self.tom)
        page.evaluate(DROP, ["h1", ["a.txt", "b.txt"]])
        row(page, "b.txt").wait_for()
        page.evaluate(DROP, ["[data-name='2026']", ["c.txt"]])
        page.get_by_role("heading", name="3 of 3 uploaded").wait_for()
        self.assertEqual(self.folder.read("2026/c.txt"), b"dropped c.txt")
        page.evaluate(DROP, ["h1", ["a.txt"]])
        page.get_by_text("“a.txt” is already in this folder.").wait_for()
        page.get_by_role("button", name="Keep both").click()
        row(page, "a (2).txt").wait_for()

    def test_a_dropped_folder_keeps_its_structure(self):
        """A folder of the desktop arrives with its folders, also the empty ones, beside a file."""
        page = self.page(self.ada)
        with tempfile.TemporaryDirectory() as directory:
            trip = Path(directory) / "Trip to Genoa"
            for place in ("raw/day 1", "nothing here"):
                (trip / place).mkdir(parents=True)
            (trip / "plan é.txt").write_bytes(b"plan")
            (trip / "raw" / "day 1" / "a.txt").write_bytes(b"deep")
            (Path(directory) / "beside.txt").write_bytes(b"beside")
            drop_paths(page, "[data-name='2026']", trip, Path(directory) / "beside.txt")
            page.get_by_role("heading", name="3 of 3 uploaded").wait_for()
        found = {path: self.folder.read(f"2026/{path}") for path in ("beside.txt", "Trip to Genoa/raw/day 1/a.txt")}
        self.assertEqual(found, {"beside.txt": b"beside", "Trip to Genoa/raw/day 1/a.txt": b"deep"})
        self.assertEqual(self.folder.read("2026/Trip to Genoa/plan é.txt"), b"plan")
        self.assertTrue(self.folder.exists("2026/Trip to Genoa/nothing here/"))
        self.assertEqual(self.files_below(""), 14 + 3)

    def test_a_dropped_folder_of_many_files(self):
        """Chromium lists 100 entries of a folder at a time: the page asks until there are no more."""
        page = self.page(self.ada)
        page.evaluate(COUNT_DROPPED)
        with tempfile.TemporaryDirectory() as directory:
            for number in range(201):
                Path(directory, f"{number:03}.txt").write_bytes(b"x")
            drop_paths(page, "h1", directory)
            self.assertEqual(page.wait_for_function("() => window.found").json_value(), [201, 1])

    def test_what_was_removed_before_it_is_dropped(self):
        """The tray says so of each file and folder, also of an empty one, and uploads the others."""
        page = self.page(self.tom)
        with tempfile.TemporaryDirectory() as directory:
            empty, full, kept = (Path(directory) / name for name in ("Empty", "Full", "Kept"))
            for folder in (empty, full, kept):
                folder.mkdir()
            for path in (full / "a.txt", kept / "b.txt", Path(directory) / "c.txt"):
                path.write_bytes(b"dropped")

            def remove():
                empty.rmdir()
                shutil.rmtree(full)
                (Path(directory) / "c.txt").unlink()

            drop_paths(page, "h1", empty, full, kept, Path(directory) / "c.txt", before_drop=remove)
            row(page, "Kept").wait_for()
        for name in ("Empty", "Full", "c.txt"):
            line = page.locator(".tray-row", has=page.get_by_text(name, exact=True))
            line.get_by_text(LOST).wait_for()
            self.assertFalse(line.get_by_role("button", name="Try again").is_visible())
        page.get_by_role("heading", name="1 of 4 uploaded").wait_for()
        self.assertEqual(self.folder.read("Kept/b.txt"), b"dropped")
        self.assertEqual([name for name in rows(page) if not name.startswith("bill-")], ["2026", "Kept", "Old drafts"])

    def test_what_is_removed_while_a_dropped_folder_is_read(self):
        """The tray says so of the folder that cannot be listed and of the file that is gone, and uploads the others."""
        page = self.page(self.tom)
        removed = []
        page.expose_function("removeNow", lambda: [remove() for remove in removed])
        page.evaluate(READ_LATER)
        with tempfile.TemporaryDirectory() as directory:
            trip = Path(directory) / "Trip"
            (trip / "Empty").mkdir(parents=True)
            for path in (trip / "a.txt", trip / "b.txt"):
                path.write_bytes(b"dropped")
            removed += [(trip / "Empty").rmdir, (trip / "a.txt").unlink]
            drop_paths(page, "[data-name='2026']", trip)
            page.get_by_role("heading", name="1 of 3 uploaded").wait_for()
        line = page.locator(".tray-row", has=page.get_by_text("Trip/Empty", exact=True))
        line.get_by_text(LOST).wait_for()
        line = page.locator(".tray-row", has=page.get_by_text("Trip/a.txt", exact=True))
        line.get_by_text("The file was changed or removed. Choose it again.").wait_for()
        self.assertEqual(self.folder.read("2026/Trip/b.txt"), b"dropped")
        self.assertFalse(self.folder.exists("2026/Trip/Empty/"))

    def test_a_file_that_arrived_is_not_sent_again(self):
        """If its place in the folder is refused, Try again only asks for the place. It sends a file that is gone."""
        refusing = [True]

        def respond(method, _target, headers):
            if refusing and method == "PUT" and "x-amz-copy-source" in {name.lower() for name in headers}:
                return 403, {}, b"<Error><Code>AccessDenied</Code></Error>"
            return None

        def sent():
            exchanges = self.proxy.requests(None, rf"/{BUCKET}(/media/incoming/.*)?/?(\?.*)?$")
            return sum(one.request_bytes for one in exchanges if one.method in ("POST", "PUT"))

        content = bytes(2 * MIB)
        file = {"name": "film.bin", "mimeType": "application/octet-stream", "buffer": content}
        self.proxy.respond = respond
        self.addCleanup(setattr, self.proxy, "respond", None)
        page = self.page(self.tom)
        self.proxy.clear()
        page.locator("[data-upload-files]").set_input_files(file)
        page.get_by_role("button", name="Try again").wait_for()
        page.get_by_text("The files cannot be reached at the moment.").wait_for()
        self.assertLess(abs(sent() - len(content)), 10_000)
        before = sent()
        with page.expect_response("**/arrived/"):
            page.get_by_role("button", name="Try again").click()
        page.get_by_role("button", name="Try again").wait_for()
        self.assertEqual(sent(), before)
        self.folder.storage.delete_tree("incoming", force=True)
        refusing.clear()
        before = sent()
        page.get_by_role("button", name="Try again").click()
        row(page, "film.bin").wait_for()
        self.assertLess(abs(sent() - before - len(content)), 10_000)
        refusing.append(True)
        page.locator("[data-upload-files]").set_input_files({**file, "name": "other.bin"})
        page.get_by_role("button", name="Try again").wait_for()
        before = sent()
        refusing.clear()
        page.get_by_role("button", name="Try again").click()
        row(page, "other.bin").wait_for()
        self.assertEqual(sent(), before)
        self.assertEqual(self.folder.read("film.bin"), content)
        self.assertEqual(self.folder.read("other.bin"), content)
        self.assertEqual(list(self.folder.storage.scan("incoming")), [])

    def test_ub_25_an_origin_without_a_rule_is_named(self):
        """The tray says which origin the bucket does not allow, and the command that allows it. Then it tries again."""
        self.addCleanup(self.allow_origins, "*")
        self.allow_origins("https://another.example")
        page = self.page(self.tom)
        page.evaluate("() => { Math.random = () => 0 }")
        page.evaluate(DROP, ["h1", ["a.txt"]])
        page.get_by_text(f"manage.py s3 setup --cors-origin {self.live_server_url}").wait_for()
        self.allow_origins("*")
        page.get_by_role("button", name="Try again").click()
        row(page, "a.txt").wait_for()
        self.complaints = [each for each in self.complaints if not re.search("CORS policy|ERR_FAILED", each)]

    def test_ub_21_uploads_have_checksums(self):
        """With the option, the bucket refuses a file that was changed on its way, and the tray sends it again."""
        sent = []

        def harm(route):
            sent.append(route.request.headers.get("x-amz-checksum-crc32"))
            route.continue_(post_data=b"dropped a.tXt" if len(sent) == 1 else None)

        with override_settings(AWS_S3_UPLOAD_CHECKSUM="crc32"):
            page = self.page(self.tom)
            page.route(f"**/{BUCKET}/media/incoming/**", lambda route: harm(route))
            page.evaluate(DROP, ["h1", ["a.txt"]])
            row(page, "a.txt").wait_for()
        checksum = base64.b64encode(zlib.crc32(b"dropped a.txt").to_bytes(4, "big")).decode()
        self.assertEqual(sent, [checksum, checksum])
        self.assertEqual(self.folder.read("a.txt"), b"dropped a.txt")
        self.complaints = [each for each in self.complaints if "status of 400" not in each]

    def test_j2_see_what_is_new(self):
        """New files are marked; arrow keys go through the pictures; the download is the file."""
        self.save_pictures("2026/Photos", 3)
        Membership.objects.filter(user=self.tom).update(seen_at=timezone.now())
        AccessLog.record("uploaded", root=self.folder.full_root, path="2026/Photos/roof-01.png", user=self.ada)
        page = self.page(self.tom, at="files/2026/Photos/")
        self.assertEqual(page.locator(".badge", has_text="New").count(), 1)
        row(page, "roof-00.png").get_by_role("link", name="roof-00.png").click()
        page.get_by_text("1 of 3").wait_for()
        page.wait_for_function("() => document.querySelector('.preview img').naturalWidth === 40")
        page.keyboard.press("ArrowRight")
        page.get_by_text("2 of 3").wait_for()
        with page.expect_download() as found:
            page.get_by_role("link", name="Download").click()
        self.assertEqual(found.value.suggested_filename, "roof-01.png")

    def test_sh_19_a_player_goes_on_after_its_url_has_ended(self):
        """Behind the end of the signed URL, the player loads the stable URL again, and goes on at the same position."""
        self.folder.save("long.wav", sound(60))
        opened = []
        with override_settings(LINK_SECONDS=1):
            page = self.page(self.tom, at="file/long.wav")
            page.on("request", lambda request: request.url.endswith("/open/long.wav") and opened.append(request.url))
            page.wait_for_function("() => document.querySelector('audio').readyState > 0")
            # The bucket's own clock ends the URL.
            page.wait_for_timeout(2200)
            opened.clear()
            page.evaluate("document.querySelector('audio').currentTime = 50")
            page.wait_for_function(PLAYS)
        self.assertTrue(opened)
        self.complaints = [each for each in self.complaints if "status of 403" not in each]

    def test_j3_send_a_film_with_an_interruption(self):
        """A large upload pauses; after a reload the same file continues where it was."""
        page = self.page(self.tom)
        begun = []
        page.on("request", lambda request: "/uploads/begin/" in request.url and begun.append(request.url))
        network = page.context.new_cdp_session(page)
        slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 12 * MIB}
        network.send("Network.emulateNetworkConditions", slow)
        with tempfile.TemporaryDirectory() as directory:
            film = Path(directory) / "film.mp4"
            film.write_bytes(bytes(36 * MIB))
            page.locator("[data-upload-files]").set_input_files(film)
            page.get_by_role("button", name="Pause").click()
            page.get_by_text("Paused").wait_for()
            page.on("dialog", lambda dialog: dialog.accept())
            page.reload()
            network.send("Network.emulateNetworkConditions", slow | {"uploadThroughput": -1})
            page.locator("[data-upload-files]").set_input_files(film)
            page.get_by_role("heading", name="1 of 1 uploaded").wait_for(timeout=60_000)
        self.assertEqual(len(begun), 1)
        self.assertEqual(self.folder.stat("film.mp4").size, 36 * MIB)

    def test_j4_tidy_up(self):
        """Twelve chosen rows go to a folder of the tree, and come back by Undo."""
        page = self.page(self.tom)
        row(page, "bill-00.txt").get_by_role("checkbox").check()
        row(page, "bill-11.txt").locator(".cell-size").click(modifiers=["Shift"])
        page.locator("[data-bar]").get_by_text("12 selected").wait_for()
        page.locator("[data-bar]").get_by_role("button", name="Move").click()
        dialog = page.locator("dialog")
        dialog.get_by_role("button", name="Open 2026").click()
        dialog.get_by_label("Invoices", exact=True).check()
        dialog.get_by_role("button", name="Move here").click()
        toast(page, "12 files moved.")
        self.assertEqual(self.files_below("2026/Invoices"), 12)
        page.locator("[data-toast]").get_by_role("button", name="Undo").click()
        toast(page, "12 files are back")
        row(page, "bill-11.txt").wait_for()
        self.assertEqual(self.files_below("2026/Invoices"), 0)

    def test_j5_undo_a_mistake(self):
        """A deleted folder comes back by the keyboard, and by the bar."""
        for number in range(30):
            self.folder.save(f"Old drafts/{number}.txt", b"draft")
        page = self.page(self.tom)
        row(page, "Old drafts").locator("[data-open]").focus()
        page.keyboard.press("Delete")
        toast(page, "30 files deleted.")
        row(page, "Old drafts").wait_for(state="detached")
        self.assertEqual(page.evaluate("document.activeElement.closest('[data-row]').dataset.name"), "bill-00.txt")
        page.keyboard.press("Control+z")
        toast(page, "30 files are back.")
        row(page, "Old drafts").wait_for()
        self.assertEqual(self.files_below("Old drafts"), 30)

    def test_j6_share_with_a_printer(self):
        """The menu of a row opens the dialog; the link is shown once, and the mail is on its way."""
        page = self.page(self.lena)
        line = row(page, "bill-00.txt")
        line.get_by_label("Actions for bill-00.txt").click()
        line.get_by_role("link", name="Share").click()
        dialog = page.locator("dialog")
        dialog.get_by_label("E-mail").fill("priya@printworks.example")
        dialog.get_by_label("Password").fill("blue roof")
        dialog.get_by_role("button", name="Share").click()
        self.assertIn("/s/", dialog.get_by_label("Link", exact=True).input_value())
        dialog.get_by_role("link", name="Done").click()
        share = Share.objects.get()
        self.assertEqual((share.path, share.has_password, share.can_edit), ("bill-00.txt", True, False))
        self.assertEqual([message.to for message in mail.outbox], [["priya@printworks.example"]])

    def test_a_row_is_dragged_onto_a_folder(self):
        """A row that is dropped on a folder moves there."""
        page = self.page(self.tom)
        row(page, "bill-03.txt").locator(".cell-size").drag_to(row(page, "2026").locator(".cell-size"))
        toast(page, "1 file moved.")
        self.assertTrue(self.folder.exists("2026/bill-03.txt"))

    def test_the_next_page_comes_without_a_reload(self):
        """The rows of the next page are added, and the count says so."""
        for number in range(130):
            self.folder.save(f"Many/{number:03}.txt", b"x")
        page = self.page(self.tom, at="files/Many/")
        page.evaluate("window.same = true")
        page.get_by_role("link", name="Next 100").click()
        row(page, "129.txt").wait_for()
        self.assertEqual(len(rows(page)), 130)
        self.assertTrue(page.evaluate("window.same"))
        page.get_by_role("link", name="Size").click()
        page.wait_for_url("**sort=size**")
        self.assertTrue(page.evaluate("window.same"))
