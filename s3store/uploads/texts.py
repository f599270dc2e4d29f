"""The sentences that the widget shows, translated by Django. Names in braces are replaced by the script."""

from __future__ import annotations

from collections.abc import Iterable

from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _


def limits(accept: Iterable[str], max_size: int) -> str:
    """Return what may be uploaded, in words: "PNG, JPEG · up to 5.0 MB". `max_size` is in bytes."""
    groups = {"image/*": _("images"), "audio/*": _("audio files"), "video/*": _("videos")}
    kinds = [groups.get(entry) or entry.replace("/", ".").rpartition(".")[2].upper() for entry in accept]
    size = _("up to {size}").format(size=filesizeformat(max_size))
    return " · ".join([*([", ".join(dict.fromkeys(kinds))] if kinds else []), size])


def zone(max_files: int) -> dict[str, str]:
    """Return what the field says about dropping files."""
    drop = _("or drop a file here") if max_files == 1 else _("or drop files here")
    return {"drop": drop, "dropping": _("Drop to upload")}


def texts() -> dict[str, str]:
    """Return the texts of the widget in the active language: by state, by error code, and for buttons."""
    return {
        # States of a file
        "queued": _("Waiting"),
        "beginning": _("Starting"),
        "beginning_again": _("The upload was lost. It starts again."),
        "uploading": _("Uploading"),
        "paused": _("Paused"),
        "waiting_offline": _("You are offline. The upload continues when the connection is back."),
        "waiting_login": _("You are logged out. Log in in another tab, then continue."),
        "waiting_busy": _("The server is busy. The upload continues in a moment."),
        "finishing": _("Finishing"),
        "done": _("Uploaded"),
        "failed": _("Not uploaded"),
        "aborting": _("Cancelling"),
        "form": _("Is sent with the form"),
        "speed": _("{size} per second"),
        "left": _("about {time} left"),
        # Buttons
        "pause": _("Pause"),
        "pause_name": _("Pause {name}"),
        "resume": _("Continue"),
        "resume_name": _("Continue {name}"),
        "retry": _("Retry"),
        "retry_name": _("Retry {name}"),
        "form_instead": _("Send with the form instead"),
        "form_instead_name": _("Send {name} with the form instead"),
        "cancel": _("Cancel"),
        "cancel_name": _("Cancel {name}"),
        "remove": _("Remove"),
        "remove_name": _("Remove {name}"),
        # For screen readers
        "said_start": _("Uploading {name}"),
        "said_resumed": _("{name} continues"),
        "said_half": _("{name} is half uploaded"),
        "said_done": _("{name} is uploaded"),
        "count": _("{count} of {total} uploaded"),
        # The field and the form
        "more": _("Not shown: {count}"),
        "hold": _("The form is sent when the uploads are complete."),
        "unsent": _("The form was not sent: a file is not uploaded. Retry or remove it, then send the form again."),
        "too_many": _("Too many files. Choose at most {count}."),
        "no_folders": _("Folders cannot be uploaded here. Choose files."),
        **_errors(),
    }


def _errors() -> dict[str, str]:
    return {
        "too_large": _("The file is too large. Choose one of at most {size}."),
        "EntityTooLarge": _("The file is too large. Choose one of at most {size}."),
        "too_small": _("The file is too small."),
        "EntityTooSmall": _("The file is too small."),
        "empty": _("The file is empty or not on this device yet. Open it once, then choose it again."),
        "type_refused": _("Files of this type are not accepted. Choose another file."),
        "file_changed": _("The file was changed or removed. Choose it again."),
        # Nobody but the browser knows the origin for which the bucket needs a rule.
        "unreachable": _(
            "The storage ({host}) cannot be reached, or something blocks it: a firewall, a browser extension, or the "
            "storage's CORS rules. Try again. If you run this site, allow it with: "
            "manage.py s3 setup --cors-origin {origin}"
        ),
        "blocked": _("The security policy of this page does not allow {host}. Tell whoever runs this site."),
        "server_unreachable": _("The site did not answer. Try again."),
        "csrf_failed": _("The page is out of date. Save your work, then reload the page."),
        "AccessDenied": _("The storage refused the file. Choose it again."),
        "SignatureDoesNotMatch": _("The storage refused the signature. Choose the file again."),
        "RequestTimeTooSkewed": _("The clock of the server is wrong. Tell whoever runs this site."),
        "NoSuchUpload": _("The upload no longer exists. Choose the file again."),
        "RequestTimeout": _("The connection was too slow. Try again."),
        "SlowDown": _("The storage is busy. Try again in a minute."),
        "QuotaExceeded": _("The storage is full. Tell whoever runs this site."),
        "storage_refused": _("The storage refused the file ({code})."),
    }
