"""The destination of the endpoint `signed-url/`, which works without any declaration."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.module_loading import import_string

from s3store.uploads.destinations import Destination, is_logged_in, register

QUICK = "signed-url"
"""The label of the destination. Register another Destination under it to change what it accepts."""


def _permission(request: HttpRequest) -> bool:
    """Return the answer of the option `upload_permission` of the default storage."""
    found = quick.find_storage().options.upload_permission
    function = import_string(found) if isinstance(found, str) else found
    answer: bool = (function or is_logged_in)(request)
    return answer


quick = register(QUICK, Destination(permission=_permission))
