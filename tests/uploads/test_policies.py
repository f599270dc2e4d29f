"""What S3 itself enforces: SeaweedFS checks policies, signatures and conditions as AWS does."""

import base64
import hashlib
import json
import time
import types
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.test import Client

from s3store import uploads
from s3store.errors import ObjectChangedError
from s3store.storage import S3Storage
from s3store.uploads import UploadRefusedError, service
from s3store.uploads.owners import owner_of_user
from s3store.uploads.quick import QUICK, quick
from s3store.uploads.tokens import signed
from tests.uploads.client import begin, http, send, send_raw
from tests.uploads.site import use_by_default


def policy_of(begun):
    return json.loads(base64.b64decode(begun["fields"]["policy"]))


def claimed(destination, user, receipt, label="strict"):
    return uploads.claim(receipt, label=label, destination=destination, owner=owner_of_user(user))


@pytest.fixture
def puts(declare, seaweedfs_options):
    """A destination that uses PUT, as for servers without forms."""
    return declare("puts", storage=S3Storage(**seaweedfs_options, upload_method="put"), max_size=64 << 20)


def incoming(destination):
    return [stat.name for stat in destination.find_storage().scan("incoming")]


# Forms


def test_sp_05_sp_06_sp_12_the_policy_leaves_nothing_open(client, strict):
    """Exact key, type and status, both bounds of the size, and all fields but the signature."""
    begun = begin(client, "strict", "a.png", 10)
    conditions = policy_of(begun)["conditions"]
    exact = {name: value for one in conditions if isinstance(one, dict) for name, value in one.items()}
    assert [one for one in conditions if isinstance(one, list)] == [["content-length-range", 10, 10]]
    assert exact["key"] == begun["key"] == begun["fields"]["key"]
    assert exact["Content-Type"] == "image/png"
    assert exact["success_action_status"] == "201"
    assert set(exact) - {"bucket"} == set(begun["fields"]) - {"policy", "x-amz-signature"}
    assert not {"acl", "x-amz-acl", "success_action_redirect", "redirect", "tagging"} & set(exact)
    assert not [name for name in exact if name.startswith("x-amz-meta-")]


def test_sp_11_sp_13_the_storages_own_headers_wait_for_the_copy(client, declare, user, seaweedfs_options):
    """An incoming object has no ACL and no metadata; the saved file has what the storage gives all files."""
    parameters = {"ACL": "public-read", "Metadata": {"owner": "us"}, "StorageClass": "STANDARD", "Tagging": "a=b"}
    parameters |= {"CacheControl": "max-age=5", "ChecksumAlgorithm": "CRC32"}
    storage = S3Storage(**seaweedfs_options, object_parameters=parameters)
    destination = declare("strict", storage=storage, max_size=64 << 20)
    begun = begin(client, "strict", "a.txt", 5)
    assert {name.lower() for name in begun["fields"]} == {
        *("key", "success_action_status", "content-type", "policy", "x-amz-signature"),
        *("x-amz-algorithm", "x-amz-credential", "x-amz-date"),
    }
    assert send(begun, b"hello") == 201
    assert storage.get_metadata(incoming(destination)[0]) == {}
    storage.save("a.txt", claimed(destination, user, begun["receipt"]))
    stat = storage.stat("a.txt")
    assert (stat.cache_control, stat.metadata, stat.content_type) == ("max-age=5", {"owner": "us"}, "text/plain")


@pytest.mark.parametrize("content", [b"", b"hell", b"hello!", b"x" * 100_000])
def test_sp_07_another_size_than_announced_is_refused_by_s3(client, strict, content):
    """One byte less or more."""
    answer = send_raw(begin(client, "strict", "a.txt", 5), content)
    assert answer.status == 400
    assert b"EntityTooSmall" in answer.data or b"EntityTooLarge" in answer.data
    assert incoming(strict) == []


