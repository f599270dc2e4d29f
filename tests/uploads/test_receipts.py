"""Receipts in forms: only the owner's own upload for that field becomes a file, once it is there and as it was said."""

import io
import threading
import types
import zipfile

import pytest
from django import forms
from django.core import signing
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.forms import formset_factory
from django.forms.utils import ErrorList
from django.test import Client, override_settings
from django.utils.datastructures import MultiValueDict
from django.utils.html import escape

from s3store import uploads
from s3store.core import parts
from s3store.errors import S3StoreError
from s3store.forms import S3FileField, S3FilesField
from s3store.local import FakeS3Storage
from s3store.storage import S3Storage
from s3store.testing.counting import counted_requests
from s3store.uploads import acting_for, service, tokens
from s3store.uploads.destinations import signed_label
from s3store.uploads.incoming import IncomingFile
from s3store.uploads.owners import owner_of_user
from s3store.uploads.tokens import Receipt, read, signed
from tests.app.models import Upload
from tests.uploads.client import begin, post, send, send_parts

MIB = 1 << 20


class FileForm(forms.Form):
    title = forms.CharField()
    file = S3FileField(destination="files")


class FilesForm(forms.Form):
    files = S3FilesField(destination="files")


def uploaded(client, content=b"hello", name="note.txt", label="files"):
    begun = begin(client, label, name, len(content))
    assert send(begun, content) in (200, 201)
    return begun["receipt"]


def errors_of(user, data, *, form=FileForm, **more):
    """Return the codes of the errors of the form's file field, and the form."""
    with acting_for(user):
        found = form({"title": "a", **data}, **more)
        found.is_valid()
    return [error.code for error in found.errors.get(form.__name__[:-4].lower(), ErrorList()).as_data()]


@pytest.fixture(params=["seaweedfs", "twin"])
def strict_files(request, declare):
    """The destination "files" on a server that checks signatures, and on the twin, which does the same."""
    if request.param == "twin":
        storage = request.getfixturevalue("twin")
    else:
        storage = S3Storage(**request.getfixturevalue("seaweedfs_options"))
    return declare("files", storage=storage, max_size=64 << 20)


ON_A_SERVER = pytest.mark.parametrize("strict_files", ["seaweedfs"], indirect=True)
"""For tests that count requests: the twin sends none."""


@pytest.fixture
def eve(django_user_model):
    return django_user_model.objects.create_user("eve")


# Whose, and for what


def test_a_receipt_of_ones_own_is_a_file(client, user, files):
    """The tests below are about everything else."""
    assert errors_of(user, {"file": uploaded(client)}) == []


@pytest.mark.parametrize("value", ["note.txt", "incoming/files/x/y.txt", "../../secret", "1", "null"])
def test_sf_01_a_key_is_no_receipt(user, strict_files, value):
    """Whatever a client writes into the hidden input is nothing without a signature, and nothing is asked."""
    storage = strict_files.find_storage()
    storage.save("note.txt", b"of another")
    with counted_requests(storage) as sent:
        assert errors_of(user, {"file": value}) == ["receipt_invalid"]
    assert (len(sent), storage.read_bytes("note.txt")) == (0, b"of another")


def test_sf_01_the_key_of_another_is_no_receipt(client, user, strict_files, eve):
    """Also if it exists."""
    key = read(Receipt, uploaded(client), max_age=1000).key
    assert errors_of(eve, {"file": key}) == ["receipt_invalid"]


def test_sf_02_a_receipt_is_for_one_owner_and_one_field(client, user, strict_files, declare, eve):
    """Another user, or another destination of the same storage, cannot use it."""
    receipt = uploaded(client)
    declare("others", storage=strict_files.storage)
    assert errors_of(eve, {"file": receipt}) == ["receipt_invalid"]
    assert errors_of(user, {"file": uploaded(client, label="others")}) == ["receipt_invalid"]
    assert errors_of(user, {"file": receipt}) == []


