"""Pages of the library."""

import logging
from typing import Any

from django.contrib import messages
from django.contrib.auth.mixins import LoginRequiredMixin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpResponse
from django.urls import reverse_lazy
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.generic import CreateView, DeleteView, DetailView, ListView, UpdateView

from library.forms import DocumentForm, ReplaceForm
from library.links import expires_at, storage_key
from library.models import Document

logger = logging.getLogger(__name__)


@method_decorator(never_cache, name="dispatch")
class LibraryPage(LoginRequiredMixin):
    """A page for people who are logged in; it holds signed links, so no cache may keep it."""

    model = Document

    def get_queryset(self) -> QuerySet[Document]:
        """Fetch the uploader in the same query."""
        return super().get_queryset().select_related("uploaded_by")  # type: ignore[misc]


class TakesFile:
    """Saves the form's file and says so in the form when the bucket does not take it."""

    def form_valid(self, form: DocumentForm) -> HttpResponse:
        """Store the file; a failure of the storage becomes a message, not an error page."""
        try:
            response = super().form_valid(form)  # type: ignore[misc]
        except OSError:
            logger.exception("The bucket did not take an upload.")
            form.add_error(None, _("The file could not be stored. Nothing was changed; please try again."))
            return self.form_invalid(form)  # type: ignore[attr-defined]
        messages.success(self.request, self.success_message(form))  # type: ignore[attr-defined]
        return response


class DocumentList(LibraryPage, ListView):
    """All documents, newest first."""

    paginate_by = 24
    context_object_name = "documents"


class DocumentDetail(LibraryPage, DetailView):
    """One document and its signed link."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the link, its expiry, and what the user may do."""
        document: Document = self.object
        url = document.file.url
        return super().get_context_data(
            url=url,
            expires_at=expires_at(url),
            storage_key=storage_key(document.file),
            may_change=document.may_be_changed_by(self.request.user),
            may_delete=document.may_be_deleted_by(self.request.user),
            **kwargs,
        )


class DocumentUpload(TakesFile, LibraryPage, CreateView):
    """A form for a new document."""

    form_class = DocumentForm
    template_name = "library/document_upload.html"

    def form_valid(self, form: DocumentForm) -> HttpResponse:
        """Remember who uploads."""
        form.instance.uploaded_by = self.request.user
        return super().form_valid(form)

    def success_message(self, form: DocumentForm) -> str:
        """Return what to say afterwards."""
        return _("“%(title)s” is in the library.") % {"title": form.instance.title}


class DocumentReplace(TakesFile, LibraryPage, UpdateView):
    """A form for a new file of a document that is there already."""

    form_class = ReplaceForm
    template_name = "library/document_replace.html"

    def get_object(self, queryset: QuerySet[Document] | None = None) -> Document:
        """Return the document if the user may change it."""
        document: Document = super().get_object(queryset)
        if not document.may_be_changed_by(self.request.user):
            raise PermissionDenied
        return document

    def success_message(self, form: DocumentForm) -> str:
        """Return what to say afterwards."""
        return _("“%(title)s” has a new file; the old one is gone.") % {"title": form.instance.title}


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
        """Delete, and say so."""
        response = super().form_valid(form)
        messages.success(self.request, _("“%(title)s” was deleted.") % {"title": self.object.title})
        return response