@pytest.mark.parametrize("content_type", ["application/json", "application/x-www-form-urlencoded"])
def test_sp_07_a_form_of_any_size_has_the_limit(client, user, seaweedfs_options, settings, content_type):
    """The endpoint that does not know the size gives the bounds to S3, and its receipt is good for a form."""
    use_by_default(settings, {**seaweedfs_options, "max_upload_size": 10})
    body = '{"key": "a.txt"}' if content_type == "application/json" else "key=a.txt&csrfmiddlewaretoken=x"
    answer = client.post("/s3store/signed-url/", body, content_type=content_type).json()
    assert answer.keys() == {"url", "fields", "receipt", "expires_in"}
    assert ["content-length-range", 0, 10] in policy_of(answer)["conditions"]
    begun = {**answer, "mode": "post", "type": "text/plain"}
    assert [send(begun, b"x" * size) for size in (11, 10)] == [400, 201]
    file = claimed(quick, user, answer["receipt"], QUICK)
    assert (file.name, file.size) == ("a.txt", 10)
    file.discard()
    with pytest.raises(UploadRefusedError, match="not uploaded"):
        claimed(quick, user, answer["receipt"], QUICK)


@pytest.mark.parametrize(
    "change",
    [
        {"Content-Type": "text/html"},
        {"Content-Type": "image/png; charset=x"},
        {"Content-Type": "IMAGE/PNG"},
        {"Content-Type": ""},
        {"key": "other.png"},
        {"key": "incoming/strict/${filename}"},
        {"success_action_status": "200"},
        {"x-amz-acl": "public-read"},
        {"x-amz-grant-read": 'uri="http://acs.amazonaws.com/groups/global/AllUsers"'},
        {"x-amz-meta-identified": "true"},
        {"x-amz-meta-owner": "other"},
        {"x-amz-storage-class": "GLACIER"},
        {"x-amz-website-redirect-location": "https://evil.example"},
        {"x-amz-server-side-encryption": "AES256"},
    ],
    ids=str,
)
def test_sp_06_to_sp_13_a_form_cannot_be_changed(client, strict, change):
    """The policy names every field: other values, and fields that it does not name, are refused."""
    assert send_raw(begin(client, "strict", "a.png", 5), b"hello", **change).status in (400, 403)
    assert incoming(strict) == []


def test_sp_08_two_types_are_refused(client, strict):
    """A second field of the same name does not win."""
    begun = begin(client, "strict", "a.png", 5)
    fields = [*begun["fields"].items(), ("Content-Type", "text/html"), ("file", ("x", b"hello", "text/html"))]
    http.request("POST", begun["url"], fields=fields)
    storage = strict.find_storage()
    assert [storage.stat(name).content_type for name in incoming(strict)] in ([], ["image/png"])


@pytest.mark.parametrize(
    "name", ["policy", "x-amz-signature", "x-amz-date", "x-amz-credential", "x-amz-algorithm", "key"]
)
@pytest.mark.parametrize("missing", [False, True], ids=["changed", "missing"])
def test_sp_18_no_part_of_a_form_can_be_changed_or_left_out(client, strict, name, missing):
    """The signature covers all of it."""
    begun = begin(client, "strict", "a.png", 5)
    value = begun["fields"].pop(name)
    if not missing:
        middle = len(value) // 2
        begun["fields"][name] = value[:middle] + ("A" if value[middle] != "A" else "B") + value[middle + 1 :]
    assert send(begun, b"hello") in (400, 403)
    assert incoming(strict) == []


def test_sp_15_a_form_ends(client, strict, monkeypatch):
    """The client cannot choose how long it lives, and S3 refuses it afterwards."""
    assert begin(client, "strict", "a.txt", 5)["expires_in"] in (599, 600)
    assert begin(client, "strict", "a.txt", 32 << 20)["expires_in"] in (1111, 1112)
    monkeypatch.setattr(service, "time", types.SimpleNamespace(time=lambda: time.time() - 700))
    assert send(begin(client, "strict", "a.txt", 5), b"hello") == 403
    assert incoming(strict) == []


# PUT


