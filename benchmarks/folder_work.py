"""What is measured about folders, in a process of its own: a place as JSON on standard input, numbers on the output."""

from __future__ import annotations

import json
import re
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import django
from django.conf import settings

MIB = 1024**2
PAGES = 9


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
    found["page"] = _processor_time(lambda: folder.list("docs").entries)
    page = {"Bucket": storage.bucket_name, "Prefix": "media/acme/docs/", "Delimiter": "/", "MaxKeys": 100}
    plain = _plain_client(given["place"])
    found["page boto3"] = _processor_time(lambda: plain.list_objects_v2(**page)["Contents"])
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


def _processor_time(work: Callable[[], Sequence[Any]]) -> float:
    """Return the processor time of work that returns 100 entries: the median of several, in seconds."""
    seen = []
    for _ in range(PAGES):
        started = time.process_time()
        assert len(work()) == 100
        seen.append(time.process_time() - started)
    return statistics.median(seen)


def _plain_client(place: dict[str, Any]) -> Any:
    """Return a client as boto3 makes it."""
    import boto3

    keys = {"aws_access_key_id": place["access_key"], "aws_secret_access_key": place["secret_key"]}
    return boto3.client("s3", endpoint_url=place["endpoint_url"], region_name=place["region_name"], **keys)


def memory() -> float:
    """Return the peak of the memory of this process, in bytes: only Linux says it without that of its parent."""
    status = Path("/proc/self/status")
    if not status.exists():
        return 0.0
    return 1024.0 * int(re.findall(r"^VmHWM:\s+(\d+) kB", status.read_text(), re.MULTILINE)[0])


if __name__ == "__main__":
    print(json.dumps(main(json.load(sys.stdin))))
