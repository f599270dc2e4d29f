"""The verbs beyond Django's contract, and the model field that reaches them."""

import os
import random

import pytest
from django.core.files.base import ContentFile

from s3store import errors
from s3store.core import parts
from s3store.core.info import PLAIN_SIZE, ObjectInfo
from s3store.core.parts import MIB
from s3store.storage import S3Storage
from s3store.testing.counting import counted_requests
from s3store.wire.bucket import Bucket
from tests.app.models import Document
from tests.faults.proxy import FaultProxy
from tests.filling import fill


@pytest.fixture
def storage(seaweedfs_options):
    return S3Storage(**seaweedfs_options)


HEADERS = {
    "CacheControl": "max-age=60",
    "ContentDisposition": "inline",
    "ContentLanguage": "de",
    "ContentType": "text/x-own",
    "Metadata": {"a": "1"},
}


def headers_of(stat):
    return (
        stat.cache_control,
        stat.content_disposition,
        stat.content_language,
        stat.content_type,
        stat.metadata,
    )


@pytest.mark.parametrize("change", ["copy", "move", "set_metadata"])
@pytest.mark.parametrize("size", [10, 20 * MIB], ids=["one request", "in parts"])
def test_rl_06_copies_keep_headers_and_content(seaweedfs_options, monkeypatch, change, size):
    """A copy, a move and new metadata keep what they do not change, for objects over the limit of CopyObject too."""
    content = random.Random(1).randbytes(size)
    storage = S3Storage(**seaweedfs_options, object_parameters=HEADERS)
    storage.save("a.bin", content)
    expected = headers_of(storage.stat("a.bin"))
    seen = []

    def respond(method, target, headers):
        names = {name.lower() for name in dict(headers)}
        seen.append("copy part" if "x-amz-copy-source-range" in names else method)
        if size > 15 * MIB and "x-amz-copy-source" in names and "x-amz-copy-source-range" not in names:
            body = b"<Error><Code>InvalidRequest</Code><Message>too large to copy</Message></Error>"
            return 400, {"Content-Type": "application/xml"}, body
        return None

    # SeaweedFS takes any size; the limit, and the size of parts, are brought down to ours.
    monkeypatch.setattr(parts, "MAX_COPY_SIZE", 15 * MIB)
    monkeypatch.setattr(parts, "COPY_PART_SIZE", 5 * MIB)
    with FaultProxy(seaweedfs_options["endpoint_url"], respond=respond) as proxy:
        slow = S3Storage(**{**seaweedfs_options, "endpoint_url": proxy.url}, max_attempts=1)
        if change == "set_metadata":
            slow.set_metadata("a.bin", {"a": "1"})
            name = "a.bin"
        else:
            getattr(slow, change)("a.bin", "dir/b.bin")
            name = "dir/b.bin"
            assert slow.exists("a.bin") == (change == "copy")
    assert storage.read_bytes(name) == content
    assert headers_of(storage.stat(name)) == expected
    assert seen.count("copy part") == (4 if size > 15 * MIB else 0)


def test_rl_06_a_failed_copy_leaves_no_parts(seaweedfs_options, monkeypatch):
    """A part that cannot be copied aborts the upload."""
    monkeypatch.setattr(parts, "MAX_COPY_SIZE", 5 * MIB)
    monkeypatch.setattr(parts, "COPY_PART_SIZE", 5 * MIB)
    storage = S3Storage(**seaweedfs_options)
    storage.save("a.bin", os.urandom(12 * MIB))

    def respond(method, target, headers):
        names = {name.lower() for name in dict(headers)}
        if "x-amz-copy-source-range" in names and "partNumber=2" in target:
            return 403, {}, b"<Error><Code>AccessDenied</Code></Error>"
        return None

    with FaultProxy(seaweedfs_options["endpoint_url"], respond=respond) as proxy:
        through = S3Storage(**{**seaweedfs_options, "endpoint_url": proxy.url}, max_attempts=1)
        with pytest.raises(PermissionError):
            through.set_metadata("a.bin", {"b": "2"})
    left = storage.client.list_multipart_uploads(Bucket=storage.bucket_name, Prefix=storage.location)
    assert not left.get("Uploads")
    assert storage.get_metadata("a.bin") == {}