@pytest.mark.parametrize(
    "change",
    [
        {"Content-Type": "text/html"},
        {"x-amz-acl": "public-read"},
        {"x-amz-meta-owner": "other"},
        {"x-amz-storage-class": "GLACIER"},
    ],
    ids=str,
)
def test_sp_08_sp_11_sp_13_a_put_cannot_be_changed(client, user, puts, is_seaweedfs, change):
    """The type is signed, and so is the absence of everything of Amazon's. Ceph RGW 16 takes what is not signed.

    Then the saved file has none of it.
    """
    begun = begin(client, "puts", "a.png", 5)
    assert begun["mode"] == "put"
    status = send_raw(begun, b"hello", **change).status
    if is_seaweedfs or status in (400, 403) or "Content-Type" in change:
        assert status in (400, 403)
        assert incoming(puts) == []
        return
    storage = puts.find_storage()
    storage.save("a.png", claimed(puts, user, begun["receipt"], "puts"))
    head = storage.client.head_object(Bucket=storage.bucket_name, Key=storage.objects.key("a.png"))
    assert (head["Metadata"].get("owner"), head.get("StorageClass", "STANDARD")) == (None, "STANDARD")
    assert {grant.permission for grant in storage.get_acl("a.png")} == {"FULL_CONTROL"}


def test_sp_07_sp_16_a_put_has_one_size_and_replaces_nothing(client, user, puts):
    """Its length is signed, and the condition."""
    begun = begin(client, "puts", "a.txt", 5)
    assert [send(begun, content) for content in (b"hell", b"hello!", b"hello", b"other")] == [403, 403, 200, 412]
    assert claimed(puts, user, begun["receipt"], "puts").read() == b"hello"


def test_sp_13_what_a_put_can_add_is_gone_after_the_save(client, user, puts):
    """A sender can add standard headers that are not signed: the copy has the storage's."""
    begun = begin(client, "puts", "a.txt", 5)
    more = {"Content-Disposition": "inline", "Content-Encoding": "gzip", "Cache-Control": "max-age=9"}
    assert send_raw(begun, b"hello", **more).status == 200
    storage = puts.find_storage()
    storage.save("a.txt", claimed(puts, user, begun["receipt"], "puts"))
    stat = storage.stat("a.txt")
    assert (stat.content_disposition, stat.content_encoding, stat.cache_control) == (None, None, None)
    assert storage.read_bytes("a.txt") == b"hello"


@pytest.mark.parametrize("field", ["Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language"])
def test_sp_13_what_seaweedfs_takes_in_a_form_is_gone_after_the_save(client, user, strict, is_seaweedfs, field):
    """AWS and Ceph RGW refuse fields that the policy does not name; on servers that do not, the copy is clean."""
    begun = begin(client, "strict", "a.txt", 5)
    status = send_raw(begun, b"hello", **{field: "gzip"}).status
    if not is_seaweedfs and status == 403:
        assert incoming(strict) == []
        return
    storage = strict.find_storage()
    storage.save("a.txt", claimed(strict, user, begun["receipt"]))
    stat = storage.stat("a.txt")
    assert not any((stat.cache_control, stat.content_disposition, stat.content_encoding, stat.content_language))


# Checksums


@pytest.mark.parametrize("checksums", ["auto", "when_supported"])
def test_ub_20_no_checksum_slips_into_a_presigned_request(client, declare, seaweedfs_options, checksums):
    """Only who has the bytes knows it: neither URLs nor the start of an upload name one."""
    storage = S3Storage(**seaweedfs_options, checksums=checksums, object_parameters={"ChecksumAlgorithm": "CRC32"})
    declare("strict", storage=storage, max_size=64 << 20)
    for method in ("post", "put"):
        declare(method, storage=S3Storage(**seaweedfs_options, checksums=checksums, upload_method=method))
        begun = begin(client, method, "a.txt", 5)
        sent = {**begun.get("fields", {}), **begun.get("headers", {}), **parse_qs(urlsplit(begun["url"]).query)}
        assert not [name for name in sent if "checksum" in name.lower()]
    sent_headers = []
    storage.client.meta.events.register(
        "before-send.s3.CreateMultipartUpload", lambda request, **_: sent_headers.append(dict(request.headers))
    )
    begun = begin(client, "strict", "a.bin", 40 << 20)
    assert [name for name in sent_headers[0] if "checksum" in name.lower()] == []
    queries = [parse_qs(urlsplit(part["url"]).query) for part in begun["parts"]]
    named = {"Algorithm", "Credential", "Date", "Expires", "SignedHeaders", "Signature"}
    wanted = {"partNumber", "uploadId", *(f"X-Amz-{name}" for name in named)}
    assert all(set(query) == wanted for query in queries)
    assert {query["X-Amz-SignedHeaders"][0] for query in queries} == {"content-length;host"}


