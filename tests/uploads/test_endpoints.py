"""The endpoints: what they refuse, and that they answer anything a client can send."""

import asyncio
import json
import random
import re
from pathlib import Path

import django
import pytest
from django.contrib.auth.models import User
from django.test import AsyncClient, Client
from django.urls import get_resolver

import s3store
from s3store.core.keys import clean_name
from s3store.storage import S3Storage
from s3store.uploads import service, views
from s3store.uploads.destinations import read_label, signed_label
from s3store.uploads.owners import owner_of_user
from s3store.uploads.tokens import signed
from tests.faults.proxy import FaultProxy
from tests.uploads.client import begin, post
from tests.uploads.site import use_by_default

STEPS = ("begin", "sign", "parts", "complete", "abort", "signed-url")


@pytest.fixture
def place(declare, far_away):
    """A destination for text and binary data, up to 1 MiB."""
    return declare("place", storage=far_away, max_size=1 << 20)


@pytest.fixture
def ticket(user, place):
    """The ticket of a large upload that exists on paper only."""
    found = service.begin("place", place, owner=owner_of_user(user), name="a.bin", size=1 << 10).ticket
    facts = {name: getattr(found, name) for name in found.__dataclass_fields__}
    return signed(service.Ticket(**{**facts, "size": 100 << 20, "upload_id": "some-id", "part_size": 8 << 20}))


@pytest.fixture
def default_storage(settings):
    """A default storage at AWS, for the endpoint that needs no destination."""
    settings.AWS_STORAGE_BUCKET_NAME, settings.AWS_S3_REGION_NAME = "some-bucket", "eu-central-1"
    settings.AWS_ACCESS_KEY_ID, settings.AWS_SECRET_ACCESS_KEY = "key", "secret"
    settings.STORAGES = {**settings.STORAGES, "default": {"BACKEND": "s3store.storage.S3Storage"}}


def refusal(answer):
    return answer.status_code, answer.json()["error"]["code"]


# Who


@pytest.mark.django_db
@pytest.mark.parametrize("step", ["begin", "signed-url"])
def test_sp_01_visitors_are_refused(place, default_storage, step):
    """By default only users who are logged in may upload; the answer is JSON and no redirect."""
    body = {"destination": signed_label("place"), "name": "a.txt", "size": 1} if step == "begin" else {"key": "a.txt"}
    assert refusal(post(Client(), step, body)) == (401, "login_required")


def test_sp_01_the_permission_decides(client, declare, far_away, user):
    """A destination can let everybody in, or only some users, who are told the same as for no destination."""
    declare("open", storage=far_away, permission=lambda request: True)
    declare("closed", storage=far_away, permission=lambda request: request.user.is_staff)
    assert begin(Client(), "open", "a.txt", 1)["mode"] == "post"
    body = {"destination": signed_label("closed"), "name": "a.txt", "size": 1}
    assert refusal(post(client, "begin", body)) == (404, "unknown_destination")
    User.objects.filter(pk=user.pk).update(is_staff=True)
    assert post(client, "begin", body).status_code == 201


def test_a_permission_must_answer_true_or_false(client, declare, far_away):
    """A forgotten return is an error of the project, and lets nobody in."""
    declare("forgotten", storage=far_away, permission=lambda request: None)
    with pytest.raises(Exception, match="Return True or False"):
        post(client, "begin", {"destination": signed_label("forgotten"), "name": "a.txt", "size": 1})


def test_sp_01_the_permission_is_asked_at_every_step(client, declare, far_away, ticket, monkeypatch):
    """A user who loses it can go on with nothing."""
    declare("place", storage=far_away, permission=lambda request: False)
    for step in ("parts", "complete", "abort"):
        assert refusal(post(client, step, {"ticket": ticket})) == (404, "unknown_destination")
    assert refusal(post(client, "sign", {"ticket": ticket, "numbers": [1]})) == (404, "unknown_destination")


