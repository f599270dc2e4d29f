"""The setting S3STORE_SHARING: how a project connects shares with its folders, its users and its brand."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from s3store.conf.project import setting
from s3store.core.suggest import nearest

NAME = "S3STORE_SHARING"

UNIX = "unix"
"""The proxy that sends requests over a Unix socket: they have no address."""

Networks = tuple["ipaddress.IPv4Network | ipaddress.IPv6Network", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Configured:
    """The values of S3STORE_SHARING. Functions are given as functions or as dotted paths."""

    folder: Callable[[Any], Any]
    """A function of a share that returns the Folder of its root, with the policy, or None if the root is closed."""
    brand: Callable[[Any], Mapping[str, Any]] = lambda _share: {}
    """A function of a share that returns what its pages and mails show: `name`, `logo` (a URL), `contact` (a URL)."""
    verified_addresses: Callable[[Any], Iterable[str]] = lambda _user: ()
    """A function of a user that returns the addresses that the user has proved to own."""
    manages: Callable[[Any, Any], bool] = lambda _user, _share: False
    """A function of a user and a share: whether the user may see and stop it, beside the user who created it."""
    base_url: str = ""
    """The start of the links in mails: `https://portal.example`. It is never taken from a request."""
    from_email: str | None = None
    """The sender of the mails. Default: DEFAULT_FROM_EMAIL."""
    mode: Literal["redirect", "stream"] = "redirect"
    """How files are sent: by a redirect to a signed URL, or through Django."""
    guest_seconds: int = 60
    """The lifetime of a signed URL for visitors without an account, in seconds, at most 60."""
    member_seconds: int = 120
    """The lifetime of a signed URL for recipients who are logged in, in seconds."""
    pin_versions: bool = True
    """Whether signed URLs name the version of the file, in buckets that keep versions."""
    trusted_proxies: tuple[str, ...] = ()
    """The addresses or networks of the proxies whose X-Forwarded-For is believed; `unix` for those at a Unix socket."""
    shares_per_hour: int = 20
    """The number of links that one user can make or renew in an hour."""
    upload_bytes_per_day: int = 1 << 30
    """The bytes that can be uploaded through one edit link in 24 hours."""
    upload_files_per_day: int = 200
    """The files that can be uploaded through one edit link in 24 hours."""
    log_days: int = 180
    """The days after which `manage.py s3sharing prune` deletes rows of the access log."""

    @property
    def has_managers(self) -> bool:
        """Whether the project says who manages shares, beside their creators."""
        return self.manages is not Configured.__dataclass_fields__["manages"].default

    @property
    def networks(self) -> Networks:
        """The trusted proxies as networks. Raises ValueError."""
        return tuple(ipaddress.ip_network(text) for text in self.trusted_proxies if text != UNIX)


_FUNCTIONS = ("folder", "brand", "verified_addresses", "manages")
KEYS = tuple(field.name for field in fields(Configured))


def current() -> Configured:
    """Return the values of the setting. Raises ImproperlyConfigured."""
    given = setting(NAME)
    if not isinstance(given, Mapping) or not given.get("folder"):
        raise ImproperlyConfigured(
            f"{NAME} does not say where shares find their files. Set {NAME} = {{'folder': 'app.module.function'}}: a "
            "function of a share that returns its Folder."
        )
    for key in given:
        if key not in KEYS:
            found = nearest(str(key), KEYS)
            advice = f"Did you mean {found!r}?" if found else f"Use {', '.join(KEYS)}."
            raise ImproperlyConfigured(f"{NAME} has an unknown key {key!r}. {advice}")
    values = {key: _function(key, value) if key in _FUNCTIONS else value for key, value in given.items()}
    return Configured(**values)


def _function(key: str, value: Any) -> Any:
    if isinstance(value, str):
        try:
            value = import_string(value)
        except ImportError as error:
            raise ImproperlyConfigured(f"{NAME}[{key!r}] cannot be imported: {error}") from error
    if not callable(value):
        raise ImproperlyConfigured(f"{NAME}[{key!r}] must be a function or its dotted path, not {value!r}.")
    return value


def user_model() -> str:
    """Return the name of the user model, as models refer to it."""
    return str(setting("AUTH_USER_MODEL"))
