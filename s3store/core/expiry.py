"""The lifetime of URLs, and the windows of time in which a file has the same URL."""

from __future__ import annotations

from datetime import timedelta


def lifetime(expire: int | timedelta, *, limit: int | None = None) -> int:
    """Return `expire` in seconds. Raises ValueError for less than one second and for more than `limit`."""
    if isinstance(expire, bool) or not isinstance(expire, int | timedelta):
        raise TypeError(f"expire must be an int of seconds or a timedelta, not {expire!r}.")
    seconds = int(expire.total_seconds()) if isinstance(expire, timedelta) else expire
    if seconds < 1:
        raise ValueError(f"A signed URL must be valid for at least one second, not {seconds}.")
    if limit and seconds > limit:
        raise ValueError(
            f"A signed URL can be valid for at most {limit} seconds ({limit // 86400} days), not {seconds}. "
            "For longer, link to a view that redirects to a new URL (s3store.views)."
        )
    return seconds


def window_start(now: float, seconds: int, fraction: float) -> int:
    """Return the start of the current window, which is the signing time of a URL that is valid for `seconds`.

    A window lasts for `fraction` of the lifetime. Windows start at multiples of their length since 1970, so that all
    servers of a site create the same URLs.
    """
    whole = int(now)
    window = int(seconds * fraction)
    return whole - whole % window if window else whole
