"""Views that serve private files at permanent URLs and check permissions on each request.

A view checks the permission, and `file_response` serves the file.
"""

from __future__ import annotations

import inspect
from datetime import timedelta
from typing import Any

from django.contrib.auth.mixins import AccessMixin
from django.core.exceptions import ImproperlyConfigured, SuspiciousFileOperation
from django.core.files.storage import Storage
from django.db.models import Model
from django.http import Http404
from django.http.response import HttpResponseBase
from django.utils.functional import Promise
from django.views.generic import View
from django.views.generic.detail import SingleObjectMixin

from s3store.core.keys import UnsafeNameError, clean_name
from s3store.serving import EXPIRE, INTERNAL_LOCATION, Mode, file_response

_WORDS = ("mode", "expire", "inline", "content_type", "max_range", "internal_location")


class ServingView(AccessMixin, View):
    """Base class of views that serve files. The attributes are the arguments of `file_response`.

    Users without permission are redirected to the login page, or get 403 if they are logged in or `raise_exception` is
    on (AccessMixin). This happens before the view checks whether the file exists.
    """

    http_method_names = ["get", "head"]

    mode: Mode = "redirect"
    expire: int | timedelta = EXPIRE
    download_as: str | Promise | None = None
    inline = False
    content_type: str | Promise | None = None
    max_range: int | None = None
    internal_location = INTERNAL_LOCATION

    def get_download_name(self, name: str) -> str | Promise | None:  # noqa: ARG002 (for subclasses)
        """Return the name under which the browser saves the file. Default, and for None: the last part of `name`."""
        return self.download_as

    def serve(self, storage: Storage | str, name: str) -> HttpResponseBase:
        """Return the response for a user with permission."""
        words = {item: getattr(self, item) for item in _WORDS}
        return file_response(self.request, storage, name, download_as=self.get_download_name(name), **words)

    def _said_yes(self, answer: object) -> bool:
        """Return the result of `has_permission`. Refuse coroutines and responses, which are always true."""
        if not inspect.isawaitable(answer) and not isinstance(answer, HttpResponseBase):
            return bool(answer)
        if inspect.iscoroutine(answer):
            answer.close()
        raise ImproperlyConfigured(
            f"{type(self).__name__}.has_permission returned a {type(answer).__name__}. Return True or False. To call "
            "an async function, use async_to_sync of asgiref."
        )


class FileView(ServingView):
    """Serves the files of a storage by name: `path("files/<path:name>", MyFiles.as_view())`.

    `storage` is a storage or an alias in STORAGES.
    """

    storage: Storage | str = "default"

    def has_permission(self, name: str) -> bool:  # noqa: ARG002 (for subclasses)
        """Return whether the user may open the file `name`. Subclasses must override it."""
        raise ImproperlyConfigured(
            f"{type(self).__name__} has no permission check. Add a method has_permission(self, name) that returns "
            "whether self.request.user may open the file."
        )

    def get_name(self) -> str:
        """Return the name of the requested file: the argument `name` of the URL."""
        return str(self.kwargs["name"])

    def get(self, *args: Any, **kwargs: Any) -> HttpResponseBase:  # noqa: ARG002 (View keeps them)
        """Serve the file if the user has permission. Raises Http404 for a name such as `./a` or `a//b`."""
        name = self.get_name()
        try:
            plain = clean_name(name)
        except UnsafeNameError as error:
            raise SuspiciousFileOperation(str(error)) from None
        if plain != name:
            # `./private/x` is the file `private/x`, but would not match a check of the prefix `private/`.
            raise Http404(f"{name!r} is not a plain name. Use {plain!r}.")
        if not self._said_yes(self.has_permission(name)):
            return self.handle_no_permission()
        return self.serve(self.storage, name)


class FieldFileView(SingleObjectMixin, ServingView):  # type: ignore[type-arg]  # generic in the stubs only
    """Serves the file in the `field` of a model object. It finds the object like DetailView.

    To hide the existence of objects, override `get_queryset` to return only those that the user may see.
    """

    field = ""

    def has_permission(self, obj: Any) -> bool:  # noqa: ARG002 (for subclasses)
        """Return whether the user may open the file of `obj`. Subclasses must override it."""
        raise ImproperlyConfigured(
            f"{type(self).__name__} has no permission check. Add a method has_permission(self, obj) that returns "
            "whether self.request.user may open the object's file."
        )

    def get(self, *args: Any, **kwargs: Any) -> HttpResponseBase:  # noqa: ARG002 (View keeps them)
        """Serve the object's file if the user has permission. Raises Http404 if the object has no file."""
        self.object: Model = self.get_object()
        if not self._said_yes(self.has_permission(self.object)):
            return self.handle_no_permission()
        if not self.field:
            raise ImproperlyConfigured(f'{type(self).__name__} has no field. Set it to a file field: field = "…".')
        file = getattr(self.object, self.field)
        if not file:
            raise Http404(f"{self.object!r} has no file in {self.field!r}.")
        return self.serve(file.storage, file.name)
