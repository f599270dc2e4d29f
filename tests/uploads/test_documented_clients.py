"""The clients of the documentation, run as their readers run them: curl and Python against a site."""

from __future__ import annotations

import json
import os
import shutil
import subprocess

import pytest

from s3store import uploads
from s3store.uploads import destinations
from s3store.uploads.owners import owner_of_user
from tests.docs.blocks import DOCS, blocks_of

PAGE = DOCS / "howto" / "uploads-from-other-clients.rst"
MIB = 1 << 20

pytestmark = pytest.mark.django_db(transaction=True)


def block(cls):
    """Return the block of the page with this class."""
    (found,) = (block for block in blocks_of(PAGE) if cls in block.classes)
    return found


def claimed(receipt, label, user):
    """Return the file of a receipt."""
    return uploads.claim(receipt, label=label, destination=destinations.find(label), owner=owner_of_user(user))


@pytest.mark.parametrize("size", [0, 5, 33 * MIB])
def test_the_python_client_uploads_files_of_any_size(live_server, client, user, files, tmp_path, size):
    """A small file in one request, a large one in parts; the receipt is for the file."""
    requests = pytest.importorskip("requests")
    namespace: dict[str, object] = {}
    exec(block("upload-python").compile(), namespace)
    path = tmp_path / "film.mp4"
    path.write_bytes(os.urandom(1024) * (size // 1024) + b"x" * (size % 1024)) if size else path.write_bytes(b"")
    if not size:
        path = path.rename(tmp_path / "empty.txt")
    session = requests.Session()
    session.trust_env = False
    session.cookies.update({name: cookie.value for name, cookie in client.cookies.items()})
    receipt = namespace["upload"](session, live_server.url, uploads.signed_label("files"), path)
    file = claimed(receipt, "files", user)
    assert (file.name, file.size) == (path.name, size)
    assert file.read() == path.read_bytes()
    with pytest.raises(RuntimeError, match="Nothing can be uploaded here"):
        namespace["upload"](session, live_server.url, "unknown", path)


def test_curl_uploads_as_the_page_says(live_server, client, user, files, tmp_path):
    """One presigned form for one file, whose receipt works."""
    if not (shutil.which("curl") and shutil.which("jq")):
        pytest.skip("curl or jq is not installed")
    before = destinations._declared["signed-url"]
    uploads.register("signed-url", uploads.Destination(storage=files.storage))
    try:
        host = live_server.url.removeprefix("http://").partition(":")[0]
        cookies = [f"{host}\tFALSE\t/\tFALSE\t0\t{name}\t{cookie.value}" for name, cookie in client.cookies.items()]
        (tmp_path / "cookies.txt").write_text("# Netscape HTTP Cookie File\n" + "\n".join(cookies) + "\n")
        (tmp_path / "report.pdf").write_bytes(b"%PDF-1.7 ...")
        environment = {"PATH": os.environ["PATH"], "SITE": live_server.url, "NO_PROXY": "*"}
        ran = subprocess.run(
            ["sh", "-ec", block("upload-curl").text],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr + (tmp_path / "signed.json").read_text()
        receipt = json.loads((tmp_path / "signed.json").read_text())["receipt"]
        assert ran.stdout.strip().endswith(receipt)
        file = claimed(receipt, "signed-url", user)
        assert (file.name, file.content_type, file.read()) == ("report.pdf", "application/pdf", b"%PDF-1.7 ...")
    finally:
        destinations._declared["signed-url"] = before
