"""`manage.py check` says what is missing for direct uploads, and what is dangerous about them."""

import pytest
from django.core import checks
from django.core.files.storage import FileSystemStorage
from django.test import override_settings
from django.urls import path

from s3store.core.parts import MAX_PART_SIZE, MAX_PARTS
from s3store.storage import S3Storage
from s3store.uploads.checks import check_upload_permissions, check_uploads
from tests.uploads.site import use_by_default

KEYS = {"bucket_name": "some-bucket", "access_key": "key", "secret_key": "secret", "region_name": "eu-central-1"}

urlpatterns = [path("", lambda request: None)]


def ids(messages, label=""):
    return [message.id for message in messages if label in message.msg]


def test_what_is_right_is_not_reported(declare, far_away):
    """The project of the tests has all that is needed."""
    declare("right", storage=far_away, accept=("image/*", "*/*", ".pdf", "text/plain"), max_size=10, min_size=10)
    assert check_uploads() == []
    assert ids(check_upload_permissions()) == []


def test_the_checks_are_registered():
    """The one about permissions is for deployments only."""
    registry = checks.registry.registry
    assert check_uploads in registry.get_checks()
    assert check_upload_permissions not in registry.get_checks()
    assert check_upload_permissions in registry.get_checks(include_deployment_checks=True)


def test_a_missing_middleware_is_an_error(declare, far_away, settings):
    """Forms would fail when they get a receipt."""
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "s3store" not in name]
    (error,) = check_uploads()
    assert (error.id, error.level) == ("s3store.E027", checks.ERROR)
    assert "'s3store.middleware.UploadMiddleware' is not in MIDDLEWARE" in error.msg
    assert "AuthenticationMiddleware" in error.hint


@pytest.mark.parametrize("urlconf", [__name__, "", None])
def test_missing_endpoints_are_a_warning(settings, urlconf):
    """The fields work, through Django: so the middleware is not needed."""
    settings.MIDDLEWARE = []
    with override_settings(ROOT_URLCONF=urlconf):
        (warning,) = check_uploads()
    assert (warning.id, warning.level) == ("s3store.W033", checks.WARNING)
    assert 'include("s3store.urls")' in warning.hint


def test_a_project_without_direct_uploads_needs_nothing(settings, monkeypatch):
    """Its fields are in other storages."""
    settings.MIDDLEWARE, settings.ROOT_URLCONF = [], __name__
    monkeypatch.setattr("s3store.fields.S3FileField.destination", None)
    assert check_uploads() == []


@pytest.mark.parametrize("entry", [".html", ".SVG", "text/html", "image/svg+xml", " text/xml ", ".js"])
def test_types_that_run_are_reported(declare, far_away, entry):
    """Listing them is possible, and a risk."""
    declare("place", storage=far_away, accept=(".png", entry))
    (warning,) = check_uploads()
    assert (warning.id, repr(entry) in warning.msg) == ("s3store.W034", True)


@pytest.mark.parametrize("entry", ["pdf", "", "*"])
def test_entries_that_accept_nothing_are_reported(declare, far_away, entry):
    """An extension has a dot."""
    declare("place", storage=far_away, accept=(entry,))
    (warning,) = check_uploads()
    assert (warning.id, f"'.{entry}'" in warning.hint) == ("s3store.W035", True)


@pytest.mark.parametrize(
    ("minimum", "maximum", "right"),
    [
        (0, 0, True),
        (5, 5, True),
        (0, MAX_PARTS * MAX_PART_SIZE, True),
        (6, 5, False),
        (-1, 5, False),
        (0, -1, False),
        (0, MAX_PARTS * MAX_PART_SIZE + 1, False),
        (100 * 1024**2 + 1, None, False),
    ],
)
def test_impossible_sizes_are_an_error(declare, far_away, minimum, maximum, right):
    """Also against the limit of the storage."""
    declare("place", storage=far_away, min_size=minimum, max_size=maximum)
    assert ids(check_uploads()) == ([] if right else ["s3store.E028"])


class Encrypting(S3Storage):
    """A storage whose keys belong to the customer, for all names or all but incoming ones."""

    spared = ""

    def get_object_parameters(self, name):
        if self.spared and name.startswith(self.spared):
            return {}
        return {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": "k" * 32}


def test_keys_that_browsers_would_see_are_an_error(declare, monkeypatch):
    """Incoming objects must be without them."""
    declare("place", storage=Encrypting(**KEYS))
    (error,) = check_uploads()
    assert (error.id, "k" * 32 in str(error)) == ("s3store.E029", False)
    monkeypatch.setattr(Encrypting, "spared", "incoming/")
    assert check_uploads() == []


def test_another_storage_is_an_error(declare, tmp_path):
    """Direct uploads need S3, or the twin."""
    declare("place", storage=FileSystemStorage(tmp_path))
    (error,) = check_uploads()
    assert (error.id, "FileSystemStorage" in error.msg) == ("s3store.E030", True)


def test_wrong_options_are_left_to_the_checks_of_storages(declare):
    """They are reported once."""

    class Wrong(S3Storage):
        querystring_expire = 0

    declare("place", storage=Wrong(**KEYS))
    assert check_uploads() == []


@pytest.mark.parametrize(
    ("permission", "open_"),
    [
        (lambda request: True, True),
        (lambda request: request.method == "POST", True),
        (lambda request: request.user.is_authenticated, False),
        (lambda request: request.user.has_perm("app.add_upload"), False),
        (lambda request: request.user.profile.may_upload, False),
        (lambda request: None, False),
        (lambda request: "uploads" in request.session, False),
    ],
)
def test_a_destination_for_everybody_is_a_warning_for_deployments(declare, far_away, permission, open_):
    """The check asks the permission about a visitor."""
    declare("place", storage=far_away, permission=permission)
    assert ids(check_upload_permissions(), "place") == (["s3store.W036"] if open_ else [])


def everybody(request):
    return True


@pytest.mark.parametrize("permission", [everybody, f"{__name__}.everybody"])
def test_the_endpoint_without_a_destination_for_everybody(settings, permission):
    """The option of the default storage counts."""
    options = {**KEYS, "upload_permission": permission}
    use_by_default(settings, options)
    assert ids(check_upload_permissions(), "signed-url") == ["s3store.W036"]
