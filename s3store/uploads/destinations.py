"""What may be uploaded where, and by whom."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.core import signing
from django.core.exceptions import FieldDoesNotExist, ImproperlyConfigured
from django.core.files.storage import Storage, storages
from django.http import HttpRequest
from django.utils.functional import LazyObject

from s3store.storage import S3Storage

TICKET_SECONDS = 24 * 3600
_SALT = "s3store.uploads.destination"


def is_logged_in(request: HttpRequest) -> bool:
    """Return whether the client is logged in: the default permission."""
    user = getattr(request, "user", None)
    return user is not None and bool(user.is_authenticated)


@dataclass(frozen=True, kw_only=True)
class Destination:
    """What may be uploaded where, and by whom.

    `storage`
        An S3Storage, an alias in STORAGES, or a function that returns one of them.
    `max_size`, `min_size`
        The size of a file in bytes. Default for `max_size`: the option `max_upload_size` of the storage.
    `accept`
        What the HTML attribute of that name contains: extensions, types and groups such as `image/*`. Empty: everything
        that no browser runs.
    `permission`
        A function of the request that returns True if its client may upload. Default: who is logged in.
    `throttle`
        A function of the request that returns None, or the seconds to wait until the next upload.
    `ticket_seconds`
        The life of a ticket in seconds, at most 2 days.
    `max_length`
        The number of characters in the name of a file, at most 255, the default.
    `fits`
        A function of the name of a file that returns whether it can be saved under such a name. Default: always.
    """

    storage: Storage | str | Callable[[], Storage | str] = "default"
    max_size: int | None = None
    min_size: int = 0
    accept: tuple[str, ...] = ()
    permission: Callable[[HttpRequest], bool] = is_logged_in
    throttle: Callable[[HttpRequest], float | None] | None = None
    ticket_seconds: int = TICKET_SECONDS
    max_length: int | None = None
    fits: Callable[[str], bool] | None = None

    def find_storage(self) -> S3Storage:
        """Return the storage. Raises ImproperlyConfigured if it is not an S3Storage."""
        found: Any = self.storage() if callable(self.storage) else self.storage
        if isinstance(found, str):
            found = storages[found]
        found = unwrapped(found)
        if not isinstance(found, S3Storage):
            raise ImproperlyConfigured(
                f"Direct uploads need an S3Storage, not {type(found).__name__}. In development without a server, use "
                "s3store.local.FakeS3Storage."
            )
        return found

    def allows(self, request: HttpRequest) -> bool:
        """Return whether the client may upload. Raises ImproperlyConfigured for an answer that is not True or False."""
        answer = self.permission(request)
        if answer is True or answer is False:
            return answer
        raise ImproperlyConfigured(
            f"The permission of an upload returned a {type(answer).__name__}. Return True or False."
        )


def unwrapped(storage: Any) -> Any:
    """Return the storage behind Django's `default_storage`, and any other storage as it is."""
    if not isinstance(storage, LazyObject):
        return storage
    _ = storage.__class__  # creates it
    return storage._wrapped


_declared: dict[str, Destination] = {}
_families: dict[str, Callable[[str], Destination | None]] = {}


def register(label: str, destination: Destination) -> Destination:
    """Declare a destination that belongs to no model field. Labels contain no dot."""
    if "." in label or not label:
        raise ValueError(f"{label!r} cannot be the label of a destination: dots are for model fields.")
    _declared[label] = destination
    return destination


def register_family(prefix: str, find: Callable[[str], Destination | None]) -> None:
    """Declare the destinations whose labels start with `prefix`, such as one for each row of a model.

    `find` returns the destination of a label, or None. It is called in each step of an upload, so that it can ask the
    database.
    """
    if "." in prefix or not prefix:
        raise ValueError(f"{prefix!r} cannot be the start of labels of destinations: dots are for model fields.")
    _families[prefix] = find


def declared() -> dict[str, Destination]:
    """Return the registered destinations by their labels."""
    return dict(_declared)


def has_families() -> bool:
    """Return whether there are destinations that only their rows know, as in shared folders."""
    return bool(_families)


def find(label: str) -> Destination | None:
    """Return the destination with this label: one that was registered, one of a family, or `app.Model.field`."""
    if label in _declared:
        return _declared[label]
    for prefix, of_family in _families.items():
        if label.startswith(prefix):
            return of_family(label)
    try:
        app, model, field = label.split(".")
        found = getattr(apps.get_model(app, model)._meta.get_field(field), "destination", None)
    except (ValueError, LookupError, FieldDoesNotExist):
        return None
    return found if isinstance(found, Destination) else None


def signed_label(label: str) -> str:
    """Return the label as a page names it: signed, so that clients cannot try out names of models and fields."""
    return signing.Signer(salt=_SALT).sign(label)


def read_label(text: object) -> str | None:
    """Return the label in a signed one, or None."""
    if not isinstance(text, str) or len(text) > 1000:
        return None
    try:
        return signing.Signer(salt=_SALT).unsign(text)
    except (signing.BadSignature, UnicodeEncodeError):
        return None
