"""Pictures of the portal's pages and states: ``python -m tests.browser.screenshots [directory]``.

``--only`` takes some of them. ``--docs`` also replaces the pictures of the README and of the documentation, in
docs/_static.
"""

import argparse
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from PIL import Image

from tests.browser.running import REPOSITORY, Demo, browser, log_in

WIDTHS = {390: 844, 1440: 900}
SCHEMES = ("light", "dark")
COMPANY = "c/nordlicht-solar/"
FILES = f"{COMPANY}files/"
FILE = f"{COMPANY}file/"
ORDERS = "c/tanaka-ceramics/files/Orders/"
FULL = "c/harbour-kitchen/"
PASSWORD = "blue roof"
LINKS = {
    "file": ("offer.pdf", ""),
    "picture": ("2026/Photos/roof-hof-10.jpg", ""),
    "text": ("Names/a+b=c;d,e.txt", ""),
    "locked": ("2026/Offers/offer-03.pdf", PASSWORD),
    "folder": ("2026/Photos", ""),
    "edited": ("2026/Plans", "edit"),
    "ended": ("Notes/Welcome.md", "stop"),
}
"""The shares that are made before the pictures: a path, and a password or what is special."""


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A page, and what is done on it before the picture is taken."""

    path: str
    """A path of the site, or "link:" and a key of `LINKS`."""
    act: Callable[[Any], None] | None = None
    role: str | None = "staff"
    scripts: bool = True
    whole: bool = True
    """False: only what fits on the screen, where a bar floats above the page."""


def menu(name: str, item: str = "") -> Callable[[Any], None]:
    """Return what opens the menu of a row, and chooses an item of it."""

    def act(page: Any) -> None:
        page.get_by_label(f"Actions for {name}", exact=True).click()
        if item:
            page.locator(".menu[open]").get_by_text(item, exact=True).click()
            page.locator("dialog[open]").wait_for()

    return act


def opened(selector: str) -> Callable[[Any], None]:
    """Return what clicks on something."""
    return lambda page: page.locator(selector).first.click()


def tree(page: Any) -> None:
    """Open the dialog of a move, and a folder in its tree."""
    menu("offer.pdf", "Move")(page)
    page.get_by_role("button", name="Open 2026").click()
    page.get_by_label("Invoices", exact=True).check()


def selected(page: Any) -> None:
    """Select three rows."""
    for box in page.locator("tbody input[name=names]").all()[:3]:
        box.check()


def renaming(page: Any) -> None:
    """Rename the file at the end of the list, in its place."""
    page.get_by_role("link", name="offer.pdf", exact=True).focus()
    page.keyboard.press("F2")
    page.locator(".rename-input").wait_for()


def upload(*names: str, size: int = 2000, answer: str = "", state: str = "done") -> Callable[[Any], None]:
    """Return what uploads files. The bucket's *answer*: "" is its own, "hold" is none, "refuse" is a 403."""

    def act(page: Any) -> None:
        if answer:
            held = (lambda route: None) if answer == "hold" else (lambda route: route.fulfill(status=403, body=""))
            page.route("**/media/incoming/**", held)
        marked = [each.replace("*", f"{page.viewport_size['width']}") for each in names]
        files = [{"name": each, "mimeType": "text/plain", "buffer": bytes(size)} for each in marked]
        page.locator("[data-upload-files]").set_input_files(files)
        page.locator(f".tray-row[data-state={state}]").nth(len(names) - 1).wait_for()

    return act


def deleted(page: Any) -> None:
    """Delete what `uploaded` has added."""
    for box in page.locator("tbody tr", has_text="proof").get_by_role("checkbox").all():
        box.check()
    page.locator("[data-bar]").get_by_role("button", name="Delete").click()
    page.locator("[data-toast]").get_by_role("button", name="Undo").wait_for()


def next_page(page: Any) -> None:
    """Load the next hundred rows, and go to their end."""
    page.get_by_role("link", name="Next 100").click()
    page.get_by_role("link", name="entry-0150.txt").wait_for()
    page.evaluate("scrollTo(0, document.body.scrollHeight)")


