"""The measurements: one function for each case. Each runs in a new process in benchmarks/.venv:

    python -m benchmarks.cases < job.json

A case takes a job and returns the measured seconds, bytes and counts by name. It returns nothing if a peer does not
support it. The cases of URLs are in url_cases.
"""

from __future__ import annotations

import importlib
import json
import os
import secrets
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks import url_cases
from benchmarks.jobs import Job, Measured, expect
from benchmarks.peers import BUCKET

SMALL = b"x" * 1024
SMALL_NAME = "small.bin"
LARGE_NAME = "large.bin"
TAIL = 64 * 1024
THREADS = 32


def prepare(job: Job) -> Measured:
    """Create the bucket and the objects to read. This is not a case."""
    storage = job.peer.make(job.place)
    storage.client.create_bucket(Bucket=BUCKET)
    _save(storage, SMALL_NAME)
    _save_large(storage, LARGE_NAME, job)
    return {}


def save_overwriting(job: Job) -> Measured:
    storage = _warm_storage(job, overwrite=True)
    return _repeated(job, lambda name: _save(storage, name))


def save(job: Job) -> Measured:
    storage = _warm_storage(job, overwrite=False)
    return _repeated(job, lambda name: _save(storage, name))


def read(job: Job) -> Measured:
    storage = _warm_storage(job)
    return _repeated(job, lambda _: _read(storage, SMALL_NAME))


def write(job: Job) -> Measured:
    if not job.peer.can_write:
        return {}
    storage = _warm_storage(job)

    def action(name: str) -> None:
        with storage.open(name, "wb") as file:
            file.write(SMALL)

    return _repeated(job, action)


def tail(job: Job) -> Measured:
    storage = _warm_storage(job)
    with _measured() as found, storage.open(LARGE_NAME) as file:
        file.seek(-TAIL, os.SEEK_END)
        expect(len(file.read()), TAIL)
    return {"seconds": found["seconds"]}


def save_large(job: Job) -> Measured:
    storage = _warm_storage(job)
    with _measured() as found:
        _save_large(storage, "large-saved.bin", job)
    return found


def read_large(job: Job) -> Measured:
    storage = _warm_storage(job)
    with _measured() as found, storage.open(LARGE_NAME) as file:
        expect(sum(len(chunk) for chunk in file.chunks()), Path(job.large_file).stat().st_size)
    return found


def threads(job: Job) -> Measured:
    """Measure the first use of a storage by 32 simultaneous threads. boto3 is imported, but no client exists."""
    importlib.import_module("boto3.session")
    importlib.import_module("boto3.s3.transfer")
    storage = job.peer.make(job.place)
    failures: list[BaseException] = []
    ready, answered, measured = (threading.Barrier(THREADS + 1) for _ in range(3))

    def work() -> None:
        ready.wait()
        try:
            expect(storage.exists(SMALL_NAME), True)
        except BaseException as error:
            failures.append(error)
        answered.wait()
        measured.wait()  # the client of a thread is deleted when the thread ends

    for _ in range(THREADS):
        threading.Thread(target=work, daemon=True).start()
    idle = _memory("VmRSS")
    started = time.perf_counter()
    ready.wait()
    answered.wait()
    found = {"seconds": time.perf_counter() - started}
    if idle is not None:
        found["memory"] = _memory("VmRSS") - idle
    measured.wait()
    if failures:
        raise failures[0]
    return found


def module(job: Job) -> Measured:
    """Measure the import of the storage's module after django.setup()."""
    before = set(sys.modules)
    with _measured() as found:
        importlib.import_module(job.peer.module)
    loaded = set(sys.modules) - before
    return {
        "seconds": found["seconds"],
        "modules": len(loaded),
        "boto3": len(loaded & {"boto3", "botocore"}),
    }


def first_answer(job: Job) -> Measured:
    """Measure the time from django.setup() to the first response."""
    with _measured() as found:
        expect(job.peer.make(job.place).exists(SMALL_NAME), True)
    return found


CASES = {
    case.__name__: case
    for case in (
        prepare,
        save_overwriting,
        save,
        read,
        write,
        tail,
        save_large,
        read_large,
        threads,
        module,
        first_answer,
        *url_cases.CASES,
    )
}


# Parts of cases


def _warm_storage(job: Job, *, overwrite: bool = True) -> Any:
    """Return a storage that has a client and a connection."""
    storage = job.peer.make(job.place, overwrite=overwrite)
    _read(storage, SMALL_NAME)
    return storage


def _save(storage: Any, name: str) -> None:
    from django.core.files.base import ContentFile

    expect(storage.save(name, ContentFile(SMALL)), name)


def _save_large(storage: Any, name: str, job: Job) -> None:
    from django.core.files.base import File

    with Path(job.large_file).open("rb") as source:
        expect(storage.save(name, File(source)), name)


def _read(storage: Any, name: str) -> None:
    with storage.open(name) as file:
        expect(file.read(), SMALL)


def _repeated(job: Job, action: Callable[[str], None]) -> Measured:
    """Return the median time of an action that is repeated with new names, without the first."""
    prefix = secrets.token_hex(8)
    action(f"{prefix}/first.bin")
    durations: list[float] = []
    while sum(durations) < job.seconds or len(durations) < 5:
        started = time.perf_counter()
        action(f"{prefix}/{len(durations)}.bin")
        durations.append(time.perf_counter() - started)
    return {"seconds": statistics.median(durations)}


@contextmanager
def _measured() -> Iterator[Measured]:
    """Measure the time of a block, and the increase of the process's peak memory."""
    found: Measured = {}
    idle = _memory("VmRSS")
    if idle is not None:
        Path("/proc/self/clear_refs").write_text("5")  # reset the peak
    started = time.perf_counter()
    yield found
    found["seconds"] = time.perf_counter() - started
    if idle is not None:
        found["memory"] = _memory("VmHWM") - idle


def _memory(name: str) -> Any:
    """Return a line of this process's status in bytes, or None on systems other than Linux."""
    status = Path("/proc/self/status")
    if not status.exists():
        return None
    line = next(line for line in status.read_text().splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1]) * 1024


def main() -> None:
    import django
    from django.conf import settings

    job = Job(**json.load(sys.stdin))
    settings.configure(USE_TZ=True)
    django.setup()
    print(json.dumps(CASES[job.case](job)))


if __name__ == "__main__":
    main()
