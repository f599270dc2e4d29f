"""The keyboard of the list, and the quality of the pages."""

# ruff: noqa: PT009

from unittest import SkipTest

from files.browser_tests.site import BrowserTestCase, row, rows, toast


class Keyboard(BrowserTestCase):
    """The table of keys."""

    def focused(self, page):
        """Return the name of the row that has the focus."""
        return page.evaluate("document.activeElement.closest('[data-row]')?.dataset.name ?? null")

    def chosen(self, page):
        """Return the names of the chosen rows."""
        return page.locator("[data-row][aria-selected=true]").evaluate_all(
            "(all) => all.map((one) => one.dataset.name)"
        )

    def test_rows_and_cells(self):
        """Arrows go to rows and cells, Home and End to the ends, letters to a name; there is one tab stop."""
        page = self.page(self.tom)
        row(page, "2026").locator("[data-open]").focus()
        self.assertEqual(page.locator("[data-row] [tabindex='0']").count(), 1)
        page.keyboard.press("ArrowDown")
        self.assertEqual(self.focused(page), "Old drafts")
        page.keyboard.press("End")
        self.assertEqual(self.focused(page), "bill-13.txt")
        page.keyboard.press("PageUp")
        self.assertEqual(self.focused(page), "bill-03.txt")
        page.keyboard.press("Home")
        page.keyboard.type("bill-07")
        self.assertEqual(self.focused(page), "bill-07.txt")
        page.keyboard.press("ArrowRight")
        self.assertEqual(page.evaluate("document.activeElement.getAttribute('aria-label')"), "Actions for bill-07.txt")
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("ArrowLeft")
        self.assertEqual(page.evaluate("document.activeElement.type"), "checkbox")

    def test_choosing(self):
        """Space chooses, Shift extends, Ctrl A chooses all, Esc none; screen readers hear it."""
        page = self.page(self.tom)
        row(page, "bill-00.txt").locator("[data-open]").focus()
        page.keyboard.press(" ")
        page.keyboard.press("Shift+ArrowDown")
        page.keyboard.press("Shift+ArrowDown")
        self.assertEqual(self.chosen(page), ["bill-00.txt", "bill-01.txt", "bill-02.txt"])
        page.wait_for_function("() => document.querySelector('#live').textContent === '3 selected'")
        page.keyboard.press("Control+a")
        self.assertEqual(len(self.chosen(page)), 16)
        page.keyboard.press("Escape")
        self.assertEqual(self.chosen(page), [])
        self.assertEqual(self.focused(page), "bill-02.txt")

    def test_open_and_search(self):
        """Enter opens a folder, and the slash goes to the search."""
        page = self.page(self.tom)
        row(page, "2026").locator("[data-open]").focus()
        page.keyboard.press("Enter")
        page.wait_for_url("**/files/2026/")
        page.locator("h1", has_text="2026").wait_for()
        page.keyboard.press("/")
        self.assertEqual(page.evaluate("document.activeElement.name"), "q")

    def test_rename_in_place(self):
        """F2 edits the stem of the name; Enter saves, Esc does not, and the focus stays on the row."""
        page = self.page(self.tom)
        row(page, "bill-05.txt").locator("[data-open]").focus()
        page.keyboard.press("F2")
        page.keyboard.type("nothing")
        page.keyboard.press("Escape")
        self.assertEqual(self.focused(page), "bill-05.txt")
        page.keyboard.press("F2")
        page.keyboard.type("invoice")
        page.keyboard.press("Enter")
        toast(page, "Renamed to “invoice.txt”.")
        row(page, "invoice.txt").wait_for()
        page.wait_for_function("() => document.activeElement.closest('[data-row]')?.dataset.name === 'invoice.txt'")
        page.keyboard.press("F2")
        page.keyboard.type("bill-06")
        page.keyboard.press("Enter")
        toast(page, "A file or folder of this name is already there.")
        self.complaints = [each for each in self.complaints if "status of 400" not in each]

    def test_new_folder_in_a_dialog(self):
        """The dialog makes a folder, and the focus goes to its row."""
        page = self.page(self.tom)
        page.get_by_role("link", name="New folder").click()
        page.locator("dialog[open] input[name=name]").wait_for()
        page.keyboard.type("Brochure")
        page.keyboard.press("Enter")
        row(page, "Brochure").wait_for()
        self.assertTrue(self.folder.exists("Brochure/"))

    def test_viewers_change_nothing_by_keys(self):
        """Keys that change something do nothing for members who may only look."""
        page = self.page(self.vera)
        row(page, "bill-05.txt").locator("[data-open]").focus()
        for key in ("F2", "Delete"):
            page.keyboard.press(key)
        self.assertEqual(len(rows(page)), 16)
        self.assertEqual(page.locator("[data-rename-input]").count(), 0)