def test_metadata_that_s3_cannot_hold_is_refused(storage):
    """And the object keeps what it had."""
    storage.save("a.txt", b"x", metadata={"a": "1"})
    with pytest.raises(ValueError, match="Cannot set the metadata"):
        storage.set_metadata("a.txt", {"a": "ü"})
    assert storage.get_metadata("a.txt") == {"a": "1"}


def test_acls_are_set_and_read(moto, s3_options):
    """A canned ACL is applied and its grants are read; an unknown one is refused."""
    storage = S3Storage(**s3_options)
    storage.save("a.txt", b"x")
    with pytest.raises(ValueError, match="public-read"):
        storage.set_acl("a.txt", "everybody")
    if s3_options["endpoint_url"] != moto.endpoint_url:
        pytest.skip("SeaweedFS has no object ACLs")
    storage.set_acl("a.txt", "public-read")
    with storage.open("a.txt") as file:
        assert "READ" in {grant.permission for grant in file.get_acl() if grant.grantee.endswith("AllUsers")}
        file.set_acl("private")
    assert not [grant for grant in storage.get_acl("a.txt") if grant.grantee.endswith("AllUsers")]
    private = S3Storage(**s3_options, default_acl="public-read")
    private.save("b.txt", b"x")
    private.copy("a.txt", "c.txt")
    private.set_metadata("a.txt", {})
    for name in ("a.txt", "b.txt", "c.txt"):
        assert [grant for grant in storage.get_acl(name) if grant.grantee.endswith("AllUsers")], name


def test_download_leaves_nothing_behind_when_it_fails(storage, tmp_path):
    """A target that cannot be written: the error, and no temporary file."""
    storage.save("a.txt", b"x")
    (tmp_path / "dir").mkdir()
    with pytest.raises(OSError):
        storage.download_path("a.txt", tmp_path / "dir")
    assert [path.name for path in tmp_path.iterdir()] == ["dir"]


def test_downloaded_files_have_the_usual_permissions(storage, tmp_path):
    """Those that open() would give, not those of a temporary file."""
    storage.save("a.txt", b"x")
    plain = tmp_path / "plain"
    plain.touch()
    assert storage.download_path("a.txt", tmp_path / "a").stat().st_mode == plain.stat().st_mode


def test_download_path_creates_missing_directories(storage, tmp_path):
    """A FileNotFoundError would read as if the object were missing."""
    storage.save("a.txt", b"text")
    assert storage.download_path("a.txt", tmp_path / "not" / "yet" / "a.txt").read_bytes() == b"text"


def test_walk_can_be_pruned(storage):
    """As with os.walk, directories taken out of the list are not entered."""
    for name in ("a/x", "b/y", "c/d/z"):
        storage.save(name, b"x")
    visited = []
    for directory, directories, _ in storage.walk():
        visited.append(directory)
        if "b" in directories:
            directories.remove("b")
    assert visited == ["", "a", "c", "c/d"]


def test_rl_01_more_than_1000_keys(seaweedfs_options):
    """1,205 files are listed, scanned and deleted completely and once."""
    storage = S3Storage(**seaweedfs_options)
    wanted = {f"d/{number:04}" for number in range(1205)}
    fill(storage, wanted)
    assert len(storage.listdir("d")[1]) == 1205
    assert {stat.name for stat in storage.scan()} == wanted
    assert storage.delete_many(sorted(wanted)[:1100]) == 1100
    assert storage.delete_tree("d") == 105


