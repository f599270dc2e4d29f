"""A storage that names its provider needs little else."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.files.base import ContentFile
from django.test import override_settings

from s3store.conf import rules
from s3store.conf.options import FIELDS
from s3store.core.providers import PROVIDERS
from s3store.storage import S3Storage
from s3store.testing.counting import counted_requests
from s3store.wire.client import get_client, sends_own_checksums
from tests.docs.blocks import DOCS, table

KEYS = {"access_key": "AK", "secret_key": "SK"}

# provider: the fewest values, then a bucket's URL and the region in signatures, as its documentation has them
DOCUMENTED: dict[str, tuple[dict[str, Any], str, str]] = {
    "aws": ({"region_name": "eu-central-1"}, "https://my-bucket.s3.eu-central-1.amazonaws.com", "eu-central-1"),
    "r2": ({"account_id": "abc"}, "https://abc.r2.cloudflarestorage.com/my-bucket", "auto"),
    "b2": ({"region_name": "us-west-004"}, "https://s3.us-west-004.backblazeb2.com/my-bucket", "us-west-004"),
    "spaces": ({"region_name": "nyc3"}, "https://my-bucket.nyc3.digitaloceanspaces.com", "nyc3"),
    "gcs": ({}, "https://storage.googleapis.com/my-bucket", "auto"),
    "wasabi": ({"region_name": "eu-central-1"}, "https://s3.eu-central-1.wasabisys.com/my-bucket", "eu-central-1"),
    "scaleway": ({"region_name": "fr-par"}, "https://my-bucket.s3.fr-par.scw.cloud", "fr-par"),
    "hetzner": ({"region_name": "fsn1"}, "https://my-bucket.fsn1.your-objectstorage.com", "fsn1"),
    "ovh": ({"region_name": "gra"}, "https://my-bucket.s3.gra.io.cloud.ovh.net", "gra"),
    "linode": ({"region_name": "eu-central-1"}, "https://my-bucket.eu-central-1.linodeobjects.com", "eu-central-1"),
    "exoscale": ({"region_name": "ch-gva-2"}, "https://sos-ch-gva-2.exo.io/my-bucket", "ch-gva-2"),
    "tigris": ({}, "https://my-bucket.t3.storage.dev", "auto"),
    "minio": ({"endpoint_url": "https://minio.example"}, "https://minio.example/my-bucket", "us-east-1"),
    "ceph": ({"endpoint_url": "https://ceph.example"}, "https://ceph.example/my-bucket", "us-east-1"),
    "seaweedfs": ({"endpoint_url": "https://weed.example"}, "https://weed.example/my-bucket", "us-east-1"),
}


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_fewest_values_lead_to_the_documented_place(provider: str) -> None:
    """boto3 sends requests there and signs for the region; no check has anything to say."""
    given, url, region = DOCUMENTED[provider]
    storage = S3Storage(provider=provider, bucket_name="my-bucket", **KEYS, **given)
    assert list(rules.problems(storage.resolve(), warnings=True)) == []
    signed = get_client(storage.options).generate_presigned_url(
        "get_object", Params={"Bucket": "my-bucket", "Key": "a.txt"}
    )
    assert signed.partition("?")[0] == f"{url}/a.txt"
    assert parse_qs(urlsplit(signed).query)["X-Amz-Credential"][0].split("/")[2] == region


@pytest.mark.parametrize("provider", PROVIDERS)
def test_newer_checksums_go_to_aws_alone(provider: str) -> None:
    """Nobody else documents the trailers that boto3 sends them in."""
    options = S3Storage(provider=provider, **KEYS, **DOCUMENTED[provider][0]).options
    assert sends_own_checksums(get_client(options)) is (provider == "aws")


@pytest.mark.parametrize("provider", [name for name in PROVIDERS if PROVIDERS[name].needs == ("region_name",)])
def test_an_endpoint_alone_leads_to_the_same_place(provider: str) -> None:
    """The region in its host is the one that is signed for, as if it had been given; one that is given wins."""
    given, url, region = DOCUMENTED[provider]
    endpoint_url = S3Storage(provider=provider, **given).options.endpoint_url
    storage = S3Storage(provider=provider, bucket_name="my-bucket", endpoint_url=endpoint_url, **KEYS)
    assert list(rules.problems(storage.resolve(), warnings=True)) == []
    signed = storage.url("a.txt")
    assert signed.startswith(f"{url}/")
    assert parse_qs(urlsplit(signed).query)["X-Amz-Credential"][0].split("/")[2] == region
    assert S3Storage(provider=provider, endpoint_url=endpoint_url, region_name="x").options.region_name == "x"


# option, value in the preset of Tigris, value given
GIVEN = [
    ("endpoint_url", "https://t3.storage.dev", "https://fly.storage.tigris.dev"),
    ("region_name", "auto", "eu-central-1"),
    ("addressing_style", "virtual", "auto"),
]


@pytest.mark.parametrize(("option", "preset", "given"), GIVEN, ids=[row[0] for row in GIVEN])
def test_what_is_given_wins_over_the_preset(option: str, preset: str, given: str) -> None:
    """Wherever it is given: OPTIONS, the class or a setting. The preset is a place with a name."""
    subclass: Any = type("Subclass", (S3Storage,), {option: given})
    setting = {"endpoint_url": "AWS_S3_ENDPOINT_URL", "region_name": "AWS_S3_REGION_NAME"}.get(
        option, "AWS_S3_ADDRESSING_STYLE"
    )
    resolved = S3Storage(provider="tigris").resolve()
    assert getattr(resolved.options, option) == preset
    assert resolved.sources[option] == "the preset of provider 'tigris'"
    assert getattr(S3Storage(provider="tigris", **{option: given}).options, option) == given
    assert getattr(subclass(provider="tigris").options, option) == given
    with override_settings(**{setting: given}):
        assert getattr(S3Storage(provider="tigris").options, option) == given


def test_the_provider_and_its_values_may_stand_in_different_places() -> None:
    """The preset comes last, so a region in the settings becomes part of the endpoint of a class's provider."""

    class Public(S3Storage):
        provider = "b2"

    with override_settings(AWS_S3_REGION_NAME="eu-central-003", AWS_S3_PROVIDER="r2", AWS_S3_ACCOUNT_ID="abc"):
        assert Public(account_id=None).options.endpoint_url == "https://s3.eu-central-003.backblazeb2.com"
        assert S3Storage().options.endpoint_url == "https://abc.r2.cloudflarestorage.com"
        assert S3Storage().options.region_name == "eu-central-003"
        assert S3Storage(region_name="auto").options.region_name == "auto"


