"""Signals about shares, sent after the change is committed. `sender` is the class Share.

All have the arguments `share` and `request` (None outside a request). None contains a link, a token or a password.
"""

from __future__ import annotations

from django.dispatch import Signal

__all__ = [
    "share_changed",
    "share_created",
    "share_downloaded",
    "share_locked",
    "share_opened",
    "share_renewed",
    "share_revoked",
    "share_uploaded",
]

share_created = Signal()
"""A file or folder was shared. Argument: `by`, the user."""

share_renewed = Signal()
"""A share has a new link, and the old link has ended. Argument: `by`."""

share_changed = Signal()
"""A share has another expiry, password or limit. Argument: `by`."""

share_revoked = Signal()
"""A share was stopped. Argument: `by`, None if a command did it."""

share_opened = Signal()
"""A client opened the link for the first time in its session. It can be a program that scans mails. `request` is None,
because its URL contains the token."""

share_downloaded = Signal()
"""A client downloads a file or a ZIP. Argument: `path`, relative to the root of the share."""

share_uploaded = Signal()
"""A client uploaded a file through an edit link. Argument: `path`, relative to the root of the share."""

share_locked = Signal()
"""Too many wrong passwords: the share takes none until `seconds` have passed."""
