"""A project with static files of its own, for tests that publish them: in this process or in a child."""

import io
import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

from django.core.files.storage import storages
from django.core.management import call_command

ROOT = Path(__file__).parent.parent
FILES_ALONE = ["django.contrib.staticfiles.finders.FileSystemFinder"]
SETTINGS = {
    "bucket_name": "AWS_STORAGE_BUCKET_NAME",
    "endpoint_url": "AWS_S3_ENDPOINT_URL",
    "access_key": "AWS_S3_ACCESS_KEY_ID",
    "secret_key": "AWS_S3_SECRET_ACCESS_KEY",
    "region_name": "AWS_S3_REGION_NAME",
    "location": "STATICFILES_LOCATION",
}
PLAIN = "s3store.storage.S3StaticStorage"
MANIFEST = "s3store.storage.S3ManifestStaticStorage"


class Site:
    """Static files below `directory`, and a storage with `options` where they are published."""

    def __init__(self, settings, directory, options):
        self.settings = settings
        self.directory = directory
        # Not as OPTIONS: Django 4.2 drops those of an overridden STORAGES.
        self.flat = {SETTINGS[name]: value for name, value in options.items()}
        for name, value in self.flat.items():
            setattr(settings, name, value)
        settings.STATICFILES_FINDERS = FILES_ALONE
        settings.STATICFILES_DIRS = [directory]
        self.use(PLAIN)

    def use(self, backend, **flat):
        """Choose the class of the storage, and settings of its options."""
        self.backend = backend
        self.flat |= flat
        for name, value in flat.items():
            setattr(self.settings, name, value)
        self.settings.STORAGES = {**self.settings.STORAGES, "staticfiles": {"BACKEND": backend}}
        return self

    def write(self, files):
        """Write files, str as UTF-8."""
        for name, content in files.items():
            path = self.directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        return self

    def fill(self, count, size=200):
        """Write so many files that refer to nothing, each with a content of its own."""
        return self.write(
            {f"d{number % 20:02}/f{number:05}.txt": f"{number}\n" + "x" * size for number in range(count)}
        )

    @property
    def storage(self):
        return storages["staticfiles"]

    def twin(self):
        """Return another storage like it, which knows nothing yet."""
        return type(self.storage)()

    def contents(self):
        """Return what is in the bucket, by names."""
        fresh = self.twin()
        return {stat.name: fresh.read_bytes(stat.name) for stat in fresh.scan()}

    def collect(self, **options):
        """Run the command and return what it says."""
        out = io.StringIO()
        call_command("collectstatic", interactive=False, stdout=out, **{"stderr": out, **options})
        return out.getvalue()

    def child(self, tmp_path, *flags, settings="", **popen):
        """Start the command in a process of its own; `settings` is added to its settings file."""
        lines = [
            "from tests.settings import *",
            *(f"{name} = {value!r}" for name, value in self.flat.items()),
            f"STATICFILES_DIRS = [{str(self.directory)!r}]",
            f"STATICFILES_FINDERS = {FILES_ALONE!r}",
            "STORAGES = {'default': {'BACKEND': 'django.core.files.storage.FileSystemStorage'},",
            f"            'staticfiles': {{'BACKEND': {self.backend!r}}}}}",
            settings,
        ]
        (tmp_path / "site_settings.py").write_text("\n".join(lines), encoding="utf-8")
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "site_settings",
            "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)]),
        }
        command = [sys.executable, "-m", "django", "collectstatic", "--noinput", *flags]
        streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        # Whoever runs these tests in the background has had SIGINT ignored, and children inherit that.
        streams["preexec_fn"] = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
        return subprocess.Popen(command, env=environment, cwd=tmp_path, **{**streams, **popen})


def without_copies(contents):
    """Return the files without the copies of manifests."""
    return {name: content for name, content in contents.items() if not is_copy(name)}


def is_copy(name):
    return name.startswith("staticfiles.") and name.endswith(".json") and name != "staticfiles.json"