def test_ub_57_a_session_that_ends_asks_for_a_login(client, place, ticket):
    """The ticket is not lost: after the next login it works again."""
    body = {"ticket": ticket, "numbers": [1]}
    user = client.session["_auth_user_id"]
    client.logout()
    assert refusal(post(client, "sign", body)) == (401, "login_required")
    client.force_login(User.objects.get(pk=user))
    assert post(client, "sign", body).status_code == 200


@pytest.mark.django_db
def test_visitors_own_what_their_session_uploads(declare, far_away, settings):
    """Also where the key of a session changes with its content."""
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
    settings.SESSION_SAVE_EVERY_REQUEST = True
    declare("open", storage=far_away, permission=lambda request: True)
    ann, eve = Client(), Client()
    begun = begin(ann, "open", "a.txt", 1)
    assert begin(ann, "open", "b.txt", 1)["key"].split("/")[:3] == begun["key"].split("/")[:3]
    assert begin(eve, "open", "a.txt", 1)["key"].split("/")[:3] != begun["key"].split("/")[:3]
    for client, code in ((eve, "ticket_invalid"), (Client(), "ticket_invalid"), (ann, "invalid")):
        assert refusal(post(client, "sign", {"ticket": begun["ticket"], "numbers": [1]}))[1] == code


# CSRF


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "application/x-www-form-urlencoded"])
def test_sp_02_every_step_needs_a_csrf_token(user, place, ticket, step, content_type):
    """Also where the middleware is missing, and for types that a form of another site can send."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(user)
    answer = client.post(f"/s3store/{step}/", json.dumps({"ticket": ticket}), content_type=content_type)
    assert answer.status_code == 403


def test_sp_02_the_token_comes_from_its_endpoint(user, place):
    """A page whose token has become invalid gets another."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(user)
    token = client.get("/s3store/token/").json()["csrf_token"]
    body = {"destination": signed_label("place"), "name": "a.txt", "size": 1}
    assert post(client, "begin", body, headers={"X-CSRFToken": token}).status_code == 201
    assert post(client, "begin", body, headers={"X-CSRFToken": token[:-1]}).status_code == 403


def test_sp_02_nothing_is_exempt_from_csrf_but_the_twin():
    """The twin answers as S3 does, which knows no tokens: it checks signatures.

    With REST framework, the classes that know the client decide; visitors need a token: test_rest_framework.
    """
    root = Path(s3store.__file__).parent
    exempt = [path for path in root.rglob("*.py") if "csrf_exempt" in path.read_text(encoding="utf-8")]
    assert [path.name for path in exempt if path.parent.name != "local"] == ["rest_framework.py"]


# Bodies


@pytest.mark.parametrize("step", [*STEPS, "token"])
def test_sp_03_each_endpoint_has_one_method(client, place, step):
    """The others are a 405 that says which."""
    right = "GET" if step == "token" else "POST"
    for method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} - {right}:
        answer = client.generic(method, f"/s3store/{step}/")
        assert (answer.status_code, answer["Allow"]) == (405, right)


