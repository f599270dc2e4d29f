"""The pages about shares: the project of the how-to runs, and the tables are those of the code."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.template.loader import get_template

from s3store.sharing import configured, signals, urls, views
from s3store.sharing.management.commands.s3sharing import Command
from s3store.testing.fixtures import options_for
from tests.docs.blocks import DOCS, ROOT, blocks_of, table

HOWTO = DOCS / "howto" / "share-files.rst"
REFERENCE = DOCS / "reference" / "sharing.rst"
TRUST = DOCS / "explanation" / "shared-links.rst"
SHARING = ROOT / "s3store" / "sharing"

SETTINGS = """
SECRET_KEY = "tests"
DEBUG = True
USE_TZ = True
ROOT_URLCONF = "mysite.urls"
INSTALLED_APPS = ["s3store", "django.contrib.admin", "django.contrib.auth", "django.contrib.contenttypes",
                  "django.contrib.messages", "django.contrib.sessions"]
MIDDLEWARE = ["django.contrib.sessions.middleware.SessionMiddleware",
              "django.middleware.csrf.CsrfViewMiddleware",
              "django.contrib.auth.middleware.AuthenticationMiddleware",
              "django.contrib.messages.middleware.MessageMiddleware"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "db.sqlite3"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
import django
if django.VERSION >= (6, 1):
    MAILERS = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}
else:
    EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
ALLOWED_HOSTS = ["*"]
STATIC_URL = "static/"
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True, "OPTIONS": {
    "context_processors": ["django.template.context_processors.request",
                           "django.contrib.auth.context_processors.auth",
                           "django.contrib.messages.context_processors.messages"]}}]
