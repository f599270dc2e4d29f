"""Campaigns: hundreds of saves and reads while every fifth request goes wrong. Nothing may be lost, torn or doubled."""

import random
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from s3store import errors
from s3store.core.parts import MIB
from s3store.storage import S3Storage
from tests.faults.proxy import FaultProxy

pytestmark = pytest.mark.campaign

ROUNDS = 200
FAULTS = ["slow503", "err500", "reset", "lost"]


def content_of(number):
    return random.Random(number).randbytes(500 + number * 97)


def contents(storage):
    return {stat.name: storage.read_bytes(stat.name) for stat in storage.scan()}


@pytest.mark.parametrize("threads", [1, 16])
@pytest.mark.parametrize("fault", FAULTS)
def test_rw_01_to_04_saves_under_faults(seaweedfs_options, fault, threads):
    """200 saves: none lost, torn, wrong, doubled or refused."""
    plain = S3Storage(**seaweedfs_options)
    with FaultProxy(seaweedfs_options["endpoint_url"], faults={fault: 0.2}, seed=7) as proxy:
        storage = S3Storage(**{**seaweedfs_options, "endpoint_url": proxy.url})
        raised = []

        def save(number):
            try:
                return storage.save(f"{number}.bin", content_of(number))
            except Exception as error:
                raised.append(error)

        with ThreadPoolExecutor(threads) as pool:
            names = list(pool.map(save, range(ROUNDS)))
        harmed = sum(exchange.fault is not None for exchange in proxy.log)
    assert harmed > ROUNDS / 10
    found = contents(plain)
    report = Counter(
        raised=len(raised),
        lost=sum(f"{number}.bin" not in found for number in range(ROUNDS)),
        wrong=sum(found.get(f"{number}.bin") != content_of(number) for number in range(ROUNDS)),
        renamed=sum(name != f"{number}.bin" for number, name in enumerate(names)),
        ghosts=len(found) - ROUNDS,
    )
    assert report == Counter(raised=0, lost=0, wrong=0, renamed=0, ghosts=0), raised[:1]


@pytest.mark.parametrize("threads", [1, 16])
@pytest.mark.parametrize("fault", [*FAULTS, "cut", "short", "flip"])
def test_rr_01_to_03_reads_under_faults(seaweedfs_options, fault, threads):
    """200 reads: none wrong, none refused."""
    plain = S3Storage(**seaweedfs_options)
    for number in range(20):
        plain.save(f"{number}.bin", content_of(number))
    with FaultProxy(seaweedfs_options["endpoint_url"], faults={fault: 0.2}, seed=3) as proxy:
        storage = S3Storage(**{**seaweedfs_options, "endpoint_url": proxy.url})

        def read(number):
            try:
                return storage.read_bytes(f"{number % 20}.bin") == content_of(number % 20)
            except Exception as error:
                return error

        with ThreadPoolExecutor(threads) as pool:
            answers = list(pool.map(read, range(ROUNDS)))
        harmed = sum(exchange.fault is not None for exchange in proxy.log)
    assert harmed > ROUNDS / 10
    assert Counter(map(repr, answers)) == {"True": ROUNDS}


@pytest.mark.parametrize("fault", ["cut", "short"])
def test_rr_01_a_large_file_under_faults(seaweedfs_options, fault):
    """It is continued where a response has ended: each byte is in its place."""
    content = random.Random(1).randbytes(8 * MIB)
    S3Storage(**seaweedfs_options).save("large.bin", content)
    with FaultProxy(seaweedfs_options["endpoint_url"], faults={fault: 0.5}, seed=1) as proxy:
        storage = S3Storage(**{**seaweedfs_options, "endpoint_url": proxy.url})
        for _ in range(5):
            with storage.open("large.bin") as file:
                assert b"".join(iter(lambda: file.read(300_000), b"")) == content
        continued = [exchange for exchange in proxy.requests("GET") if "range" in exchange.request_headers]
    assert continued


