"""What runs of collectstatic cost: the last one that sent something, and the last one that had nothing to send."""

import json
import subprocess
import sys
from typing import Any

from django.conf import settings
from django.utils import timezone

SECONDS = 60


def note(summary: dict[str, Any]) -> None:
    """Keep the figures of a run, by whether it sent something. One that only would have is not kept."""
    if summary.get("upload") or summary.get("delete"):
        return
    kind = "sent" if summary["uploaded"] or summary["deleted"] else "unchanged"
    runs = {**noted(), kind: {**summary, "at": timezone.now().isoformat()}}
    settings.STATIC_RUNS.write_text(json.dumps(runs))


def noted() -> dict[str, Any]:
    """Return the figures that were kept."""
    try:
        runs: dict[str, Any] = json.loads(settings.STATIC_RUNS.read_text())
    except (OSError, ValueError):
        return {}
    return runs


def would_do() -> dict[str, Any]:
    """Return what collectstatic would do now. Raises SubprocessError if it fails."""
    # In a process of its own: the command takes the storage to itself, which makes this one's addresses.
    ran = subprocess.run(
        [sys.executable, settings.BASE_DIR / "manage.py", "collectstatic", "--no-input", "--dry-run", "--json"],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=True,
    )
    summary: dict[str, Any] = json.loads(ran.stdout)
    return summary
