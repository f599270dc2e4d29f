"""The file input that uploads straight to the bucket. Without JavaScript it is Django's own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.forms.widgets import FILE_INPUT_CONTRADICTION, ClearableFileInput, Media
from django.templatetags.static import static
from django.urls import NoReverseMatch
from django.utils.html import format_html
from django.utils.safestring import SafeString

from s3store.uploads.destinations import find
from s3store.uploads.refusals import UploadRefusedError
from s3store.uploads.scripts import script_settings
from s3store.uploads.service import max_size_of
from s3store.uploads.texts import limits, zone
from s3store.uploads.tokens import RECEIPT_SECONDS, Receipt, read

__all__ = ["AdminS3FileInput", "S3FileInput", "S3FilesInput"]


class ModuleScript:
    """A JavaScript module in the media of a form."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __html__(self) -> SafeString:
        return format_html('<script type="module" src="{}"></script>', static(self.path))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ModuleScript) and other.path == self.path

    def __hash__(self) -> int:
        return hash(self.path)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.path!r})"


class ModulePreload(ModuleScript):
    """A module that a script imports later: the browser fetches it with the page, so that an upload starts at once."""

    def __html__(self) -> SafeString:
        return format_html('<link rel="modulepreload" href="{}">', static(self.path))


class Sent(tuple[Any, ...]):
    """The receipts that a form sent, in their order, and after them the files that it sent itself."""


class Bound:
    """What a form that comes back shows: the current file, and the uploads that it keeps."""

    def __init__(self, initial: Any, sent: Sent) -> None:
        self.initial = initial
        self.sent = sent


class S3FileInput(ClearableFileInput):
    """A file input that uploads straight to the bucket of its destination.

    `destination` is the label of a registered Destination or of a field, `app.Model.field`. The form field sets it.
    """

    template_name = "s3store/widgets/file.html"
    plain_template = "django/forms/widgets/clearable_file_input.html"
    max_files = 1

    def __init__(self, attrs: dict[str, Any] | None = None, *, destination: str = "") -> None:
        super().__init__(attrs)
        self.destination = destination

    @property
    def media(self) -> Media:
        """The module and the style sheet of the widget."""
        scripts: list[Any] = [ModulePreload("s3store/engine.js"), ModuleScript("s3store/widget.js")]
        return Media(js=scripts, css={"all": ["s3store/widget.css"]})

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        """Return the receipts that were sent, a file, False to clear the field, or None for no change."""
        found = super().value_from_datadict(data, files, name)
        sent = Sent(text for text in _every(data, name) if text)
        if not sent:
            return found
        if isinstance(found, list):
            # Some of several files could not reach the storage.
            return Sent([*sent, *found])
        return FILE_INPUT_CONTRADICTION if found is False or found else sent

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        """Return whether the form contained nothing about the field."""
        return super().value_omitted_from_data(data, files, name) and name not in data

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """Return the context of the template: with the settings for the script, if the field uploads directly."""
        bound = value if isinstance(value, Bound) else Bound(value, Sent())
        context = super().get_context(name, bound.initial, attrs)
        widget = context["widget"]
        widget["plain_template"] = self.plain_template
        widget["upload"] = self._settings()
        widget["kept"] = [found for text in bound.sent if (found := _described(text))]
        return context

    def _settings(self) -> dict[str, Any] | None:
        destination = find(self.destination)
        if destination is None:
            return None
        try:
            script = script_settings(self.destination, destination)
        except NoReverseMatch:
            return None
        max_size = max_size_of(destination, destination.find_storage().objects)
        return {
            **script,
            "max_size": max_size,
            "limits": limits(destination.accept, max_size),
            **zone(self.max_files),
            "min_size": destination.min_size,
            "max_files": self.max_files,
            "accept": ",".join(destination.accept),
            "texts": json.dumps(script["texts"], ensure_ascii=False),
        }


class S3FilesInput(S3FileInput):
    """The input for several files."""

    allow_multiple_selected = True
    max_files = 100

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        """Return the receipts that were sent, the files, False to clear the field, or None for no change."""
        return super().value_from_datadict(data, files, name) or None


class AdminS3FileInput(S3FileInput):
    """The input in Django's admin."""

    plain_template = "admin/widgets/clearable_file_input.html"


def _every(data: Any, name: str) -> list[Any]:
    if hasattr(data, "getlist"):
        return list(data.getlist(name))
    value = data.get(name) if isinstance(data, Mapping) else None
    return list(value) if isinstance(value, list | tuple) else [value]


def _described(text: Any) -> dict[str, Any] | None:
    """Return what the page shows of an upload, or None if the text is not a valid receipt."""
    try:
        receipt = read(Receipt, text, max_age=RECEIPT_SECONDS)
    except UploadRefusedError:
        return None
    return {"receipt": text, "name": receipt.name, "size": receipt.size}
