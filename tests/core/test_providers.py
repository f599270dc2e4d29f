"""What a provider's name stands for, as the providers' documentation has it."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from s3store.core.providers import PROVIDERS, Provider, is_host_part, nearest, preset
from s3store.options import FIELDS

REGION: dict[str, Any] = {"region_name": "eu-1"}
PATH: dict[str, Any] = {"addressing_style": "path"}
VIRTUAL: dict[str, Any] = {"addressing_style": "virtual"}
ASKS_FIRST: dict[str, Any] = {"conditional_writes": False}

PRESETS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "aws": ({}, {}),
    "r2": (
        {"account_id": "abc"},
        {"endpoint_url": "https://abc.r2.cloudflarestorage.com", "region_name": "auto", **PATH},
    ),
    "b2": (REGION, {"endpoint_url": "https://s3.eu-1.backblazeb2.com", **PATH, **ASKS_FIRST}),
    "spaces": (REGION, {"endpoint_url": "https://eu-1.digitaloceanspaces.com", **VIRTUAL, **ASKS_FIRST}),
    "gcs": ({}, {"endpoint_url": "https://storage.googleapis.com", "region_name": "auto", **PATH, **ASKS_FIRST}),
    "wasabi": (REGION, {"endpoint_url": "https://s3.eu-1.wasabisys.com", **PATH, **ASKS_FIRST}),
    "scaleway": (REGION, {"endpoint_url": "https://s3.eu-1.scw.cloud", **VIRTUAL}),
    "hetzner": (REGION, {"endpoint_url": "https://eu-1.your-objectstorage.com", **VIRTUAL, **ASKS_FIRST}),
    "ovh": (REGION, {"endpoint_url": "https://s3.eu-1.io.cloud.ovh.net", **VIRTUAL, **ASKS_FIRST}),
    "linode": (REGION, {"endpoint_url": "https://eu-1.linodeobjects.com", **VIRTUAL, **ASKS_FIRST}),
    "exoscale": (REGION, {"endpoint_url": "https://sos-eu-1.exo.io", **PATH, **ASKS_FIRST}),
    "tigris": ({}, {"endpoint_url": "https://t3.storage.dev", "region_name": "auto", **VIRTUAL}),
    "minio": ({"endpoint_url": "http://minio:9000"}, {"region_name": "us-east-1", **PATH}),
    "ceph": ({"endpoint_url": "https://ceph.example"}, {"region_name": "us-east-1", **PATH}),
    "seaweedfs": ({"endpoint_url": "http://127.0.0.1:8333"}, {"region_name": "us-east-1", **PATH}),
}


@pytest.mark.parametrize("name", PROVIDERS)
def test_a_preset_is_made_of_the_fewest_values(name: str) -> None:
    """The table has every provider, with what must be given and what follows from it."""
    given, followed = PRESETS[name]
    assert preset(name, given) == followed
    assert tuple(given) == PROVIDERS[name].needs
    assert set(followed) <= set(FIELDS)


@pytest.mark.parametrize("name", PROVIDERS)
def test_the_host_of_a_preset_is_one_of_the_provider(name: str) -> None:
    """What the preset sets is never called foreign."""
    provider = PROVIDERS[name]
    endpoint_url = preset(name, PRESETS[name][0]).get("endpoint_url")
    assert endpoint_url is None or provider.serves(endpoint_url)
    assert provider.serves("https://s3.example.com") is (not provider.hosts)
    assert not provider.hosts or not provider.serves(f"https://not{provider.hosts[0]}")
    assert bool(provider.hosts) is not provider.self_hosted


@pytest.mark.parametrize("name", [None, "", "R2", "nobody", 5, [], {}, b"r2"])
def test_an_unknown_provider_stands_for_nothing(name: Any) -> None:
    """Whatever it is; a rule says so."""
    assert preset(name, {"account_id": "abc", "region_name": "eu-1"}) == {}


@pytest.mark.parametrize(
    "value", [None, "", 5, [], "https://abc.example", "abc.evil.example", "abc/", "a\n", "{0}", "@"]
)
def test_a_value_that_is_no_part_of_a_host_makes_no_endpoint(value: Any) -> None:
    """A URL that was pasted for an id, or worse, does not lead requests elsewhere."""
    assert not is_host_part(value)
    assert "endpoint_url" not in preset("r2", {"account_id": value})
    assert "endpoint_url" not in preset("wasabi", {"region_name": value})


def test_only_an_option_that_is_needed_is_part_of_the_endpoint() -> None:
    """An account id does not get into the host of a provider without accounts there."""
    given = {"account_id": "abc", "region_name": "eu-1"}
    assert preset("gcs", given)["endpoint_url"] == "https://storage.googleapis.com"
    assert preset("b2", given)["endpoint_url"] == "https://s3.eu-1.backblazeb2.com"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("R2", "r2"),
        ("cloudflare", "r2"),
        ("Backblaze", "b2"),
        ("DigitalOcean", "spaces"),
        ("google", "gcs"),
        ("mino", "minio"),
        ("wassabi", "wasabi"),
        ("rgw", "ceph"),
        ("?", None),
        ("", None),
    ],
)
def test_the_nearest_provider_is_found(written: str, meant: str | None) -> None:
    """By its name or ours, in any case and with a slip of the pen."""
    assert nearest(written) == meant


def test_a_provider_is_a_value() -> None:
    """Nothing changes one, and what is not said is the safe side."""
    provider = Provider(title="Somebody")
    assert (provider.conditional_writes, provider.needs, provider.endpoint_url({})) == (False, (), None)
    for field in fields(Provider):
        with pytest.raises(AttributeError):
            setattr(provider, field.name, None)
