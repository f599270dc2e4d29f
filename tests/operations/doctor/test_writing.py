"""Rows OD-06, OD-27 to OD-36, OD-45 to OD-49: what a storage may do with an object, and what the server makes of it."""

import re
from datetime import datetime, timedelta, timezone

import pytest

from s3store.operations.doctor.examination import BODY
from s3store.storage import S3Storage
from s3store.testing.fixtures import options_for
from tests.faults.proxy import FaultProxy
from tests.operations.doctor.conftest import canned, ends_with, error, examined, ids, once, one, storage_at

DENIED = error(403, "AccessDenied", "Access Denied")
PROBE = r"/s3store-tests/doctor/[\w-]+/s3store-doctor-"


def nothing_is_left(storage):
    """Neither an object nor an upload in parts of the examination is in the bucket."""
    bucket = storage.objects.bucket
    assert list(storage.scan()) == []
    assert bucket.count_uploads(storage.objects.prefix(""), {}, limit=10) == 0


def test_a_healthy_private_storage_takes_16_requests_and_9_for_the_settings(seaweedfs):
    """No error, no warning about the files, and nothing is left."""
    storage = storage_at(seaweedfs)
    with FaultProxy(seaweedfs.endpoint_url) as proxy:
        report = examined(storage_at(seaweedfs, proxy.url, location=storage.options.location))
        sent = [(exchange.method, exchange.target) for exchange in proxy.log]
    assert report.at("error") == ()
    assert len(sent) == report.requests == 16 + 9
    settings = re.compile(r"\?(publicAccess|owner|policy|cors|life|encr|vers|object-l|requestP)")
    assert len([target for _, target in sent if settings.search(target)]) == 9
    assert [method for method, _ in sent[:9]] == ["GET", "PUT", "GET", "PUT", "GET", "GET", "GET", "GET", "OPTIONS"]
    assert [text.partition(":")[0] for text in report.passed] == [
        "Credentials",
        "Clock",
        "List",
        "Save",
        "Read",
        "Conditional writes",
        "A missing file is reported as missing.",
        "Signed URLs work.",
        "Without credentials, files cannot be read.",
        "Browsers can upload from https",
        "Browsers can upload with a form.",
        "Uploads in parts can be started and aborted.",
        "Delete",
        "Settings of the bucket",
    ]
    nothing_is_left(storage)


def test_od_06_something_rewrites_the_path(moto):
    """The listing passes, and a key with a plus and a space does not."""
    with canned(moto, (rf"PUT {PROBE}\w+%20%2B", error(403, "SignatureDoesNotMatch"))) as proxy:
        storage = storage_at(moto, proxy.url)
        report = examined(storage)
    ends_with(report, "requests-changed", "SignatureDoesNotMatch", "proxy")


def test_od_06_only_reading_is_changed(moto):
    """The object is deleted all the same."""
    location = "doctor/only-reading"
    with canned(moto, (rf"GET {PROBE}\w+%20", error(403, "SignatureDoesNotMatch"))) as proxy:
        one(examined(storage_at(moto, proxy.url, location=location)), "requests-changed")
    nothing_is_left(storage_at(moto, location=location))


def test_od_27_listing_is_not_allowed(moto):
    """Everything else is examined, and the right action on the right resource is named."""
    with canned(moto, ("GET .*list-type=2.*prefix", DENIED)) as proxy:
        report = examined(storage_at(moto, proxy.url))
    one(report, "list-denied", "s3:ListBucket", "arn:aws:s3:::s3store-tests/* it has no effect", "--print-iam")
    assert any(text.startswith("Delete") for text in report.passed)


def test_od_28_missing_files_are_hidden(moto):
    """403 for a key that does not exist."""
    with canned(moto, (rf"GET {PROBE}\w+\.txt", DENIED)) as proxy:
        one(examined(storage_at(moto, proxy.url)), "missing-hidden", "403", "s3:prefix", level="warning")


def test_a_missing_file_that_is_answered_with_something_else(moto):
    """Neither found nor refused: the response is shown."""
    with canned(moto, (rf"GET {PROBE}\w+\.txt", error(400, "InvalidArgument", "odd"))) as proxy:
        report = examined(storage_at(moto, proxy.url))
    one(report, "unexpected", "GetObject of a missing key", "InvalidArgument")


