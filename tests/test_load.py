"""Two hundred threads with one storage, each checking every byte. For longer: --load-seconds 60."""

import random
import threading
import time
import urllib.request
from collections import Counter

import pytest

from s3store.core.parts import KIB, MIB
from s3store.storage import S3Storage

THREADS = 200


def round_of(storage, number, chance, done):
    """Save, read, copy, list, link and delete files of one thread, and one file of a name that all threads want."""
    directory = f"own/{number}"
    content = chance.randbytes(9 * MIB if chance.random() < 0.005 else chance.randrange(64 * KIB))
    name = storage.save(f"{directory}/a.bin", content)
    assert name == f"{directory}/a.bin"
    assert storage.exists(name)
    assert storage.size(name) == len(content)
    with storage.open(name) as file:
        assert file.read() == content
        start = chance.randrange(len(content) + 1)
        file.seek(start)
        assert file.read(KIB) == content[start : start + KIB]
    storage.copy(name, f"{directory}/b.bin")
    assert storage.read_bytes(f"{directory}/b.bin") == content
    assert storage.listdir(directory) == ([], ["a.bin", "b.bin"])
    with urllib.request.urlopen(storage.url(name)) as answer:
        assert answer.read() == content
    shared = storage.save("wanted.txt", f"{number} {len(done)}")
    assert shared not in done
    done[shared] = f"{number} {len(done)}"
    storage.delete(name)
    storage.delete(f"{directory}/b.bin")
    assert not storage.exists(name)
    assert storage.listdir(directory) == ([], [])


@pytest.mark.slow
@pytest.mark.campaign
@pytest.mark.no_cover
@pytest.mark.timeout(1800)
def test_200_threads_lose_and_mix_nothing(seaweedfs_options, pytestconfig, capsys):
    """No call fails, every file has the bytes of its own writer, and nothing is left behind."""
    storage = S3Storage(**seaweedfs_options)
    seconds = pytestconfig.getoption("load_seconds")
    written = [{} for _ in range(THREADS)]
    failures, rounds = [], Counter()
    together = threading.Barrier(THREADS)

    def work(number):
        chance = random.Random(number)
        together.wait()
        ends = time.monotonic() + seconds
        try:
            while not rounds[number] or time.monotonic() < ends:
                round_of(storage, number, chance, written[number])
                rounds[number] += 1
        except Exception as error:
            failures.append((number, rounds[number], repr(error)))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    expected = {name: text for done in written for name, text in done.items()}
    assert len(expected) == sum(rounds.values()) >= THREADS
    assert {stat.name for stat in storage.scan()} == expected.keys()
    for name in random.Random(0).sample(sorted(expected), THREADS):
        assert storage.read_text(name) == expected[name]
    left = storage.client.list_multipart_uploads(Bucket=storage.bucket_name, Prefix=storage.location)
    assert not left.get("Uploads")
    with capsys.disabled():
        print(f"\n{THREADS} threads: {sum(rounds.values())} rounds of 13 calls in {seconds} s")
