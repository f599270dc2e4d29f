"""The tutorials, run one after the other as their readers do: files, commands and a session in a new environment."""

from __future__ import annotations

import http.cookiejar
import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import replace

import pytest
import urllib3

from s3store.testing import servers
from tests.distributions import install
from tests.docs.blocks import DOCS, blocks_of

QUICK_START = blocks_of(DOCS / "tutorial" / "quick-start.rst")
SHELL = blocks_of(DOCS / "tutorial" / "five-minutes-in-a-shell.rst")
UPLOADS = blocks_of(DOCS / "tutorial" / "uploads-in-ten-minutes.rst")
PORTAL = blocks_of(DOCS / "tutorial" / "client-portal.rst")
ADMIN = {
    "DJANGO_SUPERUSER_USERNAME": "ann",
    "DJANGO_SUPERUSER_PASSWORD": "a-long-word",
    "DJANGO_SUPERUSER_EMAIL": "ann@example.com",
}
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
            **ADMIN,
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

    def write(self, block):
        """Save a file, or add to it, as its block says."""
        path = self.directory / block.caption
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a" if "append" in block.classes else "w", encoding="utf-8") as file:
            file.write(block.text)


class Browser:
    """What a browser does with a form of direct uploads, over HTTP."""

    def __init__(self, site):
        self.site = site
        self.jar = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar))

    def get(self, path):
        with self.opener.open(self.site + path, timeout=30) as answer:
            return answer.read().decode()

    def send(self, path, data, content_type):
        headers = {"Content-Type": content_type, "X-CSRFToken": self.token}
        request = urllib.request.Request(self.site + path, data.encode(), headers)
        with self.opener.open(request, timeout=30) as answer:
            return answer.geturl(), answer.read().decode()

    def send_form(self, path, **fields):
        fields = urllib.parse.urlencode({"csrfmiddlewaretoken": self.token, **fields})
        return self.send(path, fields, "application/x-www-form-urlencoded")

    @property
    def token(self):
        return next(cookie.value for cookie in self.jar if cookie.name == "csrftoken")

    def log_in(self):
        self.get("/admin/login/")
        path = "/admin/login/?next=/admin/"
        fields = {"username": ADMIN["DJANGO_SUPERUSER_USERNAME"], "password": ADMIN["DJANGO_SUPERUSER_PASSWORD"]}
        assert self.send_form(path, **fields)[0] == f"{self.site}/admin/"

    def upload(self, path, name, content):
        """Upload a file directly to the bucket, send the form of a page, and return the URL where it leads."""
        page = self.get(path)
        destination = re.search(r'data-destination="([^"]+)"', page)[1]
        endpoint = re.search(r'data-endpoint="([^"]+)"', page)[1]
        body = json.dumps({"destination": destination, "name": name, "size": len(content)})
        begun = json.loads(self.send(f"{endpoint}begin/", body, "application/json")[1])
        fields = [*begun["fields"].items(), ("file", (name, content, begun["type"]))]
        answer = urllib3.request("POST", begun["url"], fields=fields, headers={"Origin": self.site})
        assert answer.status in (200, 201, 204), answer.data
        assert answer.headers["Access-Control-Allow-Origin"] in ("*", self.site)
        script = re.search(r'type="module" src="([^"]+)"', page)[1]
        loaded = urllib3.request("GET", urllib.parse.urljoin(self.site, script), headers={"Origin": self.site})
        assert loaded.headers["Access-Control-Allow-Origin"] in ("*", self.site)
        return self.send_form(path, title=name, file=begun["receipt"])[0]


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


def upload_as_the_tutorial_says(reader):
    """Each block of the page about uploads, with an upload where its reader uploads."""
    (port,) = servers._free_ports(1, gap=0)
    address = f"127.0.0.1:{port}"
    site = None
    uploaded = []
    try:
        for block in UPLOADS:
            text = block.text.replace("127.0.0.1:8000", address)
            if {"file", "append"} & set(block.classes):
                reader.write(block)
            elif block.language == "pycon":
                reader.session([replace(block, text=text)])
            elif "runserver" in text:
                site = reader.start("python", "manage.py", "runserver", "--noreload", address)
                uploaded.append(first_upload(site, address))
            else:
                for line in text.splitlines():
                    if "createsuperuser" in line:
                        reader.run("sh", "-ec", f"{line} --noinput")
                    elif line != "python manage.py shell":
                        reader.run("sh", "-ec", line)
            if block.caption == "mysite/urls.py" and site:
                stop(site)
                site = reader.start("python", "manage.py", "runserver", "--noreload", address)
                browser = wait_for(site, address)
                uploaded.append(browser.upload("/upload/", "second.txt", b"another file"))
                assert "second.txt" in browser.get("/")
    finally:
        if site:
            stop(site)
    assert uploaded == [f"http://{address}/admin/library/document/", f"http://{address}/"]


