"""The documentation says what the code does: both ways, and every example runs."""

from __future__ import annotations

import ast
import contextlib
import csv
import doctest
import functools
import importlib
import inspect
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import uuid
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import django
import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.contrib.staticfiles.management.commands import collectstatic as djangos
from django.core.files.storage import Storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import override_settings

from s3store import errors
from s3store.checks import check_legacy_settings, check_storages
from s3store.conf import installed, rules
from s3store.conf.options import FIELDS
from s3store.core import parameters
from s3store.core.expiry import window_start
from s3store.files import reader, upload
from s3store.files.file import check_mode
from s3store.links import uploads
from s3store.management.commands import collectstatic as ours
from s3store.staticfiles import releases
from s3store.storage import S3ManifestStaticStorage, S3MediaStorage, S3StaticStorage, S3Storage
from s3store.testing import fixtures
from s3store.testing.counting import counted_requests
from s3store.uploads import checks as upload_checks
from s3store.wire import facts
from tests.docs.blocks import DOCS, ROOT, Block, all_blocks, blocks_of, pages, table
from tests.optional import needs
from tests.test_conf import DJANGO_STORAGES

REFERENCE = DOCS / "reference"


# The pages


def test_generated_pages_are_fresh():
    """`python docs/generate.py` has been run since the docstrings changed."""
    ran = subprocess.run(
        [sys.executable, "docs/generate.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


class Links(HTMLParser):
    """Collects what a page offers and where it leads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        if found.get("id"):
            self.anchors.add(found["id"])
        if tag == "a" and found.get("href"):
            self.links.append(found["href"])
        if tag in ("script", "img", "link") and (source := found.get("src") or found.get("href")):
            self.loaded.append(source)


@pytest.mark.xdist_group("sphinx")
def test_sphinx_builds_without_warnings_and_all_links_resolve(built):
    """Every link inside the documentation has a page and an anchor; nothing is loaded from elsewhere."""
    parsed = {path: Links(path.read_text(encoding="utf-8")) for path in built.rglob("*.html")}
    assert len(parsed) > 25
    broken = []
    for path, page in parsed.items():
        assert not [source for source in page.loaded if "://" in source or source.startswith("//")], path
        for link in page.links:
            if "://" in link or link.startswith("mailto:"):
                continue
            address, _, anchor = link.partition("#")
            target = (path.parent / unquote(address)).resolve() if address else path
            if not target.exists() or (anchor and target in parsed and unquote(anchor) not in parsed[target].anchors):
                broken.append(f"{path.name}: {link}")
    assert broken == []


@pytest.mark.parametrize("path", [ROOT / "README.rst", ROOT / "CHANGELOG.rst"], ids=lambda path: path.name)
def test_links_of_the_readme_resolve(path):
    """They lead to files of the repository, as a code host shows them."""
    links = re.findall(r"<([^>\s]+)>`_", path.read_text(encoding="utf-8"))
    assert [link for link in links if "://" not in link and not (ROOT / link).exists()] == []


def test_the_readme_needs_no_relative_link():
    """A package index shows the README without the repository: it names files that exist instead of linking to them."""
    text = (ROOT / "README.rst").read_text(encoding="utf-8")
    assert [link for link in re.findall(r"<([^>\s]+)>`_", text) if "://" not in link] == []
    named = re.findall(r"``([\w./-]+\.(?:rst|py))``", text)
    assert len(named) > 15
    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.xdist_group("sphinx")
def test_the_front_page_begins_as_the_readme_does(built):
    """Pictures, what s3store does, the comparison, the features, the installation and the quick start."""
    page = (built / "index.html").read_text(encoding="utf-8")
    headings = re.findall(r"<h2>(.*?)<a", page)
    assert headings[:4] == ["Comparison with django-storages", "Features", "Install", "Quick start"]
    assert page.index("portal-grid.webp") < page.index("s3store keeps the media") < page.index(headings[0])
    assert "Try it" not in headings


def test_no_page_names_a_machine():
    """No paths of a developer's machine, no package index, no keys."""
    suspicious = re.compile(r"/home/|/work/|/tmp/|/Users/|pypi\.|AKIA[A-Z0-9]{12}|BEGIN [A-Z ]*PRIVATE KEY")
    assert [str(path) for path in pages() if suspicious.search(path.read_text(encoding="utf-8"))] == []


# The reference, both ways


def test_every_option_is_described_and_nothing_else():
    """Options, their settings and their environment variables."""
    text = (REFERENCE / "settings.rst").read_text(encoding="utf-8")
    assert re.findall(r"^\.\. _option-(\S+):$", text, re.MULTILINE) == [
        name.replace("_", "-") for name in re.findall(r"^(\w+)\n-+$", text, re.MULTILINE)
    ]
    assert set(re.findall(r"^(\w+)\n-+$", text, re.MULTILINE)) == set(FIELDS)
    settings = {setting for option in FIELDS.values() for setting in option.metadata["settings"]}
    fields = set(re.findall(r"``(\w+)``", "\n".join(re.findall(r"^:Setting: (.*)$", text, re.MULTILINE))))
    assert fields == settings
    variables = {option.metadata["env"] for option in FIELDS.values()} - {""}
    assert set(re.findall(r"^:Environment: ``(\w+)``$", text, re.MULTILINE)) == variables


def test_every_setting_that_is_named_exists():
    """An AWS_… name in a page is a setting of ours or a variable of botocore's; one page has another package's."""
    known = {setting for option in FIELDS.values() for setting in option.metadata["settings"]}
    known |= {option.metadata["env"] for option in FIELDS.values()}
    known |= {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_DEFAULT_REGION"}
    known |= {"AWS_EC2_METADATA_DISABLED", "AWS_CA_BUNDLE", "AWS_CONFIG_FILE", "AWS_ENDPOINT_URL", "AWS_", "AWS_S3_"}
    strange = {}
    for path in pages():
        if path.name != "coming-from-django-s3-storage.rst":
            named = set(re.findall(r"\bAWS_\w*", path.read_text(encoding="utf-8"))) - known
            if named:
                strange[path.name] = named
    assert strange == {}


def test_every_setting_of_django_storages_has_its_row():
    """The table of settings in the how-to is the list that the tests of conf go through."""
    rows = table(DOCS / "howto" / "coming-from-django-storages.rst", "Settings and defaults")
    named = [setting for row in rows for setting in re.findall(r"``(\w+)``", row[0])]
    assert sorted(named) == sorted(setting for setting, _, _ in DJANGO_STORAGES)


def test_the_table_of_classes_is_true(settings):
    """Location, overwriting and signing of the four classes."""
    rows = table(REFERENCE / "settings.rst", "Storage classes")
    classes = {row[0].strip("`").rpartition(".")[2]: row[1:] for row in rows}
    assert list(classes) == [
        cls.__name__ for cls in (S3Storage, S3MediaStorage, S3StaticStorage, S3ManifestStaticStorage)
    ]
    for name, (location, overwrite, signed) in classes.items():
        storage = globals()[name]()
        setting, default = re.match(r"``(\w+)`` \(default: (.*)\)", location).groups()
        assert storage.location == ("" if default == "the whole bucket" else default.strip("`"))
        assert (str(storage.file_overwrite), str(storage.querystring_auth)) == (overwrite, signed)
        with override_settings(**{setting: "moved"}):
            assert storage.location == "moved"


def test_every_check_is_described_and_nothing_else():
    """Ids of rules and of the checks of the project."""
    text = (REFERENCE / "checks.rst").read_text(encoding="utf-8")
    described = re.findall(r"^(s3store\.[EW]\d{3})\n-+$", text, re.MULTILINE)
    source = "".join(
        Path(inspect.getsourcefile(module)).read_text(encoding="utf-8")
        for module in (check_storages, installed, upload_checks)
    )
    wanted = {rule.id for rule in rules.RULES} | set(re.findall(r'"(s3store\.[EW]\d{3})"', source))
    assert sorted(described) == sorted(wanted)


def test_every_error_is_described_and_nothing_else():
    """In the reference, and in the pages on trouble."""
    found = {
        name
        for name, thing in vars(errors).items()
        if isinstance(thing, type) and issubclass(thing, errors.S3StoreError)
    }
    text = (REFERENCE / "errors.rst").read_text(encoding="utf-8")
    assert set(re.findall(r"^(\w+Error)\n-+$", text, re.MULTILINE)) == found
    codes = set(re.findall(r"``(\w+)``", " ".join(re.findall(r"^:S3 error codes: (.*)$", text, re.MULTILINE))))
    assert codes == set(errors._BY_CODE)
    trouble = (DOCS / "howto" / "troubleshooting.rst").read_text(encoding="utf-8")
    headings = set(re.findall(r"^(\w+Error)\n-+$", trouble, re.MULTILINE))
    assert headings == found - {"S3StoreError"}


@functools.cache
def said_by_the_code() -> str:
    """Every text in the source code, with … for what is filled in, and adjacent literals joined."""
    texts = []
    for path in (ROOT / "s3store").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.append(node.value)
            elif isinstance(node, ast.JoinedStr):
                parts = (part.value if isinstance(part, ast.Constant) else "…" for part in node.values)
                texts.append("".join(parts))
    return "\n".join(" ".join(text.split()) for text in texts)


@pytest.mark.parametrize("block", [b for b in all_blocks("text") if b.path.name == "troubleshooting.rst"], ids=str)
def test_troubleshooting_quotes_what_the_code_says(block):
    """Each piece between two … is in the source."""
    said = said_by_the_code() + "\nfailed: NoSuchKey\nfailed: NoSuchBucket\nfailed: it exists"
    text = " ".join(block.text.split())
    # The advice of an exception follows what was being done.
    pieces = [piece.strip(" .,:;") for part in text.split("…") for piece in re.split(r"(?<=\.) ", part)]
    assert [piece for piece in pieces if piece and piece not in said] == []


def test_modes_are_as_the_table_says():
    """Works or is refused at open."""
    rows = table(REFERENCE / "files.rst", "Modes")
    for modes, what in rows:
        for mode in re.findall(r"``([^`]+)``", modes):
            refused = contextlib.nullcontext()
            if what.startswith("refused"):
                refused = pytest.raises(io.UnsupportedOperation)
            with refused:
                assert check_mode(mode) in "rwx"


def test_acls_are_as_the_table_says():
    """Those for objects are the ones that are accepted."""
    rows = table(DOCS / "howto" / "acls.rst", "Canned ACLs")
    assert [row[0].strip("`") for row in rows if row[1] == "yes"] == list(parameters.OBJECT_ACLS)


# What calls cost


@pytest.fixture
def own_bucket(moto, settings):
    """A bucket of its own on moto, which the settings name; every storage without options uses it."""
    return use_bucket_of(moto, settings)


def use_bucket_of(server, settings):
    bucket = f"docs-{uuid.uuid4().hex[:12]}-my-bucket"
    options = {**fixtures.options_for(server, bucket)}
    settings.AWS_STORAGE_BUCKET_NAME = bucket
    settings.AWS_S3_ENDPOINT_URL = options["endpoint_url"]
    settings.AWS_S3_REGION_NAME = options["region_name"]
    settings.AWS_S3_ACCESS_KEY_ID = options["access_key"]
    settings.AWS_S3_SECRET_ACCESS_KEY = options["secret_key"]
    settings.STORAGES = {
        "default": {"BACKEND": "s3store.storage.S3MediaStorage"},
        "staticfiles": {"BACKEND": "s3store.storage.S3StaticStorage"},
    }
    S3Storage(**options).client.create_bucket(Bucket=bucket)
    return options


MIB = 1 << 20


def write(storage: Storage, name: str, mode: str, *, fail: bool = False) -> None:
    with contextlib.suppress(ZeroDivisionError), storage.open(name, mode) as file:
        file.write(b"x" * 100)
        if fail:
            1 / 0  # noqa: B018


def tail(storage: Storage) -> None:
    with storage.open("large") as file:
        file.seek(-64 * 1024, io.SEEK_END)
        assert len(file.read()) == 64 * 1024


def attempt(call, error: type[BaseException] = FileNotFoundError) -> None:
    with contextlib.suppress(error):
        call()


# The first cell of each row of the table, and what it means: functions of a storage with `a.txt`, `dir/b.txt` and,
# where the row is about large files, `large` of 20 MiB.
COSTS = {
    "``save``, the name is free": [lambda s: s.save("new", b"x")],
    "``save``, the name is taken": [lambda s: s.save("a.txt", b"x")],
    "``save`` with ``file_overwrite``": [lambda s: again(s, file_overwrite=True).save("a.txt", b"x")],
    "``save`` without ``conditional_writes``": [lambda s: again(s, conditional_writes=False).save("new", b"x")],
    "``save`` of 20 MiB": [lambda s: s.save("new", b"x" * 20 * MIB)],
    "``open`` and ``read``, any size": [
        lambda s: s.open("a.txt").read(),
        lambda s: s.open("large").read(),
        lambda s: list(s.open("large").chunks()),
    ],
    "``open``, then the last 64 KiB of 20 MiB": [tail],
    "``open`` of a missing file": [lambda s: attempt(lambda: s.open("missing"))],
    '``open(name, "wb")``, up to 8 MiB': [lambda s: write(s, "new", "wb")],
    '``open(name, "xb")``, up to 8 MiB': [lambda s: write(s, "new", "xb")],
    '``open(name, "wb")``, if the block raises': [lambda s: write(s, "new", "wb", fail=True)],
    "``exists`` of a file": [lambda s: s.exists("a.txt")],
    '``exists`` of a directory, ``"dir/"``': [lambda s: s.exists("dir/")],
    '``exists`` of a directory, ``"dir"``': [lambda s: s.exists("dir")],
    "``exists`` of a missing name": [lambda s: s.exists("missing")],
    "``size``, ``get_modified_time``, ``stat``": [
        lambda s: s.size("a.txt"),
        lambda s: s.get_modified_time("a.txt"),
        lambda s: s.stat("a.txt"),
    ],
    "``size`` right after ``save``, ``open``, ``exists``, ``stat``, ``listdir`` or ``scan``": [
        (lambda s: s.save("new", b"x"), lambda s: s.size("new")),
        *(
            (tell, lambda s: s.size("a.txt"))
            for tell in (
                lambda s: s.open("a.txt").close(),
                lambda s: s.exists("a.txt"),
                lambda s: s.stat("a.txt"),
                lambda s: s.listdir(""),
                lambda s: list(s.scan()),
            )
        ),
    ],
    "``size`` of a missing file": [lambda s: attempt(lambda: s.size("missing"))],
    "``listdir``, ``scan``, ``walk``, for each 1,000 files": [
        lambda s: s.listdir(""),
        lambda s: list(s.scan()),
        lambda s: list(s.walk()),
    ],
    "``delete``": [lambda s: s.delete("a.txt")],
    "``delete_many``, for each 1,000 files": [lambda s: s.delete_many(["a.txt", "dir/b.txt"])],
    "``delete_tree``, for each 1,000 files": [lambda s: s.delete_tree("dir")],
    "``copy``": [(lambda s: s.copy("a.txt", "first"), lambda s: s.copy("a.txt", "new"))],
    "``copy`` with ``overwrite``": [lambda s: s.copy("a.txt", "new", overwrite=True)],
    "``move``": [(lambda s: s.copy("a.txt", "first"), lambda s: s.move("a.txt", "new"))],
    "``move`` of a file that was uploaded in parts": [lambda s: s.move("large", "new", overwrite=True)],
    "``read_bytes``, ``read_text``, ``download_to``, ``download_path``": [
        lambda s: s.read_bytes("a.txt"),
        lambda s: s.read_text("a.txt"),
        lambda s: s.download_to("a.txt", io.BytesIO()),
        lambda s: s.download_path("a.txt", Path(tempfile.gettempdir()) / uuid.uuid4().hex).unlink(),
    ],
    "``get_metadata``": [lambda s: s.get_metadata("a.txt")],
    "``set_metadata``": [lambda s: s.set_metadata("a.txt", {"k": "v"})],
    "``get_acl``": [lambda s: s.get_acl("a.txt")],
    "``set_acl``": [lambda s: s.set_acl("a.txt", "private")],
    "``create_folder``": [lambda s: s.create_folder("new")],
    "``url``, signed or not, with any arguments": [
        lambda s: s.url("a.txt"),
        lambda s: s.url("a.txt", signed=False),
        lambda s: s.url("a.txt", download_as="b.txt"),
    ],
    "``cloudfront_url``, ``cloudfront_cookies``": [
        lambda s: s.cloudfront_url("a.txt"),
        lambda s: s.cloudfront_cookies("dir"),
    ],
    "``upload_url``, ``upload_post``": [lambda s: s.upload_url("new"), lambda s: s.upload_post("new", max_size=1)],
    "``path``": [lambda s: attempt(lambda: s.path("a.txt"), NotImplementedError)],
}


ABOUT_LARGE_FILES = {
    "``open`` and ``read``, any size",
    "``open``, then the last 64 KiB of 20 MiB",
    "``move`` of a file that was uploaded in parts",
}


def again(storage: S3Storage, **options: object) -> S3Storage:
    return S3Storage(location=storage.location, **options)


def test_every_row_of_the_table_of_costs_has_an_example():
    """And every example a row."""
    assert [row[0] for row in table(REFERENCE / "storage.rst", "What each call costs")] == list(COSTS)


@pytest.fixture(scope="module")
def cloudfront_options():
    """Those of a storage whose URLs CloudFront checks."""
    rsa = needs("cryptography.hazmat.primitives.asymmetric.rsa")
    pem = needs("cryptography.hazmat.primitives.serialization")
    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    key = made.private_bytes(pem.Encoding.PEM, pem.PrivateFormat.PKCS8, pem.NoEncryption())
    return {"custom_domain": "cdn.example.com", "cloudfront_key_id": "K2JCJMDEHXQW5F", "cloudfront_key": key}


@pytest.mark.parametrize("row", table(REFERENCE / "storage.rst", "What each call costs"), ids=lambda row: row[0])
def test_calls_cost_what_the_table_says(own_bucket, cloudfront_options, settings, request, row):
    """Number and methods of the requests."""
    call, number, methods = row
    if call in ("``copy``", "``move``"):
        # moto ignores the condition of a copy.
        use_bucket_of(request.getfixturevalue("seaweedfs"), settings)
    options = cloudfront_options if "cloudfront" in call else {}
    wanted = methods.split(", ") if methods else []
    assert int(number) == len(wanted)
    for example in COSTS[call]:
        before, example = example if isinstance(example, tuple) else (None, example)
        fresh = S3Storage(location=uuid.uuid4().hex)
        for name in ("a.txt", "dir/b.txt"):
            fresh.save(name, b"x")
        if call in ABOUT_LARGE_FILES:
            fresh.save("large", os.urandom(20 * MIB))
        storage = again(fresh, **options)
        if before:
            before(storage)
        with counted_requests(storage) as sent:
            example(storage)
        assert sorted(sent.methods) == sorted(wanted), call


COLLECTSTATIC = {
    "Everything is new": ("", "1 + *n*", "1 + 2 *n* + 2"),
    "Everything is new, with ``keep_only_hashed``": ("keep", "1 + *n*", "1 + *n* + 2"),
    "Nothing has changed": ("again", "1", "1"),
    "One file has changed, to which *r* files refer, directly or not": ("change", "2", "5 + *r*"),
}


def static_files(settings, directory: Path) -> int:
    """Five files, of which two refer to one, directly or not."""
    (directory / "0.css").write_text("@import '1.css';")
    (directory / "1.css").write_text("a { background: url(2.png) }")
    for number in range(2, 5):
        (directory / f"{number}.png").write_text(f"{number}")
    settings.STATICFILES_DIRS = [directory]
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    return 5


@pytest.mark.parametrize("column", [1, 2], ids=["plain", "manifest"])
@pytest.mark.parametrize("row", COLLECTSTATIC)
def test_collectstatic_costs_what_the_table_says(own_bucket, settings, tmp_path, row, column):
    """Requests of a whole run, with what the table says of n and r put in."""
    rows = {found[0]: found for found in table(REFERENCE / "storage.rst", "What collectstatic costs")}
    case, *cells = COLLECTSTATIC[row]
    assert rows[row][1:] == cells
    cls = (S3StaticStorage, S3ManifestStaticStorage)[column - 1]
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": f"s3store.storage.{cls.__name__}"}}
    settings.AWS_S3_KEEP_ONLY_HASHED = case == "keep"
    count = static_files(settings, tmp_path)
    if case in ("again", "change"):
        call_command("collectstatic", interactive=False, verbosity=0)
    if case == "change":
        (tmp_path / "2.png").write_text("changed")
    expected = eval(re.sub(r"(\d) (?=\*)", r"\1 * ", cells[column - 1]).replace("*n*", str(count)).replace("*r*", "2"))
    with counted_requests(cls()) as sent:
        call_command("collectstatic", interactive=False, verbosity=0)
    assert len(sent) == expected


def test_djangos_own_collectstatic_costs_what_the_page_says(own_bucket, settings, tmp_path):
    """One request for a file that has not changed, three for a new one."""
    text = " ".join((DOCS / "howto" / "static-files.rst").read_text(encoding="utf-8").split())
    assert "one request for a file that has not changed and three for a new one" in text
    count = static_files(settings, tmp_path)
    for expected in (3 * count, count):
        with counted_requests(S3StaticStorage()) as sent:
            call_command(djangos.Command(), interactive=False, verbosity=0)
        assert len(sent) == expected


# The examples


@pytest.mark.parametrize("block", all_blocks("json"), ids=str)
def test_json_is_json(block):
    """Policies and rules parse."""
    json.loads(block.text)


PYTHON = all_blocks("python")

WARNING = re.compile(r"W\d{3}")
"""The class of settings that a check warns of, as the page says."""


@pytest.mark.parametrize("block", PYTHON, ids=str)
def test_python_compiles_and_imports_what_exists(block):
    """Also where an example is not run: every name that it imports from us is there."""
    block.compile()
    for node in ast.walk(ast.parse(block.text)):
        if isinstance(node, ast.ImportFrom) and node.module.partition(".")[0] in ("s3store", "django"):
            module = importlib.import_module(node.module)
            assert [alias.name for alias in node.names if not hasattr(module, alias.name)] == []


def test_examples_are_run():
    """All but a few have a class that says how."""
    how = {"settings", "runnable", "model", "pytest", "pytest-conftest", "s3-server", "append", "file"}
    # Those about uploads, shares and orphans have a test each.
    classes = {cls for block in PYTHON for cls in block.classes if not WARNING.fullmatch(cls)}
    assert {cls for cls in classes if not cls.startswith(("orphans", "sharing-", "upload-"))} == how
    assert [str(block).rpartition("/")[2].partition(":")[0] for block in PYTHON if not block.classes] == [
        "background-work.rst",
        "background-work.rst",
        "background-work.rst",
        "credentials.rst",
        "development-and-tests.rst",
        "folders-policies.rst",
        "subclassing.rst",
    ]


def values_of(block: Block, **given: object) -> dict[str, object]:
    namespace = {"DEBUG": False, "BASE_DIR": ROOT, **given}
    exec(block.compile(), namespace)
    return {name: value for name, value in namespace.items() if name.isupper() and name != "BASE_DIR"}


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize("block", all_blocks("python", "settings"), ids=str)
def test_settings_examples_pass_the_checks(block, debug):
    """Their storages are made and nothing is found wrong with them, but what their page says."""
    values = {"AWS_STORAGE_BUCKET_NAME": "my-bucket", **values_of(block, DEBUG=debug)}
    values.pop("INSTALLED_APPS", None)
    with override_settings(**values):
        said = {f"s3store.{cls}" for cls in block.classes if WARNING.fullmatch(cls)}
        assert {message.id for message in check_storages()} == said
        assert said <= set(values.get("SILENCED_SYSTEM_CHECKS", ()))
        # Django 4.2 makes the legacy settings itself when a test overrides STORAGES.
        assert django.VERSION < (5, 1) or check_legacy_settings() == []
        if "STORAGES" in values:
            assert {"default", "staticfiles"} <= set(values["STORAGES"])


@pytest.mark.parametrize("block", [b for b in all_blocks("python", "settings") if "INSTALLED_APPS" in b.text], ids=str)
def test_the_app_comes_before_staticfiles(block):
    """Commands of an app that comes first win."""
    apps = values_of(block)["INSTALLED_APPS"]
    assert apps.index("s3store") < apps.index("django.contrib.staticfiles")


def run_page(path: Path) -> dict[str, object]:
    """Run the runnable blocks and the sessions of a page, in order, in one namespace.

    tests/test_tutorials.py runs those of the tutorials, as their readers do.
    """
    namespace: dict[str, object] = {"__name__": "docs"}
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    for block in blocks_of(path):
        if block.language == "python" and "runnable" in block.classes:
            exec(block.compile(), namespace)
        elif block.language == "pycon":
            session = doctest.DocTestParser().get_doctest(block.text, namespace, str(block), str(path), block.line)
            out = io.StringIO()
            runner = doctest.DocTestRunner(optionflags=flags, verbose=False)
            runner.run(session, out=out.write, clear_globs=False)
            assert runner.summarize(verbose=False).failed == 0, out.getvalue()
            namespace.update(session.globs)
    return namespace


RUNNABLE = [
    path
    for path in pages()
    if path.parent.name != "tutorial"
    and any("runnable" in block.classes or block.language == "pycon" for block in blocks_of(path))
]


@pytest.mark.parametrize("path", RUNNABLE, ids=lambda path: path.stem)
def test_sessions_and_runnable_examples_do_what_they_say(own_bucket, path, tmp_path, monkeypatch):
    """Line by line, against moto."""
    monkeypatch.chdir(tmp_path)
    run_page(path)


@pytest.mark.parametrize("method", ["upload_url", "upload_post"])
def test_curl_uploads_as_the_page_says(seaweedfs_options, settings, tmp_path, method):
    """What the page makes, sent by the page's command to a server that checks signatures."""
    if not shutil.which("curl"):
        pytest.skip("curl is not installed")
    page = DOCS / "howto" / "private-media.rst"
    # Django 4.2 drops the OPTIONS of overridden STORAGES.
    settings.STORAGES = {**settings.STORAGES, "default": {"BACKEND": "s3store.storage.S3Storage"}}
    for option, value in seaweedfs_options.items():
        setattr(settings, FIELDS[option].metadata["settings"][0], value)
    storage = S3Storage()
    namespace: dict[str, object] = {}
    for block in blocks_of(page):
        if "runnable" in block.classes:
            exec(block.compile(), namespace)
        if f"default_storage.{method}(" in block.text:
            break
    document = namespace["upload"]
    (command,) = (block.text for block in blocks_of(page) if block.classes == (method.replace("_", "-"),))
    (tmp_path / "report.pdf").write_bytes(b"%PDF-1.7 ...")
    variables = {name.upper().replace("-", "_"): value for name, value in document.fields.items()}
    ran = subprocess.run(
        ["sh", "-ec", command],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "URL": document.url, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    (stat,) = storage.scan("inbox")
    assert storage.read_bytes(stat.name) == b"%PDF-1.7 ..."
    assert storage.stat(stat.name).content_type == "application/pdf"


def test_most_pages_of_instruction_run():
    """The pages that show a session are known to the test above."""
    assert {path.stem for path in RUNNABLE} >= {
        "subclassing",
        "compression",
        "encryption-and-metadata",
        "acls",
        "errors",
    }


def test_the_upload_views_work(own_bucket, rf, db):
    """Both views of the page: a free name, and a name that must be new."""
    views = run_page(DOCS / "howto" / "uploads-in-a-view.rst")
    user = User.objects.create(username="someone")

    def post(view: str, name: str, content: bytes = b"content", content_type: str = "text/html"):
        request = rf.post("/", {"file": SimpleUploadedFile(name, content, content_type)} if name else {})
        request.user = user
        answer = views[view](request)
        return answer.status_code, json.loads(answer.content)

    folder = f"uploads/{user.pk}"
    assert post("upload", "a b.txt")[1]["name"] == f"{folder}/a_b.txt"
    status, answer = post("upload", "a b.txt")
    assert status == 200
    assert re.fullmatch(rf"{folder}/a_b_\w{{7}}\.txt", answer["name"])
    assert "X-Amz-Signature" in answer["url"]
    assert S3MediaStorage().stat(answer["name"]).content_type == "text/plain"
    assert post("upload", "")[0] == 400
    assert post("upload_new", "new.txt")[0] == 200
    assert post("upload_new", "new.txt", b"other")[0] == 400
    assert S3MediaStorage().read_bytes(f"{folder}/new.txt") == b"content"


@pytest.mark.parametrize("block", all_blocks("python", "model"), ids=str)
def test_models_are_made(block, settings):
    """Their fields take the storage that the page configures."""
    settings.STORAGES = {**settings.STORAGES, "archive": {"BACKEND": "s3store.storage.S3Storage"}}
    before = {label: dict(models) for label, models in apps.all_models.items()}
    try:
        namespace: dict[str, object] = {"__name__": "docs"}
        exec(block.compile(), namespace)
        field = next(thing for thing in namespace.values() if hasattr(thing, "_meta"))._meta.get_field("scan")
        assert field.storage is not None
    finally:
        for label in list(apps.all_models):
            apps.all_models[label].clear()
            apps.all_models[label].update(before.get(label, {}))
        apps.clear_cache()


def test_the_tests_in_the_page_about_tests_pass(tmp_path):
    """Fixtures, counted requests and the contract suite, as a project would use them."""
    path = DOCS / "howto" / "development-and-tests.rst"
    twin = DOCS / "howto" / "develop-without-s3.rst"
    (tmp_path / "conftest.py").write_text(
        "".join(block.text for block in blocks_of(path) if "pytest-conftest" in block.classes)
    )
    blocks = [*blocks_of(path), *blocks_of(twin)]
    for number, block in enumerate(block for block in blocks if "pytest" in block.classes):
        (tmp_path / f"test_{number}.py").write_text(block.text)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "COV", "PYTEST_"))}
    options = ["-q", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", str(tmp_path), "--ds", "tests.settings"]
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", *options, str(tmp_path)],
        cwd=tmp_path,
        env={**environment, "PYTHONPATH": str(ROOT), "AWS_EC2_METADATA_DISABLED": "true"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert " passed" in ran.stdout


# The numbers in the prose


def test_numbers_in_the_prose_are_the_codes():
    """Limits that pages name, against the constants they stand for."""
    text = {path.stem: " ".join(path.read_text(encoding="utf-8").split()) for path in pages()}
    limits = {row[0]: row[1] for row in table(DOCS / "explanation" / "requests-and-retries.rst")}
    assert limits == {
        "Time to open a connection": f"{FIELDS['connect_timeout'].default:g} s",
        "Time without data during a request": f"{FIELDS['read_timeout'].default:g} s",
        "Attempts for one request, including the first": str(FIELDS["max_attempts"].default),
        "Time from the first attempt after which no new one starts": f"{FIELDS['total_timeout'].default:g} s",
        f"Speed below which a download is given up, measured over {reader.SPEED_SECONDS:g} s of waiting": (
            f"{reader.LOWEST_SPEED // 1024} KiB/s"
        ),
        "Connections that are kept open": str(FIELDS["max_pool_connections"].default),
    }
    assert facts.SECONDS == 2
    assert f"{facts.LIMIT:,} objects" in text["facts"]
    assert reader.SMALL == 256 * 1024
    assert reader.TAIL == 64 * 1024
    assert reader.BUFFER_SIZE == MIB
    assert reader.MD5_LIMIT == 8 * MIB
    assert (reader.RESUMES, reader.RESUME_SECONDS) == (6, 60)
    assert upload.Transfer() == upload.Transfer(threshold=8 * MIB, part_size=8 * MIB, threads=4)
    assert FIELDS["max_inflated_size"].default == 1 << 30
    assert len(FIELDS["gzip_content_types"].default) == 15
    assert (uploads.UPLOAD_SECONDS, uploads.MAX_UPLOAD_SIZE) == (600, 5 << 30)
    assert releases.GRACE.total_seconds() == 3600
    assert "Files younger than an hour always stay" in text["static-files"]
    assert "32 files at a time (``--threads``)" in text["static-files"]
    parser = ours.Command().create_parser("manage.py", "collectstatic")
    assert parser.get_default("threads") == 32


def test_cache_control_is_as_the_page_says():
    """Of names with a hash and of others, in both classes."""
    rows = table(DOCS / "howto" / "static-files.rst", "Cache-Control and other headers")
    hashed, others = (row[1].strip("`") for row in rows)
    for cls, name, expected in (
        (S3ManifestStaticStorage, "a.0123456789ab.css", hashed),
        (S3ManifestStaticStorage, "a.css", others),
        (S3ManifestStaticStorage, "staticfiles.json", others),
        (S3StaticStorage, "a.0123456789ab.css", others),
    ):
        assert cls(bucket_name="bucket").get_object_parameters(name)["CacheControl"] == expected


UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}


def in_seconds(text: str) -> int:
    number, unit = text.split()
    return int(number) * UNITS[unit.rstrip("s")]


def test_windows_are_as_the_table_says():
    """How long a URL lives, stays the same, and works at least, from the first second of a window to the last."""
    rows = table(DOCS / "explanation" / "stable-urls.rst", "How to choose the lifetime and the window")
    assert len(rows) > 5
    for given, life, same, least in rows:
        expire, fraction = (float(number) for number in re.findall(r"``([\d.]+)``", given))
        seconds, window = int(expire), in_seconds(same)
        assert in_seconds(life) == seconds
        begins = 10**6 * seconds
        assert {window_start(begins + late, seconds, fraction) for late in (0, window - 1)} == {begins}
        assert window_start(begins + window, seconds, fraction) == begins + window
        assert seconds - (window - 1) >= in_seconds(least) >= seconds - window
    assert "``3600``, ``0.5`` (the default)" in [row[0] for row in rows]
    assert (FIELDS["querystring_expire"].default, FIELDS["url_window"].default) == (3600, 0.5)


def test_every_module_is_in_the_architecture():
    """And no module is there that does not exist; the rooms' own modules too."""
    rows = table(DOCS / "explanation" / "architecture.rst", "The rooms")
    named = {name.rstrip("/") for row in rows for name in re.findall(r"``([\w/]+)``", row[0])}
    package = ROOT / "s3store"
    rooms = {path.name for path in package.iterdir() if (path / "__init__.py").exists()}
    assert named == rooms | {path.stem for path in package.glob("*.py")} - {"__init__"}
    listed = {row[0].strip("`/"): row[1] for row in rows if re.fullmatch(r"``\w+/``", row[0])}
    for name, modules in listed.items():
        found = {
            path.stem
            for path in (package / name).iterdir()
            if path.suffix == ".py"
            or path.name == "rules"
            or (name in ("core", "operations") and (path / "__init__.py").exists())
        }
        assert set(re.findall(r"``(\w+)``", modules)) == found - {"__init__"}, name
    assert len(listed) == 13


def test_the_picture_of_the_rooms_is_fresh():
    """`python docs/house.py` has been run since the imports changed."""
    ran = subprocess.run([sys.executable, "docs/house.py", "--check"], cwd=ROOT, capture_output=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def missing_tests(text: str) -> list[str]:
    return [
        f"{file}::{test}"
        for file, test in re.findall(r"``([\w/]+\.py)::(\w+)``", text)
        if f"def {test}(" not in (ROOT / file).read_text(encoding="utf-8")
    ]


def coverage(name: str) -> list[dict[str, str]]:
    """Return the rows of a table in tests/coverage: what is tested, and the tests, as `path::test`."""
    with (ROOT / "tests" / "coverage" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        named = row["tests"].split()
        assert named, row
        assert [test for test in named if not re.fullmatch(r"[\w/]+\.py::\w+", test)] == []
        assert missing_tests(" ".join(f"``{test}``" for test in named)) == []
    return rows


@pytest.mark.parametrize(
    ("topic", "ids"),
    [
        ("Links", [f"SU-{number:02}" for number in range(1, 17)]),
        ("Presigned uploads", [f"SP-{number:02}" for number in (*range(5, 14), 15, 16, 18)]),
        ("Static files", [f"RD-{number:02}" for number in range(1, 9)]),
        ("Development twin", [f"SL-{number:02}" for number in range(1, 10)]),
        (
            "Direct uploads",
            [
                *(f"SP-{number:02}" for number in range(1, 24) if number not in (10, 22)),
                *(f"SM-{number:02}" for number in range(1, 12)),
                *(f"SF-{number:02}" for number in range(1, 17)),
            ],
        ),
        ("Folders", [f"FO-{number:02}" for number in range(1, 41)]),
        ("Sharing", [f"SH-{number:02}" for number in range(1, 41)]),
        ("Client portal", [f"ST-{number:02}" for number in range(1, 13)]),
        (
            "Commands",
            [
                *(f"SK-{number:02}" for number in range(1, 8)),
                *("SP-22", "SN-23"),
                *(f"RD-{number:02}" for number in (1, 2, 3, 4, 9, 12, 13)),
            ],
        ),
        ("Doctor", [f"OD-{number:02}" for number in range(1, 51)]),
    ],
)
def test_every_attack_and_accident_has_its_test(topic, ids):
    """Each row has an outcome and tests that exist."""
    rows = [row for row in coverage("security") if row["topic"] == topic]
    assert [row["id"] for row in rows] == ids
    assert all(row["what"] and row["outcome"] for row in rows)


@pytest.mark.parametrize("page", ["stable-urls", "publishing-static-files"])
def test_what_is_verified_has_its_tests(page):
    """What these pages state, row by row, with tests that exist."""
    rows = coverage(page)
    assert len(rows) > 5
    assert all(row["what"] for row in rows)


def test_what_clients_can_attempt_has_its_tests():
    """Each row of the table about whom direct uploads trust, in its order, with tests that exist."""
    rows = table(DOCS / "explanation" / "direct-uploads.rst", "What the client can decide")
    assert [row["what"] for row in coverage("direct-uploads")] == [attempt for attempt, _ in rows]


def test_no_page_names_a_test():
    """Ids and names of tests are for maintainers: they are in tests/coverage."""
    suspicious = re.compile(r"\b(SU|SP|SM|SF|RD|SL|FO|SH|ST|SK|OD)-\d\d\b|::test_")
    paths = [path for path in pages() if path.parent.name != "reference"]
    assert [str(path) for path in paths if suspicious.search(path.read_text(encoding="utf-8"))] == []
