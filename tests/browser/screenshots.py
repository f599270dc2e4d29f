"""Pictures of the demo's pages: ``python -m tests.browser.screenshots [directory]``."""

import os
import sys
import tempfile
from pathlib import Path

from tests.browser.running import Demo, browser, log_in

WIDTHS = {390: 844, 1280: 860}
SCHEMES = ("light", "dark")


def take(demo: Demo, chromium, directory: Path) -> list[Path]:
    """Visit every page in each width and colour scheme; the library is empty afterwards."""
    taken = []

    def shoot(page, name: str) -> None:
        page.wait_for_load_state("networkidle")
        page.evaluate("Promise.all([...document.images].map(each => each.decode()))")
        path = directory / f"{name}-{page.viewport_size['width']}-{page.evaluate('window.scheme')}.png"
        page.screenshot(path=path, full_page=True)
        taken.append(path)

    pages = []
    for width, height in WIDTHS.items():
        for scheme in SCHEMES:
            context = chromium.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
            context.add_init_script(f"window.scheme = '{scheme}'")
            pages.append(context.new_page())
    for page in pages:
        page.goto(demo.url)
        shoot(page, "login")
        log_in(page, demo)
        shoot(page, "list")
        documents = page.locator(".card-link").evaluate_all("links => links.map(each => each.href)")
        private = page.locator(".card", has_text="Private").locator(".card-link").first.evaluate("link => link.href")
        for name, url in (("detail", documents[0]), ("detail-pdf", documents[-1]), ("private", private)):
            page.goto(url)
            shoot(page, name)
        page.goto(f"{demo.url}gallery/")
        page.locator("summary").click()
        shoot(page, "gallery")
        page.goto(f"{demo.url}delivery/")
        shoot(page, "delivery")
        page.get_by_role("button", name="Check").click()
        page.get_by_text("nothing to send.").wait_for()
        shoot(page, "delivery-checked")
        page.goto(f"{documents[0]}replace/")
        shoot(page, "replace")
        page.goto(f"{documents[0]}delete/")
        shoot(page, "delete")
        page.goto(f"{demo.url}upload/")
        broken = {"name": "holiday.png", "mimeType": "image/png", "buffer": b"no picture"}
        page.locator("input[type=file]").set_input_files(broken)
        shoot(page, "upload")
        page.get_by_role("button", name="Upload").click()
        page.get_by_text("neither a picture").wait_for()
        shoot(page, "error")
        page.goto(f"{demo.url}nowhere/")
        shoot(page, "missing")
        page.goto(f"{demo.admin_url}library/document/")
        shoot(page, "admin-list")
        page.locator("#result_list tbody th a").first.click()
        shoot(page, "admin-change")
        page.goto(demo.url)
        page.get_by_role("button", name="Log out").click()
        log_in(page, demo, guest=True)
        page.goto(private)
        shoot(page, "refused")
        page.get_by_role("button", name="Log out").click()
        log_in(page, demo)
    for url in documents:
        pages[0].goto(f"{url}delete/")
        pages[0].get_by_role("button", name="Delete").click()
        pages[0].wait_for_url(demo.url)
    shoot(pages[0], "message")
    for page in pages:
        page.goto(demo.url)
        shoot(page, "empty")
    for page in pages:
        page.context.close()
    return taken


def main() -> None:
    """Start a demo of its own, and say where the pictures are."""
    directory = Path(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("S3STORE_SCREENSHOTS", "screenshots"))
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="s3store-demo-") as data:
        demo = Demo(Path(data))
        try:
            with browser() as chromium:
                taken = take(demo, chromium, directory)
        finally:
            demo.kill()
    print(f"{len(taken)} pictures are in {directory}")


if __name__ == "__main__":
    main()
