"""Functions whose variables hold secrets are hidden from Django's error reports."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from s3store.conf import configured, sources
from s3store.links import credentials, distribution, endpoint, links, rsa, uploads
from s3store.mixins import presigned
from s3store.uploads import requests
from s3store.wire import bucket, calls, client, light, sessions

HOLDERS: list[Callable[..., Any]] = [
    bucket.Bucket._call,
    calls.call,
    client.ask_botocore,
    client.get_client,
    client._key,
    client._make,
    configured.Configured.__init__,
    credentials.credentials_of,
    credentials._current,
    credentials._found,
    distribution.Distribution.of,
    endpoint.Endpoint.presign,
    links.Links.by_s3,
    links.Links.signing,
    presigned.Presigned.upload_post,
    presigned.Presigned.upload_url,
    uploads.presigned_form,
    uploads.presigned_put,
    requests.form,
    requests.part,
    requests.whole_file,
    rsa.rsa_signer,
    light.Light.copy,
    light.Light.put,
    light.Light._send,
    sessions._sessions_for,
    sessions.find_credentials,
    sources._arguments,
    sources._declared,
    sources._from_environment,
    sources._from_settings,
    sources.configured_like,
    sources.resolve,
]


@pytest.mark.parametrize("holder", HOLDERS, ids=lambda holder: holder.__qualname__)
def test_sc_02_a_report_shows_no_variable_of_a_function_that_holds_secrets(holder: Any) -> None:
    """The decorator is the outermost one, so that no other frame shows the arguments."""
    assert getattr(holder, "__func__", holder).__code__.co_name == "sensitive_variables_wrapper"
