"""Why a request for a share gets no content: each kind with the status of its response."""

from __future__ import annotations


class ShareRefusedError(Exception):
    """A request for a share that is refused. `status` is the HTTP status of the response."""

    status = 403


class ShareUnknownError(ShareRefusedError):
    """The share does not exist, or the client has not shown its link: 404, with one text for both."""

    status = 404


class ShareEndedError(ShareRefusedError):
    """The share has ended, for whichever reason: 410. `share` tells whose it was."""

    status = 410

    def __init__(self, share: object) -> None:
        super().__init__("The share has ended.")
        self.share = share


class PasswordRequiredError(ShareRefusedError):
    """The share has a password that this session has not given."""

    def __init__(self, share: object) -> None:
        super().__init__("The share has a password.")
        self.share = share


class AccountRequiredError(ShareRefusedError):
    """The share is for one account, and the client is not logged in: 302 to the login page."""

    status = 302


class ActionRefusedError(ShareRefusedError):
    """The link does not allow this action: 403."""


class TooManyTriesError(ShareRefusedError):
    """Too many tries: 429. `retry_after` is in seconds."""

    status = 429

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"Too many tries. Try again in {retry_after} seconds.")
        self.retry_after = retry_after


class ShareLimitError(ValueError):
    """A new share that a limit does not allow: its message is for people."""
