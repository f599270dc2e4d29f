"""Requests get the parameters that they take, and the headers that the file needs."""

from __future__ import annotations

import mimetypes
from dataclasses import fields
from datetime import datetime, timezone
from functools import cache
from typing import Any

import pytest
from botocore.session import Session

from s3store.core import info, overrides, parameters
from s3store.core.parameters import Parameters

# Content types


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("a.css", "text/css"),
        ("A.CSS", "text/css"),
        ("a.js", "text/javascript"),
        ("a.mjs", "text/javascript"),
        ("a.js.map", "application/json"),
        ("a/b.c/photo.webp", "image/webp"),
        ("photo.jpeg", "image/jpeg"),
        ("a.woff2", "font/woff2"),
        ("a.xml", "application/xml"),
        ("backup.tar.gz", "application/gzip"),
        ("a.css.gz", "application/gzip"),
        ("a.svgz", "application/gzip"),
        ("a.txt.br", "application/x-brotli"),
        ("a.txt.bz2", "application/x-bzip2"),
        ("a.txt.xz", "application/x-xz"),
        ("a.txt.Z", "application/x-compress"),
        ("README", "application/octet-stream"),
        ("a.css/README", "application/octet-stream"),
        (".css", "application/octet-stream"),
        ("a/.css", "application/octet-stream"),
        ("a.", "application/octet-stream"),
        ("a.nobody-knows", "application/octet-stream"),
    ],
)
def test_the_extension_decides_on_the_content_type(name: str, content_type: str) -> None:
    """The last extension counts, whatever its case; compressed files are not what they will inflate to."""
    assert parameters.guess_content_type(name) == content_type


