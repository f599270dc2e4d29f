"""How Sphinx builds these pages: python -m sphinx -W -b html docs docs/_build"""

import re
import sys
from pathlib import Path

import django
from django.conf import settings

DOCS = Path(__file__).resolve().parent
sys.path[:0] = [str(DOCS), str(DOCS.parent)]

# Models, fields and views can be imported only with settings.
settings.configure(
    INSTALLED_APPS=[
        "s3store",
        "s3store.sharing",
        "django.contrib.contenttypes",
        "django.contrib.auth",
        "django.contrib.sessions",
        "django.contrib.staticfiles",
    ],
    STATIC_URL="static/",
)
django.setup()

from s3store import __version__  # noqa: E402

project = "s3store"
author = "the s3store contributors"
project_copyright = author
release = version = __version__

extensions = ["sphinx.ext.autodoc", "from_code"]
exclude_patterns = ["_build"]
templates_path = []
# A reference that leads nowhere is a warning, and warnings are errors.
nitpicky = True
nitpick_ignore_regex = [(r"py:.*", r".*")]
highlight_language = "none"
add_module_names = False
default_role = "literal"
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
# Longer signatures have a line for each argument.
python_maximum_signature_line_length = 100
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
        return re.sub(r"(?<=[_./])(?=\w)|(?<=[a-z])(?=[A-Z])", "<wbr>", name[0])

    def on_page(_app, _page, _template, context, _doctree):
        cells = re.compile(r"<(t[dh])\b.*?</\1>", re.DOTALL)
        words = re.compile(r'(?<=<span class="pre">)[^<]+')
        context["body"] = cells.sub(lambda cell: words.sub(breakable, cell[0]), context.get("body") or "")

    app.connect("html-page-context", on_page)