BODIES = {
    "empty": (b"", 400),
    "not JSON": (b"{", 400),
    "a list": (b"[]", 400),
    "a number": (b"1", 400),
    "null": (b"null", 400),
    "text": (b'"x"', 400),
    "NaN": (b'{"ticket": NaN}', 400),
    "infinite": (b'{"ticket": -Infinity}', 400),
    "twice": (b'{"ticket": "a", "ticket": "b"}', 400),
    "twice below": (b'{"ticket": {"a": 1, "a": 2}}', 400),
    "deep": (b"[" * 60_000, 400),
    "deep objects": (b'{"a":' * 10_000, 400),
    "a long number": (b'{"ticket": ' + b"9" * 5_000 + b"}", 400),
    "no UTF-8": (b'{"ticket": "\xff"}', 400),
    "UTF-16": ('{"ticket": "x"}'.encode("utf-16"), 403),
    "half a pair": (b'{"ticket": "\\ud800"}', 403),
    "an unknown member": (b'{"ticket": "a", "__proto__": {}}', 400),
    "a wrong type": (b'{"ticket": 1}', 400),
    "true": (b'{"ticket": true}', 400),
    "large": (b'{"ticket": "' + b"x" * (64 << 10) + b'"}', 413),
    "10 MB": (b"x" * 10_000_000, 413),
}


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("step", ["parts", "complete", "abort"])
def test_sp_03_bad_bodies_have_an_answer(client, place, step, name):
    """Never a 500."""
    body, status = BODIES[name]
    answer = client.post(f"/s3store/{step}/", body, content_type="application/json")
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/json")
    assert set(answer.json()) == {"message", "error"}


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "", "x"]
)
def test_sp_03_other_content_types_are_refused(client, place, content_type):
    """A form of another site can send some of them without asking."""
    answer = client.post("/s3store/parts/", b'{"ticket": "a"}', content_type=content_type)
    assert refusal(answer) == (400, "invalid")


@pytest.mark.parametrize("length", ["", "-1", "x", "1e9", "9" * 5_000, "\u00b2", "65537"])
def test_sp_03_wrong_lengths_are_refused(rf, user, place, length):
    """The header is the client's word too."""
    request = rf.post("/", b'{"ticket": "a"}', content_type="application/json", CONTENT_LENGTH=length)
    request.user, request.csrf_processing_done = user, True
    assert views.parts(request).status_code == (400 if length == "" else 413)


def test_sp_03_a_body_that_breaks_off_is_refused(rf, user, place):
    """The client has gone, or the connection."""

    class Broken:
        def read(self, *_):
            raise OSError("gone")

        def close(self):
            """As streams have it."""

        def seekable(self):
            return False

    request = rf.post("/", b"{}", content_type="application/json")
    request.user, request.csrf_processing_done = user, True
    request._stream = Broken()
    assert views.parts(request).status_code == 400


def test_sp_03_the_length_of_a_body_without_one_is_counted(rf, user, place, settings):
    """Whatever the project allows for its other views."""
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    for size, limit in ((2000, 1000), (65_537, None)):
        settings.DATA_UPLOAD_MAX_MEMORY_SIZE = limit
        request = rf.post("/", b" " * size, content_type="application/json")
        request.user, request.csrf_processing_done = user, True
        if limit is None:
            request.META["CONTENT_LENGTH"] = "1"
            request._body = b" " * size
        assert views.parts(request).status_code == 413


NASTY = (
    *(
        None,
        True,
        False,
        0,
        -1,
        1,
        1.5,
        1e99,
        2**63,
        2**64,
        10**400,
        "",
        "12",
        " ",
        "\0",
        "\ud800",
        "\u202e",
        "x" * 9_999,
    ),
    *([], {}, [1], [[1]], {"a": 1}, [None] * 101, list(range(1, 102)), "../..", "${filename}", "__proto__", "a/b\\c"),
)


def fuzzed(number, bodies):
    """Return the step, the content type and the body of a random request."""
    draw = random.Random(number)
    step = draw.choice(STEPS)
    body = dict(bodies[step])
    for _ in range(draw.randint(1, 3)):
        way, name = draw.randrange(4), draw.choice([*bodies[step], "key", "__class__", "user"])
        if way == 0:
            body.pop(name, None)
        elif way == 1:
            body[name] = draw.choice(NASTY)
        elif way == 2 and isinstance(body.get(name), str):
            at = draw.randrange(len(body[name]) + 1)
            body[name] = (
                body[name][:at] + draw.choice(["", "\ud800", "\0", ":", "=", "x" * 5000]) + body[name][at + 1 :]
            )
        else:
            body[draw.choice(["a", "size", "acl", "upload_to", "expires"])] = draw.choice(NASTY)
    text = json.dumps(body).encode()
    if draw.random() < 0.3:
        at = draw.randrange(len(text))
        text = text[:at] + draw.randbytes(draw.randint(0, 9)) + text[at + draw.randint(0, 9) :]
    kinds = ["application/json"] * 9 + ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "a"]
    return step, draw.choice(kinds), text


