"""Download Django's tests, start SeaweedFS, and run the tests of `file_storage` and `staticfiles_tests`."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import django
from django.conf import settings

LABELS = ("file_storage", "staticfiles_tests.test_storage", "staticfiles_tests.test_management")


def download(directory: Path) -> Path:
    """Return the folder of the tests of the installed Django."""
    version = django.get_version()
    what = ["--no-deps", "--no-binary", "django", "--dest", str(directory), f"django=={version}"]
    subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", *what], check=True)
    (archive,) = directory.glob("*.tar.gz")
    with tarfile.open(archive) as packed:
        packed.extractall(directory, filter="data")
    return directory / archive.name.removesuffix(".tar.gz") / "tests"


def main(labels: list[str]) -> int:
    """Run the tests, and return the exit status of Django's runtests.py."""
    settings.configure()
    from s3store.storage import S3Storage
    from s3store.testing.fixtures import options_for
    from s3store.testing.servers import seaweedfs_server
    from tests.static_site import SETTINGS

    with tempfile.TemporaryDirectory() as name, seaweedfs_server(Path(name) / "server") as server:
        tests = download(Path(name))
        options = options_for(server)
        S3Storage(**options).client.create_bucket(Bucket=options["bucket_name"])
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
            **{f"S3STORE_{SETTINGS[name]}": value for name, value in options.items()},
            "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
        }
        command = [sys.executable, "runtests.py", "--settings=tests.djangos_own.project", "--parallel=1", *labels]
        return subprocess.run(command, cwd=tests, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or list(LABELS)))
