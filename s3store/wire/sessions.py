"""What botocore finds on this machine: credentials, profiles, and the endpoint if the options do not name one.

Sessions of boto3 and botocore are not thread-safe: only one thread uses them at a time. Clients and signed URLs share
them, so that a role's credentials are requested once. A forked child starts without sessions.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from django.views.decorators.debug import sensitive_variables

from s3store.conf.options import Options
from s3store.core import urls
from s3store.wire.recent import Recent

_lock = threading.RLock()
_sessions: Recent[tuple[Any, Any]] = Recent(16)


def _start_anew() -> None:
    global _lock
    _lock = threading.RLock()
    _sessions.clear()


# Windows has neither fork nor this function.
getattr(os, "register_at_fork", lambda **_: None)(after_in_child=_start_anew)


@contextmanager
def lend(options: Options) -> Iterator[Any]:
    """Yield boto3's session for the options' credentials. No other thread uses a session meanwhile."""
    with _lock:
        yield _sessions_for(options)[1]


@sensitive_variables()
def _sessions_for(options: Options) -> tuple[Any, Any]:
    """Return the sessions of botocore and boto3 for the options' credentials. The caller holds the lock."""
    import botocore.session

    key = (options.session_profile, options.access_key, options.secret_key, options.security_token, options.anonymous)
    found = _sessions.get(key)
    if found is None:
        inner = botocore.session.Session(profile=options.session_profile or None)
        if (options.access_key or options.anonymous) and inner.profile not in (None, *inner.available_profiles):
            # AWS_PROFILE names a missing profile, which is not needed: leave the variable out.
            inner = botocore.session.Session(session_vars={"profile": (None, None, None, None)})
        inner.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=moment)
        if options.access_key and options.secret_key:
            inner.set_credentials(options.access_key, options.secret_key, options.security_token or None)
        found = _sessions.keep(key, (inner, _with_shared_models(inner)))
    return found


def _with_shared_models(inner: Any) -> Any:
    """Return boto3's session. All sessions share what botocore reads from its package, which takes megabytes."""
    import boto3.session

    loader = _loader(inner.get_config_variable("data_path"))
    inner.register_component("data_loader", loader)
    session = boto3.session.Session(botocore_session=inner)
    # Each session of boto3 adds its own directory.
    loader.search_paths[:] = dict.fromkeys(loader.search_paths)
    return session


@cache
def _loader(data_path: str | None) -> Any:
    from botocore.loaders import create_loader

    return create_loader(data_path)


def moment(value: Any) -> datetime:
    """Return a time in a response. For the format of listings, five times as fast as botocore's own function."""
    from botocore.utils import parse_timestamp

    if isinstance(value, str) and value.endswith("Z"):
        try:
            return datetime.fromisoformat(f"{value[:-1]}+00:00")
        except ValueError:
            pass
    found: datetime = parse_timestamp(value)
    return found


@sensitive_variables()
def find_credentials(options: Options) -> Any:
    """Return the credentials that botocore finds, and renews if possible, or None."""
    with _lock:
        session, _ = _sessions_for(options)
        return session.get_credentials()


def is_on_aws(options: Options) -> bool:
    """Return whether the server is AWS, by the options, the environment or the profile."""
    endpoint_url = options.endpoint_url or ambient(options).endpoint_url
    return not endpoint_url or urls.is_aws(endpoint_url)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ambient:
    """The server in botocore's own configuration. `special`: the configuration changes host names."""

    region_name: str | None
    endpoint_url: str | None
    special: bool


def ambient(options: Options) -> Ambient:
    """Return the server in the environment and the configuration files, for options that do not name one."""
    hosts = ("use_fips_endpoint", "use_dualstack_endpoint", "s3")
    with _lock:
        session, _ = _sessions_for(options)
        return Ambient(
            region_name=session.get_config_variable("region"),
            endpoint_url=_configured_endpoint(session, "s3"),
            special=any(session.get_config_variable(name) for name in hosts),
        )


def has_endpoint(options: Options, service: str) -> bool:
    """Return whether there is a server of another AWS service: on AWS, or at an endpoint that is configured for it."""
    with _lock:
        session, _ = _sessions_for(options)
        return is_on_aws(options) or bool(_configured_endpoint(session, service))


def _configured_endpoint(session: Any, service: str) -> str | None:
    """Return the endpoint of a service in the environment or the configuration files."""
    from botocore.configprovider import ConfiguredEndpointProvider

    profile = session.get_scoped_config()
    if session.get_config_variable("ignore_configured_endpoint_urls"):
        return None
    found: str | None = ConfiguredEndpointProvider(session.full_config, profile, service).provide()
    return found
