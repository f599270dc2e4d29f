"""What botocore finds on this machine: credentials, profiles, and a server where the options name none.

boto3's and botocore's sessions are not safe in threads: they are used by one at a time. Clients and signed URLs share
them, so that a role is asked for its credentials once; a forked child starts without any.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.views.decorators.debug import sensitive_variables

from s3store.conf.options import Options
from s3store.core import urls

_lock = threading.RLock()
_sessions: dict[tuple[Any, ...], tuple[Any, Any]] = {}


def _start_anew() -> None:
    global _lock
    _lock = threading.RLock()
    _sessions.clear()


# Windows has no fork and not this function.
getattr(os, "register_at_fork", lambda **_: None)(after_in_child=_start_anew)


@contextmanager
def lend(options: Options) -> Iterator[Any]:
    """Lend boto3's session for the options' credentials; meanwhile no other thread uses one."""
    with _lock:
        yield _sessions_for(options)[1]


@sensitive_variables()
def _sessions_for(options: Options) -> tuple[Any, Any]:
    """Return the sessions, botocore's and boto3's around it, for the options' credentials. Called with the lock."""
    import boto3.session
    import botocore.session

    key = (options.session_profile, options.access_key, options.secret_key, options.security_token)
    if key not in _sessions:
        inner = botocore.session.Session(profile=options.session_profile or None)
        if options.access_key and options.secret_key:
            inner.set_credentials(options.access_key, options.secret_key, options.security_token or None)
        _sessions[key] = inner, boto3.session.Session(botocore_session=inner)
    return _sessions[key]


@sensitive_variables()
def find_credentials(options: Options) -> Any:
    """Return botocore's credentials, which renew themselves where they can, or None where there are none."""
    with _lock:
        session, _ = _sessions_for(options)
        return session.get_credentials()


def is_on_aws(options: Options) -> bool:
    """Whether the server is Amazon's own; the environment or a profile may say so where the options do not."""
    endpoint_url = options.endpoint_url or ambient(options).endpoint_url
    return not endpoint_url or urls.is_aws(endpoint_url)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ambient:
    """What botocore's own configuration says about the server; `special` where it changes host names."""

    region_name: str | None
    endpoint_url: str | None
    special: bool


def ambient(options: Options) -> Ambient:
    """Return what the environment and the configuration files say where the options are silent."""
    from botocore.configprovider import ConfiguredEndpointProvider

    hosts = ("use_fips_endpoint", "use_dualstack_endpoint", "s3")
    with _lock:
        session, _ = _sessions_for(options)
        profile = session.get_scoped_config()
        endpoint_url = None
        if not session.get_config_variable("ignore_configured_endpoint_urls"):
            endpoint_url = ConfiguredEndpointProvider(session.full_config, profile, "s3").provide()
        return Ambient(
            region_name=session.get_config_variable("region"),
            endpoint_url=endpoint_url,
            special=any(session.get_config_variable(name) for name in hosts),
        )
