"""URLs with words in templates."""

from __future__ import annotations

import html
import urllib.request
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.files.storage import FileSystemStorage
from django.template import Context, Template
from django.utils.translation import gettext_lazy, override

from s3store.fields import S3FieldFile
from s3store.storage import S3Storage
from s3store.testing.counting import counted_requests
from tests.app.models import Document


def file_of(storage, name):
    """Return a value of a model field whose files are in the storage."""
    file = S3FieldFile(Document(), Document._meta.get_field("rich"), name)
    file.storage = storage
    return file


def render(text, **context):
    return Template("{% load s3store %}" + text).render(Context(context))


def test_the_tag_takes_the_words_of_url(seaweedfs_options):
    """In HTML the URL is escaped; the browser gets the file under the name that the template gives."""
    storage = S3Storage(**seaweedfs_options)
    storage.save("ä & b.txt", b"content")
    with counted_requests(storage) as requests:
        text = render('{% file_url file download_as="Übersicht.txt" expire=120 %}', file=file_of(storage, "ä & b.txt"))
    assert requests == []
    assert "&amp;" in text
    url = html.unescape(text)
    assert parse_qs(urlsplit(url).query)["X-Amz-Expires"] == ["120"]
    with urllib.request.urlopen(url) as answer:
        assert answer.read() == b"content"
        assert answer.headers["Content-Disposition"].endswith("filename*=UTF-8''%C3%9Cbersicht.txt")


def test_the_tag_keeps_its_url_for_later(s3_storage):
    """`as` puts it into a variable, unescaped until it is shown."""
    text = render("{% file_url file expire=60 as url %}{{ url|length }} {{ url }}", file=file_of(s3_storage, "a.txt"))
    length, url = text.split()
    assert int(length) == len(html.unescape(url))
    assert "X-Amz-Expires=60" in url


def test_the_tag_takes_words_that_are_translated_later(s3_storage):
    """In the language of the page."""
    for language, name in (("en", "Yes"), ("de", "Ja")):
        with override(language):
            text = render(
                "{% file_url file download_as=name content_type=kind %}",
                file=file_of(s3_storage, "a.txt"),
                name=gettext_lazy("Yes"),
                kind=gettext_lazy("image/png"),
            )
        query = parse_qs(urlsplit(html.unescape(text)).query)
        assert query["response-content-disposition"] == [f'attachment; filename="{name}"']
        assert query["response-content-type"] == ["image/png"]


@pytest.mark.parametrize("name", ["", None])
def test_no_file_has_no_url(s3_storage, name):
    """Nothing is shown for an empty field, nor for what is not there."""
    assert render("[{% file_url file %}]", file=file_of(s3_storage, name)) == "[]"
    assert render("[{% file_url nobody.file %}]") == "[]"


def test_files_on_disk_have_their_plain_url(tmp_path):
    """So that the template works in development, too."""
    storage = FileSystemStorage(tmp_path, base_url="/media/")
    text = render('{% file_url file download_as="x.pdf" expire=120 %}', file=file_of(storage, "a.txt"))
    assert text == "/media/a.txt"


def test_a_field_file_gives_its_url_with_words(s3_storage, monkeypatch):
    """The same that the storage gives for its name."""
    monkeypatch.setattr("s3store.mixins.linked.time.time", lambda: 1_700_000_000.0)
    words = {"signed": True, "download_as": "b.png", "content_type": "image/png", "inline": True}
    file = file_of(s3_storage, "a.png")
    assert file.get_url(60, **words) == s3_storage.url("a.png", expire=60, **words)
    assert file.get_url() == file.url
    with pytest.raises(ValueError, match="no file"):
        file_of(s3_storage, "").get_url()
