"""Forms that accept a file."""

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext_lazy as _

from library.inspection import MAX_BYTES, Facts, inspect
from library.models import Document

ACCEPT = ".jpg,.jpeg,.png,.webp,.gif,.pdf"


class DocumentForm(forms.ModelForm):
    """A title and a file. For an existing document, the file is optional."""

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
        help_texts = {"title": _("Default: the name of the file.")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.facts: Facts | None = None
        self.fields["upload"].required = self.instance.pk is None
        if "title" in self.fields:
            self.fields["title"].required = False

    @property
    def max_bytes(self) -> int:
        """The maximum size in bytes, for the script that checks it before the upload."""
        return MAX_BYTES

    @property
    def max_size(self) -> str:
        """The maximum size in a readable unit."""
        return filesizeformat(MAX_BYTES)

    def clean_title(self) -> str:
        """Keep the existing title if the field is empty."""
        return self.cleaned_data["title"] or self.instance.title

    def clean_upload(self) -> UploadedFile | None:
        """Accept pictures and PDF documents, according to their content."""
        upload: UploadedFile | None = self.cleaned_data["upload"]
        if upload:
            self.facts = inspect(upload.file, size=upload.size)
        return upload

    def save(self, commit: bool = True) -> Document:
        """Attach the file, if there is one, and save."""
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
