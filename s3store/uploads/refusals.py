"""Why an upload is refused, as a code for programs and a sentence for people."""

from __future__ import annotations

from typing import Any

from django.utils.functional import Promise


class UploadRefusedError(Exception):
    """An upload, or a step of it, is refused. Nothing was changed.

    `code` is stable, `status` is the HTTP status of the endpoint, `message` is translated, and `details` are the other
    members of the error in JSON, such as `max_size` and `missing`.
    """

    def __init__(self, code: str, message: str | Promise, *, status: int = 400, **details: Any) -> None:
        super().__init__(code)
        self.code = code
        self.message = message
        self.status = status
        self.details = details

    def __str__(self) -> str:
        return str(self.message)
