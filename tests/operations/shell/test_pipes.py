"""Standard input and output: real processes, as in a shell."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import textwrap
import uuid

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from s3store.core.parts import MIB
from s3store.management.commands.s3 import quieten
from s3store.operations.places import Place, PlaceError
from s3store.operations.shell.copying import save_stream
from s3store.operations.shell.reading import concatenate
from s3store.operations.shell.selecting import select
from s3store.storage import S3Storage
from tests.operations.shell.conftest import fill


@pytest.fixture
def manage(tmp_path, quick):
    """The environment and the arguments of a process that runs subcommands."""
    settings = f"""
        SECRET_KEY = "x"
        INSTALLED_APPS = ["s3store"]
        STORAGES = {{
            "default": {{"BACKEND": "s3store.storage.S3Storage", "OPTIONS": {quick.options!r}}},
            "staticfiles": {{"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}},
        }}
    """
    (tmp_path / "piped_settings.py").write_text(textwrap.dedent(settings))
    path = os.pathsep.join([str(tmp_path), *sys.path])
    environment = {**os.environ, "PYTHONPATH": path, "DJANGO_SETTINGS_MODULE": "piped_settings"}

    def start(*arguments, **options):
        command = [sys.executable, "-m", "django", "s3", *arguments]
        return subprocess.Popen(command, env=environment, stdout=options.pop("to", -1), stderr=-1, **options)

    return start


def test_content_goes_through_pipes_unchanged(manage, quick):
    """Bytes that are no text, from standard input to a file, and back."""
    content = bytes(range(256)) * 40
    process = manage("cp", "-", "default:dump", "--content-type", "application/x-dump", "--metadata", "a=1", stdin=-1)
    out, err = process.communicate(content)
    assert (process.returncode, err) == (0, b"")
    assert out.startswith(b"1 file copied, 10.0 KiB, ")
    stat = quick.default.stat("dump")
    assert (stat.content_type, stat.metadata) == ("application/x-dump", {"a": "1"})
    fill(quick.default, "b", content=b"\xff")
    for arguments in (["cat", "default:dump", "default:b"], ["cp", "default:dump", "default:b", "-"]):
        process = manage(*arguments)
        out, err = process.communicate()
        assert (process.returncode, out, err) == (0, content + b"\xff", b"")


def test_a_reader_that_ends_early_ends_the_command_quietly(manage, quick):
    """With the status that other programs have then: 128 and the number of the signal."""
    fill(quick.default, "big", content=b"x" * MIB * 4)
    process = manage("cat", "default:big", "default:big")
    assert process.stdout.read(10) == b"x" * 10
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait() == 141
    process.stderr.close()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="only Linux has a device that is full")
@pytest.mark.parametrize("arguments", [["cat", "default:a"], ["ls", "default:"], ["ls", "--json", "default:"]], ids=str)
def test_a_full_disk_behind_standard_output(manage, quick, arguments):
    """One sentence and exit status 1, and no traceback: for a few bytes, which Python writes when it exits, too."""
    fill(quick.default, "a")
    with open("/dev/full", "wb") as full:
        process = manage(*arguments, to=full)
        _, err = process.communicate()
    assert (process.returncode, err.decode()) == (1, "CommandError: [Errno 28] No space left on device\n")


def test_an_error_of_the_system_in_this_process(quick):
    """It is the error of the command, and the output of the caller stays as it is."""
    fill(quick.default, "a")

    class Full(io.StringIO):
        def write(self, text):
            raise OSError(28, "No space left on device")

        def flush(self):
            raise OSError(28, "No space left on device")

    with pytest.raises(CommandError, match="No space left on device"):
        call_command("s3", "ls", "default:", stdout=Full())


def test_a_taken_name_is_not_overwritten_from_standard_input(manage, quick):
    """Exit status 1, and --overwrite replaces."""
    fill(quick.default, "a", content=b"old")
    process = manage("cp", "-", "default:a", stdin=-1)
    _, err = process.communicate(b"new")
    assert (process.returncode, quick.default.read_bytes("a")) == (1, b"old")
    assert b"default:a exists. Give --overwrite" in err
    process = manage("cp", "--overwrite", "-", "default:a", stdin=-1)
    process.communicate(b"new")
    assert (process.returncode, quick.default.read_bytes("a")) == (0, b"new")


class Endless(io.RawIOBase):
    """A pipe with so many bytes. It notes how many were taken when the first part arrived."""

    def __init__(self, size):
        super().__init__()
        self.left = size

    def readable(self):
        return True

    def read(self, size=-1):
        assert size > 0
        block = b"x" * min(size, self.left, 64 * 1024)
        self.left -= len(block)
        return block


def test_standard_input_is_sent_in_parts_while_it_arrives(seaweedfs_options, monkeypatch):
    """Nothing is spooled, and the name is free until the end."""
    storage = S3Storage(**seaweedfs_options)
    source = Endless(20 * MIB)
    left = []
    bucket = type(storage.objects.bucket)
    real = bucket.upload_part

    def upload_part(self, *arguments):
        left.append(source.left)
        return real(self, *arguments)

    monkeypatch.setattr(bucket, "upload_part", upload_part)
    summary = save_stream(source, Place(path="x", storage=storage))
    assert (summary.size, storage.size("x")) == (20 * MIB, 20 * MIB)
    assert left[0] >= 2 * MIB
    with pytest.raises(FileExistsError, match="Give --overwrite"):
        save_stream(Endless(9 * MIB), Place(path="x", storage=storage))
    assert storage.size("x") == 20 * MIB


def test_a_broken_source_saves_nothing(seaweedfs_options):
    """And leaves no parts."""
    storage = S3Storage(**seaweedfs_options)

    class Broken(Endless):
        def read(self, size=-1):
            if self.left < 2 * MIB:
                raise OSError("the pipe broke")
            return super().read(size)

    with pytest.raises(OSError, match="the pipe broke"):
        save_stream(Broken(20 * MIB), Place(path="x", storage=storage))
    assert not storage.exists("x")
    found = storage.client.list_multipart_uploads(Bucket=storage.bucket_name, Prefix=storage.options.location)
    assert found.get("Uploads", []) == []


def test_places_that_no_stream_can_have(quick):
    """A directory, and a local path."""
    for place in (Place(path="x"), Place(path="", storage=quick.default), Place(path="d/", storage=quick.default)):
        with pytest.raises(PlaceError, match="give the name of a file"):
            save_stream(io.BytesIO(), place)


def test_a_tree_is_concatenated(quick):
    """In the order of the names, without the objects that mark folders; a key that is not a name raises."""
    for name in "abc":
        fill(quick.default, f"d/{name}", content=name.encode())
    fill(quick.default, "d/", content=b"")
    assert quick.run("cat", "-r", "default:d").out == "abc"
    assert quick.run("cp", "-r", "default:d", "-").out == "abc"
    assert quick.run("cat", "default:d").status == 2
    fill(quick.default, "d//x")
    ran = quick.run("cat", "-r", "default:d/")
    assert (ran.status, "is not a possible name" in ran.error) == (1, True)
    file = io.BytesIO()
    assert concatenate([select(Place(path="d/a", storage=quick.default))], file) == 1


def test_quieten_leaves_other_streams_alone(tmp_path):
    """Those without a descriptor; what a stream with one still holds goes nowhere."""
    for stream in (io.StringIO(), object()):
        quieten(stream)
    path = tmp_path / uuid.uuid4().hex
    with path.open("w") as stream:
        stream.write("lost")
        quieten(stream)
    assert path.read_text() == ""


def test_the_command_reads_and_writes_in_this_process(quick, monkeypatch):
    """Standard input is the one of Python; a reader that ends early is no error of the command."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"dump")))
    assert quick.lines("cp", "-", "default:x")[0].startswith("1 file copied, 4 B")
    assert quick.default.read_bytes("x") == b"dump"

    class Closed(io.StringIO):
        def write(self, text):
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stdout", io.StringIO())
    with pytest.raises(SystemExit) as caught:
        call_command("s3", "cat", "default:x", stdout=Closed())
    assert caught.value.code == 141
