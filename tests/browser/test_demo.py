"""The demo in a real browser: from the first start to the second."""

import os
import re
import signal
import subprocess
import urllib.error
import urllib.request
from urllib.parse import urlsplit

import pytest

from tests.browser.axe import violations
from tests.browser.running import CHROMIUM, Demo, browser, log_in
from tests.optional import needs

needs("playwright")
needs("PIL")

COMPANY = "c/lindqvist-moor/"
PAGES = ("members/", "shared/", "activity/", "usage/", "settings/", "members/1/remove/")
OTHER_PAGES = ("", "companies/new/", "mails/", "shared-with-me/", "nowhere/", "invitation/none/")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.no_cover,  # s3store runs in the demo's process
    pytest.mark.xdist_group("demo"),  # one demo and one browser for all tests
    pytest.mark.skipif(not CHROMIUM and os.environ.get("CI") != "true", reason="no Chromium is installed"),
]


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """A demo on its first start."""
    running = Demo(tmp_path_factory.mktemp("demo"))
    yield running
    running.kill()


@pytest.fixture
def start_demo():
    """A function that starts a demo, which is stopped at the latest when the test ends."""
    started = []

    def start(data, *arguments):
        started.append(Demo(data, *arguments, sample=("riverside-physio",)))
        return started[-1]

    yield start
    for each in started:
        each.kill()


@pytest.fixture(scope="module")
def chromium():
    """One browser for all tests."""
    with browser() as running:
        yield running


@pytest.fixture
def new_page(chromium):
    """A function that opens a page of its own session; what the console complains about fails the test.

    A page that is `refused` something may say so.
    """
    complaints, contexts = [], []

    def open_page(*, refused=False, **options):
        context = chromium.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(30_000)

        def listen(message):
            if message.type == "error" and not (refused and re.search("status of 4(04|10|00)", message.text)):
                complaints.append((message.text, message.location))

        page.on("console", listen)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


def fetch(url: str) -> tuple[int, bytes]:
    """Fetch *url* without cookies; return status and body."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=60) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def test_a_colleague_is_invited_joins_and_is_removed(demo, new_page):
    """J9 and J10: the mail of the demo has the link; the colleague sets a password and sees the files."""
    page = new_page()
    log_in(page, demo)
    page.goto(f"{demo.url}{COMPANY}members/")
    page.get_by_label("Invite by e-mail").fill("noor@lindqvist-moor.example")
    page.get_by_role("button", name="Invite").click()
    page.get_by_text("noor@lindqvist-moor.example gets a mail").wait_for()
    page.locator(".user-menu summary").click()
    page.get_by_role("link", name="Mails of this demo").click()
    link = page.locator(".mail-text a", has_text="/invitation/").get_attribute("href")

    guest = new_page()
    guest.goto(link)
    guest.get_by_label("First name").fill("Noor")
    guest.get_by_label("Last name").fill("Vis")
    guest.get_by_label("Password").fill("correct horse battery")
    guest.get_by_role("button", name="Create account and join").click()
    guest.get_by_text("You are a member of Lindqvist & Moor.").wait_for()
    guest.goto(f"{demo.url}{COMPANY}members/")
    assert guest.get_by_role("button", name="Invite").count() == 0

    page.goto(f"{demo.url}{COMPANY}members/")
    page.get_by_role("row", name="Noor Vis").get_by_role("combobox").select_option("viewer")
    page.get_by_text("The role was changed.").wait_for()
    page.get_by_role("row", name="Noor Vis").get_by_role("link", name="Remove").click()
    page.get_by_role("button", name="Remove").click()
    page.get_by_text("Noor Vis was removed.").wait_for()
    refused = new_page(refused=True)
    refused.context.add_cookies(guest.context.cookies())
    assert refused.goto(f"{demo.url}{COMPANY}members/").status == 404


def test_a_link_is_stopped(demo, new_page):
    """J8: the row says so, and the log tells who opened it."""
    page = new_page()
    log_in(page, demo)
    page.goto(f"{demo.url}{COMPANY}shared/")
    row = page.get_by_role("row", name="Estate of Obi")
    row.get_by_role("link", name="Log").click()
    page.get_by_text("guest of court@registry.example").first.wait_for()
    page.go_back()
    row.get_by_role("link", name="Stop sharing").click()
    page.get_by_role("button", name="Stop sharing").click()
    row.get_by_text("Stopped").wait_for()


def test_activity_is_filtered_at_once(demo, new_page):
    """J12: a choice applies without a button, and stays in the CSV file."""
    page = new_page()
    log_in(page, demo)
    page.goto(f"{demo.url}{COMPANY}activity/")
    page.get_by_label("What").select_option("shared")
    page.wait_for_url("**what=shared**")
    assert set(page.locator("tbody td:nth-child(3)").all_inner_texts()) == {"shared"}
    with page.expect_download() as started:
        page.get_by_role("link", name="CSV").click()
    lines = started.value.path().read_text().splitlines()
    assert {line.split(",")[2] for line in lines[1:]} == {"shared"}


def test_menus_work_with_the_keyboard(demo, new_page):
    """Arrows move, Escape closes and returns the focus; the slash key searches."""
    page = new_page()
    log_in(page, demo)
    page.goto(f"{demo.url}{COMPANY}members/")
    summary = page.locator(".user-menu summary")
    summary.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.textContent.trim()") == "Shared with me"
    page.keyboard.press("Escape")
    assert page.locator(".user-menu").get_attribute("open") is None
    assert page.evaluate("document.activeElement.matches('.user-menu summary')")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "search"


@pytest.mark.campaign
@pytest.mark.parametrize(("scheme", "widths"), [("light", (390, 1440)), ("dark", (390, 1440))])
def test_axe_finds_nothing_on_any_page(demo, new_page, scheme, widths):
    """No violation of the rules of WCAG 2.2 A and AA and of best practices, with a phone and with a large screen."""
    found = {}
    for width in widths:
        page = new_page(refused=True, viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True)
        page.goto(f"{demo.url}login/")
        found[width, "login"] = violations(page)
        log_in(page, demo, "staff")
        for path in (*OTHER_PAGES, *(COMPANY + each for each in PAGES)):
            page.goto(demo.url + path)
            found[width, path] = violations(page)
            if width == 390:
                wide = page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
                assert not wide, f"{path} is wider than the window"
    assert {where: what for where, what in found.items() if what} == {}


def test_the_admin_is_dressed_from_the_bucket(demo, new_page):
    """Every style sheet and script of the admin's pages comes from the bucket, and works."""
    page = new_page()
    answers = []
    page.on("response", lambda response: answers.append(response))
    log_in(page, demo, "staff")
    page.goto(demo.admin_url + "companies/company/")
    page.goto(demo.admin_url + "companies/company/add/")
    wanted = [each for each in answers if each.request.resource_type in {"stylesheet", "script"}]
    # The first answers: later ones may be 304, out of the browser's cache.
    files = {each.url: each.status for each in reversed(wanted)}
    files.pop(f"{demo.admin_url}jsi18n/", None)  # made by a view
    assert len(files) > 8
    assert {urlsplit(url)._replace(path="", query="").geturl() for url in files} == {demo.s3_url}
    assert set(files.values()) == {200}
    assert any(re.search(r"/static/admin/css/base\.[0-9a-f]{12}\.css$", url) for url in files)


