"""Which link of botocore's credential chain provides the credentials, and why the others do not.

boto3: "Credentials". Each link is a provider; the first one that finds credentials ends the search.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.views.decorators.debug import sensitive_variables

from s3store.conf.options import Options
from s3store.wire import client, sessions

_METADATA_SECONDS = 1.0
_STS_SECONDS = 3

NAMES = {
    "env": "environment variables",
    "assume-role": "assume-role profile",
    "assume-role-with-web-identity": "web identity token",
    "sso": "SSO profile",
    "login": "login profile",
    "shared-credentials-file": "credentials file",
    "custom-process": "credential process",
    "config-file": "configuration file",
    "ec2-credentials-file": "EC2 credentials file",
    "boto-config": "boto 2 configuration",
    "container-role": "container role",
    "iam-role": "instance metadata",
}
"""The links of the chain in words, by botocore's names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One link of the chain that was asked in vain, and the time that it took."""

    name: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """Where the credentials come from.

    `source` is a link in words, or "" without credentials; `has_token` whether there is a session token; `is_temporary`
    whether the access key id is one of temporary credentials; `expires_at` in seconds since 1970, if known. `failure`
    is the name of the exception and `text` what it says. `links` are those that were asked in vain.
    """

    source: str = ""
    has_token: bool = False
    is_temporary: bool = False
    expires_at: float | None = None
    failure: str = ""
    text: str = ""
    links: tuple[Link, ...] = ()
    profile: str = ""
    profiles: tuple[str, ...] = ()


@sensitive_variables()
def chain_of(options: Options) -> Chain:
    """Return where the credentials for the options come from. It asks a role or an SSO session if those provide them.

    AWS: "IAM identifiers": access key ids of temporary credentials start with ASIA.
    """
    profile, profiles = "", ()
    try:
        with sessions.lend(options) as session:
            inner = session._session
            profile, profiles = inner.profile or "", tuple(inner.available_profiles)
        found = sessions.find_credentials(options)
        if found is None:
            return Chain(links=tuple(_walk(options)), profile=profile, profiles=profiles)
        frozen = found.get_frozen_credentials()
    except client.request_errors() as error:
        if type(error).__name__ == "ProfileNotFound":
            with sessions.lend(Options()) as session:
                profiles = tuple(session._session.available_profiles)
        return Chain(failure=type(error).__name__, text=str(error), profile=profile, profiles=profiles)
    expiry = getattr(found, "_expiry_time", None)
    return Chain(
        source=NAMES.get(found.method, found.method),
        has_token=bool(frozen.token),
        is_temporary=frozen.access_key.startswith("ASIA"),
        expires_at=expiry.timestamp() if expiry else None,
        profile=profile,
        profiles=profiles,
    )


def _walk(options: Options, clock: Callable[[], float] = time.monotonic) -> Iterator[Link]:
    """Yield each link of the chain, with the time that it took. None of them has credentials."""
    with sessions.lend(options) as session:
        for provider in session._session.get_component("credential_provider").providers:
            began = clock()
            provider.load()
            yield Link(name=NAMES.get(provider.METHOD, provider.METHOD), seconds=clock() - began)


def metadata_accepts(options: Options) -> str:
    """Return the address of the instance metadata service if it accepts connections, otherwise ""."""
    with sessions.lend(options) as session:
        configured = session._session.get_config_variable("ec2_metadata_service_endpoint")
    parts = urlsplit(configured or "http://169.254.169.254/")
    try:
        socket.create_connection((parts.hostname or "", parts.port or 80), _METADATA_SECONDS).close()
    except OSError:
        return ""
    return parts.netloc


@sensitive_variables()
def caller_of(options: Options) -> str:
    """Return the ARN of the account, user or role that the credentials belong to, or "" if STS does not say it.

    One request to STS, which needs no permission. AWS: "GetCallerIdentity".
    """
    try:
        # The signatures of S3 are other ones.
        sts = client.get_other_client(options, "sts", seconds=_STS_SECONDS, signature_version="v4")
        arn: str = sts.get_caller_identity().get("Arn") or ""
    except client.request_errors():
        return ""
    return arn
