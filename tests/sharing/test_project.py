"""What a project sees: the setting, the checks and the admin."""

from __future__ import annotations

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from django.urls import path

from s3store.sharing import configured
from s3store.sharing.checks import check_sharing
from tests.sharing.site import folder_of

urlpatterns = [path("", lambda request: None)]
GOOD = {"folder": "tests.sharing.site.folder_of", "base_url": "https://portal.example"}
BROKEN_URLS = "tests.sharing.broken_urls"

SETTINGS = {
    "good": (GOOD, []),
    "a function": ({**GOOD, "folder": folder_of}, []),
    "missing": (None, ["s3store.E037"]),
    "no folder": ({"base_url": "https://portal.example"}, ["s3store.E037"]),
    "a typing error": ({**GOOD, "bas_url": "x"}, ["s3store.E037"]),
    "an unknown key": ({**GOOD, "zzzz": "x"}, ["s3store.E037"]),
    "no such function": ({**GOOD, "folder": "tests.sharing.site.nothing"}, ["s3store.E037"]),
    "not a function": ({**GOOD, "brand": {"name": "x"}}, ["s3store.E037"]),
    "no base_url": ({"folder": folder_of}, ["s3store.E038"]),
    "a path": ({**GOOD, "base_url": "/portal"}, ["s3store.E038"]),
    "an unknown mode": ({**GOOD, "mode": "accelerate"}, ["s3store.E039"]),
    "proxies": ({**GOOD, "trusted_proxies": ("10.0.0.1", "10.0.0.0/8")}, []),
    "wrong proxies": ({**GOOD, "trusted_proxies": ("proxy",)}, ["s3store.E040"]),
    "long URLs": ({**GOOD, "guest_seconds": 600}, ["s3store.W038"]),
}


@pytest.mark.parametrize(("value", "ids"), SETTINGS.values(), ids=SETTINGS)
def test_the_setting_is_checked(settings, value, ids):
    """Each mistake has its id and a hint."""
    settings.S3STORE_SHARING = value
    found = check_sharing()
    assert [message.id for message in found] == ids
    assert all(message.hint for message in found)


def test_a_typing_error_gets_a_proposal(settings):
    """Of the key that was meant, or of all."""
    settings.S3STORE_SHARING = {**GOOD, "bas_url": "x"}
    with pytest.raises(ImproperlyConfigured, match="Did you mean 'base_url'"):
        configured.current()
    settings.S3STORE_SHARING = {**GOOD, "zzzz": "x"}
    with pytest.raises(ImproperlyConfigured, match="Use folder, brand"):
        configured.current()


PROJECTS = {
    "no URLs": ({"ROOT_URLCONF": __name__}, ["s3store.W039"]),
    "broken URLs": ({"ROOT_URLCONF": BROKEN_URLS}, []),
    "no sessions": ({"MIDDLEWARE": []}, ["s3store.E042"]),
    "no s3store": (
        {"INSTALLED_APPS": ["s3store.sharing", "django.contrib.auth", "django.contrib.contenttypes"]},
        ["s3store.E041"],
    ),
}


@pytest.mark.parametrize(("values", "ids"), PROJECTS.values(), ids=PROJECTS)
def test_the_project_is_checked(settings, values, ids):
    """Its URLs, its middleware and its apps."""
    for name, value in values.items():
        setattr(settings, name, value)
    assert [message.id for message in check_sharing()] == ids


def test_the_checks_are_registered(db):
    """`manage.py check` runs them, and the test project has no messages."""
    assert [message for message in run_checks() if "harin" in str(message)] == []


@pytest.mark.django_db
def test_the_admin_shows_and_stops_shares(share, admin_user, django_user_model):
    """It adds, changes and deletes nothing; stopping needs the permission to change shares."""
    made, _ = share(password="pw")
    admin = Client()
    admin.force_login(admin_user)
    for url in ("share/", f"share/{made.pk}/change/", "accesslog/", f"accesslog/{made.log.get().pk}/change/"):
        assert admin.get(f"/admin/s3store_sharing/{url}").status_code == 200
    for url in ("share/add/", f"share/{made.pk}/delete/", "accesslog/add/", f"accesslog/{made.log.get().pk}/delete/"):
        assert admin.get(f"/admin/s3store_sharing/{url}").status_code == 403
    answer = admin.post("/admin/s3store_sharing/share/", {"action": "stop", "_selected_action": [str(made.pk)]})
    assert answer.status_code == 302
    made.refresh_from_db()
    assert (made.state, made.log.first().user) == ("stopped", admin_user)
