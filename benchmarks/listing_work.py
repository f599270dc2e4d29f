"""One listing, in a process of its own: package and place as JSON on standard input, numbers on the output."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import django
from django.conf import settings

from benchmarks.folder_work import memory

BUCKET = "bench"


def main(given: dict[str, Any]) -> dict[str, float]:
    """Return seconds, seconds of CPU, and the memory of the process in bytes."""
    settings.configure(SECRET_KEY="benchmarks", USE_TZ=True)
    django.setup()
    place = {
        "bucket_name": BUCKET,
        "endpoint_url": given["url"],
        "access_key": "bench",
        "secret_key": "benchbench",
        "region_name": "us-east-1",
    }
    storage: Any
    if given["package"] == "s3store":
        from s3store.storage import S3Storage

        storage = S3Storage(**place, location="media")
        storage.client  # noqa: B018 (boto3 is imported and the client is created before)
        started, cpu = time.perf_counter(), time.process_time()
        count = sum(1 for _ in storage.scan())
    else:
        from storages.backends.s3 import S3Storage as Other  # type: ignore[import-not-found]

        storage = Other(**place)
        storage.connection  # noqa: B018 (as above)
        started, cpu = time.perf_counter(), time.process_time()
        count = len(storage.listdir("media/photos")[1])
    found = {"seconds": time.perf_counter() - started, "cpu": time.process_time() - cpu, "memory": memory()}
    assert count == given["count"]
    return found


if __name__ == "__main__":
    print(json.dumps(main(json.load(sys.stdin))))
