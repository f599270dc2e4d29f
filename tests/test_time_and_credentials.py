"""Rows RT and SC-11: credentials that run out on the way, clocks, and gevent."""

import json
import os
import subprocess
import sys
import textwrap
from datetime import datetime, timezone

import pytest
from django.utils import timezone as django_timezone

from s3store import errors
from s3store.storage import S3Storage
from tests.faults.proxy import FaultProxy
from tests.optional import needs


def test_rt_03_sc_11_credentials_are_renewed_on_the_way(seaweedfs_options, tmp_path, monkeypatch):
    """A provider whose credentials live for seconds is asked again, within one large save too; nothing fails."""
    calls = tmp_path / "calls"
    provider = tmp_path / "provider.py"
    answer = {
        "Version": 1,
        "AccessKeyId": seaweedfs_options["access_key"],
        "SecretAccessKey": seaweedfs_options["secret_key"],
    }
    provider.write_text(
        textwrap.dedent(
            f"""
            import json
            from datetime import datetime, timedelta, timezone
            with open({str(calls)!r}, "a") as file:
                file.write("x")
            soon = datetime.now(timezone.utc) + timedelta(seconds=2)
            print(json.dumps({{**json.loads({json.dumps(json.dumps(answer))}), "Expiration": soon.isoformat()}}))
            """
        )
    )
    config = tmp_path / "config"
    config.write_text(f"[profile short]\ncredential_process = {sys.executable} {provider}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    options = {name: value for name, value in seaweedfs_options.items() if name not in ("access_key", "secret_key")}
    storage = S3Storage(**options, session_profile="short")
    for number in range(3):
        storage.save(f"{number}.txt", b"x")
    assert storage.save("large.bin", b"x" * (20 << 20)) == "large.bin"
    assert storage.size("large.bin") == 20 << 20
    assert len(calls.read_text()) > 3


def test_rt_01_a_skewed_clock_says_so(moto):
    """S3's refusal because of the time is an error that says to set the clock."""
    body = b"<Error><Code>RequestTimeTooSkewed</Code><Message>m</Message></Error>"
    with FaultProxy(moto.endpoint_url, respond=lambda *_: (403, {}, body)) as proxy:
        storage = S3Storage(
            bucket_name="some-bucket", endpoint_url=proxy.url, access_key="k", secret_key="s", max_attempts=2
        )
        with pytest.raises(errors.ClockSkewError, match="clock"):
            storage.read_bytes("a.txt")


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Tokyo"])
def test_rt_02_times_do_not_follow_the_active_zone(s3_storage, settings, zone):
    """Aware times are UTC; naive ones are in TIME_ZONE, whatever zone a request has activated."""
    s3_storage.save("a.txt", b"x")
    settings.TIME_ZONE = "Europe/Vienna"
    with django_timezone.override(zone):
        settings.USE_TZ = True
        aware = s3_storage.get_modified_time("a.txt")
        settings.USE_TZ = False
        naive = s3_storage.get_modified_time("a.txt")
    assert aware.utcoffset().total_seconds() == 0
    assert abs((datetime.now(timezone.utc) - aware).total_seconds()) < 60
    offset = naive.replace(tzinfo=timezone.utc) - aware
    assert offset.total_seconds() in (3600, 7200)


_GEVENT = """
from gevent import monkey; monkey.patch_all()
import gevent, django
from django.conf import settings
settings.configure(USE_TZ=True)
django.setup()
from s3store.storage import S3Storage
storage = S3Storage(**{options!r})
def work(number):
    name = storage.save("same.txt", str(number))
    # Not one name: SeaweedFS decides a race of PUTs, but lets two of several completed uploads win.
    large = storage.save(f"large-{{number}}.bin", bytes([number]) * (9 << 20))
    return storage.read_text(name) == str(number) and storage.read_bytes(large) == bytes([number]) * (9 << 20)
jobs = [gevent.spawn(work, number) for number in range(6)]
gevent.joinall(jobs)
print(all(job.value for job in jobs), len(list(storage.scan())))
"""


def test_rc_04_gevent(seaweedfs_options):
    """Monkey-patched, saves and reads side by side lose nothing."""
    needs("gevent")
    ran = subprocess.run(
        [sys.executable, "-c", _GEVENT.format(options=seaweedfs_options)],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
        check=False,
    )
    assert ran.stdout.split() == ["True", "12"], ran.stderr
