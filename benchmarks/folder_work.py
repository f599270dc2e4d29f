"""What is measured about folders, in a process of its own: a place as JSON on standard input, numbers on the output."""

from __future__ import annotations

import json
import re
import sys
import time
from pathlib import Path
from typing import Any

import django
from django.conf import settings

MIB = 1024**2


def main(given: dict[str, Any]) -> dict[str, float]:
    """Return the seconds and bytes of each measure."""
    settings.configure(SECRET_KEY="benchmarks", USE_TZ=True)
    django.setup()
    from s3store.folders import Folder
    from s3store.storage import S3Storage

    storage = S3Storage(**given["place"], location="media")
    folder = Folder(storage, "acme")
    folder.save("warm.txt", b"x")
    folder.rename("warm.txt", "warmed.txt")
    folder.list()
    found: dict[str, float] = {}
    started = time.process_time()
    assert len(folder.list("docs").entries) == 100
    found["page"] = time.process_time() - started
    for name, path in (("large", "large"), ("small", "small")):
        archive = folder.zip(path)
        before = memory()
        started, size = time.perf_counter(), 0
        for block in archive:
            size += len(block)
        found[f"zip {name}"] = time.perf_counter() - started
        assert size == archive.size
        found[f"memory {name}"] = memory() - before
        started = time.perf_counter()
        for entry in folder.list(path, size=1000).entries:
            with folder.open(entry.path) as file:
                for _ in file.chunks(MIB):
                    pass
        found[f"read {name}"] = time.perf_counter() - started
    started, cpu = time.perf_counter(), time.process_time()
    assert folder.move("docs", "to").done == given["files"]
    found["move"], found["move cpu"] = time.perf_counter() - started, time.process_time() - cpu
    started = time.perf_counter()
    for number in range(given["files"] // 10):
        storage.move(f"acme/one/{number}", f"acme/two/{number}", overwrite=True)
    found["one by one"] = 10 * (time.perf_counter() - started)
    return found


def memory() -> float:
    """Return the peak of the memory of this process, in bytes: only Linux says it without that of its parent."""
    status = Path("/proc/self/status")
    if not status.exists():
        return 0.0
    return 1024.0 * int(re.findall(r"^VmHWM:\s+(\d+) kB", status.read_text(), re.MULTILINE)[0])


if __name__ == "__main__":
    print(json.dumps(main(json.load(sys.stdin))))
