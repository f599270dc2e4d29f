"""Large files: tickets, parts, and what a client can do with them."""

import re
import threading
import types

import pytest
from django.contrib.auth.models import User
from django.test import Client

from s3store import uploads
from s3store.core.parts import GIB, MAX_PART_SIZE, MAX_PARTS, MIB, browser_part_size
from s3store.errors import InvalidResponseError
from s3store.storage import S3Storage
from s3store.testing.counting import counted_requests
from s3store.uploads import service, tokens
from s3store.uploads.destinations import signed_label
from s3store.uploads.owners import owner_of_user
from s3store.uploads.tokens import Receipt, Ticket, read, signed
from s3store.wire.bucket import Bucket
from tests.faults.proxy import FaultProxy
from tests.uploads.client import begin, http, post, send_parts

SIZE = 33 * MIB
CONTENT = bytes(range(256)) * (SIZE // 256)


@pytest.fixture
def large(client, strict):
    """An upload of 33 MiB that has begun: five parts of 8 MiB."""
    return begin(client, "strict", "film.bin", SIZE)


@pytest.fixture
def sent(large):
    """An upload whose parts have all arrived."""
    assert send_parts(large["parts"], CONTENT, large["part_size"]) == [200] * 5
    return large


def refusal(answer):
    return answer.status_code, answer.json()["error"]["code"]


def changed(ticket, **facts):
    """Return a ticket with other facts, signed as only the server can."""
    old = read(Ticket, ticket, max_age=1000)
    return signed(Ticket(**{**{name: getattr(old, name) for name in old.__dataclass_fields__}, **facts}))


def open_uploads(strict):
    objects = strict.find_storage().objects
    return objects.bucket.count_uploads(objects.prefix("incoming"), {}, limit=1000)


# Whose


@pytest.mark.parametrize("step", ["sign", "parts", "complete", "abort"])
def test_sm_01_sm_07_a_ticket_works_for_its_owner_only(client, strict, sent, django_user_model, step):
    """Another user's request changes nothing."""
    eve = Client()
    eve.force_login(django_user_model.objects.create_user("eve"))
    body = {"ticket": sent["ticket"], **({"numbers": [1]} if step == "sign" else {})}
    assert refusal(post(eve, step, body)) == (403, "ticket_invalid")
    assert post(client, "complete", {"ticket": sent["ticket"]}).status_code == 200


FORGED = {
    "empty": lambda ticket: "",
    "a letter": lambda ticket: ticket[:-1] + ("a" if ticket[-1] != "a" else "b"),
    "the content": lambda ticket: ("a" if ticket[0] != "a" else "b") + ticket[1:],
    "cut off": lambda ticket: ticket[:-10],
    "without its time": lambda ticket: ":".join(ticket.split(":")[::2]),
    "half a pair": lambda ticket: ticket + "\ud800",
    "5 kB": lambda ticket: ticket * 20,
    "another salt": lambda ticket: tokens.signing.dumps(tokens.signing.loads(ticket, salt=Ticket.salt)),
    "another version": lambda ticket: tokens.signing.dumps(
        [2, *tokens.signing.loads(ticket, salt=Ticket.salt)[1:]], salt=Ticket.salt
    ),
    "fewer facts": lambda ticket: tokens.signing.dumps([1, "a"], salt=Ticket.salt),
    "no list": lambda ticket: tokens.signing.dumps(5, salt=Ticket.salt),
    "a receipt": lambda ticket: signed(read(Ticket, ticket, max_age=1000).receipt),
}


@pytest.mark.parametrize("name", FORGED)
def test_sm_01_sm_02_no_part_of_a_ticket_can_be_changed(client, large, name):
    """It is signed as a whole, with a salt of its own: the upload's id and its key belong together."""
    forged = FORGED[name](large["ticket"])
    for step in ("parts", "complete", "abort"):
        assert refusal(post(client, step, {"ticket": forged})) == (403, "ticket_invalid")


def test_sm_02_an_id_of_another_upload_finds_nothing(client, strict, large):
    """Even with a valid signature, S3 knows the id only together with its key."""
    other = read(Ticket, begin(client, "strict", "other.bin", SIZE)["ticket"], max_age=1000)
    mixed = changed(large["ticket"], upload_id=other.upload_id)
    assert refusal(post(client, "parts", {"ticket": mixed})) == (409, "upload_gone")
    assert refusal(post(client, "complete", {"ticket": mixed})) == (409, "upload_gone")
    post(client, "abort", {"ticket": mixed})
    assert open_uploads(strict) == 2


def test_sm_11_a_ticket_is_no_receipt(client, user, strict, sent):
    """And a receipt is no ticket."""
    done = post(client, "complete", {"ticket": sent["ticket"]}).json()
    owner = owner_of_user(user)
    with pytest.raises(uploads.UploadRefusedError) as refused:
        uploads.claim(sent["ticket"], label="strict", destination=strict, owner=owner)
    assert refused.value.code == "receipt_invalid"
    assert refusal(post(client, "complete", {"ticket": done["receipt"]})) == (403, "ticket_invalid")
    assert uploads.claim(done["receipt"], label="strict", destination=strict, owner=owner).size == SIZE


def test_sm_01_a_view_of_ones_own_opens_tickets(user, strict, large):
    """As the endpoints do: for their owner only."""
    ticket, destination = uploads.open_ticket(large["ticket"], owner=owner_of_user(user))
    assert (ticket.size, destination) == (SIZE, strict)
    with pytest.raises(uploads.UploadRefusedError, match="not known"):
        uploads.open_ticket(large["ticket"], owner=owner_of_user(User(pk=0)))


def test_a_destination_that_is_gone_ends_its_uploads(client, large, declare):
    """A ticket of a destination that the next release does not have."""
    orphan = changed(large["ticket"], destination="gone")
    assert refusal(post(client, "parts", {"ticket": orphan})) == (403, "ticket_invalid")


# How long


def at(monkeypatch, seconds):
    """Let it be `seconds` later for tickets."""
    now = tokens.signing.time.time() + seconds
    for module in (tokens.signing, service):
        monkeypatch.setattr(module, "time", types.SimpleNamespace(time=lambda: now))


def test_a_ticket_ends_and_can_be_renewed(client, large, monkeypatch):
    """After its life only `parts` takes it, up to two days after the beginning."""
    body = {"ticket": large["ticket"]}
    at(monkeypatch, 25 * 3600)
    assert refusal(post(client, "complete", body)) == (403, "ticket_expired")
    assert refusal(post(client, "sign", {**body, "numbers": [1]})) == (403, "ticket_expired")
    renewed = post(client, "parts", body)
    assert (renewed.status_code, renewed.json()["expires_in"]) == (200, 24 * 3600)
    again = {"ticket": renewed.json()["ticket"]}
    assert post(client, "sign", {**again, "numbers": [1]}).status_code == 200
    monkeypatch.undo()
    at(monkeypatch, 48 * 3600 + 2)
    assert refusal(post(client, "parts", again)) == (403, "ticket_expired")
    assert refusal(post(client, "parts", body)) == (403, "ticket_expired")


# Parts


@pytest.mark.parametrize(
    "numbers", [[], [0], [-1], [6], [10_001], [1.5], ["1"], [True], [1e9], [1, 1], [None], list(range(1, 10_001))]
)
def test_sm_03_impossible_numbers_are_refused(client, large, numbers):
    """Parts have whole numbers from 1 to their count, at most 100 at once."""
    assert refusal(post(client, "sign", {"ticket": large["ticket"], "numbers": numbers})) == (400, "invalid")


def test_a_small_file_has_no_parts(client, strict):
    """Its ticket signs none, lists none and says whether it arrived."""
    begun = begin(client, "strict", "a.txt", 5)
    body = {"ticket": begun["ticket"]}
    assert refusal(post(client, "sign", {**body, "numbers": [1]})) == (400, "invalid")
    assert refusal(post(client, "parts", body)) == (409, "upload_gone")
    assert refusal(post(client, "complete", body)) == (409, "upload_gone")
    assert post(client, "abort", body).json() == {"aborted": True}
    assert (
        http.request(
            "POST", begun["url"], fields=[*begun["fields"].items(), ("file", ("x", b"hello", "text/plain"))]
        ).status
        == 201
    )
    assert post(client, "complete", body).json()["receipt"]
    assert refusal(post(client, "abort", body)) == (409, "stored")


def test_sm_04_each_part_has_its_size(client, large):
    """It is signed into the URL: a byte less or more is refused by S3."""
    part = large["parts"][4]
    assert part["size"] == MIB
    assert [http.request("PUT", part["url"], body=b"x" * (MIB + more)).status for more in (-1, 1, 0)] == [403, 403, 200]
    assert [found["number"] for found in post(client, "parts", {"ticket": large["ticket"]}).json()["parts"]] == [5]


def test_sm_04_sm_06_parts_that_are_not_right_are_not_used(client, strict, large, is_seaweedfs):
    """Parts of another size or number, sent by who has the bucket's keys, are missing or left out.

    Ceph RGW 16 refuses to leave out a part.
    """
    storage = strict.find_storage()
    ticket = read(Ticket, large["ticket"], max_age=1000)
    where = {"Bucket": ticket.bucket, "Key": ticket.key, "UploadId": ticket.upload_id}
    for number in (2, 6):
        storage.client.upload_part(**where, PartNumber=number, Body=b"x" * (5 * MIB))
    send_parts([part for part in large["parts"] if part["number"] != 2], CONTENT, large["part_size"])
    answer = post(client, "complete", {"ticket": large["ticket"]})
    assert (answer.status_code, answer.json()["error"]) == (409, {"code": "parts_missing", "missing": [2]})
    again = post(client, "sign", {"ticket": large["ticket"], "numbers": [2]}).json()["parts"]
    assert send_parts(again, CONTENT, large["part_size"]) == [200]
    answer = post(client, "complete", {"ticket": large["ticket"]})
    if not is_seaweedfs and answer.status_code == 502:
        assert answer.json()["error"] == {"code": "storage_refused", "storage_code": "InvalidPart"}
        assert storage.objects.bucket.find(ticket.key, {}) is None
        return
    assert answer.status_code == 200
    assert storage.objects.bucket.head(ticket.key, {}).size == SIZE


@pytest.mark.parametrize("order", [[5, 4, 3, 2, 1], [3, 3, 1, 2, 5, 4, 1]])
def test_sm_06_order_and_repetition_do_not_matter(client, user, strict, large, order):
    """The server lists what S3 has; the client names no parts."""
    parts = {part["number"]: part for part in large["parts"]}
    assert set(send_parts([parts[number] for number in order], CONTENT, large["part_size"])) == {200}
    done = post(client, "complete", {"ticket": large["ticket"]}).json()
    file = uploads.claim(done["receipt"], label="strict", destination=strict, owner=owner_of_user(user))
    assert file.read() == CONTENT


@pytest.mark.parametrize("member", ["parts", "etags", "Parts", "upload_id", "key"])
def test_sm_05_sm_06_no_list_of_parts_is_taken(client, large, member):
    """So nothing of a client's comes into the XML of the completion."""
    evil = [{"PartNumber": 1, "ETag": '"x</ETag></Part><Part><PartNumber>9</PartNumber><ETag>y'}]
    answer = post(client, "complete", {"ticket": large["ticket"], member: evil})
    assert answer.json()["error"] == {"code": "invalid", "field": member}


def test_sm_06_without_any_part_all_are_missing(client, large):
    """The upload can be continued."""
    answer = post(client, "complete", {"ticket": large["ticket"]})
    assert (answer.status_code, answer.json()["error"]["missing"]) == (409, [1, 2, 3, 4, 5])


@pytest.mark.parametrize("part_size", [5 * MIB - 1, 5 * GIB + 1, 0, -1, 10**400])
def test_sm_06_impossible_part_sizes_are_refused(client, strict, part_size):
    """Parts have 5 MiB to 5 GiB."""
    body = {"destination": signed_label("strict"), "name": "a", "size": SIZE, "part_size": part_size}
    assert post(client, "begin", body).json()["error"] == {"code": "invalid", "field": "part_size"}


def test_the_client_can_choose_the_size_of_parts(client, strict):
    """Within those limits; the server says the number of parts."""
    begun = begin(client, "strict", "a.bin", SIZE, part_size=5 * MIB)
    assert (begun["part_size"], begun["part_count"], begun["parts"][-1]["size"]) == (5 * MIB, 7, 3 * MIB)


@pytest.mark.parametrize("kind", ["text/html", "image/svg+xml"])
def test_sm_09_the_type_is_fixed_at_the_beginning(client, user, strict, kind):
    """By the same rules as for small files."""
    begun = begin(client, "strict", "a.unheard", SIZE, type=kind)
    assert begun["type"] == "application/octet-stream"
    assert send_parts(begun["parts"], CONTENT, begun["part_size"]) == [200] * 5
    done = post(client, "complete", {"ticket": begun["ticket"]}).json()
    file = uploads.claim(done["receipt"], label="strict", destination=strict, owner=owner_of_user(user))
    assert file.content_type == "application/octet-stream"
    refused = {"destination": signed_label("strict"), "name": "a.html", "size": SIZE, "type": kind}
    assert refusal(post(client, "begin", refused)) == (400, "type_refused")


def test_sm_08_an_owner_has_a_hundred_open_uploads(client, strict, monkeypatch, django_user_model):
    """Others are not affected, and an aborted one makes room."""
    monkeypatch.setattr(service, "MAX_OPEN", 2)
    first = begin(client, "strict", "a", SIZE)
    begin(client, "strict", "a", SIZE)
    body = {"destination": signed_label("strict"), "name": "a", "size": SIZE}
    assert refusal(post(client, "begin", body)) == (429, "too_many_uploads")
    eve = Client()
    eve.force_login(django_user_model.objects.create_user("eve"))
    assert post(eve, "begin", body).status_code == 201
    assert post(client, "abort", {"ticket": first["ticket"]}).status_code == 200
    assert post(client, "begin", body).status_code == 201


# Twice, and afterwards


def test_sm_10_completing_twice_is_one_object(client, strict, sent):
    """Both answers are the same, but for the time in the receipt."""
    answers = [post(client, "complete", {"ticket": sent["ticket"]}).json() for _ in range(2)]
    receipts = [read(Receipt, answer.pop("receipt"), max_age=1000) for answer in answers]
    assert receipts[0] == receipts[1]
    assert answers[0] == answers[1]
    assert len(list(strict.find_storage().scan("incoming"))) == 1


def test_sm_10_two_threads_complete_one_upload(strict, sent):
    """Tabs that resume one upload: both get the receipt."""
    ticket = read(Ticket, sent["ticket"], max_age=1000)
    found, start = [], threading.Barrier(2)

    def complete():
        start.wait()
        found.append(service.complete(ticket, strict))

    threads = [threading.Thread(target=complete) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [ticket.receipt] * 2
    assert len(list(strict.find_storage().scan("incoming"))) == 1


def test_sm_10_an_upload_whose_parts_are_gone_is_complete_if_it_is_stored(strict, sent, monkeypatch):
    """SeaweedFS lists no parts of an upload that another request completes at this moment."""
    ticket = read(Ticket, sent["ticket"], max_age=1000)
    service.complete(ticket, strict)
    monkeypatch.setattr(Bucket, "list_parts", lambda *_: [])
    assert service.complete(ticket, strict) == ticket.receipt


def test_sm_10_aborted_is_aborted(client, strict, sent):
    """Twice too; completing it is a 409."""
    assert [post(client, "abort", {"ticket": sent["ticket"]}).json() for _ in range(2)] == [{"aborted": True}] * 2
    for step in ("complete", "parts"):
        assert refusal(post(client, step, {"ticket": sent["ticket"]})) == (409, "upload_gone")
    assert (open_uploads(strict), list(strict.find_storage().scan("incoming"))) == (0, [])


def test_sm_10_a_complete_upload_is_not_aborted(client, user, strict, sent):
    """A form may have its receipt."""
    done = post(client, "complete", {"ticket": sent["ticket"]}).json()
    assert refusal(post(client, "abort", {"ticket": sent["ticket"]})) == (409, "stored")
    assert refusal(post(client, "parts", {"ticket": sent["ticket"]})) == (409, "stored")
    file = uploads.claim(done["receipt"], label="strict", destination=strict, owner=owner_of_user(user))
    file.discard()
    assert refusal(post(client, "complete", {"ticket": sent["ticket"]})) == (409, "upload_gone")


def test_ub_37_a_completion_whose_answer_is_lost(client, declare, seaweedfs_options, user):
    """The server asks again, finds the upload gone and the object there: the client sees a success."""
    faults = {"faults": {"lost": 1.0}, "match": "^POST .*uploadId=", "max_faults": 1}
    with FaultProxy(seaweedfs_options["endpoint_url"], **faults) as proxy:
        storage = S3Storage(**{**seaweedfs_options, "endpoint_url": proxy.url}, max_attempts=3)
        destination = declare("strict", storage=storage, max_size=64 * MIB)
        begun = begin(client, "strict", "a.bin", SIZE)
        assert send_parts(begun["parts"], CONTENT, begun["part_size"]) == [200] * 5
        done = post(client, "complete", {"ticket": begun["ticket"]})
        assert done.status_code == 200, done.content
        assert [sent.fault for sent in proxy.requests("POST", "uploadId=")] == ["lost", None]
        file = uploads.claim(done.json()["receipt"], label="strict", destination=destination, owner=owner_of_user(user))
        assert file.size == SIZE


# Sizes


@pytest.mark.parametrize(
    ("size", "part_size"),
    [
        (32 * MIB + 1, 8 * MIB),
        (5 * GIB, 8 * MIB),
        (6 * GIB, 8 * MIB),
        (10 * GIB, 11 * MIB),
        (500 * GIB, 512 * MIB),
        (5120 * GIB, 525 * MIB),
        (MAX_PARTS * MAX_PART_SIZE, 5 * GIB),
    ],
)
def test_ub_06_sizes_of_parts(size, part_size):
    """Up to 48.8 TiB in at most 10,000 parts, and up to 500 GiB in one page of a listing."""
    assert browser_part_size(size) == part_size
    assert part_size % MIB == 0
    assert -(-size // part_size) <= (1000 if size <= 500 * GIB else MAX_PARTS)


def test_ub_06_the_largest_upload(client, declare, far_away, user):
    """Its last part is signed with what is left."""
    size = MAX_PARTS * MAX_PART_SIZE - 1
    destination = declare("huge", storage=far_away, max_size=size)
    ticket = Ticket(
        destination="huge",
        owner=owner_of_user(user),
        bucket="some-bucket",
        key=f"incoming/huge/{owner_of_user(user)[:12]}/x",
        name="x",
        size=size,
        content_type="text/plain",
        upload_id="some-id",
        part_size=MAX_PART_SIZE,
        begun_at=int(tokens.signing.time.time()),
    )
    answer = post(client, "sign", {"ticket": signed(ticket), "numbers": [10_000]}).json()
    assert [(part["number"], part["size"]) for part in answer["parts"]] == [(10_000, MAX_PART_SIZE - 1)]
    assert refusal(post(client, "sign", {"ticket": signed(ticket), "numbers": [10_001]})) == (400, "invalid")
    with pytest.raises(uploads.UploadRefusedError) as refused:
        uploads.begin("huge", destination, owner="x", name="x", size=size + 1)
    assert refused.value.code == "too_large"


# Listings of parts


def pages_of(count, *, size=1000, marker=None, truncated=None):
    """Answer ListParts with pages of `size` out of `count` parts, or with wrong ends of pages."""

    def respond(method, target, headers):
        if method != "GET" or "uploadId" not in target:
            return None
        first = int(re.search(r"part-number-marker=(\d+)", target)[1]) + 1
        last = min(first + size - 1, count)
        parts = "".join(
            f'<Part><PartNumber>{number}</PartNumber><ETag>"e{number}"</ETag><Size>5</Size></Part>'
            for number in range(first, last + 1)
        )
        more = last < count if truncated is None else truncated
        end = last if marker is None else marker(first)
        body = (
            '<?xml version="1.0"?><ListPartsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
            f"<NextPartNumberMarker>{end}</NextPartNumberMarker><IsTruncated>{str(more).lower()}</IsTruncated>"
            f"{parts}</ListPartsResult>"
        )
        return 200, {"Content-Type": "application/xml"}, body.encode()

    return respond


@pytest.mark.parametrize(("count", "requests"), [(999, 1), (1000, 1), (2001, 3)])
def test_ub_41_all_pages_of_parts_are_read(seaweedfs_options, count, requests):
    """S3 lists 1,000 parts in a page."""
    with FaultProxy(seaweedfs_options["endpoint_url"], respond=pages_of(count)) as proxy:
        storage = S3Storage(**{**seaweedfs_options, "endpoint_url": proxy.url})
        with counted_requests(storage) as sent:
            found = storage.objects.bucket.list_parts("a", "some-id", {})
        assert [part.number for part in found] == list(range(1, count + 1))
        assert len(sent) == requests


@pytest.mark.parametrize(
    "marker", [lambda first: 0, lambda first: first - 1, lambda first: first], ids=["zero", "the same", "grows by one"]
)
def test_ub_41_a_listing_of_parts_ends(seaweedfs_options, marker):
    """A server that repeats its marker, or never ends, is an error after at most 11 pages."""
    respond = pages_of(1_000_000, size=1, marker=marker, truncated=True)
    with FaultProxy(seaweedfs_options["endpoint_url"], respond=respond) as proxy:
        storage = S3Storage(**{**seaweedfs_options, "endpoint_url": proxy.url})
        with counted_requests(storage) as sent, pytest.raises(InvalidResponseError, match="list of parts"):
            storage.objects.bucket.list_parts("a", "some-id", {})
        assert len(sent) <= 11
