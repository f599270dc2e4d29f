"""What a provider's name stands for, as the providers' documentation has it."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from s3store.conf.options import FIELDS
from s3store.core.providers import PROVIDERS, Provider, is_host_part, nearest, preset

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
    "value",
    [None, "", 5, [], "https://abc.example", "abc.evil.example", "abc/", "a\n", "{0}", "@", "-", "-a", "a-", "a" * 64],
)
def test_a_value_that_is_no_part_of_a_host_makes_no_endpoint(value: Any) -> None:
    """A URL that was pasted for an id, or worse, does not lead requests elsewhere."""
    assert not is_host_part(value)
    assert "endpoint_url" not in preset("r2", {"account_id": value})
    assert "endpoint_url" not in preset("wasabi", {"region_name": value})


@pytest.mark.parametrize("value", ["a", "7", "eu-1", "EU-1", "a--b", "a" * 63])
def test_a_label_of_a_host_is_part_of_one(value: str) -> None:
    """RFC 1123: letters, digits and hyphens, not at either end, 63 at most."""
    assert is_host_part(value)


@pytest.mark.parametrize("name", PROVIDERS)
def test_the_endpoint_says_its_region(name: str) -> None:
    """A region that is part of an endpoint is read from it, and then signed for; where it is not, none is."""
    given, followed = PRESETS[name]
    endpoint_url = followed.get("endpoint_url", "https://s3.eu-1.example.com")
    region = "eu-1" if given == REGION else None
    assert PROVIDERS[name].region_of(endpoint_url) == region
    alone = preset(name, {"endpoint_url": endpoint_url})
    assert alone.get("region_name") == (region or followed.get("region_name"))


@pytest.mark.parametrize(
    ("name", "url", "region"),
    [
        ("b2", "HTTPS://S3.EU-1.BackblazeB2.com:443/", "eu-1"),
        ("b2", "https://s3.backblazeb2.com", None),
        ("b2", "https://s3.eu-1.backblazeb2.com.example", None),
        ("b2", "https://x.s3.eu-1.backblazeb2.com", None),
        ("spaces", "https://my-bucket.nyc3.digitaloceanspaces.com", None),
        ("spaces", "https://.digitaloceanspaces.com", None),
        ("ovh", "https://s3.gra.perf.cloud.ovh.net", None),
        ("exoscale", "https://sos-ch-gva-2.exo.io", "ch-gva-2"),
        ("wasabi", "https://s3.wasabisys.com", None),
        ("wasabi", "http://[::1:9000", None),
        ("wasabi", "http://localhost:9000", None),
        ("minio", "http://minio:9000", None),
        ("wasabi", "", None),
        ("wasabi", None, None),
        ("wasabi", 5, None),
    ],
)
def test_only_the_documented_form_of_an_endpoint_says_a_region(name: str, url: Any, region: str | None) -> None:
    """Whatever else stands there is no reason to sign for it."""
    assert PROVIDERS[name].region_of(url) == region


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


@pytest.mark.parametrize(
    ("name", "host"),
    [
        ("aws", "s3.eu-central-1.amazonaws.com"),
        ("aws", "s3.cn-north-1.amazonaws.com.cn"),
        ("aws", "s3.eusc-de-east-1.amazonaws.eu"),
        ("r2", "abc.eu.r2.cloudflarestorage.com"),
        ("gcs", "storage.europe-west3.rep.googleapis.com"),
        ("ovh", "s3.gra.perf.cloud.ovh.net"),
        ("ovh", "s3.us-east-va.io.cloud.ovh.us"),
        ("tigris", "t3.storage.dev"),
        ("tigris", "fly.storage.tigris.dev"),
    ],
)
def test_each_domain_of_a_provider_is_its_own(name: str, host: str) -> None:
    """Also those that its preset does not use."""
    assert PROVIDERS[name].serves(f"https://{host}")


BOTH = {"path", "virtual"}
STYLES: dict[str, set[str]] = {**dict.fromkeys(PROVIDERS, BOTH), "tigris": {"virtual"}}
WITHOUT_ACLS = {"r2", "b2", "minio", "seaweedfs"}
NO_SIGNED_DOMAINS = {"r2", "b2", "spaces", "hetzner"}


@pytest.mark.parametrize("name", PROVIDERS)
def test_what_a_provider_can_do_is_what_its_documentation_says(name: str) -> None:
    """Addressing styles, ACLs of objects, and URLs that are signed for a domain of one's own."""
    provider = PROVIDERS[name]
    assert set(provider.styles) == STYLES[name]
    assert provider.acls is (name not in WITHOUT_ACLS)
    assert provider.signed_domains is (name not in NO_SIGNED_DOMAINS)
