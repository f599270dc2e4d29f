"""Names and keys on a real server: rows SN of the security catalogue that need a bucket."""

import io

import pytest
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.base import ContentFile

from s3store.core.keys import MAX_KEY_BYTES
from s3store.storage import S3Storage
from tests.faults.proxy import FaultProxy

VERBS = {
    "open": lambda storage, name: storage.open(name),
    "open for writing": lambda storage, name: storage.open(name, "wb"),
    "save": lambda storage, name: storage.save(name, ContentFile(b"x")),
    "exists": lambda storage, name: storage.exists(name),
    "size": lambda storage, name: storage.size(name),
    "stat": lambda storage, name: storage.stat(name),
    "delete": lambda storage, name: storage.delete(name),
    "delete_many": lambda storage, name: storage.delete_many([name]),
    "delete_tree": lambda storage, name: storage.delete_tree(name),
    "listdir": lambda storage, name: storage.listdir(name),
    "scan": lambda storage, name: list(storage.scan(name)),
    "walk": lambda storage, name: list(storage.walk(name)),
    "url": lambda storage, name: storage.url(name),
    "get_modified_time": lambda storage, name: storage.get_modified_time(name),
    "copy from": lambda storage, name: storage.copy(name, "b"),
    "copy to": lambda storage, name: storage.copy("b", name),
    "move": lambda storage, name: storage.move(name, "b"),
    "read_bytes": lambda storage, name: storage.read_bytes(name),
    "set_metadata": lambda storage, name: storage.set_metadata(name, {}),
    "set_acl": lambda storage, name: storage.set_acl(name, "private"),
    "get_acl": lambda storage, name: storage.get_acl(name),
    "create_folder": lambda storage, name: storage.create_folder(name),
    "download_to": lambda storage, name: storage.download_to(name, io.BytesIO()),
}

BAD = [
    "../x",
    "a/../../x",
    "a/..",
    "/etc/passwd",
    "..\\x",
    "a\\..\\..\\x",
    "C:\\x",
    "nul\0.txt",
    "a\r\nb",
    "\udcff",
    ".. ",
]


@pytest.fixture(scope="module")
def silent(seaweedfs):
    """A storage behind a proxy that shows that nothing was sent."""
    with FaultProxy(seaweedfs.endpoint_url) as proxy:
        yield proxy


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("location", ["", "tenant-a"])
def test_sn_01_to_14_bad_names_send_nothing(seaweedfs_options, silent, verb, location):
    """Every verb refuses every bad name, with and without a location, before a request."""
    storage = S3Storage(**{**seaweedfs_options, "endpoint_url": silent.url, "location": location})
    silent.clear()
    for name in BAD:
        with pytest.raises(SuspiciousFileOperation):
            VERBS[verb](storage, name)
    assert silent.log == []


# These also take directories, and the empty name is the location.
NAMES_OF_DIRECTORIES = ("listdir", "exists", "scan", "walk", "url")


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb not in NAMES_OF_DIRECTORIES])
def test_sn_21_the_location_itself_is_no_file(seaweedfs_options, silent, verb):
    """An empty name is refused by every verb that means a file."""
    storage = S3Storage(**{**seaweedfs_options, "endpoint_url": silent.url})
    silent.clear()
    with pytest.raises((SuspiciousFileOperation, ValueError)):
        VERBS[verb](storage, "")
    assert silent.log == []


def test_sn_05_a_hook_that_returns_a_bad_name(seaweedfs_options):
    """get_available_name and _save are not trusted."""
    called = []

    class Bad(S3Storage):
        def get_available_name(self, name, max_length=None):
            return "path/../x"

        def _save(self, name, content):
            called.append(name)
            return "/x"

    with pytest.raises(SuspiciousFileOperation):
        Bad(**seaweedfs_options).save("a.txt", b"x")
    assert called == []
    Bad.get_available_name = S3Storage.get_available_name
    with pytest.raises(SuspiciousFileOperation):
        Bad(**seaweedfs_options).save("a.txt", b"x")
    assert called == ["a.txt"]


@pytest.mark.parametrize("name", ["../x", "a/../../x", "..\\x", "/x"])
def test_sn_06_generate_filename_without_checks(seaweedfs_options, name):
    """A subclass that drops Django's check in generate_filename is still safe (CVE-2024-39330)."""

    class Unchecked(S3Storage):
        def generate_filename(self, filename):
            return filename

    storage = Unchecked(**seaweedfs_options)
    with pytest.raises(SuspiciousFileOperation):
        storage.save(storage.generate_filename(name), b"x")
    assert list(storage.scan()) == []


