"""Destinations: what can be one, where their files are, and what the page of a form says about them."""

import pytest
from django import forms
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import FileSystemStorage, default_storage
from django.test import override_settings
from django.urls import path

from s3store.forms import S3FileField
from s3store.storage import S3Storage
from s3store.uploads import Destination, register, service
from s3store.widgets import ModuleScript
from tests.uploads.client import begin

KEYS = {"bucket_name": "some-bucket", "access_key": "key", "secret_key": "secret", "region_name": "eu-central-1"}

urlpatterns = [path("", lambda request: None)]


class Form(forms.Form):
    file = S3FileField(destination="place")


@pytest.fixture
def default(settings):
    """The default storage, at AWS."""
    backend = {"BACKEND": "s3store.storage.S3Storage", "OPTIONS": KEYS}
    settings.STORAGES = {**settings.STORAGES, "default": backend}
    return S3Storage(**KEYS)


@pytest.mark.parametrize(
    "storage", [S3Storage(**KEYS), "default", default_storage, lambda: "default", lambda: default_storage], ids=range(5)
)
def test_a_storage_can_be_named_in_many_ways(default, storage):
    """Itself, its alias, Django's default storage, or a function that returns one of them."""
    assert Destination(storage=storage).find_storage() == default


def test_another_storage_cannot_have_direct_uploads(tmp_path):
    """The error says what can."""
    with pytest.raises(ImproperlyConfigured, match="FakeS3Storage"):
        Destination(storage=FileSystemStorage(tmp_path)).find_storage()


@pytest.mark.parametrize("label", ["", "app.Model.field", "a.b"])
def test_labels_with_dots_are_those_of_fields(label):
    """So that none is taken for the other."""
    with pytest.raises(ValueError, match="dots"):
        register(label, Destination())


@pytest.mark.parametrize(
    ("options", "mode", "condition"),
    [
        ({}, "post", None),
        ({"upload_method": "put"}, "put", "*"),
        ({"upload_method": "put", "conditional_writes": False}, "put", None),
        ({"endpoint_url": "https://abc.r2.cloudflarestorage.com"}, "put", None),
        ({"endpoint_url": "https://s3.eu-central-003.backblazeb2.com"}, "put", None),
        ({"endpoint_url": "https://storage.googleapis.com", "upload_method": "post"}, "post", None),
    ],
)
def test_the_server_decides_how_a_file_is_sent(client, declare, options, mode, condition):
    """A form where the server knows them, otherwise a PUT, under a condition if the server knows that."""
    declare("place", storage=S3Storage(**{**KEYS, **options}))
    begun = begin(client, "place", "a.txt", 5)
    assert begun["mode"] == mode
    if condition:
        assert begun["headers"]["If-None-Match"] == condition


def test_names_are_short(declare, far_away):
    """As on the file systems that they come from."""
    destination = declare("place", storage=far_away)
    with pytest.raises(service.UploadRefusedError, match="too long"):
        service.begin("place", destination, owner="x", name="x" * 256, size=1)


def test_the_page_says_what_is_accepted(declare, far_away):
    """To the browser, by its attribute, and to the script."""
    declare("place", storage=far_away, accept=(".pdf", "image/*"), max_size=1_000_000, min_size=1)
    page = Form().as_p()
    assert 'accept=".pdf,image/*"' in page
    assert 'data-accept=".pdf,image/*"' in page
    assert 'data-max-size="1000000"' in page
    assert 'data-min-size="1"' in page


def test_without_endpoints_the_field_is_djangos(declare, far_away):
    """The script finds nothing to do."""
    declare("place", storage=far_away)
    with override_settings(ROOT_URLCONF=__name__):
        page = Form().as_p()
    assert "data-s3store-upload" not in page
    assert 'type="file"' in page


def test_another_widget_can_be_used(declare, far_away):
    """It gets the attribute, and Django's uploads."""
    declare("place", storage=far_away, accept=(".pdf",))
    field = S3FileField(destination="place", widget=forms.FileInput)
    assert field.widget.attrs["accept"] == ".pdf"


def test_scripts_are_modules():
    """Each of them is in the page once."""
    media = Form().media + Form().media
    assert str(media).count('type="module"') == str(media).count('rel="modulepreload"') == 1
    assert repr(ModuleScript("a.js")) == "ModuleScript('a.js')"
    assert ModuleScript("a.js") != ModuleScript("b.js")
    assert Form().fields["file"].widget.value_omitted_from_data({}, {}, "file")
    assert not Form().fields["file"].widget.value_omitted_from_data({"file": "x"}, {}, "file")