def test_rl_07_keys_that_come_and_go_during_a_listing(storage):
    """Every key that existed throughout is listed exactly once."""
    for number in range(30):
        storage.objects.bucket.put(storage.objects.key(f"keep-{number:02}"), b"", {})
    pages = storage.objects.bucket.pages(storage.objects.prefix(""), {}, flat=False, limit=10)
    found = [info.key for info in next(pages).objects]
    storage.save("keep-00-new", b"x")
    storage.delete("keep-05")
    storage.save("zzz", b"x")
    found += [info.key for page in pages for info in page.objects]
    kept = [storage.objects.key(f"keep-{number:02}") for number in range(30)]
    assert [key for key in found if key in kept] == kept


def test_a_listing_has_no_metadata(storage):
    """And says so instead of answering with nothing."""
    storage.save("a.txt", b"x")
    [found] = storage.scan()
    with pytest.raises(LookupError, match="stat"):
        found.metadata  # noqa: B018


@pytest.mark.parametrize("size", [5, 9 * MIB], ids=["small", "multipart"])
def test_encryption_parameters_reach_every_verb(seaweedfs_options, size):
    """With a key of the customer's, every request that needs it carries it, and the others do not."""
    sse = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": "0" * 32}
    seen = []

    def respond(method, target, headers):
        names = {name.lower() for name in dict(headers)}
        seen.append((method, target.partition("?")[2][:12], "x-amz-server-side-encryption-customer-key" in names))
        return

    content = os.urandom(size)
    with FaultProxy(seaweedfs_options["endpoint_url"], respond=respond) as proxy:
        # S3 takes the customer's key over https alone; SeaweedFS does not mind.
        storage = S3Storage(**{**seaweedfs_options, "endpoint_url": proxy.url}, object_parameters=sse)
        storage.save("a.bin", content)
        assert storage.read_bytes("a.bin") == content
        assert storage.stat("a.bin").size == size
        storage.copy("a.bin", "b.bin")
        assert storage.read_bytes("b.bin") == content
        with storage.open("c.bin", "wb") as file:
            file.write(content)
        storage.set_metadata("a.bin", {"a": "1"})
        storage.exists("a.bin")
        storage.delete("a.bin")
        list(storage.scan())
    without = {(method, query) for method, query, has in seen if not has}
    assert {method for method, _ in without} <= {"DELETE", "GET"}
    assert all(query.startswith("list-type") for method, query in without if method == "GET")
    plain = S3Storage(**seaweedfs_options)
    with pytest.raises(OSError):
        plain.read_bytes("b.bin")


def test_server_side_encryption(seaweedfs_options):
    """SSE-S3 is asked for and reported; its ETag is still taken for a checksum."""
    storage = S3Storage(**seaweedfs_options, object_parameters={"ServerSideEncryption": "AES256"})
    for name, size in {"a.bin": 10, "b.bin": 9 * MIB}.items():
        storage.save(name, bytes(size))
        assert storage.stat(name).encryption == "AES256"
        assert storage.read_bytes(name) == bytes(size)


@pytest.fixture
def project(settings, seaweedfs_options, db):
    """The test project's media live on SeaweedFS."""
    settings.AWS_STORAGE_BUCKET_NAME = seaweedfs_options["bucket_name"]
    settings.AWS_S3_ENDPOINT_URL = seaweedfs_options["endpoint_url"]
    settings.AWS_S3_REGION_NAME = "us-east-1"
    settings.AWS_ACCESS_KEY_ID = seaweedfs_options["access_key"]
    settings.AWS_SECRET_ACCESS_KEY = seaweedfs_options["secret_key"]
    settings.MEDIAFILES_LOCATION = seaweedfs_options["location"]


def test_a_model_session(project):
    """The session of django-storages' documentation: save, size, partial reads, chunks, same name, delete."""
    document = Document()
    with pytest.raises(ValueError, match="no file"):
        document.normal.size  # noqa: B018
    document.normal.save("django_test.txt", ContentFile(b"content"))
    storage = document.normal.storage
    with counted_requests(storage) as sent:
        assert document.normal.size == 7
    assert sent == []
    assert document.normal.read() == b"content"
    document.normal.seek(0)
    assert document.normal.read(3) == b"con"
    assert document.normal.read() == b"tent"
    assert b"-".join(document.normal.chunks(chunk_size=2)) == b"co-nt-en-t"
    document.normal.close()
    again = Document()
    again.normal.save("django_test.txt", ContentFile(b"more"))
    assert again.normal.name.startswith("docs/django_test_")
    document = Document.objects.get(pk=document.pk)
    with document.normal.open() as file:
        assert file.read() == b"content"
    document.normal.delete()
    assert not storage.exists("docs/django_test.txt")