def test_od_29_a_storage_that_may_only_read(moto):
    """What is there is read, and nothing else is tried."""
    storage = storage_at(moto)
    storage.save("there.txt", b"x")
    with canned(moto, ("PUT", DENIED)) as proxy:
        report = examined(storage_at(moto, proxy.url, location=storage.options.location))
        methods = [exchange.method for exchange in proxy.log]
    one(report, "write-denied", "s3:PutObject", f"arn:aws:s3:::s3store-tests/{storage.options.location}/*")
    # As the storage saves files, and with encryption: there is no other parameter that may be the reason.
    assert methods.count("PUT") == 2
    assert "DELETE" not in methods
    assert "probe-left" not in ids(report)
    assert "Signed URLs work." in report.passed


def test_od_29_a_deny_of_seaweedfs(seaweedfs):
    """A real policy: saving is denied, reading is not."""
    options = options_for(seaweedfs, "read-only-bucket")
    storage = S3Storage(**options)
    storage.client.create_bucket(Bucket="read-only-bucket")
    policy = (
        '{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", '
        '"Resource": "arn:aws:s3:::read-only-bucket/*"}]}'
    )
    storage.client.put_bucket_policy(Bucket="read-only-bucket", Policy=policy)
    report = examined(storage)
    one(report, "write-denied", "s3:PutObject", "403")


def test_reading_is_not_allowed(moto):
    """The object was saved, and may not be read."""
    with canned(moto, (rf"GET {PROBE}\w+%20%2B.txt(\?x-id|$)", DENIED)) as proxy:
        one(examined(storage_at(moto, proxy.url)), "read-denied", "s3:GetObject")


def test_reading_fails_for_another_reason(moto):
    """The request and the response are named."""
    with canned(moto, (rf"GET {PROBE}\w+%20%2B.txt(\?x-id|$)", error(400, "InvalidRequest", "odd"))) as proxy:
        found = one(examined(storage_at(moto, proxy.url)), "unexpected", "InvalidRequest: odd")
    assert "GetObject" in found.meaning


def test_od_30_deleting_is_not_allowed(moto):
    """The object that is left is named, once."""
    with canned(moto, ("DELETE .*x-id=DeleteObject|DELETE [^?]*$", DENIED)) as proxy:
        storage = storage_at(moto, proxy.url)
        report = examined(storage)
    (left,) = (found.name for found in storage_at(moto, location=storage.options.location).scan())
    one(report, "delete-denied", "s3:DeleteObject", f"{storage.options.location}/{left}")
    assert "probe-left" not in ids(report)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "GET"])
def test_od_31_an_explicit_deny_names_the_kind_of_policy(moto, method):
    """AWS names it in the message. Another Allow would not help."""
    said = "User: u is not authorized to perform: s3:X on resource: r with an explicit deny in a service control policy"
    pattern = rf"{method} {PROBE}\w+%20%2B.txt(\?x-id|\?uploadId|$)"
    with canned(moto, (pattern, error(403, "AccessDenied", said))) as proxy:
        report = examined(storage_at(moto, proxy.url))
    found = [finding for finding in report.findings if finding.id == "explicit-deny"]
    assert found
    assert "a policy of the kind service control" in found[0].meaning
    assert not {"write-denied", "read-denied", "delete-denied"} & set(ids(report))


def test_od_31_an_explicit_deny_of_uploads_in_parts(moto):
    """An Allow of s3:PutObject, which multipart-denied would recommend, is there already."""
    said = "not authorized to perform: s3:PutObject with an explicit deny in an identity-based policy"
    with canned(moto, (r"POST .*\?uploads", error(403, "AccessDenied", said))) as proxy:
        report = examined(storage_at(moto, proxy.url))
    one(report, "explicit-deny", "identity-based", "CreateMultipartUpload")
    assert "multipart-denied" not in ids(report)


def test_od_31_an_explicit_deny_of_listing(moto):
    """For the listing too."""
    said = "not authorized to perform: s3:ListBucket with an explicit deny in a resource-based policy"
    with canned(moto, ("GET .*list-type=2.*prefix", error(403, "AccessDenied", said))) as proxy:
        one(examined(storage_at(moto, proxy.url)), "explicit-deny", "resource-based")


def test_od_32_a_policy_that_demands_encryption(moto):
    """The object is accepted with the header. The option to set is named."""

    def demand(headers):
        return None if headers.get("x-amz-server-side-encryption") == "AES256" else DENIED

    with canned(moto, ("PUT", demand)) as proxy:
        report = examined(storage_at(moto, proxy.url))
    one(report, "policy-demands", '{"ServerSideEncryption": "AES256"}')
    assert any(text.startswith("Delete") for text in report.passed)


def refuses_header(name, response):
    """A rule: PUT with a header is refused."""
    return "PUT|POST", lambda headers: response if name in headers else None


