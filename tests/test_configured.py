"""A storage is a value: made, compared, pickled, copied and migrated without a bucket, credentials or boto3."""

from __future__ import annotations

import copy
import io
import pickle
import subprocess
import sys
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from django.apps import apps
from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.filebased import FileBasedCache
from django.core.cache.backends.locmem import LocMemCache
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import storages
from django.db import migrations, models
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.graph import MigrationGraph
from django.db.migrations.questioner import MigrationQuestioner
from django.db.migrations.state import ProjectState
from django.db.migrations.writer import MigrationWriter
from django.test import override_settings
from django.utils.module_loading import import_string
from django.views.debug import ExceptionReporter, get_default_exception_reporter_filter

from s3store.conf.options import FIELDS, SECRETS, Options
from s3store.core.info import ObjectInfo
from s3store.links.distribution import Distribution
from s3store.links.links import Links
from s3store.storage import S3ManifestStaticStorage, S3MediaStorage, S3StaticStorage, S3Storage

SECRET = "hunter2-" + uuid.uuid4().hex
KEYS = {"access_key": "AKIAEXAMPLE" + SECRET, "secret_key": SECRET, "security_token": SECRET + "-token"}

# One set of options for each option that may hold a secret.
SECRET_OPTIONS: dict[str, dict[str, Any]] = {
    "access_key": KEYS,
    "secret_key": KEYS,
    "security_token": KEYS,
    "proxies": {"proxies": {"https": f"http://ann:{SECRET}@proxy:3128"}},
    "cloudfront_key_id": {"cloudfront_key_id": SECRET, "cloudfront_key": "PEM"},
    "cloudfront_key": {"cloudfront_key_id": "K1", "cloudfront_key": f"-----BEGIN PRIVATE KEY-----\n{SECRET}"},
    "cloudfront_key_bytes": {"cloudfront_key_id": "K1", "cloudfront_key": SECRET.encode()},
    "cloudfront_signer": {"cloudfront_signer": {"key": SECRET}},
    "customer_key": {"object_parameters": {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": SECRET}},
    "customer_key_bytes": {"object_parameters": {"SSECustomerKey": SECRET.encode(), "CacheControl": "a"}},
    "customer_key_by_name": {"headers": {"p/*": {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": SECRET}}},
    "client_config_proxies": {"client_config": {"proxies": {"https": f"http://ann:{SECRET}@proxy:3128"}}},
}
secret_options = pytest.mark.parametrize("options", SECRET_OPTIONS.values(), ids=SECRET_OPTIONS)

PUBLIC_OPTIONS: dict[str, dict[str, Any]] = {
    "none": {},
    "plain": {"bucket_name": "b", "location": "media/", "file_overwrite": True},
    "values": {
        "querystring_expire": timedelta(hours=2),
        "gzip_content_types": ("text/css",),
        "object_parameters": {"CacheControl": "max-age=60", "Metadata": {"a": "b"}},
        "transfer_config": {"multipart_threshold": 1024},
    },
}
public_options = pytest.mark.parametrize("options", PUBLIC_OPTIONS.values(), ids=PUBLIC_OPTIONS)


class Photos(S3Storage):
    """Declares what it needs."""

    bucket_name = "photos"
    location = "originals"
    file_overwrite = True


class PublicMixin:
    querystring_auth = False
    location = "public"


class PublicPhotos(PublicMixin, Photos):
    """Takes from a mixin before its parent."""


def migrated(storage: S3Storage) -> S3Storage:
    """Write the storage into a migration, as makemigrations does, and run the code."""
    code, imports = MigrationWriter.serialize(storage)
    scope: dict[str, Any] = {}
    exec("\n".join(imports), scope)
    result: S3Storage = eval(code, scope)
    return result


def through_locmem_cache(storage: S3Storage) -> S3Storage:
    return through(LocMemCache(uuid.uuid4().hex, {}), storage)


def through(cache: BaseCache, storage: S3Storage) -> S3Storage:
    cache.set("storage", storage)
    result: S3Storage = cache.get("storage")
    return result


COPIES = {
    "pickle": lambda storage: pickle.loads(pickle.dumps(storage)),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "locmem-cache": through_locmem_cache,
    "migration": migrated,
}
copies = pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES)


# Building and comparing


def test_nothing_is_needed_to_make_a_storage() -> None:
    """Models are imported before anyone has thought of a bucket; the first request asks for one."""
    storage = S3Storage()
    assert storage.bucket_name == ""
    with pytest.raises(ImproperlyConfigured, match="has no bucket"):
        storage.exists("a")


@public_options
@copies
def test_a_copy_is_equal(copied: Any, options: dict[str, Any]) -> None:
    """Whatever way a storage goes, what arrives is the same class with the same options."""
    storage = S3MediaStorage(**options)
    twin = copied(storage)
    assert type(twin) is S3MediaStorage
    assert twin is not storage
    assert twin == storage
    assert hash(twin) == hash(storage)
    assert twin.deconstruct() == storage.deconstruct()
    assert twin.options == storage.options


@pytest.mark.parametrize(
    "cls", [S3Storage, S3MediaStorage, S3StaticStorage, S3ManifestStaticStorage, Photos, PublicPhotos]
)
@copies
def test_every_class_can_be_copied(copied: Any, cls: Any) -> None:
    """The manifest storage, too, is copied without being read."""
    storage = cls(bucket_name="b")
    twin = copied(storage)
    assert twin == storage
    assert twin.location == storage.location


def test_a_storage_survives_a_file_cache(tmp_path: Path) -> None:
    """Sites keep model instances, whose files hold storages, in caches."""
    storage = S3Storage(bucket_name="b", **KEYS)
    with override_settings(AWS_S3_ACCESS_KEY_ID="AK", AWS_S3_SECRET_ACCESS_KEY="SK"):
        twin = through(FileBasedCache(str(tmp_path), {}), storage)
        assert twin.bucket_name == "b"
        assert twin.options.secret_key == "SK"
    assert not any(SECRET.encode() in path.read_bytes() for path in tmp_path.rglob("*.djcache"))


@copies
def test_a_copy_works_on_its_own(copied: Any) -> None:
    """What is computed from the options, and what S3 returned about objects, stays with the original."""
    storage = S3Storage(bucket_name="b", region_name="eu-central-1")
    objects = storage.objects
    objects.bucket._noted(ObjectInfo(key="k", size=1), 1)
    links = objects.of(Links)
    twin = copied(storage)
    assert twin.objects.bucket.known("k", "size") is None
    assert twin.objects.of(Links) is not links
    assert twin.objects.owner is twin
    assert storage.objects is objects
    assert storage.objects.bucket.known("k", "size") == ObjectInfo(key="k", size=1)


def test_a_static_storages_copy_keeps_its_manifest_beside_its_files() -> None:
    """A copy of a storage that is its own manifest storage does not write to the original."""
    for twin in (copy.copy(S3ManifestStaticStorage()), pickle.loads(pickle.dumps(S3ManifestStaticStorage()))):
        assert twin.manifest_storage is twin
    other = S3Storage(location="manifests")
    assert copy.copy(S3ManifestStaticStorage(manifest_storage=other)).manifest_storage == other


def test_equal_configuration_is_equal_wherever_it_comes_from() -> None:
    """OPTIONS, class attributes and settings that say the same make equal storages."""

    class InBucket(S3Storage):
        bucket_name = "b"

    by_option, by_setting = S3Storage(bucket_name="b", location="media/"), S3Storage()
    assert InBucket() == InBucket(bucket_name="b")
    assert by_option != by_setting
    with override_settings(AWS_STORAGE_BUCKET_NAME="b", AWS_LOCATION="media"):
        assert by_option == by_setting
        assert hash(by_option) == hash(by_setting)
        assert S3Storage(location="") != by_setting
    assert len({by_option, S3Storage(bucket_name="b", location="media")}) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"gzip_content_types": ["text/css"]}, {"gzip_content_types": ("text/css",)}),
        ({"object_parameters": {"CacheControl": "a"}}, {"object_parameters": {"CacheControl": "a"}}),
        ({"default_acl": ""}, {}),
        ({"location": "media/"}, {"location": "media"}),
    ],
    ids=["list-or-tuple", "dicts", "empty", "slash"],
)
def test_equal_values_are_equal(one: dict[str, Any], other: dict[str, Any]) -> None:
    """Two ways to write one value make no difference."""
    assert S3Storage(**one) == S3Storage(**other)


@pytest.mark.parametrize(
    "other", [S3Storage(location="x"), S3MediaStorage(), S3Storage(**KEYS), "S3Storage()", None], ids=repr
)
def test_different_storages_are_unequal(other: object) -> None:
    """Another class, another option or another kind of thing."""
    assert S3Storage() != other


def test_a_subclass_is_another_storage() -> None:
    """It may do something else with the same options."""

    class Subclass(S3Storage):
        pass

    assert Subclass() != S3Storage()
    assert S3Storage() != Subclass()
    assert Subclass() == Subclass()


def test_comparing_needs_no_possible_configuration() -> None:
    """makemigrations compares storages even where a setting is wrong."""
    with override_settings(AWS_QUERYSTRING_EXPIRE=0):
        assert S3Storage() == S3Storage()
        assert S3Storage() != S3Storage(location="a")


# Attributes


def test_options_are_attributes_of_an_instance() -> None:
    """Each option is read under its name, whichever place it comes from."""
    storage = Photos(gzip=True)
    assert (storage.bucket_name, storage.location, storage.file_overwrite, storage.gzip) == (
        "photos",
        "originals",
        True,
        True,
    )
    assert {name: getattr(storage, name) for name in FIELDS} == {
        name: getattr(storage.options, name) for name in FIELDS
    }
    assert Photos(location="other").location == "other"


