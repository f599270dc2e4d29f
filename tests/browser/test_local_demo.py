"""The demo on the development twin, in a real browser: no server, and no other origin."""

import os

import pytest

from tests.browser.running import CHROMIUM, Demo, browser, log_in
from tests.optional import needs

needs("playwright")
needs("PIL")

MIB = 1 << 20

pytestmark = [
    pytest.mark.browser,
    pytest.mark.no_cover,  # s3store runs in the demo's process
    pytest.mark.xdist_group("demo"),
    pytest.mark.skipif(not CHROMIUM and os.environ.get("CI") != "true", reason="no Chromium is installed"),
]


@pytest.fixture
def demo(tmp_path):
    running = Demo(tmp_path, "--local")
    yield running
    running.kill()


@pytest.fixture
def page(demo):
    """A page of the demo's user. The test fails if the page reports errors."""
    with browser() as running:
        found, wrong = running.new_page(), []
        found.on("console", lambda message: message.type == "error" and wrong.append(message.text))
        found.on("pageerror", lambda error: wrong.append(str(error)))
        found.set_default_timeout(60_000)
        log_in(found, demo)
        yield found
    assert wrong == []


def test_a_small_and_a_large_file_go_to_the_twin(demo, page, tmp_path):
    """In one request and in parts. They are shown, downloaded and deleted; the files are in the directory."""
    page.locator(".gallery img").nth(7).wait_for()
    page.wait_for_function("() => [...document.querySelectorAll('.gallery img')].every((each) => each.naturalWidth)")
    requests = []
    page.on("request", lambda request: requests.append((request.method, request.url.removeprefix(demo.url))))
    for name, size in (("small.pdf", 1000), ("large.pdf", 33 * MIB)):
        content = b"%PDF-1.4\n" + os.urandom(size)
        (tmp_path / name).write_bytes(content)
        requests.clear()
        page.goto(f"{demo.url}upload/")
        page.locator(".s3store-ready").wait_for()
        page.set_input_files("input[type=file]", tmp_path / name)
        page.locator(".s3store-file[data-state=done]", has_text=name).wait_for()
        page.get_by_role("button", name="Upload", exact=True).click()
        page.get_by_text("was added to the library.").wait_for()
        sent = [method for method, url in requests if url.startswith("media/s3/uploads") and method in ("POST", "PUT")]
        assert sent == (["POST"] if size == 1000 else ["PUT"] * 5)
        link = page.locator("[data-signed-link]").get_attribute("href")
        assert page.request.get(f"{demo.url.rstrip('/')}{link}" if link.startswith("/") else link).body() == content
        assert [
            path.stat().st_size for path in (tmp_path / "local").rglob("*.pdf") if path.stat().st_size == len(content)
        ]
        page.get_by_role("link", name="Delete").click()
        page.get_by_role("button", name="Delete").click()
        page.get_by_text("was deleted.").wait_for()
        assert not [path for path in (tmp_path / "local").rglob("*.pdf") if path.stat().st_size == len(content)]
    assert demo.stop() == 0