def test_od_33_an_acl_on_a_bucket_without_acls(moto):
    """The setting to remove is named, and the examination goes on without the ACL."""
    with canned(moto, refuses_header("x-amz-acl", error(400, "AccessControlListNotSupported"))) as proxy:
        storage = storage_at(moto, proxy.url, default_acl="public-read", location="static")
        report = examined(storage)
    one(report, "acl-not-supported", "AccessControlListNotSupported", "default_acl", "--public-prefix static/")
    assert any(text.startswith("Delete") for text in report.passed)


def test_od_34_a_public_acl_under_block_public_access(moto):
    """The same object without the ACL is accepted."""
    with canned(moto, refuses_header("x-amz-acl", DENIED)) as proxy:
        report = examined(storage_at(moto, proxy.url, default_acl="public-read"))
    one(report, "public-acl-blocked", "public-read", "Block Public Access")


@pytest.mark.parametrize(
    ("options", "header", "permission"),
    [
        ({"default_acl": "bucket-owner-full-control"}, "x-amz-acl", "s3:PutObjectAcl"),
        ({"object_parameters": {"Tagging": "a=b"}}, "x-amz-tagging", "s3:PutObjectTagging"),
    ],
)
def test_od_35_a_header_that_needs_a_permission_of_its_own(moto, options, header, permission):
    """The action to allow and the option to remove are named."""
    with canned(moto, refuses_header(header, DENIED)) as proxy:
        report = examined(storage_at(moto, proxy.url, **options))
    one(report, "parameter-denied", permission, "object_parameters")
    assert "write-denied" not in ids(report)
    assert any(text.startswith("Delete") for text in report.passed)


def test_od_35_a_public_acl_without_the_permission(moto):
    """The message names the permission: Block Public Access is not the reason."""
    response = error(403, "AccessDenied", "User: u is not authorized to perform: s3:PutObjectAcl on resource: r")
    with canned(moto, refuses_header("x-amz-acl", response)) as proxy:
        report = examined(storage_at(moto, proxy.url, default_acl="public-read"))
    one(report, "parameter-denied", "ACL='public-read'", "Allow s3:PutObjectAcl")
    assert "public-acl-blocked" not in ids(report)


@pytest.mark.parametrize(
    ("response", "identifier"),
    [
        (error(403, "AccessDenied", "not authorized to perform: kms:GenerateDataKey on resource: arn"), "kms-denied"),
        (error(400, "KMS.DisabledException"), "kms-key"),
        (error(400, "KMS.NotFoundException"), "kms-key"),
    ],
)
def test_od_36_the_key_of_kms(moto, response, identifier):
    """When saving, and when only reading fails."""
    with canned(moto, ("PUT", response)) as proxy:
        report = examined(storage_at(moto, proxy.url))
    one(report, identifier, response[2].decode().partition("<Code>")[2].partition("<")[0])
    with canned(moto, (rf"GET {PROBE}\w+%20%2B.txt(\?x-id|$)", response)) as proxy:
        report = examined(storage_at(moto, proxy.url))
    one(report, identifier)
    assert any(text.startswith("Delete") for text in report.passed)


def test_od_45_conditions_that_are_ignored(rclone):
    """rclone replaces the object. A storage that overwrites files never needs the condition."""
    report = examined(storage_at(rclone))
    one(report, "conditions-ignored", "conditional_writes=False", "200", level="error")
    report = examined(storage_at(rclone, file_overwrite=True))
    one(report, "conditions-ignored", level="note")
    report = examined(storage_at(rclone, conditional_writes=False))
    assert "conditions-ignored" not in ids(report)


@pytest.mark.parametrize("response", [error(501, "NotImplemented"), error(400, "InvalidArgument")])
def test_od_45_conditions_that_are_refused(moto, response):
    """Swift does not know them."""
    with canned(moto, refuses_header("if-none-match", response)) as proxy:
        one(examined(storage_at(moto, proxy.url)), "conditions-refused", "conditional_writes=False")


def test_od_46_trailers_that_are_refused(rclone, certificates):
    """Over https, boto3's own checksums are a trailer, which rclone refuses. Without them, it saves the object."""
    context, bundle = certificates
    with FaultProxy(rclone.endpoint_url, tls=context) as proxy:
        report = examined(storage_at(rclone, proxy.url, verify=bundle, checksums="when_supported"))
        one(report, "checksums-refused", "411", 'checksums="when_required"')
        assert any(text.startswith("Delete") for text in report.passed)
        report = examined(storage_at(rclone, proxy.url, verify=bundle))
    assert "checksums-refused" not in ids(report)


