"""The manage.py of a site with only static files. Each command runs in a new process in benchmarks/.venv:

    python -m benchmarks.static_site site.json collectstatic --noinput

`site.json` has the settings, and the path of the file for the results: the seconds since django.setup(), and the peak
memory.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path


def main() -> None:
    import django
    from django.conf import settings
    from django.core.management import execute_from_command_line

    site = json.loads(Path(sys.argv[1]).read_text())
    settings.configure(**site["settings"])
    django.setup()
    began = time.perf_counter()
    execute_from_command_line(["manage.py", *sys.argv[2:]])
    seconds = time.perf_counter() - began
    Path(site["told"]).write_text(json.dumps({"work": seconds, **_peak()}))


def _peak() -> dict[str, int]:
    status = Path("/proc/self/status")
    if not status.exists():
        return {}
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
    return {"memory": int(line.split()[1]) * 1024}


if __name__ == "__main__":
    main()
