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

__all__ = ["FieldFileView", "FileView", "ServingView"]

_WORDS = ("mode", "expire", "inline", "content_type", "max_range", "internal_location")


class ServingView(AccessMixin, View):
    """The base class of views that serve files, on GET and HEAD. The attributes are the arguments of `file_response`.

    Users without permission are redirected to the login page. They get 403 if they are logged in, or with
    `raise_exception`: AccessMixin. Permission is checked before the view looks for the file.
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
        """Return the name under which the browser saves the file `name`. None means the last part of `name`."""
        return self.download_as

    def serve(self, storage: Storage | str, name: str) -> HttpResponseBase:
        """Return the response for a file that the client may have."""
        return file_response(
            self.request,
            storage,
            name,
            mode=self.mode,
            expire=self.expire,
            download_as=self.get_download_name(name),
            inline=self.inline,
            content_type=self.content_type,
            max_range=self.max_range,
            internal_location=self.internal_location,
        )

    def _said_yes(self, answer: object) -> bool:
        """Return the result of `has_permission`. Refuse all but True and False: most objects count as true."""
        if answer is True or answer is False:
            return answer
        if inspect.iscoroutine(answer):
            answer.close()
        raise ImproperlyConfigured(
            f"{type(self).__name__}.has_permission returned a {type(answer).__name__}. Return True or False. To call "
            "an async function, use async_to_sync of asgiref."
        )


class FileView(ServingView):
    """Serves the files of a storage by name: `path("files/<path:name>", MyFiles.as_view())`.

    `storage` is a storage or an alias in STORAGES. Default: `"default"`.
    """

    storage: Storage | str = "default"

    def has_permission(self, name: str) -> bool:  # noqa: ARG002 (for subclasses)
        """Return whether the client may have the file `name`. Override it: it raises ImproperlyConfigured."""
        raise ImproperlyConfigured(
            f"{type(self).__name__} has no permission check. Add a method has_permission(self, name) that returns "
            "whether self.request.user may open the file."
        )

    def get_name(self) -> str:
        """Return the name of the requested file. Default: the argument `name` of the URL pattern."""
        return str(self.kwargs["name"])

    def get(self, *args: Any, **kwargs: Any) -> HttpResponseBase:  # noqa: ARG002 (View keeps them)
        """Serve the file if the client has permission.

        Raises Http404 for a name that is not in its plain form (`./a`, `a//b`), and SuspiciousFileOperation (Django
        responds with 400) for a name outside the storage. Both are raised before `has_permission` is called.
        """
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
    """Serves the file in the `field` of an object, from the storage of the field.

    The URL selects the object as in Django's DetailView. If users must not learn that an object exists, exclude it in
    `get_queryset`.
    """

    field = ""

    def has_permission(self, obj: Any) -> bool:  # noqa: ARG002 (for subclasses)
        """Return whether the client may have the file of `obj`. Override it: it raises ImproperlyConfigured."""
        raise ImproperlyConfigured(
            f"{type(self).__name__} has no permission check. Add a method has_permission(self, obj) that returns "
            "whether self.request.user may open the object's file."
        )

    def get(self, *args: Any, **kwargs: Any) -> HttpResponseBase:  # noqa: ARG002 (View keeps them)
        """Serve the file of the object if the client has permission. Raises Http404 if the field is empty."""
        self.object: Model = self.get_object()
        if not self._said_yes(self.has_permission(self.object)):
            return self.handle_no_permission()
        if not self.field:
            raise ImproperlyConfigured(f'{type(self).__name__} has no field. Set it to a file field: field = "…".')
        file = getattr(self.object, self.field)
        if not file:
            raise Http404(f"{self.object!r} has no file in {self.field!r}.")
        return self.serve(file.storage, file.name)