def test_od_46_trailers_that_are_stored(seaweedfs, certificates):
    """SeaweedFS takes the transfer encoding for one of the file."""
    context, bundle = certificates
    with FaultProxy(seaweedfs.endpoint_url, tls=context) as proxy:
        report = examined(storage_at(seaweedfs, proxy.url, verify=bundle, checksums="when_supported"))
    one(report, "aws-chunked", "Content-Encoding: aws-chunked", 'checksums="when_required"')


@pytest.mark.parametrize("code", ["NotImplemented", "InvalidArgument"])
def test_od_46_a_header_that_a_provider_does_not_know(moto, code):
    """R2 and B2 refuse the header."""
    with canned(moto, refuses_header("x-amz-checksum-crc32", error(400, code, "Unsupported header"))) as proxy:
        report = examined(storage_at(moto, proxy.url, checksums="when_supported"))
    one(report, "checksums-refused", "Unsupported header")


def test_od_46_checksums_are_not_blamed_for_what_fails_without_them(moto):
    """The object is saved again without them, and refused again."""
    with canned(moto, ("PUT", error(400, "QuotaExceeded", "full"))) as proxy:
        report = examined(storage_at(moto, proxy.url, checksums="when_supported"))
    assert "checksums-refused" not in ids(report)
    one(report, "unexpected", "QuotaExceeded: full")


def uploads(*entries):
    """A listing of uploads in parts, each a key with the time at which it was started."""
    listed = "".join(
        f"<Upload><Key>{key}</Key><UploadId>u-{key}</UploadId>"
        f"<Initiated>{when:%Y-%m-%dT%H:%M:%S.000Z}</Initiated></Upload>"
        for key, when in entries
    )
    return 200, {}, f"<ListMultipartUploadsResult>{listed}</ListMultipartUploadsResult>".encode()


def test_od_47_uploads_that_were_never_finished(moto):
    """Those of the last day, and the one of the examination, do not count."""
    now = datetime.now(timezone.utc)
    listing = uploads(("a", now - timedelta(days=3)), ("b", now - timedelta(days=2)), ("c", now - timedelta(hours=1)))
    with canned(moto, (r"GET /s3store-tests\?uploads", listing)) as proxy:
        found = one(examined(storage_at(moto, proxy.url)), "parts-left", "2 uploads", "s3 multipart", level="warning")
    assert (now - timedelta(days=3)).date().isoformat() in found.seen
    assert found.fixable
    status, headers, body = listing
    more = body.replace(
        b"</ListMultipartUploadsResult>", b"<IsTruncated>true</IsTruncated></ListMultipartUploadsResult>"
    )
    with canned(moto, (r"GET /s3store-tests\?uploads", (status, headers, more))) as proxy:
        one(examined(storage_at(moto, proxy.url)), "parts-left", "2 or more uploads")


def test_od_47_a_server_whose_uploads_are_old_at_once(moto):
    """moto dates every upload to 2010: the one of the examination is not counted."""
    assert "parts-left" not in ids(examined(storage_at(moto)))


def test_od_47_aborting_is_not_allowed(moto):
    """The upload that is left is named."""
    with canned(moto, ("DELETE .*uploadId", DENIED)) as proxy:
        report = examined(storage_at(moto, proxy.url))
    one(report, "abort-denied", "s3:AbortMultipartUpload", "s3store-doctor-")


def test_od_47_starting_is_not_allowed(moto):
    """Large files could not be saved."""
    with canned(moto, (r"POST .*\?uploads", DENIED)) as proxy:
        one(examined(storage_at(moto, proxy.url)), "multipart-denied", "multipart_threshold")


def test_od_47_listing_uploads_is_not_allowed(moto):
    """The site does not need it: it is a note."""
    with canned(moto, (r"GET /s3store-tests\?uploads", DENIED)) as proxy:
        one(examined(storage_at(moto, proxy.url)), "cannot-tell", "unfinished uploads", level="note")


def test_od_48_a_versioned_bucket_keeps_nothing_of_the_examination(s3_server):
    """The versions of the object are deleted, and its marker."""
    bucket = f"doctor-versions-{s3_server.name}"
    storage = S3Storage(**options_for(s3_server, bucket), location="media")
    storage.client.create_bucket(Bucket=bucket)
    storage.client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    report = examined(storage)
    one(report, "versions-kept", "NoncurrentVersionExpiration", level="warning")
    listed = storage.client.list_object_versions(Bucket=bucket)
    assert [*listed.get("Versions", ()), *listed.get("DeleteMarkers", ())] == []


