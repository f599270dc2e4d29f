"""What only a browser can see: columns that line up, cards that are filled, pages that fit a phone."""

# ruff: noqa: PT009

from companies.models import Membership
from django.utils import timezone

from files.browser_tests.site import BrowserTestCase, row
from s3store.sharing import AccessLog

PHONE = {"viewport": {"width": 390, "height": 844}}
LINES = """(row) => [".name a bdi", ".cell-size", ".cell-modified", ".cell-who"].map((selector) => {
  const range = document.createRange();
  range.selectNodeContents(row.querySelector(selector));
  return Math.round(range.getBoundingClientRect().bottom);
})"""
OVERFLOW = "document.documentElement.scrollWidth - window.innerWidth"


class Looks(BrowserTestCase):
    """Lengths, not colours: pictures are for people to look at."""

    def test_the_columns_of_a_row_have_one_baseline(self):
        """Name, size, date and person stand on one line, beside a badge and beside a thumbnail too."""
        Membership.objects.filter(user=self.tom).update(seen_at=timezone.now())
        AccessLog.record("uploaded", root=self.folder.full_root, path="bill-00.txt", user=self.ada)
        page = self.page(self.tom)
        self.assertEqual(row(page, "bill-00.txt").locator(".badge").count(), 1)
        for name in ("2026", "bill-00.txt", "bill-01.txt"):
            lines = row(page, name).locator(".name a bdi").evaluate(f"(one) => ({LINES})(one.closest('[data-row]'))")
            self.assertEqual(len(lines), 4)
            self.assertEqual(len(set(lines)), 1, f"{name}: {lines}")

    def test_cards_without_a_picture_are_as_wide_as_the_others(self):
        """The place of the picture fills the card, also where there is an icon."""
        page = self.page(self.tom, at="files/?view=grid")
        for name in ("2026", "bill-00.txt"):
            card, picture = (row(page, name).bounding_box(), row(page, name).locator(".thumb").bounding_box())
            self.assertAlmostEqual(card["width"], picture["width"], delta=2)

    def test_the_button_of_a_menu_stays_where_it_is(self):
        """An open menu does not move its button, neither on a card nor in a row."""
        for shape in ("grid", "list"):
            page = self.page(self.tom, at=f"files/?view={shape}")
            button = page.get_by_label("Actions for bill-00.txt", exact=True)
            before = button.bounding_box()
            button.click()
            page.locator(".menu[open]").get_by_text("Rename", exact=True).wait_for()
            self.assertEqual(button.bounding_box(), before, shape)

    def test_pages_without_javascript_fit_a_phone(self):
        """The bar of all actions and the dialogs, which are pages then, are as wide as the text, not as the screen."""
        page = self.page(self.tom, java_script_enabled=False, **PHONE)
        query = "?names=bill-00.txt&folder="
        for path in ("files/", "files/?view=grid", f"share/{query}", f"move/{query}", "file/bill-00.txt"):
            page.goto(self.at(path))
            self.assertEqual(page.evaluate(OVERFLOW), 0, path)
        page.goto(self.at("files/"))
        bar, files = (page.locator(each).bounding_box() for each in (".selection-bar", "[data-grid]"))
        self.assertEqual((bar["x"], bar["width"]), (files["x"], files["width"]))