def test_sp_03_500_random_bodies_have_an_answer(client, place, ticket, default_storage):
    """An error is JSON with a code, and no answer is a 500."""
    whole = {"destination": signed_label("place"), "name": "a.txt", "size": 10, "type": "text/plain"}
    with_ticket = {"ticket": ticket[:-1] + ("a" if ticket[-1] != "a" else "b")}
    bodies = {
        "begin": {**whole, "part_size": 8 << 20, "v": 1},
        "sign": {"ticket": ticket, "numbers": [1, 2]},
        **dict.fromkeys(("parts", "complete", "abort"), with_ticket),
        "signed-url": {"key": "a.txt"},
    }
    statuses = set()
    for number in range(500):
        step, content_type, text = fuzzed(number, bodies)
        answer = client.generic("POST", f"/s3store/{step}/", text, content_type=content_type)
        statuses.add(answer.status_code)
        assert answer.status_code in (200, 201, 400, 403, 404, 413), (number, step, text)
        if answer.status_code >= 400:
            assert re.fullmatch("[a-z_]+", answer.json()["error"]["code"]), (number, step, text)
    assert statuses >= {200, 201, 400, 403, 404}


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data; name=key\r\n\r\n"),
        ("application/x-www-form-urlencoded", b"&".join(b"key=a" for _ in range(2000))),
        pytest.param(
            "application/x-www-form-urlencoded; charset=utf-16",
            b"key=a.txt",
            marks=pytest.mark.skipif(django.VERSION < (5,), reason="Django 4.2 reads such a form"),
        ),
        ("application/x-www-form-urlencoded", b"key=a.txt&acl=public-read"),
        ("application/x-www-form-urlencoded", b"other=a.txt"),
        ("application/x-www-form-urlencoded", b"key=%00"),
    ],
    ids=range(7),
)
def test_sp_03_bad_forms_have_an_answer(client, default_storage, content_type, body):
    """In the same form as other errors."""
    answer = client.generic("POST", "/s3store/signed-url/", body, content_type=content_type)
    assert (answer.status_code, "code" in answer.json()["error"]) == (400, True)