def test_upload_to_applies_below_the_location(project):
    """A directory by date is part of the name."""
    document = Document()
    document.dated.save("a.txt", ContentFile(b"x"))
    year, month, name = document.dated.name.split("/")
    assert (len(year), len(month), name) == (4, 2, "a.txt")


def test_an_assigned_file_is_saved_with_the_model(project):
    """What is assigned is committed by save(), stays readable, and keeps its size."""
    document = Document(normal=ContentFile(b"assigned", name="assigned.txt"))
    document.save()
    assert document.normal.name == "docs/assigned.txt"
    assert document.normal.read() == b"assigned"


def test_the_rich_field_reaches_the_verbs(project, tmp_path):
    """S3FileField's values know what S3 knows about their file."""
    document = Document()
    document.rich.save("a.txt", ContentFile(b"rich"))
    assert document.rich.stat().content_type == "text/plain"
    document.rich.set_metadata({"k": "v"})
    assert document.rich.get_metadata() == {"k": "v"}
    with (tmp_path / "copy").open("wb") as file:
        assert document.rich.download_to(file) == 4
    assert document.rich.download_path(tmp_path / "other").read_bytes() == b"rich"
    with pytest.raises(ValueError, match="no file"):
        Document().rich.stat()


def test_the_rich_field_reaches_acls(settings, moto, db, s3_options):
    """ACLs too, where the bucket has them."""
    if s3_options["endpoint_url"] != moto.endpoint_url:
        pytest.skip("SeaweedFS has no object ACLs")
    document = Document()
    field = Document._meta.get_field("rich")
    original, field.storage = field.storage, S3Storage(**s3_options)
    try:
        document.rich.save("a.txt", ContentFile(b"rich"), save=False)
        document.rich.set_acl("public-read")
        assert len(document.rich.get_acl()) == 2
    finally:
        field.storage = original


def test_the_parameters_of_an_object_leave_out_what_is_unknown():
    """A copy is given no empty headers."""
    info = ObjectInfo(key="a", size=1, content_type="text/plain", encryption="SSE-C", all_metadata={})
    assert info.parameters == {"ContentType": "text/plain", "Metadata": {}}


def test_a_refused_copy_of_a_small_object_is_not_tried_in_parts(seaweedfs_options):
    """Only objects of more than 5 GiB are copied in parts."""

    def respond(method, target, headers):
        if "x-amz-copy-source" in {name.lower() for name in dict(headers)}:
            return 400, {}, b"<Error><Code>InvalidRequest</Code><Message>no copies here</Message></Error>"
        return None

    with FaultProxy(seaweedfs_options["endpoint_url"], respond=respond) as proxy:
        storage = S3Storage(**{**seaweedfs_options, "endpoint_url": proxy.url})
        storage.save("a.txt", b"x")
        with pytest.raises(errors.InvalidRequestError, match="no copies here") as caught:
            storage.copy("a.txt", "b.txt")
        assert proxy.requests("POST") == []
    assert caught.value.operation == "copy_object"


def test_names_that_are_only_invisible_are_deleted_one_by_one(storage):
    """XML could not carry every character of such a name; other names of the same call go together."""
    names = ["a\u200b.txt", "b.txt", "c\u00ad.txt"]
    for name in names:
        storage.save(name, b"x")
    with counted_requests(storage) as sent:
        assert storage.delete_many(names) == 3
    assert sorted(sent.methods) == ["DELETE", "DELETE", "POST"]
    assert list(storage.scan()) == []


