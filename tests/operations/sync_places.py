"""Places for the tests of sync and verify: a directory, and storages in STORAGES."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from functools import partial

from django.core.files.storage import storages
from django.core.management import call_command
from django.core.management.base import CommandError

from s3store.operations.places import Place
from s3store.operations.reports import Watcher
from s3store.storage import S3Storage
from tests.docs.blocks import ROOT


class Steps(Watcher):
    """Keeps what it is told."""

    def __init__(self):
        self.steps = []
        self.warnings = []

    def step(self, step):
        self.steps.append(step)

    def warn(self, text):
        self.warnings.append(text)

    @property
    def done(self):
        """The operations by name."""
        return {step.name: step.op for step in self.steps}


def fill(directory, files):
    """Write the files, by names."""
    for name, content in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return directory


def files_in(directory):
    """The content of all files of a directory, by names."""
    found = {}
    for path, _, names in os.walk(directory):
        for name in names:
            with open(os.path.join(path, name), "rb") as file:
                found[os.path.relpath(os.path.join(path, name), directory)] = file.read()
    return found


def objects_in(storage, path=""):
    """The content of all files of a storage below a path, by names relative to it."""
    start = len(path) and len(path.rstrip("/")) + 1
    return {stat.name[start:]: storage.read_bytes(stat.name) for stat in storage.scan(path)}


def storage_at(options, **more):
    return S3Storage(**{**options, **more})


def place(storage, path=""):
    return Place(path=path, storage=storage, alias="default")


def local(path):
    return Place(path=os.fspath(path))


def run(*arguments, verb="sync", **options):
    """Run the command, and return what it printed on both streams, and its error."""
    out, err, error = io.StringIO(), io.StringIO(), None
    try:
        call_command("s3", verb, *map(str, arguments), stdout=out, stderr=err, no_color=True, **options)
    except CommandError as caught:
        error = caught
    return out.getvalue(), err.getvalue(), error


def run_json(*arguments, **options):
    out, _, error = run(*arguments, "--json", **options)
    return json.loads(out), error


def use(settings, **aliases):
    """Put storages into STORAGES: options by alias."""
    settings.STORAGES = {
        **settings.STORAGES,
        **{alias: {"BACKEND": "s3store.storage.S3Storage", "OPTIONS": options} for alias, options in aliases.items()},
    }
    storages._backends = None
    storages._storages.clear()


def child(tmp_path, arguments, **aliases):
    """Start the command in a process of its own, with these storages."""
    storages_ = {
        alias: {"BACKEND": "s3store.storage.S3Storage", "OPTIONS": options} for alias, options in aliases.items()
    }
    storages_["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    text = f"from tests.settings import *\nSTORAGES = {storages_!r}\n"
    (tmp_path / "site_settings.py").write_text(text, encoding="utf-8")
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "site_settings",
        "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)]),
    }
    command = [sys.executable, "-m", "django", "s3", *map(str, arguments)]
    return subprocess.Popen(
        command,
        env=environment,
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Whoever runs these tests in the background has had SIGINT ignored, and children inherit that.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )
