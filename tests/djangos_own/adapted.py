"""Our storages with the arguments of Django's FileSystemStorage, for Django's tests."""

from __future__ import annotations

import csv
import os
import shutil
import sys
import types
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.staticfiles import finders  # noqa: F401 (before the replacement: finders read local files)
from django.contrib.staticfiles import storage as static
from django.core.files import storage as files
from django.test.runner import DiscoverRunner
from django.test.utils import iter_test_cases

from s3store.core.urls import quote_key
from s3store.storage import S3ManifestStaticStorage, S3StaticStorage, S3Storage


class Adapted:
    """A storage whose location is a directory, and whose URLs begin with `base_url`, as those of FileSystemStorage."""

    OS_OPEN_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL  # a test changes it
    directory, address = "MEDIA_ROOT", "MEDIA_URL"
    bucket_name: str

    def __init__(
        self,
        location: str | os.PathLike[str] | None = None,
        base_url: str | None = None,
        file_permissions_mode: int | None = None,
        directory_permissions_mode: int | None = None,
        *,
        allow_overwrite: bool = False,
        **options: Any,
    ) -> None:
        self._local, self._base_url = location, base_url
        super().__init__(**options, **({"file_overwrite": True} if allow_overwrite else {}))

    @property
    def location(self) -> str:
        return str(getattr(settings, self.directory) if self._local is None else self._local).strip("/")

    @property
    def base_url(self) -> str:
        base = getattr(settings, self.address) if self._base_url is None else self._base_url
        return base if base.endswith("/") else f"{base}/"

    def url(self, name: str, *args: Any, **kwargs: Any) -> str:
        url = super().url(name, *args, **kwargs)  # type: ignore[misc]
        root = f"/{self.bucket_name}/{quote_key(self.location)}/"
        parts = urlsplit(url)
        return self.base_url + url.partition(root)[2] if parts.path.startswith(root) else url


class Files(Adapted, S3Storage):
    querystring_auth = False


class Static(Adapted, S3StaticStorage):
    directory, address = "STATIC_ROOT", "STATIC_URL"


class Manifest(Adapted, S3ManifestStaticStorage):
    directory, address = "STATIC_ROOT", "STATIC_URL"


def replace_djangos() -> None:
    """Put our storages in the place of Django's."""
    files.FileSystemStorage = Files
    static.StaticFilesStorage = Static
    static.ManifestStaticFilesStorage = Manifest


def exceptions() -> set[str]:
    """Return the tests that are left out: `test`, `Class` or `Class.test`."""
    with (Path(__file__).parent / "exceptions.csv").open(encoding="utf-8", newline="") as file:
        return {row["test"] for row in csv.DictReader(file)}


def _published(self: Any, filepath: str) -> str:
    with static.staticfiles_storage.open(filepath) as file:
        return file.read().decode()


def _key(path: Any) -> str:
    return str(path).strip("/")


class _Disk(types.ModuleType):
    """The modules os and shutil, whose local files include those that a storage has in the directory."""

    def __init__(self) -> None:
        super().__init__("os")
        self._files = S3Storage()
        self.path = types.SimpleNamespace(**{**vars(os.path), "exists": self._exists})

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name) if hasattr(os, name) else getattr(shutil, name)

    def _exists(self, path: Any) -> bool:
        return os.path.exists(path) or self._files.exists(_key(path))

    def listdir(self, path: Any) -> list[str]:
        directories, names = self._files.listdir(_key(path))
        return sorted({*os.listdir(path), *directories, *names} if os.path.exists(path) else {*directories, *names})

    def mkdir(self, path: Any) -> None:
        os.mkdir(path)
        self._files.create_folder(_key(path))

    def rmtree(self, path: Any, *args: Any, **kwargs: Any) -> None:
        if os.path.exists(path):
            shutil.rmtree(path, *args, **kwargs)
        self._files.delete_tree(_key(path))
        self._files.delete(_key(path))


class Runner(DiscoverRunner):
    """Leaves out the exceptions, and lets tests find in the storage what they look for on the disk."""

    def build_suite(self, *args: Any, **kwargs: Any) -> Any:
        suite = super().build_suite(*args, **kwargs)
        if module := sys.modules.get("staticfiles_tests.cases"):
            module.CollectionTestCase._get_file = _published
            module.TEST_SETTINGS["INSTALLED_APPS"].insert(0, "s3store")
        if module := sys.modules.get("file_storage.tests"):
            module.os = module.shutil = _Disk()
        names = exceptions()
        kept = [test for test in iter_test_cases(suite) if not names & set(_names(test))]
        return self.test_suite(kept)


def _names(test: Any) -> tuple[str, str, str]:
    case, name = type(test).__name__, test._testMethodName
    return case, name, f"{case}.{name}"
