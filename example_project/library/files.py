"""Permanent URLs of documents, which check permissions on each request."""

from django.contrib.auth.mixins import LoginRequiredMixin
from django.utils.translation import gettext_lazy as _

from library.models import Document
from s3store.views import FieldFileView

PRIVATE = _("This document is private")


class DocumentFile(LoginRequiredMixin, FieldFileView):
    """The permanent URL of a document. It checks the permission, then redirects to the file in the bucket."""

    model = Document
    field = "file"
    inline = True
    permission_denied_message = PRIVATE

    def has_permission(self, obj: Document) -> bool:
        """Return whether the user may open the document."""
        return obj.may_be_seen_by(self.request.user)

    def get_download_name(self, name: str) -> str:  # noqa: ARG002
        """Name the file after the document's title."""
        return self.object.download_name


class DocumentDownload(DocumentFile):
    """The same for a download."""

    inline = False
