"""The picture on the front page of the documentation: ``python -m tests.browser.front_page``."""

import io
import tempfile
from pathlib import Path

from PIL import Image

from tests.browser.running import REPOSITORY, Demo, browser, log_in

PICTURE = REPOSITORY / "docs" / "_static" / "demo.jpg"
QUALITY = 85


def main() -> None:
    """Take it from a demo of its own, and say how large it is."""
    with tempfile.TemporaryDirectory(prefix="s3store-demo-") as data:
        demo = Demo(Path(data), sample=("nordlicht-solar",))
        try:
            with browser() as chromium:
                page = chromium.new_page(viewport={"width": 1120, "height": 700})
                log_in(page, demo)
                page.goto(f"{demo.url}c/nordlicht-solar/files/2026/Photos/?view=grid")
                page.wait_for_load_state("networkidle")
                taken = page.screenshot()
        finally:
            demo.kill()
    Image.open(io.BytesIO(taken)).convert("RGB").save(PICTURE, quality=QUALITY, optimize=True)
    print(f"{PICTURE.relative_to(REPOSITORY)}: {PICTURE.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
