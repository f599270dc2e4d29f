"""A disk without space: what failed names the directory, nothing is left behind, and sources stay."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile

import pytest

from s3store.core import disk
from s3store.operations.spool import Spool
from tests.docs.blocks import ROOT
from tests.operations.shell.conftest import Shell, quick

resource = pytest.importorskip("resource")

__all__ = ["quick"]

MIB = 1024 * 1024
# The system says EFBIG at this limit, where a full disk says ENOSPC. Not in the process of the tests: moto runs there.
LIMITED = f"""
import resource, sys
from django.core.management import execute_from_command_line
resource.setrlimit(resource.RLIMIT_FSIZE, ({MIB}, {MIB}))
execute_from_command_line(["manage.py", "s3", *sys.argv[1:]])
"""


def run(tmp_path, options, *arguments, **settings):
    """Run the command in a process whose files cannot have more than 1 MiB; return its status, stdout and stderr."""
    stores = {"default": {"BACKEND": "s3store.storage.S3Storage", "OPTIONS": options}}
    stores["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    lines = [f"{name} = {value!r}" for name, value in {"STORAGES": stores, **settings}.items()]
    (tmp_path / "small_settings.py").write_text("\n".join(["from tests.settings import *", *lines]), encoding="utf-8")
    path = os.pathsep.join([str(tmp_path), str(ROOT)])
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "small_settings", "PYTHONPATH": path}
    command = [sys.executable, "-c", LIMITED, *map(str, arguments)]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return ran.returncode, ran.stdout, ran.stderr


@pytest.mark.parametrize("verb", [("cp", "-r"), ("mv", "-r"), ("sync",)], ids=lambda verb: verb[0])
@pytest.mark.parametrize("size", [2, 9], ids=["one-request", "in-pieces"])
def test_a_download_without_space_names_the_file(quick: Shell, tmp_path, verb, size):
    """The other files are complete; of this one nothing stays, and its source stays."""
    quick.default.save("d/large", os.urandom(size * MIB))
    quick.default.save("d/small", b"x")
    target = tmp_path / "target"
    target.mkdir()
    status, _, said = run(tmp_path, quick.options, *verb, "default:d", target)
    assert status == 1
    assert f"large' failed: [Errno 27] File too large: '{target}/large'" in said
    assert os.listdir(target) == ["small"]
    assert quick.default.exists("d/large")


@pytest.mark.parametrize("verb", ["cp", "sync"])
def test_a_compressed_upload_without_space_names_the_temporary_directory(quick: Shell, tmp_path, verb):
    """It is not the disk of the file."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    source = tmp_path / "source"
    source.mkdir()
    (source / "large.txt").write_bytes(os.urandom(2 * MIB).hex().encode())
    options = {**quick.options, "gzip": True, "max_memory_size": 1}
    what = source / "large.txt" if verb == "cp" else source
    more = {"FILE_UPLOAD_TEMP_DIR": str(temporary)}
    status, out, said = run(tmp_path, options, verb, what, "default:", "--json", **more)
    assert (status, quick.default.listdir("")) == (1, ([], []))
    (failed,) = json.loads(out)["failed"]
    assert failed["why"] == f"[Errno 27] File too large: '{temporary}'"
    assert failed["why"] in said
    assert [name for name in os.listdir(temporary) if not name.startswith("s3store-uploads")] == []


def test_a_spool_without_space_names_the_temporary_directory(settings, tmp_path, monkeypatch):
    """Without the setting, it is that of the system."""

    class Full:
        def __init__(self, **_):
            self.file = open("/dev/full", "r+b", buffering=0)  # noqa: SIM115 (closed below)
            self.close = self.file.close
            self.write = self.file.write

        def seek(self, *_):
            return 0

    monkeypatch.setattr(tempfile, "TemporaryFile", Full)
    for directory in (str(tmp_path), None):
        settings.FILE_UPLOAD_TEMP_DIR = directory
        with pytest.raises(OSError, match="No space left on device") as caught, Spool([("a",)], run=1):
            pass
        assert caught.value.filename == (directory or tempfile.gettempdir())


@pytest.mark.parametrize("error", [OSError(28, "full", "theirs"), OSError(5, "broken"), ValueError("no")], ids=repr)
def test_other_errors_are_as_they_were(error):
    """Also one that names a file already."""
    before = str(error)
    with pytest.raises(type(error)) as caught, disk.writing_to("ours"):
        raise error
    assert str(caught.value) == before