# Replacing


def test_sp_16_a_file_that_is_replaced_after_the_check_is_not_saved(client, user, strict):
    """The policy lives on: what was checked is what is copied, or nothing."""
    begun = begin(client, "strict", "a.txt", 5)
    assert send(begun, b"clean") == 201
    file = claimed(strict, user, begun["receipt"])
    assert hashlib.sha256(file.read()).hexdigest() == hashlib.sha256(b"clean").hexdigest()
    assert send(begun, b"evil!") == 201
    storage = strict.find_storage()
    with pytest.raises(ObjectChangedError):
        storage.save("a.txt", file)
    assert not storage.exists("a.txt")
    late = claimed(strict, user, begun["receipt"])
    assert send(begun, b"clean") == 201
    with pytest.raises(ObjectChangedError):
        late.read()
    # The first file has come back.
    saved = storage.save("a.txt", file)
    assert storage.read_bytes(saved) == b"clean"


@pytest.mark.parametrize("options", [{}, {"file_overwrite": True}, {"conditional_writes": False}], ids=str)
@pytest.mark.parametrize("size", [5, 0])
def test_sp_16_however_the_copy_is_made(client, user, declare, seaweedfs_options, options, size):
    """As one copy, or as a part."""
    storage = S3Storage(**seaweedfs_options, **options)
    destination = declare("strict", storage=storage)
    begun = post_any_size(client, destination)
    first, second = b"clean"[:size], b"evil!"
    assert send(begun, first) == 201
    file = claimed(destination, user, begun["receipt"])
    assert send(begun, second) == 201
    if size or options:
        with pytest.raises(ObjectChangedError):
            storage.save("a.txt", file)
        assert not storage.exists("a.txt")
    else:
        assert not options
        assert storage.read_bytes(storage.save("a.txt", file)) == b""


def post_any_size(client, destination):
    """Begin an upload of 0 to 10 bytes."""
    owner = owner_of_user(User.objects.get())
    receipt, form = service.begin_form("strict", destination, owner=owner, name="a.txt")
    return {"mode": "post", "url": form.url, "fields": form.fields, "type": "text/plain", "receipt": signed(receipt)}


def test_sp_17_users_do_not_meet(client, strict, django_user_model):
    """Two users with one name of a file get two keys, and the form of one never fits the other's."""
    other = Client()
    other.force_login(django_user_model.objects.create_user("eve"))
    ours, theirs = begin(client, "strict", "a.txt", 5), begin(other, "strict", "a.txt", 5)
    assert ours["key"].split("/")[:-1] != theirs["key"].split("/")[:-1]
    assert send_raw(theirs, b"hello", key=ours["key"]).status == 403
    assert [send(ours, b"first"), send(theirs, b"other")] == [201, 201]
    storage = strict.find_storage()
    assert sorted(map(storage.read_bytes, incoming(strict))) == [b"first", b"other"]


def test_sf_10_another_type_than_announced_is_refused_and_deleted(client, user, strict):
    """Where the server does not enforce the type, the claim does."""
    begun = begin(client, "strict", "a.txt", 5)
    storage = strict.find_storage()
    for content, content_type in ((b"hello", "text/html"), (b"too long", "text/plain")):
        storage.client.put_object(Bucket=storage.bucket_name, Key=begun["key"], Body=content, ContentType=content_type)
        with pytest.raises(UploadRefusedError) as refused:
            claimed(strict, user, begun["receipt"])
        assert (refused.value.code, incoming(strict)) == ("size_differs", [])


@pytest.mark.parametrize("options", [{"upload_method": "put"}, {"provider": "r2", "account_id": "0" * 32}], ids=str)
def test_a_form_that_the_server_takes_no_forms_for_is_refused(declare, options):
    """Without a size nothing else can limit an upload: the error says which endpoint to use."""
    storage = S3Storage(bucket_name="b", access_key="k", secret_key="s", **options)
    destination = declare("strict", storage=storage)
    with pytest.raises(ImproperlyConfigured, match="begin/"):
        service.begin_form("strict", destination, owner="x", name="a.txt")
    assert service.begin("strict", destination, owner="x", name="a.txt", size=5).request.method == "PUT"