def test_static_files_come_under_hashed_names_and_stay(demo, new_page):
    """Browsers keep the page's style sheet for good; media files need a signature."""
    page = new_page()
    sheets, pictures = [], []
    page.on("response", lambda each: sheets.append(each) if each.request.resource_type == "stylesheet" else None)
    page.on("response", lambda each: pictures.append(each) if each.request.resource_type == "image" else None)
    log_in(page, demo)
    page.goto(f"{demo.url}{COMPANY}members/")
    sheet = sheets[0]
    assert re.fullmatch(rf"{demo.s3_url}/s3store-demo/static/companies/portal\.[0-9a-f]{{12}}\.css", sheet.url)
    assert sheet.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert sheet.headers["content-encoding"] == "gzip"
    logo = next(each.url for each in pictures if "/media/logos/" in each.url)
    assert fetch(logo)[0] == 200
    assert fetch(logo.partition("?")[0])[0] == 403


def test_the_demo_stops_cleanly_and_remembers(tmp_path, new_page, start_demo):
    """Ctrl-C and SIGTERM end everything without a traceback; the next start has the files, at the same places.

    It sends no static file again.
    """
    first = start_demo(tmp_path)
    page = new_page()
    log_in(page, first)
    page.goto(f"{first.url}c/riverside-physio/settings/")
    page.get_by_label("Name").fill("Riverside Physio & Yoga")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("The settings were saved.").wait_for()
    page.goto("about:blank")
    assert first.stop(signal.SIGINT) == 0
    assert first.is_listening() == []
    assert "Traceback" not in first.output
    assert "Warning" not in first.output
    assert re.search(r"^Static files: [1-9]\d+ objects written, ", first.output, re.MULTILINE)

    second = start_demo(tmp_path)
    assert second.s3_url == first.s3_url
    assert re.search(r"^Static files: 0 objects written, 0 deleted, 0 bytes, 1 request", second.output, re.MULTILINE)
    assert "sample data" not in second.output
    page.goto(f"{second.url}c/riverside-physio/members/")  # still logged in
    page.get_by_text("Riverside Physio & Yoga").first.wait_for()
    with pytest.raises(RuntimeError, match="another demo uses the data"):
        start_demo(tmp_path)
    page.goto("about:blank")
    assert second.stop(signal.SIGTERM) == 0
    assert second.is_listening() == []
    assert "Traceback" not in second.output


def test_the_demo_runs_without_a_server(tmp_path, new_page, start_demo):
    """--local: files are in a directory, and pages have their style sheet and their pictures from the site."""
    local = start_demo(tmp_path, "--local")
    assert local.s3_url == ""
    page = new_page()
    log_in(page, local)
    page.goto(f"{local.url}c/riverside-physio/members/")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(246, 247, 249)"
    page.wait_for_function("() => document.querySelector('img.logo').naturalWidth === 256")
    assert (tmp_path / "local" / "s3").is_dir()
    assert local.stop(signal.SIGINT) == 0


def test_the_help_says_what_the_demo_can_do():
    """`demo.py --help` names its options."""
    demo = os.path.join(os.path.dirname(__file__), "..", "..", "example_project", "demo.py")
    shown = subprocess.run([os.sys.executable, demo, "--help"], capture_output=True, text=True, check=True).stdout
    assert all(option in shown for option in ("--port", "--reset", "--local", "--yes"))