def test_sp_03_a_large_form_is_refused(client, default_storage):
    """As a large JSON body."""
    body = b"key=" + b"x" * (64 << 10)
    answer = client.generic("POST", "/s3store/signed-url/", body, content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 413


# Where


FORGED = {
    "not signed": "place",
    "another app's field": "auth.User.password",
    "__proto__": "__proto__",
    "10 kB": "x" * 10_000,
    "half a pair": "place:\ud800",
    "changed": None,
}


@pytest.mark.parametrize("name", FORGED)
def test_sp_04_unknown_and_forbidden_places_look_alike(client, declare, place, far_away, name):
    """So nobody can find out what exists."""
    declare("closed", storage=far_away, permission=lambda request: False)
    forged = FORGED[name] or signed_label("place").replace("place", "pla2e")
    unknown = post(client, "begin", {"destination": forged, "name": "a", "size": 1})
    forbidden = post(client, "begin", {"destination": signed_label("closed"), "name": "a", "size": 1})
    assert unknown.status_code == forbidden.status_code == 404
    assert unknown.content == forbidden.content
    assert unknown.headers == forbidden.headers


def test_sp_04_only_fields_that_upload_are_destinations(client):
    """Also with a valid signature."""
    for label in ("auth.User.password", "auth.User.nothing", "app.Upload.title", "app.Nothing.file", "nothing", "a.b"):
        assert read_label(signed_label(label)) == label
        body = {"destination": signed_label(label), "name": "a", "size": 1}
        assert refusal(post(client, "begin", body)) == (404, "unknown_destination")


@pytest.mark.parametrize("member", ["key", "bucket", "upload_to", "acl", "endpoint", "expires", "location", "owner"])
def test_sp_05_sp_14_the_client_chooses_no_place_and_no_rule(client, place, member):
    """An unknown member is refused, and named."""
    body = {"destination": signed_label("place"), "name": "a.txt", "size": 1, member: "x"}
    answer = post(client, "begin", body)
    assert (answer.status_code, answer.json()["error"]) == (400, {"code": "invalid", "field": member})


@pytest.mark.parametrize("member", ["analyzed", "user", "max_size", "permission"])
def test_sp_14_unknown_members_are_refused_everywhere(client, place, ticket, member):
    """With tickets too."""
    for step in ("sign", "parts", "complete", "abort"):
        body = {"ticket": ticket, member: 2, **({"numbers": [1]} if step == "sign" else {})}
        assert post(client, step, body).json()["error"] == {"code": "invalid", "field": member}


@pytest.mark.parametrize("name", ["../../x.txt", "a/b.txt", "x.txt", "..\\x.txt", "a\u202e.txt", "x" * 251 + ".txt"])
def test_sp_05_the_key_is_the_servers(client, user, place, name):
    """The destination, the user, 128 random bits, and of the name only a clean extension."""
    keys = {begin(client, "place", name, 1)["key"] for _ in range(3)}
    folder = re.escape(f"incoming/place/{owner_of_user(user)[:12]}/")
    assert len(keys) == 3
    assert all(re.fullmatch(folder + r"[0-9a-f]{32}\.txt", key) and clean_name(key) == key for key in keys)


# Sizes and names


@pytest.mark.parametrize("size", [-1, 1e99, "12", True, None, [], 1.0, 2**60, 10**400, (1 << 20) + 1])
def test_sp_07_impossible_sizes_are_refused(client, place, size):
    """A size is a whole number of bytes, up to the limit."""
    answer = post(client, "begin", {"destination": signed_label("place"), "name": "a", "size": size})
    large = type(size) is int and 0 < size < 2**60
    assert refusal(answer) == ((413, "too_large") if large else (400, "invalid"))


def test_sp_07_limits_of_the_destination(client, declare, far_away):
    """Both are told."""
    declare("bounds", storage=far_away, max_size=10, min_size=3)
    small = post(client, "begin", {"destination": signed_label("bounds"), "name": "a", "size": 2})
    large = post(client, "begin", {"destination": signed_label("bounds"), "name": "a", "size": 11})
    assert small.json()["error"] == {"code": "too_small", "min_size": 3}
    assert large.json()["error"] == {"code": "too_large", "max_size": 10}
    assert [begin(client, "bounds", "a", size)["size"] for size in (3, 10)] == [3, 10]


def test_ub_05_an_empty_picture_is_refused(client, place):
    """Phones say so of pictures that they do not have yet; other files can be empty."""
    body = {"destination": signed_label("place"), "size": 0}
    for name, said in (("a.mov", ""), ("a", "video/quicktime"), ("a.png", "")):
        assert refusal(post(client, "begin", {**body, "name": name, "type": said})) == (400, "empty")
    assert begin(client, "place", "a.txt", 0)["size"] == 0


@pytest.mark.parametrize("name", ["", "..", "a\0b", "\ud800", "a/", "x" * 256])
def test_ub_07_impossible_names_are_refused(client, place, name):
    """Before anything is uploaded."""
    answer = post(client, "begin", {"destination": signed_label("place"), "name": name, "size": 1})
    assert refusal(answer) == (400, "name_refused")


@pytest.mark.parametrize(
    "name", ["\"q'.txt", "a+b%2F.txt", "exe\u202etxt.txt", "u\u0308.txt", "\U0001f600.txt", "x" * 254]
)
def test_ub_07_names_travel_in_json_only(client, place, name):
    """What is sent to S3 is ASCII, and has nothing of the name but its extension."""
    begun = begin(client, "place", name, 1)
    sent = json.dumps([begun["key"], begun["url"], begun["fields"]], ensure_ascii=False)
    assert sent.isascii()
    assert name[:-4] not in sent
    assert begun["name"] == ("\u00fc.txt" if name.startswith("u") else name)


def test_sp_09_refused_types_are_told(client, declare, far_away):
    """With what is accepted instead."""
    declare("pictures", storage=far_away, accept=("image/*", ".pdf"))
    answer = post(client, "begin", {"destination": signed_label("pictures"), "name": "a.html", "size": 1})
    assert answer.json()["error"] == {"code": "type_refused", "accept": ["image/*", ".pdf"]}


@pytest.mark.parametrize("version", [0, 2, -1])
def test_other_versions_of_the_protocol_are_refused(client, place, version):
    """So a client of a later version can ask again."""
    body = {"destination": signed_label("place"), "name": "a", "size": 1, "v": version}
    assert post(client, "begin", body).json()["error"] == {"code": "invalid", "field": "v"}


# How often


@pytest.mark.parametrize(("wait", "said"), [(1, "1"), (0.2, "1"), (90.5, "91")])
def test_sp_19_a_throttle_says_when_to_come_again(client, declare, far_away, wait, said):
    """In the header and in the body."""
    declare("slow", storage=far_away, throttle=lambda request: wait)
    answer = post(client, "begin", {"destination": signed_label("slow"), "name": "a", "size": 1})
    assert (answer.status_code, answer["Retry-After"]) == (429, said)
    assert answer.json()["error"] == {"code": "throttled", "retry_after": int(said)}


@pytest.mark.parametrize("wait", [None, 0, -3, 0.0])
def test_sp_19_a_throttle_that_does_not_wait(client, declare, far_away, wait):
    """Nothing to wait for is no refusal."""
    declare("slow", storage=far_away, throttle=lambda request: wait)
    assert begin(client, "slow", "a", 1)["mode"] == "post"


def test_sp_19_sp_20_a_flood_meets_the_throttle(client, declare, far_away):
    """A thousand requests of one user get as many uploads as the project allows."""
    allowed = iter(range(5))
    declare("flood", storage=far_away, throttle=lambda request: next(allowed, None) is None and 60)
    body = {"destination": signed_label("flood"), "name": "a", "size": 1}
    statuses = [post(client, "begin", body).status_code for _ in range(200)]
    assert (statuses.count(201), statuses.count(429)) == (5, 195)


def test_sp_20_no_endpoint_signs_what_a_client_sends():
    """The URLs are these seven: each makes its key and its policy itself."""
    (include,) = (found for found in get_resolver().url_patterns if getattr(found, "namespace", None) == "s3store")
    assert {pattern.name for pattern in include.url_patterns} == {*STEPS, "token"}


# Answers


def test_sp_21_names_are_data(client, place):
    """An answer is JSON that no browser takes for a page."""
    answer = post(client, "begin", {"destination": signed_label("place"), "name": '"><svg onload=alert(1)>', "size": 1})
    assert answer["Content-Type"] == "application/json"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer.json()["name"] == '"><svg onload=alert(1)>'


def test_sp_23_no_answer_is_kept_by_a_cache(client, place, ticket):
    """Answers contain signatures and tokens: also the errors are private."""
    answers = [
        post(client, "begin", {"destination": signed_label("place"), "name": "a", "size": 1}),
        post(client, "sign", {"ticket": ticket, "numbers": [1]}),
        post(client, "sign", {"ticket": "x", "numbers": [1]}),
        post(Client(), "begin", {"destination": signed_label("place"), "name": "a", "size": 1}),
        client.get("/s3store/token/"),
        client.get("/s3store/begin/"),
    ]
    for answer in answers:
        assert answer["Cache-Control"] == "no-store, private"
        assert "Cookie" in answer["Vary"]
        assert answer["X-Content-Type-Options"] == "nosniff"


def test_a_storage_that_fails_is_an_answer(client, declare, seaweedfs_options, user):
    """Busy ones can be asked again; what they refuse cannot. The log says what happened."""
    with FaultProxy(seaweedfs_options["endpoint_url"], faults={"err500": 1.0}) as proxy:
        options = {**seaweedfs_options, "endpoint_url": proxy.url, "max_attempts": 1}
        declare("broken", storage=S3Storage(**options), max_size=64 << 20)
        body = {"destination": signed_label("broken"), "name": "a", "size": 40 << 20}
        answer = post(client, "begin", body)
        assert (answer.status_code, answer["Retry-After"]) == (503, "2")
        assert answer.json()["error"]["code"] == "storage_busy"
    missing = {**seaweedfs_options, "bucket_name": "no-such-bucket"}
    declare("gone", storage=S3Storage(**missing), max_size=64 << 20)
    answer = post(client, "begin", {**body, "destination": signed_label("gone")})
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "storage_refused")
    assert answer.json()["error"]["storage_code"] == "NoSuchBucket"


