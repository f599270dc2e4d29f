"""What a script in a page needs to upload files, as the widget does."""

from __future__ import annotations

from typing import Any

from django.templatetags.static import static
from django.urls import reverse

from s3store.uploads.destinations import Destination, find, signed_label
from s3store.uploads.requests import takes_checksums
from s3store.uploads.texts import texts


def script_settings(label: str, destination: Destination | None = None) -> dict[str, Any]:
    """Return what a script of your own needs to upload files into a destination, as values for JSON.

    `destination` is the destination with this label, if you have it already.

    `endpoint`
        The URL of the endpoints, with a slash at its end.
    `destination`
        The signed label.
    `engine`
        The URL of the module with `Uploader` and `explain`. It calculates checksums if the storage has the option
        `upload_checksum`.
    `texts`
        The texts of states, buttons and errors in the active language, by their names.

    Raises LookupError if there is no destination with this label, and NoReverseMatch if the URLs of `s3store.urls` are
    not installed.
    """
    found = destination or find(label)
    if found is None:
        raise LookupError(
            f"{label!r} is not a destination. Register it, or write the label of a field: app.Model.field."
        )
    return {
        "endpoint": reverse("s3store:begin").removesuffix("begin/"),
        "destination": signed_label(label),
        "engine": _engine(found),
        "texts": texts(),
    }


def _engine(destination: Destination) -> str:
    """Return the URL of the module that uploads: with checksums, that of one more, which loads the first."""
    url = static("s3store/engine.js")
    if not takes_checksums(destination.find_storage().objects):
        return url
    # After the #, where no signature of the first URL is broken.
    return f"{static('s3store/checked.js')}#{url}"
