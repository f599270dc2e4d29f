"""Sharing a file or folder: the checks, the row, the log, the mail."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_variables

from s3store.sharing import addresses, configured, mails, signals
from s3store.sharing.models import Attempt, Share
from s3store.sharing.models.share import MAX_MESSAGE, MAX_PASSWORD, MAX_ROOT, in_the_future
from s3store.sharing.refusals import ShareLimitError
from s3store.sharing.resolving import HOUR
from s3store.sharing.tokens import path_hash


@sensitive_variables("password", "link")
def create(
    folder: Any,
    path: str,
    *,
    email: str,
    created_by: Any,
    expires_at: datetime,
    can_edit: bool = False,
    password: str | None = None,
    max_downloads: int | None = None,
    message: str = "",
    require_account: bool = False,
    request: HttpRequest | None = None,
    notify: bool = True,
) -> tuple[Share, str]:
    """Share the file or folder at `path` with an e-mail address, and return the share and its link.

    The link exists only here and in the mail: the database has its hash. Sharing the same path with the same address
    again renews the share, and the old link ends at once.

    `folder` and `path`
        The folder that contains it, and the path in this folder: "" for the folder itself.
    `email`
        The address of the recipient.
    `created_by`
        The user who shares. The share lasts as long as the policy of the folder lets this user `share` the path.
    `expires_at`
        An aware datetime in the future.
    `can_edit`
        Lets the recipient add and change files. The creator needs the right to `write`.
    `password`
        A password of at most 128 characters.
    `max_downloads`
        The number of downloads after which the share ends.
    `message`
        A text for the mail, at most 500 characters.
    `require_account`
        Only a user with this address, verified, can open the link.
    `request`
        Where the network and the browser in the log come from.
    `notify`
        Sends the mail, after the transaction. Default: True.

    Raises FileNotFoundError for a path that does not exist or that the user may not read, PermissionError for one that
    the user may not share or edit, ValidationError for impossible values, and ShareLimitError after 20 in an hour.
    """
    _check(email, expires_at, password, max_downloads, message)
    email = addresses.checked(email)
    if len(folder.full_root) > MAX_ROOT:
        raise ValidationError(_("The root of the folder is too long."), code="root")
    acting = folder.as_user(created_by)
    is_folder = acting.stat(path).is_folder
    path = path.rstrip("/")
    for action in ("share", "write") if can_edit else ("share",):
        if not acting.can(action, path):
            raise PermissionError(f"{created_by} may not {action} {path!r}.")
    limit = configured.current().shares_per_hour
    if Attempt.take(f"shares:{created_by.pk}", limit=limit, seconds=HOUR):
        raise ShareLimitError(_("You shared many files in the last hour. Try again later."))
    facts = {
        "is_folder": is_folder,
        "email": email,
        "can_edit": can_edit,
        "expires_at": expires_at,
        "max_downloads": max_downloads,
        "downloads": 0,
        "require_account": require_account,
        "message": message,
        "created_by": created_by,
        "paused_at": None,
        "paused_by": "",
    }
    root, path = folder.full_root, "/".join(part for part in (folder.base, path) if part)
    try:
        share, link = _store(root, path, facts, password, request)
    except IntegrityError:
        # Another request has shared the same with the same address meanwhile: renew that share.
        share, link = _store(root, path, facts, password, request)
    if notify:
        transaction.on_commit(partial(mails.send_link, share, link))
    return share, link


@sensitive_variables("password", "link")
def _store(
    root: str, path: str, facts: dict[str, Any], password: str | None, request: HttpRequest | None
) -> tuple[Share, str]:
    with transaction.atomic():
        wanted = {"root": root, "path_hash": path_hash(root, path), "email_key": addresses.email_key(facts["email"])}
        share = Share.objects.select_for_update().filter(**wanted, revoked_at=None).first()
        renewed = share is not None
        share = share or Share(root=root, path=path)
        for name, value in facts.items():
            setattr(share, name, value)
        share.set_password(password)
        link = share.set_link()
        if renewed:
            # Also downloads: the link is a new one.
            Share.objects.filter(pk=share.pk).update(downloads=0)
            share.next_generation()
        else:
            share.save(force_insert=True)
        share.record("shared", user=facts["created_by"], request=request, detail={"renewed": renewed})
        signal = signals.share_renewed if renewed else signals.share_created
        share.tell(signal, by=facts["created_by"], request=request)
    return share, link


def _check(email: str, expires_at: datetime, password: str | None, max_downloads: int | None, message: str) -> None:
    """Raise ValidationError for what cannot be."""
    in_the_future(expires_at)
    if password and len(password) > MAX_PASSWORD:
        raise ValidationError(_("The password is too long."), code="password")
    if max_downloads is not None and max_downloads < 1:
        raise ValidationError(_("Allow at least one download."), code="downloads")
    if len(message) > MAX_MESSAGE:
        raise ValidationError(_("The message is too long."), code="message")
    if any(char in email for char in "\r\n"):
        raise ValidationError(_("The address contains a line break."), code="invalid")
