"""One large piece of work in folders, in a process of its own: JSON on standard input, lines on the output.

A line is JSON: the progress of a move, and at the end the seconds, the requests and the peak of the memory in bytes.
"""

from __future__ import annotations

import http.client
import json
import sys
import time
from datetime import datetime
from typing import Any

import django
from django.conf import settings

from benchmarks.folder_work import MIB, memory


def main(given: dict[str, Any]) -> None:
    """Do the work that the argument names, and print its lines."""
    settings.configure(SECRET_KEY="benchmarks", USE_TZ=True)
    django.setup()
    from s3store.folders import Folder
    from s3store.storage import S3Storage

    folder = Folder(S3Storage(**given["place"], location="media"), "acme")
    folder.save("warm.txt", b"x")
    folder.delete("warm.txt")
    requests = count_requests()
    started, before = time.perf_counter(), memory()
    done: dict[str, float] = {}
    if given["work"] == "move":
        since = datetime.fromisoformat(given["since"]) if given["since"] else None
        for progress in folder.moving("docs", "to", since=since):
            say(done=progress.done, total=progress.total, since=str(progress.started or ""))
            report = progress.report
        done = {"moved": report.done, "skipped": report.skipped, "failed": report.failed}
    elif given["work"] == "zip":
        archive = folder.zip("large")
        done = {"length": archive.size, "sent": sum(len(block) for block in archive)}
    else:
        for entry in folder.list("large", size=1000).entries:
            with folder.open(entry.path) as file:
                for _ in file.chunks(MIB):
                    pass
    seconds = time.perf_counter() - started
    say(seconds=seconds, requests=len(requests), peak=memory(), grown=memory() - before, **done)


def count_requests() -> list[str]:
    """Return a list to which each request of this process adds its method, whichever library sends it."""
    seen: list[str] = []
    sent = http.client.HTTPConnection.putrequest

    def putrequest(self: Any, method: str, *args: Any, **kwargs: Any) -> Any:
        seen.append(method)
        return sent(self, method, *args, **kwargs)

    http.client.HTTPConnection.putrequest = putrequest  # type: ignore[method-assign]
    return seen


def say(**values: Any) -> None:
    """Print one line of JSON."""
    print(json.dumps(values), flush=True)


if __name__ == "__main__":
    main(json.load(sys.stdin))
