"""Pictures of the portal's pages: ``python -m tests.browser.screenshots [directory]``."""

import os
import sys
import tempfile
from pathlib import Path

from tests.browser.running import Demo, browser, log_in

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
    "missing": "nowhere/",
}


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
    directory = Path(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("S3STORE_SCREENSHOTS", "screenshots"))
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="s3store-demo-") as data:
        demo = Demo(Path(data), sample=())
        try:
            with browser() as chromium:
                taken = take(demo, chromium, directory)
        finally:
            demo.kill()
    print(f"{len(taken)} pictures are in {directory}")


if __name__ == "__main__":
    main()