def test_declared_options_are_attributes_of_the_class() -> None:
    """The class says what it declares."""
    assert (Photos.bucket_name, Photos.location, Photos.file_overwrite) == ("photos", "originals", True)
    assert (PublicPhotos.bucket_name, PublicPhotos.location) == ("photos", "public")
    assert S3StaticStorage.querystring_auth is False


def test_a_class_attribute_that_a_setting_replaces_is_a_value() -> None:
    """`S3MediaStorage.location` is a str to build other names with, as it is in everybody's own subclass."""
    assert S3MediaStorage.location == "media"
    with override_settings(MEDIAFILES_LOCATION="uploads"):
        assert S3MediaStorage.location == "uploads"


def test_a_mixin_declares_options() -> None:
    """Python's order of classes decides, as for any attribute."""
    storage = PublicPhotos()
    assert (storage.bucket_name, storage.location, storage.querystring_auth) == ("photos", "public", False)
    assert storage.options.location == "public"


def test_a_subclass_of_a_subclass_overrides() -> None:
    """Also with a value that says nothing in a Boolean context."""

    class AtTheRoot(Photos):
        location = ""
        file_overwrite = False

    assert (AtTheRoot().location, AtTheRoot().file_overwrite, AtTheRoot().bucket_name) == ("", False, "photos")


@pytest.mark.parametrize("cls", [S3Storage, Photos])
@pytest.mark.parametrize("name", ["bucket_name", "location", "region_name"])
def test_an_option_cannot_be_assigned(cls: Any, name: str) -> None:
    """A storage that changed under its client's and its copies' feet would be two storages."""
    storage = cls()
    before = getattr(storage, name)
    with pytest.raises(AttributeError, match=rf"{name} cannot be changed. .*{cls.__name__}\({name}=…\)"):
        setattr(storage, name, "x")
    with pytest.raises(AttributeError, match=f"{name} cannot be changed"):
        storage.__class__.__mro__[0].__setattr__(storage, name, "x")
    assert getattr(storage, name) == before


def test_a_declared_option_refuses_assignment_by_itself() -> None:
    """Not even object's own way around the storage's leads past it."""
    with pytest.raises(AttributeError, match="bucket_name cannot be changed"):
        object.__setattr__(Photos(), "bucket_name", "x")


def test_other_attributes_are_ordinary() -> None:
    """Subclasses keep what they like; a missing attribute is missing."""
    storage = S3Storage()
    storage.note = "x"
    assert storage.note == "x"
    with pytest.raises(AttributeError, match="'S3Storage' object has no attribute 'buckets'"):
        storage.buckets  # noqa: B018 (the lookup raises)


