"""What direct uploads say to people is translated, and arrives in the language of the request."""

import ast
import gettext
import html
import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.urls import include, path
from django.utils.translation import deactivate, override

from s3store.forms import S3FileField
from s3store.uploads import acting_for, texts
from s3store.uploads.texts import texts as texts_of_the_page
from s3store.widgets import Sent
from tests.app.models import Upload
from tests.uploads.site import configure

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "docs" / "translations.py"
LANGUAGES = ("de", "es", "fr", "ja", "zh_Hans")
LOCALE_MIDDLEWARE = "django.middleware.locale.LocaleMiddleware"

# Words that are the same in some language.
SAME = {"images"}

site = admin.AdminSite()
site.register(Upload)
urlpatterns = [path("admin/", site.urls), path("s3store/", include("s3store.urls"))]


@pytest.fixture(scope="module")
def translations():
    """docs/translations.py."""
    spec = importlib.util.spec_from_file_location("translations", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules["translations"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["translations"]


@pytest.fixture
def storage(settings, seaweedfs_options):
    return configure(settings, seaweedfs_options)


@pytest.fixture
def languages(settings):
    """A site that speaks the language of the request."""
    sessions = "django.contrib.sessions.middleware.SessionMiddleware"
    settings.ROOT_URLCONF = __name__
    middleware = list(settings.MIDDLEWARE)
    middleware.insert(middleware.index(sessions) + 1, LOCALE_MIDDLEWARE)
    settings.MIDDLEWARE = middleware
    yield
    # The middleware leaves the language of the last request active.
    deactivate()


# The catalogues


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_translated(translations, language):
    """None is missing, empty or unused; names in braces are the same; and the compiled catalogue is fresh."""
    advice = "Run `python docs/translations.py`, translate what is empty in s3store/locale, and run it again."
    assert list(translations.problems(language)) == [], advice


def test_the_command_finds_nothing():
    """`python docs/translations.py --check` ends with status 0."""
    ran = subprocess.run([sys.executable, SCRIPT, "--check"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (0, ""), ran.stderr


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_catalogue_is_read_as_it_was_written(translations, language):
    """By Python, as Django does it: each text, with a rule for plurals."""
    with translations.path_of(language, "mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    assert set(compiled.info()) >= {"content-type", "language", "plural-forms"}
    for text in translations.texts().values():
        if text.plural:
            assert {compiled.ngettext(text.singular, text.plural, number) for number in (0, 1, 2, 5)}
        else:
            assert compiled.gettext(text.singular) != text.singular or text.singular in SAME


def test_a_change_is_noticed(translations, tmp_path, monkeypatch):
    """By its text: a new one, one that is not used, one that lost a name, and a catalogue that was not compiled."""
    monkeypatch.setattr(translations, "LOCALE", tmp_path)
    source = 'a = _("New {name}")\nb = ngettext("{count} file", "{count} files", 2)\n_("Empty")'
    found = {text.key: text for text in translations.marked(ast.parse(source))}
    monkeypatch.setattr(translations, "texts", lambda: found)
    path = translations.path_of("de", "po")
    path.parent.mkdir(parents=True)
    path.write_text('msgid "New {name}"\nmsgstr "Neu"\n\nmsgid "Old"\nmsgstr "Alt"\n\nmsgid "Empty"\nmsgstr ""\n')
    assert list(translations.problems("de")) == [
        "'New {name}' has other names in braces: 'Neu'",
        "'{count} file' is missing",
        "'Empty' is not translated",
        "'Old' is not used any more",
        "django.po is stale",
        "django.mo is stale",
    ]


def test_plurals_are_compiled(translations, tmp_path, monkeypatch):
    """With as many forms as the language has."""
    monkeypatch.setattr(translations, "LOCALE", tmp_path)
    found = {text.key: text for text in translations.marked(ast.parse('ngettext("{n} file", "{n} files", 2)'))}
    monkeypatch.setattr(translations, "texts", lambda: found)
    assert translations.main([]) == 1
    path = translations.path_of("es", "po")
    text = path.read_text(encoding="utf-8")
    for number, form in enumerate(("{n} fichero", "{n} de ficheros", '"{n}"\\ ficheros')):
        text = text.replace(f'msgstr[{number}] ""', f"msgstr[{number}] {translations.quoted(form)}")
    path.write_text(text, encoding="utf-8")
    translations.main([])
    assert list(translations.problems("es")) == []
    with translations.path_of("es", "mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    said = [compiled.ngettext("{n} file", "{n} files", number) for number in (1, 1_000_000, 7)]
    assert said == ["{n} fichero", "{n} de ficheros", '"{n}"\\ ficheros']


def test_a_text_must_be_a_plain_string(translations):
    """Otherwise no catalogue can contain it."""
    with pytest.raises(SystemExit, match="line 1"):
        list(translations.marked(ast.parse('_(f"{name} is late")')))


def test_texts_of_templates_are_found(translations):
    """Plain ones, and blocks with names; a block must say that its line breaks do not count."""
    source = """{% load i18n %}{% translate "One" %}{% translate "Two" as two %}
        {% blocktranslate with name=share.name trimmed %}
            {{ name }} has
            100%
        {% endblocktranslate %}"""
    assert [text.singular for text in translations.in_template(source)] == ["One", "Two", "%(name)s has 100%%"]
    with pytest.raises(SystemExit, match="trimmed"):
        list(translations.in_template("{% blocktranslate %}x{% endblocktranslate %}"))


def test_every_text_for_people_is_marked(translations):
    """What a refusal says and what a form refuses: a plain string would be English in every language."""
    plain = []
    for source in sorted((ROOT / "s3store").rglob("*.py")):
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                name = ast.unparse(node.func).rpartition(".")[2]
                said = {"UploadRefusedError": node.args[1:2], "ValidationError": node.args[:1]}.get(name, ())
                plain += [ast.unparse(node) for part in said if isinstance(part, ast.Constant | ast.JoinedStr)]
    assert plain == []


def test_the_page_shows_no_text_that_is_not_translated(translations):
    """Each text of the widget comes from the catalogue, none is glued together in Python."""
    marked = {text.singular for text in translations.texts().values()}
    with override("en"):
        assert set(texts_of_the_page().values()) <= marked
    tree = ast.parse(Path(texts.__file__).read_text(encoding="utf-8"))
    (function,) = (node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "texts")
    returned = function.body[-1].value
    assert all(isinstance(value, ast.Call) for value in returned.values)


# In use


@pytest.mark.parametrize(
    ("accepted", "remove", "offline"),
    [
        ("de", "Entfernen", "offline"),
        ("de-at", "Entfernen", "offline"),
        ("fr", "Enlever", "hors ligne"),
        ("es", "Eliminar", "conexión"),
        ("ja", "削除", "オフライン"),
        ("zh-hans", "删除", "离线"),
        ("en", "Remove", "You are offline"),
        ("xx", "Remove", "You are offline"),
    ],
)
def test_the_page_gets_its_texts_in_the_language_of_the_request(
    admin_client, storage, languages, accepted, remove, offline
):
    """The widget of the admin has them in its attribute; the words are those of the admin."""
    page = admin_client.get("/admin/app/upload/add/", headers={"Accept-Language": accepted}).content.decode()
    found = json.loads(html.unescape(re.search(r'data-texts="([^"]*)"', page)[1]))
    assert found["remove"] == remove
    assert offline in found["waiting_offline"]


def test_an_endpoint_answers_in_the_language_of_the_request(client, db, languages):
    """The sentence is for people; the code is the same in each language."""
    answer = client.post("/s3store/begin/", "{}", content_type="text/plain", headers={"Accept-Language": "de"}).json()
    assert answer["message"] == "Bitte ein JSON-Objekt als application/json senden."
    assert answer["error"]["code"] == "invalid"


def test_a_form_refuses_in_the_active_language(db, files):
    """Texts are marked when modules are imported, and translated when they are shown."""
    field = S3FileField(destination="files")
    user = User.objects.create_user("ann")
    said = []
    for language in ("fr", "en"):
        with override(language), acting_for(user), pytest.raises(ValidationError) as caught:
            field.clean(Sent(["forged"]))
        said += caught.value.messages
    assert said == [
        "Ce téléversement n’est pas connu. Choisissez à nouveau le fichier.",
        "This upload is not known. Choose the file again.",
    ]


def test_a_project_can_use_other_words(settings, tmp_path, translations):
    """A catalogue in its LOCALE_PATHS wins."""
    folder = tmp_path / "de" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    own = {"": ["Content-Type: text/plain; charset=UTF-8\n"], "Remove": ["Weg damit"]}
    (folder / "django.mo").write_bytes(translations.mo(own))
    settings.LOCALE_PATHS = [tmp_path]
    with override("de"):
        assert texts_of_the_page()["remove"] == "Weg damit"
        assert texts_of_the_page()["cancel"] == "Abbrechen"