STORAGES = {"default": {"BACKEND": "s3store.storage.S3Storage", "OPTIONS": %r},
            "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
"""

AS_A_READER = """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "mysite.settings"
import django
django.setup()
from django.core import mail
from django.core.management import call_command
from django.test import Client
call_command("check", fail_level="WARNING")
call_command("migrate", verbosity=0)
namespace = {}
first, *others = BLOCKS
exec(first, namespace)
share, link = namespace["share"], namespace["link"]
assert mail.outbox[-1].to == ["priya@printworks.example"] and link in mail.outbox[-1].body
path = link.removeprefix("https://portal.example")
guest = Client()
assert "offer.pdf" in guest.get(path, follow=True).content.decode()
for block in others:
    exec(block, namespace)
assert guest.get(f"/shared/{share.pk}/").status_code == 410
member = Client()
member.force_login(namespace["lena"])
assert member.get("/share/offer.pdf").status_code == 200
form = {"email": "tom@printworks.example", "right": "view", "days": "7"}
assert member.post("/share/offer.pdf", form).status_code == 200
assert b"tom@printworks.example" in member.get("/shared-by-us/").content
link = mail.outbox[-1].body.split("https://portal.example")[1].split()[0]
assert guest.get(link, follow=True).status_code == 200
shared = namespace["share"].__class__.objects.get(email="tom@printworks.example")
assert guest.post(f"/shared/{shared.pk}/download/").status_code == 303
for command in (["prune"], ["remind"], ["export", "tom@printworks.example"], ["erase", "tom@printworks.example"]):
    call_command("s3sharing", *command)
assert guest.get(f"/shared/{shared.pk}/").status_code == 410
"""


def test_the_project_of_the_how_to_works(tmp_path, moto):
    """Its files, its commands and its sessions, as a reader has them."""
    for package in ("mysite", "portal"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").touch()
    (tmp_path / "mysite" / "settings.py").write_text(SETTINGS % {**options_for(moto), "location": "share-files"})
    sessions = []
    for block in blocks_of(HOWTO):
        if "file" in block.classes:
            (tmp_path / block.caption).write_text(block.text)
        elif "append" in block.classes:
            with (tmp_path / block.caption).open("a") as file:
                file.write(block.text)
        elif "sharing-session" in block.classes:
            sessions.append(block.text)
    assert len(sessions) == 3
    # The receiver is connected before the download, the share is stopped before it.
    reader = tmp_path / "reader.py"
    reader.write_text(f"BLOCKS = {sessions!r}\n{AS_A_READER}")
    ran = subprocess.run(
        [sys.executable, str(reader)],
        cwd=tmp_path,
        env={"PYTHONPATH": f"{tmp_path}:{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    assert "tom@printworks.example downloads offer.pdf" in ran.stdout
    assert "Erased the address in 1 shares" in ran.stdout


def test_the_keys_of_the_setting_are_in_the_table():
    """All of them and no other; each field of the class says what it is."""
    rows = table(REFERENCE, "Setting\n=======")
    assert {row[0].strip("`") for row in rows} == set(configured.KEYS)
    tree = ast.parse((SHARING / "configured.py").read_text(encoding="utf-8"))
    (described,) = (node for node in tree.body if isinstance(node, ast.ClassDef))
    assert sum(isinstance(node, ast.Expr) for node in described.body) == len(configured.KEYS) + 1


def test_the_signals_are_in_the_table():
    """With their arguments."""
    rows = {row[0].strip("`"): row[2].strip("`") for row in table(REFERENCE, "Signals\n=======")}
    assert set(rows) == set(signals.__all__)
    source = "".join(path.read_text(encoding="utf-8") for path in SHARING.rglob("*.py"))
    for name, argument in rows.items():
        assert not argument or re.search(rf"signals\.{name}\b[^\n]*\b{argument}=|signal, {argument}=", source), name


def test_the_urls_and_views_are_in_the_table():
    """Each URL with its name, view and templates."""
    rows = table(REFERENCE, "URLs, views and templates\n=========================")
    described = {}
    for row in rows[:-1]:
        found = re.findall(r"``([^`]+)``", row[0])
        for url, name in zip(found, re.findall(r"``(\w+)``", row[1]), strict=True):
            described[name] = (url, row[2].strip("`"))
    for pattern in urls.urlpatterns:
        text = re.sub(r"<(?:str|uuid|path):(\w+)>", r"<\1>", str(pattern.pattern))
        url, view = described[pattern.name]
        assert text in (url, url.replace("[<path>]", "<path>"), url.replace("[<path>]", ""))
        assert pattern.callback.view_class.__name__ == view
    assert set(described) == {pattern.name for pattern in urls.urlpatterns}
    assert {row[2].strip("`") for row in rows} | {"ShareView"} == set(views.__all__)


def test_the_templates_are_in_the_page():
    """Each can be replaced, and compiles."""
    text = REFERENCE.read_text(encoding="utf-8")
    folder = SHARING / "templates" / "s3store_sharing"
    for path in sorted(folder.rglob("*.html")):
        name = path.relative_to(folder).with_suffix("").as_posix()
        get_template(f"s3store_sharing/{name}.html")
        assert f"``{name}``" in text or name in ("state", "until"), name


def test_the_commands_are_in_the_table():
    """With their options."""
    parser = Command().create_parser("manage.py", "s3sharing")
    (below,) = (action for action in parser._actions if action.dest == "subcommand")
    rows = [row[0].strip("`").split()[1] for row in table(REFERENCE, "Commands\n========")]
    assert set(rows) == set(below.choices)


def test_the_checks_are_in_the_table():
    """All of them and no other."""
    source = (SHARING / "checks.py").read_text(encoding="utf-8")
    rows = {row[0].strip("`") for row in table(REFERENCE, "Checks\n======")}
    assert rows == set(re.findall(r"s3store\.[EW]\d+", source))


def test_each_protection_has_its_test():
    """The table of the trust model names tests that exist."""
    rows = table(TRUST, ".. _trust-of-links:")
    sources = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests" / "sharing").glob("*.py"))
    assert len(rows) > 15
    for row in rows:
        assert f"def {row[2].strip('`')}(" in sources, row


@pytest.mark.parametrize("path", sorted((SHARING / "templates").rglob("*.html")), ids=lambda path: path.name)
def test_templates_have_no_inline_scripts_or_styles(path: Path):
    """A strict content security policy allows them."""
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"\bon\w+=|\bstyle=|<style|javascript:|<script(?![^>]*\bsrc=)", text)