HEADERS = {
    "Content-Security-Policy": "default-src 'none'",
    "Permissions-Policy": "camera=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
SHIFTS = """() => {
  window.shifted = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifted += entry.value;
  }).observe({ type: "layout-shift", buffered: true });
}"""
MOST_SHIFTED = 0.1
"""A page whose score is more than this is not "good": web.dev, "Cumulative Layout Shift"."""


class Quality(BrowserTestCase):
    """What axe, the layout and the headers of the pages say, in light and dark."""

    def setUp(self):
        super().setUp()
        self.found = []

    def look_at(self, page, what, response=None):
        """Note what is wrong with a page: violations of axe, moved content, width, headers."""
        import pytest

        from tests.browser import axe

        try:
            self.found += [f"{what}: {each}" for each in axe.violations(page)]
        except pytest.skip.Exception as reason:
            raise SkipTest(str(reason)) from None
        shifted = page.evaluate("window.shifted")
        if shifted > MOST_SHIFTED:
            self.found.append(f"{what}: content moves by {shifted}")
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            self.found.append(f"{what}: wider than the screen")
        for name, start in HEADERS.items() if response else ():
            if not response.headers.get(name.lower(), "").startswith(start):
                self.found.append(f"{what}: {name} is {response.headers.get(name.lower())}")

    def test_pages(self):
        """List, grid, empty folder, dialogs, file pages and the tray are accessible, keep still and fit."""
        self.save_pictures("2026/Photos", 3)
        self.folder.save("notes.md", b"# Notes\n\n* one")
        self.folder.save("table.csv", b"a,b\n1,2\n")
        for scheme, width in (("light", 1440), ("dark", 390)):
            options = {"color_scheme": scheme, "viewport": {"width": width, "height": 800}, "bypass_csp": True}
            page = self.page(self.tom, **options)
            page.add_init_script(f"({SHIFTS})()")
            for path in (
                *("files/", "files/2026/Photos/?view=grid", "files/Old%20drafts/?view=list", "files/?q=bill"),
                *("file/notes.md", "file/table.csv", "file/2026/Photos/roof-00.png", "file/bill-00.txt"),
                *("move/?names=bill-00.txt", "share/?names=bill-00.txt", "rename/?names=bill-00.txt", "new-folder/"),
            ):
                # When a page is loaded, its modules have run.
                self.look_at(page, f"{path} {scheme}", page.goto(self.at(path)))
            page.goto(self.at("files/"))
            row(page, "bill-00.txt").get_by_role("checkbox").check()
            row(page, "bill-01.txt").get_by_label("Actions for").click()
            self.look_at(page, f"chosen {scheme}")
            page.keyboard.press("Escape")
            page.locator("[data-bar]").get_by_role("button", name="Move").click()
            page.locator("dialog[open]").wait_for()
            self.look_at(page, f"dialog {scheme}")
        self.assertEqual(self.found, [])
        # The sandbox of Markdown also blocks the script of this test.
        self.complaints = [each for each in self.complaints if "Blocked script execution" not in each]
