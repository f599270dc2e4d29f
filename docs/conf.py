"""How Sphinx builds these pages: python -m sphinx -W -b html docs docs/_build"""

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from s3store import __version__

project = "s3store"
author = "the s3store contributors"
project_copyright = author
release = version = __version__

extensions = []
exclude_patterns = ["_build"]
templates_path = []
# A reference that leads nowhere is a warning, and warnings are errors.
nitpicky = True
nitpick_ignore_regex = [(r"py:.*", r".*")]
highlight_language = "none"
add_module_names = False
toc_object_entries_show_parents = "hide"
smartquotes = False

html_theme = "furo"
html_title = f"s3store {release}"
html_static_path = ["_static"]
html_css_files = ["s3store.css"]
html_copy_source = False
html_show_sphinx = False
html_theme_options = {"navigation_with_keys": True}
pygments_style = "friendly"
pygments_dark_style = "monokai"


def setup(app):
    """Let the long names in tables break where a reader would break them, on narrow screens."""

    def breakable(name):
        return re.sub(r"(?<=[_./])(?=\w)", "<wbr>", name[0])

    def on_page(_app, _page, _template, context, _doctree):
        cells = re.compile(r"<td>.*?</td>", re.DOTALL)
        words = re.compile(r'(?<=<span class="pre">)[^<]+')
        context["body"] = cells.sub(lambda cell: words.sub(breakable, cell[0]), context.get("body") or "")

    app.connect("html-page-context", on_page)
