"""Forms that accept files. Browsers upload them directly to the bucket."""

from pathlib import PurePath
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files import File
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from library.inspection import Facts, inspect
from library.models import Document
from s3store.forms import S3FileField, S3FilesField
from s3store.widgets import AdminS3FileInput

DESTINATION = "library.Document.file"
HELP = _("Pictures (JPEG, PNG, WebP, GIF) and PDF documents. They go directly to the bucket.")
ERRORS = {
    "required": _("Choose a file first."),
    "empty": _("This file is empty."),
}


class UploadForm(forms.Form):
    """Several files, each of which becomes a document."""

    upload = S3FilesField(
        destination=DESTINATION, label=_("Files"), help_text=HELP, error_messages=ERRORS, allow_empty_file=False
    )
    title = forms.CharField(
        label=_("Title"),
        max_length=120,
        required=False,
        help_text=_("Default: the name of the file. Several files keep their own names."),
    )
    is_private = forms.BooleanField(
        label=_("Private"), required=False, help_text=_("Only you and administrators may open it.")
    )

    def clean_upload(self) -> list[tuple[File, Facts]]:
        """Accept pictures and PDF documents, according to their content. Errors name the file."""
        found, errors = [], []
        for upload in self.cleaned_data["upload"]:
            try:
                found.append((upload, inspect(upload.file, size=upload.size)))
            except ValidationError as error:
                name = PurePath(upload.name or "").name
                errors += [f"{name}: {message}" for message in error.messages]
        if errors:
            raise ValidationError(errors)
        return found

    def save(self, user: Any) -> list[Document]:
        """Save a document for each file. If one cannot be saved, no document is created."""
        uploads = self.cleaned_data["upload"]
        title = self.cleaned_data["title"] if len(uploads) == 1 else ""
        documents = []
        with transaction.atomic():
            for upload, facts in uploads:
                document = Document(title=title, is_private=self.cleaned_data["is_private"], uploaded_by=user)
                document.attach(upload, facts)
                document.save()
                documents.append(document)
        return documents


class DocumentForm(forms.ModelForm):
    """A title and a file, for the admin. For an existing document, the file is optional."""

    upload = S3FileField(
        destination=DESTINATION,
        label=_("File"),
        widget=AdminS3FileInput,
        help_text=HELP,
        error_messages=ERRORS,
        allow_empty_file=False,
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

    def clean_title(self) -> str:
        """Keep the existing title if the field is empty."""
        return self.cleaned_data["title"] or self.instance.title

    def clean_upload(self) -> File | None:
        """Accept pictures and PDF documents, according to their content."""
        upload: File | None = self.cleaned_data["upload"]
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

    upload = S3FileField(
        destination=DESTINATION, label=_("New file"), help_text=HELP, error_messages=ERRORS, allow_empty_file=False
    )

    class Meta(DocumentForm.Meta):
        fields: list[str] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["upload"].required = True
