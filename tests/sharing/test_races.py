"""Limits that hold when many requests come at once: in threads and processes, with a database in a file."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

SCRIPT = """
import sys, threading
from datetime import timedelta
import django
from django.conf import settings

settings.configure(
    SECRET_KEY="tests",
    USE_TZ=True,
    INSTALLED_APPS=["s3store", "django.contrib.auth", "django.contrib.contenttypes", "s3store.sharing"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": sys.argv[1], "OPTIONS": {"timeout": 60}}},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    S3STORE_SHARING={"folder": lambda share: None, "base_url": "https://portal.example"},
)
django.setup()
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.utils.timezone import now
from s3store.sharing import Attempt, Share

if sys.argv[2] == "prepare":
    call_command("migrate", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA journal_mode=WAL")
    lena = User.objects.create_user("lena")
    Share.objects.create(
        path="a", email="a@b.example", token_hash="x", created_by=lena, max_downloads=1,
        expires_at=now() + timedelta(days=1),
    )
else:
    made, found = Share.objects.get(), []
    ready = threading.Barrier(10)

    def work():
        ready.wait()
        found.append((made.take_download(), Attempt.take("password", limit=5, seconds=3600) == 0))
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(10)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    print(sum(took for took, _ in found), sum(tried for _, tried in found), len(found))
"""


@pytest.fixture
def run(tmp_path):
    """A function that starts the script."""
    script = tmp_path / "race.py"
    script.write_text(SCRIPT, encoding="utf-8")

    def start(step):
        command = [sys.executable, str(script), str(tmp_path / "race.sqlite3"), step]
        return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": str(ROOT)})

    return start


def test_sh_11_and_sh_15_twenty_threads_in_two_processes_share_one_limit(run):
    """One download of one, and five tries of five: no process has counters of its own."""
    prepared = run("prepare")
    prepared.communicate()
    assert prepared.returncode == 0
    processes = [run("race"), run("race")]
    counts = [tuple(map(int, process.communicate()[0].split())) for process in processes]
    assert [count[2] for count in counts] == [10, 10]
    assert sum(count[0] for count in counts) == 1
    assert sum(count[1] for count in counts) == 5
