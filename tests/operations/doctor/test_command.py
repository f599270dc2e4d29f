"""manage.py s3 doctor: what it prints, its exit status, and what it leaves behind when it is interrupted."""

import io
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from s3store.operations.doctor import CATALOGUE, Report, examine, findings
from s3store.operations.doctor.findings import finding
from s3store.operations.reports import Watcher
from s3store.storage import S3Storage
from s3store.testing.counting import counted_requests
from s3store.testing.fixtures import options_for
from tests.faults.proxy import FaultProxy
from tests.operations.doctor.conftest import ORIGIN, canned, error, examined, one, storage_at

DENIED = error(403, "AccessDenied")


def configure(settings, server, **aliases):
    """Make STORAGES of aliases with options that differ from those of the server."""
    entry = "s3store.storage.S3Storage"
    settings.STORAGES = {
        alias: options
        if "BACKEND" in options
        else {"BACKEND": entry, "OPTIONS": {**options_for(server), "location": f"command/{alias}", **options}}
        for alias, options in aliases.items()
    }


def run(*arguments, status=0, **options):
    """Run the command. Return what it prints, and check its exit status."""
    out, err = io.StringIO(), io.StringIO()
    found, said = 0, ""
    try:
        call_command("s3", "doctor", *arguments, stdout=out, stderr=err, no_color=True, **options)
    except CommandError as failure:
        found, said = failure.returncode, str(failure)
    assert found == status, out.getvalue() + said
    return out.getvalue(), said


def test_a_storage_in_words(seaweedfs, settings):
    """What works has one line, each finding has its level, what was seen, the meaning, the action and a link."""
    configure(settings, seaweedfs, default={})
    text, _ = run("--origin", ORIGIN)
    assert text.startswith("default: s3store-tests/command/default at http://127.0.0.1:")
    assert "  ok       Signed URLs work.\n" in text
    assert "  note     The server does not have some settings of S3\n" in text
    assert "           More: reference/doctor.html#doctor-setting-missing\n" in text
    assert "0 errors, 0 warnings, " in text.splitlines()[-1]


def test_errors_are_exit_status_1(moto, settings):
    """In words and as JSON."""
    configure(settings, moto, default={"bucket_name": "no-such-bucket"})
    text, said = run(status=1)
    assert "  ERROR    The bucket does not exist" in text
    assert said == "1 error, 0 warnings."
    text, _ = run("--json", status=1)
    document = json.loads(text)
    assert document["errors"] == 1
    assert document["findings"][0]["id"] == "bucket-missing"
    assert document["findings"][0]["docs"] == "reference/doctor.html#doctor-bucket-missing"
    assert (document["bucket"], document["endpoint"]) == ("no-such-bucket", moto.endpoint_url)
    assert document["prefix"] == "command/default/"
    assert document["seconds"] == round(document["seconds"], 3) > 0


def test_commands_are_about_the_storage_that_was_examined(moto, settings):
    """Without --storage, they would change the bucket of another one."""
    missing = {"bucket_name": "no-such-bucket"}
    configure(settings, moto, default=missing, **{"old files": missing})
    assert "with `manage.py s3 setup`." in run(status=1)[0]
    text, _ = run("--storage", "old files", "--json", status=1)
    assert "with `manage.py s3 setup --storage 'old files'`." in json.loads(text)["findings"][0]["action"]


def test_warnings_are_exit_status_3_only_with_strict(moto, settings):
    """Everybody can list the buckets of moto."""
    configure(settings, moto, default={})
    settings.ROOT_URLCONF = "tests.operations.doctor.no_urls"
    run()
    _, said = run("--strict", status=3)
    assert said == "1 warning."