def test_od_48_versions_that_may_not_be_deleted(moto):
    """They are a note, because the bucket is meant to keep them."""
    with canned(
        moto,
        ("DELETE .*versionId", DENIED),
        (rf"PUT {PROBE}", (200, {"ETag": '"e"', "x-amz-version-id": "v1"}, b"")),
        (rf"GET {PROBE}\w+%20%2B.txt(\?x-id|$)", (200, {"ETag": '"e"'}, BODY)),
    ) as proxy:
        report = examined(storage_at(moto, proxy.url))
        listed = [exchange.target for exchange in proxy.log if "?versions" in exchange.target]
    one(report, "probe-left", "versions", level="note")
    # Only those of the object: other files of a large bucket would take its place in the listing.
    assert ["prefix=doctor" in target for target in listed] == [True]


def test_od_49_archived_files(moto):
    """The first file of the storage has the class; the others are not looked at."""
    storage = storage_at(moto)
    for name in ("old.txt", "older.txt"):
        key = f"{storage.options.location}/{name}"
        storage.client.put_object(Bucket="s3store-tests", Key=key, Body=b"x", StorageClass="GLACIER")
    one(examined(storage), "archived", "GLACIER", "old.txt", level="warning")


def test_od_49_requester_pays(moto):
    """Requests are accepted from those who pay."""
    refuse = (r"GET /s3store-tests", lambda headers: None if "x-amz-request-payer" in headers else DENIED)
    with canned(moto, refuse) as proxy:
        report = examined(storage_at(moto, proxy.url))
    one(report, "requester-pays", '{"RequestPayer": "requester"}')


def test_od_49_a_key_of_the_customer(moto):
    """Browsers cannot open URLs of such files."""
    key = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": "k" * 32}
    report = examined(storage_at(moto, object_parameters=key))
    found = one(report, "customer-key", "SSE-C", level="warning")
    assert "k" * 32 not in str(found)
    assert not {"unexpected", "upload-refused", "signed-url-refused"} & set(ids(report))


def test_content_that_comes_back_changed(moto):
    """A proxy that rewrites files, or a server that loses them."""
    changed = once((200, {"ETag": '"e"'}, b"<html>"))
    with canned(moto, (rf"GET {PROBE}\w+%20%2B.txt(\?x-id|$)", changed)) as proxy:
        one(examined(storage_at(moto, proxy.url)), "content-differs", "6 other bytes")


def test_headers_that_are_lost(rclone):
    """rclone keeps no metadata once it restarts; a server that loses them at once is named with the headers."""
    response = (200, {"ETag": '"e"', "Content-Type": "text/plain"}, BODY)
    with canned(rclone, (rf"GET {PROBE}\w+%20%2B.txt(\?x-id|$)", response)) as proxy:
        storage = storage_at(rclone, proxy.url, object_parameters={"CacheControl": "no-cache", "Metadata": {"A": "b"}})
        one(examined(storage), "headers-lost", "Cache-Control: no-cache", "x-amz-meta-a: b", level="warning")


def test_each_header_that_is_lost_is_named(moto):
    """The server keeps nothing but the content."""
    headers = {
        "ContentType": "text/x-special",
        "CacheControl": "no-cache",
        "ContentDisposition": "attachment",
        "ContentLanguage": "de",
    }
    with canned(moto, (rf"GET {PROBE}\w+%20%2B.txt(\?x-id|$)", (200, {"ETag": '"e"'}, BODY))) as proxy:
        report = examined(storage_at(moto, proxy.url, object_parameters=headers))
    lost = "Content-Type: text/x-special, Cache-Control: no-cache, Content-Disposition: attachment"
    one(report, "headers-lost", f"{lost}, Content-Language: de", level="warning")
    assert "headers-lost" not in ids(examined(storage_at(moto, object_parameters=headers)))


def test_an_object_that_still_exists_after_it_was_deleted(moto):
    """The server says that it has deleted it."""
    with canned(moto, ("DELETE [^?]*(.x-id.*)?$", (204, {}, b""))) as proxy:
        one(examined(storage_at(moto, proxy.url)), "content-differs", "still exists")


def test_a_save_that_fails_for_another_reason(moto):
    """The request and the response are named."""
    with canned(moto, ("PUT", error(400, "QuotaExceeded", "full"))) as proxy:
        found = one(examined(storage_at(moto, proxy.url)), "unexpected", "QuotaExceeded: full")
    assert "PutObject" in found.meaning