@pytest.mark.parametrize("fault", ["slow503", "reset", "lost", "mpu200"])
@pytest.mark.parametrize("overwrite", [False, True], ids=["anew", "overwriting"])
def test_rw_05_06_multipart_saves_under_faults(seaweedfs_options, fault, overwrite):
    """Large saves: all right, one object each, whatever happened to which request."""
    plain = S3Storage(**seaweedfs_options)
    # mpu200 harms only the request that completes an upload; the other faults harm any request.
    rate, saves = (0.5, 6) if fault == "mpu200" else (0.2, 3)
    with FaultProxy(seaweedfs_options["endpoint_url"], faults={fault: rate}, seed=11) as proxy:
        storage = S3Storage(**{**seaweedfs_options, "endpoint_url": proxy.url}, file_overwrite=overwrite)
        for number in range(saves):
            assert storage.save(f"{number}.bin", bytes([number]) * 17 * MIB) == f"{number}.bin"
        assert any(exchange.fault for exchange in proxy.log)
    assert {stat.name: stat.size for stat in plain.scan()} == {f"{number}.bin": 17 * MIB for number in range(saves)}
    for number in range(saves):
        assert plain.read_bytes(f"{number}.bin") == bytes([number]) * 17 * MIB


@pytest.mark.parametrize("overwrite", [False, True], ids=["anew", "overwriting"])
def test_rw_06_a_completion_whose_answer_is_lost_is_a_success(seaweedfs_options, overwrite):
    """The second completion finds the upload gone, and the object is ours."""
    with FaultProxy(
        seaweedfs_options["endpoint_url"], faults={"lost": 1.0}, match=r"^POST .*uploadId", max_faults=1
    ) as proxy:
        storage = S3Storage(**{**seaweedfs_options, "endpoint_url": proxy.url}, file_overwrite=overwrite)
        assert storage.save("a.bin", b"x" * 17 * MIB) == "a.bin"
        assert next(exchange.fault for exchange in proxy.requests("POST", "uploadId")) == "lost"
    assert [stat.name for stat in S3Storage(**seaweedfs_options).scan()] == ["a.bin"]


@pytest.mark.parametrize("stored", [True, False], ids=["ours is there", "nothing is there"])
def test_rw_06_an_upload_that_is_gone_at_the_second_completion(seaweedfs_options, stored):
    """NoSuchUpload after a lost answer is a success when our object is there, and an error when it is not."""
    completions = []

    def respond(method, target, headers):
        if method == "POST" and "uploadId" in target:
            completions.append(target)
            if len(completions) > 1 or not stored:
                code = b"NoSuchUpload" if len(completions) > 1 else b"InternalError"
                return 404 if len(completions) > 1 else 500, {}, b"<Error><Code>" + code + b"</Code></Error>"
        return None

    with FaultProxy(
        seaweedfs_options["endpoint_url"],
        faults={"lost": 1.0} if stored else {},
        match=r"^POST .*uploadId",
        max_faults=1,
        respond=respond,
    ) as proxy:
        storage = S3Storage(**{**seaweedfs_options, "endpoint_url": proxy.url})
        if stored:
            assert storage.save("a.bin", b"x" * 17 * MIB) == "a.bin"
        else:
            with pytest.raises(FileNotFoundError, match="NoSuchUpload"):
                storage.save("a.bin", b"x" * 17 * MIB)
    assert len(completions) == 2
    assert S3Storage(**seaweedfs_options).exists("a.bin") == stored


def test_rw_04_somebody_elses_object_is_not_taken_for_ours(seaweedfs_options):
    """A lost answer on a name that was taken before: the other's object stays, ours gets another name."""
    plain = S3Storage(**seaweedfs_options)
    plain.save("a.txt", b"theirs")
    with FaultProxy(seaweedfs_options["endpoint_url"], faults={"lost": 1.0}, match="^PUT", max_faults=1) as proxy:
        storage = S3Storage(**{**seaweedfs_options, "endpoint_url": proxy.url})
        name = storage.save("a.txt", b"theirs")
    assert name != "a.txt"
    assert contents(plain) == {"a.txt": b"theirs", name: b"theirs"}