# Secrets


@secret_options
def test_sc_01_no_secret_is_shown(options: dict[str, Any]) -> None:
    """Neither a storage nor its options nor where they come from show a secret."""
    storage = S3Storage(bucket_name="b", **options)
    shown = [
        repr(storage),
        str(storage),
        f"{storage}",
        repr(storage.options),
        repr(storage.resolve()),
    ]
    assert [text for text in shown if SECRET in text] == []
    assert "bucket_name='b'" in shown[0]


@secret_options
def test_sc_01_no_secret_of_a_setting_is_shown(options: dict[str, Any]) -> None:
    """The same for what comes from settings and class attributes."""
    subclass: Any = type("Subclass", (S3Storage,), options)
    settings = {setting: value for name, value in options.items() for setting in FIELDS[name].metadata["settings"][:1]}
    with override_settings(**settings):
        for storage in (S3Storage(), subclass()):
            assert SECRET not in repr(storage)
            assert SECRET not in repr(storage.options)


def test_sc_01_the_repr_is_the_call_that_makes_it() -> None:
    """Without secrets it can be pasted."""
    assert repr(S3Storage(bucket_name="b", gzip=True, **KEYS)) == "S3Storage(bucket_name='b', gzip=True)"


def test_sc_02_an_error_of_construction_shows_no_secret() -> None:
    """Django's error report, which is mailed, does not hold the options of the call that failed."""
    try:
        S3Storage(location="../x", **KEYS)
    except ImproperlyConfigured:
        reporter = ExceptionReporter(None, *sys.exc_info())
    # The frame of this test is the caller's, which only Django's own settings can hide.
    frames = [frame for frame in reporter.get_traceback_frames() if "s3store/" in frame["filename"]]
    assert frames
    assert [frame["function"] for frame in frames if any(SECRET in str(value) for _, value in frame["vars"])] == []


# Django knows by their names which settings to hide; the project's own dict of proxies it cannot know.
NOT_HIDDEN_BY_DJANGO = {"proxies", "cloudfront_signer"}


def test_sc_03_djangos_settings_page_hides_secrets() -> None:
    """Every option that is a secret has a name, and settings, that Django's debug page masks, in OPTIONS too."""
    hidden = dict.fromkeys(SECRETS - NOT_HIDDEN_BY_DJANGO, SECRET)
    assert {"access_key", "secret_key", "security_token", "cloudfront_key", "cloudfront_key_id"} == set(hidden)
    settings = {setting: SECRET for name in hidden for setting in FIELDS[name].metadata["settings"]}
    entry = {"BACKEND": "s3store.storage.S3Storage", "OPTIONS": hidden}
    with override_settings(**settings, STORAGES={**storages.backends, "secret": entry}):
        safe = get_default_exception_reporter_filter().get_safe_settings()
    assert SECRET not in str({name: safe[name] for name in settings})
    assert SECRET not in str(safe["STORAGES"])


@secret_options
def test_sc_04_no_secret_is_in_a_migration(options: dict[str, Any]) -> None:
    """A FileField's storage is written into files that are committed: without what is secret."""
    field = models.FileField(storage=S3Storage(bucket_name="b", **options))
    operation = migrations.AddField("document", "file", field)
    migration: Any = type("Migration", (migrations.Migration,), {"operations": [operation]})("0001_initial", "app")
    code = MigrationWriter(migration, include_header=False).as_string()
    assert SECRET not in code
    assert 'bucket_name="b"' in code.replace("'", '"')
    compile(code, "0001_initial.py", "exec")


def test_sc_04_objects_of_boto3_are_not_in_a_migration() -> None:
    """A migration cannot write them, and needs none of them; dicts it can."""
    storage = S3Storage(client_config=Config(retries={"max_attempts": 1}), transfer_config=TransferConfig(), gzip=True)
    assert storage.deconstruct() == ("s3store.storage.S3Storage", (), {"gzip": True})
    written = migrated(S3Storage(transfer_config={"use_threads": False}, object_parameters={"CacheControl": "a"}))
    assert written.options.transfer_config == {"use_threads": False}
    assert written.options.object_parameters == {"CacheControl": "a"}


