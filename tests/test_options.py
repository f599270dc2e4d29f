"""What the dataclass of the options says about them: their types, and which of them are the credentials."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta

import pytest

from s3store.conf.options import IDENTITY, types_of

NONE = type(None)


@pytest.mark.parametrize(
    ("name", "types"),
    [
        ("bucket_name", (str,)),
        ("region_name", (str, NONE)),
        ("anonymous", (bool,)),
        ("max_attempts", (int,)),
        ("connect_timeout", (int, float)),
        ("querystring_expire", (int, timedelta)),
        ("verify", (bool, str, NONE)),
        ("headers", (Mapping, NONE)),
        ("object_parameters", (Mapping, Callable, NONE)),
        ("gzip_content_types", (Iterable,)),
        ("client_config", (object,)),
    ],
)
def test_an_option_takes_values_of_the_types_in_its_annotation(name: str, types: tuple[type, ...]) -> None:
    """A number of seconds can be an int, a generic type counts without its items, and Any is every object."""
    assert types_of(name) == types


def test_credentials_are_one_value() -> None:
    """These options are never combined from different sources."""
    assert IDENTITY == ("access_key", "secret_key", "security_token", "session_profile", "anonymous")