def test_a_folder_is_an_empty_object(storage):
    """Its key ends with a slash, and its type is the one that the S3 console writes."""
    storage.create_folder("d")
    target = storage.objects.folder("d")
    info = storage.objects.bucket.head(target.key, target.params)
    assert (info.size, info.content_type) == (0, "application/x-directory")


def test_metadata_of_our_own_stays_when_metadata_is_replaced(seaweedfs_options):
    """The size before compression is still known, and the old user metadata is not."""
    storage = S3Storage(**seaweedfs_options, gzip=True)
    storage.save("a.txt", b"x" * 5000, metadata={"old": "1"})
    storage.set_metadata("a.txt", {"new": "2"})
    assert storage.get_metadata("a.txt") == {"new": "2"}
    stat = storage.stat("a.txt")
    assert stat.content_encoding == "gzip"
    assert stat.internal(PLAIN_SIZE) == "5000"
    assert storage.size("a.txt") == 5000


def test_a_walk_below_a_directory_keeps_its_name(storage):
    """Whatever the name ends in; a slash at its end makes no difference."""
    storage.save("maX/X/a.txt", b"x")
    expected = [("maX", ["X"], []), ("maX/X", [], ["a.txt"])]
    assert list(storage.walk("maX")) == list(storage.walk("maX/")) == expected


@pytest.mark.parametrize("verb", ["copy", "move"])
def test_copies_and_moves_replace_nothing_by_default(storage, verb):
    """Both files stay as they are, until `overwrite` says otherwise."""
    storage.save("a.txt", b"a")
    storage.save("b.txt", b"b")
    with pytest.raises(FileExistsError):
        getattr(storage, verb)("a.txt", "b.txt")
    assert (storage.read_bytes("a.txt"), storage.read_bytes("b.txt")) == (b"a", b"b")
    getattr(storage, verb)("a.txt", "b.txt", overwrite=True)
    assert storage.read_bytes("b.txt") == b"a"
    assert storage.exists("a.txt") is (verb == "copy")


# Local files that change while they are saved


def _cut(path):
    os.truncate(path, 3)


def _grow(path):
    with path.open("ab") as file:
        file.write(b"more")


def _touch(path):
    os.utime(path, (1, 1))