def test_rl_02_a_listing_that_fails_on_a_page_is_never_short(seaweedfs_options):
    """A page that fails is asked for again; when it keeps failing, the listing raises."""
    plain = S3Storage(**seaweedfs_options)
    for number in range(25):
        plain.save(f"{number:02}", b"x")
    with FaultProxy(
        seaweedfs_options["endpoint_url"], faults={"err500": 1.0}, match="continuation-token", max_faults=2
    ) as proxy:
        storage = S3Storage(**{**seaweedfs_options, "endpoint_url": proxy.url})
        bucket, prefix = storage.objects.bucket, storage.objects.prefix("")
        pages = list(bucket.pages(prefix, {}, flat=False, limit=10))
        assert [len(page.objects) for page in pages] == [10, 10, 5]
    with FaultProxy(seaweedfs_options["endpoint_url"], faults={"err500": 1.0}, match="continuation-token") as proxy:
        storage = S3Storage(**{**seaweedfs_options, "endpoint_url": proxy.url}, max_attempts=2)
        with pytest.raises(OSError, match="list_objects_v2"):
            list(storage.objects.bucket.pages(prefix, {}, flat=False, limit=10))


def test_rl_04_a_delete_whose_answer_is_lost_is_a_success(seaweedfs_options):
    """Deleting is idempotent."""
    plain = S3Storage(**seaweedfs_options)
    plain.save("a.txt", b"x")
    with FaultProxy(seaweedfs_options["endpoint_url"], faults={"lost": 1.0}, match="^DELETE", max_faults=1) as proxy:
        S3Storage(**{**seaweedfs_options, "endpoint_url": proxy.url}).delete("a.txt")
    assert not plain.exists("a.txt")


def test_rw_12_writers_and_readers_of_one_key(seaweedfs_options):
    """Each read is one whole written value, and not older than what was acknowledged before it began."""
    with FaultProxy(seaweedfs_options["endpoint_url"], faults={"slow503": 0.1, "cut": 0.1}, seed=5) as proxy:
        storage = S3Storage(**{**seaweedfs_options, "endpoint_url": proxy.url}, file_overwrite=True)
        acknowledged = [0]
        problems = []
        storage.save("r.bin", (0).to_bytes(4, "big") * 20_000)

        def write():
            for value in range(1, 40):
                storage.save("r.bin", value.to_bytes(4, "big") * 20_000)
                acknowledged[0] = value

        def read():
            while acknowledged[0] < 39:
                before = acknowledged[0]
                content = storage.read_bytes("r.bin")
                value = int.from_bytes(content[:4], "big")
                if content != content[:4] * 20_000:
                    problems.append("torn")
                if value < before:
                    problems.append("stale")

        threads = [threading.Thread(target=write), *(threading.Thread(target=read) for _ in range(3))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert problems == []


def test_rt_04_a_dead_endpoint_is_an_error_within_bounds(monkeypatch, seaweedfs_options):
    """Attempts stop when their time is up, however many are left."""
    from s3store.wire import effort

    clock = iter(range(0, 100_000, 10))
    monkeypatch.setattr(effort.Effort.__init__, "__defaults__", (None, 0.0, lambda: float(next(clock))))
    with FaultProxy(seaweedfs_options["endpoint_url"], faults={"slow503": 1.0}) as proxy:
        storage = S3Storage(**{**seaweedfs_options, "endpoint_url": proxy.url}, max_attempts=50)
        with pytest.raises(errors.ServerError):
            storage.exists("a.txt")
        assert 1 <= len(proxy.log) <= 4


def test_a_port_where_nobody_listens(seaweedfs_options):
    """The error names the operation and says what to check."""
    storage = S3Storage(**{**seaweedfs_options, "endpoint_url": "http://127.0.0.1:9"}, max_attempts=2)
    with pytest.raises(ConnectionError, match="Check endpoint_url"):
        storage.exists("a.txt")