def parameters_by_name(name: str) -> dict[str, str]:
    return {"CacheControl": name}


def test_functions_are_written_by_their_path() -> None:
    """Object parameters may be a function of a module."""
    assert migrated(S3Storage(object_parameters=parameters_by_name)).options.object_parameters is parameters_by_name


def test_a_nested_class_is_deconstructed_by_its_path() -> None:
    """The path is the one that Django can import."""
    assert Photos(gzip=True).deconstruct() == (f"{__name__}.Photos", (), {"gzip": True})


@secret_options
@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_sc_05_no_secret_is_in_a_pickle(options: dict[str, Any], protocol: int) -> None:
    """What goes through Redis or a task queue holds no secret, not even after the options have been used."""
    storage = S3Storage(bucket_name="b", **options)
    assert storage.options
    data = pickle.dumps(storage, protocol)
    assert SECRET.encode() not in data
    # Nor does the copy's own pickle.
    assert SECRET.encode() not in pickle.dumps(pickle.loads(data), protocol)
    assert pickle.loads(data).bucket_name == "b"


def in_storages(**options: Any) -> Any:
    return override_settings(
        STORAGES={
            "other": {"BACKEND": "s3store.storage.S3Storage", "OPTIONS": {"bucket_name": "other", "secret_key": "x"}},
            "bare": {"BACKEND": "s3store.storage.S3Storage"},
            "ours": {"BACKEND": "s3store.storage.S3Storage", "OPTIONS": options},
        }
    )


def test_sc_05_the_copy_finds_its_credentials_in_storages() -> None:
    """The process that unpickles has the same settings, and the secrets from there."""
    with in_storages(bucket_name="b", **KEYS):
        storage = storages["ours"]
        twin = pickle.loads(pickle.dumps(storage))
        assert twin == storage
        assert twin.options.secret_key == SECRET
        again = pickle.loads(pickle.dumps(twin))
        assert again.options.secret_key == SECRET


def test_sc_05_the_copy_does_not_take_anothers_credentials() -> None:
    """Options that differ in anything public belong to another storage."""
    with in_storages(bucket_name="b2", **KEYS):
        twin = pickle.loads(pickle.dumps(S3Storage(bucket_name="b", **KEYS)))
        assert twin.options.secret_key is None
    with in_storages(bucket_name="b", **KEYS):
        other = pickle.loads(pickle.dumps(S3MediaStorage(bucket_name="b", **KEYS)))
        assert other.options.secret_key is None


def test_sc_05_the_copy_finds_a_customers_key_in_storages() -> None:
    """The same for the part of object parameters that is secret."""
    parameters = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": SECRET, "CacheControl": "a"}
    with in_storages(bucket_name="b", object_parameters=parameters):
        twin = pickle.loads(pickle.dumps(storages["ours"]))
        assert twin.options.object_parameters == parameters