def test_sn_07_a_location_is_a_wall(seaweedfs_options):
    """`acme` sees nothing of `acme-2`, whose keys start alike."""
    root = seaweedfs_options.pop("location")
    acme = S3Storage(**seaweedfs_options, location=f"{root}/acme")
    other = S3Storage(**seaweedfs_options, location=f"{root}/acme-2")
    other.save("secret.txt", b"x")
    assert list(acme.scan()) == []
    assert acme.listdir("") == ([], [])
    assert not acme.exists("secret.txt")
    acme.save("own.txt", b"x")
    assert acme.delete_tree("", force=True) == 1
    assert other.exists("secret.txt")


def test_sn_13_look_alikes_are_different_files(s3_storage):
    """Composed and decomposed accents, and letters of other scripts, are never merged."""
    names = ["café.txt", "cafe\u0301.txt", "саfé.txt", "ﬁle.txt", "file.txt"]
    for number, name in enumerate(names):
        assert s3_storage.save(name, str(number)) == name
    assert [s3_storage.read_text(name) for name in names] == ["0", "1", "2", "3", "4"]
    assert sorted(s3_storage.listdir("")[1]) == sorted(names)


def test_sn_15_the_longest_key(s3_storage):
    """1,024 bytes with the location fit, as long as the server takes them; one more is refused before a request."""
    room = MAX_KEY_BYTES - len(s3_storage.location) - 1
    longest = "/".join(["d" * 200] * 4 + ["é" * 50, ""])
    longest += "x" * (room - len(longest.encode()))
    assert s3_storage.save(longest, b"x") == longest
    assert s3_storage.read_bytes(longest) == b"x"
    with pytest.raises(SuspiciousFileOperation, match="1025 bytes"):
        s3_storage.save(longest + "x", b"x")


def test_sn_18_19_percent_and_query_characters_are_literal(seaweedfs_options):
    """A signed URL of an odd name gives that file's bytes and nothing else."""
    import urllib.request

    storage = S3Storage(**seaweedfs_options)
    for name in ("a%2Fb", "%2e%2e/x", "100%", "a?X-Amz-Expires=9&response-content-type=text/html#f", "a+b c&d=e"):
        storage.save(name, name.encode())
        with urllib.request.urlopen(storage.url(name)) as answer:
            assert answer.read() == name.encode()


def test_sn_22_hostile_keys_are_not_listed(moto, s3_storage):
    """Keys that no name can mean, written by others, appear in no listing; delete_tree removes them."""
    storage = s3_storage
    hostile = ["l/../evil", "l//x", "l/./x", "l/a\x01b", "l/", "l\\m", "l/ok.txt", "l/.. /x"]
    put = 0
    for key in hostile:
        try:
            storage.client.put_object(Bucket=storage.bucket_name, Key=f"{storage.location}/{key}", Body=b"x")
            put += 1
        except storage.client.exceptions.ClientError:
            continue
    assert put >= 3
    directories, files = storage.listdir("l")
    assert not {"", ".", "..", ".. "} & {*directories, *files}
    assert not any("/" in name or "\x01" in name for name in [*directories, *files])
    assert "ok.txt" in files
    for stat in storage.scan():
        assert storage.read_bytes(stat.name) == b"x"
    storage.delete_tree("l")
    assert not storage.exists("l/ok.txt")


@pytest.mark.parametrize("pattern", ["*", "[a-z]", "{a,b}", ".*", "a?"])
def test_sn_24_prefixes_are_literal(s3_storage, pattern):
    """Glob and regex characters in delete_tree mean themselves."""
    for name in ("a/x", "b/x", "ab/x", f"{pattern}/x"):
        s3_storage.save(name, b"x")
    assert s3_storage.delete_tree(pattern) == 1
    assert sorted(stat.name for stat in s3_storage.scan()) == ["a/x", "ab/x", "b/x"]


@pytest.mark.parametrize("name", ["", "/", None, "."])
def test_sn_25_deleting_an_empty_prefix_is_refused(seaweedfs_options, silent, name):
    """No spelling of nothing deletes everything; nothing is sent."""
    storage = S3Storage(**{**seaweedfs_options, "endpoint_url": silent.url})
    silent.clear()
    with pytest.raises((ValueError, TypeError, SuspiciousFileOperation)):
        storage.delete_tree(name)
    assert silent.log == []


def test_a_name_that_is_no_text_is_a_type_error(seaweedfs_options):
    """bytes are no name."""
    with pytest.raises(TypeError, match="str"):
        S3Storage(**seaweedfs_options).exists(b"a.txt")