def test_all_storages(moto, settings):
    """A storage that cannot be created does not keep the others from being examined; other storages are left out."""
    configure(
        settings,
        moto,
        default={},
        broken={"BACKEND": "s3store.storage.S3Storage", "OPTIONS": {"bucket": "x"}},
        missing={"BACKEND": "no.such.Storage"},
        local={"BACKEND": "django.core.files.storage.FileSystemStorage"},
        nothing={"BACKEND": None},
        staticfiles={"location": "static", "querystring_auth": False},
    )
    text, _ = run("--all", "--json", status=1)
    reports = {report["storage"]: report for report in json.loads(text)}
    assert set(reports) == {"default", "broken", "missing", "staticfiles"}
    assert [found["id"] for found in reports["broken"]["findings"]] == ["settings-invalid"]
    assert "'bucket' is not an option" in reports["broken"]["findings"][0]["seen"]
    assert [found["id"] for found in reports["missing"]["findings"]] == ["settings-invalid"]
    assert reports["staticfiles"]["passed"]
    text, _ = run("--all", status=1)
    assert "broken\n  ERROR    The storage cannot be used" in text


def test_no_storage_of_s3store(settings):
    """It is wrong usage."""
    settings.STORAGES = {"default": {"BACKEND": "django.core.files.storage.FileSystemStorage"}}
    _, said = run("--all", status=2)
    assert "no storage of s3store" in said
    _, said = run(status=2)
    assert "not an S3Storage" in said
    _, said = run("--storage", "defualt", status=2)
    assert "Did you mean 'default'" in said


def test_the_development_twin(settings, tmp_path):
    """There is nothing to examine."""
    twin = {"BACKEND": "s3store.local.FakeS3Storage", "OPTIONS": {"directory": tmp_path, "allow_without_debug": True}}
    settings.STORAGES = {"default": twin}
    text, _ = run()
    assert "  note     The storage is the development twin" in text
    assert list(tmp_path.iterdir()) == []


def test_a_storage_without_a_bucket(settings):
    """The message is that of the first request."""
    settings.STORAGES = {"default": {"BACKEND": "s3store.storage.S3Storage"}}
    text, _ = run(status=1)
    assert "has no bucket" in text


class Hooked(S3Storage):
    """A storage whose own code fails."""

    def get_object_parameters(self, name):
        raise LookupError("no tenant")


def test_a_storage_whose_code_fails(moto):
    """It is a finding, not a traceback."""
    one(examine(Hooked(**options_for(moto))), "settings-invalid", "no tenant")


def test_a_storage_whose_urls_fail(moto):
    """The other probes run."""

    class Failing(S3Storage):
        def url(self, name, *args, **kwargs):
            raise LookupError("no site")

    storage = storage_at(moto, cls=Failing, custom_domain="cdn.example.com")
    report = examined(storage)
    one(report, "unexpected", "LookupError: no site")
    assert any(text.startswith("Delete") for text in report.passed)


class Told(Watcher):
    """Keeps warnings."""

    def __init__(self):
        self.warnings = []

    def warn(self, text):
        self.warnings.append(text)


def test_an_interrupted_examination_deletes_its_object(moto, monkeypatch):
    """Ctrl-C in the middle: the object is gone, and so is the upload in parts."""
    storage = storage_at(moto)

    def interrupt(headers):
        raise AssertionError("unreachable")

    def interrupted(examination):
        raise KeyboardInterrupt

    monkeypatch.setattr("s3store.operations.doctor.removing._left_over", interrupted)
    with pytest.raises(KeyboardInterrupt):
        examined(storage)
    assert list(storage.scan()) == []
    assert storage.objects.bucket.count_uploads(storage.objects.prefix(""), {}, limit=5) == 0


def test_an_interrupted_examination_names_what_is_left(moto, monkeypatch):
    """If it cannot be deleted, the watcher is told its key."""

    def interrupted(examination):
        raise KeyboardInterrupt

    monkeypatch.setattr("s3store.operations.doctor.removing._left_over", interrupted)
    watcher = Told()
    with canned(moto, ("DELETE", DENIED)) as proxy:
        storage = storage_at(moto, proxy.url)
        with pytest.raises(KeyboardInterrupt):
            examined(storage, watcher=watcher)
    (left,) = (found.name for found in storage_at(moto, location=storage.options.location).scan())
    assert len(watcher.warnings) == 2
    assert all(f"{storage.options.location}/{left}" in text for text in watcher.warnings)


