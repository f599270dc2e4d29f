"""System checks for what may be uploaded directly. They send no requests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.apps import AppConfig, apps
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from s3store.conf.project import setting
from s3store.core.media_types import is_active
from s3store.core.parameters import guess_content_type
from s3store.core.parts import MAX_PART_SIZE, MAX_PARTS
from s3store.uploads.destinations import Destination, declared
from s3store.uploads.quick import QUICK
from s3store.uploads.requests import incoming_params
from s3store.uploads.service import INCOMING, max_size_of
from s3store.wire.objects import Objects

Messages = list[checks.CheckMessage]

MIDDLEWARE = "s3store.middleware.UploadMiddleware"


def check_uploads(app_configs: Sequence[AppConfig] | None = None, **_: Any) -> Messages:
    """Check fields and destinations of direct uploads, and what the project needs for them."""
    fields = dict(_fields())
    used = {**fields, **{label: found for label, found in declared().items() if label != QUICK}}
    messages = [message for label, destination in used.items() for message in _check_destination(label, destination)]
    return [*messages, *_check_project(fields, used)]


def check_upload_permissions(app_configs: Sequence[AppConfig] | None = None, **_: Any) -> Messages:
    """Warn about destinations where everybody may upload. For `manage.py check --deploy`."""
    return [
        checks.Warning(
            f"{label}: visitors who are not logged in may upload files.",
            hint="Set a permission, or limit the uploads with throttle and max_size and silence this check.",
            id="s3store.W036",
        )
        for label, destination in {**dict(_fields()), **declared()}.items()
        if _lets_everybody_in(destination)
    ]


def _fields() -> Iterator[tuple[str, Destination]]:
    """Yield (label, destination) of each model field that uploads directly."""
    for model in apps.get_models(include_auto_created=True):
        for field in [] if model._meta.proxy else model._meta.local_fields:
            found = getattr(field, "destination", None)
            if isinstance(found, Destination):
                yield f"{model._meta.label}.{field.name}", found


def _check_project(fields: dict[str, Destination], used: dict[str, Destination]) -> Iterator[checks.CheckMessage]:
    """Report what is missing so that forms can upload directly, and take what was uploaded."""
    if _is_mounted():
        if used and MIDDLEWARE not in (setting("MIDDLEWARE") or ()):
            yield checks.Error(
                f"{MIDDLEWARE!r} is not in MIDDLEWARE: forms cannot accept direct uploads ({next(iter(used))}).",
                hint="Add it after 'django.contrib.auth.middleware.AuthenticationMiddleware'.",
                id="s3store.E027",
            )
    elif fields:
        yield checks.Warning(
            f"The endpoints of direct uploads are not served: {next(iter(fields))} is uploaded through Django.",
            hint='Add path("s3store/", include("s3store.urls")) to the URLs of the project, or silence this check.',
            id="s3store.W033",
        )


def _is_mounted() -> bool:
    if not setting("ROOT_URLCONF"):
        return False
    try:
        reverse("s3store:begin")
    except NoReverseMatch:
        return False
    return True


def _check_destination(label: str, destination: Destination) -> Iterator[checks.CheckMessage]:
    yield from _check_accept(label, destination)
    try:
        storage = destination.find_storage()
    except ImproperlyConfigured as error:
        yield checks.Error(f"{label}: {error}", hint="Change the storage of the destination.", id="s3store.E030")
        return
    try:
        objects = storage.objects
    except ImproperlyConfigured:
        # The checks of storages report wrong options.
        return
    yield from _check_sizes(label, destination, max_size_of(destination, objects))
    yield from _check_keys(label, objects)


def _check_accept(label: str, destination: Destination) -> Iterator[checks.CheckMessage]:
    for entry in destination.accept:
        text = entry.strip().lower()
        if not text.startswith(".") and "/" not in text:
            yield checks.Warning(
                f"{label}: accept contains {entry!r}, which is neither an extension nor a type.",
                hint=f"Write '.{text}' for an extension.",
                id="s3store.W035",
            )
        elif not text.endswith("/*") and is_active(guess_content_type(f"x{text}") if text[0] == "." else text):
            yield checks.Warning(
                f"{label}: accept contains {entry!r}, which can contain scripts.",
                hint="Remove it, or make sure that these files are never shown at the domain of the site.",
                id="s3store.W034",
            )


def _check_sizes(label: str, destination: Destination, maximum: int) -> Iterator[checks.CheckMessage]:
    minimum, largest = destination.min_size, MAX_PARTS * MAX_PART_SIZE
    if not 0 <= minimum <= maximum <= largest:
        yield checks.Error(
            f"{label}: min_size {minimum} and max_size {maximum} are not possible.",
            hint=f"Use 0 <= min_size <= max_size <= {largest}, the limit of S3 (48.8 TiB).",
            id="s3store.E028",
        )


def _check_keys(label: str, objects: Objects) -> Iterator[checks.CheckMessage]:
    try:
        incoming_params(objects, objects.key(f"{INCOMING}/x"), "text/plain")
    except ImproperlyConfigured as error:
        yield checks.Error(
            f"{label}: {error}",
            hint=f"Leave the key out for the names '{INCOMING}/*': object_parameters can be a function of the name.",
            id="s3store.E029",
        )


class _Nobody:
    """A user who is not logged in, for sites with and without django.contrib.auth."""

    is_authenticated = is_active = is_staff = is_superuser = False
    is_anonymous = True
    pk = id = None
    username = ""

    def has_perm(self, *_: Any) -> bool:
        return False

    has_perms = has_module_perms = has_perm


def _lets_everybody_in(destination: Destination) -> bool:
    request = HttpRequest()
    request.method = "POST"
    request.user = _Nobody()  # type: ignore[assignment]
    request.session = {}  # type: ignore[assignment]
    try:
        return destination.allows(request)
    except Exception:  # noqa: BLE001 (a permission that needs more than a visitor has does not let visitors in)
        return False
