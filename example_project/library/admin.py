"""Documents in Django's admin."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from library.forms import DocumentForm
from library.models import Document


@admin.register(Document)
class DocumentAdmin(admin.ModelAdmin):
    """A list with thumbnails, and a form with the same validation as the site."""

    form = DocumentForm
    list_display = ["preview", "title", "kind", "human_size", "uploaded_by", "created_at"]
    list_display_links = ["preview", "title"]
    list_filter = ["is_private", "content_type"]
    list_select_related = ["uploaded_by"]
    search_fields = ["title", "original_name", "file", "uploaded_by__username"]
    date_hierarchy = "created_at"
    fields = ["title", "is_private", "upload", "preview", "link", "original_name", "human_size", "kind", "uploaded_by"]
    readonly_fields = ["preview", "link", "original_name", "human_size", "kind", "uploaded_by"]

    def get_fields(self, request: HttpRequest, obj: Document | None = None) -> list[str]:
        """Leave out what a new document does not have yet."""
        fields = [str(name) for name in super().get_fields(request, obj)]
        return fields if obj else [name for name in fields if name not in self.readonly_fields]

    class Media:
        css = {"all": ["library/admin.css"]}

    def save_model(self, request: HttpRequest, obj: Document, form: Any, change: bool) -> None:
        """Set the uploader."""
        if not change:
            obj.uploaded_by = request.user
        super().save_model(request, obj, form, change)

    @admin.display(description=_("Preview"))
    def preview(self, document: Document) -> str:
        """Return the thumbnail, or an icon for the type of the file."""
        url = document.thumbnail.url if document.thumbnail else static("library/tile-pdf.svg")
        return format_html('<img class="library-preview" src="{}" alt="" width="72" height="54">', url)

    @admin.display(description=_("Signed URL"))
    def link(self, document: Document) -> str:
        """Return a link that opens the file."""
        return format_html('<a href="{}" target="_blank" rel="noopener">{}</a>', document.file.url, document.file.name)

    @admin.display(description=_("Size"), ordering="size")
    def human_size(self, document: Document) -> str:
        """Return the size in a readable unit."""
        return filesizeformat(document.size)

    @admin.display(description=_("Type"), ordering="content_type")
    def kind(self, document: Document) -> str:
        """Return the short name of the type."""
        return document.kind