@pytest.mark.parametrize("status", [500, 503])
def test_an_object_whose_save_was_interrupted_is_deleted_too(moto, status):
    """The server stores it, and the response is lost: the examination ends, and leaves nothing."""
    storage = storage_at(moto)
    with canned(moto, ("PUT .*s3store-doctor-", (status, {}, b""))) as proxy:
        report = examined(storage_at(moto, proxy.url, location=storage.options.location))
        methods = [exchange.method for exchange in proxy.log]
    one(report, "unexpected", str(status))
    assert methods.count("PUT") == 2
    assert methods.count("DELETE") == 1


def test_ctrl_c_of_the_command(seaweedfs, tmp_path):
    """A process that gets the signal in the middle leaves nothing, and exits with 130."""
    options = {**options_for(seaweedfs), "location": f"interrupted/{tmp_path.name}"}
    frozen = {"faults": {"freeze": 1.0}, "match": r"^POST .*uploads", "stall_seconds": 300}
    with FaultProxy(seaweedfs.endpoint_url, **frozen) as proxy:
        program = (
            # Shells make processes in the background ignore the signal.
            "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
            "import django; from django.conf import settings\n"
            "settings.configure(INSTALLED_APPS=['s3store'], ALLOWED_HOSTS=['www.example.com'], STORAGES={'default': "
            f"{{'BACKEND': 's3store.storage.S3Storage', 'OPTIONS': {dict(options, endpoint_url=proxy.url)!r}}}}})\n"
            "django.setup()\nfrom django.core.management import execute_from_command_line\n"
            "execute_from_command_line(['manage.py', 's3', 'doctor'])\n"
        )
        child = subprocess.Popen(
            [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=Path.cwd()
        )
        until = time.monotonic() + 60
        while not proxy.requests("PUT") and time.monotonic() < until:
            time.sleep(0.01)
        child.send_signal(signal.SIGINT)
        said = child.communicate(timeout=60)
    assert child.returncode == 130, said
    assert list(S3Storage(**options).scan()) == []


SECRETS = {
    "secret_key": "hunter2secret",
    "security_token": "hunter2token",
    "proxies": {"ftp": "http://ann:hunter2password@proxy"},
    "cloudfront_key_id": "K1",
    "cloudfront_key": b"hunter2pem",
}


@pytest.mark.parametrize("status", [400, 403, 500])
def test_sk_07_no_secret_is_shown(moto, status):
    """Not even if the server repeats it in its message."""
    said = "hunter2secret hunter2pem hunter2token http://ann:hunter2password@proxy \u202eodd"
    with canned(moto, ("GET", error(status, "Odd", said))) as proxy:
        report = examined(storage_at(moto, proxy.url, **SECRETS))
    text = json.dumps(report.json())
    assert "hunter2" not in text
    assert "odd" in text
    assert "\u202e" not in "".join(found.seen for found in report.findings)


@pytest.mark.parametrize(
    ("secret", "shown"), [("s3s", "'s3store-tests'"), ("tests", "'s3store-…'"), ("s3store-tests", "'s3store-tests'")]
)
def test_sk_07_texts_stay_readable(moto, secret, shown):
    """Three characters would be hidden everywhere, and the name of the bucket is not a secret."""
    assert any(text.startswith(f"List: {shown} at") for text in examined(storage_at(moto, secret_key=secret)).passed)


def test_the_requests_are_those_of_the_report(moto):
    """Also those that are not sent by boto3."""
    storage = storage_at(moto, max_attempts=2)
    with counted_requests(storage) as sent:
        report = examined(storage)
    assert len(sent) == report.requests > 20


def test_every_finding_can_be_found(moto):
    """Each id of the catalogue is used by a probe."""
    sources = "".join(
        path.read_text() for path in Path(findings.__file__).parent.glob("*.py") if path.stem != "findings"
    )
    for identifier in CATALOGUE:
        assert f'"{identifier}"' in sources, identifier


def test_findings_have_all_their_words():
    """A word that a probe does not know is an ellipsis, not an error."""
    found = finding("region-wrong", "seen", region="eu-west-3")
    assert found.title == "The bucket is in another region"
    assert "signed for …" in found.meaning
    assert finding("requester-pays", "").action.startswith('Set object_parameters={"RequestPayer"')
    assert Report(alias="x", findings=(found,)).fixable == ()
