"""What a session knows about links: which shares it has opened, in which generation, and whose password it gave."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest

from s3store.sharing.models import Share

_KEY = "s3store_sharing"
_MOST = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a session has of a share: the `generation` of the link that was opened, and whether it is `unlocked`."""

    generation: int
    unlocked: bool
    by_link: bool


def grant_of(request: HttpRequest, share: Share) -> Grant | None:
    """Return what the session has of this share, or None."""
    found = request.session.get(_KEY, {}).get(str(share.pk))
    if not isinstance(found, list) or len(found) != 3:
        return None
    generation, unlocked, by_link = found
    return Grant(generation=generation, unlocked=unlocked is True, by_link=by_link is True)


def remember(request: HttpRequest, share: Share, *, unlocked: bool = False, by_link: bool = True) -> None:
    """Let the session use a share. It contains neither the token nor the password, and at most 50 shares."""
    known = dict(request.session.get(_KEY, {}))
    known.pop(str(share.pk), None)
    known[str(share.pk)] = [share.generation, unlocked, by_link]
    while len(known) > _MOST:
        del known[next(iter(known))]
    request.session[_KEY] = known
    # As at a login: a session id that somebody else knows gets no rights.
    request.session.cycle_key()
