"""The steps of an upload, from the first request to the file in its place."""

import os

import pytest

from s3store import uploads
from s3store.uploads import Destination, destinations, register
from s3store.uploads.owners import owner_of_user
from tests.uploads.client import begin, post, send, send_parts

MIB = 1 << 20


def claimed(files, user, receipt):
    return uploads.claim(receipt, label="files", destination=files, owner=owner_of_user(user))


@pytest.mark.parametrize("content", [b"", b"hello"])
def test_a_small_file_takes_one_request_to_django_and_one_to_s3(client, user, files, content):
    """The answer of `begin` has all that the browser needs, and the receipt that the form sends."""
    begun = begin(client, "files", "note.txt", len(content))
    assert begun["mode"] == "post"
    assert send(begun, content) == 201
    file = claimed(files, user, begun["receipt"])
    assert (file.name, file.size, file.content_type) == ("note.txt", len(content), "text/plain")
    assert file.read() == content
    storage = files.find_storage()
    assert storage.save("notes/note.txt", file) == "notes/note.txt"
    assert storage.read_bytes("notes/note.txt") == content
    assert storage.stat("notes/note.txt").content_type == "text/plain"
    second = storage.save("notes/note.txt", file)
    assert second != "notes/note.txt"
    assert storage.read_bytes(second) == content
    file.discard()
    assert not list(storage.scan("incoming"))


def test_a_large_file_is_sent_in_parts_and_resumed(client, user, files):
    """What `parts` lists need not be sent again, and S3 decides whether all have arrived."""
    content = os.urandom(MIB) * 40
    begun = begin(client, "files", "film.mp4", len(content))
    assert begun["mode"] == "multipart"
    assert begun["part_count"] == len(begun["parts"]) == 5
    assert send_parts(begun["parts"][:3], content, begun["part_size"]) == [200] * 3
    listed = post(client, "parts", {"ticket": begun["ticket"]}).json()
    assert [part["number"] for part in listed["parts"]] == [1, 2, 3]
    missing = post(client, "complete", {"ticket": listed["ticket"]})
    assert (missing.status_code, missing.json()["error"]) == (409, {"code": "parts_missing", "missing": [4, 5]})
    signed = post(client, "sign", {"ticket": listed["ticket"], "numbers": [4, 5]}).json()
    assert send_parts(signed["parts"], content, begun["part_size"]) == [200, 200]
    done = post(client, "complete", {"ticket": listed["ticket"]})
    assert done.status_code == 200, done.content
    again = post(client, "complete", {"ticket": begun["ticket"]})
    assert again.json().keys() == done.json().keys()
    file = claimed(files, user, done.json()["receipt"])
    storage = files.find_storage()
    assert storage.save("film.mp4", file) == "film.mp4"
    assert storage.read_bytes("film.mp4") == content


def test_a_ticket_after_the_session_has_ended(client, user, files):
    """The answer is to log in, and not that the upload is gone: with a login it continues."""
    begun = begin(client, "files", "film.mp4", 40 * MIB)
    client.logout()
    refused = post(client, "parts", {"ticket": begun["ticket"]})
    assert (refused.status_code, refused.json()["error"]["code"]) == (401, "login_required")
    invalid = post(client, "parts", {"ticket": f"{begun['ticket']}x"})
    assert (invalid.status_code, invalid.json()["error"]["code"]) == (403, "ticket_invalid")
    client.force_login(user)
    assert post(client, "parts", {"ticket": begun["ticket"]}).json()["parts"] == []


def test_a_ticket_of_another_visitor(client, user, s3_storage):
    """Where everyone may upload, a login would not help: the ticket belongs to somebody else."""
    register("public", Destination(storage=s3_storage, permission=lambda request: True))
    try:
        begun = begin(client, "public", "film.mp4", 40 * MIB)
        client.logout()
        refused = post(client, "parts", {"ticket": begun["ticket"]})
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "ticket_invalid")
    finally:
        del destinations._declared["public"]
