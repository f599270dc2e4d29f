"""Forms that take a file in."""

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext_lazy as _

from library.inspection import MAX_BYTES, Facts, inspect
from library.models import Document

ACCEPT = ".jpg,.jpeg,.png,.webp,.gif,.pdf"


class DocumentForm(forms.ModelForm):
    """A title and a file; on a document that is there already the file may be left as it is."""

    upload = forms.FileField(
        label=_("File"),
        widget=forms.FileInput(attrs={"accept": ACCEPT}),
        help_text=_("A picture (JPEG, PNG, WebP, GIF) or a PDF document, up to 25 MB."),
        error_messages={
            "required": _("Choose a file first."),
            "empty": _("This file is empty."),
        },
    )

    class Meta:
        model = Document
        fields = ["title", "is_private"]
        help_texts = {"title": _("Left empty, the name of the file is taken.")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.facts: Facts | None = None
        self.fields["upload"].required = self.instance.pk is None
        if "title" in self.fields:
            self.fields["title"].required = False

    @property
    def max_bytes(self) -> int:
        """The limit, for the script that tells it before the upload."""
        return MAX_BYTES

    @property
    def max_size(self) -> str:
        """The limit in words."""
        return filesizeformat(MAX_BYTES)

    def clean_title(self) -> str:
        """Keep the title of a document that has one."""
        return self.cleaned_data["title"] or self.instance.title

    def clean_upload(self) -> UploadedFile | None:
        """Accept pictures and PDF documents, judged by their content."""
        upload: UploadedFile | None = self.cleaned_data["upload"]
        if upload:
            self.facts = inspect(upload.file, size=upload.size)
        return upload

    def save(self, commit: bool = True) -> Document:
        """Attach the file, if one came, and save."""
        if self.facts:
            self.instance.attach(self.cleaned_data["upload"], self.facts)
        return super().save(commit=commit)


class ReplaceForm(DocumentForm):
    """A new file for a document that keeps its title."""

    class Meta(DocumentForm.Meta):
        fields: list[str] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["upload"].label = _("New file")
        self.fields["upload"].required = True
