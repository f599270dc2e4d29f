"""Threads, processes, forks: one client, no lost files."""

import asyncio
import contextvars
import multiprocessing
import os
import pickle
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from asgiref.sync import sync_to_async
from django.core.cache import caches
from django.core.files.base import ContentFile

from s3store.storage import S3Storage
from s3store.testing.fixtures import BUCKET, options_for
from s3store.wire import client, sessions
from tests.faults.proxy import FaultProxy


@pytest.fixture
def storage(seaweedfs_options):
    return S3Storage(**seaweedfs_options)


def test_rw_11_32_threads_saving_one_name_lose_nothing(storage):
    """32 files, 32 contents, 32 names, and the first name is among them."""
    start = threading.Barrier(32)

    def save(number):
        start.wait()
        return storage.save("same.txt", ContentFile(f"content {number}"))

    with ThreadPoolExecutor(32) as pool:
        names = list(pool.map(save, range(32)))
    assert len(set(names)) == 32
    assert "same.txt" in names
    assert [storage.read_text(name) for name in names] == [f"content {number}" for number in range(32)]


_PROCESS = """
import sys, django
from django.conf import settings
settings.configure(USE_TZ=True)
django.setup()
from s3store.storage import S3Storage
storage = S3Storage(**{options!r})
for number in range(8):
    print(storage.save("same.txt", f"{{sys.argv[1]}}-{{number}}"), flush=True)
"""


def test_rw_11_processes_saving_one_name_lose_nothing(storage, seaweedfs_options):
    """4 processes, 8 files each: 32 contents under 32 names."""
    code = _PROCESS.format(options=seaweedfs_options)
    children = [
        subprocess.Popen([sys.executable, "-c", code, str(number)], stdout=subprocess.PIPE, text=True)
        for number in range(4)
    ]
    names = [name for child in children for name in child.communicate()[0].split()]
    assert len(set(names)) == 32
    contents = Counter(storage.read_text(name) for name in names)
    assert contents == Counter(f"{child}-{number}" for child in range(4) for number in range(8))


def test_rc_01_02_one_client_for_all_threads_and_equal_storages(seaweedfs_options):
    """16 threads that build storages at once get one client; another configuration gets another."""
    start = threading.Barrier(16)

    def build(_):
        start.wait()
        return S3Storage(**seaweedfs_options).client

    with ThreadPoolExecutor(16) as pool:
        assert len({id(found) for found in pool.map(build, range(16))}) == 1
    elsewhere = S3Storage(**{**seaweedfs_options, "location": "elsewhere"})
    assert elsewhere.client is S3Storage(**seaweedfs_options).client
    assert S3Storage(**{**seaweedfs_options, "read_timeout": 1.0}).client is not elsewhere.client
    assert S3Storage(**seaweedfs_options, proxies={}).client is not None


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_rc_03_fork_after_first_use(storage):
    """Children make their own client, find their own credentials, get their own answers; the parent goes on."""
    for number in range(8):
        storage.save(f"{number}", f"{number}" * 1000)
    parent, credentials = storage.client, sessions.find_credentials(storage.options)
    context = multiprocessing.get_context("fork")

    def check(number, queue):
        own = storage.client is not parent and sessions.find_credentials(storage.options) is not credentials
        right = all(storage.read_text(f"{number}") == f"{number}" * 1000 for _ in range(20))
        queue.put((own, right))

    queue = context.Queue()
    children = [context.Process(target=check, args=(number, queue)) for number in range(8)]
    for child in children:
        child.start()
    assert all(storage.read_text("3") == "3" * 1000 for _ in range(20))
    answers = [queue.get(timeout=300) for _ in children]
    for child in children:
        child.join()
    assert answers == [(True, True)] * 8
    assert storage.client is parent


def test_rc_03_what_a_child_starts_with(storage):
    """After a fork there are no client and no credentials, and the locks are free although another thread held them."""
    before = storage.client, sessions.find_credentials(storage.options)
    with ThreadPoolExecutor(1) as another:
        for module in (client, sessions):
            held = module._lock
            another.submit(held.acquire).result()
            try:
                module._start_anew()
                assert module._lock.acquire(blocking=False)
                module._lock.release()
            finally:
                another.submit(held.release).result()
    assert storage.client is not before[0]
    assert sessions.find_credentials(storage.options) is not before[1]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_rc_03_a_forked_child_does_not_abort_its_parents_upload(storage):
    """A child that exits with a copy of an open file leaves the upload alone."""
    content = os.urandom(20 << 20)
    with storage.open("a.bin", "wb") as file:
        file.write(content)
        pid = os.fork()
        if not pid:
            file._raw._parts._abort()
            os._exit(0)
        os.waitpid(pid, 0)
    assert storage.read_bytes("a.bin") == content


def _read_in_worker(pickled, name):
    import django
    from django.conf import settings

    if not settings.configured:
        settings.configure(USE_TZ=True)
        django.setup()
    return pickle.loads(pickled).read_bytes(name)