def test_async_sites_are_served(declare, far_away, settings):
    """Under ASGI the same endpoints answer."""
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
    declare("open", storage=far_away, permission=lambda request: True)
    body = json.dumps({"destination": signed_label("open"), "name": "a", "size": 1})

    async def ask():
        return await AsyncClient().post("/s3store/begin/", body, content_type="application/json")

    assert asyncio.run(ask()).status_code == 201


@pytest.mark.django_db
@pytest.mark.skipif(django.VERSION < (5, 1), reason="Django has LoginRequiredMiddleware since 5.1")
def test_sites_behind_a_login_are_served(settings, place):
    """Django's LoginRequiredMiddleware leaves the answer to us: JSON instead of a redirect."""
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.contrib.auth.middleware.LoginRequiredMiddleware"]
    answer = post(Client(), "begin", {"destination": signed_label("place"), "name": "a", "size": 1})
    assert refusal(answer) == (401, "login_required")


def test_csrf_tokens_in_sessions(settings, user, place):
    """With CSRF_USE_SESSIONS there is no cookie: the token of a page or of the endpoint works, and no other."""
    settings.CSRF_USE_SESSIONS = True
    csrf = "django.middleware.csrf.CsrfViewMiddleware"
    settings.MIDDLEWARE = [*(one for one in settings.MIDDLEWARE if one != csrf), csrf]
    client = Client(enforce_csrf_checks=True)
    client.force_login(user)
    body = {"destination": signed_label("place"), "name": "a.txt", "size": 5}
    assert post(client, "begin", body).status_code == 403
    token = client.get("/s3store/token/").json()["csrf_token"]
    assert "csrftoken" not in client.cookies
    assert post(client, "begin", body, HTTP_X_CSRFTOKEN=token).status_code == 201
    assert post(client, "begin", body, HTTP_X_CSRFTOKEN=token[::-1]).status_code == 403


def only_from_our_network(request):
    """A permission as projects write it."""
    return request.META["REMOTE_ADDR"].startswith("10.")


@pytest.mark.parametrize(
    "given", [only_from_our_network, f"{__name__}.only_from_our_network"], ids=["function", "path"]
)
def test_an_option_names_the_permission_of_signed_url(settings, db, given):
    """`upload_permission` is a function or its path: it decides in place of the login."""
    options = {"bucket_name": "b", "access_key": "k", "secret_key": "s", "region_name": "eu-central-1"}
    options["upload_permission"] = given
    use_by_default(settings, options)
    outside, inside = (
        post(Client(), "signed-url", {"key": "a.txt"}, REMOTE_ADDR=address) for address in ("192.0.2.1", "10.0.0.1")
    )
    assert refusal(outside) == (401, "login_required")
    assert (inside.status_code, inside.json().keys()) == (200, {"url", "fields", "receipt", "expires_in"})
