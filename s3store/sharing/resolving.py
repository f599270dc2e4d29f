"""The one way in: whether a request may do something with a share."""

from __future__ import annotations

import logging
import uuid
from typing import Any

from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from s3store.core.keys import MAX_KEY_BYTES, UnsafeNameError, clean_name
from s3store.sharing import configured, sessions, signals
from s3store.sharing.access import Access
from s3store.sharing.clients import network_of
from s3store.sharing.models import Attempt, Share
from s3store.sharing.refusals import (
    AccountRequiredError,
    ActionRefusedError,
    PasswordRequiredError,
    ShareEndedError,
    ShareUnknownError,
    TooManyTriesError,
)
from s3store.sharing.tokens import hash_of

logger = logging.getLogger("s3store")

READING = frozenset({"page", "view", "download"})
READING_FOLDERS = frozenset({"zip"})
WRITING = frozenset({"upload"})
WRITING_FOLDERS = frozenset({"create_folder", "rename", "move", "delete", "restore"})
UNLOCK = "unlock"
"""The action of the page that takes the password: all checks but the one of the password."""

MISSES, HOUR = 60, 3600
"""The unknown links that one network can try in an hour."""

TRIES, QUARTER = 5, 900
"""The wrong passwords that one network can try at one share in 15 minutes."""

TRIES_OF_ALL = 50
"""The wrong passwords that all clients together can try at one share in an hour."""


# By the link


@sensitive_variables("token")
def open_link(request: HttpRequest, token: str) -> Share:
    """Let the session of the request use the share of this link, and return the share.

    Raises ShareUnknownError, TooManyTriesError after 60 unknown links of one network in an hour, and ShareEndedError.
    """
    misses = f"links:{network_of(request)}"
    if wait := Attempt.wait(misses, limit=MISSES, seconds=HOUR):
        raise TooManyTriesError(wait)
    share = Share.objects.filter(token_hash=hash_of(token)).select_related("created_by").first()
    if share is None:
        Attempt.take(misses, limit=MISSES, seconds=HOUR)
        raise ShareUnknownError
    if _folder_of(share) is None:
        raise ShareEndedError(share)
    known = sessions.grant_of(request, share)
    if known is None or known.generation != share.generation or not known.by_link:
        if request.method == "GET":
            share.record("opened", request=request, actor=f"guest of {share.email}")
            # Not the request: its path contains the token.
            signals.share_opened.send_robust(Share, share=share, request=None)
        sessions.remember(request, share)
    return share


# By the id


def resolve(request: HttpRequest, id: uuid.UUID | str, action: str, path: str = "") -> Access:  # noqa: A002
    """Return what the request may use of the share `id`, for one action at one path relative to the shared folder.

    Actions: `page`, `view`, `download`, and for folders `zip`; with a link that can edit `upload`, and for folders
    `create_folder`, `rename`, `move`, `delete`, `restore`; and `unlock`, which needs no password.

    The share is asked anew on each call, and the policy of the folder whether its creator may still share it. Raises
    the errors of `s3store.sharing`: ShareUnknownError, ShareEndedError, PasswordRequiredError, AccountRequiredError,
    ActionRefusedError.
    """
    share = _find(id)
    user = getattr(request, "user", None)
    member = user if share.is_for(user) else None
    grant = sessions.grant_of(request, share)
    if member is None and (grant is None or not grant.by_link):
        # Before anything of the project is asked: an id says nothing.
        raise ShareUnknownError
    folder = _folder_of(share)
    if member is None:
        _check_guest(request, share, grant, ended=folder is None)
    if folder is None:
        raise ShareEndedError(share)
    unlocked = grant is not None and grant.unlocked and grant.generation == share.generation
    if share.has_password and not unlocked and action != UNLOCK:
        raise PasswordRequiredError(share)
    path = _plain(path)
    _check_action(share, action)
    if share.is_folder:
        folder = folder.within(share.path)
    elif path:
        raise ShareUnknownError
    else:
        path = share.path
    return Access(request=request, share=share, folder=folder, path=path, member=member)


def _find(id: uuid.UUID | str) -> Share:  # noqa: A002
    try:
        return Share.objects.select_related("created_by").get(pk=uuid.UUID(str(id)))
    except (ValueError, Share.DoesNotExist):
        raise ShareUnknownError from None


def _check_guest(request: HttpRequest, share: Share, grant: sessions.Grant | None, *, ended: bool) -> None:
    """Raise ShareRefusedError unless the link that the session has opened is still the link of the share."""
    if ended:
        raise ShareEndedError(share)
    if grant is None or grant.generation != share.generation:
        # Another link or password since: as if the session had never opened it.
        raise ShareUnknownError
    if share.require_account:
        user = getattr(request, "user", None)
        if user is None or not user.is_authenticated:
            raise AccountRequiredError
        raise ShareUnknownError


def _folder_of(share: Share) -> Any:
    """Return the folder of the share's root, with the rights of its creator, or None if the share has ended."""
    if share.state != "active" or share.created_by is None or not share.created_by.is_active:
        return None
    folder = configured.current().folder(share)
    if folder is None or folder.full_root != share.root:
        return None
    folder = folder.as_user(share.created_by)
    return folder if folder.can("share", share.path) else None


def _plain(path: str) -> str:
    """Return a path without its final slash. Raises ShareUnknownError if its form is not plain: no request is sent."""
    path = path.removesuffix("/")
    try:
        if len(path) > MAX_KEY_BYTES or clean_name(path) != path or path.endswith("/"):
            raise ShareUnknownError
    except UnsafeNameError:
        raise ShareUnknownError from None
    return path


def _check_action(share: Share, action: str) -> None:
    allowed = READING | {UNLOCK} | (READING_FOLDERS if share.is_folder else frozenset())
    if share.can_edit:
        allowed |= WRITING | (WRITING_FOLDERS if share.is_folder else frozenset())
    if action not in allowed or (action == "view" and share.max_downloads is not None):
        raise ActionRefusedError


# By the password


@sensitive_variables("password")
def unlock(access: Access, password: str) -> bool:
    """Return whether this is the password, and let the session use the share then.

    Wrong tries are counted before anything is hashed: 5 of one network in 15 minutes, and 50 of all in an hour. Raises
    TooManyTriesError, for the right password as well.
    """
    share, request = access.share, access.request
    network = f"password:{share.pk}:{network_of(request)}"
    everybody = f"password:{share.pk}"
    wait = Attempt.take(network, limit=TRIES, seconds=QUARTER)
    if not wait and (wait := Attempt.take(everybody, limit=TRIES_OF_ALL, seconds=HOUR)):
        Attempt.give_back(network, seconds=QUARTER)
    if wait:
        _tell(access, wait)
        raise TooManyTriesError(wait)
    if not share.takes(password):
        return False
    Attempt.give_back(network, seconds=QUARTER)
    Attempt.give_back(everybody, seconds=HOUR)
    known = sessions.grant_of(request, share)
    sessions.remember(request, share, unlocked=True, by_link=known is not None and known.by_link)
    return True


def _tell(access: Access, seconds: int) -> None:
    """Tell the owner of the share, once in an hour."""
    if not Attempt.take(f"told:{access.share.pk}", limit=1, seconds=HOUR):
        access.record("refused", reason="passwords")
        signals.share_locked.send_robust(Share, share=access.share, request=access.request, seconds=seconds)
