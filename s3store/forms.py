"""Form fields for files that browsers upload straight to the bucket."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files import File
from django.core.validators import validate_image_file_extension
from django.utils.translation import gettext_lazy as _

from s3store import errors
from s3store.uploads.destinations import find
from s3store.uploads.incoming import IncomingFile, check_sent, claim, verified_image
from s3store.uploads.owners import current_owner
from s3store.uploads.refusals import UploadRefusedError
from s3store.widgets import AdminS3FileInput, Bound, S3FileInput, S3FilesInput, Sent

__all__ = ["S3FileField", "S3FilesField", "S3ImageField"]

_BUSY = _("The storage could not be reached. Send the form again.")


class S3FileField(forms.FileField):
    """A FileField whose value is a file in the bucket, an IncomingFile, or without JavaScript Django's UploadedFile.

    `destination` is the label of a registered Destination, or of a model field: `app.Model.field`. It decides on sizes
    and types, for both ways. Empty files are allowed unless it has a `min_size`.
    """

    widget = S3FileInput

    def __init__(self, *, destination: str, allow_empty_file: bool = True, **kwargs: Any) -> None:
        self.destination = destination
        super().__init__(allow_empty_file=allow_empty_file, **kwargs)

    def widget_attrs(self, widget: Any) -> dict[str, Any]:
        """Tell the widget the destination, and the browser what it accepts."""
        attrs: dict[str, Any] = super().widget_attrs(widget)
        if isinstance(widget, S3FileInput):
            widget.destination = self.destination
        if isinstance(widget, AdminS3FileInput) and self.label:
            # The rows of a table have no labels.
            attrs.setdefault("aria-label", self.label)
        destination = find(self.destination)
        if destination is not None and destination.accept:
            attrs.setdefault("accept", ",".join(destination.accept))
        return attrs

    def clean(self, data: Any, initial: Any = None) -> Any:
        """Return the file of a receipt, the initial file if nothing was sent, or False to clear the field."""
        if isinstance(data, Sent):
            data = self._file_of(data, initial)
        return super().clean(data, initial)

    def _file_of(self, sent: Sent, initial: Any) -> Any:
        if len(sent) > 1:
            raise ValidationError(_("Send one file only."), code="too_many")
        return self._claimed(sent[0], initial)

    def _claimed(self, text: str, initial: Any) -> Any:
        if initial and text == getattr(initial, "name", None):
            # The page sent back the file that is already there.
            return None
        destination = find(self.destination)
        if destination is None:
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        try:
            return claim(text, label=self.destination, destination=destination, owner=current_owner())
        except UploadRefusedError as refusal:
            raise ValidationError(str(refusal), code=refusal.code) from None
        except errors.S3StoreError as error:
            raise ValidationError(_BUSY, code="storage_busy") from error

    def to_python(self, data: Any) -> Any:
        """Return the file. What came through Django is checked as S3 checks the others."""
        found = super().to_python(data)
        destination = find(self.destination)
        if found is not None and destination is not None and not isinstance(found, IncomingFile):
            try:
                check_sent(found, destination)
            except UploadRefusedError as refusal:
                raise ValidationError(str(refusal), code=refusal.code) from None
        return found

    def bound_data(self, data: Any, initial: Any) -> Any:
        """Return what a form that comes back shows: the uploads that were sent stay."""
        return Bound(initial, data) if isinstance(data, Sent) else super().bound_data(data, initial)

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Return whether another file was sent."""
        if isinstance(data, Sent) and initial and tuple(data) == (getattr(initial, "name", None),):
            return False
        changed: bool = super().has_changed(initial, data)
        return changed


class S3FilesField(S3FileField):
    """A field for several files: its value is a list. If one is refused, none is taken."""

    widget = S3FilesInput

    def _file_of(self, sent: Sent, initial: Any) -> Any:  # noqa: ARG002 (several files replace nothing)
        # Data that is not from a browser can have values of any type.
        receipts = [text for text in sent if not isinstance(text, File)]
        if len({str(text) for text in receipts}) < len(receipts) or len(sent) > self.widget.max_files:
            raise ValidationError(_("The same file was sent twice, or too many."), code="too_many")
        return [*(self._claimed(text, None) for text in receipts), *sent[len(receipts) :]]

    def to_python(self, data: Any) -> Any:
        """Return the list of files."""
        if data in self.empty_values:
            return None
        files = data if isinstance(data, list | tuple) else [data]
        return [super(S3FilesField, self).to_python(file) for file in files]

    def run_validators(self, value: Any) -> None:
        """Run the validators on each file."""
        for file in value or ():
            super().run_validators(file)


class S3ImageField(S3FileField):
    """An S3FileField that accepts only images that Pillow can read. Needs Pillow.

    Pillow reads from S3 what it needs, and the value gets its `image`, as in Django's ImageField.
    """

    default_validators = [validate_image_file_extension]
    default_error_messages = forms.ImageField.default_error_messages

    def widget_attrs(self, widget: Any) -> dict[str, Any]:
        """Let the browser offer only images, unless the destination says more."""
        return {"accept": "image/*", **super().widget_attrs(widget)}

    def to_python(self, data: Any) -> Any:
        """Return the file with `image`, Pillow's. Raises ValidationError if it is none."""
        found = super().to_python(data)
        if found is None:
            return None
        try:
            return verified_image(found)
        except errors.S3StoreError as error:
            raise ValidationError(_BUSY, code="storage_busy") from error
        except ValueError as error:
            raise ValidationError(self.error_messages["invalid_image"], code="invalid_image") from error
