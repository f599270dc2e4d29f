"""The cost of the last collectstatic run that sent files, and of the last one with nothing to send."""

import json
import subprocess
import sys
from typing import Any

from django.conf import settings
from django.utils import timezone

SECONDS = 60


def note(summary: dict[str, Any]) -> None:
    """Store the numbers of a run, unless it was a dry run that would have sent files."""
    if summary.get("upload") or summary.get("delete"):
        return
    kind = "sent" if summary["uploaded"] or summary["deleted"] else "unchanged"
    runs = {**noted(), kind: {**summary, "at": timezone.now().isoformat()}}
    settings.STATIC_RUNS.write_text(json.dumps(runs))


def noted() -> dict[str, Any]:
    """Return the stored numbers."""
    try:
        runs: dict[str, Any] = json.loads(settings.STATIC_RUNS.read_text())
    except (OSError, ValueError):
        return {}
    return runs


def would_do() -> dict[str, Any]:
    """Return the result of collectstatic --dry-run. Raises SubprocessError if it fails."""
    # In a separate process: the command stages files on the storage, which creates the URLs of this one.
    ran = subprocess.run(
        [sys.executable, settings.BASE_DIR / "manage.py", "collectstatic", "--no-input", "--dry-run", "--json"],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=True,
    )
    summary: dict[str, Any] = json.loads(ran.stdout)
    return summary
