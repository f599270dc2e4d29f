"""Views with a permanent address for each private file, that ask for permission each time.

A view decides who may have a file; `file_response` says how it is served.
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


class ServingView(AccessMixin, View):
    """What views that serve files have in common. The attributes are the arguments of `file_response`.

    Who is refused is sent to log in, or gets a 403 if he is logged in already or with `raise_exception`, before
    anybody has looked whether there is a file: AccessMixin.
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
        """Return the name under which the browser saves the file `name`; None is the last part of `name`."""
        return self.download_as

    def serve(self, storage: Storage | str, name: str) -> HttpResponseBase:
        """Return the answer for a file that the client may have."""
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
        """Whether `has_permission` said yes. A coroutine or a response is true whatever is in it."""
        if not inspect.isawaitable(answer) and not isinstance(answer, HttpResponseBase):
            return bool(answer)
        if inspect.iscoroutine(answer):
            answer.close()
        raise ImproperlyConfigured(
            f"{type(self).__name__}.has_permission returned a {type(answer).__name__}. Have it return True or False, "
            "from a plain method: an async one can be called in it by asgiref's async_to_sync."
        )


class FileView(ServingView):
    """Serves the files of a storage by their names: `path("files/<path:name>", MyFiles.as_view())`.

    `storage` is a storage or an alias of STORAGES.
    """

    storage: Storage | str = "default"

    def has_permission(self, name: str) -> bool:  # noqa: ARG002 (for subclasses)
        """Return whether the client may have the file `name`. Each view has to say so for itself."""
        raise ImproperlyConfigured(
            f"{type(self).__name__} serves private files and does not say to whom. Give it a method "
            "has_permission(self, name) that returns whether self.request.user may have the file."
        )

    def get_name(self) -> str:
        """Return the name of the file that is asked for: the URL's `name`."""
        return str(self.kwargs["name"])

    def get(self, *args: Any, **kwargs: Any) -> HttpResponseBase:  # noqa: ARG002 (View keeps them)
        """Serve the file, or refuse it. Raises Http404 for a name in any but its plain form."""
        name = self.get_name()
        try:
            plain = clean_name(name)
        except UnsafeNameError as error:
            raise SuspiciousFileOperation(str(error)) from None
        if plain != name:
            # `./private/x` is the file `private/x`, and a rule by prefixes would not know it again.
            raise Http404(f"{name!r} is no name of a file; {plain!r} may be one.")
        if not self._said_yes(self.has_permission(name)):
            return self.handle_no_permission()
        return self.serve(self.storage, name)


class FieldFileView(SingleObjectMixin, ServingView):  # type: ignore[type-arg]  # generic in the stubs only
    """Serves the file in the `field` of an object, which is found as DetailView finds it.

    Narrow `get_queryset` to what the user may see where not even the object's existence may show.
    """

    field = ""

    def has_permission(self, obj: Any) -> bool:  # noqa: ARG002 (for subclasses)
        """Return whether the client may have the file of this object. Each view has to say so for itself."""
        raise ImproperlyConfigured(
            f"{type(self).__name__} serves private files and does not say to whom. Give it a method "
            "has_permission(self, obj) that returns whether self.request.user may have the object's file."
        )

    def get(self, *args: Any, **kwargs: Any) -> HttpResponseBase:  # noqa: ARG002 (View keeps them)
        """Serve the object's file, or refuse it. Raises Http404 where there is none."""
        self.object: Model = self.get_object()
        if not self._said_yes(self.has_permission(self.object)):
            return self.handle_no_permission()
        if not self.field:
            raise ImproperlyConfigured(f'{type(self).__name__} needs the name of a file field: field = "…".')
        file = getattr(self.object, self.field)
        if not file:
            raise Http404(f"{self.object!r} has no file in {self.field!r}.")
        return self.serve(file.storage, file.name)