def test_rc_08_sc_05_pickling_into_a_worker_process(storage, monkeypatch, seaweedfs_options):
    """A storage that is pickled into a spawned process finds credentials there and works."""
    storage.save("a.txt", b"content")
    pickled = pickle.dumps(storage)
    assert seaweedfs_options["secret_key"].encode() not in pickled
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", seaweedfs_options["access_key"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", seaweedfs_options["secret_key"])
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(_read_in_worker, (pickled, "a.txt")) == b"content"


def test_sc_05_pickling_through_a_cache(storage, settings, seaweedfs_options, tmp_path):
    """A storage that STORAGES configures comes out of a cache with its credentials."""
    storage.save("a.txt", b"content")
    settings.STORAGES = {
        **settings.STORAGES,
        "other": {"BACKEND": "s3store.storage.S3Storage"},
        "files": {"BACKEND": "s3store.storage.S3Storage", "OPTIONS": seaweedfs_options},
    }
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.filebased.FileBasedCache", "LOCATION": str(tmp_path)}
    }
    caches["default"].set("storage", storage)
    again = caches["default"].get("storage")
    assert again is not storage
    assert again == storage
    assert again.read_bytes("a.txt") == b"content"


def test_rc_05_asyncio(storage):
    """Storages work through sync_to_async, bound to a thread or not."""

    async def run():
        names = await asyncio.gather(
            *(sync_to_async(storage.save, thread_sensitive=bool(n % 2))(f"{n}.txt", f"{n}") for n in range(10))
        )
        return [await sync_to_async(storage.read_text)(name) for name in names]

    assert asyncio.run(run()) == [str(number) for number in range(10)]


def test_rc_06_a_small_pool_and_many_threads(seaweedfs_options, caplog):
    """32 threads on a pool of 2: slower, but no deadlock."""
    storage = S3Storage(**seaweedfs_options, max_pool_connections=2)
    with ThreadPoolExecutor(32) as pool:
        names = list(pool.map(lambda number: storage.save(f"{number}", b"x"), range(64)))
    assert len(set(names)) == 64


def test_rc_07_the_retry_quota_does_not_run_dry(seaweedfs_options):
    """60 lost answers in a row, far more than botocore's quota allows: every save succeeds."""
    with FaultProxy(
        seaweedfs_options["endpoint_url"], faults={"lost": 1.0}, match="^PUT", max_faults_per_request=1
    ) as proxy:
        storage = S3Storage(**{**seaweedfs_options, "endpoint_url": proxy.url})
        names = [storage.save(f"{number}", b"x") for number in range(60)]
    assert names == [f"{number}" for number in range(60)]


@pytest.mark.slow
def test_rc_options_of_a_context_never_mix(seaweedfs):
    """8 threads for 10 s, two tenants whose location is a property: no URL, listing or byte is the other's."""
    tenant = contextvars.ContextVar("tenant")

    class Tenants(S3Storage):
        @property
        def location(self):
            return tenant.get()

    storage = Tenants(**options_for(seaweedfs), file_overwrite=True, transfer_config={"multipart_threshold": 1 << 20})
    prefix = uuid.uuid4().hex
    until = time.monotonic() + 10

    def work(number):
        mine = f"{prefix}/{number % 2}"
        tenant.set(mine)
        small, large = mine.encode(), mine.encode() * 40_000
        rounds = 0
        while time.monotonic() < until:
            name = f"{number}-{rounds % 3}"
            storage.save(name, small)
            assert f"/{mine}/{name}?" in storage.url(name)
            assert storage.read_bytes(name) == small
            assert {int(found.partition("-")[0]) % 2 for found in storage.listdir("")[1]} == {number % 2}
            storage.copy(name, f"{name}c", overwrite=True)
            assert storage.read_bytes(f"{name}c") == small
            if rounds % 5 == 0:
                storage.save(f"{name}L", large)
                with storage.open(f"{name}L") as file:
                    assert b"".join(file.chunks()) == large
            assert storage.size(name) == len(small)
            rounds += 1
        return rounds

    with ThreadPoolExecutor(8) as threads:
        done = list(threads.map(lambda number: contextvars.copy_context().run(work, number), range(8)))
    assert min(done) > 0
    theirs = {key.rpartition("/")[0] for key in _keys(S3Storage(**options_for(seaweedfs)), prefix)}
    assert theirs == {f"{prefix}/0", f"{prefix}/1"}


def _keys(storage, prefix):
    pages = storage.client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=f"{prefix}/")
    return [entry["Key"] for page in pages for entry in page["Contents"]]


def test_32_threads_share_the_memory_of_one_client(seaweedfs_options):
    """The first use from 32 threads makes one client."""
    made = []
    original = client._make

    def counting(options):
        made.append(options)
        return original(options)

    client._make = counting
    try:
        storage = S3Storage(**{**seaweedfs_options, "connect_timeout": 4.5})
        with ThreadPoolExecutor(32) as pool:
            assert not any(pool.map(lambda number: storage.exists(f"{number}"), range(32)))
    finally:
        client._make = original
    assert len(made) == 1
