"""Pages of the library."""

import logging
from typing import Any

from django.contrib import messages
from django.contrib.auth.mixins import LoginRequiredMixin
from django.core.exceptions import PermissionDenied
from django.core.files.storage import default_storage
from django.db.models import QuerySet
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse, reverse_lazy
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.generic import DeleteView, DetailView, FormView, ListView, UpdateView

from library.files import PRIVATE
from library.forms import ReplaceForm, UploadForm
from library.links import expires_at, stays_until, storage_key
from library.models import Document
from library.traffic import requests_to_s3

logger = logging.getLogger(__name__)


@method_decorator(never_cache, name="dispatch")
class PrivatePage(LoginRequiredMixin):
    """A page for logged-in users, which caches must not store."""


class LibraryPage(PrivatePage):
    """A page about documents. It contains signed URLs."""

    model = Document

    def get_queryset(self) -> QuerySet[Document]:
        """Load the uploader in the same query."""
        return super().get_queryset().select_related("uploaded_by")  # type: ignore[misc]


class TakesFile:
    """Saves the files of the form, and shows errors of the storage in the form."""

    def form_valid(self, form: Any) -> HttpResponse:
        """Save the files. An error of the storage becomes a message, not an error page."""
        try:
            return self.save(form)  # type: ignore[attr-defined,no-any-return]
        except OSError:
            logger.exception("An upload could not be stored in the bucket.")
            form.add_error(None, _("The file could not be stored. Nothing was changed. Try again."))
            return self.form_invalid(form)  # type: ignore[attr-defined,no-any-return]


class DocumentList(LibraryPage, ListView):
    """All documents, newest first."""

    paginate_by = 24
    context_object_name = "documents"

    def get_queryset(self) -> QuerySet[Document]:
        """Exclude private documents of other users."""
        return super().get_queryset().visible_to(self.request.user)  # type: ignore[attr-defined,no-any-return]


class Gallery(DocumentList):
    """The pictures. The page stays exactly the same while the signed URLs do."""

    template_name = "library/gallery.html"

    def get_queryset(self) -> QuerySet[Document]:
        """Return only pictures."""
        return super().get_queryset().exclude(thumbnail="")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the signed URLs, how long they stay the same, and the number of requests."""
        context = super().get_context_data(**kwargs)
        with requests_to_s3(default_storage) as sent:
            pictures = [(document, document.thumbnail.url) for document in context["documents"]]
        url = pictures[0][1] if pictures else ""
        return {
            **context,
            "pictures": pictures,
            "requests_sent": len(sent),
            "stay_until": stays_until(url, window=default_storage.options.url_window),
            "expires_at": expires_at(url),
        }


class DocumentDetail(LibraryPage, DetailView):
    """One document and its URLs."""

    def get_object(self, queryset: QuerySet[Document] | None = None) -> Document:
        """Return the document if the user may open it."""
        document: Document = super().get_object(queryset)
        if not document.may_be_seen_by(self.request.user):
            raise PermissionDenied(PRIVATE)
        return document

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the URLs, when they expire, and what the user may do."""
        document: Document = self.object
        # Everyone with a signed URL can open the file, so a private document shows none.
        url = "" if document.is_private else document.file.url
        return super().get_context_data(
            permanent_url=self.request.build_absolute_uri(reverse("library:file", args=[document.pk])),
            url=url,
            expires_at=expires_at(url),
            storage_key=storage_key(document.file),
            may_change=document.may_be_changed_by(self.request.user),
            may_delete=document.may_be_deleted_by(self.request.user),
            **kwargs,
        )


class DocumentUpload(TakesFile, PrivatePage, FormView):
    """A form for new documents."""

    form_class = UploadForm
    template_name = "library/document_upload.html"

    def save(self, form: UploadForm) -> HttpResponse:
        """Save the documents, and go to the page of the only one, or to the list."""
        documents = form.save(self.request.user)
        text = ngettext(
            "“%(title)s” was added to the library.", "%(count)d documents were added to the library.", len(documents)
        )
        messages.success(self.request, text % {"title": documents[0].title, "count": len(documents)})
        return HttpResponseRedirect(documents[0].get_absolute_url() if len(documents) == 1 else reverse("library:list"))


class ChangesDocument(LibraryPage, UpdateView):
    """A form for an existing document."""

    def get_object(self, queryset: QuerySet[Document] | None = None) -> Document:
        """Return the document if the user may change it."""
        document: Document = super().get_object(queryset)
        if not document.may_be_changed_by(self.request.user):
            raise PermissionDenied
        return document


class DocumentAccess(ChangesDocument):
    """Makes a document private, or shares it with all users."""

    http_method_names = ["post"]
    fields = ["is_private"]

    def form_valid(self, form: Any) -> HttpResponse:
        """Change it, and show a message."""
        response = super().form_valid(form)
        if self.object.is_private:
            text = _("“%(title)s” is now private. Existing signed URLs work until they expire.")
        else:
            text = _("“%(title)s” is now shared with everyone who can log in.")
        messages.success(self.request, text % {"title": self.object.title})
        return response


class DocumentReplace(TakesFile, ChangesDocument):
    """A form for a new file."""

    form_class = ReplaceForm
    template_name = "library/document_replace.html"

    def save(self, form: ReplaceForm) -> HttpResponse:
        """Save the file, and go back to the page of the document."""
        self.object = form.save()
        messages.success(
            self.request, _("“%(title)s” has a new file. The old one was deleted.") % {"title": self.object.title}
        )
        return HttpResponseRedirect(self.object.get_absolute_url())


class DocumentDelete(LibraryPage, DeleteView):
    """Asks before a document is deleted."""

    success_url = reverse_lazy("library:list")

    def get_object(self, queryset: QuerySet[Document] | None = None) -> Document:
        """Return the document if the user may delete it."""
        document: Document = super().get_object(queryset)
        if not document.may_be_deleted_by(self.request.user):
            raise PermissionDenied
        return document

    def form_valid(self, form: Any) -> HttpResponse:
        """Delete the document, and show a message."""
        response = super().form_valid(form)
        messages.success(self.request, _("“%(title)s” was deleted.") % {"title": self.object.title})
        return response