def test_conditional_writes_can_be_switched_on() -> None:
    """For who knows better than the documentation."""
    spaces = {"provider": "spaces", "region_name": "nyc3"}
    assert S3Storage(**spaces).options.conditional_writes is False
    assert S3Storage(**spaces, conditional_writes=True).options.conditional_writes is True
    assert S3Storage(provider="tigris").options.conditional_writes is True


def test_none_switches_a_provider_off() -> None:
    """One storage at AWS in a project at another provider."""
    with override_settings(AWS_S3_PROVIDER="gcs"):
        assert S3Storage().options.endpoint_url == "https://storage.googleapis.com"
        assert S3Storage(provider=None).options.endpoint_url is None


def test_names_outside_aws_are_not_measured_by_its_rules() -> None:
    """A provider's bucket may have a name that AWS would not create; one at AWS may not."""
    for provider, ids in (("gcs", []), ("aws", ["s3store.W003"])):
        resolved = S3Storage(provider=provider, bucket_name="my_bucket").resolve()
        assert [problem.id for problem in rules.problems(resolved, warnings=True)] == ids


@pytest.mark.parametrize("provider", ["seaweedfs", "minio", "ceph"])
def test_a_server_of_ones_own_takes_and_gives_files(provider: str, seaweedfs_options: dict[str, Any]) -> None:
    """Endpoint, bucket and keys are enough; the server itself refuses to replace a file."""
    del seaweedfs_options["region_name"]
    storage = S3Storage(provider=provider, **seaweedfs_options)
    with counted_requests(storage) as requests:
        name = storage.save("ä b.txt", ContentFile(b"first"))
    assert requests.methods == ["PUT"]
    assert storage.save("ä b.txt", ContentFile(b"second")) != name
    with storage.open(name) as file:
        assert file.read() == b"first"


def test_a_provider_without_conditional_writes_is_asked_first(seaweedfs_options: dict[str, Any]) -> None:
    """B2 answers 501 to the header; the preset does without, for one request more."""
    storage = S3Storage(provider="b2", **{**seaweedfs_options, "region_name": "us-west-004"})
    with counted_requests(storage) as requests:
        name = storage.save("a.txt", ContentFile(b"first"))
    assert requests.methods == ["HEAD", "PUT"]
    assert re.fullmatch(r"a_\w+\.txt", storage.save("a.txt", ContentFile(b"second")))
    assert storage.read_bytes(name) == b"first"


def test_the_page_about_providers_says_what_the_presets_say() -> None:
    """Its table, row by row, and a section with settings for each provider."""
    page = DOCS / "howto" / "providers.rst"
    said = [[cell.replace("`", "") for cell in row] for row in table(page)]
    settings = {name: FIELDS[name].metadata["settings"][0] for name in ("account_id", "region_name", "endpoint_url")}
    assert said == [
        [
            name,
            provider.title,
            ", ".join(settings[needed] for needed in provider.needs) or "nothing",
            "yes" if provider.conditional_writes else "no",
            "yes" if provider.acls else "no",
            "" if provider.signed_domains else "no",
        ]
        for name, provider in PROVIDERS.items()
    ]
    text = page.read_text(encoding="utf-8")
    assert [provider.title for provider in PROVIDERS.values() if f"\n{provider.title}\n===" not in text] == []
    assert re.findall(r'^   AWS_S3_PROVIDER = "(\w+)"$', text, re.MULTILINE) == list(PROVIDERS)
