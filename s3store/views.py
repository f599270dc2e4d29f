"""Views with a permanent address for each private file, that ask for permission each time.

A view decides who may have a file; `file_response` says how it is served.
"""

from __future__ import annotations

import posixpath
from datetime import timedelta
from typing import Any

from django.contrib.auth.mixins import AccessMixin
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import Storage
from django.db.models import Model
from django.http import Http404
from django.http.response import HttpResponseBase
from django.views.generic import View
from django.views.generic.detail import SingleObjectMixin

from s3store.serving import EXPIRE, INTERNAL_LOCATION, Mode, file_response


class ServingView(AccessMixin, View):
    """What views that serve files have in common. The attributes are the arguments of `file_response`.

    Who is refused is sent to log in, or gets a 403 if he is logged in already or with `raise_exception`, before
    anybody has looked whether there is a file: AccessMixin.
    """

    http_method_names = ["get", "head"]

    mode: Mode = "redirect"
    expire: int | timedelta = EXPIRE
    download_as: str | None = None
    inline = False
    content_type: str | None = None
    max_range: int | None = None
    internal_location = INTERNAL_LOCATION

    def get_download_name(self, name: str) -> str:
        """Return the name under which the browser saves the file `name`: `download_as`, or the last part of it."""
        return self.download_as or posixpath.basename(name)

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
        """Serve the file, or refuse it."""
        name = self.get_name()
        if not self.has_permission(name):
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
        if not self.has_permission(self.object):
            return self.handle_no_permission()
        if not self.field:
            raise ImproperlyConfigured(f'{type(self).__name__} needs the name of a file field: field = "…".')
        file = getattr(self.object, self.field)
        if not file:
            raise Http404(f"{self.object!r} has no file in {self.field!r}.")
        return self.serve(file.storage, file.name)