@pytest.mark.parametrize("gzip", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("change", [_cut, _grow, _touch])
def test_so_11_a_file_that_changes_while_it_is_saved_is_an_error(seaweedfs_options, tmp_path, change, gzip):
    """It names the path, and nothing is saved. A file that only changed before is saved."""

    class Meanwhile(S3Storage):
        def get_available_name(self, name, max_length=None):
            change(path)
            return super().get_available_name(name, max_length)

    path = tmp_path / "a.css"
    path.write_text("a {}" * 100)
    storage = Meanwhile(**seaweedfs_options, gzip=gzip)
    with pytest.raises(OSError, match=r"a\.css was changed while it was being saved"):
        storage.save_path("a.css", path)
    assert not storage.exists("a.css")
    storage = S3Storage(**seaweedfs_options, gzip=gzip)
    storage.save_path("a.css", path)
    assert storage.read_bytes("a.css") == path.read_bytes()


def test_so_11_a_large_file_that_is_cut_between_two_parts(seaweedfs_options, tmp_path):
    """The parts that were sent are thrown away."""
    path = tmp_path / "large.bin"
    path.write_bytes(b"x" * (20 * MIB))

    def respond(method, target, headers):
        if "partNumber=1" in target:
            os.truncate(path, 9 * MIB)

    with FaultProxy(seaweedfs_options["endpoint_url"], respond=respond) as proxy:
        storage = S3Storage(**{**seaweedfs_options, "endpoint_url": proxy.url}, use_threads=False)
        with pytest.raises(OSError, match=r"large\.bin was changed while"):
            storage.save_path("large.bin", path)
        assert proxy.requests("DELETE")
    assert not S3Storage(**seaweedfs_options).exists("large.bin")


def test_a_subclass_may_read_the_file_as_it_likes(s3_storage, tmp_path):
    """In chunks, or at once."""

    class Reading(S3Storage):
        def _save(self, name, content):
            return super()._save(name, ContentFile(b"".join(content.chunks()) + content.read()))

    path = tmp_path / "a.txt"
    path.write_text("text")
    storage = Reading(**s3_storage._given)
    storage.save_path("a.txt", path)
    assert storage.read_bytes("a.txt") == b"text"


@pytest.mark.parametrize("verb", ["copy", "move"])
@pytest.mark.parametrize("times", [1, 2])
def test_a_target_that_another_process_creates_meanwhile_is_not_replaced(s3_options, verb, times):
    """Whether the server refuses such copies is found out by the first one, which is as safe as the next."""
    theirs = S3Storage(**s3_options)
    theirs.save("a.txt", b"ours")
    theirs.save("b.txt", b"ours")
    targets = [f"{number}.txt" for number in range(times)]

    def respond(method, target, headers):
        name = target.partition("?")[0].rpartition("/")[2]
        if method == "PUT" and name == targets[-1] and not theirs.exists(name):
            theirs.save(name, b"theirs")

    with FaultProxy(s3_options["endpoint_url"], respond=respond) as proxy:
        storage = S3Storage(**{**s3_options, "endpoint_url": proxy.url})
        for name in targets[:-1]:
            storage.copy("b.txt", name)
        with pytest.raises(FileExistsError, match="Give overwrite=True"):
            getattr(storage, verb)("a.txt", targets[-1])
    assert (theirs.read_bytes(targets[-1]), theirs.read_bytes("a.txt")) == (b"theirs", b"ours")


def test_a_copy_whose_response_was_lost_is_found(seaweedfs_options):
    """The second attempt is refused because of the first one. A target with another content is an error."""
    theirs = S3Storage(**seaweedfs_options)
    theirs.save("a.txt", b"ours")
    lost = []

    def respond(method, target, headers):
        name = target.rpartition("/")[2]
        if method == "PUT" and name in ("found", "taken") and name not in lost:
            lost.append(name)
            if name == "found":
                theirs.copy("a.txt", name, overwrite=True)
            else:
                theirs.save(name, b"theirs")
            return 503, {}, b""
        return None

    with FaultProxy(seaweedfs_options["endpoint_url"], respond=respond) as proxy:
        storage = S3Storage(**{**seaweedfs_options, "endpoint_url": proxy.url})
        storage.copy("a.txt", "first")
        storage.copy("a.txt", "found")
        with pytest.raises(FileExistsError):
            storage.copy("a.txt", "taken")
    assert (theirs.read_bytes("found"), theirs.read_bytes("taken")) == (b"ours", b"theirs")


def test_an_older_boto3_reserves_the_name_of_a_copy(seaweedfs_options, monkeypatch):
    """It does not know the condition of CopyObject."""
    storage = S3Storage(**seaweedfs_options, max_pool_connections=7)
    storage.save("a.txt", b"ours")
    original = Bucket._copied

    def older(self, *args, **extra):
        if "IfNoneMatch" in extra:
            raise errors.InvalidRequestError("Unknown parameter in input: IfNoneMatch")
        return original(self, *args, **extra)

    monkeypatch.setattr(Bucket, "_copied", older)
    for number in range(2):
        storage.copy("a.txt", f"{number}.txt")
        with pytest.raises(FileExistsError):
            storage.copy("a.txt", f"{number}.txt")
        assert storage.read_bytes(f"{number}.txt") == b"ours"


def test_without_conditional_writes_a_copy_asks_first(seaweedfs_options):
    """The option says that the server keeps no condition."""
    storage = S3Storage(**seaweedfs_options, conditional_writes=False)
    storage.save("a.txt", b"ours")
    with counted_requests(storage) as sent:
        storage.copy("a.txt", "b.txt")
    assert sent.methods == ["HEAD", "PUT"]
    with pytest.raises(FileExistsError, match="Give overwrite=True"):
        storage.move("a.txt", "b.txt")