def share(page: Any, path: str, special: str = "") -> str:
    """Share a file or folder on its page; return the link."""
    page.goto(f"{page.url.partition('/c/')[0]}/{COMPANY}share/?names={quote(path)}&folder=")
    page.get_by_label("E-mail").fill("priya@printworks.example")
    if special == "edit":
        page.get_by_label("view and edit").check()
    if special == PASSWORD:
        page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Message").fill("Prices as discussed.")
    page.get_by_role("button", name="Share", exact=True).click()
    return page.get_by_label("Link", exact=True).input_value()


def wrong_password(page: Any) -> None:
    """Answer with another password."""
    page.get_by_label("Password").fill("red roof")
    page.get_by_role("button", name="Open").click()


def without_token(page: Any) -> None:
    """Send a form that the site did not make."""
    page.locator("main form").evaluate("form => { form.csrfmiddlewaretoken.value = 'no'; form.submit() }")
    page.get_by_text("The form was not sent").first.wait_for()


def examined(page: Any) -> None:
    """Examine the bucket, and wait for the report."""
    page.get_by_role("button", name="Examine").click()
    page.locator(".reports article").first.wait_for()


SCENES = {
    "login": Scene(path="login/", role=None),
    "companies": Scene(path=""),
    "new-company": Scene(path="companies/new/"),
    "files": Scene(path=f"{FILES}2026/"),
    "files-root": Scene(path=FILES),
    "files-read-only": Scene(path=FILES, role="viewer"),
    "files-names": Scene(path=f"{FILES}Names/"),
    "files-sorted": Scene(path=f"{FILES}2026/Invoices/?sort=size&order=desc"),
    "files-hundred": Scene(path=f"{FILES}Meters/Inverter log/", whole=False),
    "files-next": Scene(path=f"{FILES}Meters/Inverter log/", act=next_page, whole=False),
    "files-empty": Scene(path="c/riverside-physio/files/"),
    "files-found": Scene(path=f"{FILES}?q=offer"),
    "files-not-found": Scene(path=f"{FILES}?q=nowhere"),
    "files-how": Scene(path=f"{FILES}2026/", act=opened(".how > summary")),
    "grid": Scene(path=f"{FILES}2026/Photos/?view=grid"),
    "grid-root": Scene(path=f"{FILES}?view=grid"),
    "grid-selected": Scene(path=f"{FILES}2026/Photos/?view=grid", act=selected, whole=False),
    "files-list": Scene(path=f"{FILES}2026/Photos/?view=list", whole=False),
    "menu": Scene(path=FILES, act=menu("offer.pdf"), whole=False),
    "menu-company": Scene(path=FILES, act=opened(".company-menu summary"), whole=False),
    "menu-user": Scene(path=FILES, act=opened(".user-menu summary"), whole=False),
    "menu-upload": Scene(path=FILES, act=opened(".upload-menu summary"), whole=False),
    "share": Scene(path=FILES, act=menu("offer.pdf", "Share"), whole=False),
    "move": Scene(path=FILES, act=tree, whole=False),
    "copy": Scene(path=FILES, act=menu("offer.pdf", "Copy"), whole=False),
    "selected": Scene(path=FILES, act=selected, whole=False),
    "renaming": Scene(path=FILES, act=renaming),
    "new-folder": Scene(path=FILES, act=opened("a:has-text('New folder')"), whole=False),
    "uploading": Scene(
        path=ORDERS, act=upload("film.mp4", size=3_000_000, answer="hold", state="uploading"), whole=False
    ),
    "uploaded": Scene(path=ORDERS, act=upload("proof-1-*.txt", "proof-2-*.txt"), whole=False),
    "deleted": Scene(path=ORDERS, act=deleted, whole=False),
    "upload-taken": Scene(path=ORDERS, act=upload("order-1.xlsx", state="exists"), whole=False),
    "upload-failed": Scene(path=ORDERS, act=upload("plan.txt", answer="refuse", state="failed"), whole=False),
    "upload-over-quota": Scene(path=f"{FULL}files/", act=upload("film.mp4", size=900_000, state="failed"), whole=False),
    "picture": Scene(path=f"{FILE}2026/Photos/roof-hof-10.jpg"),
    "pdf": Scene(path=f"{FILE}offer.pdf"),
    "video": Scene(path=f"{FILE}Film/flight-1.webm"),
    "audio": Scene(path=f"{FILE}Film/Sound/take-1.wav"),
    "text": Scene(path=f"{FILE}Names/a+b=c;d,e.txt"),
    "table": Scene(path=f"{FILE}Meters/readings-2026-05.csv"),
    "markdown": Scene(path=f"{FILE}Notes/Welcome.md"),
    "too-large": Scene(path=f"{FILE}Meters/all readings.csv"),
    "no-preview": Scene(path=f"{FILE}Old drafts/Versions/draft-1.docx"),
    "shared": Scene(path=f"{COMPANY}shared/"),
    "shared-log": Scene(path=f"{COMPANY}shared/", act=opened("td a:has-text('Log')")),
    "shared-stop": Scene(path=f"{COMPANY}shared/", act=opened("td a:has-text('Stop sharing')")),
    "activity": Scene(path=f"{COMPANY}activity/"),
    "activity-none": Scene(path=f"{COMPANY}activity/?file=nowhere"),
    "members": Scene(path=f"{COMPANY}members/"),
    "members-viewer": Scene(path=f"{COMPANY}members/", role="viewer"),
    "members-remove": Scene(path=f"{COMPANY}members/", act=opened("td a:has-text('Remove')")),
    "members-how": Scene(path=f"{COMPANY}members/", act=opened(".how > summary")),
    "usage": Scene(path=f"{COMPANY}usage/"),
    "usage-full": Scene(path=f"{FULL}usage/"),
    "empty-trash": Scene(path=f"{COMPANY}usage/empty-trash/"),
    "settings": Scene(path=f"{COMPANY}settings/"),
    "shared-with-me": Scene(path="shared-with-me/", role="client"),
    "shared-with-nobody": Scene(path="shared-with-me/"),
    "mails": Scene(path="mails/"),
    "mail-html": Scene(path="mails/", act=opened(".mail .how summary")),
    "bucket": Scene(path="bucket/"),
    "bucket-report": Scene(path="bucket/", act=examined),
    "missing": Scene(path="nowhere/"),
    "invitation-ended": Scene(path="invitation/none/", role=None),
    "csrf": Scene(path="login/", role=None, act=without_token),
    "link-file": Scene(path="link:file", role=None),
    "link-picture": Scene(path="link:picture", role=None),
    "link-text": Scene(path="link:text", role=None),
    "link-locked": Scene(path="link:locked", role=None),
    "link-wrong-password": Scene(path="link:locked", role=None, act=wrong_password),
    "link-folder": Scene(path="link:folder", role=None),
    "link-edited": Scene(path="link:edited", role=None),
    "link-ended": Scene(path="link:ended", role=None),
    "link-unknown": Scene(path="s/nothing/", role=None),
    "plain-files": Scene(path=FILES, scripts=False),
    "plain-upload": Scene(path=FILES, act=opened(".upload-menu summary"), scripts=False),
    "plain-share": Scene(path=f"{COMPANY}share/?names=offer.pdf&folder=", scripts=False),
    "plain-move": Scene(path=f"{COMPANY}move/?names=offer.pdf&folder=", scripts=False),
    "plain-members": Scene(path=f"{COMPANY}members/", scripts=False),
    "plain-video": Scene(path=f"{FILE}Film/flight-1.webm", scripts=False),
}
THUMBNAILS = """() => [...document.querySelectorAll(".thumb img")].every((one) => {
    one.loading = "eager";
    return one.naturalWidth;
})"""
"""Whether all thumbnails are there: they are made when a page asks for them first."""
DOCS = {
    "portal-grid": "grid-1440-light",
    "portal-picture": "picture-1440-dark",
    "portal-shared": "shared-1440-light",
    "portal-phone-files": "files-390-light",
    "portal-phone-grid": "grid-390-dark",
    "portal-phone-usage": "usage-390-dark",
}
"""The pictures of the documentation, and the pictures from which they are made."""


