"""The tutorials, run one after the other as their readers do: files, commands and a session in a new environment."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import urllib.request

import pytest

from s3store.testing import servers
from tests.distributions import install
from tests.docs.blocks import DOCS, blocks_of

QUICK_START = blocks_of(DOCS / "tutorial" / "quick-start.rst")
SHELL = blocks_of(DOCS / "tutorial" / "five-minutes-in-a-shell.rst")
# What the environment of the test stands for.
INSTALLATION = ("python -m venv venv", ". venv/bin/activate", "pip install ")
SESSION = """
import doctest
failed, tried = doctest.testfile("session.txt", module_relative=False, optionflags=doctest.ELLIPSIS)
assert tried and not failed
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.xdist_group("packaging"),
    pytest.mark.skipif(not servers.seaweedfs_available(), reason="no weed binary"),
]


class Reader:
    """Somebody who follows the pages in an empty directory, with only the new environment."""

    def __init__(self, directory, programs):
        self.directory = directory
        self.environment = {
            "PATH": os.pathsep.join([str(programs), "/usr/bin", "/bin"]),
            "HOME": str(directory),
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def run(self, *command, **options):
        ran = subprocess.run(
            command, cwd=self.directory, env=self.environment, capture_output=True, text=True, check=False, **options
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout

    def start(self, *command):
        return subprocess.Popen(
            command,
            cwd=self.directory,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def session(self, blocks):
        """Type the sessions into `manage.py shell`, and compare what it says."""
        text = "\n".join(block.text for block in blocks if block.language == "pycon")
        (self.directory / "session.txt").write_text(text, encoding="utf-8")
        self.run("python", "manage.py", "shell", "-c", SESSION)


@pytest.fixture(scope="module")
def programs(distributions, tmp_path_factory):
    """The programs of an environment with the wheel and what `s3store[testing]` requires."""
    (wheel,) = distributions.glob("*.whl")
    return install(tmp_path_factory.mktemp("reader") / "venv", wheel, "testing")


@pytest.fixture
def reader(programs, tmp_path):
    """A reader in an empty directory."""
    return Reader(tmp_path, programs)


def test_the_environment_has_nothing_of_the_developers(reader):
    """What a page forgets to install is missing here, too."""
    found = reader.run("python", "-c", "import s3store, sys; print(s3store.__file__, *sys.path)")
    assert str(DOCS.parent) not in found
    assert sys.prefix not in found
    code = "import importlib.util as u; print([n for n in ('PIL', 'sphinx', 'mypy', 'playwright') if u.find_spec(n)])"
    assert reader.run("python", "-c", code) == "[]\n"


def test_the_tutorials_work(reader):
    """Each block of the quick start, then the second page in the same project."""
    # A test has no fixed port.
    (port,) = servers._free_ports(1, gap=servers._GRPC_OFFSET)
    done = []
    server = None
    try:
        for block in QUICK_START:
            text = block.text.replace("9000", str(port))
            if block.language == "sh":
                for line in text.splitlines():
                    if not line.startswith(INSTALLATION) and line != "python manage.py shell":
                        done.append((line, reader.run("sh", "-ec", line)))
            elif "s3-server" in block.classes:
                (reader.directory / "s3.py").write_text(text, encoding="utf-8")
                server = reader.start("python", "s3.py")
                said = ""
                while not said.endswith("Enter stops it. ") and server.poll() is None:
                    said += server.stdout.read(1)
                assert said == f"The S3 server is http://127.0.0.1:{port}. Enter stops it. "
            elif "settings" in block.classes:
                with (reader.directory / "mysite" / "settings.py").open("a", encoding="utf-8") as file:
                    file.write(text)
        said = dict(done)
        assert list(said) == [
            "django-admin startproject mysite .",
            "python manage.py check",
            "python manage.py collectstatic --noinput",
        ]
        assert "no issues" in said["python manage.py check"]
        assert "static files copied" in said["python manage.py collectstatic --noinput"]
        reader.session(QUICK_START)
        code = "from django.templatetags.static import static; print(static('admin/css/base.css'))"
        address = re.search(r"http\S+", reader.run("python", "manage.py", "shell", "-c", code))
        with urllib.request.urlopen(address[0]) as answer:
            assert answer.headers["Content-Type"] == "text/css"
        reader.session(SHELL)
    finally:
        if server:
            said, _ = server.communicate("\n", timeout=30)
    assert (server.returncode, said) == (0, "")