def first_upload(site, address):
    return wait_for(site, address).upload("/admin/library/document/add/", "first.txt", b"a file")


def wait_for(site, address):
    """Wait for the site, log in, and return the browser."""
    browser = Browser(f"http://{address}")
    for _ in range(300):
        assert site.poll() is None, site.stdout.read()
        try:
            browser.log_in()
        except urllib.error.URLError:
            time.sleep(0.1)
        else:
            return browser
    raise TimeoutError(address)


def stop(site):
    site.terminate()
    site.communicate(timeout=30)


def test_the_tutorials_work(reader):
    """Each block of the quick start, then the other pages in the same project."""
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
            "python manage.py s3 setup --public-prefix static/ --dry-run",
            "python manage.py s3 setup --public-prefix static/ --yes",
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
        upload_as_the_tutorial_says(reader)
    finally:
        if server:
            said, _ = server.communicate("\n", timeout=30)
    assert (server.returncode, said) == (0, "")


class Member(Browser):
    """A member of a company in the project of the tutorial about a portal."""

    def __init__(self, site, name):
        super().__init__(site)
        self.get("/login/")
        self.send_form("/login/", username=name, password="a-long-word")

    def act(self, path, action, **fields):
        self.send_form(path, action=action, **fields)
        return self.get(path)

    def upload_into(self, path, name, content):
        page = self.get(path)
        destination = re.search(r'data-destination="([^"]+)"', page)[1]
        endpoint = re.search(r'data-endpoint="([^"]+)"', page)[1]
        body = json.dumps({"destination": destination, "name": name, "size": len(content)})
        begun = json.loads(self.send(f"{endpoint}begin/", body, "application/json")[1])
        fields = [*begun["fields"].items(), ("file", (name, content, begun["type"]))]
        answer = urllib3.request("POST", urllib.parse.urljoin(self.site, begun["url"]), fields=fields)
        assert answer.status in (200, 201, 204), answer.data
        return self.act(path, "upload", files=begun["receipt"])

    def status(self, path):
        try:
            self.get(path)
        except urllib.error.HTTPError as error:
            return error.code
        return 200


def test_the_tutorial_about_a_portal_works(reader):
    """An owner uploads, moves, deletes, takes it back and shares; a recipient reads; a client cannot share."""
    (port,) = servers._free_ports(1, gap=0)
    address = f"127.0.0.1:{port}"
    site = None
    try:
        for block in PORTAL:
            text = block.text.replace("127.0.0.1:8000", address)
            if {"file", "append"} & set(block.classes):
                reader.write(replace(block, text=text))
            elif block.language == "pycon":
                reader.session([block])
            elif "runserver" in text:
                site = reader.start("python", "-u", "manage.py", "runserver", "--noreload", address)
                wait_for(site, address)
            else:
                for line in text.splitlines():
                    if "createsuperuser" in line:
                        reader.run("sh", "-ec", f"{line} --noinput")
                    elif not line.startswith(INSTALLATION) and line != "python manage.py shell":
                        said = reader.run("sh", "-ec", line)
                        assert "manage.py check" not in line or "no issues" in said
        use_the_portal(f"http://{address}")
    finally:
        if site:
            stop(site)


def use_the_portal(site):
    lena = Member(site, "lena")
    root = "/c/nordlicht-solar/files/"
    assert "Nordlicht Solar" in lena.get("/")
    assert "2026" in lena.act(root, "create", name="2026")
    assert "offer.txt" in lena.upload_into(f"{root}2026/", "offer.txt", b"twelve roofs")
    assert lena.get("/c/nordlicht-solar/open/2026/offer.txt") == "twelve roofs"
    assert "offer.txt" not in lena.act(f"{root}2026/", "move", paths="2026/offer.txt", target="")
    assert "offer.txt" not in lena.act(root, "delete", paths="offer.txt")
    assert "offer.txt" in lena.act(root, "undo")
    share = "/c/nordlicht-solar/share/offer.txt"
    lena.get(share)
    page = lena.send_form(share, email="priya@printworks.example", right="view", days="7")[1]
    link = re.search(rf"{site}(/s/[^/]+/)", page)[1]
    guest = Browser(site)
    assert "offer.txt" in guest.get(link)
    assert "priya@printworks.example" in lena.get("/shared-by-us/")
    tom = Member(site, "tom")
    assert "offer.txt" in tom.get(root)
    assert tom.status(share) == 404