def test_an_unknown_compression_is_no_content_type(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the operating system's table says is compressed is not sent as what it would inflate to."""
    monkeypatch.setattr("mimetypes.guess_type", lambda name: ("text/html", "zstd"))
    assert parameters.guess_content_type("a.html.zst") == "application/octet-stream"


@pytest.mark.parametrize("name", ["data:text/html,x.zip", "data:text/html;base64/x.zip", "abc:x.html?y.zip"])
def test_sp_09_a_name_is_not_read_as_a_url(name: str) -> None:
    """A file cannot choose its own content type by a name that looks like a data: URL."""
    assert parameters.guess_content_type(name) == "application/zip"


# What creates an object


def write(name: str = "a.txt", **arguments: Any) -> dict[str, Any]:
    return parameters.write_parameters(name, **{"params": {}, "default_acl": None, **arguments})


@pytest.mark.parametrize(
    ("arguments", "content_type"),
    [
        ({}, "text/plain"),
        ({"params": {"ContentType": "text/x-storage"}}, "text/x-storage"),
        ({"params": {"ContentType": "text/x-storage"}, "content_type": "text/x-file"}, "text/x-file"),
        ({"params": {"ContentType": ""}}, "text/plain"),
    ],
    ids=["name", "storage", "file", "empty"],
)
def test_the_files_own_content_type_wins(arguments: dict[str, Any], content_type: str) -> None:
    """A type given for this file beats the storage's, which beats the name's."""
    assert write(**arguments)["ContentType"] == content_type


@pytest.mark.parametrize(
    ("given", "default_acl", "acl"),
    [
        ({}, None, None),
        ({}, "private", "private"),
        ({"ACL": "public-read"}, "private", "public-read"),
        ({"ACL": "public-read"}, None, "public-read"),
        ({"ACL": None}, None, None),
        ({"ACL": None}, "private", None),
    ],
)
def test_an_acl_is_sent_only_when_one_is_asked_for(
    given: dict[str, Any], default_acl: str | None, acl: str | None
) -> None:
    """New buckets refuse any ACL; object parameters decide over the default, and None means no header at all."""
    sent = parameters.for_operation("put_object", write(params=given, default_acl=default_acl))
    assert sent == {"ContentType": "text/plain", **({"ACL": acl} if acl else {})}


@pytest.mark.parametrize(
    ("given", "metadata", "merged"),
    [
        ({"a": "1"}, None, {"a": "1"}),
        ({"a": "1"}, {"b": "2"}, {"a": "1", "b": "2"}),
        ({"a": "1"}, {"a": "2"}, {"a": "2"}),
        ({"Owner": "storage"}, {"owner": "file"}, {"owner": "file"}),
    ],
    ids=["storage", "both", "same", "same-header"],
)
def test_the_files_own_metadata_wins(
    given: dict[str, str], metadata: dict[str, str] | None, merged: dict[str, str]
) -> None:
    """Names of metadata are headers: their case makes no difference."""
    assert write(params={"Metadata": given}, metadata=metadata)["Metadata"] == merged


def test_metadata_of_none_is_no_metadata() -> None:
    """`Metadata: None` among the object parameters, which the rules allow, does not stop a save."""
    assert write(params={"Metadata": None}, metadata={"a": "1"})["Metadata"] == {"a": "1"}


def test_the_given_parameters_stay_as_they_are() -> None:
    """The storage's parameters are shared by all its files."""
    given = {"Metadata": {"a": "1"}}
    write(params=given, default_acl="private", metadata={"b": "2"})
    assert given == {"Metadata": {"a": "1"}}


# Which request takes what

SSE_C = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": "secret", "SSECustomerKeyMD5": "md5"}
EVERYTHING = dict.fromkeys(parameters.OBJECT_PARAMETERS, "x")


@pytest.mark.parametrize(
    ("operation", "taken"),
    [
        ("put_object", {"CacheControl", "ExpectedBucketOwner", "SSECustomerKey"}),
        ("create_multipart_upload", {"CacheControl", "ExpectedBucketOwner", "SSECustomerKey"}),
        ("copy_object", {"CacheControl", "ExpectedBucketOwner", "SSECustomerKey"}),
        ("upload_part", {"ExpectedBucketOwner", "SSECustomerKey"}),
        ("get_object", {"ExpectedBucketOwner", "SSECustomerKey"}),
        ("head_object", {"ExpectedBucketOwner", "SSECustomerKey"}),
        ("delete_object", {"ExpectedBucketOwner"}),
        ("list_objects_v2", {"ExpectedBucketOwner"}),
        ("head_bucket", {"ExpectedBucketOwner"}),
    ],
)
def test_each_request_takes_its_share(operation: str, taken: set[str]) -> None:
    """The customer's key goes where bytes are read or written, cache headers where an object is made."""
    given = dict.fromkeys(("CacheControl", "ExpectedBucketOwner", "SSECustomerKey"), "x")
    assert set(parameters.for_operation(operation, given)) == taken


def test_a_copy_reads_its_source_with_the_customers_key() -> None:
    """CopyObject names the source's key and owner apart from the target's."""
    assert parameters.copy_source_parameters({**SSE_C, "ExpectedBucketOwner": "1", "CacheControl": "x"}) == {
        "CopySourceSSECustomerAlgorithm": "AES256",
        "CopySourceSSECustomerKey": "secret",
        "CopySourceSSECustomerKeyMD5": "md5",
        "ExpectedSourceBucketOwner": "1",
    }
    assert parameters.copy_source_parameters({"CacheControl": "x"}) == {}


def test_sc_01_the_customers_key_is_never_shown() -> None:
    """Neither parameters nor those of a copy's source have the key in their repr."""
    given = Parameters(SSE_C, CacheControl="max-age=60")
    for shown in (
        repr(given),
        str(parameters.copy_source_parameters(given)),
        f"{parameters.for_operation('get_object', given)}",
    ):
        assert "secret" not in shown
        assert "AES256" in shown


# Headers


@pytest.mark.parametrize(
    "value",
    [
        "a\r\nX-Evil: 1",
        "a\nb",
        "a\0b",
        "a\x7f",
        "a\tb",
        {"a": "b\n"},
        {"a\n": "b"},
        {"a": {"b": "c\r"}},
    ],
    ids=repr,
)
def test_sn_11_no_header_is_injected(value: object) -> None:
    """A control character in a value that becomes a header is refused, at any depth, and named."""
    assert "control character" in (parameters.header_problem(value) or "")


@pytest.mark.parametrize(
    "value", ["text/plain", "é", "", None, 5, datetime(2030, 1, 1, tzinfo=timezone.utc), {"a": "b"}, {}], ids=ascii
)
def test_ordinary_values_are_no_problem(value: object) -> None:
    """Values that are not text are botocore's to write."""
    assert parameters.header_problem(value) is None


@pytest.mark.parametrize(
    ("metadata", "problem"),
    [
        ({"a": 1}, "does not"),
        ({1: "a"}, "does not"),
        ({"a b": "c"}, "not a valid name for metadata"),
        ({"a:b": "c"}, "not a valid name for metadata"),
        ({"é": "c"}, "not a valid name for metadata"),
        ({"": "c"}, "not a valid name for metadata"),
        ({"a": "é"}, "not ASCII"),
        ({"a": "b\nc"}, "control character"),
    ],
    ids=ascii,
)
def test_metadata_that_no_header_can_hold_is_refused(metadata: dict[Any, Any], problem: str) -> None:
    """Metadata travels in headers: S3 would refuse it, or store something else."""
    assert problem in (parameters.metadata_problem(metadata) or "")


@pytest.mark.parametrize("metadata", [{}, {"owner": "ann"}, {"x-y_z.1": "any text, even: this"}])
def test_ascii_metadata_is_no_problem(metadata: dict[str, str]) -> None:
    """Names are HTTP tokens, values printable ASCII."""
    assert parameters.metadata_problem(metadata) is None


# botocore's description of S3's requests


def _members(operation: str) -> dict[str, Any]:
    """Return the parameters of a request, by name, as botocore's model of S3 describes them."""
    return dict(_s3_model().operation_model(operation).input_shape.members)


@cache
def _s3_model() -> Any:
    return Session().get_service_model("s3")


OPERATIONS = {
    "put_object": "PutObject",
    "create_multipart_upload": "CreateMultipartUpload",
    "upload_part": "UploadPart",
    "complete_multipart_upload": "CompleteMultipartUpload",
    "abort_multipart_upload": "AbortMultipartUpload",
    "head_object": "HeadObject",
    "get_object": "GetObject",
    "copy_object": "CopyObject",
    "upload_part_copy": "UploadPartCopy",
    "delete_object": "DeleteObject",
    "head_bucket": "HeadBucket",
    "delete_objects": "DeleteObjects",
    "list_objects_v2": "ListObjectsV2",
    "get_object_acl": "GetObjectAcl",
    "put_object_acl": "PutObjectAcl",
}
# A parameter of the request by that name, with another meaning than in `object_parameters`.
OTHER_MEANING = {
    "delete_objects": {"ChecksumAlgorithm"},
    "put_object_acl": {"ACL", "ChecksumAlgorithm", *(name for name in parameters.OBJECT_PARAMETERS if "Grant" in name)},
}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_request_takes_the_object_parameters_that_it_knows(operation: str) -> None:
    """All of them, and no other: botocore refuses a parameter that the request does not have."""
    known = set(_members(OPERATIONS[operation])) & parameters.OBJECT_PARAMETERS
    taken = parameters.for_operation(operation, dict.fromkeys(parameters.OBJECT_PARAMETERS, "x"))
    assert set(taken) == known - OTHER_MEANING.get(operation, set())


def test_object_parameters_are_headers_of_put_object() -> None:
    """`object_parameters` describes an object: everything in it travels as a header of the request that creates it."""
    members = _members("PutObject")
    assert set(members) >= parameters.OBJECT_PARAMETERS
    where = {members[name].serialization.get("location") for name in parameters.OBJECT_PARAMETERS}
    assert where == {"header", "headers"}


def test_a_copy_that_replaces_metadata_sends_every_content_header() -> None:
    """CopyObject drops those that are not sent again."""
    members = _members("CopyObject")
    content = {
        name
        for name, shape in members.items()
        if shape.serialization.get("location") == "header"
        and not shape.serialization["name"].lower().startswith(("x-amz-", "if-"))
    }
    assert content == parameters.CONTENT_HEADERS


def test_canned_acls_are_those_of_s3() -> None:
    """botocore's model lists the canned ACLs of an object."""
    assert set(parameters.OBJECT_ACLS) == set(_members("PutObject")["ACL"].enum)


@pytest.mark.parametrize(
    ("extension", "content_type"),
    [
        ("avif", "image/avif"),
        ("css", "text/css"),
        ("csv", "text/csv"),
        ("heic", "image/heic"),
        ("html", "text/html"),
        ("js", "text/javascript"),
        ("json", "application/json"),
        ("map", "application/json"),
        ("md", "text/markdown"),
        ("mjs", "text/javascript"),
        ("mp4", "video/mp4"),
        ("otf", "font/otf"),
        ("pdf", "application/pdf"),
        ("svg", "image/svg+xml"),
        ("ttf", "font/ttf"),
        ("txt", "text/plain"),
        ("wasm", "application/wasm"),
        ("webm", "video/webm"),
        ("webmanifest", "application/manifest+json"),
        ("webp", "image/webp"),
        ("woff", "font/woff"),
        ("woff2", "font/woff2"),
        ("xml", "application/xml"),
        ("aac", "audio/aac"),
        ("apng", "image/apng"),
        ("atom", "application/atom+xml"),
        ("bmp", "image/bmp"),
        ("eot", "application/vnd.ms-fontobject"),
        ("flac", "audio/flac"),
        ("geojson", "application/geo+json"),
        ("gif", "image/gif"),
        ("glb", "model/gltf-binary"),
        ("gltf", "model/gltf+json"),
        ("heif", "image/heif"),
        ("htm", "text/html"),
        ("ico", "image/vnd.microsoft.icon"),
        ("ics", "text/calendar"),
        ("jpeg", "image/jpeg"),
        ("jpg", "image/jpeg"),
        ("jsonld", "application/ld+json"),
        ("jxl", "image/jxl"),
        ("m4a", "audio/mp4"),
        ("mov", "video/quicktime"),
        ("mp3", "audio/mpeg"),
        ("oga", "audio/ogg"),
        ("ogg", "audio/ogg"),
        ("ogv", "video/ogg"),
        ("opus", "audio/opus"),
        ("png", "image/png"),
        ("rss", "application/rss+xml"),
        ("tif", "image/tiff"),
        ("tiff", "image/tiff"),
        ("ttc", "font/collection"),
        ("vtt", "text/vtt"),
        ("wav", "audio/wav"),
        ("weba", "audio/webm"),
        ("xhtml", "application/xhtml+xml"),
        ("xsl", "application/xml"),
        ("yaml", "application/yaml"),
        ("yml", "application/yaml"),
        ("zip", "application/zip"),
        ("css.br", "application/x-brotli"),
        ("css.bz2", "application/x-bzip2"),
        ("css.Z", "application/x-compress"),
        ("css.gz", "application/gzip"),
        ("css.xz", "application/x-xz"),
    ],
)
def test_the_webs_types_do_not_depend_on_the_machine(
    extension: str, content_type: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The registry of the operating system may be empty or may say something else."""
    known = mimetypes.MimeTypes()
    known.types_map = ({}, {})
    monkeypatch.setattr(mimetypes, "guess_type", known.guess_type)
    assert parameters.guess_content_type(f"a/b.{extension}") == content_type


@pytest.mark.parametrize("name", sorted(overrides.QUERY))
def test_overrides_of_a_response_have_s3s_names(name: str) -> None:
    """botocore's model of GetObject names the parameter of the query; the payer of a request may be one, too."""
    shape = _members("GetObject")[name]
    assert overrides.signed_query({name: "1"}) == [(shape.serialization["name"], "1")]
    assert overrides.plain_query({name: "1"}) == {shape.serialization["name"]: "1"}


def test_every_override_of_a_response_can_be_given() -> None:
    """A signed URL can carry whatever GetObject takes in the query."""
    query = {
        name for name, shape in _members("GetObject").items() if shape.serialization.get("location") == "querystring"
    }
    assert query <= set(overrides.QUERY)
    assert set(overrides.QUERY) - query == {"RequestPayer"}


def test_the_attributes_of_an_object_are_what_a_write_decides_and_a_head_returns() -> None:
    """Each parameter of the table is part of PutObject's request and of HeadObject's response."""
    returned = _s3_model().operation_model("HeadObject").output_shape.members
    assert set(info.ATTRIBUTES) <= set(_members("PutObject")) & set(returned)
    assert set(info.ATTRIBUTES.values()) <= {field.name for field in fields(info.ObjectInfo)}
    stat = info.ObjectInfo(key="k", size=1, **dict.fromkeys(info.ATTRIBUTES.values(), "x"))
    assert stat.parameters == {**dict.fromkeys(info.ATTRIBUTES, "x"), "Metadata": {}}


def test_the_names_of_our_metadata_are_a_format() -> None:
    """Objects that are in buckets today have metadata of these names."""
    assert info.INTERNAL == ("s3store-write", "s3store-size", "s3store-digest", "s3store-mtime")
    stat = info.ObjectInfo(key="k", size=1, all_metadata={**dict.fromkeys(info.INTERNAL, "1"), "own": "2"})
    assert stat.metadata == {"own": "2"}
    assert [stat.internal(name) for name in info.INTERNAL] == ["1"] * len(info.INTERNAL)