def test_sc_05_the_copy_finds_a_customers_key_for_some_names_in_storages() -> None:
    """Headers by name hide it, and are found again, as object parameters are."""
    headers = {"p/*": {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": SECRET}, "*.css": {"CacheControl": "a"}}
    with in_storages(bucket_name="b", headers=headers):
        storage = storages["ours"]
        assert type(storage.deconstruct()[2]["headers"]["*.css"]) is dict
        twin = pickle.loads(pickle.dumps(storage))
        assert twin.options.headers == headers


def test_sc_05_the_copy_takes_credentials_from_its_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A storage that STORAGES does not name signs with what the other process has."""
    data = pickle.dumps(S3Storage(bucket_name="b", **KEYS))
    monkeypatch.setenv("AWS_S3_ACCESS_KEY_ID", "env-id")
    monkeypatch.setenv("AWS_S3_SECRET_ACCESS_KEY", "env-secret")
    options = pickle.loads(data).options
    assert (options.access_key, options.secret_key, options.security_token) == ("env-id", "env-secret", None)


def test_a_storage_that_is_built_again_has_the_secrets_of_its_entry() -> None:
    """Tasks of image and CMS packages build it from what `deconstruct` returns, which contains no secret."""
    with in_storages(bucket_name="b", client_config=Config(read_timeout=3), **KEYS):
        path, args, kwargs = storages["ours"].deconstruct()
        again = import_string(path)(*args, **kwargs)
        assert again.options == storages["ours"].options
        assert "hunter2" not in repr(again.deconstruct())
        assert S3Storage(bucket_name="elsewhere").options.secret_key is None
        own = {**KEYS, "secret_key": "its-own"}
        assert S3Storage(bucket_name="b", **own).options.secret_key == "its-own"


def test_a_copy_in_the_same_process_keeps_its_secrets() -> None:
    """Django deep-copies fields; those keep working."""
    storage = S3Storage(**KEYS)
    for twin in (copy.copy(storage), copy.deepcopy(storage), copy.deepcopy([storage])[0]):
        assert twin.options == storage.options


def test_objects_of_boto3_can_be_pickled() -> None:
    """A configuration of boto3's travels with the storage."""
    storage = S3Storage(client_config=Config(read_timeout=3), transfer_config=TransferConfig(max_concurrency=2))
    options = pickle.loads(pickle.dumps(storage)).options
    assert options.client_config.read_timeout == 3
    assert options.transfer_config.max_concurrency == 2


def test_every_secret_option_is_tested() -> None:
    """A new option that is a secret gets a row above."""
    assert set(SECRET_OPTIONS) >= SECRETS
    assert "hunter2" not in repr(Options(**dict.fromkeys(SECRETS, "hunter2")))


# Migrations


def changes(old: ProjectState, new: ProjectState) -> dict[str, Any]:
    detector = MigrationAutodetector(old, new, MigrationQuestioner(specified_apps={"app"}))
    found: dict[str, Any] = detector.changes(graph=MigrationGraph(), trim_to_apps={"app"})
    return found


def state_of_app() -> ProjectState:
    return ProjectState.from_apps(apps)


@pytest.fixture
def loaded_migration() -> Any:
    """The app's first migration, written as makemigrations does and loaded from its text."""
    (migration,) = changes(ProjectState(), state_of_app())["app"]
    scope: dict[str, Any] = {}
    exec(MigrationWriter(migration).as_string(), scope)
    return scope["Migration"]("0001_initial", "app")


def test_makemigrations_finds_no_change_between_two_loads() -> None:
    """The models, loaded twice, even with another bucket in the settings, are the same."""
    before = state_of_app()
    with override_settings(AWS_STORAGE_BUCKET_NAME="another", MEDIAFILES_LOCATION="elsewhere"):
        assert changes(before, state_of_app()) == {}


def test_makemigrations_finds_no_change_after_its_own_migration(loaded_migration: Any) -> None:
    """What is written, read again, equals the models: the command settles at once."""
    assert changes(loaded_migration.mutate_state(ProjectState()), state_of_app()) == {}


def test_makemigrations_finds_a_change() -> None:
    """And the test above would see one."""
    new = state_of_app()
    new.models["app", "document"].fields["normal"].storage = S3MediaStorage(bucket_name="new")
    assert changes(state_of_app(), new) != {}


# Imports

_WITHOUT_BOTO3 = """
import copy, pickle, sys
from django.conf import settings
settings.configure(STORAGES={"files": {"BACKEND": "s3store.storage.S3MediaStorage", "OPTIONS": {"gzip": True}}})
import django
django.setup()
import s3store.storage, s3store.fields, s3store.checks
from django.core.files.storage import storages
from django.core.management import call_command
from django.db.migrations.writer import MigrationWriter
storage = storages["files"]
assert storage == s3store.storage.S3MediaStorage(gzip=True)
assert pickle.loads(pickle.dumps(storage)) == copy.deepcopy(storage) == storage
hash(storage), repr(storage), storage.location, storage.options
MigrationWriter.serialize(storage)
s3store.checks.check_storages()
loaded = [name for name in sys.modules if name.partition(".")[0] in ("boto3", "botocore", "s3transfer", "urllib3")]
print(loaded)
"""


def test_no_boto3_is_imported_before_the_first_request() -> None:
    """boto3 costs as much as all of Django: `manage.py check` and makemigrations do not pay for it."""
    done = subprocess.run([sys.executable, "-c", _WITHOUT_BOTO3], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout.strip() == "[]"


def test_sc_05_a_config_object_with_proxies_is_withheld() -> None:
    """Their passwords do not get into a pickle; another Config does."""
    from botocore.config import Config

    proxies = Config(proxies={"https": f"http://ann:{SECRET}@proxy:3128"})
    pickled = pickle.dumps(S3Storage(bucket_name="bucket", client_config=proxies))
    assert SECRET.encode() not in pickled
    assert pickle.loads(pickled).options.client_config is None


class _Named(pickle.Unpickler):
    """Notes the modules of everything that a pickle names."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.modules: set[str] = set()

    def find_class(self, module: str, name: str) -> Any:
        self.modules.add(module)
        return super().find_class(module, name)


def modules_in(data: bytes) -> set[str]:
    unpickler = _Named(io.BytesIO(data))
    unpickler.load()
    return unpickler.modules


DERIVED: dict[str, Any] = {
    "links": lambda objects: objects.of(Links),
    "distribution": lambda objects: objects.of(Distribution.of),
    "bucket": lambda objects: objects.bucket,
    "facts": lambda objects: objects.bucket._noted(ObjectInfo(key="k", size=1), 1),
    "options": lambda objects: objects.options,
}


@pytest.mark.parametrize("derived", DERIVED.values(), ids=DERIVED)
@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_sc_05_what_is_derived_from_options_is_in_no_pickle(derived: Any, protocol: int) -> None:
    """Signers, clients and facts stay in their process: using a storage changes nothing in its pickle."""
    storage = S3Storage(bucket_name="b", region_name="r", custom_domain="cdn.example.com", cloudfront_signer=SIGNER)
    unused = pickle.dumps(storage, protocol)
    objects = storage.objects
    first = derived(objects)
    used = pickle.dumps(storage, protocol)
    assert used == unused
    assert modules_in(used).isdisjoint({type(first).__module__, type(objects).__module__})
    # The storage itself goes on with what it has.
    assert storage.objects is objects


class _Signer:
    def generate_presigned_url(self, url: str, date_less_than: Any) -> str:
        return f"{url}?signed"


SIGNER = _Signer()


def test_a_class_has_no_attribute_for_an_option_that_it_does_not_declare() -> None:
    """`hasattr` and `getattr` with a default say so."""
    assert not hasattr(S3Storage, "bucket_name")
    assert getattr(S3StaticStorage, "bucket_name", "b") == "b"
    assert hasattr(Photos, "bucket_name")


def test_the_arguments_of_a_migration_are_plain() -> None:
    """A dict is a dict there, not a class of ours that a later version may not have."""
    _, _, arguments = S3Storage(object_parameters={"CacheControl": "a"}, bucket_name="b").deconstruct()
    assert type(arguments["object_parameters"]) is dict
    assert arguments == {"object_parameters": {"CacheControl": "a"}, "bucket_name": "b"}


def test_object_parameters_are_kept_apart_from_the_callers() -> None:
    """The storage has a copy, whose repr hides the customer's key."""
    given = {"CacheControl": "a"}
    storage = S3Storage(object_parameters=given)
    given["CacheControl"] = "b"
    assert storage.options.object_parameters == {"CacheControl": "a"}


def test_a_storage_that_is_kept_at_its_options_keeps_no_other() -> None:
    """While a call runs, its storage does not see changes. Other storages that its hooks use do."""
    ours, other = S3Storage(region_name="r"), S3Storage(location="other")
    with override_settings(AWS_STORAGE_BUCKET_NAME="first"):
        objects = ours.objects
        with objects.pinned(), override_settings(AWS_STORAGE_BUCKET_NAME="second"):
            assert (ours.bucket_name, ours.location) == ("first", "")
            assert (other.bucket_name, other.location) == ("second", "other")
            assert ours.objects is objects
        assert ours.bucket_name == "first"
    assert ours.bucket_name == ""
