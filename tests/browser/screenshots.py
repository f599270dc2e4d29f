"""Pictures of the portal's pages: ``python -m tests.browser.screenshots [directory]``.

``--docs`` also replaces the pictures of the README and of the documentation, in docs/_static.
"""

import argparse
import os
import tempfile
from pathlib import Path

from PIL import Image

from tests.browser.running import REPOSITORY, Demo, browser, log_in

WIDTHS = {390: 844, 1440: 900}
SCHEMES = ("light", "dark")
COMPANY = "c/nordlicht-solar/"
PAGES = {
    "companies": "",
    "files": f"{COMPANY}files/2026/",
    "grid": f"{COMPANY}files/2026/Photos/?view=grid",
    "picture": f"{COMPANY}file/2026/Photos/roof-hof-10.jpg",
    "shared": f"{COMPANY}shared/",
    "activity": f"{COMPANY}activity/",
    "members": f"{COMPANY}members/",
    "usage": f"{COMPANY}usage/",
    "settings": f"{COMPANY}settings/",
    "shared-with-me": "shared-with-me/",
    "mails": "mails/",
    "bucket": "bucket/",
    "missing": "nowhere/",
}
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


def take(demo: Demo, chromium, directory: Path) -> list[Path]:
    """Visit every page in each width and colour scheme."""
    taken = []
    for width, height in WIDTHS.items():
        for scheme in SCHEMES:
            context = chromium.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
            page = context.new_page()

            def shoot(name: str, page=page, tail=f"{width}-{scheme}") -> None:
                page.wait_for_load_state("networkidle")
                path = directory / f"{name}-{tail}.png"
                page.screenshot(path=path, full_page=True)
                taken.append(path)

            page.goto(demo.url)
            shoot("login")
            log_in(page, demo, "staff")
            for name, path in PAGES.items():
                page.goto(demo.url + path)
                shoot(name)
            context.close()
    return taken


def main() -> None:
    """Start a demo of its own, and say where the pictures are."""
    parser = argparse.ArgumentParser(description="Take pictures of the portal.")
    parser.add_argument("directory", nargs="?", default=os.environ.get("S3STORE_SCREENSHOTS", "screenshots"))
    parser.add_argument("--docs", action="store_true", help="also replace the pictures of the documentation")
    options = parser.parse_args()
    directory = Path(options.directory)
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="s3store-demo-") as data:
        demo = Demo(Path(data), sample=())
        try:
            with browser() as chromium:
                taken = take(demo, chromium, directory)
        finally:
            demo.kill()
    print(f"{len(taken)} pictures are in {directory}")
    if options.docs:
        print(*publish(directory), sep="\n")


if __name__ == "__main__":
    main()
