"""The page on commands says what the commands take and cost: both ways."""

from __future__ import annotations

import re
import shlex

import pytest
from django.contrib.staticfiles.management.commands import collectstatic as djangos
from django.core.management import call_command

from s3store.management.commands import collectstatic, s3
from s3store.management.verbs import VERBS
from s3store.storage import S3StaticStorage
from s3store.testing import fixtures
from s3store.testing.counting import counted_requests
from tests.docs.blocks import DOCS, blocks_of, pages

PAGE = (DOCS / "reference" / "commands.rst").read_text(encoding="utf-8")


def flags_of(parser) -> set[tuple[str, ...]]:
    """The flags, and the names of positional arguments, that the help shows."""
    return {
        tuple(sorted(action.option_strings)) or (action.metavar,)
        for action in parser._actions
        if action.help != "==SUPPRESS=="
    }


def described(section: str) -> list[str]:
    """The options below a `.. program::`, each by one of its flags. Their text is the help of the command."""
    text = re.split(r"^\.\. program:: ", PAGE, flags=re.MULTILINE)
    (own,) = (part for part in text if part.startswith(f"{section}\n"))
    assert ".. option::" not in own
    return re.findall(r"^\.\. help-option:: (.*)$", own, re.MULTILINE)


def assert_each_once(named: list[str], options: set[tuple[str, ...]]) -> None:
    """Each option has one name, and no name belongs to none of them."""
    assert sorted(next((flags for flags in options if name in flags), (name,)) for name in named) == sorted(options)


def test_collectstatics_flags_are_described_and_nothing_else():
    """Those that ours adds to Django's."""
    ours = flags_of(collectstatic.Command().create_parser("manage.py", "collectstatic"))
    theirs = flags_of(djangos.Command().create_parser("manage.py", "collectstatic"))
    assert ours - theirs
    assert_each_once(described("collectstatic"), ours - theirs)


@pytest.mark.parametrize("name", VERBS)
def test_every_subcommand_has_a_page_of_its_own(name):
    """It is called as the subcommand, and takes arguments and options from the code."""
    page = (DOCS / "reference" / "s3" / f"{name}.rst").read_text(encoding="utf-8")
    assert page.startswith(f"s3 {name}\n{'#' * len(f's3 {name}')}\n")
    assert re.findall(r"^\.\. verb-help:: (.*)$", page, re.MULTILINE) == [name]
    assert ".. option::" not in page


COMMANDS = sorted(
    {
        (str(path.relative_to(DOCS)), line.partition("manage.py s3 ")[2])
        for path in pages()
        if path.is_relative_to(DOCS)
        for language in ("sh", "console", "bat", "text")
        for block in blocks_of(path)
        if block.language == language
        for line in block.text.replace("\\\n", " ").splitlines()
        if "manage.py s3 " in line and not line.lstrip().startswith("#")
    }
)


@pytest.mark.parametrize(("page", "command"), COMMANDS)
def test_every_command_on_a_page_is_understood(page, command):
    """Its subcommand, its options and the number of its places exist as a reader types them."""
    words = shlex.split(command.removesuffix(')"'), comments=True)
    end = next((number for number, word in enumerate(words) if re.match(r"[|>&;)]", word)), len(words))
    parser = s3.Command().create_parser("manage.py", "s3")
    assert parser.parse_args(words[:end]).subcommand == words[0], page


def test_no_page_is_about_a_subcommand_that_does_not_exist():
    """The pages are those of the subcommands."""
    assert sorted(path.stem for path in (DOCS / "reference" / "s3").glob("*.rst")) == sorted(VERBS)


def test_headers_cost_what_the_page_says(moto, settings):
    """One LIST, one HEAD for each file, one PUT for each that differs, one more HEAD for a single file."""
    options = fixtures.options_for(moto)
    settings.STATICFILES_LOCATION = "costs"
    settings.AWS_STORAGE_BUCKET_NAME = options["bucket_name"]
    settings.AWS_S3_ENDPOINT_URL = options["endpoint_url"]
    settings.AWS_S3_REGION_NAME = options["region_name"]
    settings.AWS_S3_ACCESS_KEY_ID = options["access_key"]
    settings.AWS_S3_SECRET_ACCESS_KEY = options["secret_key"]
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": "s3store.storage.S3StaticStorage"}}
    storage = S3StaticStorage()
    for name in ("a.css", "b.css", "c.css"):
        storage.save(name, b"x")
    settings.AWS_S3_HEADERS = {"a.*": {"CacheControl": "max-age=5"}}
    for paths, wanted in (
        ([], ["GET", "HEAD", "HEAD", "HEAD", "PUT"]),
        ([], ["GET", "HEAD", "HEAD", "HEAD"]),
        (["b.css"], ["GET", "HEAD", "HEAD"]),
    ):
        with counted_requests(storage) as sent:
            call_command("s3", "headers", *paths, verbosity=0)
        assert sorted(sent.methods) == wanted
