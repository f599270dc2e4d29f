"""How long a URL lives, and the windows of time in which the same name has the same URL."""

from __future__ import annotations

from datetime import timedelta


def lifetime(expire: int | timedelta, *, limit: int | None = None) -> int:
    """Return how many seconds `expire` is. Raises ValueError beyond `limit` and below one second."""
    if isinstance(expire, bool) or not isinstance(expire, int | timedelta):
        raise TypeError(f"expire is seconds or a timedelta, not {expire!r}.")
    seconds = int(expire.total_seconds()) if isinstance(expire, timedelta) else expire
    if seconds < 1:
        raise ValueError(f"A signed URL lives for a second or more, not {seconds}.")
    if limit and seconds > limit:
        raise ValueError(
            f"A signed URL lives for {limit} seconds ({limit // 86400} days) at most, not {seconds}. For longer, link "
            "to a view that redirects to a fresh one (s3store.views)."
        )
    return seconds


def window_start(now: float, seconds: int, fraction: float) -> int:
    """Return when the current window began: the time from which a URL that lives for `seconds` counts.

    A window is `fraction` of the life long. Windows begin at whole multiples of their length since 1970, so that all
    servers of a site make the same URLs.
    """
    whole = int(now)
    window = int(seconds * fraction)
    return whole - whole % window if window else whole