class Tenants(S3Storage):
    """A storage whose location depends on who is served."""

    tenant = "one"

    @property
    def location(self):
        return f"{self.root}/{type(self).tenant}"

    root = ""


@pytest.mark.parametrize("other", ["two", "on", "one2", "one/incoming", "one/incoming/files"])
def test_sf_02_a_receipt_is_for_one_tenant(client, user, declare, seaweedfs_options, monkeypatch, other):
    """Tickets too; also if one's location begins as the other's."""
    monkeypatch.setattr(Tenants, "root", seaweedfs_options["location"])
    options = {name: value for name, value in seaweedfs_options.items() if name != "location"}
    declare("files", storage=Tenants(**options), max_size=64 << 20)
    begun = begin(client, "files", "a.txt", 5)
    assert send(begun, b"hello") == 201
    large = begin(client, "files", "a.bin", 40 << 20)
    for tenant, status in ((other, 403), ("one", 200)):
        monkeypatch.setattr(Tenants, "tenant", tenant)
        assert (errors_of(user, {"file": begun["receipt"]}) == []) is (tenant == "one")
        assert post(client, "sign", {"ticket": large["ticket"], "numbers": [1]}).status_code == status
        assert post(client, "complete", {"ticket": begun["ticket"]}).status_code == status
    monkeypatch.setattr(Tenants, "tenant", "one")
    assert post(client, "abort", {"ticket": large["ticket"]}).status_code == 200


def test_sf_02_a_receipt_is_for_one_bucket(client, user, declare, seaweedfs_options):
    """A destination that moves to another bucket forgets what was uploaded before."""
    declare("files", storage=S3Storage(**seaweedfs_options))
    receipt = uploaded(client)
    uploads.register("files", uploads.Destination(storage=S3Storage(**{**seaweedfs_options, "bucket_name": "other"})))
    assert errors_of(user, {"file": receipt}) == ["receipt_invalid"]


def test_a_user_who_logs_out_owns_nothing(client, strict_files, rf, db):
    """A visitor's form takes no receipts of users, and a visitor without a session owns none."""
    receipt = uploaded(client)
    request = rf.get("/")
    request.user, request.session = types.SimpleNamespace(is_authenticated=False), {}
    with uploads.owners.serving(request):
        form = FileForm({"title": "a", "file": receipt})
        assert not form.is_valid()
    assert uploads.owner_of(rf.get("/")) == uploads.owner_of(rf.get("/")) != ""


def test_a_form_outside_a_request_needs_an_owner(client, strict_files):
    """The error says what is missing."""
    form = FileForm({"title": "a", "file": uploaded(client)})
    with pytest.raises(Exception, match="UploadMiddleware"):
        form.is_valid()


# Signatures