def publish(directory: Path) -> list[Path]:
    """Write what fits on one screen into docs/_static, as WebP."""
    written = []
    for name, source in DOCS.items():
        with Image.open(directory / f"{source}.png") as picture:
            height = min(picture.height, WIDTHS[picture.width])
            screen = picture.convert("RGB").crop((0, 0, picture.width, height))
        path = REPOSITORY / "docs" / "_static" / f"{name}.webp"
        screen.save(path, quality=72, method=6)
        written.append(path)
    return written


def make_links(demo: Demo, chromium: Any) -> dict[str, str]:
    """Share what is in `LINKS`, as staff, and return the links."""
    page = chromium.new_page()
    log_in(page, demo, "staff")
    page.goto(f"{demo.url}{FILES}")
    links = {name: share(page, path, special) for name, (path, special) in LINKS.items()}
    page.goto(f"{demo.url}{COMPANY}shared/")
    row = page.get_by_role("row", name="Welcome.md").filter(has_text="priya")
    row.get_by_role("link", name="Stop sharing").click()
    page.get_by_role("button", name="Stop sharing").click()
    page.context.close()
    return links


def take(demo: Demo, chromium: Any, directory: Path, scenes: dict[str, Scene], links: dict[str, str]) -> list[Path]:
    """Take a picture of every scene in each width and colour scheme."""
    taken = []
    for width, height in WIDTHS.items():
        for scheme in SCHEMES:
            screen = {"viewport": {"width": width, "height": height}, "color_scheme": scheme}
            contexts: dict[Any, Any] = {}
            for name, scene in scenes.items():
                who = (scene.role, scene.scripts)
                if who not in contexts:
                    contexts[who] = chromium.new_context(**screen, java_script_enabled=scene.scripts)
                    if scene.role:
                        log_in(contexts[who].new_page(), demo, scene.role)
                page = contexts[who].new_page()
                place, _, link = scene.path.partition("link:")
                page.goto(links[link] if link else demo.url + place)
                page.wait_for_load_state("networkidle")
                page.wait_for_function(THUMBNAILS)
                if scene.act:
                    scene.act(page)
                    page.wait_for_timeout(300)
                    if scene.whole:
                        page.evaluate("scrollTo(0, 0)")  # headers stick where the page stands
                path = directory / f"{name}-{width}-{scheme}.png"
                page.screenshot(path=path, full_page=scene.whole)
                taken.append(path)
                page.close()
            for context in contexts.values():
                context.close()
    return taken


