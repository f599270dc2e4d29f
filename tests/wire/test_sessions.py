"""What botocore finds on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from s3store.conf.options import Options
from s3store.wire import sessions


@pytest.fixture
def profile(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Write the configuration of a profile, and return options that use it."""

    def write(**lines: str) -> Options:
        name = f"p{len(list(tmp_path.iterdir()))}"
        text = "".join(f"{key} = {value}\n" for key, value in lines.items())
        (tmp_path / name).write_text(f"[profile {name}]\n{text}")
        monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / name))
        sessions._sessions.clear()
        return Options(bucket_name="b", session_profile=name)

    yield write
    sessions._sessions.clear()


def test_a_profile_names_region_and_server(profile: Any) -> None:
    """And nothing else that changes host names."""
    options = profile(region="eu-west-3", endpoint_url="https://s3.example.com")
    expected = sessions.Ambient(region_name="eu-west-3", endpoint_url="https://s3.example.com", special=False)
    assert sessions.ambient(options) == expected
    assert not sessions.is_on_aws(options)


def test_a_profile_without_a_server_means_aws(profile: Any) -> None:
    """No region is assumed."""
    options = profile(output="json")
    assert sessions.ambient(options) == sessions.Ambient(region_name=None, endpoint_url=None, special=False)
    assert sessions.is_on_aws(options)


def test_a_server_in_the_configuration_can_be_ignored(profile: Any) -> None:
    """By the setting that AWS has for it."""
    options = profile(endpoint_url="https://s3.example.com", ignore_configured_endpoint_urls="true")
    assert sessions.ambient(options).endpoint_url is None


@pytest.mark.parametrize(
    "lines",
    [{"use_fips_endpoint": "true"}, {"use_dualstack_endpoint": "true"}, {"s3": "\n  use_accelerate_endpoint = true"}],
    ids=["fips", "dual-stack", "s3"],
)
def test_settings_that_change_host_names_are_special(profile: Any, lines: dict[str, str]) -> None:
    """Only botocore knows the host then."""
    assert sessions.ambient(profile(**lines)).special


@pytest.mark.parametrize(
    ("endpoint_url", "on_aws"),
    [
        ("https://s3.example.com", False),
        ("https://s3.eu-west-3.amazonaws.com", True),
        ("", True),
    ],
    ids=["other", "aws", "none"],
)
def test_options_win_over_the_machine(profile: Any, endpoint_url: str, on_aws: bool) -> None:
    """Only options without a server use that of the profile."""
    options = profile(region="eu-west-3")
    assert sessions.is_on_aws(Options(session_profile=options.session_profile, endpoint_url=endpoint_url)) is on_aws


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({"access_key": "a", "secret_key": "s"}, ("a", "s", None)),
        ({"access_key": "a", "secret_key": "s", "security_token": "t"}, ("a", "s", "t")),
        ({"access_key": "a", "secret_key": "s", "security_token": ""}, ("a", "s", None)),
        ({"access_key": "a"}, None),
        ({"secret_key": "s"}, None),
        ({}, None),
    ],
    ids=["pair", "token", "empty-token", "no-secret", "no-key", "none"],
)
def test_credentials_of_the_options(options: dict[str, str], found: tuple[str, ...] | None) -> None:
    """A pair is used as it is, and half a pair is none."""
    credentials = sessions.find_credentials(Options(bucket_name="b", **options))  # type: ignore[arg-type]
    values = credentials and (credentials.access_key, credentials.secret_key, credentials.token)
    assert values == found