FORGED = {
    "a letter": lambda receipt: receipt[:-1] + ("a" if receipt[-1] != "a" else "b"),
    "the content": lambda receipt: ("a" if receipt[0] != "a" else "b") + receipt[1:],
    "cut off": lambda receipt: receipt[: len(receipt) // 2],
    "the default salt": lambda receipt: signing.dumps(signing.loads(receipt, salt=Receipt.salt)),
    "another key": lambda receipt: signing.dumps(signing.loads(receipt, salt=Receipt.salt), key="x", salt=Receipt.salt),
    "a list of one": lambda receipt: signing.dumps([1], salt=Receipt.salt),
}


@pytest.mark.parametrize("name", FORGED)
def test_sf_03_forged_receipts_are_refused(client, user, strict_files, name):
    """The signature covers everything, with a salt of its own."""
    assert errors_of(user, {"file": FORGED[name](uploaded(client))}) == ["receipt_invalid"]


def test_sf_03_a_receipt_ends_after_a_day(client, user, strict_files, monkeypatch):
    """A form that is left open over night can be sent."""
    receipt = uploaded(client)
    now = tokens.signing.time.time()
    for later, codes in ((24 * 3600 - 10, []), (24 * 3600 + 10, ["receipt_expired"])):
        monkeypatch.setattr(tokens.signing, "time", types.SimpleNamespace(time=lambda later=later: now + later))
        assert errors_of(user, {"file": receipt}) == codes


def test_sf_03_keys_can_be_rotated(client, user, strict_files):
    """Receipts, tickets and destinations signed with a fallback key work; without it they do not."""
    receipt, label = uploaded(client), signed_label("files")
    with override_settings(SECRET_KEY="new", SECRET_KEY_FALLBACKS=["tests"]):
        assert errors_of(user, {"file": receipt}) == []
    with override_settings(SECRET_KEY="new"):
        assert errors_of(user, {"file": receipt}) == ["receipt_invalid"]
        assert uploads.destinations.read_label(label) is None


@pytest.mark.parametrize("more", ["/../../secret", "\\..\\..\\secret", "/.", "_evil/x", "", "/..", "\0"], ids=ascii)
def test_sf_05_no_key_leaves_its_folder(user, strict_files, more):
    """The signature covers the whole key; and even a signed one must be an upload of this owner and field."""
    owner = owner_of_user(user)
    objects = strict_files.find_storage().objects
    key = objects.prefix("incoming/files").rstrip("/") + f"/{owner[:12]}" + more
    facts = {"destination": "files", "owner": owner, "bucket": objects.bucket.name, "name": "x", "size": 5}
    with counted_requests(strict_files.find_storage()) as sent:
        assert errors_of(user, {"file": signed(Receipt(**facts, key=key, content_type="text/plain"))}) == [
            "receipt_invalid"
        ]
    assert len(sent) == 0


@pytest.mark.parametrize(
    "value",
    [
        *("https://s3.amazonaws.com/bucket/k", "//evil.example/k", "http://169.254.169.254/", "file:///etc/passwd"),
        *("http://[::ffff:169.254.169.254]/", "http://0x7f000001/", "javascript:alert(1)", "data:text/html,x"),
    ],
)
def test_sf_06_sf_08_a_form_takes_no_urls(user, strict_files, monkeypatch, value):
    """They are refused without a connection."""
    monkeypatch.setattr("socket.socket.connect", None)
    assert errors_of(user, {"file": value}) == ["receipt_invalid"]


# What is there


def test_sf_04_the_file_that_is_there_stays(user, strict_files):
    """The page can send back its name; any other text is refused."""
    initial = types.SimpleNamespace(name="docs/a.txt", url="/a.txt")
    with acting_for(user):
        form = FileForm({"title": "a", "file": "docs/a.txt"}, initial={"file": initial})
        assert form.is_valid()
        assert (form.cleaned_data["file"], form.has_changed()) == (initial, True)
        assert "file" not in form.changed_data
        for other in ("docs/b.txt", "docs/a.txt/", "docs/../docs/a.txt", "DOCS/A.TXT"):
            assert not FileForm({"title": "a", "file": other}, initial={"file": initial}).is_valid()


def test_sf_09_a_receipt_without_an_upload_is_refused(client, user, strict_files):
    """Whether the file is there is what S3 says, as are its size and its type."""
    begun = begin(client, "files", "a.txt", 5)
    assert errors_of(user, {"file": begun["receipt"]}) == ["not_uploaded"]
    assert send(begun, b"hello") == 201
    with acting_for(user):
        form = FileForm({"title": "a", "file": begun["receipt"]})
        assert form.is_valid(), form.errors
    file = form.cleaned_data["file"]
    assert (file.name, file.size, file.content_type, file.read()) == ("a.txt", 5, "text/plain", b"hello")


@ON_A_SERVER
def test_a_storage_that_fails_keeps_the_upload(client, user, strict_files, declare, seaweedfs_options):
    """The form says to send it again, and shows the receipt."""
    receipt = uploaded(client)
    far = {**seaweedfs_options, "endpoint_url": "http://127.0.0.1:9", "max_attempts": 1}
    uploads.register("files", uploads.Destination(storage=S3Storage(**far), max_size=64 << 20))
    with acting_for(user):
        form = FileForm({"title": "a", "file": receipt})
        assert [error.code for error in form.errors["file"].as_data()] == ["storage_busy"]
        assert receipt in form.as_p()


def test_a_destination_that_is_gone_is_an_error_of_the_form(user):
    """And no crash: a release may have removed it while the page was open."""

    class Form(forms.Form):
        file = S3FileField(destination="nothing")

    with acting_for(user):
        assert Form({"file": "x"}).errors.as_data()["file"][0].code == "invalid"
        assert Form({}, {"file": SimpleUploadedFile("a.txt", b"x")}).is_valid()
        assert "data-s3store-upload" not in Form().as_p()


# Several


def test_sf_14_a_single_field_takes_one_file(client, user, strict_files):
    """Two receipts are an error, and so is a receipt beside a file or beside "clear"."""
    receipts = [uploaded(client), uploaded(client)]
    assert errors_of(user, {"file": receipts}) == ["too_many"]
    with acting_for(user):
        form = FileForm({"title": "a", "file": receipts[0]}, {"file": SimpleUploadedFile("a.txt", b"x")})
        assert not form.is_valid()
    assert len(list(strict_files.find_storage().scan("incoming"))) == 2


def test_sf_14_of_several_files_all_or_none(client, user, strict_files):
    """One bad receipt among five: none is taken, and the page keeps the others."""
    receipts = [uploaded(client, bytes([48 + number]), f"{number}.txt") for number in range(5)]
    assert errors_of(user, {"files": [*receipts[:4], receipts[4][:-1]]}, form=FilesForm) == ["receipt_invalid"]
    assert errors_of(user, {"files": [*receipts, receipts[0]]}, form=FilesForm) == ["too_many"]
    with acting_for(user):
        form = FilesForm({"files": receipts})
        assert form.is_valid(), form.errors
        assert [file.read() for file in form.cleaned_data["files"]] == [b"0", b"1", b"2", b"3", b"4"]
        page = FilesForm({"files": [*receipts[:2], "bad"]}).as_p()
        assert [page.count(receipt) for receipt in receipts] == [1, 1, 0, 0, 0]
    assert len(list(strict_files.find_storage().scan("incoming"))) == 5


def test_several_files_through_django(user, strict_files):
    """Without JavaScript a field for several files gets all of them, and checks each."""

    def sent(*names):
        return FilesForm({}, MultiValueDict({"files": [SimpleUploadedFile(name, b"x") for name in names]}))

    form = sent("a.txt", "b.txt")
    assert form.is_valid(), form.errors
    assert [file.name for file in form.cleaned_data["files"]] == ["a.txt", "b.txt"]
    assert not sent("a.txt", "b.html").is_valid()
    assert not sent().is_valid()


def test_receipts_and_files_together(client, user, strict_files):
    """A page whose storage could not be reached for some of its files sends these itself, and the form comes back."""
    files = MultiValueDict({"files": [SimpleUploadedFile("b.txt", b"b")]})
    receipt = uploaded(client, b"a", "a.txt")
    with acting_for(user):
        form = FilesForm(MultiValueDict({"files": ["", receipt]}), files)
        assert form.is_valid(), form.errors
        assert [(file.name, file.read()) for file in form.cleaned_data["files"]] == [("a.txt", b"a"), ("b.txt", b"b")]
        assert form.as_p().count(receipt) == 1
        # In a field for one file, they contradict each other.
        form = FileForm({"title": "a", "file": receipt}, {"file": files["files"]})
        assert not form.is_valid()


def test_too_many_files(client, user, strict_files):
    """A field has a maximum."""
    receipt = uploaded(client)
    assert errors_of(user, {"files": [f"{receipt}{number}" for number in range(101)]}, form=FilesForm) == ["too_many"]


NOTHING = ([], {}, [[]], [{}], None, False)
SOMETHING = ([[1]], 1, 1.5, b"x", True, "x" * 1_000_000, ["x"] * 1000, {"a": 1}, object())


@pytest.mark.parametrize("value", [*NOTHING, *SOMETHING], ids=range(15))
@pytest.mark.parametrize("form", [FileForm, FilesForm])
@pytest.mark.parametrize("initial", [None, "a.txt"])
def test_sf_15_values_of_any_shape_are_errors(user, strict_files, value, form, initial):
    """Data can come from JSON or from code: nothing but a receipt is a file, and nothing crashes."""
    name = form.__name__[:-4].lower()
    with acting_for(user):
        there = {name: types.SimpleNamespace(name=initial)} if initial else {}
        found = form({"title": "a", name: value}, initial=there)
        valid, page = found.is_valid(), found.as_p()
        assert isinstance(found.has_changed(), bool)
    assert valid is bool(initial and any(value is nothing for nothing in NOTHING))
    assert len(page) < 50_000


@pytest.mark.parametrize("value", [1, 1.5, b"x", True, "x", [1], {"a": 1}, object()], ids=range(8))
@pytest.mark.parametrize("form", [FileForm, FilesForm])
def test_sf_15_a_field_cleans_only_files(strict_files, value, form):
    """Also where it is used without a widget."""
    with pytest.raises(forms.ValidationError):
        form.base_fields[form.__name__[:-4].lower()].clean(value)


# Saving


def test_two_saves_of_one_receipt(client, user, declare, tmp_path):
    """Twice the same form: each row that is saved has its file, and what cannot be copied any more is an error."""
    storage = FakeS3Storage(tmp_path, allow_without_debug=True)
    declare("files", storage=storage)
    begun = begin(client, "files", "a.txt", 5)
    storage.objects.bucket.put(begun["key"], b"hello", {"ContentType": "text/plain"})
    receipt = begun["receipt"]
    with acting_for(user):
        forms_ = [FileForm({"title": "a", "file": receipt}) for _ in range(2)]
        assert all(form.is_valid() for form in forms_)
    saved, failed, start = [], [], threading.Barrier(2)

    def save(file):
        start.wait()
        try:
            saved.append(storage.save("a.txt", file))
            file.discard()
        except S3StoreError as error:
            failed.append(error)

    threads = [threading.Thread(target=save, args=[form.cleaned_data["file"]]) for form in forms_]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(saved) + len(failed) == 2
    assert saved
    assert len(set(saved)) == len(saved)
    assert sorted(stat.name for stat in storage.scan()) == sorted(saved)
    assert all(storage.read_bytes(name) == b"hello" for name in saved)
    assert errors_of(user, {"file": receipt}) == ["not_uploaded"]


def test_a_formset_takes_a_receipt_in_each_form(client, user, strict_files):
    """And shows them again if another form has an error."""
    receipts = [uploaded(client, name=f"{number}.txt") for number in range(2)]
    data = {"form-TOTAL_FORMS": 2, "form-INITIAL_FORMS": 0, "form-0-title": "a", "form-1-title": ""}
    data |= {"form-0-file": receipts[0], "form-1-file": receipts[1]}
    with acting_for(user):
        formset = formset_factory(FileForm)(data)
        assert not formset.is_valid()
        assert [form.errors.keys() for form in formset] == [set(), {"title"}]
        assert all(receipt in formset.as_div() for receipt in receipts)
        formset = formset_factory(FileForm)({**data, "form-1-title": "b"})
        assert formset.is_valid()
        assert [form.cleaned_data["file"].name for form in formset] == ["0.txt", "1.txt"]


def test_files_can_be_read_in_any_way(client, user, strict_files):
    """Validators and other code use an upload as any file: parts of it, lines, twice, and after closing."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.txt", "hello")
    receipt = uploaded(client, buffer.getvalue(), "a.zip")
    with acting_for(user):
        form = FileForm({"title": "a", "file": receipt})
        assert form.is_valid()
    file = form.cleaned_data["file"]
    assert isinstance(file, IncomingFile)
    assert zipfile.ZipFile(file).read("a.txt") == b"hello"
    assert (file.seekable(), file.closed, file.etag is not None) == (True, False, True)
    file.close()
    assert file.closed
    assert b"".join(file.open().chunks()) == buffer.getvalue()
    assert file.open("rb").read(2) == b"PK"
    file.file.close()


def test_a_larger_object_than_one_copy_can_have_is_copied_in_parts(
    client, user, declare, seaweedfs_options, monkeypatch
):
    """One copy is limited to 5 GiB: above, the object is copied in parts, in each way to save it."""
    monkeypatch.setattr(parts, "MAX_COPY_SIZE", 10 * MIB)
    monkeypatch.setattr(parts, "COPY_PART_SIZE", 5 * MIB)
    content = bytes(range(256)) * (12 * MIB // 256)
    for options, copies in (({}, 3), ({"file_overwrite": True}, 3), ({"conditional_writes": False}, 3)):
        storage = S3Storage(**seaweedfs_options, **options)
        destination = declare("files", storage=storage, max_size=64 << 20)
        receipt = uploaded(client, content, "a.bin")
        file = uploads.claim(receipt, label="files", destination=destination, owner=owner_of_user(user))
        with counted_requests(storage) as sent:
            name = storage.save("a.bin", file)
        assert kinds(sent).count("PUT partNumber uploadId") == copies
        assert storage.read_bytes(name) == content


def test_a_storage_in_another_bucket_gets_the_bytes(client, user, files, s3_options):
    """A copy inside S3 is for one bucket: elsewhere the file is read and written."""
    file = uploads.claim(uploaded(client), label="files", destination=files, owner=owner_of_user(user))
    other = S3Storage(**{**s3_options, "bucket_name": "another-bucket"})
    if "another-bucket" not in [bucket["Name"] for bucket in other.client.list_buckets()["Buckets"]]:
        other.client.create_bucket(Bucket="another-bucket")
    name = other.save("a.txt", file)
    assert other.read_bytes(name) == b"hello"


def test_the_storages_own_type_for_a_name_wins(client, user, declare, seaweedfs_options):
    """A project can say which type its files have."""
    types_ = {"*.txt": {"ContentType": "text/plain; charset=utf-8"}}
    destination = declare("files", storage=S3Storage(**seaweedfs_options, headers=types_))
    file = uploads.claim(uploaded(client), label="files", destination=destination, owner=owner_of_user(user))
    storage = destination.find_storage()
    assert storage.stat(storage.save("a.txt", file)).content_type == "text/plain; charset=utf-8"
    assert storage.stat(storage.save("a.csv", file, content_type="text/csv")).content_type == "text/csv"
    assert storage.stat(storage.save("a.csv", file)).content_type == "text/plain"


# Through Django


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("a.html", b"x", "type_refused"),
        ("a.html!", b"x", "type_refused"),
        ("a.h'tml", b"x", "type_refused"),
        ("a.txt", b"x" * 11, "too_large"),
        ("a.txt", b"x", "too_small"),
        ("a\x01.txt", b"xxx", "name_refused"),
        ("a.txt", b"xxx", None),
    ],
)
def test_sp_09_sf_10_the_same_rules_without_javascript(user, declare, far_away, name, content, code):
    """What S3 refuses, Django refuses; and the name counts that the file will have."""
    declare("files", storage=far_away, max_size=10, min_size=2)
    sent = SimpleUploadedFile("x", content, content_type="text/plain")
    sent._name = name
    with acting_for(user):
        form = FileForm({"title": "a"}, {"file": sent})
        assert [error.code for error in form.errors.get("file", ErrorList()).as_data()] == ([code] if code else [])


# Pages


class Stored:
    """A file that the field has."""

    def __init__(self, name):
        self.name, self.url = name, "/files/x"

    def __str__(self):
        return self.name


@pytest.mark.parametrize("name", ['"><img src=x onerror=alert(1)>', "javascript:alert(1)", "'onclick='x", "<script>x"])
def test_sf_12_sp_21_names_are_escaped_in_the_page(client, user, strict_files, name):
    """Of the file that is there, and of uploads that the form keeps."""
    receipt = uploaded(client, name=name + ".txt")
    with acting_for(user):
        page = FileForm({"title": "", "file": receipt}, initial={"file": Stored(name)}).as_p()
    assert "<img" not in page
    assert "'onclick" not in page
    assert 'href="javascript:' not in page
    assert "<script" not in page
    assert page.count(escape(name)) >= 2


def test_nothing_is_signed_for_a_page(user, strict_files):
    """A page has the name of its destination, and no ticket: it can be cached for its user."""
    with counted_requests(strict_files.find_storage()) as sent:
        page = FileForm().as_p()
    assert signed_label("files") in page
    assert (len(sent), "X-Amz" in page, "&quot;policy" in page) == (0, False, False)


# Requests


def kinds(sent):
    """Return the method of each request, and the parameters that say what it is about."""
    names = [{pair.partition("=")[0] for pair in request.query.split("&")} for request in sent]
    return [
        " ".join([request.method, *sorted(found & {"uploads", "uploadId", "partNumber"})])
        for request, found in zip(sent, names, strict=True)
    ]


def requests_of(storage, function, *args, **kwargs):
    with counted_requests(storage) as sent:
        result = function(*args, **kwargs)
    return kinds(sent), result


RESERVE_AND_COPY = ["PUT", "PUT"]


@ON_A_SERVER
def test_a_small_file_costs_few_requests(client, user, strict_files):
    """Begin asks nobody, the form sends one HEAD, and saving is a copy inside S3."""
    storage, owner = strict_files.find_storage(), owner_of_user(user)
    begun_by, begun = requests_of(storage, begin, client, "files", "a.txt", 5)
    assert begun_by == []
    assert send(begun, b"hello") == 201
    with acting_for(user):
        form = FileForm({"title": "a", "file": begun["receipt"]})
        assert requests_of(storage, form.is_valid) == (["HEAD"], True)
        assert requests_of(storage, form.as_p)[0] == []
    file = form.cleaned_data["file"]
    assert requests_of(storage, storage.save, "a.txt", file) == (RESERVE_AND_COPY, "a.txt")
    assert requests_of(storage, file.discard)[0] == ["DELETE"]
    assert requests_of(storage, service.begin_form, "files", strict_files, owner=owner, name="a")[0] == []


@pytest.mark.parametrize(
    ("options", "made"), [({"file_overwrite": True}, ["PUT"]), ({"conditional_writes": False}, ["HEAD", "PUT"])]
)
def test_a_copy_costs_one_request_where_it_may_replace(client, user, declare, seaweedfs_options, options, made):
    """Or where the server cannot refuse to replace."""
    destination = declare("files", storage=S3Storage(**seaweedfs_options, **options))
    first, file = (
        uploads.claim(uploaded(client), label="files", destination=destination, owner=owner_of_user(user))
        for _ in range(2)
    )
    storage = destination.find_storage()
    # The first copy of a process finds out what the server does.
    storage.save("first.txt", first)
    assert requests_of(storage, storage.save, "a.txt", file)[0] == made


@ON_A_SERVER
def test_a_large_file_costs_few_requests(client, user, strict_files):
    """Two to begin, none to sign, two to complete."""
    storage = strict_files.find_storage()
    content = bytes(33 * MIB)
    begun_by, begun = requests_of(storage, begin, client, "files", "a.bin", len(content))
    assert begun_by == ["GET uploads", "POST uploads"]
    assert begun["part_count"] == len(begun["parts"])
    body = {"ticket": begun["ticket"]}
    assert requests_of(storage, post, client, "sign", {**body, "numbers": [1, 2, 3]})[0] == []
    assert send_parts(begun["parts"], content, begun["part_size"]) == [200] * 5
    assert requests_of(storage, post, client, "parts", body)[0] == ["GET uploadId"]
    assert requests_of(storage, post, client, "complete", body)[0] == ["GET uploadId", "POST uploadId"]
    assert requests_of(storage, post, client, "complete", body)[0] == ["GET uploadId", "HEAD"]


@ON_A_SERVER
def test_django_handles_no_byte_of_a_file(client, user, strict_files):
    """Whatever its size: what is sent to S3 are requests without the content, and nothing of it is read."""
    storage = strict_files.find_storage()
    content = bytes(33 * MIB)
    sizes = []

    def note(request, **_):
        sizes.append(int(request.headers.get("Content-Length") or 0))

    storage.client.meta.events.register("before-send.s3", note)
    try:
        begun = begin(client, "files", "a.bin", len(content))
        send_parts(begun["parts"], content, begun["part_size"])
        receipt = post(client, "complete", {"ticket": begun["ticket"]}).json()["receipt"]
        with acting_for(user):
            form = FileForm({"title": "a", "file": receipt})
            assert form.is_valid()
        with counted_requests(storage) as sent:
            storage.save("a.bin", form.cleaned_data["file"])
    finally:
        storage.client.meta.events.unregister("before-send.s3", note)
    assert sum(sizes) < 5_000
    assert kinds(sent) == RESERVE_AND_COPY


def test_a_large_file_needs_few_requests_to_django(client, strict_files):
    """The first 64 parts come with `begin`: 512 MiB take three requests to Django, the form's included."""
    begun = begin(client, "files", "a.bin", 64 << 20, part_size=5 * MIB)
    assert len(begun["parts"]) == begun["part_count"] == 13
    assert service.BATCH >= 50
    assert service.BATCH * parts.browser_part_size(512 * MIB) >= 512 * MIB
    assert post(client, "abort", {"ticket": begun["ticket"]}).status_code == 200


# After the row


@pytest.mark.django_db(transaction=True)
def test_a_rollback_keeps_the_upload(strict_upload, django_user_model):
    """The form can be sent again; nothing is deleted before the commit."""
    user = django_user_model.objects.create_user("bob")
    client = Client()
    client.force_login(user)
    storage = strict_upload
    receipt = uploaded(client, label="app.Upload.file")
    owner, destination = owner_of_user(user), Upload._meta.get_field("file").destination

    def save():
        file = uploads.claim(receipt, label="app.Upload.file", destination=destination, owner=owner)
        return Upload.objects.create(title="a", file=file)

    with pytest.raises(ZeroDivisionError), transaction.atomic():
        save()
        raise ZeroDivisionError
    assert len(list(storage.scan("incoming"))) == 1
    with transaction.atomic():
        row = save()
        assert len(list(storage.scan("incoming"))) == 1
    assert list(storage.scan("incoming")) == []
    assert row.file.read() == b"hello"


@pytest.fixture
def strict_upload(settings, seaweedfs_options):
    """The storage of the model of the tests, on one server."""
    names = {"bucket_name": "AWS_STORAGE_BUCKET_NAME", "access_key": "AWS_ACCESS_KEY_ID"}
    names |= {"secret_key": "AWS_SECRET_ACCESS_KEY", "region_name": "AWS_S3_REGION_NAME"}
    names |= {"endpoint_url": "AWS_S3_ENDPOINT_URL", "location": "MEDIAFILES_LOCATION"}
    for name, setting in names.items():
        setattr(settings, setting, seaweedfs_options[name])
    return Upload._meta.get_field("file").storage