def main() -> None:
    """Start a demo of its own, and say where the pictures are."""
    parser = argparse.ArgumentParser(description="Take pictures of the portal.")
    parser.add_argument("directory", nargs="?", default=os.environ.get("S3STORE_SCREENSHOTS", "screenshots"))
    parser.add_argument("--docs", action="store_true", help="also replace the pictures of the documentation")
    parser.add_argument("--only", nargs="+", choices=SCENES, metavar="NAME", help="take only these pictures")
    options = parser.parse_args()
    directory = Path(options.directory)
    directory.mkdir(parents=True, exist_ok=True)
    wanted = options.only or SCENES
    if options.docs:
        wanted = {*wanted, *(source.rsplit("-", 2)[0] for source in DOCS.values())}
    scenes = {name: scene for name, scene in SCENES.items() if name in wanted}
    with tempfile.TemporaryDirectory(prefix="s3store-demo-") as data:
        demo = Demo(Path(data), sample=())
        try:
            with browser() as chromium:
                before = {name: each for name, each in scenes.items() if not each.path.startswith(("link:", "mails"))}
                taken = take(demo, chromium, directory, before, {})
                after = {name: each for name, each in scenes.items() if name not in before}
                if after:
                    taken += take(demo, chromium, directory, after, make_links(demo, chromium))
        finally:
            demo.kill()
    print(f"{len(taken)} pictures are in {directory}")
    if options.docs:
        print(*publish(directory), sep="\n")


if __name__ == "__main__":
    main()
