"""What a client may do with a share, once it is decided."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.http import HttpRequest
from django.utils.timezone import now

from s3store.sharing import configured
from s3store.sharing.models import AccessLog, Share

MOST_GUEST_SECONDS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """One request that may use a share: what `resolve` returns.

    `folder` acts with the rights of the user who shared. For a shared folder it is jailed to that folder, and `path` is
    relative to it. For a shared file it is the folder of the root, and `path` is the file. `member` is the recipient,
    if the recipient is logged in, otherwise None.
    """

    request: HttpRequest
    share: Share
    folder: Any
    path: str
    member: Any

    @property
    def actor(self) -> str:
        """What the log calls the client: the address, and that it is a guest."""
        return "" if self.member is not None else f"guest of {self.share.email}"

    @property
    def seconds(self) -> int:
        """The lifetime of a signed URL in seconds: never past the end of the share, at least 1."""
        values = configured.current()
        longest = values.member_seconds if self.member is not None else min(values.guest_seconds, MOST_GUEST_SECONDS)
        left = (self.share.expires_at - now()) // timedelta(seconds=1)
        return max(1, min(longest, left))

    @property
    def full_name(self) -> str:
        """The name in the storage of the file at `path`."""
        inside = self.path if not self.share.is_folder else "/".join(p for p in (self.share.path, self.path) if p)
        return f"{self.share.root}{inside}"

    @property
    def shows_contents(self) -> bool:
        """Whether files can be shown in the page. A preview is the content, so not where downloads are counted."""
        return self.share.max_downloads is None

    def record(self, action: str, *, path: str = "", **detail: Any) -> AccessLog:
        """Add a row about this request to the log. `path` is relative to the root of the share."""
        return self.share.record(
            action, path=path, user=self.member, actor=self.actor, request=self.request, detail=detail
        )
