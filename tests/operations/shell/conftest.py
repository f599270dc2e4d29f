"""Storages with aliases, and the command as it is called."""

from __future__ import annotations

import io
import uuid
from dataclasses import dataclass

import pytest
from django.core.files.storage import storages
from django.core.management import call_command
from django.core.management.base import CommandError

from s3store.storage import S3Storage
from s3store.testing.fixtures import options_for


@dataclass
class Ran:
    """What a command printed, and its exit status."""

    out: str
    err: str
    status: int
    error: str = ""


class Shell:
    """Runs subcommands, and knows the storages by their aliases."""

    def __init__(self, settings):
        self._settings = settings

    def add(self, alias: str, backend: str = "s3store.storage.S3Storage", **options) -> S3Storage:
        """Put a storage into STORAGES, and return it."""
        self._settings.STORAGES = {**self._settings.STORAGES, alias: {"BACKEND": backend, "OPTIONS": options}}
        return storages[alias]

    def run(self, *arguments: str, **options) -> Ran:
        """Call a subcommand."""
        out, err = io.StringIO(), io.StringIO()
        status, error = 0, ""
        try:
            call_command("s3", *arguments, stdout=out, stderr=err, **options)
        except CommandError as caught:
            status, error = caught.returncode, str(caught)
        return Ran(out.getvalue(), err.getvalue(), status, error)

    def lines(self, *arguments: str, **options) -> list[str]:
        """Return the lines that a successful subcommand prints."""
        ran = self.run(*arguments, **options)
        assert (ran.status, ran.error) == (0, ""), ran
        return ran.out.splitlines()


@pytest.fixture
def shell(settings, s3_options):
    """`default` and `other` are two locations of one bucket, on each of the servers."""
    made = Shell(settings)
    made.options = s3_options
    made.default = made.add("default", **s3_options)
    made.other = made.add("other", **{**s3_options, "location": uuid.uuid4().hex})
    return made


@pytest.fixture
def quick(settings, moto):
    """The same on moto only, and the alias `far` in another bucket."""
    made = Shell(settings)
    made.options = {**options_for(moto), "location": uuid.uuid4().hex}
    made.default = made.add("default", **made.options)
    made.other = made.add("other", **{**made.options, "location": uuid.uuid4().hex})
    bucket = f"far-{uuid.uuid4().hex[:8]}"
    made.default.client.create_bucket(Bucket=bucket)
    made.far = made.add("far", **{**made.options, "bucket_name": bucket})
    return made


def fill(storage, *names, content=b"content"):
    """Save files, also under keys that are not possible names."""
    for name in names:
        storage.client.put_object(
            Bucket=storage.bucket_name, Key=f"{storage.options.location}/{name}".lstrip("/"), Body=content
        )


def names_in(storage) -> list[str]:
    """Return the names of all files."""
    return sorted(stat.name for stat in storage.scan())
